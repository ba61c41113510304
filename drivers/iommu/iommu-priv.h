/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The contract between the files of the IOMMU core, and with iommufd.
 *
 * Floors. A file calls its own floor's prototypes below and the floors under
 * it, never up. Where a lower file must reach up it offers a registration.
 *
 *	4  iommu.c  iommu-device.c  iommu-sva.c  iommu-debugfs.c
 *	3  iommu-owner.c  iommu-pasid.c  iommu-default.c  iommu-reset.c
 *	2  iommu-transition.c  iommu-member.c
 *	1  iommu-topology.c  iommu-group.c  iommu-domain.c  iommu-map.c
 *	   iommu-resv.c  iommu-refusal.c  iommu-events.c  iommu-mm.c
 *	   iommu-faults.c
 *
 * Lock order, outermost first. A lock may be taken while holding any lock
 * above it in its own branch.
 *
 *	iommu_probe_device_lock		one probe at a time; dev->iommu appears
 *	  pci_bus_sem (read)		the functions of one bus
 *	  group->mutex			everything marked G below
 *	    driver locks
 *	    listeners' rwsem		who hears of changes, iommu-events.c
 *	iommu_sva_lock			bonds of processes and devices
 *	  mm->mmap_lock
 *	  group->mutex
 *	    dev->iommu->lock		page requests on their way
 *	iommu_mm_watches_rwsem		all watches; taken when kernel memory is mapped
 *	iommu_mm_watch.lock (spin)	slots of an mm; the end of the mm takes it
 *	  driver locks that spin	alone, whatever its caller holds
 *	iommu_device_lock (spin)	the list of registered IOMMUs
 *	group->pasids.xa_lock (spin)	leaf; interrupt threads take it alone
 *	iommu_groups.xa_lock (spin)	leaf; all groups by number
 *	iommu_changed_lock (spin)	leaf; groups that changed
 *
 * Letters used at fields:
 *	I  set before the object is visible, constant afterwards
 *	G  read and written under group->mutex
 *	g  written under group->mutex, read anywhere with READ_ONCE()
 *	P  written under iommu_probe_device_lock
 *	X  the xarray's own lock; written only under group->mutex as well
 *	C  under iommu_changed_lock
 *	A  atomic
 */
#ifndef __LINUX_IOMMU_PRIV_H
#define __LINUX_IOMMU_PRIV_H

#include <linux/iommu.h>
#include <linux/kobject.h>
#include <linux/lockdep.h>
#include <linux/mmu_notifier.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/spinlock.h>
#include <linux/xarray.h>

/* What somebody wants of a group; the refusal says so (iommu-refusal.c). */
enum iommu_request {
	IOMMU_REQUEST_OTHER,
	IOMMU_REQUEST_CLAIM,
	IOMMU_REQUEST_BIND,
	IOMMU_REQUEST_ATTACH,
	IOMMU_REQUEST_TYPE,
	IOMMU_REQUEST_PASID,
	IOMMU_REQUEST_SVA,
	IOMMU_REQUEST_JOIN,
};

/* Why not; each has a word and a text in iommu-refusal.c. */
enum iommu_refusal {
	IOMMU_REFUSED_USER,
	IOMMU_REFUSED_OTHER_USER,
	IOMMU_REFUSED_SAME_USER,
	IOMMU_REFUSED_DRIVER,
	IOMMU_REFUSED_ATTACHED,
	IOMMU_REFUSED_SLOTS,
	IOMMU_REFUSED_EXCLUSIVE,
	IOMMU_REFUSED_SIBLINGS,
	IOMMU_REFUSED_FIRMWARE,
	IOMMU_REFUSED_RESET,
	IOMMU_REFUSED_NO_IOMMU,
	IOMMU_REFUSED_EMPTY,
	IOMMU_REFUSED_TYPE,
	IOMMU_REFUSED_NO_QUEUE,
	IOMMU_REFUSED_NO_PASIDS,
	IOMMU_REFUSED_PASID_RANGE,
	IOMMU_REFUSED_PASID_USED,
	IOMMU_REFUSED_PASID_UNUSED,
	IOMMU_REFUSED_NO_REPLACE,
	IOMMU_REFUSED_SVA_ARCH,
	IOMMU_REFUSED_SVA_RANGE,
	IOMMU_REFUSED_SVA_GONE,
	IOMMU_REFUSED_SVA_DRIVER,
	IOMMU_REFUSED_FOREIGN,
	IOMMU_REFUSED_HARDWARE,
	IOMMU_REFUSED_MEMORY,
};

/**
 * struct group_device - one member of a group
 * @list: G. Link in iommu_group.devices
 * @group: I. The group it belongs to
 * @dev: I. The device; it leaves the group before it is gone
 * @name: I. Name of its link in the group's sysfs folder
 * @undo: G. Scratch of a running transition: the domain to go back to; NULL:
 *	that of the group
 * @parked: G. Why the core had to take the device off its domain, or NULL
 * @stranded: G. Even blocking failed: the hardware may still walk the domain
 *	recorded in dev_iommu.attached, which must not be freed
 * @master_cleared: G. The core took bus mastering away as the last fence
 * @pauses: G. How many resets of the device are under way, nested in each other;
 *	meanwhile it has none of its group's slots
 */
struct group_device {
	struct list_head	list;
	struct iommu_group	*group;
	struct device		*dev;
	char			*name;
	struct iommu_domain	*undo;
	const char		*parked;
	bool			stranded;
	bool			master_cleared;
	unsigned int		pauses;
};

/**
 * struct iommu_group - the smallest set of devices the hardware can tell apart
 * @kobj: /sys/kernel/iommu_groups/N
 * @devices_kobj: its "devices" folder. References on the group are references
 *	on this object
 * @devices: G. The members, struct group_device, in the order they came
 * @nr_devices: G. Their number
 * @nr_paused: G. How many of them are being reset
 * @pasids_below: G. Every member has the PASIDs below this, can lose them again,
 *	and is not paused; 0: not known yet, or some have none
 * @special: G. Some of them may be parked, paused, waiting for their first mapping
 *	or in need of 1:1 mappings; false: none is, and all have @domain
 * @faulted: a request with a PASID has failed. Set in interrupts, without a lock
 * @pasids: X. One entry for each slot that has a handle or is a PASID in use,
 *	see iommu-pasid.c for the encoding
 * @mutex: guards the members and every translation of the group (T1)
 * @iommu_data: the driver's own data, with @iommu_data_release to free it
 * @iommu_data_release: see @iommu_data
 * @name: name the driver gave, or NULL
 * @id: I. The number shown to users
 * @default_domain: g. What DMA-API drivers translate with. Constant while one
 *	of them is bound
 * @blocking_domain: G. What a claimed group translates with until its user
 *	attaches something; NULL until first needed
 * @domain: g. What the group's requests without PASID translate with. Each
 *	device's own state is dev_iommu.attached
 * @setup_entry: P. Link in the list of groups that wait for their default
 *	domain while a bus is probed
 * @changed_entry: C. Link in the list of groups of which user space has not been
 *	told everything; see iommu-group.c
 * @owner: G. Tagged word: %NULL nobody, %IOMMU_OWNER_KERNEL drivers that use
 *	the DMA API, else the pointer of the user who claimed the group
 * @owner_cnt: G. How often: bound DMA-API drivers, or claims
 * @exclusive: G. The device iommu_attach_device() gave the group to, or NULL
 * @claimant: G. The process that claimed the group last, for people
 * @claimant_born: G. When it started, in ns since boot: numbers are used again
 * @claimed_by: G. Which interface it used, a constant string, or NULL
 * @request: G. What the holder of @mutex is asked for; stale when it is free
 * @asker: G. By which device; NULL where it is none, or not told; stale as well
 * @refused: G. The last refusal, or NULL
 * @changes: G. What listeners were not told yet, bits of iommu_group_event
 * @announced: G. User space has been told that the group exists
 */
struct iommu_group {
	struct kobject		kobj;
	struct kobject		*devices_kobj;
	struct list_head	devices;
	unsigned int		nr_devices;
	unsigned int		nr_paused;
	u32			pasids_below;
	bool			special;
	bool			faulted;
	struct xarray		pasids;
	struct mutex		mutex;	/* outermost but the probe lock */
	void			*iommu_data;
	void			(*iommu_data_release)(void *iommu_data);
	char			*name;
	int			id;
	struct iommu_domain	*default_domain;
	struct iommu_domain	*blocking_domain;
	struct iommu_domain	*domain;
	struct list_head	setup_entry;
	struct list_head	changed_entry;
	void			*owner;
	unsigned int		owner_cnt;
	struct device		*exclusive;
	pid_t			claimant;
	u64			claimant_born;
	const char		*claimed_by;
	enum iommu_request	request;
	struct device		*asker;
	struct iommu_refused	*refused;
	unsigned long		changes;
	bool			announced;
};

/*
 * An entry of iommu_group.pasids is the domain alone, or the handle that knows
 * it where the attacher gave one. A reserved, still invisible entry reads NULL.
 */
#define IOMMU_SLOT_DOMAIN	0
#define IOMMU_SLOT_HANDLE	1

/*
 * Mark of an entry whose PASID the engine had to take off every member (T7):
 * its domain is attached in name only, DMA with the PASID is blocked.
 */
#define IOMMU_SLOT_PARKED	XA_MARK_0

/*
 * Mark of an entry whose PASID translates for a user: with the addresses of a
 * process, or in a group that user space owns. What it does is not printed.
 */
#define IOMMU_SLOT_USERS	XA_MARK_1

static inline void *iommu_slot_entry(struct iommu_domain *domain,
				     struct iommu_attach_handle *handle)
{
	if (handle)
		return xa_tag_pointer(handle, IOMMU_SLOT_HANDLE);
	return xa_tag_pointer(domain, IOMMU_SLOT_DOMAIN);
}

static inline struct iommu_attach_handle *iommu_slot_handle(void *entry)
{
	if (!entry || xa_pointer_tag(entry) != IOMMU_SLOT_HANDLE)
		return NULL;
	return xa_untag_pointer(entry);
}

static inline struct iommu_domain *iommu_slot_domain(void *entry)
{
	struct iommu_attach_handle *handle = iommu_slot_handle(entry);

	if (handle)
		return handle->domain;
	return entry ? xa_untag_pointer(entry) : NULL;
}

/* The kernel's own tag in iommu_group.owner; no user's pointer can equal it. */
#define IOMMU_OWNER_KERNEL	((void *)1UL)

#ifdef CONFIG_IOMMU_CORE_DEBUG
void iommu_group_check(struct iommu_group *group);
#else
static inline void iommu_group_check(struct iommu_group *group) {}
#endif

/*
 * Also the answer to who calls the core from iommu_group_for_each_dev(). Nobody
 * has asked for anything yet.
 */
static inline void iommu_group_lock(struct iommu_group *group)
{
	lockdep_assert_not_held(&group->mutex);
	mutex_lock(&group->mutex);
	group->request = IOMMU_REQUEST_OTHER;
	group->asker = NULL;
}

/* Whoever comes next finds all in order, and test builds look (T1). */
static inline void iommu_group_unlock(struct iommu_group *group)
{
	iommu_group_check(group);
	mutex_unlock(&group->mutex);
}

/*
 * A guard as by DEFINE_GUARD(), less its test for NULL at the end: every
 * operation would pay for it, and there always is a group.
 */
__DEFINE_CLASS_IS_CONDITIONAL(iommu_group, false);
DEFINE_CLASS(iommu_group, struct iommu_group *, iommu_group_unlock(_T),
	     ({ iommu_group_lock(group); group; }), struct iommu_group *group)
static inline void *class_iommu_group_lock_ptr(struct iommu_group **group)
{
	return *group;
}

/* Say what is asked and by whom, for refusals; it holds until the unlock. */
static inline void iommu_ask(struct iommu_group *group,
			     enum iommu_request request, struct device *asker)
{
	lockdep_assert_held(&group->mutex);
	group->request = request;
	group->asker = asker;
}

static inline bool iommu_group_user_owned(struct iommu_group *group)
{
	lockdep_assert_held(&group->mutex);
	return group->owner && group->owner != IOMMU_OWNER_KERNEL;
}

static inline struct group_device *
iommu_group_first_member(struct iommu_group *group)
{
	lockdep_assert_held(&group->mutex);
	return list_first_entry_or_null(&group->devices, struct group_device,
					list);
}

/* Newest member last; expects group->mutex (or a group nobody else sees). */
#define for_each_group_device(group, pos) \
	list_for_each_entry(pos, &(group)->devices, list)

/* Members of groups that VFIO makes for devices without IOMMU have none. */
static inline bool dev_has_iommu(struct device *dev)
{
	return dev->iommu && dev->iommu->iommu_dev;
}

/* Only for devices that dev_has_iommu(). */
static inline const struct iommu_ops *dev_iommu_ops(struct device *dev)
{
	return dev->iommu->iommu_dev->ops;
}

/* ---- floor 1: iommu-group.c -------------------------------------------- */

/**
 * struct iommu_group_file - a file in each group's sysfs folder
 * @attr: name and mode
 * @show: fills a page
 * @store: takes what was written, or %NULL
 */
struct iommu_group_file {
	struct attribute attr;
	ssize_t (*show)(struct iommu_group *group, char *buf);
	ssize_t (*store)(struct iommu_group *group, const char *buf,
			 size_t count);
};

void __init iommu_group_register_file(struct iommu_group_file *file);
struct group_device *iommu_group_alloc_member(struct iommu_group *group,
					      struct device *dev);
void iommu_group_link_member(struct group_device *gdev);
void iommu_group_unlink_member(struct group_device *gdev);
void iommu_group_free_member(struct group_device *gdev);
struct group_device *iommu_group_find_member(struct iommu_group *group,
					     struct device *dev);
const char *iommu_group_label(struct iommu_group *group);
struct iommu_group *iommu_group_next(int *id);
struct iommu_group *iommu_group_next_changed(void);
void iommu_group_mark_changed(struct iommu_group *group);
void iommu_group_done(struct iommu_group *group);

/* Room for the longest name of an owner */
#define IOMMU_OWNER_TEXT 64

const char *iommu_owner_kind(struct iommu_group *group);
const char *iommu_owner_text(struct iommu_group *group, char *text);

/* ---- floor 1: iommu-refusal.c ------------------------------------------- */

struct seq_file;

int iommu_refuse(struct iommu_group *group, enum iommu_refusal why,
		 struct device *obstacle, int error);
int iommu_refuse_error(struct iommu_group *group, int error);
const char *iommu_refusal_word(enum iommu_refusal why);
bool iommu_last_refusal(struct iommu_group *group, enum iommu_refusal *why,
			int *error);
void iommu_group_seq_refusal(struct iommu_group *group, struct seq_file *m);

/* ---- floor 1: iommu-events.c -------------------------------------------- */

extern struct blocking_notifier_head iommu_group_listeners;

void __iommu_group_changed(struct iommu_group *group,
			   enum iommu_group_event event, struct device *dev);

/* Expects group->mutex. Often nobody listens, and the news is on its way. */
static inline void iommu_group_changed(struct iommu_group *group,
				       enum iommu_group_event event,
				       struct device *dev)
{
	if (!(group->changes & BIT(event)) ||
	    rcu_access_pointer(iommu_group_listeners.head))
		__iommu_group_changed(group, event, dev);
}

void iommu_group_flush_events(void);

/* ---- floor 1: iommu-domain.c ------------------------------------------- */

const char *iommu_domain_type_str(unsigned int type);
const char *iommu_domain_word(struct iommu_domain *domain);
struct iommu_domain *iommu_domain_alloc_type(struct device *dev,
					     unsigned int type);
bool iommu_static_domain_fits(struct iommu_domain *domain, struct device *dev);
void iommu_domain_last_put(struct iommu_domain *domain, int left);
void iommu_domain_strand(struct iommu_domain *domain);
void iommu_domain_unstrand(struct iommu_domain *domain);

/*
 * May @domain be given to the driver of @dev? A driver takes the structure
 * around the domain for its own, so it must never see another driver's (W26).
 * It may still refuse the domain when it is attached.
 */
static inline bool iommu_domain_fits_device(struct iommu_domain *domain,
					    struct device *dev)
{
	if (!dev_has_iommu(dev))
		return false;
	if (likely(domain->owner))
		return domain->owner == dev_iommu_ops(dev);
	return iommu_static_domain_fits(domain, dev);
}

/* One more device and slot translates with @domain: right after the driver's yes. */
static inline void iommu_domain_get(struct iommu_domain *domain)
{
	atomic_inc(&domain->users);
}

/* As many of them at once. */
static inline void iommu_domain_get_many(struct iommu_domain *domain,
					 unsigned int count)
{
	atomic_add(count, &domain->users);
}

/*
 * A device and slot no longer translates with @domain: right after the driver's
 * yes. Frees the domain if its owner has freed it before and nobody is left.
 */
static inline void iommu_domain_put_many(struct iommu_domain *domain,
					 unsigned int count)
{
	int left = atomic_sub_return(count, &domain->users);

	if (unlikely(left < 0))
		iommu_domain_last_put(domain, left);
}

static inline void iommu_domain_put(struct iommu_domain *domain)
{
	iommu_domain_put_many(domain, 1);
}

/* ---- floor 1: iommu-resv.c --------------------------------------------- */

int iommu_check_newcomer_regions(struct iommu_group *group, struct device *dev);
int iommu_create_direct_mappings(struct iommu_domain *domain,
				 struct device *dev);

/* ---- floor 1: iommu-faults.c ------------------------------------------- */

/* How many PASIDs of a device are counted apart. */
#define IOMMU_FAULT_PASIDS	16

void iommu_faults_init(struct iommu_faults *faults);
int iommu_faults_alloc(struct iommu_faults *faults);
void iommu_faults_free(struct iommu_faults *faults);
void iommu_faults_forget(struct iommu_faults *faults, ioasid_t pasid);
void iommu_faults_seq(struct iommu_faults *faults, struct seq_file *m);

/* ---- floor 1: iommu-mm.c ----------------------------------------------- */

/*
 * On x86 the page tables of a process lead to the kernel's. Where those are
 * freed without iommu_flush_kernel_tables() no device may walk them.
 */
#define IOMMU_ARCH_HAS_SVA	(!IS_ENABLED(CONFIG_X86) || \
				 IS_ENABLED(CONFIG_ARCH_HAS_IOMMU_TABLE_FLUSH))

#ifdef CONFIG_IOMMU_SVA
/**
 * struct iommu_mm_watch - what the core keeps for an SVA domain
 * @notifier: hears of the mm's changes and of its end
 * @domain: the domain
 * @of_mm: link in iommu_mm_data.watches, under iommu_sva_lock
 * @groups: in how many groups the domain has the mm's PASID, under iommu_sva_lock
 * @entry: link among all watches, under iommu_mm_watches_rwsem
 * @lock: guards @live, @ended and @gone; a leaf, but for locks of the driver
 * @live: slots that translate, struct iommu_mm_slot
 * @ended: slots that fail every request, and have to be removed yet
 * @gone: the mm has ended
 */
struct iommu_mm_watch {
	struct mmu_notifier notifier;
	struct iommu_domain *domain;
	struct list_head of_mm;
	unsigned int groups;
	struct list_head entry;
	spinlock_t lock;	/* the slots */
	struct list_head live;
	struct list_head ended;
	bool gone;
};

int iommu_mm_follow(struct iommu_domain *domain, struct mm_struct *mm);
void iommu_mm_unfollow(struct iommu_domain *domain);
int iommu_mm_set_slot(struct iommu_domain *domain, struct device *dev,
		      ioasid_t pasid);
bool iommu_mm_end_slot(struct iommu_domain *domain, struct device *dev,
		       ioasid_t pasid);
bool iommu_mm_is_gone(struct iommu_domain *domain);
#else
static inline int iommu_mm_set_slot(struct iommu_domain *domain,
				    struct device *dev, ioasid_t pasid)
{
	return -EOPNOTSUPP;
}

static inline bool iommu_mm_end_slot(struct iommu_domain *domain,
				     struct device *dev, ioasid_t pasid)
{
	return false;
}

static inline bool iommu_mm_is_gone(struct iommu_domain *domain)
{
	return false;
}
#endif

/* ---- floor 2: iommu-member.c ------------------------------------------- */

/*
 * A member without PASIDs has no PASID slots; its siblings may have them. One
 * that is paused has no slots at all: it gets them when it resumes.
 */
static inline bool iommu_member_has_slot(struct group_device *gdev)
{
	return !gdev->pauses && gdev->dev->iommu->max_pasids;
}

/* The driver's part of giving one member's PASID a domain. */
static inline int iommu_member_tell_pasid(struct group_device *gdev,
					  ioasid_t pasid,
					  struct iommu_domain *old,
					  struct iommu_domain *new)
{
	if (unlikely(new->type == IOMMU_DOMAIN_SVA))
		return iommu_mm_set_slot(new, gdev->dev, pasid);
	return new->ops->set_dev_pasid(new, gdev->dev, pasid, old);
}

int iommu_member_step(struct group_device *gdev, struct iommu_domain *new);
void iommu_member_repair(struct group_device *gdev);
void iommu_member_undo(struct group_device *gdev);
void iommu_member_park(struct group_device *gdev, const char *why);
void iommu_member_unpark(struct group_device *gdev);
int iommu_member_set_pasid(struct group_device *gdev, ioasid_t pasid,
			   struct iommu_domain *old, struct iommu_domain *new);
void iommu_member_remove_pasid(struct group_device *gdev, ioasid_t pasid,
			       struct iommu_domain *old);
int iommu_member_join(struct group_device *gdev, struct iommu_domain *domain);
void iommu_member_leave(struct group_device *gdev);
void iommu_member_pause(struct group_device *gdev);
void iommu_member_resume(struct group_device *gdev);
void iommu_member_rest(struct group_device *gdev);
void iommu_member_left(struct group_device *gdev);
int iommu_member_attach_deferred(struct device *dev,
				 struct iommu_domain *domain);

/* ---- floor 2: iommu-transition.c --------------------------------------- */

int iommu_transition(struct iommu_group *group, struct iommu_domain *new);
void iommu_transition_nofail(struct iommu_group *group,
			     struct iommu_domain *new);
int iommu_transition_pasid(struct iommu_group *group, ioasid_t pasid,
			   struct iommu_domain *old, struct iommu_domain *new);
void iommu_transition_remove(struct iommu_group *group, ioasid_t pasid,
			     struct iommu_domain *old);
int iommu_group_need_blocking_domain(struct iommu_group *group);
void iommu_group_set_core_domain(struct iommu_group *group);

/* ---- floor 3: iommu-pasid.c -------------------------------------------- */

int iommu_slot_reserve(struct xa_state *slot);
void iommu_slot_publish(struct xa_state *slot, struct iommu_domain *domain,
			struct iommu_attach_handle *handle);
void iommu_slot_clear(struct xa_state *slot);
/* Is a PASID or a handle in use? */
static inline bool iommu_group_has_slots(struct iommu_group *group)
{
	lockdep_assert_held(&group->mutex);
	return !xa_empty(&group->pasids);
}

void iommu_detach_group_pasid(struct iommu_domain *domain,
			      struct iommu_group *group, ioasid_t pasid);
unsigned long iommu_group_seq_slots(struct iommu_group *group,
				    struct seq_file *m, unsigned long first,
				    unsigned int most);

/* ---- floor 3: iommu-default.c ------------------------------------------ */

int iommu_setup_default_domain(struct iommu_group *group, int target_type);

/* ---- floor 4: iommu-device.c ------------------------------------------- */

void dev_iommu_free(struct device *dev);
const struct iommu_ops *iommu_ops_from_fwnode(const struct fwnode_handle *fwnode);

int iommu_device_register_bus(struct iommu_device *iommu,
			      const struct iommu_ops *ops,
			      const struct bus_type *bus,
			      struct notifier_block *nb);
void iommu_device_unregister_bus(struct iommu_device *iommu,
				 const struct bus_type *bus,
				 struct notifier_block *nb);

/* ---- floor 4: iommu-debugfs.c ------------------------------------------- */

/**
 * struct iommu_show - one open file
 * @group: held between start and stop
 * @piece: what of it comes now
 * @next: what of it comes then
 */
struct iommu_show {
	struct iommu_group *group;
	u32 piece;
	u32 next;
};

extern const struct seq_operations iommu_groups_sops;

/* ---- floor 4: for iommufd ---------------------------------------------- */

int iommu_group_replace_domain(struct iommu_group *group,
			       struct iommu_domain *new_domain);
struct iommu_attach_handle *iommu_attach_handle_get(struct iommu_group *group,
						    ioasid_t pasid,
						    unsigned int type);
int iommu_attach_group_handle(struct iommu_domain *domain,
			      struct iommu_group *group,
			      struct iommu_attach_handle *handle);
void iommu_detach_group_handle(struct iommu_domain *domain,
			       struct iommu_group *group);
int iommu_replace_group_handle(struct iommu_group *group,
			       struct iommu_domain *new_domain,
			       struct iommu_attach_handle *handle);

#endif /* __LINUX_IOMMU_PRIV_H */
