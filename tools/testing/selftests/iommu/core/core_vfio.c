// SPDX-License-Identifier: GPL-2.0-only
/* VFIO and iommufd from user space, and the edu device behind them: see core_lib.h */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include <linux/iommufd.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>

#include "core_lib.h"

static int done(int ret)
{
	return ret < 0 ? -errno : ret;
}

int iommufd_open(void)
{
	return done(open("/dev/iommu", O_RDWR | O_CLOEXEC));
}

int ioas_alloc(int iommufd, __u32 *id)
{
	struct iommu_ioas_alloc arg = { .size = sizeof(arg) };
	int ret = done(ioctl(iommufd, IOMMU_IOAS_ALLOC, &arg));

	*id = arg.out_ioas_id;
	return ret;
}

int ioas_map(int iommufd, __u32 ioas, void *va, size_t len, __u64 iova)
{
	struct iommu_ioas_map arg = {
		.size = sizeof(arg),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE |
			 IOMMU_IOAS_MAP_WRITEABLE,
		.ioas_id = ioas,
		.user_va = (unsigned long)va,
		.length = len,
		.iova = iova,
	};

	return done(ioctl(iommufd, IOMMU_IOAS_MAP, &arg));
}

int ioas_unmap(int iommufd, __u32 ioas, __u64 iova, size_t len)
{
	struct iommu_ioas_unmap arg = {
		.size = sizeof(arg),
		.ioas_id = ioas,
		.iova = iova,
		.length = len,
	};

	return done(ioctl(iommufd, IOMMU_IOAS_UNMAP, &arg));
}

int hwpt_alloc(int iommufd, __u32 dev_id, __u32 ioas, __u32 *id)
{
	struct iommu_hwpt_alloc arg = {
		.size = sizeof(arg),
		.dev_id = dev_id,
		.pt_id = ioas,
	};
	int ret = done(ioctl(iommufd, IOMMU_HWPT_ALLOC, &arg));

	*id = arg.out_hwpt_id;
	return ret;
}

int iommufd_destroy(int iommufd, __u32 id)
{
	struct iommu_destroy arg = { .size = sizeof(arg), .id = id };

	return done(ioctl(iommufd, IOMMU_DESTROY, &arg));
}

int cdev_open(const char *bdf)
{
	char path[512] = "";
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/vfio-dev", bdf);
	dir = opendir(path);
	if (!dir)
		return -errno;
	path[0] = 0;
	while ((entry = readdir(dir)))
		if (!strncmp(entry->d_name, "vfio", 4))
			snprintf(path, sizeof(path), "/dev/vfio/devices/%s", entry->d_name);
	closedir(dir);
	return path[0] ? done(open(path, O_RDWR | O_CLOEXEC)) : -ENOENT;
}

int cdev_bind(int device, int iommufd, __u32 *dev_id)
{
	struct vfio_device_bind_iommufd arg = {
		.argsz = sizeof(arg),
		.iommufd = iommufd,
	};
	int ret = done(ioctl(device, VFIO_DEVICE_BIND_IOMMUFD, &arg));

	if (dev_id)
		*dev_id = arg.out_devid;
	return ret;
}

int cdev_attach(int device, __u32 *pt_id)
{
	struct vfio_device_attach_iommufd_pt arg = {
		.argsz = sizeof(arg),
		.pt_id = *pt_id,
	};
	int ret = done(ioctl(device, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &arg));

	if (!ret)
		*pt_id = arg.pt_id;
	return ret;
}

int cdev_detach(int device)
{
	struct vfio_device_detach_iommufd_pt arg = { .argsz = sizeof(arg) };

	return done(ioctl(device, VFIO_DEVICE_DETACH_IOMMUFD_PT, &arg));
}

int vfio_group_open(int group)
{
	char path[64];

	snprintf(path, sizeof(path), "/dev/vfio/%d", group);
	return done(open(path, O_RDWR | O_CLOEXEC));
}

int vfio_group_viable(int group_fd)
{
	struct vfio_group_status arg = { .argsz = sizeof(arg) };
	int ret = done(ioctl(group_fd, VFIO_GROUP_GET_STATUS, &arg));

	return ret < 0 ? ret : !!(arg.flags & VFIO_GROUP_FLAGS_VIABLE);
}

int vfio_group_set_container(int group_fd, int container)
{
	return done(ioctl(group_fd, VFIO_GROUP_SET_CONTAINER, &container));
}

int vfio_container_set_type1(int container)
{
	return done(ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU));
}

int vfio_container_map(int container, void *va, size_t len, __u64 iova)
{
	struct vfio_iommu_type1_dma_map arg = {
		.argsz = sizeof(arg),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (unsigned long)va,
		.iova = iova,
		.size = len,
	};

	return done(ioctl(container, VFIO_IOMMU_MAP_DMA, &arg));
}

int vfio_container_unmap(int container, __u64 iova, size_t len)
{
	struct vfio_iommu_type1_dma_unmap arg = {
		.argsz = sizeof(arg),
		.iova = iova,
		.size = len,
	};

	return done(ioctl(container, VFIO_IOMMU_UNMAP_DMA, &arg));
}

int vfio_group_device(int group_fd, const char *bdf)
{
	return done(ioctl(group_fd, VFIO_GROUP_GET_DEVICE_FD, bdf));
}

int vfio_request_event(int device, int event_fd)
{
	struct {
		struct vfio_irq_set set;
		__s32 fd;
	} arg = {
		.set = {
			.argsz = sizeof(arg),
			.flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER,
			.index = VFIO_PCI_REQ_IRQ_INDEX,
			.count = 1,
		},
		.fd = event_fd,
	};

	return done(ioctl(device, VFIO_DEVICE_SET_IRQS, &arg));
}

static int region_offset(int device, __u32 index, __u64 *offset)
{
	struct vfio_region_info arg = { .argsz = sizeof(arg), .index = index };
	int ret = done(ioctl(device, VFIO_DEVICE_GET_REGION_INFO, &arg));

	*offset = arg.offset;
	return ret;
}

int device_io(int device, __u32 index, bool write, __u64 at, void *data, size_t len)
{
	__u64 base;
	ssize_t got;
	int ret = region_offset(device, index, &base);

	if (ret)
		return ret;
	got = write ? pwrite(device, data, len, base + at) : pread(device, data, len, base + at);
	if (got < 0)
		return -errno;
	return got == (ssize_t)len ? 0 : -EIO;
}

int device_start(int device)
{
	__u16 command;
	int ret;

	ret = device_io(device, VFIO_PCI_CONFIG_REGION_INDEX, false, PCI_COMMAND, &command, 2);
	if (ret)
		return ret;
	command |= PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;
	return device_io(device, VFIO_PCI_CONFIG_REGION_INDEX, true, PCI_COMMAND, &command, 2);
}

/* Registers of edu in BAR 0 */
#define EDU_ID		0x00
#define EDU_FACT	0x08
#define EDU_STATUS	0x20	/* bit 0: computing */
#define EDU_DMA_SRC	0x80
#define EDU_DMA_DST	0x88
#define EDU_DMA_COUNT	0x90
#define EDU_DMA_CMD	0x98	/* bit 0: run; bit 1: out of the device */
#define EDU_BUFFER	0x40000

#define EDU_RUN		1
#define EDU_OUT		2

static int edu_set(int device, __u64 reg, __u32 value)
{
	return device_io(device, VFIO_PCI_BAR0_REGION_INDEX, true, reg, &value, 4);
}

static int edu_get(int device, __u64 reg, __u32 *value)
{
	return device_io(device, VFIO_PCI_BAR0_REGION_INDEX, false, reg, value, 4);
}

int edu_start(int device)
{
	__u32 id;
	int ret = device_start(device);

	if (ret)
		return ret;
	ret = edu_get(device, EDU_ID, &id);
	if (ret)
		return ret;
	return (id & 0xffff) == 0x00ed ? 0 : -ENODEV;
}

/* Poll until @mask is clear in @reg; edu takes a tenth of a second per transfer. */
static int edu_wait(int device, __u64 reg, __u32 mask)
{
	struct timespec nap = { .tv_nsec = 1000 * 1000 };
	__u32 value;
	int ret, tries;

	for (tries = 0; tries < 10000; tries++) {
		ret = edu_get(device, reg, &value);
		if (ret)
			return ret;
		if (!(value & mask))
			return 0;
		nanosleep(&nap, NULL);
	}
	return -ETIMEDOUT;
}

int edu_factorial(int device, __u32 n, __u32 *result)
{
	int ret = edu_set(device, EDU_FACT, n);

	if (!ret)
		ret = edu_wait(device, EDU_STATUS, 1);
	return ret ? ret : edu_get(device, EDU_FACT, result);
}

static int edu_dma(int device, __u64 src, __u64 dst, __u32 bytes, __u32 command)
{
	int ret;

	/* 32-bit register writes; 4096 bytes or more abort the emulator */
	if (src >> 32 || dst >> 32 || !bytes || bytes > EDU_MAX_DMA)
		return -EINVAL;
	ret = edu_set(device, EDU_DMA_SRC, src);
	if (!ret)
		ret = edu_set(device, EDU_DMA_DST, dst);
	if (!ret)
		ret = edu_set(device, EDU_DMA_COUNT, bytes);
	if (!ret)
		ret = edu_set(device, EDU_DMA_CMD, command | EDU_RUN);
	return ret ? ret : edu_wait(device, EDU_DMA_CMD, EDU_RUN);
}

int edu_fetch(int device, __u64 iova, __u32 bytes)
{
	return edu_dma(device, iova, EDU_BUFFER, bytes, 0);
}

int edu_store(int device, __u64 iova, __u32 bytes)
{
	return edu_dma(device, EDU_BUFFER, iova, bytes, EDU_OUT);
}

__u8 pattern_byte(unsigned int seed, size_t i)
{
	/* odd multiplier: every byte of the page differs from its shifted copy */
	return (__u8)(seed + 1 + i * 167 + (i >> 8) * 13);
}

void pattern_fill(void *buf, size_t len, unsigned int seed)
{
	__u8 *byte = buf;
	size_t i;

	for (i = 0; i < len; i++)
		byte[i] = pattern_byte(seed, i);
}

long pattern_check(const void *buf, size_t len, unsigned int seed)
{
	const __u8 *byte = buf;
	size_t i;

	for (i = 0; i < len; i++)
		if (byte[i] != pattern_byte(seed, i))
			return i;
	return -1;
}
