// SPDX-License-Identifier: GPL-2.0-only
/*
 * The domain as an object: section 1.7 of the contract, and fault handlers.
 */
#include "mock-iommu.h"

/* 1.7: the core completes what the driver allocated. */
static void paging_domain_is_filled_in(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_add(m, 0);
	struct iommu_domain *a = mock_paging(md);

	KUNIT_EXPECT_EQ(test, a->type, IOMMU_DOMAIN_UNMANAGED);
	KUNIT_EXPECT_PTR_EQ(test, a->owner, (const struct iommu_ops *)&m->ops);
	KUNIT_EXPECT_PTR_EQ(test, a->ops,
			    (const struct iommu_domain_ops *)&m->paging_ops);
	KUNIT_EXPECT_EQ(test, a->pgsize_bitmap, (unsigned long)MOCK_PGSIZES);
	iommu_domain_free(a);
	KUNIT_EXPECT_TRUE(test, mock_freed(a));
}

static struct iommu_domain *alloc_with_own_choice(struct device *dev)
{
	struct mock_iommu *m = to_mock_dev(dev)->m;
	struct iommu_domain *domain = mock_legacy_alloc(IOMMU_DOMAIN_UNMANAGED);

	if (IS_ERR_OR_NULL(domain))
		return domain;
	domain->ops = m->on_call_data;
	domain->pgsize_bitmap = SZ_64K;
	return domain;
}

/* 1.7: and leaves what the driver has chosen itself. */
static void drivers_own_choice_is_kept(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_add(m, 0);
	struct iommu_domain_ops special = m->paging_ops;
	struct iommu_domain *a;

	m->on_call_data = &special;
	m->ops.domain_alloc_paging = alloc_with_own_choice;
	a = mock_paging(md);
	KUNIT_EXPECT_PTR_EQ(test, a->ops,
			    (const struct iommu_domain_ops *)&special);
	KUNIT_EXPECT_EQ(test, a->pgsize_bitmap, (unsigned long)SZ_64K);
	iommu_domain_free(a);
}

/* 1.7: no IOMMU, no domain. */
static void alloc_without_iommu_is_refused(struct kunit *test)
{
	struct mock_dev *md = mock_add_bare(test->priv);

	KUNIT_EXPECT_PTR_EQ(test, (struct iommu_domain *)ERR_PTR(-ENODEV),
			    iommu_paging_domain_alloc(&md->dev));
}

/* 1.7: a driver that cannot allocate this kind. */
static void alloc_without_driver_support_is_refused(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_add(m, 0);

	m->ops.domain_alloc_paging = NULL;
	KUNIT_EXPECT_PTR_EQ(test, (struct iommu_domain *)ERR_PTR(-EOPNOTSUPP),
			    iommu_paging_domain_alloc(&md->dev));
}

static struct iommu_domain *alloc_returns_null(unsigned int type)
{
	return NULL;
}

/* 1.7: old drivers answer NULL, callers get a reason. */
static void null_from_the_driver_means_no_memory(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_add(m, 0);

	m->ops.domain_alloc_paging = NULL;
	m->ops.domain_alloc = alloc_returns_null;
	KUNIT_EXPECT_PTR_EQ(test, (struct iommu_domain *)ERR_PTR(-ENOMEM),
			    iommu_paging_domain_alloc(&md->dev));
}

/* 1.7: the driver's error is the caller's. */
static void driver_error_is_passed_on(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_add(m, 0);

	mock_fail(m, MOCK_ALLOC, NULL, -ENOSPC);
	KUNIT_EXPECT_PTR_EQ(test, (struct iommu_domain *)ERR_PTR(-ENOSPC),
			    iommu_paging_domain_alloc(&md->dev));
}

/* 1.7: the older operation serves where the newer one is missing. */
static void legacy_alloc_serves_as_well(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_add(m, 0);
	struct iommu_domain *a;

	m->ops.domain_alloc_paging = NULL;
	m->ops.domain_alloc = mock_legacy_alloc;
	a = mock_paging(md);
	KUNIT_EXPECT_EQ(test, 0, iommu_attach_device(a, &md->dev));
	mock_expect_domain(test, md, a);
	iommu_detach_device(a, &md->dev);
	iommu_domain_free(a);
}

/* 1.7: the oldest interface knows a bus only, and one answer. */
static void bus_wide_alloc_answers_null_on_error(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct iommu_domain *a;

	m->ops.domain_alloc_paging = NULL;
	m->ops.domain_alloc = mock_legacy_alloc;
	KUNIT_EXPECT_NULL(test, iommu_domain_alloc(m->bus));
	mock_add(m, 0);
	KUNIT_EXPECT_NULL(test, iommu_domain_alloc(m->bare_bus));
	mock_fail(m, MOCK_ALLOC, NULL, -ENOMEM);
	KUNIT_EXPECT_NULL(test, iommu_domain_alloc(m->bus));
	a = iommu_domain_alloc(m->bus);
	KUNIT_ASSERT_NOT_NULL(test, a);
	KUNIT_EXPECT_EQ(test, a->type, IOMMU_DOMAIN_UNMANAGED);
	iommu_domain_free(a);
}

/* 1.7: static domains belong to the driver and survive being freed. */
static void free_of_a_static_domain_does_nothing(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_add(m, 0);

	iommu_domain_free(&m->blocked);
	KUNIT_EXPECT_EQ(test, 0,
			iommu_attach_group(&m->blocked, mock_group(md)));
	iommu_detach_group(&m->blocked, mock_group(md));
}

struct fault_seen {
	struct iommu_domain *domain;
	struct device *dev;
	unsigned long iova;
	int flags;
	int answer;
};

static int note_fault(struct iommu_domain *domain, struct device *dev,
		      unsigned long iova, int flags, void *token)
{
	struct fault_seen *seen = token;

	seen->domain = domain;
	seen->dev = dev;
	seen->iova = iova;
	seen->flags = flags;
	return seen->answer;
}

/* A fault reaches the handler, its answer the driver. */
static void fault_handler_is_called(struct kunit *test)
{
	struct mock_dev *md = mock_add(test->priv, 0);
	struct fault_seen seen = { .answer = -EFAULT };
	struct iommu_domain *a = mock_paging(md);

	iommu_set_fault_handler(a, note_fault, &seen);
	KUNIT_EXPECT_EQ(test, -EFAULT,
			report_iommu_fault(a, &md->dev, SZ_1M,
					   IOMMU_FAULT_WRITE));
	KUNIT_EXPECT_PTR_EQ(test, seen.domain, a);
	KUNIT_EXPECT_PTR_EQ(test, seen.dev, &md->dev);
	KUNIT_EXPECT_EQ(test, seen.iova, (unsigned long)SZ_1M);
	KUNIT_EXPECT_EQ(test, seen.flags, IOMMU_FAULT_WRITE);
	iommu_domain_free(a);
}

/* Nobody asked to be told. */
static void fault_without_handler_is_not_handled(struct kunit *test)
{
	struct mock_dev *md = mock_add(test->priv, 0);
	struct iommu_domain *a = mock_paging(md);

	KUNIT_EXPECT_EQ(test, -ENOSYS,
			report_iommu_fault(a, &md->dev, SZ_1M,
					   IOMMU_FAULT_READ));
	iommu_domain_free(a);
}

/* What the driver cannot do is an invalid request. */
static void nesting_and_quirks_need_the_driver(struct kunit *test)
{
	struct mock_dev *md = mock_add(test->priv, 0);
	struct iommu_domain *a = mock_paging(md);

	KUNIT_EXPECT_EQ(test, -EINVAL, iommu_enable_nesting(a));
	KUNIT_EXPECT_EQ(test, -EINVAL, iommu_set_pgtable_quirks(a, 1));
	iommu_domain_free(a);
}

/* Capabilities are the driver's to tell, per device. */
static void capabilities_are_the_drivers(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_add(m, 0), *bare = mock_add_bare(m);

	m->caps = BIT(IOMMU_CAP_NOEXEC);
	KUNIT_EXPECT_TRUE(test,
			  device_iommu_capable(&md->dev, IOMMU_CAP_NOEXEC));
	KUNIT_EXPECT_FALSE(test, device_iommu_capable(&md->dev,
						      IOMMU_CAP_DEFERRED_FLUSH));
	KUNIT_EXPECT_FALSE(test,
			   device_iommu_capable(&bare->dev, IOMMU_CAP_NOEXEC));
	m->ops.capable = NULL;
	KUNIT_EXPECT_FALSE(test,
			   device_iommu_capable(&md->dev, IOMMU_CAP_NOEXEC));
}

/* Features are the driver's, and no device without IOMMU has any. */
static void features_need_an_iommu(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_add(m, 0), *bare = mock_add_bare(m);

	KUNIT_EXPECT_EQ(test, 0, iommu_dev_enable_feature(&md->dev,
							  IOMMU_DEV_FEAT_SVA));
	KUNIT_EXPECT_EQ(test, 0, iommu_dev_disable_feature(&md->dev,
							   IOMMU_DEV_FEAT_SVA));
	KUNIT_EXPECT_EQ(test, -ENODEV,
			iommu_dev_enable_feature(&bare->dev,
						 IOMMU_DEV_FEAT_SVA));
	KUNIT_EXPECT_EQ(test, -EBUSY,
			iommu_dev_disable_feature(&bare->dev,
						  IOMMU_DEV_FEAT_SVA));
	m->ops.dev_enable_feat = NULL;
	m->ops.dev_disable_feat = NULL;
	KUNIT_EXPECT_EQ(test, -ENODEV,
			iommu_dev_enable_feature(&md->dev, IOMMU_DEV_FEAT_SVA));
	KUNIT_EXPECT_EQ(test, -EBUSY,
			iommu_dev_disable_feature(&md->dev,
						  IOMMU_DEV_FEAT_SVA));
}

static struct kunit_case domains_cases[] = {
	KUNIT_CASE(paging_domain_is_filled_in),
	KUNIT_CASE(drivers_own_choice_is_kept),
	KUNIT_CASE(alloc_without_iommu_is_refused),
	KUNIT_CASE(alloc_without_driver_support_is_refused),
	KUNIT_CASE(null_from_the_driver_means_no_memory),
	KUNIT_CASE(driver_error_is_passed_on),
	KUNIT_CASE(legacy_alloc_serves_as_well),
	KUNIT_CASE(bus_wide_alloc_answers_null_on_error),
	KUNIT_CASE(free_of_a_static_domain_does_nothing),
	KUNIT_CASE(fault_handler_is_called),
	KUNIT_CASE(fault_without_handler_is_not_handled),
	KUNIT_CASE(nesting_and_quirks_need_the_driver),
	KUNIT_CASE(capabilities_are_the_drivers),
	KUNIT_CASE(features_need_an_iommu),
	{}
};

static struct kunit_suite domains_suite = {
	.name = "iommu_domains",
	.init = mock_test_init,
	.test_cases = domains_cases,
};

kunit_test_suite(domains_suite);
