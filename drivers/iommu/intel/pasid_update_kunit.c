// SPDX-License-Identifier: GPL-2.0-only
/*
 * An adversary watches a PASID-table entry while it is rewritten: hardware that
 * reads it in pieces, in any order, each as late as it can. Each mixture that it
 * can put together between two syncs must be the old entry, the new one, or not
 * present. The decoder is the test's own.
 */
#include <kunit/test.h>
#include <linux/bitfield.h>
#include <linux/prandom.h>
#include <linux/random.h>

#include "pasid-update.h"

#define MAX_STORES	8

/* What a request would be translated with */
struct meaning {
	bool	present;
	u64	pgtt, did, width, dirty, snoop;
	u64	second, first, first_flags;
	u64	rest[5];
};

struct watch {
	struct kunit		*test;
	struct pasid_update	upd;
	u64			entry[PASID_ENTRY_WORDS];
	u64			start[PASID_ENTRY_WORDS];
	const u64		*target;
	/* What the entry was since the last sync, the oldest first */
	u64			seen[MAX_STORES + 1][PASID_ENTRY_WORDS];
	int			nr_seen;
	int			stores, syncs, flushes;
	bool			old_cached;
	bool			blocked;
};

enum { FIRST = 1, SECOND, NESTED, PASS };

static struct meaning decode(const u64 *e)
{
	struct meaning m = {};

	if (!(e[0] & 1))
		return m;
	m.present = true;
	m.pgtt = FIELD_GET(GENMASK_ULL(8, 6), e[0]);
	m.did = FIELD_GET(GENMASK_ULL(15, 0), e[1]);
	m.width = FIELD_GET(GENMASK_ULL(4, 2), e[0]);
	m.snoop = FIELD_GET(GENMASK_ULL(24, 23), e[1]);
	if (m.pgtt == SECOND || m.pgtt == NESTED) {
		m.second = FIELD_GET(GENMASK_ULL(63, 12), e[0]);
		m.dirty = FIELD_GET(BIT_ULL(9), e[0]);
	}
	if (m.pgtt == FIRST || m.pgtt == NESTED) {
		m.first = FIELD_GET(GENMASK_ULL(63, 12), e[2]);
		m.first_flags = FIELD_GET(GENMASK_ULL(11, 0), e[2]);
	}
	memcpy(m.rest, e + 3, sizeof(m.rest));
	return m;
}

static bool same(const u64 *a, const u64 *b)
{
	struct meaning x = decode(a), y = decode(b);

	return !memcmp(&x, &y, sizeof(x));
}

/* Put together every entry that hardware can have read; piece by piece. */
static void fetch(struct watch *w, u64 *got, unsigned int word)
{
	unsigned int words = w->upd.words;

	if (word < PASID_ENTRY_WORDS) {
		for (int i = 0; i < w->nr_seen; i++) {
			if (i && !memcmp(&w->seen[i][word],
					 &w->seen[i - 1][word],
					 words * sizeof(u64)))
				continue;
			memcpy(&got[word], &w->seen[i][word],
			       words * sizeof(u64));
			fetch(w, got, word + words);
		}
		return;
	}
	if (same(got, w->start)) {
		w->old_cached |= decode(got).present;
		return;
	}
	if (same(got, w->target))
		return;
	w->blocked = true;
	KUNIT_EXPECT_FALSE_MSG(w->test, decode(got).present,
			       "astray after %d stores: %llx %llx %llx",
			       w->stores, got[0], got[1], got[2]);
}

static void look(struct watch *w)
{
	u64 got[PASID_ENTRY_WORDS];

	KUNIT_ASSERT_LT(w->test, w->nr_seen, MAX_STORES + 1);
	memcpy(w->seen[w->nr_seen++], w->entry, sizeof(w->entry));
	fetch(w, got, 0);
}

static void watch_store(struct pasid_update *upd, unsigned int word,
			const u64 *val)
{
	struct watch *w = container_of(upd, struct watch, upd);

	KUNIT_ASSERT_EQ(w->test, 0, word % upd->words);
	w->stores++;
	memcpy(&w->entry[word], val, upd->words * sizeof(*val));
	look(w);
}

static void watch_sync(struct pasid_update *upd)
{
	struct watch *w = container_of(upd, struct watch, upd);

	w->syncs++;
	w->nr_seen = 0;
	look(w);
}

/* The old translations are gone if none can be made any more. */
static void watch_flush(struct pasid_update *upd)
{
	struct watch *w = container_of(upd, struct watch, upd);

	w->flushes++;
	w->old_cached = false;
	for (int i = 0; i < w->nr_seen; i++)
		if (decode(w->start).present && same(w->seen[i], w->start))
			w->old_cached = true;
}

static const struct pasid_update_ops watch_ops = {
	.store = watch_store,
	.sync = watch_sync,
	.flush = watch_flush,
};

/* Rewrite @from to @to and hold all that holds always. Returns "gapless". */
static bool update(struct kunit *test, struct watch *w, const u64 *from,
		   const u64 *to, unsigned int words)
{
	bool gapless;

	memset(w, 0, sizeof(*w));
	w->test = test;
	w->upd.entry = w->entry;
	w->upd.words = words;
	w->upd.ops = &watch_ops;
	w->target = to;
	memcpy(w->entry, from, sizeof(w->entry));
	memcpy(w->start, from, sizeof(w->start));
	look(w);

	gapless = intel_pasid_update(&w->upd, to);

	KUNIT_EXPECT_MEMEQ(test, w->entry, to, sizeof(w->entry));
	KUNIT_EXPECT_EQ(test, gapless, !w->blocked);
	if (!same(from, to))
		KUNIT_EXPECT_FALSE(test, w->old_cached);
	return gapless;
}

static void set_second(u64 *e, u64 table, u16 did)
{
	memset(e, 0, PASID_ENTRY_WORDS * sizeof(*e));
	e[0] = table | 2 << 2 | SECOND << 6 | 1;
	e[1] = BIT_ULL(23) | did;
}

static void set_pass(u64 *e)
{
	memset(e, 0, PASID_ENTRY_WORDS * sizeof(*e));
	e[0] = 2 << 2 | PASS << 6 | 1;
	e[1] = BIT_ULL(23) | 1;
}

static void set_first(u64 *e, u64 table, u16 did)
{
	memset(e, 0, PASID_ENTRY_WORDS * sizeof(*e));
	e[0] = 2 << 2 | FIRST << 6 | 1;
	e[1] = BIT_ULL(23) | did;
	e[2] = table | 1 << 2;
}

static void set_nested(u64 *e, u64 first, u64 second, u16 did)
{
	set_second(e, second, did);
	e[0] ^= (SECOND ^ NESTED) << 6;
	e[2] = first | 1 << 7;
}

struct entries {
	u64 none[PASID_ENTRY_WORDS];
	u64 quiet[PASID_ENTRY_WORDS];	/* not present, faults not reported */
	u64 second[PASID_ENTRY_WORDS], second2[PASID_ENTRY_WORDS];
	u64 dirty[PASID_ENTRY_WORDS];	/* as second, with dirty tracking */
	u64 pass[PASID_ENTRY_WORDS];
	u64 first[PASID_ENTRY_WORDS], first2[PASID_ENTRY_WORDS];
	u64 mm[PASID_ENTRY_WORDS], mm2[PASID_ENTRY_WORDS];
	u64 nested[PASID_ENTRY_WORDS], nested2[PASID_ENTRY_WORDS];
};

static struct entries *entries(struct kunit *test)
{
	struct entries *e = kunit_kzalloc(test, sizeof(*e), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, e);
	e->quiet[0] = 2;
	set_second(e->second, 0xaaaa000, 7);
	set_second(e->second2, 0xbbbb000, 8);
	set_second(e->dirty, 0xaaaa000, 7);
	e->dirty[0] |= BIT_ULL(9);
	set_pass(e->pass);
	set_first(e->first, 0xcccc000, 9);
	set_first(e->first2, 0xdddd000, 10);
	set_first(e->mm, 0xeeee000, 1);
	set_first(e->mm2, 0xffff000, 1);
	set_nested(e->nested, 0x1111000, 0xaaaa000, 11);
	set_nested(e->nested2, 0x2222000, 0xbbbb000, 12);
	return e;
}

/* From everything to everything, with either size of store */
static void every_change_is_old_new_or_blocked(struct kunit *test)
{
	struct watch *w = kunit_kzalloc(test, sizeof(*w), GFP_KERNEL);
	u64 (*all)[PASID_ENTRY_WORDS] = (void *)entries(test);
	int nr = sizeof(struct entries) / sizeof(*all);

	KUNIT_ASSERT_NOT_NULL(test, w);
	for (int from = 0; from < nr; from++)
		for (int to = 0; to < nr; to++)
			for (unsigned int words = 1; words <= 2; words++)
				update(test, w, all[from], all[to], words);
}

/* Entries nobody writes, to find what the kinds above do not. */
static void random_changes_are_old_new_or_blocked(struct kunit *test)
{
	struct watch *w = kunit_kzalloc(test, sizeof(*w), GFP_KERNEL);
	u64 from[PASID_ENTRY_WORDS], to[PASID_ENTRY_WORDS];
	u64 seed = get_random_u64();
	struct rnd_state rnd;

	KUNIT_ASSERT_NOT_NULL(test, w);
	kunit_info(test, "seed %llx", seed);
	prandom_seed_state(&rnd, seed);
	for (int n = 0; n < 2000; n++) {
		prandom_bytes_state(&rnd, from, sizeof(from));
		memcpy(to, from, sizeof(to));
		for (int i = 0; i < PASID_ENTRY_WORDS; i++)
			if (prandom_u32_state(&rnd) & 1)
				to[i] ^= BIT_ULL(prandom_u32_state(&rnd) % 64);
		update(test, w, from, to, 1 + n % 2);
	}
}

static void expect(struct kunit *test, const u64 *from, const u64 *to,
		   bool gapless, int stores, int syncs)
{
	struct watch *w = kunit_kzalloc(test, sizeof(*w), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, w);
	KUNIT_EXPECT_EQ(test, gapless, update(test, w, from, to, 2));
	KUNIT_EXPECT_EQ(test, stores, w->stores);
	KUNIT_EXPECT_EQ(test, syncs, w->syncs);
	KUNIT_EXPECT_EQ(test, 1, w->flushes);
}

static void second_to_second_is_one_store(struct kunit *test)
{
	struct entries *e = entries(test);

	expect(test, e->second, e->second2, true, 1, 1);
	expect(test, e->second, e->dirty, true, 1, 1);
}

static void second_and_pass_through_is_one_store(struct kunit *test)
{
	struct entries *e = entries(test);

	expect(test, e->second, e->pass, true, 1, 1);
	expect(test, e->pass, e->second, true, 1, 1);
}

/* The first-stage table is there before it counts. */
static void to_first_stage_is_gapless(struct kunit *test)
{
	struct entries *e = entries(test);

	expect(test, e->second, e->first, true, 2, 2);
	expect(test, e->pass, e->mm, true, 2, 2);
	expect(test, e->second, e->nested, true, 2, 2);
}

/* It is cleared when it does not count any more. */
static void from_first_stage_is_gapless(struct kunit *test)
{
	struct entries *e = entries(test);

	expect(test, e->first, e->second, true, 2, 1);
	expect(test, e->mm, e->pass, true, 2, 1);
	expect(test, e->nested, e->second, true, 2, 1);
}

/* Under one domain ID only the table differs. */
static void between_address_spaces_is_one_store(struct kunit *test)
{
	struct entries *e = entries(test);

	expect(test, e->mm, e->mm2, true, 1, 1);
}

/* Table and domain ID cannot change at once. */
static void between_first_stage_tables_is_blocked(struct kunit *test)
{
	struct entries *e = entries(test);

	expect(test, e->first, e->first2, false, 3, 3);
	expect(test, e->first, e->mm, false, 3, 3);
	expect(test, e->mm, e->first, false, 3, 3);
	expect(test, e->first, e->nested, false, 3, 3);
	expect(test, e->nested, e->nested2, false, 3, 3);
}

/* A PASID whose process died has an entry that is not present. */
static void from_nothing_is_prepared_first(struct kunit *test)
{
	struct entries *e = entries(test);

	expect(test, e->none, e->second, true, 2, 2);
	expect(test, e->quiet, e->second, true, 2, 2);
	expect(test, e->quiet, e->first, true, 3, 2);
}

static void to_nothing_blocks_at_once(struct kunit *test)
{
	struct entries *e = entries(test);

	expect(test, e->second, e->none, true, 1, 1);
	expect(test, e->first, e->none, true, 2, 1);
}

/* Without 128-bit stores pointer and domain ID are apart. */
static void small_stores_block_second_stage(struct kunit *test)
{
	struct watch *w = kunit_kzalloc(test, sizeof(*w), GFP_KERNEL);
	struct entries *e = entries(test);

	KUNIT_ASSERT_NOT_NULL(test, w);
	KUNIT_EXPECT_FALSE(test, update(test, w, e->second, e->second2, 1));
	KUNIT_EXPECT_EQ(test, 3, w->stores);
	KUNIT_EXPECT_TRUE(test, update(test, w, e->second, e->dirty, 1));
	KUNIT_EXPECT_EQ(test, 1, w->stores);
}

static void no_change_is_no_store(struct kunit *test)
{
	struct watch *w = kunit_kzalloc(test, sizeof(*w), GFP_KERNEL);
	struct entries *e = entries(test);

	KUNIT_ASSERT_NOT_NULL(test, w);
	KUNIT_EXPECT_TRUE(test, update(test, w, e->first, e->first, 2));
	KUNIT_EXPECT_EQ(test, 0, w->stores + w->syncs + w->flushes);
}

static struct kunit_case pasid_update_cases[] = {
	KUNIT_CASE(every_change_is_old_new_or_blocked),
	KUNIT_CASE(random_changes_are_old_new_or_blocked),
	KUNIT_CASE(second_to_second_is_one_store),
	KUNIT_CASE(second_and_pass_through_is_one_store),
	KUNIT_CASE(to_first_stage_is_gapless),
	KUNIT_CASE(from_first_stage_is_gapless),
	KUNIT_CASE(between_address_spaces_is_one_store),
	KUNIT_CASE(between_first_stage_tables_is_blocked),
	KUNIT_CASE(from_nothing_is_prepared_first),
	KUNIT_CASE(to_nothing_blocks_at_once),
	KUNIT_CASE(small_stores_block_second_stage),
	KUNIT_CASE(no_change_is_no_store),
	{}
};

static struct kunit_suite pasid_update_suite = {
	.name = "intel_pasid_update",
	.test_cases = pasid_update_cases,
};

kunit_test_suite(pasid_update_suite);

MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
MODULE_DESCRIPTION("KUnit tests of the rewriting of PASID-table entries");
MODULE_LICENSE("GPL");
