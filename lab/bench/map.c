// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mapping: by the IOMMU API and by the DMA API.
 */
#include <linux/dma-mapping.h>
#include <linux/gfp.h>
#include <linux/scatterlist.h>
#include <linux/sizes.h>

#include "bench.h"

/* A gap between any two of the pages that scattered entries need. */
#define BENCH_ENTRIES	256
#define BENCH_ORDER	9

static struct bench_series first, second;
static struct scatterlist bench_sgl[BENCH_ENTRIES];

static const struct {
	const char *name;
	unsigned long iova;
	size_t size;
} bench_sizes[] = {
	{ "4K", SZ_1G, SZ_4K },
	{ "64K", SZ_1G, SZ_64K },
	{ "2M", SZ_1G, SZ_2M },
	{ "1G", SZ_1G, SZ_1G },
	{ "1G-unaligned", SZ_1G + SZ_4K, SZ_1G },
	{ "4G+2M+4K", SZ_4G, SZ_4G + SZ_2M + SZ_4K },
};

static void bench_map_size(struct iommu_domain *domain, int n)
{
	unsigned long iova = bench_sizes[n].iova;
	size_t size = bench_sizes[n].size, unmapped = 0;
	int ret = 0;

	for (int i = 0; i < BENCH_CALLS; i++) {
		BENCH(&first, ret |= iommu_map(domain, iova, iova, size,
					       IOMMU_READ, GFP_KERNEL));
		BENCH(&second, unmapped += iommu_unmap(domain, iova, size));
	}
	bench_must(!ret && unmapped == size * BENCH_CALLS);
	bench_row(&first, "map", bench_sizes[n].name);
	bench_row(&second, "unmap", bench_sizes[n].name);
}

/* Entries of one page each: next to each other, or not. */
static void bench_fill(struct page *pages, unsigned int entries, int stride)
{
	sg_init_table(bench_sgl, entries);
	for (unsigned int i = 0; i < entries; i++)
		sg_set_page(&bench_sgl[i], nth_page(pages, i * stride),
			    PAGE_SIZE, 0);
}

static void bench_map_entries(struct iommu_domain *domain, struct page *pages,
			      unsigned int entries, int stride)
{
	ssize_t mapped = 0;

	bench_fill(pages, entries, stride);
	for (int i = 0; i < BENCH_CALLS; i++) {
		BENCH(&first, mapped += iommu_map_sg(domain, SZ_1G, bench_sgl,
						     entries, IOMMU_READ,
						     GFP_KERNEL));
		iommu_unmap(domain, SZ_1G, entries * PAGE_SIZE);
	}
	bench_must(mapped == BENCH_CALLS * entries * PAGE_SIZE);
	bench_row_n(&first, stride == 1 ? "map_sg contiguous" :
					  "map_sg scattered", entries);
}

void bench_map(void)
{
	struct bench_devs bd = { .type = IOMMU_DOMAIN_IDENTITY };
	struct iommu_domain *domain;
	struct page *pages;

	bench_make(&bd, 1);
	domain = iommu_paging_domain_alloc(bd.devs[0]);
	bench_must(!IS_ERR(domain));
	pages = alloc_pages(GFP_KERNEL, BENCH_ORDER);
	bench_must(pages);

	for (int n = 0; n < ARRAY_SIZE(bench_sizes); n++)
		bench_map_size(domain, n);
	for (int stride = 2; stride; stride--)
		for (unsigned int n = 1; n <= BENCH_ENTRIES; n *= 4)
			bench_map_entries(domain, pages, n, stride);

	__free_pages(pages, BENCH_ORDER);
	iommu_domain_free(domain);
	bench_unmake(&bd);
}

void bench_dma_single(struct device *dev, void *page, const char *map,
		      const char *unmap)
{
	dma_addr_t dma;
	int ret = 0;

	for (int i = 0; i < BENCH_CALLS; i++) {
		BENCH(&first, dma = dma_map_single(dev, page, PAGE_SIZE,
						   DMA_TO_DEVICE));
		ret |= dma_mapping_error(dev, dma);
		BENCH(&second, dma_unmap_single(dev, dma, PAGE_SIZE,
						DMA_TO_DEVICE));
	}
	bench_must(!ret);
	bench_row(&first, map, "4K");
	bench_row(&second, unmap, "4K");
}

static void bench_dma_sg(struct device *dev, struct page *pages,
			 unsigned int entries, bool lazy)
{
	int mapped = 0;

	bench_fill(pages, entries, 2);
	for (int i = 0; i < BENCH_CALLS; i++) {
		BENCH(&first, mapped += !!dma_map_sg(dev, bench_sgl, entries,
						     DMA_TO_DEVICE));
		BENCH(&second, dma_unmap_sg(dev, bench_sgl, entries,
					    DMA_TO_DEVICE));
	}
	bench_must(mapped == BENCH_CALLS);
	bench_row_n(&first, lazy ? "dma_map_sg lazy" : "dma_map_sg strict",
		    entries);
	bench_row_n(&second, lazy ? "dma_unmap_sg lazy" :
				    "dma_unmap_sg strict", entries);
}

void bench_dma(void)
{
	struct bench_devs bd = { .type = IOMMU_DOMAIN_DMA };
	struct iommu_domain *domain;
	struct page *pages;
	bool lazy;

	bench_make(&bd, 1);
	pages = alloc_pages(GFP_KERNEL, BENCH_ORDER);
	bench_must(pages);
	/* Rows of a strict and of a lazy domain differ in name. */
	domain = iommu_get_domain_for_dev(bd.devs[0]);
	lazy = domain->type == IOMMU_DOMAIN_DMA_FQ;
	if (lazy)
		bench_dma_single(bd.devs[0], page_address(pages),
				 "dma_map_single lazy", "dma_unmap_single lazy");
	else
		bench_dma_single(bd.devs[0], page_address(pages),
				 "dma_map_single strict",
				 "dma_unmap_single strict");
	for (unsigned int n = 1; n <= BENCH_ENTRIES; n *= 4)
		bench_dma_sg(bd.devs[0], pages, n, lazy);
	__free_pages(pages, BENCH_ORDER);
	bench_unmake(&bd);
}
