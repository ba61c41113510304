// SPDX-License-Identifier: GPL-2.0-only
/*
 * What would be torn away with a device: file systems, swap, interfaces.
 *
 * A block device is below a device if its folder in sysfs is. Those that are
 * made of others (device mapper, RAID) name them in "slaves", a multipath NVMe
 * disk is below its subsystem, which links to its controllers, and btrfs lists
 * its disks. ZFS tells the kernel nothing that could be read here.
 */
#include <stdio.h>
#include <string.h>

#include "iommuctl.h"

#define DEEPEST	8

static bool below(const char *path, const struct device *dev)
{
	size_t len = strlen(dev->path);

	return !strncmp(path, dev->path, len) &&
	       (path[len] == '/' || !path[len]);
}

static bool nvme_below(const char *path, const struct device *dev)
{
	char *subsystem = strstr(path, "/nvme-subsystem/"), *end;
	size_t count, i;
	char **names;

	if (!subsystem)
		return false;
	end = strchr(subsystem + strlen("/nvme-subsystem/"), '/');
	if (!end)
		return false;
	path = mem_textn(path, end - path);
	names = root_list(&count, "%s", path);
	for (i = 0; i < count; i++) {
		char *real;

		if (!text_starts(names[i], "nvme"))
			continue;
		real = root_real("%s/%s", path, names[i]);
		if (real && below(real, dev))
			return true;
	}
	return false;
}

/* @path: a block device's folder, or that of a partition */
static bool block_below(const char *path, const struct device *dev, int depth)
{
	static const char * const folders[] = { "slaves", "../slaves" };
	size_t count, i, f;
	char **names;

	if (!path || depth == DEEPEST)
		return false;
	if (below(path, dev) || nvme_below(path, dev))
		return true;
	for (f = 0; f < ARRAY_SIZE(folders); f++) {
		/* Only a partition's parent is a block device. */
		if (f && !root_exists("%s/partition", path))
			break;
		names = root_list(&count, "%s/%s", path, folders[f]);
		for (i = 0; i < count; i++)
			if (block_below(root_real("%s/%s/%s", path, folders[f],
						  names[i]), dev, depth + 1))
				return true;
	}
	return false;
}

static void add(char ***list, size_t *count, char *text)
{
	size_t i;

	for (i = 0; i < *count; i++)
		if (text_is((*list)[i], text))
			return;
	*list = mem_grow(*list, *count, sizeof(**list));
	(*list)[(*count)++] = text;
}

static char *block_named(const char *node)
{
	const char *slash = strrchr(node, '/');

	return root_real("/sys/class/block/%s", slash ? slash + 1 : node);
}

/* Lines of mountinfo: id parent major:minor root mountpoint ... - type source */
static void add_mounts(struct device *dev, char ***list, size_t *count)
{
	char *text = root_read("/proc/self/mountinfo"), *line;

	while (text && (line = text_line(&text))) {
		char *words[5] = {}, *path, *source, *end = line;
		int i;

		source = strstr(line, " - ");
		if (source) {
			*source = '\0';
			source += 3;
			text_word(&source);
			source = text_word(&source);
		}
		for (i = 0; i < 5; i++)
			words[i] = text_word(&end);
		if (!words[4])
			continue;
		path = root_real("/sys/dev/block/%s", words[2]);
		/* btrfs and others have a number that is no disk's. */
		if (!path && source && text_starts(source, "/dev/"))
			path = block_named(source);
		if (block_below(path, dev, 0))
			add(list, count, mem_printf("file system %s", words[4]));
	}
}

static void add_btrfs(struct device *dev, char ***list, size_t *count)
{
	size_t volumes_count, disks_count, i, j;
	char **volumes = root_list(&volumes_count, "/sys/fs/btrfs"), **disks;

	for (i = 0; i < volumes_count; i++) {
		disks = root_list(&disks_count, "/sys/fs/btrfs/%s/devices",
				  volumes[i]);
		for (j = 0; j < disks_count; j++)
			if (block_below(block_named(disks[j]), dev, 0))
				add(list, count, mem_printf("btrfs on %s",
							    disks[j]));
	}
}

static void add_swap(struct device *dev, char ***list, size_t *count)
{
	char *text = root_read("/proc/swaps"), *line;

	while (text && (line = text_line(&text))) {
		char *node = text_word(&line);

		if (node && text_starts(node, "/dev/") &&
		    block_below(block_named(node), dev, 0))
			add(list, count, mem_printf("swap %s", node));
	}
}

/* What keeps data on @dev, in words; @count is 0 if nothing does. */
char **inuse_storage(struct device *dev, size_t *count)
{
	char **list = NULL;

	*count = 0;
	add_mounts(dev, &list, count);
	add_btrfs(dev, &list, count);
	add_swap(dev, &list, count);
	return list;
}

/* Interfaces of @dev that are up. */
char **inuse_net(struct device *dev, size_t *count)
{
	size_t names_count, i;
	char **names = root_list(&names_count, "/sys/class/net"), **list = NULL;

	*count = 0;
	for (i = 0; i < names_count; i++) {
		char *path = root_real("/sys/class/net/%s", names[i]);
		char *state;

		if (!path || !below(path, dev))
			continue;
		state = root_read("%s/operstate", path);
		if (text_is(state, "up"))
			add(&list, count, names[i]);
	}
	return list;
}
