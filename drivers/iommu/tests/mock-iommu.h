/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A mock IOMMU for KUnit: one driver on one private bus, whose "hardware" is a
 * table that says what every slot of every device translates with.
 *
 * A test makes devices, says which group each belongs to, which driver calls
 * fail, and compares afterwards: the return code, what the core says, what the
 * hardware has, and the journal of driver calls. The journal is a string:
 *
 *	d0:A		device 0 was attached to domain A
 *	d1:B!-12	device 1 refused domain B with -ENOMEM
 *	d0.5:B		PASID 5 of device 0 was set to B
 *	d0.5:B<A	the same, and the core said A was there before
 *	d0.5-B		PASID 5 of device 0 was removed, the core said it had B
 *	d0.5#B		PASID 5 of device 0 was blocked, B being an address space
 *	A[1000,3000)	addresses of address space A were flushed
 *
 * Paging domains are called A, B, C... in the order of their allocation.
 *
 * The mock itself fails the test when the core breaks its word: a slot that
 * translates with a freed domain, a driver told an old domain which the
 * hardware does not have (T6), a PASID removed that never was set, an address
 * space that has ended or may end during the call (T10).
 */
#ifndef __IOMMU_TESTS_MOCK_IOMMU_H
#define __IOMMU_TESTS_MOCK_IOMMU_H

#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/device.h>
#include <linux/iommu.h>
#include <linux/property.h>
#include <linux/sizes.h>
#include <linux/spinlock.h>
#include <linux/xarray.h>
#include "../iommu-priv.h"

#define MOCK_DEVS	2048
#define MOCK_SLOTS	64	/* PASIDs of a device, IOMMU_NO_PASID included */
#define MOCK_PASID_BITS	6
#define MOCK_FAULTS	8
#define MOCK_RESV	4
#define MOCK_PGSIZES	(SZ_4K | SZ_2M | SZ_1G)

enum mock_op {
	MOCK_PROBE,
	MOCK_RELEASE,
	MOCK_FINALIZE,
	MOCK_GROUP,
	MOCK_ALLOC,
	MOCK_FREE,
	MOCK_ATTACH,
	MOCK_SET_PASID,
	MOCK_REMOVE_PASID,
	MOCK_BLOCK_PASID,
	MOCK_FLUSH_MM,
	MOCK_MAP,
	MOCK_UNMAP,
	MOCK_SYNC_MAP,
	MOCK_SYNC,
	MOCK_NR_OPS,
};

struct mock_iommu;
struct mock_dev;

/**
 * struct mock_script - failures by number, whatever the call is
 * @mask: bit n: the n-th call that may fail does
 * @breaks: devices whose attach fails lose their old attachment
 * @calls: such calls so far
 * @failed: how many of them failed
 * @first: the device of the first that failed; NULL also if it was for none
 * @pasids: how many failed for each PASID
 */
struct mock_script {
	u32 mask;
	bool breaks;
	unsigned int calls;
	unsigned int failed;
	struct mock_dev *first;
	u8 pasids[MOCK_SLOTS];
};

/**
 * struct mock_dev - a device behind the mock
 * @dev: the device
 * @m: its IOMMU
 * @index: n of the "dn" in the journal
 * @group: devices of the same number share a group
 * @pasid_bits: width of its PASIDs, 0 for none; to be set before plugging
 * @def_type: its answer to def_domain_type()
 * @deferred: its answer to is_attach_deferred()
 * @plugged: device_add() has been done
 * @gone: completed with its last reference, or NULL
 * @broke: its last attach failed and lost the old attachment
 * @failed: calls for it that mock_iommu.script had fail
 * @moved: attaches that succeeded since then
 * @again: attaches of what its hardware had already, which drivers that count
 *	attachments take for a second one
 * @answers: page requests answered
 * @answer: the last answer
 * @hw: what each slot translates with; NULL is nothing at all
 * @resv: its reserved regions
 * @nr_resv: their number
 */
struct mock_dev {
	struct device dev;
	struct mock_iommu *m;
	int index;
	int group;
	u32 pasid_bits;
	int def_type;
	bool deferred;
	bool plugged;
	struct completion *gone;
	bool broke;
	unsigned int failed;
	unsigned int moved;
	unsigned int again;
	unsigned int answers;
	u32 answer;
	struct iommu_domain *hw[MOCK_SLOTS];
	struct {
		phys_addr_t start;
		size_t length;
		enum iommu_resv_type type;
	} resv[MOCK_RESV];
	int nr_resv;
};

/**
 * struct mock_domain - a domain of the mock
 * @domain: for the core
 * @m: the IOMMU it belongs to
 * @link: in mock_iommu.domains
 * @name: what the journal calls it
 * @freed: the core freed it; the memory stays until the test ends, so that
 *	later use is found
 * @pages: 4K page of the IOVA -> 4K page of the address
 */
struct mock_domain {
	struct iommu_domain domain;
	struct mock_iommu *m;
	struct list_head link;
	char name[4];
	bool freed;
	struct xarray pages;
};

/**
 * struct mock_fault - a call that is going to fail
 * @op: the driver call
 * @md: the device, or NULL for any
 * @domain: the domain, or NULL for any
 * @skip: let so many matching calls pass first
 * @times: fail so many then
 * @err: how
 * @breaks: the device loses its old attachment in failing
 * @partial: pages mapped by a failing map_pages()
 */
struct mock_fault {
	enum mock_op op;
	struct mock_dev *md;
	struct iommu_domain *domain;
	int skip;
	int times;
	int err;
	bool breaks;
	size_t partial;
};

/**
 * struct mock_iommu - the mock and all that a test knows of it
 * @ops: the driver; a test changes it before it plugs the first device
 * @paging_ops: of paging domains
 * @static_ops: of @identity and @blocked
 * @sva_ops: of domains for SVA
 * @identity: the static identity domain
 * @blocked: the static blocked domain
 * @iommu: the hardware on @bus
 * @bus: where its devices live
 * @bare_bus: where devices live that no IOMMU looks after
 * @nb: for @bus
 * @registered: @iommu is registered
 * @test: the running test
 * @devs: all devices made, by index; NULL where one was dropped
 * @nr_devs: the highest index so far, plus one
 * @domains: all domains ever allocated
 * @nr_domains: their number
 * @faults: calls that are going to fail
 * @script: more of them
 * @calls: how often each operation was called
 * @journal: the text
 * @journal_len: its length
 * @caps: bit n: iommu_cap n is supported
 * @on_call: the test's look into the middle of a driver call
 * @on_call_data: for @on_call
 * @stalled: map_pages() calls in a row that mapped nothing
 * @iopf: page requests of devices with IOMMU_DEV_FEAT_IOPF
 * @counts: the driver counts attachments: a device must not be attached to what
 *	it has already
 * @lock: guards the devices, the faults, the counts, the journal and the list of
 *	domains where the core itself may call from several threads
 */
struct mock_iommu {
	struct iommu_ops ops;
	struct iommu_domain_ops paging_ops;
	struct iommu_domain_ops static_ops;
	struct iommu_domain_ops sva_ops;
	struct iommu_domain identity;
	struct iommu_domain blocked;
	struct iommu_device iommu;
	const struct bus_type *bus;
	const struct bus_type *bare_bus;
	struct notifier_block nb;
	bool registered;
	struct kunit *test;
	struct mock_dev *devs[MOCK_DEVS];
	int nr_devs;
	struct list_head domains;
	int nr_domains;
	struct mock_fault faults[MOCK_FAULTS];
	struct mock_script script;
	unsigned int calls[MOCK_NR_OPS];
	char journal[2048];
	size_t journal_len;
	unsigned long caps;
	void (*on_call)(struct mock_iommu *m, enum mock_op op,
			struct mock_dev *md, ioasid_t pasid);
	void *on_call_data;
	unsigned int stalled;
	struct iopf_queue *iopf;
	bool counts;
	spinlock_t lock;	/* a leaf */
};

#define to_mock_dev(d)		container_of(d, struct mock_dev, dev)
#define to_mock_domain(d)	container_of(d, struct mock_domain, domain)

/* Fails the test if it cannot; all is undone when the test ends. */
struct mock_iommu *mock_iommu_new(struct kunit *test);
/* The init of most suites: test->priv is a mock. */
int mock_test_init(struct kunit *test);
int mock_register(struct mock_iommu *m);
void mock_unregister(struct mock_iommu *m);

/*
 * A device of group number @group. mock_add() makes and plugs it at once, also
 * in the forms with PASIDs and without any IOMMU.
 */
struct mock_dev *mock_new_dev(struct mock_iommu *m, int group);
void mock_plug(struct mock_dev *md);
struct mock_dev *mock_add(struct mock_iommu *m, int group);
struct mock_dev *mock_add_pasid(struct mock_iommu *m, int group);
struct mock_dev *mock_add_bare(struct mock_iommu *m);
void mock_unplug(struct mock_dev *md);
/* The first of @n devices in a group of test->priv, with an empty journal. */
struct mock_dev *mock_group_of(struct kunit *test, int n);
struct mock_dev *mock_group_with_pasids(struct kunit *test, int n);

/*
 * The same for any thread, which cannot fail the test: a device of an index
 * that is free, or NULL for want of memory; an error or 0; and forget a device,
 * which is unplugged and gone with its last reference.
 */
struct mock_dev *mock_make_dev(struct mock_iommu *m, int index, int group);
int mock_try_plug(struct mock_dev *md);
void mock_drop(struct mock_dev *md);

void mock_add_resv(struct mock_dev *md, phys_addr_t start, size_t length,
		   enum iommu_resv_type type);

/* A paging domain for md, freed by the test with iommu_domain_free(). */
struct iommu_domain *mock_paging(struct mock_dev *md);
bool mock_freed(struct iommu_domain *domain);
int mock_live_domains(struct mock_iommu *m);
struct iommu_domain *mock_legacy_alloc(unsigned int type);
const char *mock_domain_name(struct mock_iommu *m, struct iommu_domain *domain);

struct mock_fault *mock_fail(struct mock_iommu *m, enum mock_op op,
			     struct mock_dev *md, int err);
void mock_heal(struct mock_iommu *m);
int mock_faults_left(struct mock_iommu *m);

/* Begin to count calls anew, those in @mask failing. */
void mock_script(struct mock_iommu *m, u32 mask, bool breaks);
/* Domains that were freed may be forgotten: nobody shall find them used. */
void mock_forget_freed(struct mock_iommu *m);

/* For mock-sva.c: count and journal a call; the fault that strikes it. */
struct mock_fault *mock_strike(struct mock_iommu *m, enum mock_op op,
			       struct mock_dev *md, struct iommu_domain *domain);
__printf(2, 3)
void mock_note(struct mock_iommu *m, const char *fmt, ...);
struct iommu_domain *mock_alloc(struct mock_iommu *m,
				const struct iommu_domain_ops *ops);
void mock_sva_init(struct mock_iommu *m);
void mock_sva_end(struct mock_iommu *m);
void mock_sva_unplug(struct mock_dev *md);

/*
 * A device with page requests asks for a page, and waits for the answer, which
 * is returned; an error if it cannot ask.
 */
int mock_request_page(struct mock_dev *md, ioasid_t pasid, u64 addr, u32 perm);

void mock_journal_clear(struct mock_iommu *m);
void mock_count_clear(struct mock_iommu *m);

/* How many slots of all devices have @domain; one of them is @index.@slot. */
int mock_hw_users(struct mock_iommu *m, struct iommu_domain *domain, int *index,
		  int *slot);

/*
 * The core counts as many users of each domain as the hardware has, and none
 * that it could not move.
 */
void mock_expect_users(struct kunit *test, struct mock_iommu *m);
/* The group, each member and each member's hardware agree on @domain. */
void mock_expect_domain(struct kunit *test, struct mock_dev *md,
			struct iommu_domain *domain);
/* The owner of the device's group, and how often. */
void mock_expect_owner(struct kunit *test, struct mock_dev *md, void *owner,
		       unsigned int count);
/* Each member's hardware has @domain for @pasid. */
void mock_expect_pasid(struct kunit *test, struct mock_dev *md, ioasid_t pasid,
		       struct iommu_domain *domain);

/* A file of a group, through the operations sysfs would call; -ENOENT: none. */
ssize_t mock_show(struct iommu_group *group, const char *file, char *page);
ssize_t mock_store(struct iommu_group *group, const char *file,
		   const char *text);

#define MOCK_EXPECT_JOURNAL(test, m, text) \
	KUNIT_EXPECT_STREQ(test, (const char *)(m)->journal, text)

static inline struct iommu_group *mock_group(struct mock_dev *md)
{
	return md->dev.iommu_group;
}

#endif /* __IOMMU_TESTS_MOCK_IOMMU_H */
