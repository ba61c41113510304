// SPDX-License-Identifier: GPL-2.0-only
/*
 * Address spaces of processes behind domains: who translates with one, and its
 * end.
 *
 * All other domains end when their owner has detached them. An mm ends when its
 * last thread exits, whatever a device is doing with it, and its page tables are
 * freed a moment later. So each (device, PASID) that translates with an mm can
 * be taken off it by the end of the mm itself, at any time, behind the back of
 * whoever attached it (T10). This is the part of the transition engine that may
 * run without group->mutex:
 *
 *	set	the mm is held alive (mm_users) from before the driver's call until
 *		the slot is on the list, so an mm never ends in between
 *	end	each slot on the list is blocked: the driver makes it fail every
 *		request. Nothing is freed, and no record of the core changes
 *	remove	the slot is blocked, unless the end of the mm did so before, and
 *		leaves the list; then the driver is told to remove it, with
 *		group->mutex held and in its own time
 *
 * Between set and remove each slot is blocked exactly once, under the lock of
 * its domain, and a slot that may translate is on the list. Drivers never see
 * two calls for one slot at a time, and need not know what an mm_users is.
 *
 * Documentation/driver-api/iommu/sva.rst says why the end of an mm cannot take
 * any lock but this one.
 *
 * Where the page tables of each process lead to the kernel's as well, all who
 * share one have to forget a table of the kernel before it is freed.
 */
#include <linux/rwsem.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <trace/events/iommu_core.h>

#include "iommu-priv.h"

/* All that is shared; whoever goes through it need not keep others from it. */
static LIST_HEAD(iommu_mm_watches);
static DECLARE_RWSEM(iommu_mm_watches_rwsem);

/**
 * struct iommu_mm_slot - one device translates one PASID with an mm
 * @entry: link in iommu_mm_watch.live or .ended
 * @dev: the device; a member of its group as long as the slot exists
 * @pasid: the PASID
 */
struct iommu_mm_slot {
	struct list_head entry;
	struct device *dev;
	ioasid_t pasid;
};

/*
 * What the mm tells
 */

static void iommu_mm_block(struct iommu_mm_watch *watch,
			   struct iommu_mm_slot *slot)
{
	struct iommu_domain *domain = watch->domain;

	lockdep_assert_held(&watch->lock);

	domain->ops->block_dev_pasid(domain, slot->dev, slot->pasid);
	list_move_tail(&slot->entry, &watch->ended);
}

/*
 * Nobody has the mm any more: mm_users is 0, so nothing joins the list. The lock
 * is given back after each slot, for the sake of everybody else.
 */
static void iommu_mm_ended(struct mmu_notifier *notifier, struct mm_struct *mm)
{
	struct iommu_mm_watch *watch =
		container_of(notifier, struct iommu_mm_watch, notifier);
	struct iommu_mm_slot *slot;

	do {
		spin_lock(&watch->lock);
		watch->gone = true;
		slot = list_first_entry_or_null(&watch->live,
						struct iommu_mm_slot, entry);
		if (slot) {
			trace_iommu_mm_end(slot->dev, slot->pasid);
			iommu_mm_block(watch, slot);
		}
		spin_unlock(&watch->lock);
		cond_resched();
	} while (slot);
}

/* Called with page table locks held. */
static void iommu_mm_changed(struct mmu_notifier *notifier,
			     struct mm_struct *mm, unsigned long start,
			     unsigned long end)
{
	struct iommu_domain *domain =
		container_of(notifier, struct iommu_mm_watch, notifier)->domain;

	domain->ops->flush_mm(domain, start, end);
}

static const struct mmu_notifier_ops iommu_mm_notifier_ops = {
	.release = iommu_mm_ended,
	.arch_invalidate_secondary_tlbs = iommu_mm_changed,
};

/**
 * iommu_mm_follow() - Let a domain follow an address space
 * @domain: an SVA domain that nothing translates with yet
 * @mm: what it shares; the caller holds mm_users
 *
 * Context: process context; takes the mm's mmap_lock.
 * Return: 0; -EOPNOTSUPP the IOMMU's driver cannot end a slot without being
 * waited for; -ENOMEM; -EINTR.
 */
int iommu_mm_follow(struct iommu_domain *domain, struct mm_struct *mm)
{
	struct iommu_mm_watch *watch;
	int ret;

	if (!domain->ops->block_dev_pasid || !domain->ops->flush_mm)
		return -EOPNOTSUPP;

	watch = kzalloc(sizeof(*watch), GFP_KERNEL);
	if (!watch)
		return -ENOMEM;
	watch->notifier.ops = &iommu_mm_notifier_ops;
	watch->domain = domain;
	spin_lock_init(&watch->lock);
	INIT_LIST_HEAD(&watch->live);
	INIT_LIST_HEAD(&watch->ended);

	ret = mmu_notifier_register(&watch->notifier, mm);
	if (ret) {
		kfree(watch);
		return ret;
	}
	domain->watch = watch;

	down_write(&iommu_mm_watches_rwsem);
	list_add_tail(&watch->entry, &iommu_mm_watches);
	up_write(&iommu_mm_watches_rwsem);
	return 0;
}

/**
 * iommu_mm_unfollow() - The domain need not follow its address space any more
 * @domain: no slot is left
 *
 * Afterwards the driver is not called for the domain but to free it.
 *
 * Context: process context, not from an mmu notifier: waits for those that are
 * running.
 */
void iommu_mm_unfollow(struct iommu_domain *domain)
{
	struct iommu_mm_watch *watch = domain->watch;

	WARN_ON(!list_empty(&watch->live) || !list_empty(&watch->ended));
	down_write(&iommu_mm_watches_rwsem);
	list_del(&watch->entry);
	up_write(&iommu_mm_watches_rwsem);
	mmu_notifier_unregister(&watch->notifier, domain->mm);
	domain->watch = NULL;
	kfree(watch);
}

/**
 * iommu_flush_kernel_tables() - Have IOMMUs forget page tables of the kernel
 * @start: the first address that was translated through them
 * @end: the first one that was not; %ULONG_MAX: there is none
 *
 * For an architecture whose page tables of a process lead to the kernel's. A
 * device cannot use the kernel's addresses, but it can try, and its IOMMU then
 * remembers the tables it passed. Called when nothing leads to them any more and
 * before they are freed: by then a device that begins to share an address space
 * does not find them, and all that do so already forget them. Otherwise the IOMMU
 * would take whatever is written there next for a table.
 *
 * Intel VT-d, section 6.2, caches for paging structures.
 *
 * Context: process context, sleeps. Takes no lock under which memory is
 * allocated.
 */
void iommu_flush_kernel_tables(unsigned long start, unsigned long end)
{
	struct iommu_mm_watch *watch;

	guard(rwsem_read)(&iommu_mm_watches_rwsem);
	list_for_each_entry(watch, &iommu_mm_watches, entry)
		watch->domain->ops->flush_mm(watch->domain, start, end);
}

/*
 * For the transition engine
 */

/**
 * iommu_mm_set_slot() - Have a PASID of a device translate with an mm
 * @domain: an SVA domain
 * @dev: the device
 * @pasid: the PASID, which has nothing
 *
 * Context: expects the mutex of the device's group; sleeps.
 * Return: 0; -ESRCH the mm has ended or is just about to; -ENOMEM; or the
 * driver's error.
 */
int iommu_mm_set_slot(struct iommu_domain *domain, struct device *dev,
		      ioasid_t pasid)
{
	struct iommu_mm_watch *watch = domain->watch;
	struct iommu_mm_slot *slot;
	int ret;

	slot = kmalloc(sizeof(*slot), GFP_KERNEL);
	if (!slot)
		return -ENOMEM;
	slot->dev = dev;
	slot->pasid = pasid;

	if (!mmget_not_zero(domain->mm)) {
		kfree(slot);
		return -ESRCH;
	}
	ret = domain->ops->set_dev_pasid(domain, dev, pasid, NULL);
	if (ret) {
		kfree(slot);
	} else {
		spin_lock(&watch->lock);
		list_add_tail(&slot->entry, &watch->live);
		spin_unlock(&watch->lock);
	}
	/* If all others have left meanwhile it ends, but not in here. */
	mmput_async(domain->mm);
	return ret;
}

static struct iommu_mm_slot *iommu_mm_find_slot(struct list_head *slots,
						struct device *dev,
						ioasid_t pasid)
{
	struct iommu_mm_slot *slot;

	list_for_each_entry(slot, slots, entry)
		if (slot->dev == dev && slot->pasid == pasid)
			return slot;
	return NULL;
}

/**
 * iommu_mm_end_slot() - Make sure that a PASID of a device translates no more
 * @domain: an SVA domain
 * @dev: the device
 * @pasid: the PASID
 *
 * Context: expects the mutex of the device's group.
 * Return: true if the driver has to remove it; false if it was never set,
 * because the device came when the mm had ended.
 */
bool iommu_mm_end_slot(struct iommu_domain *domain, struct device *dev,
		       ioasid_t pasid)
{
	struct iommu_mm_watch *watch = domain->watch;
	struct iommu_mm_slot *slot;

	spin_lock(&watch->lock);
	slot = iommu_mm_find_slot(&watch->live, dev, pasid);
	if (slot)
		iommu_mm_block(watch, slot);
	else
		slot = iommu_mm_find_slot(&watch->ended, dev, pasid);
	if (slot)
		list_del(&slot->entry);
	spin_unlock(&watch->lock);

	if (!slot)
		return false;
	kfree(slot);
	return true;
}

/**
 * iommu_mm_is_gone() - Has the address space of a domain ended?
 * @domain: any domain that is attached
 *
 * Context: any.
 * Return: true if it was one, and no request is translated any more or again.
 */
bool iommu_mm_is_gone(struct iommu_domain *domain)
{
	return domain->type == IOMMU_DOMAIN_SVA &&
	       READ_ONCE(domain->watch->gone);
}
