// SPDX-License-Identifier: GPL-2.0-only
/*
 * The PASID flag of VFIO_DEVICE_ATTACH_IOMMUFD_PT and VFIO_DEVICE_DETACH_IOMMUFD_PT on a
 * device that has no PASIDs: what each wrong call says, that it changes nothing, and that
 * programs which know nothing of PASIDs go on working.
 */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/iommufd.h>
#include <linux/vfio.h>

#include "core_lib.h"
#include "core_test.h"

#define PAGE	4096
#define BYTES	EDU_MAX_DMA
#define IOVA	0x40000000
#define PASID	100

/* As in kernels since 6.15; the headers may be older. */
#define WITH_PASID	1U
#define FOR_PASIDS	8U		/* IOMMU_HWPT_ALLOC_PASID */
#define UNKNOWN		2U

struct attach {
	__u32 argsz, flags, pt_id, pasid;
};

struct detach {
	__u32 argsz, flags, pasid;
};

FIXTURE(vfio_pasid)
{
	char bdf[BDF_LEN];
	struct claim claim;
	__u8 *memory;	/* two pages, and one that is not there */
};

FIXTURE_SETUP(vfio_pasid)
{
	self->claim = NO_CLAIM;
	if (edu_find_single(0, self->bdf))
		SKIP(return, "no edu device in a group of its own");
	self->memory = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->memory);
	ASSERT_EQ(0, munmap(self->memory + 2 * PAGE, PAGE));
	ASSERT_EQ(0, pci_bind(self->bdf, "vfio-pci"));
	ASSERT_EQ(0, claim_take(&self->claim, BY_CDEV, self->bdf));
	ASSERT_EQ(0, edu_start(self->claim.device));
	ASSERT_EQ(0, claim_map(&self->claim, self->memory, PAGE, IOVA));
}

FIXTURE_TEARDOWN(vfio_pasid)
{
	claim_drop(&self->claim);
	munmap(self->memory, 2 * PAGE);
	EXPECT_EQ(0, pci_bind(self->bdf, EDU_DRIVER));
	EXPECT_EQ(0, edu_kernel_dma(self->bdf, BYTES));
}

/* The ioctl with a structure that ends where the memory does */
static int call_at_end(struct _test_data_vfio_pasid *self, unsigned long request,
		       const void *arg, size_t len)
{
	void *at = self->memory + 2 * PAGE - len;

	memcpy(at, arg, len);
	return ioctl(self->claim.device, request, at) ? -errno : 0;
}

static int attach(struct _test_data_vfio_pasid *self, struct attach arg)
{
	return call_at_end(self, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &arg, sizeof(arg));
}

static int detach(struct _test_data_vfio_pasid *self, struct detach arg)
{
	return call_at_end(self, VFIO_DEVICE_DETACH_IOMMUFD_PT, &arg, sizeof(arg));
}

#define ATTACH(...)	attach(self, (struct attach){ __VA_ARGS__ })
#define DETACH(...)	detach(self, (struct detach){ __VA_ARGS__ })

/* Whatever was refused, the device goes on with what it was attached to. */
#define EXPECT_DMA() do {							\
	pattern_fill(self->memory, BYTES, 1);					\
	EXPECT_EQ(0, edu_fetch(self->claim.device, IOVA, BYTES));		\
	memset(self->memory, 0, BYTES);						\
	EXPECT_EQ(0, edu_store(self->claim.device, IOVA, BYTES));		\
	EXPECT_EQ(-1, pattern_check(self->memory, BYTES, 1));			\
} while (0)

TEST_F(vfio_pasid, unknown_flags_are_refused)
{
	EXPECT_EQ(-EINVAL, ATTACH(sizeof(struct attach), UNKNOWN, self->claim.ioas, 0));
	EXPECT_EQ(-EINVAL, ATTACH(sizeof(struct attach), WITH_PASID | UNKNOWN,
				  self->claim.ioas, PASID));
	EXPECT_EQ(-EINVAL, DETACH(sizeof(struct detach), UNKNOWN, 0));
	EXPECT_EQ(-EINVAL, DETACH(sizeof(struct detach), WITH_PASID | UNKNOWN, PASID));
	EXPECT_DMA();
}

TEST_F(vfio_pasid, size_must_hold_the_pasid)
{
	EXPECT_EQ(-EINVAL, ATTACH(sizeof(struct attach) - 1, WITH_PASID, self->claim.ioas,
				  PASID));
	EXPECT_EQ(-EINVAL, DETACH(sizeof(struct detach) - 1, WITH_PASID, PASID));
	EXPECT_DMA();
}

TEST_F(vfio_pasid, pasid_must_be_readable)
{
	struct attach arg = { sizeof(arg), WITH_PASID, self->claim.ioas, PASID };
	struct detach det = { sizeof(det), WITH_PASID, PASID };

	EXPECT_EQ(-EFAULT, call_at_end(self, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &arg,
				       offsetof(struct attach, pasid)));
	EXPECT_EQ(-EFAULT, call_at_end(self, VFIO_DEVICE_DETACH_IOMMUFD_PT, &det,
				       offsetof(struct detach, pasid)));
	EXPECT_DMA();
}

TEST_F(vfio_pasid, device_without_pasids_refuses)
{
	EXPECT_EQ(-EOPNOTSUPP, ATTACH(sizeof(struct attach), WITH_PASID, self->claim.ioas,
				      PASID));
	EXPECT_EQ(-ENOENT, ATTACH(sizeof(struct attach), WITH_PASID, 1U << 30, PASID));
	EXPECT_EQ(-EINVAL, ATTACH(sizeof(struct attach), WITH_PASID, self->claim.ioas, 0));
	EXPECT_DMA();
}

TEST_F(vfio_pasid, detach_of_nothing_is_silent)
{
	EXPECT_EQ(0, DETACH(sizeof(struct detach), WITH_PASID, PASID));
	EXPECT_EQ(0, DETACH(sizeof(struct detach), WITH_PASID, 0));
	EXPECT_EQ(0, DETACH(sizeof(struct detach), WITH_PASID, ~0U));
	EXPECT_DMA();
}

/* Their structures are shorter, and nothing behind them is read. */
TEST_F(vfio_pasid, programs_without_pasids_go_on)
{
	struct attach arg = { offsetof(struct attach, pasid), 0, self->claim.ioas, 0 };
	struct detach det = { offsetof(struct detach, pasid), 0, 0 };

	ASSERT_EQ(0, call_at_end(self, VFIO_DEVICE_DETACH_IOMMUFD_PT, &det, det.argsz));
	ASSERT_EQ(0, call_at_end(self, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &arg, arg.argsz));
	EXPECT_DMA();
	arg.argsz--;
	EXPECT_EQ(-EINVAL, call_at_end(self, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &arg,
				       sizeof(arg)));
	/* What is there without its flag is not looked at. */
	EXPECT_EQ(0, ATTACH(sizeof(struct attach), 0, self->claim.ioas, PASID));
	EXPECT_DMA();
}

/* Also before a PASID is attached, a device may have a HWPT that is good for them. */
TEST_F(vfio_pasid, hwpt_for_pasids_serves_the_device)
{
	struct iommu_hwpt_alloc arg = {
		.size = sizeof(arg),
		.flags = FOR_PASIDS,
		.dev_id = self->claim.dev_id,
		.pt_id = self->claim.ioas,
	};
	int ret = ioctl(self->claim.container, IOMMU_HWPT_ALLOC, &arg) ? -errno : 0;

	if (!iommu_named("dmar")) {
		EXPECT_EQ(-EOPNOTSUPP, ret);
		return;
	}
	ASSERT_EQ(0, ret);
	EXPECT_EQ(0, cdev_attach(self->claim.device, &arg.out_hwpt_id));
	EXPECT_DMA();
	EXPECT_EQ(0, cdev_attach(self->claim.device, &self->claim.ioas));
	EXPECT_DMA();
}

/* A device that came by its group has no such calls. */
TEST(device_of_a_group_has_no_pasids)
{
	struct attach arg = { sizeof(arg), WITH_PASID, 1, PASID };
	struct detach det = { sizeof(det), WITH_PASID, PASID };
	struct claim claim = NO_CLAIM;
	char bdf[BDF_LEN];

	if (edu_find_single(0, bdf))
		SKIP(return, "no edu device in a group of its own");
	ASSERT_EQ(0, pci_bind(bdf, "vfio-pci"));
	ASSERT_EQ(0, claim_take(&claim, BY_GROUP_IOMMUFD, bdf));
	EXPECT_EQ(-1, ioctl(claim.device, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &arg));
	EXPECT_EQ(ENOTTY, errno);
	EXPECT_EQ(-1, ioctl(claim.device, VFIO_DEVICE_DETACH_IOMMUFD_PT, &det));
	EXPECT_EQ(ENOTTY, errno);
	claim_drop(&claim);
	EXPECT_EQ(0, pci_bind(bdf, EDU_DRIVER));
}

TEST_HARNESS_MAIN
