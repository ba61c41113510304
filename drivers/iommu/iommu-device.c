// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device enters and leaves; IOMMUs register.
 *
 * A device is probed when its bus reports it, when an IOMMU registers, or when
 * firmware code has learnt late which IOMMU it belongs to. Probing asks the
 * IOMMU's driver, finds the group, and makes the device a member that has all
 * of the group's slots, or leaves it outside (T8).
 *
 * iommu_probe_device_lock makes one probe or release at a time of all this:
 * dev->iommu and dev->iommu_group appear and vanish only under it (but for
 * iommu_group_add_device(), which no IOMMU is behind), and an IOMMU that has
 * left the list while it was held is found by nobody any more (W13).
 */
#define pr_fmt(fmt) "iommu: " fmt

#include <linux/amba/bus.h>
#include <linux/cdx/cdx_bus.h>
#include <linux/device.h>
#include <linux/fsl/mc.h>
#include <linux/host1x_context_bus.h>
#include <linux/init.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/pci-ats.h>
#include <linux/platform_device.h>
#include <linux/property.h>
#include <linux/slab.h>

#include "dma-iommu.h"
#include "iommu-priv.h"

/* See the top of this file. */
DEFINE_MUTEX(iommu_probe_device_lock);

/* Registered IOMMUs. The lock is a leaf; probing takes it for each device. */
static LIST_HEAD(iommu_device_list);
static DEFINE_SPINLOCK(iommu_device_lock);

/* The buses whose devices may be behind an IOMMU. */
static const struct bus_type * const iommu_buses[] = {
	&platform_bus_type,
#ifdef CONFIG_PCI
	&pci_bus_type,
#endif
#ifdef CONFIG_ARM_AMBA
	&amba_bustype,
#endif
#ifdef CONFIG_FSL_MC_BUS
	&fsl_mc_bus_type,
#endif
#ifdef CONFIG_TEGRA_HOST1X_CONTEXT_BUS
	&host1x_context_device_bus_type,
#endif
#ifdef CONFIG_CDX_BUS
	&cdx_bus_type,
#endif
};

/* ---- per-device data --------------------------------------------------- */

static struct dev_iommu *dev_iommu_get(struct device *dev)
{
	lockdep_assert_held(&iommu_probe_device_lock);

	if (dev->iommu)
		return dev->iommu;

	dev->iommu = kzalloc(sizeof(*dev->iommu), GFP_KERNEL);
	if (dev->iommu) {
		mutex_init(&dev->iommu->lock);
		iommu_faults_init(&dev->iommu->faults);
	}
	return dev->iommu;
}

/**
 * dev_iommu_free() - Forget what the core knows of a device
 * @dev: a device that no IOMMU driver handles
 *
 * Context: expects iommu_probe_device_lock.
 */
void dev_iommu_free(struct device *dev)
{
	struct dev_iommu *param = dev->iommu;

	iommu_fwspec_free(dev);
	dev->iommu = NULL;
	mutex_destroy(&param->lock);
	iommu_faults_free(&param->faults);
	kfree(param->shares);
	kfree(param);
}

/**
 * dev_iommu_priv_set() - Store an IOMMU driver's own pointer for a device
 * @dev: the device, being probed
 * @priv: the pointer; the driver frees it in release_device()
 *
 * Context: expects iommu_probe_device_lock, except for the PAMU driver, which
 * does it when it attaches.
 */
void dev_iommu_priv_set(struct device *dev, void *priv)
{
	if (!IS_ENABLED(CONFIG_FSL_PAMU))
		lockdep_assert_held(&iommu_probe_device_lock);
	dev->iommu->priv = priv;
}
EXPORT_SYMBOL_GPL(dev_iommu_priv_set);

/**
 * iommu_ops_from_fwnode() - Find the driver of an IOMMU named by firmware
 * @fwnode: the IOMMU's node; NULL on platforms that name none
 *
 * Context: any that may take a spinlock.
 * Return: the operations of the first IOMMU registered with that node on the
 * usual buses, or NULL.
 */
const struct iommu_ops *iommu_ops_from_fwnode(const struct fwnode_handle *fwnode)
{
	const struct iommu_ops *ops = NULL;
	struct iommu_device *iommu;

	spin_lock(&iommu_device_lock);
	list_for_each_entry(iommu, &iommu_device_list, list) {
		if (iommu->fwnode != fwnode || iommu->bus)
			continue;
		ops = iommu->ops;
		break;
	}
	spin_unlock(&iommu_device_lock);
	return ops;
}

/*
 * Who looks after a device: the IOMMU that its firmware names; else the one
 * registered for its bus alone; else the platform's only kind. An IOMMU that
 * serves one bus is not mistaken for the platform's (W31).
 */
static const struct iommu_ops *iommu_ops_for_device(struct device *dev)
{
	struct iommu_fwspec *fwspec = dev_iommu_fwspec_get(dev);
	const struct iommu_ops *ops = NULL;
	struct iommu_device *iommu;

	if (fwspec)
		return iommu_ops_from_fwnode(fwspec->iommu_fwnode);

	spin_lock(&iommu_device_lock);
	list_for_each_entry(iommu, &iommu_device_list, list) {
		if (iommu->bus && iommu->bus == dev->bus) {
			ops = iommu->ops;
			break;
		}
	}
	spin_unlock(&iommu_device_lock);
	return ops ?: iommu_ops_from_fwnode(NULL);
}

/* How many PASIDs: the lesser of what device and IOMMU can do, 0 for none. */
static u32 iommu_device_max_pasids(struct device *dev)
{
	u32 max_pasids = 0, bits;

	if (dev_is_pci(dev))
		max_pasids = max(pci_max_pasids(to_pci_dev(dev)), 0);
	else if (!device_property_read_u32(dev, "pasid-num-bits", &bits))
		max_pasids = bits < 32 ? BIT(bits) : U32_MAX;

	return min(max_pasids, dev->iommu->iommu_dev->max_pasids);
}

/* ---- a device and its driver ------------------------------------------- */

/* Ask the driver which group the device belongs to, and what else it knows. */
static int iommu_device_find_group(struct device *dev)
{
	const struct iommu_ops *ops = dev_iommu_ops(dev);
	struct iommu_group *group;

	dev->iommu->max_pasids = iommu_device_max_pasids(dev);
	if (dev->iommu->max_pasids && iommu_faults_alloc(&dev->iommu->faults))
		return -ENOMEM;

	group = ops->device_group(dev);
	if (IS_ERR(group))
		return PTR_ERR(group);
	if (WARN_ON_ONCE(!group))
		return -EINVAL;

	if (ops->is_attach_deferred && ops->is_attach_deferred(dev))
		dev->iommu->attach_deferred = IOMMU_DEFERRED;
	dev->iommu_group = group;
	return 0;
}

static void iommu_driver_release(struct device *dev)
{
	const struct iommu_ops *ops = dev_iommu_ops(dev);

	if (ops->release_device)
		ops->release_device(dev);
}

/* Have the IOMMU's driver take the device, and find its group. */
static int iommu_driver_take(struct device *dev, const struct iommu_ops *ops)
{
	struct iommu_device *iommu;
	int ret;

	iommu = ops->probe_device(dev);
	if (IS_ERR(iommu))
		return PTR_ERR(iommu);
	dev->iommu->iommu_dev = iommu;

	ret = iommu_device_link(iommu, dev);
	if (!ret) {
		ret = iommu_device_find_group(dev);
		if (!ret)
			return 0;
		iommu_device_unlink(iommu, dev);
	}
	iommu_driver_release(dev);
	dev->iommu->iommu_dev = NULL;
	return ret;
}

static int iommu_init_device(struct device *dev, const struct iommu_ops *ops)
{
	int ret = -EINVAL;

	if (!dev_iommu_get(dev))
		return -ENOMEM;

	/* Held until the device has left. */
	if (try_module_get(ops->owner)) {
		ret = iommu_driver_take(dev, ops);
		if (!ret)
			return 0;
		module_put(ops->owner);
	}
	dev_iommu_free(dev);
	return ret;
}

/* The last member leaves: what the group owned itself goes with it. */
static void iommu_group_free_domains(struct iommu_group *group)
{
	struct iommu_domain *default_domain = group->default_domain;
	struct iommu_domain *blocking_domain = group->blocking_domain;

	WRITE_ONCE(group->domain, NULL);
	WRITE_ONCE(group->default_domain, NULL);
	group->blocking_domain = NULL;
	if (default_domain)
		iommu_domain_free(default_domain);
	if (blocking_domain)
		iommu_domain_free(blocking_domain);

	/* Domains that are not ours: whoever left them in use frees them. */
	if (!xa_empty(&group->pasids)) {
		pr_warn("group %s: PASIDs were still attached when its last device left\n",
			iommu_group_label(group));
		xa_destroy(&group->pasids);
	}
}

/*
 * Undo iommu_init_device(). release_device() must leave the hardware without
 * any use of a domain: on release_domain if the driver names one, which the
 * engine has attached, else blocked or untranslated.
 */
static void iommu_deinit_device(struct group_device *gdev)
{
	struct iommu_group *group = gdev->group;
	struct device *dev = gdev->dev;
	struct module *owner = dev_iommu_ops(dev)->owner;

	lockdep_assert_held(&group->mutex);

	iommu_device_unlink(dev->iommu->iommu_dev, dev);
	iommu_member_rest(gdev);
	iommu_driver_release(dev);
	iommu_member_left(gdev);
	if (list_empty(&group->devices))
		iommu_group_free_domains(group);

#ifdef CONFIG_IOMMU_DMA
	dev->dma_iommu = false;
#endif
	dev_iommu_free(dev);
	dev->iommu_group = NULL;
	/* Behind the last free of a domain, which runs the driver's code. */
	module_put(owner);
}

/* Make the device a member with all of its group's slots, or not (T8). */
static int iommu_join_group(struct group_device *gdev,
			    struct list_head *setup_list)
{
	struct iommu_group *group = gdev->group;
	struct device *dev = gdev->dev;
	int ret;

	lockdep_assert_held(&group->mutex);

	if (group->default_domain) {
		ret = iommu_create_direct_mappings(group->default_domain, dev);
		if (ret)
			return ret;
	}

	if (group->domain) {
		ret = iommu_member_join(gdev, group->domain);
		if (ret)
			return ret;
		iommu_group_link_member(gdev);
		if (group->default_domain)
			iommu_setup_dma_ops(dev);
		return 0;
	}

	iommu_group_link_member(gdev);
	if (setup_list) {
		/* When all members are known, their needs are decided on. */
		if (list_empty(&group->setup_entry)) {
			iommu_group_ref_get(group);
			list_add_tail(&group->setup_entry, setup_list);
		}
		return 0;
	}

	ret = iommu_setup_default_domain(group, 0);
	if (ret) {
		iommu_group_unlink_member(gdev);
		return ret;
	}
	iommu_setup_dma_ops(dev);
	return 0;
}

static int __iommu_probe_device(struct device *dev, struct list_head *setup_list)
{
	const struct iommu_ops *ops;
	struct iommu_group *group;
	struct group_device *gdev;
	int ret;

	lockdep_assert_held(&iommu_probe_device_lock);

	ops = iommu_ops_for_device(dev);
	if (!ops)
		return -ENODEV;
	/* Known already; but not one of VFIO's made-up groups (W41). */
	if (dev->iommu_group)
		return dev_has_iommu(dev) ? 0 : -ENODEV;

	ret = iommu_init_device(dev, ops);
	if (ret)
		return ret;

	group = dev->iommu_group;
	gdev = iommu_group_alloc_member(group, dev);
	if (IS_ERR(gdev)) {
		struct group_device nobody = { .group = group, .dev = dev };

		iommu_group_lock(group);
		iommu_deinit_device(&nobody);
		iommu_group_unlock(group);
		iommu_group_put(group);
		return PTR_ERR(gdev);
	}

	iommu_group_lock(group);
	ret = iommu_join_group(gdev, setup_list);
	if (ret)
		iommu_deinit_device(gdev);
	iommu_group_unlock(group);

	if (ret) {
		iommu_group_free_member(gdev);
		iommu_group_put(group);
	}
	return ret;
}

/* Drivers may attach to the device from here: not under group->mutex. */
static void iommu_probe_finalize(struct device *dev)
{
	const struct iommu_ops *ops = dev_iommu_ops(dev);

	lockdep_assert_held(&iommu_probe_device_lock);

	if (ops->probe_finalize)
		ops->probe_finalize(dev);
}

/**
 * iommu_probe_device() - Bring a device under its IOMMU
 * @dev: the device; firmware code has given it its fwspec, where there is one
 *
 * Context: process context; takes iommu_probe_device_lock and the mutex of the
 * device's group.
 * Return: 0, also if it was done before; or an error and the device is not
 * behind an IOMMU: -ENODEV none has registered for it, and the fwspec stays for
 * one that may come; else it has lost its fwspec: -EINVAL the driver is being
 * unloaded or says no; -ENOMEM; or the driver's or its first attach's error.
 */
int iommu_probe_device(struct device *dev)
{
	int ret;

	guard(mutex)(&iommu_probe_device_lock);

	ret = __iommu_probe_device(dev, NULL);
	if (!ret)
		iommu_probe_finalize(dev);
	return ret;
}

static void __iommu_release_device(struct device *dev)
{
	struct iommu_group *group = dev->iommu_group;
	struct group_device *gdev;

	lockdep_assert_held(&iommu_probe_device_lock);

	iommu_group_lock(group);
	gdev = iommu_group_find_member(group, dev);
	if (WARN_ON(!gdev)) {
		/* Not ours: neither is a reference (W40). */
		iommu_group_unlock(group);
		return;
	}

	if (dev_has_iommu(dev))
		iommu_member_leave(gdev);
	iommu_group_unlink_member(gdev);
	if (group->exclusive == dev)
		group->exclusive = NULL;
	if (dev_has_iommu(dev))
		iommu_deinit_device(gdev);
	else
		dev->iommu_group = NULL;
	iommu_group_unlock(group);

	iommu_group_free_member(gdev);
	iommu_group_put(group);
}

static void iommu_release_device(struct device *dev)
{
	guard(mutex)(&iommu_probe_device_lock);

	if (dev->iommu_group)
		__iommu_release_device(dev);
	/* A fwspec that no IOMMU ever came for. */
	if (dev->iommu)
		dev_iommu_free(dev);
}

/**
 * iommu_group_remove_device() - Take a device out of its group
 * @dev: the device; without a group nothing happens
 *
 * The counterpart of iommu_group_add_device(). The device's reference on the
 * group goes with it.
 *
 * Context: process context; takes iommu_probe_device_lock and group->mutex.
 */
void iommu_group_remove_device(struct device *dev)
{
	guard(mutex)(&iommu_probe_device_lock);

	if (!dev->iommu_group)
		return;
	dev_info(dev, "Removing from iommu group %d\n",
		 iommu_group_id(dev->iommu_group));
	__iommu_release_device(dev);
}
EXPORT_SYMBOL_GPL(iommu_group_remove_device);

/* ---- buses ------------------------------------------------------------- */

static int iommu_bus_notifier(struct notifier_block *nb, unsigned long action,
			      void *data)
{
	struct device *dev = data;

	switch (action) {
	case BUS_NOTIFY_ADD_DEVICE:
		return iommu_probe_device(dev) ? NOTIFY_DONE : NOTIFY_OK;
	case BUS_NOTIFY_REMOVED_DEVICE:
		iommu_release_device(dev);
		return NOTIFY_OK;
	}
	return NOTIFY_DONE;
}

static int iommu_probe_one(struct device *dev, void *setup_list)
{
	int ret;

	/* Each IOMMU that registers walks all devices: skip the lock (W33) */
	if (READ_ONCE(dev->iommu_group))
		return 0;

	mutex_lock(&iommu_probe_device_lock);
	ret = __iommu_probe_device(dev, setup_list);
	mutex_unlock(&iommu_probe_device_lock);

	/* One bad device is no reason to leave the others alone (W12). */
	if (ret && ret != -ENODEV)
		dev_err(dev, "is not behind its IOMMU: %d\n", ret);
	return 0;
}

/*
 * All members of a new group are known: give it its default domain. If that
 * fails its members are let go, other groups go on (W10, W23).
 */
static void iommu_setup_new_group(struct iommu_group *group)
{
	struct group_device *gdev;
	int ret = 0;

	lockdep_assert_held(&iommu_probe_device_lock);

	iommu_group_lock(group);
	/* A device that came meanwhile may have done it (W14). */
	if (!group->default_domain && !list_empty(&group->devices)) {
		ret = iommu_setup_default_domain(group, 0);
		if (ret)
			pr_err("group %s cannot get a default domain: %d\n",
			       iommu_group_label(group), ret);
	}
	if (!ret)
		for_each_group_device(group, gdev)
			iommu_setup_dma_ops(gdev->dev);
	iommu_group_unlock(group);

	/*
	 * The members can be walked without group->mutex, which the driver's
	 * callbacks may take: they come and go only under the probe lock (W11)
	 */
	if (!ret) {
		for_each_group_device(group, gdev)
			iommu_probe_finalize(gdev->dev);
		return;
	}
	while ((gdev = list_first_entry_or_null(&group->devices,
						struct group_device, list)))
		__iommu_release_device(gdev->dev);
}

/**
 * bus_iommu_probe() - Bring the devices of a bus under their IOMMUs
 * @bus: the bus
 *
 * Default domains are decided on only when all devices were seen, so that what
 * one member needs is known before its siblings are attached.
 *
 * Context: process context; takes iommu_probe_device_lock and group mutexes.
 * Return: 0; devices and groups that could not be brought under an IOMMU are
 * reported in the log.
 */
int bus_iommu_probe(const struct bus_type *bus)
{
	struct iommu_group *group, *next;
	LIST_HEAD(setup_list);

	bus_for_each_dev(bus, NULL, &setup_list, iommu_probe_one);

	list_for_each_entry_safe(group, next, &setup_list, setup_entry) {
		mutex_lock(&iommu_probe_device_lock);
		list_del_init(&group->setup_entry);
		iommu_setup_new_group(group);
		mutex_unlock(&iommu_probe_device_lock);
		iommu_group_put(group);
	}
	return 0;
}

/**
 * iommu_present() - Is there any IOMMU that a bus may be behind?
 * @bus: the bus
 *
 * Says nothing about a device: use device_iommu_mapped().
 *
 * Context: any that may take a spinlock.
 * Return: true if an IOMMU has registered and @bus is one the core watches.
 */
bool iommu_present(const struct bus_type *bus)
{
	bool present;
	int i;

	for (i = 0; i < ARRAY_SIZE(iommu_buses); i++)
		if (iommu_buses[i] == bus)
			break;
	if (i == ARRAY_SIZE(iommu_buses))
		return false;

	spin_lock(&iommu_device_lock);
	present = !list_empty(&iommu_device_list);
	spin_unlock(&iommu_device_lock);
	return present;
}
EXPORT_SYMBOL_GPL(iommu_present);

static int __init iommu_bus_init(void)
{
	struct notifier_block *nb;
	int i, ret;

	nb = kcalloc(ARRAY_SIZE(iommu_buses), sizeof(*nb), GFP_KERNEL);
	if (!nb)
		return -ENOMEM;

	for (i = 0; i < ARRAY_SIZE(iommu_buses); i++) {
		nb[i].notifier_call = iommu_bus_notifier;
		ret = bus_register_notifier(iommu_buses[i], &nb[i]);
		if (ret)
			pr_err("cannot watch bus %s: %d\n",
			       iommu_buses[i]->name, ret);
	}
	return 0;
}
subsys_initcall(iommu_bus_init);

/* ---- IOMMUs ------------------------------------------------------------ */

static void iommu_device_publish(struct iommu_device *iommu)
{
	spin_lock(&iommu_device_lock);
	list_add_tail(&iommu->list, &iommu_device_list);
	spin_unlock(&iommu_device_lock);
}

/**
 * iommu_device_register() - An IOMMU is ready for devices
 * @iommu: the instance; its memory stays with the driver
 * @ops: the driver's operations
 * @hwdev: the instance's device, by whose firmware node devices find it; NULL
 *	on platforms that name none
 *
 * All devices that have waited for it are probed now.
 *
 * Context: process context; takes iommu_probe_device_lock and group mutexes.
 * Return: 0, or -EINVAL if the driver is a module that does not say so. Devices
 * that could not be brought under the IOMMU are reported in the log.
 */
int iommu_device_register(struct iommu_device *iommu,
			  const struct iommu_ops *ops, struct device *hwdev)
{
	int i;

	/* Without an owner, operations could vanish while in use. */
	if (WARN_ON(is_module_address((unsigned long)ops) && !ops->owner))
		return -EINVAL;

	iommu->ops = ops;
	if (hwdev)
		iommu->fwnode = dev_fwnode(hwdev);
	iommu_device_publish(iommu);

	for (i = 0; i < ARRAY_SIZE(iommu_buses); i++)
		bus_iommu_probe(iommu_buses[i]);
	return 0;
}
EXPORT_SYMBOL_GPL(iommu_device_register);

static int iommu_release_if_behind(struct device *dev, void *iommu)
{
	guard(mutex)(&iommu_probe_device_lock);

	if (dev->iommu && dev->iommu->iommu_dev == iommu)
		__iommu_release_device(dev);
	return 0;
}

static void iommu_device_withdraw(struct iommu_device *iommu)
{
	/* Whoever probes after this does not find it (W13). */
	mutex_lock(&iommu_probe_device_lock);
	spin_lock(&iommu_device_lock);
	list_del(&iommu->list);
	spin_unlock(&iommu_device_lock);
	mutex_unlock(&iommu_probe_device_lock);
}

static void iommu_device_forget(struct iommu_device *iommu)
{
	/* Its reference was taken by generic_single_device_group(). */
	iommu_group_put(iommu->singleton_group);
	iommu->singleton_group = NULL;
}

/**
 * iommu_device_unregister() - An IOMMU goes away
 * @iommu: from iommu_device_register()
 *
 * Its devices leave their groups; their drivers are the caller's concern.
 *
 * Context: process context; takes iommu_probe_device_lock and group mutexes.
 */
void iommu_device_unregister(struct iommu_device *iommu)
{
	int i;

	iommu_device_withdraw(iommu);
	for (i = 0; i < ARRAY_SIZE(iommu_buses); i++)
		bus_for_each_dev(iommu_buses[i], NULL, iommu,
				 iommu_release_if_behind);
	iommu_device_forget(iommu);
}
EXPORT_SYMBOL_GPL(iommu_device_unregister);

#if IS_ENABLED(CONFIG_IOMMUFD_TEST) || IS_ENABLED(CONFIG_IOMMU_CORE_KUNIT_TEST)
/**
 * iommu_device_unregister_bus() - A mock IOMMU goes away
 * @iommu: from iommu_device_register_bus()
 * @bus: its bus
 * @nb: its notifier
 *
 * Context: process context; takes iommu_probe_device_lock and group mutexes.
 */
void iommu_device_unregister_bus(struct iommu_device *iommu,
				 const struct bus_type *bus,
				 struct notifier_block *nb)
{
	bus_unregister_notifier(bus, nb);
	iommu_device_withdraw(iommu);
	bus_for_each_dev(bus, NULL, iommu, iommu_release_if_behind);
	iommu_device_forget(iommu);
}
EXPORT_SYMBOL_GPL(iommu_device_unregister_bus);

/**
 * iommu_device_register_bus() - Register a mock IOMMU for one bus alone
 * @iommu: the instance
 * @ops: the mock's operations
 * @bus: the mock's bus; only its devices are given to the mock, beside whatever
 *	real IOMMU the machine has (W31)
 * @nb: memory for a notifier
 *
 * Context: process context; takes iommu_probe_device_lock and group mutexes.
 * Return: 0, or what bus_register_notifier() said.
 */
int iommu_device_register_bus(struct iommu_device *iommu,
			      const struct iommu_ops *ops,
			      const struct bus_type *bus,
			      struct notifier_block *nb)
{
	int ret;

	iommu->ops = ops;
	iommu->bus = bus;
	nb->notifier_call = iommu_bus_notifier;
	ret = bus_register_notifier(bus, nb);
	if (ret)
		return ret;

	iommu_device_publish(iommu);
	return bus_iommu_probe(bus);
}
EXPORT_SYMBOL_GPL(iommu_device_register_bus);
#endif

/* ---- what firmware says of a device ------------------------------------ */

/**
 * iommu_fwspec_init() - Note which IOMMU firmware puts a device behind
 * @dev: the device
 * @iommu_fwnode: the IOMMU's node
 *
 * Context: expects iommu_probe_device_lock.
 * Return: 0, also if it was noted before; -EPROBE_DEFER that IOMMU has not
 * registered yet; -EINVAL the device is behind one of another driver; -ENOMEM.
 */
int iommu_fwspec_init(struct device *dev, struct fwnode_handle *iommu_fwnode)
{
	const struct iommu_ops *ops = iommu_ops_from_fwnode(iommu_fwnode);
	struct iommu_fwspec *fwspec = dev_iommu_fwspec_get(dev);

	if (!ops)
		return -EPROBE_DEFER;
	if (fwspec && ops != iommu_ops_from_fwnode(fwspec->iommu_fwnode))
		return -EINVAL;
	if (fwspec)
		return 0;

	/* With room for one ID, which nearly all devices have. */
	fwspec = kzalloc(struct_size(fwspec, ids, 1), GFP_KERNEL);
	if (!fwspec)
		return -ENOMEM;
	if (!dev_iommu_get(dev)) {
		kfree(fwspec);
		return -ENOMEM;
	}
	fwspec->iommu_fwnode = fwnode_handle_get(iommu_fwnode);
	dev_iommu_fwspec_set(dev, fwspec);
	return 0;
}
EXPORT_SYMBOL_GPL(iommu_fwspec_init);

/**
 * iommu_fwspec_free() - Forget what firmware said of a device
 * @dev: the device; without a fwspec nothing happens
 *
 * Context: process context, serialised by the caller against probing.
 */
void iommu_fwspec_free(struct device *dev)
{
	struct iommu_fwspec *fwspec = dev_iommu_fwspec_get(dev);

	if (!fwspec)
		return;
	dev_iommu_fwspec_set(dev, NULL);
	fwnode_handle_put(fwspec->iommu_fwnode);
	kfree(fwspec);
}
EXPORT_SYMBOL_GPL(iommu_fwspec_free);

/**
 * iommu_fwspec_add_ids() - Note IDs by which a device is known to its IOMMU
 * @dev: the device, after iommu_fwspec_init()
 * @ids: the IDs
 * @num_ids: how many
 *
 * Context: process context, serialised by the caller against probing.
 * Return: 0; or -EINVAL there is no fwspec, -ENOMEM, and nothing was added.
 */
int iommu_fwspec_add_ids(struct device *dev, const u32 *ids, int num_ids)
{
	struct iommu_fwspec *fwspec = dev_iommu_fwspec_get(dev), *grown;
	unsigned int total;

	if (!fwspec)
		return -EINVAL;

	total = fwspec->num_ids + num_ids;
	if (total > 1) {
		grown = krealloc(fwspec, struct_size(fwspec, ids, total),
				 GFP_KERNEL);
		if (!grown)
			return -ENOMEM;
		fwspec = grown;
		dev_iommu_fwspec_set(dev, fwspec);
	}
	memcpy(&fwspec->ids[fwspec->num_ids], ids, num_ids * sizeof(*ids));
	fwspec->num_ids = total;
	return 0;
}
EXPORT_SYMBOL_GPL(iommu_fwspec_add_ids);

/* ---- features of a device ---------------------------------------------- */

/**
 * iommu_dev_enable_feature() - Turn a feature of a device's IOMMU on
 * @dev: the device
 * @feat: the feature
 *
 * Context: process context.
 * Return: 0; -ENODEV no IOMMU or a driver without features; or the driver's
 * error.
 */
int iommu_dev_enable_feature(struct device *dev, enum iommu_dev_features feat)
{
	const struct iommu_ops *ops;

	if (!dev_has_iommu(dev))
		return -ENODEV;
	ops = dev_iommu_ops(dev);
	return ops->dev_enable_feat ? ops->dev_enable_feat(dev, feat) : -ENODEV;
}
EXPORT_SYMBOL_GPL(iommu_dev_enable_feature);

/**
 * iommu_dev_disable_feature() - Turn a feature of a device's IOMMU off
 * @dev: the device; nothing of it may use the feature any more
 * @feat: the feature
 *
 * Context: process context.
 * Return: 0; -EBUSY no IOMMU, a driver without features, or still in use; or
 * the driver's error.
 */
int iommu_dev_disable_feature(struct device *dev, enum iommu_dev_features feat)
{
	const struct iommu_ops *ops;

	if (!dev_has_iommu(dev))
		return -EBUSY;
	ops = dev_iommu_ops(dev);
	return ops->dev_disable_feat ? ops->dev_disable_feat(dev, feat) :
				       -EBUSY;
}
EXPORT_SYMBOL_GPL(iommu_dev_disable_feature);
