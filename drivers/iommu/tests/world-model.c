// SPDX-License-Identifier: GPL-2.0-only
/*
 * The reference model: what an operation has to return and to leave behind.
 *
 * It does not retell the core. It is told which driver calls failed, and says
 * from the laws alone what must be true of each device then:
 *
 *	no call failed		every member has the new domain
 *	one call failed		the operation is refused, nothing has changed
 *	a second one, while	the member it failed for is blocked and marked
 *	things were put back
 *	and a third one		it is where its driver left it, marked, and that
 *				domain has one user more
 *
 * in which order a core makes its calls, how it undoes them and what it keeps
 * in its tables is nothing the model knows.
 */
#include "world.h"

static bool user_owned(const struct world_group *g)
{
	return g->owner && g->owner != W_KERNEL;
}

static bool has_slots(const struct world_group *g)
{
	for (int i = 0; i < WORLD_SLOTS; i++)
		if (g->slot[i].domain)
			return true;
	return false;
}

static bool idle(const struct world_group *g)
{
	return g->domain == g->deflt && !has_slots(g);
}

static bool paused(const struct world_state *s, const struct world_group *g)
{
	for (int i = 0; i < g->nr; i++)
		if (s->dev[g->member[i]].pauses)
			return true;
	return false;
}

static bool has_pasids(const struct world_state *s, const struct world_group *g)
{
	for (int i = 0; i < g->nr; i++)
		if (!s->dev[g->member[i]].no_pasids)
			return true;
	return false;
}

static void put_on(struct world_dev *d, u8 domain)
{
	d->attached = domain;
	d->hw[0] = domain;
	d->stranded = 0;
}

/* Blocked and marked, if one more call succeeds; else left as it is. */
static void fence(struct world_dev *d, unsigned int failures)
{
	d->parked = 1;
	if (!failures || d->attached == W_BLOCKED)
		put_on(d, W_BLOCKED);
	else
		d->stranded = 1;
}

/* Member @n of a group that was on @from and whose move to @to is refused. */
static void stay(struct world_state *s, u8 n, u8 from, u8 to,
		 const struct world_luck *luck)
{
	unsigned int failures = luck->dev_failed[n];
	struct world_dev *d = &s->dev[n];

	if (luck->first == n + 1) {
		/* Who kept what he had needs nothing. */
		if (luck->breaks && failures > 1)
			fence(d, failures - 2);
		return;
	}
	if (failures) {
		put_on(d, to);
		fence(d, failures - 1);
	} else if (d->stranded && luck->dev_moved[n]) {
		/* It got away from what it was not to have. */
		put_on(d, from);
	}
}

static void arrived(struct world_state *s, struct world_group *g, u8 to)
{
	g->domain = to;
	for (int i = 0; i < g->nr; i++) {
		struct world_dev *d = &s->dev[g->member[i]];

		if (d->attached == to && !d->stranded)
			d->parked = 0;
	}
}

/* All members or none. */
static int move(struct world_state *s, struct world_group *g, u8 to,
		const struct world_luck *luck)
{
	if (paused(s, g))
		return -EBUSY;
	if (to == W_C)
		return -ENODEV;
	for (int i = 0; i < g->nr; i++) {
		u8 n = g->member[i];

		if (luck->failed)
			stay(s, n, g->domain, to, luck);
		else
			put_on(&s->dev[n], to);
	}
	if (luck->failed)
		return -EIO;
	arrived(s, g, to);
	return 0;
}

/* All members, who fails is fenced. */
static void move_surely(struct world_state *s, struct world_group *g,
			const struct world_luck *luck)
{
	u8 to = user_owned(g) ? W_BLOCKED : g->deflt;

	for (int i = 0; i < g->nr; i++) {
		u8 n = g->member[i];
		struct world_dev *d = &s->dev[n];

		if (d->pauses)
			continue;
		if (luck->dev_failed[n])
			fence(d, luck->dev_failed[n] - 1);
		else
			put_on(d, to);
	}
	arrived(s, g, to);
}

static void set_pasid(struct world_state *s, struct world_group *g, int slot,
		      u8 domain)
{
	for (int i = 0; i < g->nr; i++) {
		struct world_dev *d = &s->dev[g->member[i]];

		if (!d->no_pasids && !d->pauses)
			d->hw[slot] = domain;
	}
}

static void park_pasid(struct world_state *s, struct world_group *g, int slot)
{
	g->slot[slot].parked = 1;
	set_pasid(s, g, slot, W_NONE);
}

/* ---- operations ---------------------------------------------------------- */

static int claim(struct world_state *s, struct world_group *g,
		 const struct world_op *op, const struct world_luck *luck)
{
	int ret;

	if (op->verb == DEV_CLAIM && g->owner == op->arg) {
		g->count++;
		return 0;
	}
	if (g->owner)
		return -EPERM;
	if (!idle(g))
		return -EBUSY;
	ret = move(s, g, W_BLOCKED, luck);
	if (!ret) {
		g->owner = op->arg;
		g->count = 1;
	}
	return ret;
}

static void release(struct world_state *s, struct world_group *g,
		    const struct world_luck *luck)
{
	if (--g->count)
		return;
	g->owner = 0;
	move_surely(s, g, luck);
}

static int attach(struct world_state *s, struct world_group *g,
		  const struct world_op *op, const struct world_luck *luck)
{
	struct world_slot *slot = &g->slot[0];
	int ret;

	if (op->verb == DEV_ATTACH && g->nr != 1)
		return -EINVAL;
	if (op->verb == DEV_ATTACH && user_owned(g))
		return -EBUSY;
	if (op->verb == HANDLE_ATTACH && slot->domain)
		return -EBUSY;
	if (g->domain != g->deflt && g->domain != W_BLOCKED)
		return -EBUSY;
	ret = move(s, g, op->domain, luck);
	if (ret)
		return ret;
	if (op->verb == DEV_ATTACH)
		g->exclusive = op->dev + 1;
	if (op->arg)
		*slot = (struct world_slot){ op->domain, op->arg, 0 };
	return 0;
}

static int replace(struct world_state *s, struct world_group *g,
		   const struct world_op *op, const struct world_luck *luck)
{
	int ret = move(s, g, op->domain, luck);

	if (ret)
		return ret;
	g->slot[0] = (struct world_slot){ };
	if (op->arg)
		g->slot[0] = (struct world_slot){ op->domain, op->arg, 0 };
	return 0;
}

static void detach(struct world_state *s, struct world_group *g,
		   const struct world_op *op, const struct world_luck *luck)
{
	if (op->verb == DEV_DETACH && g->domain != op->domain)
		return;
	if (op->verb == HANDLE_DETACH)
		g->slot[0] = (struct world_slot){ };
	else
		g->exclusive = 0;
	move_surely(s, g, luck);
}

static int change_type(struct world_state *s, struct world_group *g,
		       const struct world_op *op, const struct world_luck *luck)
{
	int ret;

	if (g->count || g->domain != g->deflt)
		return -EPERM;
	if (!IS_ENABLED(CONFIG_IOMMU_DMA) && op->domain != W_IDENTITY)
		return -EINVAL;
	if (g->deflt == op->domain)
		return 0;
	/* Not for a device: the domain could not be made. */
	if (luck->failed && !luck->first)
		return -EIO;
	ret = move(s, g, op->domain, luck);
	if (!ret)
		g->deflt = op->domain;
	/* Its owner, the core, does not keep a domain that was of no use. */
	for (int i = 0; ret && i < g->nr; i++) {
		struct world_dev *d = &s->dev[g->member[i]];

		if (d->stranded && d->attached == W_DMA && g->deflt != W_DMA) {
			d->attached = W_LIMBO;
			d->hw[0] = W_LIMBO;
		}
	}
	return ret;
}

static int attach_pasid(struct world_state *s, struct world_group *g,
			const struct world_op *op,
			const struct world_luck *luck)
{
	struct world_slot *slot = &g->slot[op->slot];

	if (slot->domain || paused(s, g))
		return -EBUSY;
	if (luck->failed)
		return -EIO;
	*slot = (struct world_slot){ op->domain, op->arg, 0 };
	set_pasid(s, g, op->slot, op->domain);
	return 0;
}

static int replace_pasid(struct world_state *s, struct world_group *g,
			 const struct world_op *op,
			 const struct world_luck *luck)
{
	struct world_slot *slot = &g->slot[op->slot];

	if (!slot->domain || slot->handle == op->arg)
		return -EINVAL;
	if (slot->domain != op->domain || slot->parked) {
		if (paused(s, g))
			return -EBUSY;
		if (luck->failed > 1)
			park_pasid(s, g, op->slot);
		if (luck->failed)
			return -EIO;
		set_pasid(s, g, op->slot, op->domain);
	}
	*slot = (struct world_slot){ op->domain, op->arg, 0 };
	return 0;
}

static void detach_pasid(struct world_state *s, struct world_group *g,
			 const struct world_op *op)
{
	if (g->slot[op->slot].domain != op->domain)
		return;
	g->slot[op->slot] = (struct world_slot){ };
	set_pasid(s, g, op->slot, W_NONE);
}

static int use(struct world_group *g, struct world_dev *d,
	       const struct world_op *op)
{
	if (user_owned(g))
		return -EBUSY;
	if (!idle(g) &&
	    (g->owner || (g->exclusive && g->exclusive != op->dev + 1)))
		return -EBUSY;
	g->owner = W_KERNEL;
	g->count++;
	d->uses = 1;
	return 0;
}

static void unuse(struct world_group *g, struct world_dev *d)
{
	d->uses = 0;
	if (!--g->count)
		g->owner = 0;
}

static void give_slots(struct world_group *g, struct world_dev *d)
{
	for (int i = 1; i < WORLD_SLOTS; i++)
		if (!d->no_pasids && !g->slot[i].parked)
			d->hw[i] = g->slot[i].domain;
}

static int join(struct world_group *g, struct world_dev *d,
		const struct world_op *op, const struct world_luck *luck)
{
	if (luck->failed)
		return -EIO;
	g->member[g->nr++] = op->dev;
	d->present = 1;
	put_on(d, g->domain);
	give_slots(g, d);
	return 0;
}

static void leave(struct world_group *g, struct world_dev *d,
		  const struct world_op *op)
{
	int n = 0;

	for (int i = 0; i < g->nr; i++)
		if (g->member[i] != op->dev)
			g->member[n++] = g->member[i];
	g->member[n] = 0;
	g->nr = n;
	if (g->exclusive == op->dev + 1)
		g->exclusive = 0;
	*d = (struct world_dev){ .no_pasids = d->no_pasids };
}

static void pause(struct world_state *s, u8 n, const struct world_luck *luck)
{
	struct world_dev *d = &s->dev[n];

	if (d->pauses++)
		return;
	for (int i = 1; i < WORLD_SLOTS; i++)
		d->hw[i] = W_NONE;
	if (luck->failed)
		stay(s, n, d->attached, W_BLOCKED, luck);
	else
		put_on(d, W_BLOCKED);
}

static void resume(struct world_state *s, struct world_group *g,
		   struct world_dev *d, const struct world_luck *luck)
{
	unsigned int failures = luck->failed;

	if (--d->pauses)
		return;
	give_slots(g, d);
	for (int i = 1; i < WORLD_SLOTS; i++) {
		if (!luck->slot_failed[i])
			continue;
		failures--;
		park_pasid(s, g, i);
	}
	if (failures)
		fence(d, failures - 1);
	else
		put_on(d, g->domain);
	if (d->attached == g->domain && !d->stranded)
		d->parked = 0;
}

bool world_allows(const struct world_state *s, const struct world_op *op)
{
	const struct world_group *g = &s->group[op->group];
	const struct world_dev *d = &s->dev[op->dev];

	if (op->verb >= DEV_CLAIM && op->verb != DEV_JOIN && !d->present)
		return false;

	switch (op->verb) {
	/* Whoever attached with a handle, or alone, goes on like that. */
	case GROUP_REPLACE:
	case GROUP_DETACH:
	case DEV_DETACH:
		return !g->slot[0].domain &&
		       (op->verb != GROUP_REPLACE || !g->exclusive);
	case HANDLE_REPLACE:
		return !g->exclusive &&
		       (!op->arg || g->slot[0].handle != op->arg);
	case HANDLE_DETACH:
		return g->slot[0].domain;
	case GROUP_RELEASE:
	case DEV_RELEASE:
		return user_owned(g) && (g->count > 1 || !has_slots(g));
	case DEV_CLAIM:
		return g->count < WORLD_HOLDS;
	case PASID_ATTACH:
	case PASID_REPLACE:
		return has_pasids(s, g);
	case DEV_USE:
		return !d->uses;
	case DEV_UNUSE:
		return d->uses;
	case DEV_JOIN:
		return !d->present;
	case DEV_LEAVE:
		return !d->uses && g->nr > 1;
	case DEV_PAUSE:
		return d->pauses < WORLD_HOLDS;
	case DEV_RESUME:
		return d->pauses;
	}
	return true;
}

int world_model(struct world_state *s, const struct world_op *op,
		const struct world_luck *luck)
{
	struct world_group *g = &s->group[op->group];
	struct world_dev *d = &s->dev[op->dev];

	switch (op->verb) {
	case GROUP_CLAIM:
	case DEV_CLAIM:
		return claim(s, g, op, luck);
	case GROUP_RELEASE:
	case DEV_RELEASE:
		release(s, g, luck);
		return 0;
	case GROUP_ATTACH:
	case HANDLE_ATTACH:
	case DEV_ATTACH:
		return attach(s, g, op, luck);
	case GROUP_REPLACE:
	case HANDLE_REPLACE:
		return replace(s, g, op, luck);
	case GROUP_DETACH:
	case HANDLE_DETACH:
	case DEV_DETACH:
		detach(s, g, op, luck);
		return 0;
	case TYPE_CHANGE:
		return change_type(s, g, op, luck);
	case PASID_ATTACH:
		return attach_pasid(s, g, op, luck);
	case PASID_REPLACE:
		return replace_pasid(s, g, op, luck);
	case PASID_DETACH:
		detach_pasid(s, g, op);
		return 0;
	case DEV_USE:
		return use(g, d, op);
	case DEV_UNUSE:
		unuse(g, d);
		return 0;
	case DEV_JOIN:
		return join(g, d, op, luck);
	case DEV_LEAVE:
		leave(g, d, op);
		return 0;
	case DEV_PAUSE:
		pause(s, op->dev, luck);
		return 0;
	case DEV_RESUME:
		resume(s, g, d, luck);
		return 0;
	}
	return -EOPNOTSUPP;
}

int world_users(const struct world_state *s, u8 domain)
{
	int users = 0;

	for (int i = 0; i < WORLD_DEVS; i++) {
		users += s->dev[i].attached == domain;
		for (int slot = 1; slot < WORLD_SLOTS; slot++)
			users += s->dev[i].hw[slot] == domain;
	}
	return users;
}
