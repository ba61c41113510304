// SPDX-License-Identifier: GPL-2.0-only
/*
 * faults: what devices were not allowed to do, from the kernel's log, how often
 * by the core's count, and the devices that the core has fenced off.
 *
 * Each driver has a form of its own. A line that is understood is taken apart,
 * one that is only known to be a fault is shown as it is. The log is a ring, lines
 * are limited, and what users do is not printed: the count tells.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "iommuctl.h"

struct fault {
	double when;
	const char *unit;	/* kind of IOMMU */
	char *device;		/* NULL: not told, or not as an address */
	char *address;
	char *access;		/* "read", "write", or the driver's word */
	char *pasid;
	char *text;		/* the whole line */
};

struct faults {
	struct fault *list;
	size_t count;
};

/* The text behind @key, up to one of @ends; NULL if it is not there. */
static char *value_of(const char *text, const char *key, const char *ends)
{
	const char *at = strstr(text, key);

	if (!at)
		return NULL;
	at += strlen(key);
	return mem_textn(at, strcspn(at, ends));
}

/*
 * "DMAR: [DMA Write PASID 0x5] Request device [03:00.0] fault addr 0x20000000
 * [fault reason 0x05] PTE Write access is not set"; it leaves out the segment.
 */
static bool of_vtd(struct fault *f)
{
	unsigned int bus, slot, function;
	char *device, *kind;

	if (!text_starts(f->text, "DMAR: [") ||
	    !strstr(f->text, "] Request device ["))
		return false;
	f->unit = "Intel VT-d";
	device = value_of(f->text, "Request device [", "]");
	if (device && sscanf(device, "%x:%x.%u", &bus, &slot, &function) == 3)
		f->device = mem_printf("%02x:%02x.%u", bus, slot, function);
	f->address = value_of(f->text, "fault addr ", " ");
	f->pasid = value_of(f->text, " PASID ", "]");
	kind = value_of(f->text, "DMAR: [", "]");
	if (kind && text_starts(kind, "DMA Write"))
		f->access = mem_text("write");
	else if (kind && text_starts(kind, "DMA Read"))
		f->access = mem_text("read");
	else if (kind && text_starts(kind, "INTR-REMAP"))
		f->access = mem_text("interrupt");
	return true;
}

/* "NAME: AMD-Vi: Event logged [IO_PAGE_FAULT device=0000:03:00.0 ... address=0x...]" */
static bool of_amd(struct fault *f)
{
	char *event = value_of(f->text, "Event logged [", "]");
	unsigned int segment, bus, slot, function;
	char *name, *device, *flags;

	if (!event || !strstr(f->text, "AMD-Vi: "))
		return false;
	f->unit = "AMD-Vi";
	device = value_of(event, "device=", " ,");
	if (!device) {
		/* Then the message is the device's: "vfio-pci 0000:03:00.0: ..." */
		name = strstr(f->text, ": AMD-Vi");
		device = name ? mem_textn(f->text, name - f->text) : NULL;
		if (device && strrchr(device, ' '))
			device = strrchr(device, ' ') + 1;
	}
	if (device && sscanf(device, "%x:%x:%x.%x", &segment, &bus, &slot,
			     &function) == 4)
		f->device = mem_printf("%04x:%02x:%02x.%x", segment, bus, slot,
				       function);
	f->address = value_of(event, "address=", " ,");
	f->pasid = value_of(event, "pasid=", " ,");
	flags = value_of(event, "flags=", " ,");
	/* Bit 5 of an IO_PAGE_FAULT's flags is RW. */
	if (flags && text_starts(event, "IO_PAGE_FAULT"))
		f->access = mem_text(strtoul(flags, NULL, 16) & 0x20 ?
				     "write" : "read");
	else
		f->access = mem_textn(event, strcspn(event, " "));
	return true;
}

/* "virtio_iommu virtio0: page fault from EP 24 at 0x20000000 [W..]" */
static bool of_virtio(struct fault *f)
{
	char *flags;

	if (!text_starts(f->text, "virtio_iommu ") ||
	    !strstr(f->text, " fault from EP "))
		return false;
	f->unit = "virtio-iommu";
	f->address = value_of(f->text, " at ", " ");
	flags = value_of(f->text, " [", "]");
	if (flags && strchr(flags, 'W'))
		f->access = mem_text("write");
	else if (flags && strchr(flags, 'R'))
		f->access = mem_text("read");
	return true;
}

static bool of_arm(struct fault *f)
{
	if (text_starts(f->text, "arm-smmu-v3 ") &&
	    strstr(f->text, ": event 0x")) {
		f->unit = "Arm SMMUv3";
		f->access = value_of(f->text, ": event ", " ");
		return true;
	}
	if (text_starts(f->text, "arm-smmu ") &&
	    strstr(f->text, "Unhandled context fault")) {
		f->unit = "Arm SMMU";
		f->address = value_of(f->text, "iova=", ", ");
		return true;
	}
	return false;
}

static void take_line(void *data, double when, char *text)
{
	struct faults *all = data;
	struct fault f = { .when = when, .text = text };

	if (!of_vtd(&f) && !of_amd(&f) && !of_virtio(&f) && !of_arm(&f))
		return;
	all->list = mem_grow(all->list, all->count, sizeof(f));
	all->list[all->count++] = f;
}

/* VT-d's lines have no segment: they fit the device of any. */
static bool about(const struct fault *f, const struct device *dev)
{
	size_t len, all;

	if (!dev)
		return true;
	if (!f->device)
		return false;
	len = strlen(f->device);
	all = strlen(dev->name);
	return all >= len && text_is(dev->name + all - len, f->device);
}

static bool fenced(const struct device *one, const struct device *dev)
{
	return (one->parked || one->stranded) && (!dev || one == dev);
}

static void counted_json(struct model *m, struct device *dev)
{
	size_t i, k;

	js_array("counted");
	for (i = 0; i < m->devices_count; i++) {
		struct device *one = m->devices[i];

		for (k = 0; k < one->faults_count && (!dev || one == dev); k++) {
			js_object(NULL);
			js_text("device", one->name);
			js_text("whose", one->faults[k].whose);
			js_number("count", one->faults[k].count);
			js_close();
		}
	}
	js_close();
}

static void faults_json(struct model *m, const struct faults *all,
			struct device *dev, bool readable)
{
	size_t i;

	js_begin();
	js_bool("log_readable", readable);
	js_array("faults");
	for (i = 0; i < all->count; i++) {
		const struct fault *f = &all->list[i];

		if (!about(f, dev))
			continue;
		js_object(NULL);
		js_seconds("seconds", f->when);
		js_text("iommu", f->unit);
		js_text("device", f->device);
		js_text("address", f->address);
		js_text("access", f->access);
		js_text("pasid", f->pasid);
		js_text("text", f->text);
		js_close();
	}
	js_close();
	js_bool("state_readable", state_read(m));
	counted_json(m, dev);
	js_array("fenced_off");
	for (i = 0; i < m->devices_count; i++) {
		struct device *one = m->devices[i];

		if (!fenced(one, dev))
			continue;
		js_object(NULL);
		js_text("device", one->name);
		js_text("cause", one->parked);
		js_bool("stranded", one->stranded);
		js_close();
	}
	js_close();
	js_end();
}

static void counted_print(const struct device *one)
{
	size_t k;

	for (k = 0; k < one->faults_count; k++)
		printf("%s: %lu fault%s %s\n", one->name, one->faults[k].count,
		       one->faults[k].count == 1 ? "" : "s",
		       one->faults[k].whose);
}

static void faults_print(struct model *m, const struct faults *all,
			 struct device *dev)
{
	static const char * const heads[] = {
		"SECONDS", "IOMMU", "DEVICE", "ACCESS", "ADDRESS", "PASID",
		"MESSAGE",
	};
	static const bool right[ARRAY_SIZE(heads)] = { true };
	struct table t;
	size_t i;

	table_begin(&t, heads, ARRAY_SIZE(heads), right);
	for (i = 0; i < all->count; i++) {
		const struct fault *f = &all->list[i];

		if (!about(f, dev))
			continue;
		table_cell(&t, mem_printf("%.6f", f->when));
		table_cell(&t, f->unit);
		table_cell(&t, f->device);
		table_cell(&t, f->access);
		table_cell(&t, f->address);
		table_cell(&t, f->pasid);
		table_cell(&t, f->text);
	}
	if (t.rows)
		table_print(&t);
	for (i = 0; i < m->devices_count; i++)
		if (!dev || m->devices[i] == dev)
			counted_print(m->devices[i]);
	for (i = 0; i < m->devices_count; i++)
		if (fenced(m->devices[i], dev))
			printf("%s is %s: %s\n", m->devices[i]->name,
			       colored(RED, "fenced off"),
			       or_dash(m->devices[i]->parked));
}

/* Like grep: 0 there were some, 1 there were none, 4 nobody can tell. */
int do_faults(int argc, char **argv)
{
	struct model *m = model_load();
	struct device *dev = argc ? model_device(m, argv[0]) : NULL;
	struct faults all = {};
	bool readable;
	size_t i, seen = 0;

	state_read(m);
	readable = klog_each(take_line, &all);
	if (!readable)
		note("/dev/kmsg: %s", strerror(errno));
	if (opt.json)
		faults_json(m, &all, dev, readable);
	else
		faults_print(m, &all, dev);
	for (i = 0; i < all.count; i++)
		seen += about(&all.list[i], dev);
	for (i = 0; i < m->devices_count; i++) {
		seen += fenced(m->devices[i], dev);
		if (!dev || m->devices[i] == dev)
			seen += m->devices[i]->faults_count;
	}
	if (seen)
		return EXIT_YES;
	return readable ? EXIT_NO : EXIT_UNTOLD;
}
