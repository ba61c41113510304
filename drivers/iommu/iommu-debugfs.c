// SPDX-License-Identifier: GPL-2.0-only
/*
 * The IOMMU folder in debugfs, and what the core itself shows there (W45).
 *
 * /sys/kernel/debug/iommu/groups has a block for each group:
 *
 *	group 3 "name"
 *	  owner: user (qemu-system-x86, process 812, through iommufd), count 1
 *	  domains: current Unmanaged, default DMA-FQ, blocking Blocked
 *	  last refusal: use of the DMA API, user, error -16, 4 s ago, 1 so far
 *	  device 0000:01:00.0: Unmanaged, PASIDs below 1048576 (device), direct
 *	    faults of PASID 5: 12
 *	  device 0000:01:00.1: Unmanaged, shares with 0000:01:00.0: functions ...
 *	  no PASID: Unmanaged, handle
 *	  PASID 5: SVA, handle
 *
 * A block is written in pieces of at most IOMMU_SHOW_AT_ONCE members or slots,
 * each under the group's mutex, so that no transition waits long for a reader
 * and no group is too large to be shown. A piece was true at one moment;
 * different pieces may be of different moments.
 */
#define pr_fmt(fmt) "iommu: " fmt

#include <linux/debugfs.h>
#include <linux/export.h>
#include <linux/seq_file.h>

#include "iommu-priv.h"

/* Drivers put folders of their own below. */
struct dentry *iommu_debugfs_dir;
EXPORT_SYMBOL_GPL(iommu_debugfs_dir);

#define IOMMU_SHOW_AT_ONCE	32

/*
 * A position in the file: the number of a group, so that it survives groups that
 * go, and below it the piece of its block: 0 for the head, then members by their
 * index, then slots by their PASID.
 */
#define IOMMU_SHOW_HEAD		0U
#define IOMMU_SHOW_MEMBERS	1U
#define IOMMU_SHOW_SLOTS	BIT(30)
#define IOMMU_SHOW_END		BIT(31)

static void iommu_show_pasids(struct dev_iommu *param, struct seq_file *m)
{
	u32 max = param->max_pasids;

	if (max)
		seq_printf(m, ", PASIDs below %u (%s)", max,
			   param->iommu_dev->max_pasids > max ? "device" :
								"IOMMU");
}

static void iommu_show_member(struct group_device *gdev, struct seq_file *m)
{
	struct dev_iommu *param = gdev->dev->iommu;

	seq_printf(m, "  device %s: ", dev_name(gdev->dev));
	if (!dev_has_iommu(gdev->dev)) {
		seq_puts(m, "no IOMMU\n");
		return;
	}

	seq_puts(m, iommu_domain_word(param->attached));
	iommu_show_pasids(param, m);
	if (READ_ONCE(param->attach_deferred))
		seq_puts(m, ", deferred");
	if (param->require_direct)
		seq_puts(m, ", direct");
	if (param->uses_dma_api)
		seq_printf(m, ", driver %s uses the DMA API",
			   dev_driver_string(gdev->dev));
	if (gdev->pauses)
		seq_puts(m, ", being reset");
	if (gdev->stranded)
		seq_puts(m, ", stranded");
	if (gdev->master_cleared)
		seq_puts(m, ", bus mastering taken away");
	if (gdev->parked)
		seq_printf(m, ", parked: %s", gdev->parked);
	if (param->shares)
		seq_printf(m, ", shares with %s", param->shares);
	seq_putc(m, '\n');
	iommu_faults_seq(&param->faults, m);
}

static void iommu_show_head(struct iommu_group *group, struct seq_file *m)
{
	char owner[IOMMU_OWNER_TEXT];

	seq_printf(m, "group %d", group->id);
	if (group->name)
		seq_printf(m, " \"%s\"", group->name);
	seq_printf(m, "\n  owner: %s", iommu_owner_kind(group));
	if (group->owner)
		seq_printf(m, " (%s)", iommu_owner_text(group, owner));
	seq_printf(m, ", count %u\n", group->owner_cnt);
	if (group->exclusive)
		seq_printf(m, "  exclusive: %s\n", dev_name(group->exclusive));
	seq_printf(m, "  domains: current %s, default %s, blocking %s\n",
		   iommu_domain_word(group->domain),
		   iommu_domain_word(group->default_domain),
		   iommu_domain_word(group->blocking_domain));
	iommu_group_seq_refusal(group, m);
}

/* Members from number @first on. Returns the piece that follows. */
static u32 iommu_show_members(struct iommu_group *group, u32 first,
			      struct seq_file *m)
{
	struct group_device *gdev;
	u32 index = 0;

	for_each_group_device(group, gdev) {
		if (index == first + IOMMU_SHOW_AT_ONCE)
			return IOMMU_SHOW_MEMBERS + index;
		if (index++ >= first)
			iommu_show_member(gdev, m);
	}
	return IOMMU_SHOW_SLOTS;
}

static u32 iommu_show_slots(struct iommu_group *group, u32 first,
			    struct seq_file *m)
{
	unsigned long next;

	next = iommu_group_seq_slots(group, m, first, IOMMU_SHOW_AT_ONCE);
	return next < IOMMU_SHOW_SLOTS ? IOMMU_SHOW_SLOTS + next :
					 IOMMU_SHOW_END;
}

static int iommu_groups_show(struct seq_file *m, void *v)
{
	struct iommu_show *show = v;
	struct iommu_group *group = show->group;
	u32 piece = show->piece;

	guard(iommu_group)(group);

	if (piece >= IOMMU_SHOW_SLOTS) {
		show->next = iommu_show_slots(group, piece - IOMMU_SHOW_SLOTS,
					      m);
	} else if (piece >= IOMMU_SHOW_MEMBERS) {
		show->next = iommu_show_members(group,
						piece - IOMMU_SHOW_MEMBERS, m);
	} else {
		iommu_show_head(group, m);
		show->next = IOMMU_SHOW_MEMBERS;
	}
	return 0;
}

static void *iommu_groups_start(struct seq_file *m, loff_t *pos)
{
	struct iommu_show *show = m->private;
	int id = *pos >> 32;

	show->group = iommu_group_next(&id);
	if (!show->group)
		return NULL;
	/* Another group than the one left off at begins at its head. */
	show->piece = id == *pos >> 32 ? (u32)*pos : IOMMU_SHOW_HEAD;
	*pos = (loff_t)id << 32 | show->piece;
	return show;
}

static void iommu_groups_stop(struct seq_file *m, void *v)
{
	struct iommu_show *show = m->private;

	if (show->group)
		iommu_group_done(show->group);
	show->group = NULL;
}

static void *iommu_groups_next(struct seq_file *m, void *v, loff_t *pos)
{
	struct iommu_show *show = v;

	if (show->next != IOMMU_SHOW_END) {
		show->piece = show->next;
		*pos = (*pos >> 32) << 32 | show->piece;
		return show;
	}
	iommu_groups_stop(m, v);
	*pos = ((*pos >> 32) + 1) << 32;
	return *pos >> 32 > INT_MAX ? NULL : iommu_groups_start(m, pos);
}

/* Not static: the suites read a whole file without a file system. */
const struct seq_operations iommu_groups_sops = {
	.start	= iommu_groups_start,
	.next	= iommu_groups_next,
	.stop	= iommu_groups_stop,
	.show	= iommu_groups_show,
};

static int iommu_groups_open(struct inode *inode, struct file *file)
{
	return seq_open_private(file, &iommu_groups_sops,
				sizeof(struct iommu_show));
}

static const struct file_operations iommu_groups_fops = {
	.owner		= THIS_MODULE,
	.open		= iommu_groups_open,
	.read		= seq_read,
	.llseek		= seq_lseek,
	.release	= seq_release_private,
};

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
