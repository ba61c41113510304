// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the core tells people and listeners: the reason of each refusal (O5), the
 * owner's name, notices and uevents.
 */
#include <linux/kthread.h>
#include <linux/notifier.h>
#include <linux/sched.h>
#include <linux/sched/task.h>

#include "mock-iommu.h"

static int user_a, user_b;

/* The group's last refusal was for this reason, with this error. */
static void expect_group_reason(struct kunit *test, struct iommu_group *group,
				const char *word, int error)
{
	enum iommu_refusal why;
	int code;

	guard(iommu_group)(group);
	if (!iommu_last_refusal(group, &why, &code)) {
		KUNIT_FAIL(test, "no refusal, but %s was expected", word);
		return;
	}
	KUNIT_EXPECT_STREQ(test, iommu_refusal_word(why), word);
	KUNIT_EXPECT_EQ(test, code, error);
}

static void expect_reason(struct kunit *test, struct mock_dev *md,
			  const char *word, int error)
{
	expect_group_reason(test, mock_group(md), word, error);
}

static void expect_no_refusal(struct kunit *test, struct mock_dev *md)
{
	struct iommu_group *group = mock_group(md);
	enum iommu_refusal why;
	int code;

	guard(iommu_group)(group);
	KUNIT_EXPECT_FALSE(test, iommu_last_refusal(group, &why, &code));
}

/* What succeeds leaves no reason behind. */
static void success_has_no_reason(struct kunit *test)
{
	struct mock_dev *md = mock_group_with_pasids(test, 2);
	struct iommu_domain *a = mock_paging(md);

	KUNIT_EXPECT_EQ(test, 0,
			iommu_group_claim_dma_owner(mock_group(md), &user_a));
	KUNIT_EXPECT_EQ(test, 0, iommu_attach_group(a, mock_group(md)));
	iommu_detach_group(a, mock_group(md));
	iommu_group_release_dma_owner(mock_group(md));
	expect_no_refusal(test, md);
	iommu_domain_free(a);
}

static void claims_are_refused_for_a_reason(struct kunit *test)
{
	struct mock_dev *md = mock_group_with_pasids(test, 2);
	struct iommu_group *group = mock_group(md);
	struct mock_iommu *m = test->priv;
	struct iommu_domain *a = mock_paging(md);

	KUNIT_ASSERT_EQ(test, 0,
			iommu_device_use_default_domain(&m->devs[1]->dev));
	KUNIT_EXPECT_EQ(test, -EPERM,
			iommu_device_claim_dma_owner(&md->dev, &user_a));
	expect_reason(test, md, "driver", -EPERM);
	iommu_device_unuse_default_domain(&m->devs[1]->dev);

	KUNIT_ASSERT_EQ(test, 0, iommu_attach_group(a, group));
	KUNIT_EXPECT_EQ(test, -EBUSY,
			iommu_group_claim_dma_owner(group, &user_a));
	expect_reason(test, md, "attached", -EBUSY);
	iommu_detach_group(a, group);

	KUNIT_ASSERT_EQ(test, 0,
			iommu_attach_device_pasid(a, &md->dev, 1, NULL));
	KUNIT_EXPECT_EQ(test, -EBUSY,
			iommu_group_claim_dma_owner(group, &user_a));
	expect_reason(test, md, "slots", -EBUSY);
	iommu_detach_device_pasid(a, &md->dev, 1);

	KUNIT_ASSERT_EQ(test, 0, iommu_group_claim_dma_owner(group, &user_a));
	KUNIT_EXPECT_EQ(test, -EPERM,
			iommu_group_claim_dma_owner(group, &user_a));
	expect_reason(test, md, "same-user", -EPERM);
	KUNIT_EXPECT_EQ(test, -EPERM,
			iommu_device_claim_dma_owner(&md->dev, &user_b));
	expect_reason(test, md, "other-user", -EPERM);
	iommu_group_release_dma_owner(group);

	mock_fail(m, MOCK_ATTACH, md, -ENODEV);
	KUNIT_EXPECT_EQ(test, -ENODEV,
			iommu_group_claim_dma_owner(group, &user_a));
	expect_reason(test, md, "hardware", -ENODEV);
	mock_heal(m);
	iommu_domain_free(a);
}

static void firmware_is_the_reason_where_it_needs_mappings(struct kunit *test)
{
	struct mock_dev *md = mock_group_with_pasids(test, 1);

	md->dev.iommu->require_direct = 1;
	mock_group(md)->special = true;
	KUNIT_EXPECT_EQ(test, -EINVAL,
			iommu_group_claim_dma_owner(mock_group(md), &user_a));
	expect_reason(test, md, "firmware", -EINVAL);
	md->dev.iommu->require_direct = 0;
}

static void binds_are_refused_for_a_reason(struct kunit *test)
{
	struct mock_dev *md = mock_group_with_pasids(test, 2);
	struct iommu_group *group = mock_group(md);
	struct mock_iommu *m = test->priv;
	struct iommu_domain *a = mock_paging(md);

	KUNIT_ASSERT_EQ(test, 0, iommu_group_claim_dma_owner(group, &user_a));
	KUNIT_EXPECT_EQ(test, -EBUSY,
			iommu_device_use_default_domain(&md->dev));
	expect_reason(test, md, "user", -EBUSY);
	iommu_group_release_dma_owner(group);

	KUNIT_ASSERT_EQ(test, 0, iommu_device_use_default_domain(&md->dev));
	KUNIT_ASSERT_EQ(test, 0, iommu_attach_group(a, group));
	KUNIT_EXPECT_EQ(test, -EBUSY,
			iommu_device_use_default_domain(&m->devs[1]->dev));
	expect_reason(test, md, "attached", -EBUSY);
	iommu_detach_group(a, group);
	iommu_device_unuse_default_domain(&md->dev);
	iommu_domain_free(a);
}

static void newcomer_beside_an_exclusive_device_is_told_so(struct kunit *test)
{
	struct mock_dev *md = mock_group_with_pasids(test, 1), *late;
	struct iommu_domain *a = mock_paging(md);

	KUNIT_ASSERT_EQ(test, 0, iommu_attach_device(a, &md->dev));
	late = mock_add(test->priv, 0);
	KUNIT_EXPECT_EQ(test, -EBUSY,
			iommu_device_use_default_domain(&late->dev));
	expect_reason(test, md, "exclusive", -EBUSY);
	iommu_detach_device(a, &md->dev);
	iommu_domain_free(a);
}

static void attaches_are_refused_for_a_reason(struct kunit *test)
{
	struct mock_dev *md = mock_group_with_pasids(test, 2);
	struct iommu_group *group = mock_group(md);
	struct mock_iommu *m = test->priv;
	struct iommu_domain *a = mock_paging(md), *b = mock_paging(md);
	struct mock_dev *alone = mock_add(m, 1);
	struct iommu_domain foreign = { .ops = a->ops, .type = a->type };

	KUNIT_EXPECT_EQ(test, -EINVAL, iommu_attach_device(a, &md->dev));
	expect_reason(test, md, "siblings", -EINVAL);

	KUNIT_ASSERT_EQ(test, 0, iommu_attach_group(a, group));
	KUNIT_EXPECT_EQ(test, -EBUSY, iommu_attach_group(b, group));
	expect_reason(test, md, "attached", -EBUSY);
	iommu_detach_group(a, group);

	KUNIT_EXPECT_EQ(test, -EINVAL, iommu_attach_group(&foreign, group));
	expect_reason(test, md, "foreign", -EINVAL);

	mock_fail(m, MOCK_ATTACH, m->devs[1], -ENOMEM);
	KUNIT_EXPECT_EQ(test, -ENOMEM, iommu_attach_group(a, group));
	expect_reason(test, md, "memory", -ENOMEM);
	mock_heal(m);

	KUNIT_ASSERT_EQ(test, 0, iommu_group_claim_dma_owner(mock_group(alone),
							     &user_a));
	KUNIT_EXPECT_EQ(test, -EBUSY, iommu_attach_device(a, &alone->dev));
	expect_reason(test, alone, "user", -EBUSY);
	iommu_group_release_dma_owner(mock_group(alone));
	iommu_domain_free(a);
	iommu_domain_free(b);
}

static void pasids_are_refused_for_a_reason(struct kunit *test)
{
	struct mock_dev *md = mock_group_with_pasids(test, 2);
	struct mock_iommu *m = test->priv;
	struct mock_dev *without = mock_add(m, 1);
	struct iommu_domain *a = mock_paging(md), *b = mock_paging(md);
	struct iommu_attach_handle first = {}, second = {};

	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP,
			iommu_attach_device_pasid(a, &without->dev, 1, NULL));
	expect_reason(test, without, "no-pasids", -EOPNOTSUPP);

	KUNIT_EXPECT_EQ(test, -EINVAL,
			iommu_attach_device_pasid(a, &md->dev, 1 << 20, NULL));
	expect_reason(test, md, "pasid-range", -EINVAL);

	KUNIT_EXPECT_EQ(test, -EINVAL,
			iommu_replace_device_pasid(a, &md->dev, 1, &first));
	expect_reason(test, md, "pasid-unused", -EINVAL);

	KUNIT_ASSERT_EQ(test, 0,
			iommu_attach_device_pasid(a, &md->dev, 1, &first));
	KUNIT_EXPECT_EQ(test, -EBUSY,
			iommu_attach_device_pasid(b, &md->dev, 1, &second));
	expect_reason(test, md, "pasid-used", -EBUSY);

	m->ops.pasid_replace = 0;
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP,
			iommu_replace_device_pasid(b, &md->dev, 1, &second));
	expect_reason(test, md, "no-replace", -EOPNOTSUPP);
	m->ops.pasid_replace = 1;
	iommu_detach_device_pasid(a, &md->dev, 1);
	iommu_domain_free(a);
	iommu_domain_free(b);
}

/* Groups that VFIO makes up, before they have a device and then. */
static void groups_without_iommu_are_no_ones(struct kunit *test)
{
	struct mock_dev *bare = mock_add_bare(test->priv);
	struct iommu_group *group = iommu_group_alloc();

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, group);
	KUNIT_EXPECT_EQ(test, -ENODEV,
			iommu_group_claim_dma_owner(group, &user_a));
	expect_group_reason(test, group, "empty", -ENODEV);
	KUNIT_EXPECT_EQ(test, 0, iommu_group_add_device(group, &bare->dev));
	KUNIT_EXPECT_EQ(test, -ENODEV,
			iommu_group_claim_dma_owner(group, &user_a));
	expect_group_reason(test, group, "no-iommu", -ENODEV);
	iommu_group_remove_device(&bare->dev);
	iommu_group_put(group);
}

static void device_in_reset_is_the_reason(struct kunit *test)
{
	struct mock_dev *md = mock_group_with_pasids(test, 2);
	struct iommu_group *group = mock_group(md);
	struct iommu_domain *a = mock_paging(md);

	scoped_guard(iommu_group, group)
		iommu_member_pause(iommu_group_first_member(group));
	KUNIT_EXPECT_EQ(test, -EBUSY, iommu_attach_group(a, group));
	expect_reason(test, md, "reset", -EBUSY);
	scoped_guard(iommu_group, group)
		iommu_member_resume(iommu_group_first_member(group));
	iommu_domain_free(a);
}

/* What was asked, and by whom, does not outlive the question. */
static void question_ends_with_the_mutex(struct kunit *test)
{
	struct mock_dev *md = mock_group_with_pasids(test, 1);
	struct iommu_group *group = mock_group(md);

	KUNIT_ASSERT_EQ(test, 0, iommu_device_use_default_domain(&md->dev));
	iommu_group_lock(group);
	KUNIT_EXPECT_NULL(test, group->asker);
	KUNIT_EXPECT_EQ(test, (int)group->request, (int)IOMMU_REQUEST_OTHER);
	iommu_group_unlock(group);
	iommu_device_unuse_default_domain(&md->dev);
}

/* The owner has a name, from the claim until the release. */
static void owner_is_named(struct kunit *test)
{
	struct mock_dev *md = mock_group_with_pasids(test, 1);
	struct iommu_group *group = mock_group(md);
	char text[IOMMU_OWNER_TEXT];

	scoped_guard(iommu_group, group) {
		KUNIT_EXPECT_STREQ(test, iommu_owner_kind(group), "none");
		KUNIT_EXPECT_STREQ(test, iommu_owner_text(group, text), "none");
	}

	KUNIT_ASSERT_EQ(test, 0, iommu_device_use_default_domain(&md->dev));
	scoped_guard(iommu_group, group) {
		KUNIT_EXPECT_STREQ(test, iommu_owner_kind(group), "kernel");
		iommu_owner_text(group, text);
		KUNIT_EXPECT_PTR_EQ(test, strstr(text, "driver "), &text[0]);
	}
	iommu_device_unuse_default_domain(&md->dev);

	KUNIT_ASSERT_EQ(test, 0,
			iommu_group_claim_dma_owner_by(group, &user_a,
						       "a test"));
	scoped_guard(iommu_group, group) {
		KUNIT_EXPECT_STREQ(test, iommu_owner_kind(group), "user");
		iommu_owner_text(group, text);
		KUNIT_EXPECT_NOT_NULL(test, strstr(text, "through a test"));
	}
	iommu_group_release_dma_owner(group);
	scoped_guard(iommu_group, group)
		KUNIT_EXPECT_STREQ(test, iommu_owner_text(group, text), "none");
}

struct claimer {
	struct iommu_group *group;
	int ret;
};

static int claim_and_exit(void *data)
{
	struct claimer *claimer = data;

	claimer->ret = iommu_group_claim_dma_owner(claimer->group, &user_a);
	return 0;
}

static bool has_its_number(struct task_struct *task)
{
	guard(rcu)();
	return pid_task(READ_ONCE(task->thread_pid), PIDTYPE_PID);
}

/* O5: a claim outlives its process, whose file descriptor another one got. */
static void owner_that_has_exited_is_told(struct kunit *test)
{
	struct mock_dev *md = mock_group_with_pasids(test, 1);
	struct claimer claimer = { .group = mock_group(md), .ret = -EAGAIN };
	char text[IOMMU_OWNER_TEXT];
	struct task_struct *task;

	task = kthread_create(claim_and_exit, &claimer, "iommu-claimer");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, task);
	get_task_struct(task);
	wake_up_process(task);
	/* Its number is given back some time after its exit. */
	while (has_its_number(task))
		schedule_timeout_uninterruptible(1);
	put_task_struct(task);
	KUNIT_ASSERT_EQ(test, claimer.ret, 0);
	scoped_guard(iommu_group, claimer.group)
		KUNIT_EXPECT_STREQ(test,
				   iommu_owner_text(claimer.group, text),
				   "a process that has exited, through unknown");
	iommu_group_release_dma_owner(claimer.group);
}

/* O5: numbers are used again, and who has the claimant's now has claimed nothing. */
static void owner_is_not_who_has_its_number(struct kunit *test)
{
	struct mock_dev *md = mock_group_with_pasids(test, 1);
	struct iommu_group *group = mock_group(md);
	char text[IOMMU_OWNER_TEXT];

	KUNIT_ASSERT_EQ(test, 0, iommu_group_claim_dma_owner(group, &user_a));
	scoped_guard(iommu_group, group) {
		KUNIT_EXPECT_NOT_NULL(test,
				      strstr(iommu_owner_text(group, text),
					     current->comm));
		group->claimant_born--;
		KUNIT_EXPECT_STREQ(test, iommu_owner_text(group, text),
				   "a process that has exited, through unknown");
	}
	iommu_group_release_dma_owner(group);
}

/* ---- notices ------------------------------------------------------------ */

struct listener {
	struct notifier_block nb;
	struct iommu_group *group;
	char heard[64];
};

static int listen(struct notifier_block *nb, unsigned long event, void *data)
{
	struct listener *listener = container_of(nb, struct listener, nb);
	struct iommu_group_notice *notice = data;
	static const char letters[] = "+-od";
	size_t len = strlen(listener->heard);

	if (listener->group && notice->group != listener->group)
		return NOTIFY_DONE;
	if (len + 1 < sizeof(listener->heard))
		listener->heard[len] = letters[event];
	return NOTIFY_OK;
}

static void unlisten(void *data)
{
	iommu_unregister_group_notifier(data);
}

static struct listener *new_listener(struct kunit *test,
				     struct iommu_group *group)
{
	struct listener *listener;

	listener = kunit_kzalloc(test, sizeof(*listener), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, listener);
	listener->nb.notifier_call = listen;
	listener->group = group;
	KUNIT_ASSERT_EQ(test, 0, iommu_register_group_notifier(&listener->nb));
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, unlisten,
						  &listener->nb));
	return listener;
}

/* Members, owner and default domain, in the order of what happens. */
static void listeners_hear_of_changes_in_order(struct kunit *test)
{
	struct mock_dev *md = mock_group_with_pasids(test, 1), *second;
	struct iommu_group *group = mock_group(md);
	struct mock_iommu *m = test->priv;
	struct listener *listener = new_listener(test, group);

	second = mock_add(m, 0);
	KUNIT_EXPECT_STREQ(test, listener->heard, "+");
	KUNIT_ASSERT_EQ(test, 0, iommu_device_use_default_domain(&md->dev));
	KUNIT_ASSERT_EQ(test, 0, iommu_device_use_default_domain(&second->dev));
	iommu_device_unuse_default_domain(&second->dev);
	KUNIT_EXPECT_STREQ(test, listener->heard, "+o");
	iommu_device_unuse_default_domain(&md->dev);
	KUNIT_ASSERT_EQ(test, 0, iommu_group_claim_dma_owner(group, &user_a));
	KUNIT_EXPECT_EQ(test, -EPERM,
			iommu_group_claim_dma_owner(group, &user_b));
	iommu_group_release_dma_owner(group);
	KUNIT_EXPECT_STREQ(test, listener->heard, "+oooo");
	mock_unplug(second);
	KUNIT_EXPECT_STREQ(test, listener->heard, "+oooo-");
}

static void second_registration_is_refused(struct kunit *test)
{
	struct listener *listener = new_listener(test, NULL);

	/* The chain itself warns of it, too. */
	pr_info("lab-expect: notifier_chain_register\n");
	KUNIT_EXPECT_EQ(test, -EEXIST,
			iommu_register_group_notifier(&listener->nb));
}

/* User space is told once of many changes, and of those after it again. */
static void changes_are_told_to_user_space_in_one(struct kunit *test)
{
	struct mock_dev *md = mock_group_with_pasids(test, 1);
	struct iommu_group *group = mock_group(md);

	iommu_group_flush_events();
	KUNIT_EXPECT_TRUE(test, group->announced);
	KUNIT_EXPECT_EQ(test, group->changes, 0UL);

	for (int i = 0; i < 3; i++) {
		KUNIT_ASSERT_EQ(test, 0,
				iommu_group_claim_dma_owner(group, &user_a));
		iommu_group_release_dma_owner(group);
	}
	iommu_group_flush_events();
	KUNIT_EXPECT_EQ(test, group->changes, 0UL);
}

/* A group that goes takes its news with it, and is not kept by them. */
static void group_goes_with_its_news_untold(struct kunit *test)
{
	struct mock_dev *md = mock_group_with_pasids(test, 1);
	struct mock_iommu *m = test->priv;

	KUNIT_ASSERT_EQ(test, 0, iommu_device_use_default_domain(&md->dev));
	iommu_device_unuse_default_domain(&md->dev);
	mock_unplug(md);
	iommu_group_flush_events();
	mock_add(m, 1);
}

/* A device without IOMMU of its own is accounted to the nearest one above it. */
static void device_below_resolves_to_the_group_above(struct kunit *test)
{
	struct mock_dev *md = mock_group_with_pasids(test, 1);
	struct device *below = kunit_kcalloc(test, 3, sizeof(*below), GFP_KERNEL);
	struct iommu_group *group;

	KUNIT_ASSERT_NOT_NULL(test, below);
	below[0].parent = &md->dev;
	below[1].parent = &below[0];

	group = iommu_group_get_upstream(&below[1]);
	KUNIT_EXPECT_PTR_EQ(test, group, mock_group(md));
	iommu_group_put(group);
	KUNIT_EXPECT_NULL(test, iommu_group_get(&below[1]));
	KUNIT_EXPECT_NULL(test, iommu_group_get_upstream(&below[2]));
}

static struct kunit_case reasons_cases[] = {
	KUNIT_CASE(success_has_no_reason),
	KUNIT_CASE(claims_are_refused_for_a_reason),
	KUNIT_CASE(firmware_is_the_reason_where_it_needs_mappings),
	KUNIT_CASE(binds_are_refused_for_a_reason),
	KUNIT_CASE(newcomer_beside_an_exclusive_device_is_told_so),
	KUNIT_CASE(attaches_are_refused_for_a_reason),
	KUNIT_CASE(pasids_are_refused_for_a_reason),
	KUNIT_CASE(groups_without_iommu_are_no_ones),
	KUNIT_CASE(device_in_reset_is_the_reason),
	KUNIT_CASE(question_ends_with_the_mutex),
	KUNIT_CASE(owner_is_named),
	KUNIT_CASE(owner_that_has_exited_is_told),
	KUNIT_CASE(owner_is_not_who_has_its_number),
	KUNIT_CASE(listeners_hear_of_changes_in_order),
	KUNIT_CASE(second_registration_is_refused),
	KUNIT_CASE(changes_are_told_to_user_space_in_one),
	KUNIT_CASE(group_goes_with_its_news_untold),
	KUNIT_CASE(device_below_resolves_to_the_group_above),
	{}
};

static struct kunit_suite reasons_suite = {
	.name = "iommu_reasons",
	.init = mock_test_init,
	.test_cases = reasons_cases,
};

kunit_test_suite(reasons_suite);
