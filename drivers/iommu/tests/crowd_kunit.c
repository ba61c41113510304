// SPDX-License-Identifier: GPL-2.0-only
/*
 * Thousands of devices, each with a group of its own or all in one: nobody is
 * forgotten, nothing is left, and one more device costs no more driver calls
 * than the first. What that is in instructions is for a benchmark to say.
 */
#include <linux/kernfs.h>
#include <linux/seq_file.h>
#include "mock-iommu.h"

#define MANY	2048

static void crowd(struct kunit *test, bool one_group)
{
	struct mock_iommu *m = test->priv;

	for (int i = 0; i < MANY; i++) {
		mock_add(m, one_group ? 0 : i);
		if (!(i % 256))
			cond_resched();
	}
	KUNIT_ASSERT_EQ(test, m->nr_devs, MANY);
}

static bool is_linked(struct iommu_group *group, struct mock_dev *md)
{
	struct kernfs_node *kn;

	kn = kernfs_find_and_get(group->devices_kobj->sd, dev_name(&md->dev));
	kernfs_put(kn);
	return kn;
}

static void expect_all_linked(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	int linked = 0;

	for (int i = 0; i < MANY; i++)
		linked += is_linked(mock_group(m->devs[i]), m->devs[i]);
	KUNIT_EXPECT_EQ(test, linked, MANY);
}

/* What the last device took of the driver must be what the first one took. */
static void last_costs_as_the_first(struct kunit *test, bool one_group)
{
	struct mock_iommu *m = test->priv;
	unsigned int first[MOCK_NR_OPS], last[MOCK_NR_OPS];

	mock_add(m, 0);
	/* In one group the second is the first that joins. */
	memcpy(first, m->calls, sizeof(first));
	if (one_group) {
		mock_add(m, 0);
		for (int op = 0; op < MOCK_NR_OPS; op++)
			first[op] = m->calls[op] - first[op];
	}
	for (int i = m->nr_devs; i < MANY - 1; i++)
		mock_add(m, one_group ? 0 : i);
	memcpy(last, m->calls, sizeof(last));
	mock_add(m, one_group ? 0 : MANY);
	for (int op = 0; op < MOCK_NR_OPS; op++)
		KUNIT_EXPECT_EQ_MSG(test, m->calls[op] - last[op], first[op],
				    "operation %d", op);
}

static void last_group_costs_as_the_first(struct kunit *test)
{
	last_costs_as_the_first(test, false);
	expect_all_linked(test);
}

static void last_member_costs_as_the_first(struct kunit *test)
{
	last_costs_as_the_first(test, true);
	expect_all_linked(test);
}

/* T1: all of them, by one call of the driver each; and nobody is left behind. */
static void large_group_moves_as_a_whole(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct iommu_group *group;
	struct iommu_domain *a;
	unsigned int calls;

	crowd(test, true);
	group = mock_group(m->devs[0]);
	a = mock_paging(m->devs[0]);
	calls = m->calls[MOCK_ATTACH];
	KUNIT_EXPECT_EQ(test, 0, iommu_attach_group(a, group));
	KUNIT_EXPECT_EQ(test, m->calls[MOCK_ATTACH] - calls, MANY);
	mock_expect_domain(test, m->devs[0], a);

	iommu_detach_group(a, group);
	mock_expect_domain(test, m->devs[0], group->default_domain);

	/* The last one refuses: everybody else has been there and back. */
	mock_fail(m, MOCK_ATTACH, m->devs[MANY - 1], -EIO);
	calls = m->calls[MOCK_ATTACH];
	KUNIT_EXPECT_EQ(test, -EIO, iommu_attach_group(a, group));
	KUNIT_EXPECT_EQ(test, m->calls[MOCK_ATTACH] - calls, 2 * MANY - 1);
	mock_expect_domain(test, m->devs[0], group->default_domain);
	iommu_domain_free(a);
}

/* T8: in whatever order they go, they take along what is theirs. */
static void crowd_leaves_nothing(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct iommu_group *group;
	int linked = 0;

	crowd(test, true);
	group = iommu_group_get(&m->devs[0]->dev);
	for (int step = 0; step < 3; step++)
		for (int i = step; i < MANY; i += 3)
			mock_unplug(m->devs[i]);
	KUNIT_EXPECT_EQ(test, group->nr_devices, 0);
	KUNIT_EXPECT_TRUE(test, list_empty(&group->devices));
	for (int i = 0; i < MANY; i++)
		linked += is_linked(group, m->devs[i]);
	KUNIT_EXPECT_EQ(test, linked, 0);
	iommu_group_put(group);
}

#ifdef CONFIG_IOMMU_DEBUGFS
/* W45: each group is shown once, and each member in its own. */
static void all_groups_are_shown(struct kunit *test)
{
	struct iommu_show *show = kunit_kzalloc(test, sizeof(*show), GFP_KERNEL);
	struct mock_iommu *m = test->priv;
	struct seq_file seq = { .size = SZ_4K, .private = show };
	int shown = 0, last = -1;
	loff_t pos;
	void *v;

	KUNIT_ASSERT_NOT_NULL(test, show);
	seq.buf = kunit_kzalloc(test, seq.size, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, seq.buf);
	crowd(test, false);
	pos = (loff_t)iommu_group_id(mock_group(m->devs[0])) << 32;
	for (v = iommu_groups_sops.start(&seq, &pos); v;
	     v = iommu_groups_sops.next(&seq, v, &pos)) {
		seq.count = 0;
		KUNIT_EXPECT_EQ(test, 0, iommu_groups_sops.show(&seq, v));
		KUNIT_EXPECT_FALSE(test, seq_has_overflowed(&seq));
		if (iommu_group_id(show->group) == last)
			continue;
		KUNIT_EXPECT_GT(test, iommu_group_id(show->group), last);
		last = iommu_group_id(show->group);
		shown++;
	}
	iommu_groups_sops.stop(&seq, v);
	KUNIT_EXPECT_GE(test, shown, MANY);
}
#endif

static struct kunit_case crowd_cases[] = {
	KUNIT_CASE_SLOW(last_group_costs_as_the_first),
	KUNIT_CASE_SLOW(last_member_costs_as_the_first),
	KUNIT_CASE_SLOW(large_group_moves_as_a_whole),
	KUNIT_CASE_SLOW(crowd_leaves_nothing),
#ifdef CONFIG_IOMMU_DEBUGFS
	KUNIT_CASE_SLOW(all_groups_are_shown),
#endif
	{}
};

static struct kunit_suite crowd_suite = {
	.name = "iommu_crowd",
	.init = mock_test_init,
	.test_cases = crowd_cases,
};

kunit_test_suite(crowd_suite);
