// SPDX-License-Identifier: GPL-2.0-only
/* The kernel log as the tests read it: see core_lib.h */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core_lib.h"

int klog_open(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK);

	if (fd < 0)
		return -errno;
	lseek(fd, 0, SEEK_END);
	return fd;
}

static long long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static bool has_all(const char *text, const char *const *words)
{
	for (; *words; words++)
		if (!strcasestr(text, *words))
			return false;
	return true;
}

/* As klog_wait(), for a line with all of @words or all of @other */
static int wait_line(int klog, const char *const *words, const char *const *other, char *line,
		     size_t len, int ms)
{
	struct pollfd poll_fd = { .fd = klog, .events = POLLIN };
	long long end = now_ms() + ms;
	char record[2048], *text, *stop;
	ssize_t got;

	for (;;) {
		got = read(klog, record, sizeof(record) - 1);
		if (got < 0 && errno == EAGAIN) {
			if (now_ms() >= end)
				return -ETIMEDOUT;
			poll(&poll_fd, 1, 20);
			continue;
		}
		/* EPIPE: records were overwritten before we read them; go on */
		if (got < 0 && errno == EPIPE)
			continue;
		if (got < 0)
			return -errno;
		record[got] = 0;
		/* "priority,sequence,time,flags;text", then lines of key=value */
		text = strchr(record, ';');
		if (!text)
			continue;
		text++;
		stop = strchr(text, '\n');
		if (stop)
			*stop = 0;
		if (!has_all(text, words) && !has_all(text, other))
			continue;
		snprintf(line, len, "%s", text);
		return 0;
	}
}

int klog_wait(int klog, const char *const *words, char *line, size_t len, int ms)
{
	return wait_line(klog, words, words, line, len, ms);
}

int klog_wait_fault(int klog, const char *bdf, char *line, size_t len, int ms)
{
	/* VT-d and AMD-Vi name the device without its PCI domain */
	const char *const by_name[] = { "fault", strchr(bdf, ':') + 1, NULL };
	/* virtio-iommu tells bus, slot and function as one number */
	char endpoint[32] = "";
	const char *const by_number[] = { "fault from", endpoint, NULL };
	unsigned int bus, slot, function;

	if (sscanf(bdf, "%*x:%x:%x.%x", &bus, &slot, &function) == 3)
		snprintf(endpoint, sizeof(endpoint), "EP %u ", bus << 8 | slot << 3 | function);
	else
		return -EINVAL;
	return wait_line(klog, by_name, by_number, line, len, ms);
}
