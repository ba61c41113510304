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
 * A step is one driver call for one member, see iommu-member.c. Where it may not
 * fail and the driver fails anyway, the member is parked there (T7).
 *
 * Nearly always all members are plain: none is parked, paused, waits for its first
 * mapping or needs 1:1 mappings. Then there is nothing to ask of each, and a move
 * of the group is a driver call and a store for each member.
 *
 * An address space of a process may end at any time, and cannot wait for the
 * mutex: what then happens to its slots is in iommu-mm.c (T10).
 *
 * A domain counts the (member, slot) pairs that translate with it. The count
 * is what makes a stranded domain outlive its owner's iommu_domain_free().
 */
#define pr_fmt(fmt) "iommu: " fmt

#include <trace/events/iommu.h>
#include <trace/events/iommu_core.h>

#include "iommu-priv.h"

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
		if (iommu_member_has_slot(gdev))
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
		if (!iommu_member_has_slot(gdev))
			continue;
		if (!old) {
			iommu_member_remove_pasid(gdev, pasid, new);
		} else if (iommu_member_set_pasid(gdev, pasid, new, old)) {
			iommu_slot_park(gdev, pasid, old, new);
			return;
		}
	}
}

/* Must each member be asked what is special about it? */
static bool iommu_group_has_special(struct iommu_group *group)
{
	struct group_device *gdev;

	for_each_group_device(group, gdev) {
		struct dev_iommu *param = gdev->dev->iommu;

		if (gdev->parked || gdev->pauses || param->require_direct ||
		    READ_ONCE(param->attach_deferred))
			return true;
	}
	return false;
}

/* All members have @domain, or are parked (T5). */
static void iommu_group_publish(struct iommu_group *group,
				struct iommu_domain *domain)
{
	struct group_device *gdev;

	WRITE_ONCE(group->domain, domain);
	if (likely(!group->special))
		return;
	for_each_group_device(group, gdev)
		iommu_member_unpark(gdev);
	group->special = iommu_group_has_special(group);
}

static __always_inline void
iommu_transition_trace(struct iommu_group *group, ioasid_t pasid,
		       struct iommu_domain *old, struct iommu_domain *new,
		       int ret)
{
	if (trace_iommu_transition_enabled())
		trace_iommu_transition(group->id, pasid,
				       iommu_domain_word(old),
				       iommu_domain_word(new),
				       group->nr_devices, ret);
}

/* All members have @old and can be told to take @new, nothing else. */
static __always_inline bool iommu_group_is_plain(struct iommu_group *group,
						 struct iommu_domain *old,
						 struct iommu_domain *new)
{
	return !group->special && old && old != new && new->ops->attach_dev;
}

/* A step of a plain member; the caller has counted it on the new domain. */
static __always_inline int iommu_member_move(struct group_device *gdev,
					     struct iommu_domain *new)
{
	struct device *dev = gdev->dev;
	int ret;

	ret = new->ops->attach_dev(new, dev);
	if (unlikely(ret))
		return ret;
	trace_attach_device_to_domain(dev);
	WRITE_ONCE(dev->iommu->attached, new);
	return 0;
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

/* All before @failed have @new; each knows where it was. */
static int iommu_transition_undo(struct group_device *failed,
				 struct iommu_domain *new, int ret)
{
	struct iommu_group *group = failed->group;
	struct group_device *gdev = failed;

	iommu_transition_trace(group, IOMMU_NO_PASID, group->domain, new, ret);
	iommu_member_repair(gdev);
	list_for_each_entry_continue_reverse(gdev, &group->devices, list)
		iommu_member_undo(gdev);
	return iommu_refuse_error(group, ret);
}

/* The same where all were plain, and none of them is counted off yet. */
static noinline int iommu_transition_undo_plain(struct group_device *failed,
						struct iommu_domain *new,
						int ret)
{
	struct iommu_group *group = failed->group;
	struct iommu_domain *old = group->domain;
	struct group_device *gdev;
	unsigned int moved = 0;

	for_each_group_device(group, gdev) {
		if (gdev == failed)
			break;
		gdev->undo = old;
		moved++;
	}
	iommu_domain_put_many(new, group->nr_devices - moved);
	iommu_domain_put_many(old, moved);
	return iommu_transition_undo(failed, new, ret);
}

/* A transition of a group in which not all members are plain. */
static noinline int iommu_transition_special(struct iommu_group *group,
					     struct iommu_domain *new)
{
	struct iommu_domain *old = group->domain;
	struct group_device *gdev;
	int ret;

	/* Its hardware cannot be asked, and without it T3 cannot be kept. */
	if (group->nr_paused)
		return iommu_refuse(group, IOMMU_REFUSED_RESET, NULL, -EBUSY);
	/* What it has already needs no leave; parked members come back. */
	if (new != old) {
		ret = iommu_transition_check(group, new);
		if (ret)
			return ret;
	}

	for_each_group_device(group, gdev) {
		/* Whose domain was not to be left, and may be gone by now? */
		gdev->undo = gdev->stranded ? NULL :
					      gdev->dev->iommu->attached;
		ret = iommu_member_step(gdev, new);
		if (ret)
			return iommu_transition_undo(gdev, new, ret);
	}
	iommu_transition_trace(group, IOMMU_NO_PASID, old, new, 0);
	iommu_group_publish(group, new);
	return 0;
}

/**
 * iommu_transition() - Take a group's requests without PASID to another domain
 * @group: the group
 * @new: what they shall translate with; compatible with every member
 *
 * Context: expects group->mutex; sleeps.
 * Return: 0, and every member translates with @new; or an error, and every
 * member translates as before: -EBUSY a member is being reset; -ENODEV @new is
 * for PASIDs only; -EINVAL a member's firmware needs 1:1 mappings which @new, a
 * blocking domain, has not; else the driver's.
 */
int iommu_transition(struct iommu_group *group, struct iommu_domain *new)
{
	struct iommu_domain *old = group->domain;
	struct group_device *gdev;
	int ret;

	lockdep_assert_held(&group->mutex);

	if (unlikely(!iommu_group_is_plain(group, old, new)))
		return iommu_transition_special(group, new);

	/* Held before a driver hears of it, let go behind the last one. */
	iommu_domain_get_many(new, group->nr_devices);
	for_each_group_device(group, gdev) {
		ret = iommu_member_move(gdev, new);
		if (unlikely(ret))
			return iommu_transition_undo_plain(gdev, new, ret);
	}
	iommu_transition_trace(group, IOMMU_NO_PASID, old, new, 0);
	WRITE_ONCE(group->domain, new);
	iommu_domain_put_many(old, group->nr_devices);
	return 0;
}

/* The driver refused where it may not. */
static void iommu_member_lost(struct group_device *gdev)
{
	iommu_member_park(gdev, "cannot be taken off its domain");
}

/* The same where there is no way back, and not all members are plain. */
static noinline void iommu_transition_nofail_special(struct iommu_group *group,
						     struct iommu_domain *new)
{
	struct group_device *gdev;

	iommu_transition_trace(group, IOMMU_NO_PASID, group->domain, new, 0);
	for_each_group_device(group, gdev) {
		if (!new)
			iommu_member_park(gdev, "its group has no domain");
		else if (iommu_member_step(gdev, new))
			iommu_member_lost(gdev);
	}
	iommu_group_publish(group, new);
}

/**
 * iommu_transition_nofail() - Move a group where there is no way back
 * @group: the group
 * @new: what its requests without PASID shall translate with; NULL: there is
 *	nothing
 *
 * A member whose driver fails is parked. Whatever happens, no member translates
 * with the old domain afterwards unless it is stranded on it, and then that
 * domain survives being freed (T7, T9).
 *
 * Context: expects group->mutex; sleeps.
 */
void iommu_transition_nofail(struct iommu_group *group,
			     struct iommu_domain *new)
{
	struct iommu_domain *old = group->domain;
	struct group_device *gdev;
	unsigned int lost = 0;

	lockdep_assert_held(&group->mutex);

	if (unlikely(!new || !iommu_group_is_plain(group, old, new))) {
		iommu_transition_nofail_special(group, new);
		return;
	}

	iommu_domain_get_many(new, group->nr_devices);
	for_each_group_device(group, gdev) {
		if (likely(!iommu_member_move(gdev, new)))
			continue;
		/* Which counts it off the old domain, if it can be blocked. */
		iommu_member_lost(gdev);
		lost++;
	}
	iommu_transition_trace(group, IOMMU_NO_PASID, old, new, 0);
	iommu_group_publish(group, new);
	if (unlikely(lost))
		iommu_domain_put_many(new, lost);
	iommu_domain_put_many(old, group->nr_devices - lost);
}

/**
 * iommu_transition_pasid() - Take a PASID of a group to another domain
 * @group: the group
 * @pasid: the PASID
 * @old: what it translates with now, or NULL
 * @new: what it shall translate with; compatible with every member
 *
 * Context: expects group->mutex; sleeps.
 * Return: 0, and every member that has PASIDs has @new for it; or an error, and
 * every one has what it had: -EBUSY a member is being reset; else the driver's.
 */
int iommu_transition_pasid(struct iommu_group *group, ioasid_t pasid,
			   struct iommu_domain *old, struct iommu_domain *new)
{
	bool all = group->pasids_below;
	struct group_device *gdev;
	unsigned int moved = 0;
	int ret = 0;

	lockdep_assert_held(&group->mutex);

	if (unlikely(!all && group->nr_paused))
		return iommu_refuse(group, IOMMU_REFUSED_RESET, NULL, -EBUSY);

	iommu_domain_get_many(new, group->nr_devices);
	for_each_group_device(group, gdev) {
		if (unlikely(!all && !iommu_member_has_slot(gdev)))
			continue;
		ret = iommu_member_tell_pasid(gdev, pasid, old, new);
		if (unlikely(ret))
			break;
		moved++;
	}
	if (unlikely(moved != group->nr_devices))
		iommu_domain_put_many(new, group->nr_devices - moved);
	if (old)
		iommu_domain_put_many(old, moved);
	iommu_transition_trace(group, pasid, old, new, ret);
	if (likely(!ret))
		return 0;
	iommu_slot_undo(gdev, pasid, old, new);
	return iommu_refuse_error(group, ret);
}

/**
 * iommu_transition_remove() - Take a PASID off all members that have it
 * @group: the group
 * @pasid: the PASID, not parked
 * @old: what it translates with
 *
 * Context: expects group->mutex.
 */
void iommu_transition_remove(struct iommu_group *group, ioasid_t pasid,
			     struct iommu_domain *old)
{
	bool all = group->pasids_below && !READ_ONCE(group->faulted) &&
		   old->type != IOMMU_DOMAIN_SVA;
	struct group_device *gdev;

	lockdep_assert_held(&group->mutex);

	iommu_transition_trace(group, pasid, old, NULL, 0);
	for_each_group_device(group, gdev) {
		if (likely(all))
			dev_iommu_ops(gdev->dev)->remove_dev_pasid(gdev->dev,
								   pasid, old);
		else if (iommu_member_has_slot(gdev))
			iommu_member_remove_pasid(gdev, pasid, old);
	}
	if (likely(all))
		iommu_domain_put_many(old, group->nr_devices);
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

/* A user owns the group, or it has no default domain: block it, if it can be. */
static noinline void iommu_group_block(struct iommu_group *group)
{
	struct group_device *gdev = iommu_group_first_member(group);

	/* Groups that VFIO makes up for devices without IOMMU: nothing to do. */
	if (gdev && !dev_has_iommu(gdev->dev))
		return;
	/* Without one every member is parked on what its driver has. */
	iommu_group_need_blocking_domain(group);
	iommu_transition_nofail(group, group->blocking_domain);
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
	if (iommu_group_user_owned(group) || unlikely(!group->default_domain))
		iommu_group_block(group);
	else
		iommu_transition_nofail(group, group->default_domain);
}
