/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Instructions per operation of the IOMMU core.
 *
 * Under QEMU's -icount one tick of the TSC is one instruction. Each row of the
 * result is one operation at one size: the median of many calls, and the 10th
 * and the 90th percentile beside it, each less what an empty measurement costs.
 *
 * The same source is compiled against the base's core and against ours, so it
 * may only use what both have.
 */
#ifndef LAB_BENCH_H
#define LAB_BENCH_H

#include <linux/iommu.h>
#include <linux/types.h>
#include <asm/msr.h>

#define BENCH_CALLS	101

/**
 * struct bench_series - The calls of one row
 * @ticks: what each took
 * @count: how many were noted
 */
struct bench_series {
	u64 ticks[BENCH_CALLS];
	unsigned int count;
};

static inline void bench_note(struct bench_series *s, u64 ticks)
{
	if (s->count < BENCH_CALLS)
		s->ticks[s->count++] = ticks;
}

/* Measure one statement. */
#define BENCH(series, statement)				\
do {								\
	u64 begun = rdtsc();					\
								\
	statement;						\
	bench_note(series, rdtsc() - begun);			\
} while (0)

/* Print a row and empty the series. */
void bench_row(struct bench_series *s, const char *operation,
	       const char *size);
void bench_row_n(struct bench_series *s, const char *operation,
		 unsigned int size);
/* A row that is no measurement of time */
void bench_value(const char *operation, unsigned int size, s64 value);

/* Stops the whole run: figures of calls that fail mean nothing. */
#define bench_must(condition)						\
	__bench_must(!!(condition), #condition, __FILE__, __LINE__)
void __bench_must(bool condition, const char *text, const char *file,
		  int line);

/* ---- mock.c: an IOMMU whose driver does almost nothing ------------------- */

/**
 * struct bench_devs - Devices behind the mock
 * @name: what their names begin with
 * @type: of their default domain
 * @pasids: they have PASIDs
 * @shared: all are in one group
 * @outside: the mock does not take them
 * @group: that group; each device's own if they do not share one
 * @devs: the devices
 * @count: how many
 */
struct bench_devs {
	const char *name;
	unsigned int type;
	bool pasids;
	bool shared;
	bool outside;
	struct iommu_group *group;
	struct device **devs;
	unsigned int count;
};

int bench_mock_register(void);
void bench_mock_unregister(void);
void bench_mock_take_pci(bool take);
void bench_add(struct bench_devs *bd);
void bench_remove(struct bench_devs *bd);
void bench_make(struct bench_devs *bd, unsigned int count);
void bench_unmake(struct bench_devs *bd);
s64 bench_bytes_used(void);

/* ---- the rows ------------------------------------------------------------ */

void bench_map(void);
void bench_dma(void);
void bench_dma_single(struct device *dev, void *page, const char *map,
		      const char *unmap);
void bench_attach(void);
void bench_domains(void);
void bench_pasids(void);
void bench_devices(void);
void bench_memory(void);
void bench_pci(void);
void bench_vtd(void);

/* Processes to be ended; nobody else has their address spaces. */
void bench_sva(const int *pids, unsigned int count);

#endif /* LAB_BENCH_H */
