// SPDX-License-Identifier: GPL-2.0-only
/*
 * type: what the drivers of a group translate with, and changing it.
 *
 * The kernel changes a default domain only while no driver uses it, so drivers
 * are unbound, the file is written, and they are bound again, whether or not
 * the kernel agreed. Nothing is touched if a device keeps a file system or swap.
 */
#include <stdio.h>
#include <string.h>

#include "iommuctl.h"

struct step {
	struct device *dev;	/* NULL: the change itself */
	char *path;
	char *text;
};

struct plan {
	struct group *group;
	const char *value;
	struct step *unbind, *bind;
	size_t count;		/* of either */
	struct step write;
	char **guards;
	size_t guards_count;
	char **warnings;
	size_t warnings_count;
	char *refused;		/* why the kernel would not; NULL: nothing seen */
	bool nothing;		/* it is so already */
};

static const char * const values[] = { "auto", "identity", "DMA", "DMA-FQ" };

static const char *value_named(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(values); i++)
		if (text_is(values[i], name))
			return values[i];
	fail(EXIT_USAGE, "'%s' is no type; there are auto, identity, DMA and DMA-FQ",
	     name);
}

static void keep(char ***list, size_t *count, char *text)
{
	*list = mem_grow(*list, *count, sizeof(text));
	(*list)[(*count)++] = text;
}

/* Kernels before 5.19 want every driver gone, newer ones those that do DMA. */
static bool must_go(struct device *dev, const char *driver)
{
	if (!kernel_at_least(5, 19))
		return true;
	if (dev->dma_driver != UNTOLD)
		return dev->dma_driver == YES;
	return !device_has_vfio(dev) && !driver_leaves_dma(driver);
}

static void plan_device(struct plan *p, struct device *dev)
{
	char *driver = device_driver(dev), **found;
	size_t count, i;

	if (!driver || !must_go(dev, driver))
		return;
	p->unbind = mem_grow(p->unbind, p->count, sizeof(*p->unbind));
	p->bind = mem_grow(p->bind, p->count, sizeof(*p->bind));
	p->unbind[p->count] = (struct step) { dev,
		mem_printf("/sys/bus/%s/drivers/%s/unbind", dev->bus, driver),
		dev->name };
	p->bind[p->count++] = (struct step) { dev,
		mem_printf("/sys/bus/%s/drivers/%s/bind", dev->bus, driver),
		dev->name };
	found = inuse_storage(dev, &count);
	for (i = 0; i < count; i++)
		keep(&p->guards, &p->guards_count,
		     mem_printf("%s: %s", dev->name, found[i]));
	found = inuse_net(dev, &count);
	for (i = 0; i < count; i++)
		keep(&p->warnings, &p->warnings_count,
		     mem_printf("%s: the interface %s is up", dev->name,
				found[i]));
}

static void make_plan(struct plan *p, struct group *group, const char *value)
{
	char *now = group_type(group), *owner = group_owner(group);
	size_t i;

	p->group = group;
	p->value = value;
	p->nothing = text_is(now, value);
	p->write = (struct step) { NULL,
		mem_printf("/sys/kernel/iommu_groups/%d/type", group->id),
		mem_text(value) };
	if (text_is(owner, "user"))
		p->refused = mem_printf("user space owns the group: %s",
					or_dash(group->owner_name));
	else if (!group->count)
		p->refused = mem_text("the group has no devices");
	/* Since 5.15 a queue can be started under the drivers. */
	if (text_is(now, "DMA") && text_is(value, "DMA-FQ") &&
	    kernel_at_least(5, 15))
		return;
	for (i = 0; i < group->count; i++)
		plan_device(p, group->devices[i]);
}

static char *as_command(const struct step *step)
{
	return mem_printf("echo %s > %s", step->text, step->path);
}

static void plan_json(const struct plan *p, bool changed)
{
	char **commands = NULL;
	size_t count = 0, i;

	for (i = 0; i < p->count; i++)
		keep(&commands, &count, as_command(&p->unbind[i]));
	keep(&commands, &count, as_command(&p->write));
	for (i = p->count; i--;)
		keep(&commands, &count, as_command(&p->bind[i]));
	js_begin();
	js_number("group", p->group->id);
	js_text("type", group_type(p->group));
	js_text("wanted", p->value);
	js_bool("nothing_to_do", p->nothing);
	js_bool("dry_run", opt.dry_run);
	js_bool("changed", changed);
	js_text("refused", p->refused);
	js_texts("in_use", p->guards, p->guards_count);
	js_texts("warnings", p->warnings, p->warnings_count);
	js_texts("commands", commands, p->nothing ? 0 : count);
	js_end();
}

static void plan_print(const struct plan *p)
{
	const char *mark = "";
	size_t i;

	if (p->nothing) {
		printf("group %s is %s already\n", group_label(p->group),
		       p->value);
		return;
	}
	printf("group %s: %s to %s\n", group_label(p->group),
	       or_dash(group_type(p->group)), p->value);
	if (p->refused)
		printf("  %s: %s\n", colored(RED, "refused"), p->refused);
	for (i = 0; i < p->guards_count; i++)
		printf("  %s: %s; give it up first\n", colored(RED, "in use"),
		       p->guards[i]);
	for (i = 0; i < p->warnings_count; i++)
		printf("  %s: %s\n", colored(YELLOW, "note"), p->warnings[i]);
	/* Nobody should paste what will not be done. */
	if (p->refused || p->guards_count)
		mark = "# ";
	for (i = 0; i < p->count; i++)
		printf("  %s%s\n", mark, as_command(&p->unbind[i]));
	printf("  %s%s\n", mark, as_command(&p->write));
	for (i = p->count; i--;)
		printf("  %s%s\n", mark, as_command(&p->bind[i]));
}

/* Bind the first @count again, last first. Returns how many did not come back. */
static size_t bind_again(const struct plan *p, size_t count)
{
	size_t lost = 0;
	int error;

	while (count--) {
		error = root_write(p->bind[count].path, p->bind[count].text);
		/* The kernel may have bound it by itself. */
		if (!error || device_driver(p->bind[count].dev))
			continue;
		note("%s has no driver now; %s: %s", p->bind[count].dev->name,
		     as_command(&p->bind[count]), strerror(error));
		lost++;
	}
	return lost;
}

static int carry_out(struct plan *p)
{
	char *before = group_type(p->group), *after;
	size_t done = 0, lost;
	int error = 0;

	while (!error && done < p->count) {
		error = root_write(p->unbind[done].path, p->unbind[done].text);
		if (error)
			note("%s: %s", as_command(&p->unbind[done]),
			     strerror(error));
		else
			done++;
	}
	if (!error) {
		error = root_write(p->write.path, p->write.text);
		if (error)
			note("the kernel refuses %s for group %s: %s; its log may say why",
			     p->value, group_label(p->group), strerror(error));
	}
	lost = bind_again(p, done);
	after = group_type(p->group);
	if (opt.json)
		plan_json(p, !error);
	else if (!error)
		printf("group %s: %s, was %s\n", group_label(p->group),
		       or_dash(after), or_dash(before));
	return error || lost ? EXIT_SYSTEM : EXIT_YES;
}

static int show_type(struct group *group)
{
	char *type = group_type(group);

	if (opt.json) {
		js_begin();
		js_number("group", group->id);
		js_text("type", type);
		js_text("current", group->current);
		js_end();
	} else {
		say("Group", "%s", group_label(group));
		say("Default type", "%s", or_dash(type));
		say("Current", "%s", or_dash(group->current));
	}
	return type ? EXIT_YES : EXIT_UNTOLD;
}

/* Older kernels only show it. */
static bool can_be_written(struct group *group)
{
	return group_type(group) && kernel_at_least(5, 11);
}

int do_type(int argc, char **argv)
{
	const char *value = argc > 1 ? value_named(argv[1]) : NULL;
	struct model *m = model_load();
	struct group *group = model_group_arg(m, argv[0]);
	struct plan p = {};

	state_read(m);
	if (!value) {
		if (opt.dry_run)
			fail(EXIT_USAGE, "--dry-run wants a VALUE");
		return show_type(group);
	}
	if (!can_be_written(group))
		fail(EXIT_UNTOLD, "this kernel cannot change the type of a group");
	make_plan(&p, group, value);
	if (opt.dry_run || p.nothing || p.refused || p.guards_count) {
		if (opt.json)
			plan_json(&p, false);
		else
			plan_print(&p);
		return p.refused || p.guards_count ? EXIT_NO : EXIT_YES;
	}
	if (!root_is_machine())
		fail(EXIT_USAGE, "with --sysroot only --dry-run is possible");
	return carry_out(&p);
}
