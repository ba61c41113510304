// SPDX-License-Identifier: GPL-2.0-only
/*
 * who: the processes that hold VFIO or iommufd files.
 */
#include <stdio.h>
#include <string.h>

#include "iommuctl.h"

static bool concerns(const struct holder *h, struct group *group,
		     struct device *dev)
{
	return !group || holder_of(h, group, dev);
}

static void who_json(const struct holders *all, struct group *group,
		     struct device *dev)
{
	size_t i;

	js_begin();
	js_array("holders");
	for (i = 0; i < all->count; i++) {
		const struct holder *h = &all->list[i];

		if (!concerns(h, group, dev))
			continue;
		js_object(NULL);
		js_number("pid", h->pid);
		js_text("command", h->command);
		js_text("node", h->node);
		if (h->group < 0)
			js_null("group");
		else
			js_number("group", h->group);
		js_text("device", h->dev ? h->dev->name : NULL);
		js_close();
	}
	js_close();
	if (group) {
		js_text("owner", group_owner(group));
		js_text("owner_name", group->owner_name);
	}
	js_number("hidden_processes", all->hidden);
	js_end();
}

static void who_print(const struct holders *all, struct group *group,
		      struct device *dev)
{
	static const char * const heads[] = {
		"PID", "COMMAND", "GROUP", "DEVICE", "NODE",
	};
	static const bool right[] = { true, false, true, false, false };
	struct table t;
	size_t i;

	table_begin(&t, heads, ARRAY_SIZE(heads), right);
	for (i = 0; i < all->count; i++) {
		const struct holder *h = &all->list[i];

		if (!concerns(h, group, dev))
			continue;
		table_cell(&t, mem_printf("%ld", h->pid));
		table_cell(&t, h->command);
		table_cell(&t, h->group < 0 ? NULL :
					      mem_printf("%d", h->group));
		table_cell(&t, h->dev ? h->dev->name : NULL);
		table_cell(&t, h->node);
	}
	if (t.rows)
		table_print(&t);
	if (group && group->owner_name)
		printf("The kernel names as owner of group %s: %s\n",
		       group_label(group), group->owner_name);
}

int do_who(int argc, char **argv)
{
	struct model *m = model_load();
	const struct holders *all;
	struct group *group = NULL;
	struct device *dev = NULL;
	size_t i, seen = 0;
	unsigned long id;
	bool owned;

	if (argc && text_number(argv[0], &id)) {
		group = model_group_arg(m, argv[0]);
	} else if (argc) {
		dev = model_device(m, argv[0]);
		group = dev->group;
		if (!group)
			fail(EXIT_NO, "%s is in no group: no IOMMU translates for it",
			     dev->name);
	}
	state_read(m);
	all = holders_find(m);
	if (opt.json)
		who_json(all, group, dev);
	else
		who_print(all, group, dev);
	for (i = 0; i < all->count; i++)
		seen += concerns(&all->list[i], group, dev);
	owned = group && text_is(group_owner(group), "user");
	if (all->hidden)
		note("%zu processes could not be looked at; root sees all",
		     all->hidden);
	if (seen)
		return EXIT_YES;
	if (owned && !group->owner_name)
		note("user space owns the group, but no process was seen to hold it");
	if (owned)
		return group->owner_name ? EXIT_YES : EXIT_UNTOLD;
	return all->hidden ? EXIT_UNTOLD : EXIT_NO;
}
