// SPDX-License-Identifier: GPL-2.0-only
/*
 * Laws T1-T9: what happens to the members of a group when its domain changes,
 * and when a driver call fails on the way. Journal notation: mock-iommu.h.
 */
#include "mock-iommu.h"

/* @n devices in one group; the journal starts behind their arrival. */
static struct group_device *member_of(struct mock_dev *md)
{
	struct iommu_group *group = mock_group(md);
	struct group_device *gdev;

	guard(mutex)(&group->mutex);
	list_for_each_entry(gdev, &group->devices, list)
		if (gdev->dev == &md->dev)
			return gdev;
	return NULL;
}

/* T8: a group of three is attached and detached device by device. */
static void attach_and_detach_reach_every_device(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_group_of(test, 3);
	struct iommu_domain *a = mock_paging(md);

	KUNIT_EXPECT_EQ(test, 0, iommu_attach_group(a, mock_group(md)));
	MOCK_EXPECT_JOURNAL(test, m, " d0:A d1:A d2:A");
	mock_expect_domain(test, md, a);

	mock_journal_clear(m);
	iommu_detach_group(a, mock_group(md));
	MOCK_EXPECT_JOURNAL(test, m, " d0:identity d1:identity d2:identity");
	mock_expect_domain(test, md, &m->identity);
	iommu_domain_free(a);
}

/* 1.1: a domain the group already has needs no driver. */
static void attach_of_current_default_calls_nobody(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_group_of(test, 2);

	m->identity.owner = &m->ops;
	KUNIT_EXPECT_EQ(test, 0,
			iommu_attach_group(&m->identity, mock_group(md)));
	MOCK_EXPECT_JOURNAL(test, m, "");
}

/* T4: the devices before the failing one go back, last first. */
static void attach_fails_on_third_undoes_in_reverse(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_group_of(test, 4);
	struct iommu_domain *a = mock_paging(md);

	mock_fail(m, MOCK_ATTACH, m->devs[2], -ENOMEM);
	KUNIT_EXPECT_EQ(test, -ENOMEM, iommu_attach_group(a, mock_group(md)));
	MOCK_EXPECT_JOURNAL(test, m,
			    " d0:A d1:A d2:A!-12 d1:identity d0:identity");
	mock_expect_domain(test, md, &m->identity);
	iommu_domain_free(a);
}

/* T4: nothing succeeded, nothing is undone. */
static void attach_fails_on_first_touches_no_other(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_group_of(test, 3);
	struct iommu_domain *a = mock_paging(md);

	mock_fail(m, MOCK_ATTACH, md, -ENOSPC);
	KUNIT_EXPECT_EQ(test, -ENOSPC, iommu_attach_group(a, mock_group(md)));
	MOCK_EXPECT_JOURNAL(test, m, " d0:A!-28");
	mock_expect_domain(test, md, &m->identity);
	iommu_domain_free(a);
}

/* T4: the last of the group fails, all others go back. */
static void attach_fails_on_last_undoes_all_others(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_group_of(test, 3);
	struct iommu_domain *a = mock_paging(md);

	mock_fail(m, MOCK_ATTACH, m->devs[2], -EBUSY);
	KUNIT_EXPECT_EQ(test, -EBUSY, iommu_attach_group(a, mock_group(md)));
	MOCK_EXPECT_JOURNAL(test, m,
			    " d0:A d1:A d2:A!-16 d1:identity d0:identity");
	mock_expect_domain(test, md, &m->identity);
	iommu_domain_free(a);
}

/* T3, W3: a device that failed and kept its old domain is left alone. */
static void replace_fails_on_second_keeps_old(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_group_of(test, 3);
	struct iommu_domain *a = mock_paging(md);
	struct iommu_domain *b = mock_paging(md);

	KUNIT_ASSERT_EQ(test, 0, iommu_attach_group(a, mock_group(md)));
	mock_journal_clear(m);
	mock_fail(m, MOCK_ATTACH, m->devs[1], -EINVAL);
	KUNIT_EXPECT_EQ(test, -EINVAL,
			iommu_group_replace_domain(mock_group(md), b));
	MOCK_EXPECT_JOURNAL(test, m, " d0:B d1:B!-22 d0:A");
	mock_expect_domain(test, md, a);
	iommu_domain_free(b);

	iommu_detach_group(a, mock_group(md));
	iommu_domain_free(a);
}

/* T4, W3: a driver that breaks before it makes has its device repaired. */
static void failing_device_is_repaired_if_driver_breaks_old(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_group_of(test, 3);
	struct iommu_domain *a = mock_paging(md);
	struct iommu_domain *b = mock_paging(md);

	m->ops.attach_breaks_old = true;
	KUNIT_ASSERT_EQ(test, 0, iommu_attach_group(a, mock_group(md)));
	mock_journal_clear(m);
	mock_fail(m, MOCK_ATTACH, m->devs[1], -ENOMEM)->breaks = true;
	KUNIT_EXPECT_EQ(test, -ENOMEM,
			iommu_group_replace_domain(mock_group(md), b));
	MOCK_EXPECT_JOURNAL(test, m, " d0:B d1:B!-12 d1:A d0:A");
	mock_expect_domain(test, md, a);
	iommu_domain_free(b);

	iommu_detach_group(a, mock_group(md));
	iommu_domain_free(a);
}

/* T7: the repair fails as well, the device is parked and may be revived. */
static void failing_repair_parks_device(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_group_of(test, 2);
	struct iommu_domain *a = mock_paging(md);
	struct iommu_domain *b = mock_paging(md);

	m->ops.attach_breaks_old = true;
	KUNIT_ASSERT_EQ(test, 0, iommu_attach_group(a, mock_group(md)));
	mock_journal_clear(m);
	mock_fail(m, MOCK_ATTACH, m->devs[1], -ENOMEM)->breaks = true;
	mock_fail(m, MOCK_ATTACH, m->devs[1], -EIO)->domain = a;
	KUNIT_EXPECT_EQ(test, -ENOMEM,
			iommu_group_replace_domain(mock_group(md), b));
	MOCK_EXPECT_JOURNAL(test, m,
			    " d0:B d1:B!-12 d1:A!-5 d1:blocked d0:A");
	KUNIT_EXPECT_PTR_EQ(test, m->devs[1]->hw[0], &m->blocked);
	KUNIT_EXPECT_NOT_NULL(test, member_of(m->devs[1])->parked);
	KUNIT_EXPECT_NULL(test, member_of(m->devs[0])->parked);

	KUNIT_EXPECT_EQ(test, 0, iommu_group_replace_domain(mock_group(md), b));
	KUNIT_EXPECT_NULL(test, member_of(m->devs[1])->parked);
	mock_expect_domain(test, md, b);
	iommu_domain_free(a);
	iommu_detach_group(b, mock_group(md));
	iommu_domain_free(b);
}

static void domain_stays_old(struct mock_iommu *m, enum mock_op op,
			     struct mock_dev *md, ioasid_t pasid)
{
	KUNIT_EXPECT_PTR_EQ(m->test, mock_group(md)->domain,
			    (struct iommu_domain *)m->on_call_data);
}

/* T5: group->domain changes behind the last device, not before. */
static void group_domain_is_published_last(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_group_of(test, 3);
	struct iommu_domain *a = mock_paging(md);
	struct iommu_domain *b = mock_paging(md);

	m->on_call_data = &m->identity;
	m->on_call = domain_stays_old;
	KUNIT_ASSERT_EQ(test, 0, iommu_attach_group(a, mock_group(md)));
	m->on_call_data = a;
	mock_fail(m, MOCK_ATTACH, m->devs[2], -EIO);
	KUNIT_EXPECT_EQ(test, -EIO,
			iommu_group_replace_domain(mock_group(md), b));
	KUNIT_EXPECT_EQ(test, 0, iommu_group_replace_domain(mock_group(md), b));
	mock_expect_domain(test, md, b);
	m->on_call = NULL;

	iommu_detach_group(b, mock_group(md));
	iommu_domain_free(a);
	iommu_domain_free(b);
}

/* T5: the old domain may be freed as soon as replace returns. */
static void replaced_domain_is_free_at_once(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_group_of(test, 3);
	struct iommu_domain *a = mock_paging(md);
	struct iommu_domain *b = mock_paging(md);

	KUNIT_ASSERT_EQ(test, 0, iommu_attach_group(a, mock_group(md)));
	mock_journal_clear(m);
	KUNIT_EXPECT_EQ(test, 0, iommu_group_replace_domain(mock_group(md), b));
	MOCK_EXPECT_JOURNAL(test, m, " d0:B d1:B d2:B");
	iommu_domain_free(a);
	KUNIT_EXPECT_TRUE(test, mock_freed(a));
	iommu_detach_group(b, mock_group(md));
	iommu_domain_free(b);
}

/* T6, W4: in the undo a driver that asks the core reads what it really has. */
static void undo_tells_driver_what_hardware_has(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_group_of(test, 2);
	struct iommu_domain *a = mock_paging(md);

	/* The mock compares in each call, and fails the test itself. */
	mock_fail(m, MOCK_ATTACH, m->devs[1], -EIO);
	KUNIT_EXPECT_EQ(test, -EIO, iommu_attach_group(a, mock_group(md)));
	KUNIT_EXPECT_EQ(test, m->calls[MOCK_ATTACH], 2 + 3);
	mock_expect_domain(test, md, &m->identity);
	iommu_domain_free(a);
}

/* T7: a device whose undo fails is blocked, its siblings are undone. */
static void failing_undo_parks_device(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_group_of(test, 3);
	struct iommu_domain *a = mock_paging(md);

	mock_fail(m, MOCK_ATTACH, m->devs[2], -ENOMEM);
	mock_fail(m, MOCK_ATTACH, m->devs[1], -EIO)->domain = &m->identity;
	KUNIT_EXPECT_EQ(test, -ENOMEM, iommu_attach_group(a, mock_group(md)));
	MOCK_EXPECT_JOURNAL(test, m,
			    " d0:A d1:A d2:A!-12 d1:identity!-5 d1:blocked d0:identity");
	KUNIT_EXPECT_PTR_EQ(test, m->devs[1]->hw[0], &m->blocked);
	KUNIT_EXPECT_NOT_NULL(test, member_of(m->devs[1])->parked);
	KUNIT_EXPECT_FALSE(test, member_of(m->devs[1])->stranded);
	KUNIT_EXPECT_PTR_EQ(test, mock_group(md)->domain, &m->identity);
	iommu_domain_free(a);
	KUNIT_EXPECT_TRUE(test, mock_freed(a));
}

/* T7: what is undone leaves a parked device parked, and says so. */
static void failed_claim_leaves_a_parked_device_parked(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_group_of(test, 2);
	struct iommu_domain *a = mock_paging(md);

	KUNIT_ASSERT_EQ(test, 0, iommu_attach_group(a, mock_group(md)));
	mock_fail(m, MOCK_ATTACH, md, -EIO);
	iommu_detach_group(a, mock_group(md));
	iommu_domain_free(a);
	KUNIT_ASSERT_NOT_NULL(test, member_of(md)->parked);

	/* It is blocked already, so its own step succeeds. */
	mock_fail(m, MOCK_ATTACH, m->devs[1], -EIO);
	KUNIT_EXPECT_EQ(test, -EIO,
			iommu_group_claim_dma_owner(mock_group(md), m));
	KUNIT_EXPECT_NOT_NULL(test, member_of(md)->parked);

	KUNIT_EXPECT_EQ(test, 0,
			iommu_group_claim_dma_owner(mock_group(md), m));
	KUNIT_EXPECT_NULL(test, member_of(md)->parked);
	iommu_group_release_dma_owner(mock_group(md));
	mock_expect_domain(test, md, &m->identity);
}

/* T7: a parked device comes back with the next attach that succeeds. */
static void parked_device_returns_with_next_attach(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_group_of(test, 2);
	struct iommu_domain *a = mock_paging(md);

	mock_fail(m, MOCK_ATTACH, m->devs[1], -ENOMEM);
	mock_fail(m, MOCK_ATTACH, md, -EIO)->domain = &m->identity;
	KUNIT_ASSERT_EQ(test, -ENOMEM, iommu_attach_group(a, mock_group(md)));
	KUNIT_ASSERT_PTR_EQ(test, md->hw[0], &m->blocked);

	mock_journal_clear(m);
	KUNIT_EXPECT_EQ(test, 0, iommu_attach_group(a, mock_group(md)));
	MOCK_EXPECT_JOURNAL(test, m, " d0:A d1:A");
	mock_expect_domain(test, md, a);
	KUNIT_EXPECT_NULL(test, member_of(md)->parked);
	iommu_detach_group(a, mock_group(md));
	iommu_domain_free(a);
}

/* T7: without a blocked domain of the driver an empty one is lent. */
static void parking_without_blocked_domain_uses_empty_one(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md;
	struct iommu_domain *a;

	m->ops.blocked_domain = NULL;
	md = mock_group_of(test, 2);
	a = mock_paging(md);
	KUNIT_ASSERT_EQ(test, 0, iommu_attach_group(a, mock_group(md)));
	mock_journal_clear(m);
	mock_fail(m, MOCK_ATTACH, md, -EIO)->domain = &m->identity;
	iommu_detach_group(a, mock_group(md));
	MOCK_EXPECT_JOURNAL(test, m, " d0:identity!-5 d0:B d1:identity");
	iommu_domain_free(a);
	KUNIT_EXPECT_TRUE(test, mock_freed(a));
}

/* T7: what can neither be taken off nor blocked keeps its domain alive. */
static void stranded_domain_is_freed_after_the_next_attach(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_group_of(test, 2);
	struct iommu_domain *a = mock_paging(md);

	KUNIT_ASSERT_EQ(test, 0, iommu_attach_group(a, mock_group(md)));
	mock_fail(m, MOCK_ATTACH, md, -EIO)->times = 100;
	iommu_detach_group(a, mock_group(md));
	KUNIT_EXPECT_PTR_EQ(test, md->hw[0], a);
	KUNIT_EXPECT_TRUE(test, member_of(md)->stranded);
	KUNIT_EXPECT_PTR_EQ(test, m->devs[1]->hw[0], &m->identity);

	iommu_domain_free(a);
	KUNIT_EXPECT_FALSE(test, mock_freed(a));

	mock_heal(m);
	a = mock_paging(md);
	KUNIT_EXPECT_EQ(test, 0, iommu_attach_group(a, mock_group(md)));
	mock_expect_domain(test, md, a);
	KUNIT_EXPECT_FALSE(test, member_of(md)->stranded);
	KUNIT_EXPECT_EQ(test, mock_live_domains(m), 1);
	iommu_detach_group(a, mock_group(md));
	iommu_domain_free(a);
}

/* T7: a domain somebody was stranded on is a domain like others again. */
static void stranded_domain_may_be_attached_again(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_group_of(test, 2);
	struct iommu_domain *a = mock_paging(md);

	KUNIT_ASSERT_EQ(test, 0, iommu_attach_group(a, mock_group(md)));
	mock_fail(m, MOCK_ATTACH, md, -EIO)->times = 100;
	iommu_detach_group(a, mock_group(md));
	KUNIT_ASSERT_TRUE(test, member_of(md)->stranded);

	mock_heal(m);
	mock_journal_clear(m);
	KUNIT_EXPECT_EQ(test, 0, iommu_attach_group(a, mock_group(md)));
	/* Asked again: nobody knows what the failures left in the hardware. */
	MOCK_EXPECT_JOURNAL(test, m, " d0:A d1:A");
	KUNIT_EXPECT_FALSE(test, member_of(md)->stranded);
	mock_expect_domain(test, md, a);
	iommu_detach_group(a, mock_group(md));
	mock_expect_domain(test, md, &m->identity);
	iommu_domain_free(a);
	KUNIT_EXPECT_TRUE(test, mock_freed(a));
}

/* T4, T7: what a device was stranded on is gone when it got away from it. */
static void undo_does_not_strand_again(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_group_of(test, 2);
	struct iommu_domain *a = mock_paging(md), *b = mock_paging(md);

	KUNIT_ASSERT_EQ(test, 0, iommu_attach_group(a, mock_group(md)));
	mock_fail(m, MOCK_ATTACH, md, -EIO)->times = 100;
	iommu_detach_group(a, mock_group(md));
	KUNIT_ASSERT_TRUE(test, member_of(md)->stranded);
	iommu_domain_free(a);
	KUNIT_EXPECT_FALSE(test, mock_freed(a));

	mock_heal(m);
	mock_fail(m, MOCK_ATTACH, m->devs[1], -EIO);
	mock_journal_clear(m);
	KUNIT_EXPECT_EQ(test, -EIO, iommu_attach_group(b, mock_group(md)));
	MOCK_EXPECT_JOURNAL(test, m, " d0:B d1:B!-5 d0:identity");
	KUNIT_EXPECT_TRUE(test, mock_freed(a));
	mock_expect_domain(test, md, &m->identity);
	KUNIT_EXPECT_FALSE(test, member_of(md)->stranded);
	iommu_domain_free(b);
}

/* T7: a stranded device that goes away takes its domain with it. */
static void stranded_domain_is_freed_after_unplug(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_group_of(test, 2);
	struct iommu_domain *a = mock_paging(md);

	KUNIT_ASSERT_EQ(test, 0, iommu_attach_group(a, mock_group(md)));
	mock_fail(m, MOCK_ATTACH, md, -EIO)->times = 100;
	iommu_detach_group(a, mock_group(md));
	iommu_domain_free(a);
	KUNIT_EXPECT_FALSE(test, mock_freed(a));
	mock_unplug(md);
	KUNIT_EXPECT_TRUE(test, mock_freed(a));
	mock_expect_domain(test, m->devs[1], &m->identity);
}

/* T9, W2: detach succeeds although a driver fails; nobody keeps the domain. */
static void detach_with_failing_driver_leaves_nobody_behind(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_group_of(test, 3);
	struct iommu_domain *a = mock_paging(md);

	KUNIT_ASSERT_EQ(test, 0, iommu_attach_group(a, mock_group(md)));
	mock_journal_clear(m);
	mock_fail(m, MOCK_ATTACH, m->devs[1], -EIO);
	iommu_detach_group(a, mock_group(md));
	MOCK_EXPECT_JOURNAL(test, m,
			    " d0:identity d1:identity!-5 d1:blocked d2:identity");
	KUNIT_EXPECT_PTR_EQ(test, mock_group(md)->domain, &m->identity);
	iommu_domain_free(a);
	KUNIT_EXPECT_TRUE(test, mock_freed(a));
}

/* T9: detaching twice is detaching once. */
static void second_detach_calls_nobody(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_group_of(test, 2);
	struct iommu_domain *a = mock_paging(md);

	KUNIT_ASSERT_EQ(test, 0, iommu_attach_group(a, mock_group(md)));
	iommu_detach_group(a, mock_group(md));
	mock_journal_clear(m);
	iommu_detach_group(a, mock_group(md));
	MOCK_EXPECT_JOURNAL(test, m, "");
	mock_expect_domain(test, md, &m->identity);
	iommu_domain_free(a);
}

/* T2: a refusal that can be known comes before the first driver call. */
static void blocking_a_direct_device_is_refused_untouched(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_add(m, 0), *direct = mock_new_dev(m, 0);

	mock_add_resv(direct, SZ_1M, SZ_4K, IOMMU_RESV_DIRECT);
	mock_plug(direct);
	KUNIT_ASSERT_TRUE(test, direct->dev.iommu->require_direct);
	mock_journal_clear(m);
	KUNIT_EXPECT_EQ(test, -EINVAL,
			iommu_group_replace_domain(mock_group(md),
						   &m->blocked));
	MOCK_EXPECT_JOURNAL(test, m, "");
	mock_expect_domain(test, md, &m->identity);
}

/* 1.1: a domain that cannot be attached at all. */
static void domain_without_attach_op_is_refused(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_group_of(test, 2);
	struct iommu_domain *a = mock_paging(md);

	m->paging_ops.attach_dev = NULL;
	KUNIT_EXPECT_EQ(test, -ENODEV, iommu_attach_group(a, mock_group(md)));
	mock_expect_domain(test, md, &m->identity);
	iommu_domain_free(a);
}

/* 1.1: the default domain of a deferred device waits for its driver. */
static void deferred_device_is_attached_by_its_first_mapping(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_new_dev(m, 0);

	md->deferred = true;
	mock_plug(md);
	MOCK_EXPECT_JOURNAL(test, m, "");
	KUNIT_ASSERT_NOT_NULL(test, mock_group(md));
	KUNIT_EXPECT_TRUE(test, md->dev.iommu->attach_deferred);
	KUNIT_EXPECT_EQ(test, 0, iommu_deferred_attach(&md->dev, &m->identity));
	MOCK_EXPECT_JOURNAL(test, m, " d0:identity");
	KUNIT_EXPECT_FALSE(test, md->dev.iommu->attach_deferred);
	KUNIT_EXPECT_EQ(test, 0, iommu_deferred_attach(&md->dev, &m->identity));
	MOCK_EXPECT_JOURNAL(test, m, " d0:identity");
	mock_expect_domain(test, md, &m->identity);
}

/* 1.1: the driver's refusal is passed on and the device stays deferred. */
static void failing_deferred_attach_may_be_repeated(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_new_dev(m, 0);

	md->deferred = true;
	mock_plug(md);
	KUNIT_ASSERT_NOT_NULL(test, mock_group(md));
	mock_fail(m, MOCK_ATTACH, md, -EIO);
	KUNIT_EXPECT_EQ(test, -EIO,
			iommu_deferred_attach(&md->dev, &m->identity));
	KUNIT_EXPECT_TRUE(test, md->dev.iommu->attach_deferred);
	KUNIT_EXPECT_EQ(test, 0, iommu_deferred_attach(&md->dev, &m->identity));
	KUNIT_EXPECT_PTR_EQ(test, md->hw[0], &m->identity);
}

/* W7: a deferred device whose attach fails is not touched by the undo. */
static void failing_attach_leaves_deferred_device_deferred(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_new_dev(m, 0);
	struct iommu_domain *a;

	md->deferred = true;
	mock_plug(md);
	KUNIT_ASSERT_NOT_NULL(test, mock_group(md));
	a = mock_paging(md);
	mock_fail(m, MOCK_ATTACH, md, -EIO);
	KUNIT_EXPECT_EQ(test, -EIO, iommu_attach_group(a, mock_group(md)));
	MOCK_EXPECT_JOURNAL(test, m, " d0:A!-5");
	KUNIT_EXPECT_TRUE(test, md->dev.iommu->attach_deferred);
	iommu_domain_free(a);
}

/* T3, W7: undone, a deferred device has the default domain, not a park. */
static void undone_deferred_device_gets_the_default_domain(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_new_dev(m, 0);
	struct iommu_domain *a;

	md->deferred = true;
	mock_plug(md);
	mock_add(m, 0);
	KUNIT_ASSERT_NOT_NULL(test, mock_group(md));
	a = mock_paging(md);
	mock_journal_clear(m);
	mock_fail(m, MOCK_ATTACH, m->devs[1], -EIO);
	KUNIT_EXPECT_EQ(test, -EIO, iommu_attach_group(a, mock_group(md)));
	MOCK_EXPECT_JOURNAL(test, m, " d0:A d1:A!-5 d0:identity");
	mock_expect_domain(test, md, &m->identity);
	iommu_domain_free(a);
}

static struct kunit_case transitions_cases[] = {
	KUNIT_CASE(attach_and_detach_reach_every_device),
	KUNIT_CASE(attach_of_current_default_calls_nobody),
	KUNIT_CASE(attach_fails_on_third_undoes_in_reverse),
	KUNIT_CASE(attach_fails_on_first_touches_no_other),
	KUNIT_CASE(attach_fails_on_last_undoes_all_others),
	KUNIT_CASE(replace_fails_on_second_keeps_old),
	KUNIT_CASE(failing_device_is_repaired_if_driver_breaks_old),
	KUNIT_CASE(failing_repair_parks_device),
	KUNIT_CASE(group_domain_is_published_last),
	KUNIT_CASE(replaced_domain_is_free_at_once),
	KUNIT_CASE(undo_tells_driver_what_hardware_has),
	KUNIT_CASE(failing_undo_parks_device),
	KUNIT_CASE(failed_claim_leaves_a_parked_device_parked),
	KUNIT_CASE(parked_device_returns_with_next_attach),
	KUNIT_CASE(parking_without_blocked_domain_uses_empty_one),
	KUNIT_CASE(stranded_domain_is_freed_after_the_next_attach),
	KUNIT_CASE(stranded_domain_may_be_attached_again),
	KUNIT_CASE(undo_does_not_strand_again),
	KUNIT_CASE(stranded_domain_is_freed_after_unplug),
	KUNIT_CASE(detach_with_failing_driver_leaves_nobody_behind),
	KUNIT_CASE(second_detach_calls_nobody),
	KUNIT_CASE(blocking_a_direct_device_is_refused_untouched),
	KUNIT_CASE(domain_without_attach_op_is_refused),
	KUNIT_CASE(deferred_device_is_attached_by_its_first_mapping),
	KUNIT_CASE(failing_deferred_attach_may_be_repeated),
	KUNIT_CASE(failing_attach_leaves_deferred_device_deferred),
	KUNIT_CASE(undone_deferred_device_gets_the_default_domain),
	{}
};

static struct kunit_suite transitions_suite = {
	.name = "iommu_transitions",
	.init = mock_test_init,
	.test_cases = transitions_cases,
};

kunit_test_suite(transitions_suite);
