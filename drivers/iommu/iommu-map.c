// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mapping and unmapping.
 *
 * The driver maps runs of pages of one size; the core cuts what the caller
 * wants into such runs. This is the path of every DMA of every device, so it
 * is written for the usual case: all that is asked for is one run. A call then
 * costs a handful of tests and the driver's operation; whatever is unusual
 * (wrong arguments, drivers that stop half-way) sits in functions of its own,
 * out of line.
 *
 * Ranges may end at the very top of the address space, where the address after
 * the last one is 0. Nothing here computes it before it is known not to matter.
 *
 * None of it takes a lock: two callers that touch the same range at the same
 * time have to sort that out between themselves.
 */
#define pr_fmt(fmt)	"iommu: " fmt

#include <linux/bitops.h>
#include <linux/export.h>
#include <linux/gfp.h>
#include <linux/scatterlist.h>
#include <trace/events/iommu.h>

#include "iommu-priv.h"

/* Page tables are plain kernel memory, which no zone or compound page suits. */
#define IOMMU_MAP_BAD_GFP \
	(__GFP_COMP | __GFP_DMA | __GFP_DMA32 | __GFP_HIGHMEM)

/* The lowest bit set, 0 for 0. */
static __always_inline unsigned long iommu_lowest(unsigned long bits)
{
	return bits & -bits;
}

/* All bits up to and including the lowest one set; all bits for 0. */
static __always_inline unsigned long iommu_up_to_lowest(unsigned long bits)
{
	return bits ^ (bits - 1);
}

/**
 * struct iommu_run - Pages for one call of the driver
 * @pgsize: size of each
 * @count: how many
 */
struct iommu_run {
	size_t pgsize;
	size_t count;
};

/*
 * The page sizes that divide both addresses and the length. None does exactly
 * if the range is not aligned to the smallest page, or there is no page size.
 */
static __always_inline unsigned long
iommu_dividers(unsigned long sizes, unsigned long iova, phys_addr_t paddr,
	       size_t size)
{
	return sizes & iommu_up_to_lowest(iova | paddr | size);
}

/*
 * The first run of a range whose best page size does not divide its length, or
 * that reaches an address where larger pages fit.
 */
static noinline struct iommu_run
iommu_first_run(unsigned long sizes, unsigned long iova, phys_addr_t paddr,
		size_t size)
{
	unsigned long fit, larger;
	struct iommu_run run;
	unsigned int shift;
	size_t gap;

	/* The largest page that is aligned at both ends and not too long. */
	fit = sizes & iommu_up_to_lowest(iova | paddr);
	shift = __fls(fit & GENMASK(__fls(size), 0));
	run.pgsize = 1UL << shift;

	/* Stop where the next larger page begins, if one fits there at all. */
	larger = iommu_lowest(sizes & -(run.pgsize << 1));
	if (larger && larger <= size && !((iova ^ paddr) & (larger - 1))) {
		gap = -iova & (larger - 1);
		if (gap <= size - larger)
			size = gap;
	}
	run.count = size >> shift;
	return run;
}

/*
 * The first run of a range. @dividers must not be 0, nor @size.
 *
 * The usual case needs one scan for a bit: if no page size that does not
 * divide addresses and length alike is small enough to matter, the largest one
 * that does divide them is the best, and all of the range is one run.
 */
static __always_inline struct iommu_run
iommu_next_run(unsigned long sizes, unsigned long dividers, unsigned long iova,
	       phys_addr_t paddr, size_t size)
{
	unsigned int shift;

	/* Half of it: the bits below. Without any other size those are all. */
	if (unlikely(iommu_up_to_lowest(sizes ^ dividers) / 2 < size))
		return iommu_first_run(sizes, iova, paddr, size);

	shift = __fls(dividers);
	return (struct iommu_run) {
		.pgsize = 1UL << shift,
		.count = size >> shift,
	};
}

/* True if @size bytes at @iova wrap around, and if they are none. */
static __always_inline bool iommu_range_odd(unsigned long iova, size_t size)
{
	return !size || size - 1 > ~iova;
}

/* ---- Unmapping ---------------------------------------------------------- */

/* Unmap that cannot be as it should: tell why, nothing is unmapped. */
static noinline __cold size_t iommu_unmap_odd(struct iommu_domain *domain,
					      unsigned long iova, size_t size)
{
	if (!(domain->type & __IOMMU_DOMAIN_PAGING))
		return 0;
	if (WARN_ON(!domain->ops->unmap_pages || !domain->pgsize_bitmap))
		return 0;

	if ((iova | size) & (iommu_lowest(domain->pgsize_bitmap) - 1))
		pr_err("unmap of unaligned range: iova 0x%lx size 0x%zx, smallest page 0x%lx\n",
		       iova, size, iommu_lowest(domain->pgsize_bitmap));
	else if (size)
		pr_err("unmap beyond the address space: iova 0x%lx size 0x%zx\n",
		       iova, size);
	return 0;
}

/*
 * Unmap what the first run left: the range needs several, or has a hole.
 * @done are the bytes unmapped so far.
 */
static noinline size_t
iommu_unmap_rest(struct iommu_domain *domain, unsigned long iova, size_t size,
		 struct iommu_iotlb_gather *gather, size_t done)
{
	const struct iommu_domain_ops *ops = domain->ops;
	unsigned long sizes = domain->pgsize_bitmap;
	unsigned long next, dividers;
	struct iommu_run run;
	size_t step = done;

	/* It may end with a page larger than what was left. */
	while (step && done < size) {
		next = iova + done;
		dividers = iommu_dividers(sizes, next, next, size - done);
		/* No driver can unmap part of a page (W35). */
		if (unlikely(!dividers))
			break;
		run = iommu_next_run(sizes, dividers, next, next, size - done);
		step = ops->unmap_pages(domain, next, run.pgsize, run.count,
					gather);
		done += step;
	}
	return done;
}

static __always_inline size_t
iommu_unmap_range(struct iommu_domain *domain, unsigned long iova, size_t size,
		  struct iommu_iotlb_gather *gather)
{
	const struct iommu_domain_ops *ops = domain->ops;
	unsigned long sizes = domain->pgsize_bitmap;
	unsigned long dividers = iommu_dividers(sizes, iova, iova, size);
	struct iommu_run run;
	size_t done;

	if (unlikely(!dividers || !(domain->type & __IOMMU_DOMAIN_PAGING) ||
		     !ops->unmap_pages || iommu_range_odd(iova, size)))
		return iommu_unmap_odd(domain, iova, size);

	run = iommu_next_run(sizes, dividers, iova, iova, size);
	done = ops->unmap_pages(domain, iova, run.pgsize, run.count, gather);
	if (unlikely(done < size))
		done = iommu_unmap_rest(domain, iova, size, gather, done);

	trace_unmap(iova, size, done);
	return done;
}

/**
 * iommu_unmap() - Unmap a range, and wait until no device can access it
 * @domain: the domain
 * @iova: first address
 * @size: bytes; both multiples of the domain's smallest page
 *
 * Context: any. No lock is taken.
 * Return: the bytes unmapped, counted from @iova: less than @size when a hole
 * was met, more when the last page was larger; 0 if the domain has no page
 * table or the range is malformed.
 */
size_t iommu_unmap(struct iommu_domain *domain, unsigned long iova, size_t size)
{
	struct iommu_iotlb_gather gather = {
		.start = ULONG_MAX,
		.freelist = LIST_HEAD_INIT(gather.freelist),
	};
	size_t done;

	done = iommu_unmap_range(domain, iova, size, &gather);
	if (domain->ops->iotlb_sync)
		domain->ops->iotlb_sync(domain, &gather);
	return done;
}
EXPORT_SYMBOL_GPL(iommu_unmap);

/**
 * iommu_unmap_fast() - Unmap a range, flush later
 * @domain: the domain
 * @iova: first address
 * @size: bytes; both multiples of the domain's smallest page
 * @iotlb_gather: prepared by iommu_iotlb_gather_init(), to be given to
 *	iommu_iotlb_sync() after the last of a series of calls. Until then
 *	devices may still access the memory
 *
 * Context: any. No lock is taken.
 * Return: see iommu_unmap().
 */
size_t iommu_unmap_fast(struct iommu_domain *domain, unsigned long iova,
			size_t size, struct iommu_iotlb_gather *iotlb_gather)
{
	return iommu_unmap_range(domain, iova, size, iotlb_gather);
}
EXPORT_SYMBOL_GPL(iommu_unmap_fast);

/* ---- Mapping ------------------------------------------------------------ */

/* Map that cannot be as it should: tell why. Only of 0 bytes it is fine. */
static noinline __cold int
iommu_map_odd(struct iommu_domain *domain, unsigned long iova,
	      phys_addr_t paddr, size_t size)
{
	unsigned long smallest = iommu_lowest(domain->pgsize_bitmap);

	if (!(domain->type & __IOMMU_DOMAIN_PAGING))
		return -EINVAL;
	if (WARN_ON(!domain->ops->map_pages || !smallest))
		return -ENODEV;

	if ((iova | paddr | size) & (smallest - 1)) {
		pr_err("map of unaligned range: iova 0x%lx pa %pa size 0x%zx, smallest page 0x%lx\n",
		       iova, &paddr, size, smallest);
		return -EINVAL;
	}
	if (size) {
		pr_err("map beyond the address space: iova 0x%lx size 0x%zx\n",
		       iova, size);
		return -EINVAL;
	}
	trace_map(iova, paddr, 0);
	return 0;
}

static noinline __cold int iommu_map_broken(unsigned long iova, size_t size,
					    size_t mapped)
{
	pr_err_ratelimited("a driver says it mapped 0x%zx bytes more of 0x%zx at iova 0x%lx\n",
			   mapped, size, iova);
	return -EIO;
}

/*
 * Map what the first run left over, or take it all back: the range needs
 * several runs, or the driver stopped half-way. @mapped and @ret are what it
 * answered to the first run.
 */
static noinline int
iommu_map_rest(struct iommu_domain *domain, unsigned long iova,
	       phys_addr_t paddr, size_t size, int prot, gfp_t gfp,
	       size_t mapped, int ret)
{
	const struct iommu_domain_ops *ops = domain->ops;
	unsigned long sizes = domain->pgsize_bitmap;
	unsigned long dividers, first = iova;
	size_t done, left = size;
	struct iommu_run run;

	for (;;) {
		/* W35: a driver that succeeds must get on, and not too far. */
		if (unlikely(mapped > left || !(mapped || ret))) {
			ret = ret ?: iommu_map_broken(first, size, mapped);
			mapped = min(mapped, left);
		}
		left -= mapped;
		if (ret || !left)
			break;

		iova += mapped;
		paddr += mapped;
		dividers = iommu_dividers(sizes, iova, paddr, left);
		if (unlikely(!dividers)) {
			ret = iommu_map_broken(first, size, mapped);
			break;
		}
		run = iommu_next_run(sizes, dividers, iova, paddr, left);
		mapped = 0;
		ret = ops->map_pages(domain, iova, paddr, run.pgsize, run.count,
				     prot, gfp, &mapped);
	}

	/* Of what a broken driver says only whole pages can be true. */
	done = (size - left) & -iommu_lowest(sizes);
	if (ret && done)
		iommu_unmap(domain, first, done);
	return ret;
}

static __always_inline int
iommu_map_range(struct iommu_domain *domain, unsigned long iova,
		phys_addr_t paddr, size_t size, int prot, gfp_t gfp)
{
	const struct iommu_domain_ops *ops = domain->ops;
	unsigned long sizes = domain->pgsize_bitmap;
	unsigned long dividers = iommu_dividers(sizes, iova, paddr, size);
	struct iommu_run run;
	size_t mapped = 0;
	int ret;

	if (unlikely(!dividers || !(domain->type & __IOMMU_DOMAIN_PAGING) ||
		     !ops->map_pages || iommu_range_odd(iova, size)))
		return iommu_map_odd(domain, iova, paddr, size);

	run = iommu_next_run(sizes, dividers, iova, paddr, size);
	ret = ops->map_pages(domain, iova, paddr, run.pgsize, run.count, prot,
			     gfp, &mapped);
	if (unlikely(ret || mapped != size)) {
		ret = iommu_map_rest(domain, iova, paddr, size, prot, gfp,
				     mapped, ret);
		if (ret)
			return ret;
	}
	trace_map(iova, paddr, size);
	return 0;
}

/* The driver cannot tell its hardware of what it has mapped. */
static noinline int iommu_map_unsynced(struct iommu_domain *domain,
				       unsigned long iova, size_t size, int ret)
{
	iommu_unmap(domain, iova, size);
	return ret;
}

/**
 * iommu_map() - Map physically contiguous memory
 * @domain: the domain
 * @iova: first address devices will use
 * @paddr: first physical address
 * @size: bytes; all three multiples of the domain's smallest page
 * @prot: IOMMU_* access flags
 * @gfp: how page tables are allocated; no zones
 *
 * All is mapped, or nothing. What is mapped must not be mapped again.
 *
 * Context: may sleep if @gfp allows. No lock is taken.
 * Return: 0; -EINVAL the domain has no page table, the range is unaligned or
 * wraps around, or @gfp is not allowed; -ENODEV the driver cannot map; -EIO
 * the driver broke its word; or the driver's error, often -ENOMEM, or -EEXIST
 * for a range in use.
 */
int iommu_map(struct iommu_domain *domain, unsigned long iova,
	      phys_addr_t paddr, size_t size, int prot, gfp_t gfp)
{
	int ret;

	might_sleep_if(gfpflags_allow_blocking(gfp));
	if (WARN_ON_ONCE(gfp & IOMMU_MAP_BAD_GFP))
		return -EINVAL;

	ret = iommu_map_range(domain, iova, paddr, size, prot, gfp);
	if (unlikely(ret) || !domain->ops->iotlb_sync_map)
		return ret;

	ret = domain->ops->iotlb_sync_map(domain, iova, size);
	return likely(!ret) ? 0 : iommu_map_unsynced(domain, iova, size, ret);
}
EXPORT_SYMBOL_GPL(iommu_map);

/* The list may go on in another array. */
static noinline struct scatterlist *iommu_sg_follow(struct scatterlist *sg)
{
	return sg_is_chain(sg) ? sg_chain_ptr(sg) : sg;
}

/*
 * As sg_next(), less a call for each entry: *@left are to come from the one that
 * is returned on, and no more than the list has.
 */
static __always_inline struct scatterlist *iommu_sg_next(struct scatterlist *sg,
							 unsigned int *left)
{
	sg++;
	if (unlikely(sg->page_link & SG_PAGE_LINK_MASK)) {
		sg = iommu_sg_follow(sg);
		if (sg_is_last(sg))
			*left = 1;
	}
	return sg;
}

/**
 * iommu_map_sg() - Map the pieces of a scatter list, one after another
 * @domain: the domain
 * @iova: first address devices will use
 * @sg: the list; pieces that are bus addresses of a peer are left out
 * @nents: how many entries
 * @prot: IOMMU_* access flags
 * @gfp: how page tables are allocated; no zones
 *
 * Pieces that lie next to each other in memory are mapped as one, with pages
 * as large as that allows. All is mapped, or nothing.
 *
 * Context: may sleep if @gfp allows. No lock is taken.
 * Return: the bytes mapped, or an error of iommu_map().
 */
ssize_t iommu_map_sg(struct iommu_domain *domain, unsigned long iova,
		     struct scatterlist *sg, unsigned int nents, int prot,
		     gfp_t gfp)
{
	phys_addr_t start, end;
	size_t done = 0;
	int ret = 0;

	might_sleep_if(gfpflags_allow_blocking(gfp));
	if (WARN_ON_ONCE(gfp & IOMMU_MAP_BAD_GFP))
		return -EINVAL;

	if (nents && sg_is_last(sg))
		nents = 1;
	while (nents) {
		if (sg_dma_is_bus_address(sg)) {
			if (--nents)
				sg = iommu_sg_next(sg, &nents);
			continue;
		}

		start = sg_phys(sg);
		end = start;
		do {
			end += sg->length;
			if (!--nents)
				break;
			sg = iommu_sg_next(sg, &nents);
		} while (sg_phys(sg) == end && !sg_dma_is_bus_address(sg));

		if (unlikely(end == start))
			continue;
		ret = iommu_map_range(domain, iova + done, start, end - start,
				      prot, gfp);
		if (unlikely(ret))
			goto err_unmap;
		done += end - start;
	}

	if (domain->ops->iotlb_sync_map)
		ret = domain->ops->iotlb_sync_map(domain, iova, done);
	if (likely(!ret))
		return done;

err_unmap:
	iommu_unmap(domain, iova, done);
	return ret;
}
EXPORT_SYMBOL_GPL(iommu_map_sg);

/* ---- Asking ------------------------------------------------------------- */

/**
 * iommu_iova_to_phys() - Where does an address lead?
 * @domain: the domain
 * @iova: the address
 *
 * Context: any.
 * Return: the physical address; 0 if nothing is mapped there or the domain's
 * page table cannot be read (W36). Note that 0 can also be a good answer.
 */
phys_addr_t iommu_iova_to_phys(struct iommu_domain *domain, dma_addr_t iova)
{
	const struct iommu_domain_ops *ops = domain->ops;
	bool paging = domain->type & __IOMMU_DOMAIN_PAGING;

	if (likely(paging && ops->iova_to_phys))
		return ops->iova_to_phys(domain, iova);

	if (domain->type == IOMMU_DOMAIN_IDENTITY)
		return iova;
	if (paging || domain->type == IOMMU_DOMAIN_BLOCKED ||
	    !ops->iova_to_phys)
		return 0;
	return ops->iova_to_phys(domain, iova);
}
EXPORT_SYMBOL_GPL(iommu_iova_to_phys);
