// SPDX-License-Identifier: GPL-2.0-only
/*
 * The IOMMU folder in debugfs, and what the core itself shows there (W45).
 *
 * /sys/kernel/debug/iommu/groups has a block for each group:
 *
 *	group 3 "name"
 *	  owner: user, count 1
 *	  domains: current Unmanaged, default DMA-FQ, blocking Blocked
 *	  device 0000:01:00.0: Unmanaged, PASIDs below 1048576, direct
 *	  no PASID: Unmanaged, handle
 *	  PASID 5: SVA, handle
 *
 * Each block is taken under its group's mutex, so what it says was true at one
 * moment. Different blocks may be of different moments.
 */
#define pr_fmt(fmt) "iommu: " fmt

#include <linux/debugfs.h>
#include <linux/export.h>
#include <linux/seq_file.h>

#include "iommu-priv.h"

/* Drivers put folders of their own below. */
struct dentry *iommu_debugfs_dir;
EXPORT_SYMBOL_GPL(iommu_debugfs_dir);

static const char *iommu_owner_kind(struct iommu_group *group)
{
	if (iommu_group_user_owned(group))
		return "user";
	return group->owner ? "kernel" : "none";
}

static const char *iommu_type_or_none(struct iommu_domain *domain)
{
	if (!domain)
		return "none";
	/* Messages call both the same; here the flush policy matters. */
	if (domain->type == IOMMU_DOMAIN_DMA)
		return "DMA";
	if (domain->type == IOMMU_DOMAIN_DMA_FQ)
		return "DMA-FQ";
	return iommu_domain_type_str(domain->type);
}

static void iommu_seq_member(struct group_device *gdev, struct seq_file *m)
{
	struct dev_iommu *iommu = gdev->dev->iommu;

	seq_printf(m, "  device %s: ", dev_name(gdev->dev));
	if (!dev_has_iommu(gdev->dev)) {
		seq_puts(m, "no IOMMU\n");
		return;
	}

	seq_puts(m, iommu_type_or_none(iommu->attached));
	if (iommu->max_pasids)
		seq_printf(m, ", PASIDs below %u", iommu->max_pasids);
	if (READ_ONCE(iommu->attach_deferred))
		seq_puts(m, ", deferred");
	if (iommu->require_direct)
		seq_puts(m, ", direct");
	if (gdev->pauses)
		seq_puts(m, ", being reset");
	if (gdev->stranded)
		seq_puts(m, ", stranded");
	if (gdev->master_cleared)
		seq_puts(m, ", bus mastering taken away");
	if (gdev->parked)
		seq_printf(m, ", parked: %s", gdev->parked);
	seq_putc(m, '\n');
}

/**
 * iommu_groups_show() - Write the block of one group
 * @m: where to
 * @v: the group
 *
 * Context: process context, takes group->mutex.
 * Return: 0.
 */
int iommu_groups_show(struct seq_file *m, void *v)
{
	struct iommu_group *group = v;
	struct group_device *gdev;

	guard(iommu_group)(group);

	seq_printf(m, "group %d", group->id);
	if (group->name)
		seq_printf(m, " \"%s\"", group->name);
	seq_printf(m, "\n  owner: %s, count %u\n", iommu_owner_kind(group),
		   group->owner_cnt);
	if (group->exclusive)
		seq_printf(m, "  exclusive: %s\n", dev_name(group->exclusive));
	seq_printf(m, "  domains: current %s, default %s, blocking %s\n",
		   iommu_type_or_none(group->domain),
		   iommu_type_or_none(group->default_domain),
		   iommu_type_or_none(group->blocking_domain));
	for_each_group_device(group, gdev)
		iommu_seq_member(gdev, m);
	iommu_group_seq_slots(group, m);
	return 0;
}

/* A position in the file is a group's number: it survives groups that go. */
static void *iommu_groups_start(struct seq_file *m, loff_t *pos)
{
	struct iommu_group *group;
	int id = *pos;

	if (*pos > INT_MAX)
		return NULL;

	group = iommu_group_next(&id);
	if (group)
		*pos = id;
	return group;
}

static void iommu_groups_stop(struct seq_file *m, void *v)
{
	if (v)
		iommu_group_done(v);
}

static void *iommu_groups_next(struct seq_file *m, void *v, loff_t *pos)
{
	iommu_group_done(v);
	++*pos;
	return iommu_groups_start(m, pos);
}

static const struct seq_operations iommu_groups_sops = {
	.start	= iommu_groups_start,
	.next	= iommu_groups_next,
	.stop	= iommu_groups_stop,
	.show	= iommu_groups_show,
};
DEFINE_SEQ_ATTRIBUTE(iommu_groups);

/**
 * iommu_debugfs_setup() - Make /sys/kernel/debug/iommu
 *
 * The core calls it at start-up; a driver that is initialised earlier may do
 * so, too. Says loudly that it is there, since no production kernel should let
 * anybody read how devices are kept apart.
 *
 * Context: process context, while booting.
 */
void iommu_debugfs_setup(void)
{
	if (iommu_debugfs_dir)
		return;

	iommu_debugfs_dir = debugfs_create_dir("iommu", NULL);
	debugfs_create_file("groups", 0400, iommu_debugfs_dir, NULL,
			    &iommu_groups_fops);

	pr_warn("################ CONFIG_IOMMU_DEBUGFS is on ################\n");
	pr_warn("debugfs shows page tables and other internals of the IOMMUs,\n");
	pr_warn("which makes attacks by devices easier. Use this kernel only to\n");
	pr_warn("debug; if you did not expect this, ask who built it.\n");
	pr_warn("############################################################\n");
}
