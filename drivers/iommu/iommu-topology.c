// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which devices belong into one group, and why.
 *
 * Two devices share a group when the IOMMU cannot keep them apart, or when
 * they can reach each other without passing it. On PCI there are five reasons:
 *
 * 1. A bridge speaks for the device. Bridges to conventional PCI, and some of
 *    the buses above them, put their own requester ID or that of their
 *    secondary bus on what they forward (PCI Express to PCI/PCI-X Bridge
 *    Specification 1.0, section 2.3). Everything below is one to the IOMMU.
 * 2. A bridge may turn requests round. A root port or switch port without
 *    the isolating set of Access Control Services may send a request of one
 *    device straight to another one below it (PCIe Base Specification,
 *    sections 6.12 and 6.12.1.1).
 * 3. A function uses a neighbour's ID. Some functions issue requests with the
 *    device and function number of another one, or of one that does not exist
 *    (quirks recorded by pci_add_dma_alias()).
 * 4. Functions of one device may talk among themselves unless ACS says that
 *    they do not (section 6.12.1.2).
 * 5. USB controllers of one slot reach the same ports: a low-speed controller
 *    (UHCI, OHCI) takes a port over from its companion (EHCI; EHCI
 *    Specification 1.0, section 4.2), so whoever has one of them can drive the
 *    devices of the other, whatever ACS says.
 *
 * Reasons 1 and 2 are found on the way up from the device to the root bus; it
 * yields the highest device that has to share. From there reasons 3 to 5 span
 * a set of functions, all on one bus, since none of them crosses buses. A
 * member of the set that already has a group lends it to the newcomer. So a
 * probe looks at the bridges above the device and at one bus, never at the
 * other devices of the machine (W32).
 *
 * All this runs under iommu_probe_device_lock, which the removal of a device
 * from its group takes as well: a group read from a neighbour stays alive for
 * as long as it takes to get a reference.
 *
 * The reason is kept with the device and shown to people who wonder.
 */
#include <linux/bitmap.h>
#include <linux/fsl/mc.h>
#include <linux/pci.h>
#include <linux/slab.h>

#include "iommu-priv.h"

/*
 * Keep why @dev shares its group. It is for people: nothing depends on it, and
 * without memory it is not known.
 */
static void iommu_note_sharing(struct device *dev, const char *with,
			       const char *why)
{
	char *old;

	if (!dev->iommu)
		return;
	old = dev->iommu->shares;
	dev->iommu->shares = kasprintf(GFP_KERNEL, "%s: %s", with, why);
	kfree(old);
}

/**
 * generic_device_group() - A group for each device
 * @dev: the device that asks
 *
 * For buses on which every device has an ID of its own and no way to reach
 * another one without the IOMMU.
 *
 * Context: process context; driver callback &iommu_ops.device_group.
 * Return: a new group with one reference, or what iommu_group_alloc() says.
 */
struct iommu_group *generic_device_group(struct device *dev)
{
	return iommu_group_alloc();
}
EXPORT_SYMBOL_GPL(generic_device_group);

/**
 * generic_single_device_group() - One group for all devices of an IOMMU
 * @dev: the device that asks
 *
 * For IOMMUs with a single translation. The IOMMU keeps a reference of its own
 * until it is unregistered, so that the group outlives its last member and the
 * next one finds it again.
 *
 * Context: process context; driver callback &iommu_ops.device_group, under
 * iommu_probe_device_lock.
 * Return: the group with a reference, or what iommu_group_alloc() says.
 */
struct iommu_group *generic_single_device_group(struct device *dev)
{
	struct iommu_device *iommu = dev->iommu->iommu_dev;

	if (!iommu->singleton_group) {
		struct iommu_group *first = iommu_group_alloc();

		if (IS_ERR(first))
			return first;
		iommu->singleton_group = first;
	}
	iommu_note_sharing(dev, "all devices of its IOMMU",
			   "it has a single translation");

	return iommu_group_ref_get(iommu->singleton_group);
}
EXPORT_SYMBOL_GPL(generic_single_device_group);

/**
 * fsl_mc_device_group() - The group of a device on an fsl-mc bus
 * @dev: the device that asks
 *
 * The container (DPRC) owns the stream ID of everything in it.
 *
 * Context: process context; driver callback &iommu_ops.device_group.
 * Return: the container's group or, for the container itself, a new one, with
 * a reference; what iommu_group_alloc() says on failure.
 */
struct iommu_group *fsl_mc_device_group(struct device *dev)
{
	struct device *container = fsl_mc_cont_dev(dev);
	struct iommu_group *shared = iommu_group_get(container);

	if (!shared)
		return iommu_group_alloc();
	iommu_note_sharing(dev, dev_name(container), "its container");
	return shared;
}
EXPORT_SYMBOL_GPL(fsl_mc_device_group);

#ifdef CONFIG_PCI
/* Its header is PCI's own, but this walk is about what that lock guards. */
#include "../pci/pci.h"

/*
 * What a device or port must do for its neighbours to be out of reach:
 * check requester IDs (SV), send requests (RR) and completions (CR) up
 * rather than across, and let what came up go on upstream (UF).
 */
#define PCI_ISOLATING_ACS (PCI_ACS_SV | PCI_ACS_RR | PCI_ACS_CR | PCI_ACS_UF)

static bool pci_isolates(struct pci_dev *pdev)
{
	return pci_acs_enabled(pdev, PCI_ISOLATING_ACS);
}

static struct iommu_group *pci_share(struct pci_dev *pdev,
				     struct pci_dev *with, const char *why)
{
	struct iommu_group *group = iommu_group_get(&with->dev);

	if (group)
		iommu_note_sharing(&pdev->dev, pci_name(with), why);
	return group;
}

/*
 * The way up. @origin asks; @top is the highest device seen so far that the
 * IOMMU or the fabric cannot tell from it.
 */
struct pci_ascent {
	struct pci_dev *origin;
	struct pci_dev *top;
	struct iommu_group *group;
};

/* Called for each ID that @origin's requests may carry, lowest bus first. */
static int pci_ascend_to_alias(struct pci_dev *pdev, u16 requester_id,
			       void *data)
{
	struct pci_ascent *ascent = data;

	ascent->top = pdev;
	ascent->group = pci_share(ascent->origin, pdev,
				  "requests carry its requester ID");
	return ascent->group ? 1 : 0;
}

/*
 * Reason 2. A bridge that isolates helps only if every bridge above it does,
 * so the highest one that does not is what counts.
 */
static void pci_ascend_to_acs(struct pci_ascent *ascent)
{
	struct pci_dev *limit = NULL;
	struct pci_bus *bus;

	for (bus = ascent->top->bus; !pci_is_root_bus(bus); bus = bus->parent)
		if (bus->self && !pci_isolates(bus->self))
			limit = bus->self;

	if (!limit)
		return;

	for (bus = ascent->top->bus; ascent->top != limit; bus = bus->parent) {
		/* The buses that SR-IOV adds hang below no bridge. */
		if (!bus->self)
			continue;

		ascent->top = bus->self;
		ascent->group = pci_share(ascent->origin, bus->self,
					  "no ACS from here to the root");
		if (ascent->group)
			return;
	}
}

/* Reasons 3, 5 and 4, the strongest first: only the last yields to ACS. */
enum pci_link {
	PCI_LINK_ALIAS,
	PCI_LINK_COMPANION,
	PCI_LINK_FUNCTION,
	PCI_NR_LINKS,
};

static const char * const pci_link_why[] = {
	[PCI_LINK_ALIAS]	= "requester ID in common",
	[PCI_LINK_COMPANION]	= "USB controllers of the same ports",
	[PCI_LINK_FUNCTION]	= "functions without ACS",
};

/* The search on one bus: what is left to visit, and was, indexed by devfn */
struct pci_search {
	struct pci_dev *origin;
	unsigned long todo[PCI_NR_LINKS][BITS_TO_LONGS(MAX_NR_DEVFNS)];
	DECLARE_BITMAP(done, MAX_NR_DEVFNS);
};

static bool pci_is_usb_companion(struct pci_dev *pdev)
{
	return pdev->class == PCI_CLASS_SERIAL_USB_UHCI ||
	       pdev->class == PCI_CLASS_SERIAL_USB_OHCI ||
	       pdev->class == PCI_CLASS_SERIAL_USB_EHCI;
}

/*
 * How @pdev, a member of the set, leads to @other; PCI_NR_LINKS: not at all.
 * @open: nothing isolates @pdev from the other functions of its slot.
 */
static enum pci_link pci_link(struct pci_dev *pdev, struct pci_dev *other,
			      bool open)
{
	/* Either may be the one with the quirk. */
	if (pci_devs_are_dma_aliases(pdev, other))
		return PCI_LINK_ALIAS;
	if (PCI_SLOT(other->devfn) != PCI_SLOT(pdev->devfn))
		return PCI_NR_LINKS;
	if (pci_is_usb_companion(pdev) && pci_is_usb_companion(other))
		return PCI_LINK_COMPANION;
	return open ? PCI_LINK_FUNCTION : PCI_NR_LINKS;
}

/* Put everything on the list that @pdev, a member of the set, leads to. */
static void pci_search_add_links(struct pci_search *search,
				 struct pci_dev *pdev)
{
	bool open = pdev->multifunction && !pci_isolates(pdev);
	struct pci_dev *other;
	enum pci_link link;

	down_read(&pci_bus_sem);
	list_for_each_entry(other, &pdev->bus->devices, bus_list) {
		if (test_bit(other->devfn, search->done))
			continue;
		link = pci_link(pdev, other, open);
		if (link != PCI_NR_LINKS)
			__set_bit(other->devfn, search->todo[link]);
	}
	up_read(&pci_bus_sem);
}

static struct iommu_group *pci_search_visit(struct pci_search *search,
					    struct pci_bus *bus,
					    unsigned int devfn,
					    enum pci_link link)
{
	struct iommu_group *group = NULL;
	struct pci_dev *pdev;

	pdev = pci_get_slot(bus, devfn);
	if (!pdev)
		return NULL;

	/* A function that isolates stays out, unless more leads to it. */
	if (link != PCI_LINK_FUNCTION || !pci_isolates(pdev)) {
		__set_bit(devfn, search->done);
		group = pci_share(search->origin, pdev, pci_link_why[link]);
		if (!group)
			pci_search_add_links(search, pdev);
	}

	pci_dev_put(pdev);
	return group;
}

/*
 * Reasons 3 to 5. Quirks may point in circles and at functions that were not
 * probed yet: a list of what is left to visit, and each function enters the
 * set once. The loop ends after 256 of those, and no function that stays out
 * comes back without one of its slot having entered in between.
 */
static struct iommu_group *pci_search_bus(struct pci_dev *origin,
					  struct pci_dev *top)
{
	struct pci_search search = { .origin = origin };
	struct iommu_group *group = NULL;
	enum pci_link link = 0;
	unsigned long devfn;

	__set_bit(top->devfn, search.todo[PCI_LINK_ALIAS]);
	while (!group && link < PCI_NR_LINKS) {
		devfn = find_first_bit(search.todo[link], MAX_NR_DEVFNS);
		if (devfn >= MAX_NR_DEVFNS) {
			link++;
			continue;
		}
		__clear_bit(devfn, search.todo[link]);
		if (test_bit(devfn, search.done))
			continue;
		group = pci_search_visit(&search, top->bus, devfn, link);
		/* What it leads to may be stronger than how it was reached. */
		link = 0;
	}
	return group;
}

static struct iommu_group *pci_find_group(struct pci_dev *pdev)
{
	struct pci_ascent ascent = { .origin = pdev };

	/* Reason 1 */
	if (pci_for_each_dma_alias(pdev, pci_ascend_to_alias, &ascent))
		return ascent.group;

	pci_ascend_to_acs(&ascent);
	if (ascent.group)
		return ascent.group;

	return pci_search_bus(pdev, ascent.top);
}
#else
static struct iommu_group *pci_find_group(struct pci_dev *pdev)
{
	return NULL;
}
#endif /* CONFIG_PCI */

/**
 * pci_device_group() - The group of a PCI device
 * @dev: the device that asks
 *
 * Context: process context; driver callback &iommu_ops.device_group, under
 * iommu_probe_device_lock. Takes pci_bus_sem for reading.
 * Return: the group of a device that cannot be separated from @dev, else a new
 * one, with a reference; -EINVAL if @dev is not on a PCI bus; what
 * iommu_group_alloc() says on failure.
 */
struct iommu_group *pci_device_group(struct device *dev)
{
	struct iommu_group *shared;

	if (WARN_ON(!dev_is_pci(dev)))
		return ERR_PTR(-EINVAL);

	shared = pci_find_group(to_pci_dev(dev));
	return shared ?: iommu_group_alloc();
}
EXPORT_SYMBOL_GPL(pci_device_group);
