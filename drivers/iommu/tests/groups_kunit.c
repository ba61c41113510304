// SPDX-License-Identifier: GPL-2.0-only
/*
 * The group as an object: section 1.4 of the contract. Life cycle, members,
 * names, links in sysfs.
 */
#include <linux/kernfs.h>
#include <linux/sysfs.h>
#include <linux/irqdomain.h>
#include <linux/msi.h>
#include "mock-iommu.h"

static struct iommu_group *new_group(struct kunit *test)
{
	struct iommu_group *group = iommu_group_alloc();

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, group);
	return group;
}

static bool has_entry(struct kobject *kobj, const char *name)
{
	struct kernfs_node *kn = kernfs_find_and_get(kobj->sd, name);

	kernfs_put(kn);
	return kn;
}

static void release_marks(void *data)
{
	++*(int *)data;
}

/* 1.4: the creator's reference is the only one of a new group. */
static void last_put_releases_the_drivers_data(struct kunit *test)
{
	struct iommu_group *group = new_group(test);
	int released = 0;

	iommu_group_set_iommudata(group, &released, release_marks);
	KUNIT_EXPECT_PTR_EQ(test, iommu_group_get_iommudata(group),
			    (void *)&released);
	KUNIT_EXPECT_PTR_EQ(test, iommu_group_ref_get(group), group);
	iommu_group_put(group);
	KUNIT_EXPECT_EQ(test, released, 0);
	iommu_group_put(group);
	KUNIT_EXPECT_EQ(test, released, 1);
	iommu_group_put(NULL);
}

/* 1.4: numbers are unique while the groups live, and shown in sysfs. */
static void groups_have_different_numbers(struct kunit *test)
{
	struct iommu_group *one = new_group(test), *two = new_group(test);

	KUNIT_EXPECT_GE(test, iommu_group_id(one), 0);
	KUNIT_EXPECT_NE(test, iommu_group_id(one), iommu_group_id(two));
	KUNIT_EXPECT_TRUE(test, has_entry(&one->kobj, "devices"));
	KUNIT_EXPECT_TRUE(test, has_entry(&one->kobj, "type"));
	KUNIT_EXPECT_TRUE(test, has_entry(&one->kobj, "reserved_regions"));
	KUNIT_EXPECT_FALSE(test, has_entry(&one->kobj, "name"));
	iommu_group_put(one);
	iommu_group_put(two);
}

/* 1.4: each member holds its group, whoever else lets go. */
static void members_keep_the_group_alive(struct kunit *test)
{
	struct iommu_group *group = new_group(test);
	struct mock_dev *md = mock_add_bare(test->priv);
	int released = 0;

	iommu_group_set_iommudata(group, &released, release_marks);
	KUNIT_EXPECT_EQ(test, 0, iommu_group_add_device(group, &md->dev));
	iommu_group_put(group);
	KUNIT_EXPECT_EQ(test, released, 0);
	KUNIT_EXPECT_PTR_EQ(test, mock_group(md), group);
	iommu_group_remove_device(&md->dev);
	KUNIT_EXPECT_EQ(test, released, 1);
	KUNIT_EXPECT_NULL(test, mock_group(md));
}

/* 1.4: a device without group. */
static void get_without_group_is_null(struct kunit *test)
{
	struct mock_dev *md = mock_add_bare(test->priv);

	KUNIT_EXPECT_NULL(test, iommu_group_get(&md->dev));
	KUNIT_EXPECT_FALSE(test, device_iommu_mapped(&md->dev));
}

/* 1.4: a group found by its device comes with a reference. */
static void get_takes_a_reference(struct kunit *test)
{
	struct mock_dev *md = mock_add(test->priv, 0);
	struct iommu_group *group = iommu_group_get(&md->dev);
	int released = 0;

	KUNIT_ASSERT_NOT_NULL(test, group);
	KUNIT_EXPECT_TRUE(test, device_iommu_mapped(&md->dev));
	iommu_group_set_iommudata(group, &released, release_marks);
	mock_unplug(md);
	KUNIT_EXPECT_EQ(test, released, 0);
	iommu_group_put(group);
	KUNIT_EXPECT_EQ(test, released, 1);
}

/* 1.4, W40: removing a device twice is removing it once. */
static void second_remove_does_nothing(struct kunit *test)
{
	struct iommu_group *group = new_group(test);
	struct mock_dev *md = mock_add_bare(test->priv);
	int released = 0;

	iommu_group_set_iommudata(group, &released, release_marks);
	KUNIT_ASSERT_EQ(test, 0, iommu_group_add_device(group, &md->dev));
	iommu_group_remove_device(&md->dev);
	iommu_group_remove_device(&md->dev);
	KUNIT_EXPECT_EQ(test, released, 0);
	iommu_group_put(group);
	KUNIT_EXPECT_EQ(test, released, 1);
}

/* 1.4: links both ways, gone with the membership. */
static void membership_is_linked_in_sysfs(struct kunit *test)
{
	struct iommu_group *group = new_group(test);
	struct mock_dev *md = mock_add_bare(test->priv);

	KUNIT_ASSERT_EQ(test, 0, iommu_group_add_device(group, &md->dev));
	KUNIT_EXPECT_TRUE(test, has_entry(&md->dev.kobj, "iommu_group"));
	KUNIT_EXPECT_TRUE(test, has_entry(group->devices_kobj,
					  dev_name(&md->dev)));
	iommu_group_remove_device(&md->dev);
	KUNIT_EXPECT_FALSE(test, has_entry(&md->dev.kobj, "iommu_group"));
	KUNIT_EXPECT_FALSE(test, has_entry(group->devices_kobj,
					   dev_name(&md->dev)));
	iommu_group_put(group);
}

/* 1.4: devices of one name on different buses get an index. */
static void colliding_names_get_an_index(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_iommu *other = mock_iommu_new(test);
	const struct bus_type *bus[] = { m->bare_bus, other->bare_bus, NULL };
	struct iommu_group *group = new_group(test);
	struct mock_dev *md[3];
	char name[32];

	for (int i = 0; i < 3; i++) {
		md[i] = mock_new_dev(m, 0);
		md[i]->dev.bus = bus[i];
		/* One folder cannot hold two of a name. */
		md[i]->dev.parent = i ? &md[i - 1]->dev : NULL;
		KUNIT_ASSERT_EQ(test, 0, dev_set_name(&md[i]->dev, "twin"));
		mock_plug(md[i]);
		KUNIT_EXPECT_EQ(test, 0,
				iommu_group_add_device(group, &md[i]->dev));
	}
	KUNIT_EXPECT_TRUE(test, has_entry(group->devices_kobj, "twin"));
	for (int i = 0; i < 2; i++) {
		snprintf(name, sizeof(name), "twin.%d", i);
		KUNIT_EXPECT_TRUE(test, has_entry(group->devices_kobj, name));
	}
	for (int i = 3; i-- > 0;)
		iommu_group_remove_device(&md[i]->dev);
	KUNIT_EXPECT_FALSE(test, has_entry(group->devices_kobj, "twin"));
	KUNIT_EXPECT_FALSE(test, has_entry(group->devices_kobj, "twin.0"));
	iommu_group_put(group);
}

/* 1.4: a group shows the name its driver gave. */
static void name_is_shown_and_replaced(struct kunit *test)
{
	struct iommu_group *group = new_group(test);
	char *buf = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, buf);
	KUNIT_EXPECT_EQ(test, 0, iommu_group_set_name(group, "first"));
	KUNIT_EXPECT_GT(test, mock_show(group, "name", buf), 0);
	KUNIT_EXPECT_STREQ(test, buf, "first\n");
	KUNIT_EXPECT_EQ(test, 0, iommu_group_set_name(group, "second"));
	KUNIT_EXPECT_GT(test, mock_show(group, "name", buf), 0);
	KUNIT_EXPECT_STREQ(test, buf, "second\n");
	KUNIT_EXPECT_EQ(test, 0, iommu_group_set_name(group, NULL));
	KUNIT_EXPECT_FALSE(test, has_entry(&group->kobj, "name"));
	iommu_group_put(group);
}

/* W39: clearing the name of a group that has none is fine. */
static void clearing_an_absent_name_succeeds(struct kunit *test)
{
	struct iommu_group *group = new_group(test);

	KUNIT_EXPECT_EQ(test, 0, iommu_group_set_name(group, NULL));
	KUNIT_EXPECT_FALSE(test, has_entry(&group->kobj, "name"));
	iommu_group_put(group);
}

struct walk {
	int seen;
	int stop_at;
	int ret;
};

static int count_devices(struct device *dev, void *data)
{
	struct walk *walk = data;

	return ++walk->seen == walk->stop_at ? walk->ret : 0;
}

/* 1.4: members are visited until the visitor objects. */
static void walk_stops_at_the_first_error(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct walk all = {}, some = { .stop_at = 2, .ret = -ECANCELED };
	struct iommu_group *empty = new_group(test);
	struct mock_dev *md = mock_add(m, 0);

	mock_add(m, 0);
	mock_add(m, 0);
	KUNIT_EXPECT_EQ(test, 0, iommu_group_for_each_dev(mock_group(md), &all,
							  count_devices));
	KUNIT_EXPECT_EQ(test, all.seen, 3);
	KUNIT_EXPECT_EQ(test, -ECANCELED,
			iommu_group_for_each_dev(mock_group(md), &some,
						 count_devices));
	KUNIT_EXPECT_EQ(test, some.seen, 2);
	all.seen = 0;
	KUNIT_EXPECT_EQ(test, 0,
			iommu_group_for_each_dev(empty, &all, count_devices));
	KUNIT_EXPECT_EQ(test, all.seen, 0);
	iommu_group_put(empty);
}

/* 1.4: a driver that knows no topology gives each device its own group. */
static void generic_groups_are_not_shared(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *one, *two;

	m->ops.device_group = generic_device_group;
	one = mock_add(m, 0);
	two = mock_add(m, 0);
	KUNIT_EXPECT_PTR_NE(test, mock_group(one), mock_group(two));
}

/* 1.4: one group for all of an IOMMU, kept until it is unregistered. */
static void single_group_is_shared_by_all(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *one, *two;
	struct iommu_group *group;
	int released = 0;

	m->ops.device_group = generic_single_device_group;
	one = mock_add(m, 0);
	two = mock_add(m, 1);
	group = mock_group(one);
	KUNIT_EXPECT_PTR_EQ(test, group, mock_group(two));
	iommu_group_set_iommudata(group, &released, release_marks);
	mock_unplug(one);
	mock_unplug(two);
	KUNIT_EXPECT_EQ(test, released, 0);
	one = mock_add(m, 0);
	KUNIT_EXPECT_PTR_EQ(test, group, mock_group(one));
	mock_unregister(m);
	KUNIT_EXPECT_EQ(test, released, 1);
}

/* 1.4: domains belong to the members; the last one takes them along. */
static void empty_group_has_no_domain(struct kunit *test)
{
	struct mock_dev *md = mock_add(test->priv, 0);
	struct iommu_group *group = iommu_group_get(&md->dev);
	struct mock_iommu *m = test->priv;

	KUNIT_EXPECT_PTR_EQ(test, iommu_group_default_domain(group),
			    &m->identity);
	mock_unplug(md);
	KUNIT_EXPECT_NULL(test, iommu_group_default_domain(group));
	KUNIT_EXPECT_NULL(test, group->domain);
	KUNIT_EXPECT_NULL(test, group->blocking_domain);
	iommu_group_put(group);
}

/* W38: a message can name every group, by its number if need be. */
static void group_without_name_is_called_by_its_number(struct kunit *test)
{
	struct iommu_group *group = new_group(test);
	char number[12];

	snprintf(number, sizeof(number), "%d", iommu_group_id(group));
	scoped_guard(iommu_group, group)
		KUNIT_EXPECT_STREQ(test, iommu_group_label(group), number);
	KUNIT_EXPECT_EQ(test, 0, iommu_group_set_name(group, "named"));
	scoped_guard(iommu_group, group)
		KUNIT_EXPECT_STREQ(test, iommu_group_label(group), "named");
	iommu_group_put(group);
}

/* 1.4: interrupts are isolated for the group if they are for each member. */
static void every_member_needs_isolated_interrupts(struct kunit *test)
{
#ifdef CONFIG_GENERIC_MSI_IRQ
	struct irq_domain remapping = { .flags = IRQ_DOMAIN_FLAG_ISOLATED_MSI };
	struct irq_domain below = { .parent = &remapping };
	struct mock_dev *one = mock_group_of(test, 2);
	struct mock_dev *two = one->m->devs[1];
	struct iommu_group *group = mock_group(one);
	bool otherwise = msi_device_has_isolated_msi(&one->dev);

	KUNIT_EXPECT_EQ(test, iommu_group_has_isolated_msi(group), otherwise);
	dev_set_msi_domain(&one->dev, &remapping);
	KUNIT_EXPECT_EQ(test, iommu_group_has_isolated_msi(group), otherwise);
	dev_set_msi_domain(&two->dev, &below);
	KUNIT_EXPECT_TRUE(test, iommu_group_has_isolated_msi(group));
	dev_set_msi_domain(&one->dev, NULL);
	dev_set_msi_domain(&two->dev, NULL);
#else
	kunit_skip(test, "no interrupt messages without CONFIG_GENERIC_MSI_IRQ");
#endif
}

static struct kunit_case groups_cases[] = {
	KUNIT_CASE(every_member_needs_isolated_interrupts),
	KUNIT_CASE(group_without_name_is_called_by_its_number),
	KUNIT_CASE(last_put_releases_the_drivers_data),
	KUNIT_CASE(groups_have_different_numbers),
	KUNIT_CASE(members_keep_the_group_alive),
	KUNIT_CASE(get_without_group_is_null),
	KUNIT_CASE(get_takes_a_reference),
	KUNIT_CASE(second_remove_does_nothing),
	KUNIT_CASE(membership_is_linked_in_sysfs),
	KUNIT_CASE(colliding_names_get_an_index),
	KUNIT_CASE(name_is_shown_and_replaced),
	KUNIT_CASE(clearing_an_absent_name_succeeds),
	KUNIT_CASE(walk_stops_at_the_first_error),
	KUNIT_CASE(generic_groups_are_not_shared),
	KUNIT_CASE(single_group_is_shared_by_all),
	KUNIT_CASE(empty_group_has_no_domain),
	{}
};

static struct kunit_suite groups_suite = {
	.name = "iommu_groups",
	.init = mock_test_init,
	.test_cases = groups_cases,
};

kunit_test_suite(groups_suite);
