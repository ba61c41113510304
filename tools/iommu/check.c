// SPDX-License-Identifier: GPL-2.0-only
/*
 * check: can a device be given to a user now? If not: everything in the way, and
 * the commands that take it away.
 */
#include <stdio.h>
#include <string.h>

#include "iommuctl.h"

struct obstacle {
	struct device *dev;	/* NULL: the whole group */
	const char *reason;	/* a word for programs */
	char *text;
	char **commands;
	size_t count;
	char **guards;		/* what would be torn away */
	size_t guards_count;
};

struct verdict {
	struct obstacle *list;
	size_t count;
	char **warnings;
	size_t warnings_count;
};

static struct obstacle *add(struct verdict *v, struct device *dev,
			    const char *reason, char *text)
{
	struct obstacle o = { .dev = dev, .reason = reason, .text = text };

	v->list = mem_grow(v->list, v->count, sizeof(o));
	v->list[v->count] = o;
	return &v->list[v->count++];
}

static void command(struct obstacle *o, char *text)
{
	o->commands = mem_grow(o->commands, o->count, sizeof(text));
	o->commands[o->count++] = text;
}

static void warn(struct verdict *v, char *text)
{
	v->warnings = mem_grow(v->warnings, v->warnings_count, sizeof(text));
	v->warnings[v->warnings_count++] = text;
}

static char *unbind_command(struct device *dev)
{
	return mem_printf("echo %s > /sys/bus/%s/devices/%s/driver/unbind",
			  dev->name, dev->bus, dev->name);
}

static const char *vfio_driver_of(const char *bus)
{
	static const char * const names[][2] = {
		{ "pci", "vfio-pci" },
		{ "platform", "vfio-platform" },
		{ "amba", "vfio-amba" },
		{ "fsl-mc", "vfio-fsl-mc" },
		{ "cdx", "vfio-cdx" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (text_is(bus, names[i][0]))
			return names[i][1];
	return NULL;
}

/* What unbinding @dev would tear away, which people have to see to first. */
static void guard(struct obstacle *o, struct device *dev)
{
	o->guards = inuse_storage(dev, &o->guards_count);
}

static void warn_of_net(struct verdict *v, struct device *dev)
{
	size_t count, i;
	char **nets = inuse_net(dev, &count);

	for (i = 0; i < count; i++)
		warn(v, mem_printf("%s: the interface %s is up", dev->name,
				   nets[i]));
}

/*
 * Does the driver of a member keep a user out? This core says so for each
 * device; "none" in the file "owner" says so for all. Elsewhere, all drivers do
 * but VFIO's and those that are known to leave DMA alone.
 */
static bool keeps_user_out(struct device *dev, const char *driver)
{
	char *owner = group_owner(dev->group);

	if (dev->dma_driver != UNTOLD)
		return dev->dma_driver == YES;
	if (owner && !text_is(owner, "kernel"))
		return false;
	return !device_has_vfio(dev) && !driver_leaves_dma(driver);
}

static void look_at_driver(struct verdict *v, struct device *member)
{
	char *driver = device_driver(member);
	struct obstacle *o;

	if (!driver || !keeps_user_out(member, driver))
		return;
	o = add(v, member, "driver",
		mem_printf("the driver %s is bound to %s", driver,
			   member->name));
	guard(o, member);
	warn_of_net(v, member);
	command(o, unbind_command(member));
}

/* VFIO has no driver at it yet: the commands that give it one. */
static void look_at_vfio(struct verdict *v, struct device *dev)
{
	const char *vfio = vfio_driver_of(dev->bus);
	char *driver = device_driver(dev);
	struct obstacle *o;

	if (device_has_vfio(dev))
		return;
	/* Its driver may be in the way itself, and is unbound already then. */
	o = add(v, dev, "no-vfio",
		mem_printf("no VFIO driver is bound to %s", dev->name));
	if (!vfio) {
		o->text = mem_printf("no VFIO driver for the bus of %s is known",
				     dev->name);
		return;
	}
	if (!root_exists("/sys/bus/%s/drivers/%s", dev->bus, vfio))
		command(o, mem_printf("modprobe %s", vfio));
	command(o, mem_printf("echo %s > /sys/bus/%s/devices/%s/driver_override",
			      vfio, dev->bus, dev->name));
	if (driver && !keeps_user_out(dev, driver)) {
		warn_of_net(v, dev);
		command(o, unbind_command(dev));
	}
	if (driver)
		guard(o, dev);
	command(o, mem_printf("echo %s > /sys/bus/%s/drivers_probe", dev->name,
			      dev->bus));
}

/* The VFIO driver is there: can it be opened in the way that is wanted? */
static void look_at_nodes(struct verdict *v, struct device *dev)
{
	bool group, cdev;
	char *why;

	if (!device_has_vfio(dev))
		return;
	group = group_node(dev->group) && root_exists("/dev/vfio/vfio");
	cdev = device_cdev(dev) && root_exists("/dev/iommu");
	if (text_is(opt.api, "group") ? group :
	    text_is(opt.api, "cdev") ? cdev : group || cdev)
		return;
	if (text_is(opt.api, "cdev"))
		why = mem_printf("no /dev/iommu, or no node of %s in /dev/vfio/devices: the kernel needs CONFIG_IOMMUFD and CONFIG_VFIO_DEVICE_CDEV",
				 dev->name);
	else
		why = mem_printf("no /dev/vfio/%d, or no /dev/vfio/vfio: the kernel needs CONFIG_VFIO_GROUP",
				 dev->group->id);
	add(v, dev, "no-node", why);
}

static void look_at_owner(struct verdict *v, struct model *m,
			  struct group *group)
{
	char *owner = group_owner(group), *held = holders_text(m, group);
	char *who = group->owner_name;

	if (!who && !text_is(held, "none"))
		who = held;
	if (text_is(owner, "user"))
		add(v, NULL, "user", mem_printf("user space owns group %s: %s",
						group_label(group),
						or_dash(who)));
	else if (!owner && held && !text_is(held, "none"))
		/* Only one open group file is allowed, so this is an answer. */
		add(v, NULL, "user", mem_printf("group %s is held by %s",
						group_label(group), held));
	if (group->exclusive)
		add(v, NULL, "exclusive",
		    mem_printf("a driver has group %s for %s alone",
			       group_label(group), group->exclusive));
	if (group_has_direct(group))
		add(v, NULL, "firmware",
		    mem_printf("firmware uses memory through group %s (reserved region \"direct\"); no command changes that",
			       group_label(group)));
	if (!owner && !held)
		warn(v, mem_text("whether a process holds the group is not told (root sees it)"));
}

static bool seen_driver(const struct verdict *v)
{
	size_t i;

	for (i = 0; i < v->count; i++)
		if (text_is(v->list[i].reason, "driver"))
			return true;
	return false;
}

static void judge(struct verdict *v, struct model *m, struct device *dev)
{
	struct group *group = dev->group;
	size_t i;

	if (!group) {
		add(v, dev, "no-iommu",
		    mem_printf("no IOMMU translates for %s", dev->name));
		return;
	}
	look_at_owner(v, m, group);
	look_at_driver(v, dev);
	for (i = 0; i < group->count; i++)
		if (group->devices[i] != dev)
			look_at_driver(v, group->devices[i]);
	/* This core says who holds it, if the reader is root. */
	if (text_is(group_owner(group), "kernel") && !seen_driver(v))
		add(v, NULL, "kernel",
		    mem_printf("the kernel uses group %s; which driver is not told",
			       group_label(group)));
	look_at_vfio(v, dev);
	look_at_nodes(v, dev);
	for (i = 0; i < group->count; i++)
		if (group->devices[i]->parked)
			warn(v, mem_printf("%s is fenced off: %s",
					   group->devices[i]->name,
					   group->devices[i]->parked));
}

static void check_json(struct device *dev, const struct verdict *v)
{
	size_t i;

	js_begin();
	js_text("device", dev->name);
	if (dev->group)
		js_number("group", dev->group->id);
	else
		js_null("group");
	js_text("api", opt.api ? opt.api : "any");
	js_bool("possible_now", !v->count);
	js_array("obstacles");
	for (i = 0; i < v->count; i++) {
		const struct obstacle *o = &v->list[i];

		js_object(NULL);
		js_text("reason", o->reason);
		js_text("device", o->dev ? o->dev->name : NULL);
		js_text("driver", o->dev ? device_driver(o->dev) : NULL);
		js_text("text", o->text);
		js_texts("in_use", o->guards, o->guards_count);
		js_texts("commands", o->commands, o->count);
		js_close();
	}
	js_close();
	js_texts("warnings", v->warnings, v->warnings_count);
	js_end();
}

/* Commands for a device that is in use stay comments: first comes the rest. */
static void print_commands(const struct obstacle *o)
{
	size_t i;

	for (i = 0; i < o->guards_count; i++)
		printf("    # in use: %s; give it up first\n", o->guards[i]);
	for (i = 0; i < o->count; i++)
		printf("    %s%s\n", o->guards_count ? "# " : "",
		       o->commands[i]);
}

static void check_print(struct device *dev, const struct verdict *v)
{
	size_t i;

	if (!v->count) {
		printf("%s: %s can be given to a user now", colored(GREEN, "yes"),
		       dev->name);
		if (device_cdev(dev) && !text_is(opt.api, "group"))
			printf(", as %s", device_cdev(dev));
		else if (group_node(dev->group))
			printf(", as %s", group_node(dev->group));
		putchar('\n');
	} else {
		printf("%s: %s cannot be given to a user now\n",
		       colored(RED, "no"), dev->name);
	}
	for (i = 0; i < v->count; i++) {
		printf("  %s: %s\n", v->list[i].reason, v->list[i].text);
		print_commands(&v->list[i]);
	}
	for (i = 0; i < v->warnings_count; i++)
		printf("  %s: %s\n", colored(YELLOW, "note"), v->warnings[i]);
}

int do_check(int argc, char **argv)
{
	struct model *m = model_load();
	struct device *dev = model_device(m, argv[0]);
	struct verdict v = {};

	(void)argc;
	state_read(m);
	judge(&v, m, dev);
	if (opt.json)
		check_json(dev, &v);
	else
		check_print(dev, &v);
	return v.count ? EXIT_NO : EXIT_YES;
}
