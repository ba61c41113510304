/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The IOMMU core: what drivers of IOMMUs provide, what its users may call.
 *
 * Words. A *group* is the smallest set of devices the hardware can tell apart
 * from all others. A *domain* is an address space that DMA requests translate
 * with. A *slot* is a group together with a PASID; requests without PASID use
 * the slot %IOMMU_NO_PASID. Attaching puts a domain into a slot.
 *
 * Order of this file
 *
 *	1  access flags, faults and page requests
 *	2  domains
 *	3  capabilities, reserved regions, PASIDs
 *	4  (CONFIG_IOMMU_API) what a driver fills in: buffers, ops, devices
 *	5  (CONFIG_IOMMU_API) what the core offers
 *	6  (!CONFIG_IOMMU_API) the same names for kernels without IOMMUs
 *	7  MSI, stream IDs, SVA and I/O page faults, each with its own option
 *
 * Exported functions are documented where they are defined.
 */
#ifndef __LINUX_IOMMU_H
#define __LINUX_IOMMU_H

#include <linux/atomic.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/iova_bitmap.h>
#include <linux/of.h>
#include <linux/ratelimit_types.h>
#include <linux/scatterlist.h>
#include <linux/types.h>

struct device;
struct group_device;
struct iommu_dirty_ops;
struct iommu_dma_cookie;
struct iommu_domain;
struct iommu_domain_ops;
struct iommu_fault_param;
struct iommu_group;
struct iommu_ops;
struct iommu_sva;
struct iommu_mm_watch;
struct notifier_block;
struct pci_dev;

/* ---- 1. Access flags, faults and page requests -------------------------- */

/* What a mapping permits, argument "prot" of iommu_map() */
#define IOMMU_READ	0x1
#define IOMMU_WRITE	0x2
#define IOMMU_CACHE	0x4 /* requests snoop the CPU's caches */
#define IOMMU_NOEXEC	0x8 /* no instruction fetches */
#define IOMMU_MMIO	0x10 /* the target is a device, e.g. an MSI doorbell */
/*
 * Only for buses that mark requests as supervisor or user: the other flags
 * then speak of supervisor requests, and user requests get as little as the
 * format of the page table can express.
 */
#define IOMMU_PRIV	0x20

/* Direction of a fault given to report_iommu_fault(), iommu_device_fault() */
#define IOMMU_FAULT_READ	0x0
#define IOMMU_FAULT_WRITE	0x1

/*
 * Takes the domain, the device, the IOVA, the direction and the token that
 * was registered with it. Returns 0 when the fault has been dealt with,
 * -ENOSYS to ask the driver for what it would do without a handler.
 */
typedef int (*iommu_fault_handler_t)(struct iommu_domain *,
			struct device *, unsigned long, int, void *);

/* Access a page request asks for */
#define IOMMU_FAULT_PERM_READ	0x1
#define IOMMU_FAULT_PERM_WRITE	0x2
#define IOMMU_FAULT_PERM_EXEC	0x4
#define IOMMU_FAULT_PERM_PRIV	0x8

/**
 * enum iommu_fault_type - Kinds of recoverable fault
 * @IOMMU_FAULT_PAGE_REQ: the device waits for an answer to a page request
 */
enum iommu_fault_type {
	IOMMU_FAULT_PAGE_REQ = 1,
};

/* Bits of iommu_fault_page_request.flags */
#define IOMMU_FAULT_PAGE_REQUEST_PASID_VALID	0x1
#define IOMMU_FAULT_PAGE_REQUEST_LAST_PAGE	0x2
#define IOMMU_FAULT_PAGE_RESPONSE_NEEDS_PASID	0x4

/**
 * struct iommu_fault_page_request - A device asks for one page
 * @flags: %IOMMU_FAULT_PAGE_REQUEST_PASID_VALID: @pasid counts;
 *	%IOMMU_FAULT_PAGE_REQUEST_LAST_PAGE: no more pages follow in @grpid;
 *	%IOMMU_FAULT_PAGE_RESPONSE_NEEDS_PASID: the answer has to carry @pasid,
 *	and may not carry any PASID without this bit
 * @pasid: whose address space
 * @grpid: requests with the same value are answered together
 * @perm: access wanted, IOMMU_FAULT_PERM_* bits
 * @addr: an address in the page
 * @private_data: returned to the hardware as it came
 */
struct iommu_fault_page_request {
	u32	flags;
	u32	pasid;
	u32	grpid;
	u32	perm;
	u64	addr;
	u64	private_data[2];
};

/**
 * struct iommu_fault - A recoverable fault as the hardware told it
 * @type: a value of &enum iommu_fault_type
 * @prm: its page request
 */
struct iommu_fault {
	u32 type;
	struct iommu_fault_page_request prm;
};

/**
 * enum iommu_page_response_code - How a page request ended
 * @IOMMU_PAGE_RESP_SUCCESS: the page is there, the device should try again
 *	(PCI PRI: Success)
 * @IOMMU_PAGE_RESP_INVALID: there is no such page, trying again is useless
 *	(PCI PRI: Invalid Request)
 * @IOMMU_PAGE_RESP_FAILURE: nobody can serve this device; the IOMMU may
 *	ignore its further requests (PCI PRI: Response Failure)
 */
enum iommu_page_response_code {
	IOMMU_PAGE_RESP_SUCCESS = 0,
	IOMMU_PAGE_RESP_INVALID,
	IOMMU_PAGE_RESP_FAILURE,
};

/**
 * struct iommu_page_response - The answer to a group of page requests
 * @pasid: as in the requests
 * @grpid: as in the requests
 * @code: a value of &enum iommu_page_response_code
 */
struct iommu_page_response {
	u32	pasid;
	u32	grpid;
	u32	code;
};

/**
 * struct iopf_fault - A fault on its way to a handler
 * @fault: what happened
 * @list: link in iommu_fault_param.partial or iopf_group.faults
 */
struct iopf_fault {
	struct iommu_fault fault;
	struct list_head list;
};

/**
 * struct iopf_group - Page requests that get one common answer
 * @last_fault: the request that completed the group
 * @faults: all of them, &struct iopf_fault, @last_fault included
 * @fault_count: their number
 * @pending_node: link in iommu_fault_param.faults until answered
 * @work: runs the domain's iopf_handler
 * @attach_handle: the slot's handle at the time of the fault
 * @fault_param: the device's queue of unanswered groups
 * @node: for the handler's own lists
 * @cookie: for the handler's own numbering
 */
struct iopf_group {
	struct iopf_fault last_fault;
	struct list_head faults;
	size_t fault_count;
	struct list_head pending_node;
	struct work_struct work;
	struct iommu_attach_handle *attach_handle;
	struct iommu_fault_param *fault_param;
	struct list_head node;
	u32 cookie;
};

/**
 * struct iopf_queue - Where an IOMMU's page requests are worked on
 * @wq: the workers
 * @devices: devices that deliver here, linked by iommu_fault_param.queue_list
 * @lock: protects @devices
 */
struct iopf_queue {
	struct workqueue_struct *wq;
	struct list_head devices;
	struct mutex lock;	/* devices */
};

/* ---- 2. Domains --------------------------------------------------------- */

/* What types of domains are made of */
#define __IOMMU_DOMAIN_PAGING	0x01U /* has a page table: iommu_map() */
#define __IOMMU_DOMAIN_DMA_API	0x02U /* the DMA API allocates its IOVAs */
#define __IOMMU_DOMAIN_PT	0x04U /* passes addresses through */
#define __IOMMU_DOMAIN_DMA_FQ	0x08U /* unmapping is flushed in batches */
#define __IOMMU_DOMAIN_SVA	0x10U /* a process's page table */
#define __IOMMU_DOMAIN_PLATFORM	0x20U /* the platform knows */
#define __IOMMU_DOMAIN_NESTED	0x40U /* user's table on top of a parent */

/* Batched flushing is none of the driver's business when it allocates */
#define IOMMU_DOMAIN_ALLOC_FLAGS ~__IOMMU_DOMAIN_DMA_FQ

/*
 * The types themselves.
 *
 *	BLOCKED		every request fails
 *	IDENTITY	requests use physical addresses
 *	UNMANAGED	whoever allocated it maps and unmaps: VFIO, GPU drivers
 *	DMA		the DMA API maps and unmaps, flushing at each unmap
 *	DMA_FQ		the same, flushing later and in batches
 *	SVA		the virtual addresses of a process
 *	PLATFORM	old platforms that do it all on their own; no new users
 *	NESTED		user space writes the page table, a parent domain
 *			translates its output once more
 */
#define IOMMU_DOMAIN_BLOCKED	(0U)
#define IOMMU_DOMAIN_IDENTITY	(__IOMMU_DOMAIN_PT)
#define IOMMU_DOMAIN_UNMANAGED	(__IOMMU_DOMAIN_PAGING)
#define IOMMU_DOMAIN_DMA	(__IOMMU_DOMAIN_PAGING | __IOMMU_DOMAIN_DMA_API)
#define IOMMU_DOMAIN_DMA_FQ	(IOMMU_DOMAIN_DMA | __IOMMU_DOMAIN_DMA_FQ)
#define IOMMU_DOMAIN_SVA	(__IOMMU_DOMAIN_SVA)
#define IOMMU_DOMAIN_PLATFORM	(__IOMMU_DOMAIN_PLATFORM)
#define IOMMU_DOMAIN_NESTED	(__IOMMU_DOMAIN_NESTED)

/**
 * struct iommu_domain_geometry - Which IOVAs a domain can translate
 * @aperture_start: the lowest
 * @aperture_end: the highest, inclusive
 * @force_aperture: requests outside fail; otherwise they pass untranslated
 */
struct iommu_domain_geometry {
	dma_addr_t aperture_start;
	dma_addr_t aperture_end;
	bool force_aperture;
};

/**
 * struct iommu_domain - An address space for DMA
 * @type: one of IOMMU_DOMAIN_*
 * @ops: how to attach, map and free it
 * @dirty_ops: how to track what devices wrote; %NULL if impossible
 * @owner: ops of the driver that allocated it; %NULL in static domains
 * @pgsize_bitmap: a bit for each page size that can be mapped
 * @geometry: which IOVAs it covers
 * @iova_cookie: state of the DMA API or of the MSI window
 * @iopf_handler: serves page requests; %NULL if the domain takes none
 * @fault_data: the handler's own
 * @handler: told of unrecoverable faults, see iommu_set_fault_handler()
 * @handler_token: last argument of @handler
 * @mm: %IOMMU_DOMAIN_SVA only: the address space; the domain holds a reference
 *	(mmgrab) until it is freed
 * @watch: %IOMMU_DOMAIN_SVA only: who translates with it, and what becomes of
 *	them when the mm ends. Constant while anything does
 * @users: (device, slot) pairs that translate with it. Core only, as is
 *	@stranded. Both begin at 0, so that zeroed memory is a valid domain
 * @stranded: how many of @users the core could not move away although it had
 *	to; see law T7 in iommu-domain.c
 *
 * A driver embeds it in its own domain, which it allocates zeroed.
 */
struct iommu_domain {
	unsigned int type;
	const struct iommu_domain_ops *ops;
	const struct iommu_dirty_ops *dirty_ops;
	const struct iommu_ops *owner;
	unsigned long pgsize_bitmap;
	struct iommu_domain_geometry geometry;
	struct iommu_dma_cookie *iova_cookie;
	int (*iopf_handler)(struct iopf_group *group);
	void *fault_data;

	/* No union with what follows: drivers report faults of any domain. */
	iommu_fault_handler_t handler;
	void *handler_token;

	struct mm_struct *mm;
	struct iommu_mm_watch *watch;

	atomic_t users;
	atomic_t stranded;
};

/**
 * iommu_is_dma_domain - Does the DMA API manage this domain's IOVAs?
 * @domain: the domain
 *
 * Return: true for %IOMMU_DOMAIN_DMA and %IOMMU_DOMAIN_DMA_FQ.
 */
static inline bool iommu_is_dma_domain(struct iommu_domain *domain)
{
	return domain->type & __IOMMU_DOMAIN_DMA_API;
}

/* ---- 3. Capabilities, reserved regions, PASIDs -------------------------- */

/**
 * enum iommu_cap - Questions for device_iommu_capable()
 * @IOMMU_CAP_CACHE_COHERENCY: does %IOMMU_CACHE work?
 * @IOMMU_CAP_NOEXEC: does %IOMMU_NOEXEC work?
 * @IOMMU_CAP_PRE_BOOT_PROTECTION: did firmware keep DMA out before the kernel
 *	started, and so expects the same of the kernel?
 * @IOMMU_CAP_ENFORCE_CACHE_COHERENCY: will enforce_cache_coherency() succeed
 *	on a domain of this device?
 * @IOMMU_CAP_DEFERRED_FLUSH: does unmap leave the flushing to later, so that
 *	a flush queue pays?
 * @IOMMU_CAP_DIRTY_TRACKING: can it tell which pages devices wrote?
 */
enum iommu_cap {
	IOMMU_CAP_CACHE_COHERENCY,
	IOMMU_CAP_NOEXEC,
	IOMMU_CAP_PRE_BOOT_PROTECTION,
	IOMMU_CAP_ENFORCE_CACHE_COHERENCY,
	IOMMU_CAP_DEFERRED_FLUSH,
	IOMMU_CAP_DIRTY_TRACKING,
};

/**
 * enum iommu_resv_type - Why an address range is not free for mappings
 * @IOMMU_RESV_DIRECT: firmware or the device needs it mapped 1:1 always; such
 *	a device is never blocked
 * @IOMMU_RESV_DIRECT_RELAXABLE: mapped 1:1 in the default domain, but not
 *	needed once another user takes the device (USB, graphics)
 * @IOMMU_RESV_RESERVED: never map anything there
 * @IOMMU_RESV_MSI: writes there become interrupts before any translation
 * @IOMMU_RESV_SW_MSI: software chooses where in it MSI doorbells are mapped
 */
enum iommu_resv_type {
	IOMMU_RESV_DIRECT,
	IOMMU_RESV_DIRECT_RELAXABLE,
	IOMMU_RESV_RESERVED,
	IOMMU_RESV_MSI,
	IOMMU_RESV_SW_MSI,
};

/**
 * struct iommu_resv_region - A range of IOVAs with a special meaning
 * @list: link in the list it was asked for with
 * @start: first address, physical and IOVA alike
 * @length: in bytes
 * @prot: IOMMU_* access flags of a 1:1 mapping
 * @type: why it is reserved
 * @free: frees the region; %NULL: kfree()
 */
struct iommu_resv_region {
	struct list_head	list;
	phys_addr_t		start;
	size_t			length;
	int			prot;
	enum iommu_resv_type	type;
	void (*free)(struct device *dev, struct iommu_resv_region *region);
};

/**
 * struct iommu_iort_rmr_data - A region that the ACPI IORT table reserves
 * @rr: the region
 * @sids: stream IDs that use it
 * @num_sids: their number
 */
struct iommu_iort_rmr_data {
	struct iommu_resv_region rr;
	const u32 *sids;
	u32 num_sids;
};

/**
 * enum iommu_dev_features - What a driver can switch on for its device
 * @IOMMU_DEV_FEAT_SVA: sharing address spaces with processes
 * @IOMMU_DEV_FEAT_IOPF: page requests (PRI, stall). Where it exists, on before
 *	and off after %IOMMU_DEV_FEAT_SVA; a device that recovers from faults
 *	on its own does without
 *
 * See iommu_dev_enable_feature().
 */
enum iommu_dev_features {
	IOMMU_DEV_FEAT_SVA,
	IOMMU_DEV_FEAT_IOPF,
};

typedef unsigned int ioasid_t;

#define IOMMU_NO_PASID		(0U)	/* the slot of requests without PASID */
#define IOMMU_FIRST_GLOBAL_PASID	(1U)	/* lowest that can be allocated */
#define IOMMU_PASID_INVALID	(-1U)

/* read_and_clear_dirty() only reads */
#define IOMMU_DIRTY_NO_CLEAR	0x1

#ifdef CONFIG_IOMMU_API

/* ---- 4a. Invalidations and dirty pages ---------------------------------- */

/**
 * struct iommu_iotlb_gather - What still has to be flushed after unmapping
 * @start: lowest IOVA, ULONG_MAX when nothing is gathered
 * @end: highest IOVA, inclusive, 0 when nothing is gathered
 * @pgsize: size of the pages, 0 if the driver does not care
 * @freelist: page table pages to free after the flush, linked by page.lru
 * @queued: a flush queue will call flush_iotlb_all() later, so the driver
 *	need not flush the range itself
 *
 * The caller prepares it with iommu_iotlb_gather_init(), gives it to any
 * number of iommu_unmap_fast() calls and ends with iommu_iotlb_sync(). Only
 * after that may what was mapped be used for something else.
 */
struct iommu_iotlb_gather {
	unsigned long		start;
	unsigned long		end;
	size_t			pgsize;
	struct list_head	freelist;
	bool			queued;
};

/**
 * struct iommu_dirty_bitmap - Where read_and_clear_dirty() puts its findings
 * @bitmap: a bit for each page, or %NULL to clear without looking
 * @gather: collects what to flush so that devices mark pages anew, or %NULL
 */
struct iommu_dirty_bitmap {
	struct iova_bitmap *bitmap;
	struct iommu_iotlb_gather *gather;
};

/**
 * struct iommu_dirty_ops - Finding the pages that devices wrote
 * @set_dirty_tracking: switches tracking on or off, also on a domain with
 *	devices attached. May sleep; returns 0 or -errno with nothing changed
 * @read_and_clear_dirty: reports the dirty pages of a range with
 *	iommu_dirty_bitmap_record() and marks them clean, unless the flags have
 *	%IOMMU_DIRTY_NO_CLEAR. The caller flushes. Returns 0, or -EINVAL when
 *	tracking is off although marks should be cleared
 */
struct iommu_dirty_ops {
	int (*set_dirty_tracking)(struct iommu_domain *domain, bool enabled);
	int (*read_and_clear_dirty)(struct iommu_domain *domain,
				    unsigned long iova, size_t size,
				    unsigned long flags,
				    struct iommu_dirty_bitmap *dirty);
};

/* ---- 4b. Structures handed over by user space --------------------------- */

/**
 * struct iommu_user_data - A driver's structure in user memory
 * @type: which structure, an enum of include/uapi/linux/iommufd.h
 * @uptr: where
 * @len: how long user space thinks it is
 */
struct iommu_user_data {
	unsigned int type;
	void __user *uptr;
	size_t len;
};

/**
 * struct iommu_user_data_array - An array of a driver's structures
 * @type: which structure, an enum of include/uapi/linux/iommufd.h
 * @uptr: the first
 * @entry_len: distance from one to the next, in bytes
 * @entry_num: how many
 */
struct iommu_user_data_array {
	unsigned int type;
	void __user *uptr;
	size_t entry_len;
	u32 entry_num;
};

/**
 * __iommu_copy_struct_from_user - Copy one structure, whatever its age
 * @dst_data: kernel's copy
 * @src_data: user's
 * @data_type: the type @dst_data is
 * @data_len: the size @dst_data has today
 * @min_len: the size it had when the uAPI was born
 *
 * Drivers use iommu_copy_struct_from_user(). Context: may sleep.
 *
 * Return: 0; -EINVAL if the type differs or the length is impossible; -E2BIG
 * or -EFAULT from copy_struct_from_user().
 */
static inline int
__iommu_copy_struct_from_user(void *dst_data,
			      const struct iommu_user_data *src_data,
			      unsigned int data_type, size_t data_len,
			      size_t min_len)
{
	size_t user_len;

	if (WARN_ON(!src_data || !dst_data))
		return -EINVAL;

	user_len = src_data->len;
	if (src_data->type != data_type ||
	    user_len < min_len || user_len > data_len)
		return -EINVAL;

	return copy_struct_from_user(dst_data, data_len, src_data->uptr,
				     user_len);
}

/**
 * iommu_copy_struct_from_user - Copy one structure, whatever its age
 * @kdst: pointer to the kernel's copy
 * @user_data: &struct iommu_user_data
 * @data_type: the type *@kdst is
 * @min_last: the member that was last when the uAPI was born
 *
 * Return: see __iommu_copy_struct_from_user().
 */
#define iommu_copy_struct_from_user(kdst, user_data, data_type, min_last) \
	__iommu_copy_struct_from_user(kdst, user_data, data_type,	  \
				      sizeof(*(kdst)),			  \
				      offsetofend(typeof(*(kdst)), min_last))

/**
 * __iommu_copy_struct_from_user_array - Copy one element of an array
 * @dst_data: kernel's copy
 * @src_array: user's array
 * @data_type: the type @dst_data is
 * @index: which element
 * @data_len: the size @dst_data has today
 * @min_len: the size it had when the uAPI was born
 *
 * Drivers use iommu_copy_struct_from_user_array(). Context: may sleep.
 *
 * Return: as __iommu_copy_struct_from_user(); -EINVAL also without such an
 * element, which is a bug of the driver.
 */
static inline int
__iommu_copy_struct_from_user_array(void *dst_data,
				    const struct iommu_user_data_array *src_array,
				    unsigned int data_type, unsigned int index,
				    size_t data_len, size_t min_len)
{
	struct iommu_user_data element = {};

	if (WARN_ON(!src_array || index >= src_array->entry_num))
		return -EINVAL;

	element.type = src_array->type;
	element.len = src_array->entry_len;
	element.uptr = src_array->uptr + index * src_array->entry_len;
	return __iommu_copy_struct_from_user(dst_data, &element, data_type,
					     data_len, min_len);
}

/**
 * iommu_copy_struct_from_user_array - Copy one element of an array
 * @kdst: pointer to the kernel's copy
 * @user_array: &struct iommu_user_data_array
 * @data_type: the type *@kdst is
 * @index: which element
 * @min_last: the member that was last when the uAPI was born
 *
 * Return: see __iommu_copy_struct_from_user_array().
 */
#define iommu_copy_struct_from_user_array(kdst, user_array, data_type, index, \
					  min_last)			      \
	__iommu_copy_struct_from_user_array(kdst, user_array, data_type,      \
					    index, sizeof(*(kdst)),	      \
					    offsetofend(typeof(*(kdst)),      \
							min_last))

/* ---- 4c. Operations of a driver ----------------------------------------- */

/**
 * struct iommu_ops - What a driver of IOMMUs can do
 * @capable: answers a question about a device. Any context
 * @hw_info: describes the hardware to user space: returns memory that the
 *	caller will kfree(), with its length and enum iommu_hw_info_type, or an
 *	ERR_PTR. May sleep
 * @domain_alloc: allocates a domain of the given type, knowing no device. Old
 *	drivers only. See below
 * @domain_alloc_user: allocates a domain as user space described it in
 *	&struct iommu_hwpt_alloc. Fills it in completely. With user data on top
 *	of a parent it is %IOMMU_DOMAIN_NESTED, else it has a page table and no
 *	parent. ERR_PTR on failure
 * @domain_alloc_paging: allocates a domain with a page table: for
 *	%IOMMU_DOMAIN_UNMANAGED, %IOMMU_DOMAIN_DMA, %IOMMU_DOMAIN_DMA_FQ. The
 *	device is %NULL when iommu_domain_alloc() asks. See below
 * @domain_alloc_sva: allocates a domain that follows the page table of an mm.
 *	ERR_PTR on failure
 * @probe_device: starts to serve a device, finding its IOMMU by the fwspec or
 *	by itself. Returns that IOMMU, or ERR_PTR: -ENODEV if the device is none
 *	of this driver's, -EPROBE_DEFER to be asked again. After an error
 *	nothing is left behind. iommu_probe_device_lock held, may sleep
 * @release_device: ends it; called once for each success of @probe_device,
 *	when no PASID of the device has a domain and its other requests have
 *	@release_domain. If there is none they still have the domain they had,
 *	and it must quiesce the device. iommu_probe_device_lock is held, and the
 *	group mutex unless the device never got a group. May sleep, cannot fail
 * @probe_finalize: last step after the device has joined its group and its
 *	domain. iommu_probe_device_lock held, but not the group mutex: the driver
 *	may attach domains in it. Called again whenever the bus code asks for the
 *	device once more
 * @device_group: the group a device belongs to, with a reference for the
 *	caller, or ERR_PTR. iommu_probe_device_lock held, may sleep
 * @get_resv_regions: appends the device's reserved regions to a list, each
 *	allocated so that its free() or kfree() ends it. May sleep
 * @of_xlate: adds one "iommus" entry of the device tree to the fwspec. Called
 *	before @probe_device. 0 or -errno
 * @is_attach_deferred: the device still does the DMA of a crashed kernel, so
 *	leave it alone until its driver maps something. Asked once, after
 *	@probe_device
 * @dev_enable_feat: switches a feature on: 0, or -errno and still off
 * @dev_disable_feat: switches it off: 0, or -EBUSY while in use
 * @page_response: sends an answer to a page request. May sleep
 * @def_domain_type: the default domain a device must have:
 *	%IOMMU_DOMAIN_IDENTITY, %IOMMU_DOMAIN_DMA, or 0 when either does
 * @remove_dev_pasid: empties a PASID of a device, so that its requests fail;
 *	gets the domain that was in it. Cannot fail. After return the hardware
 *	no longer reads the domain, nor has translations of it cached. group
 *	mutex held, may sleep
 * @default_domain_ops: iommu_domain.ops unless the allocator chose others
 * @pgsize_bitmap: page sizes of new domains unless the allocator chose others
 * @owner: the module that is held while a device is served
 * @identity_domain: static domain without translation, for every device.
 *	Attaching it must not need memory
 * @blocked_domain: static domain that fails every request, for every device.
 *	Attaching it must not need memory and should not be able to fail: the
 *	core uses it as the last resort
 * @release_domain: static domain to attach before @release_device
 * @default_domain: static domain that is the default of every device, whatever
 *	the boot options say. Old platforms only
 * @user_pasid_table: user space owns the PASID table, so page requests of any
 *	PASID go to the domain in the slot %IOMMU_NO_PASID
 * @attach_breaks_old: a failed iommu_domain_ops.attach_dev() may have taken the
 *	device off its old domain. The core repairs such a device by attaching
 *	the old domain again, and never touches a failed device of another driver
 *	(law T4). Says nothing about PASIDs
 * @pasid_replace: iommu_domain_ops.set_dev_pasid() takes a PASID that is in use
 *	from the old domain it is told to the new one, and leaves it on the old
 *	one when it fails
 *
 * The allocators return a domain zeroed but for what the driver sets, or
 * %NULL (-ENOMEM) or an ERR_PTR; the core fills in type, owner, and those of
 * ops and pgsize_bitmap that are unset. They may sleep; the group mutex may
 * be held, so they must not call back into the group.
 */
struct iommu_ops {
	bool (*capable)(struct device *dev, enum iommu_cap cap);
	void *(*hw_info)(struct device *dev, u32 *length, u32 *type);

	struct iommu_domain *(*domain_alloc)(unsigned int iommu_domain_type);
	struct iommu_domain *(*domain_alloc_user)(struct device *dev, u32 flags,
						  struct iommu_domain *parent,
						  const struct iommu_user_data *user_data);
	struct iommu_domain *(*domain_alloc_paging)(struct device *dev);
	struct iommu_domain *(*domain_alloc_sva)(struct device *dev,
						 struct mm_struct *mm);

	struct iommu_device *(*probe_device)(struct device *dev);
	void (*release_device)(struct device *dev);
	void (*probe_finalize)(struct device *dev);
	struct iommu_group *(*device_group)(struct device *dev);

	void (*get_resv_regions)(struct device *dev, struct list_head *list);

	int (*of_xlate)(struct device *dev, const struct of_phandle_args *args);
	bool (*is_attach_deferred)(struct device *dev);

	int (*dev_enable_feat)(struct device *dev, enum iommu_dev_features f);
	int (*dev_disable_feat)(struct device *dev, enum iommu_dev_features f);

	void (*page_response)(struct device *dev, struct iopf_fault *evt,
			      struct iommu_page_response *msg);

	int (*def_domain_type)(struct device *dev);
	void (*remove_dev_pasid)(struct device *dev, ioasid_t pasid,
				 struct iommu_domain *domain);

	const struct iommu_domain_ops *default_domain_ops;
	unsigned long pgsize_bitmap;
	struct module *owner;
	struct iommu_domain *identity_domain;
	struct iommu_domain *blocked_domain;
	struct iommu_domain *release_domain;
	struct iommu_domain *default_domain;
	u8 user_pasid_table:1;
	u8 attach_breaks_old:1;
	u8 pasid_replace:1;
};

/**
 * struct iommu_domain_ops - What can be done with a domain
 * @attach_dev: translate the device's requests without PASID with this domain
 *	instead of what they use now. On failure the device still uses the old
 *	domain, unless the driver set iommu_ops.attach_breaks_old. Returns:
 *	0, also if it uses the domain already;
 *	-EINVAL, domain and device do not go together, try another domain: print
 *	nothing;
 *	-ENOMEM; -ENOSPC, out of something else;
 *	-EBUSY, this device cannot change its domain now;
 *	-ENODEV, anything else
 * @set_dev_pasid: translate the device's requests with a PASID with this
 *	domain. The last argument is the domain the PASID has now, to be
 *	replaced without a moment in which requests fail if the hardware can;
 *	%NULL if the PASID is empty. Errors as for @attach_dev
 * @block_dev_pasid: %IOMMU_DOMAIN_SVA only, and needed there: the mm may end, so
 *	have the device's requests with this PASID fail from now on, page requests
 *	apart, and forget all translations for it. Called once for what
 *	@set_dev_pasid has set; iommu_ops.remove_dev_pasid() follows later. Cannot
 *	fail, must not sleep, nor wait for anybody but the IOMMU's hardware
 * @flush_mm: %IOMMU_DOMAIN_SVA only, and needed there: forget what is cached of
 *	the addresses from the second argument up to, not including, the third; 0
 *	and ULONG_MAX: all. Page table locks may be held: must not sleep
 * @map_pages: maps some pages of one size, physically contiguous. Adds the
 *	bytes mapped to the last argument also when it fails; success with
 *	nothing mapped is a bug. Sleeps only if the gfp flags allow
 * @unmap_pages: unmaps some pages of one size; returns the bytes unmapped: 0
 *	at a hole, more than asked for when a larger page was hit. What is to be
 *	flushed goes into the gather. Must not sleep
 * @flush_iotlb_all: drops all cached translations of the domain. Must not sleep
 * @iotlb_sync_map: makes new mappings visible to the hardware. 0 or -errno.
 *	Must not sleep
 * @iotlb_sync: flushes what was gathered. Must not sleep
 * @cache_invalidate_user: flushes what user space asks for in a NESTED domain;
 *	sets iommu_user_data_array.entry_num to the number of requests done, also
 *	when it fails. May sleep
 * @iova_to_phys: physical address behind an IOVA, 0 if there is none. Must not
 *	sleep
 * @enforce_cache_coherency: from now on every request snoops, whatever it says
 *	itself. false if that is impossible
 * @enable_nesting: before the first attach, prepare for a table on top
 * @set_pgtable_quirks: before the first attach, choose IO_PGTABLE_QUIRK_*
 * @free: frees a domain that no device uses any more; %NULL in static domains.
 *	May sleep
 *
 * The group mutex is held in attach_dev() and set_dev_pasid(), which may sleep.
 * What the driver reads there from the core, as iommu_get_domain_for_dev(), is
 * what the hardware of this device has at that moment. An mm cannot end during
 * set_dev_pasid() of its domain.
 */
struct iommu_domain_ops {
	int (*attach_dev)(struct iommu_domain *domain, struct device *dev);
	int (*set_dev_pasid)(struct iommu_domain *domain, struct device *dev,
			     ioasid_t pasid, struct iommu_domain *old);

	void (*block_dev_pasid)(struct iommu_domain *domain,
				struct device *dev, ioasid_t pasid);
	void (*flush_mm)(struct iommu_domain *domain, unsigned long start,
			 unsigned long end);

	int (*map_pages)(struct iommu_domain *domain, unsigned long iova,
			 phys_addr_t paddr, size_t pgsize, size_t pgcount,
			 int prot, gfp_t gfp, size_t *mapped);
	size_t (*unmap_pages)(struct iommu_domain *domain, unsigned long iova,
			      size_t pgsize, size_t pgcount,
			      struct iommu_iotlb_gather *iotlb_gather);

	void (*flush_iotlb_all)(struct iommu_domain *domain);
	int (*iotlb_sync_map)(struct iommu_domain *domain, unsigned long iova,
			      size_t size);
	void (*iotlb_sync)(struct iommu_domain *domain,
			   struct iommu_iotlb_gather *iotlb_gather);
	int (*cache_invalidate_user)(struct iommu_domain *domain,
				     struct iommu_user_data_array *array);

	phys_addr_t (*iova_to_phys)(struct iommu_domain *domain,
				    dma_addr_t iova);

	bool (*enforce_cache_coherency)(struct iommu_domain *domain);
	int (*enable_nesting)(struct iommu_domain *domain);
	int (*set_pgtable_quirks)(struct iommu_domain *domain,
				  unsigned long quirks);

	void (*free)(struct iommu_domain *domain);
};

/* ---- 4d. IOMMUs, and what the core keeps for each device ---------------- */

/**
 * struct iommu_device - One IOMMU
 * @list: link in the core's list, under iommu_device_lock
 * @ops: its driver's operations
 * @fwnode: its firmware node, which fwspecs refer to; may be %NULL
 * @dev: its device in sysfs, class "iommu"
 * @singleton_group: the group of generic_single_device_group()
 * @bus: the only bus it serves, or %NULL for all that the core watches
 * @max_pasids: PASIDs it can tell apart; 0 if it knows none
 */
struct iommu_device {
	struct list_head list;
	const struct iommu_ops *ops;
	struct fwnode_handle *fwnode;
	struct device *dev;
	struct iommu_group *singleton_group;
	const struct bus_type *bus;
	u32 max_pasids;
};

/**
 * struct iommu_fault_param - A device's open page requests
 * @lock: protects @partial and @faults
 * @users: the device, and each request on its way, hold one
 * @rcu: frees it
 * @dev: the device
 * @queue: who works on them
 * @queue_list: link in iopf_queue.devices
 * @partial: requests whose group is not complete
 * @faults: groups that wait for an answer
 */
struct iommu_fault_param {
	struct mutex lock;	/* partial, faults */
	refcount_t users;
	struct rcu_head rcu;

	struct device *dev;
	struct iopf_queue *queue;
	struct list_head queue_list;

	struct list_head partial;
	struct list_head faults;
};

/**
 * struct iommu_fwspec - How firmware wires a device to its IOMMU
 * @iommu_fwnode: the IOMMU's node, referenced
 * @flags: IOMMU_FWSPEC_* bits
 * @num_ids: elements of @ids
 * @ids: what the device identifies itself with, in the driver's encoding
 *
 * For the IOMMU's driver only; users of a device learn nothing from it.
 */
struct iommu_fwspec {
	struct fwnode_handle	*iommu_fwnode;
	u32			flags;
	unsigned int		num_ids;
	u32			ids[];
};

/* iommu_fwspec.flags: the root complex lets ATS requests through */
#define IOMMU_FWSPEC_PCI_RC_ATS			0x1

/**
 * enum iommu_deferral - Whether the first attach of a device was put off
 * @IOMMU_NOT_DEFERRED: no, or it has been made since
 * @IOMMU_DEFERRED: until the first mapping
 * @IOMMU_ATTACHING: somebody is just making it
 */
enum iommu_deferral {
	IOMMU_NOT_DEFERRED,
	IOMMU_DEFERRED,
	IOMMU_ATTACHING,
};

/**
 * struct iommu_fault_count - Requests of a device with one PASID that failed
 * @pasid: the PASID; 0: nobody's
 * @count: how many
 */
struct iommu_fault_count {
	u32		pasid;
	atomic_long_t	count;
};

/**
 * struct iommu_faults - Requests of a device that failed, see iommu-faults.c
 * @limit: of lines in the log
 * @without: those without PASID
 * @pasids: those of the first few PASIDs that had any; %NULL: it has no PASIDs
 * @others: those of all others, and of PASIDs the device no longer has
 */
struct iommu_faults {
	struct ratelimit_state		limit;
	atomic_long_t			without;
	struct iommu_fault_count	*pasids;
	atomic_long_t			others;
};

/**
 * struct dev_iommu - What the IOMMU side keeps for one device
 * @lock: serialises setting up @fault_param
 * @fault_param: open page requests; %NULL without %IOMMU_DEV_FEAT_IOPF
 * @fwspec: what firmware says about it
 * @iommu_dev: its IOMMU; %NULL until probe_device() succeeded
 * @priv: the driver's own
 * @attached: what the requests without PASID of this device translate with, as
 *	its driver confirmed last; %NULL before the first attach. Written under
 *	the group mutex, by the transition engine only
 * @member: its membership in its group, or %NULL; under the group mutex
 * @shares: for people, with whom it shares its group and why; or %NULL
 * @max_pasids: the device may use PASIDs below this; 0 if none
 * @uses_dma_api: a bound driver holds the group for the kernel; under the group
 *	mutex
 * @attach_deferred: an enum iommu_deferral: not to be touched before its driver
 *	maps something. Changed by cmpxchg(), also from atomic context
 * @pci_32bit_workaround: IOVAs stay below 4 GiB as long as there are any
 * @require_direct: has %IOMMU_RESV_DIRECT regions, so must not be blocked
 * @shadow_on_flush: a hypervisor learns of mappings by flushes, make them rare
 * @faults: its requests that failed. Changed in interrupts, without a lock
 *
 * It appears under iommu_probe_device_lock, together with the fwspec or when
 * the device is probed, and goes when the device leaves.
 */
struct dev_iommu {
	struct mutex lock;	/* setting fault_param */
	struct iommu_fault_param __rcu	*fault_param;
	struct iommu_fwspec		*fwspec;
	struct iommu_device		*iommu_dev;
	void				*priv;
	struct iommu_domain		*attached;
	struct group_device		*member;
	char				*shares;
	u32				max_pasids;
	u32				attach_deferred;
	bool				uses_dma_api;
	u32				pci_32bit_workaround:1;
	u32				require_direct:1;
	u32				shadow_on_flush:1;
	struct iommu_faults		faults;
};

/**
 * struct iommu_attach_handle - Who put a domain into a slot
 * @domain: the domain
 *
 * Embedded in a structure of the attacher, found again by iommufd, SVA and
 * the page request code as long as the domain stays in the slot.
 */
struct iommu_attach_handle {
	struct iommu_domain		*domain;
};

/**
 * struct iommu_sva - The bond between a device and a process
 * @handle: in the slot of the process's PASID
 * @dev: the device
 * @users: iommu_sva_bind_device() calls that share it
 */
struct iommu_sva {
	struct iommu_attach_handle	handle;
	struct device			*dev;
	refcount_t			users;
};

/**
 * struct iommu_mm_data - What an address space that is shared with devices has
 * @pasid: its PASID, the same on every device
 * @watches: what the core keeps for each of its domains, linked by
 *	iommu_mm_watch.of_mm
 */
struct iommu_mm_data {
	u32			pasid;
	struct list_head	watches;
};

/* ---- 5a. IOMMUs come and go --------------------------------------------- */

int iommu_device_register(struct iommu_device *iommu,
			  const struct iommu_ops *ops,
			  struct device *hwdev);
void iommu_device_unregister(struct iommu_device *iommu);
int iommu_device_sysfs_add(struct iommu_device *iommu, struct device *parent,
			   const struct attribute_group **groups,
			   const char *fmt, ...) __printf(4, 5);
void iommu_device_sysfs_remove(struct iommu_device *iommu);
int iommu_device_link(struct iommu_device *iommu, struct device *link);
void iommu_device_unlink(struct iommu_device *iommu, struct device *link);

/**
 * dev_to_iommu_device - The IOMMU behind a device of class "iommu"
 * @dev: what iommu_device_sysfs_add() made
 *
 * Return: the IOMMU.
 */
static inline struct iommu_device *dev_to_iommu_device(struct device *dev)
{
	return dev_get_drvdata(dev);
}

/* ---- 5b. Devices are probed --------------------------------------------- */

extern struct mutex iommu_probe_device_lock;

int bus_iommu_probe(const struct bus_type *bus);
int iommu_probe_device(struct device *dev);
bool iommu_present(const struct bus_type *bus);
bool device_iommu_capable(struct device *dev, enum iommu_cap cap);
int iommu_dev_enable_feature(struct device *dev, enum iommu_dev_features f);
int iommu_dev_disable_feature(struct device *dev, enum iommu_dev_features f);

int iommu_fwspec_init(struct device *dev, struct fwnode_handle *iommu_fwnode);
void iommu_fwspec_free(struct device *dev);
int iommu_fwspec_add_ids(struct device *dev, const u32 *ids, int num_ids);

/**
 * __iommu_get_iommu_dev - The IOMMU of a device
 * @dev: a device that its driver serves
 *
 * For operations of the driver: outside them the IOMMU may be gone. See
 * iommu_get_iommu_dev().
 *
 * Return: the IOMMU that probe_device() returned.
 */
static inline struct iommu_device *__iommu_get_iommu_dev(struct device *dev)
{
	return dev->iommu->iommu_dev;
}

/**
 * iommu_get_iommu_dev - The driver's structure around the IOMMU of a device
 * @dev: a device that the driver serves
 * @type: type of that structure
 * @member: its &struct iommu_device
 *
 * Return: pointer to @type.
 */
#define iommu_get_iommu_dev(dev, type, member) \
	container_of(__iommu_get_iommu_dev(dev), type, member)

/**
 * dev_iommu_fwspec_get - What firmware says about a device
 * @dev: any device
 *
 * Return: the fwspec, or %NULL.
 */
static inline struct iommu_fwspec *dev_iommu_fwspec_get(struct device *dev)
{
	struct dev_iommu *param = dev->iommu;

	return param ? param->fwspec : NULL;
}

/**
 * dev_iommu_fwspec_set - Replace the fwspec of a device
 * @dev: a device with dev->iommu
 * @fwspec: the new one, or %NULL
 */
static inline void dev_iommu_fwspec_set(struct device *dev,
					struct iommu_fwspec *fwspec)
{
	dev->iommu->fwspec = fwspec;
}

/**
 * dev_iommu_priv_get - The driver's own data of a device
 * @dev: any device
 *
 * Return: what dev_iommu_priv_set() stored, or %NULL.
 */
static inline void *dev_iommu_priv_get(struct device *dev)
{
	struct dev_iommu *param = dev->iommu;

	return param ? param->priv : NULL;
}

void dev_iommu_priv_set(struct device *dev, void *priv);

/* ---- 5c. Groups --------------------------------------------------------- */

/**
 * enum iommu_group_event - What listeners hear of
 * @IOMMU_GROUP_MEMBER_ADDED: a device has joined
 * @IOMMU_GROUP_MEMBER_REMOVED: a device has left
 * @IOMMU_GROUP_OWNER_CHANGED: nobody, the kernel or a user owns the group now
 * @IOMMU_GROUP_DEFAULT_CHANGED: the group has another default domain. When its
 *	last device leaves it has none; that is told as MEMBER_REMOVED alone
 */
enum iommu_group_event {
	IOMMU_GROUP_MEMBER_ADDED,
	IOMMU_GROUP_MEMBER_REMOVED,
	IOMMU_GROUP_OWNER_CHANGED,
	IOMMU_GROUP_DEFAULT_CHANGED,
};

/**
 * struct iommu_group_notice - What a listener is given
 * @group: the group, held by the core for the time of the call
 * @dev: the member that came or went; else %NULL
 */
struct iommu_group_notice {
	struct iommu_group *group;
	struct device *dev;
};

struct iommu_group *iommu_group_alloc(void);
struct iommu_group *iommu_group_get(struct device *dev);
struct iommu_group *iommu_group_get_upstream(struct device *dev);
struct iommu_group *iommu_group_ref_get(struct iommu_group *group);
void iommu_group_put(struct iommu_group *group);
int iommu_group_id(struct iommu_group *group);
int iommu_group_set_name(struct iommu_group *group, const char *name);
void *iommu_group_get_iommudata(struct iommu_group *group);
void iommu_group_set_iommudata(struct iommu_group *group, void *iommu_data,
			       void (*release)(void *iommu_data));
int iommu_group_add_device(struct iommu_group *group, struct device *dev);
void iommu_group_remove_device(struct device *dev);
int iommu_group_for_each_dev(struct iommu_group *group, void *data,
			     int (*fn)(struct device *dev, void *data));
bool iommu_group_has_isolated_msi(struct iommu_group *group);
int iommu_register_group_notifier(struct notifier_block *nb);
int iommu_unregister_group_notifier(struct notifier_block *nb);
struct iommu_domain *iommu_group_default_domain(struct iommu_group *group);

/* For iommu_ops.device_group */
struct iommu_group *pci_device_group(struct device *dev);
struct iommu_group *fsl_mc_device_group(struct device *dev);
struct iommu_group *generic_device_group(struct device *dev);
struct iommu_group *generic_single_device_group(struct device *dev);

/* ---- 5d. DMA ownership and default domains ------------------------------ */

int iommu_device_use_default_domain(struct device *dev);
void iommu_device_unuse_default_domain(struct device *dev);
int iommu_group_claim_dma_owner(struct iommu_group *group, void *owner);
int iommu_group_claim_dma_owner_by(struct iommu_group *group, void *owner,
				   const char *by);
void iommu_group_release_dma_owner(struct iommu_group *group);
bool iommu_group_dma_owner_claimed(struct iommu_group *group);
int iommu_device_claim_dma_owner(struct device *dev, void *owner);
int iommu_device_claim_dma_owner_by(struct device *dev, void *owner,
				    const char *by);
void iommu_device_release_dma_owner(struct device *dev);

void iommu_set_default_passthrough(bool cmd_line);
void iommu_set_default_translated(bool cmd_line);
bool iommu_default_passthrough(void);
void iommu_set_dma_strict(void);

/* ---- 5e. Making domains, and attaching them ----------------------------- */

struct iommu_domain *iommu_domain_alloc(const struct bus_type *bus);
struct iommu_domain *iommu_paging_domain_alloc(struct device *dev);
void iommu_domain_free(struct iommu_domain *domain);
int iommu_enable_nesting(struct iommu_domain *domain);
int iommu_set_pgtable_quirks(struct iommu_domain *domain, unsigned long quirks);
void iommu_set_fault_handler(struct iommu_domain *domain,
			     iommu_fault_handler_t handler, void *token);
int report_iommu_fault(struct iommu_domain *domain, struct device *dev,
		       unsigned long iova, int flags);
bool iommu_device_fault(struct device *dev, ioasid_t pasid, u64 addr,
			int flags);

int iommu_attach_device(struct iommu_domain *domain, struct device *dev);
void iommu_detach_device(struct iommu_domain *domain, struct device *dev);
int iommu_attach_group(struct iommu_domain *domain, struct iommu_group *group);
void iommu_detach_group(struct iommu_domain *domain, struct iommu_group *group);
int iommu_deferred_attach(struct device *dev, struct iommu_domain *domain);
struct iommu_domain *iommu_get_domain_for_dev(struct device *dev);
struct iommu_domain *iommu_get_dma_domain(struct device *dev);

int iommu_attach_device_pasid(struct iommu_domain *domain, struct device *dev,
			      ioasid_t pasid,
			      struct iommu_attach_handle *handle);
int iommu_replace_device_pasid(struct iommu_domain *domain, struct device *dev,
			       ioasid_t pasid,
			       struct iommu_attach_handle *handle);
void iommu_detach_device_pasid(struct iommu_domain *domain, struct device *dev,
			       ioasid_t pasid);
ioasid_t iommu_alloc_global_pasid(struct device *dev);
void iommu_free_global_pasid(ioasid_t pasid);

void pci_dev_reset_iommu_prepare(struct pci_dev *pdev);
void pci_dev_reset_iommu_done(struct pci_dev *pdev);

/* ---- 5f. Mapping, unmapping, flushing ----------------------------------- */

int iommu_map(struct iommu_domain *domain, unsigned long iova,
	      phys_addr_t paddr, size_t size, int prot, gfp_t gfp);
ssize_t iommu_map_sg(struct iommu_domain *domain, unsigned long iova,
		     struct scatterlist *sg, unsigned int nents, int prot,
		     gfp_t gfp);
size_t iommu_unmap(struct iommu_domain *domain, unsigned long iova,
		   size_t size);
size_t iommu_unmap_fast(struct iommu_domain *domain, unsigned long iova,
			size_t size, struct iommu_iotlb_gather *iotlb_gather);
phys_addr_t iommu_iova_to_phys(struct iommu_domain *domain, dma_addr_t iova);

/**
 * iommu_flush_iotlb_all - Drop all cached translations of a domain
 * @domain: the domain
 *
 * Context: any.
 */
static inline void iommu_flush_iotlb_all(struct iommu_domain *domain)
{
	void (*flush)(struct iommu_domain *) = domain->ops->flush_iotlb_all;

	if (flush)
		flush(domain);
}

/**
 * iommu_iotlb_gather_init - Start with nothing to flush
 * @gather: the gather
 */
static inline void iommu_iotlb_gather_init(struct iommu_iotlb_gather *gather)
{
	gather->start = ULONG_MAX;
	gather->end = 0;
	gather->pgsize = 0;
	gather->queued = false;
	INIT_LIST_HEAD(&gather->freelist);
}

/**
 * iommu_iotlb_sync - Flush what was gathered, and start anew
 * @domain: the domain it was gathered for
 * @iotlb_gather: the gather
 *
 * Context: any.
 */
static inline void iommu_iotlb_sync(struct iommu_domain *domain,
				    struct iommu_iotlb_gather *iotlb_gather)
{
	const struct iommu_domain_ops *ops = domain->ops;

	if (ops->iotlb_sync)
		ops->iotlb_sync(domain, iotlb_gather);
	iommu_iotlb_gather_init(iotlb_gather);
}

/**
 * iommu_iotlb_gather_is_disjoint - Does a range stand apart?
 * @gather: the gather
 * @iova: first address of the range
 * @size: its bytes, not 0
 *
 * Flushing two far ranges as one may drop a lot of innocent translations.
 *
 * Return: true if something is gathered that the range neither overlaps nor
 * touches.
 */
static inline bool
iommu_iotlb_gather_is_disjoint(struct iommu_iotlb_gather *gather,
			       unsigned long iova, size_t size)
{
	unsigned long last = iova + (size - 1);

	if (!gather->end)
		return false;
	/* Compare differences: neither sum can wrap around. */
	if (iova > gather->end)
		return iova - gather->end > 1;
	return gather->start > last && gather->start - last > 1;
}

/**
 * iommu_iotlb_gather_add_range - Add a range, whatever its page size
 * @gather: the gather
 * @iova: first address
 * @size: bytes, not 0
 *
 * For hardware that flushes ranges and does not mind a few pages too many.
 */
static inline void
iommu_iotlb_gather_add_range(struct iommu_iotlb_gather *gather,
			     unsigned long iova, size_t size)
{
	gather->start = min(gather->start, iova);
	gather->end = max(gather->end, iova + (size - 1));
}

/**
 * iommu_iotlb_gather_add_page - Add a page, flushing before if it does not fit
 * @domain: the domain
 * @gather: the gather
 * @iova: address of the page
 * @size: its size
 *
 * For hardware that flushes page by page or by level: the gather stays one
 * range of pages of one size.
 */
static inline void
iommu_iotlb_gather_add_page(struct iommu_domain *domain,
			    struct iommu_iotlb_gather *gather,
			    unsigned long iova, size_t size)
{
	bool other_size = gather->pgsize && gather->pgsize != size;

	if (other_size || iommu_iotlb_gather_is_disjoint(gather, iova, size))
		iommu_iotlb_sync(domain, gather);

	iommu_iotlb_gather_add_range(gather, iova, size);
	gather->pgsize = size;
}

/**
 * iommu_iotlb_gather_queued - Will a flush queue do the flushing?
 * @gather: the gather, or %NULL
 *
 * Return: true if so; the driver need not flush now.
 */
static inline bool iommu_iotlb_gather_queued(struct iommu_iotlb_gather *gather)
{
	return gather ? gather->queued : false;
}

/**
 * iommu_dirty_bitmap_init - Prepare for read_and_clear_dirty()
 * @dirty: what to prepare
 * @bitmap: see &struct iommu_dirty_bitmap
 * @gather: see &struct iommu_dirty_bitmap; is emptied
 */
static inline void iommu_dirty_bitmap_init(struct iommu_dirty_bitmap *dirty,
					   struct iova_bitmap *bitmap,
					   struct iommu_iotlb_gather *gather)
{
	*dirty = (struct iommu_dirty_bitmap) {
		.bitmap = bitmap,
		.gather = gather,
	};
	if (gather)
		iommu_iotlb_gather_init(gather);
}

/**
 * iommu_dirty_bitmap_record - Report a dirty range
 * @dirty: where to
 * @iova: first address
 * @length: bytes
 */
static inline void iommu_dirty_bitmap_record(struct iommu_dirty_bitmap *dirty,
					     unsigned long iova,
					     unsigned long length)
{
	struct iommu_iotlb_gather *gather = dirty->gather;

	if (gather)
		iommu_iotlb_gather_add_range(gather, iova, length);
	if (dirty->bitmap)
		iova_bitmap_set(dirty->bitmap, iova, length);
}

/* ---- 5g. Reserved regions ----------------------------------------------- */

void iommu_get_resv_regions(struct device *dev, struct list_head *list);
void iommu_put_resv_regions(struct device *dev, struct list_head *list);
int iommu_get_group_resv_regions(struct iommu_group *group,
				 struct list_head *head);
struct iommu_resv_region *
iommu_alloc_resv_region(phys_addr_t start, size_t length, int prot,
			enum iommu_resv_type type, gfp_t gfp);

#else /* CONFIG_IOMMU_API */

/* ---- 6. Without IOMMUs: same order as 4 and 5 --------------------------- */

struct iommu_device {};
struct iommu_dirty_bitmap {};
struct iommu_dirty_ops {};
struct iommu_fault_param {};
struct iommu_fwspec {};
struct iommu_group {};
struct iommu_iotlb_gather {};
struct iommu_ops {};

static inline int iommu_device_register(struct iommu_device *iommu,
					const struct iommu_ops *ops,
					struct device *hwdev)
{
	return -ENODEV;
}

static inline void iommu_device_unregister(struct iommu_device *iommu) {}

static inline int iommu_device_sysfs_add(struct iommu_device *iommu,
					 struct device *parent,
					 const struct attribute_group **groups,
					 const char *fmt, ...)
{
	return -ENODEV;
}

static inline void iommu_device_sysfs_remove(struct iommu_device *iommu) {}

static inline int iommu_device_link(struct iommu_device *iommu,
				    struct device *link)
{
	return -EINVAL;
}

static inline void iommu_device_unlink(struct iommu_device *iommu,
				       struct device *link) {}

static inline struct iommu_device *dev_to_iommu_device(struct device *dev)
{
	return NULL;
}

static inline bool iommu_present(const struct bus_type *bus)
{
	return false;
}

static inline bool device_iommu_capable(struct device *dev, enum iommu_cap cap)
{
	return false;
}

static inline int iommu_dev_enable_feature(struct device *dev,
					   enum iommu_dev_features feat)
{
	return -ENODEV;
}

static inline int iommu_dev_disable_feature(struct device *dev,
					    enum iommu_dev_features feat)
{
	return -ENODEV;
}

static inline int iommu_fwspec_init(struct device *dev,
				    struct fwnode_handle *iommu_fwnode)
{
	return -ENODEV;
}

static inline void iommu_fwspec_free(struct device *dev) {}

static inline int iommu_fwspec_add_ids(struct device *dev, const u32 *ids,
				       int num_ids)
{
	return -ENODEV;
}

static inline struct iommu_fwspec *dev_iommu_fwspec_get(struct device *dev)
{
	return NULL;
}

static inline struct iommu_group *iommu_group_alloc(void)
{
	return ERR_PTR(-ENODEV);
}

static inline struct iommu_group *iommu_group_get(struct device *dev)
{
	return NULL;
}

static inline struct iommu_group *iommu_group_get_upstream(struct device *dev)
{
	return NULL;
}

static inline void iommu_group_put(struct iommu_group *group) {}

static inline int iommu_group_id(struct iommu_group *group)
{
	return -ENODEV;
}

static inline int iommu_group_set_name(struct iommu_group *group,
				       const char *name)
{
	return -ENODEV;
}

static inline void *iommu_group_get_iommudata(struct iommu_group *group)
{
	return NULL;
}

static inline void iommu_group_set_iommudata(struct iommu_group *group,
					     void *iommu_data,
					     void (*release)(void *iommu_data))
{
}

static inline int iommu_group_add_device(struct iommu_group *group,
					 struct device *dev)
{
	return -ENODEV;
}

static inline void iommu_group_remove_device(struct device *dev)
{
}

static inline int iommu_register_group_notifier(struct notifier_block *nb)
{
	return -ENODEV;
}

static inline int iommu_unregister_group_notifier(struct notifier_block *nb)
{
	return -ENODEV;
}

static inline int
iommu_group_for_each_dev(struct iommu_group *group, void *data,
			 int (*fn)(struct device *dev, void *data))
{
	return -ENODEV;
}

static inline int iommu_device_use_default_domain(struct device *dev)
{
	return 0;
}

static inline void iommu_device_unuse_default_domain(struct device *dev) {}

static inline int iommu_group_claim_dma_owner(struct iommu_group *group,
					      void *owner)
{
	return -ENODEV;
}

static inline int iommu_group_claim_dma_owner_by(struct iommu_group *group,
						 void *owner, const char *by)
{
	return -ENODEV;
}

static inline void iommu_group_release_dma_owner(struct iommu_group *group) {}

static inline bool iommu_group_dma_owner_claimed(struct iommu_group *group)
{
	return false;
}

static inline int iommu_device_claim_dma_owner(struct device *dev, void *owner)
{
	return -ENODEV;
}

static inline int iommu_device_claim_dma_owner_by(struct device *dev,
						  void *owner, const char *by)
{
	return -ENODEV;
}

static inline void iommu_device_release_dma_owner(struct device *dev) {}
static inline void iommu_set_default_passthrough(bool cmd_line) {}
static inline void iommu_set_default_translated(bool cmd_line) {}

static inline bool iommu_default_passthrough(void)
{
	return true;
}

static inline struct iommu_domain *iommu_domain_alloc(const struct bus_type *bus)
{
	return NULL;
}

static inline struct iommu_domain *iommu_paging_domain_alloc(struct device *dev)
{
	return ERR_PTR(-ENODEV);
}

static inline void iommu_domain_free(struct iommu_domain *domain) {}

static inline int iommu_set_pgtable_quirks(struct iommu_domain *domain,
					   unsigned long quirks)
{
	return 0;
}

static inline void iommu_set_fault_handler(struct iommu_domain *domain,
					   iommu_fault_handler_t handler,
					   void *token)
{
}

static inline int iommu_attach_device(struct iommu_domain *domain,
				      struct device *dev)
{
	return -ENODEV;
}

static inline void iommu_detach_device(struct iommu_domain *domain,
				       struct device *dev) {}

static inline int iommu_attach_group(struct iommu_domain *domain,
				     struct iommu_group *group)
{
	return -ENODEV;
}

static inline void iommu_detach_group(struct iommu_domain *domain,
				      struct iommu_group *group) {}

static inline struct iommu_domain *iommu_get_domain_for_dev(struct device *dev)
{
	return NULL;
}

static inline int iommu_attach_device_pasid(struct iommu_domain *domain,
					    struct device *dev, ioasid_t pasid,
					    struct iommu_attach_handle *handle)
{
	return -ENODEV;
}

static inline int
iommu_replace_device_pasid(struct iommu_domain *domain, struct device *dev,
			   ioasid_t pasid, struct iommu_attach_handle *handle)
{
	return -ENODEV;
}

static inline void iommu_detach_device_pasid(struct iommu_domain *domain,
					     struct device *dev,
					     ioasid_t pasid) {}

static inline void pci_dev_reset_iommu_prepare(struct pci_dev *pdev) {}
static inline void pci_dev_reset_iommu_done(struct pci_dev *pdev) {}

static inline ioasid_t iommu_alloc_global_pasid(struct device *dev)
{
	return IOMMU_PASID_INVALID;
}

static inline void iommu_free_global_pasid(ioasid_t pasid) {}

static inline int iommu_map(struct iommu_domain *domain, unsigned long iova,
			    phys_addr_t paddr, size_t size, int prot, gfp_t gfp)
{
	return -ENODEV;
}

static inline ssize_t iommu_map_sg(struct iommu_domain *domain,
				   unsigned long iova, struct scatterlist *sg,
				   unsigned int nents, int prot, gfp_t gfp)
{
	return -ENODEV;
}

static inline size_t iommu_unmap(struct iommu_domain *domain,
				 unsigned long iova, size_t size)
{
	return 0;
}

static inline size_t iommu_unmap_fast(struct iommu_domain *domain,
				      unsigned long iova, size_t size,
				      struct iommu_iotlb_gather *iotlb_gather)
{
	return 0;
}

static inline phys_addr_t iommu_iova_to_phys(struct iommu_domain *domain,
					     dma_addr_t iova)
{
	return 0;
}

static inline void iommu_flush_iotlb_all(struct iommu_domain *domain) {}

static inline void
iommu_iotlb_gather_init(struct iommu_iotlb_gather *gather) {}

static inline void iommu_iotlb_sync(struct iommu_domain *domain,
				    struct iommu_iotlb_gather *iotlb_gather) {}

static inline void
iommu_iotlb_gather_add_page(struct iommu_domain *domain,
			    struct iommu_iotlb_gather *gather,
			    unsigned long iova, size_t size) {}

static inline bool iommu_iotlb_gather_queued(struct iommu_iotlb_gather *gather)
{
	return false;
}

static inline void iommu_dirty_bitmap_init(struct iommu_dirty_bitmap *dirty,
					   struct iova_bitmap *bitmap,
					   struct iommu_iotlb_gather *gather) {}

static inline void iommu_dirty_bitmap_record(struct iommu_dirty_bitmap *dirty,
					     unsigned long iova,
					     unsigned long length) {}

static inline void iommu_get_resv_regions(struct device *dev,
					  struct list_head *list) {}

static inline void iommu_put_resv_regions(struct device *dev,
					  struct list_head *list) {}

static inline int iommu_get_group_resv_regions(struct iommu_group *group,
					       struct list_head *head)
{
	return -ENODEV;
}

#endif /* CONFIG_IOMMU_API */

/**
 * iommu_map_sgtable - Map a whole scatter-gather table
 * @domain: where
 * @iova: at which address
 * @sgt: what; its CPU side, orig_nents entries
 * @prot: IOMMU_* access flags
 *
 * Context: may sleep.
 *
 * Return: see iommu_map_sg().
 */
static inline ssize_t iommu_map_sgtable(struct iommu_domain *domain,
					unsigned long iova,
					struct sg_table *sgt, int prot)
{
	unsigned int nents = sgt->orig_nents;

	return iommu_map_sg(domain, iova, sgt->sgl, nents, prot, GFP_KERNEL);
}

#if IS_ENABLED(CONFIG_LOCKDEP) && IS_ENABLED(CONFIG_IOMMU_API)
void iommu_group_mutex_assert(struct device *dev);
#else
static inline void iommu_group_mutex_assert(struct device *dev) {}
#endif

#ifdef CONFIG_IOMMU_DEBUGFS
extern struct dentry *iommu_debugfs_dir;
void iommu_debugfs_setup(void);
#else
static inline void iommu_debugfs_setup(void) {}
#endif

/* ---- 7a. MSI through a translated window -------------------------------- */

#ifdef CONFIG_IOMMU_DMA

#include <linux/msi.h>

int iommu_get_msi_cookie(struct iommu_domain *domain, dma_addr_t base);
int iommu_dma_prepare_msi(struct msi_desc *desc, phys_addr_t msi_addr);
void iommu_dma_compose_msi_msg(struct msi_desc *desc, struct msi_msg *msg);

#else /* CONFIG_IOMMU_DMA */

struct msi_desc;
struct msi_msg;

static inline int iommu_get_msi_cookie(struct iommu_domain *domain,
				       dma_addr_t base)
{
	return -ENODEV;
}

static inline int iommu_dma_prepare_msi(struct msi_desc *desc,
					phys_addr_t msi_addr)
{
	return 0;
}

static inline void iommu_dma_compose_msi_msg(struct msi_desc *desc,
					     struct msi_msg *msg) {}

#endif /* CONFIG_IOMMU_DMA */

/* ---- 7b. Stream IDs of Tegra SoCs --------------------------------------- */

#define TEGRA_STREAM_ID_BYPASS 0x7f

/**
 * tegra_dev_iommu_get_stream_id - The stream ID to program into a Tegra device
 * @dev: the device
 * @stream_id: set on success
 *
 * Some Tegra devices have a register that must be told which ID their DMA
 * carries. The SMMUs found there keep it in the low half of the fwspec's ID.
 *
 * Return: false if the device has no IOMMU, or not exactly one ID.
 */
static inline bool tegra_dev_iommu_get_stream_id(struct device *dev,
						 u32 *stream_id)
{
#ifdef CONFIG_IOMMU_API
	const struct iommu_fwspec *spec = dev_iommu_fwspec_get(dev);

	if (!spec || spec->num_ids != 1)
		return false;

	*stream_id = spec->ids[0] & 0xffff;
	return true;
#else
	return false;
#endif
}

/* ---- 7c. Address spaces shared with devices ----------------------------- */

#ifdef CONFIG_IOMMU_MM_DATA

/**
 * mm_pasid_init - A new address space is not shared with any device
 * @mm: being set up, perhaps as a byte copy of the parent's on fork
 *
 * The copied pointer belongs to the parent, which will free what it points to.
 */
static inline void mm_pasid_init(struct mm_struct *mm)
{
	mm->iommu_mm = NULL;
}

/**
 * mm_valid_pasid - Was this address space ever shared with a device?
 * @mm: the address space
 *
 * Return: true if it has a PASID.
 */
static inline bool mm_valid_pasid(struct mm_struct *mm)
{
	return !!READ_ONCE(mm->iommu_mm);
}

/**
 * mm_get_enqcmd_pasid - PASID of an address space, for the ENQCMD instruction
 * @mm: the address space
 *
 * Return: the PASID, or %IOMMU_PASID_INVALID.
 */
static inline u32 mm_get_enqcmd_pasid(struct mm_struct *mm)
{
	const struct iommu_mm_data *data = READ_ONCE(mm->iommu_mm);

	return data ? data->pasid : IOMMU_PASID_INVALID;
}

void mm_pasid_drop(struct mm_struct *mm);
struct iommu_sva *iommu_sva_bind_device(struct device *dev,
					struct mm_struct *mm);
void iommu_sva_unbind_device(struct iommu_sva *handle);
u32 iommu_sva_get_pasid(struct iommu_sva *handle);
void iommu_flush_kernel_tables(unsigned long start, unsigned long end);

#else /* CONFIG_IOMMU_MM_DATA */

static inline void mm_pasid_init(struct mm_struct *mm) {}

static inline bool mm_valid_pasid(struct mm_struct *mm)
{
	return false;
}

static inline u32 mm_get_enqcmd_pasid(struct mm_struct *mm)
{
	return IOMMU_PASID_INVALID;
}

static inline void mm_pasid_drop(struct mm_struct *mm) {}

static inline struct iommu_sva *iommu_sva_bind_device(struct device *dev,
						      struct mm_struct *mm)
{
	return ERR_PTR(-ENODEV);
}

static inline void iommu_sva_unbind_device(struct iommu_sva *handle) {}

static inline u32 iommu_sva_get_pasid(struct iommu_sva *handle)
{
	return IOMMU_PASID_INVALID;
}

static inline void iommu_flush_kernel_tables(unsigned long start,
					     unsigned long end) {}

#endif /* CONFIG_IOMMU_MM_DATA */

/* ---- 7d. I/O page faults ------------------------------------------------ */

#ifdef CONFIG_IOMMU_IOPF

struct iopf_queue *iopf_queue_alloc(const char *name);
void iopf_queue_free(struct iopf_queue *queue);
int iopf_queue_add_device(struct iopf_queue *queue, struct device *dev);
void iopf_queue_remove_device(struct iopf_queue *queue, struct device *dev);
int iopf_queue_flush_dev(struct device *dev);
int iopf_queue_discard_partial(struct iopf_queue *queue);
int iommu_report_device_fault(struct device *dev, struct iopf_fault *evt);
void iopf_group_response(struct iopf_group *group,
			 enum iommu_page_response_code status);
void iopf_group_dequeue(struct iopf_group *group);
void iopf_free_group(struct iopf_group *group);

#else /* CONFIG_IOMMU_IOPF */

static inline struct iopf_queue *iopf_queue_alloc(const char *name)
{
	return NULL;
}

static inline void iopf_queue_free(struct iopf_queue *queue) {}

static inline int iopf_queue_add_device(struct iopf_queue *queue,
					struct device *dev)
{
	return -ENODEV;
}

static inline void iopf_queue_remove_device(struct iopf_queue *queue,
					    struct device *dev) {}

static inline int iopf_queue_flush_dev(struct device *dev)
{
	return -ENODEV;
}

static inline int iopf_queue_discard_partial(struct iopf_queue *queue)
{
	return -ENODEV;
}

static inline int iommu_report_device_fault(struct device *dev,
					    struct iopf_fault *evt)
{
	return -ENODEV;
}

static inline void iopf_group_response(struct iopf_group *group,
				       enum iommu_page_response_code status) {}

static inline void iopf_group_dequeue(struct iopf_group *group) {}
static inline void iopf_free_group(struct iopf_group *group) {}

#endif /* CONFIG_IOMMU_IOPF */

#endif /* __LINUX_IOMMU_H */
