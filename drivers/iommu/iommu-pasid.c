// SPDX-License-Identifier: GPL-2.0-only
/*
 * PASIDs and attach handles.
 *
 * group->pasids has an entry for each PASID in use, and for IOMMU_NO_PASID if
 * whoever attached there gave a handle. An entry is the handle, which knows the
 * domain, or the domain alone (iommu-priv.h). It is written in two steps: the
 * slot is reserved while an attach can still fail for want of memory (T2), and
 * filled only behind the last driver call (T5), so that a page request never
 * finds a handle whose attach then fails (W29). Writers hold group->mutex;
 * readers, interrupt threads among them, only the array's own lock.
 */
#define pr_fmt(fmt) "iommu: " fmt

#include <linux/export.h>
#include <linux/idr.h>
#include <linux/seq_file.h>

#include "iommu-priv.h"

static DEFINE_IDA(iommu_global_pasid_ida);

/**
 * iommu_group_seq_slots() - List some of the slots in use for a person
 * @group: the group
 * @m: where to
 * @first: the first PASID to show
 * @most: how many at the most
 *
 * Context: expects group->mutex.
 * Return: the PASID to go on with, or ULONG_MAX.
 */
unsigned long iommu_group_seq_slots(struct iommu_group *group,
				    struct seq_file *m, unsigned long first,
				    unsigned int most)
{
	struct iommu_domain *domain;
	unsigned long pasid;
	void *entry;

	lockdep_assert_held(&group->mutex);

	xa_for_each_start(&group->pasids, pasid, entry, first) {
		if (!most--)
			return pasid;
		if (pasid == IOMMU_NO_PASID)
			seq_puts(m, "  no PASID");
		else
			seq_printf(m, "  PASID %lu", pasid);
		domain = iommu_slot_domain(entry);
		seq_printf(m, ": %s%s%s%s\n", iommu_domain_word(domain),
			   iommu_slot_handle(entry) ? ", handle" : "",
			   xa_get_mark(&group->pasids, pasid,
				       IOMMU_SLOT_PARKED) ? ", parked" : "",
			   iommu_mm_is_gone(domain) ? ", its process is gone" :
						      "");
	}
	return ULONG_MAX;
}

/*
 * A slot that is being changed is an xa_state, XA_STATE(slot, &group->pasids,
 * pasid). It is looked for once: as long as the caller holds group->mutex nobody
 * else stores anything, so it stays where it is.
 */

/* What is in the slot, or NULL; the later functions need not look again. */
static void *iommu_slot_find(struct xa_state *slot)
{
	void *entry;

	rcu_read_lock();
	entry = xas_load(slot);
	rcu_read_unlock();
	return entry;
}

/* Nearly always no PASID of the whole group is parked. */
static bool iommu_slot_is_parked(struct xa_state *slot)
{
	return unlikely(xa_marked(slot->xa, IOMMU_SLOT_PARKED)) &&
	       xas_get_mark(slot, IOMMU_SLOT_PARKED);
}

/* Its leaf of the tree is there; only an erased last entry takes leaves away. */
static bool iommu_slot_has_room(struct xa_state *slot)
{
	return !xas_not_node(slot->xa_node) && !slot->xa_node->shift;
}

/* Behind the check for the slot of IOMMU_NO_PASID: see iommu_slot_reserve(). */
static __always_inline int iommu_pasid_reserve(struct xa_state *slot)
{
	if (iommu_slot_find(slot))
		return -EBUSY;
	if (likely(iommu_slot_has_room(slot)))
		return 0;
	do {
		xas_lock(slot);
		xas_store(slot, XA_ZERO_ENTRY);
		xas_unlock(slot);
	} while (xas_nomem(slot, GFP_KERNEL));
	return xas_error(slot);
}

/**
 * iommu_slot_reserve() - Take a slot before the first driver call
 * @slot: the slot
 *
 * Nothing after it can fail for want of memory (T2). Readers see nothing yet.
 *
 * Context: expects group->mutex; sleeps.
 * Return: 0, -EBUSY the slot is in use, -ENOMEM.
 */
int iommu_slot_reserve(struct xa_state *slot)
{
	/* The first entry needs no memory if it is that of IOMMU_NO_PASID. */
	if (slot->xa_index == IOMMU_NO_PASID && xa_empty(slot->xa))
		return 0;
	return iommu_pasid_reserve(slot);
}

/* Behind the same check: see iommu_slot_publish(). */
static __always_inline void iommu_pasid_publish(struct xa_state *slot,
						struct iommu_domain *domain,
						struct iommu_attach_handle *handle)
{
	struct iommu_group *group =
		container_of(slot->xa, struct iommu_group, pasids);

	if (handle)
		handle->domain = domain;
	/* Into a reserved slot: cannot fail. */
	xas_lock(slot);
	xas_store(slot, iommu_slot_entry(domain, handle));
	if (domain->type == IOMMU_DOMAIN_SVA || iommu_group_user_owned(group))
		xas_set_mark(slot, IOMMU_SLOT_USERS);
	xas_unlock(slot);
}

/**
 * iommu_slot_publish() - Let readers find what a slot has
 * @slot: the slot, reserved or in use
 * @domain: attached by now (T5)
 * @handle: the attacher's record, or NULL; IOMMU_NO_PASID, whose domain is
 *	group->domain, needs no entry without one
 *
 * Context: expects group->mutex.
 */
void iommu_slot_publish(struct xa_state *slot, struct iommu_domain *domain,
			struct iommu_attach_handle *handle)
{
	if (!handle && slot->xa_index == IOMMU_NO_PASID)
		iommu_slot_clear(slot);
	else
		iommu_pasid_publish(slot, domain, handle);
}

/**
 * iommu_slot_clear() - The slot has nothing any more
 * @slot: the slot, in whatever state
 *
 * Context: expects group->mutex.
 */
void iommu_slot_clear(struct xa_state *slot)
{
	xas_lock(slot);
	xas_store(slot, NULL);
	xas_unlock(slot);
}

/* The driver can give the device PASIDs, and take them off again. */
static bool iommu_member_can_pasids(struct group_device *gdev)
{
	return gdev->dev->iommu->max_pasids &&
	       dev_iommu_ops(gdev->dev)->remove_dev_pasid;
}

/* Look at each member; what they all have is remembered. */
static noinline int iommu_pasid_survey_group(struct iommu_group *group,
					     struct device *dev,
					     ioasid_t pasid)
{
	struct group_device *gdev;
	u32 below = U32_MAX;

	for_each_group_device(group, gdev) {
		u32 max = gdev->dev->iommu->max_pasids;

		/* Not at the detach, where it would be too late to refuse. */
		if ((max || gdev->dev == dev) && !iommu_member_can_pasids(gdev))
			return iommu_refuse(group, IOMMU_REFUSED_NO_PASIDS,
					    gdev->dev, -EOPNOTSUPP);
		if (max && pasid >= max)
			return iommu_refuse(group, IOMMU_REFUSED_PASID_RANGE,
					    gdev->dev, -EINVAL);
		below = min(below, max);
	}
	/* Members that come, go or pause make it unknown again. */
	if (!group->nr_paused)
		group->pasids_below = below;
	return 0;
}

/* Does every member have the PASID, and may @dev's driver be given @domain? */
static __always_inline int iommu_pasid_check(struct iommu_group *group,
					     struct iommu_domain *domain,
					     struct device *dev,
					     ioasid_t pasid)
{
	if (unlikely(!iommu_domain_fits_device(domain, dev)))
		return iommu_refuse(group, dev_has_iommu(dev) ?
						   IOMMU_REFUSED_FOREIGN :
						   IOMMU_REFUSED_NO_IOMMU,
				    NULL, -EINVAL);
	if (likely(pasid < group->pasids_below))
		return 0;
	return iommu_pasid_survey_group(group, dev, pasid);
}

/**
 * iommu_attach_device_pasid() - Give a PASID of a device a domain
 * @domain: the domain; stays the caller's
 * @dev: the device; every member of its group that has PASIDs gets the same
 * @pasid: the PASID, not IOMMU_NO_PASID
 * @handle: the caller's record, visible to iommu_attach_handle_get() from the
 *	moment of success until the detach; NULL for none
 *
 * The driver is the one bound to @dev, so the device stays where it is.
 *
 * Context: process context, takes group->mutex.
 * Return: 0, or an error and nothing changed: -EOPNOTSUPP the domain or the
 * driver cannot do PASIDs, or the device has none; -ENODEV no group; -EINVAL no
 * IOMMU, a domain of another driver, IOMMU_NO_PASID, or more than a member has;
 * -EBUSY the PASID is in use, or a member is being reset; -ENOMEM; or the
 * driver's error.
 */
int iommu_attach_device_pasid(struct iommu_domain *domain, struct device *dev,
			      ioasid_t pasid,
			      struct iommu_attach_handle *handle)
{
	struct iommu_group *group = dev->iommu_group;
	int ret;

	if (!domain->ops->set_dev_pasid)
		return -EOPNOTSUPP;
	if (!group)
		return -ENODEV;
	if (pasid == IOMMU_NO_PASID)
		return -EINVAL;

	XA_STATE(slot, &group->pasids, pasid);

	guard(iommu_group)(group);
	iommu_ask(group, IOMMU_REQUEST_PASID, dev);

	ret = iommu_pasid_check(group, domain, dev, pasid);
	if (ret)
		return ret;
	ret = iommu_pasid_reserve(&slot);
	if (ret == -EBUSY)
		return iommu_refuse(group, IOMMU_REFUSED_PASID_USED, NULL, ret);
	if (ret)
		return iommu_refuse_error(group, ret);
	ret = iommu_transition_pasid(group, pasid, NULL, domain);
	if (ret) {
		iommu_slot_clear(&slot);
		return ret;
	}
	iommu_pasid_publish(&slot, domain, handle);
	return 0;
}
EXPORT_SYMBOL_GPL(iommu_attach_device_pasid);

/**
 * iommu_replace_device_pasid() - Take a PASID from one domain to another
 * @domain: the new domain; stays the caller's
 * @dev: the device; every member of its group that has PASIDs gets the same
 * @pasid: a PASID that is in use
 * @handle: the caller's record for the new domain, not the one attached now; it
 *	takes the old one's place at the moment of success
 *
 * The device may go on using the PASID: what its requests meet in between is up
 * to the IOMMU's driver, which is told the old domain and by contract leaves no
 * third possibility but to block (T3, T6). Afterwards the old domain and its
 * handle are the caller's to free.
 *
 * Context: process context, takes group->mutex; sleeps.
 * Return: 0, or an error and nothing changed: -ENODEV no group; -EOPNOTSUPP the
 * domain cannot do PASIDs, the driver cannot replace, or the device has no
 * PASIDs; -EINVAL no IOMMU, a domain of another driver, IOMMU_NO_PASID, no
 * handle or the one attached now, or nothing is attached; -EBUSY a member is
 * being reset; or the driver's error.
 */
int iommu_replace_device_pasid(struct iommu_domain *domain, struct device *dev,
			       ioasid_t pasid,
			       struct iommu_attach_handle *handle)
{
	struct iommu_group *group = dev->iommu_group;
	struct iommu_domain *old;
	void *entry;
	bool parked;
	int ret;

	if (!group)
		return -ENODEV;
	if (!domain->ops->set_dev_pasid)
		return -EOPNOTSUPP;
	if (pasid == IOMMU_NO_PASID || !handle)
		return -EINVAL;

	XA_STATE(slot, &group->pasids, pasid);

	guard(iommu_group)(group);
	iommu_ask(group, IOMMU_REQUEST_PASID, dev);

	ret = iommu_pasid_check(group, domain, dev, pasid);
	if (ret)
		return ret;
	entry = iommu_slot_find(&slot);
	if (!entry)
		return iommu_refuse(group, IOMMU_REFUSED_PASID_UNUSED, NULL,
				    -EINVAL);
	if (iommu_slot_handle(entry) == handle)
		return iommu_refuse(group, IOMMU_REFUSED_PASID_USED, NULL,
				    -EINVAL);

	/* A slot of an address space leaves it only by being blocked (T10). */
	if (domain->type == IOMMU_DOMAIN_SVA ||
	    iommu_slot_domain(entry)->type == IOMMU_DOMAIN_SVA)
		return iommu_refuse(group, IOMMU_REFUSED_NO_REPLACE, NULL,
				    -EOPNOTSUPP);

	/* A new handle alone is no matter of the driver's. */
	parked = iommu_slot_is_parked(&slot);
	old = parked ? NULL : iommu_slot_domain(entry);
	if (old && old != domain && !dev_iommu_ops(dev)->pasid_replace)
		return iommu_refuse(group, IOMMU_REFUSED_NO_REPLACE, NULL,
				    -EOPNOTSUPP);
	if (old != domain) {
		ret = iommu_transition_pasid(group, pasid, old, domain);
		if (ret)
			return ret;
	}
	if (unlikely(parked))
		xa_clear_mark(&group->pasids, pasid, IOMMU_SLOT_PARKED);
	iommu_pasid_publish(&slot, domain, handle);
	return 0;
}
EXPORT_SYMBOL_NS_GPL(iommu_replace_device_pasid, IOMMUFD_INTERNAL);

/**
 * iommu_detach_group_pasid() - Take the domain from a PASID of a group
 * @domain: what was attached
 * @group: the group; the caller has a reference
 * @pasid: the PASID, not IOMMU_NO_PASID
 *
 * For callers that outlive the device through which they attached: its siblings
 * must not keep a domain that is about to be freed (T9).
 *
 * Context: process context, takes group->mutex.
 */
void iommu_detach_group_pasid(struct iommu_domain *domain,
			      struct iommu_group *group, ioasid_t pasid)
{
	XA_STATE(slot, &group->pasids, pasid);
	void *entry;

	guard(iommu_group)(group);

	entry = iommu_slot_find(&slot);
	if (!entry || iommu_slot_domain(entry) != domain)
		return;

	/* Parked: nobody has it any more. */
	if (!iommu_slot_is_parked(&slot))
		iommu_transition_remove(group, pasid, domain);
	iommu_slot_clear(&slot);
}

/**
 * iommu_detach_device_pasid() - Take the domain from a PASID of a device
 * @domain: what was attached
 * @dev: the device; all members of its group lose it
 * @pasid: the PASID
 *
 * Afterwards DMA with the PASID is blocked, and domain and handle are the
 * caller's to free. Harmless where nothing is attached (T9); what somebody else
 * attached to the PASID stays.
 *
 * Context: process context, takes group->mutex.
 */
void iommu_detach_device_pasid(struct iommu_domain *domain, struct device *dev,
			       ioasid_t pasid)
{
	if (dev->iommu_group && pasid != IOMMU_NO_PASID)
		iommu_detach_group_pasid(domain, dev->iommu_group, pasid);
}
EXPORT_SYMBOL_GPL(iommu_detach_device_pasid);

/**
 * iommu_alloc_global_pasid() - Get a PASID that no other device is given
 * @dev: the device that is going to use it
 *
 * Context: process context.
 * Return: a PASID that @dev supports, for iommu_free_global_pasid();
 * IOMMU_PASID_INVALID if it has no PASIDs, none is left, or for want of memory.
 */
ioasid_t iommu_alloc_global_pasid(struct device *dev)
{
	int pasid;

	if (!dev_has_iommu(dev) || !dev->iommu->max_pasids)
		return IOMMU_PASID_INVALID;

	pasid = ida_alloc_range(&iommu_global_pasid_ida,
				IOMMU_FIRST_GLOBAL_PASID,
				dev->iommu->max_pasids - 1, GFP_KERNEL);
	return pasid < 0 ? IOMMU_PASID_INVALID : pasid;
}
EXPORT_SYMBOL_GPL(iommu_alloc_global_pasid);

/**
 * iommu_free_global_pasid() - Give back a global PASID
 * @pasid: from iommu_alloc_global_pasid()
 *
 * Context: any.
 */
void iommu_free_global_pasid(ioasid_t pasid)
{
	if (WARN_ON(pasid == IOMMU_PASID_INVALID))
		return;
	ida_free(&iommu_global_pasid_ida, pasid);
}
EXPORT_SYMBOL_GPL(iommu_free_global_pasid);

/**
 * iommu_attach_handle_get() - Find who is attached to a slot
 * @group: the group
 * @pasid: the slot
 * @type: the domain type the caller can work with; 0: any
 *
 * Context: any that may take a spinlock. There is no reference: the caller
 * keeps the handle from being detached meanwhile.
 * Return: the handle; or an ERR_PTR: -ENOENT nothing is attached there, or
 * without a handle; -EBUSY a domain of another type.
 */
struct iommu_attach_handle *iommu_attach_handle_get(struct iommu_group *group,
						    ioasid_t pasid,
						    unsigned int type)
{
	struct iommu_attach_handle *handle;

	/* Who does not look into the handle needs no lock to find it. */
	if (!type) {
		handle = iommu_slot_handle(xa_load(&group->pasids, pasid));
		return handle ?: ERR_PTR(-ENOENT);
	}

	xa_lock(&group->pasids);
	handle = iommu_slot_handle(xa_load(&group->pasids, pasid));
	if (!handle)
		handle = ERR_PTR(-ENOENT);
	else if (handle->domain->type != type)
		handle = ERR_PTR(-EBUSY);
	xa_unlock(&group->pasids);
	return handle;
}
EXPORT_SYMBOL_NS_GPL(iommu_attach_handle_get, IOMMUFD_INTERNAL);
