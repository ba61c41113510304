// SPDX-License-Identifier: GPL-2.0-only
/*
 * A member is paused while it is reset: it has none of its group's slots, the
 * group can lose slots but gain none, and it gets back what is left.
 */
#include "mock-iommu.h"

#define PASID 5

static void pause(struct mock_dev *md)
{
	guard(iommu_group)(mock_group(md));
	iommu_member_pause(iommu_group_find_member(mock_group(md),
						   &md->dev));
}

static void resume(struct mock_dev *md)
{
	guard(iommu_group)(mock_group(md));
	iommu_member_resume(iommu_group_find_member(mock_group(md),
						    &md->dev));
}

/* Two devices in a group on A, with B at the PASID. */
struct reset_world {
	struct mock_iommu *m;
	struct mock_dev *d0, *d1;
	struct iommu_domain *a, *b;
	struct iommu_attach_handle handle;
};

static void start(struct kunit *test, struct reset_world *w)
{
	memset(w, 0, sizeof(*w));
	w->m = test->priv;
	w->d0 = mock_add_pasid(w->m, 0);
	w->d1 = mock_add_pasid(w->m, 0);
	w->a = mock_paging(w->d0);
	w->b = mock_paging(w->d0);
	KUNIT_ASSERT_EQ(test, 0,
			iommu_attach_group(w->a, mock_group(w->d0)));
	KUNIT_ASSERT_EQ(test, 0,
			iommu_attach_device_pasid(w->b, &w->d0->dev, PASID,
						  &w->handle));
	mock_journal_clear(w->m);
}

static void end(struct kunit *test, struct reset_world *w)
{
	iommu_detach_device_pasid(w->b, &w->d0->dev, PASID);
	iommu_detach_group(w->a, mock_group(w->d0));
	mock_expect_domain(test, w->d0, &w->m->identity);
	mock_expect_users(test, w->m);
	iommu_domain_free(w->a);
	iommu_domain_free(w->b);
}

/* Nothing of the device is translated meanwhile, all of it afterwards. */
static void paused_device_is_blocked_and_comes_back(struct kunit *test)
{
	struct reset_world w;

	start(test, &w);
	pause(w.d0);
	MOCK_EXPECT_JOURNAL(test, w.m, " d0.5-B d0:blocked");
	KUNIT_EXPECT_PTR_EQ(test, w.d1->hw[0], w.a);
	KUNIT_EXPECT_PTR_EQ(test, w.d1->hw[PASID], w.b);

	mock_journal_clear(w.m);
	resume(w.d0);
	MOCK_EXPECT_JOURNAL(test, w.m, " d0:A d0.5:B");
	mock_expect_domain(test, w.d0, w.a);
	mock_expect_pasid(test, w.d0, PASID, w.b);
	end(test, &w);
}

/* A slot reset within a bus reset changes nothing before the outer ends. */
static void pauses_nest(struct kunit *test)
{
	struct reset_world w;

	start(test, &w);
	pause(w.d0);
	pause(w.d0);
	mock_journal_clear(w.m);
	resume(w.d0);
	MOCK_EXPECT_JOURNAL(test, w.m, "");
	resume(w.d0);
	MOCK_EXPECT_JOURNAL(test, w.m, " d0:A d0.5:B");
	end(test, &w);
}

/* What needs the device's hardware is refused, for its siblings too (T3). */
static void attach_during_a_reset_is_refused(struct kunit *test)
{
	struct iommu_attach_handle handle = {};
	struct iommu_group *group;
	struct reset_world w;

	start(test, &w);
	group = mock_group(w.d0);
	pause(w.d0);
	mock_journal_clear(w.m);
	KUNIT_EXPECT_EQ(test, -EBUSY,
			iommu_group_replace_domain(group, w.b));
	KUNIT_EXPECT_EQ(test, -EBUSY,
			iommu_replace_group_handle(group, w.b, &handle));
	KUNIT_EXPECT_EQ(test, -EBUSY,
			iommu_attach_device_pasid(w.a, &w.d1->dev, PASID + 1,
						  NULL));
	MOCK_EXPECT_JOURNAL(test, w.m, "");
	resume(w.d0);
	mock_expect_domain(test, w.d0, w.a);
	end(test, &w);
}

/* T9: detaching works, and the device does not get it back. */
static void detach_during_a_reset_is_final(struct kunit *test)
{
	struct reset_world w;

	start(test, &w);
	pause(w.d0);
	mock_journal_clear(w.m);
	iommu_detach_device_pasid(w.b, &w.d0->dev, PASID);
	iommu_detach_group(w.a, mock_group(w.d0));
	MOCK_EXPECT_JOURNAL(test, w.m, " d1.5-B d1:identity");
	iommu_domain_free(w.a);
	iommu_domain_free(w.b);

	mock_journal_clear(w.m);
	resume(w.d0);
	MOCK_EXPECT_JOURNAL(test, w.m, " d0:identity");
	mock_expect_domain(test, w.d0, &w.m->identity);
	mock_expect_users(test, w.m);
}

/* A device that goes away in the middle leaves its siblings free. */
static void device_removed_during_a_reset_frees_the_group(struct kunit *test)
{
	struct reset_world w;

	start(test, &w);
	pause(w.d1);
	mock_unplug(w.d1);
	KUNIT_EXPECT_EQ(test, 0,
			iommu_group_replace_domain(mock_group(w.d0), w.b));
	mock_expect_domain(test, w.d0, w.b);
	end(test, &w);
}

/* T7: what the driver cannot restore is parked, on all members alike. */
static void failed_restore_is_parked(struct kunit *test)
{
	struct reset_world w;

	start(test, &w);
	pause(w.d0);
	mock_fail(w.m, MOCK_ATTACH, w.d0, -EIO)->domain = w.a;
	mock_fail(w.m, MOCK_SET_PASID, w.d0, -EIO);
	resume(w.d0);
	KUNIT_EXPECT_PTR_EQ(test, w.d0->hw[0], &w.m->blocked);
	KUNIT_EXPECT_PTR_EQ(test, w.d1->hw[0], w.a);
	mock_expect_pasid(test, w.d0, PASID, NULL);
	mock_expect_users(test, w.m);
	end(test, &w);
}

/* Firmware goes on using its 1:1 regions. */
static void device_with_direct_regions_is_not_blocked(struct kunit *test)
{
	struct reset_world w;

	start(test, &w);
	w.d0->dev.iommu->require_direct = 1;
	pause(w.d0);
	MOCK_EXPECT_JOURNAL(test, w.m, " d0.5-B");
	resume(w.d0);
	MOCK_EXPECT_JOURNAL(test, w.m, " d0.5-B d0.5:B");
	w.d0->dev.iommu->require_direct = 0;
	end(test, &w);
}

static struct kunit_case reset_cases[] = {
	KUNIT_CASE(paused_device_is_blocked_and_comes_back),
	KUNIT_CASE(pauses_nest),
	KUNIT_CASE(attach_during_a_reset_is_refused),
	KUNIT_CASE(detach_during_a_reset_is_final),
	KUNIT_CASE(device_removed_during_a_reset_frees_the_group),
	KUNIT_CASE(failed_restore_is_parked),
	KUNIT_CASE(device_with_direct_regions_is_not_blocked),
	{}
};

static struct kunit_suite reset_suite = {
	.name = "iommu_reset",
	.init = mock_test_init,
	.test_cases = reset_cases,
};

kunit_test_suite(reset_suite);
