// SPDX-License-Identifier: GPL-2.0-only
/*
 * A process shares its addresses with a device: the lab's, which writes and reads by the
 * PASID of the process, on an IOMMU that walks the page table of the process itself.
 * Nothing is pinned and nothing is mapped for the device; the pages are touched, for the
 * device has no page requests.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core_dma.h"
#include "core_test.h"

#define PAGE		4096UL
#define BYTES		(64 * PAGE)	/* that a channel goes through */
#define REQUESTS	(BYTES / 64)
#define NS		1000		/* between two requests of a channel */
#define DEATHS		10
#define PATIENCE_MS	10000
#define STATE		"/sys/kernel/debug/iommu/groups"

/* An address of the kernel, in every process, and mapped: the first of its text */
#define KERNEL		0xffffffff81000000UL

FIXTURE(sva)
{
	char bdf[BDF_LEN];
	int file;
	__u64 *bar;		/* the device's registers */
};

static __u64 get(__u64 *bar, int ch, __u64 reg)
{
	return __atomic_load_n(&bar[(DMA_CHANNEL(ch) + reg) / 8], __ATOMIC_SEQ_CST);
}

static void set(__u64 *bar, int ch, __u64 reg, __u64 value)
{
	__atomic_store_n(&bar[(DMA_CHANNEL(ch) + reg) / 8], value, __ATOMIC_RELEASE);
}

/* @how: DMA_READ or 0, DMA_STRICT or 0; @limit requests, or, if 0, until it is stopped */
static void start(__u64 *bar, int ch, __u32 pasid, const void *at, __u64 how,
		  __u64 limit)
{
	set(bar, ch, DMA_PASID, pasid);
	set(bar, ch, DMA_IOVA, (unsigned long)at);
	set(bar, ch, DMA_WINDOW, BYTES);
	set(bar, ch, DMA_PERIOD, NS);
	set(bar, ch, DMA_LIMIT, limit);
	set(bar, ch, DMA_CONTROL, DMA_RUN | DMA_WITH_PASID | how);
}

static void stop(__u64 *bar, int ch)
{
	set(bar, ch, DMA_CONTROL, 0);
}

static void finish(__u64 *bar, int ch)
{
	while (get(bar, ch, DMA_CONTROL) & DMA_RUN)
		usleep(1000);
}

/* Let channel @ch make @requests more. */
static void go_on(__u64 *bar, int ch, __u64 requests)
{
	__u64 until = get(bar, ch, DMA_SEQUENCE) + requests;

	while (get(bar, ch, DMA_SEQUENCE) < until)
		usleep(1000);
}

/* What request @seq of channel @ch writes as word @i */
static __u64 word(__u64 seq, int ch, int i)
{
	return seq << 8 | ch << 4 | i;
}

/* Has each of @REQUESTS requests of channel @ch landed, whole? */
static bool all_landed(const void *memory, int ch)
{
	const __u64 (*slot)[DMA_WORDS] = memory;
	__u64 seq;
	int i;

	for (seq = 1; seq <= REQUESTS; seq++)
		for (i = 0; i < DMA_WORDS; i++)
			if (slot[seq % REQUESTS][i] != word(seq, ch, i))
				return false;
	return true;
}

static bool untouched(const void *memory)
{
	const __u64 *at = memory;
	unsigned long i;

	for (i = 0; i < BYTES / 8; i++)
		if (at[i])
			return false;
	return true;
}

static void *memory_at(void *at, int share)
{
	return mmap(at, BYTES, PROT_READ | PROT_WRITE,
		    share | MAP_ANONYMOUS | MAP_POPULATE | (at ? MAP_FIXED : 0), -1, 0);
}

/* Share the caller's addresses with the device; the PASID, or a negative errno. */
static int bind_to(int file)
{
	char text[16] = "";

	if (write(file, "bind", 4) != 4)
		return -errno;
	if (pread(file, text, sizeof(text) - 1, 0) <= 0)
		return -errno;
	return atoi(text);
}

FIXTURE_SETUP(sva)
{
	struct pci_list found;
	int ret;

	self->file = -1;
	self->bar = MAP_FAILED;
	ASSERT_EQ(0, pci_find(DMA_VENDOR, DMA_DEVICE, &found));
	if (!found.count)
		SKIP(return, "no lab-pasid-dma device, machine vtd-sva of the lab has one");
	memcpy(self->bdf, found.bdf[0], BDF_LEN);
	ret = pci_bind(self->bdf, "lab_sva");
	if (ret == -ENODEV || ret == -EINVAL)
		SKIP(return, "this IOMMU cannot walk the page tables of processes");
	ASSERT_EQ(0, ret);
	self->file = open("/dev/lab_sva", O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->file);
	self->bar = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, self->file, 0);
	ASSERT_NE(MAP_FAILED, self->bar);
}

FIXTURE_TEARDOWN(sva)
{
	int ch;

	if (self->bar == MAP_FAILED)
		return;
	for (ch = 0; ch < 4; ch++)
		stop(self->bar, ch);
	munmap(self->bar, PAGE);
	close(self->file);
	EXPECT_EQ(0, pci_unbind(self->bdf));
}

TEST_F(sva, device_writes_and_reads_by_the_process_addresses)
{
	int pasid = bind_to(self->file);
	__u64 (*memory)[DMA_WORDS] = memory_at(NULL, MAP_PRIVATE);

	ASSERT_LT(0, pasid);
	ASSERT_NE(MAP_FAILED, (void *)memory);
	start(self->bar, 0, pasid, memory, DMA_STRICT, REQUESTS);
	finish(self->bar, 0);
	EXPECT_EQ(REQUESTS, get(self->bar, 0, DMA_WRITTEN));
	EXPECT_EQ(0, get(self->bar, 0, DMA_FAILED));
	EXPECT_TRUE(all_landed(memory, 0));

	start(self->bar, 1, pasid, memory, DMA_STRICT | DMA_READ, 5);
	finish(self->bar, 1);
	EXPECT_EQ(5, get(self->bar, 1, DMA_WRITTEN));
	EXPECT_EQ(word(5, 0, 0), get(self->bar, 1, DMA_SEEN));
	memory[5][0] = 0x5eed;
	start(self->bar, 1, pasid, memory, DMA_STRICT | DMA_READ, 5);
	finish(self->bar, 1);
	EXPECT_EQ(0x5eed, get(self->bar, 1, DMA_SEEN));
	EXPECT_EQ(0, munmap(memory, BYTES));
}

/* Nothing more than the process itself may do, and nobody else's PASID. */
TEST_F(sva, device_may_what_the_process_may)
{
	int pasid = bind_to(self->file);
	void *memory = memory_at(NULL, MAP_PRIVATE);

	ASSERT_LT(0, pasid);
	ASSERT_EQ(0, mprotect(memory, BYTES, PROT_READ));
	start(self->bar, 0, pasid, memory, 0, REQUESTS);
	start(self->bar, 1, pasid, memory, DMA_READ, REQUESTS);
	start(self->bar, 2, pasid, (void *)KERNEL, DMA_READ, REQUESTS);
	start(self->bar, 3, pasid + 1, memory, DMA_READ, REQUESTS);
	finish(self->bar, 0);
	finish(self->bar, 1);
	finish(self->bar, 2);
	finish(self->bar, 3);
	EXPECT_EQ(REQUESTS, get(self->bar, 0, DMA_FAILED));
	EXPECT_TRUE(untouched(memory));
	EXPECT_EQ(REQUESTS, get(self->bar, 1, DMA_WRITTEN));
	EXPECT_EQ(REQUESTS, get(self->bar, 2, DMA_FAILED));
	EXPECT_EQ(REQUESTS, get(self->bar, 3, DMA_FAILED));

	/* and not for ever */
	ASSERT_EQ(0, mprotect(memory, BYTES, PROT_READ | PROT_WRITE));
	memset(memory, 0, BYTES);
	start(self->bar, 0, pasid, memory, 0, REQUESTS);
	finish(self->bar, 0);
	EXPECT_EQ(0, get(self->bar, 0, DMA_FAILED));
	EXPECT_TRUE(all_landed(memory, 0));
	EXPECT_EQ(0, munmap(memory, BYTES));
}

/* Pages that go are forgotten, and others that come to their address found. */
TEST_F(sva, device_follows_the_process_while_it_maps)
{
	int pasid = bind_to(self->file), round, memfd = memfd_create("old", MFD_CLOEXEC);
	void *memory, *old;
	__u64 failed;

	ASSERT_LT(0, pasid);
	ASSERT_EQ(0, ftruncate(memfd, BYTES));
	memory = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, memfd, 0);
	old = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, memfd, 0);
	ASSERT_NE(MAP_FAILED, memory);
	ASSERT_NE(MAP_FAILED, old);
	for (round = 0; round < 20; round++) {
		start(self->bar, 0, pasid, memory, 0, 0);
		go_on(self->bar, 0, REQUESTS / 4);
		EXPECT_EQ(0, get(self->bar, 0, DMA_FAILED));

		ASSERT_EQ(0, munmap(memory, BYTES));
		memset(old, 0, BYTES);
		failed = get(self->bar, 0, DMA_FAILED);
		go_on(self->bar, 0, REQUESTS / 4);
		EXPECT_LT(failed, get(self->bar, 0, DMA_FAILED));
		EXPECT_TRUE(untouched(old));

		ASSERT_EQ(memory, memory_at(memory, MAP_PRIVATE));
		go_on(self->bar, 0, REQUESTS);
		EXPECT_FALSE(untouched(memory));
		EXPECT_TRUE(untouched(old));
		stop(self->bar, 0);
		ASSERT_EQ(memory, mmap(memory, BYTES, PROT_READ | PROT_WRITE,
				       MAP_SHARED | MAP_FIXED | MAP_POPULATE, memfd, 0));
	}
	munmap(memory, BYTES);
	munmap(old, BYTES);
	close(memfd);
}

/* ---- a process that is killed ------------------------------------------- */

struct work {
	void *memory;		/* shared with the parent */
	int pasid;		/* told to it when the device is at work */
};

static void *churn(void *arg)
{
	for (;;)
		munmap(memory_at(NULL, MAP_PRIVATE), BYTES);
	return arg;
}

/* The device writes and reads, and the process changes its mappings all the time. */
static void work_until_killed(int file, __u64 *bar, struct work *work, __u64 how)
{
	pthread_t thread;
	int pasid;

	/* What is shared is not in the child's page table before it is touched. */
	memset(work->memory, 0, BYTES);
	pasid = bind_to(file);
	if (pasid <= 0)
		_exit(1);
	start(bar, 0, pasid, work->memory, how, 0);
	start(bar, 1, pasid, work->memory, how | DMA_READ, 0);
	__atomic_store_n(&work->pasid, pasid, __ATOMIC_RELEASE);
	if (pthread_create(&thread, NULL, churn, NULL))
		_exit(2);
	churn(NULL);
}

static struct work *new_work(void)
{
	struct work *work = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (work != MAP_FAILED)
		work->memory = memory_at(NULL, MAP_SHARED);
	return work;
}

static bool at_work(struct work *work)
{
	return __atomic_load_n(&work->pasid, __ATOMIC_ACQUIRE);
}

static bool state_says(const void *text)
{
	static char state[1 << 16];

	return !sysfs_read(STATE, state, sizeof(state)) && strstr(state, text);
}

/*
 * Has the kernel something to say of an IOMMU or of the device? Of a slow machine it may
 * say things that are no matter of ours.
 */
static bool is_said(int klog, const char *bdf, char *line, size_t len)
{
	static const char *const any[] = { "", NULL };

	while (!klog_wait(klog, any, line, len, 200))
		if (strcasestr(line, "iommu") || strcasestr(line, "dmar") ||
		    strcasestr(line, "pasid") || strstr(line, strchr(bdf, ':') + 1))
			return true;
	return false;
}

/*
 * From the moment at which it is gone nothing succeeds, though the file that bound it is
 * still open and the device goes on. And nothing is printed.
 */
static void die_at_work(struct __test_metadata *_metadata, const char *bdf, __u64 *bar,
			__u64 how, int delay)
{
	int file = open("/dev/lab_sva", O_RDWR | O_CLOEXEC), klog, status, ch;
	struct work *work = new_work();
	char line[256] = "";
	__u64 done[2];
	pid_t child;

	ASSERT_LE(0, file);
	ASSERT_NE(MAP_FAILED, (void *)work);
	child = fork();
	ASSERT_LE(0, child);
	if (!child)
		work_until_killed(file, bar, work, how);
	while (!at_work(work) || get(bar, 0, DMA_WRITTEN) < REQUESTS ||
	       get(bar, 1, DMA_WRITTEN) < REQUESTS) {
		ASSERT_EQ(0, waitpid(child, &status, WNOHANG));
		usleep(1000);
	}
	EXPECT_EQ(0, get(bar, 0, DMA_FAILED));
	EXPECT_EQ(0, get(bar, 1, DMA_FAILED));
	EXPECT_FALSE(untouched(work->memory));
	usleep(delay);
	/* Not before: the last fault of the round before this may be printed late. */
	klog = klog_open();
	ASSERT_LE(0, klog);
	ASSERT_EQ(0, kill(child, SIGKILL));
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status));
	for (ch = 0; ch < 2; ch++)
		done[ch] = get(bar, ch, DMA_WRITTEN);
	memset(work->memory, 0, BYTES);
	for (ch = 0; ch < 2; ch++) {
		go_on(bar, ch, REQUESTS);
		EXPECT_EQ(done[ch], get(bar, ch, DMA_WRITTEN));
	}
	EXPECT_TRUE(untouched(work->memory));
	EXPECT_TRUE(state_says("its process is gone"));
	EXPECT_FALSE(is_said(klog, bdf, line, sizeof(line)))
		TH_LOG("%s", line);

	/*
	 * The driver unbinds in its own time, and the device still goes on. What is printed
	 * from here on is not looked at: of requests with a PASID that nobody has, the
	 * emulator says that they had none.
	 */
	close(file);
	EXPECT_FALSE(state_says("its process is gone"));
	for (ch = 0; ch < 2; ch++) {
		go_on(bar, ch, REQUESTS / 4);
		EXPECT_EQ(done[ch], get(bar, ch, DMA_WRITTEN));
		stop(bar, ch);
	}
	EXPECT_TRUE(untouched(work->memory));
	close(klog);
	munmap(work->memory, BYTES);
	munmap(work, PAGE);
}

TEST_F(sva, nothing_is_reached_of_a_process_that_was_killed)
{
	int round;

	for (round = 0; round < DEATHS; round++)
		die_at_work(_metadata, self->bdf, self->bar, 0, round * 3000);
}

/* The same if the device is refused where the entry of its PASID is not there. */
TEST_F(sva, nothing_is_reached_by_a_strict_device)
{
	int round;

	for (round = 0; round < DEATHS; round++)
		die_at_work(_metadata, self->bdf, self->bar, DMA_STRICT, round * 3000);
}

/* Who else shares addresses with the device does not notice. */
TEST_F(sva, another_process_does_not_notice)
{
	int pasid = bind_to(self->file), file, status;
	void *memory = memory_at(NULL, MAP_PRIVATE);
	struct work *work = new_work();
	pid_t child;

	ASSERT_LT(0, pasid);
	/* Else a fork takes the right to write from both, until they touch it. */
	ASSERT_EQ(0, madvise(memory, BYTES, MADV_DONTFORK));
	start(self->bar, 2, pasid, memory, DMA_STRICT, 0);
	file = open("/dev/lab_sva", O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, file);
	child = fork();
	ASSERT_LE(0, child);
	if (!child)
		work_until_killed(file, self->bar, work, DMA_STRICT);
	while (!at_work(work) || get(self->bar, 0, DMA_WRITTEN) < REQUESTS) {
		ASSERT_EQ(0, waitpid(child, &status, WNOHANG));
		usleep(1000);
	}
	EXPECT_NE(pasid, work->pasid);
	ASSERT_EQ(0, kill(child, SIGKILL));
	ASSERT_EQ(child, waitpid(child, &status, 0));
	go_on(self->bar, 2, REQUESTS);
	close(file);
	go_on(self->bar, 2, REQUESTS);
	stop(self->bar, 2);
	EXPECT_EQ(0, get(self->bar, 2, DMA_FAILED));
	munmap(memory, BYTES);
	munmap(work->memory, BYTES);
	munmap(work, PAGE);
}

/* What failed is counted, for the device and the PASID. */
TEST_F(sva, failed_requests_are_counted)
{
	int pasid = bind_to(self->file);
	char text[64];

	ASSERT_LT(0, pasid);
	start(self->bar, 0, pasid, (void *)PAGE, 0, 1);
	finish(self->bar, 0);
	EXPECT_EQ(1, get(self->bar, 0, DMA_FAILED));
	snprintf(text, sizeof(text), "faults of PASID %d: ", pasid);
	/* The driver reads what the hardware has recorded in a thread of its own. */
	EXPECT_TRUE(wait_for(state_says, text, PATIENCE_MS));
}

TEST_HARNESS_MAIN
