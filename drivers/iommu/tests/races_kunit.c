// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two threads on one group (T1). What each may see is checked by both and by
 * the mock in every driver call; which of them wins does not matter.
 */
#include <linux/completion.h>
#include <linux/kthread.h>
#include "mock-iommu.h"

#define RACE_ROUNDS	500
#define RACE_PATIENCE	(30 * HZ)	/* with a core that is broken */

static int user_a, user_b;

/**
 * struct race - one of the two
 * @md: the device that always is there
 * @late: a device that comes and goes
 * @a: a domain
 * @who: the user this thread stands for
 * @rounds: how many it has gone
 * @won: those that went through; the other thread looks, as it does at @wrong
 * @wrong: what should not have been possible
 * @round: one round
 * @other: the other one
 * @done: all rounds are over
 */
struct race {
	struct mock_dev *md;
	struct mock_dev *late;
	struct iommu_domain *a;
	void *who;
	int rounds;
	int won;
	const char *wrong;
	void (*round)(struct race *race);
	struct race *other;
	struct completion done;
};

static void race_won(struct race *race)
{
	WRITE_ONCE(race->won, race->won + 1);
}

static void race_wrong(struct race *race, const char *what)
{
	WRITE_ONCE(race->wrong, what);
}

/*
 * Whoever has the group when its processor is taken away lets the other one lose as
 * long: all rounds are not the end before both have won one.
 */
static bool race_goes_on(struct race *race, unsigned long end)
{
	if (race->wrong || READ_ONCE(race->other->wrong))
		return false;
	if (race->rounds < RACE_ROUNDS)
		return true;
	if ((race->won && READ_ONCE(race->other->won)) || time_after(jiffies, end))
		return false;
	schedule_timeout_uninterruptible(1);
	return true;
}

static int race_thread(void *data)
{
	unsigned long end = jiffies + RACE_PATIENCE;
	struct race *race = data;

	while (race_goes_on(race, end)) {
		race->round(race);
		race->rounds++;
		cond_resched();
	}
	complete(&race->done);
	return 0;
}

/* Run both until they are through; the second one in this thread. */
static void run_race(struct kunit *test, struct race *one, struct race *two)
{
	struct task_struct *task;

	one->other = two;
	two->other = one;
	init_completion(&one->done);
	init_completion(&two->done);
	task = kthread_run(race_thread, one, "iommu-race");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, task);
	race_thread(two);
	wait_for_completion(&one->done);
	KUNIT_EXPECT_STREQ(test, one->wrong ?: "", "");
	KUNIT_EXPECT_STREQ(test, two->wrong ?: "", "");
	/* A thread that always lost has tested nothing. */
	KUNIT_EXPECT_GT(test, one->won, 0);
	KUNIT_EXPECT_GT(test, two->won, 0);
	kunit_info(test, "%d of %d and %d of %d rounds\n", one->won,
		   one->rounds, two->won, two->rounds);
}

static void claim_round(struct race *race)
{
	struct iommu_group *group = mock_group(race->md);

	if (iommu_group_claim_dma_owner(group, race->who))
		return;
	race_won(race);
	if (READ_ONCE(group->owner) != race->who)
		race_wrong(race, "a claim has not made me the owner");
	if (READ_ONCE(race->md->hw[0]) != &race->md->m->blocked)
		race_wrong(race, "a claimed device is not blocked");
	iommu_group_release_dma_owner(group);
}

static void use_round(struct race *race)
{
	struct iommu_group *group = mock_group(race->md);

	if (iommu_device_use_default_domain(&race->md->dev))
		return;
	race_won(race);
	if (READ_ONCE(group->owner) != IOMMU_OWNER_KERNEL)
		race_wrong(race, "a user owns a group that a driver uses");
	if (READ_ONCE(race->md->hw[0]) != &race->md->m->identity)
		race_wrong(race, "a driver has no default domain");
	iommu_device_unuse_default_domain(&race->md->dev);
}

static void attach_round(struct race *race)
{
	struct iommu_group *group = mock_group(race->md);

	if (iommu_attach_group(race->a, group)) {
		race_wrong(race, "an attach was refused");
		return;
	}
	race_won(race);
	iommu_detach_group(race->a, group);
}

static void plug_round(struct race *race)
{
	struct mock_dev *md = race->late;

	if (iommu_probe_device(&md->dev)) {
		race_wrong(race, "a newcomer was refused");
		return;
	}
	race_won(race);
	iommu_group_remove_device(&md->dev);
	if (md->dev.iommu || md->hw[0] || md->hw[1])
		race_wrong(race, "something is left of who went");
}

static void pasid_round(struct race *race)
{
	struct device *dev = &race->md->dev;

	if (iommu_attach_device_pasid(race->a, dev, 1, NULL)) {
		race_wrong(race, "a PASID was refused");
		return;
	}
	race_won(race);
	iommu_detach_device_pasid(race->a, dev, 1);
}

/* O2: two users never own a group together. */
static void two_users_never_own_together(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct race one = { .round = claim_round, .who = &user_a };
	struct race two = { .round = claim_round, .who = &user_b };

	one.md = mock_add(m, 0);
	two.md = one.md;
	run_race(test, &one, &two);
	KUNIT_EXPECT_NULL(test, mock_group(one.md)->owner);
	mock_expect_domain(test, one.md, &m->identity);
}

/* O2, O3: nor do a user and a driver. */
static void user_and_driver_never_own_together(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct race one = { .round = claim_round, .who = &user_a };
	struct race two = { .round = use_round };

	one.md = mock_add(m, 0);
	two.md = one.md;
	run_race(test, &one, &two);
	KUNIT_EXPECT_NULL(test, mock_group(one.md)->owner);
	mock_expect_domain(test, one.md, &m->identity);
}

static void race_with_hotplug(struct kunit *test,
			      void (*round)(struct race *race))
{
	struct mock_iommu *m = test->priv;
	struct race one = { .round = round }, two = { .round = plug_round };

	one.md = mock_add_pasid(m, 0);
	two.late = mock_add_pasid(m, 0);
	iommu_group_remove_device(&two.late->dev);
	one.a = mock_paging(one.md);
	run_race(test, &one, &two);
	KUNIT_EXPECT_EQ(test, one.won, one.rounds);
	KUNIT_EXPECT_EQ(test, two.won, two.rounds);
	mock_expect_domain(test, one.md, &m->identity);
	iommu_domain_free(one.a);
}

/* T8: who joins during an attach has the new or the old domain with all. */
static void attach_and_hotplug_agree(struct kunit *test)
{
	race_with_hotplug(test, attach_round);
}

/* T8, W18: and all of the group's PASIDs, or none. */
static void pasid_attach_and_hotplug_agree(struct kunit *test)
{
	race_with_hotplug(test, pasid_round);
}

static struct mock_dev *deferred_dev(struct kunit *test)
{
	struct mock_dev *md = mock_new_dev(test->priv, 0);

	md->deferred = true;
	mock_plug(md);
	KUNIT_ASSERT_NOT_NULL(test, mock_group(md));
	return md;
}

static void map_inside(struct mock_iommu *m, enum mock_op op,
		       struct mock_dev *md, ioasid_t pasid)
{
	/* As from an interrupt handler of the device's driver. */
	KUNIT_EXPECT_EQ(m->test, -EBUSY,
			iommu_deferred_attach(&md->dev, &m->identity));
}

/* W8: a mapping that interrupts the first attach does not repeat it. */
static void mapping_inside_the_deferred_attach_gives_up(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = deferred_dev(test);

	m->on_call = map_inside;
	KUNIT_EXPECT_EQ(test, 0, iommu_deferred_attach(&md->dev, &m->identity));
	m->on_call = NULL;
	MOCK_EXPECT_JOURNAL(test, m, " d0:identity");
	KUNIT_EXPECT_EQ(test, 0, iommu_deferred_attach(&md->dev, &m->identity));
	mock_expect_domain(test, md, &m->identity);
}

struct mapper {
	struct mock_dev *md;
	struct completion inside;
	struct completion begun;
	struct completion done;
	int ret;
};

static int mapper_thread(void *data)
{
	struct mapper *mapper = data;

	wait_for_completion(&mapper->inside);
	complete(&mapper->begun);
	mapper->ret = iommu_deferred_attach(&mapper->md->dev,
					    &mapper->md->m->identity);
	complete(&mapper->done);
	return 0;
}

static void let_mapper_begin(struct mock_iommu *m, enum mock_op op,
			     struct mock_dev *md, ioasid_t pasid)
{
	struct mapper *mapper = m->on_call_data;

	complete(&mapper->inside);
	wait_for_completion(&mapper->begun);
}

/* W8: two mappings at once make one attach. */
static void concurrent_mappings_attach_once(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mapper mapper = { .md = deferred_dev(test) };
	struct task_struct *task;

	init_completion(&mapper.inside);
	init_completion(&mapper.begun);
	init_completion(&mapper.done);
	task = kthread_run(mapper_thread, &mapper, "iommu-mapper");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, task);
	m->on_call_data = &mapper;
	m->on_call = let_mapper_begin;
	KUNIT_EXPECT_EQ(test, 0, iommu_deferred_attach(&mapper.md->dev,
						       &m->identity));
	wait_for_completion(&mapper.done);
	m->on_call = NULL;
	/* It waits a limited time: a driver may have interrupted itself. */
	KUNIT_EXPECT_TRUE(test, !mapper.ret || mapper.ret == -EBUSY);
	MOCK_EXPECT_JOURNAL(test, m, " d0:identity");
	mock_expect_domain(test, mapper.md, &m->identity);
}

static struct kunit_case races_cases[] = {
	KUNIT_CASE_SLOW(two_users_never_own_together),
	KUNIT_CASE_SLOW(user_and_driver_never_own_together),
	KUNIT_CASE_SLOW(attach_and_hotplug_agree),
	KUNIT_CASE_SLOW(pasid_attach_and_hotplug_agree),
	KUNIT_CASE(mapping_inside_the_deferred_attach_gives_up),
	KUNIT_CASE(concurrent_mappings_attach_once),
	{}
};

static struct kunit_suite races_suite = {
	.name = "iommu_races",
	.init = mock_test_init,
	.test_cases = races_cases,
};

kunit_test_suite(races_suite);
