// SPDX-License-Identifier: GPL-2.0-only
/*
 * A user's DMA through the three ways to claim a device: by cdev with iommufd, by group
 * with a type1 container, by group with iommufd as container. The edu device moves real
 * bytes; what it may not reach must stay as it was, and the IOMMU must report it. At the
 * end of every test the kernel's driver has the device again and does DMA.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core_lib.h"
#include "core_test.h"

#define PAGE	4096
#define BYTES	EDU_MAX_DMA
#define IOVA	0x40000000
#define HOLE	0x50000000	/* never mapped */
#define MANY	4000		/* more points of failure than any call has */

FIXTURE(vfio)
{
	char bdf[BDF_LEN];
	struct claim claim;
	__u8 *memory;	/* four pages */
	int klog;
};

FIXTURE_VARIANT(vfio)
{
	enum claim_way way;
};

FIXTURE_VARIANT_ADD(vfio, cdev) { .way = BY_CDEV, };
FIXTURE_VARIANT_ADD(vfio, group_type1) { .way = BY_GROUP_TYPE1, };
FIXTURE_VARIANT_ADD(vfio, group_iommufd) { .way = BY_GROUP_IOMMUFD, };

FIXTURE_SETUP(vfio)
{
	self->claim = NO_CLAIM;
	if (edu_find_single(0, self->bdf))
		SKIP(return, "no edu device in a group of its own");
	self->memory = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->memory);
	self->klog = klog_open();
	ASSERT_LE(0, self->klog);
	ASSERT_EQ(0, pci_bind(self->bdf, "vfio-pci"));
	ASSERT_EQ(0, claim_take(&self->claim, variant->way, self->bdf));
	ASSERT_EQ(0, edu_start(self->claim.device));
}

FIXTURE_TEARDOWN(vfio)
{
	claim_drop(&self->claim);
	munmap(self->memory, 4 * PAGE);
	close(self->klog);
	EXPECT_EQ(0, pci_bind(self->bdf, EDU_DRIVER));
	EXPECT_EQ(0, edu_kernel_dma(self->bdf, BYTES));
}

/* Files go when their last holder does, which may be a moment after close(). */
struct wanted_owner {
	int group;
	const char *owner;
};

static bool is_owner(const void *arg)
{
	const struct wanted_owner *wanted = arg;
	char path[64], owner[32];

	snprintf(path, sizeof(path), "/sys/kernel/iommu_groups/%d/owner", wanted->group);
	/* the base has no such file */
	return sysfs_read(path, owner, sizeof(owner)) < 0 || !strcmp(owner, wanted->owner);
}

static int wait_owner(int group, const char *owner)
{
	struct wanted_owner wanted = { group, owner };

	return wait_for(is_owner, &wanted, 5000) ? 0 : -ETIMEDOUT;
}

TEST_F(vfio, registers_work)
{
	__u32 result = 0;

	EXPECT_EQ(0, edu_factorial(self->claim.device, 10, &result));
	EXPECT_EQ(3628800, result);
}

/* Out of one page into the device and from there to another page */
TEST_F(vfio, dma_moves_every_byte_both_ways)
{
	int device = self->claim.device;
	unsigned int seed;

	ASSERT_EQ(0, claim_map(&self->claim, self->memory, 2 * PAGE, IOVA));
	for (seed = 0; seed < 4; seed++) {
		pattern_fill(self->memory, PAGE, seed);
		memset(self->memory + PAGE, 0xee, PAGE);
		ASSERT_EQ(0, edu_fetch(device, IOVA, BYTES));
		ASSERT_EQ(0, edu_store(device, IOVA + PAGE, BYTES));
		EXPECT_EQ(-1, pattern_check(self->memory, PAGE, seed));
		EXPECT_EQ(-1, pattern_check(self->memory + PAGE, BYTES, seed));
		/* and not one byte more */
		EXPECT_EQ(0xee, self->memory[PAGE + BYTES]);
	}
}

/* Neighbouring IOVAs lead to pages that are no neighbours, in the order mapped. */
TEST_F(vfio, each_iova_reaches_its_own_page)
{
	static const int order[] = { 2, 0, 3, 1 };
	unsigned int i;

	for (i = 0; i < 4; i++)
		ASSERT_EQ(0, claim_map(&self->claim, self->memory + order[i] * PAGE, PAGE,
				       IOVA + i * PAGE));
	for (i = 0; i < 4; i++) {
		pattern_fill(self->memory, 4 * PAGE, 9);
		pattern_fill(self->memory + order[i] * PAGE, PAGE, i);
		ASSERT_EQ(0, edu_fetch(self->claim.device, IOVA + i * PAGE, 100));
		/* over the border of two pages: the last 50 bytes and the first 50 */
		memset(self->memory, 0, 4 * PAGE);
		if (i == 3)
			break;
		ASSERT_EQ(0, edu_store(self->claim.device, IOVA + (i + 1) * PAGE - 50, 100));
		EXPECT_EQ(-1, pattern_check(self->memory + order[i] * PAGE + PAGE - 50, 50, i));
		EXPECT_EQ(pattern_byte(i, 50), self->memory[order[i + 1] * PAGE]);
		EXPECT_EQ(pattern_byte(i, 99), self->memory[order[i + 1] * PAGE + 49]);
		EXPECT_EQ(0, self->memory[order[i + 1] * PAGE + 50]);
	}
}

/* A write to an IOVA without a mapping lands nowhere. */
TEST_F(vfio, unmapped_write_is_refused)
{
	int device = self->claim.device;

	ASSERT_EQ(0, claim_map(&self->claim, self->memory, PAGE, IOVA));
	pattern_fill(self->memory, 4 * PAGE, 1);
	ASSERT_EQ(0, edu_fetch(device, IOVA, BYTES));
	pattern_fill(self->memory, 4 * PAGE, 2);
	EXPECT_EQ(0, edu_store(device, HOLE, BYTES));
	/* the page after the last mapped one */
	EXPECT_EQ(0, edu_store(device, IOVA + PAGE, BYTES));
	EXPECT_EQ(-1, pattern_check(self->memory, 4 * PAGE, 2));
}

TEST_F(vfio, unmapped_write_is_reported)
{
	char line[512] = "";
	int tries = 0;

	/* the kernel limits the rate of its reports: ask until one is due */
	do {
		ASSERT_EQ(0, edu_store(self->claim.device, HOLE, BYTES));
	} while (klog_wait_fault(self->klog, self->bdf, line, sizeof(line), 1000) && ++tries < 8);
	if (!line[0] && iommu_named(AMD_IOMMU))
		SKIP(return, "the emulated AMD-Vi logs no event for a missing mapping");
	EXPECT_STRNE("", line)
		TH_LOG("no report in the kernel log");
}

TEST_F(vfio, unmap_ends_access_and_map_gives_it_back)
{
	int device = self->claim.device;

	pattern_fill(self->memory, PAGE, 3);
	ASSERT_EQ(0, claim_map(&self->claim, self->memory, 2 * PAGE, IOVA));
	ASSERT_EQ(0, edu_fetch(device, IOVA, BYTES));
	ASSERT_EQ(0, edu_store(device, IOVA + PAGE, BYTES));
	EXPECT_EQ(-1, pattern_check(self->memory + PAGE, BYTES, 3));

	ASSERT_EQ(0, claim_unmap(&self->claim, IOVA, 2 * PAGE));
	pattern_fill(self->memory, 2 * PAGE, 4);
	ASSERT_EQ(0, edu_store(device, IOVA + PAGE, BYTES));
	EXPECT_EQ(-1, pattern_check(self->memory, 2 * PAGE, 4));

	ASSERT_EQ(0, claim_map(&self->claim, self->memory, 2 * PAGE, IOVA));
	ASSERT_EQ(0, edu_store(device, IOVA + PAGE, BYTES));
	EXPECT_EQ(-1, pattern_check(self->memory + PAGE, BYTES, 3));
}

/* The kernel's driver cannot take what the user holds. */
TEST_F(vfio, claimed_device_is_not_for_others)
{
	struct claim other;
	int ret;

	ret = claim_take(&other, BY_CDEV, self->bdf);
	EXPECT_LT(ret, 0);
	claim_drop(&other);
	ret = claim_take(&other, BY_GROUP_TYPE1, self->bdf);
	EXPECT_EQ(-EBUSY, ret);
	claim_drop(&other);
}

/* Released while mapped, claimed again: nothing of the first time is left. */
TEST_F(vfio, second_claim_starts_with_nothing_mapped)
{
	ASSERT_EQ(0, claim_map(&self->claim, self->memory, 2 * PAGE, IOVA));
	pattern_fill(self->memory, 2 * PAGE, 5);
	claim_drop(&self->claim);
	ASSERT_EQ(0, claim_take(&self->claim, variant->way, self->bdf));
	ASSERT_EQ(0, edu_start(self->claim.device));
	ASSERT_EQ(0, edu_store(self->claim.device, IOVA, BYTES));
	EXPECT_EQ(-1, pattern_check(self->memory, 2 * PAGE, 5));
}

/*
 * Claim and attach with a failure at the @point'th point, then release. The device is not
 * opened meanwhile: the kernel's ACPI code does not survive such failures.
 */
static int fail_at(enum claim_way way, const char *bdf, int fail_nth, int point, bool *happened)
{
	struct claim claim = NO_CLAIM;
	int ret;

	if (way == BY_CDEV) {
		ret = claim_take(&claim, way, bdf);
		if (!ret)
			ret = cdev_detach(claim.device);
		if (!ret && !fail_nth_set(fail_nth, point))
			ret = -EIO;
		if (!ret)
			ret = cdev_attach(claim.device, &claim.ioas);
	} else {
		claim.container = open(way == BY_GROUP_TYPE1 ? "/dev/vfio/vfio" : "/dev/iommu",
				       O_RDWR | O_CLOEXEC);
		claim.group = vfio_group_open(pci_group(bdf));
		if (claim.container < 0 || claim.group < 0 || !fail_nth_set(fail_nth, point))
			ret = -EIO;
		else
			ret = vfio_group_set_container(claim.group, claim.container);
		if (!ret && way == BY_GROUP_TYPE1)
			ret = vfio_container_set_type1(claim.container);
	}
	*happened = fail_nth_happened(fail_nth);
	claim_drop(&claim);
	return ret;
}

/* T2: what fails leaves nobody as the owner and is to be had at once; then DMA works. */
TEST_F(vfio, claim_that_fails_leaves_nothing)
{
	int fail_nth = fail_nth_open(), group = pci_group(self->bdf), point = 0, refused = 0, ret;
	bool happened;

	if (fail_nth == -ENOENT)
		SKIP(return, "no fault injection in this kernel");
	ASSERT_LE(0, fail_nth);
	claim_drop(&self->claim);
	do {
		ASSERT_EQ(0, wait_owner(group, "none"));
		ret = fail_at(variant->way, self->bdf, fail_nth, ++point, &happened);
		refused += !!ret;
	} while (happened && point < MANY);
	EXPECT_EQ(0, ret);
	EXPECT_GT(MANY, point);
	TH_LOG("%d points, refused at %d", point - 1, refused);
	EXPECT_LT(0, refused);
	close(fail_nth);

	ASSERT_EQ(0, claim_take(&self->claim, variant->way, self->bdf));
	ASSERT_EQ(0, edu_start(self->claim.device));
	ASSERT_EQ(0, claim_map(&self->claim, self->memory, 2 * PAGE, IOVA));
	pattern_fill(self->memory, PAGE, 4);
	ASSERT_EQ(0, edu_fetch(self->claim.device, IOVA, BYTES));
	ASSERT_EQ(0, edu_store(self->claim.device, IOVA + PAGE, BYTES));
	EXPECT_EQ(-1, pattern_check(self->memory + PAGE, BYTES, 4));
}

/* What follows is what only iommufd can: address spaces changed under use. */
FIXTURE(spaces)
{
	char bdf[BDF_LEN];
	struct claim claim;
	__u8 *memory;		/* page 0 in space 0, page 1 in space 1, page 2 in none */
	__u32 space[2];
	atomic_uint swaps;	/* odd: a replace is under way */
	atomic_bool stop;
	int in[2], stores, refused, misplaced, error;
};

static int use_space(int device, __u32 id)
{
	return cdev_attach(device, &id);
}

FIXTURE_SETUP(spaces)
{
	int i;

	self->claim = NO_CLAIM;
	if (edu_find_single(0, self->bdf))
		SKIP(return, "no edu device in a group of its own");
	self->memory = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->memory);
	ASSERT_EQ(0, pci_bind(self->bdf, "vfio-pci"));
	ASSERT_EQ(0, claim_take(&self->claim, BY_CDEV, self->bdf));
	ASSERT_EQ(0, edu_start(self->claim.device));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, ioas_alloc(self->claim.container, &self->space[i]));
		ASSERT_EQ(0, ioas_map(self->claim.container, self->space[i],
				      self->memory + i * PAGE, PAGE, IOVA));
	}
	if (iommu_named(VIRTIO_IOMMU) &&
	    use_space(self->claim.device, self->space[0]) == -EADDRINUSE)
		SKIP(return, "virtio-iommu's page tables have no range before they are attached");
}

FIXTURE_TEARDOWN(spaces)
{
	claim_drop(&self->claim);
	munmap(self->memory, 3 * PAGE);
	EXPECT_EQ(0, pci_bind(self->bdf, EDU_DRIVER));
	EXPECT_EQ(0, edu_kernel_dma(self->bdf, BYTES));
}

TEST_F(spaces, replace_takes_effect_when_it_returns)
{
	int device = self->claim.device, i;

	for (i = 0; i < 8; i++) {
		__u8 *here = self->memory + i % 2 * PAGE, *there = self->memory + !(i % 2) * PAGE;

		ASSERT_EQ(0, use_space(device, self->space[i % 2]));
		pattern_fill(here, PAGE, i);
		ASSERT_EQ(0, edu_fetch(device, IOVA, BYTES));
		memset(self->memory, 0xaa, 2 * PAGE);
		ASSERT_EQ(0, edu_store(device, IOVA, BYTES));
		EXPECT_EQ(-1, pattern_check(here, BYTES, i));
		EXPECT_EQ(0xaa, there[0]);
		EXPECT_EQ(0xaa, there[BYTES - 1]);
	}
}

/* A page table made by hand stands for its address space. */
TEST_F(spaces, replace_by_page_table_and_back)
{
	int device = self->claim.device, iommufd = self->claim.container;
	__u32 table;

	ASSERT_EQ(0, hwpt_alloc(iommufd, self->claim.dev_id, self->space[1], &table));
	ASSERT_EQ(0, use_space(device, self->space[0]));
	pattern_fill(self->memory, PAGE, 1);
	ASSERT_EQ(0, edu_fetch(device, IOVA, BYTES));
	ASSERT_EQ(0, use_space(device, table));
	ASSERT_EQ(0, edu_store(device, IOVA, BYTES));
	EXPECT_EQ(-1, pattern_check(self->memory + PAGE, BYTES, 1));
	/* in use: it cannot go */
	EXPECT_EQ(-EBUSY, iommufd_destroy(iommufd, table));
	ASSERT_EQ(0, use_space(device, self->space[0]));
	EXPECT_EQ(0, iommufd_destroy(iommufd, table));
}

TEST_F(spaces, detach_blocks_and_attach_unblocks)
{
	int device = self->claim.device;

	ASSERT_EQ(0, use_space(device, self->space[0]));
	pattern_fill(self->memory, PAGE, 1);
	ASSERT_EQ(0, edu_fetch(device, IOVA, BYTES));
	ASSERT_EQ(0, cdev_detach(device));
	pattern_fill(self->memory, 3 * PAGE, 2);
	ASSERT_EQ(0, edu_store(device, IOVA, BYTES));
	EXPECT_EQ(-1, pattern_check(self->memory, 3 * PAGE, 2));
	ASSERT_EQ(0, use_space(device, self->space[1]));
	ASSERT_EQ(0, edu_store(device, IOVA, BYTES));
	EXPECT_EQ(-1, pattern_check(self->memory + PAGE, BYTES, 1));
}

TEST_F(spaces, bad_target_is_refused_and_keeps_the_space)
{
	int device = self->claim.device;

	ASSERT_EQ(0, use_space(device, self->space[0]));
	pattern_fill(self->memory, PAGE, 6);
	ASSERT_EQ(0, edu_fetch(device, IOVA, BYTES));
	EXPECT_EQ(-ENOENT, use_space(device, 9999));
	/* the device's own ID is no address space */
	EXPECT_EQ(-EINVAL, use_space(device, self->claim.dev_id));
	memset(self->memory, 0, 2 * PAGE);
	ASSERT_EQ(0, edu_store(device, IOVA, BYTES));
	EXPECT_EQ(-1, pattern_check(self->memory, BYTES, 6));
}

/* T2: a replace with a failure at each point; the device stays where it was. */
TEST_F(spaces, replace_that_fails_keeps_the_space)
{
	int device = self->claim.device, fail_nth = fail_nth_open();
	int point = 0, refused = 0, ret;
	bool happened;

	if (fail_nth == -ENOENT)
		SKIP(return, "no fault injection in this kernel");
	ASSERT_LE(0, fail_nth);
	ASSERT_EQ(0, use_space(device, self->space[0]));
	pattern_fill(self->memory, PAGE, 1);
	ASSERT_EQ(0, edu_fetch(device, IOVA, BYTES));
	do {
		ASSERT_TRUE(fail_nth_set(fail_nth, ++point));
		ret = use_space(device, self->space[1]);
		happened = fail_nth_happened(fail_nth);
		memset(self->memory, 0, 2 * PAGE);
		ASSERT_EQ(0, edu_store(device, IOVA, BYTES));
		EXPECT_EQ(-1, pattern_check(self->memory + !ret * PAGE, BYTES, 1));
		EXPECT_EQ(0, self->memory[!!ret * PAGE]);
		EXPECT_EQ(0, self->memory[!!ret * PAGE + BYTES - 1]);
		refused += !!ret;
		if (!ret)
			ASSERT_EQ(0, use_space(device, self->space[0]));
	} while (happened && point < MANY);
	EXPECT_EQ(0, ret);
	EXPECT_GT(MANY, point);
	TH_LOG("%d points, refused at %d", point - 1, refused);
	EXPECT_LT(0, refused);
	close(fail_nth);
}

static void *keep_storing(void *data)
{
	FIXTURE_DATA(spaces) *self = data;
	int i;

	while (!self->stop && !self->error) {
		unsigned int before, after;
		bool hit[2];

		memset(self->memory, 0, 2 * PAGE);
		before = self->swaps;
		self->error = edu_store(self->claim.device, IOVA, BYTES);
		after = self->swaps;
		for (i = 0; i < 2; i++) {
			hit[i] = pattern_check(self->memory + i * PAGE, BYTES, 7) < 0;
			self->in[i] += hit[i];
		}
		self->stores++;
		self->refused += !hit[0] && !hit[1];
		/* undisturbed: only the space that was set before will do */
		if (before == after && before % 2 == 0)
			self->misplaced += hit[before / 2 % 2 ? 0 : 1];
		self->misplaced += hit[0] && hit[1];
	}
	return NULL;
}

/*
 * T3: swaps in bursts and pauses while the device keeps writing. Every write lands in
 * one of the two spaces, and in the right one where no swap was near. A driver that
 * breaks before it makes may refuse some (they are counted), never misdirect one.
 */
TEST_F(spaces, replace_under_dma_never_misdirects)
{
	struct timespec nap = { .tv_nsec = 150 * 1000 * 1000 };
	pthread_t worker;
	int i, round;

	ASSERT_EQ(0, use_space(self->claim.device, self->space[0]));
	pattern_fill(self->memory + 2 * PAGE, PAGE, 8);
	pattern_fill(self->memory, PAGE, 7);
	ASSERT_EQ(0, edu_fetch(self->claim.device, IOVA, BYTES));
	ASSERT_EQ(0, pthread_create(&worker, NULL, keep_storing, self));
	for (round = 0; round < 20; round++) {
		for (i = 0; i < 51; i++) {
			self->swaps++;
			EXPECT_EQ(0, use_space(self->claim.device,
					       self->space[self->swaps / 2 % 2 ? 0 : 1]));
			self->swaps++;
		}
		nanosleep(&nap, NULL);
	}
	self->stop = true;
	pthread_join(worker, NULL);
	TH_LOG("%u swaps, %d writes: %d in one space, %d in the other, %d refused",
	       self->swaps / 2, self->stores, self->in[0], self->in[1], self->refused);
	EXPECT_EQ(0, self->error);
	EXPECT_EQ(0, self->misplaced);
	EXPECT_LT(0, self->in[0]);
	EXPECT_LT(0, self->in[1]);
	EXPECT_EQ(-1, pattern_check(self->memory + 2 * PAGE, PAGE, 8));
}

TEST_HARNESS_MAIN
