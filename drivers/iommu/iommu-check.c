// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is true of a group whenever nobody holds its mutex.
 *
 * One function with all of it, run behind every transition and every change of
 * ownership in kernels built for testing (CONFIG_IOMMU_CORE_DEBUG). Each line
 * names the law it is about; a line that fails is a bug of the core, never of
 * a driver: what drivers may do wrong, the core has to survive.
 */
#define pr_fmt(fmt) "iommu: " fmt

#include "iommu-priv.h"

#define iommu_check(group, cond, law)					\
	WARN(!(cond), "group %s breaks %s: %s\n",			\
	     iommu_group_label(group), law, #cond)

/* One word and a count (O1, O2). */
static void iommu_check_owner(struct iommu_group *group)
{
	iommu_check(group, !group->owner == !group->owner_cnt, "O1");
	if (!iommu_group_user_owned(group))
		iommu_check(group, group->domain || !group->default_domain,
			    "O6");
	if (!iommu_group_user_owned(group) || list_empty(&group->devices))
		return;
	iommu_check(group, group->blocking_domain, "O2");
}

/* What the member has is what the group has, or it says why not (T3, T7). */
static void iommu_check_member(struct group_device *gdev)
{
	struct iommu_group *group = gdev->group;
	struct dev_iommu *param = gdev->dev->iommu;
	struct iommu_domain *domain;

	iommu_check(group, gdev->dev->iommu_group == group, "T8");
	if (!dev_has_iommu(gdev->dev))
		return;

	domain = param->attached;
	if (!gdev->parked && !gdev->pauses &&
	    !READ_ONCE(param->attach_deferred))
		iommu_check(group, domain == group->domain, "T3");
	iommu_check(group, param->member == gdev, "T8");
	if (gdev->parked || gdev->pauses || param->require_direct ||
	    READ_ONCE(param->attach_deferred))
		iommu_check(group, group->special, "T7");
	iommu_check(group, !gdev->stranded || gdev->parked, "T7");
	iommu_check(group, !gdev->master_cleared || gdev->parked, "T7");
	if (domain)
		iommu_check(group, atomic_read(&domain->users) != 0, "T7");
	if (gdev->stranded && domain)
		iommu_check(group, atomic_read(&domain->stranded) > 0, "T7");
}

/* What is published is attached, and not freed (T5, T9). */
static void iommu_check_slots(struct iommu_group *group)
{
	unsigned long pasid;
	void *entry;

	xa_for_each(&group->pasids, pasid, entry) {
		struct iommu_domain *domain = iommu_slot_domain(entry);

		iommu_check(group, domain, "T5");
		if (pasid == IOMMU_NO_PASID)
			iommu_check(group, domain == group->domain, "T5");
		else
			iommu_check(group, domain->ops->set_dev_pasid, "T5");
	}
}

/**
 * iommu_group_check() - Check all that holds of a group at rest
 * @group: the group
 *
 * Context: expects group->mutex; warns about what does not hold.
 */
void iommu_group_check(struct iommu_group *group)
{
	struct group_device *gdev;
	unsigned int members = 0, paused = 0;

	lockdep_assert_held(&group->mutex);

	for_each_group_device(group, gdev) {
		iommu_check(group, gdev->group == group, "T1");
		iommu_check_member(gdev);
		members++;
		paused += !!gdev->pauses;
	}
	iommu_check(group, paused == group->nr_paused, "T1");
	iommu_check(group, !paused || !group->pasids_below, "T3");
	iommu_check(group, members == group->nr_devices, "T1");
	iommu_check_owner(group);
	iommu_check_slots(group);
}
