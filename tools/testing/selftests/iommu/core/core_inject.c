// SPDX-License-Identifier: GPL-2.0-only
/* Failures on demand, by /proc/thread-self/fail-nth: see core_lib.h */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core_lib.h"

int fail_nth_open(void)
{
	int fd, ret;

	ret = sysfs_write("/sys/kernel/debug/failslab/ignore-gfp-wait", "N");
	if (ret)
		return ret;
	sysfs_write("/sys/kernel/debug/fail_page_alloc/ignore-gfp-wait", "N");
	sysfs_write("/sys/kernel/debug/failslab/verbose", "0");
	sysfs_write("/sys/kernel/debug/fail_page_alloc/verbose", "0");
	sysfs_write("/sys/kernel/debug/fail_iommufd/verbose", "0");
	fd = open("/proc/thread-self/fail-nth", O_RDWR);
	return fd < 0 ? -errno : fd;
}

bool fail_nth_set(int fail_nth, int point)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%d", point);

	return pwrite(fail_nth, text, len, 0) == len;
}

bool fail_nth_happened(int fail_nth)
{
	char text[16] = "";
	bool happened = pread(fail_nth, text, sizeof(text) - 1, 0) > 0 && !atoi(text);

	/* Reading and writing may be what fails. */
	if (!fail_nth_set(fail_nth, 0))
		fail_nth_set(fail_nth, 0);
	return happened;
}
