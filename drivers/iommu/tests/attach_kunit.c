// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attach, detach and replace as callers meet them: the return codes of section
 * 1.1 of the contract, and groups that grow while a domain is attached.
 */
#include "mock-iommu.h"

/* 1.1: the device is in no group. */
static void device_without_group_is_refused(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_group_of(test, 1), *bare = mock_add_bare(m);
	struct iommu_domain *a = mock_paging(md);

	KUNIT_EXPECT_EQ(test, -ENODEV, iommu_attach_device(a, &bare->dev));
	iommu_detach_device(a, &bare->dev);
	KUNIT_EXPECT_NULL(test, iommu_get_domain_for_dev(&bare->dev));
	iommu_domain_free(a);
}

/* 1.1: one device of several cannot be attached for itself. */
static void device_with_siblings_is_refused(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_group_of(test, 2);
	struct iommu_domain *a = mock_paging(md);

	KUNIT_EXPECT_EQ(test, -EINVAL, iommu_attach_device(a, &md->dev));
	MOCK_EXPECT_JOURNAL(test, m, "");
	mock_expect_domain(test, md, &m->identity);
	iommu_domain_free(a);
}

/* T8: a group of one. */
static void device_is_attached_and_detached(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_group_of(test, 1);
	struct iommu_domain *a = mock_paging(md);

	KUNIT_EXPECT_PTR_EQ(test, iommu_get_domain_for_dev(&md->dev),
			    &m->identity);
	KUNIT_EXPECT_EQ(test, 0, iommu_attach_device(a, &md->dev));
	KUNIT_EXPECT_PTR_EQ(test, iommu_get_domain_for_dev(&md->dev), a);
	KUNIT_EXPECT_PTR_EQ(test, iommu_get_dma_domain(&md->dev), &m->identity);
	mock_expect_domain(test, md, a);
	iommu_detach_device(a, &md->dev);
	MOCK_EXPECT_JOURNAL(test, m, " d0:A d0:identity");
	KUNIT_EXPECT_PTR_EQ(test, iommu_get_domain_for_dev(&md->dev),
			    &m->identity);
	mock_expect_domain(test, md, &m->identity);
	iommu_domain_free(a);
}

/* 1.1: the driver's error is the caller's. */
static void driver_error_is_passed_on(struct kunit *test)
{
	static const int errors[] = { -EINVAL, -ENOMEM, -ENOSPC, -EBUSY,
				      -ENODEV };
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_group_of(test, 1);
	struct iommu_domain *a = mock_paging(md);

	for (int i = 0; i < ARRAY_SIZE(errors); i++) {
		mock_fail(m, MOCK_ATTACH, md, errors[i]);
		KUNIT_EXPECT_EQ(test, errors[i],
				iommu_attach_device(a, &md->dev));
		mock_expect_domain(test, md, &m->identity);
	}
	iommu_domain_free(a);
}

/* 1.1: a group has one user domain at a time, the same one counts too. */
static void attached_group_is_busy(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_group_of(test, 1);
	struct iommu_domain *a = mock_paging(md), *b = mock_paging(md);

	KUNIT_ASSERT_EQ(test, 0, iommu_attach_group(a, mock_group(md)));
	mock_journal_clear(m);
	KUNIT_EXPECT_EQ(test, -EBUSY, iommu_attach_group(b, mock_group(md)));
	KUNIT_EXPECT_EQ(test, -EBUSY, iommu_attach_group(a, mock_group(md)));
	KUNIT_EXPECT_EQ(test, -EBUSY, iommu_attach_device(b, &md->dev));
	MOCK_EXPECT_JOURNAL(test, m, "");
	mock_expect_domain(test, md, a);
	iommu_detach_group(a, mock_group(md));
	iommu_domain_free(a);
	iommu_domain_free(b);
}

/* 1.1: the driver would take another driver's domain for its own. */
static void foreign_domain_is_refused(struct kunit *test)
{
	struct mock_iommu *m = test->priv, *foreign = mock_iommu_new(test);
	struct mock_dev *md = mock_group_of(test, 1);
	struct iommu_domain *f = mock_paging(mock_add(foreign, 0));

	KUNIT_EXPECT_EQ(test, -EINVAL, iommu_attach_group(f, mock_group(md)));
	KUNIT_EXPECT_EQ(test, -EINVAL, iommu_attach_device(f, &md->dev));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			iommu_attach_group(&foreign->blocked, mock_group(md)));
	MOCK_EXPECT_JOURNAL(test, m, "");
	mock_expect_domain(test, md, &m->identity);
	iommu_domain_free(f);
}

/* W28: the driver's own static domains are domains like others. */
static void own_static_domain_is_attached(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_group_of(test, 2);

	KUNIT_EXPECT_EQ(test, 0,
			iommu_attach_group(&m->blocked, mock_group(md)));
	MOCK_EXPECT_JOURNAL(test, m, " d0:blocked d1:blocked");
	mock_expect_domain(test, md, &m->blocked);
	iommu_detach_group(&m->blocked, mock_group(md));
	mock_expect_domain(test, md, &m->identity);
}

/* W9: nobody is there to be attached. */
static void empty_group_is_refused(struct kunit *test)
{
	struct mock_dev *md = mock_group_of(test, 1);
	struct iommu_domain *a = mock_paging(md);
	struct iommu_group *group = iommu_group_alloc();

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, group);
	KUNIT_EXPECT_EQ(test, -ENODEV, iommu_attach_group(a, group));
	KUNIT_EXPECT_NULL(test, group->domain);
	iommu_group_put(group);
	iommu_domain_free(a);
}

/* W9: nor in a group whose last member has left. */
static void abandoned_group_is_refused(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_group_of(test, 1), *other = mock_add(m, 1);
	struct iommu_domain *a = mock_paging(other);
	struct iommu_group *group = iommu_group_get(&md->dev);

	mock_unplug(md);
	KUNIT_EXPECT_EQ(test, -ENODEV, iommu_attach_group(a, group));
	KUNIT_EXPECT_NULL(test, group->domain);
	iommu_group_put(group);
	iommu_domain_free(a);
}

/* W41: members, but no IOMMU that translates for them. */
static void group_without_iommu_is_refused(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_group_of(test, 1), *bare = mock_add_bare(m);
	struct iommu_domain *a = mock_paging(md);
	struct iommu_group *group = iommu_group_alloc();

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, group);
	KUNIT_ASSERT_EQ(test, 0, iommu_group_add_device(group, &bare->dev));
	KUNIT_EXPECT_EQ(test, -EINVAL, iommu_attach_group(a, group));
	KUNIT_EXPECT_EQ(test, -EINVAL, iommu_attach_device(a, &bare->dev));
	iommu_group_remove_device(&bare->dev);
	iommu_group_put(group);
	iommu_domain_free(a);
}

/* 1.1: replace wants a domain. */
static void replace_without_domain_is_refused(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_group_of(test, 1);

	KUNIT_EXPECT_EQ(test, -EINVAL,
			iommu_group_replace_domain(mock_group(md), NULL));
	mock_expect_domain(test, md, &m->identity);
}

/* 1.1: replace by what is there needs no driver. */
static void replace_by_the_same_domain_calls_nobody(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_group_of(test, 2);
	struct iommu_domain *a = mock_paging(md);

	KUNIT_ASSERT_EQ(test, 0, iommu_attach_group(a, mock_group(md)));
	mock_journal_clear(m);
	KUNIT_EXPECT_EQ(test, 0, iommu_group_replace_domain(mock_group(md), a));
	MOCK_EXPECT_JOURNAL(test, m, "");
	iommu_detach_group(a, mock_group(md));
	iommu_domain_free(a);
}

/* T9: detaching a domain that is not attached is nothing. */
static void detach_device_of_another_domain_does_nothing(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_group_of(test, 1);
	struct iommu_domain *a = mock_paging(md), *b = mock_paging(md);

	KUNIT_ASSERT_EQ(test, 0, iommu_attach_device(a, &md->dev));
	mock_journal_clear(m);
	iommu_detach_device(b, &md->dev);
	MOCK_EXPECT_JOURNAL(test, m, "");
	mock_expect_domain(test, md, a);
	iommu_detach_device(a, &md->dev);
	iommu_detach_device(a, &md->dev);
	mock_expect_domain(test, md, &m->identity);
	iommu_domain_free(a);
	iommu_domain_free(b);
}

/* W1, O4: a group that grew after the attach is detached all the same. */
static void detach_device_works_after_the_group_grew(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_group_of(test, 1);
	struct iommu_domain *a = mock_paging(md);

	KUNIT_ASSERT_EQ(test, 0, iommu_attach_device(a, &md->dev));
	mock_add(m, 0);
	mock_expect_domain(test, md, a);
	mock_journal_clear(m);
	iommu_detach_device(a, &md->dev);
	MOCK_EXPECT_JOURNAL(test, m, " d0:identity d1:identity");
	mock_expect_domain(test, md, &m->identity);
	iommu_domain_free(a);
	KUNIT_EXPECT_TRUE(test, mock_freed(a));
}

/* W1: also when the exclusive device itself has failed to be moved. */
static void detach_device_parks_what_its_driver_fails(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_group_of(test, 1);
	struct iommu_domain *a = mock_paging(md);

	KUNIT_ASSERT_EQ(test, 0, iommu_attach_device(a, &md->dev));
	mock_add(m, 0);
	mock_fail(m, MOCK_ATTACH, md, -EIO);
	mock_journal_clear(m);
	iommu_detach_device(a, &md->dev);
	MOCK_EXPECT_JOURNAL(test, m, " d0:identity!-5 d0:blocked d1:identity");
	iommu_domain_free(a);
	KUNIT_EXPECT_TRUE(test, mock_freed(a));
}

/* 1.1: the domain argument of a group's detach is not looked at. */
static void detach_group_ignores_which_domain(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_group_of(test, 2);
	struct iommu_domain *a = mock_paging(md), *b = mock_paging(md);

	KUNIT_ASSERT_EQ(test, 0, iommu_attach_group(a, mock_group(md)));
	iommu_detach_group(b, mock_group(md));
	mock_expect_domain(test, md, &m->identity);
	iommu_domain_free(a);
	iommu_domain_free(b);
}

/* T8: groups do not disturb each other. */
static void groups_are_independent_of_each_other(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *one = mock_add(m, 1), *two = mock_add(m, 2);
	struct iommu_domain *a = mock_paging(one);

	KUNIT_EXPECT_PTR_NE(test, mock_group(one), mock_group(two));
	KUNIT_EXPECT_EQ(test, 0, iommu_attach_device(a, &one->dev));
	mock_expect_domain(test, two, &m->identity);
	KUNIT_EXPECT_EQ(test, 0, iommu_attach_device(a, &two->dev));
	iommu_detach_device(a, &one->dev);
	mock_expect_domain(test, one, &m->identity);
	mock_expect_domain(test, two, a);
	iommu_detach_device(a, &two->dev);
	iommu_domain_free(a);
}

static struct kunit_case attach_cases[] = {
	KUNIT_CASE(device_without_group_is_refused),
	KUNIT_CASE(device_with_siblings_is_refused),
	KUNIT_CASE(device_is_attached_and_detached),
	KUNIT_CASE(driver_error_is_passed_on),
	KUNIT_CASE(attached_group_is_busy),
	KUNIT_CASE(foreign_domain_is_refused),
	KUNIT_CASE(own_static_domain_is_attached),
	KUNIT_CASE(empty_group_is_refused),
	KUNIT_CASE(abandoned_group_is_refused),
	KUNIT_CASE(group_without_iommu_is_refused),
	KUNIT_CASE(replace_without_domain_is_refused),
	KUNIT_CASE(replace_by_the_same_domain_calls_nobody),
	KUNIT_CASE(detach_device_of_another_domain_does_nothing),
	KUNIT_CASE(detach_device_works_after_the_group_grew),
	KUNIT_CASE(detach_device_parks_what_its_driver_fails),
	KUNIT_CASE(detach_group_ignores_which_domain),
	KUNIT_CASE(groups_are_independent_of_each_other),
	{}
};

static struct kunit_suite attach_suite = {
	.name = "iommu_attach",
	.init = mock_test_init,
	.test_cases = attach_cases,
};

kunit_test_suite(attach_suite);
