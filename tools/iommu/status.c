// SPDX-License-Identifier: GPL-2.0-only
/*
 * status: is there an IOMMU, of what kind, does it translate, and what was
 * chosen at boot.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "iommuctl.h"

#define ECAP_SMTS	(1ULL << 43)	/* VT-d: scalable mode is supported */
#define RTADDR_SMT	(1ULL << 10)	/* and is what the root table is for */

struct choice {
	char *type;		/* NULL: not told */
	char *from;
};

struct messages {
	char *type;		/* of the line about the default domain */
	char *policy;
};

struct counts {
	size_t types[5];
	size_t owners[3];
	size_t untyped;		/* "type" cannot be read */
};

static const char * const type_names[] = {
	"identity", "DMA", "DMA-FQ", "blocked", "unmanaged",
};

static const char * const owner_names[] = { "none", "kernel", "user" };

static void count_groups(struct model *m, struct counts *n)
{
	size_t i, k;

	for (i = 0; i < m->groups_count; i++) {
		char *type = group_type(m->groups[i]);
		char *owner = group_owner(m->groups[i]);

		for (k = 0; k < ARRAY_SIZE(type_names); k++)
			n->types[k] += text_is(type, type_names[k]);
		for (k = 0; k < ARRAY_SIZE(owner_names); k++)
			n->owners[k] += text_is(owner, owner_names[k]);
		n->untyped += !type;
	}
}

/* "3 DMA, 1 identity"; NULL if there is none */
static char *counted(const size_t *counts, const char * const *names,
		     size_t count)
{
	char *text = NULL;
	size_t i;

	for (i = 0; i < count; i++)
		if (counts[i])
			text = mem_printf("%s%s%zu %s", text ? text : "",
					  text ? ", " : "", counts[i],
					  names[i]);
	return text;
}

static void take_message(void *data, double when, char *text)
{
	static const char type[] = "iommu: Default domain type: ";
	static const char policy[] = "TLB invalidation policy: ";
	struct messages *found = data;
	char *at;

	(void)when;
	if (text_starts(text, type))
		found->type = mem_text(text + strlen(type));
	at = strstr(text, policy);
	if (at && text_starts(text, "iommu: "))
		found->policy = mem_text(at + strlen(policy));
}

/* The last "NAME=VALUE" on the kernel's command line; it is the one that holds. */
static char *boot_value(const char *name)
{
	char *text = root_read("/proc/cmdline"), *word, *value = NULL;
	size_t len = strlen(name);

	while (text && (word = text_word(&text)))
		if (!strncmp(word, name, len) && word[len] == '=')
			value = word + len + 1;
	return value;
}

/* The words of the command line that are about the IOMMU, as they stand. */
static char *boot_words(void)
{
	char *text = root_read("/proc/cmdline"), *word, *words = NULL;

	if (!text)
		return NULL;
	while ((word = text_word(&text)))
		if (text_starts(word, "iommu") || text_starts(word, "vfio") ||
		    text_starts(word, "intel_iommu") ||
		    text_starts(word, "amd_iommu") ||
		    text_starts(word, "arm-smmu"))
			words = mem_printf("%s%s%s", words ? words : "",
					   words ? " " : "", word);
	return words ? words : mem_text("none");
}

static bool config_has(const char *option)
{
	char *release = root_read("/proc/sys/kernel/osrelease"), *text, *line;

	text = release ? root_read("/boot/config-%s", release) : NULL;
	while (text && (line = text_line(&text)))
		if (text_starts(line, option) &&
		    text_is(line + strlen(option), "=y"))
			return true;
	return false;
}

static char *said_by(const char *message)
{
	return mem_text(strstr(message, "kernel command line") ?
			"kernel command line" :
			"not the kernel command line");
}

/* What was chosen for all groups, from the surest witness that there is. */
static struct choice default_type(const struct messages *log)
{
	char *value = boot_value("iommu.passthrough");
	char *word = boot_value("iommu");

	if (log->type)
		return (struct choice) {
			mem_text(text_starts(log->type, "Passthrough") ?
				 "identity" : "translated"),
			said_by(log->type) };
	if (value && *value)
		return (struct choice) {
			mem_text(strchr("1yYtT", *value) ? "identity" :
							   "translated"),
			mem_printf("iommu.passthrough=%s", value) };
	if (text_is(word, "pt") || text_is(word, "nopt"))
		return (struct choice) {
			mem_text(text_is(word, "pt") ? "identity" :
						       "translated"),
			mem_printf("iommu=%s", word) };
	if (config_has("CONFIG_IOMMU_DEFAULT_PASSTHROUGH"))
		return (struct choice) { mem_text("identity"),
			mem_text("CONFIG_IOMMU_DEFAULT_PASSTHROUGH") };
	if (config_has("CONFIG_IOMMU_DEFAULT_DMA_LAZY"))
		return (struct choice) { mem_text("translated"),
			mem_text("CONFIG_IOMMU_DEFAULT_DMA_LAZY") };
	if (config_has("CONFIG_IOMMU_DEFAULT_DMA_STRICT"))
		return (struct choice) { mem_text("translated"),
			mem_text("CONFIG_IOMMU_DEFAULT_DMA_STRICT") };
	return (struct choice) {};
}

/* What the groups do counts more than what was asked for. */
static struct choice flush_policy(const struct messages *log,
				  const struct counts *n)
{
	struct choice c = {};
	size_t strict = n->types[1], lazy = n->types[2];

	if (strict && lazy)
		c.type = mem_printf("%zu groups strict, %zu lazy", strict,
				    lazy);
	else if (lazy)
		c.type = mem_text("lazy");
	else if (strict && kernel_at_least(5, 15))
		/* Before that DMA may have been either. */
		c.type = mem_text("strict");
	if (!c.type && log->policy)
		c.type = mem_text(text_starts(log->policy, "lazy") ? "lazy" :
								     "strict");
	if (log->policy && c.type)
		c.from = said_by(log->policy);
	else if (c.type && boot_value("iommu.strict"))
		c.from = mem_printf("iommu.strict=%s",
				    boot_value("iommu.strict"));
	return c;
}

/* Does VT-d's unit translate in scalable mode? Only its registers say so. */
static enum tri scalable_in_use(const char *unit)
{
	char *text = root_read("/sys/kernel/debug/iommu/intel/iommu_regset");
	char *head = mem_printf("IOMMU: %s ", unit), *line;
	bool here = false;

	while (text && (line = text_line(&text))) {
		unsigned long long value;

		if (text_starts(line, "IOMMU: "))
			here = text_starts(line, head);
		else if (here && sscanf(line, "RTADDR %*s %llx", &value) == 1)
			return value & RTADDR_SMT ? YES : NO;
	}
	return UNTOLD;
}

static enum tri scalable_in_hardware(const char *unit)
{
	char *text = root_read("/sys/class/iommu/%s/intel-iommu/ecap", unit);

	if (!text)
		return UNTOLD;
	return strtoull(text, NULL, 16) & ECAP_SMTS ? YES : NO;
}

static const char *tri_text(enum tri value)
{
	return value == UNTOLD ? "-" : value == YES ? "yes" : "no";
}

/* All units the same, or untold. */
static enum tri scalable_all(struct model *m, enum tri (*ask)(const char *))
{
	enum tri all = UNTOLD;
	size_t i;

	for (i = 0; i < m->units_count; i++) {
		enum tri one = ask(m->units[i]);

		if (i && one != all)
			return UNTOLD;
		all = one;
	}
	return all;
}

static size_t unit_devices(const char *unit, bool *told)
{
	size_t count;

	*told = root_exists("/sys/class/iommu/%s/devices", unit);
	root_list(&count, "/sys/class/iommu/%s/devices", unit);
	return count;
}

/* on, passthrough, off; NULL: not told */
static const char *translation(struct model *m, const struct counts *n)
{
	/* A unit may be there for interrupts alone. */
	if (!m->groups_count)
		return "off";
	if (n->types[0] == m->groups_count)
		return "passthrough";
	if (n->types[0] + n->untyped < m->groups_count)
		return "on";
	return NULL;
}

static const char *presence(struct model *m)
{
	if (m->units_count || m->groups_count)
		return "present";
	return root_exists("/sys/kernel") ? "none" : NULL;
}

static void status_json(struct model *m, const struct counts *n,
			struct choice type, struct choice flush, bool logged)
{
	size_t i;
	bool told;

	js_begin();
	js_text("iommu", presence(m));
	js_array("units");
	for (i = 0; i < m->units_count; i++) {
		const char *unit = m->units[i];
		size_t devices = unit_devices(unit, &told);

		js_object(NULL);
		js_text("name", unit);
		js_text("kind", unit_kind(unit));
		if (told)
			js_number("devices", devices);
		else
			js_null("devices");
		js_tri("scalable_mode_supported", scalable_in_hardware(unit));
		js_tri("scalable_mode", scalable_in_use(unit));
		js_close();
	}
	js_close();
	js_text("translation", translation(m, n));
	js_text("default_type", type.type);
	js_text("default_type_from", type.from);
	js_text("invalidation", flush.type);
	js_text("invalidation_from", flush.from);
	js_text("boot_options", boot_words());
	js_number("groups", m->groups_count);
	js_number("devices", m->devices_count);
	js_object("types");
	for (i = 0; i < ARRAY_SIZE(type_names); i++)
		js_number(type_names[i], n->types[i]);
	js_close();
	js_object("owners");
	for (i = 0; i < ARRAY_SIZE(owner_names); i++)
		js_number(owner_names[i], n->owners[i]);
	js_close();
	js_bool("iommufd", root_exists("/dev/iommu"));
	js_bool("vfio",
		root_exists("/dev/vfio/vfio") || root_exists("/dev/vfio/devices"));
	js_bool("log_readable", logged);
	js_bool("state_readable", state_read(m));
	js_end();
}

static void print_choice(const char *name, struct choice c)
{
	if (c.from && c.type)
		say(name, "%s (%s)", c.type, c.from);
	else
		say(name, "%s", or_dash(c.type));
}

static void print_units(struct model *m)
{
	static const char * const heads[] = {
		"UNIT", "KIND", "DEVICES", "SCALABLE-HW", "SCALABLE",
	};
	static const bool right[] = { false, false, true, false, false };
	struct table t;
	size_t i;
	bool told;

	if (!m->units_count)
		return;
	putchar('\n');
	table_begin(&t, heads, ARRAY_SIZE(heads), right);
	for (i = 0; i < m->units_count; i++) {
		const char *unit = m->units[i];
		size_t devices = unit_devices(unit, &told);

		table_cell(&t, unit);
		table_cell(&t, unit_kind(unit));
		table_cell(&t, told ? mem_printf("%zu", devices) : NULL);
		table_cell(&t, tri_text(scalable_in_hardware(unit)));
		table_cell(&t, tri_text(scalable_in_use(unit)));
	}
	table_print(&t);
}

static void status_print(struct model *m, const struct counts *n,
			 struct choice type, struct choice flush)
{
	char *types = counted(n->types, type_names, ARRAY_SIZE(type_names));
	char *owners = counted(n->owners, owner_names,
			       ARRAY_SIZE(owner_names));

	say("IOMMU", "%s", or_dash(presence(m)));
	say("Translation", "%s%s%s%s", or_dash(translation(m, n)),
	    types ? " (groups: " : "", types ? types : "", types ? ")" : "");
	print_choice("Default type", type);
	print_choice("Invalidation", flush);
	say("Scalable mode", "%s",
	    tri_text(scalable_all(m, scalable_in_use)));
	say("Boot options", "%s", or_dash(boot_words()));
	say("Groups", "%zu, with %zu devices", m->groups_count,
	    m->devices_count);
	say("Owners", "%s", or_dash(owners));
	say("iommufd", "%s", root_exists("/dev/iommu") ? "/dev/iommu" : "none");
	say("State", "%s", state_read(m) ? "/sys/kernel/debug/iommu/groups" :
					   "-");
	print_units(m);
}

int do_status(int argc, char **argv)
{
	struct messages log = {};
	struct choice type, flush;
	struct counts n = {};
	struct model *m;
	bool logged;

	(void)argc;
	(void)argv;
	m = model_load();
	count_groups(m, &n);
	logged = klog_each(take_message, &log);
	type = default_type(&log);
	flush = flush_policy(&log, &n);
	if (opt.json)
		status_json(m, &n, type, flush, logged);
	else
		status_print(m, &n, type, flush);
	return presence(m) ? EXIT_YES : EXIT_UNTOLD;
}
