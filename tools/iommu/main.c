// SPDX-License-Identifier: GPL-2.0-only
/*
 * iommuctl: IOMMU groups for people. Options, and the table of verbs.
 */
#include <errno.h>
#include <getopt.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "iommuctl.h"

struct options opt;

struct verb {
	const char *name;
	int (*run)(int argc, char **argv);
	int least, most;	/* arguments */
	const char *usage;
	const char *help;
	const char *options;	/* those it knows besides the common ones */
};

static const struct verb verbs[] = {
	{ "status", do_status, 0, 0, "status", "the IOMMUs, and what is set", "" },
	{ "ls", do_ls, 0, 0, "ls [-a] [-n] [-o COLUMN,...]",
	  "one line for each device", "ano" },
	{ "show", do_show, 1, 1, "show DEVICE|GROUP", "all that is known of it", "" },
	{ "why", do_why, 1, 1, "why DEVICE", "why it shares its group", "" },
	{ "who", do_who, 0, 1, "who [-n] [DEVICE|GROUP]",
	  "processes that hold VFIO or iommufd files", "n" },
	{ "check", do_check, 1, 1, "check DEVICE [--api group|cdev]",
	  "can it be given to a user now; if not, what to do", "A" },
	{ "type", do_type, 1, 2, "type GROUP [VALUE [--dry-run]]",
	  "what its drivers translate with; change it", "d" },
	{ "faults", do_faults, 0, 1, "faults [-n] [DEVICE]",
	  "faults in the kernel's log, and devices fenced off", "n" },
	{ "watch", do_watch, 0, 0, "watch [-c COUNT]",
	  "events as they happen", "c" },
};

enum { LONG_JSON = 256, LONG_SYSROOT, LONG_COLOR };

static const struct option longs[] = {
	{ "all", no_argument, NULL, 'a' },
	{ "api", required_argument, NULL, 'A' },
	{ "color", required_argument, NULL, LONG_COLOR },
	{ "count", required_argument, NULL, 'c' },
	{ "dry-run", no_argument, NULL, 'd' },
	{ "help", no_argument, NULL, 'h' },
	{ "json", no_argument, NULL, LONG_JSON },
	{ "noheadings", no_argument, NULL, 'n' },
	{ "output", required_argument, NULL, 'o' },
	{ "sysroot", required_argument, NULL, LONG_SYSROOT },
	{ "version", no_argument, NULL, 'V' },
	{ }
};

static void help(void)
{
	size_t i;

	puts("usage: iommuctl VERB [ARGUMENT] [OPTION]...\n");
	for (i = 0; i < ARRAY_SIZE(verbs); i++)
		printf("  %-34s %s\n", verbs[i].usage, verbs[i].help);
	puts("\n"
	     "  --json            for programs (all verbs)\n"
	     "  --color WHEN      auto (the default: on a terminal), always or never\n"
	     "  --sysroot DIR     look at the /sys, /proc, /dev and /boot in DIR\n"
	     "  -h, --help        this text, and the columns of ls\n"
	     "  -V, --version\n"
	     "\n"
	     "A DEVICE is named as in /sys/bus/*/devices (0000:03:00.0, or 03:00.0),\n"
	     "a GROUP by its number. \"-\" is what the kernel does not tell.\n");
	ls_columns();
	puts("\n"
	     "Exit status: 0 yes or done, 1 no, 2 wrong usage, 3 no such device or\n"
	     "group, 4 the kernel or missing rights hide the answer, 5 refused or failed.");
}

static const struct verb *verb_named(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(verbs); i++)
		if (text_is(verbs[i].name, name))
			return &verbs[i];
	fail(EXIT_USAGE, "there is no verb '%s'; see iommuctl --help", name);
}

static bool want_color(const char *when)
{
	const char *no = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	if (text_is(when, "always"))
		return true;
	if (text_is(when, "never"))
		return false;
	if (!text_is(when, "auto"))
		fail(EXIT_USAGE, "--color is auto, always or never, not '%s'",
		     when);
	return isatty(STDOUT_FILENO) && !(no && *no) && !text_is(term, "dumb");
}

static long positive(const char *text)
{
	unsigned long number;

	if (!text_number(text, &number) || !number)
		fail(EXIT_USAGE, "'%s' is not a whole number above zero", text);
	return number;
}

/* What was given, to tell of options that a verb does not have. */
static char given[16];

static void one_option(int c, const char **color, const char **sysroot)
{
	switch (c) {
	case LONG_JSON:
		opt.json = true;
		return;
	case LONG_COLOR:
		*color = optarg;
		return;
	case LONG_SYSROOT:
		*sysroot = optarg;
		return;
	case 'h':
		help();
		exit(EXIT_YES);
	case 'V':
		printf("iommuctl %s, schema %d\n", IOMMUCTL_VERSION,
		       IOMMUCTL_SCHEMA);
		exit(EXIT_YES);
	case 'a':
		opt.all = true;
		break;
	case 'n':
		opt.noheadings = true;
		break;
	case 'd':
		opt.dry_run = true;
		break;
	case 'o':
		opt.columns = optarg;
		break;
	case 'c':
		opt.count = positive(optarg);
		break;
	case 'A':
		opt.api = optarg;
		if (!text_is(opt.api, "group") && !text_is(opt.api, "cdev"))
			fail(EXIT_USAGE, "--api is group or cdev, not '%s'",
			     opt.api);
		break;
	default:
		fail(EXIT_USAGE, "see iommuctl --help");
	}
	if (!strchr(given, c) && strlen(given) + 1 < sizeof(given))
		given[strlen(given)] = c;
}

static const char *option_name(int c)
{
	const struct option *o;

	for (o = longs; o->name; o++)
		if (o->val == c)
			return o->name;
	return "";
}

static void at_exit(void)
{
	mem_release(0);
}

int main(int argc, char **argv)
{
	const char *color = "auto", *sysroot = NULL, *c;
	const struct verb *verb;
	int option, status, count;

	setlocale(LC_CTYPE, "");
	atexit(at_exit);
	argv[0] = "iommuctl";	/* so that getopt says it, not a path */
	while ((option = getopt_long(argc, argv, "ac:hno:V", longs, NULL)) != -1)
		one_option(option, &color, &sysroot);
	if (optind == argc)
		fail(EXIT_USAGE, "what should be done? See iommuctl --help");

	verb = verb_named(argv[optind++]);
	opt.verb = verb->name;
	for (c = given; *c; c++)
		if (!strchr(verb->options, *c))
			fail(EXIT_USAGE, "--%s is no option of this verb",
			     option_name(*c));
	count = argc - optind;
	if (count < verb->least || count > verb->most)
		fail(EXIT_USAGE, "usage: iommuctl %s", verb->usage);
	opt.color = want_color(color);
	if (sysroot)
		root_set(sysroot);

	status = verb->run(count, argv + optind);
	if (fflush(stdout) || ferror(stdout))
		fail(EXIT_SYSTEM, "standard output: %s", strerror(errno));
	return status;
}
