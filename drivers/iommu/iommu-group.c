// SPDX-License-Identifier: GPL-2.0-only
/*
 * The group as an object: its life, its members, its folder in sysfs.
 *
 * A group lives as long as its "devices" folder does: every reference handed
 * out is a reference on that kobject, every member holds one, and it in turn
 * keeps the group's own kobject. What a group translates with is not decided
 * here; this file only gives the upper floors something to write it on.
 *
 * /sys/kernel/iommu_groups/N/
 *	devices/	one link for each member, back links are called
 *			"iommu_group" in the device's folder
 *	name		only when the driver gave one
 *	...		files that other rooms register at start-up
 */
#define pr_fmt(fmt) "iommu: " fmt

#include <linux/init.h>
#include <linux/module.h>
#include <linux/msi.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/sysfs.h>
#include <trace/events/iommu.h>

#include "iommu-priv.h"

static struct kset *iommu_group_kset;

/*
 * All groups by number. An entry goes away in the group's release, under the
 * array's lock, so whoever finds a group there may try to take its kobject.
 */
static DEFINE_XARRAY_ALLOC(iommu_groups);

/* Groups that changed since user space was told last. */
static LIST_HEAD(iommu_changed_groups);
static DEFINE_SPINLOCK(iommu_changed_lock);

#define IOMMU_GROUP_MAX_FILES 8
static struct iommu_group_file *iommu_group_files[IOMMU_GROUP_MAX_FILES];
static unsigned int iommu_group_nr_files __ro_after_init;

static struct iommu_group *to_iommu_group(struct kobject *kobj)
{
	return container_of(kobj, struct iommu_group, kobj);
}

static ssize_t iommu_group_file_show(struct kobject *kobj,
				     struct attribute *attr, char *buf)
{
	struct iommu_group_file *file =
		container_of(attr, struct iommu_group_file, attr);

	if (!file->show)
		return -EIO;
	return file->show(to_iommu_group(kobj), buf);
}

static ssize_t iommu_group_file_store(struct kobject *kobj,
				      struct attribute *attr, const char *buf,
				      size_t count)
{
	struct iommu_group_file *file =
		container_of(attr, struct iommu_group_file, attr);

	if (!file->store)
		return -EIO;
	return file->store(to_iommu_group(kobj), buf, count);
}

static const struct sysfs_ops iommu_group_sysfs_ops = {
	.show = iommu_group_file_show,
	.store = iommu_group_file_store,
};

static void iommu_group_release(struct kobject *kobj)
{
	struct iommu_group *group = to_iommu_group(kobj);

	pr_debug("group %d goes away\n", group->id);

	spin_lock(&iommu_changed_lock);
	list_del(&group->changed_entry);
	spin_unlock(&iommu_changed_lock);
	xa_erase(&iommu_groups, group->id);

	if (group->iommu_data_release)
		group->iommu_data_release(group->iommu_data);

	/* The last member took the group's own domains with it. */
	WARN_ON(group->default_domain || group->blocking_domain);
	xa_destroy(&group->pasids);
	mutex_destroy(&group->mutex);
	kfree(group->refused);
	kfree(group->name);
	kfree(group);
}

static const struct kobj_type iommu_group_ktype = {
	.sysfs_ops = &iommu_group_sysfs_ops,
	.release = iommu_group_release,
};

/**
 * iommu_group_register_file() - Give every group created from now on a file
 * @file: what to show and store; must live for ever
 *
 * For the rooms above this one, whose policies have a face in sysfs.
 *
 * Context: start-up, before the first group exists.
 */
void __init iommu_group_register_file(struct iommu_group_file *file)
{
	if (WARN_ON(iommu_group_nr_files == IOMMU_GROUP_MAX_FILES))
		return;
	iommu_group_files[iommu_group_nr_files++] = file;
}

/**
 * iommu_group_alloc() - Make a new, empty group
 *
 * IOMMU drivers call it from their device_group() operation, platforms when
 * they know groups before they know devices.
 *
 * Context: process context, takes no lock of the IOMMU core.
 * Return: the group with one reference, which iommu_group_put() gives back; or
 * an ERR_PTR: -ENOMEM, -EBUSY when all numbers are taken, or what sysfs said.
 */
struct iommu_group *iommu_group_alloc(void)
{
	struct iommu_group *group;
	struct kobject *devices;
	unsigned int i;
	u32 id;
	int ret;

	group = kzalloc(sizeof(*group), GFP_KERNEL);
	if (!group)
		return ERR_PTR(-ENOMEM);

	mutex_init(&group->mutex);
	INIT_LIST_HEAD(&group->devices);
	INIT_LIST_HEAD(&group->setup_entry);
	INIT_LIST_HEAD(&group->changed_entry);
	xa_init(&group->pasids);

	/* Reserved with no group in it: nobody finds a group half made. */
	ret = xa_alloc(&iommu_groups, &id, NULL, XA_LIMIT(0, INT_MAX),
		       GFP_KERNEL);
	if (ret) {
		kfree(group);
		return ERR_PTR(ret);
	}
	group->id = id;
	group->kobj.kset = iommu_group_kset;

	ret = kobject_init_and_add(&group->kobj, &iommu_group_ktype, NULL,
				   "%u", id);
	if (ret) {
		kobject_put(&group->kobj);
		return ERR_PTR(ret);
	}

	devices = kobject_create_and_add("devices", &group->kobj);
	group->devices_kobj = devices;
	/* From here "devices" alone keeps the group; without it, it is gone. */
	kobject_put(&group->kobj);
	if (!devices)
		return ERR_PTR(-ENOMEM);

	for (i = 0; i < iommu_group_nr_files; i++) {
		ret = sysfs_create_file(&group->kobj,
					&iommu_group_files[i]->attr);
		if (ret) {
			iommu_group_put(group);
			return ERR_PTR(ret);
		}
	}

	/* Into a reserved slot: cannot fail. */
	xa_store(&iommu_groups, id, group, GFP_KERNEL);
	return group;
}
EXPORT_SYMBOL_GPL(iommu_group_alloc);

/**
 * iommu_group_next() - Walk all groups by number
 * @id: where to start; set to the number of the group returned
 *
 * Context: any that may take a spinlock. The group may lose its last member
 * at any moment: look at members under its mutex.
 * Return: the first group numbered @id or above, held until
 * iommu_group_done(); NULL behind the last one.
 */
struct iommu_group *iommu_group_next(int *id)
{
	struct iommu_group *group;
	unsigned long index = *id;

	xa_lock(&iommu_groups);
	xa_for_each_start(&iommu_groups, index, group, index) {
		if (kobject_get_unless_zero(&group->kobj)) {
			*id = index;
			break;
		}
	}
	xa_unlock(&iommu_groups);
	return group;
}

/**
 * iommu_group_mark_changed() - A group has news for user space
 * @group: the group
 *
 * Context: any that may take a spinlock.
 */
void iommu_group_mark_changed(struct iommu_group *group)
{
	spin_lock(&iommu_changed_lock);
	if (list_empty(&group->changed_entry))
		list_add_tail(&group->changed_entry, &iommu_changed_groups);
	spin_unlock(&iommu_changed_lock);
}

/**
 * iommu_group_next_changed() - Find a group that has news, once
 *
 * Context: any that may take a spinlock.
 * Return: a group that was marked and no longer is, held until
 * iommu_group_done(); NULL if there is none.
 */
struct iommu_group *iommu_group_next_changed(void)
{
	struct iommu_group *group;

	spin_lock(&iommu_changed_lock);
	while ((group = list_first_entry_or_null(&iommu_changed_groups,
						 struct iommu_group,
						 changed_entry))) {
		list_del_init(&group->changed_entry);
		/* One that goes away waits for the lock in its release. */
		if (kobject_get_unless_zero(&group->kobj))
			break;
	}
	spin_unlock(&iommu_changed_lock);
	return group;
}

/**
 * iommu_group_done() - Give back what iommu_group_next() returned
 * @group: the group
 *
 * Context: process context, without the group's mutex.
 */
void iommu_group_done(struct iommu_group *group)
{
	kobject_put(&group->kobj);
}

/**
 * iommu_group_get_iommudata() - Read the driver's own pointer of a group
 * @group: the group
 *
 * Context: any.
 * Return: what iommu_group_set_iommudata() stored, or NULL.
 */
void *iommu_group_get_iommudata(struct iommu_group *group)
{
	return group->iommu_data;
}
EXPORT_SYMBOL_GPL(iommu_group_get_iommudata);

/**
 * iommu_group_set_iommudata() - Store a driver's own pointer in a group
 * @group: the group
 * @iommu_data: the pointer, owned by the group from now on
 * @release: called with it when the group goes away, or NULL
 *
 * Context: any; the driver serialises it against its own readers.
 */
void iommu_group_set_iommudata(struct iommu_group *group, void *iommu_data,
			       void (*release)(void *iommu_data))
{
	group->iommu_data = iommu_data;
	group->iommu_data_release = release;
}
EXPORT_SYMBOL_GPL(iommu_group_set_iommudata);

static ssize_t iommu_group_name_show(struct iommu_group *group, char *buf)
{
	guard(iommu_group)(group);
	return sysfs_emit(buf, "%s\n", group->name ?: "");
}

static struct iommu_group_file iommu_group_name_file = {
	.attr = { .name = "name", .mode = 0444 },
	.show = iommu_group_name_show,
};

/**
 * iommu_group_set_name() - Name a group for people
 * @group: the group
 * @name: copied; NULL takes the name away again
 *
 * The name appears as the file "name" in the group's folder and in messages.
 *
 * Context: process context; takes group->mutex for the change alone, so not
 * from within an operation that is called with it held.
 * Return: 0, -ENOMEM, or what sysfs said; on error the old name stays.
 */
int iommu_group_set_name(struct iommu_group *group, const char *name)
{
	char *new = NULL, *old;
	int ret = 0;

	if (name) {
		new = kstrdup(name, GFP_KERNEL);
		if (!new)
			return -ENOMEM;
	}

	iommu_group_lock(group);
	old = group->name;
	if (new && !old)
		ret = sysfs_create_file(&group->kobj,
					&iommu_group_name_file.attr);
	if (!ret)
		group->name = new;
	iommu_group_unlock(group);

	if (ret) {
		kfree(new);
		return ret;
	}
	/* Outside the mutex: waits for readers, which take it. */
	if (old && !new)
		sysfs_remove_file(&group->kobj, &iommu_group_name_file.attr);
	kfree(old);
	return 0;
}
EXPORT_SYMBOL_GPL(iommu_group_set_name);

/**
 * iommu_group_label() - What to call a group in a message
 * @group: the group
 *
 * Context: expects group->mutex.
 * Return: its name, or its number where it has none.
 */
const char *iommu_group_label(struct iommu_group *group)
{
	lockdep_assert_held(&group->mutex);
	return group->name ?: kobject_name(&group->kobj);
}

/**
 * iommu_owner_kind() - Who owns a group, in one word
 * @group: the group
 *
 * Context: expects group->mutex.
 * Return: none, kernel or user.
 */
const char *iommu_owner_kind(struct iommu_group *group)
{
	if (iommu_group_user_owned(group))
		return "user";
	return group->owner ? "kernel" : "none";
}

/* Its process may be gone while a file that it passed on still holds on. */
static void iommu_claimant_text(struct iommu_group *group, char *text)
{
	const char *by = group->claimed_by ?: "unknown";
	struct task_struct *task;
	char comm[TASK_COMM_LEN];

	rcu_read_lock();
	task = find_task_by_pid_ns(group->claimant, &init_pid_ns);
	/* Or is it another one that was given the number of a dead one? */
	if (task && task->start_boottime == group->claimant_born)
		snprintf(text, IOMMU_OWNER_TEXT, "%s, process %d, through %s",
			 get_task_comm(comm, task), group->claimant, by);
	else
		snprintf(text, IOMMU_OWNER_TEXT,
			 "a process that has exited, through %s", by);
	rcu_read_unlock();
}

/**
 * iommu_owner_text() - Name the owner of a group for people
 * @group: the group
 * @text: room for %IOMMU_OWNER_TEXT characters
 *
 * Context: expects group->mutex.
 * Return: @text: the process and the interface through which it claimed; the
 * driver of a device that uses the DMA API; or none.
 */
const char *iommu_owner_text(struct iommu_group *group, char *text)
{
	struct group_device *gdev;

	if (iommu_group_user_owned(group)) {
		iommu_claimant_text(group, text);
		return text;
	}
	strscpy(text, iommu_owner_kind(group), IOMMU_OWNER_TEXT);
	for_each_group_device(group, gdev) {
		if (!gdev->dev->iommu || !gdev->dev->iommu->uses_dma_api)
			continue;
		snprintf(text, IOMMU_OWNER_TEXT, "driver %s",
			 dev_driver_string(gdev->dev));
		break;
	}
	return text;
}

/* The link to a member; an index is added where two buses use one name. */
static int iommu_group_name_member(struct group_device *gdev)
{
	struct kobject *dir = gdev->group->devices_kobj;
	const char *base = kobject_name(&gdev->dev->kobj);
	int index, ret;

	for (index = -1;; index++) {
		if (index < 0)
			gdev->name = kstrdup(base, GFP_KERNEL);
		else
			gdev->name = kasprintf(GFP_KERNEL, "%s.%d", base, index);
		if (!gdev->name)
			return -ENOMEM;

		ret = sysfs_create_link_nowarn(dir, &gdev->dev->kobj,
					       gdev->name);
		if (!ret)
			return 0;
		kfree(gdev->name);
		gdev->name = NULL;
		if (ret != -EEXIST || index == INT_MAX)
			return ret;
	}
}

/**
 * iommu_group_alloc_member() - Prepare a device to become a member
 * @group: the group
 * @dev: the device
 *
 * Makes the links in sysfs, all that can fail (T2); the device counts as a
 * member only after iommu_group_link_member().
 *
 * Context: process context.
 * Return: the membership, for iommu_group_free_member() to undo; or an
 * ERR_PTR: -ENOMEM, or what sysfs said (-EEXIST: it already has a group).
 */
struct group_device *iommu_group_alloc_member(struct iommu_group *group,
					      struct device *dev)
{
	struct group_device *gdev;
	int ret;

	gdev = kzalloc(sizeof(*gdev), GFP_KERNEL);
	if (!gdev) {
		ret = -ENOMEM;
		goto err_report;
	}
	gdev->group = group;
	gdev->dev = dev;

	ret = sysfs_create_link(&dev->kobj, &group->kobj, "iommu_group");
	if (ret)
		goto err_free;

	ret = iommu_group_name_member(gdev);
	if (ret)
		goto err_unlink;
	return gdev;

err_unlink:
	sysfs_remove_link(&dev->kobj, "iommu_group");
err_free:
	kfree(gdev);
err_report:
	dev_err(dev, "Failed to add to iommu group %d: %d\n", group->id, ret);
	return ERR_PTR(ret);
}

/**
 * iommu_group_link_member() - The device counts as a member from now on
 * @gdev: from iommu_group_alloc_member()
 *
 * Context: expects group->mutex.
 */
void iommu_group_link_member(struct group_device *gdev)
{
	struct iommu_group *group = gdev->group;

	lockdep_assert_held(&group->mutex);
	list_add_tail(&gdev->list, &group->devices);
	group->nr_devices++;
	/* What it is like is looked at when the group is next moved. */
	group->special = true;
	group->pasids_below = 0;
	if (gdev->dev->iommu)
		gdev->dev->iommu->member = gdev;
	trace_add_device_to_group(group->id, gdev->dev);
	iommu_group_changed(group, IOMMU_GROUP_MEMBER_ADDED, gdev->dev);
	dev_info(gdev->dev, "Adding to iommu group %d\n", group->id);
}

/**
 * iommu_group_unlink_member() - The device no longer counts as a member
 * @gdev: a linked member
 *
 * Context: expects group->mutex.
 */
void iommu_group_unlink_member(struct group_device *gdev)
{
	struct iommu_group *group = gdev->group;

	lockdep_assert_held(&group->mutex);
	list_del(&gdev->list);
	group->nr_devices--;
	group->pasids_below = 0;
	if (gdev->dev->iommu)
		gdev->dev->iommu->member = NULL;
	trace_remove_device_from_group(group->id, gdev->dev);
	iommu_group_changed(group, IOMMU_GROUP_MEMBER_REMOVED, gdev->dev);
}

/**
 * iommu_group_free_member() - Undo iommu_group_alloc_member()
 * @gdev: a member that is not linked (any more)
 *
 * Context: process context.
 */
void iommu_group_free_member(struct group_device *gdev)
{
	sysfs_remove_link(gdev->group->devices_kobj, gdev->name);
	sysfs_remove_link(&gdev->dev->kobj, "iommu_group");
	kfree(gdev->name);
	kfree(gdev);
}

/**
 * iommu_group_find_member() - Look a device up in its group
 * @group: the group
 * @dev: the device
 *
 * Context: expects group->mutex.
 * Return: the membership, or NULL.
 */
struct group_device *iommu_group_find_member(struct iommu_group *group,
					     struct device *dev)
{
	struct group_device *gdev;

	lockdep_assert_held(&group->mutex);

	if (dev->iommu && dev->iommu->member)
		return dev->iommu->member;
	/* Members of groups that VFIO makes know nothing of IOMMUs. */
	for_each_group_device(group, gdev)
		if (gdev->dev == dev)
			return gdev;
	return NULL;
}

/**
 * iommu_group_add_device() - Put a device without an IOMMU into a group
 * @group: the group; the device takes a reference of its own
 * @dev: the device
 *
 * For groups that VFIO makes up so that its users find one. The device gets no
 * domain, now or later.
 *
 * Context: process context, takes group->mutex.
 * Return: 0, -ENOMEM, or what sysfs said (-EEXIST: it already has a group).
 */
int iommu_group_add_device(struct iommu_group *group, struct device *dev)
{
	struct group_device *gdev;

	gdev = iommu_group_alloc_member(group, dev);
	if (IS_ERR(gdev))
		return PTR_ERR(gdev);

	dev->iommu_group = iommu_group_ref_get(group);

	guard(iommu_group)(group);
	iommu_group_link_member(gdev);
	return 0;
}
EXPORT_SYMBOL_GPL(iommu_group_add_device);

/**
 * iommu_group_ref_get() - Take one more reference on a group
 * @group: a group the caller already has a reference on
 *
 * Context: any.
 * Return: @group.
 */
struct iommu_group *iommu_group_ref_get(struct iommu_group *group)
{
	kobject_get(group->devices_kobj);
	return group;
}
EXPORT_SYMBOL_GPL(iommu_group_ref_get);

/**
 * iommu_group_put() - Give a reference on a group back
 * @group: the group; NULL is fine
 *
 * Context: process context; the last reference removes it from sysfs.
 */
void iommu_group_put(struct iommu_group *group)
{
	if (group)
		kobject_put(group->devices_kobj);
}
EXPORT_SYMBOL_GPL(iommu_group_put);

/**
 * iommu_group_get() - The group of a device
 * @dev: the device; the caller keeps it from leaving its group meanwhile, as
 *	a driver bound to it does
 *
 * Context: any.
 * Return: the group with a reference for the caller, or NULL.
 */
struct iommu_group *iommu_group_get(struct device *dev)
{
	return dev->iommu_group ? iommu_group_ref_get(dev->iommu_group) : NULL;
}
EXPORT_SYMBOL_GPL(iommu_group_get);

/**
 * iommu_group_get_upstream() - The group whose translation a device's DMA meets
 * @dev: any device, also one that no IOMMU looks after itself, such as a device
 *	on a bus below a bridge or controller that is behind an IOMMU
 *
 * The way up goes along the parents, which the caller keeps from going away, as
 * a driver bound to @dev does.
 *
 * Context: any.
 * Return: the group of @dev, else of the nearest device above it that has one,
 * with a reference for the caller; NULL if there is none up to the root.
 */
struct iommu_group *iommu_group_get_upstream(struct device *dev)
{
	for (; dev; dev = dev->parent)
		if (dev->iommu_group)
			return iommu_group_get(dev);
	return NULL;
}
EXPORT_SYMBOL_GPL(iommu_group_get_upstream);

/**
 * iommu_group_for_each_dev() - Call a function for each member of a group
 * @group: the group
 * @data: passed to @fn
 * @fn: called with the group's mutex held: it may sleep and allocate, even a
 *	domain. It must not call anything that takes the mutex of this group
 *	(attach, detach, claim, release, PASIDs, walks): lockdep says so
 *
 * Context: process context, takes group->mutex.
 * Return: the first value that is not 0 from @fn, which also ends the walk; 0
 * when there was none, or no member.
 */
int iommu_group_for_each_dev(struct iommu_group *group, void *data,
			     int (*fn)(struct device *dev, void *data))
{
	struct group_device *gdev;
	int stop = 0;

	guard(iommu_group)(group);
	for_each_group_device(group, gdev) {
		stop = fn(gdev->dev, data);
		if (stop)
			break;
	}
	return stop;
}
EXPORT_SYMBOL_GPL(iommu_group_for_each_dev);

/**
 * iommu_group_id() - The number of a group, as users see it
 * @group: the group
 *
 * Context: any.
 * Return: the number, unique while the group exists.
 */
int iommu_group_id(struct iommu_group *group)
{
	return group->id;
}
EXPORT_SYMBOL_GPL(iommu_group_id);

/**
 * device_iommu_capable() - Can the IOMMU of a device do something?
 * @dev: the device
 * @cap: what
 *
 * Context: any.
 * Return: true if so; false also where the device has no IOMMU.
 */
bool device_iommu_capable(struct device *dev, enum iommu_cap cap)
{
	const struct iommu_ops *ops;

	if (!dev_has_iommu(dev))
		return false;
	ops = dev_iommu_ops(dev);
	return ops->capable && ops->capable(dev, cap);
}
EXPORT_SYMBOL_GPL(device_iommu_capable);

static int iommu_member_msi_not_isolated(struct device *dev, void *unused)
{
	return !msi_device_has_isolated_msi(dev);
}

/**
 * iommu_group_has_isolated_msi() - Can no member raise another's interrupts?
 * @group: the group
 *
 * Context: process context, takes group->mutex.
 * Return: true if the platform isolates the interrupt messages of every
 * member; also for an empty group.
 */
bool iommu_group_has_isolated_msi(struct iommu_group *group)
{
	return !iommu_group_for_each_dev(group, NULL,
					 iommu_member_msi_not_isolated);
}
EXPORT_SYMBOL_GPL(iommu_group_has_isolated_msi);

#if IS_ENABLED(CONFIG_LOCKDEP)
/**
 * iommu_group_mutex_assert() - Check that the core holds a device's group
 * @dev: the device
 *
 * For drivers whose own tables are guarded by the group's mutex.
 *
 * Context: any; complains through lockdep.
 */
void iommu_group_mutex_assert(struct device *dev)
{
	lockdep_assert_held(&dev->iommu_group->mutex);
}
EXPORT_SYMBOL_GPL(iommu_group_mutex_assert);
#endif

/**
 * iommu_group_subsys_init() - Make /sys/kernel/iommu_groups
 *
 * Context: start-up.
 * Return: 0 or -ENOMEM.
 */
static int __init iommu_group_subsys_init(void)
{
	iommu_group_kset = kset_create_and_add("iommu_groups", NULL,
					       kernel_kobj);
	return iommu_group_kset ? 0 : -ENOMEM;
}
core_initcall(iommu_group_subsys_init);
