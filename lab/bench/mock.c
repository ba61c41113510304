// SPDX-License-Identifier: GPL-2.0-only
/*
 * The mock: an IOMMU for the devices of the platform bus that this module
 * makes, and for PCI devices where it is told to take them. Its operations do
 * as little as the core lets them, so what is measured is the core.
 */
#include <linux/pci.h>
#include <linux/platform_device.h>
#include <linux/property.h>
#include <linux/slab.h>

#include "bench.h"

static struct iommu_device bench_iommu;
static bool bench_takes_pci;

static int bench_attach_dev(struct iommu_domain *domain, struct device *dev)
{
	return 0;
}

static int bench_set_dev_pasid(struct iommu_domain *domain, struct device *dev,
			       ioasid_t pasid, struct iommu_domain *old)
{
	return 0;
}

static void bench_remove_dev_pasid(struct device *dev, ioasid_t pasid,
				   struct iommu_domain *domain)
{
}

static int bench_map_pages(struct iommu_domain *domain, unsigned long iova,
			   phys_addr_t paddr, size_t pgsize, size_t pgcount,
			   int prot, gfp_t gfp, size_t *mapped)
{
	*mapped = pgsize * pgcount;
	return 0;
}

static size_t bench_unmap_pages(struct iommu_domain *domain, unsigned long iova,
				size_t pgsize, size_t pgcount,
				struct iommu_iotlb_gather *gather)
{
	return pgsize * pgcount;
}

static int bench_sync_map(struct iommu_domain *domain, unsigned long iova,
			  size_t size)
{
	return 0;
}

static void bench_sync(struct iommu_domain *domain,
		       struct iommu_iotlb_gather *gather)
{
}

static void bench_flush_all(struct iommu_domain *domain)
{
}

static phys_addr_t bench_iova_to_phys(struct iommu_domain *domain,
				      dma_addr_t iova)
{
	return iova;
}

static void bench_free(struct iommu_domain *domain)
{
	kfree(domain);
}

static const struct iommu_domain_ops bench_paging_ops = {
	.attach_dev = bench_attach_dev,
	.set_dev_pasid = bench_set_dev_pasid,
	.map_pages = bench_map_pages,
	.unmap_pages = bench_unmap_pages,
	.iotlb_sync_map = bench_sync_map,
	.iotlb_sync = bench_sync,
	.flush_iotlb_all = bench_flush_all,
	.iova_to_phys = bench_iova_to_phys,
	.free = bench_free,
};

#ifdef BENCH_ENDS_PROCESSES
static void bench_block_dev_pasid(struct iommu_domain *domain,
				  struct device *dev, ioasid_t pasid)
{
}

static void bench_flush_mm(struct iommu_domain *domain, unsigned long start,
			   unsigned long end)
{
}

static const struct iommu_domain_ops bench_sva_ops = {
	.set_dev_pasid = bench_set_dev_pasid,
	.block_dev_pasid = bench_block_dev_pasid,
	.flush_mm = bench_flush_mm,
	.free = bench_free,
};

static struct iommu_domain *bench_alloc_sva(struct device *dev,
					    struct mm_struct *mm)
{
	struct iommu_domain *domain = kzalloc(sizeof(*domain), GFP_KERNEL);

	if (!domain)
		return ERR_PTR(-ENOMEM);
	domain->ops = &bench_sva_ops;
	return domain;
}
#endif

static const struct iommu_domain_ops bench_static_ops = {
	.attach_dev = bench_attach_dev,
};

static struct iommu_domain bench_identity = {
	.type = IOMMU_DOMAIN_IDENTITY,
	.ops = &bench_static_ops,
};

static struct iommu_domain bench_blocked = {
	.type = IOMMU_DOMAIN_BLOCKED,
	.ops = &bench_static_ops,
};

static struct iommu_domain *bench_alloc_paging(struct device *dev)
{
	struct iommu_domain *domain = kzalloc(sizeof(*domain), GFP_KERNEL);

	if (!domain)
		return ERR_PTR(-ENOMEM);
	domain->geometry.aperture_end = DMA_BIT_MASK(48);
	domain->geometry.force_aperture = true;
	return domain;
}

static struct bench_devs *bench_devs_of(struct device *dev)
{
	struct bench_devs **of = dev_get_platdata(dev);

	return *of;
}

static bool bench_is_ours(struct device *dev)
{
	return dev->bus == &platform_bus_type &&
	       str_has_prefix(dev_name(dev), "lab-bench");
}

static struct iommu_device *bench_probe_device(struct device *dev)
{
	if (dev_is_pci(dev))
		return bench_takes_pci ? &bench_iommu : ERR_PTR(-ENODEV);
	if (!bench_is_ours(dev) || bench_devs_of(dev)->outside)
		return ERR_PTR(-ENODEV);
	return &bench_iommu;
}

static struct iommu_group *bench_device_group(struct device *dev)
{
	struct bench_devs *bd;

	if (dev_is_pci(dev))
		return pci_device_group(dev);
	bd = bench_devs_of(dev);
	if (bd->shared && bd->count)
		return iommu_group_ref_get(bd->group);
	bd->group = iommu_group_alloc();
	return bd->group;
}

static int bench_def_domain_type(struct device *dev)
{
	unsigned int type = IOMMU_DOMAIN_IDENTITY;

	if (!dev_is_pci(dev))
		type = bench_devs_of(dev)->type;
	/* No wish: iommu.strict= decides between DMA and DMA-FQ. */
	return type == IOMMU_DOMAIN_DMA ? 0 : type;
}

static bool bench_capable(struct device *dev, enum iommu_cap cap)
{
	return cap == IOMMU_CAP_CACHE_COHERENCY ||
	       cap == IOMMU_CAP_DEFERRED_FLUSH;
}

static void bench_release_device(struct device *dev)
{
}

static const struct iommu_ops bench_ops = {
	.capable = bench_capable,
	.domain_alloc_paging = bench_alloc_paging,
	.probe_device = bench_probe_device,
	.release_device = bench_release_device,
	.device_group = bench_device_group,
	.def_domain_type = bench_def_domain_type,
	.remove_dev_pasid = bench_remove_dev_pasid,
	.default_domain_ops = &bench_paging_ops,
	.pgsize_bitmap = SZ_4K | SZ_2M | SZ_1G,
	.owner = THIS_MODULE,
	.identity_domain = &bench_identity,
	.blocked_domain = &bench_blocked,
#ifdef BENCH_REPLACES_PASIDS
	.pasid_replace = true,
#endif
#ifdef BENCH_ENDS_PROCESSES
	.domain_alloc_sva = bench_alloc_sva,
#endif
};

int bench_mock_register(void)
{
	int ret;

	bench_iommu.max_pasids = BIT(20);
	ret = iommu_device_sysfs_add(&bench_iommu, NULL, NULL, "lab-bench");
	return ret ?: iommu_device_register(&bench_iommu, &bench_ops, NULL);
}

void bench_mock_unregister(void)
{
	iommu_device_unregister(&bench_iommu);
	iommu_device_sysfs_remove(&bench_iommu);
	memset(&bench_iommu, 0, sizeof(bench_iommu));
}

void bench_mock_take_pci(bool take)
{
	bench_takes_pci = take;
}

/* Plug in one more device. */
void bench_add(struct bench_devs *bd)
{
	const struct property_entry props[] = {
		PROPERTY_ENTRY_U32("pasid-num-bits", 20),
		{ }
	};
	struct platform_device_info info = {
		.name = "lab-bench",
		.id = PLATFORM_DEVID_AUTO,
		.data = &bd,
		.size_data = sizeof(bd),
		.dma_mask = DMA_BIT_MASK(48),
		.properties = bd->pasids ? props : NULL,
	};
	struct platform_device *pdev = platform_device_register_full(&info);

	bench_must(!IS_ERR(pdev));
	bench_must(bd->outside || device_iommu_mapped(&pdev->dev));
	bd->devs[bd->count++] = &pdev->dev;
}

/* Unplug the last one. */
void bench_remove(struct bench_devs *bd)
{
	bench_must(bd->count);
	platform_device_unregister(to_platform_device(bd->devs[--bd->count]));
}

void bench_make(struct bench_devs *bd, unsigned int count)
{
	bd->count = 0;
	/* Room for one more, which comes and goes. */
	bd->devs = kvcalloc(count + 1, sizeof(*bd->devs), GFP_KERNEL);
	bench_must(bd->devs);
	while (bd->count < count) {
		bench_add(bd);
		cond_resched();
	}
}

void bench_unmake(struct bench_devs *bd)
{
	while (bd->count) {
		bench_remove(bd);
		cond_resched();
	}
	kvfree(bd->devs);
}
