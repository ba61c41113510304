// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every sequence of operations up to a bounded length on small worlds, with
 * every driver call and every allocation failing, against a reference model.
 *
 * The search goes through states, not through sequences. What the core does
 * next depends on nothing but its state and the hardware's, so two sequences
 * that lead to the same state have the same continuations, and it is enough to
 * try these once. A state is all that world_observe() reads: members and their
 * order, owner, domains, handles, PASIDs, what is parked, what each device's
 * hardware has. Breadth first: the states that some sequence of n operations
 * reaches are all known before the first one of n + 1 is tried, so a search of
 * depth n has seen what every sequence of n operations leads to, and the first
 * difference found has one of the shortest stories.
 *
 * Tried in each state: each operation undisturbed; with its n-th allocation
 * failing, for each n; with its n-th driver call failing, for each n, alone,
 * together with each later one (what was to be put back cannot be), and
 * together with all later ones (the hardware is dead). Behind each, return code
 * and state are compared with the model's, and the state with itself: counts of
 * users against what the hardware has, CONFIG_IOMMU_CORE_DEBUG's checks, the
 * mock's. A kernel warning is a failure too.
 *
 * A state is reached again by undoing everything and repeating what led to it,
 * which most of the time is not needed: most operations are refused or undone,
 * and leave the state that the next one is to be tried in.
 *
 * A longer random walk follows. It prints its seed. What this kernel cannot have
 * fail, change or check is left out of both, and a case that is skipped says so.
 *
 *	model_kunit.depth=N	search so deep, in each world
 *	model_kunit.world=NAME	search in this world only
 *	model_kunit.states=N	give up a search after so many states
 *	model_kunit.seed=N	have the walk of that seed again
 */
#include <linux/debug_locks.h>
#include <linux/hashtable.h>
#include <linux/jhash.h>
#include <linux/kernfs.h>
#include <linux/kobject.h>
#include <linux/moduleparam.h>
#include <linux/prandom.h>
#include <linux/printk.h>
#include <linux/random.h>
#include <linux/sysfs.h>
#include "failslab.h"
#include "world.h"

static unsigned int model_depth;
module_param_named(depth, model_depth, uint, 0444);
MODULE_PARM_DESC(depth, "Operations in a row, 0: what fits into a test run");

static char *model_world;
module_param_named(world, model_world, charp, 0444);
MODULE_PARM_DESC(world, "Name of the only world to search");

static unsigned int model_states = 4000000;
module_param_named(states, model_states, uint, 0444);
MODULE_PARM_DESC(states, "Give up a search after so many states");

static unsigned long long model_seed;
module_param_named(seed, model_seed, ullong, 0444);
MODULE_PARM_DESC(seed, "Start of the random walk, 0: a new one each time");

/* KASAN makes each step some fifty times slower; what it finds comes early. */
#define WALK_STEPS	(IS_ENABLED(CONFIG_KASAN) ? 2000 : 20000)

#define MODEL_ALLOCS	200	/* more than any operation makes */
#define MODEL_CALLS	31	/* the same for driver calls */

static const struct world_kind model_worlds[] = {
	{ "one_keeps",		1, 1, false, false, 3 },
	{ "one_breaks",		1, 1, true,  false, 3 },
	{ "two_keep",		2, 1, false, false, 3 },
	{ "two_break",		2, 1, true,  false, 3 },
	{ "three_keep",		3, 1, false, true,  2 },
	{ "three_break",	3, 1, true,  true,  2 },
	{ "groups_keep",	3, 2, false, false, 2 },
	{ "groups_break",	3, 2, true,  false, 2 },
};

/**
 * struct model_try - an operation and what goes wrong in it
 * @op: index of the operation
 * @nth_alloc: the allocation that fails, or 0
 * @calls: bit n: the n-th driver call fails
 */
struct model_try {
	u8 op;
	u8 nth_alloc;
	u32 calls;
};

/**
 * struct model_node - a state that was reached
 * @hash: link in model_search.seen
 * @queue: link in model_search.queue
 * @parent: the state before, NULL for the first
 * @by: what led from there to here
 * @depth: how many operations from the first
 * @state: the state
 */
struct model_node {
	struct hlist_node hash;
	struct list_head queue;
	struct model_node *parent;
	struct model_try by;
	u8 depth;
	struct world_state state;
};

/**
 * struct model_search - a search through the states of a world
 * @w: the world
 * @start: its state when nothing has been done
 * @queue: all states, in the order they were found
 * @seen: the same, to be found by state
 * @at: the state the world is in, if it is at a node's
 * @states: how many were found
 * @transitions: how many tries were made
 * @refused: how many of them returned an error
 * @luck: what went wrong in the last one
 * @driver_calls: how many driver calls the last one made
 * @warnings: of the kernel, when the search began
 * @text: what was done since the first state
 */
struct model_search {
	struct world *w;
	struct world_state start;
	struct list_head queue;
	DECLARE_HASHTABLE(seen, 16);
	struct model_node *at;
	unsigned int states;
	unsigned long transitions;
	unsigned long refused;
	struct world_luck luck;
	unsigned int driver_calls;
	int warnings;
	char text[600];
};

/* How often the kernel has warned, by whatever means: a file of sysfs says it. */
static struct kobj_attribute *model_warn_count;
static char *model_page;

static void model_find_warn_count(void)
{
	struct kernfs_node *kn = kernfs_find_and_get(kernel_kobj->sd,
						     "warn_count");

	model_page = (char *)get_zeroed_page(GFP_KERNEL);
	if (kn)
		model_warn_count = container_of((struct attribute *)kn->priv,
						struct kobj_attribute, attr);
	kernfs_put(kn);
}

static int model_warnings(void)
{
	int count = 0;

	if (model_warn_count && model_page) {
		model_warn_count->show(kernel_kobj, model_warn_count,
				       model_page);
		if (kstrtoint(strim(model_page), 10, &count))
			count = 0;
	}
	return count + !debug_locks;
}

/* ---- one operation ------------------------------------------------------- */

static void model_note(struct model_search *s, const struct model_try *by)
{
	size_t used = strlen(s->text);
	char op[48];

	world_op_text(&s->w->op[by->op], op, sizeof(op));
	used += scnprintf(s->text + used, sizeof(s->text) - used, " %s", op);
	if (by->calls)
		used += scnprintf(s->text + used, sizeof(s->text) - used,
				  "!%x", by->calls);
	if (by->nth_alloc)
		scnprintf(s->text + used, sizeof(s->text) - used, "#%u",
			  by->nth_alloc);
}

static void model_luck(struct model_search *s, const struct model_try *by,
		       bool no_memory)
{
	struct mock_script *script = &s->w->m->script;
	struct world_luck *luck = &s->luck;
	static const u8 pasids[WORLD_SLOTS] = { 0, 1, 5 };

	*luck = (struct world_luck){
		.breaks = s->w->kind->breaks,
		.no_memory = no_memory,
		.failed = script->failed,
		.first = script->first ? script->first->index + 1 : 0,
	};
	for (int i = 0; i < s->w->kind->nr_devs; i++) {
		luck->dev_failed[i] = s->w->md[i]->failed;
		luck->dev_moved[i] = s->w->md[i]->moved;
	}
	for (int i = 1; i < WORLD_SLOTS; i++)
		luck->slot_failed[i] = script->pasids[pasids[i]];
	s->driver_calls = script->calls;
}

/* What differs, in words; NULL for nothing. */
static const char *model_compare(const struct world_state *is,
				 const struct world_state *should)
{
	for (int i = 0; i < WORLD_GROUPS; i++) {
		const struct world_group *a = &is->group[i];
		const struct world_group *b = &should->group[i];

		if (a->owner != b->owner || a->count != b->count)
			return "owner";
		if (a->domain != b->domain)
			return "group's domain";
		if (a->deflt != b->deflt)
			return "default domain";
		if (memcmp(a->slot, b->slot, sizeof(a->slot)))
			return "slots";
		if (memcmp(a, b, sizeof(*a)))
			return "group";
	}
	for (int i = 0; i < WORLD_DEVS; i++) {
		const struct world_dev *a = &is->dev[i];
		const struct world_dev *b = &should->dev[i];

		if (a->attached != b->attached)
			return "device's record";
		if (memcmp(a->hw, b->hw, sizeof(a->hw)))
			return "hardware";
		if (a->parked != b->parked || a->stranded != b->stranded)
			return "parking";
		if (memcmp(a, b, sizeof(*a)))
			return "device";
	}
	return NULL;
}

/* A driver that counts attachments was asked twice, not after a failure. */
static bool model_counts_wrong(struct model_search *s,
			       const struct world_state *before)
{
	if (s->w->kind->breaks)
		return false;
	for (int i = 0; i < s->w->kind->nr_devs; i++)
		if (s->w->md[i]->again && !before->dev[i].stranded &&
		    !s->w->md[i]->failed)
			return true;
	return false;
}

static void model_print(struct kunit *test, const char *name,
			const struct world_state *s)
{
	kunit_info(test, "%s: groups %*ph devices %*ph\n", name,
		   (int)sizeof(s->group), s->group, (int)sizeof(s->dev),
		   s->dev);
}

static bool model_differs(struct model_search *s, const char *what, int got,
			  int want)
{
	suppress_printk = 0;
	KUNIT_FAIL(s->w->test, "%s:%s: %s differs (returned %d, expected %d)",
		   s->w->kind->name, s->text, what, got, want);
	kunit_info(s->w->test, "driver calls:%s\n", s->w->m->journal);
	return false;
}

/* Do it on both sides; false after a difference. */
static bool model_do(struct model_search *s, const struct model_try *by)
{
	const struct world_op *op = &s->w->op[by->op];
	struct world_state before = s->w->state, should = before;
	const char *wrong;
	bool no_memory;
	int got, want;

	mock_journal_clear(s->w->m);
	mock_script(s->w->m, by->calls, s->w->kind->breaks);
	failslab_nth(by->nth_alloc);
	got = world_do(s->w, op);
	no_memory = by->nth_alloc && !failslab_left();
	failslab_nth(0);
	model_luck(s, by, no_memory);
	s->w->m->script.mask = 0;
	s->transitions++;
	s->refused += got < 0;

	want = world_model(&should, op, &s->luck);
	/* Want of memory is a reason to refuse, if nothing has happened. */
	if (no_memory && got == -ENOMEM) {
		want = -ENOMEM;
		should = before;
	}
	wrong = world_observe(s->w, &s->w->state);
	if (!wrong && got != want)
		wrong = "return code";
	if (!wrong)
		wrong = model_compare(&s->w->state, &should);
	if (!wrong && model_counts_wrong(s, &before))
		wrong = "number of attachments";
	if (!wrong && READ_ONCE(s->w->test->status) == KUNIT_FAILURE)
		wrong = "what the driver was told";
	if (!wrong && model_warnings() != s->warnings)
		wrong = "number of warnings";
	if (!wrong)
		return true;
	model_differs(s, wrong, got, want);
	model_print(s->w->test, "before", &before);
	model_print(s->w->test, "is", &s->w->state);
	model_print(s->w->test, "should be", &should);
	return false;
}

static bool model_try(struct model_search *s, const struct model_try *by)
{
	size_t used = strlen(s->text);
	bool same;

	model_note(s, by);
	same = model_do(s, by);
	if (same)
		s->text[used] = '\0';
	cond_resched();
	return same;
}

/* Undisturbed, if it is allowed now. */
static bool model_just(struct model_search *s, u8 verb, int group, int dev,
		       int slot, int domain)
{
	for (int i = 0; i < s->w->nr_ops; i++) {
		const struct world_op *op = &s->w->op[i];
		struct model_try by = { .op = i };

		if (op->verb != verb || op->group != group || op->dev != dev ||
		    op->slot != slot || (domain && op->domain != domain))
			continue;
		return !world_allows(&s->w->state, op) || model_try(s, &by);
	}
	return true;
}

/* ---- from one state to another ------------------------------------------- */

static bool model_idle_group(struct model_search *s, int n)
{
	struct world_group *g = &s->w->state.group[n];
	bool same = true;

	for (int slot = 1; same && slot < WORLD_SLOTS; slot++)
		if (g->slot[slot].domain)
			same = model_just(s, PASID_DETACH, n, 0, slot,
					  g->slot[slot].domain);
	same = same && model_just(s, HANDLE_DETACH, n, 0, 0, 0) &&
	       model_just(s, GROUP_DETACH, n, 0, 0, 0);
	while (same && g->owner && g->owner != W_KERNEL)
		same = model_just(s, GROUP_RELEASE, n, 0, 0, 0);
	/* Brings back who could not be brought back before. */
	return same && model_just(s, GROUP_DETACH, n, 0, 0, 0) &&
	       model_just(s, TYPE_CHANGE, n, 0, 0, W_IDENTITY);
}

/* Members in the order of their numbers: all of them leave and come back. */
static bool model_sort(struct model_search *s, int n)
{
	struct world_dev *d = &s->w->state.dev[n];
	int group = s->w->md[n]->group;

	if (!memcmp(&s->w->state, &s->start, sizeof(s->start)))
		return true;
	return (!d->present || model_just(s, DEV_LEAVE, group, n, 0, 0)) &&
	       model_just(s, DEV_JOIN, group, n, 0, 0);
}

/* Undo everything, by the same operations. */
static bool model_reset(struct model_search *s)
{
	struct world *w = s->w;
	bool same = true;

	s->text[0] = '\0';
	for (int n = 0; same && n < w->kind->nr_devs; n++) {
		struct world_dev *d = &w->state.dev[n];

		if (d->uses)
			same = model_just(s, DEV_UNUSE, w->md[n]->group, n, 0,
					  0);
		while (same && d->pauses)
			same = model_just(s, DEV_RESUME, w->md[n]->group, n, 0,
					  0);
	}
	for (int n = 0; same && n < w->kind->nr_groups; n++)
		same = model_idle_group(s, n);
	for (int n = 0; same && n < w->kind->nr_devs; n++)
		same = model_sort(s, n);
	if (same && memcmp(&w->state, &s->start, sizeof(s->start)))
		return model_differs(s, "what is left when all is undone", 0, 0);
	mock_forget_freed(w->m);
	s->text[0] = '\0';
	return same;
}

static bool model_goto(struct model_search *s, struct model_node *node)
{
	struct model_node *path[64];
	int n = 0;

	if (s->at == node)
		return true;
	s->at = NULL;
	if (!model_reset(s))
		return false;
	for (; node->parent; node = node->parent)
		path[n++] = node;
	while (n--) {
		model_note(s, &path[n]->by);
		if (!model_do(s, &path[n]->by))
			return false;
		s->transitions--;
		node = path[n];
	}
	s->at = node;
	return true;
}

/* ---- the search ---------------------------------------------------------- */

static struct model_node *model_find(struct model_search *s, u32 hash)
{
	struct model_node *node;

	hash_for_each_possible(s->seen, node, hash, hash)
		if (!memcmp(&node->state, &s->w->state, sizeof(node->state)))
			return node;
	return NULL;
}

/* The world is in a state that may be new. */
static bool model_arrive(struct model_search *s, struct model_node *parent,
			 const struct model_try *by)
{
	u32 hash = jhash(&s->w->state, sizeof(s->w->state), 0);
	struct model_node *node;

	s->at = model_find(s, hash);
	if (s->at)
		return true;
	node = kzalloc(sizeof(*node), GFP_KERNEL);
	if (!node)
		return model_differs(s, "memory", -ENOMEM, 0);
	node->state = s->w->state;
	node->parent = parent;
	if (parent) {
		node->by = *by;
		/* Which one it met is no matter, and may be another next time. */
		node->by.nth_alloc = 0;
		node->depth = parent->depth + 1;
	}
	hash_add(s->seen, &node->hash, hash);
	list_add_tail(&node->queue, &s->queue);
	s->states++;
	s->at = node;
	return true;
}

static bool model_visit(struct model_search *s, struct model_node *node,
			struct model_try by)
{
	return model_goto(s, node) && model_try(s, &by) &&
	       model_arrive(s, node, &by);
}

/* The n-th driver call fails; alone, with one more, with all later ones. */
static bool model_fail_call(struct model_search *s, struct model_node *node,
			    int op, int n)
{
	struct model_try by = { .op = op, .calls = BIT(n) };
	unsigned int calls;

	if (!model_visit(s, node, by))
		return false;
	calls = min(s->driver_calls, MODEL_CALLS);
	for (int later = n + 1; later < calls; later++) {
		by.calls = BIT(n) | BIT(later);
		if (!model_visit(s, node, by))
			return false;
	}
	by.calls = GENMASK(31, n);
	return calls <= n + 2 || model_visit(s, node, by);
}

static bool model_explore_op(struct model_search *s, struct model_node *node,
			     int op)
{
	struct model_try by = { .op = op };
	unsigned int calls;
	bool again;

	/* The last one meets no failing allocation any more. */
	do {
		by.nth_alloc += failslab_is_there();
		if (!model_visit(s, node, by))
			return false;
		again = s->luck.no_memory;
	} while (again && by.nth_alloc < MODEL_ALLOCS);

	calls = min(s->driver_calls, MODEL_CALLS);
	for (int n = 0; n < calls; n++)
		if (!model_fail_call(s, node, op, n))
			return false;
	return true;
}

static bool model_explore(struct model_search *s, int depth)
{
	struct model_node *node;
	int level = 0;

	list_for_each_entry(node, &s->queue, queue) {
		if (node->depth == depth)
			break;
		if (s->states >= model_states) {
			suppress_printk = 0;
			KUNIT_FAIL(s->w->test, "%s: given up after %u states",
				   s->w->kind->name, s->states);
			return true;
		}
		if (node->depth > level) {
			level = node->depth;
			suppress_printk = 0;
			pr_info("# %s: depth %d: %u states, %lu transitions\n",
				s->w->kind->name, level, s->states,
				s->transitions);
			suppress_printk = 1;
		}
		for (int op = 0; op < s->w->nr_ops; op++)
			if (world_allows(&node->state, &s->w->op[op]) &&
			    !model_explore_op(s, node, op))
				return false;
	}
	return true;
}

static struct model_search *model_begin(struct kunit *test,
					const struct world_kind *kind)
{
	struct model_search *s = kvzalloc(sizeof(*s), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, s);
	INIT_LIST_HEAD(&s->queue);
	hash_init(s->seen);
	s->w = world_new(test, kind);
	s->start = s->w->state;
	s->warnings = model_warnings();
	/* The core reports each of a million refusals and parkings. */
	suppress_printk = 1;
	return s;
}

static void model_end(struct model_search *s, bool same)
{
	struct model_node *node, *next;

	if (same && model_reset(s))
		world_end(s->w);
	suppress_printk = 0;
	list_for_each_entry_safe(node, next, &s->queue, queue)
		kfree(node);
	kvfree(s);
}

/* All laws. */
static void every_sequence_agrees_with_the_model(struct kunit *test)
{
	const struct world_kind *kind = test->param_value;
	int depth = model_depth ?: kind->depth - IS_ENABLED(CONFIG_KASAN);
	struct model_search *s;
	bool same;

	if (model_world && strcmp(model_world, kind->name))
		kunit_skip(test, "not asked for");
	s = model_begin(test, kind);
	same = model_arrive(s, NULL, NULL) && model_explore(s, depth);
	suppress_printk = 0;
	kunit_info(test, "%s: depth %d: %u states, %lu transitions, %lu of them refused%s\n",
		   kind->name, depth, s->states, s->transitions, s->refused,
		   failslab_is_there() ? "" : ", no allocation failed");
	suppress_printk = same;
	model_end(s, same);
}

/* The same, where states are reached that no short sequence reaches. */
static void a_long_random_walk_agrees_with_the_model(struct kunit *test)
{
	u64 seed = model_seed ?: get_random_u64();
	struct model_search *s;
	struct rnd_state rnd;
	bool same = true;
	u32 world;

	kunit_info(test, "seed 0x%llx\n", seed);
	prandom_seed_state(&rnd, seed);
	world = prandom_u32_state(&rnd) % ARRAY_SIZE(model_worlds);
	s = model_begin(test, &model_worlds[world]);
	for (int i = 0; same && i < WALK_STEPS; i++) {
		struct model_try by = {
			.op = prandom_u32_state(&rnd) % s->w->nr_ops,
			.calls = prandom_u32_state(&rnd),
		};

		/* Mostly nothing fails, else a few calls or all. */
		by.calls &= prandom_u32_state(&rnd);
		by.calls &= -(u32)!(prandom_u32_state(&rnd) % 4);
		if (!world_allows(&s->w->state, &s->w->op[by.op]))
			continue;
		/* Of a walk this long only the end can be told. */
		if (strlen(s->text) > sizeof(s->text) / 2)
			s->text[0] = '\0';
		model_note(s, &by);
		same = model_do(s, &by);
		mock_forget_freed(s->w->m);
		cond_resched();
	}
	model_end(s, same);
}

static void world_name(const struct world_kind *kind, char *name)
{
	strscpy(name, kind->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(world, model_worlds, world_name);

static int model_suite_init(struct kunit_suite *suite)
{
	failslab_begin();
	model_find_warn_count();
	return 0;
}

/* ---- what the search relies on ------------------------------------------- */

/*
 * T2: want of memory was searched. Which allocation is the second one here is
 * not certain: kmemleak makes some of its own, and can do without them.
 */
static void allocations_fail_where_they_are_told_to(struct kunit *test)
{
	bool hit = false;
	void *first, *second;

	skip_without_failslab(test);
	for (int n = 2; !hit && n < 8; n++) {
		failslab_nth(n);
		first = kmalloc(8, GFP_KERNEL);
		second = kmalloc(8, GFP_KERNEL);
		failslab_nth(0);
		hit = first && !second;
		kfree(first);
		kfree(second);
	}
	KUNIT_EXPECT_TRUE(test, hit);
}

/* W22: changes of the default domain were searched, not their refusals alone. */
static void default_domain_changes_in_these_worlds(struct kunit *test)
{
	struct world *w;

	if (!IS_ENABLED(CONFIG_IOMMU_DMA))
		kunit_skip(test, "no DMA domains without CONFIG_IOMMU_DMA");
	w = world_new(test, &model_worlds[0]);
	for (int i = 0; i < w->nr_ops; i++)
		if (w->op[i].verb == TYPE_CHANGE && w->op[i].domain == W_DMA)
			KUNIT_EXPECT_EQ(test, world_do(w, &w->op[i]), 0);
	KUNIT_EXPECT_NULL(test, world_observe(w, &w->state));
	KUNIT_EXPECT_EQ(test, w->state.group[0].deflt, W_DMA);
	world_end(w);
}

/* T1: the core's own records were checked, and warnings counted. */
static void checks_are_compiled_in(struct kunit *test)
{
	KUNIT_EXPECT_NOT_NULL(test, model_warn_count);
	KUNIT_EXPECT_NOT_NULL(test, model_page);
	if (!IS_ENABLED(CONFIG_IOMMU_CORE_DEBUG))
		kunit_skip(test, "needs CONFIG_IOMMU_CORE_DEBUG");
}

static void model_suite_exit(struct kunit_suite *suite)
{
	free_page((unsigned long)model_page);
	failslab_end();
}

static struct kunit_case model_cases[] = {
	KUNIT_CASE(allocations_fail_where_they_are_told_to),
	KUNIT_CASE(default_domain_changes_in_these_worlds),
	KUNIT_CASE(checks_are_compiled_in),
	KUNIT_CASE_PARAM_ATTR(every_sequence_agrees_with_the_model,
			      world_gen_params, { .speed = KUNIT_SPEED_SLOW }),
	KUNIT_CASE_SLOW(a_long_random_walk_agrees_with_the_model),
	{}
};

static struct kunit_suite model_suite = {
	.name = "iommu_model",
	.suite_init = model_suite_init,
	.suite_exit = model_suite_exit,
	.test_cases = model_cases,
};

kunit_test_suite(model_suite);
