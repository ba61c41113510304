// SPDX-License-Identifier: GPL-2.0-only
/*
 * Domains: how they come to be, how they end, who hears of their faults.
 *
 * Life. A domain is made for one user, who also frees it. In between the
 * transition engine counts in iommu_domain.users each (device, slot) pair that
 * translates with it. The count does not keep anybody's domain alive against
 * its owner's will in good times: everything has been moved away when
 * iommu_domain_free() is called, and the domain goes at once. It matters in
 * bad times:
 *
 *   - A device could neither be moved away nor be blocked (T7). It is counted
 *     in iommu_domain.stranded too. The owner did all it could, so the free is
 *     put off silently until the device lets go.
 *   - The owner forgot to detach (W50). That is a bug and says so, but the
 *     hardware must not walk freed memory because of it: put off as well.
 *
 * The count and the mark "its owner has freed it" share one word, so that the
 * owner and the last device to leave cannot both, or neither, free the domain.
 *
 * Static domains of drivers are counted like any other and never freed.
 */
#define pr_fmt(fmt)	"iommu: " fmt

#include <linux/device/bus.h>
#include <linux/export.h>
#include <linux/sched/mm.h>
#include <trace/events/iommu.h>

#include "dma-iommu.h"
#include "iommu-priv.h"

/* In iommu_domain.users, above any count: makes it negative. */
#define IOMMU_DOMAIN_FREED	INT_MIN

/**
 * iommu_domain_type_str() - A domain's type in words, for messages
 * @type: one of IOMMU_DOMAIN_*
 *
 * Context: any.
 * Return: a constant string, "Unknown" if there is no such type.
 */
const char *iommu_domain_type_str(unsigned int type)
{
	if (type == IOMMU_DOMAIN_BLOCKED)
		return "Blocked";
	if (type == IOMMU_DOMAIN_UNMANAGED)
		return "Unmanaged";
	if (type == IOMMU_DOMAIN_DMA || type == IOMMU_DOMAIN_DMA_FQ)
		return "Translated";

	switch (type) {
	case IOMMU_DOMAIN_IDENTITY:
		return "Passthrough";
	case IOMMU_DOMAIN_SVA:
		return "SVA";
	case IOMMU_DOMAIN_NESTED:
		return "Nested";
	case IOMMU_DOMAIN_PLATFORM:
		return "Platform";
	}
	return "Unknown";
}

/**
 * iommu_domain_word() - What a slot translates with, for traces and debugfs
 * @domain: the domain, or %NULL
 *
 * Messages call both DMA types the same; here the flush policy matters.
 *
 * Context: any.
 * Return: a constant string.
 */
const char *iommu_domain_word(struct iommu_domain *domain)
{
	if (!domain)
		return "none";
	if (domain->type == IOMMU_DOMAIN_DMA)
		return "DMA";
	if (domain->type == IOMMU_DOMAIN_DMA_FQ)
		return "DMA-FQ";
	return iommu_domain_type_str(domain->type);
}

/* ---- Allocating --------------------------------------------------------- */

/* What the driver left open is filled in by the core. */
static int iommu_domain_init(struct iommu_domain *domain,
			     const struct iommu_ops *ops, unsigned int type)
{
	domain->type = type;
	domain->owner = ops;
	if (!domain->ops)
		domain->ops = ops->default_domain_ops;
	if (!domain->pgsize_bitmap)
		domain->pgsize_bitmap = ops->pgsize_bitmap;

	return iommu_is_dma_domain(domain) ? iommu_get_dma_cookie(domain) : 0;
}

/* Most callers know the type; then little of it is left. */
static __always_inline struct iommu_domain *
iommu_domain_create(const struct iommu_ops *ops, struct device *dev,
		    unsigned int type)
{
	unsigned int driver_type = type & IOMMU_DOMAIN_ALLOC_FLAGS;
	struct iommu_domain *domain;
	int ret;

	if (likely(ops->domain_alloc_paging && (type & __IOMMU_DOMAIN_PAGING)))
		domain = ops->domain_alloc_paging(dev);
	else if (ops->identity_domain && driver_type == IOMMU_DOMAIN_IDENTITY)
		return ops->identity_domain;
	else if (ops->blocked_domain && driver_type == IOMMU_DOMAIN_BLOCKED)
		return ops->blocked_domain;
	else if (ops->domain_alloc)
		domain = ops->domain_alloc(driver_type);
	else
		return ERR_PTR(-EOPNOTSUPP);

	if (!domain)
		return ERR_PTR(-ENOMEM);
	if (IS_ERR(domain))
		return domain;

	ret = iommu_domain_init(domain, ops, type);
	if (ret) {
		iommu_domain_free(domain);
		return ERR_PTR(ret);
	}
	return domain;
}

/**
 * iommu_domain_alloc_type() - Make a domain of a given type for a device
 * @dev: the device it will be attached to first
 * @type: one of IOMMU_DOMAIN_*
 *
 * A driver's static domain serves where there is one.
 *
 * Context: process context; the device's group mutex may be held.
 * Return: the domain, to be given to iommu_domain_free(); or an ERR_PTR:
 * -ENODEV the device has no IOMMU, -EOPNOTSUPP its driver has no such domains,
 * -ENOMEM, or what the driver or the DMA API said.
 */
struct iommu_domain *iommu_domain_alloc_type(struct device *dev,
					     unsigned int type)
{
	if (!dev_has_iommu(dev))
		return ERR_PTR(-ENODEV);
	return iommu_domain_create(dev_iommu_ops(dev), dev, type);
}

/**
 * iommu_paging_domain_alloc() - Make an empty domain for a device
 * @dev: the device it will be attached to first
 *
 * The caller maps what it likes, before or after attaching, and may attach the
 * domain to further devices; each attach decides whether they go together.
 *
 * Context: process context, may sleep.
 * Return: an %IOMMU_DOMAIN_UNMANAGED domain, to be given to iommu_domain_free()
 * when it is detached from everything; or an ERR_PTR: -ENODEV the device has
 * no IOMMU, -EOPNOTSUPP its driver has no page tables, -ENOMEM, or what the
 * driver said.
 */
struct iommu_domain *iommu_paging_domain_alloc(struct device *dev)
{
	if (!dev_has_iommu(dev))
		return ERR_PTR(-ENODEV);
	return iommu_domain_create(dev_iommu_ops(dev), dev,
				   IOMMU_DOMAIN_UNMANAGED);
}
EXPORT_SYMBOL_GPL(iommu_paging_domain_alloc);

/* Stops at the first device whose IOMMU has another driver than those before. */
static int iommu_bus_one_driver(struct device *dev, void *data)
{
	const struct iommu_ops **found = data;
	const struct iommu_ops *ops;

	if (!dev_has_iommu(dev))
		return 0;

	ops = dev_iommu_ops(dev);
	if (WARN_ONCE(*found && *found != ops,
		      "bus %s has IOMMUs of two drivers, so iommu_domain_alloc() cannot know whose domain is wanted\n",
		      dev_bus_name(dev)))
		return -EBUSY;

	*found = ops;
	return 0;
}

/**
 * iommu_domain_alloc() - Make an empty domain for some device of a bus
 * @bus: the bus
 *
 * Use iommu_paging_domain_alloc() wherever the device is known: this function
 * has to guess the driver, and the driver has to guess the page table.
 *
 * Context: process context, may sleep.
 * Return: an %IOMMU_DOMAIN_UNMANAGED domain, or %NULL for whatever reason.
 */
struct iommu_domain *iommu_domain_alloc(const struct bus_type *bus)
{
	const struct iommu_ops *ops = NULL;
	struct iommu_domain *domain;

	if (bus_for_each_dev(bus, NULL, &ops, iommu_bus_one_driver) || !ops)
		return NULL;

	domain = iommu_domain_create(ops, NULL, IOMMU_DOMAIN_UNMANAGED);
	return IS_ERR(domain) ? NULL : domain;
}
EXPORT_SYMBOL_GPL(iommu_domain_alloc);

/**
 * iommu_static_domain_fits() - Is a domain without owner one of the driver's?
 * @domain: any domain
 * @dev: a device behind an IOMMU
 *
 * A driver's static domains have no owner, but are its own all the same (W28).
 *
 * Context: any, as long as the device does not leave its IOMMU.
 * Return: true if so.
 */
bool iommu_static_domain_fits(struct iommu_domain *domain, struct device *dev)
{
	const struct iommu_ops *ops = dev_iommu_ops(dev);

	return domain == ops->identity_domain ||
	       domain == ops->blocked_domain ||
	       domain == ops->default_domain ||
	       domain == ops->release_domain;
}

/* ---- Freeing ------------------------------------------------------------ */

static __always_inline void iommu_domain_destroy(struct iommu_domain *domain)
{
	if (domain->type == IOMMU_DOMAIN_SVA)
		mmdrop(domain->mm);
	if (domain->iova_cookie)
		iommu_put_dma_cookie(domain);
	domain->ops->free(domain);
}

/**
 * iommu_domain_free() - Free a domain that nothing translates with any more
 * @domain: the domain; detached from every device and PASID
 *
 * What is still mapped needs no unmapping before. A static domain stays. If
 * the core could not move some device away, the memory is freed when that
 * device leaves the domain; the caller need not care.
 *
 * Context: process context, may sleep; a group mutex may be held.
 */
void iommu_domain_free(struct iommu_domain *domain)
{
	int users, stranded;

	if (!domain->ops->free)
		return;

	users = atomic_cmpxchg(&domain->users, 0, IOMMU_DOMAIN_FREED);
	if (unlikely(users))
		users = atomic_fetch_or(IOMMU_DOMAIN_FREED, &domain->users);
	if (likely(!users)) {
		iommu_domain_destroy(domain);
		return;
	}
	if (WARN(users & IOMMU_DOMAIN_FREED, "domain freed twice\n"))
		return;

	stranded = atomic_read(&domain->stranded);
	WARN(users != stranded,
	     "%s domain freed while %d of its users (device and PASID) are still attached; kept until they are gone\n",
	     iommu_domain_type_str(domain->type), users - stranded);
}
EXPORT_SYMBOL_GPL(iommu_domain_free);

/**
 * iommu_domain_last_put() - The slow half of iommu_domain_put()
 * @domain: a domain that its owner has freed, or of which more devices have left
 *	than came
 * @left: what its count became
 *
 * Context: process context, may sleep.
 */
void iommu_domain_last_put(struct iommu_domain *domain, int left)
{
	if (left == IOMMU_DOMAIN_FREED)
		iommu_domain_destroy(domain);
	else if (WARN(left & BIT(30), "domain left by more devices than came\n"))
		atomic_inc(&domain->users);
}

/**
 * iommu_domain_strand() - One of the users cannot be moved away
 * @domain: the domain that the hardware still walks
 *
 * The pair stays counted as a user; the owner's iommu_domain_free() is then no
 * bug of the owner.
 *
 * Context: any.
 */
void iommu_domain_strand(struct iommu_domain *domain)
{
	atomic_inc(&domain->stranded);
}

/**
 * iommu_domain_unstrand() - A stranded user has been moved away after all
 * @domain: the domain; iommu_domain_put() follows
 *
 * Context: any.
 */
void iommu_domain_unstrand(struct iommu_domain *domain)
{
	atomic_dec(&domain->stranded);
}

/* ---- Faults ------------------------------------------------------------- */

/**
 * iommu_set_fault_handler() - Hear of a domain's unrecoverable faults
 * @domain: a domain of the caller's, not an SVA one
 * @handler: called in the context of the IOMMU's interrupt, often atomic; %NULL
 *	for none
 * @token: its last argument
 *
 * A handler can be given before or after attaching. To replace one, detach
 * first: a fault that is being reported may still call the old one.
 *
 * Context: any.
 */
void iommu_set_fault_handler(struct iommu_domain *domain,
			     iommu_fault_handler_t handler, void *token)
{
	/* SVA faults belong to the address space, they have no other handler. */
	if (WARN_ON(!domain || domain->type == IOMMU_DOMAIN_SVA))
		return;

	domain->handler_token = token;
	/* Who sees the handler sees its token. */
	smp_store_release(&domain->handler, handler);
}
EXPORT_SYMBOL_GPL(iommu_set_fault_handler);

/**
 * report_iommu_fault() - An IOMMU's driver tells of an unrecoverable fault
 * @domain: what the device translates with
 * @dev: who made the request
 * @iova: what it tried to access
 * @flags: %IOMMU_FAULT_READ or %IOMMU_FAULT_WRITE
 *
 * Context: any; the handler runs in it.
 * Return: what the handler returned, 0 if it dealt with the fault; -ENOSYS if
 * there is none, or if it leaves the fault to the driver.
 */
int report_iommu_fault(struct iommu_domain *domain, struct device *dev,
		       unsigned long iova, int flags)
{
	iommu_fault_handler_t handler;
	int ret = -ENOSYS;

	/* Before its token. An SVA domain faults too, but has none (W37). */
	handler = smp_load_acquire(&domain->handler);
	if (handler)
		ret = handler(domain, dev, iova, flags, domain->handler_token);

	trace_io_page_fault(dev, iova, flags);
	return ret;
}
EXPORT_SYMBOL_GPL(report_iommu_fault);

/* ---- Choices before the first attach ------------------------------------ */

/**
 * iommu_enable_nesting() - Let user space put its own page table on top
 * @domain: a domain of the caller's, not attached yet
 *
 * Context: process context, may sleep.
 * Return: 0; -EINVAL if domain or driver do not support it; or the driver's
 * error, often -EPERM when it is too late.
 */
int iommu_enable_nesting(struct iommu_domain *domain)
{
	const struct iommu_domain_ops *ops = domain->ops;

	if (domain->type == IOMMU_DOMAIN_UNMANAGED && ops->enable_nesting)
		return ops->enable_nesting(domain);
	return -EINVAL;
}
EXPORT_SYMBOL_GPL(iommu_enable_nesting);

/**
 * iommu_set_pgtable_quirks() - Choose a variant of the page table's format
 * @domain: a domain of the caller's, not attached yet
 * @quirks: IO_PGTABLE_QUIRK_* bits
 *
 * Context: process context, may sleep.
 * Return: 0; -EINVAL if domain or driver do not support it; or the driver's
 * error, often -EPERM when it is too late.
 */
int iommu_set_pgtable_quirks(struct iommu_domain *domain, unsigned long quirks)
{
	const struct iommu_domain_ops *ops = domain->ops;

	if (domain->type == IOMMU_DOMAIN_UNMANAGED && ops->set_pgtable_quirks)
		return ops->set_pgtable_quirks(domain, quirks);
	return -EINVAL;
}
EXPORT_SYMBOL_GPL(iommu_set_pgtable_quirks);
