// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attaching, detaching, replacing; owning; allocating.
 */
#include <linux/delay.h>
#include <linux/platform_device.h>

#include "bench.h"
#include "iommu-priv.h"

#define BENCH_RESTS	21

static struct bench_series first, second, third;

static void bench_attach_group(struct bench_devs *bd, struct iommu_domain *a,
			       struct iommu_domain *b)
{
	int ret = 0;

	for (int i = 0; i < BENCH_CALLS; i++) {
		BENCH(&first, ret |= iommu_attach_group(a, bd->group));
		BENCH(&third, ret |= iommu_group_replace_domain(bd->group, b));
		BENCH(&second, iommu_detach_group(b, bd->group));
	}
	bench_must(!ret);
	bench_row_n(&first, "attach_group", bd->count);
	bench_row_n(&third, "replace_group", bd->count);
	bench_row_n(&second, "detach_group", bd->count);
}

/* The same as iommufd does it, with handles. */
static void bench_attach_handle(struct bench_devs *bd, struct iommu_domain *a,
				struct iommu_domain *b)
{
	struct iommu_attach_handle of_a, of_b;
	int ret = 0;

	for (int i = 0; i < BENCH_CALLS; i++) {
		BENCH(&first, ret |= iommu_attach_group_handle(a, bd->group,
							       &of_a));
		BENCH(&third, ret |= iommu_replace_group_handle(bd->group, b,
								&of_b));
		BENCH(&second, iommu_detach_group_handle(b, bd->group));
	}
	bench_must(!ret);
	bench_row_n(&first, "attach_group_handle", bd->count);
	bench_row_n(&third, "replace_group_handle", bd->count);
	bench_row_n(&second, "detach_group_handle", bd->count);
}

static void bench_claim(struct bench_devs *bd)
{
	int ret = 0;

	for (int i = 0; i < BENCH_CALLS; i++) {
		BENCH(&first, ret |= iommu_group_claim_dma_owner(bd->group,
								 bd));
		BENCH(&second, iommu_group_release_dma_owner(bd->group));
	}
	bench_must(!ret);
	bench_row_n(&first, "claim", bd->count);
	bench_row_n(&second, "release", bd->count);
}

/*
 * The same while nothing waits to be told to user space: if a core tells it of
 * owners, the first change after a rest is what sets that going.
 */
static void bench_claim_rested(struct bench_devs *bd)
{
	int ret = 0;

	for (int i = 0; i < BENCH_RESTS; i++) {
		msleep(20);
		BENCH(&first, ret |= iommu_group_claim_dma_owner(bd->group,
								 bd));
		msleep(20);
		BENCH(&second, iommu_group_release_dma_owner(bd->group));
	}
	bench_must(!ret);
	bench_row_n(&first, "claim, after a rest", bd->count);
	bench_row_n(&second, "release, after a rest", bd->count);
}

static void bench_attach_device(struct bench_devs *bd, struct iommu_domain *a)
{
	int ret = 0;

	for (int i = 0; i < BENCH_CALLS; i++) {
		BENCH(&first, ret |= iommu_attach_device(a, bd->devs[0]));
		BENCH(&second, iommu_detach_device(a, bd->devs[0]));
	}
	bench_must(!ret);
	bench_row_n(&first, "attach_device", 1);
	bench_row_n(&second, "detach_device", 1);
}

/*
 * What a driver that uses the DMA API costs the core when it is bound and
 * unbound. The bus is the only way to it for a module; what the bus does by
 * itself, a few instructions, is in both kernels' figures.
 */
static void bench_use(struct bench_devs *bd)
{
	struct platform_driver driver = {};
	struct device *dev = bd->devs[0];
	int ret = 0;

	dev->driver = &driver.driver;
	for (int i = 0; i < BENCH_CALLS; i++) {
		BENCH(&first, ret |= platform_bus_type.dma_configure(dev));
		BENCH(&second, platform_bus_type.dma_cleanup(dev));
	}
	dev->driver = NULL;
	bench_must(!ret);
	bench_row_n(&first, "use_default_domain", 1);
	bench_row_n(&second, "unuse_default_domain", 1);
}

static void bench_attach_n(unsigned int count)
{
	struct bench_devs bd = {
		.type = IOMMU_DOMAIN_IDENTITY,
		.shared = true,
	};
	struct iommu_domain *a, *b;

	bench_make(&bd, count);
	a = iommu_paging_domain_alloc(bd.devs[0]);
	b = iommu_paging_domain_alloc(bd.devs[0]);
	bench_must(!IS_ERR(a) && !IS_ERR(b));

	bench_attach_group(&bd, a, b);
	bench_attach_handle(&bd, a, b);
	bench_claim(&bd);
	if (count == 1) {
		bench_claim_rested(&bd);
		bench_attach_device(&bd, a);
		bench_use(&bd);
	}

	iommu_domain_free(b);
	iommu_domain_free(a);
	bench_unmake(&bd);
}

void bench_attach(void)
{
	bench_attach_n(1);
	bench_attach_n(8);
	bench_attach_n(64);
	bench_attach_n(512);
}

void bench_domains(void)
{
	struct bench_devs bd = { .type = IOMMU_DOMAIN_IDENTITY };
	struct iommu_domain *domain;

	bench_make(&bd, 1);
	for (int i = 0; i < BENCH_CALLS; i++) {
		BENCH(&first,
		      domain = iommu_paging_domain_alloc(bd.devs[0]));
		bench_must(!IS_ERR(domain));
		BENCH(&second, iommu_domain_free(domain));
	}
	bench_row_n(&first, "domain_alloc", 1);
	bench_row_n(&second, "domain_free", 1);
	bench_unmake(&bd);
}
