// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bonds of devices and address spaces: the last line of section 1.2 of the
 * contract. Where the architecture has no SVA there is little to see.
 */
#include <linux/sched/mm.h>
#include "mock-iommu.h"

static void put_mm(void *mm)
{
	mmput(mm);
}

/* An address space without a process. */
static struct mm_struct *new_mm(struct kunit *test)
{
	struct mm_struct *mm = mm_alloc();

	KUNIT_ASSERT_NOT_NULL(test, mm);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, put_mm, mm));
	return mm;
}

static void skip_without_sva(struct kunit *test)
{
	if (!IOMMU_ARCH_HAS_SVA)
		kunit_skip(test, "kernel page tables are freed untold");
}

static struct iommu_sva *bind(struct kunit *test, struct mock_dev *md,
			      struct mm_struct *mm)
{
	struct iommu_sva *bond = iommu_sva_bind_device(&md->dev, mm);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, bond);
	return bond;
}

/* 1.2: no group, no bond, on every architecture. */
static void bind_without_group_is_refused(struct kunit *test)
{
	struct mock_dev *md = mock_add_bare(test->priv);

	KUNIT_EXPECT_PTR_EQ(test, (struct iommu_sva *)ERR_PTR(-ENODEV),
			    iommu_sva_bind_device(&md->dev, new_mm(test)));
}

/* 1.2: x86 without telling IOMMUs when kernel page tables are freed. */
static void bind_is_refused_where_the_kernel_cannot(struct kunit *test)
{
	struct mock_dev *md = mock_group_with_pasids(test, 1);

	if (IOMMU_ARCH_HAS_SVA)
		kunit_skip(test, "this kernel has SVA here");
	KUNIT_EXPECT_PTR_EQ(test, (struct iommu_sva *)ERR_PTR(-EOPNOTSUPP),
			    iommu_sva_bind_device(&md->dev, new_mm(test)));
}

/* A bond is a PASID with a domain of the address space. */
static void bind_attaches_a_pasid(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_group_with_pasids(test, 2);
	struct iommu_domain *domain;
	struct iommu_sva *bond;
	struct mm_struct *mm;
	u32 pasid;

	skip_without_sva(test);
	mm = new_mm(test);
	bond = bind(test, md, mm);
	pasid = iommu_sva_get_pasid(bond);
	KUNIT_EXPECT_GE(test, pasid, IOMMU_FIRST_GLOBAL_PASID);
	KUNIT_EXPECT_LT(test, pasid, (u32)MOCK_SLOTS);
	domain = md->hw[pasid];
	KUNIT_ASSERT_NOT_NULL(test, domain);
	KUNIT_EXPECT_EQ(test, domain->type, IOMMU_DOMAIN_SVA);
	KUNIT_EXPECT_PTR_EQ(test, domain->mm, mm);
	mock_expect_pasid(test, md, pasid, domain);
	mock_expect_domain(test, md, &m->identity);
	iommu_sva_unbind_device(bond);
	mock_expect_pasid(test, md, pasid, NULL);
	KUNIT_EXPECT_EQ(test, mock_live_domains(m), 0);
}

/* Binds are counted; the last unbind ends the bond. */
static void second_bind_takes_a_reference(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_group_with_pasids(test, 1);
	struct iommu_sva *one, *two;
	struct mm_struct *mm;
	u32 pasid;

	skip_without_sva(test);
	mm = new_mm(test);
	one = bind(test, md, mm);
	two = bind(test, md, mm);
	KUNIT_EXPECT_PTR_EQ(test, one, two);
	KUNIT_EXPECT_EQ(test, m->calls[MOCK_SET_PASID], 1);
	pasid = iommu_sva_get_pasid(one);
	iommu_sva_unbind_device(one);
	KUNIT_EXPECT_NOT_NULL(test, md->hw[pasid]);
	iommu_sva_unbind_device(two);
	KUNIT_EXPECT_NULL(test, md->hw[pasid]);
}

/* An address space has one PASID, on all devices and for ever. */
static void pasid_stays_with_the_address_space(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_group_with_pasids(test, 1), *far;
	struct iommu_sva *one, *two;
	struct mm_struct *mm;
	u32 pasid;

	skip_without_sva(test);
	far = mock_add_pasid(m, 1);
	mm = new_mm(test);
	one = bind(test, md, mm);
	two = bind(test, far, mm);
	pasid = iommu_sva_get_pasid(one);
	KUNIT_EXPECT_EQ(test, pasid, iommu_sva_get_pasid(two));
	/* One domain serves both. */
	KUNIT_EXPECT_PTR_EQ(test, md->hw[pasid], far->hw[pasid]);
	KUNIT_EXPECT_EQ(test, m->calls[MOCK_ALLOC], 1);
	iommu_sva_unbind_device(one);
	KUNIT_EXPECT_NULL(test, md->hw[pasid]);
	KUNIT_EXPECT_NOT_NULL(test, far->hw[pasid]);
	iommu_sva_unbind_device(two);
	one = bind(test, md, mm);
	KUNIT_EXPECT_EQ(test, pasid, iommu_sva_get_pasid(one));
	iommu_sva_unbind_device(one);
}

/* Different address spaces never share a PASID. */
static void address_spaces_have_different_pasids(struct kunit *test)
{
	struct mock_dev *md = mock_group_with_pasids(test, 1);
	struct iommu_sva *one, *two;

	skip_without_sva(test);
	one = bind(test, md, new_mm(test));
	two = bind(test, md, new_mm(test));
	KUNIT_EXPECT_NE(test, iommu_sva_get_pasid(one),
			iommu_sva_get_pasid(two));
	iommu_sva_unbind_device(one);
	iommu_sva_unbind_device(two);
}

/* Two drivers on two devices of a group do not know of each other. */
static void siblings_share_the_slot(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_group_with_pasids(test, 2);
	struct iommu_sva *one, *two;
	struct mm_struct *mm;
	u32 pasid;

	skip_without_sva(test);
	mm = new_mm(test);
	one = bind(test, md, mm);
	two = bind(test, m->devs[1], mm);
	pasid = iommu_sva_get_pasid(one);
	iommu_sva_unbind_device(one);
	mock_expect_pasid(test, md, pasid, m->devs[1]->hw[pasid]);
	KUNIT_EXPECT_NOT_NULL(test, m->devs[1]->hw[pasid]);
	iommu_sva_unbind_device(two);
	mock_expect_pasid(test, md, pasid, NULL);
}

/* The domain of an address space serves all groups until the last one ends. */
static void groups_share_the_domain(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_group_with_pasids(test, 1);
	struct mock_dev *other = mock_add_pasid(m, 1);
	struct iommu_sva *one, *two;
	struct iommu_domain *domain;
	struct mm_struct *mm;
	u32 pasid;

	skip_without_sva(test);
	mm = new_mm(test);
	one = bind(test, md, mm);
	two = bind(test, other, mm);
	pasid = iommu_sva_get_pasid(one);
	domain = md->hw[pasid];
	mock_expect_pasid(test, other, pasid, domain);

	iommu_sva_unbind_device(one);
	KUNIT_EXPECT_FALSE(test, mock_freed(domain));
	/* Nor given up by its owner, with the other group still on it. */
	KUNIT_EXPECT_EQ(test, atomic_read(&domain->users), 1);
	mock_expect_pasid(test, md, pasid, NULL);
	mock_expect_pasid(test, other, pasid, domain);
	iommu_sva_unbind_device(two);
	KUNIT_EXPECT_TRUE(test, mock_freed(domain));
}

/* 1.2: the device has no PASIDs at all. */
static void bind_without_pasids_is_refused(struct kunit *test)
{
	struct mock_dev *md;

	skip_without_sva(test);
	md = mock_add(test->priv, 0);
	KUNIT_EXPECT_PTR_EQ(test, (struct iommu_sva *)ERR_PTR(-ENOSPC),
			    iommu_sva_bind_device(&md->dev, new_mm(test)));
}

/* 1.2: the address space has a PASID which this device cannot send. */
static void bind_of_a_pasid_too_big_is_refused(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_group_with_pasids(test, 1), *narrow;
	struct iommu_sva *bond[2];
	struct mm_struct *mm[2];

	skip_without_sva(test);
	narrow = mock_new_dev(m, 1);
	narrow->pasid_bits = 1;
	mock_plug(narrow);
	for (int i = 0; i < 2; i++) {
		mm[i] = new_mm(test);
		bond[i] = bind(test, md, mm[i]);
	}
	KUNIT_ASSERT_GE(test, iommu_sva_get_pasid(bond[1]), 2U);
	KUNIT_EXPECT_PTR_EQ(test, (struct iommu_sva *)ERR_PTR(-EOVERFLOW),
			    iommu_sva_bind_device(&narrow->dev, mm[1]));
	for (int i = 0; i < 2; i++)
		iommu_sva_unbind_device(bond[i]);
}

/* 1.2: somebody else uses the PASID on this device. */
static void bind_of_a_used_pasid_is_refused(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_group_with_pasids(test, 1), *far;
	struct iommu_attach_handle handle = {};
	struct iommu_domain *a;
	struct iommu_sva *bond;
	struct mm_struct *mm;
	u32 pasid;

	skip_without_sva(test);
	far = mock_add_pasid(m, 1);
	mm = new_mm(test);
	bond = bind(test, far, mm);
	pasid = iommu_sva_get_pasid(bond);
	a = mock_paging(md);
	KUNIT_ASSERT_EQ(test, 0, iommu_attach_device_pasid(a, &md->dev, pasid,
							   &handle));
	KUNIT_EXPECT_PTR_EQ(test, (struct iommu_sva *)ERR_PTR(-EBUSY),
			    iommu_sva_bind_device(&md->dev, mm));
	mock_expect_pasid(test, md, pasid, a);
	iommu_detach_device_pasid(a, &md->dev, pasid);
	iommu_sva_unbind_device(bond);
	iommu_domain_free(a);
}

/* W37: the address space of an SVA domain is not taken for a handler. */
static void fault_on_an_sva_domain_is_not_handled(struct kunit *test)
{
	struct mock_dev *md = mock_group_with_pasids(test, 1);
	struct iommu_sva *bond;
	u32 pasid;

	skip_without_sva(test);
	bond = bind(test, md, new_mm(test));
	pasid = iommu_sva_get_pasid(bond);
	KUNIT_EXPECT_LT(test, report_iommu_fault(md->hw[pasid], &md->dev, SZ_4K,
						 IOMMU_FAULT_READ), 0);
	iommu_sva_unbind_device(bond);
}

/* 1.2: the driver's error is the caller's, and nothing is left. */
static void failing_bind_leaves_nothing(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_group_with_pasids(test, 2);
	struct mm_struct *mm;

	skip_without_sva(test);
	mm = new_mm(test);
	mock_fail(m, MOCK_ALLOC, NULL, -ENOMEM);
	KUNIT_EXPECT_PTR_EQ(test, (struct iommu_sva *)ERR_PTR(-ENOMEM),
			    iommu_sva_bind_device(&md->dev, mm));
	mock_fail(m, MOCK_SET_PASID, m->devs[1], -EIO);
	KUNIT_EXPECT_PTR_EQ(test, (struct iommu_sva *)ERR_PTR(-EIO),
			    iommu_sva_bind_device(&md->dev, mm));
	KUNIT_EXPECT_EQ(test, mock_live_domains(m), 0);
	KUNIT_EXPECT_TRUE(test, xa_empty(&mock_group(md)->pasids));
	iommu_sva_unbind_device(bind(test, md, mm));
}

static struct kunit_case sva_cases[] = {
	KUNIT_CASE(bind_without_group_is_refused),
	KUNIT_CASE(bind_is_refused_where_the_kernel_cannot),
	KUNIT_CASE(bind_attaches_a_pasid),
	KUNIT_CASE(second_bind_takes_a_reference),
	KUNIT_CASE(pasid_stays_with_the_address_space),
	KUNIT_CASE(address_spaces_have_different_pasids),
	KUNIT_CASE(siblings_share_the_slot),
	KUNIT_CASE(groups_share_the_domain),
	KUNIT_CASE(bind_without_pasids_is_refused),
	KUNIT_CASE(bind_of_a_pasid_too_big_is_refused),
	KUNIT_CASE(bind_of_a_used_pasid_is_refused),
	KUNIT_CASE(fault_on_an_sva_domain_is_not_handled),
	KUNIT_CASE(failing_bind_leaves_nothing),
	{}
};

static struct kunit_suite sva_suite = {
	.name = "iommu_sva",
	.init = mock_test_init,
	.test_cases = sva_cases,
};

kunit_test_suite(sva_suite);
