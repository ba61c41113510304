// SPDX-License-Identifier: GPL-2.0-only
/*
 * PASIDs by iommufd, over its mock IOMMU: what may be attached where, what each refusal
 * says, and that a refusal changes nothing. The mock driver compares what the core tells
 * it with a record of its own, and warns; mock_check() asks both what a device has.
 *
 * Each case runs with a device alone in its group, with a group of three, and with a
 * group in which one device has no PASIDs.
 */
#include <errno.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core_lib.h"
#include "core_mock.h"
#include "core_test.h"

#define PASID		100
#define OTHER		101
#define WITH_PASIDS	IOMMU_HWPT_ALLOC_PASID
#define THIS_GROUP	MOCK_GROUP(1)
#define ADDRESS		0x1000000
#define PAGE		4096

FIXTURE(pasid)
{
	int iommufd;
	__u32 ioas;
	int count;		/* devices that have PASIDs */
	struct mock dev[3];
	struct mock without;	/* in the same group, has none */
	__u32 rid;		/* what the devices are attached to */
	__u32 a, b;		/* HWPTs for PASIDs */
	__u32 plain;		/* not for PASIDs */
};

FIXTURE_VARIANT(pasid)
{
	int count;
	bool without;
};

FIXTURE_VARIANT_ADD(pasid, alone) { .count = 1, };
FIXTURE_VARIANT_ADD(pasid, group_of_three) { .count = 3, };
FIXTURE_VARIANT_ADD(pasid, beside_one_without) { .count = 1, .without = true, };

#define FD		(self->iommufd)
#define FIRST		(&self->dev[0])
#define LAST		(&self->dev[self->count - 1])

#define ATTACH(dev, pasid, pt)	({ __u32 id_ = (pt); mock_attach(FD, dev, pasid, &id_); })
#define REPLACE(dev, pasid, pt)	({ __u32 id_ = (pt); mock_replace(FD, dev, pasid, &id_); })
#define DETACH(dev, pasid)	mock_detach(FD, dev, pasid)

/* One more device with PASIDs in the group, attached to what the others have */
static int add_sibling(int iommufd, __u32 rid, struct mock *dev)
{
	return mock_add(iommufd, rid, MOCK_FLAGS_DEVICE_PASID | THIS_GROUP, dev);
}

/* A group of @count devices with PASIDs, attached to a HWPT that leaves room for those */
static int add_group(int iommufd, struct mock *dev, int count, __u32 *ioas, __u32 *rid)
{
	__u32 id;
	int i, ret;

	ret = ioas_alloc(iommufd, ioas);
	if (!ret)
		ret = add_sibling(iommufd, *ioas, dev);
	if (!ret)
		ret = mock_hwpt(iommufd, dev, *ioas, WITH_PASIDS, rid);
	if (ret)
		return ret;
	id = *rid;
	ret = mock_replace(iommufd, dev, NO_PASID, &id);
	for (i = 1; !ret && i < count; i++)
		ret = add_sibling(iommufd, *rid, &dev[i]);
	return ret;
}

/* For cases that are about two devices with PASIDs */
#define ensure_sibling() do {							\
	if (self->count == 1) {							\
		self->count = 2;						\
		ASSERT_EQ(0, add_sibling(FD, self->rid, LAST));			\
	}									\
} while (0)

FIXTURE_SETUP(pasid)
{
	if (!mock_usable())
		SKIP(return, "no mock IOMMU, or a real one besides it");
	self->iommufd = iommufd_open();
	ASSERT_LE(0, FD);
	self->count = variant->count;
	ASSERT_EQ(0, add_group(FD, self->dev, self->count, &self->ioas, &self->rid));
	ASSERT_EQ(0, mock_hwpt(FD, FIRST, self->ioas, WITH_PASIDS, &self->a));
	ASSERT_EQ(0, mock_hwpt(FD, FIRST, self->ioas, WITH_PASIDS, &self->b));
	ASSERT_EQ(0, mock_hwpt(FD, FIRST, self->ioas, 0, &self->plain));
	if (variant->without)
		ASSERT_EQ(0, mock_add(FD, self->rid, THIS_GROUP, &self->without));
}

/* Whatever is attached still goes with the file. */
FIXTURE_TEARDOWN(pasid)
{
	close(FD);
}

#define expect_all(pasid, hwpt) do {						\
	struct mock *dev_;							\
	for (dev_ = FIRST; dev_ <= LAST; dev_++)			\
		EXPECT_EQ(0, mock_check(FD, dev_, pasid, hwpt));		\
} while (0)

#define attach_all(pasid, hwpt) do {						\
	struct mock *dev_;							\
	for (dev_ = FIRST; dev_ <= LAST; dev_++)			\
		ASSERT_EQ(0, ATTACH(dev_, pasid, hwpt));			\
} while (0)

/* The group has it from the first device to attach to the last to detach. */
TEST_F(pasid, attach_and_detach)
{
	struct mock *dev;

	expect_all(PASID, 0);
	for (dev = FIRST; dev <= LAST; dev++) {
		ASSERT_EQ(0, ATTACH(dev, PASID, self->a));
		expect_all(PASID, self->a);
	}
	for (dev = FIRST; dev <= LAST; dev++) {
		expect_all(PASID, self->a);
		EXPECT_EQ(0, DETACH(dev, PASID));
	}
	expect_all(PASID, 0);
	expect_all(NO_PASID, self->rid);
}

TEST_F(pasid, attach_gives_back_the_hwpt)
{
	__u32 id = self->a;

	ASSERT_EQ(0, mock_attach(FD, FIRST, PASID, &id));
	EXPECT_EQ(self->a, id);
	id = self->b;
	ASSERT_EQ(0, mock_replace(FD, FIRST, PASID, &id));
	EXPECT_EQ(self->b, id);
}

/* The check that the other tests rely on can say no. */
TEST_F(pasid, check_tells_hwpts_apart)
{
	EXPECT_EQ(-EINVAL, mock_check(FD, FIRST, PASID, self->a));
	ASSERT_EQ(0, ATTACH(FIRST, PASID, self->a));
	EXPECT_EQ(-EINVAL, mock_check(FD, FIRST, PASID, self->b));
	EXPECT_EQ(-EINVAL, mock_check(FD, FIRST, PASID, 0));
	EXPECT_EQ(-EINVAL, mock_check(FD, FIRST, PASID, self->ioas));
	EXPECT_EQ(-ENOENT, mock_check(FD, FIRST, PASID, 1U << 30));
}

TEST_F(pasid, second_attach_is_busy)
{
	attach_all(PASID, self->a);
	EXPECT_EQ(-EBUSY, ATTACH(FIRST, PASID, self->a));
	EXPECT_EQ(-EBUSY, ATTACH(LAST, PASID, self->b));
	expect_all(PASID, self->a);
	EXPECT_EQ(-EBUSY, ATTACH(FIRST, NO_PASID, self->rid));
	expect_all(NO_PASID, self->rid);
}

TEST_F(pasid, siblings_share_one_hwpt)
{
	ensure_sibling();
	ASSERT_EQ(0, ATTACH(FIRST, PASID, self->a));
	EXPECT_EQ(-EINVAL, ATTACH(LAST, PASID, self->b));
	EXPECT_EQ(0, ATTACH(LAST, OTHER, self->b));
	EXPECT_EQ(0, ATTACH(LAST, PASID, self->a));
	expect_all(PASID, self->a);
	expect_all(OTHER, self->b);
}

TEST_F(pasid, pasids_are_independent)
{
	attach_all(PASID, self->a);
	attach_all(OTHER, self->b);
	ASSERT_EQ(0, REPLACE(FIRST, PASID, self->b));
	ASSERT_EQ(0, REPLACE(FIRST, OTHER, self->a));
	expect_all(PASID, self->b);
	expect_all(OTHER, self->a);
	expect_all(NO_PASID, self->rid);
	ASSERT_EQ(0, DETACH(FIRST, PASID));
	expect_all(OTHER, self->a);
}

TEST_F(pasid, replace_moves_the_whole_group)
{
	struct mock *dev;

	attach_all(PASID, self->a);
	for (dev = FIRST; dev <= LAST; dev++) {
		ASSERT_EQ(0, REPLACE(dev, PASID, self->b));
		expect_all(PASID, self->b);
		ASSERT_EQ(0, REPLACE(dev, PASID, self->a));
		expect_all(PASID, self->a);
	}
}

TEST_F(pasid, replace_by_the_same_is_nothing)
{
	attach_all(PASID, self->a);
	EXPECT_EQ(0, REPLACE(LAST, PASID, self->a));
	expect_all(PASID, self->a);
}

TEST_F(pasid, replace_needs_an_attach)
{
	EXPECT_EQ(-EINVAL, REPLACE(FIRST, PASID, self->a));
	expect_all(PASID, 0);
	if (self->count == 1)
		return;
	/* That of a sibling does not count. */
	ASSERT_EQ(0, ATTACH(FIRST, PASID, self->a));
	EXPECT_EQ(-EINVAL, REPLACE(LAST, PASID, self->b));
	expect_all(PASID, self->a);
}

TEST_F(pasid, detach_of_nothing_is_silent)
{
	EXPECT_EQ(0, DETACH(FIRST, PASID));
	EXPECT_EQ(0, DETACH(FIRST, ~0U));
	ASSERT_EQ(0, ATTACH(FIRST, PASID, self->a));
	if (self->count > 1)
		EXPECT_EQ(0, DETACH(LAST, PASID));
	if (variant->without)
		EXPECT_EQ(0, DETACH(&self->without, PASID));
	expect_all(PASID, self->a);
	EXPECT_EQ(0, DETACH(FIRST, PASID));
	EXPECT_EQ(0, DETACH(FIRST, PASID));
	expect_all(PASID, 0);
}

TEST_F(pasid, only_hwpts_are_attached)
{
	EXPECT_EQ(-ENOENT, ATTACH(FIRST, PASID, 1U << 30));
	EXPECT_EQ(-EINVAL, ATTACH(FIRST, PASID, FIRST->idev));
	/* What the kernel makes for an IOAS is not for PASIDs. */
	EXPECT_EQ(-EINVAL, ATTACH(FIRST, PASID, self->ioas));
	expect_all(PASID, 0);
	attach_all(PASID, self->a);
	EXPECT_EQ(-ENOENT, REPLACE(FIRST, PASID, 1U << 30));
	EXPECT_EQ(-EINVAL, REPLACE(FIRST, PASID, FIRST->idev));
	EXPECT_EQ(-EINVAL, REPLACE(FIRST, PASID, self->ioas));
	expect_all(PASID, self->a);
}

TEST_F(pasid, pasid_wants_a_hwpt_for_pasids)
{
	EXPECT_EQ(-EINVAL, ATTACH(FIRST, PASID, self->plain));
	expect_all(PASID, 0);
	attach_all(PASID, self->a);
	EXPECT_EQ(-EINVAL, REPLACE(FIRST, PASID, self->plain));
	expect_all(PASID, self->a);
}

TEST_F(pasid, plain_hwpt_of_the_device_keeps_pasids_out)
{
	ASSERT_EQ(0, REPLACE(FIRST, NO_PASID, self->plain));
	EXPECT_EQ(-EINVAL, ATTACH(FIRST, PASID, self->a));
	expect_all(PASID, 0);
	ASSERT_EQ(0, REPLACE(FIRST, NO_PASID, self->ioas));
	EXPECT_EQ(-EINVAL, ATTACH(FIRST, PASID, self->a));
	expect_all(PASID, 0);
	ASSERT_EQ(0, REPLACE(FIRST, NO_PASID, self->rid));
	EXPECT_EQ(0, ATTACH(FIRST, PASID, self->a));
}

TEST_F(pasid, pasids_keep_plain_hwpts_off_the_device)
{
	attach_all(PASID, self->a);
	EXPECT_EQ(-EINVAL, REPLACE(FIRST, NO_PASID, self->plain));
	EXPECT_EQ(-EINVAL, REPLACE(FIRST, NO_PASID, self->ioas));
	expect_all(NO_PASID, self->rid);
	EXPECT_EQ(0, REPLACE(FIRST, NO_PASID, self->b));
	expect_all(NO_PASID, self->b);
	expect_all(PASID, self->a);
}

/* Detached, that is blocked, the device is in nobody's way; and back again */
TEST_F(pasid, pasids_without_the_device)
{
	struct mock *dev;

	for (dev = FIRST; dev <= LAST; dev++)
		ASSERT_EQ(0, DETACH(dev, NO_PASID));
	if (variant->without)
		ASSERT_EQ(0, DETACH(&self->without, NO_PASID));
	expect_all(NO_PASID, 0);
	attach_all(PASID, self->a);
	expect_all(NO_PASID, 0);

	EXPECT_EQ(-EINVAL, ATTACH(FIRST, NO_PASID, self->plain));
	EXPECT_EQ(-EINVAL, ATTACH(FIRST, NO_PASID, self->ioas));
	expect_all(NO_PASID, 0);
	EXPECT_EQ(0, ATTACH(FIRST, NO_PASID, self->rid));
	expect_all(NO_PASID, self->rid);

	ASSERT_EQ(0, DETACH(FIRST, NO_PASID));
	for (dev = FIRST; dev <= LAST; dev++)
		ASSERT_EQ(0, DETACH(dev, PASID));
	EXPECT_EQ(0, ATTACH(FIRST, NO_PASID, self->plain));
}

TEST_F(pasid, as_many_as_the_device_has)
{
	EXPECT_EQ(MOCK_PASID_WIDTH, mock_max_pasid_log2(FD, FIRST));
	EXPECT_EQ(0, ATTACH(FIRST, 1, self->a));
	EXPECT_EQ(0, ATTACH(FIRST, (1U << MOCK_PASID_WIDTH) - 1, self->a));
	EXPECT_EQ(-EINVAL, ATTACH(FIRST, 1U << MOCK_PASID_WIDTH, self->a));
	EXPECT_EQ(-EINVAL, ATTACH(FIRST, ~0U, self->a));
	expect_all(1U << MOCK_PASID_WIDTH, 0);
}

TEST_F(pasid, device_without_pasids)
{
	struct mock alone;

	ASSERT_EQ(0, mock_add(FD, self->rid, 0, &alone));
	EXPECT_EQ(0, mock_max_pasid_log2(FD, &alone));
	EXPECT_EQ(-EOPNOTSUPP, ATTACH(&alone, PASID, self->a));
	EXPECT_EQ(-EINVAL, REPLACE(&alone, PASID, self->a));
	EXPECT_EQ(0, mock_check(FD, &alone, PASID, 0));
	if (!variant->without)
		return;
	/* Not for its sibling's sake either, and without harm to that one */
	EXPECT_EQ(-EOPNOTSUPP, ATTACH(&self->without, PASID, self->a));
	attach_all(PASID, self->a);
	EXPECT_EQ(-EOPNOTSUPP, ATTACH(&self->without, PASID, self->a));
	expect_all(PASID, self->a);
}

TEST_F(pasid, hwpt_is_in_use_while_attached)
{
	struct mock *dev;

	for (dev = FIRST; dev <= LAST; dev++) {
		ASSERT_EQ(0, ATTACH(dev, PASID, self->a));
		EXPECT_EQ(-EBUSY, iommufd_destroy(FD, self->a));
	}
	/* Every device took one of the users along. */
	ASSERT_EQ(0, REPLACE(FIRST, PASID, self->b));
	EXPECT_EQ(0, iommufd_destroy(FD, self->a));
	for (dev = FIRST; dev <= LAST; dev++) {
		EXPECT_EQ(-EBUSY, iommufd_destroy(FD, self->b));
		ASSERT_EQ(0, DETACH(dev, PASID));
	}
	EXPECT_EQ(0, iommufd_destroy(FD, self->b));
}

TEST_F(pasid, device_gives_up_its_pasids_when_it_goes)
{
	struct mock *dev;
	__u32 pasid;

	for (pasid = 1; pasid < 65; pasid++)
		attach_all(pasid, pasid % 2 ? self->a : self->b);
	/* All devices but the first go, and the group keeps its PASIDs. */
	for (dev = LAST; dev > FIRST; dev--) {
		ASSERT_EQ(0, iommufd_destroy(FD, dev->stdev));
		for (pasid = 1; pasid < 65; pasid++)
			EXPECT_EQ(0, mock_check(FD, FIRST, pasid,
						pasid % 2 ? self->a : self->b));
	}
	ASSERT_EQ(0, iommufd_destroy(FD, FIRST->stdev));
	EXPECT_EQ(0, iommufd_destroy(FD, self->a));
	EXPECT_EQ(0, iommufd_destroy(FD, self->b));
}

/* The device through which the group came by its PASID may go first. */
TEST_F(pasid, first_device_may_go_first)
{
	ensure_sibling();
	attach_all(PASID, self->a);
	ASSERT_EQ(0, iommufd_destroy(FD, FIRST->stdev));
	EXPECT_EQ(0, mock_check(FD, LAST, PASID, self->a));
	EXPECT_EQ(0, REPLACE(LAST, PASID, self->b));
	EXPECT_EQ(0, mock_check(FD, LAST, PASID, self->b));
	EXPECT_EQ(0, mock_check(FD, LAST, NO_PASID, self->rid));
}

TEST_F(pasid, newcomer_gets_the_pasids_of_its_group)
{
	struct mock newcomer;

	attach_all(PASID, self->a);
	ASSERT_EQ(0, mock_add(FD, self->rid, MOCK_FLAGS_DEVICE_PASID | THIS_GROUP,
			      &newcomer));
	EXPECT_EQ(0, mock_check(FD, &newcomer, PASID, self->a));
	ASSERT_EQ(0, REPLACE(FIRST, PASID, self->b));
	EXPECT_EQ(0, mock_check(FD, &newcomer, PASID, self->b));
	/* Translated it is, but it has not been attached. */
	EXPECT_EQ(-EINVAL, REPLACE(&newcomer, PASID, self->a));
	EXPECT_EQ(0, ATTACH(&newcomer, PASID, self->b));
	EXPECT_EQ(-EBUSY, ATTACH(&newcomer, PASID, self->b));
}

TEST_F(pasid, failed_replace_keeps_the_old)
{
	const __u32 reserved = IOMMU_TEST_PASID_RESERVED;

	int i;

	attach_all(reserved, self->a);
	/* Each device fails once. */
	for (i = 0; i < self->count; i++) {
		EXPECT_EQ(-ENOMEM, REPLACE(LAST, reserved, self->b));
		expect_all(reserved, self->a);
	}
	EXPECT_EQ(0, iommufd_destroy(FD, self->b));
	EXPECT_EQ(-EBUSY, iommufd_destroy(FD, self->a));
	EXPECT_EQ(0, REPLACE(LAST, reserved, self->rid));
	expect_all(reserved, self->rid);
}

/* The driver fails for the device that came last: the others go back. */
TEST_F(pasid, failed_replace_of_a_sibling_moves_the_others_back)
{
	const __u32 reserved = IOMMU_TEST_PASID_RESERVED;
	struct mock newcomer;
	int i;

	attach_all(reserved, self->a);
	for (i = 0; i < self->count; i++)
		EXPECT_EQ(-ENOMEM, REPLACE(FIRST, reserved, self->b));
	ASSERT_EQ(0, mock_add(FD, self->rid, MOCK_FLAGS_DEVICE_PASID | THIS_GROUP,
			      &newcomer));
	EXPECT_EQ(-ENOMEM, REPLACE(FIRST, reserved, self->b));
	expect_all(reserved, self->a);
	EXPECT_EQ(0, mock_check(FD, &newcomer, reserved, self->a));
	EXPECT_EQ(0, REPLACE(FIRST, reserved, self->b));
	expect_all(reserved, self->b);
	EXPECT_EQ(0, mock_check(FD, &newcomer, reserved, self->b));
}

TEST_F(pasid, driver_refuses_a_domain)
{
	struct mock clean;
	__u32 dirty;

	ASSERT_EQ(0, mock_hwpt(FD, FIRST, self->ioas,
			       WITH_PASIDS | IOMMU_HWPT_ALLOC_DIRTY_TRACKING, &dirty));
	ASSERT_EQ(0, mock_add(FD, self->rid,
			      MOCK_FLAGS_DEVICE_PASID | MOCK_FLAGS_DEVICE_NO_DIRTY, &clean));
	EXPECT_EQ(-EINVAL, ATTACH(&clean, PASID, dirty));
	EXPECT_EQ(0, mock_check(FD, &clean, PASID, 0));
	ASSERT_EQ(0, ATTACH(&clean, PASID, self->a));
	EXPECT_EQ(-EINVAL, REPLACE(&clean, PASID, dirty));
	EXPECT_EQ(0, mock_check(FD, &clean, PASID, self->a));
	EXPECT_EQ(0, ATTACH(FIRST, PASID, dirty));
	expect_all(PASID, dirty);
}

/* The regions are those of requests without PASID. */
TEST_F(pasid, reserved_regions_are_no_matter_of_a_pasid)
{
	__u8 *memory = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct mock reserved;
	__u32 other, there;

	ASSERT_NE(MAP_FAILED, memory);
	ASSERT_EQ(0, ioas_alloc(FD, &other));
	ASSERT_EQ(0, mock_hwpt(FD, FIRST, other, WITH_PASIDS, &there));
	ASSERT_EQ(0, mock_add(FD, self->rid,
			      MOCK_FLAGS_DEVICE_PASID | MOCK_FLAGS_DEVICE_RESERVED, &reserved));
	EXPECT_EQ(-EINVAL, ioas_map(FD, self->ioas, memory, PAGE, MOCK_RESERVED_START));
	ASSERT_EQ(0, mock_attach(FD, &reserved, PASID, &there));
	EXPECT_EQ(0, ioas_map(FD, other, memory, PAGE, MOCK_RESERVED_START));
	/* Memory where the region would be keeps the device itself out. */
	EXPECT_EQ(-EADDRINUSE, REPLACE(&reserved, NO_PASID, there));
	EXPECT_EQ(0, mock_check(FD, &reserved, NO_PASID, self->rid));
	ASSERT_EQ(0, DETACH(&reserved, NO_PASID));
	EXPECT_EQ(-EADDRINUSE, ATTACH(&reserved, NO_PASID, there));
	EXPECT_EQ(0, mock_check(FD, &reserved, PASID, there));
	EXPECT_EQ(0, ioas_map(FD, self->ioas, memory, PAGE, MOCK_RESERVED_START));
	munmap(memory, PAGE);
}

/* Also where the page table it was to get belongs to the same IOAS */
TEST_F(pasid, failed_replace_of_the_device_keeps_its_reserved_regions)
{
	__u8 *memory = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct mock reserved;
	__u32 dirty;

	ASSERT_NE(MAP_FAILED, memory);
	ASSERT_EQ(0, mock_hwpt(FD, FIRST, self->ioas,
			       WITH_PASIDS | IOMMU_HWPT_ALLOC_DIRTY_TRACKING, &dirty));
	ASSERT_EQ(0, mock_add(FD, self->rid,
			      MOCK_FLAGS_DEVICE_NO_DIRTY | MOCK_FLAGS_DEVICE_RESERVED,
			      &reserved));
	EXPECT_EQ(-EINVAL, REPLACE(&reserved, NO_PASID, dirty));
	EXPECT_EQ(0, mock_check(FD, &reserved, NO_PASID, self->rid));
	EXPECT_EQ(-EINVAL, ioas_map(FD, self->ioas, memory, PAGE, MOCK_RESERVED_START));
	EXPECT_EQ(0, REPLACE(&reserved, NO_PASID, self->a));
	EXPECT_EQ(-EINVAL, ioas_map(FD, self->ioas, memory, PAGE, MOCK_RESERVED_START));
	munmap(memory, PAGE);
}

TEST_F(pasid, flags_of_the_allocation)
{
	const __u32 unknown = 1U << 31;
	__u32 parent, id;

	EXPECT_EQ(-EOPNOTSUPP, mock_hwpt(FD, FIRST, self->ioas, WITH_PASIDS | unknown, &id));
	ASSERT_EQ(0, mock_hwpt(FD, FIRST, self->ioas,
			       WITH_PASIDS | IOMMU_HWPT_ALLOC_NEST_PARENT, &parent));
	EXPECT_EQ(0, ATTACH(FIRST, PASID, parent));
	EXPECT_EQ(-EOPNOTSUPP, mock_nested(FD, FIRST, parent, unknown, 0, &id));
	EXPECT_EQ(-EOPNOTSUPP, mock_nested(FD, FIRST, parent,
					   IOMMU_HWPT_ALLOC_DIRTY_TRACKING, 0, &id));
	EXPECT_EQ(0, mock_nested(FD, FIRST, parent, WITH_PASIDS, 0, &id));
}

TEST_F(pasid, nested_hwpts)
{
	__u32 parent, nested, plain;

	ASSERT_EQ(0, mock_hwpt(FD, FIRST, self->ioas, IOMMU_HWPT_ALLOC_NEST_PARENT, &parent));
	ASSERT_EQ(0, mock_nested(FD, FIRST, parent, WITH_PASIDS, 0, &nested));
	ASSERT_EQ(0, mock_nested(FD, FIRST, parent, 0, 0, &plain));
	EXPECT_EQ(-EINVAL, ATTACH(FIRST, PASID, plain));
	attach_all(PASID, nested);
	expect_all(PASID, nested);
	EXPECT_EQ(-EINVAL, REPLACE(FIRST, PASID, plain));
	ASSERT_EQ(0, REPLACE(FIRST, PASID, self->a));
	expect_all(PASID, self->a);
	ASSERT_EQ(0, REPLACE(FIRST, PASID, nested));
	expect_all(PASID, nested);
	EXPECT_EQ(-EINVAL, REPLACE(FIRST, NO_PASID, plain));
	EXPECT_EQ(0, REPLACE(FIRST, NO_PASID, nested));
}

/* Page requests with a PASID: FIXTURE(pasid) with a fault queue */
FIXTURE(faults)
{
	int iommufd;
	__u32 ioas, queue, rid, plain, loud;
	int queue_fd;
	int count;
	struct mock dev[2];
};

FIXTURE_VARIANT(faults)
{
	int count;
};

FIXTURE_VARIANT_ADD(faults, alone) { .count = 1, };
FIXTURE_VARIANT_ADD(faults, group_of_two) { .count = 2, };

FIXTURE_SETUP(faults)
{
	__u32 parent;

	if (!mock_usable())
		SKIP(return, "no mock IOMMU, or a real one besides it");
	self->iommufd = iommufd_open();
	ASSERT_LE(0, FD);
	self->count = variant->count;
	ASSERT_EQ(0, add_group(FD, self->dev, self->count, &self->ioas, &self->rid));
	ASSERT_EQ(0, mock_hwpt(FD, FIRST, self->ioas,
			       WITH_PASIDS | IOMMU_HWPT_ALLOC_NEST_PARENT, &parent));
	ASSERT_EQ(0, fault_queue(FD, &self->queue, &self->queue_fd));
	ASSERT_EQ(0, mock_nested(FD, FIRST, parent, WITH_PASIDS, self->queue, &self->loud));
	ASSERT_EQ(0, mock_nested(FD, FIRST, parent, WITH_PASIDS, 0, &self->plain));
}

FIXTURE_TEARDOWN(faults)
{
	close(self->queue_fd);
	close(FD);
}

/* 0 and the message, or -EAGAIN if there is none */
static int next_fault(int queue, struct iommu_hwpt_pgfault *fault)
{
	struct pollfd poll_fd = { .fd = queue, .events = POLLIN };

	if (poll(&poll_fd, 1, 1000) != 1)
		return -EAGAIN;
	return read(queue, fault, sizeof(*fault)) == sizeof(*fault) ? 0 : -EIO;
}

static bool any_fault(int queue)
{
	struct pollfd poll_fd = { .fd = queue, .events = POLLIN };

	return poll(&poll_fd, 1, 0) != 0;
}

static int answer(int queue, __u32 cookie)
{
	struct iommu_hwpt_page_response response = {
		.cookie = cookie,
		.code = IOMMUFD_PAGE_RESP_SUCCESS,
	};

	return write(queue, &response, sizeof(response)) == sizeof(response) ? 0 : -errno;
}

TEST_F(faults, message_says_pasid_and_address)
{
	struct iommu_hwpt_pgfault fault = {};

	attach_all(PASID, self->loud);
	ASSERT_EQ(0, mock_page_request(FD, FIRST, PASID, 7, ADDRESS));
	ASSERT_EQ(0, next_fault(self->queue_fd, &fault));
	EXPECT_EQ(IOMMU_PGFAULT_FLAGS_PASID_VALID | IOMMU_PGFAULT_FLAGS_LAST_PAGE, fault.flags);
	EXPECT_EQ(FIRST->idev, fault.dev_id);
	EXPECT_EQ(PASID, fault.pasid);
	EXPECT_EQ(7, fault.grpid);
	EXPECT_EQ(ADDRESS, fault.addr);
	EXPECT_EQ(0, answer(self->queue_fd, fault.cookie));
}

TEST_F(faults, pasid_without_a_queue_reports_nothing)
{
	attach_all(PASID, self->loud);
	attach_all(OTHER, self->plain);
	ASSERT_EQ(0, mock_page_request(FD, FIRST, OTHER, 1, ADDRESS));
	EXPECT_FALSE(any_fault(self->queue_fd));
	ASSERT_EQ(0, mock_page_request(FD, FIRST, PASID, 1, ADDRESS));
	EXPECT_TRUE(any_fault(self->queue_fd));
}

/* Nobody is left to answer: the kernel does, and the queue is empty again. */
TEST_F(faults, detach_answers_what_is_pending)
{
	struct iommu_hwpt_pgfault fault = {};
	struct mock *dev;

	attach_all(PASID, self->loud);
	ASSERT_EQ(0, mock_page_request(FD, FIRST, PASID, 1, ADDRESS));
	ASSERT_EQ(0, next_fault(self->queue_fd, &fault));
	ASSERT_EQ(0, mock_page_request(FD, FIRST, PASID, 2, ADDRESS));
	for (dev = FIRST; dev <= LAST; dev++)
		ASSERT_EQ(0, DETACH(dev, PASID));
	EXPECT_FALSE(any_fault(self->queue_fd));
	EXPECT_NE(0, answer(self->queue_fd, fault.cookie));
	ASSERT_EQ(0, mock_page_request(FD, FIRST, PASID, 3, ADDRESS));
	EXPECT_FALSE(any_fault(self->queue_fd));
	EXPECT_EQ(0, iommufd_destroy(FD, self->loud));
}

TEST_F(faults, replace_turns_page_requests_off_and_on)
{
	struct iommu_hwpt_pgfault fault = {};

	attach_all(PASID, self->loud);
	ASSERT_EQ(0, mock_page_request(FD, FIRST, PASID, 1, ADDRESS));
	ASSERT_EQ(0, REPLACE(FIRST, PASID, self->plain));
	EXPECT_FALSE(any_fault(self->queue_fd));
	ASSERT_EQ(0, mock_page_request(FD, FIRST, PASID, 2, ADDRESS));
	EXPECT_FALSE(any_fault(self->queue_fd));
	ASSERT_EQ(0, REPLACE(FIRST, PASID, self->loud));
	ASSERT_EQ(0, mock_page_request(FD, LAST, PASID, 3, ADDRESS));
	ASSERT_EQ(0, next_fault(self->queue_fd, &fault));
	EXPECT_EQ(3, fault.grpid);
	EXPECT_EQ(0, answer(self->queue_fd, fault.cookie));
}

/* Each device of the group may ask for pages, whichever was attached first. */
TEST_F(faults, every_device_of_the_group_may_ask)
{
	struct iommu_hwpt_pgfault fault = {};
	struct mock *dev;

	attach_all(PASID, self->loud);
	for (dev = FIRST; dev <= LAST; dev++) {
		ASSERT_EQ(0, mock_page_request(FD, dev, PASID, 1, ADDRESS));
		ASSERT_EQ(0, next_fault(self->queue_fd, &fault));
		EXPECT_EQ(dev->idev, fault.dev_id);
		EXPECT_EQ(0, answer(self->queue_fd, fault.cookie));
	}
}

/*
 * What a device asked for before it was detached is answered, what it asks for later is
 * refused, though its requests still come: it is attached elsewhere. Its siblings are
 * served as before.
 */
TEST_F(faults, device_that_is_not_attached_is_refused)
{
	struct iommu_hwpt_pgfault first = {}, last = {};

	ensure_sibling();
	attach_all(PASID, self->loud);
	attach_all(OTHER, self->loud);
	ASSERT_EQ(0, mock_page_request(FD, FIRST, PASID, 1, ADDRESS));
	ASSERT_EQ(0, next_fault(self->queue_fd, &first));
	ASSERT_EQ(0, mock_page_request(FD, LAST, PASID, 2, ADDRESS));
	ASSERT_EQ(0, next_fault(self->queue_fd, &last));
	ASSERT_EQ(0, mock_page_request(FD, FIRST, PASID, 3, ADDRESS));

	ASSERT_EQ(0, DETACH(FIRST, PASID));
	EXPECT_FALSE(any_fault(self->queue_fd));
	EXPECT_EQ(-EINVAL, answer(self->queue_fd, first.cookie));
	EXPECT_EQ(0, answer(self->queue_fd, last.cookie));
	ASSERT_EQ(0, mock_page_request(FD, FIRST, PASID, 4, ADDRESS));
	EXPECT_FALSE(any_fault(self->queue_fd));

	ASSERT_EQ(0, mock_page_request(FD, FIRST, OTHER, 5, ADDRESS));
	ASSERT_EQ(0, next_fault(self->queue_fd, &first));
	EXPECT_EQ(5, first.grpid);
	EXPECT_EQ(FIRST->idev, first.dev_id);
	ASSERT_EQ(0, mock_page_request(FD, LAST, PASID, 6, ADDRESS));
	ASSERT_EQ(0, next_fault(self->queue_fd, &last));
	EXPECT_EQ(6, last.grpid);
	EXPECT_EQ(LAST->idev, last.dev_id);
}

/* The same for the device itself */
TEST_F(faults, first_device_may_go_while_others_ask)
{
	struct iommu_hwpt_pgfault fault = {};

	ensure_sibling();
	attach_all(PASID, self->loud);
	ASSERT_EQ(0, REPLACE(FIRST, NO_PASID, self->loud));
	ASSERT_EQ(0, iommufd_destroy(FD, FIRST->stdev));
	ASSERT_EQ(0, mock_page_request(FD, LAST, PASID, 1, ADDRESS));
	ASSERT_EQ(0, next_fault(self->queue_fd, &fault));
	EXPECT_EQ(LAST->idev, fault.dev_id);
	EXPECT_EQ(0, answer(self->queue_fd, fault.cookie));
	ASSERT_EQ(0, mock_page_request(FD, LAST, NO_PASID, 2, ADDRESS));
	ASSERT_EQ(0, next_fault(self->queue_fd, &fault));
	EXPECT_EQ(LAST->idev, fault.dev_id);
	EXPECT_EQ(0, answer(self->queue_fd, fault.cookie));
}

TEST_HARNESS_MAIN
