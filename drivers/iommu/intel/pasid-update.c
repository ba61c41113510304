// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rewriting a scalable-mode PASID-table entry that hardware may be reading.
 *
 * The entry (VT-d specification, section 9.6) has 512 bits, which no store of
 * the processor covers. What the hardware does when it reads one is taken to be
 * the worst that software has to expect: it reads the entry in pieces of 128
 * bits, in any order and with any time in between; it may keep what it has read
 * in its PASID cache; and it does so until a PASID-cache invalidation has
 * completed, which also ends the reads that are under way (section 6.5.3.3 has
 * the sequence that software is to follow). A piece of 128 bits that is written
 * by one locked instruction is read as it was before or as it is afterwards.
 * Without such an instruction pieces of 64 bits are assumed.
 *
 * So between two invalidations hardware may see any mixture of the values that
 * each piece had. A mixture must be read as the old entry, as the new one, or
 * as not present. These are the pieces:
 *
 *	words 0, 1	P, FPD, PGTT (what kind of translation), address width,
 *			second-stage table, domain ID, snooping
 *	words 2, 3	first-stage table and all that belongs to it
 *	words 4 to 7	reserved
 *
 * Hardware does not look at the first-stage fields while PGTT says second-stage
 * only or pass-through, nor at any but P and FPD while P is clear. If it looked
 * nevertheless, for reserved bits, say, the request would fail; it would not go
 * astray. Bits of unknown meaning are taken to be looked at always.
 *
 * Hence an entry can be rewritten without a gap if all that counts both before
 * and afterwards, and differs, lies in one piece:
 *
 *	prepare		give the bits that do not count yet their new value; sync
 *	switch		store the one piece; sync; flush the old translations
 *	tidy		give the bits that do not count any more their new value
 *
 * That covers each change between second-stage, pass-through, and either of the
 * first-stage kinds (first-stage only, nested). It does not cover a change from
 * one first-stage table to another under another domain ID: table and ID are in
 * different pieces, and the new table under the old ID would fill the caches of
 * whoever else uses that ID with wrong translations. Then requests are blocked:
 *
 *	block		clear P; sync; flush the old translations
 *	prepare		all pieces but the first; sync
 *	switch		the first piece, with P; sync
 */
#include <linux/bits.h>
#include <linux/compiler.h>
#include <linux/export.h>
#include <linux/math.h>
#include <linux/string.h>

#include <kunit/visibility.h>

#include "pasid-update.h"

/* Word 0 */
#define ENTRY_P			BIT_ULL(0)
#define ENTRY_FPD		BIT_ULL(1)
#define ENTRY_PGTT		GENMASK_ULL(8, 6)
#define ENTRY_PGTT_SECOND	(2ULL << 6)
#define ENTRY_PGTT_PASS		(4ULL << 6)

/* Which bits of @entry hardware looks at */
static void pasid_entry_used(const u64 *entry, u64 *used)
{
	u64 pgtt = entry[0] & ENTRY_PGTT;

	if (!(entry[0] & ENTRY_P)) {
		memset(used, 0, PASID_ENTRY_WORDS * sizeof(*used));
		used[0] = ENTRY_P | ENTRY_FPD;
		return;
	}
	memset(used, 0xff, PASID_ENTRY_WORDS * sizeof(*used));
	if (pgtt == ENTRY_PGTT_SECOND || pgtt == ENTRY_PGTT_PASS)
		used[2] = 0;
}

static void pasid_entry_read(struct pasid_update *upd, u64 *val)
{
	for (unsigned int i = 0; i < PASID_ENTRY_WORDS; i++)
		val[i] = READ_ONCE(upd->entry[i]);
}

/* Bring every piece to @want, in order. Returns whether that took a store. */
static bool pasid_entry_store(struct pasid_update *upd, const u64 *want)
{
	u64 cur[PASID_ENTRY_WORDS];
	bool stored = false;

	pasid_entry_read(upd, cur);
	for (unsigned int i = 0; i < PASID_ENTRY_WORDS; i += upd->words) {
		if (!memcmp(&cur[i], &want[i], upd->words * sizeof(*want)))
			continue;
		upd->ops->store(upd, i, &want[i]);
		stored = true;
	}
	return stored;
}

static void pasid_update_blocked(struct pasid_update *upd, const u64 *target)
{
	u64 val[PASID_ENTRY_WORDS], want[PASID_ENTRY_WORDS];

	pasid_entry_read(upd, val);
	val[0] &= ~ENTRY_P;
	upd->ops->store(upd, 0, val);
	upd->ops->sync(upd);
	upd->ops->flush(upd);

	memcpy(want, target, sizeof(want));
	memcpy(want, val, upd->words * sizeof(*want));
	if (pasid_entry_store(upd, want))
		upd->ops->sync(upd);
	if (pasid_entry_store(upd, target))
		upd->ops->sync(upd);
}

/**
 * intel_pasid_update() - Rewrite a PASID-table entry
 * @upd: the entry and the way to the hardware
 * @target: what it shall hold, %PASID_ENTRY_WORDS words; may be without P
 *
 * At each moment a request is translated as the entry said before or as
 * @target says, or it is blocked. On return the entry holds @target, and
 * nothing is left of what it said before in any cache.
 *
 * Context: whatever the operations of @upd need; the caller keeps others from
 * writing to the entry.
 * Return: true if there was nothing between old and new; false if requests were
 * blocked in between.
 */
bool intel_pasid_update(struct pasid_update *upd, const u64 *target)
{
	u64 old[PASID_ENTRY_WORDS], want[PASID_ENTRY_WORDS];
	u64 before[PASID_ENTRY_WORDS], after[PASID_ENTRY_WORDS];
	int critical = -1;

	pasid_entry_read(upd, old);
	pasid_entry_used(old, before);
	pasid_entry_used(target, after);

	for (int i = 0; i < PASID_ENTRY_WORDS; i++) {
		int piece = rounddown(i, upd->words);

		want[i] = (old[i] & before[i]) | (target[i] & ~before[i]);
		if (!((old[i] ^ target[i]) & before[i] & after[i]) ||
		    critical == piece)
			continue;
		if (critical >= 0) {
			pasid_update_blocked(upd, target);
			return false;
		}
		critical = piece;
	}

	if (pasid_entry_store(upd, want))
		upd->ops->sync(upd);
	if (critical >= 0) {
		upd->ops->store(upd, critical, &target[critical]);
		upd->ops->sync(upd);
		upd->ops->flush(upd);
	}
	pasid_entry_store(upd, target);
	return true;
}
EXPORT_SYMBOL_IF_KUNIT(intel_pasid_update);
