/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rewriting a scalable-mode PASID-table entry that hardware may be reading.
 */
#ifndef __INTEL_PASID_UPDATE_H
#define __INTEL_PASID_UPDATE_H

#include <linux/types.h>

/* A PASID-table entry in 64-bit words */
#define PASID_ENTRY_WORDS	8

struct pasid_update;

/**
 * struct pasid_update_ops - What the algorithm needs of the hardware
 * @store: write upd->words words, from @val, over the entry's words from @word
 *	on; seen by hardware as one, and before this returns
 * @sync: when it returns, hardware has forgotten what it read of the entry
 *	before: nothing it does from now on rests on older contents
 * @flush: make hardware and device forget the translations made through the
 *	entry as it was at the beginning
 */
struct pasid_update_ops {
	void (*store)(struct pasid_update *upd, unsigned int word,
		      const u64 *val);
	void (*sync)(struct pasid_update *upd);
	void (*flush)(struct pasid_update *upd);
};

/**
 * struct pasid_update - An entry that is going to change
 * @entry: its %PASID_ENTRY_WORDS words in the table; nobody else writes them
 *	meanwhile
 * @words: how many words one store takes: 2 or 1
 * @ops: the hardware
 */
struct pasid_update {
	u64				*entry;
	unsigned int			words;
	const struct pasid_update_ops	*ops;
};

bool intel_pasid_update(struct pasid_update *upd, const u64 *target);

#endif /* __INTEL_PASID_UPDATE_H */
