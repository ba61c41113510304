// SPDX-License-Identifier: GPL-2.0-only
/*
 * Replacing the domain of a PASID: the driver is told the old domain, all
 * members move or none, and a driver that cannot go back loses the PASID.
 */
#include "mock-iommu.h"

#define PASID 5

static int replace_init(struct kunit *test)
{
	struct mock_iommu *m = mock_iommu_new(test);

	m->ops.pasid_replace = 1;
	test->priv = m;
	return 0;
}

/* @n devices in one group, PASID attached to the first domain, A. */
static struct mock_dev *attached(struct kunit *test, int n,
				 struct iommu_attach_handle *handle,
				 struct iommu_domain **a,
				 struct iommu_domain **b)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_add_pasid(m, 0);

	for (int i = 1; i < n; i++)
		mock_add_pasid(m, 0);
	*a = mock_paging(md);
	*b = mock_paging(md);
	KUNIT_ASSERT_EQ(test, 0, iommu_attach_device_pasid(*a, &md->dev, PASID,
							   handle));
	mock_journal_clear(m);
	return md;
}

static void end(struct kunit *test, struct mock_dev *md,
		struct iommu_domain *now, struct iommu_domain *other)
{
	iommu_detach_device_pasid(now, &md->dev, PASID);
	KUNIT_EXPECT_TRUE(test, xa_empty(&mock_group(md)->pasids));
	mock_expect_users(test, test->priv);
	iommu_domain_free(now);
	iommu_domain_free(other);
}

static void expect_handle(struct kunit *test, struct mock_dev *md,
			  struct iommu_attach_handle *handle)
{
	KUNIT_EXPECT_PTR_EQ(test, handle,
			    iommu_attach_handle_get(mock_group(md), PASID, 0));
}

/* T6: each member moves with one call that names the old domain. */
static void replace_tells_every_driver_the_old_domain(struct kunit *test)
{
	struct iommu_attach_handle h1 = {}, h2 = {};
	struct iommu_domain *a, *b;
	struct mock_dev *md = attached(test, 3, &h1, &a, &b);

	KUNIT_EXPECT_EQ(test, 0,
			iommu_replace_device_pasid(b, &md->dev, PASID, &h2));
	MOCK_EXPECT_JOURNAL(test, (struct mock_iommu *)test->priv,
			    " d0.5:B<A d1.5:B<A d2.5:B<A");
	mock_expect_pasid(test, md, PASID, b);
	expect_handle(test, md, &h2);
	KUNIT_EXPECT_PTR_EQ(test, h2.domain, b);
	end(test, md, b, a);
}

/* T5: the old handle is found until the last member has moved. */
static void look_at_handle(struct mock_iommu *m, enum mock_op op,
			   struct mock_dev *md, ioasid_t pasid)
{
	if (op == MOCK_SET_PASID)
		expect_handle(m->test, md, m->on_call_data);
}

static void old_handle_is_found_until_the_end(struct kunit *test)
{
	struct iommu_attach_handle h1 = {}, h2 = {};
	struct mock_iommu *m = test->priv;
	struct iommu_domain *a, *b;
	struct mock_dev *md = attached(test, 2, &h1, &a, &b);

	m->on_call = look_at_handle;
	m->on_call_data = &h1;
	KUNIT_EXPECT_EQ(test, 0,
			iommu_replace_device_pasid(b, &md->dev, PASID, &h2));
	m->on_call = NULL;
	expect_handle(test, md, &h2);
	end(test, md, b, a);
}

/* T4: those that moved go back, last first; the failed one is not touched. */
static void replace_fails_on_third_device_keeps_old(struct kunit *test)
{
	struct iommu_attach_handle h1 = {}, h2 = {};
	struct mock_iommu *m = test->priv;
	struct iommu_domain *a, *b;
	struct mock_dev *md = attached(test, 3, &h1, &a, &b);

	mock_fail(m, MOCK_SET_PASID, m->devs[2], -EIO);
	KUNIT_EXPECT_EQ(test, -EIO,
			iommu_replace_device_pasid(b, &md->dev, PASID, &h2));
	MOCK_EXPECT_JOURNAL(test, m,
			    " d0.5:B<A d1.5:B<A d2.5:B<A!-5 d1.5:A<B d0.5:A<B");
	mock_expect_pasid(test, md, PASID, a);
	expect_handle(test, md, &h1);
	KUNIT_EXPECT_PTR_EQ(test, h1.domain, a);
	end(test, md, a, b);
}

/* T7: who cannot go back takes the PASID from the whole group. */
static void failed_undo_blocks_the_pasid_everywhere(struct kunit *test)
{
	struct iommu_attach_handle h1 = {}, h2 = {};
	struct mock_iommu *m = test->priv;
	struct iommu_domain *a, *b;
	struct mock_dev *md = attached(test, 4, &h1, &a, &b);

	mock_fail(m, MOCK_SET_PASID, m->devs[3], -EIO);
	mock_fail(m, MOCK_SET_PASID, m->devs[1], -ENOMEM)->domain = a;
	KUNIT_EXPECT_EQ(test, -EIO,
			iommu_replace_device_pasid(b, &md->dev, PASID, &h2));
	mock_expect_pasid(test, md, PASID, NULL);
	mock_expect_users(test, m);
	expect_handle(test, md, &h1);

	/* It is in use still, in name; a newcomer does not get it. */
	KUNIT_EXPECT_EQ(test, -EBUSY,
			iommu_attach_device_pasid(b, &md->dev, PASID, NULL));
	mock_journal_clear(m);
	mock_add_pasid(m, 0);
	KUNIT_EXPECT_NULL(test, strstr(m->journal, ".5"));

	/* The detach has nothing to do with the driver any more. */
	mock_journal_clear(m);
	end(test, md, a, b);
	MOCK_EXPECT_JOURNAL(test, m, "");
}

/* T7: a PASID that was parked comes back with the next replace. */
static void replace_brings_a_parked_pasid_back(struct kunit *test)
{
	struct iommu_attach_handle h1 = {}, h2 = {};
	struct mock_iommu *m = test->priv;
	struct iommu_domain *a, *b;
	struct mock_dev *md = attached(test, 2, &h1, &a, &b);

	mock_fail(m, MOCK_SET_PASID, m->devs[1], -EIO);
	mock_fail(m, MOCK_SET_PASID, m->devs[0], -EIO)->domain = a;
	KUNIT_EXPECT_EQ(test, -EIO,
			iommu_replace_device_pasid(b, &md->dev, PASID, &h2));
	mock_journal_clear(m);
	KUNIT_EXPECT_EQ(test, 0,
			iommu_replace_device_pasid(b, &md->dev, PASID, &h2));
	MOCK_EXPECT_JOURNAL(test, m, " d0.5:B d1.5:B");
	mock_expect_pasid(test, md, PASID, b);
	expect_handle(test, md, &h2);
	end(test, md, b, a);
}

/* A new handle for the same domain is no matter of the driver's. */
static void same_domain_changes_only_the_handle(struct kunit *test)
{
	struct iommu_attach_handle h1 = {}, h2 = {};
	struct mock_iommu *m = test->priv;
	struct iommu_domain *a, *b;
	struct mock_dev *md = attached(test, 2, &h1, &a, &b);

	KUNIT_EXPECT_EQ(test, 0,
			iommu_replace_device_pasid(a, &md->dev, PASID, &h2));
	MOCK_EXPECT_JOURNAL(test, m, "");
	expect_handle(test, md, &h2);
	end(test, md, a, b);
}

/* A driver that says nothing keeps its PASID where it is. */
static void driver_that_cannot_replace_keeps_the_domain(struct kunit *test)
{
	struct iommu_attach_handle h1 = {}, h2 = {};
	struct mock_iommu *m = test->priv;
	struct iommu_domain *a, *b;
	struct mock_dev *md;

	m->ops.pasid_replace = 0;
	md = attached(test, 2, &h1, &a, &b);
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP,
			iommu_replace_device_pasid(b, &md->dev, PASID, &h2));
	MOCK_EXPECT_JOURNAL(test, m, "");
	mock_expect_pasid(test, md, PASID, a);
	expect_handle(test, md, &h1);
	end(test, md, a, b);
}

/* Each precondition has its code, and nothing is changed. */
static void replace_of_what_is_not_there_is_refused(struct kunit *test)
{
	struct iommu_attach_handle h1 = {}, h2 = {};
	struct mock_iommu *m = test->priv;
	struct mock_dev *md, *bare = mock_add_bare(m), *plain;
	const struct iommu_ops *owner;
	struct iommu_domain *a, *b;

	md = attached(test, 2, &h1, &a, &b);
	plain = mock_add(m, 1);
	mock_journal_clear(m);

	KUNIT_EXPECT_EQ(test, -ENODEV,
			iommu_replace_device_pasid(b, &bare->dev, PASID, &h2));
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP,
			iommu_replace_device_pasid(b, &plain->dev, PASID, &h2));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			iommu_replace_device_pasid(b, &md->dev, IOMMU_NO_PASID,
						   &h2));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			iommu_replace_device_pasid(b, &md->dev, PASID, NULL));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			iommu_replace_device_pasid(b, &md->dev, PASID, &h1));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			iommu_replace_device_pasid(b, &md->dev, PASID + 1, &h2));
	owner = b->owner;
	b->owner = (const struct iommu_ops *)&h1;
	KUNIT_EXPECT_EQ(test, -EINVAL,
			iommu_replace_device_pasid(b, &md->dev, PASID, &h2));
	b->owner = owner;
	MOCK_EXPECT_JOURNAL(test, m, "");
	mock_expect_pasid(test, md, PASID, a);
	expect_handle(test, md, &h1);
	end(test, md, a, b);
}

/* T8: members without PASIDs are passed over. */
static void replace_passes_over_devices_without_pasids(struct kunit *test)
{
	struct iommu_attach_handle h1 = {}, h2 = {};
	struct mock_iommu *m = test->priv;
	struct iommu_domain *a, *b;
	struct mock_dev *md;

	md = mock_add_pasid(m, 0);
	mock_add(m, 0);
	mock_add_pasid(m, 0);
	a = mock_paging(md);
	b = mock_paging(md);
	KUNIT_ASSERT_EQ(test, 0, iommu_attach_device_pasid(a, &md->dev, PASID,
							   &h1));
	mock_journal_clear(m);
	mock_fail(m, MOCK_SET_PASID, m->devs[2], -EIO);
	KUNIT_EXPECT_EQ(test, -EIO,
			iommu_replace_device_pasid(b, &md->dev, PASID, &h2));
	KUNIT_EXPECT_EQ(test, 0,
			iommu_replace_device_pasid(b, &md->dev, PASID, &h2));
	MOCK_EXPECT_JOURNAL(test, m,
			    " d0.5:B<A d2.5:B<A!-5 d0.5:A<B d0.5:B<A d2.5:B<A");
	end(test, md, b, a);
}

static struct kunit_case replace_cases[] = {
	KUNIT_CASE(replace_tells_every_driver_the_old_domain),
	KUNIT_CASE(old_handle_is_found_until_the_end),
	KUNIT_CASE(replace_fails_on_third_device_keeps_old),
	KUNIT_CASE(failed_undo_blocks_the_pasid_everywhere),
	KUNIT_CASE(replace_brings_a_parked_pasid_back),
	KUNIT_CASE(same_domain_changes_only_the_handle),
	KUNIT_CASE(driver_that_cannot_replace_keeps_the_domain),
	KUNIT_CASE(replace_of_what_is_not_there_is_refused),
	KUNIT_CASE(replace_passes_over_devices_without_pasids),
	{}
};

static struct kunit_suite replace_suite = {
	.name = "iommu_replace",
	.init = replace_init,
	.test_cases = replace_cases,
};

kunit_test_suite(replace_suite);
