// SPDX-License-Identifier: GPL-2.0-only
/* sysfs files, PCI devices and their groups: see core_lib.h */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core_lib.h"

#define PCI	"/sys/bus/pci"
#define GROUPS	"/sys/kernel/iommu_groups"

int sysfs_read(const char *path, char *buf, size_t len)
{
	int fd = open(path, O_RDONLY);
	ssize_t got;

	if (fd < 0)
		return -errno;
	got = read(fd, buf, len - 1);
	if (got < 0)
		got = -errno;
	close(fd);
	if (got < 0)
		return got;
	buf[got] = 0;
	if (got && buf[got - 1] == '\n')
		buf[got - 1] = 0;
	return 0;
}

int sysfs_write(const char *path, const char *text)
{
	size_t len = strlen(text);
	int fd = open(path, O_WRONLY);
	int ret = 0;

	if (fd < 0)
		return -errno;
	/* one write: sysfs takes a value whole or not at all */
	if (write(fd, text, len) != (ssize_t)len)
		ret = errno ? -errno : -EIO;
	close(fd);
	return ret;
}

bool path_exists(const char *path)
{
	return !access(path, F_OK);
}

bool wait_for(bool (*hold)(const void *arg), const void *arg, int ms)
{
	struct timespec nap = { .tv_nsec = 10 * 1000 * 1000 };
	struct timespec now;
	long long end;

	clock_gettime(CLOCK_MONOTONIC, &now);
	end = now.tv_sec * 1000LL + now.tv_nsec / 1000000 + ms;
	for (;;) {
		if (hold(arg))
			return true;
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec * 1000LL + now.tv_nsec / 1000000 >= end)
			return false;
		nanosleep(&nap, NULL);
	}
}

static unsigned int pci_id(const char *bdf, const char *file)
{
	char path[128], text[32];

	snprintf(path, sizeof(path), PCI "/devices/%s/%s", bdf, file);
	return sysfs_read(path, text, sizeof(text)) ? 0 : strtoul(text, NULL, 16);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void copy_bdf(char *to, const char *from)
{
	snprintf(to, BDF_LEN, "%s", from);
}

/* The names in a folder, sorted, without the hidden ones */
static int list_names(const char *path, struct pci_list *list)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	int ret = 0;

	list->count = 0;
	if (!dir)
		return -errno;
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		if (list->count == MAX_DEVICES || strlen(entry->d_name) >= BDF_LEN) {
			ret = -EOVERFLOW;
			break;
		}
		copy_bdf(list->bdf[list->count++], entry->d_name);
	}
	closedir(dir);
	qsort(list->bdf, list->count, BDF_LEN, by_name);
	return ret;
}

bool iommu_named(const char *prefix)
{
	struct pci_list iommus;
	int i;

	list_names("/sys/class/iommu", &iommus);
	for (i = 0; i < iommus.count; i++)
		if (!strncmp(iommus.bdf[i], prefix, strlen(prefix)))
			return true;
	return false;
}

int pci_find(unsigned int vendor, unsigned int device, struct pci_list *found)
{
	struct pci_list all;
	int i, ret = list_names(PCI "/devices", &all);

	found->count = 0;
	if (ret)
		return ret;
	for (i = 0; i < all.count; i++)
		if (pci_id(all.bdf[i], "vendor") == vendor &&
		    pci_id(all.bdf[i], "device") == device)
			copy_bdf(found->bdf[found->count++], all.bdf[i]);
	return 0;
}

/* The last part of the path that the symbolic link @link points to */
static int link_name(const char *link, char *name, size_t len)
{
	char target[256], *last;
	ssize_t got = readlink(link, target, sizeof(target) - 1);

	if (got < 0)
		return -errno;
	target[got] = 0;
	last = strrchr(target, '/');
	last = last ? last + 1 : target;
	return snprintf(name, len, "%s", last) < (int)len ? 0 : -EOVERFLOW;
}

int pci_group(const char *bdf)
{
	char path[128], name[16];
	int ret;

	snprintf(path, sizeof(path), PCI "/devices/%s/iommu_group", bdf);
	ret = link_name(path, name, sizeof(name));
	return ret ? ret : atoi(name);
}

int pci_driver(const char *bdf, char *name, size_t len)
{
	char path[128];

	snprintf(path, sizeof(path), PCI "/devices/%s/driver", bdf);
	return link_name(path, name, len);
}

bool pci_present(const char *bdf)
{
	char path[128];

	snprintf(path, sizeof(path), PCI "/devices/%s", bdf);
	return path_exists(path);
}

int group_members(int group, struct pci_list *members)
{
	char path[128];

	snprintf(path, sizeof(path), GROUPS "/%d/devices", group);
	return list_names(path, members);
}

int group_type(int group, char *type, size_t len)
{
	char path[128];

	snprintf(path, sizeof(path), GROUPS "/%d/type", group);
	return sysfs_read(path, type, len);
}

int group_set_type(int group, const char *type)
{
	char path[128];

	snprintf(path, sizeof(path), GROUPS "/%d/type", group);
	return sysfs_write(path, type);
}

int pci_unbind(const char *bdf)
{
	char path[128];

	snprintf(path, sizeof(path), PCI "/devices/%s/driver/unbind", bdf);
	return sysfs_write(path, bdf);
}

int pci_bind(const char *bdf, const char *driver)
{
	char path[128], name[64];
	int ret;

	if (!pci_driver(bdf, name, sizeof(name))) {
		if (!strcmp(name, driver))
			return 0;
		ret = pci_unbind(bdf);
		if (ret)
			return ret;
	}
	/* vfio-pci has no table of IDs: the override is its only match */
	snprintf(path, sizeof(path), PCI "/devices/%s/driver_override", bdf);
	ret = sysfs_write(path, driver);
	if (ret)
		return ret;
	snprintf(path, sizeof(path), PCI "/drivers/%s/bind", driver);
	return sysfs_write(path, bdf);
}

int edu_find_single(int nth, char *bdf)
{
	struct pci_list edus, members;
	int i;

	pci_find(EDU_VENDOR, EDU_DEVICE, &edus);
	for (i = 0; i < edus.count; i++) {
		int group = pci_group(edus.bdf[i]);

		if (group < 0 || group_members(group, &members) || members.count != 1 || nth--)
			continue;
		copy_bdf(bdf, edus.bdf[i]);
		return 0;
	}
	return -ENODEV;
}

int edu_find_pair(char *first, char *second)
{
	struct pci_list edus;
	int i;

	pci_find(EDU_VENDOR, EDU_DEVICE, &edus);
	for (i = 0; i + 1 < edus.count; i++) {
		size_t slot = strcspn(edus.bdf[i], ".");
		int group = pci_group(edus.bdf[i]);

		if (group < 0 || group != pci_group(edus.bdf[i + 1]) ||
		    strncmp(edus.bdf[i], edus.bdf[i + 1], slot))
			continue;
		copy_bdf(first, edus.bdf[i]);
		copy_bdf(second, edus.bdf[i + 1]);
		return 0;
	}
	return -ENODEV;
}

/* A bridge in the group, because its ID stands for all that is behind it */
static bool has_bridge(int group)
{
	struct pci_list members;
	int i;

	if (group < 0 || group_members(group, &members))
		return false;
	for (i = 0; i < members.count; i++)
		if (pci_id(members.bdf[i], "class") >> 8 == 0x0604)
			return true;
	return false;
}

int edu_find_bridged(char *bdf)
{
	struct pci_list edus;
	int i;

	pci_find(EDU_VENDOR, EDU_DEVICE, &edus);
	for (i = 0; i < edus.count; i++) {
		if (!has_bridge(pci_group(edus.bdf[i])))
			continue;
		copy_bdf(bdf, edus.bdf[i]);
		return 0;
	}
	return -ENODEV;
}

int edu_kernel_dma(const char *bdf, unsigned int bytes)
{
	char path[128], text[16];

	snprintf(path, sizeof(path), PCI "/devices/%s/dma_check", bdf);
	snprintf(text, sizeof(text), "%u", bytes);
	return sysfs_write(path, text);
}
