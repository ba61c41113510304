// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which PCI devices share a group: reasons 1 to 5 of iommu-topology.c, and W32.
 *
 * The devices exist in memory only. They hang on buses made here, are never
 * added to the driver model, and "probing" one is asking for its group and
 * remembering the answer where the next one looks for it.
 */
#include <kunit/test.h>
#include <linux/bitfield.h>
#include <linux/iommu.h>
#include <linux/pci.h>
#include <linux/prandom.h>

#define MAX_FAKES	256	/* as many functions as a bus can have */
#define ACS_AT		0x100

/* What a function is like; 0 is plain conventional PCI. */
#define IS_PCIE		BIT(0)	/* or conventional, which never isolates */
#define HAS_ACS		BIT(1)
#define IS_MULTI	BIT(2)

struct fake_bus {
	struct pci_bus bus;
#ifdef CONFIG_X86
	struct pci_sysdata sysdata;
#endif
};

struct fake {
	struct pci_dev pdev;
	DECLARE_BITMAP(aliases, MAX_FAKES);
};

static void fake_release(struct device *dev)
{
	/* The memory is KUnit's. */
}

static void fake_unplug(void *data)
{
	struct fake *fake = data;

	iommu_group_put(fake->pdev.dev.iommu_group);
	fake->pdev.dev.iommu_group = NULL;
	list_del(&fake->pdev.bus_list);
	put_device(&fake->pdev.dev);
}

/* All a capability is asked for is its bits, and all of them are set. */
static int fake_config_read(struct pci_bus *bus, unsigned int devfn, int where,
			    int size, u32 *val)
{
	*val = where >= ACS_AT ? 0x7f : 0;
	return PCIBIOS_SUCCESSFUL;
}

static struct pci_ops fake_config = { .read = fake_config_read };

/* A bus below @bridge, or a root bus. */
static struct pci_bus *new_bus(struct kunit *test, struct fake *bridge)
{
	struct fake_bus *fake = kunit_kzalloc(test, sizeof(*fake), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, fake);
	INIT_LIST_HEAD(&fake->bus.devices);
	fake->bus.ops = &fake_config;
#ifdef CONFIG_X86
	fake->bus.sysdata = &fake->sysdata;
#endif
	if (bridge) {
		fake->bus.self = &bridge->pdev;
		fake->bus.parent = bridge->pdev.bus;
		fake->bus.number = bridge->pdev.bus->number + 1;
		bridge->pdev.subordinate = &fake->bus;
	}
	return &fake->bus;
}

static struct fake *new_fake(struct kunit *test, struct pci_bus *bus, u8 devfn,
			     int pcie_type, unsigned int flags)
{
	struct fake *fake = kunit_kzalloc(test, sizeof(*fake), GFP_KERNEL);
	struct pci_dev *pdev;

	KUNIT_ASSERT_NOT_NULL(test, fake);
	pdev = &fake->pdev;
	pdev->bus = bus;
	pdev->devfn = devfn;
	pdev->vendor = 0x1234;
	pdev->error_state = pci_channel_io_normal;
	pdev->multifunction = !!(flags & IS_MULTI);
	if (flags & IS_PCIE) {
		pdev->pcie_cap = 0x40;
		pdev->pcie_flags_reg =
			FIELD_PREP(PCI_EXP_FLAGS_TYPE, pcie_type);
	}
	if (flags & HAS_ACS)
		pdev->acs_cap = ACS_AT;

	device_initialize(&pdev->dev);
	pdev->dev.bus = &pci_bus_type;
	pdev->dev.release = fake_release;
	dev_set_name(&pdev->dev, "fake:%02x:%02x", bus->number, devfn);
	list_add_tail(&pdev->bus_list, &bus->devices);
	KUNIT_ASSERT_EQ(test,
			kunit_add_action_or_reset(test, fake_unplug, fake), 0);
	return fake;
}

static struct fake *new_endpoint(struct kunit *test, struct pci_bus *bus,
				 u8 devfn, unsigned int flags)
{
	return new_fake(test, bus, devfn, PCI_EXP_TYPE_ENDPOINT,
			IS_PCIE | flags);
}

static struct fake *new_port(struct kunit *test, struct pci_bus *bus, u8 devfn,
			     int type, unsigned int flags)
{
	return new_fake(test, bus, devfn, type, IS_PCIE | flags);
}

/* Requests of @fake may carry the ID of @devfn. */
static void add_alias(struct fake *fake, u8 devfn)
{
	__set_bit(devfn, fake->aliases);
	fake->pdev.dma_alias_mask = fake->aliases;
}

static struct iommu_group *probe(struct kunit *test, struct fake *fake)
{
	struct iommu_group *group = pci_device_group(&fake->pdev.dev);

	KUNIT_ASSERT_FALSE(test, IS_ERR_OR_NULL(group));
	fake->pdev.dev.iommu_group = group;
	return group;
}

static void forget(struct fake *fake)
{
	iommu_group_put(fake->pdev.dev.iommu_group);
	fake->pdev.dev.iommu_group = NULL;
}

static bool share(struct fake *one, struct fake *two)
{
	return one->pdev.dev.iommu_group == two->pdev.dev.iommu_group;
}

/* Probe both, in either order: do they share a group? */
static bool would_share(struct kunit *test, struct fake *one, struct fake *two)
{
	bool first, second;

	probe(test, one);
	probe(test, two);
	first = share(one, two);
	forget(one);
	forget(two);

	probe(test, two);
	probe(test, one);
	second = share(one, two);
	forget(one);
	forget(two);

	KUNIT_EXPECT_EQ(test, first, second);
	return first;
}

/*
 * Does @low join the group of the bridge @high above it? Bridges are always
 * probed first.
 */
static bool joins(struct kunit *test, struct fake *low, struct fake *high)
{
	bool ret;

	probe(test, high);
	probe(test, low);
	ret = share(low, high);
	forget(low);
	forget(high);
	return ret;
}

static void device_alone_gets_its_own_group(struct kunit *test)
{
	struct pci_bus *bus = new_bus(test, NULL);
	struct fake *one = new_endpoint(test, bus, PCI_DEVFN(1, 0), 0);
	struct fake *two = new_endpoint(test, bus, PCI_DEVFN(2, 0), 0);

	KUNIT_EXPECT_FALSE(test, would_share(test, one, two));
}

/* A pci_dev is asked of this function only. */
static void other_bus_is_refused(struct kunit *test)
{
	struct device *dev = kunit_kzalloc(test, sizeof(*dev), GFP_KERNEL);
	struct iommu_group *group;

	KUNIT_ASSERT_NOT_NULL(test, dev);
	pr_info("lab-expect: pci_device_group\n");
	group = pci_device_group(dev);
	KUNIT_EXPECT_PTR_EQ(test, group, ERR_PTR(-EINVAL));
}

/* Reason 1: the bridge's ID stands for all behind it, itself included. */
static void devices_behind_conventional_bridge_share(struct kunit *test)
{
	struct pci_bus *root = new_bus(test, NULL), *pci, *deep;
	struct fake *bridge = new_fake(test, root, PCI_DEVFN(1, 0),
				       PCI_EXP_TYPE_PCI_BRIDGE, IS_PCIE);
	struct fake *one, *two, *inner, *three;

	pci = new_bus(test, bridge);
	one = new_fake(test, pci, PCI_DEVFN(1, 0), 0, 0);
	two = new_fake(test, pci, PCI_DEVFN(2, 0), 0, 0);
	inner = new_fake(test, pci, PCI_DEVFN(3, 0), 0, 0);
	deep = new_bus(test, inner);
	three = new_fake(test, deep, PCI_DEVFN(1, 0), 0, 0);

	probe(test, bridge);
	KUNIT_EXPECT_TRUE(test, would_share(test, one, two));
	KUNIT_EXPECT_TRUE(test, would_share(test, three, two));
	KUNIT_EXPECT_TRUE(test, would_share(test, inner, three));
	probe(test, three);
	KUNIT_EXPECT_TRUE(test, share(bridge, three));
}

/* Reason 2: what one port without ACS costs is everything below it. */
static void port_without_acs_joins_all_below_it(struct kunit *test)
{
	struct pci_bus *root = new_bus(test, NULL), *link, *inside, *below;
	struct fake *port, *up, *down[2], *leaf[2];
	int i;

	port = new_port(test, root, PCI_DEVFN(1, 0), PCI_EXP_TYPE_ROOT_PORT, 0);
	link = new_bus(test, port);
	up = new_port(test, link, 0, PCI_EXP_TYPE_UPSTREAM, 0);
	inside = new_bus(test, up);
	for (i = 0; i < 2; i++) {
		down[i] = new_port(test, inside, PCI_DEVFN(i, 0),
				   PCI_EXP_TYPE_DOWNSTREAM, HAS_ACS);
		below = new_bus(test, down[i]);
		leaf[i] = new_endpoint(test, below, 0, 0);
	}

	probe(test, port);
	KUNIT_EXPECT_TRUE(test, would_share(test, leaf[0], leaf[1]));
	KUNIT_EXPECT_TRUE(test, would_share(test, up, leaf[1]));
	forget(port);
	KUNIT_EXPECT_TRUE(test, joins(test, leaf[0], port));
}

static void ports_with_acs_keep_devices_apart(struct kunit *test)
{
	struct pci_bus *root = new_bus(test, NULL), *link, *inside, *below;
	struct fake *port, *up, *down[2], *leaf[2];
	int i;

	port = new_port(test, root, PCI_DEVFN(1, 0), PCI_EXP_TYPE_ROOT_PORT,
			HAS_ACS);
	link = new_bus(test, port);
	up = new_port(test, link, 0, PCI_EXP_TYPE_UPSTREAM, 0);
	inside = new_bus(test, up);
	for (i = 0; i < 2; i++) {
		down[i] = new_port(test, inside, PCI_DEVFN(i, 0),
				   PCI_EXP_TYPE_DOWNSTREAM, i ? 0 : HAS_ACS);
		below = new_bus(test, down[i]);
		leaf[i] = new_endpoint(test, below, 0, 0);
	}

	KUNIT_EXPECT_FALSE(test, would_share(test, port, leaf[0]));
	KUNIT_EXPECT_FALSE(test, would_share(test, leaf[0], leaf[1]));
	KUNIT_EXPECT_FALSE(test, would_share(test, leaf[0], down[0]));
	/* The second one has no ACS. */
	KUNIT_EXPECT_TRUE(test, joins(test, leaf[1], down[1]));
	KUNIT_EXPECT_FALSE(test, would_share(test, leaf[1], up));
}

/*
 * Reason 3, seen from the function with the quirk and from the other one. W32:
 * found by a search of their own bus, for no walk over all PCI devices of the
 * machine ever meets these.
 */
static void alias_joins_both_ways(struct kunit *test)
{
	struct pci_bus *bus = new_bus(test, NULL);
	struct fake *one = new_endpoint(test, bus, PCI_DEVFN(1, 0), 0);
	struct fake *two = new_endpoint(test, bus, PCI_DEVFN(2, 0), 0);
	struct fake *three = new_endpoint(test, bus, PCI_DEVFN(3, 0), 0);

	add_alias(two, PCI_DEVFN(1, 0));
	KUNIT_EXPECT_TRUE(test, would_share(test, one, two));
	KUNIT_EXPECT_FALSE(test, would_share(test, one, three));
	KUNIT_EXPECT_FALSE(test, would_share(test, two, three));
}

static void alias_to_an_absent_function_joins_nobody(struct kunit *test)
{
	struct pci_bus *bus = new_bus(test, NULL);
	struct fake *one = new_endpoint(test, bus, PCI_DEVFN(1, 0), 0);
	struct fake *two = new_endpoint(test, bus, PCI_DEVFN(2, 0), 0);

	add_alias(one, PCI_DEVFN(1, 1));
	add_alias(two, PCI_DEVFN(2, 1));
	KUNIT_EXPECT_FALSE(test, would_share(test, one, two));
}

/* ID quirks do not cross buses. */
static void alias_does_not_reach_another_bus(struct kunit *test)
{
	struct pci_bus *here = new_bus(test, NULL);
	struct pci_bus *there = new_bus(test, NULL);
	struct fake *one = new_endpoint(test, here, PCI_DEVFN(1, 0), 0);
	struct fake *two = new_endpoint(test, there, PCI_DEVFN(1, 0), 0);

	add_alias(one, PCI_DEVFN(1, 0));
	KUNIT_EXPECT_FALSE(test, would_share(test, one, two));
}

/* A function that was not probed yet still is the link between two others. */
static void alias_through_a_function_without_group(struct kunit *test)
{
	struct pci_bus *bus = new_bus(test, NULL);
	struct fake *one = new_endpoint(test, bus, PCI_DEVFN(1, 0), 0);
	struct fake *link = new_endpoint(test, bus, PCI_DEVFN(2, 0), 0);
	struct fake *two = new_endpoint(test, bus, PCI_DEVFN(3, 0), 0);

	add_alias(link, PCI_DEVFN(1, 0));
	add_alias(link, PCI_DEVFN(3, 0));
	KUNIT_EXPECT_TRUE(test, would_share(test, one, two));
}

/* The longest chain of quirks there can be, closed to a ring. */
static void ring_of_aliases_ends_and_shares(struct kunit *test)
{
	struct pci_bus *bus = new_bus(test, NULL);
	struct fake **all;
	int i;

	all = kunit_kcalloc(test, MAX_FAKES, sizeof(*all), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, all);
	for (i = 0; i < MAX_FAKES; i++) {
		all[i] = new_endpoint(test, bus, i, 0);
		add_alias(all[i], (i + 1) % MAX_FAKES);
		add_alias(all[i], i);
	}

	probe(test, all[0]);
	for (i = 1; i < MAX_FAKES; i++) {
		probe(test, all[i]);
		KUNIT_ASSERT_TRUE(test, share(all[0], all[i]));
	}
}

/* Reason 4, with a member that isolates and another slot on the same bus. */
static void functions_without_acs_share(struct kunit *test)
{
	struct pci_bus *bus = new_bus(test, NULL);
	struct fake *f0 = new_endpoint(test, bus, PCI_DEVFN(1, 0), IS_MULTI);
	struct fake *f1 = new_endpoint(test, bus, PCI_DEVFN(1, 1),
				       IS_MULTI | HAS_ACS);
	struct fake *f7 = new_endpoint(test, bus, PCI_DEVFN(1, 7), IS_MULTI);
	struct fake *other = new_endpoint(test, bus, PCI_DEVFN(2, 0), IS_MULTI);

	KUNIT_EXPECT_TRUE(test, would_share(test, f0, f7));
	KUNIT_EXPECT_FALSE(test, would_share(test, f0, f1));
	KUNIT_EXPECT_FALSE(test, would_share(test, f1, f7));
	KUNIT_EXPECT_FALSE(test, would_share(test, f7, other));
}

/* Reasons 3 and 4 together: an alias of a neighbour counts, too. */
static void alias_of_a_function_of_the_slot_joins(struct kunit *test)
{
	struct pci_bus *bus = new_bus(test, NULL);
	struct fake *f0 = new_endpoint(test, bus, PCI_DEVFN(1, 0), IS_MULTI);
	struct fake *f1 = new_endpoint(test, bus, PCI_DEVFN(1, 1), IS_MULTI);
	struct fake *far = new_endpoint(test, bus, PCI_DEVFN(5, 0), 0);

	add_alias(f1, PCI_DEVFN(5, 0));
	KUNIT_EXPECT_TRUE(test, would_share(test, f0, far));
	KUNIT_EXPECT_TRUE(test, would_share(test, f1, far));
}

/*
 * Random buses against an oracle that knows only "are these two linked?" and
 * spreads the smallest number over every link until nothing changes.
 */
#define RANDOM_ROUNDS	100
#define RANDOM_FAKES	24

static bool linked(struct fake *one, struct fake *two)
{
	struct pci_dev *a = &one->pdev, *b = &two->pdev;

	if (test_bit(a->devfn, two->aliases) || test_bit(b->devfn, one->aliases))
		return true;
	return PCI_SLOT(a->devfn) == PCI_SLOT(b->devfn) && !a->acs_cap &&
	       !b->acs_cap;
}

static void spread(struct fake **all, int *number)
{
	bool again = true;
	int i, j;

	while (again) {
		again = false;
		for (i = 0; i < RANDOM_FAKES; i++)
			for (j = 0; j < RANDOM_FAKES; j++)
				if (number[j] < number[i] &&
				    linked(all[i], all[j])) {
					number[i] = number[j];
					again = true;
				}
	}
}

static void random_round(struct kunit *test, u64 seed)
{
	struct pci_bus *bus = new_bus(test, NULL);
	struct fake *all[RANDOM_FAKES];
	int number[RANDOM_FAKES];
	struct rnd_state rnd;
	int i, j;

	prandom_seed_state(&rnd, seed);
	for (i = 0; i < RANDOM_FAKES; i++) {
		all[i] = new_endpoint(test, bus, 3 * i, IS_MULTI |
				      (prandom_u32_state(&rnd) & HAS_ACS));
		number[i] = i;
	}
	for (i = 0; i < RANDOM_FAKES / 3; i++)
		add_alias(all[prandom_u32_state(&rnd) % RANDOM_FAKES],
			  prandom_u32_state(&rnd) % (3 * RANDOM_FAKES));
	for (i = RANDOM_FAKES - 1; i > 0; i--) {
		j = prandom_u32_state(&rnd) % (i + 1);
		swap(all[i], all[j]);
	}

	spread(all, number);
	for (i = 0; i < RANDOM_FAKES; i++)
		probe(test, all[i]);
	for (i = 0; i < RANDOM_FAKES; i++)
		for (j = 0; j < i; j++)
			KUNIT_EXPECT_EQ_MSG(test, share(all[i], all[j]),
					    number[i] == number[j],
					    "seed %llu, %s and %s", seed,
					    pci_name(&all[i]->pdev),
					    pci_name(&all[j]->pdev));
	for (i = 0; i < RANDOM_FAKES; i++)
		kunit_release_action(test, fake_unplug, all[i]);
}

static void random_buses_match_the_oracle(struct kunit *test)
{
	u64 seed;

	for (seed = 1; seed <= RANDOM_ROUNDS; seed++)
		random_round(test, seed);
}

static struct fake *new_usb(struct kunit *test, struct pci_bus *bus, u8 devfn,
			    unsigned int class)
{
	struct fake *fake = new_endpoint(test, bus, devfn, IS_MULTI | HAS_ACS);

	fake->pdev.class = class;
	return fake;
}

/* UHCI, OHCI and EHCI of a slot reach the same ports, whatever ACS says. */
static void usb_companions_share_in_spite_of_acs(struct kunit *test)
{
	struct pci_bus *bus = new_bus(test, NULL);
	struct fake *uhci, *ohci, *ehci, *xhci, *other;

	uhci = new_usb(test, bus, PCI_DEVFN(3, 0), PCI_CLASS_SERIAL_USB_UHCI);
	ohci = new_usb(test, bus, PCI_DEVFN(3, 1), PCI_CLASS_SERIAL_USB_OHCI);
	ehci = new_usb(test, bus, PCI_DEVFN(3, 7), PCI_CLASS_SERIAL_USB_EHCI);
	xhci = new_usb(test, bus, PCI_DEVFN(3, 2), PCI_CLASS_SERIAL_USB_XHCI);
	other = new_usb(test, bus, PCI_DEVFN(4, 0), PCI_CLASS_SERIAL_USB_EHCI);

	probe(test, ehci);
	probe(test, other);
	probe(test, xhci);
	probe(test, uhci);
	probe(test, ohci);
	KUNIT_EXPECT_TRUE(test, share(uhci, ehci));
	KUNIT_EXPECT_TRUE(test, share(ohci, ehci));
	KUNIT_EXPECT_FALSE(test, share(xhci, ehci));
	KUNIT_EXPECT_FALSE(test, share(other, ehci));
}

/* Who shares its group knows with whom and why; who came first does not. */
static void reason_of_sharing_is_kept(struct kunit *test)
{
	struct pci_bus *bus = new_bus(test, NULL);
	struct fake *first = new_endpoint(test, bus, PCI_DEVFN(3, 0), IS_MULTI);
	struct fake *second = new_endpoint(test, bus, PCI_DEVFN(3, 1), IS_MULTI);
	struct dev_iommu *of_first, *of_second;

	of_first = kunit_kzalloc(test, sizeof(*of_first), GFP_KERNEL);
	of_second = kunit_kzalloc(test, sizeof(*of_second), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, of_first);
	KUNIT_ASSERT_NOT_NULL(test, of_second);
	first->pdev.dev.iommu = of_first;
	second->pdev.dev.iommu = of_second;
	probe(test, first);
	probe(test, second);
	KUNIT_EXPECT_NULL(test, of_first->shares);
	KUNIT_EXPECT_STREQ(test, of_second->shares,
			   "fake:00:18: functions without ACS");
	kfree(of_second->shares);
	first->pdev.dev.iommu = NULL;
	second->pdev.dev.iommu = NULL;
}

static struct kunit_case topology_cases[] = {
	KUNIT_CASE(device_alone_gets_its_own_group),
	KUNIT_CASE(other_bus_is_refused),
	KUNIT_CASE(devices_behind_conventional_bridge_share),
	KUNIT_CASE(port_without_acs_joins_all_below_it),
	KUNIT_CASE(ports_with_acs_keep_devices_apart),
	KUNIT_CASE(alias_joins_both_ways),
	KUNIT_CASE(alias_to_an_absent_function_joins_nobody),
	KUNIT_CASE(alias_does_not_reach_another_bus),
	KUNIT_CASE(alias_through_a_function_without_group),
	KUNIT_CASE(ring_of_aliases_ends_and_shares),
	KUNIT_CASE(functions_without_acs_share),
	KUNIT_CASE(alias_of_a_function_of_the_slot_joins),
	KUNIT_CASE(random_buses_match_the_oracle),
	KUNIT_CASE(usb_companions_share_in_spite_of_acs),
	KUNIT_CASE(reason_of_sharing_is_kept),
	{}
};

static struct kunit_suite topology_suite = {
	.name = "iommu_topology",
	.test_cases = topology_cases,
};

kunit_test_suite(topology_suite);
