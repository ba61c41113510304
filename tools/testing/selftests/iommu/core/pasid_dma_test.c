// SPDX-License-Identifier: GPL-2.0-only
/*
 * DMA with PASIDs, from user space through VFIO and iommufd: each PASID reaches its own
 * memory and no other, none is lost while its HWPT is replaced by another, and none is
 * written when the process that owns the device is gone.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core_dma.h"
#include "core_test.h"

#define REPLACES	10000
#define DEATHS		8

FIXTURE(pasid_dma)
{
	struct dma_rig rig;
};

#define RIG		(&self->rig)
#define AREA(n)		(&self->rig.area[n])

FIXTURE_SETUP(pasid_dma)
{
	int ret;

	ASSERT_EQ(0, dma_memory(RIG));
	ret = dma_open(RIG);
	if (ret == -ENODEV)
		SKIP(return, "no lab-pasid-dma device, machine vtd-pasid of the lab has one");
	ASSERT_EQ(0, ret);
	ASSERT_TRUE(self->rig.pasids);
}

FIXTURE_TEARDOWN(pasid_dma)
{
	EXPECT_EQ(0, dma_close(RIG));
	dma_free(RIG);
}

/* The device's own requests and two PASIDs go on at the same time. */
TEST_F(pasid_dma, each_reaches_its_own_memory)
{
	int n;

	for (n = 0; n < DMA_AREAS; n++)
		ASSERT_EQ(0, dma_attach(RIG, n, n));
	for (n = 0; n < DMA_AREAS; n++)
		dma_start(RIG, n, n, DMA_SLOTS);
	for (n = 0; n < DMA_AREAS; n++) {
		dma_finish(RIG, n);
		EXPECT_EQ(DMA_SLOTS, dma_count(RIG, n, DMA_WRITTEN));
		EXPECT_EQ(0, dma_count(RIG, n, DMA_FAILED));
	}
	for (n = 0; n < DMA_AREAS; n++) {
		EXPECT_TRUE(dma_all_landed(AREA(n), n));
		EXPECT_EQ(0, dma_detach(RIG, n));
	}
}

TEST_F(pasid_dma, unattached_reaches_nothing)
{
	__u32 pasid;

	ASSERT_EQ(0, dma_attach(RIG, NO_PASID, 0));
	ASSERT_EQ(0, dma_attach(RIG, 1, 1));
	/* of the same table as PASID 1, and of one that is not there */
	for (pasid = 2; pasid < 0x10000; pasid += 0x8000) {
		dma_start(RIG, 0, pasid, DMA_SLOTS);
		dma_finish(RIG, 0);
		EXPECT_EQ(0, dma_count(RIG, 0, DMA_WRITTEN));
		EXPECT_EQ(DMA_SLOTS, dma_count(RIG, 0, DMA_FAILED));
	}
	EXPECT_TRUE(dma_untouched(AREA(0)));
	EXPECT_TRUE(dma_untouched(AREA(1)));
}

/* Detached while it writes; PASID 2 and the device's own requests do not notice. */
TEST_F(pasid_dma, detached_reaches_nothing)
{
	__u64 written, seq;
	int n;

	for (n = 0; n < DMA_AREAS; n++)
		ASSERT_EQ(0, dma_attach(RIG, n, n));
	for (n = 0; n < DMA_AREAS; n++)
		dma_start(RIG, n, n, 0);
	while (dma_count(RIG, 1, DMA_WRITTEN) < DMA_SLOTS)
		usleep(1000);
	EXPECT_EQ(0, dma_count(RIG, 1, DMA_FAILED));
	EXPECT_EQ(0, dma_detach(RIG, 1));
	written = dma_count(RIG, 1, DMA_WRITTEN);
	dma_clear(AREA(1));
	seq = dma_count(RIG, 1, DMA_SEQUENCE);
	while (dma_count(RIG, 1, DMA_SEQUENCE) < seq + DMA_SLOTS)
		usleep(1000);
	EXPECT_EQ(written, dma_count(RIG, 1, DMA_WRITTEN));
	EXPECT_LE(DMA_SLOTS, dma_count(RIG, 1, DMA_FAILED));
	EXPECT_TRUE(dma_untouched(AREA(1)));
	for (n = 0; n < DMA_AREAS; n++)
		dma_stop(RIG, n);
	EXPECT_EQ(0, dma_count(RIG, 0, DMA_FAILED));
	EXPECT_EQ(0, dma_count(RIG, 2, DMA_FAILED));

	/* and it comes back */
	ASSERT_EQ(0, dma_attach(RIG, 1, 1));
	dma_start(RIG, 1, 1, DMA_SLOTS);
	dma_finish(RIG, 1);
	EXPECT_EQ(0, dma_count(RIG, 1, DMA_FAILED));
	EXPECT_TRUE(dma_all_landed(AREA(1), 1));
}

static bool no_gap(const char *what, const struct dma_tally *tally)
{
	printf("# replace under %s DMA: %lu replaces, %lu requests, %lu failed, %lu misplaced\n",
	       what, tally->replaces, tally->requests, tally->failed, tally->misplaced);
	printf("# of these requests %lu met a change of their PASID entry\n", tally->rewritten);
	return !tally->failed && !tally->nowhere && !tally->misplaced;
}

TEST_F(pasid_dma, replace_of_a_pasid_loses_nothing)
{
	struct dma_tally tally;

	ASSERT_EQ(0, dma_attach(RIG, NO_PASID, 2));
	EXPECT_EQ(0, dma_measure(RIG, 1, dma_attach, REPLACES, &tally));
	EXPECT_TRUE(no_gap("PASID", &tally));
	EXPECT_LE(REPLACES, tally.replaces);
	EXPECT_TRUE(dma_untouched(AREA(2)));
}

TEST_F(pasid_dma, replace_of_the_device_loses_nothing)
{
	struct dma_tally tally;

	EXPECT_EQ(0, dma_measure(RIG, NO_PASID, dma_attach, REPLACES, &tally));
	EXPECT_TRUE(no_gap("RID", &tally));
	EXPECT_LE(REPLACES, tally.replaces);
	EXPECT_TRUE(dma_untouched(AREA(2)));
}

static int fail_nth;

/*
 * The first point of a replace at which something may fail does, then the second, and so on
 * until none is left. Not all answer -ENOMEM, which dma_measure() takes for a refusal.
 */
static int attach_failing(struct dma_rig *rig, __u32 pasid, unsigned int n)
{
	static int point = 1;
	bool happened;
	int ret;

	if (!fail_nth_set(fail_nth, point))
		return -EIO;
	ret = dma_attach(rig, pasid, n);
	happened = fail_nth_happened(fail_nth);
	point = happened ? point + 1 : 1;
	if (!ret)
		return 0;
	return happened ? -ENOMEM : -EIO;
}

static int measure_failing(struct dma_rig *rig, __u32 pasid, struct dma_tally *tally)
{
	int ret;

	fail_nth = fail_nth_open();
	if (fail_nth < 0)
		return fail_nth;
	ret = dma_measure(rig, pasid, attach_failing, REPLACES / 20, tally);
	close(fail_nth);
	printf("# %lu replaces refused as asked for\n", tally->refused);
	return ret;
}

TEST_F(pasid_dma, refused_replace_of_a_pasid_leaves_the_traffic)
{
	struct dma_tally tally;
	int ret = measure_failing(RIG, 1, &tally);

	if (ret == -ENOENT)
		SKIP(return, "no fault injection in this kernel");
	EXPECT_EQ(0, ret);
	EXPECT_LT(0, tally.refused);
	EXPECT_TRUE(no_gap("PASID", &tally));
}

TEST_F(pasid_dma, refused_replace_of_the_device_leaves_the_traffic)
{
	struct dma_tally tally;
	int ret = measure_failing(RIG, NO_PASID, &tally);

	if (ret == -ENOENT)
		SKIP(return, "no fault injection in this kernel");
	EXPECT_EQ(0, ret);
	EXPECT_LT(0, tally.refused);
	EXPECT_TRUE(no_gap("RID", &tally));
}

/* A page table that is not for PASIDs is refused at once. */
TEST_F(pasid_dma, wrong_page_table_leaves_the_traffic)
{
	__u32 plain, right = self->rig.area[0].hwpt;

	ASSERT_EQ(0, hwpt_alloc(self->rig.iommufd, self->rig.dev_id, self->rig.area[1].ioas,
				&plain));
	ASSERT_EQ(0, dma_attach(RIG, 1, 0));
	dma_start(RIG, 0, 1, 0);
	self->rig.area[0].hwpt = plain;
	EXPECT_EQ(-EINVAL, dma_attach(RIG, 1, 0));
	self->rig.area[0].hwpt = right;
	dma_clear(AREA(0));
	dma_start(RIG, 1, 1, DMA_SLOTS);
	dma_finish(RIG, 1);
	dma_stop(RIG, 0);
	EXPECT_EQ(0, dma_count(RIG, 0, DMA_FAILED));
	EXPECT_EQ(0, dma_count(RIG, 1, DMA_FAILED));
	EXPECT_TRUE(dma_untouched(AREA(1)));
}

/* The owner: its device writes by itself and by two PASIDs, one of which it replaces. */
static void own_until_killed(struct dma_rig *rig)
{
	unsigned int n;

	if (dma_open(rig))
		_exit(1);
	for (n = 0; n < 2; n++)
		if (dma_attach(rig, n, n))
			_exit(2);
	if (dma_attach(rig, 2, 2))
		_exit(3);
	for (n = 0; n < DMA_AREAS; n++)
		dma_start(rig, n, n, 0);
	for (n = 1;; n = 3 - n)
		if (dma_attach(rig, 1, n))
			_exit(4);
}

static bool written(const void *arg)
{
	const struct dma_rig *rig = arg;
	int n;

	for (n = 0; n < DMA_AREAS; n++)
		if (dma_untouched(&rig->area[n]))
			return false;
	return true;
}

TEST_F(pasid_dma, nothing_is_written_for_an_owner_that_was_killed)
{
	int round, n, status;
	pid_t owner;

	ASSERT_EQ(0, dma_close(RIG));
	for (round = 0; round < DEATHS; round++) {
		for (n = 0; n < DMA_AREAS; n++)
			dma_clear(AREA(n));
		owner = fork();
		ASSERT_LE(0, owner);
		if (!owner)
			own_until_killed(RIG);
		EXPECT_TRUE(wait_for(written, RIG, 60000));
		usleep(round * 3000);
		EXPECT_EQ(0, kill(owner, SIGKILL));
		ASSERT_EQ(owner, waitpid(owner, &status, 0));
		EXPECT_TRUE(WIFSIGNALED(status));
		for (n = 0; n < DMA_AREAS; n++)
			dma_clear(AREA(n));
		usleep(100 * 1000);
		for (n = 0; n < DMA_AREAS; n++)
			EXPECT_TRUE(dma_untouched(AREA(n)));
	}

	/* The next owner finds nothing of it: the PASIDs are free, and lead nowhere. */
	ASSERT_EQ(0, dma_open(RIG));
	for (n = 0; n < DMA_AREAS; n++) {
		dma_start(RIG, n, n, DMA_SLOTS);
		dma_finish(RIG, n);
		EXPECT_EQ(0, dma_count(RIG, n, DMA_WRITTEN));
		EXPECT_TRUE(dma_untouched(AREA(n)));
	}
	ASSERT_EQ(0, dma_attach(RIG, 1, 1));
	dma_start(RIG, 1, 1, DMA_SLOTS);
	dma_finish(RIG, 1);
	EXPECT_TRUE(dma_all_landed(AREA(1), 1));
}

TEST_HARNESS_MAIN
