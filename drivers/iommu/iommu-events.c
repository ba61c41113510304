// SPDX-License-Identifier: GPL-2.0-only
/*
 * What changes of a group, told to whoever listens.
 *
 * In the kernel: a notifier chain, called at once, under the group's mutex, in
 * the order of what happens.
 *
 * In user space: uevents of the group, sent later by a worker. They say what
 * has changed since the last one and how things are now, so that a thousand
 * claims in a row cost as many bits set and a handful of messages:
 *
 *	ACTION=add, then change; remove when the group goes
 *	SUBSYSTEM=iommu_groups
 *	CHANGED=		member-added member-removed owner default-domain,
 *				those that are true
 *	OWNER=			none, kernel or user
 *	MEMBERS=		how many devices there are
 *
 * A changed group is on a list without a reference: a group that goes takes its
 * news with it.
 */
#define pr_fmt(fmt) "iommu: " fmt

#include <linux/export.h>
#include <linux/kobject.h>
#include <linux/notifier.h>
#include <linux/workqueue.h>

#include "iommu-priv.h"

/* What comes within a hundredth of a second is told at once. */
#define IOMMU_UEVENT_DELAY	DIV_ROUND_UP(HZ, 100)

BLOCKING_NOTIFIER_HEAD(iommu_group_listeners);

static const char * const iommu_group_event_words[] = {
	[IOMMU_GROUP_MEMBER_ADDED]	= "member-added ",
	[IOMMU_GROUP_MEMBER_REMOVED]	= "member-removed ",
	[IOMMU_GROUP_OWNER_CHANGED]	= "owner ",
	[IOMMU_GROUP_DEFAULT_CHANGED]	= "default-domain ",
};

static void iommu_group_send_uevent(struct iommu_group *group)
{
	enum kobject_action action = KOBJ_CHANGE;
	char changed[64] = "CHANGED=", owner[24], members[24];
	char *env[] = { changed, owner, members, NULL };
	unsigned int event;

	iommu_group_lock(group);
	for (event = 0; event < ARRAY_SIZE(iommu_group_event_words); event++)
		if (group->changes & BIT(event))
			strlcat(changed, iommu_group_event_words[event],
				sizeof(changed));
	snprintf(owner, sizeof(owner), "OWNER=%s", iommu_owner_kind(group));
	snprintf(members, sizeof(members), "MEMBERS=%u", group->nr_devices);
	if (!group->announced)
		action = KOBJ_ADD;
	group->announced = true;
	group->changes = 0;
	iommu_group_unlock(group);

	/* Nobody there to be told, or no memory: the state can be read. */
	kobject_uevent_env(&group->kobj, action, env);
}

static void iommu_group_send_uevents(struct work_struct *work)
{
	struct iommu_group *group;

	while ((group = iommu_group_next_changed())) {
		iommu_group_send_uevent(group);
		iommu_group_done(group);
	}
}

static DECLARE_DELAYED_WORK(iommu_group_uevents, iommu_group_send_uevents);

/**
 * __iommu_group_changed() - Something of a group has changed
 * @group: the group, already as it is now
 * @event: what of it
 * @dev: the member that came or goes; else %NULL
 *
 * Context: expects group->mutex; listeners may sleep.
 */
void __iommu_group_changed(struct iommu_group *group,
			   enum iommu_group_event event, struct device *dev)
{
	struct iommu_group_notice notice = { .group = group, .dev = dev };
	bool first = !group->changes;

	lockdep_assert_held(&group->mutex);

	group->changes |= BIT(event);
	if (first) {
		iommu_group_mark_changed(group);
		schedule_delayed_work(&iommu_group_uevents,
				      IOMMU_UEVENT_DELAY);
	}
	blocking_notifier_call_chain(&iommu_group_listeners, event, &notice);
}

/**
 * iommu_group_flush_events() - Wait until all changes so far are told
 *
 * Context: process context, without any group's mutex.
 */
void iommu_group_flush_events(void)
{
	flush_delayed_work(&iommu_group_uevents);
}

/**
 * iommu_register_group_notifier() - Hear of changes of all groups
 * @nb: called with a value of &enum iommu_group_event and a
 *	&struct iommu_group_notice, under the mutex of that group: it may sleep,
 *	but must not call anything that takes the mutex of a group. It returns
 *	NOTIFY_OK or NOTIFY_DONE: it cannot prevent anything
 *
 * Context: process context.
 * Return: 0, or -EEXIST if @nb is registered already.
 */
int iommu_register_group_notifier(struct notifier_block *nb)
{
	return blocking_notifier_chain_register(&iommu_group_listeners, nb);
}
EXPORT_SYMBOL_GPL(iommu_register_group_notifier);

/**
 * iommu_unregister_group_notifier() - Hear of changes no more
 * @nb: from iommu_register_group_notifier()
 *
 * Context: process context; waits for calls under way.
 * Return: 0, or -ENOENT if @nb is not registered.
 */
int iommu_unregister_group_notifier(struct notifier_block *nb)
{
	return blocking_notifier_chain_unregister(&iommu_group_listeners, nb);
}
EXPORT_SYMBOL_GPL(iommu_unregister_group_notifier);
