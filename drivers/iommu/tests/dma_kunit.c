// SPDX-License-Identifier: GPL-2.0-only
/*
 * The DMA API above the core: addresses that no device of a domain may be given,
 * and doorbells of MSIs. Both live in dma-iommu.c, which the base keeps.
 */
#include <linux/dma-mapping.h>
#include <linux/msi.h>
#include "mock-iommu.h"

static struct mock_dev *new_dma_dev(struct mock_iommu *m)
{
	struct mock_dev *md = mock_new_dev(m, 0);

	md->def_type = IOMMU_DOMAIN_DMA;
	md->dev.coherent_dma_mask = DMA_BIT_MASK(32);
	md->dev.dma_mask = &md->dev.coherent_dma_mask;
	return md;
}

/* W43: an address reserved for one device of a domain is given to none. */
static void regions_of_every_device_are_reserved(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md, *late;
	struct page *page;
	dma_addr_t iova;

	md = new_dma_dev(m);
	mock_plug(md);
	KUNIT_ASSERT_NOT_NULL(test, mock_group(md));
	/* Addresses are given from the top: it would be the first. */
	late = new_dma_dev(m);
	mock_add_resv(late, SZ_4G - SZ_1M, SZ_1M, IOMMU_RESV_RESERVED);
	mock_plug(late);
	KUNIT_ASSERT_PTR_EQ(test, mock_group(late), mock_group(md));

	page = alloc_page(GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, page);
	iova = dma_map_page(&md->dev, page, 0, SZ_4K, DMA_TO_DEVICE);
	KUNIT_EXPECT_FALSE(test, dma_mapping_error(&md->dev, iova));
	KUNIT_EXPECT_LT(test, (u64)iova, (u64)SZ_4G - SZ_1M);
	dma_unmap_page(&md->dev, iova, SZ_4K, DMA_TO_DEVICE);
	__free_page(page);
}

/* What map_pages() saw of the group's mutex. */
static struct {
	int (*map_pages)(struct iommu_domain *domain, unsigned long iova,
			 phys_addr_t paddr, size_t pgsize, size_t pgcount,
			 int prot, gfp_t gfp, size_t *mapped);
	struct iommu_group *group;
	int calls, locked;
} doorbell;

static int map_doorbell(struct iommu_domain *domain, unsigned long iova,
			phys_addr_t paddr, size_t pgsize, size_t pgcount,
			int prot, gfp_t gfp, size_t *mapped)
{
	doorbell.calls++;
	doorbell.locked += mutex_is_locked(&doorbell.group->mutex);
	return doorbell.map_pages(domain, iova, paddr, pgsize, pgcount, prot,
				  gfp, mapped);
}

/* W44: no domain is replaced while the doorbell of an MSI is entered into it. */
static void doorbell_is_mapped_under_the_groups_mutex(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_add(m, 0);
	struct iommu_domain *a = mock_paging(md);
	struct msi_desc desc = { .dev = &md->dev };

	KUNIT_ASSERT_EQ(test, 0, iommu_get_msi_cookie(a, SZ_1M));
	KUNIT_ASSERT_EQ(test, 0, iommu_attach_group(a, mock_group(md)));
	memset(&doorbell, 0, sizeof(doorbell));
	doorbell.group = mock_group(md);
	doorbell.map_pages = m->paging_ops.map_pages;
	m->paging_ops.map_pages = map_doorbell;
	KUNIT_EXPECT_EQ(test, 0, iommu_dma_prepare_msi(&desc, SZ_4G));
	KUNIT_EXPECT_EQ(test, doorbell.calls, 1);
	KUNIT_EXPECT_EQ(test, doorbell.locked, 1);
	KUNIT_EXPECT_EQ(test, (u64)SZ_4G, (u64)iommu_iova_to_phys(a, SZ_1M));
	iommu_detach_group(a, mock_group(md));
	iommu_domain_free(a);
}

static struct kunit_case dma_cases[] = {
	KUNIT_CASE(regions_of_every_device_are_reserved),
	KUNIT_CASE(doorbell_is_mapped_under_the_groups_mutex),
	{}
};

static struct kunit_suite dma_suite = {
	.name = "iommu_dma",
	.init = mock_test_init,
	.test_cases = dma_cases,
};

kunit_test_suite(dma_suite);
