// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices and IOMMUs come and go: section 1.9 of the contract.
 */
#include <linux/completion.h>
#include <linux/kthread.h>
#include <linux/platform_device.h>
#include "mock-iommu.h"

static int owner;

/* Nothing of a device that is not behind its IOMMU may be left. */
static void expect_outside(struct kunit *test, struct mock_dev *md)
{
	KUNIT_EXPECT_NULL(test, mock_group(md));
	KUNIT_EXPECT_NULL(test, md->dev.iommu);
	KUNIT_EXPECT_NULL(test, md->hw[0]);
}

/* 1.9: a device that comes gets a group, the default domain, a last call. */
static void new_device_gets_group_and_default_domain(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_add(m, 0);

	mock_expect_domain(test, md, &m->identity);
	KUNIT_EXPECT_PTR_EQ(test, mock_group(md)->default_domain, &m->identity);
	KUNIT_EXPECT_EQ(test, m->calls[MOCK_PROBE], 1);
	KUNIT_EXPECT_EQ(test, m->calls[MOCK_FINALIZE], 1);
	mock_unplug(md);
	KUNIT_EXPECT_EQ(test, m->calls[MOCK_RELEASE], 1);
	expect_outside(test, md);
}

/* 1.9: probing twice is probing once, but for the last call. */
static void second_probe_only_finalizes(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_add(m, 0);

	KUNIT_EXPECT_EQ(test, 0, iommu_probe_device(&md->dev));
	KUNIT_EXPECT_EQ(test, m->calls[MOCK_PROBE], 1);
	KUNIT_EXPECT_EQ(test, m->calls[MOCK_ATTACH], 1);
	KUNIT_EXPECT_EQ(test, m->calls[MOCK_FINALIZE], 2);
}

/* 1.9: no IOMMU looks after the device's bus. */
static void probe_without_iommu_is_refused(struct kunit *test)
{
	struct mock_dev *md = mock_add_bare(test->priv);

	KUNIT_EXPECT_EQ(test, -ENODEV, iommu_probe_device(&md->dev));
	expect_outside(test, md);
}

/* W41: a group that VFIO made up is not one of an IOMMU. */
static void probe_of_a_member_without_iommu_leaves_it_alone(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_new_dev(m, 0);
	struct iommu_group *group = iommu_group_alloc();

	mock_fail(m, MOCK_PROBE, md, -EIO);
	mock_plug(md);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, group);
	KUNIT_ASSERT_EQ(test, 0, iommu_group_add_device(group, &md->dev));
	iommu_probe_device(&md->dev);
	KUNIT_EXPECT_PTR_EQ(test, mock_group(md), group);
	KUNIT_EXPECT_EQ(test, m->calls[MOCK_FINALIZE], 0);
	iommu_group_remove_device(&md->dev);
	iommu_group_put(group);
}

struct failing_step {
	const char *name;
	enum mock_op op;
	int released;
};

/* Allocation and attach fail only where a driver asks for DMA domains. */
static const struct failing_step failing_steps[] = {
	{ "probe_device", MOCK_PROBE, 0 },
	{ "device_group", MOCK_GROUP, 1 },
	{ "attach_dev", MOCK_ATTACH, 1 },
};

static void step_name(const struct failing_step *step, char *name)
{
	strscpy(name, step->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(failing_step, failing_steps, step_name);

/* 1.9, W23: whatever fails, the error is told and nothing is left. */
static void failing_probe_leaves_nothing(struct kunit *test)
{
	const struct failing_step *step = test->param_value;
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_new_dev(m, 0);

	/* Once for the bus notifier, which cannot tell, once to see it. */
	mock_fail(m, step->op, md, -EIO)->times = 2;
	mock_plug(md);
	expect_outside(test, md);
	KUNIT_EXPECT_EQ(test, -EIO, iommu_probe_device(&md->dev));
	expect_outside(test, md);
	KUNIT_EXPECT_EQ(test, m->calls[MOCK_RELEASE], 2 * step->released);
	KUNIT_EXPECT_EQ(test, m->calls[MOCK_FINALIZE], 0);

	KUNIT_EXPECT_EQ(test, 0, iommu_probe_device(&md->dev));
	mock_expect_domain(test, md, &m->identity);
}

/* 1.9, T8: the same for a newcomer; its group does not notice. */
static void failing_newcomer_leaves_its_group_alone(struct kunit *test)
{
	const struct failing_step *step = test->param_value;
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_add(m, 0), *late = mock_new_dev(m, 0);
	struct iommu_domain *a = mock_paging(md);

	KUNIT_ASSERT_EQ(test, 0, iommu_attach_group(a, mock_group(md)));
	mock_fail(m, step->op, late, -EIO)->times = 2;
	mock_plug(late);
	expect_outside(test, late);
	KUNIT_EXPECT_EQ(test, -EIO, iommu_probe_device(&late->dev));
	expect_outside(test, late);
	mock_expect_domain(test, md, a);

	KUNIT_EXPECT_EQ(test, 0, iommu_probe_device(&late->dev));
	KUNIT_EXPECT_PTR_EQ(test, mock_group(late), mock_group(md));
	mock_expect_domain(test, md, a);
	iommu_detach_group(a, mock_group(md));
	mock_expect_domain(test, md, &m->identity);
	iommu_domain_free(a);
}

/* T8: a newcomer gets what its group has at that moment. */
static void newcomer_joins_what_the_group_has(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_add(m, 0);
	struct iommu_domain *a = mock_paging(md);

	KUNIT_ASSERT_EQ(test, 0,
			iommu_group_claim_dma_owner(mock_group(md), &owner));
	mock_journal_clear(m);
	mock_add(m, 0);
	MOCK_EXPECT_JOURNAL(test, m, " d1:blocked");
	mock_expect_domain(test, md, &m->blocked);
	KUNIT_ASSERT_EQ(test, 0, iommu_attach_group(a, mock_group(md)));
	mock_journal_clear(m);
	mock_add(m, 0);
	MOCK_EXPECT_JOURNAL(test, m, " d2:A");
	mock_expect_domain(test, md, a);
	iommu_group_release_dma_owner(mock_group(md));
	mock_expect_domain(test, md, &m->identity);
	iommu_domain_free(a);
}

/* W17: firmware's 1:1 device does not join a group that a user owns. */
static void direct_newcomer_does_not_join_an_owned_group(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_add(m, 0), *late = mock_new_dev(m, 0);

	mock_add_resv(late, SZ_1M, SZ_4K, IOMMU_RESV_DIRECT);
	KUNIT_ASSERT_EQ(test, 0,
			iommu_group_claim_dma_owner(mock_group(md), &owner));
	mock_journal_clear(m);
	mock_plug(late);
	KUNIT_EXPECT_NULL(test, mock_group(late));
	MOCK_EXPECT_JOURNAL(test, m, "");
	mock_expect_domain(test, md, &m->blocked);
	iommu_group_release_dma_owner(mock_group(md));
	KUNIT_EXPECT_EQ(test, 0, iommu_probe_device(&late->dev));
	mock_expect_domain(test, md, &m->identity);
}

/* T8: a member leaves, the others keep what they have. */
static void leaving_member_does_not_disturb_the_others(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_add(m, 0), *middle = mock_add(m, 0);
	struct iommu_domain *a = mock_paging(md);

	mock_add(m, 0);
	KUNIT_ASSERT_EQ(test, 0, iommu_attach_group(a, mock_group(md)));
	mock_journal_clear(m);
	mock_unplug(middle);
	MOCK_EXPECT_JOURNAL(test, m, "");
	expect_outside(test, middle);
	mock_expect_domain(test, md, a);
	iommu_detach_group(a, mock_group(md));
	MOCK_EXPECT_JOURNAL(test, m, " d0:identity d2:identity");
	iommu_domain_free(a);
}

/* I8, W18: the last member leaves with everything still attached. */
static void last_member_takes_nothing_with_it(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_add_pasid(m, 0);
	struct iommu_domain *a = mock_paging(md), *b = mock_paging(md);
	struct iommu_group *group = iommu_group_get(&md->dev);

	KUNIT_ASSERT_EQ(test, 0, iommu_group_claim_dma_owner(group, &owner));
	KUNIT_ASSERT_EQ(test, 0, iommu_attach_group(a, group));
	KUNIT_ASSERT_EQ(test, 0,
			iommu_attach_device_pasid(b, &md->dev, 3, NULL));
	mock_unplug(md);
	expect_outside(test, md);
	KUNIT_EXPECT_NULL(test, group->domain);
	KUNIT_EXPECT_TRUE(test, xa_empty(&group->pasids));
	mock_expect_users(test, m);
	/* What the user does afterwards has nothing to act on. */
	iommu_detach_device_pasid(b, &md->dev, 3);
	iommu_detach_group(a, group);
	iommu_group_release_dma_owner(group);
	KUNIT_EXPECT_FALSE(test, iommu_group_dma_owner_claimed(group));
	iommu_domain_free(a);
	iommu_domain_free(b);
	KUNIT_EXPECT_TRUE(test, mock_freed(a));
	KUNIT_EXPECT_TRUE(test, mock_freed(b));
	iommu_group_put(group);
}

/* 1.9: some drivers want a defined rest before the release. */
static void release_domain_is_attached_before_release(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md;

	m->ops.release_domain = &m->blocked;
	md = mock_add(m, 0);
	mock_journal_clear(m);
	mock_unplug(md);
	MOCK_EXPECT_JOURNAL(test, m, " d0:blocked");
}

/* 1.9: but not where no attach ever happened. */
static void release_of_a_deferred_device_attaches_nothing(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_new_dev(m, 0);

	m->ops.release_domain = &m->blocked;
	md->deferred = true;
	mock_plug(md);
	KUNIT_ASSERT_NOT_NULL(test, mock_group(md));
	mock_unplug(md);
	MOCK_EXPECT_JOURNAL(test, m, "");
	KUNIT_EXPECT_EQ(test, m->calls[MOCK_RELEASE], 1);
}

/* W19: firmware keeps its 1:1 mappings when the driver's rest is blocked. */
static void release_of_a_direct_device_rests_on_identity(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_new_dev(m, 0);
	struct iommu_domain *a;

	m->ops.release_domain = &m->blocked;
	mock_add_resv(md, SZ_1M, SZ_4K, IOMMU_RESV_DIRECT);
	mock_plug(md);
	KUNIT_ASSERT_NOT_NULL(test, mock_group(md));
	a = mock_paging(md);
	KUNIT_ASSERT_EQ(test, 0, iommu_attach_group(a, mock_group(md)));
	mock_add(m, 0);
	mock_journal_clear(m);
	mock_unplug(md);
	MOCK_EXPECT_JOURNAL(test, m, " d0:identity");
	iommu_detach_group(a, mock_group(m->devs[1]));
	iommu_domain_free(a);
}

/* 1.9: an IOMMU that comes late finds the devices that wait for it. */
static void register_probes_the_devices_of_the_bus(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md;

	mock_unregister(m);
	for (int i = 0; i < 4; i++) {
		md = mock_new_dev(m, i / 2);
		mock_plug(md);
		expect_outside(test, md);
	}
	KUNIT_EXPECT_EQ(test, 0, mock_register(m));
	KUNIT_ASSERT_NOT_NULL(test, mock_group(m->devs[0]));
	KUNIT_EXPECT_PTR_EQ(test, mock_group(m->devs[0]),
			    mock_group(m->devs[1]));
	KUNIT_EXPECT_PTR_NE(test, mock_group(m->devs[0]),
			    mock_group(m->devs[2]));
	mock_expect_domain(test, m->devs[0], &m->identity);
	mock_expect_domain(test, m->devs[2], &m->identity);
	KUNIT_EXPECT_EQ(test, m->calls[MOCK_FINALIZE], 4);
}

/* 1.9: an IOMMU that goes lets go of all its devices. */
static void unregister_releases_all_devices(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *one = mock_add(m, 0), *two = mock_add(m, 0);
	struct mock_dev *three = mock_add(m, 1);

	mock_unregister(m);
	expect_outside(test, one);
	expect_outside(test, two);
	expect_outside(test, three);
	KUNIT_EXPECT_EQ(test, m->calls[MOCK_RELEASE], 3);
	KUNIT_EXPECT_EQ(test, 0, mock_register(m));
	mock_expect_domain(test, one, &m->identity);
	mock_expect_domain(test, three, &m->identity);
}

/* W12: a bad device does not keep the IOMMU from the good ones. */
static void register_passes_over_a_bad_device(struct kunit *test)
{
	struct mock_iommu *m = test->priv;

	mock_unregister(m);
	for (int i = 0; i < 3; i++)
		mock_plug(mock_new_dev(m, i));
	mock_fail(m, MOCK_PROBE, m->devs[1], -EIO);
	KUNIT_EXPECT_EQ(test, 0, mock_register(m));
	KUNIT_ASSERT_NOT_NULL(test, mock_group(m->devs[0]));
	KUNIT_ASSERT_NOT_NULL(test, mock_group(m->devs[2]));
	mock_expect_domain(test, m->devs[0], &m->identity);
	expect_outside(test, m->devs[1]);
	mock_expect_domain(test, m->devs[2], &m->identity);
}

/* W10, W12: a group that cannot be set up does not hold up the next. */
static void register_passes_over_a_bad_group(struct kunit *test)
{
	struct mock_iommu *m = test->priv;

	mock_unregister(m);
	for (int i = 0; i < 4; i++)
		mock_plug(mock_new_dev(m, i / 2));
	mock_fail(m, MOCK_ATTACH, m->devs[1], -EIO);
	KUNIT_EXPECT_EQ(test, 0, mock_register(m));
	expect_outside(test, m->devs[0]);
	expect_outside(test, m->devs[1]);
	KUNIT_ASSERT_NOT_NULL(test, mock_group(m->devs[2]));
	mock_expect_domain(test, m->devs[2], &m->identity);

	/* And may try again: nothing of it is still queued anywhere. */
	KUNIT_EXPECT_EQ(test, 0, bus_iommu_probe(m->bus));
	KUNIT_ASSERT_NOT_NULL(test, mock_group(m->devs[0]));
	mock_expect_domain(test, m->devs[0], &m->identity);
}

static struct iommu_group *kept_group;

static struct iommu_group *keep_one_group(struct device *dev)
{
	return iommu_group_ref_get(kept_group);
}

/* W10: also when the group outlives the failure. */
static void group_that_failed_once_is_set_up_later(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_new_dev(m, 0);

	kept_group = iommu_group_alloc();
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, kept_group);
	m->ops.device_group = keep_one_group;
	mock_unregister(m);
	mock_plug(md);
	mock_plug(mock_new_dev(m, 0));
	mock_fail(m, MOCK_PROBE, m->devs[1], -EIO);
	/* The base refuses, as the second device does; ours goes on. */
	mock_register(m);
	KUNIT_EXPECT_EQ(test, 0, bus_iommu_probe(m->bus));
	KUNIT_EXPECT_TRUE(test, list_empty(&kept_group->setup_entry));
	KUNIT_EXPECT_PTR_EQ(test, kept_group->domain, &m->identity);
	KUNIT_EXPECT_PTR_EQ(test, md->hw[0], &m->identity);
	mock_unregister(m);
	iommu_group_put(kept_group);
}

/* O2: an owner keeps an emptied group; who cannot be blocked stays outside. */
static void newcomer_of_an_owned_group_that_cannot_be_blocked(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md, *late;

	kept_group = iommu_group_alloc();
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, kept_group);
	m->ops.device_group = keep_one_group;
	m->ops.blocked_domain = NULL;
	md = mock_add(m, 0);
	KUNIT_ASSERT_EQ(test, 0,
			iommu_group_claim_dma_owner(kept_group, &owner));
	mock_unplug(md);
	late = mock_new_dev(m, 0);
	mock_fail(m, MOCK_ALLOC, NULL, -ENOMEM)->times = 2;
	mock_plug(late);
	KUNIT_EXPECT_NULL(test, mock_group(late));
	KUNIT_EXPECT_NULL(test, late->hw[0]);
	KUNIT_EXPECT_NULL(test, kept_group->default_domain);
	mock_heal(m);

	KUNIT_EXPECT_EQ(test, 0, iommu_probe_device(&late->dev));
	mock_expect_domain(test, late, kept_group->blocking_domain);
	iommu_group_release_dma_owner(kept_group);
	mock_expect_domain(test, late, &m->identity);
	mock_unregister(m);
	iommu_group_put(kept_group);
}

/* O2, T8: an owner keeps an emptied group; who comes next is blocked. */
static void newcomer_of_an_emptied_owned_group_is_blocked(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md, *late;

	kept_group = iommu_group_alloc();
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, kept_group);
	m->ops.device_group = keep_one_group;
	md = mock_add(m, 0);
	KUNIT_ASSERT_EQ(test, 0,
			iommu_group_claim_dma_owner(kept_group, &owner));
	mock_unplug(md);
	late = mock_new_dev(m, 0);
	mock_plug(late);
	/* Outside or blocked, but not translating under its owner's nose. */
	if (mock_group(late))
		KUNIT_EXPECT_PTR_EQ(test, late->hw[0], &m->blocked);
	iommu_group_release_dma_owner(kept_group);
	if (!mock_group(late))
		KUNIT_EXPECT_EQ(test, 0, iommu_probe_device(&late->dev));
	mock_expect_domain(test, late, &m->identity);
	iommu_group_put(kept_group);
}

/* W12: devices that no driver claims are not worth a word. */
static void register_ignores_devices_of_others(struct kunit *test)
{
	struct mock_iommu *m = test->priv;

	mock_unregister(m);
	mock_plug(mock_new_dev(m, 0));
	mock_plug(mock_new_dev(m, 1));
	mock_fail(m, MOCK_PROBE, m->devs[0], -ENODEV);
	KUNIT_EXPECT_EQ(test, 0, mock_register(m));
	expect_outside(test, m->devs[0]);
	KUNIT_ASSERT_NOT_NULL(test, mock_group(m->devs[1]));
	mock_expect_domain(test, m->devs[1], &m->identity);
}

/* The oldest question: is there any IOMMU the bus may be behind? */
static void presence_is_asked_of_the_watched_buses(struct kunit *test)
{
	struct mock_iommu *m = test->priv;

	KUNIT_EXPECT_TRUE(test, iommu_present(&platform_bus_type));
	KUNIT_EXPECT_FALSE(test, iommu_present(m->bus));
}

/* W31: an IOMMU of one bus is not asked for the devices of another. */
static void iommus_of_two_buses_keep_apart(struct kunit *test)
{
	struct mock_iommu *m = test->priv, *other = mock_iommu_new(test);
	struct mock_dev *md = mock_add(m, 0), *far = mock_add(other, 0);

	KUNIT_EXPECT_PTR_NE(test, mock_group(md), mock_group(far));
	mock_expect_domain(test, md, &m->identity);
	mock_expect_domain(test, far, &other->identity);
	KUNIT_EXPECT_EQ(test, m->calls[MOCK_PROBE], 1);
	KUNIT_EXPECT_EQ(test, other->calls[MOCK_PROBE], 1);
}

/* A second IOMMU, known by its firmware node to all buses. */
struct fw_iommu {
	struct iommu_device iommu;
	struct fwnode_handle *fwnode;
	struct device *hwdev;
};

static void fw_unregister(void *data)
{
	struct fw_iommu *fw = data;

	iommu_device_unregister(&fw->iommu);
	root_device_unregister(fw->hwdev);
}

static struct fw_iommu *fw_register(struct kunit *test, const char *name,
				    const struct iommu_ops *ops)
{
	struct fw_iommu *fw = kunit_kzalloc(test, sizeof(*fw), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, fw);
	fw->hwdev = root_device_register(name);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, fw->hwdev);
	/* The node goes with the device. */
	KUNIT_ASSERT_EQ(test, 0,
			device_create_managed_software_node(fw->hwdev, NULL,
							    NULL));
	fw->fwnode = dev_fwnode(fw->hwdev);
	KUNIT_ASSERT_NOT_NULL(test, fw->fwnode);
	KUNIT_ASSERT_EQ(test, 0,
			iommu_device_register(&fw->iommu, ops, fw->hwdev));
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, fw_unregister, fw));
	return fw;
}

static int fwspec_init(struct mock_dev *md, struct fwnode_handle *fwnode)
{
	guard(mutex)(&iommu_probe_device_lock);
	return iommu_fwspec_init(&md->dev, fwnode);
}

/* On a bus that the core does not watch nobody else frees it. */
static void fwspec_fini(struct mock_dev *md)
{
	guard(mutex)(&iommu_probe_device_lock);
	dev_iommu_free(&md->dev);
}

/* 1.9: firmware may name an IOMMU that is still to come. */
static void fwspec_of_an_unknown_iommu_is_deferred(struct kunit *test)
{
	struct mock_dev *md = mock_add_bare(test->priv);
	struct fwnode_handle *fwnode = fwnode_create_software_node(NULL, NULL);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, fwnode);
	KUNIT_EXPECT_EQ(test, -EPROBE_DEFER, fwspec_init(md, fwnode));
	KUNIT_EXPECT_NULL(test, dev_iommu_fwspec_get(&md->dev));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			iommu_fwspec_add_ids(&md->dev, (u32[]){ 1 }, 1));
	fwnode_remove_software_node(fwnode);
}

/* 1.9: a device is behind IOMMUs of one driver only. */
static void fwspec_of_a_second_driver_is_refused(struct kunit *test)
{
	struct mock_iommu *m = test->priv, *other = mock_iommu_new(test);
	struct mock_dev *md = mock_add_bare(m);
	struct fw_iommu *one = fw_register(test, "mock-fw-1", &m->ops);
	struct fw_iommu *two = fw_register(test, "mock-fw-2", &m->ops);
	struct fw_iommu *far = fw_register(test, "mock-fw-3", &other->ops);

	KUNIT_EXPECT_EQ(test, 0, fwspec_init(md, one->fwnode));
	KUNIT_EXPECT_EQ(test, 0, fwspec_init(md, one->fwnode));
	KUNIT_EXPECT_EQ(test, 0, fwspec_init(md, two->fwnode));
	KUNIT_EXPECT_EQ(test, -EINVAL, fwspec_init(md, far->fwnode));
	iommu_fwspec_free(&md->dev);
	KUNIT_EXPECT_NULL(test, dev_iommu_fwspec_get(&md->dev));
	KUNIT_EXPECT_EQ(test, 0, fwspec_init(md, far->fwnode));
	iommu_fwspec_free(&md->dev);
	iommu_fwspec_free(&md->dev);
	fwspec_fini(md);
}

/* 1.9: IDs are added behind each other. */
static void fwspec_ids_are_appended(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_add_bare(m);
	struct fw_iommu *fw = fw_register(test, "mock-fw-1", &m->ops);
	struct iommu_fwspec *fwspec;

	KUNIT_ASSERT_EQ(test, 0, fwspec_init(md, fw->fwnode));
	KUNIT_EXPECT_EQ(test, 0,
			iommu_fwspec_add_ids(&md->dev, (u32[]){ 7 }, 1));
	KUNIT_EXPECT_EQ(test, 0,
			iommu_fwspec_add_ids(&md->dev, (u32[]){ 8, 9, 10 }, 3));
	fwspec = dev_iommu_fwspec_get(&md->dev);
	KUNIT_ASSERT_NOT_NULL(test, fwspec);
	KUNIT_EXPECT_EQ(test, fwspec->num_ids, 4);
	for (u32 i = 0; i < 4; i++)
		KUNIT_EXPECT_EQ(test, fwspec->ids[i], 7 + i);
	fwspec_fini(md);
}

/* 1.9: a device that firmware puts behind an IOMMU is found on any bus. */
static void fwspec_decides_which_iommu_probes(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_add_bare(m);
	struct fw_iommu *fw = fw_register(test, "mock-fw-1", &m->ops);

	KUNIT_ASSERT_EQ(test, 0, fwspec_init(md, fw->fwnode));
	KUNIT_EXPECT_EQ(test, 0, iommu_probe_device(&md->dev));
	mock_expect_domain(test, md, &m->identity);
	iommu_group_remove_device(&md->dev);
	expect_outside(test, md);
}

/* 1.9: with a device that failed goes what firmware said of it. */
static void failing_probe_forgets_the_fwspec(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_add_bare(m);
	struct fw_iommu *fw = fw_register(test, "mock-fw-1", &m->ops);

	KUNIT_ASSERT_EQ(test, 0, fwspec_init(md, fw->fwnode));
	mock_fail(m, MOCK_PROBE, md, -EIO);
	KUNIT_EXPECT_EQ(test, -EIO, iommu_probe_device(&md->dev));
	expect_outside(test, md);
}

/* What probe_finalize() found of the locks. */
static struct {
	int calls, under_probe_lock, under_group_mutex;
} finalize;

static void look_at_locks(struct device *dev)
{
	finalize.calls++;
	finalize.under_probe_lock += mutex_is_locked(&iommu_probe_device_lock);
	finalize.under_group_mutex += mutex_is_locked(&dev->iommu_group->mutex);
}

/*
 * W11: while members are told that they are ready none can go, yet drivers may
 * attach to them.
 */
static void members_are_finalized_under_the_probe_lock(struct kunit *test)
{
	struct mock_iommu *m = test->priv;

	mock_unregister(m);
	for (int i = 0; i < 3; i++)
		mock_plug(mock_new_dev(m, 0));
	memset(&finalize, 0, sizeof(finalize));
	m->ops.probe_finalize = look_at_locks;
	KUNIT_ASSERT_EQ(test, 0, mock_register(m));
	KUNIT_EXPECT_EQ(test, finalize.calls, 3);
	KUNIT_EXPECT_EQ(test, finalize.under_probe_lock, 3);
	KUNIT_EXPECT_EQ(test, finalize.under_group_mutex, 0);
	mock_plug(mock_new_dev(m, 0));
	KUNIT_EXPECT_EQ(test, finalize.calls, 4);
	KUNIT_EXPECT_EQ(test, finalize.under_probe_lock, 4);
	KUNIT_EXPECT_EQ(test, finalize.under_group_mutex, 0);
}

/* A device that arrives while its IOMMU goes. */
static struct {
	void (*release)(struct device *dev);
	struct mock_dev *late;
	struct task_struct *task;
	struct completion begun, done;
	bool listed;
	int ret;
} arrival;

static int arrive(void *unused)
{
	complete(&arrival.begun);
	arrival.ret = iommu_probe_device(&arrival.late->dev);
	complete(&arrival.done);
	return 0;
}

/* The probe lock is held here: the newcomer has to wait for it. */
static void release_and_arrive(struct device *dev)
{
	struct mock_iommu *m = to_mock_dev(dev)->m;

	arrival.release(dev);
	arrival.listed |= m->iommu.list.next != LIST_POISON1;
	if (arrival.task)
		return;
	arrival.task = kthread_run(arrive, NULL, "iommu-arrival");
	if (!IS_ERR(arrival.task))
		wait_for_completion(&arrival.begun);
}

/* W13: an IOMMU that is going takes no device any more. */
static void newcomer_does_not_find_an_iommu_that_goes(struct kunit *test)
{
	struct mock_iommu *m = test->priv;

	memset(&arrival, 0, sizeof(arrival));
	init_completion(&arrival.begun);
	init_completion(&arrival.done);
	/* The bus has passed it by when the others are released. */
	arrival.late = mock_add(m, 0);
	iommu_group_remove_device(&arrival.late->dev);
	for (int i = 1; i < 8; i++)
		mock_add(m, i);
	arrival.release = m->ops.release_device;
	m->ops.release_device = release_and_arrive;

	mock_unregister(m);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, arrival.task);
	wait_for_completion(&arrival.done);
	KUNIT_EXPECT_FALSE(test, arrival.listed);
	KUNIT_EXPECT_EQ(test, -ENODEV, arrival.ret);
	expect_outside(test, arrival.late);
}

struct walker {
	const struct bus_type *bus;
	struct completion done;
};

static int walk_bus(void *data)
{
	struct walker *walker = data;

	bus_iommu_probe(walker->bus);
	complete(&walker->done);
	return 0;
}

/* W33: the next IOMMU's walk takes no lock for devices that have a group. */
static void walk_over_known_devices_takes_no_lock(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct walker walker = { .bus = m->bus };
	struct task_struct *task;

	for (int i = 0; i < 4; i++)
		mock_add(m, i);
	init_completion(&walker.done);
	mutex_lock(&iommu_probe_device_lock);
	task = kthread_run(walk_bus, &walker, "iommu-walker");
	if (!IS_ERR(task))
		KUNIT_EXPECT_NE(test, 0,
				wait_for_completion_timeout(&walker.done,
							    10 * HZ));
	mutex_unlock(&iommu_probe_device_lock);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, task);
	/* A walk that waited for the lock comes to its end now. */
	if (!completion_done(&walker.done))
		wait_for_completion_timeout(&walker.done, 10 * HZ);
}

static struct kunit_case probe_cases[] = {
	KUNIT_CASE(new_device_gets_group_and_default_domain),
	KUNIT_CASE(second_probe_only_finalizes),
	KUNIT_CASE(probe_without_iommu_is_refused),
	KUNIT_CASE(probe_of_a_member_without_iommu_leaves_it_alone),
	KUNIT_CASE_PARAM(failing_probe_leaves_nothing,
			 failing_step_gen_params),
	KUNIT_CASE_PARAM(failing_newcomer_leaves_its_group_alone,
			 failing_step_gen_params),
	KUNIT_CASE(newcomer_joins_what_the_group_has),
	KUNIT_CASE(direct_newcomer_does_not_join_an_owned_group),
	KUNIT_CASE(leaving_member_does_not_disturb_the_others),
	KUNIT_CASE(last_member_takes_nothing_with_it),
	KUNIT_CASE(release_domain_is_attached_before_release),
	KUNIT_CASE(release_of_a_deferred_device_attaches_nothing),
	KUNIT_CASE(release_of_a_direct_device_rests_on_identity),
	KUNIT_CASE(register_probes_the_devices_of_the_bus),
	KUNIT_CASE(unregister_releases_all_devices),
	KUNIT_CASE(register_passes_over_a_bad_device),
	KUNIT_CASE(register_passes_over_a_bad_group),
	KUNIT_CASE(group_that_failed_once_is_set_up_later),
	KUNIT_CASE(newcomer_of_an_emptied_owned_group_is_blocked),
	KUNIT_CASE(newcomer_of_an_owned_group_that_cannot_be_blocked),
	KUNIT_CASE(register_ignores_devices_of_others),
	KUNIT_CASE(presence_is_asked_of_the_watched_buses),
	KUNIT_CASE(iommus_of_two_buses_keep_apart),
	KUNIT_CASE(fwspec_of_an_unknown_iommu_is_deferred),
	KUNIT_CASE(fwspec_of_a_second_driver_is_refused),
	KUNIT_CASE(fwspec_ids_are_appended),
	KUNIT_CASE(fwspec_decides_which_iommu_probes),
	KUNIT_CASE(failing_probe_forgets_the_fwspec),
	KUNIT_CASE(members_are_finalized_under_the_probe_lock),
	KUNIT_CASE(newcomer_does_not_find_an_iommu_that_goes),
	KUNIT_CASE(walk_over_known_devices_takes_no_lock),
	{}
};

static struct kunit_suite probe_suite = {
	.name = "iommu_probe",
	.init = mock_test_init,
	.test_cases = probe_cases,
};

kunit_test_suite(probe_suite);
