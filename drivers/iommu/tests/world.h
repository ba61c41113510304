/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Small worlds: one to three devices in one or two groups, three domains, two
 * owners, two PASIDs, and all that callers of the core can do to them.
 *
 * A world is there twice. struct world_state is what is true of it, in a form
 * that can be compared and hashed; world_observe() reads it from the core and
 * from the hardware of the mock, world_model() says what it has to be.
 */
#ifndef __IOMMU_TESTS_WORLD_H
#define __IOMMU_TESTS_WORLD_H

#include "mock-iommu.h"

#define WORLD_DEVS	3
#define WORLD_GROUPS	2
#define WORLD_SLOTS	3	/* without PASID, and two PASIDs */
#define WORLD_OWNERS	2
#define WORLD_HANDLES	2	/* for each slot, 1 and 2; 0 is none */
#define WORLD_HOLDS	2	/* more than two of one kind are nothing new */

enum world_domain {
	W_NONE,
	W_IDENTITY,
	W_BLOCKED,
	W_DMA,		/* default domain of a group whose "type" is DMA */
	W_A,
	W_B,
	W_C,		/* for PASIDs only */
	W_LIMBO,	/* freed by its owner while a device is stranded on it */
	W_NR_DOMAINS
};

#define W_KERNEL	(WORLD_OWNERS + 1)	/* in world_group.owner */

/**
 * struct world_dev - what is true of a device
 * @present: it is in its group
 * @no_pasids: it has none, now and ever
 * @uses: a driver that uses the DMA API is bound
 * @attached: what the core says it has
 * @parked: the core had to block it
 * @stranded: the core could not even block it
 * @pauses: resets under way
 * @hw: what its hardware has
 */
struct world_dev {
	u8 present;
	u8 no_pasids;
	u8 uses;
	u8 attached;
	u8 parked;
	u8 stranded;
	u8 pauses;
	u8 hw[WORLD_SLOTS];
};

/**
 * struct world_slot - what is true of a slot
 * @domain: what it has, %W_NONE for nothing; also of the slot without PASID,
 *	if there is a handle
 * @handle: the handle that can be found
 * @parked: the PASID is blocked for all
 */
struct world_slot {
	u8 domain;
	u8 handle;
	u8 parked;
};

/**
 * struct world_group - what is true of a group
 * @nr: how many members
 * @member: which, in their order
 * @domain: of requests without PASID
 * @deflt: the default domain
 * @owner: 0, who claimed it, or W_KERNEL
 * @count: how often
 * @exclusive: 0, or 1 + the device of iommu_attach_device()
 * @slot: its slots
 */
struct world_group {
	u8 nr;
	u8 member[WORLD_DEVS];
	u8 domain;
	u8 deflt;
	u8 owner;
	u8 count;
	u8 exclusive;
	struct world_slot slot[WORLD_SLOTS];
};

/* Bytes only: no padding that could differ. */
struct world_state {
	struct world_group group[WORLD_GROUPS];
	struct world_dev dev[WORLD_DEVS];
};

enum world_verb {
	/* of a group */
	GROUP_CLAIM,		/* owner */
	GROUP_RELEASE,
	GROUP_ATTACH,		/* domain */
	GROUP_REPLACE,		/* domain */
	GROUP_DETACH,
	HANDLE_ATTACH,		/* domain, handle */
	HANDLE_REPLACE,		/* domain, handle */
	HANDLE_DETACH,
	TYPE_CHANGE,		/* domain */
	PASID_ATTACH,		/* slot, domain, handle */
	PASID_REPLACE,		/* slot, domain, handle */
	PASID_DETACH,		/* slot, domain */
	/* of a device */
	DEV_CLAIM,		/* owner */
	DEV_RELEASE,
	DEV_ATTACH,		/* domain */
	DEV_DETACH,		/* domain */
	DEV_USE,
	DEV_UNUSE,
	DEV_JOIN,
	DEV_LEAVE,
	DEV_PAUSE,
	DEV_RESUME,
	WORLD_NR_VERBS
};

/**
 * struct world_op - an operation with its arguments
 * @verb: what
 * @group: on which group; of the device, if it is on a device
 * @dev: on which device
 * @domain: a domain, or 0
 * @slot: a slot, or 0
 * @arg: a handle or an owner, or 0
 */
struct world_op {
	u8 verb;
	u8 group;
	u8 dev;
	u8 domain;
	u8 slot;
	u8 arg;
};

#define WORLD_OPS	256

/**
 * struct world_kind - which world
 * @name: for messages
 * @nr_devs: how many devices
 * @nr_groups: how many groups; the last device is in the last one
 * @breaks: the driver breaks the old attachment before it fails; else it keeps
 *	and counts attachments
 * @no_pasids: the last device has no PASIDs
 * @depth: length of the sequences that are tried where nobody asks for another
 */
struct world_kind {
	const char *name;
	int nr_devs;
	int nr_groups;
	bool breaks;
	bool no_pasids;
	int depth;
};

/**
 * struct world - a world of the real core
 * @kind: which
 * @test: the running test
 * @m: the mock
 * @md: the devices
 * @group: the groups
 * @domain: the domains there are, by number
 * @handle: the handles of each slot
 * @op: all operations there are in this world
 * @nr_ops: their number
 * @state: what is true now
 */
struct world {
	const struct world_kind *kind;
	struct kunit *test;
	struct mock_iommu *m;
	struct mock_dev *md[WORLD_DEVS];
	struct iommu_group *group[WORLD_GROUPS];
	struct iommu_domain *domain[W_NR_DOMAINS];
	struct iommu_attach_handle handle[WORLD_GROUPS][WORLD_SLOTS][WORLD_HANDLES + 1];
	struct world_op op[WORLD_OPS];
	int nr_ops;
	struct world_state state;
};

/**
 * struct world_luck - what went wrong below the core during an operation
 * @breaks: as in struct world_kind
 * @no_memory: an allocation failed
 * @failed: driver calls that failed
 * @first: 1 + the device of the first of them, or 0
 * @dev_failed: how many failed for each device
 * @dev_moved: how many attaches of each device succeeded
 * @slot_failed: how many failed for each PASID
 */
struct world_luck {
	bool breaks;
	bool no_memory;
	unsigned int failed;
	unsigned int first;
	unsigned int dev_failed[WORLD_DEVS];
	unsigned int dev_moved[WORLD_DEVS];
	unsigned int slot_failed[WORLD_SLOTS];
};

/* ---- world-model.c: what has to be --------------------------------------- */

/* May callers do that? What they must not do is no operation. */
bool world_allows(const struct world_state *s, const struct world_op *op);
/* What @op returns, and has made of @s. */
int world_model(struct world_state *s, const struct world_op *op,
		const struct world_luck *luck);
/* How many (device, slot) pairs translate with @domain. */
int world_users(const struct world_state *s, u8 domain);

/* ---- world.c: what is ---------------------------------------------------- */

struct world *world_new(struct kunit *test, const struct world_kind *kind);
void world_end(struct world *w);
int world_do(struct world *w, const struct world_op *op);
/* Reads the state; says in words what contradicts itself, or NULL. */
const char *world_observe(struct world *w, struct world_state *s);
void world_op_text(const struct world_op *op, char *buf, size_t size);

#endif /* __IOMMU_TESTS_WORLD_H */
