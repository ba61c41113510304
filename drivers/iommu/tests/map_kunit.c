// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mapping and unmapping: section 1.6 of the contract. The journal has one
 * "map IOVA+PAGE*COUNT" for each driver call, numbers in hex but the count.
 *
 * No case here: memory flags that make no sense, and a domain without
 * map_pages; both are reported with a WARN.
 */
#include <linux/scatterlist.h>
#include "mock-iommu.h"

#define RW	(IOMMU_READ | IOMMU_WRITE)
#define PA	((phys_addr_t)SZ_1G)

static struct iommu_domain *new_domain(struct kunit *test)
{
	return mock_paging(mock_add(test->priv, 0));
}

static void clear(struct kunit *test)
{
	mock_journal_clear(test->priv);
	mock_count_clear(test->priv);
}

static int map(struct iommu_domain *domain, unsigned long iova,
	       phys_addr_t paddr, size_t size)
{
	return iommu_map(domain, iova, paddr, size, RW, GFP_KERNEL);
}

static void expect_empty(struct kunit *test, struct iommu_domain *domain)
{
	KUNIT_EXPECT_TRUE(test, xa_empty(&to_mock_domain(domain)->pages));
}

/* 1.6: what is mapped is found, byte by byte. */
static void mapped_range_translates(struct kunit *test)
{
	struct iommu_domain *domain = new_domain(test);
	struct mock_iommu *m = test->priv;

	clear(test);
	KUNIT_EXPECT_EQ(test, 0, map(domain, SZ_64K, PA, SZ_8K));
	KUNIT_EXPECT_EQ(test, PA, iommu_iova_to_phys(domain, SZ_64K));
	KUNIT_EXPECT_EQ(test, PA + SZ_8K - 1,
			iommu_iova_to_phys(domain, SZ_64K + SZ_8K - 1));
	KUNIT_EXPECT_EQ(test, 0ULL, iommu_iova_to_phys(domain, SZ_64K + SZ_8K));
	KUNIT_EXPECT_EQ(test, m->calls[MOCK_SYNC_MAP], 1);

	KUNIT_EXPECT_EQ(test, (size_t)SZ_8K,
			iommu_unmap(domain, SZ_64K, SZ_8K));
	KUNIT_EXPECT_EQ(test, m->calls[MOCK_SYNC], 1);
	MOCK_EXPECT_JOURNAL(test, m, " map 10000+1000*2 unmap 10000+1000*2");
	expect_empty(test, domain);
	iommu_domain_free(domain);
}

/* The biggest page that fits both addresses and the rest of the size. */
static void biggest_fitting_page_is_used(struct kunit *test)
{
	struct iommu_domain *domain = new_domain(test);
	struct mock_iommu *m = test->priv;

	clear(test);
	KUNIT_EXPECT_EQ(test, 0, map(domain, SZ_2M, PA, SZ_2M));
	KUNIT_EXPECT_EQ(test, 0, map(domain, SZ_4M, PA + SZ_4K, SZ_8K));
	MOCK_EXPECT_JOURNAL(test, m, " map 200000+200000*1 map 400000+1000*2");
	iommu_unmap(domain, SZ_2M, SZ_2M);
	iommu_unmap(domain, SZ_4M, SZ_8K);
	iommu_domain_free(domain);
}

/* Small pages up to the next big one, then big ones, then the rest. */
static void unaligned_range_changes_page_size_twice(struct kunit *test)
{
	struct iommu_domain *domain = new_domain(test);
	struct mock_iommu *m = test->priv;

	clear(test);
	KUNIT_EXPECT_EQ(test, 0, map(domain, SZ_2M - SZ_4K,
				     PA + SZ_2M - SZ_4K, SZ_4M + SZ_8K));
	MOCK_EXPECT_JOURNAL(test, m,
			    " map 1ff000+1000*1 map 200000+200000*2 map 600000+1000*1");
	KUNIT_EXPECT_EQ(test, PA + SZ_4M + SZ_2M,
			iommu_iova_to_phys(domain, SZ_4M + SZ_2M));
	KUNIT_EXPECT_EQ(test, (size_t)SZ_4M + SZ_8K,
			iommu_unmap(domain, SZ_2M - SZ_4K, SZ_4M + SZ_8K));
	expect_empty(test, domain);
	iommu_domain_free(domain);
}

/* Addresses that differ within a big page never share one. */
static void differently_offset_addresses_use_small_pages(struct kunit *test)
{
	struct iommu_domain *domain = new_domain(test);
	struct mock_iommu *m = test->priv;

	clear(test);
	KUNIT_EXPECT_EQ(test, 0, map(domain, SZ_2M, PA + SZ_4K, SZ_4M));
	MOCK_EXPECT_JOURNAL(test, m, " map 200000+1000*1024");
	KUNIT_EXPECT_EQ(test, (size_t)SZ_4M, iommu_unmap(domain, SZ_2M, SZ_4M));
	iommu_domain_free(domain);
}

/* 1.6: each of the three numbers has to fit the smallest page. */
static void unaligned_map_is_refused(struct kunit *test)
{
	struct iommu_domain *domain = new_domain(test);
	struct mock_iommu *m = test->priv;

	clear(test);
	KUNIT_EXPECT_EQ(test, -EINVAL, map(domain, SZ_4K + 1, PA, SZ_4K));
	KUNIT_EXPECT_EQ(test, -EINVAL, map(domain, SZ_4K, PA + 8, SZ_4K));
	KUNIT_EXPECT_EQ(test, -EINVAL, map(domain, SZ_4K, PA, SZ_4K - 1));
	MOCK_EXPECT_JOURNAL(test, m, "");
	expect_empty(test, domain);
	iommu_domain_free(domain);
}

/* 1.6: there is nothing to map in a domain without page tables. */
static void map_into_a_static_domain_is_refused(struct kunit *test)
{
	struct mock_iommu *m = test->priv;

	mock_add(m, 0);
	KUNIT_EXPECT_EQ(test, -EINVAL, map(&m->identity, SZ_4K, PA, SZ_4K));
	KUNIT_EXPECT_EQ(test, (size_t)0,
			iommu_unmap(&m->identity, SZ_4K, SZ_4K));
}

/* 1.6: nothing is mapped, successfully. */
static void map_of_nothing_succeeds(struct kunit *test)
{
	struct iommu_domain *domain = new_domain(test);
	struct mock_iommu *m = test->priv;

	clear(test);
	KUNIT_EXPECT_EQ(test, 0, map(domain, SZ_4K, PA, 0));
	MOCK_EXPECT_JOURNAL(test, m, "");
	KUNIT_EXPECT_EQ(test, m->calls[MOCK_SYNC_MAP], 1);
	expect_empty(test, domain);
	iommu_domain_free(domain);
}

/* 1.6: an error in the middle leaves nothing mapped. */
static void failing_map_undoes_the_mapped_part(struct kunit *test)
{
	struct iommu_domain *domain = new_domain(test);
	struct mock_iommu *m = test->priv;
	struct mock_fault *fault;

	clear(test);
	fault = mock_fail(m, MOCK_MAP, NULL, -ENOMEM);
	fault->skip = 1;
	fault->partial = 3;
	KUNIT_EXPECT_EQ(test, -ENOMEM,
			map(domain, SZ_2M - SZ_4K, PA - SZ_4K, SZ_4M));
	KUNIT_EXPECT_EQ(test, 0, mock_faults_left(m));
	expect_empty(test, domain);
	KUNIT_EXPECT_EQ(test, m->calls[MOCK_SYNC_MAP], 0);
	iommu_domain_free(domain);
}

/* 1.6: an error before the first page unmaps nobody else's pages. */
static void failing_map_leaves_neighbours_alone(struct kunit *test)
{
	struct iommu_domain *domain = new_domain(test);
	struct mock_iommu *m = test->priv;

	KUNIT_ASSERT_EQ(test, 0, map(domain, SZ_4K, PA, SZ_4K));
	KUNIT_ASSERT_EQ(test, 0, map(domain, SZ_16K, PA, SZ_4K));
	mock_fail(m, MOCK_MAP, NULL, -ENOMEM)->partial = 1;
	KUNIT_EXPECT_EQ(test, -ENOMEM, map(domain, SZ_8K, PA, SZ_8K));
	KUNIT_EXPECT_EQ(test, PA, iommu_iova_to_phys(domain, SZ_4K));
	KUNIT_EXPECT_EQ(test, PA, iommu_iova_to_phys(domain, SZ_16K));
	KUNIT_EXPECT_EQ(test, 0ULL, iommu_iova_to_phys(domain, SZ_8K));
	iommu_unmap(domain, SZ_4K, SZ_4K);
	iommu_unmap(domain, SZ_16K, SZ_4K);
	iommu_domain_free(domain);
}

/* 1.6: what the hardware was not told of is not mapped. */
static void failing_sync_unmaps_everything(struct kunit *test)
{
	struct iommu_domain *domain = new_domain(test);
	struct mock_iommu *m = test->priv;

	mock_fail(m, MOCK_SYNC_MAP, NULL, -EIO);
	KUNIT_EXPECT_EQ(test, -EIO, map(domain, SZ_2M - SZ_4K, PA - SZ_4K,
					SZ_2M + SZ_8K));
	expect_empty(test, domain);
	iommu_domain_free(domain);
}

/* W35: a driver that maps nothing and reports nothing is not asked forever. */
static void map_without_progress_fails(struct kunit *test)
{
	struct iommu_domain *domain = new_domain(test);
	struct mock_iommu *m = test->priv;

	mock_fail(m, MOCK_MAP, NULL, 0)->times = 1000;
	KUNIT_EXPECT_LT(test, map(domain, SZ_4K, PA, SZ_8K), 0);
	expect_empty(test, domain);
	iommu_domain_free(domain);
}

/* 1.6: unmapping ends at a hole and says how far it came. */
static void unmap_stops_at_a_hole(struct kunit *test)
{
	struct iommu_domain *domain = new_domain(test);

	KUNIT_ASSERT_EQ(test, 0, map(domain, SZ_4K, PA, SZ_8K));
	KUNIT_ASSERT_EQ(test, 0, map(domain, SZ_16K, PA, SZ_4K));
	KUNIT_EXPECT_EQ(test, (size_t)SZ_8K,
			iommu_unmap(domain, SZ_4K, SZ_16K));
	KUNIT_EXPECT_EQ(test, PA, iommu_iova_to_phys(domain, SZ_16K));
	KUNIT_EXPECT_EQ(test, (size_t)0, iommu_unmap(domain, SZ_8K, SZ_4K));
	iommu_unmap(domain, SZ_16K, SZ_4K);
	iommu_domain_free(domain);
}

/* 1.6: an unaligned range is not unmapped at all. */
static void unaligned_unmap_does_nothing(struct kunit *test)
{
	struct iommu_domain *domain = new_domain(test);

	KUNIT_ASSERT_EQ(test, 0, map(domain, SZ_4K, PA, SZ_4K));
	KUNIT_EXPECT_EQ(test, (size_t)0, iommu_unmap(domain, SZ_4K + 4, SZ_4K));
	KUNIT_EXPECT_EQ(test, (size_t)0, iommu_unmap(domain, SZ_4K, 16));
	KUNIT_EXPECT_EQ(test, PA, iommu_iova_to_phys(domain, SZ_4K));
	iommu_unmap(domain, SZ_4K, SZ_4K);
	iommu_domain_free(domain);
}

/* 1.6: the fast way leaves the flush to its caller. */
static void unmap_fast_does_not_sync(struct kunit *test)
{
	struct iommu_domain *domain = new_domain(test);
	struct iommu_iotlb_gather gather;
	struct mock_iommu *m = test->priv;

	KUNIT_ASSERT_EQ(test, 0, map(domain, SZ_4K, PA, SZ_4K));
	clear(test);
	iommu_iotlb_gather_init(&gather);
	KUNIT_EXPECT_EQ(test, (size_t)SZ_4K,
			iommu_unmap_fast(domain, SZ_4K, SZ_4K, &gather));
	KUNIT_EXPECT_EQ(test, m->calls[MOCK_SYNC], 0);
	iommu_iotlb_sync(domain, &gather);
	KUNIT_EXPECT_EQ(test, m->calls[MOCK_SYNC], 1);
	iommu_domain_free(domain);
}

/* The last page of the address space is a page like others. */
static void top_of_the_address_space_is_mapped(struct kunit *test)
{
	unsigned long top = ~(unsigned long)(SZ_4K - 1);
	struct iommu_domain *domain = new_domain(test);

	KUNIT_EXPECT_EQ(test, 0, map(domain, top, PA, SZ_4K));
	KUNIT_EXPECT_EQ(test, PA + 1, iommu_iova_to_phys(domain, top + 1));
	KUNIT_EXPECT_EQ(test, (size_t)SZ_4K, iommu_unmap(domain, top, SZ_4K));
	KUNIT_EXPECT_EQ(test, 0,
			map(domain, top - SZ_8K, PA - SZ_8K, SZ_4K * 3));
	KUNIT_EXPECT_EQ(test, (size_t)SZ_4K * 3,
			iommu_unmap(domain, top - SZ_8K, SZ_4K * 3));
	expect_empty(test, domain);
	iommu_domain_free(domain);
}

/* 1.6: identity is the address itself, blocked is nowhere. */
static void static_domains_translate_by_nature(struct kunit *test)
{
	struct mock_iommu *m = test->priv;

	mock_add(m, 0);
	KUNIT_EXPECT_EQ(test, 0x1234567ULL,
			iommu_iova_to_phys(&m->identity, 0x1234567));
	KUNIT_EXPECT_EQ(test, 0ULL, iommu_iova_to_phys(&m->blocked, 0x1234567));
}

/* W36: a domain that cannot be asked translates to nowhere. */
static void missing_iova_to_phys_means_nowhere(struct kunit *test)
{
	struct iommu_domain *domain = new_domain(test);
	struct mock_iommu *m = test->priv;

	m->paging_ops.iova_to_phys = NULL;
	KUNIT_EXPECT_EQ(test, 0ULL, iommu_iova_to_phys(domain, SZ_4K));
	iommu_domain_free(domain);
}

static void free_block(void *page)
{
	__free_pages(page, 4);
}

/* @nents entries of 4K, every @stride-th page of one block of memory. */
static struct scatterlist *new_table(struct kunit *test, int nents, int stride)
{
	struct scatterlist *table, *sg;
	struct page *page;
	int i;

	KUNIT_ASSERT_LE(test, (nents - 1) * stride, 15);
	page = alloc_pages(GFP_KERNEL, 4);
	KUNIT_ASSERT_NOT_NULL(test, page);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, free_block, page));
	table = kunit_kcalloc(test, nents, sizeof(*table), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, table);
	sg_init_table(table, nents);
	for_each_sg(table, sg, nents, i)
		sg_set_page(sg, page + i * stride, SZ_4K, 0);
	return table;
}

/* 1.6: entries that touch are one range. */
static void contiguous_entries_are_merged(struct kunit *test)
{
	struct scatterlist *table = new_table(test, 4, 1);
	struct iommu_domain *domain = new_domain(test);
	struct mock_iommu *m = test->priv;

	clear(test);
	KUNIT_EXPECT_EQ(test, (ssize_t)SZ_16K,
			iommu_map_sg(domain, SZ_64K, table, 4, RW, GFP_KERNEL));
	MOCK_EXPECT_JOURNAL(test, m, " map 10000+1000*4");
	KUNIT_EXPECT_EQ(test, m->calls[MOCK_SYNC_MAP], 1);
	iommu_unmap(domain, SZ_64K, SZ_16K);
	iommu_domain_free(domain);
}

/* 1.6: scattered ones follow each other in the IOVA space. */
static void scattered_entries_are_mapped_in_a_row(struct kunit *test)
{
	struct scatterlist *table = new_table(test, 3, 2);
	struct iommu_domain *domain = new_domain(test);
	struct mock_iommu *m = test->priv;

	clear(test);
	KUNIT_EXPECT_EQ(test, (ssize_t)SZ_4K * 3,
			iommu_map_sg(domain, SZ_64K, table, 3, RW, GFP_KERNEL));
	MOCK_EXPECT_JOURNAL(test, m,
			    " map 10000+1000*1 map 11000+1000*1 map 12000+1000*1");
	KUNIT_EXPECT_EQ(test, sg_phys(table + 2),
			iommu_iova_to_phys(domain, SZ_64K + SZ_8K));
	iommu_unmap(domain, SZ_64K, SZ_4K * 3);
	expect_empty(test, domain);
	iommu_domain_free(domain);
}

/* 1.6: an error at any entry leaves nothing mapped. */
static void failing_entry_unmaps_the_others(struct kunit *test)
{
	struct scatterlist *table = new_table(test, 4, 2);
	struct iommu_domain *domain = new_domain(test);
	struct mock_iommu *m = test->priv;

	for (int skip = 0; skip < 4; skip++) {
		mock_fail(m, MOCK_MAP, NULL, -ENOMEM)->skip = skip;
		KUNIT_EXPECT_EQ(test, (ssize_t)-ENOMEM,
				iommu_map_sg(domain, SZ_64K, table, 4, RW,
					     GFP_KERNEL));
		KUNIT_EXPECT_EQ(test, 0, mock_faults_left(m));
		expect_empty(test, domain);
	}
	mock_fail(m, MOCK_SYNC_MAP, NULL, -EIO);
	KUNIT_EXPECT_EQ(test, (ssize_t)-EIO,
			iommu_map_sg(domain, SZ_64K, table, 4, RW, GFP_KERNEL));
	expect_empty(test, domain);
	iommu_domain_free(domain);
}

static struct kunit_case map_cases[] = {
	KUNIT_CASE(mapped_range_translates),
	KUNIT_CASE(biggest_fitting_page_is_used),
	KUNIT_CASE(unaligned_range_changes_page_size_twice),
	KUNIT_CASE(differently_offset_addresses_use_small_pages),
	KUNIT_CASE(unaligned_map_is_refused),
	KUNIT_CASE(map_into_a_static_domain_is_refused),
	KUNIT_CASE(map_of_nothing_succeeds),
	KUNIT_CASE(failing_map_undoes_the_mapped_part),
	KUNIT_CASE(failing_map_leaves_neighbours_alone),
	KUNIT_CASE(failing_sync_unmaps_everything),
	KUNIT_CASE(map_without_progress_fails),
	KUNIT_CASE(unmap_stops_at_a_hole),
	KUNIT_CASE(unaligned_unmap_does_nothing),
	KUNIT_CASE(unmap_fast_does_not_sync),
	KUNIT_CASE(top_of_the_address_space_is_mapped),
	KUNIT_CASE(static_domains_translate_by_nature),
	KUNIT_CASE(missing_iova_to_phys_means_nowhere),
	KUNIT_CASE(contiguous_entries_are_merged),
	KUNIT_CASE(scattered_entries_are_mapped_in_a_row),
	KUNIT_CASE(failing_entry_unmaps_the_others),
	{}
};

static struct kunit_suite map_suite = {
	.name = "iommu_map",
	.init = mock_test_init,
	.test_cases = map_cases,
};

kunit_test_suite(map_suite);
