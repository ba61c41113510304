// SPDX-License-Identifier: GPL-2.0-only
/*
 * why: for what reason a device shares its group.
 *
 * The core of this project knows the reason and says it in debugfs. Elsewhere
 * it is worked out from the bridges above the device and what they say of
 * Access Control Services, if these lead to a member of the group; if they do
 * not, it is not told. Where the answer comes from is always said.
 */
#include <stdio.h>
#include <string.h>

#include "iommuctl.h"

#define MOST_HOPS	32

struct path {
	struct device *hops[MOST_HOPS];	/* the root's side first */
	size_t count;
};

struct rule {
	const char *text;	/* NULL: not told */
	const char *with;	/* the device it is shared with */
	const char *from;	/* "kernel" or "configuration space" */
};

static struct device *device_at(struct model *m, const char *path)
{
	const char *name = strrchr(path, '/') + 1;

	if (!root_exists("/sys/bus/pci/devices/%s", name))
		return NULL;
	return model_device(m, mem_printf("pci/%s", name));
}

/* Every PCI device on the way from the root to @dev, which is the last. */
static void find_path(struct model *m, struct device *dev, struct path *path)
{
	char *slash = dev->path;

	path->count = 0;
	if (!text_is(dev->bus, "pci"))
		return;
	while ((slash = strchr(slash + 1, '/')) && path->count < MOST_HOPS - 1) {
		struct device *hop = device_at(m, mem_textn(dev->path,
							    slash - dev->path));

		if (hop)
			path->hops[path->count++] = hop;
	}
	path->hops[path->count++] = dev;
}

static bool is_below(const struct device *dev, const struct device *bridge)
{
	size_t len = strlen(bridge->path);

	return !strncmp(dev->path, bridge->path, len) && dev->path[len] == '/';
}

/* A member of @dev's group that is @bridge or behind it, but not @dev. */
static struct device *member_at(struct device *dev, struct device *bridge)
{
	struct group *group = dev->group;
	size_t i;

	for (i = 0; i < group->count; i++) {
		struct device *other = group->devices[i];

		if (other != dev && (text_is(other->path, bridge->path) ||
				     is_below(other, bridge)))
			return other;
	}
	return NULL;
}

static struct device *member_in_slot(struct device *dev)
{
	size_t len = strcspn(dev->name, "."), i;
	struct group *group = dev->group;

	for (i = 0; i < group->count; i++) {
		struct device *other = group->devices[i];

		if (other != dev && text_is(other->bus, "pci") &&
		    !strncmp(other->name, dev->name, len + 1))
			return other;
	}
	return NULL;
}

/* A conventional bridge, or one to conventional PCI. */
static bool speaks_for_others(const struct pci_info *pci)
{
	return pci && pci->extended && pci->bridge &&
	       (!pci->express || text_is(pci_kind(pci), "bridge to PCI"));
}

static struct rule rule_from_kernel(struct device *dev)
{
	size_t i;

	if (dev->shares_with)
		return (struct rule) { dev->shares_why, dev->shares_with,
				       "kernel" };
	/* The first member has no reason of its own: others joined it. */
	for (i = 0; i < dev->group->count; i++) {
		struct device *other = dev->group->devices[i];

		if (text_is(other->shares_with, dev->name))
			return (struct rule) { other->shares_why, other->name,
					       "kernel" };
	}
	return (struct rule) {};
}

static struct rule rule_from_config(struct device *dev, struct path *path)
{
	static const char from[] = "configuration space";
	const struct pci_info *own = device_pci(dev);
	struct device *with;
	size_t i;

	for (i = 0; i + 1 < path->count; i++) {
		if (!speaks_for_others(device_pci(path->hops[i])))
			continue;
		with = member_at(dev, path->hops[i]);
		if (with)
			return (struct rule) {
				mem_printf("the bridge %s puts its own requester ID on what it forwards",
					   path->hops[i]->name),
				with->name, from };
	}
	for (i = 0; i + 1 < path->count; i++) {
		if (pci_isolates(device_pci(path->hops[i])) != NO)
			continue;
		with = member_at(dev, path->hops[i]);
		if (with)
			return (struct rule) {
				mem_printf("%s does not isolate what is below it (no ACS)",
					   path->hops[i]->name),
				with->name, from };
	}
	with = path->count ? member_in_slot(dev) : NULL;
	if (with && pci_isolates(own) == NO)
		return (struct rule) { "functions without ACS", with->name,
				       from };
	return (struct rule) {};
}

static void why_json(struct device *dev, struct path *path, struct rule rule)
{
	size_t i;

	js_begin();
	js_text("device", dev->name);
	if (dev->group) {
		js_number("group", dev->group->id);
		js_devices("members", dev->group->devices, dev->group->count);
		js_bool("shares", dev->group->count > 1);
	} else {
		js_null("group");
		js_array("members");
		js_close();
		js_bool("shares", false);
	}
	js_text("rule", rule.text);
	js_text("with", rule.with);
	js_text("rule_from", rule.from);
	js_array("path");
	for (i = 0; i < path->count; i++) {
		const struct pci_info *pci = device_pci(path->hops[i]);
		struct group *group = path->hops[i]->group;

		js_object(NULL);
		js_text("device", path->hops[i]->name);
		js_text("kind", pci ? pci_kind(pci) : NULL);
		js_text("acs", pci_acs_text(pci));
		js_tri("isolates", pci_isolates(pci));
		if (group)
			js_number("group", group->id);
		else
			js_null("group");
		js_close();
	}
	js_close();
	js_end();
}

static void print_path(struct path *path)
{
	static const char * const heads[] = {
		"HOP", "DEVICE", "KIND", "ISOLATES", "GROUP", "ACS",
	};
	static const bool right[] = { true, false, false, false, true, false };
	struct table t;
	size_t i;

	if (!path->count)
		return;
	putchar('\n');
	table_begin(&t, heads, ARRAY_SIZE(heads), right);
	for (i = 0; i < path->count; i++) {
		struct device *hop = path->hops[i];
		const struct pci_info *pci = device_pci(hop);
		enum tri isolates = pci_isolates(pci);

		table_cell(&t, mem_printf("%zu", i));
		table_cell(&t, hop->name);
		table_cell(&t, pci ? pci_kind(pci) : NULL);
		table_cell(&t, isolates == UNTOLD ? NULL :
			       isolates == YES ? "yes" : "no");
		table_cell(&t, hop->group ? mem_printf("%d", hop->group->id) :
					    NULL);
		table_cell(&t, pci_acs_text(pci));
	}
	table_print(&t);
}

static void why_print(struct device *dev, struct path *path, struct rule rule)
{
	size_t i;

	say("Device", "%s", dev->name);
	if (!dev->group) {
		say("Group", "none: no IOMMU translates for it");
	} else if (dev->group->count == 1) {
		say("Group", "%s, alone in it", group_label(dev->group));
	} else {
		say("Group", "%s, with %zu devices", group_label(dev->group),
		    dev->group->count);
		for (i = 0; i < dev->group->count; i++)
			if (dev->group->devices[i] != dev)
				say("Shares with", "%s",
				    dev->group->devices[i]->name);
	}
	if (dev->group && dev->group->count > 1) {
		if (rule.text)
			say("Reason", "%s, with %s (from: %s)", rule.text,
			    rule.with, rule.from);
		else
			say("Reason", "-");
	}
	print_path(path);
}

int do_why(int argc, char **argv)
{
	struct model *m = model_load();
	struct device *dev = model_device(m, argv[0]);
	struct rule rule = {};
	struct path path;

	(void)argc;
	state_read(m);
	find_path(m, dev, &path);
	if (dev->group && dev->group->count > 1) {
		rule = rule_from_kernel(dev);
		if (!rule.text)
			rule = rule_from_config(dev, &path);
	}
	if (opt.json)
		why_json(dev, &path, rule);
	else
		why_print(dev, &path, rule);
	return dev->group && dev->group->count > 1 && !rule.text ?
	       EXIT_UNTOLD : EXIT_YES;
}
