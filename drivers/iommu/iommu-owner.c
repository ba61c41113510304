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

#include "iommu-priv.h"

/*
 * Why somebody is turned away, and by which device (O5). Codes alone have left
 * people guessing since there are groups.
 */
static void iommu_explain_driver_refused(struct device *dev)
{
	struct iommu_group *group = dev->iommu_group;
	const char *why = "its PASIDs are in use";

	if (iommu_group_user_owned(group))
		why = "user space owns it; have the user release it first";
	else if (group->domain != group->default_domain)
		why = "a driver has attached a domain of its own to it";

	dev_warn_ratelimited(dev,
			     "no driver can use the DMA API: IOMMU group %s: %s\n",
			     iommu_group_label(group), why);
}

static void iommu_explain_claim_refused(struct iommu_group *group,
					struct device *dev, void *owner)
{
	struct group_device *gdev;

	if (!group->owner || iommu_group_user_owned(group)) {
		const char *why = "a domain or PASIDs are attached to it";

		if (group->owner)
			why = group->owner == owner ?
				      "the same user owns it already" :
				      "another user owns it";
		dev_warn_ratelimited(dev,
				     "IOMMU group %s cannot be claimed: %s\n",
				     iommu_group_label(group), why);
		return;
	}
	/* A driver stays bound at least until it gives its hold up. */
	for_each_group_device(group, gdev)
		if (gdev->dev->iommu->uses_dma_api)
			dev_warn_ratelimited(gdev->dev,
					     "IOMMU group %s cannot be claimed: driver %s uses the DMA API; unbind it first\n",
					     iommu_group_label(group),
					     dev_driver_string(gdev->dev));
}

/* Is the group as its default domain left it: no user's domain, no slots? */
static bool iommu_group_is_idle(struct iommu_group *group)
{
	return group->domain == group->default_domain &&
	       !iommu_group_has_slots(group);
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
 * default domain yet; -EBUSY a user owns the group, or somebody else attached
 * a domain to it or uses its PASIDs.
 */
int iommu_device_use_default_domain(struct device *dev)
{
	struct iommu_group *group = dev->iommu_group;

	if (!group)
		return 0;

	guard(iommu_group)(group);

	if (!group->default_domain)
		return -EPROBE_DEFER;

	/*
	 * Arm's own DMA API attaches to @dev before it comes here; nobody else
	 * may have put the group on a domain of its own (O4).
	 */
	if (iommu_group_user_owned(group) ||
	    (!iommu_group_is_idle(group) &&
	     (group->owner || (group->exclusive && group->exclusive != dev)))) {
		iommu_explain_driver_refused(dev);
		return -EBUSY;
	}

	group->owner = IOMMU_OWNER_KERNEL;
	group->owner_cnt++;
	dev->iommu->uses_dma_api = true;
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
}

/*
 * Claim the group for the first time; @dev is the member that messages name.
 * The same user may come again only through iommu_device_claim_dma_owner().
 */
static int iommu_group_claim(struct iommu_group *group, struct device *dev,
			     void *owner)
{
	int ret;

	lockdep_assert_held(&group->mutex);

	if (group->owner) {
		iommu_explain_claim_refused(group, dev, owner);
		return -EPERM;
	}
	if ((group->domain && group->domain != group->default_domain) ||
	    iommu_group_has_slots(group)) {
		iommu_explain_claim_refused(group, dev, owner);
		return -EBUSY;
	}

	ret = iommu_group_need_blocking_domain(group);
	if (ret)
		return ret;
	ret = iommu_transition(group, IOMMU_NO_PASID, NULL, group->blocking_domain);
	if (ret)
		return ret;

	group->owner = owner;
	group->owner_cnt = 1;
	return 0;
}

/* A pointer that could be taken for nobody or for the kernel is no owner. */
static bool iommu_owner_is_valid(void *owner)
{
	return owner && owner != IOMMU_OWNER_KERNEL;
}

/**
 * iommu_group_claim_dma_owner() - A user takes a whole group, alone
 * @group: the group
 * @owner: a pointer that stands for the user; not looked into
 *
 * From then on nobody else can claim the group, no driver can start to use the
 * DMA API on any member, and all DMA without PASID is blocked until the user
 * attaches a domain.
 *
 * Context: process context, takes group->mutex.
 * Return: 0, or an error and nothing changed: -EINVAL no owner given, or a
 * member's firmware needs 1:1 mappings; -EPERM drivers that use the DMA API are
 * bound, or a user, even the same, has the group; -EBUSY a domain is attached
 * or PASIDs are in use; -ENODEV the group is empty or has no IOMMU; -ENOMEM; or
 * the driver's error.
 */
int iommu_group_claim_dma_owner(struct iommu_group *group, void *owner)
{
	struct group_device *gdev;

	if (WARN_ON(!iommu_owner_is_valid(owner)))
		return -EINVAL;

	guard(iommu_group)(group);

	gdev = iommu_group_first_member(group);
	if (!gdev)
		return -ENODEV;
	return iommu_group_claim(group, gdev->dev, owner);
}
EXPORT_SYMBOL_GPL(iommu_group_claim_dma_owner);

/**
 * iommu_device_claim_dma_owner() - A user takes the group of a device
 * @dev: the device
 * @owner: a pointer that stands for the user; the same user may claim the
 *	group again through each of its devices
 *
 * Context: process context, takes group->mutex.
 * Return: as iommu_group_claim_dma_owner(), but 0 where @owner has the group
 * already; -ENODEV also where @dev has no group.
 */
int iommu_device_claim_dma_owner(struct device *dev, void *owner)
{
	struct iommu_group *group = dev->iommu_group;

	if (WARN_ON(!iommu_owner_is_valid(owner)))
		return -EINVAL;
	if (!group)
		return -ENODEV;

	guard(iommu_group)(group);

	if (group->owner == owner) {
		group->owner_cnt++;
		return 0;
	}
	return iommu_group_claim(group, dev, owner);
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
		return;
	}
	/* The user's PASIDs would outlive its right to them. */
	if (WARN_ON(iommu_group_has_slots(group)))
		return;

	group->owner_cnt = 0;
	group->owner = NULL;
	iommu_group_set_core_domain(group);
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
