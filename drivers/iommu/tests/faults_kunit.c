// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests that failed: for each device and PASID counted, and printed where no
 * user could provoke it. iommu_device_fault() says which.
 */
#include <linux/sched/mm.h>
#include <linux/seq_file.h>
#include "mock-iommu.h"

#define PASID	5
#define MANY	100

static int user;

static bool fault(struct mock_dev *md, ioasid_t pasid)
{
	return iommu_device_fault(&md->dev, pasid, SZ_4K, IOMMU_FAULT_READ);
}

/* What a person reads of the device. */
static const char *text_of(struct kunit *test, struct mock_dev *md)
{
	struct seq_file m = { .size = SZ_4K };

	m.buf = kunit_kzalloc(test, m.size, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, m.buf);
	iommu_faults_seq(&md->dev.iommu->faults, &m);
	return m.buf;
}

static int printed(struct mock_dev *md, ioasid_t pasid)
{
	int lines = 0;

	for (int i = 0; i < MANY; i++)
		lines += fault(md, pasid);
	return lines;
}

/* A driver of the kernel has attached a domain to PASID. */
static struct iommu_domain *attach(struct kunit *test, struct mock_dev *md)
{
	struct iommu_domain *a = mock_paging(md);

	KUNIT_ASSERT_EQ(test, 0, iommu_attach_device_pasid(a, &md->dev, PASID,
							   NULL));
	return a;
}

static void detach(struct mock_dev *md, struct iommu_domain *a)
{
	iommu_detach_device_pasid(a, &md->dev, PASID);
	iommu_domain_free(a);
}

static void faults_are_counted_by_pasid(struct kunit *test)
{
	struct mock_dev *md = mock_group_with_pasids(test, 1);

	KUNIT_EXPECT_STREQ(test, text_of(test, md), "");
	for (int i = 0; i < 3; i++)
		fault(md, PASID);
	fault(md, PASID + 1);
	fault(md, IOMMU_NO_PASID);
	KUNIT_EXPECT_STREQ(test, text_of(test, md),
			   "    faults without PASID: 1\n"
			   "    faults of PASID 5: 3\n"
			   "    faults of PASID 6: 1\n");
}

static void faults_are_counted_by_device(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_group_with_pasids(test, 2);

	fault(m->devs[1], PASID);
	KUNIT_EXPECT_STREQ(test, text_of(test, md), "");
	KUNIT_EXPECT_STREQ(test, text_of(test, m->devs[1]),
			   "    faults of PASID 5: 1\n");
}

/* A page request with a PASID that nobody has: refused, counted, not printed. */
static void page_request_of_nobody_is_counted(struct kunit *test)
{
	struct mock_dev *md = mock_group_with_pasids(test, 1);

	KUNIT_ASSERT_EQ(test, 0,
			iommu_dev_enable_feature(&md->dev,
						 IOMMU_DEV_FEAT_IOPF));
	KUNIT_EXPECT_EQ(test, IOMMU_PAGE_RESP_INVALID,
			mock_request_page(md, PASID, SZ_4K,
					  IOMMU_FAULT_PERM_WRITE));
	KUNIT_EXPECT_STREQ(test, text_of(test, md),
			   "    faults of PASID 5: 1\n");
}

/* However many PASIDs there are, each fault is counted somewhere. */
static void the_seventeenth_pasid_is_among_others(struct kunit *test)
{
	struct mock_dev *md = mock_group_with_pasids(test, 1);
	const char *text;

	for (u32 pasid = 1; pasid <= IOMMU_FAULT_PASIDS + 2; pasid++)
		fault(md, pasid);
	fault(md, IOMMU_FAULT_PASIDS);
	text = text_of(test, md);
	KUNIT_EXPECT_NOT_NULL(test, strstr(text, "of PASID 16: 2\n"));
	KUNIT_EXPECT_NULL(test, strstr(text, "of PASID 17"));
	KUNIT_EXPECT_NOT_NULL(test, strstr(text, "of other PASIDs: 2\n"));
}

/* The next who has the number begins at 0; the sum stays. */
static void detached_pasid_is_forgotten(struct kunit *test)
{
	struct mock_dev *md = mock_group_with_pasids(test, 1);
	struct iommu_domain *a = attach(test, md);

	fault(md, PASID);
	fault(md, PASID);
	detach(md, a);
	KUNIT_EXPECT_STREQ(test, text_of(test, md),
			   "    faults of other PASIDs: 2\n");
	a = attach(test, md);
	fault(md, PASID);
	KUNIT_EXPECT_STREQ(test, text_of(test, md),
			   "    faults of PASID 5: 1\n"
			   "    faults of other PASIDs: 2\n");
	detach(md, a);
}

/* The kernel's own are printed, but not without end. */
static void kernels_faults_are_printed_within_limits(struct kunit *test)
{
	struct mock_dev *md = mock_group_with_pasids(test, 1);
	struct iommu_domain *a = attach(test, md);
	int lines = printed(md, PASID);

	KUNIT_EXPECT_GT(test, lines, 0);
	KUNIT_EXPECT_LT(test, lines, MANY);
	KUNIT_EXPECT_STREQ(test, text_of(test, md),
			   "    faults of PASID 5: 100\n");
	detach(md, a);
}

/* A device that floods the log leaves room for its neighbour. */
static void device_does_not_hide_another(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_group_with_pasids(test, 2);

	KUNIT_EXPECT_LT(test, printed(md, IOMMU_NO_PASID), MANY);
	KUNIT_EXPECT_TRUE(test, fault(m->devs[1], IOMMU_NO_PASID));
}

/* Who may have a device do DMA may not have the kernel print. */
static void pasid_of_nobody_is_not_printed(struct kunit *test)
{
	struct mock_dev *md = mock_group_with_pasids(test, 1);

	KUNIT_EXPECT_EQ(test, printed(md, PASID), 0);
	detach(md, attach(test, md));
	KUNIT_EXPECT_EQ(test, printed(md, PASID), 0);
}

static void pasid_of_a_user_is_not_printed(struct kunit *test)
{
	struct mock_dev *md = mock_group_with_pasids(test, 1);
	struct iommu_domain *a;

	KUNIT_ASSERT_EQ(test, 0,
			iommu_group_claim_dma_owner(mock_group(md), &user));
	a = attach(test, md);
	KUNIT_EXPECT_EQ(test, printed(md, PASID), 0);
	detach(md, a);
	iommu_group_release_dma_owner(mock_group(md));
	/* Nor does the mark outlive its slot. */
	a = attach(test, md);
	KUNIT_EXPECT_TRUE(test, fault(md, PASID));
	detach(md, a);
}

/* Alive or dead: the numbers are there until the unbind. */
static void pasid_of_a_process_is_not_printed(struct kunit *test)
{
	struct mock_dev *md = mock_group_with_pasids(test, 1);
	struct iommu_faults *faults = &md->dev.iommu->faults;
	struct mm_struct *mm = mm_alloc();
	struct iommu_sva *bond;
	u32 pasid;

	KUNIT_ASSERT_NOT_NULL(test, mm);
	bond = iommu_sva_bind_device(&md->dev, mm);
	if (IS_ERR(bond))
		mmput(mm);
	if (bond == ERR_PTR(-EOPNOTSUPP))
		kunit_skip(test, "this kernel has no SVA here");
	KUNIT_ASSERT_FALSE(test, IS_ERR(bond));
	pasid = iommu_sva_get_pasid(bond);
	KUNIT_EXPECT_EQ(test, printed(md, pasid), 0);
	mmput(mm);
	KUNIT_EXPECT_EQ(test, printed(md, pasid), 0);
	KUNIT_EXPECT_EQ(test, faults->pasids[0].pasid, pasid);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&faults->pasids[0].count),
			2 * MANY);
	iommu_sva_unbind_device(bond);
	KUNIT_EXPECT_STREQ(test, text_of(test, md),
			   "    faults of other PASIDs: 200\n");
}

static struct kunit_case faults_cases[] = {
	KUNIT_CASE(faults_are_counted_by_pasid),
	KUNIT_CASE(faults_are_counted_by_device),
	KUNIT_CASE(page_request_of_nobody_is_counted),
	KUNIT_CASE(the_seventeenth_pasid_is_among_others),
	KUNIT_CASE(detached_pasid_is_forgotten),
	KUNIT_CASE(kernels_faults_are_printed_within_limits),
	KUNIT_CASE(device_does_not_hide_another),
	KUNIT_CASE(pasid_of_nobody_is_not_printed),
	KUNIT_CASE(pasid_of_a_user_is_not_printed),
	KUNIT_CASE(pasid_of_a_process_is_not_printed),
	{}
};

static struct kunit_suite faults_suite = {
	.name = "iommu_faults",
	.init = mock_test_init,
	.test_cases = faults_cases,
};

kunit_test_suite(faults_suite);
