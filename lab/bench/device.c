// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices that come and go, what they cost in memory, and a PCI hierarchy that
 * is brought under an IOMMU as a whole.
 */
#include <linux/delay.h>
#include <linux/device/bus.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/pci.h>
#include <linux/platform_device.h>
#include <linux/rcupdate.h>
#include <linux/sort.h>
#include <linux/vmstat.h>

#include "bench.h"

#define BENCH_ADDS	21

static struct bench_series first, second;
static u64 bench_begun;

/*
 * The core learns of devices from the bus's notifier chain. One link before
 * its own and one behind it measure what it does, and nothing of what a device
 * costs elsewhere.
 */
static int bench_before(struct notifier_block *nb, unsigned long action,
			void *data)
{
	bench_begun = rdtsc();
	return NOTIFY_DONE;
}

static int bench_after(struct notifier_block *nb, unsigned long action,
		       void *data)
{
	u64 ticks = rdtsc() - bench_begun;

	if (action == BUS_NOTIFY_ADD_DEVICE)
		bench_note(&first, ticks);
	else if (action == BUS_NOTIFY_REMOVED_DEVICE)
		bench_note(&second, ticks);
	return NOTIFY_DONE;
}

static struct notifier_block bench_first_link = {
	.notifier_call = bench_before,
	.priority = INT_MAX,
};

static struct notifier_block bench_last_link = {
	.notifier_call = bench_after,
	.priority = INT_MIN,
};

static void bench_devices_n(unsigned int present, bool shared,
			    unsigned int type)
{
	struct bench_devs bd = { .type = type, .shared = shared };
	const char *kind = shared ? "one group" :
			   type == IOMMU_DOMAIN_DMA ? "own groups, DMA" :
						      "own groups";
	char name[40];

	bench_make(&bd, present);
	bus_register_notifier(&platform_bus_type, &bench_first_link);
	bus_register_notifier(&platform_bus_type, &bench_last_link);
	for (int i = 0; i < BENCH_ADDS; i++) {
		bench_add(&bd);
		bench_remove(&bd);
		cond_resched();
	}
	bus_unregister_notifier(&platform_bus_type, &bench_last_link);
	bus_unregister_notifier(&platform_bus_type, &bench_first_link);
	snprintf(name, sizeof(name), "device_add, %s", kind);
	bench_row_n(&first, name, present);
	snprintf(name, sizeof(name), "device_remove, %s", kind);
	bench_row_n(&second, name, present);
	bench_unmake(&bd);
}

void bench_devices(void)
{
	static const unsigned int present[] = { 64, 512, 4096 };

	for (int i = 0; i < ARRAY_SIZE(present); i++) {
		bench_devices_n(present[i], false, IOMMU_DOMAIN_IDENTITY);
		bench_devices_n(present[i], true, IOMMU_DOMAIN_IDENTITY);
	}
	bench_devices_n(64, false, IOMMU_DOMAIN_DMA);
}

/* ---- memory -------------------------------------------------------------- */

/* The pages of all slabs: what is free elsewhere comes and goes by itself. */
s64 bench_bytes_used(void)
{
	/* What was freed before is back: RCU's callbacks, and their works. */
	for (int i = 0; i < 3; i++) {
		rcu_barrier();
		msleep(200);
	}
	/* Each processor adds up by itself, once in a second. */
	msleep(2500);
	return (global_node_page_state_pages(NR_SLAB_RECLAIMABLE_B) +
		global_node_page_state_pages(NR_SLAB_UNRECLAIMABLE_B)) *
	       PAGE_SIZE;
}

#define BENCH_PLUGS	4096
#define BENCH_ROUNDS	5

static int bench_cmp(const void *a, const void *b)
{
	s64 left = *(const s64 *)a, right = *(const s64 *)b;

	return left < right ? -1 : left > right;
}

/*
 * What BENCH_PLUGS devices take: in most rounds, for what is freed elsewhere comes back
 * at some other time. They stay for the same reason.
 */
static s64 bench_bytes(struct bench_devs *bd)
{
	s64 took[BENCH_ROUNDS];

	bd->devs = kvcalloc(BENCH_ROUNDS * BENCH_PLUGS, sizeof(*bd->devs),
			    GFP_KERNEL);
	bench_must(bd->devs);
	for (int i = 0; i < BENCH_ROUNDS; i++) {
		s64 before = bench_bytes_used();

		for (int n = 0; n < BENCH_PLUGS; n++) {
			bench_add(bd);
			cond_resched();
		}
		took[i] = bench_bytes_used() - before;
	}
	sort(took, BENCH_ROUNDS, sizeof(took[0]), bench_cmp, NULL);
	return took[BENCH_ROUNDS / 2];
}

void bench_memory(void)
{
	struct bench_devs shared = {
		.type = IOMMU_DOMAIN_IDENTITY, .shared = true,
	};
	struct bench_devs alone = { .type = IOMMU_DOMAIN_IDENTITY };
	struct bench_devs outside = { .outside = true };
	s64 in_none = bench_bytes(&outside);
	s64 in_one = bench_bytes(&shared);
	s64 in_own = bench_bytes(&alone);

	bench_value("bytes, per device of", BENCH_PLUGS,
		    div_s64(in_one - in_none, BENCH_PLUGS));
	bench_value("bytes, per group of", BENCH_PLUGS,
		    div_s64(in_own - in_one, BENCH_PLUGS));
	bench_unmake(&alone);
	bench_unmake(&shared);
	bench_unmake(&outside);
}

/* ---- PCI ----------------------------------------------------------------- */

/* The machine decides how many functions there are. */
void bench_pci(void)
{
	struct pci_dev *pdev = NULL;
	unsigned int functions = 0;
	int ret = 0;

	for_each_pci_dev(pdev)
		functions += pdev->hdr_type == PCI_HEADER_TYPE_NORMAL;
	bench_mock_take_pci(true);
	for (int i = 0; i < 3; i++) {
		BENCH(&first, ret |= bench_mock_register());
		BENCH(&second, bench_mock_unregister());
	}
	bench_must(!ret);
	bench_row_n(&first, "pci_probe, functions:", functions);
	bench_row_n(&second, "pci_release, functions:", functions);
}
