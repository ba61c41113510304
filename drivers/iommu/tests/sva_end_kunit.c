// SPDX-License-Identifier: GPL-2.0-only
/*
 * T10: the end of an address space that devices share, at each moment of a bind
 * and of an unbind, and what its pages' requests are answered.
 */
#include <linux/completion.h>
#include <linux/kthread.h>
#include <linux/mman.h>
#include <linux/mmu_notifier.h>
#include <linux/sched/mm.h>
#include <linux/sched/task.h>
#include <linux/workqueue.h>
#include "mock-iommu.h"

#define ADDR	0x100000UL
#define PAGES	4
#define RACES	200
#define PATIENCE	(10 * HZ)	/* with a core that is broken */

static int sva_end_init(struct kunit *test)
{
	if (!IOMMU_ARCH_HAS_SVA)
		kunit_skip(test, "kernel page tables are freed untold");
	return mock_test_init(test);
}

static void put_users(void *mm)
{
	mmput(mm);
}

static void put_struct(void *mm)
{
	mmdrop(mm);
}

/* A process's address space: it ends by leave(), the memory with the test. */
static struct mm_struct *new_mm(struct kunit *test)
{
	struct mm_struct *mm = mm_alloc();

	KUNIT_ASSERT_NOT_NULL(test, mm);
	mm->task_size = TASK_SIZE;
	mmgrab(mm);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, put_struct,
							   mm));
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, put_users,
							   mm));
	return mm;
}

/* The process exits. */
static void leave(struct kunit *test, struct mm_struct *mm)
{
	kunit_release_action(test, put_users, mm);
}

static struct iommu_sva *bind(struct kunit *test, struct mock_dev *md,
			      struct mm_struct *mm)
{
	struct iommu_sva *bond = iommu_sva_bind_device(&md->dev, mm);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, bond);
	return bond;
}

static void expect_blocked(struct kunit *test, struct mock_dev *md, u32 pasid)
{
	KUNIT_EXPECT_PTR_EQ(test, READ_ONCE(md->hw[pasid]), &md->m->blocked);
}

/* The journal, in which @ stands for the PASID of an address space. */
static void expect_journal(struct kunit *test, struct mm_struct *mm,
			   const char *text)
{
	struct mock_iommu *m = test->priv;
	char want[128] = "";
	size_t len = 0;

	for (; *text; text++)
		if (*text == '@')
			len += scnprintf(want + len, sizeof(want) - len, "%u",
					 mm_get_enqcmd_pasid(mm));
		else
			len += scnprintf(want + len, sizeof(want) - len, "%c",
					 *text);
	KUNIT_EXPECT_STREQ(test, (const char *)m->journal, (const char *)want);
}

/* T10: at once on every device; the rest waits for the unbind. */
static void end_blocks_every_device(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_group_with_pasids(test, 2);
	struct mm_struct *mm = new_mm(test);
	struct iommu_sva *bond = bind(test, md, mm);
	u32 pasid = iommu_sva_get_pasid(bond);

	leave(test, mm);
	expect_journal(test, mm, " d0.@:A d1.@:A d0.@#A d1.@#A");
	KUNIT_EXPECT_FALSE(test, IS_ERR(iommu_attach_handle_get(mock_group(md),
								pasid, 0)));
	KUNIT_EXPECT_EQ(test, iommu_sva_get_pasid(bond), pasid);
	KUNIT_EXPECT_EQ(test, mock_live_domains(m), 1);

	mock_journal_clear(m);
	iommu_sva_unbind_device(bond);
	expect_journal(test, mm, " d0.@-A d1.@-A");
	KUNIT_EXPECT_EQ(test, mock_live_domains(m), 0);
}

/* T10: who unbinds a living process leaves by the same door. */
static void unbind_blocks_before_it_removes(struct kunit *test)
{
	struct mock_dev *md = mock_group_with_pasids(test, 1);
	struct mm_struct *mm = new_mm(test);

	iommu_sva_unbind_device(bind(test, md, mm));
	expect_journal(test, mm, " d0.@:A d0.@#A d0.@-A");
	leave(test, mm);
	expect_journal(test, mm, " d0.@:A d0.@#A d0.@-A");
}

/**
 * struct end_at - the address space ends in the middle of a driver's call
 * @op: which
 * @md: for which device
 * @test: the test
 * @mm: the address space
 * @seen: what the hardware of @look had right afterwards
 * @look: the device to look at
 */
struct end_at {
	enum mock_op op;
	struct mock_dev *md;
	struct kunit *test;
	struct mm_struct *mm;
	struct iommu_domain *seen;
	struct mock_dev *look;
};

static void end_here(struct mock_iommu *m, enum mock_op op,
		     struct mock_dev *md, ioasid_t pasid)
{
	struct end_at *at = m->on_call_data;

	if (op != at->op || md != at->md)
		return;
	m->on_call = NULL;
	leave(at->test, at->mm);
	if (at->look)
		at->seen = at->look->hw[pasid];
}

static void set_end(struct mock_iommu *m, struct end_at *at)
{
	m->on_call_data = at;
	m->on_call = end_here;
}

/* T10: between the first driver call and the last one of a bind. */
static void end_in_a_bind_comes_behind_it(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_group_with_pasids(test, 3);
	struct iommu_sva *bond;
	u32 pasid;

	for (int i = 0; i < 3; i++) {
		struct end_at at = {
			.op = MOCK_SET_PASID, .md = m->devs[i], .test = test,
			.mm = new_mm(test),
		};

		set_end(m, &at);
		bond = bind(test, md, at.mm);
		KUNIT_EXPECT_NULL(test, m->on_call);
		flush_work(&at.mm->async_put_work);
		pasid = iommu_sva_get_pasid(bond);
		for (int k = 0; k < 3; k++)
			expect_blocked(test, m->devs[k], pasid);
		iommu_sva_unbind_device(bond);
		mock_expect_pasid(test, md, pasid, NULL);
		KUNIT_EXPECT_EQ(test, mock_live_domains(m), 0);
	}
}

/* T10, T4: the bind fails as well. */
static void end_in_a_failing_bind_leaves_nothing(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_group_with_pasids(test, 2);
	struct end_at at = {
		.op = MOCK_SET_PASID, .md = m->devs[1], .test = test,
		.mm = new_mm(test),
	};

	set_end(m, &at);
	mock_fail(m, MOCK_SET_PASID, m->devs[1], -EIO);
	KUNIT_EXPECT_PTR_EQ(test, (struct iommu_sva *)ERR_PTR(-EIO),
			    iommu_sva_bind_device(&md->dev, at.mm));
	flush_work(&at.mm->async_put_work);
	expect_journal(test, at.mm, " d0.@:A d1.@:A!-5 d0.@#A d0.@-A");
	KUNIT_EXPECT_TRUE(test, xa_empty(&mock_group(md)->pasids));
	KUNIT_EXPECT_EQ(test, mock_live_domains(m), 0);
}

/*
 * T10: while the driver removes one device, the other one is blocked. All of the
 * core's mutexes are held by the very thread in which the process exits.
 */
static void end_in_an_unbind_blocks_the_rest(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_group_with_pasids(test, 2);
	struct end_at at = {
		.op = MOCK_REMOVE_PASID, .md = md, .test = test,
		.mm = new_mm(test), .look = m->devs[1],
	};
	struct iommu_sva *bond = bind(test, md, at.mm);

	mock_journal_clear(m);
	set_end(m, &at);
	iommu_sva_unbind_device(bond);
	KUNIT_EXPECT_PTR_EQ(test, at.seen, &m->blocked);
	expect_journal(test, at.mm, " d0.@#A d1.@#A d0.@-A d1.@-A");
	KUNIT_EXPECT_EQ(test, mock_live_domains(m), 0);
}

/* T10: behind the last removal nothing is left to block. */
static void end_in_the_last_removal_finds_nothing(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_group_with_pasids(test, 1);
	struct end_at at = {
		.op = MOCK_REMOVE_PASID, .md = md, .test = test,
		.mm = new_mm(test),
	};
	struct iommu_sva *bond = bind(test, md, at.mm);

	set_end(m, &at);
	iommu_sva_unbind_device(bond);
	KUNIT_EXPECT_EQ(test, m->calls[MOCK_BLOCK_PASID], 1);
	KUNIT_EXPECT_EQ(test, mock_live_domains(m), 0);
}

struct racer {
	struct work_struct work;
	struct mm_struct *mm;
};

static void put_users_work(struct work_struct *work)
{
	mmput(container_of(work, struct racer, work)->mm);
}

/* T10: side by side; the mock complains if a call is missing or one too many. */
static void end_races_with_unbind(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_group_with_pasids(test, 2);
	struct iommu_sva *bond;
	struct racer racer;
	u32 pasid;

	INIT_WORK_ONSTACK(&racer.work, put_users_work);
	for (int i = 0; i < RACES; i++) {
		racer.mm = mm_alloc();
		KUNIT_ASSERT_NOT_NULL(test, racer.mm);
		bond = bind(test, md, racer.mm);
		pasid = iommu_sva_get_pasid(bond);
		queue_work(system_unbound_wq, &racer.work);
		iommu_sva_unbind_device(bond);
		mock_expect_pasid(test, md, pasid, NULL);
		flush_work(&racer.work);
		mock_journal_clear(m);
	}
	destroy_work_on_stack(&racer.work);
	KUNIT_EXPECT_EQ(test, m->calls[MOCK_BLOCK_PASID], 2 * RACES);
	KUNIT_EXPECT_EQ(test, m->calls[MOCK_REMOVE_PASID], 2 * RACES);
	KUNIT_EXPECT_EQ(test, mock_live_domains(m), 0);
}

/* Two devices, one address space: all of it ends everywhere. */
static void end_reaches_every_group(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_group_with_pasids(test, 1);
	struct mock_dev *far = mock_add_pasid(m, 1);
	struct mm_struct *mm = new_mm(test);
	struct iommu_sva *one = bind(test, md, mm), *two = bind(test, far, mm);
	u32 pasid = iommu_sva_get_pasid(one);

	leave(test, mm);
	expect_blocked(test, md, pasid);
	expect_blocked(test, far, pasid);
	iommu_sva_unbind_device(one);
	mock_expect_pasid(test, md, pasid, NULL);
	expect_blocked(test, far, pasid);
	iommu_sva_unbind_device(two);
	KUNIT_EXPECT_EQ(test, mock_live_domains(m), 0);
}

/* One device, two address spaces: the other one lives. */
static void end_spares_the_other_process(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_group_with_pasids(test, 1);
	struct mm_struct *mm = new_mm(test), *other = new_mm(test);
	struct iommu_sva *one = bind(test, md, mm), *two = bind(test, md, other);
	struct iommu_domain *domain = md->hw[iommu_sva_get_pasid(two)];

	leave(test, mm);
	expect_blocked(test, md, iommu_sva_get_pasid(one));
	KUNIT_EXPECT_PTR_EQ(test, md->hw[iommu_sva_get_pasid(two)], domain);
	iommu_sva_unbind_device(one);
	KUNIT_EXPECT_PTR_EQ(test, md->hw[iommu_sva_get_pasid(two)], domain);
	iommu_sva_unbind_device(two);
	KUNIT_EXPECT_EQ(test, mock_live_domains(m), 0);
}

/* Whose last thread has left can be bound no more, also not once again. */
static void bind_of_an_ended_process_is_refused(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_group_with_pasids(test, 1);
	struct mm_struct *mm = new_mm(test), *never = new_mm(test);
	struct iommu_sva *bond = bind(test, md, mm);
	enum iommu_refusal why = IOMMU_REFUSED_USER;
	int error = 0;

	leave(test, mm);
	leave(test, never);
	mock_journal_clear(m);
	KUNIT_EXPECT_PTR_EQ(test, (struct iommu_sva *)ERR_PTR(-ESRCH),
			    iommu_sva_bind_device(&md->dev, mm));
	KUNIT_EXPECT_PTR_EQ(test, (struct iommu_sva *)ERR_PTR(-ESRCH),
			    iommu_sva_bind_device(&md->dev, never));
	KUNIT_EXPECT_FALSE(test, mm_valid_pasid(never));
	MOCK_EXPECT_JOURNAL(test, m, "");
	scoped_guard(iommu_group, mock_group(md))
		KUNIT_EXPECT_TRUE(test, iommu_last_refusal(mock_group(md), &why,
							   &error));
	KUNIT_EXPECT_EQ(test, why, IOMMU_REFUSED_SVA_GONE);
	KUNIT_EXPECT_EQ(test, error, -ESRCH);
	iommu_sva_unbind_device(bond);
	KUNIT_EXPECT_EQ(test, mock_live_domains(m), 0);
}

/* The number is the dead process's until all devices have let go. */
static void pasid_is_kept_until_the_unbind(struct kunit *test)
{
	struct mock_dev *md = mock_group_with_pasids(test, 1);
	struct mock_dev *far = mock_add_pasid(test->priv, 1);
	struct iommu_sva *one, *two, *next, *last;
	struct mm_struct *mm = mm_alloc();
	u32 pasid;

	KUNIT_ASSERT_NOT_NULL(test, mm);
	one = bind(test, md, mm);
	two = bind(test, far, mm);
	pasid = iommu_sva_get_pasid(one);
	mmput(mm);
	next = bind(test, md, new_mm(test));
	KUNIT_EXPECT_NE(test, iommu_sva_get_pasid(next), pasid);
	iommu_sva_unbind_device(one);
	last = bind(test, md, new_mm(test));
	KUNIT_EXPECT_NE(test, iommu_sva_get_pasid(last), pasid);
	iommu_sva_unbind_device(last);
	iommu_sva_unbind_device(two);
	last = bind(test, md, new_mm(test));
	KUNIT_EXPECT_EQ(test, iommu_sva_get_pasid(last), pasid);
	iommu_sva_unbind_device(last);
	iommu_sva_unbind_device(next);
}

static void pause(struct mock_dev *md, bool on)
{
	struct iommu_group *group = mock_group(md);
	struct group_device *gdev;

	guard(iommu_group)(group);
	gdev = iommu_group_find_member(group, &md->dev);
	if (on)
		iommu_member_pause(gdev);
	else
		iommu_member_resume(gdev);
}

/* T10: a device that is being reset does not get a dead process back. */
static void end_during_a_reset_stays(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_group_with_pasids(test, 2);
	struct mm_struct *mm = new_mm(test);
	struct iommu_sva *bond = bind(test, md, mm);
	u32 pasid = iommu_sva_get_pasid(bond);

	pause(md, true);
	leave(test, mm);
	expect_blocked(test, m->devs[1], pasid);
	pause(md, false);
	KUNIT_EXPECT_NULL(test, md->hw[pasid]);
	expect_blocked(test, m->devs[1], pasid);
	iommu_sva_unbind_device(bond);
	mock_expect_pasid(test, md, pasid, NULL);
	KUNIT_EXPECT_EQ(test, mock_live_domains(m), 0);
}

/* T8, T10: a newcomer shares the living and does not get the dead. */
static void newcomer_joins_the_living_only(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_group_with_pasids(test, 1), *second, *third;
	struct mm_struct *mm = new_mm(test);
	struct iommu_sva *bond = bind(test, md, mm);
	u32 pasid = iommu_sva_get_pasid(bond);

	second = mock_add_pasid(m, 0);
	KUNIT_EXPECT_PTR_EQ(test, second->hw[pasid], md->hw[pasid]);
	leave(test, mm);
	expect_blocked(test, second, pasid);
	third = mock_add_pasid(m, 0);
	KUNIT_EXPECT_NULL(test, third->hw[pasid]);
	mock_unplug(second);
	iommu_sva_unbind_device(bond);
	mock_expect_pasid(test, md, pasid, NULL);
	KUNIT_EXPECT_EQ(test, mock_live_domains(m), 0);
}

/* A driver that would have to be waited for cannot share at all. */
static void driver_that_cannot_block_is_refused(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_group_with_pasids(test, 1);
	enum iommu_refusal why = IOMMU_REFUSED_USER;
	int error = 0;

	m->sva_ops.block_dev_pasid = NULL;
	KUNIT_EXPECT_PTR_EQ(test, (struct iommu_sva *)ERR_PTR(-EOPNOTSUPP),
			    iommu_sva_bind_device(&md->dev, new_mm(test)));
	MOCK_EXPECT_JOURNAL(test, m, "");
	scoped_guard(iommu_group, mock_group(md))
		KUNIT_EXPECT_TRUE(test, iommu_last_refusal(mock_group(md), &why,
							   &error));
	KUNIT_EXPECT_EQ(test, why, IOMMU_REFUSED_SVA_DRIVER);
	KUNIT_EXPECT_EQ(test, mock_live_domains(m), 0);
}

/* T10: nobody takes the slot away from under the process. */
static void slot_of_a_process_is_not_replaced(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md;
	struct iommu_attach_handle handle = {};
	struct iommu_domain *a, *shared;
	struct iommu_sva *bond;
	u32 pasid;

	m->ops.pasid_replace = 1;
	md = mock_group_with_pasids(test, 1);
	bond = bind(test, md, new_mm(test));
	pasid = iommu_sva_get_pasid(bond);
	shared = md->hw[pasid];
	a = mock_paging(md);
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP,
			iommu_replace_device_pasid(a, &md->dev, pasid,
						   &handle));
	mock_expect_pasid(test, md, pasid, shared);
	KUNIT_ASSERT_EQ(test, 0, iommu_attach_device_pasid(a, &md->dev, 9,
							   &handle));
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP,
			iommu_replace_device_pasid(shared, &md->dev, 9,
						   &bond->handle));
	mock_expect_pasid(test, md, 9, a);
	iommu_detach_device_pasid(a, &md->dev, 9);
	iommu_sva_unbind_device(bond);
	iommu_domain_free(a);
}

/* What the processor forgets the IOMMU forgets, as long as it may have it. */
static void changes_are_flushed_while_bound(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_group_with_pasids(test, 1);
	struct mm_struct *mm = new_mm(test);
	struct iommu_sva *bond = bind(test, md, mm);

	mock_journal_clear(m);
	mmu_notifier_arch_invalidate_secondary_tlbs(mm, 0x1000, 0x3000);
	MOCK_EXPECT_JOURNAL(test, m, " A[1000,3000)");
	iommu_sva_unbind_device(bond);
	mock_journal_clear(m);
	mmu_notifier_arch_invalidate_secondary_tlbs(mm, 0x1000, 0x3000);
	MOCK_EXPECT_JOURNAL(test, m, "");
}

/**
 * struct child - a process of its own
 * @md: the device it binds
 * @parent: the address space it was forked from
 * @inherited: it had the parent's PASID
 * @bond: its own
 * @mm: its address space, which the test does not hold
 * @bound: @bond is there
 * @leave: exit now
 * @ended: its PASID was blocked
 */
struct child {
	struct mock_dev *md;
	struct mm_struct *parent;
	bool inherited;
	struct iommu_sva *bond;
	struct mm_struct *mm;
	struct completion bound;
	struct completion leave;
	struct completion ended;
};

static int child_main(void *data)
{
	struct child *child = data;

	child->mm = current->mm;
	child->inherited = mm_valid_pasid(current->mm);
	child->bond = iommu_sva_bind_device(&child->md->dev, current->mm);
	complete(&child->bound);
	wait_for_completion(&child->leave);
	do_exit(0);
}

static void child_ended(struct mock_iommu *m, enum mock_op op,
			struct mock_dev *md, ioasid_t pasid)
{
	struct child *child = m->on_call_data;

	if (op == MOCK_BLOCK_PASID)
		complete(&child->ended);
}

static void fork_from(struct kunit *test, struct child *child)
{
	struct kernel_clone_args args = {
		.flags = CLONE_FS | CLONE_FILES,
		.fn = child_main,
		.fn_arg = child,
	};
	pid_t pid;

	init_completion(&child->bound);
	init_completion(&child->leave);
	init_completion(&child->ended);
	kthread_use_mm(child->parent);
	pid = kernel_clone(&args);
	kthread_unuse_mm(child->parent);
	KUNIT_ASSERT_GT(test, pid, 0);
	KUNIT_ASSERT_NE(test, 0, wait_for_completion_timeout(&child->bound,
							     PATIENCE));
}

/* Tables of the kernel are forgotten by all who share some, and by nobody else. */
static void kernel_tables_are_flushed_for_all(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_group_with_pasids(test, 1);
	struct mm_struct *one = new_mm(test), *two = new_mm(test);
	struct iommu_sva *first = bind(test, md, one);
	struct iommu_sva *second = bind(test, md, two);

	mock_journal_clear(m);
	iommu_flush_kernel_tables(0x1000, 0x3000);
	expect_journal(test, one, " A[1000,3000) B[1000,3000)");

	iommu_sva_unbind_device(first);
	mock_journal_clear(m);
	iommu_flush_kernel_tables(0x1000, 0x3000);
	expect_journal(test, two, " B[1000,3000)");

	iommu_sva_unbind_device(second);
	mock_journal_clear(m);
	iommu_flush_kernel_tables(0x1000, 0x3000);
	expect_journal(test, two, "");
}

/* Fork and exit: the child has neither the parent's PASID nor its end. */
static void child_has_a_bond_and_an_end_of_its_own(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_group_with_pasids(test, 1);
	struct child child = { .md = md, .parent = new_mm(test) };
	struct iommu_sva *bond = bind(test, md, child.parent);
	u32 pasid = iommu_sva_get_pasid(bond), own = 0;
	struct iommu_domain *domain = md->hw[pasid];

	m->on_call_data = &child;
	m->on_call = child_ended;
	fork_from(test, &child);
	KUNIT_EXPECT_PTR_NE(test, child.mm, child.parent);
	KUNIT_EXPECT_FALSE(test, child.inherited);
	KUNIT_EXPECT_FALSE(test, IS_ERR_OR_NULL(child.bond));
	if (!IS_ERR_OR_NULL(child.bond))
		own = iommu_sva_get_pasid(child.bond);
	KUNIT_EXPECT_NE(test, own, pasid);
	KUNIT_EXPECT_PTR_NE(test, md->hw[own], domain);

	complete(&child.leave);
	KUNIT_EXPECT_NE(test, 0, wait_for_completion_timeout(&child.ended,
							     PATIENCE));
	expect_blocked(test, md, own);
	KUNIT_EXPECT_PTR_EQ(test, md->hw[pasid], domain);
	m->on_call = NULL;
	if (own)
		iommu_sva_unbind_device(child.bond);
	iommu_sva_unbind_device(bond);
	KUNIT_EXPECT_EQ(test, mock_live_domains(m), 0);
}

/* Exec: the task goes on in another address space, which is not shared. */
static void exec_ends_the_bond(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_group_with_pasids(test, 1);
	struct mm_struct *before = new_mm(test), *after = new_mm(test);
	struct iommu_sva *old, *new;

	kthread_use_mm(before);
	old = iommu_sva_bind_device(&md->dev, current->mm);
	kthread_unuse_mm(before);
	KUNIT_ASSERT_FALSE(test, IS_ERR_OR_NULL(old));
	leave(test, before);
	expect_blocked(test, md, iommu_sva_get_pasid(old));

	kthread_use_mm(after);
	KUNIT_EXPECT_FALSE(test, mm_valid_pasid(current->mm));
	new = iommu_sva_bind_device(&md->dev, current->mm);
	kthread_unuse_mm(after);
	KUNIT_ASSERT_FALSE(test, IS_ERR_OR_NULL(new));
	KUNIT_EXPECT_NE(test, iommu_sva_get_pasid(new),
			iommu_sva_get_pasid(old));
	iommu_sva_unbind_device(old);
	iommu_sva_unbind_device(new);
	KUNIT_EXPECT_EQ(test, mock_live_domains(m), 0);
}

/* ---- Page requests ------------------------------------------------------- */

/* A bound device that asks for pages, and memory at ADDR of the process. */
static struct iommu_sva *bind_asking(struct kunit *test, struct mock_dev *md,
				     struct mm_struct *mm, int prot)
{
	unsigned long addr;

	KUNIT_ASSERT_EQ(test, 0,
			iommu_dev_enable_feature(&md->dev,
						 IOMMU_DEV_FEAT_IOPF));
	arch_pick_mmap_layout(mm, &current->signal->rlim[RLIMIT_STACK]);
	kthread_use_mm(mm);
	addr = vm_mmap(NULL, ADDR, PAGES * PAGE_SIZE, prot,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, 0);
	kthread_unuse_mm(mm);
	KUNIT_ASSERT_EQ(test, addr, ADDR);
	return bind(test, md, mm);
}

/* Resolved: the page is there afterwards. */
static void page_request_brings_the_page(struct kunit *test)
{
	struct mock_dev *md = mock_group_with_pasids(test, 1);
	struct mm_struct *mm = new_mm(test);
	struct iommu_sva *bond;

	bond = bind_asking(test, md, mm, PROT_READ | PROT_WRITE);
	KUNIT_EXPECT_EQ(test, get_mm_counter_sum(mm, MM_ANONPAGES), 0);
	KUNIT_EXPECT_EQ(test, IOMMU_PAGE_RESP_SUCCESS,
			mock_request_page(md, iommu_sva_get_pasid(bond), ADDR,
					  IOMMU_FAULT_PERM_READ |
					  IOMMU_FAULT_PERM_WRITE));
	KUNIT_EXPECT_EQ(test, get_mm_counter_sum(mm, MM_ANONPAGES), 1);
	iommu_sva_unbind_device(bond);
}

/* Failed: what the process itself may not do the device may not do. */
static void page_request_of_what_is_not_there_fails(struct kunit *test)
{
	struct mock_dev *md = mock_group_with_pasids(test, 1);
	struct iommu_faults *faults = &md->dev.iommu->faults;
	struct mm_struct *mm = new_mm(test);
	struct iommu_sva *bond;
	u32 pasid;

	bond = bind_asking(test, md, mm, PROT_READ);
	pasid = iommu_sva_get_pasid(bond);
	KUNIT_EXPECT_EQ(test, IOMMU_PAGE_RESP_INVALID,
			mock_request_page(md, pasid, ADDR + PAGES * PAGE_SIZE,
					  IOMMU_FAULT_PERM_READ));
	KUNIT_EXPECT_EQ(test, IOMMU_PAGE_RESP_INVALID,
			mock_request_page(md, pasid, ADDR,
					  IOMMU_FAULT_PERM_WRITE));
	KUNIT_EXPECT_EQ(test, IOMMU_PAGE_RESP_INVALID,
			mock_request_page(md, pasid, ADDR,
					  IOMMU_FAULT_PERM_EXEC));
	KUNIT_EXPECT_EQ(test, IOMMU_PAGE_RESP_INVALID,
			mock_request_page(md, pasid + 1, ADDR,
					  IOMMU_FAULT_PERM_READ));
	KUNIT_EXPECT_EQ(test, IOMMU_PAGE_RESP_SUCCESS,
			mock_request_page(md, pasid, ADDR,
					  IOMMU_FAULT_PERM_READ));
	/* Those that reached the address space count as its faults. */
	KUNIT_EXPECT_EQ(test, faults->pasids[0].pasid, pasid);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&faults->pasids[0].count), 3);
	iommu_sva_unbind_device(bond);
}

/* Process gone: answered all the same, before the unbind and behind it. */
static void page_request_of_a_dead_process_fails(struct kunit *test)
{
	struct mock_dev *md = mock_group_with_pasids(test, 1);
	struct mm_struct *mm = new_mm(test);
	struct iommu_sva *bond;
	u32 pasid;

	bond = bind_asking(test, md, mm, PROT_READ | PROT_WRITE);
	pasid = iommu_sva_get_pasid(bond);
	leave(test, mm);
	KUNIT_EXPECT_EQ(test, IOMMU_PAGE_RESP_INVALID,
			mock_request_page(md, pasid, ADDR,
					  IOMMU_FAULT_PERM_READ));
	iommu_sva_unbind_device(bond);
	KUNIT_EXPECT_EQ(test, IOMMU_PAGE_RESP_INVALID,
			mock_request_page(md, pasid, ADDR,
					  IOMMU_FAULT_PERM_READ));
}

static struct kunit_case sva_end_cases[] = {
	KUNIT_CASE(end_blocks_every_device),
	KUNIT_CASE(unbind_blocks_before_it_removes),
	KUNIT_CASE(end_in_a_bind_comes_behind_it),
	KUNIT_CASE(end_in_a_failing_bind_leaves_nothing),
	KUNIT_CASE(end_in_an_unbind_blocks_the_rest),
	KUNIT_CASE(end_in_the_last_removal_finds_nothing),
	KUNIT_CASE(end_races_with_unbind),
	KUNIT_CASE(end_reaches_every_group),
	KUNIT_CASE(end_spares_the_other_process),
	KUNIT_CASE(bind_of_an_ended_process_is_refused),
	KUNIT_CASE(pasid_is_kept_until_the_unbind),
	KUNIT_CASE(end_during_a_reset_stays),
	KUNIT_CASE(newcomer_joins_the_living_only),
	KUNIT_CASE(driver_that_cannot_block_is_refused),
	KUNIT_CASE(slot_of_a_process_is_not_replaced),
	KUNIT_CASE(changes_are_flushed_while_bound),
	KUNIT_CASE(kernel_tables_are_flushed_for_all),
	KUNIT_CASE(child_has_a_bond_and_an_end_of_its_own),
	KUNIT_CASE(exec_ends_the_bond),
	KUNIT_CASE(page_request_brings_the_page),
	KUNIT_CASE(page_request_of_what_is_not_there_fails),
	KUNIT_CASE(page_request_of_a_dead_process_fails),
	{}
};

static struct kunit_suite sva_end_suite = {
	.name = "iommu_sva_end",
	.init = sva_end_init,
	.test_cases = sva_end_cases,
};

kunit_test_suite(sva_end_suite);
