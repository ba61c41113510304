// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs the rows while the module is loaded; the results are in /proc/lab_bench,
 * one line each: operation, size, median, 10th and 90th percentile, calls.
 * Nothing is printed meanwhile: a message on a serial line costs thousands of
 * instructions.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/sort.h>
#include <linux/vmalloc.h>

#include "bench.h"

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Instructions per operation of the IOMMU core");
MODULE_IMPORT_NS(IOMMUFD_INTERNAL);

static char *rows = "core";
module_param(rows, charp, 0444);
MODULE_PARM_DESC(rows, "core, dma, pci or vtd");

static int pids[256];
static unsigned int nr_pids;
module_param_array(pids, int, &nr_pids, 0444);
MODULE_PARM_DESC(pids, "processes that may be ended");

#define BENCH_TEXT	SZ_64K

static char *bench_text;
static size_t bench_text_len;
static u64 bench_empty;

static __printf(1, 2) void bench_print(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	bench_text_len += vscnprintf(bench_text + bench_text_len,
				     BENCH_TEXT - bench_text_len, fmt, args);
	va_end(args);
}

void __bench_must(bool condition, const char *text, const char *file, int line)
{
	if (!condition)
		panic("%s:%d: %s is not so\n", kbasename(file), line, text);
}

static int bench_cmp(const void *a, const void *b)
{
	u64 left = *(const u64 *)a, right = *(const u64 *)b;

	return left < right ? -1 : left > right;
}

static u64 bench_at(struct bench_series *s, unsigned int percent)
{
	u64 ticks = s->ticks[(s->count - 1) * percent / 100];

	return ticks > bench_empty ? ticks - bench_empty : 0;
}

void bench_row(struct bench_series *s, const char *operation, const char *size)
{
	bench_must(s->count);
	sort(s->ticks, s->count, sizeof(s->ticks[0]), bench_cmp, NULL);
	bench_print("%s|%s|%llu|%llu|%llu|%u\n", operation, size,
		    bench_at(s, 50), bench_at(s, 10), bench_at(s, 90),
		    s->count);
	s->count = 0;
	/* The tick and others that wait come now, not in the next row. */
	cond_resched();
}

void bench_row_n(struct bench_series *s, const char *operation,
		 unsigned int size)
{
	char text[12];

	snprintf(text, sizeof(text), "%u", size);
	bench_row(s, operation, text);
}

void bench_value(const char *operation, unsigned int size, s64 value)
{
	bench_print("%s|%u|%lld|%lld|%lld|1\n", operation, size, value, value,
		    value);
}

/* What a measurement of nothing costs. */
static void bench_calibrate(void)
{
	struct bench_series s = {};

	for (int i = 0; i < BENCH_CALLS; i++)
		BENCH(&s, barrier());
	sort(s.ticks, s.count, sizeof(s.ticks[0]), bench_cmp, NULL);
	bench_empty = s.ticks[s.count / 2];
}

static int bench_show(struct seq_file *m, void *unused)
{
	seq_write(m, bench_text, bench_text_len);
	return 0;
}

static int __init bench_init(void)
{
	bench_text = vzalloc(BENCH_TEXT);
	if (!bench_text)
		return -ENOMEM;
	bench_calibrate();

	if (!strcmp(rows, "pci")) {
		bench_pci();
	} else if (!strcmp(rows, "vtd")) {
		bench_vtd();
	} else {
		bench_must(!bench_mock_register());
		if (!strcmp(rows, "core")) {
			bench_map();
			bench_attach();
			bench_domains();
			bench_pasids();
			bench_devices();
			bench_sva(pids, nr_pids);
			bench_memory();
		}
		bench_dma();
		bench_mock_unregister();
	}
	if (!proc_create_single("lab_bench", 0444, NULL, bench_show)) {
		vfree(bench_text);
		return -ENOMEM;
	}
	return 0;
}
module_init(bench_init);

static void __exit bench_exit(void)
{
	remove_proc_entry("lab_bench", NULL);
	vfree(bench_text);
}
module_exit(bench_exit);
