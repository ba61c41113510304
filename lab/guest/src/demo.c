// SPDX-License-Identifier: GPL-2.0-only
/*
 * The lab's main job, one line of KTAP per step with what was measured: a user process
 * gets a PCI device, its DMA is translated and confined, others are refused, and the
 * kernel gets the device back. Status 0 only if every step held.
 *
 * Two edu devices of one slot share a group; the first is the process's, the second is
 * what others try to take. With the argument `reasons` a refusal must also be explained
 * in the kernel log.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core_dma.h"

#define PAGE		4096
#define BYTES		EDU_MAX_DMA
#define IOVA		0x10000000
#define OUTSIDE		0x20000000	/* never mapped */
#define STEPS		11
#define WORK_MS		4000
#define REPLACES	10000

static bool want_reasons;
static int step, failed, skipped;

static char first[BDF_LEN], second[BDF_LEN];
static int group, klog, iommufd, device;
static __u32 ioas, dev_id;
static __u8 *memory;	/* two pages that get mapped, and a third that does not */

#define __printf(a, b) __attribute__((format(printf, a, b)))

static void __printf(2, 3) result(bool held, const char *format, ...)
{
	va_list args;

	printf("%s %d ", held ? "ok" : "not ok", ++step);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	fflush(stdout);
	failed += !held;
}

static void skip(const char *what, const char *why)
{
	printf("ok %d # SKIP %s: %s\n", ++step, what, why);
	skipped++;
}

/* A step that the later ones stand on: the rest cannot be measured without it. */
static void go_on_if(bool held)
{
	if (held)
		return;
	printf("Bail out! the other steps build on this one\n");
	exit(1);
}

static const char *name_of(int ret)
{
	return ret < 0 ? strerrorname_np(-ret) : "success";
}

static void groups_found(void)
{
	int i, number, devices = 0, groups = 0;
	char type[32], kind[64] = "";
	struct pci_list members;

	for (number = 0; number < 1024; number++) {
		if (group_members(number, &members))
			continue;
		groups++;
		devices += members.count;
		group_type(number, type, sizeof(type));
		printf("# group %d (%s):", number, type);
		for (i = 0; i < members.count; i++)
			printf(" %s", members.bdf[i]);
		printf("\n");
	}
	if (edu_find_pair(first, second)) {
		result(false, "groups: %d groups, but no two edu devices in one of them", groups);
		go_on_if(false);
	}
	group = pci_group(first);
	group_type(group, kind, sizeof(kind));
	result(true, "groups: %d devices in %d groups; %s and %s share group %d (%s)", devices,
	       groups, first, second, group, kind);
}

static void kernel_uses(const char *when)
{
	int one = pci_bind(first, EDU_DRIVER), two = pci_bind(second, EDU_DRIVER);

	if (!one)
		one = edu_kernel_dma(first, BYTES);
	if (!two)
		two = edu_kernel_dma(second, BYTES);
	result(!one && !two, "kernel driver %s: %s moves %d bytes there and back: %s; %s: %s",
	       when, first, BYTES, name_of(one), second, name_of(two));
}

static void user_claims(void)
{
	int ret;

	ret = pci_unbind(second);
	if (!ret)
		ret = pci_bind(first, "vfio-pci");
	if (!ret) {
		iommufd = iommufd_open();
		device = cdev_open(first);
		ret = cdev_bind(device, iommufd, &dev_id);
	}
	result(!ret, "claim: process %d owns %s, so all of group %d, through iommufd: %s",
	       getpid(), first, group, name_of(ret));
	go_on_if(!ret);
}

/* The kernel's words about a refusal that concerns @bdf */
static bool reason(const char *bdf, char *line, size_t len)
{
	const char *const words[] = { bdf, NULL };

	if (!klog_wait(klog, words, line, len, 200))
		return true;
	snprintf(line, len, "none in the kernel log");
	return false;
}

static void other_process_refused(void)
{
	bool explained;
	char why[512];
	int ret, status;

	/* vfio-pci may be bound beside us: it does no DMA of its own */
	ret = pci_bind(second, "vfio-pci");
	if (ret) {
		result(false, "second claimer: no vfio-pci for %s: %s", second, name_of(ret));
		return;
	}
	klog = klog_open();
	fflush(stdout);
	if (!fork()) {
		int other = iommufd_open(), sibling = cdev_open(second);

		_exit(-cdev_bind(sibling, other, NULL));
	}
	wait(&status);
	ret = WIFEXITED(status) ? -WEXITSTATUS(status) : -ECHILD;
	explained = reason(second, why, sizeof(why)) || !want_reasons;
	result(explained && ret == -EPERM,
	       "second claimer: another process wants %s of the same group: %s; reason: %s",
	       second, name_of(ret), why);
	pci_unbind(second);
	close(klog);
}

static void driver_refused(void)
{
	bool explained;
	char why[512];
	int ret;

	klog = klog_open();
	ret = pci_bind(second, EDU_DRIVER);
	explained = reason(second, why, sizeof(why)) || !want_reasons;
	result(explained && ret == -EBUSY,
	       "kernel driver: %s wants %s of the same group: %s; reason: %s", EDU_DRIVER,
	       second, name_of(ret), why);
	close(klog);
}

static void dma_inside(void)
{
	long wrong;
	int ret;

	pattern_fill(memory, PAGE, 1);
	memset(memory + PAGE, 0, PAGE);
	ret = ioas_alloc(iommufd, &ioas);
	if (!ret)
		ret = ioas_map(iommufd, ioas, memory, 2 * PAGE, IOVA);
	if (!ret) {
		__u32 pt = ioas;

		ret = cdev_attach(device, &pt);
	}
	if (!ret)
		ret = edu_start(device);
	if (!ret)
		ret = edu_fetch(device, IOVA, BYTES);
	if (!ret)
		ret = edu_store(device, IOVA + PAGE, BYTES);
	wrong = pattern_check(memory + PAGE, BYTES, 1);
	result(!ret && wrong < 0 && !memory[PAGE + BYTES],
	       "DMA inside: %d bytes out of IOVA %#x and back to %#x: %s, %s", BYTES, IOVA,
	       IOVA + PAGE, name_of(ret), wrong < 0 ? "all bytes equal" : "bytes differ");
	go_on_if(!ret);
}

static void dma_outside(void)
{
	char line[512] = "none in the kernel log";
	int ret;
	bool told;
	long touched;

	klog = klog_open();

	/* what the device could reach if the IOMMU let it: our memory must stay as it is */
	pattern_fill(memory, 3 * PAGE, 2);
	ret = edu_store(device, OUTSIDE, BYTES);
	told = !klog_wait_fault(klog, first, line, sizeof(line), 3000);
	if (!told && iommu_named(AMD_IOMMU)) {
		snprintf(line, sizeof(line), "the emulated AMD-Vi logs none");
		told = true;
	}
	touched = pattern_check(memory, 3 * PAGE, 2);
	result(!ret && told && touched < 0,
	       "DMA outside: write to IOVA %#x refused, %s; fault: %s", OUTSIDE,
	       touched < 0 ? "no byte changed" : "MEMORY CHANGED", line);
	close(klog);
}

/*
 * The address space replaced under use. The IOVA leads to page 0 in one space and to
 * page 1 in the other. @swaps is odd while a replace is under way.
 */
static atomic_uint swaps;
static atomic_bool stop;

static struct {
	int stores, in[2], misplaced, refused, during;
} landed;

static void *dma_worker(void *unused)
{
	(void)unused;
	while (!stop) {
		unsigned int before, after;
		bool hit[2];
		int i;

		memset(memory, 0, 2 * PAGE);
		before = swaps;
		if (edu_store(device, IOVA, BYTES))
			break;
		after = swaps;
		for (i = 0; i < 2; i++) {
			hit[i] = pattern_check(memory + i * PAGE, BYTES, 3) < 0;
			landed.in[i] += hit[i];
		}
		landed.stores++;
		landed.during += before != after;
		landed.refused += !hit[0] && !hit[1];
		/* with no replace since before the store, only the current space will do */
		if (before == after && !(before & 1))
			landed.misplaced += hit[!(before / 2 % 2)];
		landed.misplaced += hit[0] && hit[1];
	}
	return NULL;
}

/* Replace back and forth: bursts of swaps, then a pause longer than a transfer */
static int swap_for(int ms, const __u32 *space)
{
	struct timespec now, nap = { .tv_nsec = 250 * 1000 * 1000 };
	long long end;
	int i, ret;

	clock_gettime(CLOCK_MONOTONIC, &now);
	end = now.tv_sec * 1000LL + now.tv_nsec / 1000000 + ms;
	do {
		for (i = 0; i < 101; i++) {
			__u32 pt = space[!(swaps / 2 % 2)];

			swaps++;
			ret = cdev_attach(device, &pt);
			swaps++;
			if (ret)
				return ret;
		}
		nanosleep(&nap, NULL);
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (now.tv_sec * 1000LL + now.tv_nsec / 1000000 < end);
	return 0;
}

static void replace_under_use(void)
{
	__u32 space[2];
	pthread_t worker;
	int i, ret = 0;

	pattern_fill(memory, PAGE, 3);
	pattern_fill(memory + 2 * PAGE, PAGE, 3);
	ret = edu_fetch(device, IOVA, BYTES);
	for (i = 0; i < 2 && !ret; i++) {
		ret = ioas_alloc(iommufd, &space[i]);
		if (!ret)
			ret = ioas_map(iommufd, space[i], memory + i * PAGE, PAGE, IOVA);
	}
	if (!ret) {
		__u32 pt = space[0];

		ret = cdev_attach(device, &pt);
	}
	if (ret || pthread_create(&worker, NULL, dma_worker, NULL)) {
		result(false, "replace: cannot set up two address spaces: %s", name_of(ret));
		return;
	}
	ret = swap_for(WORK_MS, space);
	stop = true;
	pthread_join(worker, NULL);
	/* the page that is in neither space */
	landed.misplaced += pattern_check(memory + 2 * PAGE, PAGE, 3) >= 0;
	printf("# %u swaps of the address space: %s; %d DMA writes, %d with a swap under way\n",
	       swaps / 2, name_of(ret), landed.stores, landed.during);
	result(!ret && landed.in[0] && landed.in[1] && !landed.misplaced,
	       "replace under use: %d writes in one space, %d in the other, %d refused, %d astray",
	       landed.in[0], landed.in[1], landed.refused, landed.misplaced);
}

static void user_releases(void)
{
	char type[32] = "?";
	int ret, again;

	ret = cdev_detach(device);
	close(device);
	close(iommufd);
	/* nobody owns it now: the next process may, at once */
	iommufd = iommufd_open();
	device = cdev_open(first);
	again = cdev_bind(device, iommufd, NULL);
	close(device);
	close(iommufd);
	if (!ret)
		ret = pci_unbind(first);
	group_type(group, type, sizeof(type));
	result(!ret && !again, "release: %s; another claim after it: %s; group %d is %s again",
	       name_of(ret), name_of(again), group, type);
}

/*
 * Replaces while requests with a PASID never stop; and the same by detaching and attaching,
 * which is what a kernel without replace can do, for comparison.
 */
static void replace_under_pasid_dma(void)
{
	static const char what[] = "replace under PASID DMA";
	struct dma_tally tally;
	struct dma_rig rig;
	int ret;

	ret = dma_memory(&rig);
	if (!ret)
		ret = dma_open(&rig);
	if (ret == -ENODEV) {
		skip(what, "this machine has no device with PASIDs (lab/device)");
		return;
	}
	if (ret) {
		result(false, "%s: no device: %s", what, name_of(ret));
		return;
	}
	ret = dma_by_module(&rig);
	if (!ret)
		ret = dma_measure(&rig, 1, dma_detach_attach, REPLACES, &tally);
	dma_close(&rig);
	if (!ret)
		printf("# detach and attach: %lu times, %lu requests, %lu failed, %lu misplaced\n",
		       tally.replaces, tally.requests, tally.failed, tally.misplaced);
	else
		printf("# detach and attach: %s\n", name_of(ret));
	if (!rig.pasids) {
		skip(what, "VFIO of this kernel attaches no PASIDs");
		return;
	}
	ret = dma_open(&rig);
	if (!ret) {
		ret = dma_measure(&rig, 1, dma_attach, REPLACES, &tally);
		dma_close(&rig);
	}
	if (ret)
		result(false, "%s: %s", what, name_of(ret));
	else
		result(!tally.failed && !tally.nowhere && !tally.misplaced,
		       "%s: %lu replaces, %lu requests, %lu failed, %lu misplaced", what,
		       tally.replaces, tally.requests, tally.failed, tally.misplaced);
}

int main(int argc, char **argv)
{
	want_reasons = argc > 1 && !strcmp(argv[1], "reasons");
	memory = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return 1;
	printf("TAP version 13\n1..%d\n", STEPS);
	groups_found();
	kernel_uses("first");
	user_claims();
	other_process_refused();
	driver_refused();
	dma_inside();
	dma_outside();
	replace_under_use();
	user_releases();
	kernel_uses("again");
	replace_under_pasid_dma();
	printf("# %d of %d held, %d skipped\n", step - failed - skipped, STEPS, skipped);
	return failed || step != STEPS;
}
