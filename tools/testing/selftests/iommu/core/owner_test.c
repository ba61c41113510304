// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who may use a group of two devices: kernel drivers that bind and unbind through
 * sysfs, and users that claim through VFIO, each against the other. The two devices are
 * edu functions of one slot. Whatever a test did, both end with the kernel's driver and
 * must do DMA again.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core_lib.h"
#include "core_test.h"

FIXTURE(owner)
{
	char first[BDF_LEN], second[BDF_LEN];
	struct claim claim;
};

FIXTURE_VARIANT(owner)
{
	enum claim_way way;
};

FIXTURE_VARIANT_ADD(owner, cdev) { .way = BY_CDEV, };
FIXTURE_VARIANT_ADD(owner, group_type1) { .way = BY_GROUP_TYPE1, };
FIXTURE_VARIANT_ADD(owner, group_iommufd) { .way = BY_GROUP_IOMMUFD, };

static void unbind_quietly(const char *bdf)
{
	char name[64];

	if (!pci_driver(bdf, name, sizeof(name)))
		pci_unbind(bdf);
}

FIXTURE_SETUP(owner)
{
	self->claim = NO_CLAIM;
	if (edu_find_pair(self->first, self->second))
		SKIP(return, "no two edu functions in one slot");
	unbind_quietly(self->first);
	unbind_quietly(self->second);
}

FIXTURE_TEARDOWN(owner)
{
	claim_drop(&self->claim);
	unbind_quietly(self->first);
	unbind_quietly(self->second);
	EXPECT_EQ(0, pci_bind(self->first, EDU_DRIVER));
	EXPECT_EQ(0, pci_bind(self->second, EDU_DRIVER));
	EXPECT_EQ(0, edu_kernel_dma(self->first, 512));
	EXPECT_EQ(0, edu_kernel_dma(self->second, 512));
}

/* O3: while a user owns the group its sibling cannot go to a driver that does DMA. */
TEST_F(owner, user_keeps_sibling_driver_out_until_release)
{
	char name[64];

	ASSERT_EQ(0, pci_bind(self->first, "vfio-pci"));
	ASSERT_EQ(0, claim_take(&self->claim, variant->way, self->first));
	EXPECT_EQ(-EBUSY, pci_bind(self->second, EDU_DRIVER));
	EXPECT_NE(0, pci_driver(self->second, name, sizeof(name)));
	/* refused again, not let through the second time */
	EXPECT_EQ(-EBUSY, pci_bind(self->second, EDU_DRIVER));
	claim_drop(&self->claim);
	EXPECT_EQ(0, pci_bind(self->second, EDU_DRIVER));
	EXPECT_EQ(0, edu_kernel_dma(self->second, 512));
}

/* O2: a driver that does DMA keeps users out of the whole group. */
TEST_F(owner, sibling_driver_keeps_user_out_until_unbound)
{
	ASSERT_EQ(0, pci_bind(self->first, "vfio-pci"));
	ASSERT_EQ(0, pci_bind(self->second, EDU_DRIVER));
	EXPECT_EQ(-EPERM, claim_take(&self->claim, variant->way, self->first));
	EXPECT_EQ(0, edu_kernel_dma(self->second, 512));
	ASSERT_EQ(0, pci_unbind(self->second));
	EXPECT_EQ(0, claim_take(&self->claim, variant->way, self->first));
}

/* O1: a driver that does no DMA of its own may come while a user owns the group. */
TEST_F(owner, vfio_driver_binds_beside_a_user)
{
	ASSERT_EQ(0, pci_bind(self->first, "vfio-pci"));
	ASSERT_EQ(0, claim_take(&self->claim, variant->way, self->first));
	EXPECT_EQ(0, pci_bind(self->second, "vfio-pci"));
	EXPECT_EQ(0, pci_unbind(self->second));
}

/* The group is one owner's: another process gets neither device. */
TEST_F(owner, other_process_is_refused_the_sibling)
{
	struct claim other;
	int status;

	ASSERT_EQ(0, pci_bind(self->first, "vfio-pci"));
	ASSERT_EQ(0, pci_bind(self->second, "vfio-pci"));
	ASSERT_EQ(0, claim_take(&self->claim, variant->way, self->first));
	if (!fork())
		_exit(-claim_take(&other, variant->way, self->second));
	wait(&status);
	ASSERT_TRUE(WIFEXITED(status));
	/* by cdev the core refuses; a group's file can be open only once */
	EXPECT_EQ(variant->way == BY_CDEV ? EPERM : EBUSY, WEXITSTATUS(status));
	claim_drop(&self->claim);
	EXPECT_EQ(0, claim_take(&self->claim, variant->way, self->second));
}

/* A process that is killed holds nothing. */
TEST_F(owner, killed_process_gives_the_group_back)
{
	int ready[2], status;
	char byte = 0;
	pid_t pid;

	ASSERT_EQ(0, pci_bind(self->first, "vfio-pci"));
	ASSERT_EQ(0, pipe(ready));
	pid = fork();
	if (!pid) {
		byte = claim_take(&self->claim, variant->way, self->first) ? 'f' : 't';
		if (write(ready[1], &byte, 1) != 1)
			_exit(1);
		pause();
	}
	ASSERT_EQ(1, read(ready[0], &byte, 1));
	EXPECT_EQ('t', byte);
	EXPECT_EQ(-EBUSY, pci_bind(self->second, EDU_DRIVER));
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	EXPECT_EQ(0, pci_bind(self->second, EDU_DRIVER));
}

/* Claims and drivers in turn: the counts must come back to nothing each time. */
TEST_F(owner, ten_rounds_of_claim_and_bind)
{
	int i;

	for (i = 0; i < 10; i++) {
		ASSERT_EQ(0, pci_bind(self->first, "vfio-pci"));
		ASSERT_EQ(0, claim_take(&self->claim, variant->way, self->first));
		ASSERT_EQ(-EBUSY, pci_bind(self->second, EDU_DRIVER));
		claim_drop(&self->claim);
		ASSERT_EQ(0, pci_bind(self->second, EDU_DRIVER));
		ASSERT_EQ(-EPERM, claim_take(&self->claim, variant->way, self->first));
		ASSERT_EQ(0, pci_bind(self->first, EDU_DRIVER));
		ASSERT_EQ(0, pci_unbind(self->first));
		ASSERT_EQ(0, pci_unbind(self->second));
	}
}

/* The sibling for the same user */
static int take_sibling(struct claim *claim, const char *bdf)
{
	int device, ret;

	if (claim->way != BY_CDEV)
		return vfio_group_device(claim->group, bdf);
	device = cdev_open(bdf);
	if (device < 0)
		return device;
	ret = cdev_bind(device, claim->container, NULL);
	if (!ret)
		return device;
	close(device);
	return ret;
}

/* O2: several devices of a group for the same user; the last one to go frees it. */
TEST_F(owner, one_user_holds_both_devices)
{
	int second;

	ASSERT_EQ(0, pci_bind(self->first, "vfio-pci"));
	ASSERT_EQ(0, pci_bind(self->second, "vfio-pci"));
	ASSERT_EQ(0, claim_take(&self->claim, variant->way, self->first));
	second = take_sibling(&self->claim, self->second);
	ASSERT_LE(0, second);
	/* the first goes, the second still holds the group */
	close(self->claim.device);
	self->claim.device = -1;
	EXPECT_EQ(-EBUSY, pci_bind(self->first, EDU_DRIVER));
	close(second);
	claim_drop(&self->claim);
	EXPECT_EQ(0, pci_bind(self->first, EDU_DRIVER));
}

/* The group's file tells beforehand what a claim will meet. */
TEST_F(owner, group_is_viable_exactly_if_a_claim_succeeds)
{
	int group;

	ASSERT_EQ(0, pci_bind(self->first, "vfio-pci"));
	ASSERT_EQ(0, pci_bind(self->second, EDU_DRIVER));
	group = vfio_group_open(pci_group(self->first));
	ASSERT_LE(0, group);
	EXPECT_EQ(0, vfio_group_viable(group));
	close(group);
	EXPECT_EQ(-EPERM, claim_take(&self->claim, variant->way, self->first));
	ASSERT_EQ(0, pci_unbind(self->second));
	group = vfio_group_open(pci_group(self->first));
	ASSERT_LE(0, group);
	EXPECT_EQ(1, vfio_group_viable(group));
	close(group);
	EXPECT_EQ(0, claim_take(&self->claim, variant->way, self->first));
}

TEST_HARNESS_MAIN
