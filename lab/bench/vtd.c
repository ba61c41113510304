// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VT-d driver in scalable mode, over a real (emulated) IOMMU and a device with
 * PASIDs: mappings in instructions, and what a change of a translation sends to the
 * hardware, in commands of the invalidation queue. The commands that wait for others
 * are not counted.
 */
#include <linux/dma-mapping.h>
#include <linux/pci.h>
#include <linux/tracepoint.h>

#include "bench.h"
#include "iommu-priv.h"

#define BENCH_PASID	5

struct intel_iommu;

static struct bench_series first, second;
static struct tracepoint *bench_submit;
static unsigned int bench_commands;

/* As the trace event qi_submit says it. */
static void bench_submitted(void *data, struct intel_iommu *iommu, u64 qw0,
			    u64 qw1, u64 qw2, u64 qw3)
{
	bench_commands++;
}

static void bench_find_submit(struct tracepoint *tp, void *data)
{
	if (!strcmp(tp->name, "qi_submit"))
		bench_submit = tp;
}

#define BENCH_COMMANDS(statement) ({	\
	bench_commands = 0;		\
	statement;			\
	bench_commands;			\
})

static int bench_vtd_attach(struct device *dev, struct iommu_domain *domain,
			    struct iommu_attach_handle *handle)
{
	return iommu_attach_device_pasid(domain, dev, BENCH_PASID, handle);
}

static int bench_vtd_replace(struct device *dev, struct iommu_domain *old,
			     struct iommu_domain *new,
			     struct iommu_attach_handle *handle)
{
#ifdef BENCH_REPLACES_PASIDS
	return iommu_replace_device_pasid(new, dev, BENCH_PASID, handle);
#else
	iommu_detach_device_pasid(old, dev, BENCH_PASID);
	return bench_vtd_attach(dev, new, handle);
#endif
}

static void bench_vtd_commands(struct device *dev, struct iommu_domain *a,
			       struct iommu_domain *b)
{
	struct iommu_group *group = iommu_group_get(dev);
	unsigned int attach, replace, detach, move, back;
	struct iommu_attach_handle of_a, of_b;
	int ret = 0;

	for_each_kernel_tracepoint(bench_find_submit, NULL);
	bench_must(bench_submit);
	bench_must(!tracepoint_probe_register(bench_submit, bench_submitted,
					      NULL));
	/* The first time makes tables as well. */
	for (int i = 0; i < 2; i++) {
		attach = BENCH_COMMANDS(ret |= bench_vtd_attach(dev, a,
								&of_a));
		replace = BENCH_COMMANDS(ret |= bench_vtd_replace(dev, a, b,
								  &of_b));
		detach = BENCH_COMMANDS(iommu_detach_device_pasid(b, dev,
								  BENCH_PASID));
	}
	ret |= iommu_attach_group(a, group);
	for (int i = 0; i < 2; i++) {
		move = BENCH_COMMANDS(ret |= iommu_group_replace_domain(group,
									b));
		back = BENCH_COMMANDS(ret |= iommu_group_replace_domain(group,
									a));
	}
	iommu_detach_group(a, group);
	bench_must(!ret && move == back);
	tracepoint_probe_unregister(bench_submit, bench_submitted, NULL);
	iommu_group_put(group);

	bench_value("commands, vtd pasid_attach", 1, attach);
	bench_value("commands, vtd pasid_replace", 1, replace);
	bench_value("commands, vtd pasid_detach", 1, detach);
	bench_value("commands, vtd replace_group", 1, move);
}

static void bench_vtd_map(struct device *dev, struct iommu_domain *domain)
{
	size_t unmapped = 0;
	int ret = 0;

	ret |= iommu_attach_device_pasid(domain, dev, BENCH_PASID, NULL);
	/* The tables of that place stay. */
	ret |= iommu_map(domain, SZ_1G + SZ_4K, SZ_1G, SZ_4K, IOMMU_READ,
			 GFP_KERNEL);
	for (int i = 0; i < BENCH_CALLS; i++) {
		BENCH(&first, ret |= iommu_map(domain, SZ_1G, SZ_1G, SZ_4K,
					       IOMMU_READ, GFP_KERNEL));
		BENCH(&second, unmapped += iommu_unmap(domain, SZ_1G, SZ_4K));
	}
	unmapped += iommu_unmap(domain, SZ_1G + SZ_4K, SZ_4K);
	iommu_detach_device_pasid(domain, dev, BENCH_PASID);
	bench_must(!ret && unmapped == SZ_4K * (BENCH_CALLS + 1));
	bench_row(&first, "vtd map", "4K");
	bench_row(&second, "vtd unmap", "4K");
}

static void bench_vtd_dma(struct device *dev)
{
	void *buffer = (void *)__get_free_page(GFP_KERNEL);

	bench_must(buffer && !dma_set_mask(dev, DMA_BIT_MASK(48)));
	bench_dma_single(dev, buffer, "vtd dma_map_single",
			 "vtd dma_unmap_single");
	free_page((unsigned long)buffer);
}

/* The machine has one device with PASIDs, and no driver for it. */
void bench_vtd(void)
{
	struct iommu_domain *a, *b;
	struct pci_dev *pdev = NULL;
	struct device *dev = NULL;

	for_each_pci_dev(pdev) {
		if (pdev->dev.iommu && pdev->dev.iommu->max_pasids)
			dev = &pdev->dev;
	}
	bench_must(dev);
	a = iommu_paging_domain_alloc(dev);
	b = iommu_paging_domain_alloc(dev);
	bench_must(!IS_ERR(a) && !IS_ERR(b));
	bench_vtd_map(dev, a);
	bench_vtd_dma(dev);
	bench_vtd_commands(dev, a, b);
	iommu_domain_free(b);
	iommu_domain_free(a);
}
