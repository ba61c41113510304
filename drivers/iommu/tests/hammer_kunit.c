// SPDX-License-Identifier: GPL-2.0-only
/*
 * Everything that can be done to a group, from several threads at once, in
 * random order and for a given time, while a checker looks whether what the
 * core says is what the hardware has (T1).
 *
 * Which operation wins does not matter, and most are refused now and then. Each
 * takes back what it did, so that in the end the group must be as it was. The
 * log says how often each went through: one that never did has tested nothing.
 * The order is random; the seed is in the log and can be given, though threads
 * do not meet twice in the same way.
 *
 * Newcomers come by the driver core, each a new struct device; a driver is bound
 * to some. They must be gone, links in sysfs and last reference included, when
 * they have left.
 *
 *	hammer_kunit.ms=	how long, in milliseconds
 *	hammer_kunit.seed=	0 for another one each time
 */
#include <linux/completion.h>
#include <linux/device/driver.h>
#include <linux/kernfs.h>
#include <linux/kthread.h>
#include <linux/moduleparam.h>
#include <linux/prandom.h>
#include <linux/random.h>
#include <linux/rwsem.h>
#include <linux/sysfs.h>
#include "mock-iommu.h"

static unsigned int hammer_ms = 1000;
module_param_named(ms, hammer_ms, uint, 0644);
MODULE_PARM_DESC(ms, "How long each case takes, in milliseconds");

static ulong hammer_seed;
module_param_named(seed, hammer_seed, ulong, 0644);
MODULE_PARM_DESC(seed, "Seed of the random order, 0 for any");

#define THREADS		4
#define SHARED_PASID	1	/* any thread's; each has one of its own, too */
#define OPERATIONS	10
#define ENOUGH		5000	/* operations, for each kind to go through */

/* Indices of devices: two stay, and each thread has a newcomer. */
#define FIRST_NEWCOMER	2

struct hammer;

/* Platform data of devices whose driver does not say no */
static int wants_driver;

/**
 * struct worker - a thread
 * @h: what it works on
 * @index: its number; its address is the user it stands for
 * @rnd: its source of random numbers
 * @handle: for the PASIDs it attaches
 * @rounds: how many operations it did
 * @won: how many of each kind went through
 * @gone: its newcomer has lost its last reference
 * @done: it has ended
 */
struct worker {
	struct hammer *h;
	int index;
	struct rnd_state rnd;
	struct iommu_attach_handle handle[2];
	unsigned int rounds;
	unsigned int won[OPERATIONS];
	struct completion gone;
	struct completion done;
};

/**
 * struct hammer - what the threads work on
 * @m: the mock
 * @md: a device that always is there
 * @bound: a sibling that a driver is bound to now and then
 * @group: their group
 * @domain: domains to attach
 * @pasid_sem: whoever gives a group back must have taken its PASIDs before:
 *	held for writing while a claim is released
 * @fails: driver calls fail now and then
 * @end: when to stop, in jiffies
 * @wrong: what should not have been possible
 * @worker: the threads
 */
struct hammer {
	struct mock_iommu *m;
	struct mock_dev *md, *bound;
	struct iommu_group *group;
	struct iommu_domain *domain[2];
	struct rw_semaphore pasid_sem;
	bool fails;
	unsigned long end;
	const char *wrong;
	struct worker worker[THREADS];
};

static struct iommu_domain *any_domain(struct worker *w)
{
	return w->h->domain[prandom_u32_state(&w->rnd) % 2];
}

/* In the middle of it, now and then for long enough to be met by others. */
static void linger(struct worker *w)
{
	if (prandom_u32_state(&w->rnd) % 64)
		cond_resched();
	else
		schedule_timeout_uninterruptible(1);
}

/* ---- operations ----------------------------------------------------------- */

static bool do_claim(struct worker *w)
{
	struct hammer *h = w->h;

	if (iommu_group_claim_dma_owner(h->group, w))
		return false;
	if (READ_ONCE(h->group->owner) != w)
		WRITE_ONCE(h->wrong, "a claim has not made me the owner");
	linger(w);
	down_write(&h->pasid_sem);
	iommu_group_release_dma_owner(h->group);
	up_write(&h->pasid_sem);
	return true;
}

static bool do_attach(struct worker *w)
{
	struct iommu_domain *domain = any_domain(w);

	if (iommu_attach_group(domain, w->h->group))
		return false;
	linger(w);
	iommu_detach_group(domain, w->h->group);
	return true;
}

static bool do_replace(struct worker *w)
{
	struct iommu_domain *domain = any_domain(w);

	if (iommu_group_replace_domain(w->h->group, domain))
		return false;
	linger(w);
	iommu_detach_group(domain, w->h->group);
	return true;
}

static bool do_pasid(struct worker *w)
{
	ioasid_t pasid = prandom_u32_state(&w->rnd) % 2 ? SHARED_PASID :
							  2 + w->index;
	struct device *dev = &w->h->md->dev;
	struct iommu_domain *domain = any_domain(w);
	struct iommu_domain *next = any_domain(w);
	int ret;

	down_read(&w->h->pasid_sem);
	ret = iommu_attach_device_pasid(domain, dev, pasid, &w->handle[0]);
	if (!ret) {
		linger(w);
		if (!iommu_replace_device_pasid(next, dev, pasid,
						&w->handle[1]))
			domain = next;
		iommu_detach_device_pasid(domain, dev, pasid);
	}
	up_read(&w->h->pasid_sem);
	return !ret;
}

static bool do_type(struct worker *w)
{
	static const char * const words[] = { "identity", "DMA", "auto" };
	const char *word = words[prandom_u32_state(&w->rnd) % 3];

	return mock_store(w->h->group, "type", word) > 0;
}

static bool is_linked(struct worker *w, const char *name)
{
	struct kernfs_node *kn;

	kn = kernfs_find_and_get(w->h->group->devices_kobj->sd, name);
	kernfs_put(kn);
	return kn;
}

/* In the group or refused; its driver must not be bound while a user owns it. */
static bool check_newcomer(struct worker *w, struct mock_dev *md)
{
	bool joined = mock_group(md);

	if (joined && mock_group(md) != w->h->group)
		WRITE_ONCE(w->h->wrong, "a newcomer is in another group");
	if (is_linked(w, dev_name(&md->dev)) != joined)
		WRITE_ONCE(w->h->wrong, "a newcomer's link is not right");
	if (joined && device_is_bound(&md->dev) &&
	    READ_ONCE(w->h->group->owner) != IOMMU_OWNER_KERNEL)
		WRITE_ONCE(w->h->wrong, "a user owns what a driver uses");
	return joined;
}

static bool do_plug(struct worker *w)
{
	struct mock_iommu *m = w->h->m;
	bool joined = false;
	struct mock_dev *md;
	char name[32];

	md = mock_make_dev(m, FIRST_NEWCOMER + w->index, 0);
	if (!md)
		return false;
	strscpy(name, dev_name(&md->dev));
	md->pasid_bits = MOCK_PASID_BITS;
	md->def_type = 0;
	reinit_completion(&w->gone);
	md->gone = &w->gone;
	if (prandom_u32_state(&w->rnd) % 2)
		md->dev.platform_data = &wants_driver;
	if (!mock_try_plug(md)) {
		linger(w);
		joined = check_newcomer(w, md);
	}
	mock_drop(md);
	if (!wait_for_completion_timeout(&w->gone, 60 * HZ))
		WRITE_ONCE(w->h->wrong, "somebody holds on to who has left");
	if (is_linked(w, name))
		WRITE_ONCE(w->h->wrong, "a link of who has left");
	return joined;
}

static bool do_bind(struct worker *w)
{
	struct device *dev = &w->h->bound->dev;

	if (device_attach(dev) <= 0)
		return false;
	linger(w);
	device_release_driver(dev);
	return true;
}

static bool do_reset(struct worker *w)
{
	struct iommu_group *group = w->h->group;
	struct group_device *gdev;

	scoped_guard(iommu_group, group) {
		gdev = iommu_group_find_member(group, &w->h->md->dev);
		iommu_member_pause(gdev);
	}
	linger(w);
	scoped_guard(iommu_group, group)
		iommu_member_resume(gdev);
	return true;
}

static bool do_look(struct worker *w)
{
	struct iommu_attach_handle *handle;
	LIST_HEAD(regions);

	handle = iommu_attach_handle_get(w->h->group, SHARED_PASID, 0);
	if (!handle)
		WRITE_ONCE(w->h->wrong, "a handle that is none");
	iommu_get_group_resv_regions(w->h->group, &regions);
	iommu_put_resv_regions(NULL, &regions);
	iommu_get_domain_for_dev(&w->h->md->dev);
	iommu_group_dma_owner_claimed(w->h->group);
	return true;
}

/* A driver call that will fail, and perhaps lose what the device had */
static bool do_fail(struct worker *w)
{
	static const enum mock_op ops[] = {
		MOCK_ATTACH, MOCK_SET_PASID, MOCK_PROBE, MOCK_ALLOC,
	};
	struct mock_iommu *m = w->h->m;
	u32 random = prandom_u32_state(&w->rnd);

	/* There is room for as many again by the other threads. */
	if (w->h->fails && mock_faults_left(m) < MOCK_FAULTS - THREADS)
		mock_fail(m, ops[random % ARRAY_SIZE(ops)], NULL, -EIO);
	return true;
}

static const struct {
	const char *name;
	bool (*run)(struct worker *w);
} operations[OPERATIONS] = {
	{ "claim", do_claim },
	{ "attach", do_attach },
	{ "replace", do_replace },
	{ "PASID", do_pasid },
	{ "type", do_type },
	{ "plug", do_plug },
	{ "bind", do_bind },
	{ "reset", do_reset },
	{ "look", do_look },
	{ "fail", do_fail },
};

static int hammer_thread(void *data)
{
	struct worker *w = data;

	while (time_before(jiffies, w->h->end) && !READ_ONCE(w->h->wrong)) {
		int op = prandom_u32_state(&w->rnd) % OPERATIONS;

		w->won[op] += operations[op].run(w);
		w->rounds++;
		cond_resched();
	}
	complete(&w->done);
	return 0;
}

/* ---- the checker ---------------------------------------------------------- */

static const char *member_trouble(struct hammer *h, struct group_device *gdev)
{
	struct mock_dev *md = to_mock_dev(gdev->dev);
	unsigned long pasid;
	void *entry;

	if (md->dev.iommu->attached != md->hw[0] && !md->broke)
		return "a device has not what the core believes";
	if (!gdev->parked && !gdev->pauses && md->hw[0] != h->group->domain)
		return "a device has not what its group has";
	xa_for_each_start(&h->group->pasids, pasid, entry, 1) {
		struct iommu_domain *domain = iommu_slot_domain(entry);

		if (gdev->pauses ||
		    xa_get_mark(&h->group->pasids, pasid, IOMMU_SLOT_PARKED))
			domain = NULL;
		if (md->hw[pasid] != domain)
			return "a device has not the PASIDs of its group";
	}
	return NULL;
}

/* One look at the group; giving the mutex back checks the core's own records. */
static void hammer_check(struct hammer *h)
{
	struct group_device *gdev;
	const char *trouble;

	guard(iommu_group)(h->group);
	for_each_group_device(h->group, gdev) {
		trouble = member_trouble(h, gdev);
		if (trouble)
			WRITE_ONCE(h->wrong, trouble);
	}
}

/* ---- the cases ------------------------------------------------------------ */

static int hammer_probe(struct device *dev)
{
	return dev->platform_data == &wants_driver ? 0 : -ENODEV;
}

static struct device_driver hammer_driver = {
	.name = "mock-hammer",
	.owner = THIS_MODULE,
	.probe = hammer_probe,
	.suppress_bind_attrs = true,
};

static struct mock_dev *hammer_add(struct mock_iommu *m)
{
	struct mock_dev *md = mock_new_dev(m, 0);

	md->pasid_bits = MOCK_PASID_BITS;
	md->def_type = 0;
	mock_plug(md);
	KUNIT_ASSERT_NOT_NULL(m->test, mock_group(md));
	return md;
}

static void hammer_start(struct kunit *test, struct hammer *h)
{
	struct mock_iommu *m = mock_iommu_new(test);

	h->m = m;
	m->ops.pasid_replace = true;
	h->md = hammer_add(m);
	h->bound = hammer_add(m);
	h->bound->dev.platform_data = &wants_driver;
	h->group = mock_group(h->md);
	for (int i = 0; i < ARRAY_SIZE(h->domain); i++)
		h->domain[i] = mock_paging(h->md);
	init_rwsem(&h->pasid_sem);
	hammer_driver.bus = m->bus;
	KUNIT_ASSERT_EQ(test, 0, driver_register(&hammer_driver));
	device_release_driver(&h->bound->dev);
}

static void hammer_end(struct kunit *test, struct hammer *h)
{
	driver_unregister(&hammer_driver);
	mock_heal(h->m);
	/* Whoever was parked comes back with this. */
	iommu_detach_group(h->domain[0], h->group);
	KUNIT_EXPECT_STREQ(test, h->wrong ?: "", "");
	KUNIT_EXPECT_NULL(test, h->group->owner);
	KUNIT_EXPECT_EQ(test, h->group->owner_cnt, 0);
	KUNIT_EXPECT_EQ(test, h->group->nr_paused, 0);
	KUNIT_EXPECT_TRUE(test, xa_empty(&h->group->pasids));
	KUNIT_EXPECT_EQ(test, h->group->nr_devices, FIRST_NEWCOMER);
	mock_expect_domain(test, h->md, h->group->default_domain);
	for (int i = 0; i < ARRAY_SIZE(h->domain); i++)
		iommu_domain_free(h->domain[i]);
}

/* A kind of operation that never went through was not tested. */
static unsigned int hammer_count(struct kunit *test, struct hammer *h)
{
	unsigned int rounds = 0, won;

	for (int i = 0; i < THREADS; i++)
		rounds += h->worker[i].rounds;
	for (int op = 0; op < OPERATIONS; op++) {
		won = 0;
		for (int i = 0; i < THREADS; i++)
			won += h->worker[i].won[op];
		kunit_info(test, "%s: %u\n", operations[op].name, won);
		if (rounds > ENOUGH)
			KUNIT_EXPECT_GT_MSG(test, won, 0, "%s",
					    operations[op].name);
	}
	return rounds;
}

static void hammer(struct kunit *test, bool fails)
{
	struct hammer *h = kunit_kzalloc(test, sizeof(*h), GFP_KERNEL);
	unsigned int checks = 0, started = 0;
	u64 seed = READ_ONCE(hammer_seed) ?: get_random_u32();

	KUNIT_ASSERT_NOT_NULL(test, h);
	hammer_start(test, h);
	h->fails = fails;
	kunit_info(test, "hammer_kunit.seed=%llu\n", seed);
	h->end = jiffies + msecs_to_jiffies(READ_ONCE(hammer_ms));
	for (; started < THREADS; started++) {
		struct worker *w = &h->worker[started];
		struct task_struct *task;

		w->h = h;
		w->index = started;
		prandom_seed_state(&w->rnd, seed + started);
		init_completion(&w->gone);
		init_completion(&w->done);
		task = kthread_run(hammer_thread, w, "iommu-worker/%d",
				   started);
		if (IS_ERR(task))
			break;
	}
	KUNIT_EXPECT_EQ(test, started, THREADS);
	while (time_before(jiffies, h->end) && !READ_ONCE(h->wrong)) {
		hammer_check(h);
		checks++;
		/* The mutex is for the others most of the time. */
		schedule_timeout_uninterruptible(1);
	}
	for (int i = 0; i < started; i++)
		wait_for_completion(&h->worker[i].done);
	kunit_info(test, "%u operations, %u looks\n", hammer_count(test, h),
		   checks);
	hammer_end(test, h);
}

/* T1, T8: nobody is lost, and nothing is left behind. */
static void group_survives_many_hands(struct kunit *test)
{
	hammer(test, false);
}

/* T1, T7: nor when the IOMMU's driver fails at any time. */
static void group_survives_many_hands_and_faults(struct kunit *test)
{
	hammer(test, true);
}

static struct kunit_case hammer_cases[] = {
	KUNIT_CASE_SLOW(group_survives_many_hands),
	KUNIT_CASE_SLOW(group_survives_many_hands_and_faults),
	{}
};

static struct kunit_suite hammer_suite = {
	.name = "iommu_hammer",
	.test_cases = hammer_cases,
};

kunit_test_suite(hammer_suite);
