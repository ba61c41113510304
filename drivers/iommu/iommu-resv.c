// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reserved regions: addresses that are not free for mappings, and why.
 *
 * Drivers tell them for each device. Users of a whole group get them sorted,
 * with regions of one type that overlap or touch made into one. The default
 * domain maps those that have to be 1:1 before a device is attached to it.
 *
 * A region may end at the top of the address space (W42): all comparisons here
 * use the last address of a region, never the one after it.
 */
#define pr_fmt(fmt)	"iommu: " fmt

#include <linux/cleanup.h>
#include <linux/export.h>
#include <linux/init.h>
#include <linux/list_sort.h>
#include <linux/slab.h>
#include <linux/sysfs.h>

#include "iommu-priv.h"

/* In sysfs; who asks there does not care where an MSI window comes from. */
static const char * const iommu_resv_names[] = {
	[IOMMU_RESV_DIRECT]		= "direct",
	[IOMMU_RESV_DIRECT_RELAXABLE]	= "direct-relaxable",
	[IOMMU_RESV_RESERVED]		= "reserved",
	[IOMMU_RESV_MSI]		= "msi",
	[IOMMU_RESV_SW_MSI]		= "msi",
};

static phys_addr_t iommu_resv_last(const struct iommu_resv_region *region)
{
	phys_addr_t last = region->start + (region->length - 1);

	/* What firmware claims beyond the top does not exist. */
	return last < region->start ? PHYS_ADDR_MAX : last;
}

/**
 * iommu_alloc_resv_region() - Make a region
 * @start: first address
 * @length: bytes
 * @prot: IOMMU_* access flags, for regions mapped 1:1
 * @type: why it is reserved
 * @gfp: how to allocate
 *
 * For iommu_ops.get_resv_regions().
 *
 * Context: as @gfp says.
 * Return: the region, to be freed by iommu_put_resv_regions() or kfree(); or
 * %NULL.
 */
struct iommu_resv_region *
iommu_alloc_resv_region(phys_addr_t start, size_t length, int prot,
			enum iommu_resv_type type, gfp_t gfp)
{
	struct iommu_resv_region *region = kmalloc(sizeof(*region), gfp);

	if (!region)
		return NULL;

	*region = (struct iommu_resv_region) {
		.list	= LIST_HEAD_INIT(region->list),
		.start	= start,
		.length	= length,
		.prot	= prot,
		.type	= type,
	};
	return region;
}
EXPORT_SYMBOL_GPL(iommu_alloc_resv_region);

/**
 * iommu_get_resv_regions() - The reserved regions of one device
 * @dev: the device
 * @list: they are appended here, in no order; give it to
 *	iommu_put_resv_regions()
 *
 * A device without IOMMU has none.
 *
 * Context: process context, may sleep; a group mutex may be held.
 */
void iommu_get_resv_regions(struct device *dev, struct list_head *list)
{
	const struct iommu_ops *ops;

	if (!dev_has_iommu(dev))
		return;

	ops = dev_iommu_ops(dev);
	if (ops->get_resv_regions)
		ops->get_resv_regions(dev, list);
}
EXPORT_SYMBOL_GPL(iommu_get_resv_regions);

/**
 * iommu_put_resv_regions() - Free what iommu_get_resv_regions() gave
 * @dev: the same device
 * @list: the list, empty afterwards
 *
 * Context: process context, may sleep.
 */
void iommu_put_resv_regions(struct device *dev, struct list_head *list)
{
	struct iommu_resv_region *region;

	while ((region = list_first_entry_or_null(list, typeof(*region),
						  list))) {
		list_del(&region->list);
		if (region->free)
			region->free(dev, region);
		else
			kfree(region);
	}
}
EXPORT_SYMBOL(iommu_put_resv_regions);

/* ---- Regions of a group ------------------------------------------------- */

/* Copies are the core's own, without a free operation. */
static void iommu_free_resv_copies(struct list_head *copies)
{
	iommu_put_resv_regions(NULL, copies);
}

static int iommu_copy_resv_regions(struct device *dev, struct list_head *copies)
{
	struct iommu_resv_region *region, *copy;
	LIST_HEAD(regions);
	int ret = 0;

	iommu_get_resv_regions(dev, &regions);
	list_for_each_entry(region, &regions, list) {
		if (!region->length)
			continue;
		copy = iommu_alloc_resv_region(region->start, region->length,
					       region->prot, region->type,
					       GFP_KERNEL);
		if (!copy) {
			ret = -ENOMEM;
			break;
		}
		list_add_tail(&copy->list, copies);
	}
	iommu_put_resv_regions(dev, &regions);
	return ret;
}

static int iommu_cmp_resv_regions(void *priv, const struct list_head *a,
				  const struct list_head *b)
{
	const struct iommu_resv_region *ra, *rb;

	ra = list_entry(a, struct iommu_resv_region, list);
	rb = list_entry(b, struct iommu_resv_region, list);
	if (ra->start != rb->start)
		return ra->start < rb->start ? -1 : 1;
	return (int)ra->type - (int)rb->type;
}

/* Let @region, which begins earlier, reach as far as @next. */
static bool iommu_extend_resv_region(struct iommu_resv_region *region,
				     const struct iommu_resv_region *next)
{
	phys_addr_t last = iommu_resv_last(region);
	phys_addr_t end = max(last, iommu_resv_last(next));

	if (next->start > last && next->start - last > 1)
		return false;
	/* What no length can express stays in two pieces. */
	if (end - region->start >= SIZE_MAX)
		return false;

	region->length = end - region->start + 1;
	return true;
}

/*
 * Sorted by start, a region can only join the one of its type that reaches
 * furthest so far.
 */
static void iommu_merge_resv_regions(struct list_head *regions)
{
	struct iommu_resv_region *furthest[ARRAY_SIZE(iommu_resv_names)] = {};
	struct iommu_resv_region *region, *next;

	list_sort(NULL, regions, iommu_cmp_resv_regions);
	list_for_each_entry_safe(region, next, regions, list) {
		struct iommu_resv_region **top = &furthest[region->type];

		if (*top && iommu_extend_resv_region(*top, region)) {
			list_del(&region->list);
			kfree(region);
		} else {
			*top = region;
		}
	}
}

/**
 * iommu_get_group_resv_regions() - The reserved regions of a group's devices
 * @group: the group
 * @head: they are added here; it may hold those of other groups already
 *
 * The list is sorted by start, then type. Regions of one type that overlap or
 * touch are one. Each has to be freed with kfree().
 *
 * Context: process context; takes the group mutex.
 * Return: 0; -ENOMEM with the list as it was.
 */
int iommu_get_group_resv_regions(struct iommu_group *group,
				 struct list_head *head)
{
	struct group_device *gdev;
	LIST_HEAD(copies);
	int ret;

	scoped_guard(mutex, &group->mutex) {
		for_each_group_device(group, gdev) {
			ret = iommu_copy_resv_regions(gdev->dev, &copies);
			if (ret) {
				iommu_free_resv_copies(&copies);
				return ret;
			}
		}
	}

	list_splice_tail(&copies, head);
	iommu_merge_resv_regions(head);
	return 0;
}
EXPORT_SYMBOL_GPL(iommu_get_group_resv_regions);

/*
 * Does whoever attaches an address space to a group have to leave the region
 * out of it? Not where the region is only preferred to be 1:1, nor where it is
 * the window into which MSI doorbells are mapped.
 */
static bool iommu_resv_is_kept_free(const struct iommu_resv_region *region)
{
	return region->type != IOMMU_RESV_DIRECT_RELAXABLE &&
	       region->type != IOMMU_RESV_SW_MSI;
}

/* @regions are those of one or more devices, merged. */
static bool iommu_resv_is_covered(const struct iommu_resv_region *region,
				  struct list_head *regions)
{
	struct iommu_resv_region *pos;

	list_for_each_entry(pos, regions, list)
		if (iommu_resv_is_kept_free(pos) &&
		    pos->start <= region->start &&
		    iommu_resv_last(pos) >= iommu_resv_last(region))
			return true;
	return false;
}

/**
 * iommu_check_newcomer_regions() - May a device join a group in use?
 * @group: the group, with an address space of somebody's attached
 * @dev: the newcomer
 *
 * Users learn where not to map when they attach. A region that none of the
 * members had may be mapped by now, or be later: the newcomer's interrupts or
 * its firmware's DMA would end in the user's memory (W17).
 *
 * Context: expects group->mutex; sleeps.
 * Return: 0; -EINVAL with a line in the log; -ENOMEM.
 */
int iommu_check_newcomer_regions(struct iommu_group *group, struct device *dev)
{
	struct iommu_resv_region *region;
	struct group_device *gdev;
	LIST_HEAD(known);
	LIST_HEAD(own);
	int ret;

	lockdep_assert_held(&group->mutex);

	ret = iommu_copy_resv_regions(dev, &own);
	for_each_group_device(group, gdev)
		ret = ret ?: iommu_copy_resv_regions(gdev->dev, &known);
	iommu_merge_resv_regions(&known);

	list_for_each_entry(region, &own, list) {
		if (ret)
			break;
		if (!iommu_resv_is_kept_free(region) ||
		    iommu_resv_is_covered(region, &known))
			continue;
		dev_warn(dev,
			 "needs 0x%llx to 0x%llx free of mappings, which the user of its group %s was not told: refused\n",
			 (unsigned long long)region->start,
			 (unsigned long long)iommu_resv_last(region),
			 iommu_group_label(group));
		ret = -EINVAL;
	}
	iommu_free_resv_copies(&known);
	iommu_free_resv_copies(&own);
	return ret;
}

/* ---- 1:1 mappings ------------------------------------------------------- */

/*
 * Map one stretch of pages, none of which is mapped, and note it in @undo.
 * Both addresses are multiples of the page size; @last is the last byte.
 */
static int iommu_map_direct(struct iommu_domain *domain, unsigned long first,
			    unsigned long last, int prot,
			    struct list_head *undo)
{
	struct iommu_resv_region *note;
	size_t size = last - first + 1;
	int ret;

	note = iommu_alloc_resv_region(first, size, prot, IOMMU_RESV_DIRECT,
				       GFP_KERNEL);
	if (!note)
		return -ENOMEM;

	ret = iommu_map(domain, first, first, size, prot, GFP_KERNEL);
	if (ret) {
		kfree(note);
		return ret;
	}
	list_add(&note->list, undo);
	return 0;
}

/*
 * Is the page mapped 1:1 already? Asks for its last byte, whose translation is
 * not 0 even in page 0 (W34).
 */
static int iommu_page_is_direct(struct iommu_domain *domain,
				unsigned long page, unsigned long pgsize)
{
	phys_addr_t phys = iommu_iova_to_phys(domain, page + (pgsize - 1));

	if (!phys)
		return 0;
	return (phys & ~(phys_addr_t)(pgsize - 1)) == page ? 1 : -EBUSY;
}

/* Map all pages that a region touches, but those of another region before. */
static int iommu_map_direct_region(struct iommu_domain *domain,
				   const struct iommu_resv_region *region,
				   unsigned long pgsize,
				   struct list_head *undo)
{
	phys_addr_t end = iommu_resv_last(region);
	unsigned long page, first, last;
	bool open = false;
	int ret;

	/* Whole pages at both ends (W34), if an IOVA can express them. */
	if (end > ULONG_MAX)
		return -ERANGE;
	page = region->start & -pgsize;
	last = end | (pgsize - 1);

	for (first = page; ; page += pgsize) {
		ret = iommu_page_is_direct(domain, page, pgsize);
		if (ret < 0)
			return ret;
		if (ret && open) {
			ret = iommu_map_direct(domain, first, page - 1,
					       region->prot, undo);
			if (ret)
				return ret;
			open = false;
		} else if (!ret && !open) {
			first = page;
			open = true;
		}
		if (last - page < pgsize)
			break;
	}
	return open ? iommu_map_direct(domain, first, last, region->prot, undo)
		    : 0;
}

static int iommu_map_direct_regions(struct iommu_domain *domain,
				    struct list_head *regions)
{
	unsigned long pgsize = domain->pgsize_bitmap & -domain->pgsize_bitmap;
	struct iommu_resv_region *region, *note;
	LIST_HEAD(undo);
	int ret = 0;

	if (WARN_ON_ONCE(!pgsize))
		return -EINVAL;

	list_for_each_entry(region, regions, list) {
		if (!region->length ||
		    (region->type != IOMMU_RESV_DIRECT &&
		     region->type != IOMMU_RESV_DIRECT_RELAXABLE))
			continue;
		ret = iommu_map_direct_region(domain, region, pgsize, &undo);
		if (ret)
			break;
	}

	if (ret) {
		list_for_each_entry(note, &undo, list)
			iommu_unmap(domain, note->start, note->length);
	} else if (!list_empty(&undo)) {
		/* Hardware may remember that nothing was there. */
		iommu_flush_iotlb_all(domain);
	}
	iommu_free_resv_copies(&undo);
	return ret;
}

/**
 * iommu_create_direct_mappings() - Map what a device needs mapped 1:1
 * @domain: the domain it is about to be attached to
 * @dev: the device, which has an IOMMU
 *
 * Pages that are mapped 1:1 already, for a sibling say, stay as they are. Only
 * domains of the DMA API are filled; in any case the device is marked when it
 * must never be blocked.
 *
 * Context: process context; the caller keeps others from mapping in the same
 * place, by the group mutex and because no driver is bound.
 * Return: 0; -EINVAL the driver has no page size; -EBUSY something else is
 * mapped there; -ERANGE a region is out of reach of any IOVA; or an error of
 * iommu_map(). After an error the domain is as it was (W16).
 */
int iommu_create_direct_mappings(struct iommu_domain *domain,
				 struct device *dev)
{
	struct iommu_resv_region *region;
	LIST_HEAD(regions);
	int ret = 0;

	iommu_get_resv_regions(dev, &regions);
	list_for_each_entry(region, &regions, list)
		if (region->type == IOMMU_RESV_DIRECT)
			dev->iommu->require_direct = 1;

	if (iommu_is_dma_domain(domain))
		ret = iommu_map_direct_regions(domain, &regions);
	iommu_put_resv_regions(dev, &regions);
	return ret;
}

/* ---- /sys/kernel/iommu_groups/N/reserved_regions ------------------------ */

static ssize_t iommu_resv_show(struct iommu_group *group, char *buf)
{
	struct iommu_resv_region *region;
	unsigned int left_out = 0;
	LIST_HEAD(regions);
	char line[64];
	int used = 0;
	int len, ret;

	ret = iommu_get_group_resv_regions(group, &regions);
	if (ret)
		return ret;

	list_for_each_entry(region, &regions, list) {
		len = scnprintf(line, sizeof(line), "0x%016llx 0x%016llx %s\n",
				(unsigned long long)region->start,
				(unsigned long long)iommu_resv_last(region),
				iommu_resv_names[region->type]);
		/* W46: half an address would be read as another one. */
		if (left_out || used + len >= PAGE_SIZE)
			left_out++;
		else
			used += sysfs_emit_at(buf, used, "%s", line);
	}
	iommu_free_resv_copies(&regions);

	if (left_out) {
		guard(iommu_group)(group);
		pr_warn_ratelimited("group %s: no room in sysfs for the last %u reserved regions\n",
				    iommu_group_label(group), left_out);
	}
	return used;
}

static struct iommu_group_file iommu_resv_file = {
	.attr = { .name = "reserved_regions", .mode = 0444 },
	.show = iommu_resv_show,
};

static int __init iommu_resv_init(void)
{
	iommu_group_register_file(&iommu_resv_file);
	return 0;
}
core_initcall(iommu_resv_init);
