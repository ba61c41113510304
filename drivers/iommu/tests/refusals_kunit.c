// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the core refuses with a warning: mistakes of callers and drivers. KUnit
 * cannot expect a warning, so each case announces its own in the log with the
 * words "lab-expect:", by which this project's runs tell a provoked report from
 * trouble. Elsewhere these suites leave warnings in the log, and nothing else.
 *
 * Not here: iommu_device_register() by a module that does not own its
 * operations; the tests are no module.
 */
#include "mock-iommu.h"

static int user_a, user_b;

/* @where is part of the report's first lines, for instance a file's name. */
static void announce(const char *where)
{
	pr_info("lab-expect: %s\n", where);
}

/* 1.3: nobody is no owner, and neither is the kernel's tag. */
static void claim_for_nobody_is_invalid(struct kunit *test)
{
	struct mock_dev *md = mock_add(test->priv, 0);

	announce("iommu-owner.c");
	KUNIT_EXPECT_EQ(test, -EINVAL,
			iommu_group_claim_dma_owner(mock_group(md), NULL));
	announce("iommu-owner.c");
	KUNIT_EXPECT_EQ(test, -EINVAL,
			iommu_device_claim_dma_owner(&md->dev, NULL));
	announce("iommu-owner.c");
	KUNIT_EXPECT_EQ(test, -EINVAL,
			iommu_group_claim_dma_owner(mock_group(md),
						    IOMMU_OWNER_KERNEL));
	mock_expect_owner(test, md, NULL, 0);
}

/* O6: nothing is claimed, nothing is released. */
static void release_of_an_unclaimed_group_changes_nothing(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_add(m, 0);
	struct iommu_domain *a = mock_paging(md);

	KUNIT_ASSERT_EQ(test, 0, iommu_attach_group(a, mock_group(md)));
	announce("iommu-owner.c");
	iommu_group_release_dma_owner(mock_group(md));
	announce("iommu-owner.c");
	iommu_device_release_dma_owner(&md->dev);
	mock_expect_owner(test, md, NULL, 0);
	mock_expect_domain(test, md, a);
	iommu_detach_group(a, mock_group(md));
	iommu_domain_free(a);
}

/* O6, W25: a user's release does not eat the hold of a driver. */
static void release_does_not_drop_the_kernels_hold(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_add(m, 0), *other = mock_add(m, 0);

	KUNIT_ASSERT_EQ(test, 0, iommu_device_use_default_domain(&md->dev));
	KUNIT_ASSERT_EQ(test, 0, iommu_device_use_default_domain(&other->dev));
	announce("iommu-owner.c");
	iommu_device_release_dma_owner(&md->dev);
	announce("iommu-owner.c");
	iommu_group_release_dma_owner(mock_group(md));
	mock_expect_owner(test, md, IOMMU_OWNER_KERNEL, 2);
	KUNIT_EXPECT_EQ(test, -EPERM,
			iommu_group_claim_dma_owner(mock_group(md), &user_a));
	iommu_device_unuse_default_domain(&other->dev);
	iommu_device_unuse_default_domain(&md->dev);
	mock_expect_owner(test, md, NULL, 0);
}

/* O6: the user's PASIDs have to go first. */
static void release_beside_a_pasid_changes_nothing(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_add_pasid(m, 0);
	struct iommu_domain *a = mock_paging(md);

	KUNIT_ASSERT_EQ(test, 0,
			iommu_group_claim_dma_owner(mock_group(md), &user_a));
	KUNIT_ASSERT_EQ(test, 0,
			iommu_attach_device_pasid(a, &md->dev, 1, NULL));
	announce("iommu-owner.c");
	iommu_group_release_dma_owner(mock_group(md));
	mock_expect_owner(test, md, &user_a, 1);
	mock_expect_domain(test, md, &m->blocked);
	KUNIT_EXPECT_EQ(test, -EPERM,
			iommu_group_claim_dma_owner(mock_group(md), &user_b));
	iommu_detach_device_pasid(a, &md->dev, 1);
	iommu_group_release_dma_owner(mock_group(md));
	mock_expect_domain(test, md, &m->identity);
	iommu_domain_free(a);
}

/* O6: a device without group was never claimed. */
static void release_without_group_is_survived(struct kunit *test)
{
	struct mock_dev *md = mock_add_bare(test->priv);

	announce("iommu-owner.c");
	iommu_device_release_dma_owner(&md->dev);
	KUNIT_EXPECT_NULL(test, mock_group(md));
}

/* 1.3: an unuse too many drops nobody's hold. */
static void unuse_without_use_changes_nothing(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_add(m, 0);

	announce("iommu-owner.c");
	iommu_device_unuse_default_domain(&md->dev);
	mock_expect_owner(test, md, NULL, 0);
	KUNIT_ASSERT_EQ(test, 0,
			iommu_group_claim_dma_owner(mock_group(md), &user_a));
	announce("iommu-owner.c");
	iommu_device_unuse_default_domain(&md->dev);
	mock_expect_owner(test, md, &user_a, 1);
	iommu_group_release_dma_owner(mock_group(md));
}

/* 1.2: no PASID is not a PASID. */
static void free_of_the_invalid_pasid_is_survived(struct kunit *test)
{
	struct mock_dev *md = mock_add_pasid(test->priv, 0);
	ioasid_t pasid = iommu_alloc_global_pasid(&md->dev);

	announce("iommu-pasid.c");
	iommu_free_global_pasid(IOMMU_PASID_INVALID);
	KUNIT_EXPECT_NE(test, pasid, IOMMU_PASID_INVALID);
	iommu_free_global_pasid(pasid);
}

/* 1.6: memory flags that cannot be meant. */
static void map_with_senseless_flags_is_invalid(struct kunit *test)
{
	struct iommu_domain *a = mock_paging(mock_add(test->priv, 0));

	/* The warning comes once, the refusal each time. */
	announce("iommu-map.c");
	KUNIT_EXPECT_EQ(test, -EINVAL,
			iommu_map(a, SZ_4K, SZ_1M, SZ_4K, IOMMU_READ,
				  GFP_KERNEL | __GFP_COMP));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			iommu_map(a, SZ_4K, SZ_1M, SZ_4K, IOMMU_READ,
				  GFP_KERNEL | __GFP_DMA));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			iommu_map(a, SZ_4K, SZ_1M, SZ_4K, IOMMU_READ,
				  GFP_KERNEL | __GFP_DMA32));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			iommu_map(a, SZ_4K, SZ_1M, SZ_4K, IOMMU_READ,
				  GFP_KERNEL | __GFP_HIGHMEM));
	KUNIT_EXPECT_EQ(test, 0ULL, iommu_iova_to_phys(a, SZ_4K));
	iommu_domain_free(a);
}

/* 1.6: a driver that promised page tables and has none. */
static void map_without_driver_support_is_refused(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct iommu_domain *a = mock_paging(mock_add(m, 0));

	m->paging_ops.map_pages = NULL;
	announce("iommu-map.c");
	KUNIT_EXPECT_EQ(test, -ENODEV, iommu_map(a, SZ_4K, SZ_1M, SZ_4K,
						 IOMMU_READ, GFP_KERNEL));
	m->paging_ops.unmap_pages = NULL;
	announce("iommu-map.c");
	KUNIT_EXPECT_EQ(test, (size_t)0, iommu_unmap(a, SZ_4K, SZ_4K));
	iommu_domain_free(a);
}

/* 1.6: nor without any page size. */
static void map_without_page_sizes_is_refused(struct kunit *test)
{
	struct iommu_domain *a = mock_paging(mock_add(test->priv, 0));

	a->pgsize_bitmap = 0;
	announce("iommu-map.c");
	KUNIT_EXPECT_EQ(test, -ENODEV, iommu_map(a, SZ_4K, SZ_1M, SZ_4K,
						 IOMMU_READ, GFP_KERNEL));
	announce("iommu-map.c");
	KUNIT_EXPECT_EQ(test, (size_t)0, iommu_unmap(a, SZ_4K, SZ_4K));
	iommu_domain_free(a);
}

static struct iommu_group *no_group(struct device *dev)
{
	return NULL;
}

/* 1.4: a driver that finds no group says so with an error. */
static void driver_without_an_answer_is_invalid(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_new_dev(m, 0);

	m->ops.device_group = no_group;
	announce("iommu-device.c");
	mock_plug(md);
	KUNIT_EXPECT_EQ(test, -EINVAL, iommu_probe_device(&md->dev));
	KUNIT_EXPECT_NULL(test, mock_group(md));
	KUNIT_EXPECT_EQ(test, m->calls[MOCK_RELEASE], 2);
}

/* 1.4: a device is in one group; sysfs shows where it was tried. */
static void second_group_of_a_device_is_refused(struct kunit *test)
{
	struct mock_dev *md = mock_add_bare(test->priv);
	struct iommu_group *one = iommu_group_alloc();
	struct iommu_group *two = iommu_group_alloc();

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, one);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, two);
	KUNIT_ASSERT_EQ(test, 0, iommu_group_add_device(one, &md->dev));
	KUNIT_EXPECT_EQ(test, -EEXIST, iommu_group_add_device(two, &md->dev));
	KUNIT_EXPECT_PTR_EQ(test, mock_group(md), one);
	KUNIT_EXPECT_TRUE(test, list_empty(&two->devices));
	iommu_group_remove_device(&md->dev);
	iommu_group_put(one);
	iommu_group_put(two);
}

/* W50: hardware never walks a domain that its owner freed too early. */
static void free_of_an_attached_domain_waits_for_the_detach(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_add(m, 0);
	struct iommu_domain *a;

	mock_add(m, 0);
	a = mock_paging(md);
	KUNIT_ASSERT_EQ(test, 0, iommu_attach_group(a, mock_group(md)));
	announce("iommu-domain.c");
	iommu_domain_free(a);
	KUNIT_EXPECT_FALSE(test, mock_freed(a));
	iommu_detach_group(a, mock_group(md));
	KUNIT_EXPECT_TRUE(test, mock_freed(a));
	mock_expect_domain(test, md, &m->identity);
}

/* W50: on a PASID as well. */
static void free_of_a_pasids_domain_waits_for_the_detach(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_add_pasid(m, 0);
	struct iommu_domain *a = mock_paging(md);

	KUNIT_ASSERT_EQ(test, 0,
			iommu_attach_device_pasid(a, &md->dev, 1, NULL));
	announce("iommu-domain.c");
	iommu_domain_free(a);
	KUNIT_EXPECT_FALSE(test, mock_freed(a));
	iommu_detach_device_pasid(a, &md->dev, 1);
	KUNIT_EXPECT_TRUE(test, mock_freed(a));
}

static struct iommu_device *other_iommu;

static struct iommu_device *probe_by_other(struct device *dev)
{
	return other_iommu;
}

/* 1.7: two drivers on one bus, and the caller names only the bus. */
static void bus_wide_alloc_with_two_drivers_is_refused(struct kunit *test)
{
	struct mock_iommu *m = test->priv, *other = mock_iommu_new(test);
	struct mock_dev *odd;

	m->ops.domain_alloc_paging = NULL;
	m->ops.domain_alloc = mock_legacy_alloc;
	mock_add(m, 0);
	/* From here on the other driver's hardware takes the devices. */
	other_iommu = &other->iommu;
	m->ops.probe_device = probe_by_other;
	odd = mock_add(m, 1);
	announce("iommu-domain.c");
	KUNIT_EXPECT_NULL(test, iommu_domain_alloc(m->bus));
	/* The other mock is gone before this one. */
	mock_unplug(odd);
}

static struct kunit_case refusals_cases[] = {
	KUNIT_CASE(claim_for_nobody_is_invalid),
	KUNIT_CASE(release_of_an_unclaimed_group_changes_nothing),
	KUNIT_CASE(release_does_not_drop_the_kernels_hold),
	KUNIT_CASE(release_beside_a_pasid_changes_nothing),
	KUNIT_CASE(release_without_group_is_survived),
	KUNIT_CASE(unuse_without_use_changes_nothing),
	KUNIT_CASE(free_of_the_invalid_pasid_is_survived),
	KUNIT_CASE(map_with_senseless_flags_is_invalid),
	KUNIT_CASE(map_without_driver_support_is_refused),
	KUNIT_CASE(map_without_page_sizes_is_refused),
	KUNIT_CASE(driver_without_an_answer_is_invalid),
	KUNIT_CASE(second_group_of_a_device_is_refused),
	KUNIT_CASE(free_of_an_attached_domain_waits_for_the_detach),
	KUNIT_CASE(free_of_a_pasids_domain_waits_for_the_detach),
	KUNIT_CASE(bus_wide_alloc_with_two_drivers_is_refused),
	{}
};

static struct kunit_suite refusals_suite = {
	.name = "iommu_refusals",
	.init = mock_test_init,
	.test_cases = refusals_cases,
};

kunit_test_suite(refusals_suite);
