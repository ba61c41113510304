/* SPDX-License-Identifier: GPL-2.0-only */
/* Allocations that fail by number, as /proc/PID/fail-nth has them fail. */
#ifndef __IOMMU_TESTS_FAILSLAB_H
#define __IOMMU_TESTS_FAILSLAB_H

#include <linux/types.h>

/* Between the two, allocations of the calling task can be made to fail. */
void failslab_begin(void);
void failslab_end(void);
/* Can they? Not without CONFIG_FAILSLAB and its files in debugfs. */
bool failslab_is_there(void);

#define skip_without_failslab(test) do {				\
	if (!failslab_is_there())					\
		kunit_skip(test, "needs CONFIG_FAILSLAB and CONFIG_FAULT_INJECTION_DEBUG_FS"); \
} while (0)

/* The n-th allocation from now on fails; 0: none does. */
void failslab_nth(unsigned int n);
/* How many are still to come until one fails; 0: it has failed. */
unsigned int failslab_left(void);
/* All of them fail. */
void failslab_all(bool on);

#endif /* __IOMMU_TESTS_FAILSLAB_H */
