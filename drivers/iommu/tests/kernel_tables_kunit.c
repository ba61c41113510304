// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where the page tables of processes lead to the kernel's, a device that shares
 * the former walks the latter: each table of the kernel that is freed is forgotten
 * by the IOMMU first. Small mappings leave their tables behind when they go, and
 * a big one that takes their place frees them.
 */
#include <linux/mm.h>
#include <linux/pgtable.h>
#include <linux/sched/mm.h>
#include <linux/vmalloc.h>
#include "mock-iommu.h"

#define TRIES	16

/**
 * struct watched - tables that are going to be freed
 * @test: the test
 * @tables: their pages
 * @nr_tables: how many
 * @flushes: how often an IOMMU was told to forget them
 */
struct watched {
	struct kunit *test;
	struct page *tables[2];
	unsigned int nr_tables;
	unsigned int flushes;
};

static void put_mm(void *mm)
{
	mmput(mm);
}

static struct iommu_sva *bind_new_mm(struct kunit *test, struct mock_dev *md)
{
	struct mm_struct *mm = mm_alloc();
	struct iommu_sva *bond;

	KUNIT_ASSERT_NOT_NULL(test, mm);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, put_mm, mm));
	bond = iommu_sva_bind_device(&md->dev, mm);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, bond);
	return bond;
}

/* An IOMMU forgets: the tables must still be nobody else's. */
static void look(struct mock_iommu *m, enum mock_op op, struct mock_dev *md,
		 ioasid_t pasid)
{
	struct watched *watched = m->on_call_data;

	if (op != MOCK_FLUSH_MM)
		return;
	watched->flushes++;
	for (unsigned int i = 0; i < watched->nr_tables; i++)
		KUNIT_EXPECT_NE_MSG(watched->test, 0,
				    page_count(watched->tables[i]),
				    "table %u was freed before the flush", i);
}

static void watch(struct kunit *test, struct watched *watched)
{
	struct mock_iommu *m = test->priv;

	watched->test = test;
	m->on_call_data = watched;
	m->on_call = look;
}

/**
 * struct area - where the kernel maps memory
 * @name: for the report
 * @start: of the area
 * @end: of the area
 */
struct area {
	const char *name;
	unsigned long start;
	unsigned long end;
};

/* PMD_SIZE bytes at a multiple of it; huge: by an entry of that size. */
static void *map(unsigned long start, unsigned long end, bool huge)
{
	return __vmalloc_node_range(PMD_SIZE, PMD_SIZE, start, end, GFP_KERNEL,
				    PAGE_KERNEL,
				    huge ? VM_ALLOW_HUGE_VMAP : 0,
				    NUMA_NO_NODE, __builtin_return_address(0));
}

/* What vfree() leaves for later, and a module that is unloaded as well. */
static void unmap(void *memory)
{
	vfree(memory);
	vm_unmap_aliases();
}

/* Have a table freed; false: somebody else took its place or there is no memory. */
static bool free_pte_table(const struct area *area, struct watched *watched,
			   unsigned long *addr)
{
	void *memory = map(area->start, area->end, false);
	bool freed;
	pmd_t *pmd;

	if (!memory)
		return false;
	*addr = (unsigned long)memory;
	pmd = pmd_off_k(*addr);
	watched->tables[0] = pmd_page(*pmd);
	watched->nr_tables = 1;
	unmap(memory);

	watched->flushes = 0;
	memory = map(*addr, *addr + PMD_SIZE + PAGE_SIZE, true);
	watched->nr_tables = 0;
	if (!memory)
		return false;
	freed = pmd_leaf(*pmd);
	unmap(memory);
	return freed;
}

static void pte_table_is_flushed_before_it_is_free(struct kunit *test)
{
	const struct area *area = test->param_value;
	struct mock_iommu *m = test->priv;
	struct watched watched = {};
	struct iommu_sva *one, *two;
	struct mock_dev *md;
	unsigned long addr;
	char want[128];
	int tries = 0;

	if (!arch_vmap_pmd_supported(PAGE_KERNEL))
		kunit_skip(test, "the processor has no entries of that size");
	md = mock_group_with_pasids(test, 1);
	one = bind_new_mm(test, md);
	two = bind_new_mm(test, md);
	watch(test, &watched);
	do {
		mock_journal_clear(m);
		KUNIT_ASSERT_LT(test, tries++, TRIES);
	} while (!free_pte_table(area, &watched, &addr));

	KUNIT_EXPECT_EQ(test, watched.flushes, 2);
	snprintf(want, sizeof(want), " A[%lx,%lx) B[%lx,%lx)", addr,
		 addr + PMD_SIZE, addr, addr + PMD_SIZE);
	KUNIT_EXPECT_STREQ(test, (const char *)m->journal, (const char *)want);
	m->on_call = NULL;
	iommu_sva_unbind_device(one);
	iommu_sva_unbind_device(two);
}

/* The same a level above: a table of tables goes, with what is left in it. */
static void pmd_table_is_flushed_before_it_is_free(struct kunit *test)
{
	struct mock_iommu *m = test->priv;
	phys_addr_t nowhere = 64ULL * SZ_1G;
	struct watched watched = {};
	struct vm_struct *area;
	struct iommu_sva *bond;
	struct mock_dev *md;
	unsigned long addr;
	char want[64];
	pud_t *pud;
	int ret;

	if (!arch_vmap_pud_supported(PAGE_KERNEL))
		kunit_skip(test, "the processor has no entries of that size");
	md = mock_group_with_pasids(test, 1);
	bond = bind_new_mm(test, md);
	area = get_vm_area(2 * PUD_SIZE, VM_IOREMAP);
	KUNIT_ASSERT_NOT_NULL(test, area);
	addr = ALIGN((unsigned long)area->addr, PUD_SIZE);

	ret = vmap_page_range(addr, addr + PAGE_SIZE, nowhere,
			      PAGE_KERNEL_NOCACHE);
	KUNIT_EXPECT_EQ(test, ret, 0);
	pud = pud_offset(p4d_offset(pgd_offset_k(addr), addr), addr);
	watched.tables[0] = pud_page(*pud);
	watched.tables[1] = pmd_page(*pmd_off_k(addr));
	watched.nr_tables = 2;
	watch(test, &watched);
	vunmap_range(addr, addr + PAGE_SIZE);

	mock_journal_clear(m);
	ret = vmap_page_range(addr, addr + PUD_SIZE, nowhere,
			      PAGE_KERNEL_NOCACHE);
	KUNIT_EXPECT_EQ(test, ret, 0);
	KUNIT_EXPECT_TRUE(test, pud_leaf(*pud));
	KUNIT_EXPECT_EQ(test, watched.flushes, 1);
	snprintf(want, sizeof(want), " A[%lx,%lx)", addr, addr + PUD_SIZE);
	KUNIT_EXPECT_STREQ(test, (const char *)m->journal, (const char *)want);

	m->on_call = NULL;
	vunmap_range(addr, addr + PUD_SIZE);
	free_vm_area(area);
	iommu_sva_unbind_device(bond);
}

static struct area areas[] = {
	{ "vmalloc" },
	{ "modules" },
};

KUNIT_ARRAY_PARAM_DESC(areas, areas, name);

/* Not constant: where the first one lies is decided at boot. */
static int kernel_tables_suite_init(struct kunit_suite *suite)
{
	areas[0].start = VMALLOC_START;
	areas[0].end = VMALLOC_END;
	areas[1].start = MODULES_VADDR;
	areas[1].end = MODULES_END;
	return 0;
}

static struct kunit_case kernel_tables_cases[] = {
	KUNIT_CASE_PARAM(pte_table_is_flushed_before_it_is_free,
			 areas_gen_params),
	KUNIT_CASE(pmd_table_is_flushed_before_it_is_free),
	{}
};

static struct kunit_suite kernel_tables_suite = {
	.name = "iommu_kernel_tables",
	.suite_init = kernel_tables_suite_init,
	.init = mock_test_init,
	.test_cases = kernel_tables_cases,
};

kunit_test_suite(kernel_tables_suite);
