// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests that failed: counted, traced, and perhaps printed.
 *
 * Who programs a device decides how often its requests fail. Where that is a
 * user - of an accelerator by a PASID that shares the addresses of his process,
 * or of a device that VFIO gave him - the kernel must not be made to print, least
 * of all when he is gone and the device is not. So all faults are counted and
 * traced, and the core tells the IOMMU's driver whether to print one:
 *
 *	with a PASID		if a driver of the kernel attached it, not for an
 *				address space of a process, nor for a group that
 *				user space owns, nor for a PASID nobody attached
 *	without a PASID		always
 *
 * and that with a limit for each device, so that no device hides another.
 *
 * Faults come in interrupts, in numbers. Counting takes no lock and no memory: a
 * device has room for a few PASIDs that fault at a time, and one counter for all
 * others. A PASID that is taken off its device gives its place back.
 */
#include <linux/export.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <trace/events/iommu_core.h>

#include "iommu-priv.h"

/**
 * iommu_faults_init() - No request of a new device has failed
 * @faults: its counters, zeroed
 *
 * Context: any.
 */
void iommu_faults_init(struct iommu_faults *faults)
{
	ratelimit_default_init(&faults->limit);
	/* How many were left out can be read; it need not be printed as well. */
	ratelimit_set_flags(&faults->limit, RATELIMIT_MSG_ON_RELEASE);
}

/**
 * iommu_faults_alloc() - Make room for the PASIDs of a new device
 * @faults: the device's counters; iommu_faults_free() gives the room back
 *
 * Context: process context, before anybody attaches a PASID.
 * Return: 0 or -ENOMEM.
 */
int iommu_faults_alloc(struct iommu_faults *faults)
{
	faults->pasids = kcalloc(IOMMU_FAULT_PASIDS, sizeof(*faults->pasids),
				 GFP_KERNEL);
	return faults->pasids ? 0 : -ENOMEM;
}

/**
 * iommu_faults_free() - No request of a device is reported any more
 * @faults: its counters
 *
 * Context: process context.
 */
void iommu_faults_free(struct iommu_faults *faults)
{
	kfree(faults->pasids);
}

/* Of the PASID itself, or of all that are not counted apart. */
static atomic_long_t *iommu_fault_counter(struct iommu_faults *faults,
					  ioasid_t pasid)
{
	if (pasid == IOMMU_NO_PASID)
		return &faults->without;

	for (int i = 0; faults->pasids && i < IOMMU_FAULT_PASIDS; i++) {
		u32 *place = &faults->pasids[i].pasid;
		u32 taken = READ_ONCE(*place);

		if (!taken)
			taken = cmpxchg(place, 0, pasid);
		if (!taken || taken == pasid)
			return &faults->pasids[i].count;
	}
	return &faults->others;
}

/* Without a lock: an answer of a moment ago is as good. */
static bool iommu_pasid_is_kernels(struct iommu_group *group, ioasid_t pasid)
{
	return group && xa_load(&group->pasids, pasid) &&
	       !xa_get_mark(&group->pasids, pasid, IOMMU_SLOT_USERS);
}

/**
 * iommu_device_fault() - An IOMMU's driver tells that a request failed
 * @dev: who made it; the driver keeps it from leaving meanwhile
 * @pasid: with which PASID, or IOMMU_NO_PASID
 * @addr: for which address
 * @flags: %IOMMU_FAULT_READ or %IOMMU_FAULT_WRITE
 *
 * For each request that the device will not get an answer to but an error.
 *
 * Context: any, also hard interrupts; takes no lock.
 * Return: true if the driver is to print it, and then without a limit of its
 * own.
 */
bool iommu_device_fault(struct device *dev, ioasid_t pasid, u64 addr, int flags)
{
	struct iommu_faults *faults = &dev->iommu->faults;
	struct iommu_group *group = dev->iommu_group;

	trace_iommu_fault(dev, pasid, addr, flags & IOMMU_FAULT_WRITE);
	/* Before it is counted: who takes the PASID away looks for the count then. */
	if (group && pasid != IOMMU_NO_PASID)
		WRITE_ONCE(group->faulted, true);
	atomic_long_inc(iommu_fault_counter(faults, pasid));

	if (pasid != IOMMU_NO_PASID && !iommu_pasid_is_kernels(group, pasid))
		return false;
	return __ratelimit(&faults->limit);
}
EXPORT_SYMBOL_GPL(iommu_device_fault);

/**
 * iommu_faults_forget() - A PASID was taken off its device
 * @faults: the device's counters
 * @pasid: the PASID, which may be somebody else's soon
 *
 * What was counted stays in the sum.
 *
 * Context: expects group->mutex. A fault that is being reported may still be
 * counted for who has the place next.
 */
void iommu_faults_forget(struct iommu_faults *faults, ioasid_t pasid)
{
	for (int i = 0; faults->pasids && i < IOMMU_FAULT_PASIDS; i++) {
		struct iommu_fault_count *place = &faults->pasids[i];

		if (likely(READ_ONCE(place->pasid) != pasid))
			continue;
		atomic_long_add(atomic_long_xchg(&place->count, 0),
				&faults->others);
		WRITE_ONCE(place->pasid, 0);
	}
}

/**
 * iommu_faults_seq() - List what was counted for a person
 * @faults: the device's counters
 * @m: where to; nothing if no request failed
 *
 * Context: any.
 */
void iommu_faults_seq(struct iommu_faults *faults, struct seq_file *m)
{
	long without = atomic_long_read(&faults->without);
	long others = atomic_long_read(&faults->others);

	if (without)
		seq_printf(m, "    faults without PASID: %ld\n", without);
	for (int i = 0; faults->pasids && i < IOMMU_FAULT_PASIDS; i++) {
		u32 pasid = READ_ONCE(faults->pasids[i].pasid);

		if (pasid)
			seq_printf(m, "    faults of PASID %u: %ld\n", pasid,
				   atomic_long_read(&faults->pasids[i].count));
	}
	if (others)
		seq_printf(m, "    faults of other PASIDs: %ld\n", others);
}
