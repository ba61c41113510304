/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests of the IOMMU core share: sysfs, PCI devices and their groups,
 * VFIO and iommufd from user space, the edu test device, the kernel log and the
 * emulator's monitor.
 *
 * Every function that returns an int gives 0 (or a number that is not negative)
 * on success and a negative errno on failure, as in the kernel. Nothing here
 * prints: the tests decide what a failure means.
 */
#ifndef CORE_LIB_H
#define CORE_LIB_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

#define BDF_LEN		32	/* "0000:02:00.0" and room to spare */
#define MAX_DEVICES	128

/* The emulator's educational device; its DMA engine moves less than 4096 bytes */
#define EDU_VENDOR	0x1234
#define EDU_DEVICE	0x11e8
#define EDU_DRIVER	"lab_edu"
#define EDU_MAX_DMA	4095

/* sysfs */
int sysfs_read(const char *path, char *buf, size_t len);
int sysfs_write(const char *path, const char *text);
bool path_exists(const char *path);
/* Call @hold every 10 ms until it returns true or @ms milliseconds are over. */
bool wait_for(bool (*hold)(const void *arg), const void *arg, int ms);

/*
 * Is there an IOMMU whose name begins so? What one cannot do, its tests skip by that.
 * VT-d's are called dmar0 and so on, AMD-Vi's ivhd0; virtio-iommu goes by its PCI
 * address.
 */
#define VIRTIO_IOMMU	"0000:"
#define AMD_IOMMU	"ivhd"
bool iommu_named(const char *prefix);

/* PCI devices and IOMMU groups */
struct pci_list {
	int count;
	char bdf[MAX_DEVICES][BDF_LEN];	/* sorted */
};

int pci_find(unsigned int vendor, unsigned int device, struct pci_list *found);
int pci_group(const char *bdf);
int pci_driver(const char *bdf, char *name, size_t len);
bool pci_present(const char *bdf);
int group_members(int group, struct pci_list *members);
int group_type(int group, char *type, size_t len);
int group_set_type(int group, const char *type);

/*
 * Give @bdf to @driver and to no other. Returns what the driver core answers:
 * -EBUSY where the driver would use the DMA API on a group a user owns.
 */
int pci_bind(const char *bdf, const char *driver);
int pci_unbind(const char *bdf);

/*
 * edu devices by the shape of their group. Return 0 and fill in @bdf, or -ENODEV.
 * @nth counts from 0. edu_find_pair() wants two edu devices of one slot in one
 * group; edu_find_bridged() one edu behind a conventional PCI bridge.
 */
int edu_find_single(int nth, char *bdf);
int edu_find_pair(char *first, char *second);
int edu_find_bridged(char *bdf);

/* The lab's kernel driver moves @bytes there and back; -EIO if they differ. */
int edu_kernel_dma(const char *bdf, unsigned int bytes);

/* VFIO by character device, with iommufd */
int iommufd_open(void);
int ioas_alloc(int iommufd, __u32 *id);
int ioas_map(int iommufd, __u32 ioas, void *va, size_t len, __u64 iova);
int ioas_unmap(int iommufd, __u32 ioas, __u64 iova, size_t len);
int hwpt_alloc(int iommufd, __u32 dev_id, __u32 ioas, __u32 *id);
int iommufd_destroy(int iommufd, __u32 id);
int cdev_open(const char *bdf);
int cdev_bind(int device, int iommufd, __u32 *dev_id);
int cdev_attach(int device, __u32 *pt_id);
int cdev_detach(int device);

/* VFIO by group; @container is /dev/vfio/vfio with type1, or /dev/iommu */
int vfio_group_open(int group);
int vfio_group_viable(int group_fd);
int vfio_group_set_container(int group_fd, int container);
int vfio_container_set_type1(int container);
int vfio_container_map(int container, void *va, size_t len, __u64 iova);
int vfio_container_unmap(int container, __u64 iova, size_t len);
int vfio_group_device(int group_fd, const char *bdf);
/* Ask for @event_fd to be signalled when the kernel wants the device back. */
int vfio_request_event(int device, int event_fd);

/* A claim of one device by one of the three ways, with an address space of its own */
enum claim_way { BY_CDEV, BY_GROUP_TYPE1, BY_GROUP_IOMMUFD };

struct claim {
	enum claim_way way;
	int container;		/* /dev/vfio/vfio or /dev/iommu */
	int group;		/* -1 for BY_CDEV */
	int device;
	__u32 dev_id, ioas;	/* BY_CDEV alone */
};

/* What claim_take() starts from, and claim_drop() may be called on */
#define NO_CLAIM	((struct claim){ .container = -1, .group = -1, .device = -1 })

/* On failure nothing is held; -ENOENT where the kernel does not have this way. */
int claim_take(struct claim *claim, enum claim_way way, const char *bdf);
void claim_drop(struct claim *claim);
int claim_map(struct claim *claim, void *va, size_t len, __u64 iova);
int claim_unmap(struct claim *claim, __u64 iova, size_t len);

/* A device by its VFIO file: @len bytes @at in a region, and what lets it do DMA */
int device_io(int device, __u32 region, bool write, __u64 at, void *data, size_t len);
int device_start(int device);

/*
 * The edu device by a VFIO device file. Its registers are reached with pread and
 * pwrite: a live mapping of the BAR would keep the group busy after close.
 */
int edu_start(int device);
int edu_factorial(int device, __u32 n, __u32 *result);
/* Memory at @iova into the device's buffer, and the device's buffer to @iova */
int edu_fetch(int device, __u64 iova, __u32 bytes);
int edu_store(int device, __u64 iova, __u32 bytes);

/* Byte @i of pattern @seed; two seeds below 256 differ in every byte. */
__u8 pattern_byte(unsigned int seed, size_t i);
void pattern_fill(void *buf, size_t len, unsigned int seed);
/* -1 if @buf holds the pattern, else the offset of the first wrong byte */
long pattern_check(const void *buf, size_t len, unsigned int seed);

/*
 * Failures on demand: all of the kernel's allocations of this thread may fail, and nothing
 * is said about it. -ENOENT where the kernel has no fault injection.
 */
int fail_nth_open(void);
/* The @point'th point from now at which something may fail does; 0: none. */
bool fail_nth_set(int fail_nth, int point);
/* Has it failed? From now on nothing does. */
bool fail_nth_happened(int fail_nth);

/* The kernel log: only what is written after klog_open() is seen. */
int klog_open(void);
/*
 * Wait up to @ms for a line with all of @words (ended by NULL), ignoring case.
 * Returns 0 and the line's text in @line, or -ETIMEDOUT.
 */
int klog_wait(int klog, const char *const *words, char *line, size_t len, int ms);
/* Wait for the report of a refused DMA by @bdf, whichever IOMMU reports it. */
int klog_wait_fault(int klog, const char *bdf, char *line, size_t len, int ms);

/*
 * The core's trace events, all of them on from trace_start() to trace_stop(). -ENOENT
 * where this kernel has none.
 */
int trace_start(void);
void trace_stop(void);
/* Is @text in what was recorded? */
bool trace_has(const char *text);

/* The emulator's monitor on the second serial port */
int qmp_open(void);
int qmp_command(int qmp, const char *command, const char *arguments, char *reply, size_t len);
int qmp_add_edu(int qmp, const char *id, const char *bus, const char *addr);
int qmp_del(int qmp, const char *id);
int qmp_wait_deleted(int qmp, const char *id, int ms);

#endif
