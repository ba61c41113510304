// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every sequence of operations up to a bounded length on a small group, with
 * every driver call failing once, against a model that is too simple to be
 * wrong in the same way. After each step the whole state is compared: return
 * code, owner, count, domains of group and devices, hardware, PASID slot.
 *
 * A longer random walk follows. It prints its seed; model_kunit.seed= on the
 * command line of the kernel has the same walk again.
 */
#include <linux/moduleparam.h>
#include <linux/prandom.h>
#include <linux/random.h>
#include "mock-iommu.h"

#define MODEL_DEVS	3
#define MODEL_PASID	1

/* KASAN makes each step some fifty times slower; what it finds comes early. */
#define MODEL_DEPTH	(IS_ENABLED(CONFIG_KASAN) ? 2 : 3)
#define MODEL_STEPS	(IS_ENABLED(CONFIG_KASAN) ? 2000 : 20000)

static int model_user;

static unsigned long long model_seed;
module_param_named(seed, model_seed, ullong, 0444);
MODULE_PARM_DESC(seed, "Start of the random walk, 0: a new one each time");

enum deed {
	CLAIM,
	RELEASE,
	ATTACH_A,
	ATTACH_B,
	REPLACE_A,
	REPLACE_B,
	DETACH,
	PASID_A,
	PASID_B,
	PASID_DETACH,
	USE,
	UNUSE,
	PLUG,
	UNPLUG,
	NR_DEEDS
};

static const char * const deed_names[] = {
	"claim", "release", "attach A", "attach B", "replace A", "replace B",
	"detach", "PASID A", "PASID B", "PASID detach", "use", "unuse", "plug",
	"unplug",
};

/**
 * struct model - what should be true
 * @m: the real thing
 * @md: its devices; the last one comes and goes
 * @a: a user's domain
 * @b: another one
 * @nr: devices present
 * @domain: of the group
 * @hw: of each device; differs from @domain where it had to be blocked
 * @pasid: domain of the one PASID, or NULL
 * @owner: as in struct iommu_group
 * @count: as in struct iommu_group
 * @fail_at: the driver call of the running deed that fails; 0: none
 * @calls: driver calls of the running deed so far
 * @text: the sequence, for messages
 */
struct model {
	struct mock_iommu *m;
	struct mock_dev *md[MODEL_DEVS];
	struct iommu_domain *a;
	struct iommu_domain *b;
	int nr;
	struct iommu_domain *domain;
	struct iommu_domain *hw[MODEL_DEVS];
	struct iommu_domain *pasid;
	void *owner;
	unsigned int count;
	int fail_at;
	int calls;
	char text[160];
};

static bool model_user_owns(struct model *s)
{
	return s->owner == &model_user;
}

static bool model_call_fails(struct model *s)
{
	return ++s->calls == s->fail_at;
}

/* Take all devices to @domain or none. */
static int model_move(struct model *s, struct iommu_domain *domain)
{
	struct iommu_domain *before[MODEL_DEVS];

	memcpy(before, s->hw, sizeof(before));
	for (int i = 0; i < s->nr; i++) {
		if (s->hw[i] == domain)
			continue;
		if (model_call_fails(s)) {
			memcpy(s->hw, before, sizeof(before));
			return -EIO;
		}
		s->hw[i] = domain;
	}
	s->domain = domain;
	return 0;
}

/* Take all devices to the core's domain; who fails is blocked. */
static void model_core(struct model *s)
{
	struct iommu_domain *core = model_user_owns(s) ? &s->m->blocked :
							 &s->m->identity;

	for (int i = 0; i < s->nr; i++)
		if (s->hw[i] != core)
			s->hw[i] = model_call_fails(s) ? &s->m->blocked : core;
	s->domain = core;
}

static int model_claim(struct model *s)
{
	int ret;

	if (s->owner)
		return -EPERM;
	if (s->domain != &s->m->identity || s->pasid)
		return -EBUSY;
	ret = model_move(s, &s->m->blocked);
	if (!ret) {
		s->owner = &model_user;
		s->count = 1;
	}
	return ret;
}

static int model_attach(struct model *s, struct iommu_domain *domain)
{
	if (s->domain == s->a || s->domain == s->b)
		return -EBUSY;
	return model_move(s, domain);
}

static int model_pasid(struct model *s, struct iommu_domain *domain)
{
	if (s->pasid)
		return -EBUSY;
	for (int i = 0; i < s->nr; i++)
		if (model_call_fails(s))
			return -EIO;
	s->pasid = domain;
	return 0;
}

static int model_use(struct model *s)
{
	if (model_user_owns(s))
		return -EBUSY;
	if (s->count && (s->domain != &s->m->identity || s->pasid))
		return -EBUSY;
	s->owner = IOMMU_OWNER_KERNEL;
	s->count++;
	return 0;
}

/* The newcomer gets everything or stays out. */
static void model_plug(struct model *s)
{
	if (model_call_fails(s))
		return;
	if (s->pasid && model_call_fails(s))
		return;
	s->hw[s->nr++] = s->domain;
}

/* What a caller must not do, or what cannot be done, is no deed. */
static bool model_allows(struct model *s, enum deed deed)
{
	switch (deed) {
	case RELEASE:
		return model_user_owns(s) && !s->pasid;
	case UNUSE:
		return s->owner == IOMMU_OWNER_KERNEL;
	case USE:
		return s->count < 3;
	case PLUG:
		return s->nr < MODEL_DEVS;
	case UNPLUG:
		return s->nr == MODEL_DEVS;
	default:
		return true;
	}
}

static int model_do(struct model *s, enum deed deed)
{
	switch (deed) {
	case CLAIM:
		return model_claim(s);
	case RELEASE:
		s->owner = NULL;
		s->count = 0;
		model_core(s);
		return 0;
	case ATTACH_A:
		return model_attach(s, s->a);
	case ATTACH_B:
		return model_attach(s, s->b);
	case REPLACE_A:
		return model_move(s, s->a);
	case REPLACE_B:
		return model_move(s, s->b);
	case DETACH:
		model_core(s);
		return 0;
	case PASID_A:
		return model_pasid(s, s->a);
	case PASID_B:
		return model_pasid(s, s->b);
	case PASID_DETACH:
		s->pasid = NULL;
		return 0;
	case USE:
		return model_use(s);
	case UNUSE:
		if (!--s->count)
			s->owner = NULL;
		return 0;
	case PLUG:
		model_plug(s);
		return 0;
	case UNPLUG:
		s->nr--;
		return 0;
	case NR_DEEDS:
		break;
	}
	return -EINVAL;
}

/* ---- the real thing ------------------------------------------------------ */

static int real_do(struct model *s, enum deed deed)
{
	struct iommu_group *group = mock_group(s->md[0]);
	struct device *dev = &s->md[0]->dev;

	switch (deed) {
	case CLAIM:
		return iommu_group_claim_dma_owner(group, &model_user);
	case RELEASE:
		iommu_group_release_dma_owner(group);
		return 0;
	case ATTACH_A:
		return iommu_attach_group(s->a, group);
	case ATTACH_B:
		return iommu_attach_group(s->b, group);
	case REPLACE_A:
		return iommu_group_replace_domain(group, s->a);
	case REPLACE_B:
		return iommu_group_replace_domain(group, s->b);
	case DETACH:
		iommu_detach_group(s->a, group);
		return 0;
	case PASID_A:
		return iommu_attach_device_pasid(s->a, dev, MODEL_PASID, NULL);
	case PASID_B:
		return iommu_attach_device_pasid(s->b, dev, MODEL_PASID, NULL);
	case PASID_DETACH:
		if (s->md[0]->hw[MODEL_PASID])
			iommu_detach_device_pasid(s->md[0]->hw[MODEL_PASID],
						  dev, MODEL_PASID);
		return 0;
	case USE:
		return iommu_device_use_default_domain(dev);
	case UNUSE:
		iommu_device_unuse_default_domain(dev);
		return 0;
	case PLUG:
		/* Its result is seen in the comparison. */
		iommu_probe_device(&s->md[MODEL_DEVS - 1]->dev);
		return 0;
	case UNPLUG:
		iommu_group_remove_device(&s->md[MODEL_DEVS - 1]->dev);
		return 0;
	case NR_DEEDS:
		break;
	}
	return -EINVAL;
}

/* The fail_at-th driver call of an deed fails, whatever kind it is. */
static void model_strike(struct mock_iommu *m, enum mock_op op,
			 struct mock_dev *md, ioasid_t pasid)
{
	struct model *s = m->on_call_data;

	if (op == MOCK_REMOVE_PASID || !s->fail_at)
		return;
	if (!--s->fail_at)
		mock_fail(m, op, md, -EIO);
}

static bool model_counts(struct model *s, struct iommu_domain *domain)
{
	int users = 0;

	for (int i = 0; i < s->nr; i++)
		users += (s->hw[i] == domain) + (s->pasid == domain);
	return atomic_read(&domain->users) == users;
}

/* The first difference in words, or NULL. */
static const char *model_compare(struct model *s)
{
	struct iommu_group *group = mock_group(s->md[0]);

	if (group->owner != s->owner || group->owner_cnt != s->count)
		return "owner";
	if (group->domain != s->domain)
		return "group's domain";
	if (xa_empty(&group->pasids) != !s->pasid)
		return "slot";
	for (int i = 0; i < MODEL_DEVS; i++) {
		struct mock_dev *md = s->md[i];

		if (i >= s->nr) {
			if (mock_group(md) || md->hw[0] || md->hw[MODEL_PASID])
				return "device outside";
			continue;
		}
		if (mock_group(md) != group)
			return "membership";
		if (md->hw[0] != s->hw[i])
			return "hardware";
		if (md->dev.iommu->attached != s->hw[i])
			return "device's record";
		if (md->hw[MODEL_PASID] != s->pasid)
			return "hardware of the PASID";
	}
	if (!model_counts(s, s->a) || !model_counts(s, s->b) ||
	    !model_counts(s, &s->m->identity) ||
	    !model_counts(s, &s->m->blocked))
		return "count of users";
	return NULL;
}

/* One deed on both; false if they differ. */
static bool model_step(struct kunit *test, struct model *s, enum deed deed,
		       int fail_at)
{
	size_t used = strlen(s->text);
	const char *wrong;
	int want, got;

	scnprintf(s->text + used, sizeof(s->text) - used,
		  fail_at ? "%s!%d " : "%s ", deed_names[deed], fail_at);
	s->calls = 0;
	s->fail_at = fail_at;
	want = model_do(s, deed);

	s->fail_at = fail_at;
	got = real_do(s, deed);
	s->fail_at = 0;
	mock_heal(s->m);

	wrong = got == want ? model_compare(s) : "return code";
	if (wrong)
		KUNIT_FAIL(test, "%s: %s differs (returned %d, expected %d)",
			   s->text, wrong, got, want);
	return !wrong;
}

/* Back to an idle group of two, by the same operations. */
static bool model_reset(struct kunit *test, struct model *s)
{
	bool same = true;

	s->text[0] = '\0';
	while (same && s->owner == IOMMU_OWNER_KERNEL)
		same = model_step(test, s, UNUSE, 0);
	same = same && model_step(test, s, PASID_DETACH, 0) &&
	       model_step(test, s, DETACH, 0);
	if (same && model_user_owns(s))
		same = model_step(test, s, RELEASE, 0);
	if (same && s->nr == MODEL_DEVS)
		same = model_step(test, s, UNPLUG, 0);
	/* A detach that changes nothing brings blocked devices back. */
	same = same && model_step(test, s, DETACH, 0);
	s->text[0] = '\0';
	mock_journal_clear(s->m);
	return same;
}

/* Replay @n deeds, @fails[i] being the call of the i-th that fails. */
static bool model_run(struct kunit *test, struct model *s,
		      const enum deed *deeds, const int *fails, int n)
{
	for (int i = 0; i < n; i++)
		if (!model_step(test, s, deeds[i], fails[i]))
			return false;
	return true;
}

/*
 * All continuations of a sequence. Each is first run without any failure to
 * learn how many driver calls its last deed makes, then once for each.
 * Returns the number of runs, or -1 after a difference.
 */
static int model_explore(struct kunit *test, struct model *s,
			 enum deed *deeds, int *fails, int n)
{
	int runs = 0, more, calls;

	if (n == MODEL_DEPTH)
		return 0;

	for (int deed = 0; deed < NR_DEEDS; deed++) {
		deeds[n] = deed;
		fails[n] = 0;
		do {
			if (!model_run(test, s, deeds, fails, n))
				return -1;
			if (!model_allows(s, deed)) {
				if (!model_reset(test, s))
					return -1;
				break;
			}
			if (!model_step(test, s, deed, fails[n]))
				return -1;
			calls = s->calls;
			if (!model_reset(test, s))
				return -1;
			more = model_explore(test, s, deeds, fails, n + 1);
			if (more < 0)
				return -1;
			runs += 1 + more;
		} while (fails[n]++ < calls);
	}
	return runs;
}

static struct model *new_model(struct kunit *test)
{
	struct model *s = kunit_kzalloc(test, sizeof(*s), GFP_KERNEL);
	struct mock_iommu *m = test->priv;

	KUNIT_ASSERT_NOT_NULL(test, s);
	s->m = m;
	for (int i = 0; i < MODEL_DEVS; i++)
		s->md[i] = mock_add_pasid(m, 0);
	iommu_group_remove_device(&s->md[MODEL_DEVS - 1]->dev);
	s->a = mock_paging(s->md[0]);
	s->b = mock_paging(s->md[0]);
	s->nr = MODEL_DEVS - 1;
	s->domain = &m->identity;
	s->hw[0] = &m->identity;
	s->hw[1] = &m->identity;
	m->on_call_data = s;
	m->on_call = model_strike;
	return s;
}

static void end_model(struct model *s)
{
	s->m->on_call = NULL;
	iommu_domain_free(s->a);
	iommu_domain_free(s->b);
}

static int model_init(struct kunit *test)
{
	test->priv = mock_iommu_new(test);
	return 0;
}

/* All laws, all sequences of MODEL_DEPTH deeds, each call failing once. */
static void every_short_sequence_agrees_with_the_model(struct kunit *test)
{
	enum deed deeds[MODEL_DEPTH];
	struct model *s = new_model(test);
	int fails[MODEL_DEPTH];
	int runs;

	runs = model_explore(test, s, deeds, fails, 0);
	KUNIT_EXPECT_GT(test, runs, 0);
	kunit_info(test, "%d sequences\n", runs);
	if (runs > 0)
		end_model(s);
}

/* The same, where states are reached that no short sequence reaches. */
static void a_long_random_walk_agrees_with_the_model(struct kunit *test)
{
	u64 seed = model_seed ?: get_random_u64();
	struct model *s = new_model(test);
	struct rnd_state rnd;
	bool same = true;

	kunit_info(test, "seed 0x%llx\n", seed);
	prandom_seed_state(&rnd, seed);
	for (int i = 0; same && i < MODEL_STEPS; i++) {
		enum deed deed = prandom_u32_state(&rnd) % NR_DEEDS;
		int fail_at = prandom_u32_state(&rnd) % 8;

		if (!model_allows(s, deed))
			continue;
		/* Of a walk this long only the end can be told. */
		if (strlen(s->text) > sizeof(s->text) / 2)
			s->text[0] = '\0';
		mock_journal_clear(s->m);
		same = model_step(test, s, deed, fail_at);
	}
	if (same && model_reset(test, s))
		end_model(s);
}

static struct kunit_case model_cases[] = {
	KUNIT_CASE_SLOW(every_short_sequence_agrees_with_the_model),
	KUNIT_CASE_SLOW(a_long_random_walk_agrees_with_the_model),
	{}
};

static struct kunit_suite model_suite = {
	.name = "iommu_model",
	.init = model_init,
	.test_cases = model_cases,
};

kunit_test_suite(model_suite);
