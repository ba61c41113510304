// SPDX-License-Identifier: GPL-2.0-only
/*
 * Groups, devices and IOMMUs, as every kernel since 5.10 shows them in sysfs,
 * and the files that newer ones or this core add.
 *
 * The tree of groups is read at once, the facts of a device when somebody asks.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "iommuctl.h"

#define GROUPS	"/sys/kernel/iommu_groups"

static struct device *device_new(const char *path)
{
	struct device *dev = mem_alloc(sizeof(*dev));

	dev->path = mem_text(path);
	dev->name = mem_text(strrchr(path, '/') + 1);
	dev->bus = root_link("%s/subsystem", path);
	dev->dma_driver = UNTOLD;
	return dev;
}

static int by_group(const void *a, const void *b)
{
	const struct group *x = *(struct group *const *)a;
	const struct group *y = *(struct group *const *)b;

	return (x->id > y->id) - (x->id < y->id);
}

static void group_load(struct model *m, unsigned long id)
{
	struct group *group = mem_alloc(sizeof(*group));
	char **names, *path;
	size_t count, i;

	group->id = id;
	group->name = root_read(GROUPS "/%lu/name", id);
	names = root_list(&count, GROUPS "/%lu/devices", id);
	for (i = 0; i < count; i++) {
		struct device *dev;

		/* It may have gone meanwhile. */
		path = root_real(GROUPS "/%lu/devices/%s", id, names[i]);
		if (!path)
			continue;
		dev = device_new(path);
		dev->group = group;
		group->devices = mem_grow(group->devices, group->count,
					  sizeof(dev));
		group->devices[group->count++] = dev;
		m->devices = mem_grow(m->devices, m->devices_count, sizeof(dev));
		m->devices[m->devices_count++] = dev;
	}
	m->groups = mem_grow(m->groups, m->groups_count, sizeof(group));
	m->groups[m->groups_count++] = group;
}

/* Names are sorted already: groups by their number, their devices by name. */
struct model *model_load(void)
{
	struct model *m = mem_alloc(sizeof(*m));
	unsigned long id;
	size_t count, i;
	char **names;

	names = root_list(&count, GROUPS);
	if (errno && errno != ENOENT)
		fail(EXIT_SYSTEM, GROUPS ": %s", strerror(errno));
	for (i = 0; i < count; i++)
		if (text_number(names[i], &id))
			group_load(m, id);
	m->units = root_list(&m->units_count, "/sys/class/iommu");
	return m;
}

struct group *model_group(struct model *m, int id)
{
	struct group key = { .id = id }, *wanted = &key, **found;

	if (!m->groups_count)
		return NULL;
	found = bsearch(&wanted, m->groups, m->groups_count, sizeof(*found),
			by_group);
	return found ? *found : NULL;
}

/* For verbs whose argument can be nothing else; ends the program otherwise. */
struct group *model_group_arg(struct model *m, const char *arg)
{
	struct group *group;
	unsigned long id;

	if (!text_number(arg, &id))
		fail(EXIT_USAGE, "'%s' is no number of a group", arg);
	group = model_group(m, id);
	if (!group)
		fail(EXIT_UNKNOWN, "there is no IOMMU group %lu", id);
	return group;
}

static struct device *grouped(struct model *m, const char *path)
{
	size_t i;

	for (i = 0; i < m->devices_count; i++)
		if (text_is(m->devices[i]->path, path))
			return m->devices[i];
	return NULL;
}

struct device *model_device_at(struct model *m, const char *path)
{
	return path ? grouped(m, path) : NULL;
}

static struct device *device_on_bus(struct model *m, const char *bus,
				    const char *name)
{
	char *path = root_real("/sys/bus/%s/devices/%s", bus, name);
	struct device *dev;

	if (!path)
		return NULL;
	dev = grouped(m, path);
	return dev ? dev : device_new(path);
}

static struct device *device_anywhere(struct model *m, const char *name)
{
	struct device *found = NULL, *dev;
	size_t count, i;
	char **buses;

	buses = root_list(&count, "/sys/bus");
	for (i = 0; i < count; i++) {
		dev = device_on_bus(m, buses[i], name);
		if (!dev)
			continue;
		if (found)
			fail(EXIT_USAGE,
			     "'%s' is on several buses; say %s/%s or %s/%s",
			     name, found->bus, name, buses[i], name);
		found = dev;
	}
	return found;
}

/*
 * A device by its name, by BUS/NAME, or by a PCI address without the domain.
 * Ends the program if there is none.
 */
struct device *model_device(struct model *m, const char *arg)
{
	const char *slash = strchr(arg, '/');
	struct device *dev = NULL;
	const char *name = slash ? slash + 1 : arg;

	if (!*name || *arg == '.' || *name == '.' || strchr(name, '/') ||
	    slash == arg || strlen(arg) > 200)
		fail(EXIT_USAGE, "'%s' is no name of a device", arg);
	if (slash)
		dev = device_on_bus(m, mem_textn(arg, slash - arg), name);
	else
		dev = device_anywhere(m, name);
	if (!dev && !slash && strlen(name) == 7 && name[2] == ':' &&
	    name[5] == '.')
		dev = device_on_bus(m, "pci", mem_printf("0000:%s", name));
	if (!dev)
		fail(EXIT_UNKNOWN, "there is no device %s", arg);
	return dev;
}

/* PCI devices that no IOMMU translates for. */
struct device **model_ungrouped(struct model *m, size_t *count)
{
	struct device **devices = NULL;
	size_t names_count, i;
	char **names;

	*count = 0;
	names = root_list(&names_count, "/sys/bus/pci/devices");
	for (i = 0; i < names_count; i++) {
		struct device *dev = device_on_bus(m, "pci", names[i]);

		if (!dev || dev->group)
			continue;
		devices = mem_grow(devices, *count, sizeof(dev));
		devices[(*count)++] = dev;
	}
	return devices;
}

char *device_file(struct device *dev, const char *file)
{
	return root_read("%s/%s", dev->path, file);
}

char *device_driver(struct device *dev)
{
	return root_link("%s/driver", dev->path);
}

char *device_unit(struct device *dev)
{
	return root_link("%s/iommu", dev->path);
}

/* Vendor and device on PCI; what firmware calls the device elsewhere. */
char *device_ids(struct device *dev)
{
	char *vendor = device_file(dev, "vendor");
	char *device = device_file(dev, "device");
	char *id;

	if (text_is(dev->bus, "pci") && vendor && device)
		return mem_printf("%s:%s",
				  vendor + 2 * text_starts(vendor, "0x"),
				  device + 2 * text_starts(device, "0x"));
	id = device_file(dev, "of_node/compatible");	/* ends at the first NUL */
	if (!id || !*id)
		id = device_file(dev, "firmware_node/hid");
	return id && *id ? id : NULL;
}

static bool class_of(struct device *dev, unsigned long *class)
{
	char *text = device_file(dev, "class"), *end;

	if (!text_is(dev->bus, "pci") || !text)
		return false;
	*class = strtoul(text, &end, 16);
	return end != text && !*end;
}

/* The six digits of the PCI specification. */
char *device_class(struct device *dev)
{
	unsigned long class;

	return class_of(dev, &class) ? mem_printf("%06lx", class) : NULL;
}

char *device_class_text(struct device *dev)
{
	unsigned long class;

	if (!class_of(dev, &class))
		return NULL;
	return mem_printf("%04lx %s", class >> 8, pci_class_word(class));
}

/* The node that VFIO made for this device alone, where it exists in /dev. */
char *device_cdev(struct device *dev)
{
	size_t count;
	char **names = root_list(&count, "%s/vfio-dev", dev->path);

	if (!count || !root_exists("/dev/vfio/devices/%s", names[0]))
		return NULL;
	return mem_printf("/dev/vfio/devices/%s", names[0]);
}

/*
 * Is a VFIO driver bound? Kernels since 6.1 show it; on older ones the driver
 * is known by its name.
 */
bool device_has_vfio(struct device *dev)
{
	char *driver = device_driver(dev);

	if (!driver)
		return false;
	return root_exists("%s/vfio-dev", dev->path) ||
	       text_starts(driver, "vfio-") || strstr(driver, "-vfio-") ||
	       strstr(driver, "_vfio_");
}

/* Drivers of the kernel, besides VFIO's, that do no DMA of their own. */
bool driver_leaves_dma(const char *driver)
{
	static const char * const names[] = {
		"pci-stub", "pcieport", "shpchp",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (text_is(driver, names[i]))
			return true;
	return false;
}

char *group_type(struct group *group)
{
	return root_read(GROUPS "/%d/type", group->id);
}

char *group_owner(struct group *group)
{
	return root_read(GROUPS "/%d/owner", group->id);
}

char *group_node(struct group *group)
{
	if (!root_exists("/dev/vfio/%d", group->id))
		return NULL;
	return mem_printf("/dev/vfio/%d", group->id);
}

char *group_label(struct group *group)
{
	if (!group->name || !*group->name)
		return mem_printf("%d", group->id);
	return mem_printf("%d \"%s\"", group->id, group->name);
}

/* The types of reserved regions, each once, with their number. */
char *group_resv_types(struct group *group)
{
	static const char * const types[] = {
		"direct", "direct-relaxable", "reserved", "msi",
	};
	size_t counts[ARRAY_SIZE(types)] = {}, i;
	char *text, *line, *result = NULL;

	text = root_read(GROUPS "/%d/reserved_regions", group->id);
	if (!text)
		return NULL;
	while ((line = text_line(&text))) {
		char *type = line, *word;

		while ((word = text_word(&line)))
			type = word;
		for (i = 0; i < ARRAY_SIZE(types); i++)
			counts[i] += text_is(type, types[i]);
	}
	for (i = 0; i < ARRAY_SIZE(types); i++) {
		if (!counts[i])
			continue;
		result = mem_printf("%s%s%s:%zu", result ? result : "",
				    result ? "," : "", types[i], counts[i]);
	}
	return result ? result : mem_text("none");
}

/* Firmware that cannot be told to let go of the memory it uses. */
bool group_has_direct(struct group *group)
{
	char *types = group_resv_types(group);

	return types && text_starts(types, "direct:");
}

/* What kind of IOMMU this is, from what its driver shows; NULL: not told. */
char *unit_kind(const char *unit)
{
	char *driver;

	if (root_exists("/sys/class/iommu/%s/intel-iommu", unit))
		return mem_text("Intel VT-d");
	if (root_exists("/sys/class/iommu/%s/amd-iommu", unit))
		return mem_text("AMD-Vi");
	if (text_starts(unit, "smmu3."))
		return mem_text("Arm SMMUv3");
	if (text_starts(unit, "smmu."))
		return mem_text("Arm SMMU");
	driver = root_link("/sys/class/iommu/%s/device/driver", unit);
	if (text_is(driver, "virtio_iommu"))
		return mem_text("virtio-iommu");
	if (text_starts(unit, "s390-iommu."))
		return mem_text("s390");
	return driver;
}

/* False also if the version cannot be read. */
bool kernel_at_least(unsigned long major, unsigned long minor)
{
	char *release = root_read("/proc/sys/kernel/osrelease");
	unsigned long x, y;

	if (!release || sscanf(release, "%lu.%lu", &x, &y) != 2)
		return false;
	return x > major || (x == major && y >= minor);
}
