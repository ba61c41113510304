// SPDX-License-Identifier: GPL-2.0-only
/*
 * W45: what the core knows of a group can be read, word for word.
 */
#include <linux/sched/mm.h>
#include <linux/seq_file.h>
#include "mock-iommu.h"

#define PASID	5
#define MEMBERS	40	/* more than are shown at once */

static int user;

/* The block of the group of @md, without the line of its number. */
static const char *state_of(struct kunit *test, struct mock_dev *md)
{
	struct iommu_show *show = kunit_kzalloc(test, sizeof(*show), GFP_KERNEL);
	loff_t pos = (loff_t)iommu_group_id(mock_group(md)) << 32;
	struct seq_file m = { .size = SZ_16K, .private = show };
	char *text;
	void *v;

	m.buf = kunit_kzalloc(test, m.size, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, show);
	KUNIT_ASSERT_NOT_NULL(test, m.buf);
	v = iommu_groups_sops.start(&m, &pos);
	while (v && show->group == mock_group(md)) {
		KUNIT_EXPECT_EQ(test, 0, iommu_groups_sops.show(&m, v));
		v = iommu_groups_sops.next(&m, v, &pos);
	}
	iommu_groups_sops.stop(&m, v);
	KUNIT_EXPECT_FALSE(test, seq_has_overflowed(&m));
	text = strchr(m.buf, '\n');
	KUNIT_ASSERT_NOT_NULL(test, text);
	return text + 1;
}

static void expect_words(struct kunit *test, struct mock_dev *md,
			 const char *words)
{
	const char *text = state_of(test, md);

	KUNIT_EXPECT_TRUE_MSG(test, strstr(text, words),
			      "'%s' is not in:\n%s", words, text);
}

/* W45: nobody, drivers, a user, and what the group translates with. */
static void owner_and_domains_are_shown(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_add(m, 0);
	struct iommu_domain *a = mock_paging(md);

	expect_words(test, md, "owner: none, count 0\n");
	KUNIT_ASSERT_EQ(test, 0, iommu_device_use_default_domain(&md->dev));
	expect_words(test, md, "owner: kernel (driver mock-iommu");
	iommu_device_unuse_default_domain(&md->dev);

	KUNIT_ASSERT_EQ(test, 0,
			iommu_group_claim_dma_owner_by(mock_group(md), &user,
						       "a test"));
	expect_words(test, md, "owner: user (");
	expect_words(test, md, ", through a test), count 1\n");
	expect_words(test, md,
		     "current Blocked, default Passthrough, blocking Blocked");
	KUNIT_ASSERT_EQ(test, 0, iommu_attach_group(a, mock_group(md)));
	expect_words(test, md, "current Unmanaged,");
	expect_words(test, md, "-d0: Unmanaged\n");
	iommu_detach_group(a, mock_group(md));
	iommu_group_release_dma_owner(mock_group(md));
	iommu_domain_free(a);
}

/* W45: what is peculiar to a member. */
static void members_flags_are_shown(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_new_dev(m, 0);

	md->deferred = true;
	md->pasid_bits = MOCK_PASID_BITS;
	mock_add_resv(md, SZ_1M, SZ_4K, IOMMU_RESV_DIRECT);
	mock_plug(md);
	KUNIT_ASSERT_NOT_NULL(test, mock_group(md));
	expect_words(test, md,
		     "-d0: none, PASIDs below 64 (IOMMU), deferred, direct\n");
}

/* W45: which PASIDs are in use, and who has handles. */
static void slots_are_shown(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_add_pasid(m, 0);
	struct iommu_domain *a = mock_paging(md);
	struct iommu_attach_handle handle = {}, second = {};

	KUNIT_ASSERT_EQ(test, 0, iommu_attach_group_handle(a, mock_group(md),
							   &handle));
	KUNIT_ASSERT_EQ(test, 0, iommu_attach_device_pasid(a, &md->dev, PASID,
							   NULL));
	KUNIT_ASSERT_EQ(test, 0, iommu_attach_device_pasid(a, &md->dev,
							   PASID + 1, &second));
	expect_words(test, md, "no PASID: Unmanaged, handle\n");
	expect_words(test, md, "PASID 5: Unmanaged\n");
	expect_words(test, md, "PASID 6: Unmanaged, handle\n");
	iommu_detach_device_pasid(a, &md->dev, PASID + 1);
	iommu_detach_device_pasid(a, &md->dev, PASID);
	iommu_detach_group_handle(a, mock_group(md));
	iommu_domain_free(a);
}

/* T7, W45: a parked device and why, until it comes back by re-probing. */
static void parked_device_is_shown_until_it_returns(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_add(m, 0), *other = mock_add(m, 0);
	struct iommu_domain *a = mock_paging(md);

	KUNIT_ASSERT_EQ(test, 0, iommu_attach_group(a, mock_group(md)));
	mock_fail(m, MOCK_ATTACH, other, -EIO);
	iommu_detach_group(a, mock_group(md));
	expect_words(test, md,
		     "-d1: Blocked, parked: cannot be taken off its domain\n");
	expect_words(test, md, "-d0: Passthrough\n");

	KUNIT_ASSERT_EQ(test, 0, iommu_attach_group(a, mock_group(md)));
	mock_fail(m, MOCK_ATTACH, other, -EIO)->times = 2;
	iommu_detach_group(a, mock_group(md));
	expect_words(test, md, "-d1: Unmanaged, stranded, parked: ");
	iommu_domain_free(a);
	KUNIT_EXPECT_FALSE(test, mock_freed(a));

	iommu_group_remove_device(&other->dev);
	KUNIT_EXPECT_TRUE(test, mock_freed(a));
	KUNIT_ASSERT_EQ(test, 0, iommu_probe_device(&other->dev));
	expect_words(test, md, "-d1: Passthrough\n");
	mock_expect_domain(test, md, &m->identity);
}

/* W45: of a large group nothing is cut off, and nothing is there twice. */
static void large_group_is_shown_whole(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_add_pasid(m, 0);
	struct iommu_domain *a = mock_paging(md);
	const char *text, *found;
	char line[32];
	int pasid, i;

	for (i = 1; i < MEMBERS; i++)
		mock_add_pasid(m, 0);
	for (pasid = 1; pasid < MOCK_SLOTS; pasid++)
		KUNIT_ASSERT_EQ(test, 0,
				iommu_attach_device_pasid(a, &md->dev, pasid,
							  NULL));
	text = state_of(test, md);
	for (pasid = 1; pasid < MOCK_SLOTS; pasid++) {
		snprintf(line, sizeof(line), "  PASID %d:", pasid);
		found = strstr(text, line);
		KUNIT_EXPECT_NOT_NULL_MSG(test, found, "%s", line);
		if (found)
			KUNIT_EXPECT_NULL(test, strstr(found + 1, line));
	}
	for (i = 0; i < MEMBERS; i++) {
		snprintf(line, sizeof(line), "-d%d: ", i);
		KUNIT_EXPECT_NOT_NULL_MSG(test, strstr(text, line), "%s", line);
	}
	for (pasid = 1; pasid < MOCK_SLOTS; pasid++)
		iommu_detach_device_pasid(a, &md->dev, pasid);
	iommu_domain_free(a);
}

/* O5: what was refused last. */
static void last_refusal_is_shown(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_add(m, 0);
	struct iommu_domain *a = mock_paging(md);

	mock_add(m, 0);
	KUNIT_EXPECT_EQ(test, -EINVAL, iommu_attach_device(a, &md->dev));
	expect_words(test, md, "last refusal: attach, siblings, error -22");
	iommu_domain_free(a);
}

/* Below the device whose they are. */
static void faults_are_shown(struct kunit *test)
{
	struct mock_dev *md = mock_group_with_pasids(test, 1);

	iommu_device_fault(&md->dev, PASID, 0, IOMMU_FAULT_READ);
	expect_words(test, md, "\n    faults of PASID 5: 1\n");
}

/* T10: why the slot is there and does not translate. */
static void ended_process_is_shown(struct kunit *test)
{
	struct mock_dev *md = mock_group_with_pasids(test, 1);
	struct mm_struct *mm = mm_alloc();
	struct iommu_sva *bond;

	KUNIT_ASSERT_NOT_NULL(test, mm);
	bond = iommu_sva_bind_device(&md->dev, mm);
	if (!IS_ERR(bond))
		expect_words(test, md, ": SVA, handle\n");
	mmput(mm);
	if (bond == ERR_PTR(-EOPNOTSUPP))
		kunit_skip(test, "this kernel has no SVA here");
	KUNIT_ASSERT_FALSE(test, IS_ERR(bond));
	expect_words(test, md, ": SVA, handle, its process is gone\n");
	iommu_sva_unbind_device(bond);
}

static struct kunit_case state_cases[] = {
	KUNIT_CASE(owner_and_domains_are_shown),
	KUNIT_CASE(members_flags_are_shown),
	KUNIT_CASE(slots_are_shown),
	KUNIT_CASE(parked_device_is_shown_until_it_returns),
	KUNIT_CASE(large_group_is_shown_whole),
	KUNIT_CASE(last_refusal_is_shown),
	KUNIT_CASE(faults_are_shown),
	KUNIT_CASE(ended_process_is_shown),
	{}
};

static struct kunit_suite state_suite = {
	.name = "iommu_state",
	.init = mock_test_init,
	.test_cases = state_cases,
};

kunit_test_suite(state_suite);
