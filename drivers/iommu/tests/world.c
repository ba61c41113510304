// SPDX-License-Identifier: GPL-2.0-only
/*
 * The real side of a small world: making it, doing things to it, and reading
 * from core and hardware what has become of it.
 */
#include "world.h"

static const ioasid_t world_pasid[WORLD_SLOTS] = { IOMMU_NO_PASID, 1, 5 };
static int world_owner[WORLD_OWNERS];

static void *world_owner_of(const struct world_op *op)
{
	return &world_owner[op->arg - 1];
}

static int world_type(struct iommu_group *group, const char *word)
{
	ssize_t ret = mock_store(group, "type", word);

	return ret < 0 ? ret : 0;
}

/* The member in whose name PASIDs are attached. */
static struct device *world_pasid_dev(struct world *w, int group)
{
	struct world_group *g = &w->state.group[group];
	int n = g->member[0];

	for (int i = 0; i < g->nr; i++)
		if (!w->state.dev[g->member[i]].no_pasids)
			n = g->member[i];
	return &w->md[n]->dev;
}

static struct group_device *world_member(struct world *w, int n)
{
	return iommu_group_find_member(mock_group(w->md[n]), &w->md[n]->dev);
}

static int world_do_group(struct world *w, const struct world_op *op)
{
	struct iommu_group *group = w->group[op->group];
	struct iommu_domain *domain = w->domain[op->domain];
	struct iommu_attach_handle *handle = NULL;
	struct device *dev = world_pasid_dev(w, op->group);
	ioasid_t pasid = world_pasid[op->slot];

	if (op->arg && op->arg <= WORLD_HANDLES)
		handle = &w->handle[op->group][op->slot][op->arg];

	switch (op->verb) {
	case GROUP_CLAIM:
		return iommu_group_claim_dma_owner(group, world_owner_of(op));
	case GROUP_RELEASE:
		iommu_group_release_dma_owner(group);
		return 0;
	case GROUP_ATTACH:
		return iommu_attach_group(domain, group);
	case GROUP_REPLACE:
		return iommu_group_replace_domain(group, domain);
	case GROUP_DETACH:
		iommu_detach_group(domain, group);
		return 0;
	case HANDLE_ATTACH:
		return iommu_attach_group_handle(domain, group, handle);
	case HANDLE_REPLACE:
		return iommu_replace_group_handle(group, domain, handle);
	case HANDLE_DETACH:
		iommu_detach_group_handle(domain, group);
		return 0;
	case TYPE_CHANGE:
		return world_type(group, op->domain == W_DMA ? "DMA" :
							       "identity");
	case PASID_ATTACH:
		return iommu_attach_device_pasid(domain, dev, pasid, handle);
	case PASID_REPLACE:
		return iommu_replace_device_pasid(domain, dev, pasid, handle);
	case PASID_DETACH:
		iommu_detach_device_pasid(domain, dev, pasid);
		return 0;
	}
	return -EOPNOTSUPP;
}

int world_do(struct world *w, const struct world_op *op)
{
	struct iommu_domain *domain = w->domain[op->domain];
	struct iommu_group *group = w->group[op->group];
	struct device *dev = &w->md[op->dev]->dev;

	switch (op->verb) {
	case DEV_CLAIM:
		return iommu_device_claim_dma_owner(dev, world_owner_of(op));
	case DEV_RELEASE:
		iommu_device_release_dma_owner(dev);
		return 0;
	case DEV_ATTACH:
		return iommu_attach_device(domain, dev);
	case DEV_DETACH:
		iommu_detach_device(domain, dev);
		return 0;
	case DEV_USE:
		return iommu_device_use_default_domain(dev);
	case DEV_UNUSE:
		iommu_device_unuse_default_domain(dev);
		return 0;
	case DEV_JOIN:
		return iommu_probe_device(dev);
	case DEV_LEAVE:
		iommu_group_remove_device(dev);
		return 0;
	/* What iommu-reset.c does for a PCI device with ATS. */
	case DEV_PAUSE:
		scoped_guard(iommu_group, group)
			iommu_member_pause(world_member(w, op->dev));
		return 0;
	case DEV_RESUME:
		scoped_guard(iommu_group, group)
			iommu_member_resume(world_member(w, op->dev));
		return 0;
	}
	return world_do_group(w, op);
}

/* ---- observing ----------------------------------------------------------- */

static u8 world_number(struct world *w, struct iommu_domain *domain, int group)
{
	if (!domain)
		return W_NONE;
	for (int i = W_IDENTITY; i < W_NR_DOMAINS; i++)
		if (domain == w->domain[i])
			return i;
	return domain == w->group[group]->default_domain ? W_DMA : W_LIMBO;
}

static void observe_slots(struct world *w, int n, struct world_group *g)
{
	struct iommu_group *group = w->group[n];

	for (int i = 0; i < WORLD_SLOTS; i++) {
		struct world_slot *slot = &g->slot[i];
		struct iommu_attach_handle *handle;
		ioasid_t pasid = world_pasid[i];

		slot->domain = world_number(w, iommu_slot_domain(xa_load(&group->pasids,
									 pasid)), n);
		slot->parked = xa_get_mark(&group->pasids, pasid,
					   IOMMU_SLOT_PARKED);
		handle = iommu_attach_handle_get(group, pasid, 0);
		if (!IS_ERR(handle))
			slot->handle = handle - w->handle[n][i];
	}
}

static const char *observe_group(struct world *w, int n, struct world_group *g)
{
	struct iommu_group *group = w->group[n];
	struct group_device *gdev;

	for_each_group_device(group, gdev) {
		int index = to_mock_dev(gdev->dev)->index;

		if (g->nr == WORLD_DEVS)
			return "members";
		g->member[g->nr++] = index;
		if (group->exclusive == gdev->dev)
			g->exclusive = index + 1;
	}
	if (g->nr != group->nr_devices)
		return "number of members";
	if (!group->exclusive != !g->exclusive)
		return "exclusive device";
	g->domain = world_number(w, group->domain, n);
	g->deflt = world_number(w, group->default_domain, n);
	g->count = group->owner_cnt;
	if (group->owner == IOMMU_OWNER_KERNEL)
		g->owner = W_KERNEL;
	for (int i = 0; i < WORLD_OWNERS; i++)
		if (group->owner == &world_owner[i])
			g->owner = i + 1;
	if (!group->owner != !g->owner)
		return "owner";
	observe_slots(w, n, g);
	return NULL;
}

static const char *observe_dev(struct world *w, int n, struct world_dev *d)
{
	struct mock_dev *md = w->md[n];
	struct group_device *gdev;

	d->no_pasids = !md->pasid_bits;
	for (int i = 0; i < WORLD_SLOTS; i++)
		d->hw[i] = world_number(w, md->hw[world_pasid[i]], md->group);
	if (!mock_group(md))
		return md->dev.iommu ? "left-over data" : NULL;
	if (mock_group(md) != w->group[md->group])
		return "membership";
	gdev = world_member(w, n);
	if (!gdev)
		return "list of members";
	d->present = 1;
	d->uses = md->dev.iommu->uses_dma_api;
	d->attached = world_number(w, md->dev.iommu->attached, md->group);
	d->parked = !!gdev->parked;
	d->stranded = gdev->stranded;
	d->pauses = gdev->pauses;
	/* Blocked by having nothing, where the driver breaks first. */
	if (w->kind->breaks && !d->hw[0] &&
	    (d->stranded || d->attached == W_BLOCKED))
		d->hw[0] = d->attached;
	return NULL;
}

/* What may be freed is what the core counts no users of. */
static const char *observe_users(struct world *w, const struct world_state *s)
{
	for (int i = W_IDENTITY; i < W_NR_DOMAINS; i++) {
		int stranded = 0;

		if (!w->domain[i])
			continue;
		for (int n = 0; n < w->kind->nr_devs; n++)
			stranded += s->dev[n].stranded &&
				    s->dev[n].attached == i;
		if (atomic_read(&w->domain[i]->users) != world_users(s, i))
			return "count of users";
		if (atomic_read(&w->domain[i]->stranded) != stranded)
			return "count of stranded users";
	}
	return NULL;
}

const char *world_observe(struct world *w, struct world_state *s)
{
	const char *wrong = NULL;

	*s = (struct world_state){ };
	for (int i = 0; i < w->kind->nr_groups; i++) {
		guard(iommu_group)(w->group[i]);
		wrong = wrong ?: observe_group(w, i, &s->group[i]);
		for (int n = 0; n < w->kind->nr_devs; n++)
			if (w->md[n]->group == i)
				wrong = wrong ?: observe_dev(w, n, &s->dev[n]);
	}
	return wrong ?: observe_users(w, s);
}

/* ---- operations ---------------------------------------------------------- */

static const char * const verb_names[WORLD_NR_VERBS] = {
	[GROUP_CLAIM] = "claim", [GROUP_RELEASE] = "release",
	[GROUP_ATTACH] = "attach", [GROUP_REPLACE] = "replace",
	[GROUP_DETACH] = "detach", [HANDLE_ATTACH] = "attach_handle",
	[HANDLE_REPLACE] = "replace_handle",
	[HANDLE_DETACH] = "detach_handle", [TYPE_CHANGE] = "type",
	[PASID_ATTACH] = "pasid_attach", [PASID_REPLACE] = "pasid_replace",
	[PASID_DETACH] = "pasid_detach", [DEV_CLAIM] = "dev_claim",
	[DEV_RELEASE] = "dev_release", [DEV_ATTACH] = "dev_attach",
	[DEV_DETACH] = "dev_detach", [DEV_USE] = "use", [DEV_UNUSE] = "unuse",
	[DEV_JOIN] = "join", [DEV_LEAVE] = "leave", [DEV_PAUSE] = "pause",
	[DEV_RESUME] = "resume",
};

static const char * const domain_names[W_NR_DOMAINS] = {
	"", "identity", "blocked", "DMA", "A", "B", "C", "limbo",
};

void world_op_text(const struct world_op *op, char *buf, size_t size)
{
	int n = scnprintf(buf, size, "%s(%s%d", verb_names[op->verb],
			  op->verb >= DEV_CLAIM ? "d" : "g",
			  op->verb >= DEV_CLAIM ? op->dev : op->group);

	if (op->slot)
		n += scnprintf(buf + n, size - n, ".%u", world_pasid[op->slot]);
	if (op->domain)
		n += scnprintf(buf + n, size - n, " %s",
			       domain_names[op->domain]);
	if (op->arg)
		n += scnprintf(buf + n, size - n, " %d", op->arg);
	scnprintf(buf + n, size - n, ")");
}

static void add_op(struct world *w, struct world_op op)
{
	KUNIT_ASSERT_LT(w->test, w->nr_ops, WORLD_OPS);
	w->op[w->nr_ops++] = op;
}

static void add_domain_ops(struct world *w, int group)
{
	for (int d = W_A; d <= W_C; d++) {
		add_op(w, (struct world_op){ GROUP_ATTACH, group, .domain = d });
		add_op(w, (struct world_op){ GROUP_REPLACE, group, .domain = d });
		if (d == W_C)
			continue;
		add_op(w, (struct world_op){ HANDLE_ATTACH, group, 0, d, 0, 1 });
		for (int h = 0; h <= WORLD_HANDLES; h++) {
			struct world_op op = { HANDLE_REPLACE, group, 0, d, 0, h };

			add_op(w, op);
		}
	}
	add_op(w, (struct world_op){ TYPE_CHANGE, group, .domain = W_IDENTITY });
	add_op(w, (struct world_op){ TYPE_CHANGE, group, .domain = W_DMA });
}

static void add_pasid_ops(struct world *w, int group)
{
	for (int slot = 1; slot < WORLD_SLOTS; slot++)
		for (int d = W_A; d <= W_C; d++) {
			struct world_op op = {
				PASID_DETACH, group, 0, d, slot,
			};

			add_op(w, op);
			op.verb = PASID_ATTACH;
			add_op(w, op);
			op.arg = 1;
			add_op(w, op);
			op.verb = PASID_REPLACE;
			add_op(w, op);
			op.arg = 2;
			add_op(w, op);
		}
}

static void add_group_ops(struct world *w, int group)
{
	for (int arg = 1; arg <= WORLD_OWNERS; arg++)
		add_op(w, (struct world_op){ GROUP_CLAIM, group, .arg = arg });
	add_op(w, (struct world_op){ GROUP_RELEASE, group });
	add_op(w, (struct world_op){ GROUP_DETACH, group });
	add_op(w, (struct world_op){ HANDLE_DETACH, group });
	add_domain_ops(w, group);
	add_pasid_ops(w, group);
}

static void add_dev_ops(struct world *w, int n)
{
	static const u8 verbs[] = {
		DEV_RELEASE, DEV_USE, DEV_UNUSE, DEV_JOIN, DEV_LEAVE, DEV_PAUSE,
		DEV_RESUME,
	};
	int group = w->md[n]->group;

	for (int i = 0; i < ARRAY_SIZE(verbs); i++)
		add_op(w, (struct world_op){ verbs[i], group, n });
	for (int arg = 1; arg <= WORLD_OWNERS; arg++)
		add_op(w, (struct world_op){ DEV_CLAIM, group, n, .arg = arg });
	for (int d = W_A; d <= W_B; d++) {
		add_op(w, (struct world_op){ DEV_ATTACH, group, n, d });
		add_op(w, (struct world_op){ DEV_DETACH, group, n, d });
	}
}

/* ---- making -------------------------------------------------------------- */

static void world_plug(struct world *w, int n)
{
	bool last = n == w->kind->nr_devs - 1;
	struct mock_dev *md;

	md = mock_new_dev(w->m, last ? w->kind->nr_groups - 1 : 0);
	if (!last || !w->kind->no_pasids)
		md->pasid_bits = MOCK_PASID_BITS;
	/* Whoever cannot have DMA domains is not asked for one. */
	if (IS_ENABLED(CONFIG_IOMMU_DMA))
		md->def_type = 0;
	mock_plug(md);
	KUNIT_ASSERT_NOT_NULL(w->test, mock_group(md));
	w->md[n] = md;
	w->group[md->group] = mock_group(md);
}

struct world *world_new(struct kunit *test, const struct world_kind *kind)
{
	struct world *w = kunit_kzalloc(test, sizeof(*w), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, w);
	w->test = test;
	w->kind = kind;
	w->m = mock_iommu_new(test);
	w->m->ops.attach_breaks_old = kind->breaks;
	w->m->ops.pasid_replace = true;
	w->domain[W_IDENTITY] = &w->m->identity;
	w->domain[W_BLOCKED] = &w->m->blocked;
	for (int n = 0; n < kind->nr_devs; n++)
		world_plug(w, n);
	for (int d = W_A; d <= W_C; d++)
		w->domain[d] = mock_paging(w->md[0]);
	w->domain[W_C]->ops = &w->m->sva_ops;

	for (int i = 0; i < kind->nr_groups; i++) {
		/* Also makes sure that there is a blocking domain from now on */
		KUNIT_ASSERT_EQ(test, 0, world_type(w->group[i], "identity"));
		KUNIT_ASSERT_EQ(test, 0, iommu_group_claim_dma_owner(w->group[i],
								     &world_owner[0]));
		iommu_group_release_dma_owner(w->group[i]);
		add_group_ops(w, i);
	}
	for (int n = 0; n < kind->nr_devs; n++)
		add_dev_ops(w, n);
	KUNIT_ASSERT_NULL(test, world_observe(w, &w->state));
	return w;
}

void world_end(struct world *w)
{
	for (int d = W_A; d <= W_C; d++)
		iommu_domain_free(w->domain[d]);
}
