// SPDX-License-Identifier: GPL-2.0-only
/*
 * PASIDs by iommufd with a failure at every point where the kernel lets one be injected:
 * allocations, and the mock driver. An operation that fails has changed nothing and works
 * when it is tried again; one that cannot fail does what it should.
 * A step is repeated with the next point until none is left.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core_lib.h"
#include "core_mock.h"
#include "core_test.h"

#define PASID		100
#define THIS_GROUP	MOCK_GROUP(1)
#define MANY		400	/* more points than any of the steps has */

FIXTURE(nth)
{
	int iommufd, fail_nth, queue_fd;
	__u32 ioas, queue;
	__u32 rid, a, b, loud, made;
	struct mock dev[2], newcomer;
};

#define FD	(self->iommufd)
#define FIRST	(&self->dev[0])
#define SECOND	(&self->dev[1])

FIXTURE_SETUP(nth)
{
	__u32 parent;
	int i;

	if (!mock_usable())
		SKIP(return, "no mock IOMMU, or a real one besides it");
	self->fail_nth = fail_nth_open();
	if (self->fail_nth < 0)
		SKIP(return, "no fault injection in this kernel");
	self->iommufd = iommufd_open();
	ASSERT_LE(0, FD);
	ASSERT_EQ(0, ioas_alloc(FD, &self->ioas));
	ASSERT_EQ(0, mock_add(FD, self->ioas, MOCK_FLAGS_DEVICE_PASID | THIS_GROUP, FIRST));
	ASSERT_EQ(0, mock_hwpt(FD, FIRST, self->ioas, IOMMU_HWPT_ALLOC_PASID, &self->rid));
	ASSERT_EQ(0, mock_hwpt(FD, FIRST, self->ioas, IOMMU_HWPT_ALLOC_PASID, &self->a));
	ASSERT_EQ(0, mock_hwpt(FD, FIRST, self->ioas, IOMMU_HWPT_ALLOC_PASID, &self->b));
	ASSERT_EQ(0, mock_hwpt(FD, FIRST, self->ioas, IOMMU_HWPT_ALLOC_NEST_PARENT, &parent));
	ASSERT_EQ(0, fault_queue(FD, &self->queue, &self->queue_fd));
	ASSERT_EQ(0, mock_nested(FD, FIRST, parent, IOMMU_HWPT_ALLOC_PASID, self->queue,
				 &self->loud));
	i = self->rid;
	ASSERT_EQ(0, mock_replace(FD, FIRST, NO_PASID, &self->rid));
	ASSERT_EQ(i, (int)self->rid);
	ASSERT_EQ(0, mock_add(FD, self->rid, MOCK_FLAGS_DEVICE_PASID | THIS_GROUP, SECOND));
}

FIXTURE_TEARDOWN(nth)
{
	close(self->queue_fd);
	close(FD);
	close(self->fail_nth);
}

/* The state of the group: what each of its two devices has at PASID and without one */
struct state {
	__u32 pasid, rid;
};

static bool is_state(struct _test_data_nth *self, struct state state)
{
	int i;

	for (i = 0; i < 2; i++)
		if (mock_check(FD, &self->dev[i], PASID, state.pasid) ||
		    mock_check(FD, &self->dev[i], NO_PASID, state.rid))
			return false;
	return true;
}

typedef int (*step_fn)(struct _test_data_nth *self);

struct step {
	step_fn run, undo;
	struct state before, after;
};

/*
 * Run @step with a failure at each of its points. Returns their number, or -1 and a line
 * that says what was wrong.
 */
static int sweep(struct _test_data_nth *self, const struct step *step)
{
	const char *wrong = NULL;
	bool happened = true;
	int point, ret;

	for (point = 1; happened && !wrong; point++) {
		if (!fail_nth_set(self->fail_nth, point))
			return -1;
		ret = step->run(self);
		happened = fail_nth_happened(self->fail_nth);
		if (ret && !happened)
			wrong = "fails without a failure";
		else if (!is_state(self, ret ? step->before : step->after))
			wrong = ret ? "failed and changed something" : "did not do it";
		else if (!ret && step->undo(self))
			wrong = "cannot be undone";
		else if (!is_state(self, step->before))
			wrong = "undone it left something";
		else if (point == MANY)
			wrong = "has no end";
	}
	if (!wrong)
		return point - 2;
	printf("# point %d: result %d: %s\n", point - 1, ret, wrong);
	return -1;
}

static int attach(struct _test_data_nth *self, struct mock *dev, __u32 pt)
{
	return mock_attach(FD, dev, PASID, &pt);
}

static int replace(struct _test_data_nth *self, __u32 pasid, __u32 pt)
{
	return mock_replace(FD, FIRST, pasid, &pt);
}

static int attach_first(struct _test_data_nth *self)
{
	return attach(self, FIRST, self->a);
}

static int attach_first_loud(struct _test_data_nth *self)
{
	return attach(self, FIRST, self->loud);
}

static int attach_second(struct _test_data_nth *self)
{
	return attach(self, SECOND, self->a);
}

static int detach_first(struct _test_data_nth *self)
{
	return mock_detach(FD, FIRST, PASID);
}

static int detach_second(struct _test_data_nth *self)
{
	return mock_detach(FD, SECOND, PASID);
}

static int replace_by_a(struct _test_data_nth *self)
{
	return replace(self, PASID, self->a);
}

static int replace_by_b(struct _test_data_nth *self)
{
	return replace(self, PASID, self->b);
}

static int replace_by_loud(struct _test_data_nth *self)
{
	return replace(self, PASID, self->loud);
}

static int replace_rid_by_a(struct _test_data_nth *self)
{
	return replace(self, NO_PASID, self->a);
}

static int replace_rid_back(struct _test_data_nth *self)
{
	return replace(self, NO_PASID, self->rid);
}

static int alloc_hwpt(struct _test_data_nth *self)
{
	return mock_hwpt(FD, FIRST, self->ioas, IOMMU_HWPT_ALLOC_PASID, &self->made);
}

static int free_hwpt(struct _test_data_nth *self)
{
	return iommufd_destroy(FD, self->made);
}

static int add_device(struct _test_data_nth *self)
{
	return mock_add(FD, self->rid, MOCK_FLAGS_DEVICE_PASID | THIS_GROUP,
			&self->newcomer);
}

static int remove_device(struct _test_data_nth *self)
{
	/* It has the group's PASID from the start. */
	return mock_check(FD, &self->newcomer, PASID, self->a) ?:
	       iommufd_destroy(FD, self->newcomer.stdev);
}

#define NOTHING		((struct state){ 0, self->rid })
#define AT(hwpt)	((struct state){ (hwpt), self->rid })

/* SWEEP(at least this many points, the step) */
#define SWEEP(least, ...) do {							\
	struct step step_ = { __VA_ARGS__ };					\
	int points_ = sweep(self, &step_);					\
	ASSERT_LE(0, points_);							\
	printf("# %d points\n", points_);					\
	EXPECT_LE(least, points_);						\
} while (0)

/* Two records and a handle, the core's slot, and each device's driver */
TEST_F(nth, attach)
{
	SWEEP(4, attach_first, detach_first, NOTHING, AT(self->a));
}

TEST_F(nth, attach_of_a_sibling)
{
	ASSERT_EQ(0, attach_first(self));
	SWEEP(0, attach_second, detach_second, AT(self->a), AT(self->a));
	/* The undone ones took nothing of the first one's along. */
	EXPECT_EQ(-EBUSY, attach_first(self));
}

TEST_F(nth, attach_with_page_requests)
{
	SWEEP(5, attach_first_loud, detach_first, NOTHING, AT(self->loud));
	EXPECT_EQ(0, iommufd_destroy(FD, self->loud));
}

TEST_F(nth, replace)
{
	ASSERT_EQ(0, attach_first(self));
	ASSERT_EQ(0, attach_second(self));
	SWEEP(3, replace_by_b, replace_by_a, AT(self->a), AT(self->b));
	EXPECT_EQ(0, iommufd_destroy(FD, self->b));
}

TEST_F(nth, replace_turns_page_requests_on)
{
	ASSERT_EQ(0, attach_first(self));
	ASSERT_EQ(0, attach_second(self));
	SWEEP(5, replace_by_loud, replace_by_a, AT(self->a), AT(self->loud));
	EXPECT_EQ(0, iommufd_destroy(FD, self->loud));
}

TEST_F(nth, replace_of_the_device_beside_a_pasid)
{
	ASSERT_EQ(0, attach_first(self));
	SWEEP(1, replace_rid_by_a, replace_rid_back, AT(self->a),
	      ((struct state){ self->a, self->a }));
}

TEST_F(nth, detach)
{
	ASSERT_EQ(0, attach_first(self));
	SWEEP(0, detach_first, attach_first, AT(self->a), NOTHING);
	ASSERT_EQ(0, attach_second(self));
	SWEEP(0, detach_first, attach_first, AT(self->a), AT(self->a));
}

TEST_F(nth, allocation)
{
	SWEEP(2, alloc_hwpt, free_hwpt, NOTHING, NOTHING);
}

/* A device that joins a group with PASIDs has them, or does not join. */
TEST_F(nth, newcomer)
{
	ASSERT_EQ(0, attach_first(self));
	SWEEP(10, add_device, remove_device, AT(self->a), AT(self->a));
	EXPECT_EQ(0, replace_by_b(self));
	EXPECT_EQ(0, iommufd_destroy(FD, self->a));
}

TEST_HARNESS_MAIN
