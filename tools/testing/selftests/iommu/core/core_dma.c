// SPDX-License-Identifier: GPL-2.0-only
/* DMA with PASIDs by the lab's device: see core_dma.h */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/iommufd.h>
#include <linux/vfio.h>

#include "core_dma.h"

#define AT		0x40000000ULL	/* the IOVA */
#define NS		500		/* between two requests */

/* As in kernels since 6.15; the headers may be older. */
#define FOR_PASIDS	8U		/* IOMMU_HWPT_ALLOC_PASID */
#define PASID_FLAG	1U		/* VFIO_DEVICE_ATTACH_PASID and _DETACH_ */

#define LAB_PASID	"/sys/kernel/debug/lab_pasid"

int dma_memory(struct dma_rig *rig)
{
	int i;

	for (i = 0; i < DMA_AREAS; i++) {
		void *memory = mmap(NULL, DMA_BYTES, PROT_READ | PROT_WRITE,
				    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

		if (memory == MAP_FAILED)
			return -errno;
		rig->area[i].slot = memory;
	}
	return 0;
}

void dma_free(struct dma_rig *rig)
{
	int i;

	for (i = 0; i < DMA_AREAS; i++)
		munmap(rig->area[i].slot, DMA_BYTES);
}

static int make_space(struct dma_rig *rig, struct dma_area *area)
{
	struct iommu_hwpt_alloc arg = {
		.size = sizeof(arg),
		.flags = FOR_PASIDS,
		.dev_id = rig->dev_id,
	};
	int ret;

	ret = ioas_alloc(rig->iommufd, &area->ioas);
	if (!ret)
		ret = ioas_map(rig->iommufd, area->ioas, area->slot, DMA_BYTES, AT);
	if (ret)
		return ret;
	arg.pt_id = area->ioas;
	rig->pasids = !ioctl(rig->iommufd, IOMMU_HWPT_ALLOC, &arg);
	area->hwpt = arg.out_hwpt_id;
	if (rig->pasids)
		return 0;
	/* this is what kernels without the flag say */
	if (errno != EOPNOTSUPP)
		return -errno;
	return hwpt_alloc(rig->iommufd, rig->dev_id, area->ioas, &area->hwpt);
}

static int take_device(struct dma_rig *rig)
{
	int ret, i;

	rig->iommufd = iommufd_open();
	if (rig->iommufd < 0)
		return rig->iommufd;
	rig->device = cdev_open(rig->bdf);
	if (rig->device < 0)
		return rig->device;
	ret = cdev_bind(rig->device, rig->iommufd, &rig->dev_id);
	for (i = 0; !ret && i < DMA_AREAS; i++)
		ret = make_space(rig, &rig->area[i]);
	return ret ?: device_start(rig->device);
}

int dma_open(struct dma_rig *rig)
{
	struct pci_list found;
	int ret = pci_find(DMA_VENDOR, DMA_DEVICE, &found);

	if (!ret && !found.count)
		ret = -ENODEV;
	if (ret)
		return ret;
	memcpy(rig->bdf, found.bdf[0], BDF_LEN);
	rig->iommufd = -1;
	rig->device = -1;
	rig->lab_pasid = -1;
	ret = pci_bind(rig->bdf, "vfio-pci");
	if (ret)
		return ret;
	ret = take_device(rig);
	if (ret)
		dma_close(rig);
	return ret;
}

int dma_close(struct dma_rig *rig)
{
	/* the module lets go of the address spaces before they end */
	close(rig->lab_pasid);
	close(rig->device);
	close(rig->iommufd);
	return pci_unbind(rig->bdf);
}

int dma_attach(struct dma_rig *rig, __u32 pasid, unsigned int n)
{
	__u32 hwpt = rig->area[n].hwpt;
	struct {
		__u32 argsz, flags, pt_id, pasid;
	} arg = { sizeof(arg), PASID_FLAG, hwpt, pasid };

	if (pasid == NO_PASID)
		return cdev_attach(rig->device, &hwpt);
	return ioctl(rig->device, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &arg) ? -errno : 0;
}

int dma_detach(struct dma_rig *rig, __u32 pasid)
{
	struct {
		__u32 argsz, flags, pasid;
	} arg = { sizeof(arg), PASID_FLAG, pasid };

	if (pasid == NO_PASID)
		return cdev_detach(rig->device);
	return ioctl(rig->device, VFIO_DEVICE_DETACH_IOMMUFD_PT, &arg) ? -errno : 0;
}

static int ask_module(struct dma_rig *rig, const char *what, unsigned int value, unsigned int n)
{
	char text[64];
	int len = snprintf(text, sizeof(text), "%s %u %u\n", what, value, n);
	ssize_t got = write(rig->lab_pasid, text, len);

	return got == len ? 0 : got < 0 ? -errno : -EIO;
}

int dma_by_module(struct dma_rig *rig)
{
	unsigned int n;
	int ret;

	rig->lab_pasid = open(LAB_PASID, O_WRONLY | O_CLOEXEC);
	if (rig->lab_pasid < 0)
		return -errno;
	if (dprintf(rig->lab_pasid, "device %s\n", rig->bdf) < 0)
		return -errno;
	/* It takes the domain that the device is attached to. */
	for (n = 0; n < 2; n++) {
		ret = dma_attach(rig, NO_PASID, n);
		if (!ret)
			ret = ask_module(rig, "take", 0, n);
		if (ret)
			return ret;
	}
	return dma_attach(rig, NO_PASID, 2);
}

int dma_detach_attach(struct dma_rig *rig, __u32 pasid, unsigned int n)
{
	return ask_module(rig, "attach", pasid, n);
}

static void set(struct dma_rig *rig, int ch, __u64 reg, __u64 value)
{
	if (device_io(rig->device, VFIO_PCI_BAR0_REGION_INDEX, true, DMA_CHANNEL(ch) + reg,
		      &value, 8))
		abort();
}

static __u64 get(struct dma_rig *rig, int ch, __u64 reg)
{
	__u64 value;

	if (device_io(rig->device, VFIO_PCI_BAR0_REGION_INDEX, false, DMA_CHANNEL(ch) + reg,
		      &value, 8))
		abort();
	return value;
}

void dma_start(struct dma_rig *rig, int ch, __u32 pasid, __u64 limit)
{
	set(rig, ch, DMA_PASID, pasid);
	set(rig, ch, DMA_IOVA, AT);
	set(rig, ch, DMA_WINDOW, DMA_BYTES);
	set(rig, ch, DMA_PERIOD, NS);
	set(rig, ch, DMA_LIMIT, limit);
	set(rig, ch, DMA_CONTROL,
	    DMA_RUN | DMA_STRICT | (pasid == NO_PASID ? 0 : DMA_WITH_PASID));
}

void dma_stop(struct dma_rig *rig, int ch)
{
	set(rig, ch, DMA_CONTROL, 0);
}

static bool running(struct dma_rig *rig, int ch)
{
	return get(rig, ch, DMA_CONTROL) & DMA_RUN;
}

void dma_finish(struct dma_rig *rig, int ch)
{
	while (running(rig, ch))
		usleep(1000);
}

__u64 dma_count(struct dma_rig *rig, int ch, __u64 counter)
{
	return get(rig, ch, counter);
}

/* Has request @seq of channel @ch landed here, whole? */
static bool landed(const struct dma_area *area, int ch, __u64 seq)
{
	const __u64 *word = area->slot[seq % DMA_SLOTS];
	int i;

	for (i = 0; i < DMA_WORDS; i++)
		if (word[i] != (seq << 8 | ch << 4 | i))
			return false;
	return true;
}

static bool empty(const struct dma_area *area, __u64 seq)
{
	static const __u64 nothing[DMA_WORDS];

	return !memcmp(area->slot[seq % DMA_SLOTS], nothing, sizeof(nothing));
}

bool dma_all_landed(const struct dma_area *area, int ch)
{
	__u64 seq;

	for (seq = 1; seq <= DMA_SLOTS; seq++)
		if (!landed(area, ch, seq))
			return false;
	return true;
}

bool dma_untouched(const struct dma_area *area)
{
	__u64 seq;

	for (seq = 1; seq <= DMA_SLOTS; seq++)
		if (!empty(area, seq))
			return false;
	return true;
}

void dma_clear(struct dma_area *area)
{
	memset(area->slot, 0, DMA_BYTES);
}

/* The last request before a replace began and the last before it had returned */
struct swap {
	__u64 began, returned;
};

static bool only_in(const struct dma_area *area, const struct dma_area *other, __u64 seq)
{
	return landed(area, 0, seq) && empty(other, seq);
}

/*
 * Where the requests of one window are, which began with area @at attached: each in one of
 * two areas and nowhere else. Those during a replace may be in either, those between two of
 * them have to be where the last one pointed to.
 */
static void look(struct dma_rig *rig, const struct swap *swap, unsigned int swaps,
		 unsigned int at, struct dma_tally *tally)
{
	unsigned int i = 0;
	__u64 seq;

	for (seq = 1; seq <= DMA_SLOTS; seq++) {
		const struct dma_area *here, *there;

		while (i < swaps && seq > swap[i].returned) {
			at = !at;
			i++;
		}
		here = &rig->area[at];
		there = &rig->area[!at];
		if (empty(here, seq) && empty(there, seq))
			tally->nowhere++;
		else if (!only_in(here, there, seq) &&
			 !(i < swaps && seq > swap[i].began && only_in(there, here, seq)))
			tally->misplaced++;
	}
}

/* Replace as often as one window of requests lasts, beginning with @at attached. */
static int measure_window(struct dma_rig *rig, __u32 pasid, dma_move move, unsigned int *at,
			  struct dma_tally *tally)
{
	static struct swap swap[DMA_SLOTS];
	unsigned int first = *at, swaps = 0;
	int ret = 0;

	dma_clear(&rig->area[0]);
	dma_clear(&rig->area[1]);
	dma_start(rig, 0, pasid, DMA_SLOTS);
	while (swaps < DMA_SLOTS && running(rig, 0)) {
		swap[swaps].began = get(rig, 0, DMA_SEQUENCE);
		ret = move(rig, pasid, !*at);
		swap[swaps].returned = get(rig, 0, DMA_SEQUENCE);
		if (!ret) {
			*at = !*at;
			swaps++;
		} else if (ret == -ENOMEM) {
			tally->refused++;
			ret = 0;
		} else {
			break;
		}
	}
	dma_finish(rig, 0);
	tally->replaces += swaps;
	tally->requests += get(rig, 0, DMA_SEQUENCE);
	tally->failed += get(rig, 0, DMA_FAILED);
	tally->rewritten += get(rig, 0, DMA_REWRITTEN);
	look(rig, swap, swaps, first, tally);
	return ret;
}

int dma_measure(struct dma_rig *rig, __u32 pasid, dma_move move, unsigned long replaces,
		struct dma_tally *tally)
{
	unsigned int at = 0;
	int ret;

	*tally = (struct dma_tally){};
	do {
		ret = move(rig, pasid, at);
	} while (ret == -ENOMEM);
	while (!ret && tally->replaces < replaces)
		ret = measure_window(rig, pasid, move, &at, tally);
	return ret;
}
