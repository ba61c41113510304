// SPDX-License-Identifier: GPL-2.0-only
/*
 * Law T2 and the word -ENOMEM throughout the contract: every allocation of
 * every operation fails once. The operation then either succeeds all the same
 * or returns -ENOMEM and has changed nothing.
 *
 * Uses the fault injection of the slab allocator as /proc/PID/fail-nth does.
 */
#include <linux/sched/mm.h>
#include "failslab.h"
#include "mock-iommu.h"

#define NOMEM_PASID	5
#define NOMEM_LIMIT	200	/* more allocations than any operation makes */

static int nomem_user;

/**
 * struct nomem - what the operations work on
 * @m: the mock
 * @md: two devices in one group
 * @late: a third one that is still outside
 * @bare: a device without IOMMU
 * @group: their group
 * @a: a domain nobody has
 * @b: another one
 * @mm: an address space
 * @handle: for @a
 * @made: what the operation under test made
 */
struct nomem {
	struct mock_iommu *m;
	struct mock_dev *md[2];
	struct mock_dev *late;
	struct mock_dev *bare;
	struct iommu_group *group;
	struct iommu_domain *a;
	struct iommu_domain *b;
	struct mm_struct *mm;
	struct iommu_attach_handle handle;
	void *made;
};

/**
 * struct nomem_op - an operation
 * @name: its name
 * @run: does it
 * @undo: takes it back after success
 * @lacks: why this kernel has it not, or NULL
 */
struct nomem_op {
	const char *name;
	int (*run)(struct nomem *s);
	void (*undo)(struct nomem *s);
	const char *lacks;
};

static int nomem_suite_init(struct kunit_suite *suite)
{
	failslab_begin();
	return 0;
}

static void nomem_suite_exit(struct kunit_suite *suite)
{
	failslab_end();
}

/* ---- operations ---------------------------------------------------------- */

static int run_claim(struct nomem *s)
{
	return iommu_group_claim_dma_owner(s->group, &nomem_user);
}

static void undo_claim(struct nomem *s)
{
	iommu_group_release_dma_owner(s->group);
}

static int run_attach(struct nomem *s)
{
	return iommu_attach_group_handle(s->a, s->group, &s->handle);
}

static void undo_attach(struct nomem *s)
{
	iommu_detach_group_handle(s->a, s->group);
}

static int run_replace(struct nomem *s)
{
	return iommu_replace_group_handle(s->group, s->a, &s->handle);
}

static int run_pasid(struct nomem *s)
{
	return iommu_attach_device_pasid(s->a, &s->md[0]->dev, NOMEM_PASID,
					 &s->handle);
}

static void undo_pasid(struct nomem *s)
{
	iommu_detach_device_pasid(s->a, &s->md[0]->dev, NOMEM_PASID);
}

static int run_plug(struct nomem *s)
{
	return iommu_probe_device(&s->late->dev);
}

static void undo_plug(struct nomem *s)
{
	iommu_group_remove_device(&s->late->dev);
}

static int run_device_claim(struct nomem *s)
{
	return iommu_device_claim_dma_owner(&s->md[0]->dev, &nomem_user);
}

static void undo_device_claim(struct nomem *s)
{
	iommu_device_release_dma_owner(&s->md[0]->dev);
}

static int run_plain_attach(struct nomem *s)
{
	return iommu_attach_group(s->a, s->group);
}

static int run_plain_replace(struct nomem *s)
{
	return iommu_group_replace_domain(s->group, s->a);
}

static void undo_plain_attach(struct nomem *s)
{
	iommu_detach_group(s->a, s->group);
}

static int run_use(struct nomem *s)
{
	return iommu_device_use_default_domain(&s->md[0]->dev);
}

static void undo_use(struct nomem *s)
{
	iommu_device_unuse_default_domain(&s->md[0]->dev);
}

/* What may not fail is tried together with what comes before it. */
static int run_claim_and_release(struct nomem *s)
{
	int ret = run_claim(s);

	if (!ret)
		undo_claim(s);
	return ret;
}

static int run_attach_and_detach(struct nomem *s)
{
	int ret = run_attach(s);

	if (!ret)
		undo_attach(s);
	return ret;
}

static int run_pasid_and_detach(struct nomem *s)
{
	int ret = run_pasid(s);

	if (!ret)
		undo_pasid(s);
	return ret;
}

static int run_plug_and_unplug(struct nomem *s)
{
	int ret = run_plug(s);

	if (!ret)
		undo_plug(s);
	return ret;
}

/* From one domain to another and back: refused, the first one stays. */
static int run_pasid_replace(struct nomem *s)
{
	struct device *dev = &s->md[0]->dev;
	struct iommu_attach_handle handle;
	int ret = run_pasid(s);

	if (ret)
		return ret;
	ret = iommu_replace_device_pasid(s->b, dev, NOMEM_PASID, &handle);
	iommu_detach_device_pasid(ret ? s->a : s->b, dev, NOMEM_PASID);
	return ret;
}

static int run_global_pasid(struct nomem *s)
{
	ioasid_t pasid = iommu_alloc_global_pasid(&s->md[0]->dev);

	if (pasid == IOMMU_PASID_INVALID)
		return -ENOMEM;
	iommu_free_global_pasid(pasid);
	return 0;
}

/* A group that is made up, as VFIO does for devices without IOMMU. */
static int run_made_up_group(struct nomem *s)
{
	struct iommu_group *group = iommu_group_alloc();
	int ret;

	if (IS_ERR(group))
		return PTR_ERR(group);
	ret = iommu_group_add_device(group, &s->bare->dev);
	iommu_group_put(group);
	if (!ret)
		iommu_group_remove_device(&s->bare->dev);
	return ret;
}

static int run_direct(struct nomem *s)
{
	return iommu_create_direct_mappings(s->a, &s->md[0]->dev);
}

static void undo_direct(struct nomem *s)
{
	iommu_unmap(s->a, SZ_2M, SZ_8K);
}

static int run_sva(struct nomem *s)
{
	s->made = iommu_sva_bind_device(&s->md[0]->dev, s->mm);
	/* No PASID and no memory for one are the same to the caller. */
	if (s->made == ERR_PTR(-ENOSPC))
		return -ENOMEM;
	return PTR_ERR_OR_ZERO(s->made);
}

static void undo_sva(struct nomem *s)
{
	iommu_sva_unbind_device(s->made);
}

static int run_domain(struct nomem *s)
{
	s->made = iommu_paging_domain_alloc(&s->md[0]->dev);
	return PTR_ERR_OR_ZERO(s->made);
}

static void undo_domain(struct nomem *s)
{
	iommu_domain_free(s->made);
}

static int run_group(struct nomem *s)
{
	s->made = iommu_group_alloc();
	return PTR_ERR_OR_ZERO(s->made);
}

static void undo_group(struct nomem *s)
{
	iommu_group_put(s->made);
}

static int run_name(struct nomem *s)
{
	return iommu_group_set_name(s->group, "a name for a group");
}

static void undo_name(struct nomem *s)
{
	iommu_group_set_name(s->group, NULL);
}

static int run_map(struct nomem *s)
{
	return iommu_map(s->a, SZ_2M - SZ_4K, SZ_1G - SZ_4K, SZ_2M + SZ_4K,
			 IOMMU_READ, GFP_KERNEL);
}

static void undo_map(struct nomem *s)
{
	iommu_unmap(s->a, SZ_2M - SZ_4K, SZ_2M + SZ_4K);
}

static int run_resv(struct nomem *s)
{
	LIST_HEAD(head);
	int ret = iommu_get_group_resv_regions(s->group, &head);

	if (ret && !list_empty(&head))
		return -ENOTEMPTY;
	iommu_put_resv_regions(&s->md[0]->dev, &head);
	return ret;
}

static void undo_nothing(struct nomem *s)
{
}

static int change_type(struct nomem *s, int type)
{
	guard(mutex)(&s->group->mutex);
	return iommu_setup_default_domain(s->group, type);
}

/*
 * Not by the file in sysfs: behind the change it has the DMA API set up anew,
 * and it would be the DMA API's allocations that fail.
 */
static int run_type(struct nomem *s)
{
	return change_type(s, IOMMU_DOMAIN_DMA);
}

static void undo_type(struct nomem *s)
{
	change_type(s, IOMMU_DOMAIN_IDENTITY);
}

#define LACKS_DMA	(IS_ENABLED(CONFIG_IOMMU_DMA) ? NULL : \
			 "no DMA domains without CONFIG_IOMMU_DMA")
#define LACKS_SVA	(IOMMU_ARCH_HAS_SVA ? NULL : \
			 "kernel page tables are freed untold")

static const struct nomem_op nomem_ops[] = {
	{ "claim", run_claim, undo_claim },
	{ "attach", run_attach, undo_attach },
	{ "replace", run_replace, undo_attach },
	{ "PASID attach", run_pasid, undo_pasid },
	{ "newcomer", run_plug, undo_plug },
	{ "domain", run_domain, undo_domain },
	{ "group", run_group, undo_group },
	{ "name", run_name, undo_name },
	{ "map", run_map, undo_map },
	{ "reserved regions", run_resv, undo_nothing },
	{ "default domain", run_type, undo_type, LACKS_DMA },
	{ "device claim", run_device_claim, undo_device_claim },
	{ "plain attach", run_plain_attach, undo_plain_attach },
	{ "plain replace", run_plain_replace, undo_plain_attach },
	{ "use", run_use, undo_use },
	{ "claim, release", run_claim_and_release, undo_nothing },
	{ "attach, detach", run_attach_and_detach, undo_nothing },
	{ "PASID attach, detach", run_pasid_and_detach, undo_nothing },
	{ "PASID replace", run_pasid_replace, undo_nothing },
	{ "newcomer leaves", run_plug_and_unplug, undo_nothing },
	{ "global PASID", run_global_pasid, undo_nothing },
	{ "made-up group", run_made_up_group, undo_nothing },
	{ "direct mappings", run_direct, undo_direct },
	{ "SVA", run_sva, undo_sva, LACKS_SVA },
};

static void op_name(const struct nomem_op *op, char *name)
{
	strscpy(name, op->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(nomem_op, nomem_ops, op_name);

/* ---- the test ------------------------------------------------------------ */

static void expect_idle(struct kunit *test, struct nomem *s)
{
	mock_expect_domain(test, s->md[0], &s->m->identity);
	mock_expect_pasid(test, s->md[0], NOMEM_PASID, NULL);
	KUNIT_EXPECT_PTR_EQ(test, s->group->default_domain, &s->m->identity);
	KUNIT_EXPECT_PTR_EQ(test, s->group->owner, NULL);
	KUNIT_EXPECT_EQ(test, s->group->owner_cnt, 0);
	KUNIT_EXPECT_TRUE(test, xa_empty(&s->group->pasids));
	KUNIT_EXPECT_TRUE(test, xa_empty(&to_mock_domain(s->a)->pages));
	KUNIT_EXPECT_NULL(test, mock_group(s->late));
	KUNIT_EXPECT_NULL(test, s->late->dev.iommu);
	/* Besides the test's there may be the one that claims have lent. */
	KUNIT_EXPECT_LE(test, mock_live_domains(s->m),
			2 + !!s->group->blocking_domain);
	KUNIT_EXPECT_NULL(test, mock_group(s->bare));
}

static void setup(struct kunit *test, struct nomem *s)
{
	struct mock_iommu *m = test->priv;

	s->m = m;
	/* So that a claim has something to allocate. */
	m->ops.blocked_domain = NULL;
	for (int i = 0; i < 3; i++) {
		struct mock_dev *md = mock_new_dev(m, 0);

		md->pasid_bits = MOCK_PASID_BITS;
		md->def_type = IS_ENABLED(CONFIG_IOMMU_DMA) ?
				       0 : IOMMU_DOMAIN_IDENTITY;
		mock_add_resv(md, SZ_1M, SZ_4K, IOMMU_RESV_RESERVED);
		if (!i)
			mock_add_resv(md, SZ_2M, SZ_8K,
				      IOMMU_RESV_DIRECT_RELAXABLE);
		mock_plug(md);
		KUNIT_ASSERT_NOT_NULL(test, mock_group(md));
	}
	s->md[0] = m->devs[0];
	s->md[1] = m->devs[1];
	s->late = m->devs[2];
	s->group = mock_group(s->md[0]);
	iommu_group_remove_device(&s->late->dev);
	KUNIT_ASSERT_EQ(test, 0, change_type(s, IOMMU_DOMAIN_IDENTITY));
	s->a = mock_paging(s->md[0]);
	s->b = mock_paging(s->md[0]);
	s->bare = mock_add_bare(m);
	s->mm = mm_alloc();
	KUNIT_ASSERT_NOT_NULL(test, s->mm);
	m->ops.pasid_replace = true;
	expect_idle(test, s);
}

static void teardown(struct nomem *s)
{
	iommu_domain_free(s->a);
	iommu_domain_free(s->b);
	mmput(s->mm);
}

/* What has been refused has not happened, what succeeded is taken back. */
static void judge(struct kunit *test, struct nomem *s,
		  const struct nomem_op *op, int ret, unsigned int n)
{
	if (ret)
		KUNIT_EXPECT_EQ_MSG(test, ret, -ENOMEM, "allocation %u", n);
	else
		op->undo(s);
	expect_idle(test, s);
}

/* T2: an operation that lacked memory once has not happened. */
static void one_failing_allocation_changes_nothing(struct kunit *test)
{
	const struct nomem_op *op = test->param_value;
	struct nomem state = {}, *s = &state;
	unsigned int n, left = 0, refused = 0;
	int ret = 0;

	skip_without_failslab(test);
	if (op->lacks)
		kunit_skip(test, "%s", op->lacks);
	setup(test, s);
	for (n = 1; n < NOMEM_LIMIT && !left; n++) {
		failslab_nth(n);
		ret = op->run(s);
		left = failslab_left();
		failslab_nth(0);
		judge(test, s, op, ret, n);
		refused += !!ret;
	}
	/* The last one met no failing allocation any more. */
	KUNIT_EXPECT_GT(test, left, 0);
	KUNIT_EXPECT_EQ(test, ret, 0);
	kunit_info(test, "%u allocations, %u refusals\n", n - 2, refused);
	teardown(s);
}

/* T2: nor has one that never got any, not even at the second try. */
static void no_memory_at_all_changes_nothing(struct kunit *test)
{
	const struct nomem_op *op = test->param_value;
	struct nomem state = {}, *s = &state;
	int ret;

	skip_without_failslab(test);
	if (op->lacks)
		kunit_skip(test, "%s", op->lacks);
	setup(test, s);
	failslab_all(true);
	ret = op->run(s);
	failslab_all(false);
	judge(test, s, op, ret, 0);
	ret = op->run(s);
	KUNIT_EXPECT_EQ(test, ret, 0);
	if (!ret)
		op->undo(s);
	expect_idle(test, s);
	teardown(s);
}

static struct kunit_case nomem_cases[] = {
	KUNIT_CASE_PARAM(one_failing_allocation_changes_nothing,
			 nomem_op_gen_params),
	KUNIT_CASE_PARAM(no_memory_at_all_changes_nothing, nomem_op_gen_params),
	{}
};

static struct kunit_suite nomem_suite = {
	.name = "iommu_nomem",
	.suite_init = nomem_suite_init,
	.suite_exit = nomem_suite_exit,
	.init = mock_test_init,
	.test_cases = nomem_cases,
};

kunit_test_suite(nomem_suite);
