// SPDX-License-Identifier: GPL-2.0-only
/*
 * PCI devices that come and go, driven through the emulator's monitor on the second
 * serial port (port `hp` is empty; a conventional bridge `ppb` holds one edu device):
 * while nobody owns anything, while a user owns another group, while a user owns the
 * device itself, and into a group that a user owns.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core_lib.h"
#include "core_test.h"

#define PAGE	4096
#define IOVA	0x40000000
#define WAIT_MS	90000

FIXTURE(hotplug)
{
	int qmp;
	struct pci_list before;
	struct claim claim;
	char bdf[BDF_LEN];	/* the device that was plugged, "" for none */
	bool plugged;		/* and the monitor has not yet said that it is gone */
	char stays[BDF_LEN];	/* its neighbour behind the bridge, "" for none */
	__u8 *memory;
};

FIXTURE_SETUP(hotplug)
{
	self->claim = NO_CLAIM;
	if (!path_exists("/sys/kernel/iommu_groups/0"))
		SKIP(return, "no IOMMU group in this machine");
	self->qmp = qmp_open();
	if (self->qmp < 0)
		SKIP(return, "no answer from the emulator's monitor on the second serial port");
	ASSERT_EQ(0, pci_find(EDU_VENDOR, EDU_DEVICE, &self->before));
	self->memory = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->memory);
}

FIXTURE_TEARDOWN(hotplug)
{
	claim_drop(&self->claim);
	if (self->plugged) {
		qmp_del(self->qmp, "hot");
		EXPECT_EQ(0, qmp_wait_deleted(self->qmp, "hot", WAIT_MS));
	}
	if (self->stays[0]) {
		/* a new attachment: see LOST_ENTRY */
		EXPECT_EQ(0, pci_bind(self->stays, "vfio-pci"));
		EXPECT_EQ(0, claim_take(&self->claim, BY_CDEV, self->stays));
		claim_drop(&self->claim);
		EXPECT_EQ(0, pci_bind(self->stays, EDU_DRIVER));
		EXPECT_EQ(0, edu_kernel_dma(self->stays, 512));
	}
	munmap(self->memory, 2 * PAGE);
	close(self->qmp);
}

/* The edu device that was not there before, if there is one: its address into @found */
static bool find_new(FIXTURE_DATA(hotplug) *self)
{
	struct pci_list now;
	int i, j;

	pci_find(EDU_VENDOR, EDU_DEVICE, &now);
	for (i = 0; i < now.count; i++) {
		for (j = 0; j < self->before.count; j++)
			if (!strcmp(now.bdf[i], self->before.bdf[j]))
				break;
		if (j < self->before.count || pci_group(now.bdf[i]) < 0)
			continue;
		memcpy(self->bdf, now.bdf[i], BDF_LEN);
		return true;
	}
	return false;
}

static bool has_arrived(const void *self)
{
	return find_new((FIXTURE_DATA(hotplug) *)self);
}

/* Bound for good: the driver's file appears when its probe has succeeded. */
static bool is_ready(const void *bdf)
{
	char path[96];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/dma_check", (const char *)bdf);
	return path_exists(path);
}

static bool has_gone(const void *bdf)
{
	return !pci_present(bdf);
}

static int plug(FIXTURE_DATA(hotplug) *self, const char *bus, const char *addr)
{
	int ret = qmp_add_edu(self->qmp, "hot", bus, addr);

	if (ret)
		return ret;
	self->plugged = true;
	return wait_for(has_arrived, self, WAIT_MS) ? 0 : -ETIMEDOUT;
}

static int unplug(FIXTURE_DATA(hotplug) *self)
{
	int ret = qmp_del(self->qmp, "hot");

	if (!ret)
		ret = qmp_wait_deleted(self->qmp, "hot", WAIT_MS);
	if (ret)
		return ret;
	self->plugged = false;
	return wait_for(has_gone, self->bdf, WAIT_MS) ? 0 : -ETIMEDOUT;
}

static bool group_has_gone(const void *group)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/kernel/iommu_groups/%d", *(const int *)group);
	return !path_exists(path);
}

/* A new device gets a group, a default domain and its driver; all of it goes again. */
TEST_F(hotplug, device_comes_and_goes_unclaimed)
{
	struct pci_list members;
	int group, round;

	for (round = 0; round < 2; round++) {
		ASSERT_EQ(0, plug(self, "hp", "0"));
		group = pci_group(self->bdf);
		ASSERT_EQ(0, group_members(group, &members));
		EXPECT_EQ(1, members.count);
		/* its driver is there: it binds by itself */
		EXPECT_TRUE(wait_for(is_ready, self->bdf, WAIT_MS));
		EXPECT_EQ(0, edu_kernel_dma(self->bdf, EDU_MAX_DMA));
		ASSERT_EQ(0, unplug(self));
		/* after the device's links, not with them */
		EXPECT_TRUE(wait_for(group_has_gone, &group, WAIT_MS));
	}
}

/* Comings and goings elsewhere do not disturb a user's DMA. */
TEST_F(hotplug, user_of_another_group_is_not_disturbed)
{
	char bdf[BDF_LEN];

	if (edu_find_single(0, bdf))
		SKIP(return, "no edu device in a group of its own");
	ASSERT_EQ(0, pci_bind(bdf, "vfio-pci"));
	ASSERT_EQ(0, claim_take(&self->claim, BY_CDEV, bdf));
	ASSERT_EQ(0, edu_start(self->claim.device));
	ASSERT_EQ(0, claim_map(&self->claim, self->memory, 2 * PAGE, IOVA));
	pattern_fill(self->memory, PAGE, 1);
	ASSERT_EQ(0, edu_fetch(self->claim.device, IOVA, EDU_MAX_DMA));
	ASSERT_EQ(0, plug(self, "hp", "0"));
	EXPECT_NE(pci_group(bdf), pci_group(self->bdf));
	EXPECT_EQ(0, edu_store(self->claim.device, IOVA + PAGE, EDU_MAX_DMA));
	EXPECT_EQ(-1, pattern_check(self->memory + PAGE, EDU_MAX_DMA, 1));
	EXPECT_EQ(0, unplug(self));
	memset(self->memory + PAGE, 0, PAGE);
	EXPECT_EQ(0, edu_store(self->claim.device, IOVA + PAGE, EDU_MAX_DMA));
	EXPECT_EQ(-1, pattern_check(self->memory + PAGE, EDU_MAX_DMA, 1));
	claim_drop(&self->claim);
	EXPECT_EQ(0, pci_bind(bdf, EDU_DRIVER));
	EXPECT_EQ(0, edu_kernel_dma(bdf, 512));
}

/*
 * The device goes while a user owns it: the user is asked, and once it lets go, device
 * and group vanish.
 */
static void unplug_while_claimed(struct __test_metadata *_metadata, FIXTURE_DATA(hotplug) *self,
				 enum claim_way way)
{
	struct pollfd asked;
	int group;

	ASSERT_EQ(0, plug(self, "hp", "0"));
	ASSERT_TRUE(wait_for(is_ready, self->bdf, WAIT_MS));
	group = pci_group(self->bdf);
	ASSERT_EQ(0, pci_bind(self->bdf, "vfio-pci"));
	ASSERT_EQ(0, claim_take(&self->claim, way, self->bdf));
	ASSERT_EQ(0, edu_start(self->claim.device));
	ASSERT_EQ(0, claim_map(&self->claim, self->memory, 2 * PAGE, IOVA));
	asked = (struct pollfd){ .fd = eventfd(0, EFD_CLOEXEC), .events = POLLIN };
	ASSERT_LE(0, asked.fd);
	ASSERT_EQ(0, vfio_request_event(self->claim.device, asked.fd));

	ASSERT_EQ(0, qmp_del(self->qmp, "hot"));
	ASSERT_EQ(1, poll(&asked, 1, WAIT_MS));
	/* asked, not evicted: until the user lets go its mapping holds */
	EXPECT_FALSE(group_has_gone(&group));
	EXPECT_EQ(0, claim_unmap(&self->claim, IOVA, 2 * PAGE));
	claim_drop(&self->claim);
	ASSERT_EQ(0, qmp_wait_deleted(self->qmp, "hot", WAIT_MS));
	self->plugged = false;
	EXPECT_TRUE(wait_for(has_gone, self->bdf, WAIT_MS));
	EXPECT_TRUE(wait_for(group_has_gone, &group, WAIT_MS));
	close(asked.fd);
}

TEST_F(hotplug, unplug_waits_for_user_by_cdev)
{
	unplug_while_claimed(_metadata, self, BY_CDEV);
}

TEST_F(hotplug, unplug_waits_for_user_by_group_type1)
{
	unplug_while_claimed(_metadata, self, BY_GROUP_TYPE1);
}

TEST_F(hotplug, unplug_waits_for_user_by_group_iommufd)
{
	unplug_while_claimed(_metadata, self, BY_GROUP_IOMMUFD);
}

/*
 * Into and out of the group of a conventional bridge, whose requester ID stands for all
 * that is behind it. The base's VT-d driver clears that ID's entry when any of them
 * goes, and the ones that stay lose their translation: the tests about those that stay
 * skip where they meet it, and the teardown gets the entry back.
 */
#define LOST_ENTRY "the IOMMU's driver cleared the entry that the one which stayed needs"
#define NO_BRIDGE "no edu device behind a conventional PCI bridge"

/*
 * O3: who arrives joins the group, but no driver that does DMA gets it for now; and the
 * log says so, with who owns the group. The base is silent.
 */
TEST_F(hotplug, arrival_in_owned_group_gets_no_dma_driver)
{
	const char *const words[] = { self->bdf, "refused", "user space owns it",
				      "hotplug_test", NULL };
	char line[512] = "";
	int klog;

	if (edu_find_bridged(self->stays))
		SKIP(return, NO_BRIDGE);
	ASSERT_EQ(0, pci_bind(self->stays, "vfio-pci"));
	ASSERT_EQ(0, claim_take(&self->claim, BY_CDEV, self->stays));
	ASSERT_EQ(0, edu_start(self->claim.device));
	ASSERT_EQ(0, claim_map(&self->claim, self->memory, 2 * PAGE, IOVA));
	klog = klog_open();
	ASSERT_EQ(0, plug(self, "ppb", "2"));
	EXPECT_EQ(pci_group(self->stays), pci_group(self->bdf));
	/* its driver was tried as it arrived, */
	EXPECT_EQ(0, klog_wait(klog, words, line, sizeof(line), WAIT_MS));
	close(klog);
	/* and when it is asked for */
	EXPECT_EQ(-EBUSY, pci_bind(self->bdf, EDU_DRIVER));
	EXPECT_FALSE(is_ready(self->bdf));
	/* the user goes on as before */
	pattern_fill(self->memory, PAGE, 4);
	EXPECT_EQ(0, edu_fetch(self->claim.device, IOVA, EDU_MAX_DMA));
	EXPECT_EQ(0, edu_store(self->claim.device, IOVA + PAGE, EDU_MAX_DMA));
	EXPECT_EQ(-1, pattern_check(self->memory + PAGE, EDU_MAX_DMA, 4));
	claim_drop(&self->claim);
	EXPECT_EQ(0, pci_bind(self->stays, EDU_DRIVER));
	EXPECT_EQ(0, edu_kernel_dma(self->stays, 512));
}

/*
 * W15: what arrived while a user owned the group does translated DMA like the others
 * once a driver may have it. The base fails this test.
 */
TEST_F(hotplug, late_arrival_does_translated_dma_after_release)
{
	if (edu_find_bridged(self->stays))
		SKIP(return, NO_BRIDGE);
	ASSERT_EQ(0, pci_bind(self->stays, "vfio-pci"));
	ASSERT_EQ(0, claim_take(&self->claim, BY_CDEV, self->stays));
	ASSERT_EQ(0, plug(self, "ppb", "2"));
	claim_drop(&self->claim);
	EXPECT_EQ(0, pci_bind(self->bdf, EDU_DRIVER));
	EXPECT_EQ(0, edu_kernel_dma(self->bdf, EDU_MAX_DMA));
	EXPECT_EQ(0, pci_bind(self->stays, EDU_DRIVER));
	EXPECT_EQ(0, edu_kernel_dma(self->stays, EDU_MAX_DMA));
}

TEST_F(hotplug, departure_from_owned_group_keeps_the_user)
{
	if (edu_find_bridged(self->stays))
		SKIP(return, NO_BRIDGE);
	ASSERT_EQ(0, plug(self, "ppb", "2"));
	ASSERT_TRUE(wait_for(is_ready, self->bdf, WAIT_MS));
	ASSERT_EQ(0, pci_unbind(self->bdf));
	ASSERT_EQ(0, pci_bind(self->stays, "vfio-pci"));
	ASSERT_EQ(0, claim_take(&self->claim, BY_CDEV, self->stays));
	ASSERT_EQ(0, edu_start(self->claim.device));
	ASSERT_EQ(0, claim_map(&self->claim, self->memory, 2 * PAGE, IOVA));
	ASSERT_EQ(0, unplug(self));
	pattern_fill(self->memory, PAGE, 5);
	memset(self->memory + PAGE, 0, PAGE);
	EXPECT_EQ(0, edu_fetch(self->claim.device, IOVA, EDU_MAX_DMA));
	EXPECT_EQ(0, edu_store(self->claim.device, IOVA + PAGE, EDU_MAX_DMA));
	if (pattern_check(self->memory + PAGE, EDU_MAX_DMA, 5) >= 0)
		SKIP(return, LOST_ENTRY);
}

TEST_F(hotplug, departure_from_unclaimed_group_keeps_the_driver)
{
	if (edu_find_bridged(self->stays))
		SKIP(return, NO_BRIDGE);
	ASSERT_EQ(0, plug(self, "ppb", "2"));
	ASSERT_TRUE(wait_for(is_ready, self->bdf, WAIT_MS));
	EXPECT_EQ(0, edu_kernel_dma(self->bdf, 512));
	EXPECT_EQ(0, edu_kernel_dma(self->stays, 512));
	ASSERT_EQ(0, unplug(self));
	if (edu_kernel_dma(self->stays, 512))
		SKIP(return, LOST_ENTRY);
}

TEST_HARNESS_MAIN
