// SPDX-License-Identifier: GPL-2.0-only
/*
 * The default domain and its file in sysfs, "type": section 1.5 of the
 * contract. The file is read and written through the operations that sysfs
 * itself would call for it.
 *
 * Most cases need domains for the DMA API, which not every architecture has.
 */
#include <linux/completion.h>
#include <linux/cred.h>
#include <linux/device.h>
#include <linux/init.h>
#include <linux/kstrtox.h>
#include <linux/kthread.h>
#include <linux/scatterlist.h>
#include <linux/sched.h>
/* Needs what is above, and does not say so. */
#include <linux/iommu-dma.h>
#include "mock-iommu.h"

static int owner;

static void skip_without_dma(struct kunit *test)
{
	if (!IS_ENABLED(CONFIG_IOMMU_DMA))
		kunit_skip(test, "no DMA domains without CONFIG_IOMMU_DMA");
}

/* @n devices in one group whose driver leaves the type to others. */
static struct mock_dev *open_group_of(struct kunit *test, int n)
{
	struct mock_iommu *m = test->priv;

	for (int i = 0; i < n; i++) {
		struct mock_dev *md = mock_new_dev(m, 0);

		md->def_type = 0;
		mock_plug(md);
		KUNIT_ASSERT_NOT_NULL(test, mock_group(md));
	}
	mock_journal_clear(m);
	return m->devs[0];
}

static ssize_t type_store(struct iommu_group *group, const char *word)
{
	return mock_store(group, "type", word);
}

static const char *type_show(struct kunit *test, struct iommu_group *group)
{
	char *buf = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, buf);
	KUNIT_EXPECT_GT(test, mock_show(group, "type", buf), 0);
	return buf;
}

static void expect_write(struct kunit *test, struct mock_dev *md,
			 const char *word, ssize_t ret)
{
	KUNIT_EXPECT_EQ_MSG(test, ret, type_store(mock_group(md), word),
			    "writing '%s'", word);
}

static void expect_written(struct kunit *test, struct mock_dev *md,
			   const char *word)
{
	expect_write(test, md, word, strlen(word));
}

/* 1.5: what the file says of each kind of default domain. */
static void file_shows_the_default_domain(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_add(m, 0);
	struct iommu_group *group = iommu_group_get(&md->dev);

	KUNIT_EXPECT_STREQ(test, type_show(test, group), "identity\n");
	/* A user's domain is not the default. */
	KUNIT_ASSERT_EQ(test, 0, iommu_group_claim_dma_owner(group, &owner));
	KUNIT_EXPECT_STREQ(test, type_show(test, group), "identity\n");
	iommu_group_release_dma_owner(group);
	mock_unplug(md);
	KUNIT_EXPECT_STREQ(test, type_show(test, group), "unknown\n");
	iommu_group_put(group);

	m->ops.default_domain = &m->blocked;
	md = mock_add(m, 0);
	KUNIT_EXPECT_STREQ(test, type_show(test, mock_group(md)), "blocked\n");
}

/* 1.5: the words for DMA domains. */
static void file_shows_dma_domains(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md;

	skip_without_dma(test);
	m->caps = BIT(IOMMU_CAP_DEFERRED_FLUSH);
	md = mock_new_dev(m, 0);
	md->def_type = IOMMU_DOMAIN_DMA;
	mock_plug(md);
	KUNIT_ASSERT_NOT_NULL(test, mock_group(md));
	KUNIT_EXPECT_STREQ(test, type_show(test, mock_group(md)), "DMA\n");
	expect_written(test, md, "DMA-FQ\n");
	KUNIT_EXPECT_STREQ(test, type_show(test, mock_group(md)), "DMA-FQ\n");
}

/* 1.5: only four words can be written. */
static void other_words_are_refused(struct kunit *test)
{
	static const char * const words[] = {
		"", "\n", "dma", "DMA-FQ ", "identity2", "Identity", "blocked",
		"unmanaged", "unknown", "0",
	};
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_add(m, 0);

	mock_journal_clear(m);
	for (int i = 0; i < ARRAY_SIZE(words); i++)
		expect_write(test, md, words[i], -EINVAL);
	MOCK_EXPECT_JOURNAL(test, m, "");
}

/* 1.5: an administrator needs both capabilities. */
static void writer_without_capabilities_is_refused(struct kunit *test)
{
	static const int needed[] = { CAP_SYS_ADMIN, CAP_SYS_RAWIO };
	struct mock_dev *md = mock_add(test->priv, 0);

	for (int i = 0; i < ARRAY_SIZE(needed); i++) {
		struct cred *cred = prepare_creds();
		const struct cred *old;

		KUNIT_ASSERT_NOT_NULL(test, cred);
		cap_lower(cred->cap_effective, needed[i]);
		old = override_creds(cred);
		expect_write(test, md, "identity", -EACCES);
		revert_creds(old);
		put_cred(cred);
	}
	expect_written(test, md, "identity");
}

/* 1.5: no default domain, nothing to change. */
static void group_without_default_domain_is_refused(struct kunit *test)
{
	struct mock_dev *md = mock_add(test->priv, 0);
	struct iommu_group *group = iommu_group_alloc();

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, group);
	KUNIT_EXPECT_EQ(test, -EINVAL, type_store(group, "identity"));
	iommu_group_put(group);

	group = iommu_group_get(&md->dev);
	mock_unplug(md);
	KUNIT_EXPECT_EQ(test, -EINVAL, type_store(group, "DMA-FQ"));
	iommu_group_put(group);
}

/* 1.5: under a driver or a user nothing changes. */
static void group_in_use_is_refused(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_add(m, 0);
	struct iommu_domain *a = mock_paging(md);

	KUNIT_ASSERT_EQ(test, 0, iommu_device_use_default_domain(&md->dev));
	expect_write(test, md, "identity", -EPERM);
	iommu_device_unuse_default_domain(&md->dev);
	KUNIT_ASSERT_EQ(test, 0,
			iommu_group_claim_dma_owner(mock_group(md), &owner));
	expect_write(test, md, "identity", -EPERM);
	mock_expect_domain(test, md, &m->blocked);
	iommu_group_release_dma_owner(mock_group(md));
	/* O4: nor under a driver with a domain of its own. */
	KUNIT_ASSERT_EQ(test, 0, iommu_attach_device(a, &md->dev));
	expect_write(test, md, "auto", -EPERM);
	mock_expect_domain(test, md, a);
	iommu_detach_device(a, &md->dev);
	iommu_domain_free(a);
	expect_written(test, md, "identity");
}

/* 1.5: a write that changes nothing succeeds without a driver call. */
static void same_type_calls_nobody(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_add(m, 0);

	mock_journal_clear(m);
	expect_written(test, md, "identity\n");
	expect_written(test, md, "auto");
	MOCK_EXPECT_JOURNAL(test, m, "");
	mock_expect_domain(test, md, &m->identity);
}

/* 1.5: what the driver demands cannot be overruled. */
static void type_that_the_driver_excludes_is_refused(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_add(m, 0);

	mock_journal_clear(m);
	expect_write(test, md, "DMA", -EINVAL);
	expect_write(test, md, "DMA-FQ", -EINVAL);
	MOCK_EXPECT_JOURNAL(test, m, "");
	mock_expect_domain(test, md, &m->identity);
}

/* T3, W22: the same between static domains, for every architecture. */
static void change_between_static_domains_is_all_or_nothing(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md;

	m->ops.default_domain = &m->blocked;
	md = mock_add(m, 0);
	mock_add(m, 0);
	m->ops.default_domain = NULL;
	mock_journal_clear(m);
	mock_fail(m, MOCK_ATTACH, m->devs[1], -EIO);
	expect_write(test, md, "identity", -EIO);
	MOCK_EXPECT_JOURNAL(test, m, " d0:identity d1:identity!-5 d0:blocked");
	KUNIT_EXPECT_PTR_EQ(test, mock_group(md)->default_domain, &m->blocked);
	mock_expect_domain(test, md, &m->blocked);

	expect_written(test, md, "identity");
	KUNIT_EXPECT_PTR_EQ(test, mock_group(md)->default_domain, &m->identity);
	mock_expect_domain(test, md, &m->identity);
}

/* 1.5: nor what the driver has for all its devices. */
static void type_beside_the_drivers_only_domain_is_refused(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md;

	m->ops.default_domain = &m->blocked;
	md = mock_add(m, 0);
	mock_journal_clear(m);
	expect_write(test, md, "identity", -EINVAL);
	expect_written(test, md, "auto");
	MOCK_EXPECT_JOURNAL(test, m, "");
	mock_expect_domain(test, md, &m->blocked);
}

/* T5: the group moves, the old default goes. */
static void change_moves_the_group_and_frees_the_old(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct iommu_domain *old, *new;
	struct mock_dev *md;

	skip_without_dma(test);
	md = open_group_of(test, 2);
	expect_written(test, md, "DMA");
	old = mock_group(md)->default_domain;
	mock_expect_domain(test, md, old);
	mock_journal_clear(m);
	expect_written(test, md, "identity");
	MOCK_EXPECT_JOURNAL(test, m, " d0:identity d1:identity");
	mock_expect_domain(test, md, &m->identity);
	KUNIT_EXPECT_PTR_EQ(test, mock_group(md)->default_domain, &m->identity);
	KUNIT_EXPECT_TRUE(test, mock_freed(old));

	expect_written(test, md, "DMA");
	new = mock_group(md)->default_domain;
	KUNIT_EXPECT_EQ(test, new->type, IOMMU_DOMAIN_DMA);
	mock_expect_domain(test, md, new);
	KUNIT_EXPECT_EQ(test, mock_live_domains(m), 1);
}

/* T3, W22: a change that fails leaves the old default in place. */
static void change_fails_on_second_device_keeps_old(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct iommu_domain *old;
	struct mock_dev *md;

	skip_without_dma(test);
	md = open_group_of(test, 3);
	expect_written(test, md, "DMA");
	old = mock_group(md)->default_domain;
	mock_fail(m, MOCK_ATTACH, m->devs[1], -EIO);
	expect_write(test, md, "identity", -EIO);
	KUNIT_EXPECT_PTR_EQ(test, mock_group(md)->default_domain, old);
	mock_expect_domain(test, md, old);
	KUNIT_EXPECT_FALSE(test, mock_freed(old));
	KUNIT_EXPECT_EQ(test, 0, iommu_device_use_default_domain(&md->dev));
	iommu_device_unuse_default_domain(&md->dev);
}

/* W22: nobody keeps the new domain when going back fails as well. */
static void change_fails_and_undo_fails_parks(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md;

	skip_without_dma(test);
	md = open_group_of(test, 2);
	expect_written(test, md, "identity");
	mock_fail(m, MOCK_ATTACH, m->devs[1], -ENOMEM);
	mock_fail(m, MOCK_ATTACH, md, -EIO)->domain = &m->identity;
	expect_write(test, md, "DMA", -ENOMEM);
	KUNIT_EXPECT_PTR_EQ(test, mock_group(md)->default_domain, &m->identity);
	KUNIT_EXPECT_PTR_EQ(test, md->hw[0], &m->blocked);
	KUNIT_EXPECT_PTR_EQ(test, m->devs[1]->hw[0], &m->identity);
	KUNIT_EXPECT_EQ(test, mock_live_domains(m), 0);
}

/* T2: without memory nothing is touched. */
static void change_without_memory_touches_nobody(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md;

	skip_without_dma(test);
	md = open_group_of(test, 2);
	expect_written(test, md, "identity");
	mock_journal_clear(m);
	mock_fail(m, MOCK_ALLOC, NULL, -ENOMEM);
	expect_write(test, md, "DMA", -ENOMEM);
	MOCK_EXPECT_JOURNAL(test, m, "");
	mock_expect_domain(test, md, &m->identity);
	KUNIT_EXPECT_PTR_EQ(test, mock_group(md)->default_domain, &m->identity);
}

/* A device that firmware wants mapped 1:1, its group set to identity. */
static struct mock_dev *add_with_direct_region(struct kunit *test)
{
	struct mock_dev *md = mock_new_dev(test->priv, 0);

	md->def_type = 0;
	mock_add_resv(md, SZ_1M, SZ_4K, IOMMU_RESV_DIRECT_RELAXABLE);
	mock_plug(md);
	KUNIT_ASSERT_NOT_NULL(test, mock_group(md));
	expect_written(test, md, "identity");
	return md;
}

/* W22: firmware's mappings fail before and behind the attach. */
static void change_without_direct_mappings_goes_back(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md;

	skip_without_dma(test);
	md = add_with_direct_region(test);
	mock_fail(m, MOCK_MAP, NULL, -ENOMEM)->times = 2;
	expect_write(test, md, "DMA", -ENOMEM);
	KUNIT_EXPECT_EQ(test, 0, mock_faults_left(m));
	mock_expect_domain(test, md, &m->identity);
	KUNIT_EXPECT_PTR_EQ(test, mock_group(md)->default_domain, &m->identity);
	KUNIT_EXPECT_EQ(test, mock_live_domains(m), 0);
	expect_written(test, md, "DMA");
}

/* A driver that can map only where something is attached: second time lucky. */
static void direct_mappings_may_come_behind_the_attach(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct iommu_domain *domain;
	struct mock_dev *md;

	skip_without_dma(test);
	md = add_with_direct_region(test);
	mock_fail(m, MOCK_MAP, NULL, -ENODEV);
	expect_written(test, md, "DMA");
	KUNIT_EXPECT_EQ(test, 0, mock_faults_left(m));
	domain = mock_group(md)->default_domain;
	mock_expect_domain(test, md, domain);
	KUNIT_EXPECT_EQ(test, (phys_addr_t)SZ_1M,
			iommu_iova_to_phys(domain, SZ_1M));
}

/* W22, W23: the first default cannot hold them: the device stays outside. */
static void first_default_without_direct_mappings_leaves_nothing(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_new_dev(m, 0);

	skip_without_dma(test);
	md->def_type = IOMMU_DOMAIN_DMA;
	mock_add_resv(md, SZ_1M, SZ_4K, IOMMU_RESV_DIRECT_RELAXABLE);
	mock_fail(m, MOCK_MAP, NULL, -ENOMEM)->times = 2;
	mock_plug(md);
	KUNIT_EXPECT_NULL(test, mock_group(md));
	KUNIT_EXPECT_EQ(test, 0, mock_faults_left(m));
	KUNIT_EXPECT_NULL(test, md->hw[0]);
	KUNIT_EXPECT_EQ(test, mock_live_domains(m), 0);
	KUNIT_EXPECT_EQ(test, 0, iommu_probe_device(&md->dev));
	mock_expect_domain(test, md, mock_group(md)->default_domain);
}

/* What the command line says of an option, if it says anything. */
static bool option(const char *name, bool otherwise)
{
	const char *said = strstr(saved_command_line, name);
	bool on;

	if (!said || kstrtobool(said + strlen(name), &on))
		return otherwise;
	return on;
}

static bool option_passthrough(void)
{
	return option("iommu.passthrough=",
		      IS_ENABLED(CONFIG_IOMMU_DEFAULT_PASSTHROUGH));
}

static bool option_strict(void)
{
	return option("iommu.strict=",
		      IS_ENABLED(CONFIG_IOMMU_DEFAULT_DMA_STRICT));
}

/* The kernel's own choice cannot be had, but what comes next to it. */
static void default_falls_back_to_the_next_best(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md;

	skip_without_dma(test);
	if (option_passthrough() || option_strict())
		kunit_skip(test, "nothing comes next to this kernel's choice");
	m->caps = BIT(IOMMU_CAP_DEFERRED_FLUSH);
	mock_fail(m, MOCK_ALLOC, NULL, -ENOMEM);
	md = open_group_of(test, 1);
	KUNIT_EXPECT_EQ(test, 0, mock_faults_left(m));
	KUNIT_EXPECT_STREQ(test, type_show(test, mock_group(md)), "DMA\n");
	KUNIT_EXPECT_EQ(test, mock_live_domains(m), 1);
}

/* Nor that: the device stays outside. */
static void default_that_nobody_asked_for_fails_as_well(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_new_dev(m, 0);

	skip_without_dma(test);
	if (option_passthrough())
		kunit_skip(test, "identity takes no memory");
	md->def_type = 0;
	mock_fail(m, MOCK_ALLOC, NULL, -ENOMEM)->times = 2;
	mock_plug(md);
	KUNIT_EXPECT_NULL(test, mock_group(md));
	mock_heal(m);
	KUNIT_EXPECT_EQ(test, 0, iommu_probe_device(&md->dev));
	mock_expect_domain(test, md, mock_group(md)->default_domain);
}

/* The first word on what new groups get is the kernel's command line. */
static void command_line_decides_what_new_groups_get(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	const char *word = "DMA-FQ\n";

	KUNIT_EXPECT_EQ(test, iommu_default_passthrough(),
			option_passthrough());
	skip_without_dma(test);
	m->caps = BIT(IOMMU_CAP_DEFERRED_FLUSH);
	if (option_passthrough())
		word = "identity\n";
	else if (option_strict())
		word = "DMA\n";
	KUNIT_EXPECT_STREQ(test,
			   type_show(test, mock_group(open_group_of(test, 1))),
			   word);
}

/* 1.5: a flush queue may start under bound drivers. */
static void flush_queue_starts_under_a_bound_driver(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct iommu_domain *domain;
	struct mock_dev *md;

	skip_without_dma(test);
	m->caps = BIT(IOMMU_CAP_DEFERRED_FLUSH);
	md = open_group_of(test, 2);
	expect_written(test, md, "DMA");
	domain = mock_group(md)->default_domain;
	KUNIT_ASSERT_EQ(test, 0, iommu_device_use_default_domain(&md->dev));
	mock_journal_clear(m);
	expect_written(test, md, "DMA-FQ");
	MOCK_EXPECT_JOURNAL(test, m, "");
	KUNIT_EXPECT_PTR_EQ(test, mock_group(md)->default_domain, domain);
	KUNIT_EXPECT_EQ(test, domain->type, IOMMU_DOMAIN_DMA_FQ);
	/* There is no way back under the driver. */
	expect_write(test, md, "DMA", -EPERM);
	iommu_device_unuse_default_domain(&md->dev);
}

/* W21: the queue needs a driver that can work with it. */
static void flush_queue_without_driver_support_is_refused(struct kunit *test)
{
	struct mock_dev *md;

	skip_without_dma(test);
	md = open_group_of(test, 1);
	expect_written(test, md, "DMA");
	expect_write(test, md, "DMA-FQ", -EINVAL);
	KUNIT_EXPECT_STREQ(test, type_show(test, mock_group(md)), "DMA\n");
}

/* A device that needs identity works with nothing else; others may do. */
static void identity_wins_where_members_disagree(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md;

	skip_without_dma(test);
	mock_unregister(m);
	for (int i = 0; i < 3; i++) {
		md = mock_new_dev(m, 0);
		md->def_type = i == 1 ? IOMMU_DOMAIN_IDENTITY :
					IOMMU_DOMAIN_DMA;
		mock_plug(md);
	}
	KUNIT_ASSERT_EQ(test, 0, mock_register(m));
	KUNIT_ASSERT_NOT_NULL(test, mock_group(md));
	KUNIT_EXPECT_PTR_EQ(test, mock_group(md)->default_domain, &m->identity);
	mock_expect_domain(test, md, &m->identity);
}

/* W23: the first default domain cannot be had, the device stays outside. */
static void first_default_without_memory_leaves_nothing(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md = mock_new_dev(m, 0);

	skip_without_dma(test);
	md->def_type = IOMMU_DOMAIN_DMA;
	mock_fail(m, MOCK_ALLOC, NULL, -ENOMEM)->times = 2;
	mock_plug(md);
	KUNIT_EXPECT_NULL(test, mock_group(md));
	KUNIT_EXPECT_EQ(test, -ENOMEM, iommu_probe_device(&md->dev));
	KUNIT_EXPECT_NULL(test, mock_group(md));
	KUNIT_EXPECT_EQ(test, 0, iommu_probe_device(&md->dev));
	KUNIT_EXPECT_PTR_EQ(test, mock_group(md)->default_domain, md->hw[0]);
}

/* W23: the first attach fails half way, the group keeps no domain. */
static void first_attach_failure_leaves_no_default(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct iommu_group *group;
	struct mock_dev *md;

	mock_unregister(m);
	for (int i = 0; i < 2; i++)
		mock_plug(mock_new_dev(m, 0));
	md = m->devs[0];
	mock_fail(m, MOCK_ATTACH, m->devs[1], -EIO);
	mock_register(m);
	group = mock_group(md);
	if (group) {
		KUNIT_EXPECT_PTR_EQ(test, group->default_domain,
				    group->domain);
		KUNIT_EXPECT_NULL(test, group->default_domain);
	}
	KUNIT_EXPECT_NULL(test, md->hw[0]);
	KUNIT_EXPECT_NULL(test, m->devs[1]->hw[0]);
}

/* W14: a bus walked again leaves a default domain in use alone. */
static void later_bus_walk_keeps_the_default_domain(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct iommu_domain *domain;
	struct mock_dev *md;

	skip_without_dma(test);
	/* Without the capability a flush queue is asked for and refused. */
	md = open_group_of(test, 2);
	domain = mock_group(md)->default_domain;
	KUNIT_ASSERT_EQ(test, 0, iommu_device_use_default_domain(&md->dev));
	mock_journal_clear(m);
	bus_iommu_probe(m->bus);
	MOCK_EXPECT_JOURNAL(test, m, "");
	KUNIT_EXPECT_PTR_EQ(test, mock_group(md)->default_domain, domain);
	KUNIT_EXPECT_FALSE(test, mock_freed(domain));
	iommu_device_unuse_default_domain(&md->dev);
}

/* W15: who came while a user owned the group has the DMA API afterwards. */
static void newcomer_of_an_owned_group_has_the_dma_api_later(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	struct mock_dev *md, *late;

	skip_without_dma(test);
	md = open_group_of(test, 1);
	expect_written(test, md, "DMA");
	KUNIT_ASSERT_TRUE(test, use_dma_iommu(&md->dev));
	KUNIT_ASSERT_EQ(test, 0,
			iommu_group_claim_dma_owner(mock_group(md), &owner));
	late = mock_new_dev(m, 0);
	late->def_type = 0;
	mock_plug(late);
	KUNIT_ASSERT_NOT_NULL(test, mock_group(late));
	iommu_group_release_dma_owner(mock_group(md));
	mock_expect_domain(test, md, mock_group(md)->default_domain);
	KUNIT_EXPECT_TRUE(test, use_dma_iommu(&late->dev));
	expect_written(test, md, "identity");
	KUNIT_EXPECT_FALSE(test, use_dma_iommu(&md->dev));
	KUNIT_EXPECT_FALSE(test, use_dma_iommu(&late->dev));
}

struct writer {
	struct iommu_group *group;
	ssize_t ret;
	bool started;
	struct completion done;
};

static int writer_thread(void *data)
{
	struct writer *writer = data;

	WRITE_ONCE(writer->started, true);
	writer->ret = type_store(writer->group, "DMA-FQ");
	complete(&writer->done);
	return 0;
}

/* W20: the default domain goes while a writer waits for the group. */
static void writer_that_waited_looks_again(struct kunit *test)
{
	struct mock_dev *md = mock_add(test->priv, 0);
	struct writer writer = { .group = mock_group(md) };
	struct iommu_domain *domain;
	struct task_struct *task;

	init_completion(&writer.done);
	mutex_lock(&writer.group->mutex);
	task = kthread_run(writer_thread, &writer, "iommu-type-writer");
	if (IS_ERR(task)) {
		mutex_unlock(&writer.group->mutex);
		KUNIT_FAIL_AND_ABORT(test, "no thread: %ld", PTR_ERR(task));
	}
	/* Until it sleeps, and it can sleep only on the mutex. */
	while (!READ_ONCE(writer.started) ||
	       !(READ_ONCE(task->__state) & TASK_UNINTERRUPTIBLE))
		schedule_timeout_uninterruptible(1);
	/* As if the last member had left meanwhile. */
	domain = writer.group->default_domain;
	writer.group->default_domain = NULL;
	mutex_unlock(&writer.group->mutex);
	wait_for_completion(&writer.done);
	mutex_lock(&writer.group->mutex);
	writer.group->default_domain = domain;
	mutex_unlock(&writer.group->mutex);
	KUNIT_EXPECT_EQ(test, (ssize_t)-EINVAL, writer.ret);
}

static struct kunit_case default_cases[] = {
	KUNIT_CASE(file_shows_the_default_domain),
	KUNIT_CASE(file_shows_dma_domains),
	KUNIT_CASE(other_words_are_refused),
	KUNIT_CASE(writer_without_capabilities_is_refused),
	KUNIT_CASE(group_without_default_domain_is_refused),
	KUNIT_CASE(group_in_use_is_refused),
	KUNIT_CASE(same_type_calls_nobody),
	KUNIT_CASE(type_that_the_driver_excludes_is_refused),
	KUNIT_CASE(type_beside_the_drivers_only_domain_is_refused),
	KUNIT_CASE(change_between_static_domains_is_all_or_nothing),
	KUNIT_CASE(change_moves_the_group_and_frees_the_old),
	KUNIT_CASE(change_fails_on_second_device_keeps_old),
	KUNIT_CASE(change_fails_and_undo_fails_parks),
	KUNIT_CASE(change_without_memory_touches_nobody),
	KUNIT_CASE(change_without_direct_mappings_goes_back),
	KUNIT_CASE(direct_mappings_may_come_behind_the_attach),
	KUNIT_CASE(first_default_without_direct_mappings_leaves_nothing),
	KUNIT_CASE(default_falls_back_to_the_next_best),
	KUNIT_CASE(default_that_nobody_asked_for_fails_as_well),
	KUNIT_CASE(command_line_decides_what_new_groups_get),
	KUNIT_CASE(flush_queue_starts_under_a_bound_driver),
	KUNIT_CASE(flush_queue_without_driver_support_is_refused),
	KUNIT_CASE(identity_wins_where_members_disagree),
	KUNIT_CASE(first_default_without_memory_leaves_nothing),
	KUNIT_CASE(first_attach_failure_leaves_no_default),
	KUNIT_CASE(later_bus_walk_keeps_the_default_domain),
	KUNIT_CASE(newcomer_of_an_owned_group_has_the_dma_api_later),
	KUNIT_CASE(writer_that_waited_looks_again),
	{}
};

static struct kunit_suite default_suite = {
	.name = "iommu_default",
	.init = mock_test_init,
	.test_cases = default_cases,
};

kunit_test_suite(default_suite);
