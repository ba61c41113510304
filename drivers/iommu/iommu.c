// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attach, detach, replace: how callers move a group between domains.
 *
 * Each entry point here decides whether the caller may (T2) and leaves the rest
 * to the transition engine. There are three kinds of callers:
 *
 *	a driver, for its own device	iommu_attach_device(): the device is
 *					alone in its group, or not attached
 *	drivers that know groups, VFIO	iommu_attach_group()
 *	iommufd				the same with a handle that page faults
 *					find their way by
 *
 * Detaching never fails and may be repeated (T9): the group goes back to the
 * domain it owns itself, and the caller may free its own.
 */
#define pr_fmt(fmt) "iommu: " fmt

#include <linux/device.h>
#include <linux/export.h>
#include <linux/init.h>

#include "iommu-priv.h"

/* May @domain be put on all members of @group? They share one driver. */
static int iommu_group_takes_domain(struct iommu_group *group,
				    struct iommu_domain *domain)
{
	struct group_device *gdev = iommu_group_first_member(group);

	if (!gdev)
		return iommu_refuse(group, IOMMU_REFUSED_EMPTY, NULL, -ENODEV);
	if (!dev_has_iommu(gdev->dev))
		return iommu_refuse(group, IOMMU_REFUSED_NO_IOMMU, NULL,
				    -EINVAL);
	if (!iommu_domain_fits_device(domain, gdev->dev))
		return iommu_refuse(group, IOMMU_REFUSED_FOREIGN, NULL,
				    -EINVAL);
	return 0;
}

/* Attach where nobody else's domain is in the way. */
static int iommu_group_attach(struct iommu_group *group,
			      struct iommu_domain *domain)
{
	int ret;

	lockdep_assert_held(&group->mutex);

	if (group->domain && group->domain != group->default_domain &&
	    group->domain != group->blocking_domain)
		return iommu_refuse(group, IOMMU_REFUSED_ATTACHED,
				    group->exclusive, -EBUSY);
	ret = iommu_group_takes_domain(group, domain);
	if (ret)
		return ret;
	return iommu_transition(group, domain);
}

/**
 * iommu_attach_device() - A driver puts its device on a domain of its own
 * @domain: the domain; stays the caller's
 * @dev: the device, which the driver is bound to
 *
 * Means exclusive use (O4): the device has to be alone in its group. A device
 * that joins the group later gets the domain too, and may not use the DMA API.
 *
 * Context: process context, takes group->mutex; sleeps.
 * Return: 0, or an error and nothing changed: -ENODEV no group; -EINVAL the
 * device is not alone in its group or has no IOMMU, or the domain is another
 * driver's, or blocks while firmware needs 1:1 mappings; -EBUSY something is
 * attached already, user space owns the group, or the device is being reset;
 * -ENODEV also where the domain is for PASIDs only; or the driver's error, where
 * -EINVAL says that device and domain do not go together.
 */
int iommu_attach_device(struct iommu_domain *domain, struct device *dev)
{
	struct iommu_group *group = dev->iommu_group;
	int ret;

	if (!group)
		return -ENODEV;

	guard(iommu_group)(group);
	iommu_ask(group, IOMMU_REQUEST_ATTACH, dev);

	if (group->nr_devices != 1)
		return iommu_refuse(group, IOMMU_REFUSED_SIBLINGS, NULL,
				    -EINVAL);
	if (iommu_group_user_owned(group))
		return iommu_refuse(group, IOMMU_REFUSED_USER, NULL, -EBUSY);

	ret = iommu_group_attach(group, domain);
	if (!ret && domain != group->default_domain)
		group->exclusive = dev;
	return ret;
}
EXPORT_SYMBOL_GPL(iommu_attach_device);

/**
 * iommu_detach_device() - Take the device off the driver's domain again
 * @domain: what iommu_attach_device() attached
 * @dev: the device
 *
 * Works also if the group has grown meanwhile (W1): all its members go back.
 * Where @domain is not attached any more there is nothing to do.
 *
 * Context: process context, takes group->mutex; sleeps.
 */
void iommu_detach_device(struct iommu_domain *domain, struct device *dev)
{
	struct iommu_group *group = dev->iommu_group;

	if (!group)
		return;

	guard(iommu_group)(group);

	if (group->domain != domain)
		return;
	group->exclusive = NULL;
	iommu_group_set_core_domain(group);
}
EXPORT_SYMBOL_GPL(iommu_detach_device);

/**
 * iommu_attach_group() - Put all devices of a group on a domain
 * @domain: the domain; stays the caller's
 * @group: the group
 *
 * Context: process context, takes group->mutex; sleeps.
 * Return: 0, also if @domain is attached as the group's default already; or an
 * error and nothing changed: -ENODEV the group is empty, or the domain is for
 * PASIDs only; -EBUSY another domain is attached, or a device is being reset;
 * -EINVAL no IOMMU, the domain is another driver's, or blocks while firmware
 * needs 1:1 mappings; or the driver's error, where -EINVAL says that device and
 * domain do not go together.
 */
int iommu_attach_group(struct iommu_domain *domain, struct iommu_group *group)
{
	guard(iommu_group)(group);
	iommu_ask(group, IOMMU_REQUEST_ATTACH, NULL);
	return iommu_group_attach(group, domain);
}
EXPORT_SYMBOL_GPL(iommu_attach_group);

/**
 * iommu_detach_group() - Take all devices of a group off whatever is attached
 * @domain: not looked at: callers that share a group detach it more than once
 * @group: the group
 *
 * The group goes back to its default domain, or is blocked while a user owns
 * it.
 *
 * Context: process context, takes group->mutex; sleeps.
 */
void iommu_detach_group(struct iommu_domain *domain, struct iommu_group *group)
{
	guard(iommu_group)(group);
	group->exclusive = NULL;
	iommu_group_set_core_domain(group);
}
EXPORT_SYMBOL_GPL(iommu_detach_group);

/**
 * iommu_group_replace_domain() - Go from one domain to another directly
 * @group: the group
 * @new_domain: the domain; stays the caller's
 *
 * No member is blocked in between, if its driver can do that.
 *
 * Context: process context, takes group->mutex; sleeps.
 * Return: 0, or an error and nothing changed: -EINVAL no domain, no IOMMU, or
 * the domain is another driver's (W26), or blocks while firmware needs 1:1
 * mappings; -ENODEV the group is empty, or the domain is for PASIDs only; -EBUSY
 * a device is being reset; or the driver's error.
 */
int iommu_group_replace_domain(struct iommu_group *group,
			       struct iommu_domain *new_domain)
{
	int ret;

	if (!new_domain)
		return -EINVAL;

	guard(iommu_group)(group);
	iommu_ask(group, IOMMU_REQUEST_ATTACH, NULL);

	ret = iommu_group_takes_domain(group, new_domain);
	return ret ?: iommu_transition(group, new_domain);
}
EXPORT_SYMBOL_NS_GPL(iommu_group_replace_domain, IOMMUFD_INTERNAL);

/**
 * iommu_attach_group_handle() - As iommu_attach_group(), with a handle
 * @domain: the domain; stays the caller's
 * @group: the group
 * @handle: the caller's record, visible to iommu_attach_handle_get() from the
 *	moment of success until the detach; NULL for none
 *
 * Context: process context, takes group->mutex; sleeps.
 * Return: as iommu_attach_group(), and -EBUSY there is a handle already;
 * -ENOMEM.
 */
int iommu_attach_group_handle(struct iommu_domain *domain,
			      struct iommu_group *group,
			      struct iommu_attach_handle *handle)
{
	XA_STATE(slot, &group->pasids, IOMMU_NO_PASID);
	int ret;

	guard(iommu_group)(group);
	iommu_ask(group, IOMMU_REQUEST_ATTACH, NULL);

	ret = iommu_slot_reserve(&slot);
	if (ret == -EBUSY)
		return iommu_refuse(group, IOMMU_REFUSED_ATTACHED, NULL, ret);
	if (ret)
		return iommu_refuse_error(group, ret);
	ret = iommu_group_attach(group, domain);
	if (ret) {
		iommu_slot_clear(&slot);
		return ret;
	}
	iommu_slot_publish(&slot, domain, handle);
	return 0;
}
EXPORT_SYMBOL_NS_GPL(iommu_attach_group_handle, IOMMUFD_INTERNAL);

/**
 * iommu_detach_group_handle() - As iommu_detach_group(), with its handle
 * @domain: not looked at
 * @group: the group
 *
 * The handle can be found until all members are off the domain; afterwards it
 * is the caller's to free.
 *
 * Context: process context, takes group->mutex; sleeps.
 */
void iommu_detach_group_handle(struct iommu_domain *domain,
			       struct iommu_group *group)
{
	XA_STATE(slot, &group->pasids, IOMMU_NO_PASID);

	guard(iommu_group)(group);
	iommu_group_set_core_domain(group);
	iommu_slot_clear(&slot);
}
EXPORT_SYMBOL_NS_GPL(iommu_detach_group_handle, IOMMUFD_INTERNAL);

/**
 * iommu_replace_group_handle() - Replace domain and handle
 * @group: the group
 * @new_domain: the domain; stays the caller's
 * @handle: the caller's record for it; NULL for none
 *
 * The old handle can be found until all members are on @new_domain.
 *
 * Context: process context, takes group->mutex; sleeps.
 * Return: as iommu_group_replace_domain(), and -ENOMEM; on error the old handle
 * stays (W30).
 */
int iommu_replace_group_handle(struct iommu_group *group,
			       struct iommu_domain *new_domain,
			       struct iommu_attach_handle *handle)
{
	XA_STATE(slot, &group->pasids, IOMMU_NO_PASID);
	bool fresh;
	int ret;

	if (!new_domain)
		return -EINVAL;

	guard(iommu_group)(group);
	iommu_ask(group, IOMMU_REQUEST_ATTACH, NULL);

	ret = iommu_group_takes_domain(group, new_domain);
	if (ret)
		return ret;
	ret = iommu_slot_reserve(&slot);
	if (ret && ret != -EBUSY)
		return iommu_refuse_error(group, ret);
	fresh = !ret;

	ret = iommu_transition(group, new_domain);
	if (!ret)
		iommu_slot_publish(&slot, new_domain, handle);
	else if (fresh)
		iommu_slot_clear(&slot);
	return ret;
}
EXPORT_SYMBOL_NS_GPL(iommu_replace_group_handle, IOMMUFD_INTERNAL);

/**
 * iommu_get_domain_for_dev() - What a device translates with
 * @dev: the device; a driver is bound to it, or is being
 *
 * In a driver's own callbacks: what its hardware has at this moment (T6).
 *
 * Context: any. The domain is valid as long as the caller keeps it attached;
 * a driver that uses the DMA API keeps its default domain.
 * Return: the domain of requests without PASID, or NULL.
 */
struct iommu_domain *iommu_get_domain_for_dev(struct device *dev)
{
	struct iommu_group *group = dev->iommu_group;

	if (!group)
		return NULL;
	/* Waiting for its first mapping: what it is going to have. */
	if (!dev_has_iommu(dev) ||
	    READ_ONCE(dev->iommu->attach_deferred) == IOMMU_DEFERRED)
		return READ_ONCE(group->domain);
	return READ_ONCE(dev->iommu->attached);
}
EXPORT_SYMBOL_GPL(iommu_get_domain_for_dev);

/**
 * iommu_get_dma_domain() - The domain of a device's DMA API
 * @dev: a device in a group, with a driver that uses the DMA API bound to it
 *
 * Context: any; for the DMA API, for each mapping: no checks.
 * Return: the default domain of its group.
 */
struct iommu_domain *iommu_get_dma_domain(struct device *dev)
{
	return dev->iommu_group->default_domain;
}

/**
 * iommu_deferred_attach() - Attach a device at its first DMA mapping
 * @dev: the device
 * @domain: its default domain
 *
 * Context: any, also atomic.
 * Return: 0, also if nothing was deferred; or an error, and the attach stays
 * deferred: the driver's, or -EBUSY somebody else has not finished it in time.
 */
int iommu_deferred_attach(struct device *dev, struct iommu_domain *domain)
{
	/* Pairs with iommu_deferral_done(): the hardware is ready. */
	if (!dev->iommu || !smp_load_acquire(&dev->iommu->attach_deferred))
		return 0;
	return iommu_member_attach_deferred(dev, domain);
}

static int __init iommu_init(void)
{
	iommu_debugfs_setup();
	return 0;
}
core_initcall(iommu_init);
