// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which processes have a VFIO or iommufd file open, from /proc/PID/fd.
 *
 *	/dev/vfio/12			group 12
 *	/dev/vfio/devices/vfio3		one device
 *	/dev/iommu, /dev/vfio/vfio	address spaces; says nothing of groups
 *	anon_inode:[vfio-device]	a device that came out of a group; newer
 *					kernels name it in /proc/PID/fdinfo
 *
 * Only root sees the files of others; how many processes were hidden is kept,
 * so that nobody takes "none seen" for "none".
 */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "iommuctl.h"

static struct device *device_of_cdev(struct model *m, const char *name)
{
	return model_device_at(m, root_real("/sys/class/vfio-dev/%s/device",
					    name));
}

/* The device that the kernel names for an open VFIO device, or NULL. */
static struct device *device_of_fd(struct model *m, const char *pid,
				   const char *fd)
{
	static const char key[] = "vfio-device-syspath:";
	char *info = root_read("/proc/%s/fdinfo/%s", pid, fd), *line;

	while (info && (line = text_line(&info))) {
		if (!text_starts(line, key))
			continue;
		line += strlen(key);
		line += strspn(line, " \t");
		return model_device_at(m, root_real("%s", line));
	}
	return NULL;
}

/* Does @target belong to VFIO or iommufd? Then @h says what it is. */
static bool recognize(struct model *m, const char *pid, const char *fd,
		      char *target, struct holder *h)
{
	char *deleted = strstr(target, " (deleted)");
	unsigned long group;

	if (deleted)
		*deleted = '\0';
	h->node = target;
	h->group = -1;
	if (text_is(target, "/dev/iommu") || text_is(target, "/dev/vfio/vfio"))
		return true;
	if (text_is(target, "anon_inode:[vfio-device]")) {
		h->node = "vfio-device";
		h->dev = device_of_fd(m, pid, fd);
	} else if (text_starts(target, "/dev/vfio/devices/")) {
		h->dev = device_of_cdev(m, strrchr(target, '/') + 1);
	} else if (text_starts(target, "/dev/vfio/")) {
		if (text_number(strrchr(target, '/') + 1, &group))
			h->group = group;
	} else {
		return false;
	}
	if (h->dev && h->dev->group)
		h->group = h->dev->group->id;
	return true;
}

static bool known(const struct holders *all, const struct holder *h)
{
	size_t i;

	for (i = all->count; i-- && all->list[i].pid == h->pid;)
		if (text_is(all->list[i].node, h->node) &&
		    all->list[i].dev == h->dev)
			return true;
	return false;
}

static void look_at(struct model *m, struct holders *all, const char *pid,
		    unsigned long number)
{
	size_t count, i;
	char **fds = root_list(&count, "/proc/%s/fd", pid);

	if (errno == EACCES || errno == EPERM) {
		all->hidden++;
		return;
	}
	for (i = 0; i < count; i++) {
		char target[PATH_MAX];
		struct holder h = { .pid = number };
		size_t mark = mem_mark();
		ssize_t len;

		len = readlink(root_path(mem_printf("/proc/%s/fd/%s", pid,
						    fds[i])),
			       target, sizeof(target) - 1);
		mem_release(mark);
		if (len <= 0)
			continue;
		target[len] = '\0';
		if (!text_starts(target, "/dev/") &&
		    !text_starts(target, "anon_inode:"))
			continue;
		if (!recognize(m, pid, fds[i], mem_text(target), &h) ||
		    known(all, &h))
			continue;
		h.command = root_read("/proc/%s/comm", pid);
		if (h.command)
			text_visible(h.command);
		all->list = mem_grow(all->list, all->count, sizeof(h));
		all->list[all->count++] = h;
	}
}

/* Looks once; later calls give the same answer. */
const struct holders *holders_find(struct model *m)
{
	static struct holders *all;
	unsigned long number;
	size_t count, i;
	char **pids;

	if (all)
		return all;
	all = mem_alloc(sizeof(*all));
	pids = root_list(&count, "/proc");
	for (i = 0; i < count; i++)
		if (text_number(pids[i], &number))
			look_at(m, all, pids[i], number);
	return all;
}

/* Does it concern the group and, if one is given, the device? */
bool holder_of(const struct holder *h, const struct group *group,
	       const struct device *dev)
{
	if (!group || h->group != group->id)
		return false;
	return !dev || !h->dev || h->dev == dev;
}

/* "qemu(812),dpdk(90)"; "none"; NULL: some could not be looked at */
char *holders_text(struct model *m, struct group *group)
{
	const struct holders *all = holders_find(m);
	char *text = NULL;
	long last = -1;
	size_t i;

	for (i = 0; i < all->count; i++) {
		const struct holder *h = &all->list[i];

		if (!holder_of(h, group, NULL) || h->pid == last)
			continue;
		last = h->pid;
		text = mem_printf("%s%s%s(%ld)", text ? text : "",
				  text ? "," : "", or_dash(h->command), h->pid);
	}
	if (text)
		return text;
	return all->hidden ? NULL : mem_text("none");
}
