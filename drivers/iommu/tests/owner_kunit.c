// SPDX-License-Identifier: GPL-2.0-only
/*
 * DMA ownership: laws O1-O6 and section 1.3 of the contract. What the contract
 * reports with a WARN (a claim without owner, a release by a stranger) has no
 * case here: KUnit cannot expect a warning, and a warning fails the run.
 */
#include "mock-iommu.h"

/* Owners are told apart by address only. */
static int user_a, user_b;

/* A group like those VFIO makes for devices that no IOMMU translates for. */
static struct iommu_group *group_without_iommu(struct kunit *test,
					       struct mock_dev *md)
{
	struct iommu_group *group = iommu_group_alloc();

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, group);
	KUNIT_ASSERT_EQ(test, 0, iommu_group_add_device(group, &md->dev));
	return group;
}

/* 1.3: a device without group is nobody's business. */
static void use_without_group_is_granted(struct kunit *test)
{
	struct mock_dev *md = mock_add_bare(test->priv);

	KUNIT_EXPECT_EQ(test, 0, iommu_device_use_default_domain(&md->dev));
	iommu_device_unuse_default_domain(&md->dev);
}

/* 1.3: a group still without default domain is probed again later. */
static void use_without_default_domain_is_deferred(struct kunit *test)
{
	struct mock_dev *md = mock_add_bare(test->priv);
	struct iommu_group *group;

	group = group_without_iommu(test, md);
	KUNIT_EXPECT_EQ(test, -EPROBE_DEFER,
			iommu_device_use_default_domain(&md->dev));
	iommu_group_remove_device(&md->dev);
	iommu_group_put(group);
}

/* O1: every bound driver that uses the DMA API counts. */
static void use_is_counted_for_the_kernel(struct kunit *test)
{
	struct mock_dev *md = mock_group_with_pasids(test, 2);
	struct mock_iommu *m = test->priv;

	KUNIT_EXPECT_FALSE(test, iommu_group_dma_owner_claimed(mock_group(md)));
	KUNIT_EXPECT_EQ(test, 0, iommu_device_use_default_domain(&md->dev));
	KUNIT_EXPECT_EQ(test, 0,
			iommu_device_use_default_domain(&m->devs[1]->dev));
	mock_expect_owner(test, md, IOMMU_OWNER_KERNEL, 2);
	KUNIT_EXPECT_TRUE(test, iommu_group_dma_owner_claimed(mock_group(md)));
	iommu_device_unuse_default_domain(&md->dev);
	mock_expect_owner(test, md, IOMMU_OWNER_KERNEL, 1);
	iommu_device_unuse_default_domain(&m->devs[1]->dev);
	mock_expect_owner(test, md, NULL, 0);
	MOCK_EXPECT_JOURNAL(test, m, "");
}

/* O3: no driver uses the DMA API of any member while a user owns them. */
static void use_is_refused_while_a_user_owns_the_group(struct kunit *test)
{
	struct mock_dev *md = mock_group_with_pasids(test, 2);
	struct mock_iommu *m = test->priv;

	KUNIT_ASSERT_EQ(test, 0,
			iommu_group_claim_dma_owner(mock_group(md), &user_a));
	KUNIT_EXPECT_EQ(test, -EBUSY,
			iommu_device_use_default_domain(&md->dev));
	KUNIT_EXPECT_EQ(test, -EBUSY,
			iommu_device_use_default_domain(&m->devs[1]->dev));
	mock_expect_owner(test, md, &user_a, 1);
	iommu_group_release_dma_owner(mock_group(md));
	KUNIT_EXPECT_EQ(test, 0, iommu_device_use_default_domain(&md->dev));
	iommu_device_unuse_default_domain(&md->dev);
}

/* O3: nor of one that arrives later; it is blocked like its siblings. */
static void use_is_refused_on_a_newcomer_of_an_owned_group(struct kunit *test)
{
	struct mock_dev *md = mock_group_with_pasids(test, 1), *late;
	struct mock_iommu *m = test->priv;

	KUNIT_ASSERT_EQ(test, 0,
			iommu_group_claim_dma_owner(mock_group(md), &user_a));
	late = mock_add(m, 0);
	mock_expect_domain(test, md, &m->blocked);
	KUNIT_EXPECT_EQ(test, -EBUSY,
			iommu_device_use_default_domain(&late->dev));
	iommu_group_release_dma_owner(mock_group(md));
	mock_expect_domain(test, md, &m->identity);
	KUNIT_EXPECT_EQ(test, 0, iommu_device_use_default_domain(&late->dev));
	iommu_device_unuse_default_domain(&late->dev);
}

/* 1.3: a second user of the DMA API finds a domain that is not the default. */
static void second_use_is_refused_on_a_foreign_domain(struct kunit *test)
{
	struct mock_dev *md = mock_group_with_pasids(test, 2);
	struct mock_iommu *m = test->priv;
	struct iommu_domain *a = mock_paging(md);

	KUNIT_ASSERT_EQ(test, 0, iommu_device_use_default_domain(&md->dev));
	KUNIT_ASSERT_EQ(test, 0, iommu_attach_group(a, mock_group(md)));
	KUNIT_EXPECT_EQ(test, -EBUSY,
			iommu_device_use_default_domain(&m->devs[1]->dev));
	mock_expect_owner(test, md, IOMMU_OWNER_KERNEL, 1);
	iommu_detach_group(a, mock_group(md));
	KUNIT_EXPECT_EQ(test, 0,
			iommu_device_use_default_domain(&m->devs[1]->dev));
	iommu_device_unuse_default_domain(&m->devs[1]->dev);
	iommu_device_unuse_default_domain(&md->dev);
	iommu_domain_free(a);
}

/* 1.3: or a PASID in use. */
static void second_use_is_refused_beside_a_pasid(struct kunit *test)
{
	struct mock_dev *md = mock_group_with_pasids(test, 2);
	struct mock_iommu *m = test->priv;
	struct iommu_domain *a = mock_paging(md);

	KUNIT_ASSERT_EQ(test, 0, iommu_device_use_default_domain(&md->dev));
	KUNIT_ASSERT_EQ(test, 0,
			iommu_attach_device_pasid(a, &md->dev, 3, NULL));
	KUNIT_EXPECT_EQ(test, -EBUSY,
			iommu_device_use_default_domain(&m->devs[1]->dev));
	iommu_detach_device_pasid(a, &md->dev, 3);
	KUNIT_EXPECT_EQ(test, 0,
			iommu_device_use_default_domain(&m->devs[1]->dev));
	iommu_device_unuse_default_domain(&m->devs[1]->dev);
	iommu_device_unuse_default_domain(&md->dev);
	iommu_domain_free(a);
}

/* 1.3: ARM attaches its own domain before the driver of the device binds. */
static void first_use_is_granted_on_the_own_domain(struct kunit *test)
{
	struct mock_dev *md = mock_group_with_pasids(test, 1);
	struct iommu_domain *a = mock_paging(md);

	KUNIT_ASSERT_EQ(test, 0, iommu_attach_device(a, &md->dev));
	KUNIT_EXPECT_EQ(test, 0, iommu_device_use_default_domain(&md->dev));
	iommu_device_unuse_default_domain(&md->dev);
	iommu_detach_device(a, &md->dev);
	iommu_domain_free(a);
}

/* O4: who joins a device in exclusive use may not use the DMA API. */
static void use_is_refused_beside_an_exclusive_device(struct kunit *test)
{
	struct mock_dev *md = mock_group_with_pasids(test, 1), *late;
	struct mock_iommu *m = test->priv;
	struct iommu_domain *a = mock_paging(md);

	KUNIT_ASSERT_EQ(test, 0, iommu_attach_device(a, &md->dev));
	late = mock_add(m, 0);
	mock_expect_domain(test, md, a);
	KUNIT_EXPECT_EQ(test, -EBUSY,
			iommu_device_use_default_domain(&late->dev));
	iommu_detach_device(a, &md->dev);
	mock_expect_domain(test, md, &m->identity);
	KUNIT_EXPECT_EQ(test, 0, iommu_device_use_default_domain(&late->dev));
	iommu_device_unuse_default_domain(&late->dev);
	iommu_domain_free(a);
}

/* W24: a forgotten PASID does not keep the group from ever being claimed. */
static void unuse_beside_a_forgotten_pasid_still_counts(struct kunit *test)
{
	struct mock_dev *md = mock_group_with_pasids(test, 1);
	struct iommu_domain *a = mock_paging(md);

	KUNIT_ASSERT_EQ(test, 0, iommu_device_use_default_domain(&md->dev));
	KUNIT_ASSERT_EQ(test, 0,
			iommu_attach_device_pasid(a, &md->dev, 3, NULL));
	iommu_device_unuse_default_domain(&md->dev);
	mock_expect_owner(test, md, NULL, 0);
	iommu_detach_device_pasid(a, &md->dev, 3);
	KUNIT_EXPECT_EQ(test, 0,
			iommu_group_claim_dma_owner(mock_group(md), &user_a));
	iommu_group_release_dma_owner(mock_group(md));
	iommu_domain_free(a);
}

/* O2: from the claim on the group is blocked; the release undoes it. */
static void claim_blocks_the_group_until_release(struct kunit *test)
{
	struct mock_dev *md = mock_group_with_pasids(test, 3);
	struct mock_iommu *m = test->priv;

	KUNIT_EXPECT_EQ(test, 0,
			iommu_group_claim_dma_owner(mock_group(md), &user_a));
	MOCK_EXPECT_JOURNAL(test, m, " d0:blocked d1:blocked d2:blocked");
	mock_expect_domain(test, md, &m->blocked);
	mock_expect_owner(test, md, &user_a, 1);
	KUNIT_EXPECT_TRUE(test, iommu_group_dma_owner_claimed(mock_group(md)));

	mock_journal_clear(m);
	iommu_group_release_dma_owner(mock_group(md));
	MOCK_EXPECT_JOURNAL(test, m, " d0:identity d1:identity d2:identity");
	mock_expect_domain(test, md, &m->identity);
	mock_expect_owner(test, md, NULL, 0);
}

/* O2: the user detaches into the blocking domain, not into the default. */
static void detach_by_a_user_blocks_again(struct kunit *test)
{
	struct mock_dev *md = mock_group_with_pasids(test, 2);
	struct mock_iommu *m = test->priv;
	struct iommu_domain *a = mock_paging(md);

	KUNIT_ASSERT_EQ(test, 0,
			iommu_group_claim_dma_owner(mock_group(md), &user_a));
	KUNIT_EXPECT_EQ(test, 0, iommu_attach_group(a, mock_group(md)));
	mock_expect_domain(test, md, a);
	mock_journal_clear(m);
	iommu_detach_group(a, mock_group(md));
	MOCK_EXPECT_JOURNAL(test, m, " d0:blocked d1:blocked");
	mock_expect_domain(test, md, &m->blocked);
	iommu_group_release_dma_owner(mock_group(md));
	iommu_domain_free(a);
}

/* 1.3: a release takes the user's domain off, too. */
static void release_detaches_what_the_user_left(struct kunit *test)
{
	struct mock_dev *md = mock_group_with_pasids(test, 2);
	struct mock_iommu *m = test->priv;
	struct iommu_domain *a = mock_paging(md);

	KUNIT_ASSERT_EQ(test, 0,
			iommu_group_claim_dma_owner(mock_group(md), &user_a));
	KUNIT_ASSERT_EQ(test, 0, iommu_attach_group(a, mock_group(md)));
	iommu_group_release_dma_owner(mock_group(md));
	mock_expect_domain(test, md, &m->identity);
	iommu_domain_free(a);
	KUNIT_EXPECT_TRUE(test, mock_freed(a));
}

/* T7: a release cannot fail; a device whose driver fails is parked. */
static void release_with_failing_driver_parks_the_device(struct kunit *test)
{
	struct mock_dev *md = mock_group_with_pasids(test, 2);
	struct mock_iommu *m = test->priv;
	struct iommu_domain *a = mock_paging(md);

	KUNIT_ASSERT_EQ(test, 0,
			iommu_group_claim_dma_owner(mock_group(md), &user_a));
	KUNIT_ASSERT_EQ(test, 0, iommu_attach_group(a, mock_group(md)));
	mock_journal_clear(m);
	mock_fail(m, MOCK_ATTACH, md, -EIO);
	iommu_group_release_dma_owner(mock_group(md));
	MOCK_EXPECT_JOURNAL(test, m, " d0:identity!-5 d0:blocked d1:identity");
	mock_expect_owner(test, md, NULL, 0);
	iommu_domain_free(a);
	KUNIT_EXPECT_TRUE(test, mock_freed(a));
}

/* 1.3: a group is claimed once, also by the same user. */
static void second_group_claim_is_refused(struct kunit *test)
{
	struct mock_dev *md = mock_group_with_pasids(test, 1);
	struct iommu_group *group = mock_group(md);

	KUNIT_ASSERT_EQ(test, 0, iommu_group_claim_dma_owner(group, &user_a));
	KUNIT_EXPECT_EQ(test, -EPERM,
			iommu_group_claim_dma_owner(group, &user_a));
	KUNIT_EXPECT_EQ(test, -EPERM,
			iommu_group_claim_dma_owner(group, &user_b));
	mock_expect_owner(test, md, &user_a, 1);
	iommu_group_release_dma_owner(group);
}

/* O2: a bound driver of any member keeps users out. */
static void claim_is_refused_while_a_driver_is_bound(struct kunit *test)
{
	struct mock_dev *md = mock_group_with_pasids(test, 2);
	struct mock_iommu *m = test->priv;

	KUNIT_ASSERT_EQ(test, 0, iommu_device_use_default_domain(&md->dev));
	KUNIT_EXPECT_EQ(test, -EPERM,
			iommu_group_claim_dma_owner(mock_group(md), &user_a));
	KUNIT_EXPECT_EQ(test, -EPERM,
			iommu_device_claim_dma_owner(&m->devs[1]->dev,
						     &user_a));
	mock_expect_owner(test, md, IOMMU_OWNER_KERNEL, 1);
	MOCK_EXPECT_JOURNAL(test, m, "");
	iommu_device_unuse_default_domain(&md->dev);
}

/* O2: the group has to be on its default domain. */
static void claim_is_refused_on_a_foreign_domain(struct kunit *test)
{
	struct mock_dev *md = mock_group_with_pasids(test, 1);
	struct iommu_domain *a = mock_paging(md);

	KUNIT_ASSERT_EQ(test, 0, iommu_attach_group(a, mock_group(md)));
	KUNIT_EXPECT_EQ(test, -EBUSY,
			iommu_group_claim_dma_owner(mock_group(md), &user_a));
	KUNIT_EXPECT_EQ(test, -EBUSY,
			iommu_device_claim_dma_owner(&md->dev, &user_a));
	mock_expect_owner(test, md, NULL, 0);
	mock_expect_domain(test, md, a);
	iommu_detach_group(a, mock_group(md));
	iommu_domain_free(a);
}

/* O2: and have no PASIDs, with or without a handle. */
static void claim_is_refused_beside_a_pasid(struct kunit *test)
{
	struct mock_dev *md = mock_group_with_pasids(test, 1);
	struct iommu_domain *a = mock_paging(md);
	struct iommu_attach_handle handle = {};

	KUNIT_ASSERT_EQ(test, 0,
			iommu_attach_device_pasid(a, &md->dev, 3, NULL));
	KUNIT_EXPECT_EQ(test, -EBUSY,
			iommu_group_claim_dma_owner(mock_group(md), &user_a));
	iommu_detach_device_pasid(a, &md->dev, 3);
	KUNIT_ASSERT_EQ(test, 0,
			iommu_attach_device_pasid(a, &md->dev, 3, &handle));
	KUNIT_EXPECT_EQ(test, -EBUSY,
			iommu_group_claim_dma_owner(mock_group(md), &user_a));
	iommu_detach_device_pasid(a, &md->dev, 3);
	mock_expect_owner(test, md, NULL, 0);
	iommu_domain_free(a);
}

/* W9: nobody is there to be claimed. */
static void claim_of_an_empty_group_is_refused(struct kunit *test)
{
	struct iommu_group *group = iommu_group_alloc();

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, group);
	KUNIT_EXPECT_EQ(test, -ENODEV,
			iommu_group_claim_dma_owner(group, &user_a));
	KUNIT_EXPECT_FALSE(test, iommu_group_dma_owner_claimed(group));
	iommu_group_put(group);
}

/* W41: the members have no IOMMU that could block them. */
static void claim_of_a_group_without_iommu_is_refused(struct kunit *test)
{
	struct mock_dev *md = mock_add_bare(test->priv);
	struct iommu_group *group;

	group = group_without_iommu(test, md);
	KUNIT_EXPECT_EQ(test, -ENODEV,
			iommu_group_claim_dma_owner(group, &user_a));
	KUNIT_EXPECT_FALSE(test, iommu_group_dma_owner_claimed(group));
	iommu_group_remove_device(&md->dev);
	iommu_group_put(group);
}

/* 1.3: firmware needs the device translated 1:1, it cannot be blocked. */
static void claim_of_a_direct_device_is_refused(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_add(m, 0), *direct = mock_new_dev(m, 0);

	mock_add_resv(direct, SZ_1M, SZ_4K, IOMMU_RESV_DIRECT);
	mock_plug(direct);
	mock_journal_clear(m);
	KUNIT_EXPECT_EQ(test, -EINVAL,
			iommu_group_claim_dma_owner(mock_group(md), &user_a));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			iommu_device_claim_dma_owner(&md->dev, &user_a));
	MOCK_EXPECT_JOURNAL(test, m, "");
	mock_expect_owner(test, md, NULL, 0);
	mock_expect_domain(test, md, &m->identity);
}

/* T3: a claim that fails half way changes nothing, and may be repeated. */
static void claim_fails_on_second_device_changes_nothing(struct kunit *test)
{
	struct mock_dev *md = mock_group_with_pasids(test, 3);
	struct mock_iommu *m = test->priv;

	mock_fail(m, MOCK_ATTACH, m->devs[1], -EIO);
	KUNIT_EXPECT_EQ(test, -EIO,
			iommu_group_claim_dma_owner(mock_group(md), &user_a));
	MOCK_EXPECT_JOURNAL(test, m, " d0:blocked d1:blocked!-5 d0:identity");
	mock_expect_owner(test, md, NULL, 0);
	mock_expect_domain(test, md, &m->identity);
	KUNIT_EXPECT_EQ(test, 0,
			iommu_group_claim_dma_owner(mock_group(md), &user_a));
	iommu_group_release_dma_owner(mock_group(md));
}

/* 1.3: a driver without a blocked domain lends an empty one, once. */
static void claim_without_blocked_domain_uses_an_empty_one(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md;

	m->ops.blocked_domain = NULL;
	md = mock_group_with_pasids(test, 2);
	KUNIT_EXPECT_EQ(test, 0,
			iommu_group_claim_dma_owner(mock_group(md), &user_a));
	MOCK_EXPECT_JOURNAL(test, m, " d0:A d1:A");
	iommu_group_release_dma_owner(mock_group(md));
	KUNIT_EXPECT_EQ(test, 0,
			iommu_group_claim_dma_owner(mock_group(md), &user_a));
	iommu_group_release_dma_owner(mock_group(md));
	KUNIT_EXPECT_EQ(test, m->calls[MOCK_ALLOC], 1);
	KUNIT_EXPECT_EQ(test, mock_live_domains(m), 1);
	mock_unplug(m->devs[0]);
	KUNIT_EXPECT_EQ(test, mock_live_domains(m), 1);
	mock_unplug(m->devs[1]);
	KUNIT_EXPECT_EQ(test, mock_live_domains(m), 0);
}

/* T2: without memory for the blocking domain no device is touched. */
static void claim_without_memory_changes_nothing(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md;

	m->ops.blocked_domain = NULL;
	md = mock_group_with_pasids(test, 2);
	mock_fail(m, MOCK_ALLOC, NULL, -ENOMEM);
	KUNIT_EXPECT_EQ(test, -ENOMEM,
			iommu_group_claim_dma_owner(mock_group(md), &user_a));
	MOCK_EXPECT_JOURNAL(test, m, "");
	mock_expect_owner(test, md, NULL, 0);
	mock_expect_domain(test, md, &m->identity);
}

/* 1.3: no group, no claim. */
static void device_claim_without_group_is_refused(struct kunit *test)
{
	struct mock_dev *md = mock_add_bare(test->priv);

	KUNIT_EXPECT_EQ(test, -ENODEV,
			iommu_device_claim_dma_owner(&md->dev, &user_a));
}

/* O2: one user claims several devices of a group, another none of them. */
static void device_claims_of_one_user_are_counted(struct kunit *test)
{
	struct mock_dev *md = mock_group_with_pasids(test, 2);
	struct mock_iommu *m = test->priv;
	struct device *second = &m->devs[1]->dev;

	KUNIT_EXPECT_EQ(test, 0,
			iommu_device_claim_dma_owner(&md->dev, &user_a));
	mock_journal_clear(m);
	KUNIT_EXPECT_EQ(test, 0, iommu_device_claim_dma_owner(second, &user_a));
	KUNIT_EXPECT_EQ(test, -EPERM,
			iommu_device_claim_dma_owner(second, &user_b));
	KUNIT_EXPECT_EQ(test, -EPERM,
			iommu_group_claim_dma_owner(mock_group(md), &user_a));
	mock_expect_owner(test, md, &user_a, 2);
	iommu_device_release_dma_owner(&md->dev);
	mock_expect_owner(test, md, &user_a, 1);
	MOCK_EXPECT_JOURNAL(test, m, "");
	mock_expect_domain(test, md, &m->blocked);
	iommu_device_release_dma_owner(second);
	mock_expect_owner(test, md, NULL, 0);
	mock_expect_domain(test, md, &m->identity);
}

/* 1.3: a further claim of the owner does not look at the domain. */
static void further_device_claim_ignores_the_domain(struct kunit *test)
{
	struct mock_dev *md = mock_group_with_pasids(test, 2);
	struct mock_iommu *m = test->priv;
	struct iommu_domain *a = mock_paging(md);

	KUNIT_ASSERT_EQ(test, 0,
			iommu_device_claim_dma_owner(&md->dev, &user_a));
	KUNIT_ASSERT_EQ(test, 0, iommu_attach_group(a, mock_group(md)));
	KUNIT_EXPECT_EQ(test, 0,
			iommu_device_claim_dma_owner(&m->devs[1]->dev,
						     &user_a));
	mock_expect_domain(test, md, a);
	iommu_device_release_dma_owner(&m->devs[1]->dev);
	mock_expect_domain(test, md, a);
	iommu_detach_group(a, mock_group(md));
	iommu_device_release_dma_owner(&md->dev);
	iommu_domain_free(a);
}

/* W25: the release of a group drops one claim and leaves the others. */
static void group_release_drops_one_claim(struct kunit *test)
{
	struct mock_dev *md = mock_group_with_pasids(test, 2);
	struct mock_iommu *m = test->priv;

	KUNIT_ASSERT_EQ(test, 0,
			iommu_device_claim_dma_owner(&md->dev, &user_a));
	KUNIT_ASSERT_EQ(test, 0,
			iommu_device_claim_dma_owner(&m->devs[1]->dev,
						     &user_a));
	iommu_group_release_dma_owner(mock_group(md));
	mock_expect_owner(test, md, &user_a, 1);
	mock_expect_domain(test, md, &m->blocked);
	if (mock_group(md)->owner)
		iommu_device_release_dma_owner(&md->dev);
	mock_expect_owner(test, md, NULL, 0);
}

/* O4: exclusive use by a kernel driver is refused beside a user. */
static void attach_device_is_refused_while_a_user_owns(struct kunit *test)
{
	struct mock_dev *md = mock_group_with_pasids(test, 1);
	struct mock_iommu *m = test->priv;
	struct iommu_domain *a = mock_paging(md);

	KUNIT_ASSERT_EQ(test, 0,
			iommu_group_claim_dma_owner(mock_group(md), &user_a));
	KUNIT_EXPECT_EQ(test, -EBUSY, iommu_attach_device(a, &md->dev));
	mock_expect_domain(test, md, &m->blocked);
	iommu_group_release_dma_owner(mock_group(md));
	KUNIT_EXPECT_EQ(test, 0, iommu_attach_device(a, &md->dev));
	iommu_detach_device(a, &md->dev);
	iommu_domain_free(a);
}

/* O4: exclusive use neither needs nor takes an owner. */
static void attach_device_takes_no_ownership(struct kunit *test)
{
	struct mock_dev *md = mock_group_with_pasids(test, 1);
	struct iommu_domain *a = mock_paging(md);

	KUNIT_ASSERT_EQ(test, 0, iommu_device_use_default_domain(&md->dev));
	KUNIT_EXPECT_EQ(test, 0, iommu_attach_device(a, &md->dev));
	mock_expect_owner(test, md, IOMMU_OWNER_KERNEL, 1);
	iommu_detach_device(a, &md->dev);
	mock_expect_owner(test, md, IOMMU_OWNER_KERNEL, 1);
	iommu_device_unuse_default_domain(&md->dev);
	iommu_domain_free(a);
}

/* O5: who holds the group, in one word, for everybody. */
static void file_says_who_holds_the_group(struct kunit *test)
{
	struct mock_dev *md = mock_group_with_pasids(test, 2);
	char *page = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);
	struct iommu_group *group = mock_group(md);

	KUNIT_ASSERT_NOT_NULL(test, page);
	KUNIT_EXPECT_GT(test, mock_show(group, "owner", page), 0);
	KUNIT_EXPECT_STREQ(test, page, "none\n");
	KUNIT_ASSERT_EQ(test, 0, iommu_device_use_default_domain(&md->dev));
	KUNIT_EXPECT_GT(test, mock_show(group, "owner", page), 0);
	KUNIT_EXPECT_STREQ(test, page, "kernel\n");
	iommu_device_unuse_default_domain(&md->dev);
	KUNIT_ASSERT_EQ(test, 0, iommu_group_claim_dma_owner(group, &user_a));
	KUNIT_EXPECT_GT(test, mock_show(group, "owner", page), 0);
	KUNIT_EXPECT_STREQ(test, page, "user\n");
	/* It is for reading only. */
	KUNIT_EXPECT_EQ(test, (ssize_t)-EIO, mock_store(group, "owner", "none"));
	iommu_group_release_dma_owner(group);
	KUNIT_EXPECT_GT(test, mock_show(group, "owner", page), 0);
	KUNIT_EXPECT_STREQ(test, page, "none\n");
}

static struct kunit_case owner_cases[] = {
	KUNIT_CASE(file_says_who_holds_the_group),
	KUNIT_CASE(use_without_group_is_granted),
	KUNIT_CASE(use_without_default_domain_is_deferred),
	KUNIT_CASE(use_is_counted_for_the_kernel),
	KUNIT_CASE(use_is_refused_while_a_user_owns_the_group),
	KUNIT_CASE(use_is_refused_on_a_newcomer_of_an_owned_group),
	KUNIT_CASE(second_use_is_refused_on_a_foreign_domain),
	KUNIT_CASE(second_use_is_refused_beside_a_pasid),
	KUNIT_CASE(first_use_is_granted_on_the_own_domain),
	KUNIT_CASE(use_is_refused_beside_an_exclusive_device),
	KUNIT_CASE(unuse_beside_a_forgotten_pasid_still_counts),
	KUNIT_CASE(claim_blocks_the_group_until_release),
	KUNIT_CASE(detach_by_a_user_blocks_again),
	KUNIT_CASE(release_detaches_what_the_user_left),
	KUNIT_CASE(release_with_failing_driver_parks_the_device),
	KUNIT_CASE(second_group_claim_is_refused),
	KUNIT_CASE(claim_is_refused_while_a_driver_is_bound),
	KUNIT_CASE(claim_is_refused_on_a_foreign_domain),
	KUNIT_CASE(claim_is_refused_beside_a_pasid),
	KUNIT_CASE(claim_of_an_empty_group_is_refused),
	KUNIT_CASE(claim_of_a_group_without_iommu_is_refused),
	KUNIT_CASE(claim_of_a_direct_device_is_refused),
	KUNIT_CASE(claim_fails_on_second_device_changes_nothing),
	KUNIT_CASE(claim_without_blocked_domain_uses_an_empty_one),
	KUNIT_CASE(claim_without_memory_changes_nothing),
	KUNIT_CASE(device_claim_without_group_is_refused),
	KUNIT_CASE(device_claims_of_one_user_are_counted),
	KUNIT_CASE(further_device_claim_ignores_the_domain),
	KUNIT_CASE(group_release_drops_one_claim),
	KUNIT_CASE(attach_device_is_refused_while_a_user_owns),
	KUNIT_CASE(attach_device_takes_no_ownership),
	{}
};

static struct kunit_suite owner_suite = {
	.name = "iommu_owner",
	.init = mock_test_init,
	.test_cases = owner_cases,
};

kunit_test_suite(owner_suite);
