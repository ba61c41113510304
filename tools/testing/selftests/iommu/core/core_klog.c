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

int klog_wait(int klog, const char *const *words, char *line, size_t len, int ms)
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
		if (!has_all(text, words))
			continue;
		snprintf(line, len, "%s", text);
		return 0;
	}
}

int klog_wait_fault(int klog, const char *bdf, char *line, size_t len, int ms)
{
	/* VT-d and AMD-Vi name the device without its PCI domain */
	const char *short_bdf = strchr(bdf, ':') + 1;
	const char *const words[] = { "fault", short_bdf, NULL };

	return klog_wait(klog, words, line, len, ms);
}
