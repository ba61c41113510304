// SPDX-License-Identifier: GPL-2.0-only
/*
 * show: all that is known of one device, or of one group.
 */
#include <stdio.h>

#include "iommuctl.h"

static void group_facts_json(struct model *m, struct group *group)
{
	char *regions = root_read("/sys/kernel/iommu_groups/%d/reserved_regions",
				  group->id), *line;

	js_number("group", group->id);
	js_text("name", group->name);
	js_devices("devices", group->devices, group->count);
	js_text("owner", group_owner(group));
	js_text("owner_name", group->owner_name);
	js_text("type", group_type(group));
	js_text("current", group->current);
	js_text("blocking", group->blocking);
	js_text("exclusive", group->exclusive);
	js_text("last_refusal", group->refusal);
	js_text("node", group_node(group));
	js_text("holders", holders_text(m, group));
	if (!regions) {
		js_null("reserved_regions");
		return;
	}
	js_array("reserved_regions");
	while ((line = text_line(&regions))) {
		char *start = text_word(&line), *end = text_word(&line);
		char *type = text_word(&line);

		if (!type)
			continue;
		js_object(NULL);
		js_text("start", start);
		js_text("end", end);
		js_text("type", type);
		js_close();
	}
	js_close();
}

static void device_facts_json(struct device *dev)
{
	const struct pci_info *pci = device_pci(dev);

	js_text("device", dev->name);
	js_text("bus", dev->bus);
	js_text("path", dev->path);
	js_text("unit", device_unit(dev));
	js_text("class", device_class(dev));
	js_text("ids", device_ids(dev));
	js_text("driver", device_driver(dev));
	js_text("driver_override", device_file(dev, "driver_override"));
	js_text("cdev", device_cdev(dev));
	js_text("translates_with", dev->translates);
	js_tri("driver_uses_dma_api", dev->dma_driver);
	js_text("pasid", device_pasid(dev));
	if (dev->pasids)
		js_number("pasids", dev->pasids);
	else
		js_null("pasids");
	js_text("pasids_limited_by", dev->pasid_limit);
	js_text("ats", device_ats(dev));
	js_text("kind", pci ? pci_kind(pci) : NULL);
	js_text("acs", pci_acs_text(pci));
	js_text("shares_with", dev->shares_with);
	js_text("shares_why", dev->shares_why);
	js_text("parked", dev->parked);
}

static void print_regions(struct group *group)
{
	char *text = root_read("/sys/kernel/iommu_groups/%d/reserved_regions",
			       group->id), *line;

	if (!text || !*text) {
		say("Reserved", "%s", text ? "none" : "-");
		return;
	}
	while ((line = text_line(&text)))
		say("Reserved", "%s", line);
}

static void print_group(struct model *m, struct group *group)
{
	char *owner = group_owner(group);

	say("Group", "%s", group_label(group));
	if (group->owner_name)
		say("Owner", "%s (%s)", or_dash(owner), group->owner_name);
	else
		say("Owner", "%s", or_dash(owner));
	say("Default type", "%s", or_dash(group_type(group)));
	say("Current", "%s", or_dash(group->current));
	if (group->exclusive)
		say("Exclusive", "%s", group->exclusive);
	if (group->refusal)
		say("Last refusal", "%s", group->refusal);
	say("VFIO node", "%s", or_dash(group_node(group)));
	say("Holders", "%s", or_dash(holders_text(m, group)));
	print_regions(group);
}

static void print_members(struct group *group)
{
	static const char * const heads[] = { "DEVICE", "IDS", "DRIVER", "CLASS" };
	struct table t;
	size_t i;

	putchar('\n');
	table_begin(&t, heads, ARRAY_SIZE(heads), NULL);
	for (i = 0; i < group->count; i++) {
		struct device *dev = group->devices[i];
		char *driver = device_driver(dev);

		table_cell(&t, dev->name);
		table_cell(&t, device_ids(dev));
		table_cell(&t, driver ? driver : "none");
		table_cell(&t, device_class_text(dev));
	}
	table_print(&t);
}

static void print_pasids(struct device *dev)
{
	char *pasid = device_pasid(dev);

	if (dev->pasids)
		say("PASIDs", "%s, below %lu (limit of the %s)", or_dash(pasid),
		    dev->pasids, dev->pasid_limit);
	else
		say("PASIDs", "%s", or_dash(pasid));
}

static void print_device(struct device *dev)
{
	const struct pci_info *pci = device_pci(dev);
	char *driver = device_driver(dev);

	say("Device", "%s", dev->name);
	say("Bus", "%s", or_dash(dev->bus));
	say("Path", "%s", dev->path);
	say("IDs", "%s", or_dash(device_ids(dev)));
	say("Class", "%s", or_dash(device_class_text(dev)));
	say("Kind", "%s", pci ? pci_kind(pci) : "-");
	say("Driver", "%s%s", driver ? driver : "none",
	    dev->dma_driver == YES ? " (uses the DMA API)" : "");
	say("IOMMU", "%s", or_dash(device_unit(dev)));
	say("Device node", "%s", or_dash(device_cdev(dev)));
	say("Translates", "%s", or_dash(dev->translates));
	print_pasids(dev);
	say("ATS", "%s", or_dash(device_ats(dev)));
	say("ACS", "%s", or_dash(pci_acs_text(pci)));
	if (dev->direct)
		say("Firmware", "needs 1:1 mappings through this device");
	if (dev->in_reset)
		say("Reset", "is being reset");
	if (dev->parked || dev->stranded)
		say("Fenced off", "%s%s", or_dash(dev->parked),
		    dev->stranded ? " (stranded)" : "");
	if (dev->shares_with)
		say("Shares with", "%s: %s", dev->shares_with,
		    or_dash(dev->shares_why));
}

static int show_group(struct model *m, struct group *group)
{
	if (opt.json) {
		js_begin();
		group_facts_json(m, group);
		js_end();
	} else {
		print_group(m, group);
		print_members(group);
	}
	return EXIT_YES;
}

int do_show(int argc, char **argv)
{
	struct model *m = model_load();
	struct device *dev;
	unsigned long id;

	(void)argc;
	state_read(m);
	if (text_number(argv[0], &id))
		return show_group(m, model_group_arg(m, argv[0]));
	dev = model_device(m, argv[0]);
	if (opt.json) {
		js_begin();
		device_facts_json(dev);
		if (dev->group) {
			js_object("iommu_group");
			group_facts_json(m, dev->group);
			js_close();
		} else {
			js_null("iommu_group");
		}
		js_end();
		return EXIT_YES;
	}
	print_device(dev);
	putchar('\n');
	if (dev->group) {
		print_group(m, dev->group);
		print_members(dev->group);
	} else {
		say("Group", "none: no IOMMU translates for it");
	}
	return EXIT_YES;
}
