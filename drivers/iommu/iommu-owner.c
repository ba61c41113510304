// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who may decide what a group translates with.
 *
 * group->owner is one tagged word, group->owner_cnt counts its holds:
 *
 *	NULL			nobody; drivers with driver_managed_dma may be
 *				bound, and one of them may have attached a
 *				domain of its own
 *	IOMMU_OWNER_KERNEL	bound drivers that use the DMA API, one hold each;
 *				the group stays on its default domain
 *	anything else		the pointer of a user who claimed the group, one
 *				hold for each claim; blocked until the user
 *				attaches something
 *
 *		  use_default_domain			claim
 *	KERNEL	<-------------------->	none	<---------------->  user
 *		 unuse_default_domain			release
 *
 * There is no arrow between the kernel and a user: who wants the group has to
 * wait until the other has let go of it (O2, O3).
 */
#define pr_fmt(fmt) "iommu: " fmt

#include <linux/device.h>
#include <linux/export.h>
#include <linux/sched.h>
#include <linux/sysfs.h>
#include <trace/events/iommu_core.h>

#include "iommu-priv.h"

static noinline void iommu_owner_trace(struct iommu_group *group)
{
	char owner[IOMMU_OWNER_TEXT];

	trace_iommu_owner(group->id, iommu_owner_kind(group),
			  iommu_owner_text(group, owner), group->owner_cnt);
}

/* One hold more or less: tell those who watch. */
static __always_inline void iommu_owner_moved(struct iommu_group *group,
					      bool changed)
{
	if (trace_iommu_owner_enabled())
		iommu_owner_trace(group);
	if (changed)
		iommu_group_changed(group, IOMMU_GROUP_OWNER_CHANGED, NULL);
}

/* Is the group as its default domain left it: no user's domain, no slots? */
static bool iommu_group_is_idle(struct iommu_group *group)
{
	return group->domain == group->default_domain &&
	       !iommu_group_has_slots(group);
}

/*
 * Arm's own DMA API attaches to @dev before it asks for it; nobody else may have
 * put the group on a domain of its own (O4).
 */
static bool iommu_may_be_first(struct iommu_group *group, struct device *dev)
{
	return !group->owner && (!group->exclusive || group->exclusive == dev);
}

/* The group is not idle: what of it is in use, and by whom? */
static int iommu_refuse_busy(struct iommu_group *group)
{
	enum iommu_refusal why = IOMMU_REFUSED_SLOTS;

	if (group->exclusive)
		why = IOMMU_REFUSED_EXCLUSIVE;
	else if (group->domain != group->default_domain)
		why = IOMMU_REFUSED_ATTACHED;
	return iommu_refuse(group, why, group->exclusive, -EBUSY);
}

/**
 * iommu_device_use_default_domain() - A driver is about to use the DMA API
 * @dev: the device the driver is being bound to
 *
 * The bus calls it before the driver's probe, unless the driver declares
 * driver_managed_dma. iommu_device_unuse_default_domain() takes it back.
 *
 * Context: process context, takes group->mutex.
 * Return: 0, also where the device has no group; -EPROBE_DEFER the group has no
 * default domain yet; -EBUSY a user owns the group, or a driver has it for
 * another device alone; or, where such drivers are bound already, another domain
 * is attached or PASIDs are in use.
 */
int iommu_device_use_default_domain(struct device *dev)
{
	struct iommu_group *group = dev->iommu_group;

	if (!group)
		return 0;

	guard(iommu_group)(group);
	iommu_ask(group, IOMMU_REQUEST_BIND, dev);

	if (!group->default_domain)
		return -EPROBE_DEFER;
	if (iommu_group_user_owned(group))
		return iommu_refuse(group, IOMMU_REFUSED_USER, NULL, -EBUSY);
	if (!iommu_group_is_idle(group) && !iommu_may_be_first(group, dev))
		return iommu_refuse_busy(group);

	group->owner = IOMMU_OWNER_KERNEL;
	dev->iommu->uses_dma_api = true;
	iommu_owner_moved(group, !group->owner_cnt++);
	return 0;
}

/**
 * iommu_device_unuse_default_domain() - A driver stopped using the DMA API
 * @dev: the device the driver was bound to
 *
 * Context: process context, takes group->mutex.
 */
void iommu_device_unuse_default_domain(struct device *dev)
{
	struct iommu_group *group = dev->iommu_group;

	if (!group)
		return;

	guard(iommu_group)(group);

	if (WARN_ON(group->owner != IOMMU_OWNER_KERNEL))
		return;
	dev->iommu->uses_dma_api = false;
	/*
	 * PASIDs that are left over, be they the driver's leak or a sibling's
	 * good right, do not keep this hold (W24): they keep users out.
	 */
	if (!--group->owner_cnt)
		group->owner = NULL;
	iommu_owner_moved(group, !group->owner);
}

/* Somebody holds the group: who? */
static int iommu_refuse_second_owner(struct iommu_group *group, void *owner)
{
	enum iommu_refusal why = IOMMU_REFUSED_OTHER_USER;

	if (group->owner == IOMMU_OWNER_KERNEL)
		why = IOMMU_REFUSED_DRIVER;
	else if (group->owner == owner)
		why = IOMMU_REFUSED_SAME_USER;
	return iommu_refuse(group, why, NULL, -EPERM);
}

/*
 * Claim the group, which has members, for the first time. The same user may come
 * again only through iommu_device_claim_dma_owner().
 */
static int iommu_group_claim(struct iommu_group *group, void *owner,
			     const char *by)
{
	struct group_device *gdev = list_first_entry(&group->devices,
						     struct group_device, list);
	int ret;

	lockdep_assert_held(&group->mutex);

	if (group->owner)
		return iommu_refuse_second_owner(group, owner);
	if (!iommu_group_is_idle(group))
		return iommu_refuse_busy(group);
	if (!dev_has_iommu(gdev->dev))
		return iommu_refuse(group, IOMMU_REFUSED_NO_IOMMU, NULL,
				    -ENODEV);

	if (unlikely(!group->blocking_domain)) {
		ret = iommu_group_need_blocking_domain(group);
		if (ret)
			return iommu_refuse_error(group, ret);
	}
	ret = iommu_transition(group, group->blocking_domain);
	if (ret)
		return ret;

	group->owner = owner;
	group->owner_cnt = 1;
	group->claimant = current->tgid;
	group->claimant_born = current->group_leader->start_boottime;
	group->claimed_by = by;
	iommu_owner_moved(group, true);
	return 0;
}

/* A pointer that could be taken for nobody or for the kernel is no owner. */
static bool iommu_owner_is_valid(void *owner)
{
	return owner && owner != IOMMU_OWNER_KERNEL;
}

/**
 * iommu_group_claim_dma_owner_by() - A user takes a whole group, alone
 * @group: the group
 * @owner: a pointer that stands for the user; not looked into
 * @by: for people, the interface through which the user came, such as "iommufd":
 *	a string that outlives the claim; or NULL
 *
 * From then on nobody else can claim the group, no driver can start to use the
 * DMA API on any member, and all DMA without PASID is blocked until the user
 * attaches a domain.
 *
 * Context: process context, takes group->mutex.
 * Return: 0, or an error and nothing changed: -EINVAL no owner given, or a
 * member's firmware needs 1:1 mappings; -EPERM drivers that use the DMA API are
 * bound, or a user, even the same, has the group; -EBUSY a domain is attached,
 * PASIDs are in use, or a member is being reset; -ENODEV the group is empty or
 * has no IOMMU; -ENOMEM; or the driver's error.
 */
int iommu_group_claim_dma_owner_by(struct iommu_group *group, void *owner,
				   const char *by)
{
	if (WARN_ON(!iommu_owner_is_valid(owner)))
		return -EINVAL;

	guard(iommu_group)(group);
	iommu_ask(group, IOMMU_REQUEST_CLAIM, NULL);

	if (list_empty(&group->devices))
		return iommu_refuse(group, IOMMU_REFUSED_EMPTY, NULL, -ENODEV);
	return iommu_group_claim(group, owner, by);
}
EXPORT_SYMBOL_GPL(iommu_group_claim_dma_owner_by);

/**
 * iommu_group_claim_dma_owner() - The same for users that name no interface
 * @group: the group
 * @owner: a pointer that stands for the user; not looked into
 *
 * Context: process context, takes group->mutex.
 * Return: as iommu_group_claim_dma_owner_by().
 */
int iommu_group_claim_dma_owner(struct iommu_group *group, void *owner)
{
	return iommu_group_claim_dma_owner_by(group, owner, NULL);
}
EXPORT_SYMBOL_GPL(iommu_group_claim_dma_owner);

/**
 * iommu_device_claim_dma_owner_by() - A user takes the group of a device
 * @dev: the device
 * @owner: a pointer that stands for the user; the same user may claim the
 *	group again through each of its devices
 * @by: for people, as for iommu_group_claim_dma_owner_by()
 *
 * Context: process context, takes group->mutex.
 * Return: as iommu_group_claim_dma_owner_by(), but 0 where @owner has the group
 * already; -ENODEV also where @dev has no group.
 */
int iommu_device_claim_dma_owner_by(struct device *dev, void *owner,
				    const char *by)
{
	struct iommu_group *group = dev->iommu_group;

	if (WARN_ON(!iommu_owner_is_valid(owner)))
		return -EINVAL;
	if (!group)
		return -ENODEV;

	guard(iommu_group)(group);
	iommu_ask(group, IOMMU_REQUEST_CLAIM, dev);

	if (group->owner == owner) {
		group->owner_cnt++;
		iommu_owner_moved(group, false);
		return 0;
	}
	return iommu_group_claim(group, owner, by);
}
EXPORT_SYMBOL_GPL(iommu_device_claim_dma_owner_by);

/**
 * iommu_device_claim_dma_owner() - The same for users that name no interface
 * @dev: the device
 * @owner: a pointer that stands for the user
 *
 * Context: process context, takes group->mutex.
 * Return: as iommu_device_claim_dma_owner_by().
 */
int iommu_device_claim_dma_owner(struct device *dev, void *owner)
{
	return iommu_device_claim_dma_owner_by(dev, owner, NULL);
}
EXPORT_SYMBOL_GPL(iommu_device_claim_dma_owner);

/* Drop one claim; the last one gives the group back (O6). */
static void iommu_group_unclaim(struct iommu_group *group)
{
	lockdep_assert_held(&group->mutex);

	/* Neither nobody's nor the kernel's hold is there to be dropped (W25) */
	if (WARN_ON(!iommu_group_user_owned(group)))
		return;

	if (group->owner_cnt > 1) {
		group->owner_cnt--;
		iommu_owner_moved(group, false);
		return;
	}
	/* The user's PASIDs would outlive its right to them. */
	if (WARN_ON(iommu_group_has_slots(group)))
		return;

	group->owner_cnt = 0;
	group->owner = NULL;
	iommu_group_set_core_domain(group);
	iommu_owner_moved(group, true);
}

/**
 * iommu_group_release_dma_owner() - A user gives a group back
 * @group: the group, claimed by iommu_group_claim_dma_owner()
 *
 * With the last claim the group goes back to its default domain, whatever the
 * user left attached. Releasing what no user owns, or with handles or PASIDs
 * still attached, is refused with a warning.
 *
 * Context: process context, takes group->mutex.
 */
void iommu_group_release_dma_owner(struct iommu_group *group)
{
	guard(iommu_group)(group);
	iommu_group_unclaim(group);
}
EXPORT_SYMBOL_GPL(iommu_group_release_dma_owner);

/**
 * iommu_device_release_dma_owner() - A user drops its claim through a device
 * @dev: the device, claimed by iommu_device_claim_dma_owner()
 *
 * As iommu_group_release_dma_owner().
 *
 * Context: process context, takes group->mutex.
 */
void iommu_device_release_dma_owner(struct device *dev)
{
	struct iommu_group *group = dev->iommu_group;

	if (WARN_ON(!group))
		return;

	guard(iommu_group)(group);
	iommu_group_unclaim(group);
}
EXPORT_SYMBOL_GPL(iommu_device_release_dma_owner);

/**
 * iommu_group_dma_owner_claimed() - Does anybody hold the group?
 * @group: the group
 *
 * Context: process context, takes group->mutex.
 * Return: true while a user owns it and also while drivers that use the DMA API
 * are bound.
 */
bool iommu_group_dma_owner_claimed(struct iommu_group *group)
{
	guard(iommu_group)(group);
	return group->owner_cnt;
}
EXPORT_SYMBOL_GPL(iommu_group_dma_owner_claimed);

/* The stable part of it, for everybody; names are in debugfs. */
static ssize_t iommu_group_owner_show(struct iommu_group *group, char *buf)
{
	guard(iommu_group)(group);
	return sysfs_emit(buf, "%s\n", iommu_owner_kind(group));
}

static struct iommu_group_file iommu_group_owner_file = {
	.attr = { .name = "owner", .mode = 0444 },
	.show = iommu_group_owner_show,
};

static int __init iommu_owner_file_init(void)
{
	iommu_group_register_file(&iommu_group_owner_file);
	return 0;
}
core_initcall(iommu_owner_file_init);
