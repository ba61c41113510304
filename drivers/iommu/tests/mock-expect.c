// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the core says is compared with what the mock's hardware has, and what it
 * says in sysfs is read, see mock-iommu.h.
 */
#include <linux/kernfs.h>
#include <linux/sysfs.h>
#include "mock-iommu.h"

static int mock_core_users(struct iommu_domain *domain)
{
	return atomic_read(&domain->users);
}

static int mock_core_stranded(struct iommu_domain *domain)
{
	return atomic_read(&domain->stranded);
}

static void mock_expect_domain_users(struct kunit *test, struct mock_iommu *m,
				     struct iommu_domain *domain)
{
	const char *name = mock_domain_name(m, domain);
	int index, slot;

	KUNIT_EXPECT_EQ_MSG(test, mock_core_users(domain),
			    mock_hw_users(m, domain, &index, &slot),
			    "users of %s", name);
	KUNIT_EXPECT_EQ_MSG(test, mock_core_stranded(domain), 0,
			    "stranded on %s", name);
}

void mock_expect_users(struct kunit *test, struct mock_iommu *m)
{
	struct mock_domain *pos;

	mock_expect_domain_users(test, m, &m->identity);
	mock_expect_domain_users(test, m, &m->blocked);
	list_for_each_entry(pos, &m->domains, link)
		if (!pos->freed)
			mock_expect_domain_users(test, m, &pos->domain);
}

static void mock_expect_member(struct kunit *test, struct mock_dev *md,
			       struct iommu_domain *domain)
{
	struct mock_iommu *m = md->m;

	KUNIT_EXPECT_STREQ_MSG(test, mock_domain_name(m, md->hw[0]),
			       mock_domain_name(m, domain),
			       "hardware of d%d", md->index);
	KUNIT_EXPECT_STREQ_MSG(test,
			       mock_domain_name(m, md->dev.iommu->attached),
			       mock_domain_name(m, domain),
			       "core's record of d%d", md->index);
}

void mock_expect_domain(struct kunit *test, struct mock_dev *md,
			struct iommu_domain *domain)
{
	struct iommu_group *group = mock_group(md);
	struct group_device *gdev;

	KUNIT_ASSERT_NOT_NULL(test, group);
	guard(mutex)(&group->mutex);
	KUNIT_EXPECT_STREQ_MSG(test, mock_domain_name(md->m, group->domain),
			       mock_domain_name(md->m, domain), "the group");
	list_for_each_entry(gdev, &group->devices, list)
		mock_expect_member(test, to_mock_dev(gdev->dev), domain);
	mock_expect_users(test, md->m);
}

void mock_expect_pasid(struct kunit *test, struct mock_dev *md, ioasid_t pasid,
		       struct iommu_domain *domain)
{
	struct iommu_group *group = mock_group(md);
	struct group_device *gdev;

	KUNIT_ASSERT_NOT_NULL(test, group);
	guard(mutex)(&group->mutex);
	list_for_each_entry(gdev, &group->devices, list) {
		struct mock_dev *pos = to_mock_dev(gdev->dev);

		if (!gdev->dev->iommu->max_pasids)
			continue;
		KUNIT_EXPECT_STREQ_MSG(test,
				       mock_domain_name(md->m, pos->hw[pasid]),
				       mock_domain_name(md->m, domain),
				       "hardware of d%d.%u", pos->index, pasid);
	}
}

void mock_expect_owner(struct kunit *test, struct mock_dev *md, void *owner,
		       unsigned int count)
{
	struct iommu_group *group = mock_group(md);

	guard(mutex)(&group->mutex);
	KUNIT_EXPECT_PTR_EQ(test, group->owner, owner);
	KUNIT_EXPECT_EQ(test, group->owner_cnt, count);
}

ssize_t mock_show(struct iommu_group *group, const char *file, char *page)
{
	struct kernfs_node *kn = kernfs_find_and_get(group->kobj.sd, file);
	ssize_t ret = -ENOENT;

	if (kn)
		ret = group->kobj.ktype->sysfs_ops->show(&group->kobj, kn->priv,
							 page);
	kernfs_put(kn);
	return ret;
}

ssize_t mock_store(struct iommu_group *group, const char *file,
		   const char *text)
{
	struct kernfs_node *kn = kernfs_find_and_get(group->kobj.sd, file);
	ssize_t ret = -ENOENT;

	if (kn)
		ret = group->kobj.ktype->sysfs_ops->store(&group->kobj,
							  kn->priv, text,
							  strlen(text));
	kernfs_put(kn);
	return ret;
}
