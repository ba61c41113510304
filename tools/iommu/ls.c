// SPDX-License-Identifier: GPL-2.0-only
/*
 * ls: one line for each device, with the columns one asks for.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "iommuctl.h"

struct column {
	const char *name;
	const char *help;
	char *(*value)(struct model *m, struct device *dev);
	bool right;
	bool standard;	/* shown without -o */
};

static char *get_group(struct model *m, struct device *dev)
{
	(void)m;
	return dev->group ? mem_printf("%d", dev->group->id) : NULL;
}

static char *get_name(struct model *m, struct device *dev)
{
	(void)m;
	return dev->name;
}

static char *get_bus(struct model *m, struct device *dev)
{
	(void)m;
	return dev->bus;
}

static char *get_unit(struct model *m, struct device *dev)
{
	(void)m;
	return device_unit(dev);
}

static char *get_class(struct model *m, struct device *dev)
{
	(void)m;
	return device_class_text(dev);
}

static char *get_ids(struct model *m, struct device *dev)
{
	(void)m;
	return device_ids(dev);
}

/* Whether a driver is bound is always told: "none" is known. */
static char *get_driver(struct model *m, struct device *dev)
{
	char *driver = device_driver(dev);

	(void)m;
	return driver ? driver : mem_text("none");
}

static char *get_vfio(struct model *m, struct device *dev)
{
	char *node = device_cdev(dev);

	(void)m;
	if (!node && dev->group && device_has_vfio(dev))
		node = group_node(dev->group);
	return node ? node : mem_text("none");
}

static char *get_owner(struct model *m, struct device *dev)
{
	(void)m;
	return dev->group ? group_owner(dev->group) : NULL;
}

static char *get_type(struct model *m, struct device *dev)
{
	(void)m;
	return dev->group ? group_type(dev->group) : NULL;
}

static char *get_current(struct model *m, struct device *dev)
{
	state_read(m);
	return dev->translates;
}

static char *get_resv(struct model *m, struct device *dev)
{
	(void)m;
	return dev->group ? group_resv_types(dev->group) : NULL;
}

static char *get_pasid(struct model *m, struct device *dev)
{
	(void)m;
	return device_pasid(dev);
}

static char *get_pasids(struct model *m, struct device *dev)
{
	state_read(m);
	return dev->pasids ? mem_printf("%lu", dev->pasids) : NULL;
}

static char *get_ats(struct model *m, struct device *dev)
{
	(void)m;
	return device_ats(dev);
}

static char *get_acs(struct model *m, struct device *dev)
{
	(void)m;
	return pci_acs_text(device_pci(dev));
}

static char *get_members(struct model *m, struct device *dev)
{
	(void)m;
	return dev->group ? mem_printf("%zu", dev->group->count) : NULL;
}

static char *get_holders(struct model *m, struct device *dev)
{
	return dev->group ? holders_text(m, dev->group) : NULL;
}

static const struct column columns[] = {
	{ "GROUP", "number of the group", get_group, true, true },
	{ "DEVICE", "name of the device", get_name, false, true },
	{ "BUS", "its bus", get_bus, false, false },
	{ "UNIT", "the IOMMU that translates for it", get_unit, false, false },
	{ "CLASS", "PCI class", get_class, false, true },
	{ "IDS", "vendor:device, or firmware's name", get_ids, false, true },
	{ "DRIVER", "driver that is bound", get_driver, false, true },
	{ "VFIO", "node by which user space opens it", get_vfio, false, false },
	{ "OWNER", "who decides about the group: none, kernel, user", get_owner,
	  false, true },
	{ "TYPE", "the group's default domain", get_type, false, true },
	{ "CURRENT", "what the device translates with now", get_current, false,
	  false },
	{ "RESV", "reserved regions of the group, by type", get_resv, false,
	  false },
	{ "PASID", "PASIDs: on, off, none", get_pasid, false, false },
	{ "PASIDS", "how many the core gives it", get_pasids, true, false },
	{ "ATS", "address translation service: on, off, none", get_ats, false,
	  false },
	{ "ACS", "access control services: + on, - off", get_acs, false, false },
	{ "MEMBERS", "how many devices the group has", get_members, true, false },
	{ "HOLDERS", "processes that hold the group", get_holders, false, false },
};

void ls_columns(void)
{
	size_t i;

	puts("Columns of ls; the first ones without -o are marked, -o +A,B adds to them:");
	for (i = 0; i < ARRAY_SIZE(columns); i++)
		printf("  %c %-10s %s\n", columns[i].standard ? '*' : ' ',
		       columns[i].name, columns[i].help);
}

static const struct column *column_named(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(columns); i++)
		if (!strcasecmp(columns[i].name, name))
			return &columns[i];
	fail(EXIT_USAGE, "there is no column '%s'; see iommuctl --help", name);
}

static const struct column **chosen(size_t *count)
{
	const struct column **list = NULL;
	char *text, *name;
	size_t i;

	*count = 0;
	for (i = 0; i < ARRAY_SIZE(columns); i++) {
		if (opt.columns && *opt.columns != '+')
			break;
		if (!columns[i].standard)
			continue;
		list = mem_grow(list, *count, sizeof(*list));
		list[(*count)++] = &columns[i];
	}
	if (!opt.columns)
		return list;
	text = mem_text(opt.columns + (*opt.columns == '+'));
	if (!*text)
		fail(EXIT_USAGE, "-o wants names of columns");
	while ((name = strsep(&text, ","))) {
		list = mem_grow(list, *count, sizeof(*list));
		list[(*count)++] = column_named(name);
	}
	return list;
}

static char *key_of(const struct column *column)
{
	char *key = mem_text(column->name), *c;

	for (c = key; *c; c++)
		*c |= 0x20;
	return key;
}

static void ls_json(struct model *m, struct device **devices, size_t count,
		    const struct column **list, size_t columns_count)
{
	unsigned long number;
	size_t i, c;

	js_begin();
	js_array("devices");
	for (i = 0; i < count; i++) {
		js_object(NULL);
		for (c = 0; c < columns_count; c++) {
			char *value = list[c]->value(m, devices[i]);

			if (value && list[c]->right &&
			    text_number(value, &number))
				js_number(key_of(list[c]), number);
			else
				js_text(key_of(list[c]), value);
		}
		js_close();
	}
	js_close();
	js_end();
}

static void ls_table(struct model *m, struct device **devices, size_t count,
		     const struct column **list, size_t columns_count)
{
	const char **heads = mem_alloc(columns_count * sizeof(*heads));
	bool *right = mem_alloc(columns_count * sizeof(*right));
	struct table t;
	size_t i, c;

	for (c = 0; c < columns_count; c++) {
		heads[c] = list[c]->name;
		right[c] = list[c]->right;
	}
	table_begin(&t, heads, columns_count, right);
	for (i = 0; i < count; i++)
		for (c = 0; c < columns_count; c++)
			table_cell(&t, list[c]->value(m, devices[i]));
	table_print(&t);
}

int do_ls(int argc, char **argv)
{
	const struct column **list;
	struct device **devices, **more;
	size_t columns_count, count, more_count = 0, i;
	struct model *m;

	(void)argc;
	(void)argv;
	list = chosen(&columns_count);
	m = model_load();
	devices = m->devices;
	count = m->devices_count;
	more = opt.all ? model_ungrouped(m, &more_count) : NULL;
	for (i = 0; i < more_count; i++) {
		devices = mem_grow(devices, count, sizeof(*devices));
		devices[count++] = more[i];
	}
	if (opt.json)
		ls_json(m, devices, count, list, columns_count);
	else if (count)
		ls_table(m, devices, count, list, columns_count);
	else
		note("no device is in an IOMMU group; see iommuctl status");
	return EXIT_YES;
}
