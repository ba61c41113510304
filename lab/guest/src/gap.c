// SPDX-License-Identifier: GPL-2.0-only
/*
 * What DMA meets while the address space is replaced that it uses: one line for each way
 * this kernel has, of the form
 *
 *   WAY: N replaces, N requests, N failed, N misplaced
 *
 * Status 0 if all could be measured, whatever was.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core_dma.h"

#define REPLACES	10000
#define PASID		1

static int measure(struct dma_rig *rig, const char *way, __u32 pasid, dma_move move)
{
	struct dma_tally tally;
	int ret = dma_measure(rig, pasid, move, REPLACES, &tally);

	if (ret)
		printf("# %s: %s\n", way, strerror(-ret));
	else
		printf("%s: %lu replaces, %lu requests, %lu failed, %lu misplaced\n", way,
		       tally.replaces, tally.requests, tally.failed, tally.misplaced);
	fflush(stdout);
	return ret;
}

int main(void)
{
	struct dma_rig rig;
	int ret;

	ret = dma_memory(&rig);
	if (!ret)
		ret = dma_open(&rig);
	if (ret) {
		printf("# no device to measure with: %s\n", strerror(-ret));
		return 1;
	}
	ret = measure(&rig, "replace under RID DMA", NO_PASID, dma_attach);
	if (!ret)
		ret = dma_by_module(&rig);
	if (!ret)
		ret = measure(&rig, "detach and attach under PASID DMA", PASID,
			      dma_detach_attach);
	dma_close(&rig);
	/* The module's attachment is gone with its file; the next needs the PASID. */
	if (!ret && rig.pasids)
		ret = dma_open(&rig);
	if (!ret && rig.pasids) {
		ret = measure(&rig, "replace under PASID DMA", PASID, dma_attach);
		dma_close(&rig);
	}
	return ret ? 1 : 0;
}
