// SPDX-License-Identifier: GPL-2.0-only
/*
 * Resets of PCI devices.
 *
 * A device that is being reset does not answer. An IOMMU that wants to
 * invalidate what the device caches (ATS, PCIe Base Specification, section
 * 10.3.7) waits for an answer until it times out, and takes the whole machine's
 * invalidations with it. So before the reset the device gets a translation with
 * which it need not be asked, and afterwards what its group has by then.
 *
 * PCI calls both ends from where a reset saves and restores the device's state,
 * be it of a function, a slot or a bus. Asking whether a device can be reset
 * does not come here.
 */
#include <linux/export.h>
#include <linux/pci.h>
#include <linux/pci-ats.h>

#include "iommu-priv.h"

/*
 * The member behind @pdev, with its group locked, if resets matter to it. The
 * device may be unplugged at this moment: the probe lock keeps its group.
 */
static struct group_device *iommu_reset_begin(struct pci_dev *pdev)
{
	struct group_device *gdev;
	struct iommu_group *group;

	guard(mutex)(&iommu_probe_device_lock);

	group = pdev->dev.iommu_group;
	if (!group || !dev_has_iommu(&pdev->dev) || !pci_ats_supported(pdev))
		return NULL;

	iommu_group_lock(group);
	gdev = iommu_group_find_member(group, &pdev->dev);
	if (!gdev)
		iommu_group_unlock(group);
	return gdev;
}

/**
 * pci_dev_reset_iommu_prepare() - A PCI device is about to be reset
 * @pdev: the device; quiet, its state not yet saved
 *
 * Until pci_dev_reset_iommu_done() its DMA is blocked, with and without PASID,
 * and nothing can be attached to its group (-EBUSY); detaching works. Calls
 * nest. Devices without ATS need none of it and are left alone.
 *
 * Context: process context; takes iommu_probe_device_lock and group->mutex;
 * sleeps.
 */
void pci_dev_reset_iommu_prepare(struct pci_dev *pdev)
{
	struct group_device *gdev = iommu_reset_begin(pdev);

	if (!gdev)
		return;
	iommu_member_pause(gdev);
	iommu_group_unlock(gdev->group);
}
EXPORT_SYMBOL_GPL(pci_dev_reset_iommu_prepare);

/**
 * pci_dev_reset_iommu_done() - A PCI device has been reset
 * @pdev: the device; its state is restored. If it has been removed and come
 *	back in between there is nothing to undo
 *
 * Context: process context; takes iommu_probe_device_lock and group->mutex;
 * sleeps.
 */
void pci_dev_reset_iommu_done(struct pci_dev *pdev)
{
	struct group_device *gdev = iommu_reset_begin(pdev);

	if (!gdev)
		return;
	if (gdev->pauses)
		iommu_member_resume(gdev);
	iommu_group_unlock(gdev->group);
}
EXPORT_SYMBOL_GPL(pci_dev_reset_iommu_done);
