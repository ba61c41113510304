// SPDX-License-Identifier: GPL-2.0-only
/*
 * DMA with PASIDs, from user space through VFIO and iommufd: each PASID reaches its own
 * memory and no other, and none is lost while its HWPT is replaced by another.
 *
 * The device is the lab's, see lab/device/README.md. It is asked to be strict: to fail
 * where the Present bit of its PASID entry is clear, as hardware may, and to let the
 * emulator keep no translation that it made of two readings of one entry.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/iommufd.h>
#include <linux/vfio.h>

#include "core_lib.h"
#include "core_test.h"

#define DMA_VENDOR	0x1234
#define DMA_DEVICE	0x11f0

/* Registers of channel @n in BAR 0 */
#define CHANNEL(n)	(0x100 + (n) * 0x80)
#define CONTROL		0x00
#define PASID		0x08
#define IOVA		0x10
#define WINDOW		0x18
#define PERIOD		0x20
#define LIMIT		0x28
#define SEQUENCE	0x30
#define WRITTEN		0x38
#define FAILED		0x40
#define REWRITTEN	0x48

#define RUN		1
#define WITH_PASID	2
#define STRICT		4

#define WORDS		8			/* of 64 bits in one request */
#define SLOTS		16384			/* requests that fit into a window */
#define BYTES		(SLOTS * WORDS * 8UL)
#define AREAS		3
#define AT		0x40000000ULL		/* the IOVA, the same in each area's IOAS */
#define NS		500			/* between two requests */
#define REPLACES	10000

/* As in kernels since 6.15; the headers may be older. */
#define FOR_PASIDS	8U			/* IOMMU_HWPT_ALLOC_PASID */
#define PASID_FLAG	1U
#define NO_PASID	0U			/* the requests have none */

struct area {
	__u64 (*slot)[WORDS];
	__u32 ioas, hwpt;
};

FIXTURE(pasid_dma)
{
	char bdf[BDF_LEN];
	int iommufd, device;
	__u32 dev_id;
	struct area area[AREAS];
};

static int area_make(struct _test_data_pasid_dma *self, struct area *area)
{
	struct iommu_hwpt_alloc arg = {
		.size = sizeof(arg),
		.flags = FOR_PASIDS,
		.dev_id = self->dev_id,
	};
	int ret;

	area->slot = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			  -1, 0);
	if (area->slot == MAP_FAILED)
		return -errno;
	ret = ioas_alloc(self->iommufd, &area->ioas);
	if (!ret)
		ret = ioas_map(self->iommufd, area->ioas, area->slot, BYTES, AT);
	if (ret)
		return ret;
	arg.pt_id = area->ioas;
	ret = ioctl(self->iommufd, IOMMU_HWPT_ALLOC, &arg) ? -errno : 0;
	area->hwpt = arg.out_hwpt_id;
	return ret;
}

FIXTURE_SETUP(pasid_dma)
{
	struct pci_list found;
	int i;

	ASSERT_EQ(0, pci_find(DMA_VENDOR, DMA_DEVICE, &found));
	if (!found.count)
		SKIP(return, "no lab-pasid-dma device, machine vtd-pasid of the lab has one");
	memcpy(self->bdf, found.bdf[0], BDF_LEN);
	ASSERT_EQ(0, pci_bind(self->bdf, "vfio-pci"));
	self->iommufd = iommufd_open();
	ASSERT_LE(0, self->iommufd);
	self->device = cdev_open(self->bdf);
	ASSERT_LE(0, self->device);
	ASSERT_EQ(0, cdev_bind(self->device, self->iommufd, &self->dev_id));
	for (i = 0; i < AREAS; i++)
		ASSERT_EQ(0, area_make(self, &self->area[i]));
	ASSERT_EQ(0, device_start(self->device));
}

FIXTURE_TEARDOWN(pasid_dma)
{
	int i;

	close(self->device);
	close(self->iommufd);
	for (i = 0; i < AREAS; i++)
		munmap(self->area[i].slot, BYTES);
	EXPECT_EQ(0, pci_unbind(self->bdf));
}

/* Attach to @hwpt, or replace the one that is attached. */
static int attach(struct _test_data_pasid_dma *self, __u32 pasid, __u32 hwpt)
{
	struct {
		__u32 argsz, flags, pt_id, pasid;
	} arg = { sizeof(arg), PASID_FLAG, hwpt, pasid };

	if (pasid == NO_PASID)
		return cdev_attach(self->device, &hwpt);
	return ioctl(self->device, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &arg) ? -errno : 0;
}

static int detach(struct _test_data_pasid_dma *self, __u32 pasid)
{
	struct {
		__u32 argsz, flags, pasid;
	} arg = { sizeof(arg), PASID_FLAG, pasid };

	if (pasid == NO_PASID)
		return cdev_detach(self->device);
	return ioctl(self->device, VFIO_DEVICE_DETACH_IOMMUFD_PT, &arg) ? -errno : 0;
}

static void set(struct _test_data_pasid_dma *self, int n, __u64 reg, __u64 value)
{
	if (device_io(self->device, VFIO_PCI_BAR0_REGION_INDEX, true, CHANNEL(n) + reg, &value, 8))
		abort();
}

static __u64 get(struct _test_data_pasid_dma *self, int n, __u64 reg)
{
	__u64 value;

	if (device_io(self->device, VFIO_PCI_BAR0_REGION_INDEX, false, CHANNEL(n) + reg, &value, 8))
		abort();
	return value;
}

/* Channel @n makes @limit requests, or goes on until it is stopped. */
static void start(struct _test_data_pasid_dma *self, int n, __u32 pasid, __u64 limit)
{
	set(self, n, PASID, pasid);
	set(self, n, IOVA, AT);
	set(self, n, WINDOW, BYTES);
	set(self, n, PERIOD, NS);
	set(self, n, LIMIT, limit);
	set(self, n, CONTROL, RUN | STRICT | (pasid == NO_PASID ? 0 : WITH_PASID));
}

static bool running(struct _test_data_pasid_dma *self, int n)
{
	return get(self, n, CONTROL) & RUN;
}

static void finish(struct _test_data_pasid_dma *self, int n)
{
	while (running(self, n))
		usleep(1000);
}

/* Has request @seq of channel @n landed here, whole? */
static bool landed(const struct area *area, int n, __u64 seq)
{
	const __u64 *word = area->slot[seq % SLOTS];
	int i;

	for (i = 0; i < WORDS; i++)
		if (word[i] != (seq << 8 | n << 4 | i))
			return false;
	return true;
}

static bool untouched(const struct area *area, __u64 seq)
{
	static const __u64 nothing[WORDS];

	return !memcmp(area->slot[seq % SLOTS], nothing, sizeof(nothing));
}

static bool all_landed(const struct area *area, int n)
{
	__u64 seq;

	for (seq = 1; seq <= SLOTS; seq++)
		if (!landed(area, n, seq))
			return false;
	return true;
}

static bool all_untouched(const struct area *area)
{
	__u64 seq;

	for (seq = 1; seq <= SLOTS; seq++)
		if (!untouched(area, seq))
			return false;
	return true;
}

static void clear(struct area *area)
{
	memset(area->slot, 0, BYTES);
}

/* The device's own requests and two PASIDs go on at the same time. */
TEST_F(pasid_dma, each_reaches_its_own_memory)
{
	int n;

	for (n = 0; n < AREAS; n++)
		ASSERT_EQ(0, attach(self, n, self->area[n].hwpt));
	for (n = 0; n < AREAS; n++)
		start(self, n, n, SLOTS);
	for (n = 0; n < AREAS; n++) {
		finish(self, n);
		EXPECT_EQ(SLOTS, get(self, n, WRITTEN));
		EXPECT_EQ(0, get(self, n, FAILED));
	}
	for (n = 0; n < AREAS; n++) {
		EXPECT_TRUE(all_landed(&self->area[n], n));
		EXPECT_EQ(0, detach(self, n));
	}
}

TEST_F(pasid_dma, unattached_reaches_nothing)
{
	__u32 pasid;

	ASSERT_EQ(0, attach(self, NO_PASID, self->area[0].hwpt));
	ASSERT_EQ(0, attach(self, 1, self->area[1].hwpt));
	/* of the same table as PASID 1, and of one that is not there */
	for (pasid = 2; pasid < 0x10000; pasid += 0x8000) {
		start(self, 0, pasid, SLOTS);
		finish(self, 0);
		EXPECT_EQ(0, get(self, 0, WRITTEN));
		EXPECT_EQ(SLOTS, get(self, 0, FAILED));
	}
	EXPECT_TRUE(all_untouched(&self->area[0]));
	EXPECT_TRUE(all_untouched(&self->area[1]));
}

/* Detached while it writes; PASID 2 and the device's own requests do not notice. */
TEST_F(pasid_dma, detached_reaches_nothing)
{
	__u64 written, seq;
	int n;

	for (n = 0; n < AREAS; n++)
		ASSERT_EQ(0, attach(self, n, self->area[n].hwpt));
	for (n = 0; n < AREAS; n++)
		start(self, n, n, 0);
	while (get(self, 1, WRITTEN) < SLOTS)
		usleep(1000);
	EXPECT_EQ(0, get(self, 1, FAILED));
	EXPECT_EQ(0, detach(self, 1));
	written = get(self, 1, WRITTEN);
	clear(&self->area[1]);
	seq = get(self, 1, SEQUENCE);
	while (get(self, 1, SEQUENCE) < seq + SLOTS)
		usleep(1000);
	EXPECT_EQ(written, get(self, 1, WRITTEN));
	EXPECT_LE(SLOTS, get(self, 1, FAILED));
	EXPECT_TRUE(all_untouched(&self->area[1]));
	for (n = 0; n < AREAS; n++)
		set(self, n, CONTROL, 0);
	EXPECT_EQ(0, get(self, 0, FAILED));
	EXPECT_EQ(0, get(self, 2, FAILED));

	/* and it comes back */
	ASSERT_EQ(0, attach(self, 1, self->area[1].hwpt));
	start(self, 1, 1, SLOTS);
	finish(self, 1);
	EXPECT_EQ(0, get(self, 1, FAILED));
	EXPECT_TRUE(all_landed(&self->area[1], 1));
}

struct tally {
	unsigned long replaces, requests, failed, misplaced, rewritten;
};

/* The last request before a replace began and the last before it had returned */
struct swap {
	__u64 began, returned;
};

static bool only_in(const struct area *area, const struct area *other, __u64 seq)
{
	return landed(area, 0, seq) && untouched(other, seq);
}

/*
 * Of the requests of one window, all are in one of the two areas and nowhere else: those
 * during a replace in either, those between two of them where the last one pointed to.
 * One that failed is nowhere, so it counts here, too.
 */
static unsigned long misplaced(struct _test_data_pasid_dma *self, const struct swap *swap,
			       unsigned int swaps, unsigned int at)
{
	unsigned long bad = 0;
	unsigned int i = 0;
	__u64 seq;

	for (seq = 1; seq <= SLOTS; seq++) {
		bool here, there;

		while (i < swaps && seq > swap[i].returned) {
			at = !at;
			i++;
		}
		here = only_in(&self->area[at], &self->area[!at], seq);
		there = only_in(&self->area[!at], &self->area[at], seq);
		if (i < swaps && seq > swap[i].began)
			bad += !here && !there;
		else
			bad += !here;
	}
	return bad;
}

/* Replace as often as one window of requests lasts, beginning with @at attached. */
static int replace_window(struct _test_data_pasid_dma *self, __u32 pasid, unsigned int *at,
			  struct tally *tally)
{
	static struct swap swap[SLOTS];
	unsigned int first = *at, swaps = 0;
	int ret = 0;

	clear(&self->area[0]);
	clear(&self->area[1]);
	start(self, 0, pasid, SLOTS);
	while (!ret && swaps < SLOTS && running(self, 0)) {
		swap[swaps].began = get(self, 0, SEQUENCE);
		ret = attach(self, pasid, self->area[!*at].hwpt);
		swap[swaps].returned = get(self, 0, SEQUENCE);
		*at = !*at;
		swaps++;
	}
	finish(self, 0);
	tally->replaces += swaps;
	tally->requests += get(self, 0, SEQUENCE);
	tally->failed += get(self, 0, FAILED);
	tally->rewritten += get(self, 0, REWRITTEN);
	tally->misplaced += misplaced(self, swap, swaps, first);
	return ret;
}

static int replace_all(struct _test_data_pasid_dma *self, __u32 pasid, struct tally *tally)
{
	unsigned int at = 0;
	int ret = attach(self, pasid, self->area[0].hwpt);

	while (!ret && tally->replaces < REPLACES)
		ret = replace_window(self, pasid, &at, tally);
	return ret;
}

#define TEST_REPLACE(pasid, what) do {						\
	struct tally tally = {};						\
										\
	EXPECT_EQ(0, replace_all(self, pasid, &tally));				\
	printf("# replace under %s DMA: %lu replaces, %lu requests, %lu failed, %lu misplaced\n", \
	       what, tally.replaces, tally.requests, tally.failed, tally.misplaced); \
	printf("# of these requests %lu met a change of their PASID entry\n",	\
	       tally.rewritten);						\
	EXPECT_LE(REPLACES, tally.replaces);					\
	EXPECT_EQ(0, tally.failed);						\
	EXPECT_EQ(0, tally.misplaced);						\
} while (0)

TEST_F(pasid_dma, replace_of_a_pasid_loses_nothing)
{
	ASSERT_EQ(0, attach(self, NO_PASID, self->area[2].hwpt));
	TEST_REPLACE(1, "PASID");
	EXPECT_TRUE(all_untouched(&self->area[2]));
}

TEST_F(pasid_dma, replace_of_the_device_loses_nothing)
{
	TEST_REPLACE(NO_PASID, "RID");
	EXPECT_TRUE(all_untouched(&self->area[2]));
}

TEST_HARNESS_MAIN
