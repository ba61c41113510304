// SPDX-License-Identifier: GPL-2.0-only
/*
 * The one engine that moves devices between domains.
 *
 * A slot is (group, PASID); IOMMU_NO_PASID is the slot of requests without
 * PASID. A transition takes one slot of one group from an old domain to a new
 * one, on every member, or leaves every member as it was. Everything that
 * changes a translation comes through here, under group->mutex, in this order:
 *
 *	check	what can be known without touching hardware (T2)
 *	step	one driver call for each member; the member's own record,
 *		dev_iommu.attached, follows the driver's answer at once, so that
 *		a driver which asks the core in its callback reads what its
 *		hardware has (T3, T6)
 *	undo	if a member fails: the ones that succeeded go back, last first;
 *		the one that failed kept its old domain, unless its driver
 *		declares attach_breaks_old and has to be told again (T4)
 *	publish	group->domain changes behind the last member (T5)
 *
 * Where a step may not fail and the driver fails anyway, the member is parked
 * (T7): it gets a domain that blocks; if even that fails, a PCI device loses
 * bus mastering and the domain its hardware may still walk is kept from being
 * freed. A parked member comes back with the next attach that succeeds. A PASID
 * is parked on all members alike, by taking it off them, which cannot fail.
 *
 * An address space of a process may end at any time, and cannot wait for the
 * mutex: what then happens to its slots is in iommu-mm.c (T10).
 *
 * A domain counts the (member, slot) pairs that translate with it. The count
 * is what makes a stranded domain outlive its owner's iommu_domain_free().
 */
#define pr_fmt(fmt) "iommu: " fmt

#include <linux/delay.h>
#include <linux/pci.h>
#include <trace/events/iommu.h>
#include <trace/events/iommu_core.h>

#include "iommu-priv.h"

/* How long a mapping waits for a first attach made elsewhere. */
#define IOMMU_DEFERRED_WAIT_US	10000

/*
 * A member without PASIDs has no PASID slots; its siblings may have them. One
 * that is paused has no slots at all: it gets them when it resumes.
 */
static bool iommu_member_has_slot(struct group_device *gdev, ioasid_t pasid)
{
	if (gdev->pauses)
		return false;
	return pasid == IOMMU_NO_PASID || gdev->dev->iommu->max_pasids;
}

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

/*
 * The fences come down when the whole group is where the core wants it, not
 * before: a transition that is undone leaves a parked member parked.
 */
static void iommu_member_unpark(struct group_device *gdev)
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

static int iommu_member_set_pasid(struct group_device *gdev, ioasid_t pasid,
				  struct iommu_domain *old,
				  struct iommu_domain *new)
{
	int ret;

	if (new->type == IOMMU_DOMAIN_SVA)
		ret = iommu_mm_set_slot(new, gdev->dev, pasid);
	else
		ret = new->ops->set_dev_pasid(new, gdev->dev, pasid, old);
	if (ret)
		return ret;
	iommu_domain_get(new);
	iommu_domain_put(old);
	return 0;
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

static void iommu_member_remove_pasid(struct group_device *gdev,
				      ioasid_t pasid, struct iommu_domain *old)
{
	if (old->type == IOMMU_DOMAIN_SVA &&
	    !iommu_mm_end_slot(old, gdev->dev, pasid))
		return;
	dev_iommu_ops(gdev->dev)->remove_dev_pasid(gdev->dev, pasid, old);
	iommu_faults_forget(&gdev->dev->iommu->faults, pasid);
	iommu_domain_put(old);
}

/* Requests of a device that waits for its first mapping stay untouched. */
static bool iommu_member_stays_deferred(struct group_device *gdev,
					struct iommu_domain *domain)
{
	return READ_ONCE(gdev->dev->iommu->attach_deferred) &&
	       domain == gdev->group->default_domain;
}

/* One member, one slot, one driver call. */
static int iommu_member_step(struct group_device *gdev, ioasid_t pasid,
			     struct iommu_domain *old, struct iommu_domain *new)
{
	int ret = 0;

	if (!iommu_member_has_slot(gdev, pasid))
		return 0;
	if (pasid != IOMMU_NO_PASID) {
		if (new)
			return iommu_member_set_pasid(gdev, pasid, old, new);
		iommu_member_remove_pasid(gdev, pasid, old);
		return 0;
	}

	if (iommu_member_stays_deferred(gdev, new))
		return 0;
	if (gdev->dev->iommu->attached != new || gdev->stranded)
		ret = iommu_member_attach(gdev, new);
	return ret;
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

/*
 * Fence a member off (T7). dev_iommu.attached keeps telling which domain the
 * hardware may be walking, and holds it.
 */
static void iommu_member_park(struct group_device *gdev, const char *why)
{
	struct iommu_domain *blocker = iommu_member_blocker(gdev);
	struct dev_iommu *param = gdev->dev->iommu;

	gdev->parked = why;
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

/*
 * The driver failed to take a member from its domain to another one. Most
 * drivers left it where it was; some broke the old attachment first and say so.
 */
static void iommu_member_repair(struct group_device *gdev)
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

/*
 * A driver that said it could replace cannot go back: nobody may be left on a
 * domain that is not the slot's. @undone went back already or is still on @old,
 * all before it are on @new.
 */
static void iommu_slot_park(struct group_device *undone, ioasid_t pasid,
			    struct iommu_domain *old, struct iommu_domain *new)
{
	struct iommu_group *group = undone->group;
	struct iommu_domain *on = new;
	struct group_device *gdev;

	dev_err(undone->dev,
		"PASID %u cannot be given its old domain back: its DMA is blocked for group %s\n",
		pasid, iommu_group_label(group));
	for_each_group_device(group, gdev) {
		if (iommu_member_has_slot(gdev, pasid))
			iommu_member_remove_pasid(gdev, pasid, on);
		if (gdev == undone)
			on = old;
	}
	xa_set_mark(&group->pasids, pasid, IOMMU_SLOT_PARKED);
}

/* The PASID of all members before @failed goes back to where it was. */
static void iommu_slot_undo(struct group_device *failed, ioasid_t pasid,
			    struct iommu_domain *old, struct iommu_domain *new)
{
	struct group_device *gdev = failed;

	list_for_each_entry_continue_reverse(gdev, &failed->group->devices,
					     list) {
		if (!iommu_member_has_slot(gdev, pasid))
			continue;
		if (!old) {
			iommu_member_remove_pasid(gdev, pasid, new);
		} else if (iommu_member_set_pasid(gdev, pasid, new, old)) {
			iommu_slot_park(gdev, pasid, old, new);
			return;
		}
	}
}

/* Take a member that had succeeded back to where it was. */
static void iommu_member_undo(struct group_device *gdev)
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

/* All members have @domain, or are parked (T5). */
static void iommu_group_publish(struct iommu_group *group,
				struct iommu_domain *domain)
{
	struct group_device *gdev;

	WRITE_ONCE(group->domain, domain);
	for_each_group_device(group, gdev)
		iommu_member_unpark(gdev);
}

static void iommu_transition_trace(struct iommu_group *group, ioasid_t pasid,
				   struct iommu_domain *old,
				   struct iommu_domain *new, int ret)
{
	if (trace_iommu_transition_enabled())
		trace_iommu_transition(group->id, pasid,
				       iommu_domain_word(old),
				       iommu_domain_word(new),
				       group->nr_devices, ret);
}

/* All that can be refused before the first driver call (T2). */
static int iommu_transition_check(struct iommu_group *group,
				  struct iommu_domain *new)
{
	struct group_device *gdev;

	/* A domain for PASIDs alone: nobody's attachment was broken by it. */
	if (!new->ops->attach_dev)
		return -ENODEV;
	if (new->type != IOMMU_DOMAIN_BLOCKED && new != group->blocking_domain)
		return 0;

	for_each_group_device(group, gdev) {
		if (gdev->dev->iommu->require_direct)
			return iommu_refuse(group, IOMMU_REFUSED_FIRMWARE,
					    gdev->dev, -EINVAL);
	}
	return 0;
}

/**
 * iommu_transition() - Take one slot of a group to another domain
 * @group: the group
 * @pasid: the slot
 * @old: what a PASID translates with now, or NULL. For IOMMU_NO_PASID each
 *	member knows for itself
 * @new: what it shall translate with; compatible with every member
 *
 * Context: expects group->mutex; sleeps.
 * Return: 0, and every member translates with @new; or an error, and every
 * member translates as before: -EBUSY a member is being reset; -ENODEV @new is
 * for PASIDs only; -EINVAL a member's firmware needs 1:1 mappings which @new, a
 * blocking domain, has not; else the driver's.
 */
int iommu_transition(struct iommu_group *group, ioasid_t pasid,
		     struct iommu_domain *old, struct iommu_domain *new)
{
	struct group_device *gdev;
	int ret;

	lockdep_assert_held(&group->mutex);

	/* Its hardware cannot be asked, and without it T3 cannot be kept. */
	if (group->nr_paused)
		return iommu_refuse(group, IOMMU_REFUSED_RESET, NULL, -EBUSY);
	if (pasid == IOMMU_NO_PASID)
		old = group->domain;
	/* What it has already needs no leave; parked members come back. */
	if (pasid == IOMMU_NO_PASID && new != group->domain) {
		ret = iommu_transition_check(group, new);
		if (ret)
			return ret;
	}

	for_each_group_device(group, gdev) {
		/* Whose domain was not to be left, and may be gone by now? */
		gdev->undo = gdev->stranded ? NULL :
					      gdev->dev->iommu->attached;
		ret = iommu_member_step(gdev, pasid, old, new);
		if (ret)
			goto err_undo;
	}
	if (pasid == IOMMU_NO_PASID)
		iommu_group_publish(group, new);
	iommu_transition_trace(group, pasid, old, new, 0);
	return 0;

err_undo:
	iommu_transition_trace(group, pasid, old, new, ret);
	if (pasid != IOMMU_NO_PASID) {
		iommu_slot_undo(gdev, pasid, old, new);
	} else {
		iommu_member_repair(gdev);
		list_for_each_entry_continue_reverse(gdev, &group->devices,
						     list)
			iommu_member_undo(gdev);
	}
	return iommu_refuse_error(group, ret);
}

/**
 * iommu_transition_nofail() - The same where there is no way back
 * @group: the group
 * @pasid: the slot
 * @old: what the slot translates with now; needed for a PASID
 * @new: what it shall translate with; NULL: nothing any more
 *
 * A member whose driver fails is parked. Whatever happens, no member
 * translates with @old afterwards unless it is stranded on it, and then @old
 * survives being freed (T7, T9).
 *
 * Context: expects group->mutex; sleeps.
 */
void iommu_transition_nofail(struct iommu_group *group, ioasid_t pasid,
			     struct iommu_domain *old, struct iommu_domain *new)
{
	struct group_device *gdev;

	lockdep_assert_held(&group->mutex);

	/* Nobody has it any more. */
	if (pasid != IOMMU_NO_PASID &&
	    xa_get_mark(&group->pasids, pasid, IOMMU_SLOT_PARKED))
		return;

	iommu_transition_trace(group, pasid, old, new, 0);
	for_each_group_device(group, gdev) {
		if (pasid == IOMMU_NO_PASID && !new) {
			iommu_member_park(gdev, "its group has no domain");
			continue;
		}
		if (!iommu_member_step(gdev, pasid, old, new))
			continue;
		iommu_member_park(gdev, "cannot be taken off its domain");
	}
	if (pasid == IOMMU_NO_PASID)
		iommu_group_publish(group, new);
}

/**
 * iommu_group_need_blocking_domain() - Make sure the group can be blocked
 * @group: the group
 *
 * A driver without a blocking domain of its own lends an empty paging domain.
 *
 * Context: expects group->mutex; sleeps.
 * Return: 0 and group->blocking_domain is there; -ENODEV no member has an
 * IOMMU; or what the driver's allocation said.
 */
int iommu_group_need_blocking_domain(struct iommu_group *group)
{
	struct group_device *gdev = iommu_group_first_member(group);
	struct iommu_domain *domain;

	if (group->blocking_domain)
		return 0;
	if (!gdev || !dev_has_iommu(gdev->dev))
		return -ENODEV;

	domain = iommu_domain_alloc_type(gdev->dev, IOMMU_DOMAIN_BLOCKED);
	if (IS_ERR(domain))
		domain = iommu_domain_alloc_type(gdev->dev,
						 IOMMU_DOMAIN_UNMANAGED);
	if (IS_ERR(domain))
		return PTR_ERR(domain);
	group->blocking_domain = domain;
	return 0;
}

/**
 * iommu_group_set_core_domain() - Give a group back to the domain it owns
 * @group: the group
 *
 * That is the blocking domain while a user owns the group, else the default
 * domain. Never fails; harmless when repeated (T9).
 *
 * Context: expects group->mutex; sleeps.
 */
void iommu_group_set_core_domain(struct iommu_group *group)
{
	struct group_device *gdev = iommu_group_first_member(group);
	struct iommu_domain *core = group->default_domain;

	/* Groups that VFIO makes up for devices without IOMMU: nothing to do. */
	if (gdev && !dev_has_iommu(gdev->dev))
		return;

	if (iommu_group_user_owned(group) || !core) {
		/* Without one every member is parked on what its driver has. */
		iommu_group_need_blocking_domain(group);
		core = group->blocking_domain;
	}
	iommu_transition_nofail(group, IOMMU_NO_PASID, group->domain, core);
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
 * iommu_transition_join() - Give a new member what its group translates with
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
int iommu_transition_join(struct group_device *gdev,
			  struct iommu_domain *domain)
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

	ret = iommu_member_step(gdev, IOMMU_NO_PASID, NULL, domain);
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
		if (gdev != lost && iommu_member_has_slot(gdev, pasid))
			iommu_member_remove_pasid(gdev, pasid, domain);
	xa_set_mark(&group->pasids, pasid, IOMMU_SLOT_PARKED);
}

/**
 * iommu_transition_pause() - Take all slots from a member that is going to reset
 * @gdev: the member
 *
 * Its requests are blocked and its caches of translations out of use, so that
 * nothing waits for a device that cannot answer. The group keeps its slots and
 * may lose some, but cannot be given others until the member resumes. Firmware
 * that needs 1:1 mappings keeps them.
 *
 * Context: expects group->mutex; sleeps. Nests.
 */
void iommu_transition_pause(struct group_device *gdev)
{
	struct dev_iommu *param = gdev->dev->iommu;
	struct iommu_domain *blocker;

	lockdep_assert_held(&gdev->group->mutex);

	if (gdev->pauses++)
		return;

	iommu_leave_pasids(gdev, ULONG_MAX);
	gdev->group->nr_paused++;
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
 * iommu_transition_resume() - Give a member back what its group has by now
 * @gdev: a paused member
 *
 * Context: expects group->mutex; sleeps. Whatever the driver cannot restore is
 * parked.
 */
void iommu_transition_resume(struct group_device *gdev)
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
	else if (iommu_member_step(gdev, IOMMU_NO_PASID, NULL, group->domain))
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
 * iommu_transition_leave() - Take its group's PASIDs from a member
 * @gdev: a member that joined
 *
 * Context: expects group->mutex; sleeps.
 */
void iommu_transition_leave(struct group_device *gdev)
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
 * iommu_transition_rest() - Bring a device to rest before its driver's release
 * @gdev: a member without PASIDs; iommu_transition_left() follows the driver's
 *	release_device()
 *
 * Context: expects group->mutex; sleeps.
 */
void iommu_transition_rest(struct group_device *gdev)
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
 * iommu_transition_left() - The driver let go of a device
 * @gdev: after its driver's release_device(), which by contract uses no domain
 *	any more
 *
 * Context: expects group->mutex.
 */
void iommu_transition_left(struct group_device *gdev)
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
 * iommu_transition_deferred() - Attach a device at its first DMA mapping
 * @dev: a device whose attach was put off until its driver is ready, as in a
 *	kernel that starts after a crash
 * @domain: its group's default domain
 *
 * Context: any, also atomic: a mapping may come from an interrupt handler, so
 * group->mutex cannot be taken here.
 * Return: 0, -EBUSY somebody else is at it and does not come to an end, or the
 * driver's error.
 */
int iommu_transition_deferred(struct device *dev, struct iommu_domain *domain)
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
