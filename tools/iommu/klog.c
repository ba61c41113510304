// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's messages, from /dev/kmsg: "level,number,microseconds,flags;text".
 *
 * Each read gives one record. A plain file in a sysroot gives many at once, so
 * what was read is put together and taken apart again by lines.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "iommuctl.h"

static void one_record(char *line, void (*take)(void *data, double when,
						char *text), void *data)
{
	unsigned long long usecs;
	char *text = strchr(line, ';');

	/* Lines that begin with a space say more of the record before. */
	if (!text || *line == ' ' ||
	    sscanf(line, "%*u,%*u,%llu", &usecs) != 1)
		return;
	text_visible(text + 1);
	take(data, usecs / 1e6, text + 1);
}

/* False, with errno, if the messages cannot be read. */
bool klog_each(void (*take)(void *data, double when, char *text), void *data)
{
	size_t len = 0, room = 1 << 16;
	char *text = mem_alloc(room), *line;
	int fd = root_open("/dev/kmsg", O_RDONLY | O_NONBLOCK);
	ssize_t n;

	if (fd < 0)
		return false;
	for (;;) {
		if (room - len < 1 << 14) {
			char *larger = mem_alloc(2 * room);

			memcpy(larger, text, len);
			text = larger;
			room *= 2;
		}
		n = read(fd, text + len, room - len - 1);
		if (n > 0)
			len += n;
		else if (n == 0 || errno != EPIPE)
			break;
		/* EPIPE: old messages were overwritten; go on with the next. */
	}
	close(fd);
	if (n < 0 && errno != EAGAIN)
		return false;
	text[len] = '\0';
	while ((line = text_line(&text)))
		one_record(line, take, data);
	return true;
}
