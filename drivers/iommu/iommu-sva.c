// SPDX-License-Identifier: GPL-2.0-only
/*
 * Shared virtual addressing: a device works on a process's own addresses.
 *
 *	mm  1 --- 0..1  struct iommu_mm_data	its PASID, the same on all devices
 *	  1 --- n  SVA domain			how one kind of IOMMU walks the mm
 *	    1 --- n  struct iommu_sva_slot	the domain on the PASID of a group
 *	      1 --- n  struct iommu_sva_bond	a device of the group is using it
 *
 * The PASID is taken when the mm is first bound and stays until the mm is
 * gone, so that binding again yields the same number. A domain holds the mm's
 * memory (mm_count), never the address space (mm_users): processes exit as if
 * the device were not there. From then on all requests fail (iommu-mm.c); bonds
 * and domains end when the devices' drivers unbind, in their own time. Only then
 * may the mm go, and another one be given the PASID.
 *
 * A PASID is attached to a whole group, while drivers bind single devices and
 * know nothing of each other. What the group holds is therefore a separate
 * object, which leaves with the last bond. It is taken from the group, not from
 * a device: an open file may keep a bond beyond its device.
 *
 * iommu_sva_lock guards all four levels.
 */
#include <linux/mmu_context.h>
#include <linux/mutex.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "iommu-priv.h"

static DEFINE_MUTEX(iommu_sva_lock);

/**
 * struct iommu_sva_slot - what the PASID slot of a group holds
 * @handle: the attach handle page requests find the domain by
 * @group: the group; the slot has a reference
 * @bonds: the devices of the group that are bound, struct iommu_sva_bond;
 *	never empty
 */
struct iommu_sva_slot {
	struct iommu_attach_handle handle;
	struct iommu_group *group;
	struct list_head bonds;
};

/**
 * struct iommu_sva_bond - a device and an mm
 * @sva: what the driver that bound them knows; @sva.users counts its binds.
 *	@sva.handle is not attached, it only names the domain
 * @entry: link in iommu_sva_slot.bonds
 * @slot: the slot it uses
 */
struct iommu_sva_bond {
	struct iommu_sva sva;
	struct list_head entry;
	struct iommu_sva_slot *slot;
};

/*
 * Page requests
 */

static enum iommu_page_response_code
iommu_sva_fault_in(struct mm_struct *mm,
		   const struct iommu_fault_page_request *prm)
{
	enum iommu_page_response_code code = IOMMU_PAGE_RESP_INVALID;
	unsigned int flags = FAULT_FLAG_REMOTE;
	struct vm_area_struct *vma;
	vm_flags_t wanted = 0;

	if (prm->perm & IOMMU_FAULT_PERM_READ)
		wanted |= VM_READ;
	if (prm->perm & IOMMU_FAULT_PERM_WRITE) {
		wanted |= VM_WRITE;
		flags |= FAULT_FLAG_WRITE;
	}
	if (prm->perm & IOMMU_FAULT_PERM_EXEC) {
		wanted |= VM_EXEC;
		flags |= FAULT_FLAG_INSTRUCTION;
	}
	if (!(prm->perm & IOMMU_FAULT_PERM_PRIV))
		flags |= FAULT_FLAG_USER;

	/* Without FAULT_FLAG_ALLOW_RETRY nobody lets go of the lock. */
	mmap_read_lock(mm);
	vma = vma_lookup(mm, prm->addr);
	if (vma && !(wanted & ~vma->vm_flags) &&
	    !(handle_mm_fault(vma, prm->addr, flags, NULL) & VM_FAULT_ERROR))
		code = IOMMU_PAGE_RESP_SUCCESS;
	mmap_read_unlock(mm);

	return code;
}

static enum iommu_page_response_code
iommu_sva_answer(struct iopf_group *faults, struct mm_struct *mm)
{
	enum iommu_page_response_code code = IOMMU_PAGE_RESP_SUCCESS;
	struct iopf_fault *fault;

	/* The process may be on its way out, with the device still at work. */
	if (!mmget_not_zero(mm))
		return IOMMU_PAGE_RESP_INVALID;

	/* One answer for the whole group, so the first failure settles it. */
	list_for_each_entry(fault, &faults->faults, list) {
		struct iommu_fault_page_request *prm = &fault->fault.prm;

		if (!(prm->flags & IOMMU_FAULT_PAGE_REQUEST_PASID_VALID))
			code = IOMMU_PAGE_RESP_INVALID;
		else
			code = iommu_sva_fault_in(mm, prm);
		if (code != IOMMU_PAGE_RESP_SUCCESS)
			break;
	}

	/*
	 * If these were the last users the address space is torn down, which
	 * may run a driver's close() that waits for this very workqueue.
	 */
	mmput_async(mm);
	return code;
}

static void iommu_sva_fault_work(struct work_struct *work)
{
	struct iopf_group *faults = container_of(work, struct iopf_group, work);
	struct iommu_fault_page_request *last = &faults->last_fault.fault.prm;
	enum iommu_page_response_code code;

	code = iommu_sva_answer(faults, faults->attach_handle->domain->mm);
	if (code != IOMMU_PAGE_RESP_SUCCESS)
		iommu_device_fault(faults->fault_param->dev, last->pasid,
				   last->addr,
				   last->perm & IOMMU_FAULT_PERM_WRITE ?
				   IOMMU_FAULT_WRITE : IOMMU_FAULT_READ);
	iopf_group_response(faults, code);
	iopf_free_group(faults);
}

/* iommu_domain.iopf_handler: faults sleep, so they leave the interrupt thread. */
static int iommu_sva_queue_faults(struct iopf_group *faults)
{
	INIT_WORK(&faults->work, iommu_sva_fault_work);
	if (queue_work(faults->fault_param->queue->wq, &faults->work))
		return 0;
	return -EBUSY;
}

/*
 * Work that was queued before the detach still looks at slot and domain. Not
 * every IOMMU driver waits for it when a PASID is removed.
 */
static int iommu_sva_flush_faults(struct device *dev, void *unused)
{
	if (!dev_has_iommu(dev))
		return 0;

	/* Keeps fault_param, which the device's driver may be taking down. */
	guard(mutex)(&dev->iommu->lock);
	if (rcu_access_pointer(dev->iommu->fault_param))
		iopf_queue_flush_dev(dev);
	return 0;
}

/* Tell why, where it is not the PASID's attach that is refused. */
static void *iommu_sva_refuse(struct device *dev, enum iommu_refusal why,
			      int error)
{
	struct iommu_group *group = dev->iommu_group;

	guard(iommu_group)(group);
	iommu_ask(group, IOMMU_REQUEST_SVA, dev);
	return ERR_PTR(iommu_refuse(group, why, NULL, error));
}

/*
 * PASIDs and domains of an mm
 */

static struct iommu_mm_data *iommu_sva_get_mm_data(struct mm_struct *mm,
						   struct device *dev)
{
	struct iommu_mm_data *data = mm->iommu_mm;

	lockdep_assert_held(&iommu_sva_lock);

	if (!arch_pgtable_dma_compat(mm))
		return iommu_sva_refuse(dev, IOMMU_REFUSED_SVA_ARCH, -EBUSY);

	/* Taken for another device, it may be too big for this one. */
	if (data)
		return data->pasid < dev->iommu->max_pasids ? data :
			iommu_sva_refuse(dev, IOMMU_REFUSED_SVA_RANGE,
					 -EOVERFLOW);

	data = kzalloc(sizeof(*data), GFP_KERNEL);
	if (!data)
		return ERR_PTR(-ENOMEM);

	INIT_LIST_HEAD(&data->watches);
	data->pasid = iommu_alloc_global_pasid(dev);
	if (data->pasid == IOMMU_PASID_INVALID) {
		kfree(data);
		return iommu_sva_refuse(dev, IOMMU_REFUSED_NO_PASIDS, -ENOSPC);
	}

	/* mm_get_enqcmd_pasid() reads through the pointer without a lock. */
	smp_store_release(&mm->iommu_mm, data);
	return data;
}

/**
 * mm_pasid_drop() - Give back the PASID of an address space
 * @mm: the mm, on its way to be freed; no bond can exist, each holds the mm
 *
 * Context: any; the last mmdrop() may come from the scheduler.
 */
void mm_pasid_drop(struct mm_struct *mm)
{
	struct iommu_mm_data *data = mm->iommu_mm;

	if (!data)
		return;

	iommu_free_global_pasid(data->pasid);
	kfree(data);
}

static struct iommu_domain *iommu_sva_alloc_domain(struct device *dev,
						   struct mm_struct *mm)
{
	const struct iommu_ops *ops = dev_iommu_ops(dev);
	struct iommu_domain *domain;
	int ret;

	if (ops->domain_alloc_sva)
		domain = ops->domain_alloc_sva(dev, mm);
	else if (ops->domain_alloc)
		domain = ops->domain_alloc(IOMMU_DOMAIN_SVA);
	else
		domain = ERR_PTR(-EOPNOTSUPP);
	if (IS_ERR(domain))
		return domain;
	if (!domain)
		return ERR_PTR(-ENOMEM);

	domain->type = IOMMU_DOMAIN_SVA;
	domain->owner = ops;
	domain->iopf_handler = iommu_sva_queue_faults;
	/* iommu_domain_free() drops it. */
	mmgrab(mm);
	domain->mm = mm;

	ret = iommu_mm_follow(domain, mm);
	if (ret) {
		iommu_domain_free(domain);
		domain = ret == -EOPNOTSUPP ?
			iommu_sva_refuse(dev, IOMMU_REFUSED_SVA_DRIVER, ret) :
			ERR_PTR(ret);
	}
	return domain;
}

static void iommu_sva_free_domain(struct iommu_domain *domain)
{
	iommu_mm_unfollow(domain);
	iommu_domain_free(domain);
}

/*
 * Slots of groups
 */

/* An existing domain of the mm serves whichever device can use it. */
static int iommu_sva_attach(struct iommu_sva_slot *slot, struct device *dev,
			    struct mm_struct *mm)
{
	struct iommu_mm_data *data = mm->iommu_mm;
	struct iommu_mm_watch *watch;
	struct iommu_domain *domain;
	int ret;

	list_for_each_entry(watch, &data->watches, of_mm) {
		/* Any error means "not this one", the last word comes below. */
		ret = iommu_attach_device_pasid(watch->domain, dev, data->pasid,
						&slot->handle);
		if (!ret) {
			watch->groups++;
			return 0;
		}
	}

	domain = iommu_sva_alloc_domain(dev, mm);
	if (IS_ERR(domain))
		return PTR_ERR(domain);

	ret = iommu_attach_device_pasid(domain, dev, data->pasid,
					&slot->handle);
	if (ret) {
		iommu_sva_free_domain(domain);
		return ret;
	}
	domain->watch->groups = 1;
	list_add(&domain->watch->of_mm, &data->watches);
	return 0;
}

static struct iommu_sva_slot *iommu_sva_alloc_slot(struct device *dev,
						   struct mm_struct *mm)
{
	struct iommu_sva_slot *slot;
	int ret;

	slot = kzalloc(sizeof(*slot), GFP_KERNEL);
	if (!slot)
		return ERR_PTR(-ENOMEM);
	INIT_LIST_HEAD(&slot->bonds);

	ret = iommu_sva_attach(slot, dev, mm);
	if (ret) {
		kfree(slot);
		return ERR_PTR(ret);
	}
	slot->group = iommu_group_ref_get(dev->iommu_group);
	return slot;
}

/* NULL if the PASID is free; an error if it is somebody else's. */
static struct iommu_sva_slot *iommu_sva_find_slot(struct iommu_group *group,
						  struct mm_struct *mm)
{
	struct iommu_attach_handle *handle;

	handle = iommu_attach_handle_get(group, mm->iommu_mm->pasid,
					 IOMMU_DOMAIN_SVA);
	if (handle == ERR_PTR(-ENOENT))
		return NULL;
	if (IS_ERR(handle) || handle->domain->mm != mm)
		return ERR_PTR(-EBUSY);

	return container_of(handle, struct iommu_sva_slot, handle);
}

/* Returns the domain if nobody needs it any more, else NULL. */
static struct iommu_domain *iommu_sva_free_slot(struct iommu_sva_slot *slot)
{
	struct iommu_domain *domain = slot->handle.domain;

	iommu_detach_group_pasid(domain, slot->group,
				 mm_get_enqcmd_pasid(domain->mm));
	iommu_group_for_each_dev(slot->group, NULL, iommu_sva_flush_faults);
	iommu_group_put(slot->group);
	kfree(slot);

	if (--domain->watch->groups)
		return NULL;
	list_del(&domain->watch->of_mm);
	return domain;
}

/*
 * Bonds
 */

static struct iommu_sva_bond *iommu_sva_find_bond(struct iommu_sva_slot *slot,
						  struct device *dev)
{
	struct iommu_sva_bond *bond;

	list_for_each_entry(bond, &slot->bonds, entry)
		if (bond->sva.dev == dev)
			return bond;
	return NULL;
}

static struct iommu_sva *iommu_sva_bind(struct device *dev,
					struct mm_struct *mm)
{
	struct iommu_mm_data *data = iommu_sva_get_mm_data(mm, dev);
	struct iommu_sva_bond *bond;
	struct iommu_sva_slot *slot;

	if (IS_ERR(data))
		return ERR_CAST(data);

	slot = iommu_sva_find_slot(dev->iommu_group, mm);
	if (IS_ERR(slot))
		return iommu_sva_refuse(dev, IOMMU_REFUSED_PASID_USED,
					PTR_ERR(slot));

	bond = slot ? iommu_sva_find_bond(slot, dev) : NULL;
	if (bond) {
		refcount_inc(&bond->sva.users);
		return &bond->sva;
	}

	bond = kzalloc(sizeof(*bond), GFP_KERNEL);
	if (!bond)
		return ERR_PTR(-ENOMEM);

	if (!slot) {
		slot = iommu_sva_alloc_slot(dev, mm);
		if (IS_ERR(slot)) {
			kfree(bond);
			return ERR_CAST(slot);
		}
	}

	bond->sva.handle.domain = slot->handle.domain;
	bond->sva.dev = get_device(dev);
	refcount_set(&bond->sva.users, 1);
	bond->slot = slot;
	list_add(&bond->entry, &slot->bonds);
	return &bond->sva;
}

/**
 * iommu_sva_bind_device() - Let a device use the addresses of a process
 * @dev: the device; its driver called iommu_dev_enable_feature() with
 *	IOMMU_DEV_FEAT_SVA
 * @mm: the address space; the caller holds mm_count
 *
 * Requests of @dev with the PASID that iommu_sva_get_pasid() names are
 * translated like accesses of the process, until the process exits: then they
 * fail. There is one bond for each device and mm: binding again counts, and each
 * bind needs its own iommu_sva_unbind_device(), also after the process's end.
 *
 * Context: process context, takes iommu_sva_lock, the mm's mmap_lock and
 * group->mutex.
 * Return: the bond, or an ERR_PTR: -ENODEV no group or no IOMMU; -EOPNOTSUPP
 * on an x86 kernel that does not tell IOMMUs that kernel page tables are freed, or
 * the driver has no SVA; -ESRCH the process has exited; -EBUSY the mm's addresses do
 * not fit devices, or the mm's PASID is used for something else on this device;
 * -EOVERFLOW the mm has a PASID that is too big for the device; -ENOSPC no PASID
 * is left, or the device has none; -EINTR; -ENOMEM; or the driver's error.
 */
struct iommu_sva *iommu_sva_bind_device(struct device *dev,
					struct mm_struct *mm)
{
	struct iommu_sva *sva;

	if (!dev->iommu_group || !dev_has_iommu(dev))
		return ERR_PTR(-ENODEV);
	if (!IOMMU_ARCH_HAS_SVA)
		return iommu_sva_refuse(dev, IOMMU_REFUSED_SVA_ARCH,
					-EOPNOTSUPP);
	/* Who has ended already can tell nobody any more. */
	if (!mmget_not_zero(mm))
		return iommu_sva_refuse(dev, IOMMU_REFUSED_SVA_GONE, -ESRCH);

	mutex_lock(&iommu_sva_lock);
	sva = iommu_sva_bind(dev, mm);
	mutex_unlock(&iommu_sva_lock);

	/* If all others have left meanwhile: not under the caller's locks. */
	mmput_async(mm);
	return sva;
}
EXPORT_SYMBOL_GPL(iommu_sva_bind_device);

/**
 * iommu_sva_unbind_device() - Undo one iommu_sva_bind_device()
 * @sva: the bond
 *
 * The device no longer issues requests with the PASID on behalf of this bind,
 * and its page requests have reached the IOMMU. With the last unbind of the
 * last bound device of the group the PASID is blocked, and all its page
 * requests were answered.
 *
 * Context: process context, takes iommu_sva_lock and group->mutex; waits for
 * page requests in flight and for mmu notifiers, so must not be called by one.
 */
void iommu_sva_unbind_device(struct iommu_sva *sva)
{
	struct iommu_sva_bond *bond =
		container_of(sva, struct iommu_sva_bond, sva);
	struct iommu_domain *unused = NULL;

	mutex_lock(&iommu_sva_lock);
	if (!refcount_dec_and_test(&sva->users)) {
		mutex_unlock(&iommu_sva_lock);
		return;
	}
	list_del(&bond->entry);
	if (list_empty(&bond->slot->bonds))
		unused = iommu_sva_free_slot(bond->slot);
	mutex_unlock(&iommu_sva_lock);

	/* It takes a while, and nobody else can find it. */
	if (unused)
		iommu_sva_free_domain(unused);
	put_device(sva->dev);
	kfree(bond);
}
EXPORT_SYMBOL_GPL(iommu_sva_unbind_device);

/**
 * iommu_sva_get_pasid() - The PASID of a bond
 * @sva: the bond
 *
 * Context: any.
 * Return: the PASID, constant as long as the mm lives.
 */
u32 iommu_sva_get_pasid(struct iommu_sva *sva)
{
	return mm_get_enqcmd_pasid(sva->handle.domain->mm);
}
EXPORT_SYMBOL_GPL(iommu_sva_get_pasid);
