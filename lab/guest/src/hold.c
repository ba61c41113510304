// SPDX-License-Identifier: GPL-2.0-only
/*
 * A user of a device, for who looks at it: claims the edu device by its own file and
 * iommufd, lets it write once where nothing is mapped, so that a fault is logged, says
 * "held" and waits to be killed. usage: hold BDF
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core_lib.h"

#define NOWHERE	0x20000000
#define BYTES	64

int main(int argc, char **argv)
{
	int ret, iommufd, device;
	__u32 ioas;

	if (argc != 2) {
		fprintf(stderr, "usage: hold BDF\n");
		return 2;
	}
	iommufd = iommufd_open();
	device = cdev_open(argv[1]);
	ret = cdev_bind(device, iommufd, NULL);
	if (!ret)
		ret = ioas_alloc(iommufd, &ioas);
	if (!ret)
		ret = cdev_attach(device, &ioas);
	if (!ret)
		ret = edu_start(device);
	if (!ret)
		ret = edu_store(device, NOWHERE, BYTES);
	if (ret) {
		fprintf(stderr, "hold: %s: %s\n", argv[1], strerror(-ret));
		return 1;
	}
	printf("held\n");
	fflush(stdout);
	pause();
	return 0;
}
