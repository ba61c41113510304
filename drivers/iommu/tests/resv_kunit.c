// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reserved regions and direct mappings: section 1.8 of the contract.
 */
#include <linux/sysfs.h>
#include "mock-iommu.h"

static void free_regions(struct list_head *head)
{
	struct iommu_resv_region *region, *next;

	list_for_each_entry_safe(region, next, head, list)
		kfree(region);
	INIT_LIST_HEAD(head);
}

/* The group's regions as text: "TYPE:FIRST-LAST ...", types by number. */
static const char *regions_of(struct kunit *test, struct mock_dev *md)
{
	struct iommu_resv_region *region;
	LIST_HEAD(head);
	size_t len = 0;
	char *text;

	text = kunit_kzalloc(test, SZ_512, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, text);
	KUNIT_EXPECT_EQ(test, 0,
			iommu_get_group_resv_regions(mock_group(md), &head));
	list_for_each_entry(region, &head, list)
		len += scnprintf(text + len, SZ_512 - len, " %d:%llx-%llx",
				 region->type, (u64)region->start,
				 (u64)(region->start + region->length - 1));
	free_regions(&head);
	return text;
}

static struct mock_dev *dev_with(struct mock_iommu *m, phys_addr_t start,
				 size_t length, enum iommu_resv_type type)
{
	struct mock_dev *md = mock_new_dev(m, 0);

	mock_add_resv(md, start, length, type);
	return md;
}

/* 1.8: a device's own regions come as its driver tells them. */
static void device_regions_are_appended(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = dev_with(m, SZ_2M, SZ_4K, IOMMU_RESV_RESERVED);
	struct iommu_resv_region *region;
	LIST_HEAD(head);

	mock_add_resv(md, SZ_1M, SZ_4K, IOMMU_RESV_MSI);
	mock_plug(md);
	iommu_get_resv_regions(&md->dev, &head);
	KUNIT_EXPECT_EQ(test, list_count_nodes(&head), 2);
	iommu_get_resv_regions(&md->dev, &head);
	KUNIT_EXPECT_EQ(test, list_count_nodes(&head), 4);
	region = list_first_entry(&head, struct iommu_resv_region, list);
	KUNIT_EXPECT_EQ(test, region->start, (phys_addr_t)SZ_2M);
	KUNIT_EXPECT_EQ(test, region->length, (size_t)SZ_4K);
	KUNIT_EXPECT_EQ(test, region->type, IOMMU_RESV_RESERVED);
	iommu_put_resv_regions(&md->dev, &head);
}

static void free_by_driver(struct device *dev, struct iommu_resv_region *region)
{
	to_mock_dev(dev)->nr_resv++;
	kfree(region);
}

/* 1.8: a region with an end of its own is freed its own way. */
static void regions_are_freed_by_their_own_operation(struct kunit *test)
{
	struct mock_dev *md = mock_add(test->priv, 0);
	struct iommu_resv_region *region;
	LIST_HEAD(head);

	region = iommu_alloc_resv_region(SZ_1M, SZ_4K, IOMMU_READ,
					 IOMMU_RESV_RESERVED, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, region);
	KUNIT_EXPECT_EQ(test, region->prot, IOMMU_READ);
	region->free = free_by_driver;
	list_add(&region->list, &head);
	iommu_put_resv_regions(&md->dev, &head);
	KUNIT_EXPECT_EQ(test, md->nr_resv, 1);
}

/* 1.8: the group's list is sorted, whoever brought which region. */
static void group_regions_are_sorted(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *one, *two;

	one = dev_with(m, SZ_16M, SZ_4K, IOMMU_RESV_RESERVED);
	mock_add_resv(one, SZ_2M, SZ_4K, IOMMU_RESV_MSI);
	two = dev_with(m, SZ_4M, SZ_4K, IOMMU_RESV_RESERVED);
	mock_plug(one);
	mock_plug(two);
	KUNIT_EXPECT_STREQ(test, regions_of(test, one),
			   " 3:200000-200fff 2:400000-400fff 2:1000000-1000fff");
}

/* 1.8: what two devices share is one region, also where it only touches. */
static void regions_that_overlap_or_touch_are_merged(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *one, *two;

	one = dev_with(m, SZ_1M, SZ_8K, IOMMU_RESV_RESERVED);
	mock_add_resv(one, SZ_4M, SZ_4K, IOMMU_RESV_RESERVED);
	two = dev_with(m, SZ_1M + SZ_4K, SZ_16K, IOMMU_RESV_RESERVED);
	mock_add_resv(two, SZ_4M + SZ_4K, SZ_4K, IOMMU_RESV_RESERVED);
	mock_add_resv(two, SZ_1M, SZ_8K, IOMMU_RESV_RESERVED);
	mock_plug(one);
	mock_plug(two);
	KUNIT_EXPECT_STREQ(test, regions_of(test, one),
			   " 2:100000-104fff 2:400000-401fff");
}

/* A region inside another one does not shorten it. */
static void contained_region_disappears(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md;

	md = dev_with(m, SZ_1M, SZ_64K, IOMMU_RESV_RESERVED);
	mock_add_resv(md, SZ_1M + SZ_4K, SZ_4K, IOMMU_RESV_RESERVED);
	mock_add_resv(md, SZ_1M + SZ_32K, SZ_64K, IOMMU_RESV_RESERVED);
	mock_plug(md);
	KUNIT_EXPECT_STREQ(test, regions_of(test, md), " 2:100000-117fff");
}

/* 1.8: what is reserved for different reasons stays apart. */
static void regions_of_different_types_are_not_merged(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md;

	md = dev_with(m, SZ_1M, SZ_8K, IOMMU_RESV_RESERVED);
	mock_add_resv(md, SZ_1M, SZ_8K, IOMMU_RESV_MSI);
	mock_add_resv(md, SZ_1M + SZ_8K, SZ_4K, IOMMU_RESV_RESERVED);
	mock_plug(md);
	KUNIT_EXPECT_STREQ(test, regions_of(test, md),
			   " 2:100000-102fff 3:100000-101fff");
}

/* W42: regions that end where the address space ends are merged as well. */
static void regions_at_the_top_are_merged(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	phys_addr_t top = PHYS_ADDR_MAX - SZ_1M + 1;
	struct mock_dev *one, *two;
	char expected[64];

	one = dev_with(m, top, SZ_1M, IOMMU_RESV_RESERVED);
	two = dev_with(m, top + SZ_4K, SZ_1M - SZ_4K, IOMMU_RESV_RESERVED);
	mock_add_resv(two, SZ_1M, SZ_4K, IOMMU_RESV_RESERVED);
	mock_plug(one);
	mock_plug(two);
	snprintf(expected, sizeof(expected), " 2:100000-100fff 2:%llx-%llx",
		 (u64)top, (u64)PHYS_ADDR_MAX);
	KUNIT_EXPECT_STREQ(test, regions_of(test, one), expected);
}

/* 1.8: members without an IOMMU have no regions. */
static void group_without_iommu_has_no_regions(struct kunit *test)
{
	struct mock_dev *md = mock_add_bare(test->priv);
	struct iommu_group *group = iommu_group_alloc();

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, group);
	KUNIT_ASSERT_EQ(test, 0, iommu_group_add_device(group, &md->dev));
	KUNIT_EXPECT_STREQ(test, regions_of(test, md), "");
	iommu_group_remove_device(&md->dev);
	iommu_group_put(group);
}

/* 1.8: the list is also there for more than one group. */
static void regions_are_added_to_what_is_there(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *one, *two;
	LIST_HEAD(head);

	one = dev_with(m, SZ_1M, SZ_4K, IOMMU_RESV_RESERVED);
	two = dev_with(m, SZ_2M, SZ_4K, IOMMU_RESV_RESERVED);
	two->group = 1;
	mock_plug(one);
	mock_plug(two);
	KUNIT_EXPECT_EQ(test, 0,
			iommu_get_group_resv_regions(mock_group(two), &head));
	KUNIT_EXPECT_EQ(test, 0,
			iommu_get_group_resv_regions(mock_group(one), &head));
	KUNIT_EXPECT_EQ(test, list_count_nodes(&head), 2);
	free_regions(&head);
}

/* The same list for people; both kinds of MSI windows have one name. */
static void group_regions_are_shown_in_sysfs(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = dev_with(m, SZ_1M, SZ_4K, IOMMU_RESV_RESERVED);
	char *buf = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);

	mock_add_resv(md, SZ_2M, SZ_4K, IOMMU_RESV_SW_MSI);
	mock_add_resv(md, SZ_4M, SZ_4K, IOMMU_RESV_DIRECT_RELAXABLE);
	mock_plug(md);
	KUNIT_ASSERT_NOT_NULL(test, mock_group(md));
	KUNIT_ASSERT_NOT_NULL(test, buf);
	KUNIT_EXPECT_GT(test, mock_show(mock_group(md), "reserved_regions", buf),
			0);
	KUNIT_EXPECT_STREQ(test, buf,
			   "0x0000000000100000 0x0000000000100fff reserved\n"
			   "0x0000000000200000 0x0000000000200fff msi\n"
			   "0x0000000000400000 0x0000000000400fff direct-relaxable\n");
}

/* A region only direct for convenience does not bind the device. */
static void relaxable_region_does_not_require_direct(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *hard, *soft;

	hard = dev_with(m, SZ_1M, SZ_4K, IOMMU_RESV_DIRECT);
	soft = dev_with(m, SZ_1M, SZ_4K, IOMMU_RESV_DIRECT_RELAXABLE);
	soft->group = 1;
	mock_plug(hard);
	mock_plug(soft);
	KUNIT_EXPECT_TRUE(test, hard->dev.iommu->require_direct);
	KUNIT_EXPECT_FALSE(test, soft->dev.iommu->require_direct);
}

/* Firmware's regions are mapped before the device translates with them. */
static void direct_regions_are_mapped_in_the_default_domain(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct iommu_domain *domain;
	struct mock_dev *md;

	if (!IS_ENABLED(CONFIG_IOMMU_DMA))
		kunit_skip(test, "no DMA domains without CONFIG_IOMMU_DMA");
	md = dev_with(m, SZ_1M, SZ_8K, IOMMU_RESV_DIRECT);
	mock_add_resv(md, SZ_1M + SZ_4K, SZ_8K, IOMMU_RESV_DIRECT_RELAXABLE);
	mock_add_resv(md, SZ_4M, SZ_4K, IOMMU_RESV_RESERVED);
	md->def_type = IOMMU_DOMAIN_DMA;
	mock_plug(md);
	KUNIT_ASSERT_NOT_NULL(test, mock_group(md));
	domain = mock_group(md)->default_domain;
	for (unsigned long iova = SZ_1M; iova < SZ_1M + SZ_4K * 3;
	     iova += SZ_4K)
		KUNIT_EXPECT_EQ(test, (phys_addr_t)iova,
				iommu_iova_to_phys(domain, iova));
	KUNIT_EXPECT_EQ(test, 0ULL,
			iommu_iova_to_phys(domain, SZ_1M + SZ_4K * 3));
	KUNIT_EXPECT_EQ(test, 0ULL, iommu_iova_to_phys(domain, SZ_4M));
	/* The journal names the attach behind the last map. */
	KUNIT_EXPECT_PTR_EQ(test, strstr(strstr(m->journal, " d0:A"), "map"),
			    (char *)NULL);
}

/* W16: a newcomer whose regions cannot be mapped does not join. */
static void newcomer_without_its_direct_map_does_not_join(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md, *late;

	if (!IS_ENABLED(CONFIG_IOMMU_DMA))
		kunit_skip(test, "no DMA domains without CONFIG_IOMMU_DMA");
	md = mock_new_dev(m, 0);
	md->def_type = IOMMU_DOMAIN_DMA;
	mock_plug(md);
	KUNIT_ASSERT_NOT_NULL(test, mock_group(md));
	late = dev_with(m, SZ_1M, SZ_4K, IOMMU_RESV_DIRECT);
	late->def_type = IOMMU_DOMAIN_DMA;
	mock_fail(m, MOCK_MAP, NULL, -ENOMEM);
	mock_plug(late);
	KUNIT_EXPECT_NULL(test, mock_group(late));
	KUNIT_EXPECT_EQ(test, 0, mock_faults_left(m));
	mock_expect_domain(test, md, mock_group(md)->default_domain);
}

/* W34: page 0 and a first page used in part are mapped, and not twice. */
static void pages_at_zero_and_in_part_are_mapped(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct iommu_domain *domain;
	struct mock_dev *md, *late;
	unsigned int maps;

	if (!IS_ENABLED(CONFIG_IOMMU_DMA))
		kunit_skip(test, "no DMA domains without CONFIG_IOMMU_DMA");
	md = dev_with(m, 0, SZ_4K, IOMMU_RESV_DIRECT);
	mock_add_resv(md, SZ_1M + SZ_2K, SZ_4K, IOMMU_RESV_DIRECT);
	md->def_type = IOMMU_DOMAIN_DMA;
	mock_plug(md);
	KUNIT_ASSERT_NOT_NULL(test, mock_group(md));
	domain = mock_group(md)->default_domain;
	KUNIT_EXPECT_EQ(test, 1ULL, iommu_iova_to_phys(domain, 1));
	KUNIT_EXPECT_EQ(test, SZ_1M + 1ULL,
			iommu_iova_to_phys(domain, SZ_1M + 1));
	KUNIT_EXPECT_EQ(test, SZ_1M + SZ_4K + 1ULL,
			iommu_iova_to_phys(domain, SZ_1M + SZ_4K + 1));

	maps = m->calls[MOCK_MAP];
	late = dev_with(m, 0, SZ_4K, IOMMU_RESV_DIRECT);
	late->def_type = IOMMU_DOMAIN_DMA;
	mock_plug(late);
	KUNIT_EXPECT_PTR_EQ(test, mock_group(late), mock_group(md));
	KUNIT_EXPECT_EQ(test, m->calls[MOCK_MAP], maps);
}

#define MANY_REGIONS	100	/* more than a page of text has room for */

static void get_many_regions(struct device *dev, struct list_head *head)
{
	for (int i = 0; i < MANY_REGIONS; i++) {
		struct iommu_resv_region *region;

		region = iommu_alloc_resv_region(i * SZ_1M, SZ_4K, 0,
						 IOMMU_RESV_RESERVED,
						 GFP_KERNEL);
		if (region)
			list_add_tail(&region->list, head);
	}
}

/* W46: a file of one page ends with a whole line. */
static void list_in_sysfs_ends_with_a_whole_line(struct kunit *test)
{
	static const char line[] =
		"0x0000000000000000 0x0000000000000fff reserved\n";
	struct mock_iommu *m = test->priv;
	char *buf = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);
	ssize_t len;

	KUNIT_ASSERT_NOT_NULL(test, buf);
	m->ops.get_resv_regions = get_many_regions;
	len = mock_show(mock_group(mock_add(m, 0)), "reserved_regions", buf);
	KUNIT_ASSERT_GT(test, len, 0);
	KUNIT_EXPECT_LT(test, len, (ssize_t)PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, len % (sizeof(line) - 1), 0);
	KUNIT_EXPECT_EQ(test, buf[len - 1], '\n');
	KUNIT_EXPECT_EQ(test, memcmp(buf, line, sizeof(line) - 1), 0);
}

/* A group of one, with @start reserved for MSIs, on a domain of its user. */
static struct iommu_domain *owned_group(struct kunit *test, phys_addr_t start)
{
	struct mock_dev *md = dev_with(test->priv, start, SZ_1M,
				       IOMMU_RESV_MSI);
	struct iommu_domain *a;

	mock_plug(md);
	KUNIT_ASSERT_NOT_NULL(test, mock_group(md));
	a = mock_paging(md);
	KUNIT_ASSERT_EQ(test, 0, iommu_group_claim_dma_owner(mock_group(md),
							     test));
	KUNIT_ASSERT_EQ(test, 0, iommu_attach_group(a, mock_group(md)));
	return a;
}

static void disown_group(struct kunit *test, struct iommu_domain *a)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = m->devs[0];

	iommu_detach_group(a, mock_group(md));
	iommu_group_release_dma_owner(mock_group(md));
	mock_expect_domain(test, md, &m->identity);
	iommu_domain_free(a);
}

static void plug_newcomer(struct mock_iommu *m, phys_addr_t start,
			  size_t length, enum iommu_resv_type type)
{
	mock_plug(dev_with(m, start, length, type));
}

/* T8, W17: the user was told where not to map; a newcomer cannot add to it. */
static void newcomer_with_unknown_regions_does_not_join(struct kunit *test)
{
	struct iommu_domain *a = owned_group(test, SZ_16M);
	struct mock_iommu *m = test->priv;

	mock_journal_clear(m);
	plug_newcomer(m, SZ_32M, SZ_4K, IOMMU_RESV_RESERVED);
	plug_newcomer(m, SZ_16M, SZ_2M, IOMMU_RESV_MSI);
	plug_newcomer(m, SZ_16M - SZ_4K, SZ_8K, IOMMU_RESV_MSI);
	for (int i = 1; i < m->nr_devs; i++) {
		KUNIT_EXPECT_NULL(test, mock_group(m->devs[i]));
		KUNIT_EXPECT_NULL(test, m->devs[i]->hw[0]);
	}
	MOCK_EXPECT_JOURNAL(test, m, "");
	mock_expect_domain(test, m->devs[0], a);
	disown_group(test, a);
	for (int i = 1; i < m->nr_devs; i++)
		KUNIT_EXPECT_EQ(test, 0, iommu_probe_device(&m->devs[i]->dev));
	mock_expect_domain(test, m->devs[0], &m->identity);
}

/* T8: what members had before, or what nobody has to leave free, is no bar. */
static void newcomer_with_known_regions_joins(struct kunit *test)
{
	struct iommu_domain *a = owned_group(test, SZ_16M);
	struct mock_iommu *m = test->priv;

	plug_newcomer(m, SZ_16M, SZ_1M, IOMMU_RESV_MSI);
	plug_newcomer(m, SZ_16M + SZ_4K, SZ_4K, IOMMU_RESV_RESERVED);
	plug_newcomer(m, SZ_32M, SZ_4K, IOMMU_RESV_DIRECT_RELAXABLE);
	plug_newcomer(m, SZ_32M, SZ_4K, IOMMU_RESV_SW_MSI);
	for (int i = 1; i < m->nr_devs; i++)
		KUNIT_EXPECT_PTR_EQ(test, mock_group(m->devs[i]),
				    mock_group(m->devs[0]));
	mock_expect_domain(test, m->devs[0], a);
	disown_group(test, a);
}

/* Before the user attaches anything, any region is in time. */
static void newcomer_of_a_blocked_group_may_have_regions(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_add(m, 0);

	KUNIT_ASSERT_EQ(test, 0, iommu_group_claim_dma_owner(mock_group(md),
							     test));
	plug_newcomer(m, SZ_32M, SZ_4K, IOMMU_RESV_RESERVED);
	KUNIT_EXPECT_PTR_EQ(test, mock_group(m->devs[1]), mock_group(md));
	mock_expect_domain(test, md, &m->blocked);
	iommu_group_release_dma_owner(mock_group(md));
}

static struct kunit_case resv_cases[] = {
	KUNIT_CASE(device_regions_are_appended),
	KUNIT_CASE(regions_are_freed_by_their_own_operation),
	KUNIT_CASE(group_regions_are_sorted),
	KUNIT_CASE(regions_that_overlap_or_touch_are_merged),
	KUNIT_CASE(contained_region_disappears),
	KUNIT_CASE(regions_of_different_types_are_not_merged),
	KUNIT_CASE(regions_at_the_top_are_merged),
	KUNIT_CASE(group_without_iommu_has_no_regions),
	KUNIT_CASE(regions_are_added_to_what_is_there),
	KUNIT_CASE(group_regions_are_shown_in_sysfs),
	KUNIT_CASE(relaxable_region_does_not_require_direct),
	KUNIT_CASE(direct_regions_are_mapped_in_the_default_domain),
	KUNIT_CASE(newcomer_without_its_direct_map_does_not_join),
	KUNIT_CASE(pages_at_zero_and_in_part_are_mapped),
	KUNIT_CASE(list_in_sysfs_ends_with_a_whole_line),
	KUNIT_CASE(newcomer_with_unknown_regions_does_not_join),
	KUNIT_CASE(newcomer_with_known_regions_joins),
	KUNIT_CASE(newcomer_of_a_blocked_group_may_have_regions),
	{}
};

static struct kunit_suite resv_suite = {
	.name = "iommu_resv",
	.init = mock_test_init,
	.test_cases = resv_cases,
};

kunit_test_suite(resv_suite);
