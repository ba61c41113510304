// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is special about PCI devices: bus mastering as the last fence (T7), and
 * resets, through the functions that the rest of the kernel calls for them.
 *
 * The devices exist in memory only. Two functions share a group, whose IOMMU is
 * a variable for each of them; a bridge above them has nothing to do with it.
 */
#include <kunit/test.h>
#include <linux/iommu.h>
#include <linux/pci.h>
#include <linux/pci_hotplug.h>
#include "../../pci/pci.h"
#include "../iommu-priv.h"

#define FAKES		2
#define AF_FLR_METHOD	4	/* its place in pci_reset_fn_methods[] */
#define AF_CAP		0x40	/* its place in the configuration space */
#define PASID		5

/**
 * struct fake - a PCI function
 * @pdev: the device
 * @gdev: its membership
 * @iommu: what the core knows of it
 * @world: all of it
 * @config: its configuration space
 * @hw: what its requests translate with
 * @pasid: the same for one PASID
 * @stuck: every attach fails
 * @pasid_stuck: every PASID attach fails
 */
struct fake {
	struct pci_dev pdev;
	struct group_device gdev;
	struct dev_iommu iommu;
	struct world *world;
	u8 config[PCI_CFG_SPACE_SIZE];
	struct iommu_domain *hw;
	struct iommu_domain *pasid;
	bool stuck;
	bool pasid_stuck;
};

/**
 * struct world - two functions in a group, below a bridge
 * @test: the running test
 * @f: the functions
 * @bridge: the bridge
 * @root: the bus it is on
 * @bus: the bus of the functions
 * @slot: their slot
 * @hotplug: what resets the slot, if @slot knows of it
 * @sysdata: what x86 wants to know of a bus
 * @group: their group
 * @remove: this one is to be removed in the middle of a reset
 * @resets: how often a reset was under way
 * @quiet: how often all functions were blocked then
 */
struct world {
	struct kunit *test;
	struct fake f[FAKES];
	struct fake bridge;
	struct pci_bus root;
	struct pci_bus bus;
	struct pci_slot slot;
	struct hotplug_slot hotplug;
#ifdef CONFIG_X86
	struct pci_sysdata sysdata;
#endif
	struct iommu_group *group;
	struct fake *remove;
	int resets;
	int quiet;
};

/* ---- the IOMMU ------------------------------------------------------------ */

static struct fake *to_fake(struct device *dev)
{
	return container_of(to_pci_dev(dev), struct fake, pdev);
}

static int fake_attach(struct iommu_domain *domain, struct device *dev)
{
	if (to_fake(dev)->stuck)
		return -EIO;
	to_fake(dev)->hw = domain;
	return 0;
}

static int fake_set_pasid(struct iommu_domain *domain, struct device *dev,
			  ioasid_t pasid, struct iommu_domain *old)
{
	if (to_fake(dev)->pasid_stuck)
		return -EIO;
	to_fake(dev)->pasid = domain;
	return 0;
}

static void fake_remove_pasid(struct device *dev, ioasid_t pasid,
			      struct iommu_domain *domain)
{
	to_fake(dev)->pasid = NULL;
}

static const struct iommu_domain_ops fake_domain_ops = {
	.attach_dev = fake_attach,
	.set_dev_pasid = fake_set_pasid,
};

static struct iommu_domain normal = {
	.type = IOMMU_DOMAIN_IDENTITY, .ops = &fake_domain_ops,
};

static struct iommu_domain blocked = {
	.type = IOMMU_DOMAIN_BLOCKED, .ops = &fake_domain_ops,
};

static struct iommu_domain users = {
	.type = IOMMU_DOMAIN_UNMANAGED, .ops = &fake_domain_ops,
};

static const struct iommu_ops fake_ops = {
	.blocked_domain = &blocked,
	.release_domain = &blocked,
	.remove_dev_pasid = fake_remove_pasid,
};

static struct iommu_device fake_iommu = {
	.ops = &fake_ops, .max_pasids = 64,
};

/* ---- configuration space -------------------------------------------------- */

static struct fake *fake_at(struct pci_bus *bus, unsigned int devfn)
{
	struct pci_dev *pdev;

	list_for_each_entry(pdev, &bus->devices, bus_list)
		if (pdev->devfn == devfn)
			return container_of(pdev, struct fake, pdev);
	return NULL;
}

static int fake_read(struct pci_bus *bus, unsigned int devfn, int where,
		     int size, u32 *val)
{
	struct fake *fake = fake_at(bus, devfn);

	*val = 0;
	if (!fake || where + size > sizeof(fake->config))
		return PCIBIOS_DEVICE_NOT_FOUND;
	memcpy(val, fake->config + where, size);
	return PCIBIOS_SUCCESSFUL;
}

static int fake_write(struct pci_bus *bus, unsigned int devfn, int where,
		      int size, u32 val)
{
	struct fake *fake = fake_at(bus, devfn);

	if (!fake || where + size > sizeof(fake->config))
		return PCIBIOS_DEVICE_NOT_FOUND;
	memcpy(fake->config + where, &val, size);
	return PCIBIOS_SUCCESSFUL;
}

static bool is_quiet(struct fake *fake)
{
	return fake->hw == &blocked && !fake->pasid;
}

static void leave(struct fake *fake)
{
	struct iommu_group *group = fake->world->group;

	guard(iommu_group)(group);
	iommu_member_leave(&fake->gdev);
	iommu_group_unlink_member(&fake->gdev);
	iommu_member_rest(&fake->gdev);
	fake->hw = NULL;
	iommu_member_left(&fake->gdev);
	fake->pdev.dev.iommu_group = NULL;
	fake->pdev.dev.iommu = NULL;
}

/* A reset is under way: what do the functions translate with? */
static void during_reset(struct world *w)
{
	w->resets++;
	w->quiet += is_quiet(&w->f[0]) && is_quiet(&w->f[1]);
	KUNIT_EXPECT_EQ(w->test, -EBUSY,
			iommu_attach_group(&users, w->group));
	if (w->remove)
		leave(w->remove);
	w->remove = NULL;
}

/* The bridge's way to reset what is below it */
static int bridge_write(struct pci_bus *bus, unsigned int devfn, int where,
			int size, u32 val)
{
	struct world *w = container_of(bus, struct world, root);

	if (where == PCI_BRIDGE_CONTROL && val & PCI_BRIDGE_CTL_BUS_RESET)
		during_reset(w);
	return fake_write(bus, devfn, where, size, val);
}

static struct pci_ops fake_config = {
	.read = fake_read, .write = fake_write,
};

static struct pci_ops bridge_config = {
	.read = fake_read, .write = bridge_write,
};

/* The hot-plug controller's way; asked only, it resets nothing. */
static int slot_reset(struct hotplug_slot *hotplug, bool probe)
{
	struct world *w = container_of(hotplug, struct world, hotplug);

	if (!probe)
		during_reset(w);
	return 0;
}

static const struct hotplug_slot_ops slot_ops = { .reset_slot = slot_reset };

/* ---- the world ------------------------------------------------------------ */

static void fake_release(struct device *dev)
{
	/* The memory is KUnit's. */
}

static void fake_init(struct world *w, struct fake *fake, struct pci_bus *bus,
		      u8 devfn)
{
	struct pci_dev *pdev = &fake->pdev;

	fake->world = w;
	pdev->bus = bus;
	pdev->devfn = devfn;
	pdev->vendor = 0x1234;
	pdev->error_state = pci_channel_io_normal;
	device_initialize(&pdev->dev);
	pdev->dev.bus = &pci_bus_type;
	pdev->dev.release = fake_release;
	dev_set_name(&pdev->dev, "fake:%02x:%02x", bus->number, devfn);
	list_add_tail(&pdev->bus_list, &bus->devices);
}

static void fake_join(struct world *w, struct fake *fake)
{
	struct pci_dev *pdev = &fake->pdev;

	pdev->ats_cap = 0x100;
	pdev->devcap = PCI_EXP_DEVCAP_FLR;
	pdev->imm_ready = 1;
	/* Not PCI Express's, which announces itself: that is to be seen. */
	pdev->reset_methods[0] = AF_FLR_METHOD;
	fake->config[PCI_STATUS] = PCI_STATUS_CAP_LIST;
	fake->config[PCI_CAPABILITY_LIST] = AF_CAP;
	fake->config[AF_CAP] = PCI_CAP_ID_AF;
	fake->config[AF_CAP + PCI_AF_CAP] = PCI_AF_CAP_TP | PCI_AF_CAP_FLR;
	pdev->slot = &w->slot;
	mutex_init(&fake->iommu.lock);
	fake->iommu.iommu_dev = &fake_iommu;
	fake->iommu.max_pasids = 64;
	fake->gdev.group = w->group;
	fake->gdev.dev = &pdev->dev;
	pdev->dev.iommu = &fake->iommu;
	pdev->dev.iommu_group = w->group;
	guard(iommu_group)(w->group);
	iommu_group_link_member(&fake->gdev);
}

static void bus_init(struct world *w, struct pci_bus *bus, struct pci_ops *ops)
{
	INIT_LIST_HEAD(&bus->devices);
	INIT_LIST_HEAD(&bus->slots);
	bus->ops = ops;
#ifdef CONFIG_X86
	bus->sysdata = &w->sysdata;
#endif
}

static void world_end(struct world *w)
{
	for (int i = 0; i < FAKES; i++) {
		if (w->f[i].pdev.dev.iommu)
			leave(&w->f[i]);
		put_device(&w->f[i].pdev.dev);
	}
	put_device(&w->bridge.pdev.dev);
	WRITE_ONCE(w->group->domain, NULL);
	WRITE_ONCE(w->group->default_domain, NULL);
	w->group->blocking_domain = NULL;
	KUNIT_EXPECT_EQ(w->test, 0, atomic_read(&users.users));
	KUNIT_EXPECT_EQ(w->test, 0, atomic_read(&users.stranded));
	iommu_group_put(w->group);
}

static int pci_test_init(struct kunit *test)
{
	struct world *w = kunit_kzalloc(test, sizeof(*w), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, w);
	w->test = test;
	w->group = iommu_group_alloc();
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, w->group);
	bus_init(w, &w->root, &bridge_config);
	bus_init(w, &w->bus, &fake_config);
	fake_init(w, &w->bridge, &w->root, PCI_DEVFN(1, 0));
	w->bridge.pdev.hdr_type = PCI_HEADER_TYPE_BRIDGE;
	w->bridge.pdev.subordinate = &w->bus;
	w->bus.self = &w->bridge.pdev;
	w->bus.parent = &w->root;
	w->bus.number = 1;
	w->slot.bus = &w->bus;
	w->hotplug.ops = &slot_ops;
	w->hotplug.owner = THIS_MODULE;
	for (int i = 0; i < FAKES; i++) {
		fake_init(w, &w->f[i], &w->bus, PCI_DEVFN(0, i));
		fake_join(w, &w->f[i]);
	}
	test->priv = w;
	guard(iommu_group)(w->group);
	WRITE_ONCE(w->group->default_domain, &normal);
	return iommu_transition(w->group, &normal);
}

static void pci_test_exit(struct kunit *test)
{
	if (test->priv)
		world_end(test->priv);
}

/* The group on a domain of its user, with one PASID on it as well. */
static void give_to_user(struct world *w)
{
	users.owner = &fake_ops;
	KUNIT_ASSERT_EQ(w->test, 0, iommu_attach_group(&users, w->group));
	KUNIT_ASSERT_EQ(w->test, 0,
			iommu_attach_device_pasid(&users, &w->f[0].pdev.dev,
						  PASID, NULL));
}

static void take_from_user(struct world *w)
{
	iommu_detach_device_pasid(&users, &w->f[1].pdev.dev, PASID);
	iommu_detach_group(&users, w->group);
}

static void expect_given(struct world *w)
{
	for (int i = 0; i < FAKES; i++) {
		KUNIT_EXPECT_PTR_EQ(w->test, w->f[i].hw, &users);
		KUNIT_EXPECT_PTR_EQ(w->test, w->f[i].pasid, &users);
		KUNIT_EXPECT_EQ(w->test, w->f[i].gdev.pauses, 0);
	}
	KUNIT_EXPECT_EQ(w->test, w->group->nr_paused, 0);
}

/* ---- devices that are not trusted ---------------------------------------- */

static int demand_identity(struct device *dev)
{
	return IOMMU_DOMAIN_IDENTITY;
}

static const struct iommu_ops demanding_ops = {
	.blocked_domain = &blocked,
	.identity_domain = &normal,
	.release_domain = &blocked,
	.remove_dev_pasid = fake_remove_pasid,
	.def_domain_type = demand_identity,
};

/* 1.5: one member is not trusted: none of them goes untranslated. */
static void untrusted_function_gets_no_identity(struct kunit *test)
{
	struct world *w = test->priv;

	guard(iommu_group)(w->group);
	WRITE_ONCE(w->group->default_domain, &blocked);
	KUNIT_EXPECT_EQ(test, 0, iommu_transition(w->group, &blocked));
	w->f[1].pdev.untrusted = true;
	KUNIT_EXPECT_EQ(test, -EINVAL,
			iommu_setup_default_domain(w->group,
						   IOMMU_DOMAIN_IDENTITY));
	/* Nor if its driver demands it. */
	fake_iommu.ops = &demanding_ops;
	KUNIT_EXPECT_EQ(test, -EINVAL, iommu_setup_default_domain(w->group, 0));
	w->f[1].pdev.untrusted = false;
	KUNIT_EXPECT_EQ(test, 0, iommu_setup_default_domain(w->group, 0));
	fake_iommu.ops = &fake_ops;
	for (int i = 0; i < FAKES; i++)
		KUNIT_EXPECT_PTR_EQ(test, w->f[i].hw, &normal);
}

/* ---- the last fence ------------------------------------------------------- */

static u16 command_of(struct fake *fake)
{
	u16 command;

	memcpy(&command, fake->config + PCI_COMMAND, sizeof(command));
	return command;
}

static void expect_fenced(struct kunit *test, struct fake *fake)
{
	KUNIT_EXPECT_FALSE(test, fake->pdev.is_busmaster);
	KUNIT_EXPECT_EQ(test, command_of(fake) & PCI_COMMAND_MASTER, 0);
	KUNIT_EXPECT_TRUE(test, fake->gdev.master_cleared);
	KUNIT_EXPECT_TRUE(test, fake->gdev.stranded);
	KUNIT_EXPECT_NOT_NULL(test, fake->gdev.parked);
}

static void expect_open(struct kunit *test, struct fake *fake)
{
	KUNIT_EXPECT_TRUE(test, fake->pdev.is_busmaster);
	KUNIT_EXPECT_NE(test, command_of(fake) & PCI_COMMAND_MASTER, 0);
	KUNIT_EXPECT_FALSE(test, fake->gdev.master_cleared);
	KUNIT_EXPECT_FALSE(test, fake->gdev.stranded);
	KUNIT_EXPECT_NULL(test, fake->gdev.parked);
}

/*
 * T7: a device that can neither be moved nor blocked is no bus master any more
 * until an attach succeeds. Its siblings are.
 */
static void stranded_device_loses_bus_mastering(struct kunit *test)
{
	struct world *w = test->priv;

	for (int i = 0; i < FAKES; i++)
		pci_set_master(&w->f[i].pdev);
	give_to_user(w);
	w->f[1].stuck = true;
	take_from_user(w);
	expect_fenced(test, &w->f[1]);
	expect_open(test, &w->f[0]);
	KUNIT_EXPECT_EQ(test, atomic_read(&users.stranded), 1);

	w->f[1].stuck = false;
	give_to_user(w);
	expect_open(test, &w->f[1]);
	KUNIT_EXPECT_EQ(test, atomic_read(&users.stranded), 0);
	take_from_user(w);
}

/* T7: blocking suffices; a device that is no bus master is not made one. */
static void parked_device_keeps_its_bus_mastering(struct kunit *test)
{
	struct world *w = test->priv;

	pci_set_master(&w->f[0].pdev);
	w->f[1].stuck = true;
	guard(iommu_group)(w->group);
	/* Both lose everything; one can be blocked, one is no bus master. */
	iommu_transition_nofail(w->group, NULL);
	KUNIT_EXPECT_PTR_EQ(test, w->f[0].hw, &blocked);
	KUNIT_EXPECT_TRUE(test, w->f[0].pdev.is_busmaster);
	KUNIT_EXPECT_FALSE(test, w->f[0].gdev.master_cleared);
	KUNIT_EXPECT_FALSE(test, w->f[1].gdev.master_cleared);
	KUNIT_EXPECT_TRUE(test, w->f[1].gdev.stranded);

	w->f[1].stuck = false;
	KUNIT_EXPECT_EQ(test, 0, iommu_transition(w->group, &normal));
	KUNIT_EXPECT_FALSE(test, w->f[1].pdev.is_busmaster);
	KUNIT_EXPECT_NULL(test, w->f[1].gdev.parked);
}

/* T7: the same where an undo and where the end of a reset fail. */
static void every_place_ends_with_the_last_fence(struct kunit *test)
{
	struct world *w = test->priv;
	struct fake *f = &w->f[0];

	for (int i = 0; i < FAKES; i++)
		pci_set_master(&w->f[i].pdev);
	give_to_user(w);
	pci_dev_reset_iommu_prepare(&f->pdev);
	KUNIT_EXPECT_TRUE(test, is_quiet(f));
	f->stuck = true;
	pci_dev_reset_iommu_done(&f->pdev);
	/* It was blocked before it stuck: no need for the last fence. */
	KUNIT_EXPECT_NOT_NULL(test, f->gdev.parked);
	KUNIT_EXPECT_FALSE(test, f->gdev.master_cleared);
	f->stuck = false;
	take_from_user(w);
	expect_open(test, f);

	give_to_user(w);
	f->stuck = true;
	pci_dev_reset_iommu_prepare(&f->pdev);
	pci_dev_reset_iommu_done(&f->pdev);
	/* It never left: nothing to give back, nothing to fence. */
	KUNIT_EXPECT_PTR_EQ(test, f->hw, &users);
	expect_open(test, f);
	f->stuck = false;
	take_from_user(w);
}

/* T7: nor does it keep it when it leaves and cannot be brought to rest. */
static void leaving_device_loses_bus_mastering(struct kunit *test)
{
	struct world *w = test->priv;
	struct fake *f = &w->f[1];

	for (int i = 0; i < FAKES; i++)
		pci_set_master(&w->f[i].pdev);
	give_to_user(w);
	f->stuck = true;
	leave(f);
	KUNIT_EXPECT_FALSE(test, f->pdev.is_busmaster);
	KUNIT_EXPECT_TRUE(test, w->f[0].pdev.is_busmaster);
	/* Its driver has let go of it, so nothing is stranded any more. */
	KUNIT_EXPECT_EQ(test, atomic_read(&users.stranded), 0);
	iommu_detach_device_pasid(&users, &w->f[0].pdev.dev, PASID);
	iommu_detach_group(&users, w->group);
	KUNIT_EXPECT_EQ(test, atomic_read(&users.users), 0);
}

/* ---- resets --------------------------------------------------------------- */

static int reset_function(struct world *w)
{
	return pci_reset_function(&w->f[0].pdev);
}

static int reset_function_alone(struct world *w)
{
	int ret;

	pci_dev_lock(&w->f[0].pdev);
	ret = __pci_reset_function_locked(&w->f[0].pdev);
	pci_dev_unlock(&w->f[0].pdev);
	return ret;
}

static int reset_bus(struct world *w)
{
	return pci_reset_bus(&w->f[0].pdev);
}

static int reset_slot(struct world *w)
{
	w->slot.hotplug = &w->hotplug;
	return pci_reset_bus(&w->f[0].pdev);
}

static int reset_by_driver(struct world *w)
{
	return pcie_flr(&w->f[0].pdev);
}

static int reset_bus_after_error(struct world *w)
{
	return pci_bus_error_reset(&w->bridge.pdev);
}

static int reset_slot_after_error(struct world *w)
{
	w->slot.hotplug = &w->hotplug;
	list_add(&w->slot.list, &w->bus.slots);
	return pci_bus_error_reset(&w->bridge.pdev);
}

struct reset {
	const char *name;
	int (*run)(struct world *w);
	bool all;		/* both functions, and the test sees it happen */
};

static const struct reset resets[] = {
	{ "function", reset_function },
	{ "function alone", reset_function_alone },
	{ "bus", reset_bus, true },
	{ "slot", reset_slot, true },
	{ "function by its driver", reset_by_driver },
	{ "bus after an error", reset_bus_after_error, true },
	{ "slot after an error", reset_slot_after_error, true },
};

static void reset_desc(const struct reset *reset, char *desc)
{
	strscpy(desc, reset->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(reset, resets, reset_desc);

/* What is reset is blocked meanwhile, and has all of its slots afterwards. */
static void reset_blocks_and_gives_back(struct kunit *test)
{
	const struct reset *reset = test->param_value;
	struct world *w = test->priv;

	give_to_user(w);
	KUNIT_EXPECT_EQ(test, 0, reset->run(w));
	if (reset->all) {
		KUNIT_EXPECT_EQ(test, w->resets, 1);
		KUNIT_EXPECT_EQ(test, w->quiet, 1);
	}
	expect_given(w);
	take_from_user(w);
}

/* A PASID that cannot come back shows that it was taken. */
static void every_reset_takes_the_pasid(struct kunit *test)
{
	const struct reset *reset = test->param_value;
	struct world *w = test->priv;

	give_to_user(w);
	w->f[0].pasid_stuck = true;
	KUNIT_EXPECT_EQ(test, 0, reset->run(w));
	KUNIT_EXPECT_NULL(test, w->f[0].pasid);
	KUNIT_EXPECT_NULL(test, w->f[1].pasid);
	KUNIT_EXPECT_PTR_EQ(test, w->f[0].hw, &users);
	w->f[0].pasid_stuck = false;
	take_from_user(w);
}

/* Asking whether a device could be reset blocks nothing. */
static void question_about_resets_blocks_nothing(struct kunit *test)
{
	struct world *w = test->priv;

	give_to_user(w);
	w->slot.hotplug = &w->hotplug;
	/* Whoever is taken off now cannot come back. */
	w->f[0].stuck = true;
	w->f[0].pasid_stuck = true;
	KUNIT_EXPECT_EQ(test, 0, pcie_reset_flr(&w->f[0].pdev,
						PCI_RESET_PROBE));
	KUNIT_EXPECT_EQ(test, 0, pci_probe_reset_slot(&w->slot));
	KUNIT_EXPECT_EQ(test, 0, pci_probe_reset_bus(&w->bus));
	w->f[0].stuck = false;
	w->f[0].pasid_stuck = false;
	KUNIT_EXPECT_EQ(test, w->resets, 0);
	expect_given(w);
	take_from_user(w);
}

/* A function that goes away in the middle leaves its sibling free. */
static void function_removed_during_a_bus_reset(struct kunit *test)
{
	struct world *w = test->priv;

	give_to_user(w);
	w->remove = &w->f[1];
	KUNIT_EXPECT_EQ(test, 0, reset_bus(w));
	KUNIT_EXPECT_EQ(test, w->group->nr_paused, 0);
	KUNIT_EXPECT_PTR_EQ(test, w->f[0].hw, &users);
	iommu_detach_device_pasid(&users, &w->f[0].pdev.dev, PASID);
	iommu_detach_group(&users, w->group);
	KUNIT_EXPECT_EQ(test, 0, iommu_attach_group(&users, w->group));
	iommu_detach_group(&users, w->group);
}

/* Where firmware's 1:1 regions have to stay, requests without PASID do. */
static void direct_function_keeps_its_regions(struct kunit *test)
{
	struct world *w = test->priv;

	w->f[0].iommu.require_direct = 1;
	pci_dev_reset_iommu_prepare(&w->f[0].pdev);
	KUNIT_EXPECT_PTR_EQ(test, w->f[0].hw, &normal);
	KUNIT_EXPECT_EQ(test, w->group->nr_paused, 1);
	pci_dev_reset_iommu_done(&w->f[0].pdev);
	KUNIT_EXPECT_PTR_EQ(test, w->f[0].hw, &normal);
	KUNIT_EXPECT_EQ(test, w->group->nr_paused, 0);
	w->f[0].iommu.require_direct = 0;
}

/* A device without ATS caches nothing, and need not be asked. */
static void device_without_ats_is_left_alone(struct kunit *test)
{
	struct world *w = test->priv;

	w->f[0].pdev.ats_cap = 0;
	pci_dev_reset_iommu_prepare(&w->f[0].pdev);
	KUNIT_EXPECT_PTR_EQ(test, w->f[0].hw, &normal);
	KUNIT_EXPECT_EQ(test, w->group->nr_paused, 0);
	pci_dev_reset_iommu_done(&w->f[0].pdev);
	KUNIT_EXPECT_PTR_EQ(test, w->f[0].hw, &normal);
}

static struct kunit_case pci_cases[] = {
	KUNIT_CASE(untrusted_function_gets_no_identity),
	KUNIT_CASE(stranded_device_loses_bus_mastering),
	KUNIT_CASE(parked_device_keeps_its_bus_mastering),
	KUNIT_CASE(every_place_ends_with_the_last_fence),
	KUNIT_CASE(leaving_device_loses_bus_mastering),
	KUNIT_CASE_PARAM(reset_blocks_and_gives_back, reset_gen_params),
	KUNIT_CASE_PARAM(every_reset_takes_the_pasid, reset_gen_params),
	KUNIT_CASE(question_about_resets_blocks_nothing),
	KUNIT_CASE(function_removed_during_a_bus_reset),
	KUNIT_CASE(direct_function_keeps_its_regions),
	KUNIT_CASE(device_without_ats_is_left_alone),
	{}
};

static struct kunit_suite pci_suite = {
	.name = "iommu_pci",
	.init = pci_test_init,
	.exit = pci_test_exit,
	.test_cases = pci_cases,
};

kunit_test_suite(pci_suite);
