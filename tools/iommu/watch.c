// SPDX-License-Identifier: GPL-2.0-only
/*
 * watch: what changes, as it changes.
 *
 * Two sources: uevents, which any kernel sends and anybody may read, and the
 * trace events of the IOMMU core, for root, through an instance of tracefs of
 * its own, so that nobody else's tracing is touched. The instance goes when the
 * program ends, also by a signal.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "iommuctl.h"

static volatile sig_atomic_t ended;
static char *instance;		/* folder of our own in tracefs, or NULL */
static size_t mark;
static long left;		/* events until the end; -1: no end */

static void on_signal(int signal)
{
	(void)signal;
	ended = 1;
}

static void remove_instance(void)
{
	if (instance && rmdir(instance))
		fprintf(stderr, "iommuctl: %s: %s\n", instance,
			strerror(errno));
	instance = NULL;
}

static double seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

static void told(void)
{
	fflush(stdout);
	if (left > 0)
		left--;
	mem_release(mark);
}

/* The value of KEY in a uevent: strings behind each other. */
static const char *uevent_value(const char *text, size_t len, const char *key)
{
	size_t klen = strlen(key);
	const char *end = text + len;

	for (; text < end; text += strlen(text) + 1)
		if (!strncmp(text, key, klen) && text[klen] == '=')
			return text + klen + 1;
	return NULL;
}

/* Uevents of groups, IOMMUs, VFIO, and of devices that have a group. */
static bool is_ours(const char *text, size_t len)
{
	static const char * const subsystems[] = {
		"iommu_groups", "iommu", "vfio", "vfio-dev",
	};
	const char *subsystem = uevent_value(text, len, "SUBSYSTEM");
	const char *action = uevent_value(text, len, "ACTION");
	const char *path = uevent_value(text, len, "DEVPATH");
	size_t i;

	for (i = 0; subsystem && i < ARRAY_SIZE(subsystems); i++)
		if (text_is(subsystem, subsystems[i]))
			return true;
	if (!action || !path || text_is(action, "change"))
		return false;
	/* What was removed has no group any more. */
	return root_exists("/sys%s/iommu_group", path) ||
	       text_is(subsystem, "pci");
}

static void uevent_json(const char *text, size_t len)
{
	const char *end = text + len;

	js_begin();
	js_seconds("seconds", seconds_now());
	js_text("source", "uevent");
	js_object("values");
	/* The first string is "ACTION@PATH", which the others repeat. */
	for (text += strlen(text) + 1; text < end; text += strlen(text) + 1) {
		const char *equals = strchr(text, '=');

		if (equals)
			js_text(mem_textn(text, equals - text), equals + 1);
	}
	js_close();
	js_end();
}

static void uevent_print(const char *text, size_t len)
{
	static const char * const more[] = {
		"DRIVER", "CHANGED", "OWNER", "MEMBERS",
	};
	const char *subsystem = uevent_value(text, len, "SUBSYSTEM");
	const char *path = uevent_value(text, len, "DEVPATH");
	const char *action = uevent_value(text, len, "ACTION");
	const char *slash = path ? strrchr(path, '/') : NULL;
	size_t i;

	printf("%.6f uevent %s %s %s", seconds_now(), or_dash(subsystem),
	       or_dash(action), slash ? slash + 1 : "-");
	for (i = 0; i < ARRAY_SIZE(more); i++) {
		const char *value = uevent_value(text, len, more[i]);

		if (value)
			printf(" %s=%s", more[i], value);
	}
	putchar('\n');
}

static void take_uevent(int sock)
{
	char text[8193];
	struct sockaddr_nl from = {};
	struct iovec iov = { text, sizeof(text) - 1 };
	struct msghdr msg = {
		.msg_name = &from, .msg_namelen = sizeof(from),
		.msg_iov = &iov, .msg_iovlen = 1,
	};
	ssize_t len = recvmsg(sock, &msg, MSG_DONTWAIT);

	if (len < 0) {
		if (errno == ENOBUFS)
			note("uevents came too fast; some are lost");
		return;
	}
	text[len] = '\0';
	/* Only the kernel's own: anybody may send to the group. */
	if (from.nl_pid || !strchr(text, '@') || !is_ours(text, len)) {
		mem_release(mark);
		return;
	}
	if (opt.json)
		uevent_json(text, len);
	else
		uevent_print(text, len);
	told();
}

/* "  comm-12 [000] ..... 1.234567: iommu_owner: group=12 owner=none count=0" */
static void take_trace_line(char *line)
{
	char *name, *rest, *when;

	/* The process' name may hold anything but the time is digits. */
	rest = strstr(line, "] ");
	while (rest && rest[2] != '.' && !strchr("dDnNpPhHsS", rest[2]))
		rest = strstr(rest + 2, "] ");
	if (!rest)
		return;
	rest += 2;
	text_word(&rest);		/* flags */
	when = rest ? text_word(&rest) : NULL;
	if (!when || !rest)
		return;
	when[strcspn(when, ":")] = '\0';
	name = rest;
	rest = strstr(rest, ": ");
	if (!rest)
		return;
	*rest = '\0';
	rest += 2;
	text_visible(rest);
	if (opt.json) {
		js_begin();
		js_seconds("seconds", strtod(when, NULL));
		js_text("source", "trace");
		js_text("event", name);
		js_text("text", rest);
		js_end();
	} else {
		printf("%s trace %s %s\n", when, name, rest);
	}
	told();
}

static char pending[1 << 15];
static size_t pending_len;

static void take_trace(int pipe)
{
	ssize_t n = read(pipe, pending + pending_len,
			 sizeof(pending) - 1 - pending_len);
	char *line = pending, *end;

	if (n <= 0)
		return;
	pending_len += n;
	pending[pending_len] = '\0';
	while (left && (end = strchr(line, '\n'))) {
		*end = '\0';
		take_trace_line(line);
		line = end + 1;
	}
	pending_len = strlen(line);
	memmove(pending, line, pending_len);
	if (pending_len == sizeof(pending) - 1)
		pending_len = 0;	/* no line is that long */
}

static int open_uevents(void)
{
	struct sockaddr_nl all = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	int room = 1 << 22, sock;

	sock = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC,
		      NETLINK_KOBJECT_UEVENT);
	if (sock < 0)
		return -1;
	setsockopt(sock, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	if (!bind(sock, (struct sockaddr *)&all, sizeof(all)))
		return sock;
	close(sock);
	return -1;
}

/* Returns whether there is such an event in this kernel. */
static bool enable_event(const char *event)
{
	char *path = mem_printf("%s/events/%s/enable", instance, event);

	return !root_write(path, "1");
}

/* The end of a pipe that gives events; -1 if this kernel or user has none. */
static int open_trace(void)
{
	/* Mapping is left out: it happens too often for people. */
	static const char * const events[] = {
		"iommu_core", "iommu/add_device_to_group",
		"iommu/remove_device_from_group", "iommu/attach_device_to_domain",
		"iommu/io_page_fault",
	};
	const char *root = "/sys/kernel/tracing";
	size_t i, enabled = 0;

	if (!root_exists("%s/instances", root))
		root = "/sys/kernel/debug/tracing";
	if (!root_exists("%s/instances", root))
		return -1;
	instance = mem_printf("%s/instances/iommuctl-%d", root, (int)getpid());
	if (mkdir(instance, 0700)) {
		instance = NULL;
		return -1;
	}
	for (i = 0; i < ARRAY_SIZE(events); i++)
		enabled += enable_event(events[i]);
	if (!enabled)
		return -1;
	return root_open(mem_printf("%s/trace_pipe", instance),
			 O_RDONLY | O_NONBLOCK);
}

/* Signals come only while it waits, so that none is missed. */
static void watch_for(int sock, int pipe, const sigset_t *waiting)
{
	struct pollfd fds[] = {
		{ .fd = sock, .events = POLLIN },
		{ .fd = pipe, .events = POLLIN },
	};

	mark = mem_mark();
	while (!ended && left) {
		if (ppoll(fds, ARRAY_SIZE(fds), NULL, waiting) < 0) {
			if (errno != EINTR)
				fail(EXIT_SYSTEM, "poll: %s", strerror(errno));
			continue;
		}
		if (fds[1].revents)
			take_trace(pipe);
		if (left && fds[0].revents)
			take_uevent(sock);
		/* The reader of a pipe has gone. */
		if (ferror(stdout))
			return;
	}
}

int do_watch(int argc, char **argv)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction action = { .sa_handler = on_signal };
	sigset_t blocked, waiting;
	int sock, pipe;
	size_t i;

	(void)argc;
	(void)argv;
	if (!root_is_machine())
		fail(EXIT_USAGE, "--sysroot holds no events");
	sigemptyset(&blocked);
	for (i = 0; i < ARRAY_SIZE(signals); i++) {
		sigaction(signals[i], &action, NULL);
		sigaddset(&blocked, signals[i]);
	}
	sigprocmask(SIG_BLOCK, &blocked, &waiting);
	signal(SIGPIPE, SIG_IGN);
	left = opt.count ? opt.count : -1;
	js_one_line();
	sock = open_uevents();
	pipe = open_trace();
	if (pipe < 0)
		note("no trace events (they need root, tracefs and CONFIG_IOMMU_API); uevents only");
	if (sock < 0 && pipe < 0) {
		remove_instance();
		fail(EXIT_UNTOLD, "neither uevents nor trace events can be read");
	}
	note("watching");
	watch_for(sock, pipe, &waiting);
	if (pipe >= 0)
		close(pipe);
	if (sock >= 0)
		close(sock);
	remove_instance();
	return EXIT_YES;
}
