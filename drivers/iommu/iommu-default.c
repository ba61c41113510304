// SPDX-License-Identifier: GPL-2.0-only
/*
 * The default domain: what drivers that use the DMA API translate with.
 *
 * Its type is decided when a group gets its first members, and again when an
 * administrator writes the group's file "type":
 *
 *	1. what the IOMMU driver demands for a member
 *	2. DMA for members that are not trusted
 *	3. what was asked for, if 1 and 2 leave it open
 *	4. the kernel's default: boot options, then configuration
 *
 * The default domain never changes while a driver that uses the DMA API is
 * bound, but for one thing: a DMA domain may start to use a flush queue.
 */
#define pr_fmt(fmt) "iommu: " fmt

#include <linux/cc_platform.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/pci.h>
#include <linux/sysfs.h>
#include <trace/events/iommu_core.h>

#include "dma-iommu.h"
#include "iommu-priv.h"

/* What a group gets where nobody says otherwise. */
static unsigned int iommu_def_type __read_mostly;
static bool iommu_dma_strict __read_mostly =
	IS_ENABLED(CONFIG_IOMMU_DEFAULT_DMA_STRICT);
/* Who decided: an administrator's word is not overruled by a driver's. */
static bool iommu_type_from_cmdline;
static bool iommu_strict_from_cmdline;

/**
 * iommu_set_default_passthrough() - New groups are not translated
 * @cmd_line: an administrator asked for it
 *
 * Context: start-up.
 */
void iommu_set_default_passthrough(bool cmd_line)
{
	iommu_type_from_cmdline |= cmd_line;
	iommu_def_type = IOMMU_DOMAIN_IDENTITY;
}

/**
 * iommu_set_default_translated() - New groups are translated
 * @cmd_line: an administrator asked for it
 *
 * Context: start-up.
 */
void iommu_set_default_translated(bool cmd_line)
{
	iommu_type_from_cmdline |= cmd_line;
	iommu_def_type = IOMMU_DOMAIN_DMA;
}

/**
 * iommu_default_passthrough() - Are new groups left untranslated?
 *
 * Context: any.
 * Return: true if so.
 */
bool iommu_default_passthrough(void)
{
	return iommu_def_type == IOMMU_DOMAIN_IDENTITY;
}
EXPORT_SYMBOL_GPL(iommu_default_passthrough);

/**
 * iommu_set_dma_strict() - Invalidate at each unmap, do not queue
 *
 * For IOMMU drivers whose hardware or options need it.
 *
 * Context: start-up; groups that already use a flush queue keep it.
 */
void iommu_set_dma_strict(void)
{
	iommu_dma_strict = true;
	if (iommu_def_type == IOMMU_DOMAIN_DMA_FQ)
		iommu_def_type = IOMMU_DOMAIN_DMA;
}

static int __init iommu_passthrough_option(char *str)
{
	bool on;
	int ret = kstrtobool(str, &on);

	if (ret)
		return ret;
	if (on)
		iommu_set_default_passthrough(true);
	else
		iommu_set_default_translated(true);
	return 0;
}
early_param("iommu.passthrough", iommu_passthrough_option);

static int __init iommu_strict_option(char *str)
{
	int ret = kstrtobool(str, &iommu_dma_strict);

	if (!ret)
		iommu_strict_from_cmdline = true;
	return ret;
}
early_param("iommu.strict", iommu_strict_option);

static int __init iommu_default_type_init(void)
{
	static const char from_cmdline[] = " (set via kernel command line)";

	if (!iommu_type_from_cmdline) {
		bool pt = IS_ENABLED(CONFIG_IOMMU_DEFAULT_PASSTHROUGH);

		if (pt && cc_platform_has(CC_ATTR_MEM_ENCRYPT)) {
			pr_info("Memory encryption detected - Disabling default IOMMU Passthrough\n");
			pt = false;
		}
		if (pt)
			iommu_set_default_passthrough(false);
		else
			iommu_set_default_translated(false);
	}
	if (!iommu_default_passthrough() && !iommu_dma_strict)
		iommu_def_type = IOMMU_DOMAIN_DMA_FQ;

	pr_info("Default domain type: %s%s\n",
		iommu_domain_type_str(iommu_def_type),
		iommu_type_from_cmdline ? from_cmdline : "");
	if (!iommu_default_passthrough())
		pr_info("DMA domain TLB invalidation policy: %s mode%s\n",
			iommu_dma_strict ? "strict" : "lazy",
			iommu_strict_from_cmdline ? from_cmdline : "");
	return 0;
}
subsys_initcall(iommu_default_type_init);

/**
 * iommu_group_default_domain() - The default domain of a group
 * @group: the group
 *
 * Context: any; stays valid while a driver that uses the DMA API is bound.
 * Return: the domain, or NULL.
 */
struct iommu_domain *iommu_group_default_domain(struct iommu_group *group)
{
	return READ_ONCE(group->default_domain);
}

static bool iommu_device_is_untrusted(struct device *dev)
{
	return dev_is_pci(dev) && to_pci_dev(dev)->untrusted;
}

/* What the driver demands for one device: a type, or 0 for no demand. */
static int iommu_driver_demand(struct device *dev)
{
	const struct iommu_ops *ops = dev_iommu_ops(dev);

	if (ops->default_domain)
		return ops->default_domain->type;
	return ops->def_domain_type ? ops->def_domain_type(dev) : 0;
}

/*
 * What the driver demands for the whole group: a type or 0. Demands of members
 * that do not agree are the driver's mistake; identity wins, because a device
 * that needs it works with nothing else.
 */
static int iommu_group_driver_demand(struct iommu_group *group)
{
	struct group_device *gdev;
	int demand = 0;

	/* Its DMA API brings a domain of its own, later: stay out of the way */
	if (IS_ENABLED(CONFIG_ARM_DMA_USE_IOMMU))
		demand = IOMMU_DOMAIN_IDENTITY;

	for_each_group_device(group, gdev) {
		int type = iommu_driver_demand(gdev->dev);

		if (!type || type == demand)
			continue;
		if (demand)
			dev_err_ratelimited(gdev->dev,
					    "its driver demands %s, but %s for others in group %s\n",
					    iommu_domain_type_str(type),
					    iommu_domain_type_str(demand),
					    iommu_group_label(group));
		if (!demand || type == IOMMU_DOMAIN_IDENTITY)
			demand = type;
	}
	return demand;
}

/*
 * Decide on the type. @asked is 0 or what an administrator wants. Returns a
 * type, 0 for the kernel's default, or -EINVAL where the demands exclude each
 * other.
 */
static int iommu_group_decide_type(struct iommu_group *group, int asked)
{
	int type = iommu_group_driver_demand(group);
	struct device *untrusted = NULL;
	struct group_device *gdev;

	for_each_group_device(group, gdev)
		if (iommu_device_is_untrusted(gdev->dev))
			untrusted = gdev->dev;

	/* Without the common DMA API nobody could use a DMA domain. */
	if (!IS_ENABLED(CONFIG_IOMMU_DMA)) {
		if (WARN_ON(type == IOMMU_DOMAIN_DMA))
			return -EINVAL;
		type = type ?: IOMMU_DOMAIN_IDENTITY;
	}

	if (untrusted) {
		if (type && type != IOMMU_DOMAIN_DMA) {
			dev_err_ratelimited(untrusted,
					    "Device is not trusted, but its driver demands %s for group %s, refusing to probe\n",
					    iommu_domain_type_str(type),
					    iommu_group_label(group));
			return -EINVAL;
		}
		type = IOMMU_DOMAIN_DMA;
	}

	if (asked && type && asked != type)
		return -EINVAL;
	return asked ?: type;
}

/* The current default domain, if it will do, or a new one. */
static struct iommu_domain *
iommu_group_get_default(struct iommu_group *group, struct device *dev, int type)
{
	if (group->default_domain && group->default_domain->type == type)
		return group->default_domain;
	return iommu_domain_alloc_type(dev, type);
}

/* @type as decided; 0 takes the kernel's default or what comes nearest. */
static struct iommu_domain *
iommu_group_make_default(struct iommu_group *group, int type, int asked)
{
	struct group_device *gdev = iommu_group_first_member(group);
	const struct iommu_ops *ops = dev_iommu_ops(gdev->dev);
	struct iommu_domain *domain;

	/* IOMMU_DOMAIN_BLOCKED is 0, so @type cannot tell it from no demand. */
	if (ops->default_domain)
		return !asked || asked == ops->default_domain->type ?
			       ops->default_domain :
			       ERR_PTR(-EINVAL);
	if (type)
		return iommu_group_get_default(group, gdev->dev, type);

	domain = iommu_group_get_default(group, gdev->dev, iommu_def_type);
	if (!IS_ERR(domain) || iommu_def_type == IOMMU_DOMAIN_DMA)
		return domain;

	domain = iommu_group_get_default(group, gdev->dev, IOMMU_DOMAIN_DMA);
	if (!IS_ERR(domain))
		pr_warn("Failed to allocate default IOMMU domain of type %s for group %s - Falling back to %s\n",
			iommu_domain_type_str(iommu_def_type),
			iommu_group_label(group),
			iommu_domain_type_str(IOMMU_DOMAIN_DMA));
	return domain;
}

/* Map what firmware needs of every member. Returns the first error. */
static int iommu_group_direct_mappings(struct iommu_group *group,
				       struct iommu_domain *domain)
{
	struct group_device *gdev;
	int first = 0, ret;

	/* Some may turn out to need them. */
	group->special = true;
	for_each_group_device(group, gdev) {
		ret = iommu_create_direct_mappings(domain, gdev->dev);
		first = first ?: ret;
	}
	return first;
}

/*
 * Where a group with a new default goes. A user may still own a group whose
 * last device has left: the next one to come is blocked, like those before.
 */
static struct iommu_domain *
iommu_group_default_target(struct iommu_group *group)
{
	int ret;

	if (!iommu_group_user_owned(group))
		return group->default_domain;
	ret = iommu_group_need_blocking_domain(group);
	return ret ? ERR_PTR(ret) : group->blocking_domain;
}

/* Tell those who watch what it is now, and what it was. */
static void iommu_default_changed(struct iommu_group *group, const char *from)
{
	trace_iommu_default_domain(group->id, from,
				   iommu_domain_word(group->default_domain));
	iommu_group_changed(group, IOMMU_GROUP_DEFAULT_CHANGED, NULL);
}

/* Put the group on @domain, its new default, or leave it as it was. */
static int iommu_group_move_default(struct iommu_group *group,
				    struct iommu_domain *domain)
{
	struct iommu_domain *old_default = group->default_domain;
	struct iommu_domain *old = group->domain, *target;
	bool early;
	int ret;

	/*
	 * Before the attach, so that firmware's own DMA never fails. A driver
	 * that can map only into an attached domain gets a second chance.
	 */
	early = !iommu_group_direct_mappings(group, domain);

	/* The engine leaves deferred members alone for this domain only. */
	WRITE_ONCE(group->default_domain, domain);
	target = iommu_group_default_target(group);
	ret = PTR_ERR_OR_ZERO(target);
	if (!ret)
		ret = iommu_transition(group, target);
	if (ret)
		goto err_default;
	if (early)
		return 0;

	ret = iommu_group_direct_mappings(group, domain);
	if (!ret) {
		pr_warn("group %s: firmware's 1:1 mappings came only after the attach\n",
			iommu_group_label(group));
		return 0;
	}
	WRITE_ONCE(group->default_domain, old_default);
	if (old)
		iommu_transition_nofail(group, old);
	else
		iommu_group_set_core_domain(group);
	return ret;

err_default:
	WRITE_ONCE(group->default_domain, old_default);
	return ret;
}

/**
 * iommu_setup_default_domain() - Give a group a default domain, or another one
 * @group: a group with members
 * @target_type: the type asked for; 0: what fits best
 *
 * Every member is moved to the new domain, or blocked if a user owns the group;
 * the old one is freed.
 *
 * Context: expects group->mutex; sleeps.
 * Return: 0, also if nothing had to change; or an error and everything is as
 * it was (W22, W23), devices without an earlier domain being blocked: -EINVAL
 * the type is not what the driver or the safety of the machine demands;
 * -EOPNOTSUPP the driver has no such domains; -ENOMEM; or the driver's error.
 */
int iommu_setup_default_domain(struct iommu_group *group, int target_type)
{
	struct iommu_domain *old = group->default_domain;
	struct iommu_domain *domain;
	int type, ret;

	lockdep_assert_held(&group->mutex);

	type = iommu_group_decide_type(group, target_type);
	if (type < 0)
		return iommu_refuse(group, IOMMU_REFUSED_TYPE, NULL, type);

	domain = iommu_group_make_default(group, type, target_type);
	if (IS_ERR(domain))
		return iommu_refuse_error(group, PTR_ERR(domain));
	if (domain == old)
		return 0;

	ret = iommu_group_move_default(group, domain);
	if (ret) {
		iommu_domain_free(domain);
		return ret;
	}
	iommu_default_changed(group, iommu_domain_word(old));
	if (old)
		iommu_domain_free(old);
	return 0;
}

/* The words of the file "type". Only the first four can be asked for. */
static const struct {
	const char *word;
	unsigned int type;
} iommu_type_words[] = {
	{ "auto",	0 },
	{ "identity",	IOMMU_DOMAIN_IDENTITY },
	{ "DMA",	IOMMU_DOMAIN_DMA },
	{ "DMA-FQ",	IOMMU_DOMAIN_DMA_FQ },
	{ "blocked",	IOMMU_DOMAIN_BLOCKED },
	{ "unmanaged",	IOMMU_DOMAIN_UNMANAGED },
};

#define IOMMU_TYPE_NR_ASKABLE 4

static ssize_t iommu_group_type_show(struct iommu_group *group, char *buf)
{
	const char *word = "unknown";
	int i;

	guard(iommu_group)(group);
	/* "auto" is nothing that a domain can be: skip it. */
	for (i = 1; group->default_domain && i < ARRAY_SIZE(iommu_type_words);
	     i++)
		if (iommu_type_words[i].type == group->default_domain->type)
			word = iommu_type_words[i].word;
	return sysfs_emit(buf, "%s\n", word);
}

static int iommu_parse_default_type(const char *buf)
{
	int i;

	for (i = 0; i < IOMMU_TYPE_NR_ASKABLE; i++)
		if (sysfs_streq(buf, iommu_type_words[i].word))
			return iommu_type_words[i].type;
	return -EINVAL;
}

/* A DMA domain may start to queue under its drivers' feet. */
static int iommu_group_start_fq(struct iommu_group *group)
{
	struct group_device *gdev = iommu_group_first_member(group);
	int ret;

	/* The queue is drained by what the capability promises (W21). */
	if (!gdev || !device_iommu_capable(gdev->dev, IOMMU_CAP_DEFERRED_FLUSH))
		return iommu_refuse(group, IOMMU_REFUSED_NO_QUEUE, NULL,
				    -EINVAL);

	ret = iommu_dma_init_fq(group->default_domain);
	if (ret)
		return iommu_refuse_error(group, ret);
	group->default_domain->type = IOMMU_DOMAIN_DMA_FQ;
	iommu_default_changed(group, "DMA");
	return 0;
}

/* Nobody may be using what would change. */
static int iommu_type_may_change(struct iommu_group *group)
{
	enum iommu_refusal why;

	if (iommu_group_user_owned(group))
		why = IOMMU_REFUSED_USER;
	else if (group->owner_cnt)
		why = IOMMU_REFUSED_DRIVER;
	else if (group->domain != group->default_domain)
		why = IOMMU_REFUSED_ATTACHED;
	else if (list_empty(&group->devices))
		why = IOMMU_REFUSED_EMPTY;
	else
		return 0;
	return iommu_refuse(group, why, NULL, -EPERM);
}

static int iommu_group_change_type(struct iommu_group *group, int type)
{
	struct group_device *gdev;
	int ret;

	guard(iommu_group)(group);
	iommu_ask(group, IOMMU_REQUEST_TYPE, NULL);

	/* Under the mutex: the last member takes it away (W20). */
	if (!group->default_domain)
		return iommu_refuse(group, IOMMU_REFUSED_EMPTY, NULL, -EINVAL);
	if (type == IOMMU_DOMAIN_DMA_FQ &&
	    group->default_domain->type == IOMMU_DOMAIN_DMA)
		return iommu_group_start_fq(group);
	/* Nor under a driver that attached a domain of its own (O4). */
	ret = iommu_type_may_change(group);
	if (ret)
		return ret;
	ret = iommu_setup_default_domain(group, type);
	if (ret)
		return ret;
	for_each_group_device(group, gdev)
		iommu_setup_dma_ops(gdev->dev);
	return 0;
}

static ssize_t iommu_group_type_store(struct iommu_group *group,
				      const char *buf, size_t count)
{
	int type, ret;

	if (!capable(CAP_SYS_ADMIN) || !capable(CAP_SYS_RAWIO))
		return -EACCES;

	type = iommu_parse_default_type(buf);
	if (type < 0)
		return type;
	ret = iommu_group_change_type(group, type);
	return ret ?: count;
}

static struct iommu_group_file iommu_group_type_file = {
	.attr = { .name = "type", .mode = 0644 },
	.show = iommu_group_type_show,
	.store = iommu_group_type_store,
};

static int __init iommu_default_file_init(void)
{
	iommu_group_register_file(&iommu_group_type_file);
	return 0;
}
core_initcall(iommu_default_file_init);
