// SPDX-License-Identifier: GPL-2.0-only
/*
 * What drivers of different characters make of the core's calls: those that
 * count attachments, those that keep lists of a domain's devices, those that
 * detach before they attach; and the drivers of the devices themselves.
 */
#include <linux/device/driver.h>
#include "mock-iommu.h"

/* ---- drivers that count --------------------------------------------------- */

/* The device that fails, and how its driver goes about attaching. */
struct character {
	const char *name;
	int failing;
	bool breaks;
};

static const struct character characters[] = {
	{ "counts, first fails", 0, false },
	{ "counts, second fails", 1, false },
	{ "counts, last fails", 2, false },
	{ "breaks, first fails", 0, true },
	{ "breaks, second fails", 1, true },
	{ "breaks, last fails", 2, true },
};

static void character_desc(const struct character *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(character, characters, character_desc);

/*
 * W3: a device that kept its old domain is not attached to it again, one that
 * lost it is, once; the mock of a driver that counts fails the test itself.
 */
static void each_character_is_undone_its_way(struct kunit *test)
{
	const struct character *c = test->param_value;
	struct mock_iommu *m = test->priv;
	struct iommu_domain *a, *b;
	struct mock_dev *md;

	m->counts = true;
	m->ops.attach_breaks_old = c->breaks;
	for (int i = 0; i < 3; i++)
		mock_add(m, 0);
	md = m->devs[0];
	a = mock_paging(md);
	b = mock_paging(md);

	/* From the default domain, and from one paging domain to another. */
	mock_fail(m, MOCK_ATTACH, m->devs[c->failing], -EIO)->breaks =
		c->breaks;
	KUNIT_EXPECT_EQ(test, -EIO, iommu_attach_group(a, mock_group(md)));
	mock_expect_domain(test, md, &m->identity);
	KUNIT_ASSERT_EQ(test, 0, iommu_attach_group(a, mock_group(md)));
	mock_fail(m, MOCK_ATTACH, m->devs[c->failing], -EIO)->breaks =
		c->breaks;
	KUNIT_EXPECT_EQ(test, -EIO,
			iommu_group_replace_domain(mock_group(md), b));
	mock_expect_domain(test, md, a);
	iommu_detach_group(a, mock_group(md));
	mock_expect_domain(test, md, &m->identity);
	iommu_domain_free(a);
	iommu_domain_free(b);
}

/* ---- drivers that keep lists ---------------------------------------------- */

#define MOST_ENTRIES	32

/**
 * struct books - which devices the driver believes to be on which domain
 * @attach: the mock's own attach_dev()
 * @entries: the lists of all domains, as pairs
 * @nr_entries: their number
 */
struct books {
	int (*attach)(struct iommu_domain *domain, struct device *dev);
	struct {
		struct iommu_domain *domain;
		struct device *dev;
	} entries[MOST_ENTRIES];
	int nr_entries;
};

static void books_remove(struct books *books, struct iommu_domain *domain,
			 struct device *dev)
{
	for (int i = 0; i < books->nr_entries; i++) {
		if (books->entries[i].domain != domain ||
		    books->entries[i].dev != dev)
			continue;
		books->entries[i] = books->entries[--books->nr_entries];
		return;
	}
}

/*
 * As SMMUv3: the device joins the list of the new domain, and leaves the list
 * of the one that the core says it had.
 */
static int attach_by_the_book(struct iommu_domain *domain, struct device *dev)
{
	struct books *books = to_mock_dev(dev)->m->on_call_data;
	struct iommu_domain *old = iommu_get_domain_for_dev(dev);
	int ret;

	ret = books->attach(domain, dev);
	if (ret)
		return ret;
	if (WARN_ON(books->nr_entries == MOST_ENTRIES))
		return -ENOSPC;
	books->entries[books->nr_entries].domain = domain;
	books->entries[books->nr_entries++].dev = dev;
	books_remove(books, old, dev);
	return 0;
}

static struct books *open_books(struct kunit *test)
{
	struct books *books = kunit_kzalloc(test, sizeof(*books), GFP_KERNEL);
	struct mock_iommu *m = test->priv;

	KUNIT_ASSERT_NOT_NULL(test, books);
	books->attach = m->paging_ops.attach_dev;
	m->on_call_data = books;
	m->paging_ops.attach_dev = attach_by_the_book;
	m->static_ops.attach_dev = attach_by_the_book;
	return books;
}

/* Each device has one entry, that of what its hardware translates with. */
static void expect_books(struct kunit *test, struct books *books, int nr_devs)
{
	KUNIT_EXPECT_EQ(test, books->nr_entries, nr_devs);
	for (int i = 0; i < books->nr_entries; i++) {
		struct mock_dev *md = to_mock_dev(books->entries[i].dev);

		KUNIT_EXPECT_PTR_EQ_MSG(test, books->entries[i].domain,
					md->hw[0], "d%d", md->index);
	}
}

/* W6: a member that comes later is not struck off the list it just joined. */
static void later_member_stays_on_its_domains_list(struct kunit *test)
{
	struct books *books = open_books(test);
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_add(m, 0);
	struct iommu_domain *a = mock_paging(md);

	mock_add(m, 0);
	expect_books(test, books, 2);
	KUNIT_ASSERT_EQ(test, 0, iommu_attach_group(a, mock_group(md)));
	expect_books(test, books, 2);
	mock_add(m, 0);
	expect_books(test, books, 3);
	iommu_detach_group(a, mock_group(md));
	expect_books(test, books, 3);
	iommu_domain_free(a);
}

/* W5: after an undo nobody is left on the list of the domain that failed. */
static void undo_leaves_no_stale_entry(struct kunit *test)
{
	struct books *books = open_books(test);
	struct mock_iommu *m = test->priv;
	struct iommu_domain *a, *b;
	struct mock_dev *md;

	for (int i = 0; i < 3; i++)
		mock_add(m, 0);
	md = m->devs[0];
	a = mock_paging(md);
	b = mock_paging(md);
	mock_fail(m, MOCK_ATTACH, m->devs[2], -EIO);
	KUNIT_EXPECT_EQ(test, -EIO, iommu_attach_group(a, mock_group(md)));
	expect_books(test, books, 3);
	KUNIT_ASSERT_EQ(test, 0, iommu_attach_group(a, mock_group(md)));
	mock_fail(m, MOCK_ATTACH, m->devs[2], -EIO);
	KUNIT_EXPECT_EQ(test, -EIO,
			iommu_group_replace_domain(mock_group(md), b));
	expect_books(test, books, 3);
	iommu_domain_free(b);
	iommu_detach_group(a, mock_group(md));
	expect_books(test, books, 3);
	iommu_domain_free(a);
}

/* ---- drivers of devices --------------------------------------------------- */

/* What the managed memory of the driver saw when it was freed. */
static struct {
	int probe_ret;
	int freed;
	void *owner;
} managed;

static void managed_free(void *data)
{
	struct device *dev = data;

	managed.freed++;
	managed.owner = dev->iommu_group->owner;
}

static int managed_probe(struct device *dev)
{
	int ret = devm_add_action(dev, managed_free, dev);

	return ret ?: managed.probe_ret;
}

static int managed_bind(struct kunit *test, struct device_driver *driver,
			int probe_ret)
{
	struct mock_iommu *m = test->priv;

	memset(&managed, 0, sizeof(managed));
	managed.probe_ret = probe_ret;
	*driver = (struct device_driver){
		.name = "mock-managed",
		.bus = m->bus,
		.owner = THIS_MODULE,
		.probe = managed_probe,
		.suppress_bind_attrs = true,
	};
	return driver_register(driver);
}

/* W48: what a driver has managed for it is freed while DMA is still its own. */
static void managed_memory_goes_before_ownership(struct kunit *test)
{
	struct mock_dev *md = mock_add(test->priv, 0);
	static struct device_driver driver;

	KUNIT_ASSERT_EQ(test, 0, managed_bind(test, &driver, 0));
	KUNIT_EXPECT_PTR_EQ(test, mock_group(md)->owner, IOMMU_OWNER_KERNEL);
	driver_unregister(&driver);
	KUNIT_EXPECT_EQ(test, managed.freed, 1);
	KUNIT_EXPECT_PTR_EQ(test, managed.owner, IOMMU_OWNER_KERNEL);
	KUNIT_EXPECT_NULL(test, mock_group(md)->owner);
}

/* W48: nor otherwise when the driver's probe fails. */
static void failed_probe_frees_before_ownership_ends(struct kunit *test)
{
	struct mock_dev *md = mock_add(test->priv, 0);
	static struct device_driver driver;

	KUNIT_ASSERT_EQ(test, 0, managed_bind(test, &driver, -ENODEV));
	KUNIT_EXPECT_EQ(test, managed.freed, 1);
	KUNIT_EXPECT_PTR_EQ(test, managed.owner, IOMMU_OWNER_KERNEL);
	KUNIT_EXPECT_NULL(test, mock_group(md)->owner);
	driver_unregister(&driver);
}

static struct kunit_case characters_cases[] = {
	KUNIT_CASE_PARAM(each_character_is_undone_its_way,
			 character_gen_params),
	KUNIT_CASE(later_member_stays_on_its_domains_list),
	KUNIT_CASE(undo_leaves_no_stale_entry),
	KUNIT_CASE(managed_memory_goes_before_ownership),
	KUNIT_CASE(failed_probe_frees_before_ownership_ends),
	{}
};

static struct kunit_suite characters_suite = {
	.name = "iommu_characters",
	.init = mock_test_init,
	.test_cases = characters_cases,
};

kunit_test_suite(characters_suite);
