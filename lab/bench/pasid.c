// SPDX-License-Identifier: GPL-2.0-only
/*
 * PASIDs: attaching, replacing, detaching, and finding a handle, while others
 * are attached to the same group.
 */
#include <linux/math64.h>
#include <linux/vmalloc.h>

#include "bench.h"
#include "iommu-priv.h"

#define BENCH_PASID	1
#define BENCH_MOST	100000

static struct bench_series first, second, third;

/* A kernel that cannot replace has to detach and attach. */
static int bench_replace(struct bench_devs *bd, struct iommu_domain *old,
			 struct iommu_domain *new,
			 struct iommu_attach_handle *handle)
{
#ifdef BENCH_REPLACES_PASIDS
	return iommu_replace_device_pasid(new, bd->devs[0], BENCH_PASID,
					  handle);
#else
	iommu_detach_device_pasid(old, bd->devs[0], BENCH_PASID);
	return iommu_attach_device_pasid(new, bd->devs[0], BENCH_PASID,
					 handle);
#endif
}

static void bench_slot(struct bench_devs *bd, struct iommu_domain *a,
		       struct iommu_domain *b, unsigned int others)
{
	struct iommu_attach_handle of_a, of_b, *found;
	struct device *dev = bd->devs[0];
	char name[40];
	int ret = 0;

	for (int i = 0; i < BENCH_CALLS; i++) {
		BENCH(&first, ret |= iommu_attach_device_pasid(a, dev,
							       BENCH_PASID,
							       &of_a));
		BENCH(&third, ret |= bench_replace(bd, a, b, &of_b));
		BENCH(&second, iommu_detach_device_pasid(b, dev, BENCH_PASID));
	}
	bench_must(!ret);
	snprintf(name, sizeof(name), "pasid_attach, %u others", others);
	bench_row_n(&first, name, bd->count);
	snprintf(name, sizeof(name), "pasid_replace, %u others", others);
	bench_row_n(&third, name, bd->count);
	snprintf(name, sizeof(name), "pasid_detach, %u others", others);
	bench_row_n(&second, name, bd->count);

	if (bd->count > 1)
		return;
	bench_must(!iommu_attach_device_pasid(a, dev, BENCH_PASID, &of_a));
	for (int i = 0; i < BENCH_CALLS; i++) {
		BENCH(&first, found = iommu_attach_handle_get(bd->group,
							      BENCH_PASID, 0));
		ret |= found != &of_a;
	}
	bench_must(!ret);
	iommu_detach_device_pasid(a, dev, BENCH_PASID);
	bench_row_n(&first, "handle_get, PASIDs:", others);
}

static void bench_pasids_n(unsigned int devs)
{
	struct bench_devs bd = {
		.type = IOMMU_DOMAIN_IDENTITY,
		.shared = true,
		.pasids = true,
	};
	struct iommu_attach_handle *handles;
	struct iommu_domain *a, *b;
	unsigned int have = 0;
	s64 before;

	bench_make(&bd, devs);
	a = iommu_paging_domain_alloc(bd.devs[0]);
	b = iommu_paging_domain_alloc(bd.devs[0]);
	handles = vcalloc(BENCH_MOST, sizeof(*handles));
	bench_must(!IS_ERR(a) && !IS_ERR(b) && handles);

	before = bench_bytes_used();
	for (unsigned int others = 0; others <= BENCH_MOST;
	     others = others ? others * (others == 100 ? 100 : 10) : 100) {
		for (; have < others; have++) {
			bench_must(!iommu_attach_device_pasid(a, bd.devs[0],
							      2 + have,
							      &handles[have]));
			cond_resched();
		}
		bench_slot(&bd, a, b, others);
	}
	if (devs == 1)
		bench_value("bytes, per PASID of", have,
			    div_s64(bench_bytes_used() - before, have));
	while (have--) {
		iommu_detach_device_pasid(a, bd.devs[0], 2 + have);
		cond_resched();
	}
	vfree(handles);
	iommu_domain_free(b);
	iommu_domain_free(a);
	bench_unmake(&bd);
}

void bench_pasids(void)
{
	bench_pasids_n(1);
	bench_pasids_n(8);
	bench_pasids_n(64);
}
