// SPDX-License-Identifier: GPL-2.0-only
/* The core's trace events, as the kernel's buffer has them: see core_lib.h */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core_lib.h"

#define TRACING	"/sys/kernel/tracing"
#define ENABLE	TRACING "/events/iommu_core/enable"
#define BUFFER	0x100000

int trace_start(void)
{
	int fd = open(TRACING "/trace", O_WRONLY | O_TRUNC);

	if (fd < 0)
		return -errno;
	close(fd);
	return sysfs_write(ENABLE, "1");
}

void trace_stop(void)
{
	sysfs_write(ENABLE, "0");
}

bool trace_has(const char *text)
{
	char *buffer = malloc(BUFFER);
	int fd = open(TRACING "/trace", O_RDONLY);
	ssize_t got = 1;
	size_t len = 0;
	bool found;

	if (!buffer || fd < 0)
		abort();
	while (got > 0 && len < BUFFER - 1) {
		got = read(fd, buffer + len, BUFFER - 1 - len);
		len += got > 0 ? got : 0;
	}
	close(fd);
	buffer[len] = 0;
	found = strstr(buffer, text);
	free(buffer);
	return found;
}
