// SPDX-License-Identifier: GPL-2.0-only
/*
 * PASID slots and attach handles: section 1.2 of the contract and the handle
 * functions that iommufd uses on the slot without PASID.
 */
#include "mock-iommu.h"

static void expect_handle(struct kunit *test, struct mock_dev *md,
			  ioasid_t pasid, struct iommu_attach_handle *handle)
{
	KUNIT_EXPECT_PTR_EQ(test, handle,
			    iommu_attach_handle_get(mock_group(md), pasid, 0));
}

static void expect_no_handle(struct kunit *test, struct mock_dev *md,
			     ioasid_t pasid)
{
	expect_handle(test, md, pasid, ERR_PTR(-ENOENT));
}

static void expect_no_slots(struct kunit *test, struct mock_dev *md)
{
	KUNIT_EXPECT_TRUE(test, xa_empty(&mock_group(md)->pasids));
}

/* T8: each member with PASIDs gets the domain and loses it again. */
static void attach_and_detach_reach_every_device(struct kunit *test)
{
	struct mock_dev *md = mock_group_with_pasids(test, 3);
	struct mock_iommu *m = test->priv;
	struct iommu_domain *a = mock_paging(md);
	struct iommu_attach_handle handle = {};

	KUNIT_EXPECT_EQ(test, 0,
			iommu_attach_device_pasid(a, &md->dev, 5, &handle));
	MOCK_EXPECT_JOURNAL(test, m, " d0.5:A d1.5:A d2.5:A");
	mock_expect_pasid(test, md, 5, a);
	mock_expect_domain(test, md, &m->identity);
	expect_handle(test, md, 5, &handle);
	KUNIT_EXPECT_PTR_EQ(test, handle.domain, a);

	mock_journal_clear(m);
	iommu_detach_device_pasid(a, &md->dev, 5);
	MOCK_EXPECT_JOURNAL(test, m, " d0.5-A d1.5-A d2.5-A");
	mock_expect_pasid(test, md, 5, NULL);
	expect_no_handle(test, md, 5);
	expect_no_slots(test, md);
	iommu_domain_free(a);
}

/* 1.2: without a handle there is nothing to be found. */
static void attach_without_handle_shows_none(struct kunit *test)
{
	struct mock_dev *md = mock_group_with_pasids(test, 2);
	struct iommu_domain *a = mock_paging(md);

	KUNIT_EXPECT_EQ(test, 0,
			iommu_attach_device_pasid(a, &md->dev, 5, NULL));
	expect_no_handle(test, md, 5);
	mock_expect_pasid(test, md, 5, a);
	KUNIT_EXPECT_EQ(test, -EBUSY,
			iommu_attach_device_pasid(a, &md->dev, 5, NULL));
	iommu_detach_device_pasid(a, &md->dev, 5);
	expect_no_slots(test, md);
	iommu_domain_free(a);
}

/* 1.2: the domain's driver does not know PASIDs. */
static void attach_without_driver_support_is_refused(struct kunit *test)
{
	struct mock_dev *md = mock_group_with_pasids(test, 1);
	struct mock_iommu *m = test->priv;
	struct iommu_domain *a = mock_paging(md);

	m->paging_ops.set_dev_pasid = NULL;
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP,
			iommu_attach_device_pasid(a, &md->dev, 5, NULL));
	expect_no_slots(test, md);
	iommu_domain_free(a);
}

/* 1.2: the device is in no group. */
static void attach_without_group_is_refused(struct kunit *test)
{
	struct mock_dev *md = mock_group_with_pasids(test, 1), *bare;
	struct iommu_domain *a = mock_paging(md);

	bare = mock_add_bare(test->priv);
	KUNIT_EXPECT_EQ(test, -ENODEV,
			iommu_attach_device_pasid(a, &bare->dev, 5, NULL));
	iommu_domain_free(a);
}

/* W41: the device is in a group, but no IOMMU translates for it. */
static void attach_without_iommu_is_refused(struct kunit *test)
{
	struct mock_dev *md = mock_group_with_pasids(test, 1), *bare;
	struct iommu_domain *a = mock_paging(md);
	struct iommu_group *group;

	bare = mock_add_bare(test->priv);
	group = iommu_group_alloc();
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, group);
	KUNIT_ASSERT_EQ(test, 0, iommu_group_add_device(group, &bare->dev));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			iommu_attach_device_pasid(a, &bare->dev, 5, NULL));
	iommu_group_remove_device(&bare->dev);
	iommu_group_put(group);
	iommu_domain_free(a);
}

/* 1.2: a domain of another driver would be taken for its own. */
static void attach_of_foreign_domain_is_refused(struct kunit *test)
{
	struct mock_dev *md = mock_group_with_pasids(test, 1), *other;
	struct mock_iommu *m = test->priv, *foreign = mock_iommu_new(test);
	struct iommu_domain *f;

	other = mock_add_pasid(foreign, 0);
	f = mock_paging(other);
	KUNIT_EXPECT_EQ(test, -EINVAL,
			iommu_attach_device_pasid(f, &md->dev, 5, NULL));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			iommu_attach_device_pasid(&foreign->identity, &md->dev,
						  5, NULL));
	MOCK_EXPECT_JOURNAL(test, m, "");
	expect_no_slots(test, md);
	iommu_domain_free(f);
}

/* 1.2: PASID 0 is the slot of requests without PASID. */
static void attach_of_pasid_zero_is_refused(struct kunit *test)
{
	struct mock_dev *md = mock_group_with_pasids(test, 1);
	struct iommu_domain *a = mock_paging(md);

	KUNIT_EXPECT_EQ(test, -EINVAL,
			iommu_attach_device_pasid(a, &md->dev, IOMMU_NO_PASID,
						  NULL));
	iommu_domain_free(a);
}

/* 1.2: the member with the fewest PASIDs decides. */
static void attach_above_a_members_limit_is_refused(struct kunit *test)
{
	struct mock_dev *md = mock_group_with_pasids(test, 1), *narrow;
	struct mock_iommu *m = test->priv;
	struct iommu_domain *a;

	narrow = mock_new_dev(m, 0);
	narrow->pasid_bits = 3;
	mock_plug(narrow);
	mock_journal_clear(m);
	a = mock_paging(md);
	KUNIT_EXPECT_EQ(test, -EINVAL,
			iommu_attach_device_pasid(a, &md->dev, 8, NULL));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			iommu_attach_device_pasid(a, &md->dev, MOCK_SLOTS,
						  NULL));
	MOCK_EXPECT_JOURNAL(test, m, "");
	KUNIT_EXPECT_EQ(test, 0,
			iommu_attach_device_pasid(a, &md->dev, 7, NULL));
	iommu_detach_device_pasid(a, &md->dev, 7);
	iommu_domain_free(a);
}

/* W27: success would promise a translation that nobody set up. */
static void attach_to_a_device_without_pasids_is_refused(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_add(m, 0);
	struct iommu_domain *a = mock_paging(md);

	mock_journal_clear(m);
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP,
			iommu_attach_device_pasid(a, &md->dev, 5, NULL));
	MOCK_EXPECT_JOURNAL(test, m, "");
	if (!xa_empty(&mock_group(md)->pasids))
		iommu_detach_device_pasid(a, &md->dev, 5);
	expect_no_slots(test, md);
	iommu_domain_free(a);
}

/* W27: siblings without PASIDs are left out, the others served. */
static void attach_passes_over_members_without_pasids(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_group_with_pasids(test, 1);
	struct iommu_domain *a = mock_paging(md);

	mock_add(m, 0);
	mock_add_pasid(m, 0);
	mock_journal_clear(m);
	KUNIT_EXPECT_EQ(test, 0,
			iommu_attach_device_pasid(a, &md->dev, 5, NULL));
	MOCK_EXPECT_JOURNAL(test, m, " d0.5:A d2.5:A");
	mock_journal_clear(m);
	iommu_detach_device_pasid(a, &md->dev, 5);
	MOCK_EXPECT_JOURNAL(test, m, " d0.5-A d2.5-A");
	iommu_domain_free(a);
}

/* 1.2: one domain for each slot. */
static void attach_of_a_used_pasid_is_refused(struct kunit *test)
{
	struct mock_dev *md = mock_group_with_pasids(test, 2);
	struct mock_iommu *m = test->priv;
	struct iommu_domain *a = mock_paging(md), *b = mock_paging(md);
	struct iommu_attach_handle first = {}, second = {};

	KUNIT_ASSERT_EQ(test, 0,
			iommu_attach_device_pasid(a, &md->dev, 5, &first));
	mock_journal_clear(m);
	KUNIT_EXPECT_EQ(test, -EBUSY,
			iommu_attach_device_pasid(b, &m->devs[1]->dev, 5,
						  &second));
	KUNIT_EXPECT_EQ(test, -EBUSY,
			iommu_attach_device_pasid(a, &md->dev, 5, &second));
	MOCK_EXPECT_JOURNAL(test, m, "");
	expect_handle(test, md, 5, &first);
	iommu_detach_device_pasid(a, &md->dev, 5);
	iommu_domain_free(a);
	iommu_domain_free(b);
}

/* T4: undone is what succeeded, last first; the slot is free again. */
static void attach_fails_on_third_undoes_in_reverse(struct kunit *test)
{
	struct mock_dev *md = mock_group_with_pasids(test, 4);
	struct mock_iommu *m = test->priv;
	struct iommu_domain *a = mock_paging(md);
	struct iommu_attach_handle handle = {};

	mock_fail(m, MOCK_SET_PASID, m->devs[2], -ENOSPC);
	KUNIT_EXPECT_EQ(test, -ENOSPC,
			iommu_attach_device_pasid(a, &md->dev, 5, &handle));
	MOCK_EXPECT_JOURNAL(test, m,
			    " d0.5:A d1.5:A d2.5:A!-28 d1.5-A d0.5-A");
	mock_expect_pasid(test, md, 5, NULL);
	expect_no_handle(test, md, 5);
	expect_no_slots(test, md);
	KUNIT_EXPECT_EQ(test, 0,
			iommu_attach_device_pasid(a, &md->dev, 5, &handle));
	iommu_detach_device_pasid(a, &md->dev, 5);
	iommu_domain_free(a);
}

static void no_handle_yet(struct mock_iommu *m, enum mock_op op,
			  struct mock_dev *md, ioasid_t pasid)
{
	KUNIT_EXPECT_PTR_EQ(m->test, ERR_PTR(-ENOENT),
			    iommu_attach_handle_get(mock_group(md),
						    *(ioasid_t *)m->on_call_data,
						    0));
}

/* T5, W29: no page request finds a handle whose attach may still fail. */
static void handle_is_invisible_until_success(struct kunit *test)
{
	struct mock_dev *md = mock_group_with_pasids(test, 2);
	struct mock_iommu *m = test->priv;
	struct iommu_domain *a = mock_paging(md);
	struct iommu_attach_handle handle = {};
	ioasid_t slot = 5;

	m->on_call = no_handle_yet;
	m->on_call_data = &slot;
	mock_fail(m, MOCK_SET_PASID, m->devs[1], -EIO);
	KUNIT_EXPECT_EQ(test, -EIO,
			iommu_attach_device_pasid(a, &md->dev, 5, &handle));
	expect_no_handle(test, md, 5);
	KUNIT_EXPECT_EQ(test, 0,
			iommu_attach_device_pasid(a, &md->dev, 5, &handle));
	m->on_call = NULL;
	expect_handle(test, md, 5, &handle);
	iommu_detach_device_pasid(a, &md->dev, 5);
	iommu_domain_free(a);
}

/* T5, W29: the same on the slot without PASID. */
static void group_handle_is_invisible_until_success(struct kunit *test)
{
	struct mock_dev *md = mock_group_with_pasids(test, 2);
	struct mock_iommu *m = test->priv;
	struct iommu_domain *a = mock_paging(md);
	struct iommu_attach_handle handle = {};
	ioasid_t slot = IOMMU_NO_PASID;

	m->on_call = no_handle_yet;
	m->on_call_data = &slot;
	mock_fail(m, MOCK_ATTACH, m->devs[1], -EIO);
	KUNIT_EXPECT_EQ(test, -EIO,
			iommu_attach_group_handle(a, mock_group(md), &handle));
	expect_no_handle(test, md, IOMMU_NO_PASID);
	expect_no_slots(test, md);
	KUNIT_EXPECT_EQ(test, 0,
			iommu_attach_group_handle(a, mock_group(md), &handle));
	m->on_call = NULL;
	expect_handle(test, md, IOMMU_NO_PASID, &handle);
	iommu_detach_group_handle(a, mock_group(md));
	expect_no_handle(test, md, IOMMU_NO_PASID);
	iommu_domain_free(a);
}

/* W28: drivers give the static identity domain to their system PASID. */
static void attach_of_own_static_domains_is_granted(struct kunit *test)
{
	struct mock_dev *md = mock_group_with_pasids(test, 2);
	struct mock_iommu *m = test->priv;

	KUNIT_EXPECT_EQ(test, 0,
			iommu_attach_device_pasid(&m->identity, &md->dev, 3,
						  NULL));
	MOCK_EXPECT_JOURNAL(test, m, " d0.3:identity d1.3:identity");
	mock_expect_pasid(test, md, 3, &m->identity);
	iommu_detach_device_pasid(&m->identity, &md->dev, 3);
	KUNIT_EXPECT_EQ(test, 0,
			iommu_attach_device_pasid(&m->blocked, &md->dev, 3,
						  NULL));
	iommu_detach_device_pasid(&m->blocked, &md->dev, 3);
	expect_no_slots(test, md);
}

/* 1.2: the kind of domain a handle is asked for has to match. */
static void handle_of_another_type_is_busy(struct kunit *test)
{
	struct mock_dev *md = mock_group_with_pasids(test, 1);
	struct iommu_domain *a = mock_paging(md);
	struct iommu_attach_handle handle = {};

	KUNIT_ASSERT_EQ(test, 0,
			iommu_attach_device_pasid(a, &md->dev, 5, &handle));
	KUNIT_EXPECT_PTR_EQ(test, (struct iommu_attach_handle *)ERR_PTR(-EBUSY),
			    iommu_attach_handle_get(mock_group(md), 5,
						    IOMMU_DOMAIN_SVA));
	KUNIT_EXPECT_PTR_EQ(test, &handle,
			    iommu_attach_handle_get(mock_group(md), 5,
						    IOMMU_DOMAIN_UNMANAGED));
	KUNIT_EXPECT_PTR_EQ(test, (struct iommu_attach_handle *)ERR_PTR(-ENOENT),
			    iommu_attach_handle_get(mock_group(md), 6,
						    IOMMU_DOMAIN_SVA));
	iommu_detach_device_pasid(a, &md->dev, 5);
	iommu_domain_free(a);
}

/* T9: what is not attached is detached without a driver call. */
static void detach_of_a_free_pasid_calls_nobody(struct kunit *test)
{
	struct mock_dev *md = mock_group_with_pasids(test, 2);
	struct mock_iommu *m = test->priv;
	struct iommu_domain *a = mock_paging(md);

	iommu_detach_device_pasid(a, &md->dev, 5);
	MOCK_EXPECT_JOURNAL(test, m, "");
	KUNIT_ASSERT_EQ(test, 0,
			iommu_attach_device_pasid(a, &md->dev, 5, NULL));
	iommu_detach_device_pasid(a, &md->dev, 5);
	mock_journal_clear(m);
	iommu_detach_device_pasid(a, &md->dev, 5);
	MOCK_EXPECT_JOURNAL(test, m, "");
	iommu_domain_free(a);
}

/* T9: what somebody else attached to the PASID stays. */
static void detach_of_another_domain_does_nothing(struct kunit *test)
{
	struct mock_dev *md = mock_group_with_pasids(test, 2);
	struct mock_iommu *m = test->priv;
	struct iommu_domain *a = mock_paging(md), *b = mock_paging(md);
	struct iommu_attach_handle handle = {};

	KUNIT_ASSERT_EQ(test, 0,
			iommu_attach_device_pasid(a, &md->dev, 5, &handle));
	mock_journal_clear(m);
	iommu_detach_device_pasid(b, &md->dev, 5);
	MOCK_EXPECT_JOURNAL(test, m, "");
	mock_expect_pasid(test, md, 5, a);
	expect_handle(test, md, 5, &handle);
	iommu_detach_device_pasid(a, &md->dev, 5);
	iommu_domain_free(a);
	iommu_domain_free(b);
}

/* T9: who attached through a device that has gone detaches by the group. */
static void detach_by_the_group_outlives_the_device(struct kunit *test)
{
	struct mock_dev *md = mock_group_with_pasids(test, 2);
	struct mock_iommu *m = test->priv;
	struct iommu_domain *a = mock_paging(md);
	struct iommu_group *group = iommu_group_get(&md->dev);

	KUNIT_ASSERT_EQ(test, 0,
			iommu_attach_device_pasid(a, &md->dev, 5, NULL));
	mock_unplug(md);
	mock_journal_clear(m);
	iommu_detach_device_pasid(a, &md->dev, 5);
	MOCK_EXPECT_JOURNAL(test, m, "");
	iommu_detach_group_pasid(a, group, 5);
	MOCK_EXPECT_JOURNAL(test, m, " d1.5-A");
	expect_no_slots(test, m->devs[1]);
	iommu_group_put(group);
	iommu_domain_free(a);
	KUNIT_EXPECT_TRUE(test, mock_freed(a));
}

/* Slots of a group do not disturb each other. */
static void pasids_are_independent_of_each_other(struct kunit *test)
{
	struct mock_dev *md = mock_group_with_pasids(test, 2);
	struct mock_iommu *m = test->priv;
	struct iommu_domain *a = mock_paging(md), *b = mock_paging(md);

	KUNIT_ASSERT_EQ(test, 0,
			iommu_attach_device_pasid(a, &md->dev, 1, NULL));
	KUNIT_ASSERT_EQ(test, 0,
			iommu_attach_device_pasid(b, &md->dev, 2, NULL));
	KUNIT_ASSERT_EQ(test, 0, iommu_attach_group(b, mock_group(md)));
	mock_expect_pasid(test, md, 1, a);
	mock_expect_pasid(test, md, 2, b);
	mock_expect_domain(test, md, b);
	iommu_detach_device_pasid(b, &md->dev, 2);
	mock_expect_pasid(test, md, 1, a);
	mock_expect_pasid(test, md, 2, NULL);
	mock_expect_domain(test, md, b);
	iommu_detach_group(b, mock_group(md));
	iommu_domain_free(b);
	mock_expect_pasid(test, md, 1, a);
	iommu_detach_device_pasid(a, &md->dev, 1);
	iommu_domain_free(a);
	mock_expect_domain(test, md, &m->identity);
}

/* T8, W18: who joins the group gets its PASIDs. */
static void newcomer_gets_the_groups_pasids(struct kunit *test)
{
	struct mock_dev *md = mock_group_with_pasids(test, 1);
	struct mock_iommu *m = test->priv;
	struct iommu_domain *a = mock_paging(md), *b = mock_paging(md);
	struct iommu_attach_handle handle = {};

	KUNIT_ASSERT_EQ(test, 0,
			iommu_attach_device_pasid(a, &md->dev, 1, &handle));
	KUNIT_ASSERT_EQ(test, 0,
			iommu_attach_device_pasid(b, &md->dev, 2, NULL));
	mock_journal_clear(m);
	mock_add_pasid(m, 0);
	MOCK_EXPECT_JOURNAL(test, m, " d1:identity d1.1:A d1.2:B");
	mock_expect_pasid(test, md, 1, a);
	mock_expect_pasid(test, md, 2, b);
	mock_journal_clear(m);
	iommu_detach_device_pasid(a, &md->dev, 1);
	MOCK_EXPECT_JOURNAL(test, m, " d0.1-A d1.1-A");
	iommu_detach_device_pasid(b, &md->dev, 2);
	iommu_domain_free(a);
	iommu_domain_free(b);
}

/* T8, W18: or does not join, and leaves nothing behind. */
static void newcomer_that_fails_a_pasid_does_not_join(struct kunit *test)
{
	struct mock_dev *md = mock_group_with_pasids(test, 1), *late;
	struct mock_iommu *m = test->priv;
	struct iommu_domain *a = mock_paging(md), *b = mock_paging(md);

	KUNIT_ASSERT_EQ(test, 0,
			iommu_attach_device_pasid(a, &md->dev, 1, NULL));
	KUNIT_ASSERT_EQ(test, 0,
			iommu_attach_device_pasid(b, &md->dev, 2, NULL));
	late = mock_new_dev(m, 0);
	late->pasid_bits = MOCK_PASID_BITS;
	mock_fail(m, MOCK_SET_PASID, late, -ENOMEM)->skip = 1;
	mock_journal_clear(m);
	mock_plug(late);
	MOCK_EXPECT_JOURNAL(test, m,
			    " d1:identity d1.1:A d1.2:B!-12 d1.1-A");
	KUNIT_EXPECT_NULL(test, mock_group(late));
	mock_expect_pasid(test, md, 1, a);
	mock_expect_pasid(test, md, 2, b);
	iommu_detach_device_pasid(a, &md->dev, 1);
	iommu_detach_device_pasid(b, &md->dev, 2);
	iommu_domain_free(a);
	iommu_domain_free(b);
}

/* T8, W18: nor does one whose PASIDs are too few for the group's. */
static void newcomer_with_too_few_pasids_does_not_join(struct kunit *test)
{
	struct mock_dev *md = mock_group_with_pasids(test, 1), *late;
	struct mock_iommu *m = test->priv;
	struct iommu_domain *a = mock_paging(md);

	KUNIT_ASSERT_EQ(test, 0,
			iommu_attach_device_pasid(a, &md->dev, 8, NULL));
	late = mock_new_dev(m, 0);
	late->pasid_bits = 3;
	mock_plug(late);
	KUNIT_EXPECT_NULL(test, mock_group(late));
	iommu_detach_device_pasid(a, &md->dev, 8);
	iommu_domain_free(a);
}

/* 1.2: who joins may have fewer PASIDs than the group had, or none. */
static void newcomer_narrows_its_group(struct kunit *test)
{
	struct mock_dev *md = mock_group_with_pasids(test, 1), *late;
	struct mock_iommu *m = test->priv;
	struct iommu_domain *a = mock_paging(md);

	KUNIT_ASSERT_EQ(test, 0,
			iommu_attach_device_pasid(a, &md->dev, 8, NULL));
	iommu_detach_device_pasid(a, &md->dev, 8);

	late = mock_new_dev(m, 0);
	late->pasid_bits = 3;
	mock_plug(late);
	KUNIT_EXPECT_EQ(test, -EINVAL,
			iommu_attach_device_pasid(a, &md->dev, 8, NULL));
	mock_unplug(late);
	KUNIT_EXPECT_EQ(test, 0,
			iommu_attach_device_pasid(a, &md->dev, 8, NULL));
	iommu_detach_device_pasid(a, &md->dev, 8);

	late = mock_new_dev(m, 0);
	mock_plug(late);
	mock_journal_clear(m);
	KUNIT_EXPECT_EQ(test, 0,
			iommu_attach_device_pasid(a, &md->dev, 8, NULL));
	iommu_detach_device_pasid(a, &md->dev, 8);
	MOCK_EXPECT_JOURNAL(test, m, " d0.8:A d0.8-A");
	iommu_domain_free(a);
}

/* W18: a device takes no PASID with it when it goes. */
static void unplugged_device_loses_its_pasids(struct kunit *test)
{
	struct mock_dev *md = mock_group_with_pasids(test, 2);
	struct mock_iommu *m = test->priv;
	struct iommu_domain *a = mock_paging(md);

	KUNIT_ASSERT_EQ(test, 0,
			iommu_attach_device_pasid(a, &md->dev, 4, NULL));
	mock_journal_clear(m);
	mock_unplug(m->devs[1]);
	MOCK_EXPECT_JOURNAL(test, m, " d1.4-A");
	mock_expect_pasid(test, md, 4, a);
	mock_journal_clear(m);
	iommu_detach_device_pasid(a, &md->dev, 4);
	MOCK_EXPECT_JOURNAL(test, m, " d0.4-A");
	iommu_domain_free(a);
}

/* 1.2: global PASIDs start at 1 and end below the device's limit. */
static void global_pasids_stay_below_the_devices_limit(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_new_dev(m, 0);
	ioasid_t first, second, third;

	md->pasid_bits = 2;
	mock_plug(md);
	first = iommu_alloc_global_pasid(&md->dev);
	second = iommu_alloc_global_pasid(&md->dev);
	third = iommu_alloc_global_pasid(&md->dev);
	KUNIT_EXPECT_EQ(test, first, IOMMU_FIRST_GLOBAL_PASID);
	KUNIT_EXPECT_EQ(test, second, 2);
	KUNIT_EXPECT_EQ(test, third, 3);
	KUNIT_EXPECT_EQ(test, IOMMU_PASID_INVALID,
			iommu_alloc_global_pasid(&md->dev));
	iommu_free_global_pasid(second);
	KUNIT_EXPECT_EQ(test, second, iommu_alloc_global_pasid(&md->dev));
	iommu_free_global_pasid(first);
	iommu_free_global_pasid(second);
	iommu_free_global_pasid(third);
}

/* 1.2: a device without PASIDs needs none. */
static void global_pasid_without_support_is_invalid(struct kunit *test)
{
	struct mock_dev *md = mock_add(test->priv, 0);

	KUNIT_EXPECT_EQ(test, IOMMU_PASID_INVALID,
			iommu_alloc_global_pasid(&md->dev));
}

/* 1.1: one handle for the slot without PASID. */
static void second_group_handle_is_refused(struct kunit *test)
{
	struct mock_dev *md = mock_group_with_pasids(test, 2);
	struct mock_iommu *m = test->priv;
	struct iommu_domain *a = mock_paging(md), *b = mock_paging(md);
	struct iommu_attach_handle first = {}, second = {};

	KUNIT_ASSERT_EQ(test, 0,
			iommu_attach_group_handle(a, mock_group(md), &first));
	KUNIT_EXPECT_PTR_EQ(test, first.domain, a);
	KUNIT_EXPECT_EQ(test, -EBUSY,
			iommu_attach_group_handle(b, mock_group(md), &second));
	expect_handle(test, md, IOMMU_NO_PASID, &first);
	mock_expect_domain(test, md, a);
	iommu_detach_group_handle(a, mock_group(md));
	mock_expect_domain(test, md, &m->identity);
	expect_no_slots(test, md);
	iommu_domain_free(a);
	iommu_domain_free(b);
}

/* 1.1: a handle of nothing is allowed. */
static void group_handle_may_be_absent(struct kunit *test)
{
	struct mock_dev *md = mock_group_with_pasids(test, 1);
	struct iommu_domain *a = mock_paging(md);

	KUNIT_EXPECT_EQ(test, 0,
			iommu_attach_group_handle(a, mock_group(md), NULL));
	expect_no_handle(test, md, IOMMU_NO_PASID);
	mock_expect_domain(test, md, a);
	iommu_detach_group_handle(a, mock_group(md));
	expect_no_slots(test, md);
	iommu_domain_free(a);
}

/* T5: old and new handle change places with the domains. */
static void replaced_handle_is_found_after_success(struct kunit *test)
{
	struct mock_dev *md = mock_group_with_pasids(test, 2);
	struct iommu_domain *a = mock_paging(md), *b = mock_paging(md);
	struct iommu_attach_handle first = {}, second = {};

	KUNIT_ASSERT_EQ(test, 0,
			iommu_attach_group_handle(a, mock_group(md), &first));
	KUNIT_EXPECT_EQ(test, 0,
			iommu_replace_group_handle(mock_group(md), b, &second));
	expect_handle(test, md, IOMMU_NO_PASID, &second);
	KUNIT_EXPECT_PTR_EQ(test, second.domain, b);
	mock_expect_domain(test, md, b);
	iommu_domain_free(a);
	KUNIT_EXPECT_EQ(test, 0,
			iommu_replace_group_handle(mock_group(md), b, NULL));
	expect_no_handle(test, md, IOMMU_NO_PASID);
	iommu_detach_group_handle(b, mock_group(md));
	iommu_domain_free(b);
}

/* T3: after a failed replace the old handle and domain are in use. */
static void failed_replace_keeps_the_old_handle(struct kunit *test)
{
	struct mock_dev *md = mock_group_with_pasids(test, 2);
	struct mock_iommu *m = test->priv;
	struct iommu_domain *a = mock_paging(md), *b = mock_paging(md);
	struct iommu_attach_handle first = {}, second = {};

	KUNIT_ASSERT_EQ(test, 0,
			iommu_attach_group_handle(a, mock_group(md), &first));
	mock_fail(m, MOCK_ATTACH, m->devs[1], -EIO);
	KUNIT_EXPECT_EQ(test, -EIO,
			iommu_replace_group_handle(mock_group(md), b, &second));
	expect_handle(test, md, IOMMU_NO_PASID, &first);
	KUNIT_EXPECT_PTR_EQ(test, first.domain, a);
	mock_expect_domain(test, md, a);
	KUNIT_EXPECT_EQ(test, -EINVAL,
			iommu_replace_group_handle(mock_group(md), NULL,
						   &second));
	expect_handle(test, md, IOMMU_NO_PASID, &first);
	iommu_detach_group_handle(a, mock_group(md));
	iommu_domain_free(a);
	iommu_domain_free(b);
}

/* W30: a failed replace does not free a slot held without a handle. */
static void failed_replace_keeps_a_slot_without_handle(struct kunit *test)
{
	struct mock_dev *md = mock_group_with_pasids(test, 2);
	struct mock_iommu *m = test->priv;
	struct iommu_domain *a = mock_paging(md), *b = mock_paging(md);
	struct iommu_attach_handle handle = {};
	bool empty;

	KUNIT_ASSERT_EQ(test, 0,
			iommu_attach_group_handle(a, mock_group(md), NULL));
	empty = xa_empty(&mock_group(md)->pasids);
	mock_fail(m, MOCK_ATTACH, m->devs[1], -EIO);
	KUNIT_EXPECT_EQ(test, -EIO,
			iommu_replace_group_handle(mock_group(md), b, &handle));
	expect_no_handle(test, md, IOMMU_NO_PASID);
	/* Whether or not it takes an entry to hold it. */
	KUNIT_EXPECT_EQ(test, empty, xa_empty(&mock_group(md)->pasids));
	KUNIT_EXPECT_EQ(test, -EBUSY,
			iommu_attach_group_handle(b, mock_group(md), &handle));
	mock_expect_domain(test, md, a);
	iommu_detach_group_handle(a, mock_group(md));
	expect_no_slots(test, md);
	iommu_domain_free(a);
	iommu_domain_free(b);
}

/* 1.1: from no domain of a user at all, replace is an attach. */
static void replace_works_from_the_default_domain(struct kunit *test)
{
	struct mock_dev *md = mock_group_with_pasids(test, 2);
	struct iommu_domain *a = mock_paging(md);
	struct iommu_attach_handle handle = {};

	KUNIT_EXPECT_EQ(test, 0,
			iommu_replace_group_handle(mock_group(md), a, &handle));
	expect_handle(test, md, IOMMU_NO_PASID, &handle);
	mock_expect_domain(test, md, a);
	iommu_detach_group_handle(a, mock_group(md));
	expect_no_slots(test, md);
	iommu_domain_free(a);
}

/* W26: replace asks whose domain it is, as attach does. */
static void replace_with_foreign_domain_is_refused(struct kunit *test)
{
	struct mock_dev *md = mock_group_with_pasids(test, 1);
	struct mock_iommu *m = test->priv, *foreign = mock_iommu_new(test);
	struct iommu_domain *f = mock_paging(mock_add(foreign, 0));
	struct iommu_attach_handle handle = {};

	KUNIT_EXPECT_EQ(test, -EINVAL,
			iommu_replace_group_handle(mock_group(md), f, &handle));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			iommu_group_replace_domain(mock_group(md), f));
	MOCK_EXPECT_JOURNAL(test, m, "");
	expect_no_slots(test, md);
	mock_expect_domain(test, md, &m->identity);
	if (mock_group(md)->domain == f)
		iommu_detach_group(f, mock_group(md));
	iommu_domain_free(f);
}

static struct kunit_case pasids_cases[] = {
	KUNIT_CASE(attach_and_detach_reach_every_device),
	KUNIT_CASE(attach_without_handle_shows_none),
	KUNIT_CASE(attach_without_driver_support_is_refused),
	KUNIT_CASE(attach_without_group_is_refused),
	KUNIT_CASE(attach_without_iommu_is_refused),
	KUNIT_CASE(attach_of_foreign_domain_is_refused),
	KUNIT_CASE(attach_of_pasid_zero_is_refused),
	KUNIT_CASE(attach_above_a_members_limit_is_refused),
	KUNIT_CASE(attach_to_a_device_without_pasids_is_refused),
	KUNIT_CASE(attach_passes_over_members_without_pasids),
	KUNIT_CASE(attach_of_a_used_pasid_is_refused),
	KUNIT_CASE(attach_fails_on_third_undoes_in_reverse),
	KUNIT_CASE(handle_is_invisible_until_success),
	KUNIT_CASE(group_handle_is_invisible_until_success),
	KUNIT_CASE(attach_of_own_static_domains_is_granted),
	KUNIT_CASE(handle_of_another_type_is_busy),
	KUNIT_CASE(detach_of_a_free_pasid_calls_nobody),
	KUNIT_CASE(detach_of_another_domain_does_nothing),
	KUNIT_CASE(detach_by_the_group_outlives_the_device),
	KUNIT_CASE(pasids_are_independent_of_each_other),
	KUNIT_CASE(newcomer_gets_the_groups_pasids),
	KUNIT_CASE(newcomer_that_fails_a_pasid_does_not_join),
	KUNIT_CASE(newcomer_with_too_few_pasids_does_not_join),
	KUNIT_CASE(newcomer_narrows_its_group),
	KUNIT_CASE(unplugged_device_loses_its_pasids),
	KUNIT_CASE(global_pasids_stay_below_the_devices_limit),
	KUNIT_CASE(global_pasid_without_support_is_invalid),
	KUNIT_CASE(second_group_handle_is_refused),
	KUNIT_CASE(group_handle_may_be_absent),
	KUNIT_CASE(replaced_handle_is_found_after_success),
	KUNIT_CASE(failed_replace_keeps_the_old_handle),
	KUNIT_CASE(failed_replace_keeps_a_slot_without_handle),
	KUNIT_CASE(replace_works_from_the_default_domain),
	KUNIT_CASE(replace_with_foreign_domain_is_refused),
	{}
};

static struct kunit_suite pasids_suite = {
	.name = "iommu_pasids",
	.init = mock_test_init,
	.test_cases = pasids_cases,
};

kunit_test_suite(pasids_suite);
