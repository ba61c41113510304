// SPDX-License-Identifier: GPL-2.0-only
/*
 * Processes that share their addresses with devices: binding, the end of the
 * address space, and unbinding behind it. The base refuses to bind on x86, so it
 * has no such rows but for the end of a process that shares nothing.
 */
#include <linux/delay.h>
#include <linux/pid.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>

#include "bench.h"

#define BENCH_ENDS	15

#ifdef BENCH_ENDS_PROCESSES
static const unsigned int bench_slots[] = { 0, 1, 8, 64 };
#else
static const unsigned int bench_slots[] = { 0 };
#endif

static struct bench_series first, second, third;

/* Kill a process; what is left is its address space, in our hands alone. */
static struct mm_struct *bench_orphan(int nr)
{
	struct pid *pid = find_get_pid(nr);
	struct task_struct *task = get_pid_task(pid, PIDTYPE_PID);
	struct mm_struct *mm;

	bench_must(task);
	mm = get_task_mm(task);
	bench_must(mm);
	bench_must(!send_sig(SIGKILL, task, 1));
	while (atomic_read(&mm->mm_users) > 1)
		msleep(20);
	put_task_struct(task);
	put_pid(pid);
	return mm;
}

static int bench_bind(struct bench_devs *bd, struct mm_struct *mm,
		      struct iommu_sva **bonds)
{
	int ret = 0;

	for (int i = 0; i < bd->count; i++) {
		bonds[i] = iommu_sva_bind_device(bd->devs[i], mm);
		ret |= PTR_ERR_OR_ZERO(bonds[i]);
	}
	return ret;
}

static void bench_unbind(struct bench_devs *bd, struct iommu_sva **bonds)
{
	for (int i = 0; i < bd->count; i++)
		iommu_sva_unbind_device(bonds[i]);
}

static void bench_sva_n(const int *pids, unsigned int slots)
{
	struct bench_devs bd = {
		.type = IOMMU_DOMAIN_IDENTITY,
		.pasids = true,
	};
	struct iommu_sva *bonds[64];

	bench_make(&bd, slots);
	for (int i = 0; i < BENCH_ENDS; i++) {
		struct mm_struct *mm = bench_orphan(pids[i]);
		int ret = 0;

		mmgrab(mm);
		BENCH(&first, ret = bench_bind(&bd, mm, bonds));
		bench_must(!ret);
		BENCH(&second, mmput(mm));
		BENCH(&third, bench_unbind(&bd, bonds));
		mmdrop(mm);
		cond_resched();
	}
	if (slots) {
		bench_row_n(&first, "sva_bind, slots:", slots);
		bench_row_n(&third, "sva_unbind of the dead, slots:", slots);
	}
	first.count = 0;
	third.count = 0;
	bench_row_n(&second, "end of a process, slots:", slots);
	bench_unmake(&bd);
}

void bench_sva(const int *pids, unsigned int count)
{
	bench_must(count >= ARRAY_SIZE(bench_slots) * BENCH_ENDS);
	for (int i = 0; i < ARRAY_SIZE(bench_slots); i++)
		bench_sva_n(pids + i * BENCH_ENDS, bench_slots[i]);
}
