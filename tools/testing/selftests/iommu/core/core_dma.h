/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The lab's device that does DMA with PASIDs (lab/device/README.md), by VFIO and iommufd:
 * what its requests reach while what translates them is replaced.
 *
 * The device is asked to be strict: to fail where the Present bit of its PASID entry is
 * clear, as hardware may, and to let the emulator keep no translation that it made of two
 * readings of one entry.
 *
 * Functions that return an int give 0 or a negative errno, as those of core_lib.h.
 */
#ifndef CORE_DMA_H
#define CORE_DMA_H

#include <stdbool.h>
#include <linux/types.h>

#include "core_lib.h"

#define DMA_AREAS	3
#define DMA_WORDS	8		/* of 64 bits in one request */
#define DMA_SLOTS	16384		/* requests that fit into an area */
#define DMA_BYTES	(DMA_SLOTS * DMA_WORDS * 8UL)

#define DMA_VENDOR	0x1234
#define DMA_DEVICE	0x11f0

/* Registers of channel @ch in BAR 0, and bits of the first one */
#define DMA_CHANNEL(ch)	(0x100 + (ch) * 0x80)
#define DMA_CONTROL	0x00
#define DMA_PASID	0x08
#define DMA_IOVA	0x10
#define DMA_WINDOW	0x18
#define DMA_PERIOD	0x20
#define DMA_LIMIT	0x28

#define DMA_RUN		1
#define DMA_WITH_PASID	2
#define DMA_STRICT	4
#define DMA_READ	8

/* Counters of a channel, and what it read last */
#define DMA_SEQUENCE	0x30
#define DMA_WRITTEN	0x38
#define DMA_FAILED	0x40
#define DMA_REWRITTEN	0x48
#define DMA_SEEN	0x50

/* The device itself, where a PASID is asked for */
#define NO_PASID	0U

/* Memory with an address space of its own, in which it is at the same IOVA as the others */
struct dma_area {
	__u64 (*slot)[DMA_WORDS];
	__u32 ioas, hwpt;
};

struct dma_rig {
	char bdf[BDF_LEN];
	int iommufd, device;
	__u32 dev_id;
	struct dma_area area[DMA_AREAS];
	bool pasids;		/* VFIO and iommufd attach PASIDs in this kernel */
	int lab_pasid;		/* the lab's module that does it in any; -1: not asked */
};

/* Memory for the areas, which children share; then the device, bound and started. */
int dma_memory(struct dma_rig *rig);
/* -ENODEV: there is no such device. On failure nothing is held but the memory. */
int dma_open(struct dma_rig *rig);
/* The device is nobody's and without driver. */
int dma_close(struct dma_rig *rig);
void dma_free(struct dma_rig *rig);

/* Attach the address space of area @n, or replace the one that is attached. */
int dma_attach(struct dma_rig *rig, __u32 pasid, unsigned int n);
int dma_detach(struct dma_rig *rig, __u32 pasid);
/*
 * The same for kernels that cannot replace: detach what is attached, attach the other, by
 * the lab's module. Areas 0 and 1 only. The first makes the two known to the module.
 */
int dma_by_module(struct dma_rig *rig);
int dma_detach_attach(struct dma_rig *rig, __u32 pasid, unsigned int n);

/* Channel @ch makes @limit requests, or, if that is 0, goes on until it is stopped. */
void dma_start(struct dma_rig *rig, int ch, __u32 pasid, __u64 limit);
void dma_stop(struct dma_rig *rig, int ch);
void dma_finish(struct dma_rig *rig, int ch);
__u64 dma_count(struct dma_rig *rig, int ch, __u64 counter);

/* Has each request of channel @ch, one full area of them, landed here? */
bool dma_all_landed(const struct dma_area *area, int ch);
bool dma_untouched(const struct dma_area *area);
void dma_clear(struct dma_area *area);

struct dma_tally {
	unsigned long replaces;
	unsigned long refused;		/* replaces that answered an error */
	unsigned long requests;
	unsigned long failed;		/* by the device's own count */
	unsigned long nowhere;		/* that left no trace in memory */
	unsigned long misplaced;	/* that left one where they should not */
	unsigned long rewritten;	/* that met a change of their PASID entry */
};

typedef int (*dma_move)(struct dma_rig *rig, __u32 pasid, unsigned int n);

/*
 * @replaces moves of @pasid from area 0 to area 1 and back under DMA that does not stop,
 * beginning and ending attached by @move. A move that answers -ENOMEM is @tally->refused,
 * has to leave things as they were, and is not counted as a replace; any other error ends
 * the measurement and is returned.
 */
int dma_measure(struct dma_rig *rig, __u32 pasid, dma_move move, unsigned long replaces,
		struct dma_tally *tally);

#endif
