// SPDX-License-Identifier: GPL-2.0-only
/*
 * What configuration space says of a PCI device.
 *
 * Without root the kernel gives the first 64 bytes only; what lies behind them
 * stays untold then. The kernel's own judgement of ACS knows quirks of devices
 * that isolate without saying so; configuration space does not.
 */
#include <stdio.h>
#include <string.h>

#include "iommuctl.h"

#define CFG_SIZE		4096
#define CFG_STATUS		0x06
#define CFG_HEADER_TYPE		0x0e
#define CFG_CAPABILITIES	0x34
#define CAP_EXPRESS		0x10
#define EXT_ACS			0x000d
#define EXT_ATS			0x000f
#define EXT_PASID		0x001b

#define ACS_SV	0x01
#define ACS_RR	0x04
#define ACS_CR	0x08
#define ACS_UF	0x10

enum {
	PORT_ENDPOINT = 0x0,
	PORT_LEGACY = 0x1,
	PORT_ROOT = 0x4,
	PORT_UPSTREAM = 0x5,
	PORT_DOWNSTREAM = 0x6,
	PORT_TO_PCI = 0x7,
	PORT_FROM_PCI = 0x8,
	PORT_RC_ENDPOINT = 0x9,
};

static uint16_t get16(const uint8_t *cfg, size_t at)
{
	return cfg[at] | cfg[at + 1] << 8;
}

static uint32_t get32(const uint8_t *cfg, size_t at)
{
	return get16(cfg, at) | (uint32_t)get16(cfg, at + 2) << 16;
}

/* Lists that lead in a circle end after as many steps as there is room for. */
static size_t find_cap(const uint8_t *cfg, size_t size, unsigned int id)
{
	size_t at, steps = 48;

	if (!(cfg[CFG_STATUS] & 0x10))
		return 0;
	at = cfg[CFG_CAPABILITIES] & ~3;
	while (at >= 0x40 && at + 4 <= size && steps--) {
		if (cfg[at] == id)
			return at;
		at = cfg[at + 1] & ~3;
	}
	return 0;
}

static size_t find_ext(const uint8_t *cfg, size_t size, unsigned int id)
{
	size_t at = 0x100, steps = 960;

	while (at >= 0x100 && at + 8 <= size && steps--) {
		uint32_t head = get32(cfg, at);

		if (!head || head == 0xffffffff)
			return 0;
		if ((head & 0xffff) == id)
			return at;
		at = head >> 20 & ~3;
	}
	return 0;
}

static void read_extended(struct pci_info *pci, const uint8_t *cfg,
			  size_t size)
{
	size_t at = find_ext(cfg, size, EXT_ACS);

	if (at) {
		pci->has_acs = true;
		pci->acs_cap = get16(cfg, at + 4);
		pci->acs_ctrl = get16(cfg, at + 6);
	}
	at = find_ext(cfg, size, EXT_ATS);
	if (at) {
		pci->has_ats = true;
		pci->ats_on = get16(cfg, at + 6) & 0x8000;
	}
	at = find_ext(cfg, size, EXT_PASID);
	if (at) {
		pci->has_pasid = true;
		pci->pasid_width = get16(cfg, at + 4) >> 8 & 0x1f;
		pci->pasid_on = get16(cfg, at + 6) & 1;
	}
}

static const struct pci_info *read_info(struct device *dev)
{
	uint8_t cfg[CFG_SIZE] = {};
	const char *function;
	struct pci_info *pci;
	ssize_t size;
	size_t at;

	size = root_bytes(mem_printf("%s/config", dev->path), cfg, sizeof(cfg));
	/* A device that has gone reads as ones. */
	if (size < 64 || get32(cfg, 0) == 0xffffffff)
		return NULL;
	pci = mem_alloc(sizeof(*pci));
	pci->bridge = (cfg[CFG_HEADER_TYPE] & 0x7f) == 1;
	/* Only the first function has to have the bit. */
	function = strrchr(dev->name, '.');
	pci->multifunction = cfg[CFG_HEADER_TYPE] & 0x80 ||
			     (function && !text_is(function, ".0"));
	/* Only root gets more than the header. */
	if (size < 256)
		return pci;
	at = find_cap(cfg, size, CAP_EXPRESS);
	if (at) {
		pci->express = true;
		pci->port_type = get16(cfg, at + 2) >> 4 & 0xf;
	}
	pci->extended = size == CFG_SIZE || !pci->express;
	read_extended(pci, cfg, size);
	return pci;
}

/* NULL: no PCI device, or nothing can be read of it. */
const struct pci_info *device_pci(struct device *dev)
{
	if (!dev->pci_read && text_is(dev->bus, "pci"))
		dev->pci = read_info(dev);
	dev->pci_read = true;
	return dev->pci;
}

const char *pci_kind(const struct pci_info *pci)
{
	if (!pci->extended)
		return pci->bridge ? "bridge" : "function";
	if (!pci->express)
		return pci->bridge ? "conventional bridge" :
				     "conventional function";
	switch (pci->port_type) {
	case PORT_ENDPOINT:
	case PORT_LEGACY:
		return "endpoint";
	case PORT_ROOT:
		return "root port";
	case PORT_UPSTREAM:
		return "upstream port";
	case PORT_DOWNSTREAM:
		return "downstream port";
	case PORT_TO_PCI:
		return "bridge to PCI";
	case PORT_FROM_PCI:
		return "bridge from PCI";
	case PORT_RC_ENDPOINT:
		return "integrated endpoint";
	default:
		return pci->bridge ? "bridge" : "function";
	}
}

/*
 * Does it keep its neighbours apart? Services that a function does not have to
 * implement, because the traffic they are about does not exist there, count as
 * given: a function without peers of its own, for one.
 */
enum tri pci_isolates(const struct pci_info *pci)
{
	uint16_t wanted = ACS_SV | ACS_RR | ACS_CR | ACS_UF;

	if (!pci || !pci->extended)
		return UNTOLD;
	if (!pci->express)
		return NO;
	if (pci->port_type == PORT_TO_PCI || pci->port_type == PORT_FROM_PCI)
		return NO;
	if (pci->port_type == PORT_UPSTREAM)
		return YES;
	if (!pci->bridge && !pci->multifunction)
		return YES;
	if (!pci->has_acs)
		return NO;
	/* Only ports have to have all; a function the ones it implements. */
	if (!pci->bridge)
		wanted &= pci->acs_cap;
	return (pci->acs_ctrl & wanted) == wanted ? YES : NO;
}

/* The services that are on with "+", those that are there but off with "-". */
char *pci_acs_text(const struct pci_info *pci)
{
	static const char * const names[] = {
		"SV", "TB", "RR", "CR", "UF", "EC", "DT",
	};
	char *text = NULL;
	size_t i;

	if (!pci || !pci->extended)
		return NULL;
	if (!pci->has_acs)
		return mem_text("none");
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		if (!(pci->acs_cap & 1 << i))
			continue;
		text = mem_printf("%s%s%s%s", text ? text : "",
				  text ? " " : "", names[i],
				  pci->acs_ctrl & 1 << i ? "+" : "-");
	}
	return text ? text : mem_text("none");
}

/* "on", "off" (the device could, but it is off), "none"; NULL: not told */
char *device_ats(struct device *dev)
{
	const struct pci_info *pci = device_pci(dev);

	if (!pci || !pci->extended)
		return NULL;
	return mem_text(!pci->has_ats ? "none" : pci->ats_on ? "on" : "off");
}

char *device_pasid(struct device *dev)
{
	const struct pci_info *pci = device_pci(dev);

	if (!pci || !pci->extended)
		return NULL;
	return mem_text(!pci->has_pasid ? "none" : pci->pasid_on ? "on" :
								   "off");
}

static const struct {
	unsigned int class;	/* base and subclass; 0xff: of no other */
	const char *word;
} class_words[] = {
	{ 0x0101, "IDE" }, { 0x0104, "RAID" }, { 0x0106, "SATA" },
	{ 0x0107, "SAS" }, { 0x0108, "NVMe" }, { 0x01ff, "storage" },
	{ 0x0200, "ethernet" }, { 0x0207, "infiniband" },
	{ 0x0280, "network" }, { 0x02ff, "network" },
	{ 0x0300, "VGA" }, { 0x0302, "3D" }, { 0x03ff, "display" },
	{ 0x0403, "audio" }, { 0x04ff, "multimedia" },
	{ 0x0500, "RAM" }, { 0x0502, "CXL" }, { 0x05ff, "memory" },
	{ 0x0600, "host-bridge" }, { 0x0601, "ISA-bridge" },
	{ 0x0604, "PCI-bridge" }, { 0x06ff, "bridge" },
	{ 0x0700, "serial" }, { 0x07ff, "communication" },
	{ 0x0806, "IOMMU" }, { 0x08ff, "system" },
	{ 0x09ff, "input" }, { 0x0bff, "processor" },
	{ 0x0c03, "USB" }, { 0x0c05, "SMBus" }, { 0x0cff, "serial-bus" },
	{ 0x0dff, "wireless" }, { 0x10ff, "crypto" },
	{ 0x11ff, "signal" }, { 0x12ff, "accelerator" },
	{ 0x0001, "VGA" },
};

/* Of class, subclass and interface as in sysfs. */
const char *pci_class_word(unsigned long class)
{
	unsigned int own = class >> 8 & 0xffff;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(class_words); i++) {
		unsigned int c = class_words[i].class;

		if (c == own || ((c & 0xff) == 0xff && c >> 8 == own >> 8))
			return class_words[i].word;
	}
	return "other";
}
