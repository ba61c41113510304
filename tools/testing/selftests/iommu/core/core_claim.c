// SPDX-License-Identifier: GPL-2.0-only
/* The three ways to claim a device for user space, as one: see core_lib.h */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "core_lib.h"

static int take_cdev(struct claim *claim, const char *bdf)
{
	__u32 pt_id;
	int ret;

	claim->device = cdev_open(bdf);
	if (claim->device < 0)
		return claim->device;
	ret = cdev_bind(claim->device, claim->container, &claim->dev_id);
	if (ret)
		return ret;
	ret = ioas_alloc(claim->container, &claim->ioas);
	if (ret)
		return ret;
	pt_id = claim->ioas;
	return cdev_attach(claim->device, &pt_id);
}

static int take_group(struct claim *claim, const char *bdf)
{
	int ret;

	claim->group = vfio_group_open(pci_group(bdf));
	if (claim->group < 0)
		return claim->group;
	ret = vfio_group_set_container(claim->group, claim->container);
	if (ret)
		return ret;
	ret = vfio_container_set_type1(claim->container);
	if (ret)
		return ret;
	claim->device = vfio_group_device(claim->group, bdf);
	return claim->device < 0 ? claim->device : 0;
}

int claim_take(struct claim *claim, enum claim_way way, const char *bdf)
{
	int ret;

	*claim = NO_CLAIM;
	claim->way = way;
	claim->container = open(way == BY_GROUP_TYPE1 ? "/dev/vfio/vfio" : "/dev/iommu",
				O_RDWR | O_CLOEXEC);
	if (claim->container < 0)
		return -errno;
	ret = way == BY_CDEV ? take_cdev(claim, bdf) : take_group(claim, bdf);
	if (ret)
		claim_drop(claim);
	return ret;
}

static void drop(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void claim_drop(struct claim *claim)
{
	drop(&claim->device);
	drop(&claim->group);
	drop(&claim->container);
}

int claim_map(struct claim *claim, void *va, size_t len, __u64 iova)
{
	if (claim->way == BY_CDEV)
		return ioas_map(claim->container, claim->ioas, va, len, iova);
	return vfio_container_map(claim->container, va, len, iova);
}

int claim_unmap(struct claim *claim, __u64 iova, size_t len)
{
	if (claim->way == BY_CDEV)
		return ioas_unmap(claim->container, claim->ioas, iova, len);
	return vfio_container_unmap(claim->container, iova, len);
}
