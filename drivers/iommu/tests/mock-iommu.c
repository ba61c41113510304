// SPDX-License-Identifier: GPL-2.0-only
/*
 * The mock's driver and its hardware, see mock-iommu.h. The order here:
 * script and journal, translation, domains, mapping, devices, fixture.
 */
#include <kunit/resource.h>
#include <linux/device/bus.h>
#include <linux/limits.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include "mock-iommu.h"

/* As the buses of real devices do it, for drivers that use the DMA API. */
static int mock_dma_configure(struct device *dev)
{
	return iommu_device_use_default_domain(dev);
}

static void mock_dma_cleanup(struct device *dev)
{
	iommu_device_unuse_default_domain(dev);
}

#define MOCK_BUS(bus_name) {				\
	.name = bus_name,				\
	.dma_configure = mock_dma_configure,		\
	.dma_cleanup = mock_dma_cleanup,		\
}

/* Two mocks may live at once: the second one is the foreign driver. */
static const struct bus_type mock_buses[] = {
	MOCK_BUS("mock-iommu-a"), MOCK_BUS("mock-iommu-b"),
};

static const struct bus_type mock_bare_buses[] = {
	{ .name = "mock-bare-a" }, { .name = "mock-bare-b" },
};

/* domain_alloc(type) gets no device; it serves the mock made last. */
static struct mock_iommu *mock_newest;

/* ---- script and journal -------------------------------------------------- */

struct mock_fault *mock_fail(struct mock_iommu *m, enum mock_op op,
			     struct mock_dev *md, int err)
{
	struct mock_fault *fault = NULL;

	spin_lock(&m->lock);
	for (int i = 0; !fault && i < MOCK_FAULTS; i++)
		if (!m->faults[i].times)
			fault = &m->faults[i];
	if (fault)
		*fault = (struct mock_fault){
			.op = op, .md = md, .err = err, .times = 1,
		};
	spin_unlock(&m->lock);
	if (!fault)
		KUNIT_FAIL_AND_ABORT(m->test, "more than %d scripted faults",
				     MOCK_FAULTS);
	return fault;
}

void mock_heal(struct mock_iommu *m)
{
	spin_lock(&m->lock);
	memset(m->faults, 0, sizeof(m->faults));
	spin_unlock(&m->lock);
}

int mock_faults_left(struct mock_iommu *m)
{
	int left = 0;

	spin_lock(&m->lock);
	for (int i = 0; i < MOCK_FAULTS; i++)
		left += m->faults[i].times;
	spin_unlock(&m->lock);
	return left;
}

static bool mock_fault_matches(struct mock_fault *fault, enum mock_op op,
			       struct mock_dev *md, struct iommu_domain *domain)
{
	return fault->times && fault->op == op &&
	       (!fault->md || fault->md == md) &&
	       (!fault->domain || fault->domain == domain);
}

void mock_script(struct mock_iommu *m, u32 mask, bool breaks)
{
	m->script = (struct mock_script){ .mask = mask, .breaks = breaks };
	for (int i = 0; i < m->nr_devs; i++) {
		if (!m->devs[i])
			continue;
		m->devs[i]->failed = 0;
		m->devs[i]->moved = 0;
		m->devs[i]->again = 0;
	}
}

static struct mock_fault *mock_script_strike(struct mock_iommu *m,
					     enum mock_op op,
					     struct mock_dev *md)
{
	static struct mock_fault fault = { .err = -EIO };
	struct mock_script *script = &m->script;

	if (op != MOCK_PROBE && op != MOCK_GROUP && op != MOCK_ALLOC &&
	    op != MOCK_ATTACH && op != MOCK_SET_PASID)
		return NULL;
	/* The last bit stands for all that follow. */
	if (!(script->mask & BIT(min(script->calls++, 31U))))
		return NULL;
	if (!script->failed++)
		script->first = md;
	if (md)
		md->failed++;
	fault.breaks = script->breaks && op == MOCK_ATTACH;
	return &fault;
}

static struct mock_fault *mock_fault_find(struct mock_iommu *m, enum mock_op op,
					  struct mock_dev *md,
					  struct iommu_domain *domain)
{
	for (int i = 0; i < MOCK_FAULTS; i++) {
		struct mock_fault *fault = &m->faults[i];

		if (!mock_fault_matches(fault, op, md, domain))
			continue;
		if (fault->skip) {
			fault->skip--;
			continue;
		}
		fault->times--;
		return fault;
	}
	return mock_script_strike(m, op, md);
}

/* The fault that strikes this call, or NULL; counts the call as well. */
struct mock_fault *mock_strike(struct mock_iommu *m, enum mock_op op,
			       struct mock_dev *md, struct iommu_domain *domain)
{
	struct mock_fault *fault;

	spin_lock(&m->lock);
	m->calls[op]++;
	fault = mock_fault_find(m, op, md, domain);
	spin_unlock(&m->lock);
	return fault;
}

void mock_note(struct mock_iommu *m, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	spin_lock(&m->lock);
	m->journal_len += vscnprintf(m->journal + m->journal_len,
				     sizeof(m->journal) - m->journal_len,
				     fmt, args);
	spin_unlock(&m->lock);
	va_end(args);
}

void mock_journal_clear(struct mock_iommu *m)
{
	m->journal[0] = '\0';
	m->journal_len = 0;
}

void mock_count_clear(struct mock_iommu *m)
{
	memset(m->calls, 0, sizeof(m->calls));
}

const char *mock_domain_name(struct mock_iommu *m, struct iommu_domain *domain)
{
	struct mock_domain *pos;

	if (!domain)
		return "none";
	if (domain == &m->identity)
		return "identity";
	if (domain == &m->blocked)
		return "blocked";
	list_for_each_entry(pos, &m->domains, link)
		if (domain == &pos->domain)
			return pos->name;
	return "foreign";
}

/* ---- translation --------------------------------------------------------- */

/* T6: what the core tells a driver in a callback is what the hardware has. */
static void mock_check_told(struct mock_dev *md)
{
	struct iommu_domain *told = iommu_get_domain_for_dev(&md->dev);

	if (md->broke || (md->deferred && !md->hw[IOMMU_NO_PASID]))
		return;
	if (told != md->hw[IOMMU_NO_PASID])
		KUNIT_FAIL(md->m->test, "T6: d%d has %s, its driver is told %s",
			   md->index,
			   mock_domain_name(md->m, md->hw[IOMMU_NO_PASID]),
			   mock_domain_name(md->m, told));
}

static void mock_check_alive(struct mock_dev *md, struct iommu_domain *domain)
{
	struct mock_domain *pos;

	list_for_each_entry(pos, &md->m->domains, link)
		if (domain == &pos->domain && pos->freed)
			KUNIT_FAIL(md->m->test, "d%d is given freed domain %s",
				   md->index, pos->name);
}

static int mock_attach_dev(struct iommu_domain *domain, struct device *dev)
{
	struct mock_dev *md = to_mock_dev(dev);
	struct mock_iommu *m = md->m;
	const char *name = mock_domain_name(m, domain);
	struct mock_fault *fault;

	mock_check_told(md);
	mock_check_alive(md, domain);
	if (m->on_call)
		m->on_call(m, MOCK_ATTACH, md, IOMMU_NO_PASID);
	fault = mock_strike(m, MOCK_ATTACH, md, domain);
	if (fault) {
		if (fault->breaks) {
			md->hw[IOMMU_NO_PASID] = NULL;
			md->broke = true;
		}
		mock_note(m, " d%d:%s!%d", md->index, name, fault->err);
		return fault->err;
	}
	if (m->counts && md->hw[IOMMU_NO_PASID] == domain)
		KUNIT_FAIL(m->test, "W3: d%d is counted on %s twice", md->index,
			   name);
	md->moved++;
	md->again += md->hw[IOMMU_NO_PASID] == domain;
	WRITE_ONCE(md->hw[IOMMU_NO_PASID], domain);
	md->broke = false;
	mock_note(m, " d%d:%s", md->index, name);
	return 0;
}

static int mock_set_dev_pasid(struct iommu_domain *domain, struct device *dev,
			      ioasid_t pasid, struct iommu_domain *old)
{
	struct mock_dev *md = to_mock_dev(dev);
	struct mock_iommu *m = md->m;
	const char *name = mock_domain_name(m, domain);
	unsigned int failed = m->script.failed;
	struct mock_fault *fault;

	if (pasid >= MOCK_SLOTS)
		return -EINVAL;
	mock_check_told(md);
	mock_check_alive(md, domain);
	if (domain->type == IOMMU_DOMAIN_SVA &&
	    !atomic_read(&domain->mm->mm_users))
		KUNIT_FAIL(m->test, "T10: d%d.%u is given a dead %s", md->index,
			   pasid, name);
	if (old != md->hw[pasid])
		KUNIT_FAIL(m->test, "T6: d%d.%u has %s, its driver is told %s",
			   md->index, pasid,
			   mock_domain_name(m, md->hw[pasid]),
			   mock_domain_name(m, old));
	if (m->on_call)
		m->on_call(m, MOCK_SET_PASID, md, pasid);
	fault = mock_strike(m, MOCK_SET_PASID, md, domain);
	m->script.pasids[pasid] += m->script.failed > failed;
	mock_note(m, " d%d.%u:%s", md->index, pasid, name);
	if (old)
		mock_note(m, "<%s", mock_domain_name(m, old));
	if (fault) {
		if (fault->breaks)
			md->hw[pasid] = NULL;
		mock_note(m, "!%d", fault->err);
		return fault->err;
	}
	md->hw[pasid] = domain;
	return 0;
}

static void mock_remove_dev_pasid(struct device *dev, ioasid_t pasid,
				  struct iommu_domain *domain)
{
	struct mock_dev *md = to_mock_dev(dev);
	struct iommu_domain *has = domain;
	struct mock_iommu *m = md->m;

	/* T10: an address space is left by being blocked first. */
	if (domain->type == IOMMU_DOMAIN_SVA)
		has = &m->blocked;
	mock_strike(m, MOCK_REMOVE_PASID, md, domain);
	if (m->on_call)
		m->on_call(m, MOCK_REMOVE_PASID, md, pasid);
	mock_note(m, " d%d.%u-%s", md->index, pasid,
		  mock_domain_name(m, domain));
	if (pasid >= MOCK_SLOTS || md->hw[pasid] != has) {
		KUNIT_FAIL(m->test, "T6: %s removed from d%d.%u, which has %s",
			   mock_domain_name(m, domain), md->index, pasid,
			   pasid >= MOCK_SLOTS ? "no such slot" :
			   mock_domain_name(m, md->hw[pasid]));
		return;
	}
	md->hw[pasid] = NULL;
}

/* ---- domains ------------------------------------------------------------- */

struct iommu_domain *mock_alloc(struct mock_iommu *m,
				const struct iommu_domain_ops *ops)
{
	struct mock_fault *fault = mock_strike(m, MOCK_ALLOC, NULL, NULL);
	struct mock_domain *mdom;

	if (fault)
		return ERR_PTR(fault->err);
	mdom = kzalloc(sizeof(*mdom), GFP_KERNEL);
	if (!mdom)
		return ERR_PTR(-ENOMEM);
	mdom->m = m;
	xa_init(&mdom->pages);
	mdom->domain.ops = ops;
	mdom->domain.geometry.aperture_end = ULONG_MAX;
	mdom->domain.geometry.force_aperture = true;
	spin_lock(&m->lock);
	mdom->name[0] = 'A' + m->nr_domains % 26;
	if (m->nr_domains >= 26)
		mdom->name[1] = '0' + m->nr_domains / 26 % 10;
	m->nr_domains++;
	list_add_tail(&mdom->link, &m->domains);
	spin_unlock(&m->lock);
	return &mdom->domain;
}

static struct iommu_domain *mock_alloc_paging(struct device *dev)
{
	struct mock_iommu *m = to_mock_dev(dev)->m;

	return mock_alloc(m, &m->paging_ops);
}

struct iommu_domain *mock_legacy_alloc(unsigned int type)
{
	if (!(type & __IOMMU_DOMAIN_PAGING))
		return NULL;
	return mock_alloc(mock_newest, &mock_newest->paging_ops);
}

int mock_hw_users(struct mock_iommu *m, struct iommu_domain *domain, int *index,
		  int *slot)
{
	int users = 0;

	spin_lock(&m->lock);
	for (int i = 0; i < m->nr_devs * MOCK_SLOTS; i++) {
		struct mock_dev *md = m->devs[i / MOCK_SLOTS];

		if (!md || READ_ONCE(md->hw[i % MOCK_SLOTS]) != domain)
			continue;
		*index = md->index;
		*slot = i % MOCK_SLOTS;
		users++;
	}
	spin_unlock(&m->lock);
	return users;
}

static void mock_free(struct iommu_domain *domain)
{
	struct mock_domain *mdom = to_mock_domain(domain);
	struct mock_iommu *m = mdom->m;
	int index, slot;

	mock_strike(m, MOCK_FREE, NULL, domain);
	if (mdom->freed)
		KUNIT_FAIL(m->test, "domain %s freed twice", mdom->name);
	mdom->freed = true;
	if (domain->iova_cookie)
		KUNIT_FAIL(m->test, "domain %s freed, but not its IOVAs",
			   mdom->name);
	if (mock_hw_users(m, domain, &index, &slot))
		KUNIT_FAIL(m->test, "domain %s freed, but d%d.%d has it",
			   mdom->name, index, slot);
}

void mock_forget_freed(struct mock_iommu *m)
{
	struct mock_domain *pos, *next;

	list_for_each_entry_safe(pos, next, &m->domains, link) {
		if (!pos->freed)
			continue;
		list_del(&pos->link);
		xa_destroy(&pos->pages);
		kfree(pos);
	}
}

bool mock_freed(struct iommu_domain *domain)
{
	return to_mock_domain(domain)->freed;
}

int mock_live_domains(struct mock_iommu *m)
{
	struct mock_domain *pos;
	int live = 0;

	list_for_each_entry(pos, &m->domains, link)
		live += !pos->freed;
	return live;
}

struct iommu_domain *mock_paging(struct mock_dev *md)
{
	struct iommu_domain *domain = iommu_paging_domain_alloc(&md->dev);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(md->m->test, domain);
	return domain;
}

/* ---- mapping ------------------------------------------------------------- */

static int mock_map_pages(struct iommu_domain *domain, unsigned long iova,
			  phys_addr_t paddr, size_t pgsize, size_t pgcount,
			  int prot, gfp_t gfp, size_t *mapped)
{
	struct mock_domain *mdom = to_mock_domain(domain);
	struct mock_iommu *m = mdom->m;
	struct mock_fault *fault = mock_strike(m, MOCK_MAP, NULL, domain);
	size_t pages = pgsize / SZ_4K * pgcount;

	*mapped = 0;
	if (!(domain->pgsize_bitmap & pgsize) || (iova | paddr) & (pgsize - 1))
		KUNIT_FAIL(m->test, "map of %zx at %lx: not a page", pgsize,
			   iova);
	mock_note(m, " map %lx+%zx*%zu", iova, pgsize, pgcount);
	if (fault && !fault->err && !fault->partial) {
		if (++m->stalled < 64)
			return 0;
		KUNIT_FAIL(m->test, "W35: map loops without progress");
		return -EIO;
	}
	if (fault)
		pages = min(pages, fault->partial);
	for (size_t i = 0; i < pages; i++) {
		void *page = xa_mk_value((paddr >> 12) + i);

		if (xa_is_err(xa_store(&mdom->pages, (iova >> 12) + i, page,
				       gfp)))
			return -ENOMEM;
		*mapped += SZ_4K;
	}
	return fault ? fault->err : 0;
}

static size_t mock_unmap_pages(struct iommu_domain *domain, unsigned long iova,
			       size_t pgsize, size_t pgcount,
			       struct iommu_iotlb_gather *gather)
{
	struct mock_domain *mdom = to_mock_domain(domain);
	size_t pages = pgsize / SZ_4K * pgcount, done;

	mock_strike(mdom->m, MOCK_UNMAP, NULL, domain);
	mock_note(mdom->m, " unmap %lx+%zx*%zu", iova, pgsize, pgcount);
	for (done = 0; done < pages; done++)
		if (!xa_erase(&mdom->pages, (iova >> 12) + done))
			break;
	return done * SZ_4K;
}

static int mock_iotlb_sync_map(struct iommu_domain *domain, unsigned long iova,
			       size_t size)
{
	struct mock_iommu *m = to_mock_domain(domain)->m;
	struct mock_fault *fault = mock_strike(m, MOCK_SYNC_MAP, NULL, domain);

	return fault ? fault->err : 0;
}

static void mock_iotlb_sync(struct iommu_domain *domain,
			    struct iommu_iotlb_gather *gather)
{
	mock_strike(to_mock_domain(domain)->m, MOCK_SYNC, NULL, domain);
}

static phys_addr_t mock_iova_to_phys(struct iommu_domain *domain,
				     dma_addr_t iova)
{
	void *page = xa_load(&to_mock_domain(domain)->pages, iova >> 12);

	if (!page)
		return 0;
	return ((phys_addr_t)xa_to_value(page) << 12) + (iova & (SZ_4K - 1));
}

/* ---- devices ------------------------------------------------------------- */

static bool mock_capable(struct device *dev, enum iommu_cap cap)
{
	return to_mock_dev(dev)->m->caps & BIT(cap);
}

static struct iommu_device *mock_probe_device(struct device *dev)
{
	struct mock_dev *md = to_mock_dev(dev);
	struct mock_fault *fault = mock_strike(md->m, MOCK_PROBE, md, NULL);

	return fault ? ERR_PTR(fault->err) : &md->m->iommu;
}

/* The driver's promise: no domain is used afterwards. */
static void mock_release_device(struct device *dev)
{
	struct mock_dev *md = to_mock_dev(dev);

	mock_strike(md->m, MOCK_RELEASE, md, NULL);
	mock_sva_unplug(md);
	for (int slot = 1; slot < MOCK_SLOTS; slot++)
		if (md->hw[slot])
			KUNIT_FAIL(md->m->test, "d%d released, d%d.%d has %s",
				   md->index, md->index, slot,
				   mock_domain_name(md->m, md->hw[slot]));
	memset(md->hw, 0, sizeof(md->hw));
	md->broke = false;
}

static void mock_probe_finalize(struct device *dev)
{
	struct mock_dev *md = to_mock_dev(dev);

	mock_strike(md->m, MOCK_FINALIZE, md, NULL);
}

static struct iommu_group *mock_device_group(struct device *dev)
{
	struct mock_dev *md = to_mock_dev(dev);
	struct mock_iommu *m = md->m;
	struct mock_fault *fault = mock_strike(m, MOCK_GROUP, md, NULL);
	struct iommu_group *group = NULL;

	if (fault)
		return ERR_PTR(fault->err);
	spin_lock(&m->lock);
	for (int i = 0; !group && i < m->nr_devs; i++) {
		struct mock_dev *pos = m->devs[i];

		if (pos && pos != md && pos->group == md->group)
			group = mock_group(pos);
	}
	if (group)
		iommu_group_ref_get(group);
	spin_unlock(&m->lock);
	return group ?: iommu_group_alloc();
}

static void mock_get_resv_regions(struct device *dev, struct list_head *head)
{
	struct mock_dev *md = to_mock_dev(dev);

	for (int i = 0; i < md->nr_resv; i++) {
		struct iommu_resv_region *region;

		region = iommu_alloc_resv_region(md->resv[i].start,
						 md->resv[i].length,
						 IOMMU_READ | IOMMU_WRITE,
						 md->resv[i].type, GFP_KERNEL);
		if (region)
			list_add_tail(&region->list, head);
	}
}

static bool mock_is_attach_deferred(struct device *dev)
{
	return to_mock_dev(dev)->deferred;
}

static int mock_def_domain_type(struct device *dev)
{
	return to_mock_dev(dev)->def_type;
}

void mock_add_resv(struct mock_dev *md, phys_addr_t start, size_t length,
		   enum iommu_resv_type type)
{
	KUNIT_ASSERT_LT(md->m->test, md->nr_resv, MOCK_RESV);
	md->resv[md->nr_resv].start = start;
	md->resv[md->nr_resv].length = length;
	md->resv[md->nr_resv].type = type;
	md->nr_resv++;
}

static void mock_dev_release(struct device *dev)
{
	struct mock_dev *md = to_mock_dev(dev);
	struct completion *gone = md->gone;

	kfree(md);
	if (gone)
		complete(gone);
}

struct mock_dev *mock_make_dev(struct mock_iommu *m, int index, int group)
{
	struct mock_dev *md = kzalloc(sizeof(*md), GFP_KERNEL);

	if (!md)
		return NULL;
	md->m = m;
	md->index = index;
	md->group = group;
	md->def_type = IOMMU_DOMAIN_IDENTITY;
	device_initialize(&md->dev);
	md->dev.bus = m->bus;
	md->dev.release = mock_dev_release;
	if (dev_set_name(&md->dev, "%s-d%d", m->bus->name, index)) {
		put_device(&md->dev);
		return NULL;
	}
	spin_lock(&m->lock);
	m->devs[index] = md;
	m->nr_devs = max(m->nr_devs, index + 1);
	spin_unlock(&m->lock);
	return md;
}

int mock_try_plug(struct mock_dev *md)
{
	struct property_entry props[] = {
		PROPERTY_ENTRY_U32("pasid-num-bits", md->pasid_bits),
		{ }
	};
	int ret;

	if (md->pasid_bits) {
		ret = device_create_managed_software_node(&md->dev, props,
							  NULL);
		if (ret)
			return ret;
	}
	ret = device_add(&md->dev);
	md->plugged = !ret;
	return ret;
}

void mock_drop(struct mock_dev *md)
{
	struct mock_iommu *m = md->m;

	mock_unplug(md);
	spin_lock(&m->lock);
	m->devs[md->index] = NULL;
	spin_unlock(&m->lock);
	put_device(&md->dev);
}

struct mock_dev *mock_new_dev(struct mock_iommu *m, int group)
{
	struct mock_dev *md;

	KUNIT_ASSERT_LT(m->test, m->nr_devs, MOCK_DEVS);
	md = mock_make_dev(m, m->nr_devs, group);
	KUNIT_ASSERT_NOT_NULL(m->test, md);
	return md;
}

void mock_plug(struct mock_dev *md)
{
	KUNIT_ASSERT_EQ(md->m->test, 0, mock_try_plug(md));
}

struct mock_dev *mock_add(struct mock_iommu *m, int group)
{
	struct mock_dev *md = mock_new_dev(m, group);

	mock_plug(md);
	KUNIT_ASSERT_NOT_NULL(m->test, mock_group(md));
	return md;
}

struct mock_dev *mock_add_pasid(struct mock_iommu *m, int group)
{
	struct mock_dev *md = mock_new_dev(m, group);

	md->pasid_bits = MOCK_PASID_BITS;
	mock_plug(md);
	KUNIT_ASSERT_NOT_NULL(m->test, mock_group(md));
	return md;
}

struct mock_dev *mock_add_bare(struct mock_iommu *m)
{
	struct mock_dev *md = mock_new_dev(m, -1);

	md->dev.bus = m->bare_bus;
	mock_plug(md);
	KUNIT_ASSERT_NULL(m->test, mock_group(md));
	return md;
}

struct mock_dev *mock_group_of(struct kunit *test, int n)
{
	struct mock_iommu *m = test->priv;

	for (int i = 0; i < n; i++)
		mock_add(m, 0);
	mock_journal_clear(m);
	return m->devs[0];
}

struct mock_dev *mock_group_with_pasids(struct kunit *test, int n)
{
	struct mock_iommu *m = test->priv;

	for (int i = 0; i < n; i++)
		mock_add_pasid(m, 0);
	mock_journal_clear(m);
	return m->devs[0];
}

void mock_unplug(struct mock_dev *md)
{
	if (md->plugged)
		device_del(&md->dev);
	md->plugged = false;
}

/* ---- fixture ------------------------------------------------------------- */

int mock_register(struct mock_iommu *m)
{
	int ret = iommu_device_register_bus(&m->iommu, &m->ops, m->bus,
					    &m->nb);

	m->registered = !ret;
	return ret;
}

void mock_unregister(struct mock_iommu *m)
{
	if (m->registered)
		iommu_device_unregister_bus(&m->iommu, m->bus, &m->nb);
	m->registered = false;
}

static void mock_init_ops(struct mock_iommu *m)
{
	m->paging_ops = (struct iommu_domain_ops){
		.attach_dev = mock_attach_dev,
		.set_dev_pasid = mock_set_dev_pasid,
		.map_pages = mock_map_pages,
		.unmap_pages = mock_unmap_pages,
		.iotlb_sync_map = mock_iotlb_sync_map,
		.iotlb_sync = mock_iotlb_sync,
		.iova_to_phys = mock_iova_to_phys,
		.free = mock_free,
	};
	m->static_ops = (struct iommu_domain_ops){
		.attach_dev = mock_attach_dev,
		.set_dev_pasid = mock_set_dev_pasid,
	};
	m->sva_ops = (struct iommu_domain_ops){
		.set_dev_pasid = mock_set_dev_pasid,
		.free = mock_free,
	};
	m->identity.type = IOMMU_DOMAIN_IDENTITY;
	m->identity.ops = &m->static_ops;
	m->blocked.type = IOMMU_DOMAIN_BLOCKED;
	m->blocked.ops = &m->static_ops;
	m->ops = (struct iommu_ops){
		.capable = mock_capable,
		.domain_alloc_paging = mock_alloc_paging,
		.probe_device = mock_probe_device,
		.release_device = mock_release_device,
		.probe_finalize = mock_probe_finalize,
		.device_group = mock_device_group,
		.get_resv_regions = mock_get_resv_regions,
		.is_attach_deferred = mock_is_attach_deferred,
		.def_domain_type = mock_def_domain_type,
		.remove_dev_pasid = mock_remove_dev_pasid,
		.default_domain_ops = &m->paging_ops,
		.pgsize_bitmap = MOCK_PGSIZES,
		.owner = THIS_MODULE,
		.identity_domain = &m->identity,
		.blocked_domain = &m->blocked,
	};
}

/*
 * Undoes whatever of mock_iommu_new() and of the test has been done. A core
 * that leaves a domain behind leaks; one that frees early was told so above.
 */
static void mock_iommu_end(void *data)
{
	struct mock_iommu *m = data;
	struct mock_domain *pos, *next;

	mock_heal(m);
	for (int i = m->nr_devs; i-- > 0;)
		if (m->devs[i])
			mock_unplug(m->devs[i]);
	mock_unregister(m);
	mock_sva_end(m);
	list_for_each_entry_safe(pos, next, &m->domains, link) {
		if (!pos->freed)
			KUNIT_FAIL(m->test, "domain %s is never freed",
				   pos->name);
		xa_destroy(&pos->pages);
		kfree(pos);
	}
	for (int i = 0; i < m->nr_devs; i++)
		if (m->devs[i])
			put_device(&m->devs[i]->dev);
	if (m->iommu.dev)
		iommu_device_sysfs_remove(&m->iommu);
	if (m->bus)
		bus_unregister(m->bus);
	if (m->bare_bus)
		bus_unregister(m->bare_bus);
	mock_newest = NULL;
	kfree(m);
}

struct mock_iommu *mock_iommu_new(struct kunit *test)
{
	bool second = mock_newest;
	struct mock_iommu *m;

	m = kzalloc(sizeof(*m), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, m);
	m->test = test;
	spin_lock_init(&m->lock);
	INIT_LIST_HEAD(&m->domains);
	mock_init_ops(m);
	mock_sva_init(m);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, mock_iommu_end, m));
	mock_newest = m;

	KUNIT_ASSERT_EQ(test, 0, bus_register(&mock_buses[second]));
	m->bus = &mock_buses[second];
	KUNIT_ASSERT_EQ(test, 0, bus_register(&mock_bare_buses[second]));
	m->bare_bus = &mock_bare_buses[second];
	KUNIT_ASSERT_EQ(test, 0,
			iommu_device_sysfs_add(&m->iommu, NULL, NULL, "%s",
					       m->bus->name));
	m->iommu.max_pasids = MOCK_SLOTS;
	KUNIT_ASSERT_EQ(test, 0, mock_register(m));
	return m;
}

int mock_test_init(struct kunit *test)
{
	test->priv = mock_iommu_new(test);
	return 0;
}
