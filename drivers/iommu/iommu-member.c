// SPDX-License-Identifier: GPL-2.0-only
/*
 * One member of a group, and what its hardware has.
 *
 * Here are the single steps that the transition engine is made of: one driver
 * call, and the member's own record behind it, dev_iommu.attached, which follows
 * the driver's answer at once (T3, T6). And here a device takes over its group's
 * slots when it joins or comes out of a reset, and gives them up when it leaves
 * or is going to be reset (T8): no other member is touched by that.
 *
 * Where a step may not fail and the driver fails anyway, the member is parked
 * (T7): it gets a domain that blocks; if even that fails, a PCI device loses
 * bus mastering and the domain its hardware may still walk is kept from being
 * freed. A parked member comes back with the next attach that succeeds. A PASID
 * is parked on all members alike, by taking it off them, which cannot fail.
 *
 * A member that is parked, paused, waits for its first mapping or has firmware's
 * 1:1 mappings makes its group a special one (iommu_group.special).
 */
#define pr_fmt(fmt) "iommu: " fmt

#include <linux/delay.h>
#include <linux/pci.h>
#include <trace/events/iommu.h>
#include <trace/events/iommu_core.h>

#include "iommu-priv.h"

/* How long a mapping waits for a first attach made elsewhere. */
#define IOMMU_DEFERRED_WAIT_US	10000

static void iommu_member_record(struct group_device *gdev,
				struct iommu_domain *domain)
{
	struct dev_iommu *param = gdev->dev->iommu;
	struct iommu_domain *old = param->attached;

	iommu_domain_get(domain);
	WRITE_ONCE(param->attached, domain);
	if (!old)
		return;
	if (gdev->stranded) {
		gdev->stranded = false;
		iommu_domain_unstrand(old);
	}
	iommu_domain_put(old);
}

/*
 * A first attach that was deferred is made once (W8): by whoever turns
 * IOMMU_DEFERRED into IOMMU_ATTACHING, the engine or a mapping in whatever
 * context. The others wait for it, mappings for a limited time, since they may
 * have interrupted the very attach they wait for.
 */
static u32 iommu_deferral_begin(struct dev_iommu *param)
{
	u32 was = READ_ONCE(param->attach_deferred);

	while (unlikely(was != IOMMU_NOT_DEFERRED)) {
		was = cmpxchg(&param->attach_deferred, IOMMU_DEFERRED,
			      IOMMU_ATTACHING);
		if (was == IOMMU_DEFERRED)
			break;
		if (was == IOMMU_ATTACHING)
			usleep_range(10, 100);
	}
	return was;
}

/* If it failed the device is as untouched as it was (W7). */
static void iommu_deferral_done(struct dev_iommu *param, u32 was, int ret)
{
	if (likely(was != IOMMU_DEFERRED))
		return;
	/* Whoever sees it done may use the hardware. */
	smp_store_release(&param->attach_deferred,
			  ret ? IOMMU_DEFERRED : IOMMU_NOT_DEFERRED);
}

static int iommu_member_attach_now(struct group_device *gdev,
				   struct iommu_domain *domain)
{
	int ret;

	ret = domain->ops->attach_dev(domain, gdev->dev);
	if (ret)
		return ret;
	trace_attach_device_to_domain(gdev->dev);
	iommu_member_record(gdev, domain);
	return 0;
}

/* Change what a member's requests without PASID translate with. */
static int iommu_member_attach(struct group_device *gdev,
			       struct iommu_domain *domain)
{
	struct dev_iommu *param = gdev->dev->iommu;
	u32 deferral;
	int ret;

	if (unlikely(!domain->ops->attach_dev))
		return -ENODEV;

	deferral = iommu_deferral_begin(param);
	ret = iommu_member_attach_now(gdev, domain);
	iommu_deferral_done(param, deferral, ret);
	return ret;
}

/**
 * iommu_member_unpark() - Take the fences down, if there is no need for them
 * @gdev: a member
 *
 * When the whole group is where the core wants it, not before: a transition that
 * is undone leaves a parked member parked.
 *
 * Context: expects group->mutex.
 */
void iommu_member_unpark(struct group_device *gdev)
{
	if (!gdev->parked || gdev->stranded ||
	    gdev->dev->iommu->attached != gdev->group->domain)
		return;
	if (gdev->master_cleared) {
		gdev->master_cleared = false;
		pci_set_master(to_pci_dev(gdev->dev));
	}
	gdev->parked = NULL;
	dev_info(gdev->dev, "no longer parked\n");
	trace_iommu_park(gdev->group->id, gdev->dev, "", false);
}

/**
 * iommu_member_set_pasid() - Give a PASID of one member a domain
 * @gdev: a member that has the slot
 * @pasid: the PASID
 * @old: what it translates with now, or NULL
 * @new: what it shall translate with
 *
 * Context: expects group->mutex; sleeps.
 * Return: 0 or the driver's error, and it has what it had.
 */
int iommu_member_set_pasid(struct group_device *gdev, ioasid_t pasid,
			   struct iommu_domain *old, struct iommu_domain *new)
{
	int ret;

	ret = iommu_member_tell_pasid(gdev, pasid, old, new);
	if (ret)
		return ret;
	iommu_domain_get(new);
	if (old)
		iommu_domain_put(old);
	return 0;
}

/**
 * iommu_member_remove_pasid() - Take a PASID off one member
 * @gdev: a member that has the slot
 * @pasid: the PASID
 * @old: what it translates with
 *
 * Context: expects group->mutex; sleeps.
 */
void iommu_member_remove_pasid(struct group_device *gdev, ioasid_t pasid,
			       struct iommu_domain *old)
{
	if (old->type == IOMMU_DOMAIN_SVA &&
	    !iommu_mm_end_slot(old, gdev->dev, pasid))
		return;
	dev_iommu_ops(gdev->dev)->remove_dev_pasid(gdev->dev, pasid, old);
	iommu_faults_forget(&gdev->dev->iommu->faults, pasid);
	iommu_domain_put(old);
}

/* Give a member a PASID that its group has. */
static int iommu_member_join_pasid(struct group_device *gdev, ioasid_t pasid,
				   struct iommu_domain *domain)
{
	int ret = iommu_member_set_pasid(gdev, pasid, NULL, domain);

	/* All requests of its siblings fail; its own do, without the PASID. */
	if (ret == -ESRCH && domain->type == IOMMU_DOMAIN_SVA)
		return 0;
	return ret;
}

/* Requests of a device that waits for its first mapping stay untouched. */
static bool iommu_member_stays_deferred(struct group_device *gdev,
					struct iommu_domain *domain)
{
	return READ_ONCE(gdev->dev->iommu->attach_deferred) &&
	       domain == gdev->group->default_domain;
}

/**
 * iommu_member_step() - Take one member's requests without PASID to a domain
 * @gdev: the member, in whatever state
 * @new: the domain
 *
 * Context: expects group->mutex; sleeps.
 * Return: 0, also where there is nothing to do: the member has it, waits for its
 * first mapping, or is being reset and gets what its group has when it resumes;
 * or the driver's error.
 */
int iommu_member_step(struct group_device *gdev, struct iommu_domain *new)
{
	if (gdev->pauses || iommu_member_stays_deferred(gdev, new))
		return 0;
	if (gdev->dev->iommu->attached == new && !gdev->stranded)
		return 0;
	return iommu_member_attach(gdev, new);
}

static struct iommu_domain *iommu_member_blocker(struct group_device *gdev)
{
	const struct iommu_ops *ops = dev_iommu_ops(gdev->dev);

	if (ops->blocked_domain)
		return ops->blocked_domain;
	if (iommu_group_need_blocking_domain(gdev->group))
		return NULL;
	return gdev->group->blocking_domain;
}

/**
 * iommu_member_park() - Fence a member off (T7)
 * @gdev: the member
 * @why: for people
 *
 * dev_iommu.attached keeps telling which domain the hardware may be walking, and
 * holds it.
 *
 * Context: expects group->mutex; sleeps.
 */
void iommu_member_park(struct group_device *gdev, const char *why)
{
	struct iommu_domain *blocker = iommu_member_blocker(gdev);
	struct dev_iommu *param = gdev->dev->iommu;

	gdev->parked = why;
	gdev->group->special = true;
	if (blocker && (param->attached == blocker ||
			!iommu_member_attach(gdev, blocker))) {
		dev_err(gdev->dev, "%s: DMA is blocked until the next attach\n",
			why);
		trace_iommu_park(gdev->group->id, gdev->dev, why, false);
		return;
	}

	if (param->attached && !gdev->stranded) {
		gdev->stranded = true;
		iommu_domain_strand(param->attached);
	}
	if (dev_is_pci(gdev->dev) && to_pci_dev(gdev->dev)->is_busmaster) {
		pci_clear_master(to_pci_dev(gdev->dev));
		gdev->master_cleared = true;
	}
	dev_err(gdev->dev, "%s, and cannot be blocked: %s\n", why,
		gdev->master_cleared ? "bus mastering is off" :
				       "its domain is kept");
	trace_iommu_park(gdev->group->id, gdev->dev, why, true);
}

/**
 * iommu_member_repair() - A driver failed to move a member: what has it now?
 * @gdev: the member; its record is still the old one
 *
 * Most drivers left it where it was; some broke the old attachment first and say
 * so.
 *
 * Context: expects group->mutex; sleeps.
 */
void iommu_member_repair(struct group_device *gdev)
{
	struct dev_iommu *param = gdev->dev->iommu;
	struct iommu_domain *old = param->attached;
	int ret;

	if (!old || !dev_iommu_ops(gdev->dev)->attach_breaks_old)
		return;

	/* The hardware has nothing now, and the driver may ask (T6). */
	WRITE_ONCE(param->attached, NULL);
	ret = old->ops->attach_dev(old, gdev->dev);
	WRITE_ONCE(param->attached, old);
	if (ret)
		iommu_member_park(gdev, "cannot be given its old domain back");
}

/**
 * iommu_member_undo() - Take a member that had succeeded back to where it was
 * @gdev: the member; group_device.undo says where
 *
 * Context: expects group->mutex; sleeps.
 */
void iommu_member_undo(struct group_device *gdev)
{
	struct iommu_domain *old;

	/* A deferred member had nothing yet, but cannot be untouched again. */
	old = gdev->undo ?: gdev->group->domain;
	if (old && gdev->dev->iommu->attached == old)
		return;
	if (!old)
		iommu_member_park(gdev, "first attach of its group failed");
	else if (iommu_member_attach(gdev, old))
		iommu_member_park(gdev, "cannot be given its old domain back");
}

/* Take the group's PASIDs below @end from a member that has them. */
static void iommu_leave_pasids(struct group_device *gdev, unsigned long end)
{
	struct xarray *pasids = &gdev->group->pasids;
	unsigned long pasid;
	void *entry;

	if (!gdev->dev->iommu->max_pasids)
		return;

	xa_for_each_start(pasids, pasid, entry, 1) {
		if (pasid >= end)
			break;
		if (!xa_get_mark(pasids, pasid, IOMMU_SLOT_PARKED))
			iommu_member_remove_pasid(gdev, pasid,
						  iommu_slot_domain(entry));
	}
}

/* Give a newcomer the PASIDs of its group, all or none (W18). */
static int iommu_join_pasids(struct group_device *gdev)
{
	struct xarray *pasids = &gdev->group->pasids;
	u32 max = gdev->dev->iommu->max_pasids;
	unsigned long pasid;
	void *entry;
	int ret;

	if (!max)
		return 0;

	xa_for_each_start(pasids, pasid, entry, 1) {
		if (xa_get_mark(pasids, pasid, IOMMU_SLOT_PARKED))
			continue;
		ret = -EINVAL;
		if (pasid < max)
			ret = iommu_member_join_pasid(gdev, pasid,
						      iommu_slot_domain(entry));
		if (ret) {
			iommu_leave_pasids(gdev, pasid);
			return ret;
		}
	}
	return 0;
}

/* Does somebody else than the core decide what is mapped there? */
static bool iommu_domain_is_users(struct iommu_group *group,
				  struct iommu_domain *domain)
{
	return domain != group->default_domain &&
	       domain != group->blocking_domain &&
	       domain->type != IOMMU_DOMAIN_BLOCKED &&
	       domain->type != IOMMU_DOMAIN_IDENTITY;
}

/**
 * iommu_member_join() - Give a new member what its group translates with
 * @gdev: prepared, not yet linked
 * @domain: the group's domain
 *
 * Context: expects group->mutex; sleeps.
 * Return: 0 and it has all of the group's slots (T8), or an error and it has no
 * PASID; it must not be linked but released: -EINVAL its firmware needs 1:1
 * mappings while a user owns the group, or it has reserved regions of which
 * whoever attached the domain was not told, or fewer PASIDs than the group
 * uses; -ENOMEM; else the driver's.
 */
int iommu_member_join(struct group_device *gdev, struct iommu_domain *domain)
{
	struct iommu_group *group = gdev->group;
	int ret;

	lockdep_assert_held(&group->mutex);

	if (gdev->dev->iommu->require_direct &&
	    (iommu_group_user_owned(group) ||
	     domain->type == IOMMU_DOMAIN_BLOCKED)) {
		iommu_ask(group, IOMMU_REQUEST_JOIN, gdev->dev);
		return iommu_refuse(group, IOMMU_REFUSED_FIRMWARE, gdev->dev,
				    -EINVAL);
	}
	if (iommu_domain_is_users(group, domain)) {
		ret = iommu_check_newcomer_regions(group, gdev->dev);
		if (ret)
			return ret;
	}

	ret = iommu_member_step(gdev, domain);
	if (ret)
		return ret;
	return iommu_join_pasids(gdev);
}

/* The driver cannot give a member a PASID of its group any more. */
static void iommu_slot_park_all(struct group_device *lost, ioasid_t pasid,
				struct iommu_domain *domain)
{
	struct iommu_group *group = lost->group;
	struct group_device *gdev;

	dev_err(lost->dev,
		"PASID %u cannot be given back after a reset: its DMA is blocked for group %s\n",
		pasid, iommu_group_label(group));
	for_each_group_device(group, gdev)
		if (gdev != lost && iommu_member_has_slot(gdev))
			iommu_member_remove_pasid(gdev, pasid, domain);
	xa_set_mark(&group->pasids, pasid, IOMMU_SLOT_PARKED);
}

/**
 * iommu_member_pause() - Take all slots from a member that is going to reset
 * @gdev: the member
 *
 * Its requests are blocked and its caches of translations out of use, so that
 * nothing waits for a device that cannot answer. The group keeps its slots and
 * may lose some, but cannot be given others until the member resumes. Firmware
 * that needs 1:1 mappings keeps them.
 *
 * Context: expects group->mutex; sleeps. Nests.
 */
void iommu_member_pause(struct group_device *gdev)
{
	struct dev_iommu *param = gdev->dev->iommu;
	struct iommu_domain *blocker;

	lockdep_assert_held(&gdev->group->mutex);

	if (gdev->pauses++)
		return;

	iommu_leave_pasids(gdev, ULONG_MAX);
	gdev->group->nr_paused++;
	gdev->group->pasids_below = 0;
	gdev->group->special = true;
	if (param->require_direct || READ_ONCE(param->attach_deferred))
		return;
	blocker = iommu_member_blocker(gdev);
	if (blocker && param->attached == blocker)
		return;
	if (!blocker || iommu_member_attach(gdev, blocker)) {
		dev_warn(gdev->dev, "cannot be blocked while it is reset\n");
		if (blocker)
			iommu_member_repair(gdev);
	}
}

/**
 * iommu_member_resume() - Give a member back what its group has by now
 * @gdev: a paused member
 *
 * Context: expects group->mutex; sleeps. Whatever the driver cannot restore is
 * parked.
 */
void iommu_member_resume(struct group_device *gdev)
{
	struct iommu_group *group = gdev->group;
	unsigned long pasid;
	void *entry;

	lockdep_assert_held(&group->mutex);

	if (WARN_ON(!gdev->pauses) || --gdev->pauses)
		return;
	group->nr_paused--;

	if (!group->domain)
		iommu_member_park(gdev, "its group has no domain");
	else if (iommu_member_step(gdev, group->domain))
		iommu_member_park(gdev, "cannot be attached after a reset");
	iommu_member_unpark(gdev);

	if (!gdev->dev->iommu->max_pasids)
		return;
	xa_for_each_start(&group->pasids, pasid, entry, 1) {
		struct iommu_domain *domain = iommu_slot_domain(entry);

		if (!xa_get_mark(&group->pasids, pasid, IOMMU_SLOT_PARKED) &&
		    iommu_member_join_pasid(gdev, pasid, domain))
			iommu_slot_park_all(gdev, pasid, domain);
	}
}

/* Where a device rests between its last translation and the driver's release */
static struct iommu_domain *iommu_release_domain(struct device *dev)
{
	const struct iommu_ops *ops = dev_iommu_ops(dev);

	/* Firmware goes on using its 1:1 regions (W19). */
	if (ops->release_domain && dev->iommu->require_direct &&
	    ops->identity_domain &&
	    ops->release_domain->type == IOMMU_DOMAIN_BLOCKED)
		return ops->identity_domain;
	return ops->release_domain;
}

/**
 * iommu_member_leave() - Take its group's PASIDs from a member
 * @gdev: a member that joined
 *
 * Context: expects group->mutex; sleeps.
 */
void iommu_member_leave(struct group_device *gdev)
{
	lockdep_assert_held(&gdev->group->mutex);

	/* Unplugged in the middle of a reset: its siblings are free again. */
	if (gdev->pauses) {
		gdev->pauses = 0;
		gdev->group->nr_paused--;
		return;
	}
	iommu_leave_pasids(gdev, ULONG_MAX);
}

/**
 * iommu_member_rest() - Bring a device to rest before its driver's release
 * @gdev: a member without PASIDs; iommu_member_left() follows the driver's
 *	release_device()
 *
 * Context: expects group->mutex; sleeps.
 */
void iommu_member_rest(struct group_device *gdev)
{
	struct iommu_domain *rest = iommu_release_domain(gdev->dev);
	struct dev_iommu *param = gdev->dev->iommu;

	lockdep_assert_held(&gdev->group->mutex);

	/* A device nobody ever attached is left as it was found. */
	if (!rest || READ_ONCE(param->attach_deferred) ||
	    param->attached == rest)
		return;
	if (iommu_member_attach(gdev, rest))
		iommu_member_park(gdev, "cannot be released cleanly");
}

/**
 * iommu_member_left() - The driver let go of a device
 * @gdev: after its driver's release_device(), which by contract uses no domain
 *	any more
 *
 * Context: expects group->mutex.
 */
void iommu_member_left(struct group_device *gdev)
{
	struct dev_iommu *param = gdev->dev->iommu;
	struct iommu_domain *last = param->attached;

	lockdep_assert_held(&gdev->group->mutex);

	WRITE_ONCE(param->attached, NULL);
	if (!last)
		return;
	if (gdev->stranded) {
		gdev->stranded = false;
		iommu_domain_unstrand(last);
	}
	iommu_domain_put(last);
}

/**
 * iommu_member_attach_deferred() - Attach a device at its first DMA mapping
 * @dev: a device whose attach was put off until its driver is ready, as in a
 *	kernel that starts after a crash
 * @domain: its group's default domain
 *
 * Context: any, also atomic: a mapping may come from an interrupt handler, so
 * group->mutex cannot be taken here.
 * Return: 0, -EBUSY somebody else is at it and does not come to an end, or the
 * driver's error.
 */
int iommu_member_attach_deferred(struct device *dev, struct iommu_domain *domain)
{
	struct group_device member = {
		.group = dev->iommu_group,
		.dev = dev,
	};
	struct dev_iommu *param = dev->iommu;
	int tries, ret;

	for (tries = 0; tries < IOMMU_DEFERRED_WAIT_US; tries++) {
		u32 was = cmpxchg(&param->attach_deferred, IOMMU_DEFERRED,
				  IOMMU_ATTACHING);

		if (was == IOMMU_NOT_DEFERRED)
			return 0;
		if (was == IOMMU_DEFERRED) {
			ret = iommu_member_attach_now(&member, domain);
			iommu_deferral_done(param, was, ret);
			return ret;
		}
		udelay(1);
	}
	return -EBUSY;
}
