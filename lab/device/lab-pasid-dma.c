// SPDX-License-Identifier: GPL-2.0-only
/*
 * A PCIe endpoint that writes and reads memory with and without PASIDs, for QEMU 7.2 and 10.0
 * as they come: a "plugin" that does nothing but register the device's type. What the guest
 * sees is in README.md beside this file.
 */
#include "qemu/osdep.h"

#include "exec/address-spaces.h"
#include "hw/i386/intel_iommu.h"
#include "hw/pci/pci.h"
#include "hw/pci/pci_bus.h"
#include "hw/pci/pcie.h"
#include "hw/qdev-properties.h"
#include "hw/resettable.h"
#include "qapi/error.h"
#include "qemu/bitops.h"
#include "qemu/timer.h"
#include "qemu/qemu-plugin.h"

/* The phases of a reset are told its type in QEMU 10.0, and not in 7.2. */
#if QEMU_PLUGIN_VERSION >= 4
#define RESET_PARAMS	Object *obj, ResetType type
#define RESET_ARGS	obj, type
#else
#define RESET_PARAMS	Object *obj
#define RESET_ARGS	obj
#endif

#define TYPE_LAB_PASID_DMA	"lab-pasid-dma"
#define DEVICE_ID		0x11f0

#define CHANNELS	4
#define BYTES		64		/* of one request */
#define PASID_BITS	16
#define PASID_CAP	0x100		/* in the configuration space */
#define ATS_CAP		0x120
#define MIN_PERIOD	100		/* ns */

/* Registers, each a 64-bit word: the device's, then those of each channel */
#define REG_ID		0x00
#define REG_CHANNELS	0x08
#define ID		0x00000002414d4450ULL	/* "PDMA", revision 2 */

#define CHANNEL_BASE	0x100
#define CHANNEL_SIZE	0x80
enum reg {
	REG_CONTROL, REG_PASID, REG_IOVA, REG_WINDOW, REG_PERIOD, REG_LIMIT,
	REG_SEQUENCE, REG_WRITTEN, REG_FAILED, REG_REWRITTEN, REG_SEEN, REGS
};

#define CONTROL_RUN	1
#define CONTROL_PASID	2
#define CONTROL_STRICT	4
#define CONTROL_READ	8
#define CONTROL_BITS	15

/* VT-d's tables and registers, as far as they are looked at here */
#define PRESENT		1ULL
#define TABLE(entry)	((entry) & ~0xfffULL)
#define ECAP		0x10
#define ECAP_DT		4ULL		/* takes part in ATS */
#define ECAP_SMPWC	(1ULL << 48)	/* sees the processors' caches */
#define ECAP_PSS_SHIFT	35		/* bits of a PASID, less one */

typedef struct LabPasidDma LabPasidDma;

typedef struct Channel {
	LabPasidDma *dev;
	unsigned int nr;
	QEMUTimer timer;
	uint64_t reg[REGS];
} Channel;

struct LabPasidDma {
	PCIDevice pci;
	MemoryRegion bar;
	Channel channel[CHANNELS];
};

static ResettablePhases parent_phases;

static IntelIOMMUState *iommu(void)
{
	X86IOMMUState *found = x86_iommu_get_default();

	return found ? (IntelIOMMUState *)object_dynamic_cast(OBJECT(found),
							      TYPE_INTEL_IOMMU_DEVICE) : NULL;
}

/* First-level translation, which only QEMU 10.0 has */
static bool walks_processes(IntelIOMMUState *s)
{
#if QEMU_PLUGIN_VERSION >= 4
	return s->flts;
#else
	return false;
#endif
}

static uint64_t peek(uint64_t at)
{
	uint64_t value = 0;

	address_space_read(&address_space_memory, at, MEMTXATTRS_UNSPECIFIED, &value,
			   sizeof(value));
	return le64_to_cpu(value);
}

/* What translates a request is in the first 128 bits of its PASID entry. */
typedef struct Entry {
	uint64_t word[2];
} Entry;

/* The PASID entry of this request as it is in the guest's memory now; 0 if there is none */
static Entry pasid_entry(LabPasidDma *dev, IntelIOMMUState *s, uint32_t pasid)
{
	uint8_t devfn = dev->pci.devfn;
	uint64_t at = TABLE(s->root) + pci_dev_bus_num(&dev->pci) * 16 + (devfn & 0x80 ? 8 : 0);
	const Entry none = {};

	at = peek(at);
	if (!(at & PRESENT))
		return none;
	at = peek(TABLE(at) + (devfn & 0x7f) * 32);
	if (!(at & PRESENT))
		return none;
	at = peek(TABLE(at) + (pasid >> 6) * 8);
	if (!(at & PRESENT))
		return none;
	at = TABLE(at) + (pasid & 0x3f) * 64;
	return (Entry){ { peek(at), peek(at + 8) } };
}

static void forget_translations(IntelIOMMUState *s)
{
	qemu_mutex_lock(&s->iommu_lock);
	g_hash_table_remove_all(s->iotlb);
	qemu_mutex_unlock(&s->iommu_lock);
}

/* One request: what it writes is in @data, what it reads comes there. */
static bool transfer(Channel *ch, AddressSpace *as, uint64_t at, uint64_t *data)
{
	bool write = !(ch->reg[REG_CONTROL] & CONTROL_READ);

	return address_space_rw(as, at, MEMTXATTRS_UNSPECIFIED, data, BYTES, write) == MEMTX_OK;
}

static unsigned int cached_translations(IntelIOMMUState *s)
{
	unsigned int nr;

	qemu_mutex_lock(&s->iommu_lock);
	nr = g_hash_table_size(s->iotlb);
	qemu_mutex_unlock(&s->iommu_lock);
	return nr;
}

/*
 * One request in scalable mode. What is cached may be used whatever P says, until the guest
 * flushes it; but nothing is cached of an entry whose P is clear, which the emulator does
 * not always look at. Commands of the guest wait for QEMU's big lock, which this request
 * holds, so what was not cached before it and is afterwards came by it.
 *
 * Strict is as hardware may be at worst: a request fails where P is clear even though a
 * translation is cached, and what is cached of an entry is of one reading of its 128 bits.
 * The emulator reads table and domain ID one after the other; if the guest rewrites the
 * entry in between, the old translation gets the new ID, so the guest's flush of the old
 * ID leaves it.
 */
static bool transfer_scalable(Channel *ch, IntelIOMMUState *s, uint32_t pasid, AddressSpace *as,
			      uint64_t at, uint64_t *data)
{
	bool strict = ch->reg[REG_CONTROL] & CONTROL_STRICT;
	Entry before = pasid_entry(ch->dev, s, pasid), after;
	bool present = before.word[0] & PRESENT;
	unsigned int cached = cached_translations(s);
	bool ok;

	if (strict && !present)
		return false;
	ok = transfer(ch, as, at, data);
	after = pasid_entry(ch->dev, s, pasid);
	if (strict && memcmp(&before, &after, sizeof(before))) {
		ch->reg[REG_REWRITTEN]++;
		forget_translations(s);
	}
	if (!present && cached_translations(s) > cached)
		forget_translations(s);
	return ok;
}

static bool access_memory(Channel *ch, uint64_t at, uint64_t *data)
{
	PCIDevice *pci = &ch->dev->pci;
	bool with_pasid = ch->reg[REG_CONTROL] & CONTROL_PASID;
	uint32_t pasid = with_pasid ? ch->reg[REG_PASID] : 0;
	uint8_t *control = pci->config + PASID_CAP + PCI_PASID_CTRL;
	AddressSpace *as = pci_get_address_space(pci);
	IntelIOMMUState *s = iommu();

	if (with_pasid) {
		if (!(pci_get_word(control) & PCI_PASID_CTRL_ENABLE))
			return false;
		as = &vtd_find_add_as(s, pci_get_bus(pci), pci->devfn, pasid)->as;
	}
	if (s->dmar_enabled && s->root_scalable)
		return transfer_scalable(ch, s, pasid, as, at, data);
	return transfer(ch, as, at, data);
}

static void request(Channel *ch)
{
	uint64_t seq = ++ch->reg[REG_SEQUENCE];
	uint64_t slots = MAX(ch->reg[REG_WINDOW] / BYTES, 1);
	uint64_t data[BYTES / 8];
	int i;

	for (i = 0; i < BYTES / 8; i++)
		data[i] = cpu_to_le64(seq << 8 | ch->nr << 4 | i);
	if (!access_memory(ch, ch->reg[REG_IOVA] + seq % slots * BYTES, data)) {
		ch->reg[REG_FAILED]++;
		return;
	}
	ch->reg[REG_WRITTEN]++;
	if (ch->reg[REG_CONTROL] & CONTROL_READ)
		ch->reg[REG_SEEN] = le64_to_cpu(data[0]);
}

static void again(Channel *ch)
{
	timer_mod(&ch->timer, qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) +
			      MAX(ch->reg[REG_PERIOD], MIN_PERIOD));
}

static void tick(void *opaque)
{
	Channel *ch = opaque;

	/* Without bus mastering the device keeps silent. */
	if (pci_get_word(ch->dev->pci.config + PCI_COMMAND) & PCI_COMMAND_MASTER)
		request(ch);
	if (ch->reg[REG_LIMIT] && ch->reg[REG_SEQUENCE] >= ch->reg[REG_LIMIT])
		ch->reg[REG_CONTROL] &= ~CONTROL_RUN;
	else
		again(ch);
}

static void set_control(Channel *ch, uint64_t value)
{
	bool ran = ch->reg[REG_CONTROL] & CONTROL_RUN;

	ch->reg[REG_CONTROL] = value & CONTROL_BITS;
	if (!(value & CONTROL_RUN)) {
		timer_del(&ch->timer);
	} else if (!ran) {
		memset(&ch->reg[REG_SEQUENCE], 0,
		       (REGS - REG_SEQUENCE) * sizeof(ch->reg[0]));
		again(ch);
	}
}

/* The register at @at of a channel and its channel, or NULL */
static Channel *channel_at(LabPasidDma *dev, hwaddr at, enum reg *reg)
{
	unsigned int nr = (at - CHANNEL_BASE) / CHANNEL_SIZE;

	*reg = (at - CHANNEL_BASE) % CHANNEL_SIZE / 8;
	return at >= CHANNEL_BASE && nr < CHANNELS && *reg < REGS ? &dev->channel[nr] : NULL;
}

static uint64_t bar_read(void *opaque, hwaddr at, unsigned int size)
{
	unsigned int shift = at % 8 * 8;
	uint64_t value = 0;
	enum reg reg;
	Channel *ch = channel_at(opaque, at, &reg);

	if (ch)
		value = ch->reg[reg];
	else if (at / 8 == REG_ID / 8)
		value = ID;
	else if (at / 8 == REG_CHANNELS / 8)
		value = CHANNELS;
	return extract64(value, shift, size * 8);
}

static void bar_write(void *opaque, hwaddr at, uint64_t value, unsigned int size)
{
	unsigned int shift = at % 8 * 8;
	enum reg reg;
	Channel *ch = channel_at(opaque, at, &reg);

	if (!ch || reg >= REG_SEQUENCE)
		return;
	value = deposit64(ch->reg[reg], shift, size * 8, value);
	if (reg == REG_CONTROL)
		set_control(ch, value);
	else if (reg == REG_PASID)
		ch->reg[reg] = extract64(value, 0, PASID_BITS);
	else
		ch->reg[reg] = value;
}

static const MemoryRegionOps bar_ops = {
	.read = bar_read,
	.write = bar_write,
	.endianness = DEVICE_LITTLE_ENDIAN,
	.valid = { .min_access_size = 4, .max_access_size = 8 },
	.impl = { .min_access_size = 4, .max_access_size = 8 },
};

static void config_write(PCIDevice *pci, uint32_t at, uint32_t value, int len)
{
	pci_default_write_config(pci, at, value, len);
	pcie_cap_flr_write_config(pci, at, value, len);
}

/*
 * A part of the structures that is not as in the headers, or NULL: what is read through
 * them here is compared with what QEMU's own functions say, and with what they got.
 */
static const char *misplaced(PCIDevice *pci, int exp_cap)
{
	IntelIOMMUState *s = iommu();

	if (pci->config_read != pci_default_read_config || pci->config_write != config_write)
		return "PCIDevice.config_write";
	if (pci_get_long(pci->config) != (DEVICE_ID << 16 | PCI_VENDOR_ID_QEMU) ||
	    pci_default_read_config(pci, 0, 4) != pci_get_long(pci->config))
		return "PCIDevice.config";
	if (pci->exp.exp_cap != exp_cap)
		return "PCIDevice.exp";
	if (&vtd_find_add_as(s, pci_get_bus(pci), pci->devfn, PCI_NO_PASID)->as !=
	    pci_device_iommu_address_space(pci))
		return "VTDAddressSpace.as";
	if (ldq_le_p(s->csr + ECAP) != peek(Q35_HOST_BRIDGE_IOMMU_ADDR + ECAP))
		return "IntelIOMMUState.csr";
	if (s->ecap != ldq_le_p(s->csr + ECAP))
		return "IntelIOMMUState.ecap";
	return NULL;
}

static void realize(PCIDevice *pci, Error **errp)
{
	LabPasidDma *dev = (LabPasidDma *)pci;
	const char *wrong;
	unsigned int i;
	int exp_cap;

	if (!iommu()) {
		error_setg(errp, TYPE_LAB_PASID_DMA " wants an intel-iommu before it");
		return;
	}
	exp_cap = pcie_endpoint_cap_init(pci, 0x40);
	if (exp_cap < 0) {
		error_setg(errp, TYPE_LAB_PASID_DMA " found no room for its PCIe capability");
		return;
	}
	wrong = misplaced(pci, exp_cap);
	if (wrong) {
		error_setg(errp, "%s is elsewhere in this QEMU than in the headers", wrong);
		return;
	}
	pcie_cap_flr_init(pci);
	/* TLPs with a PASID carry it in a prefix: say that the device can send one. */
	pci_long_test_and_set_mask(pci->config + pci->exp.exp_cap + PCI_EXP_DEVCAP2,
				   PCI_EXP_DEVCAP2_EE_PREFIX);
	pcie_add_capability(pci, PCI_EXT_CAP_ID_PASID, 1, PASID_CAP, PCI_EXT_CAP_PASID_SIZEOF);
	pci_set_word(pci->config + PASID_CAP + PCI_PASID_CAP, PASID_BITS << 8);
	pci_set_word(pci->wmask + PASID_CAP + PCI_PASID_CTRL, PCI_PASID_CTRL_ENABLE);
	/* It caches nothing, so may be told to forget whatever it likes. */
	if (walks_processes(iommu()))
		pcie_ats_init(pci, ATS_CAP, true);

	for (i = 0; i < CHANNELS; i++) {
		dev->channel[i].dev = dev;
		dev->channel[i].nr = i;
		timer_init_ns(&dev->channel[i].timer, QEMU_CLOCK_VIRTUAL, tick,
			      &dev->channel[i]);
	}
	memory_region_init_io(&dev->bar, OBJECT(dev), &bar_ops, dev, TYPE_LAB_PASID_DMA, 4096);
	pci_register_bar(pci, 0, PCI_BASE_ADDRESS_SPACE_MEMORY, &dev->bar);
}

static void unrealize(PCIDevice *pci)
{
	LabPasidDma *dev = (LabPasidDma *)pci;
	unsigned int i;

	for (i = 0; i < CHANNELS; i++)
		timer_del(&dev->channel[i].timer);
}

static void reset_hold(RESET_PARAMS)
{
	LabPasidDma *dev = (LabPasidDma *)obj;
	unsigned int i;

	if (parent_phases.hold)
		parent_phases.hold(RESET_ARGS);
	pci_set_word(dev->pci.config + PASID_CAP + PCI_PASID_CTRL, 0);
	if (walks_processes(iommu()))
		pci_set_word(dev->pci.config + ATS_CAP + PCI_ATS_CTRL, 0);
	for (i = 0; i < CHANNELS; i++) {
		timer_del(&dev->channel[i].timer);
		memset(dev->channel[i].reg, 0, sizeof(dev->channel[i].reg));
	}
}

/*
 * The emulated IOMMU claims PASIDs of one bit, but looks them up whatever their size.
 * Where it walks the page tables of processes it also does as ATS wants, and sees the
 * processors' caches, but does not say so. Its own reset has written its registers by now.
 */
static void reset_exit(RESET_PARAMS)
{
	IntelIOMMUState *s = iommu();

	if (parent_phases.exit)
		parent_phases.exit(RESET_ARGS);
	s->ecap |= (uint64_t)(PASID_BITS - 1) << ECAP_PSS_SHIFT;
	if (walks_processes(s))
		s->ecap |= ECAP_DT | ECAP_SMPWC;
	stq_le_p(s->csr + ECAP, s->ecap);
}

static void class_init(ObjectClass *class, void *data)
{
	PCIDeviceClass *pci = PCI_DEVICE_CLASS(class);

	pci->realize = realize;
	pci->exit = unrealize;
	pci->config_write = config_write;
	pci->vendor_id = PCI_VENDOR_ID_QEMU;
	pci->device_id = DEVICE_ID;
	pci->class_id = PCI_CLASS_OTHERS;
	set_bit(DEVICE_CATEGORY_MISC, DEVICE_CLASS(class)->categories);
	resettable_class_set_parent_phases(RESETTABLE_CLASS(class), NULL, reset_hold,
					   reset_exit, &parent_phases);
}

/*
 * A property of QEMU's own types is a field at an offset that the running QEMU knows. The
 * fields used here are among these or between two of them.
 */
static const struct field {
	const char *type, *property;
	size_t offset;
} fields[] = {
	{ TYPE_PCI_DEVICE, "addr", offsetof(PCIDevice, devfn) },
	{ TYPE_PCI_DEVICE, "multifunction", offsetof(PCIDevice, cap_present) },
	{ TYPE_PCI_DEVICE, "romsize", offsetof(PCIDevice, romsize) },
	{ TYPE_PCI_DEVICE, "acpi-index", offsetof(PCIDevice, acpi_index) },
	{ TYPE_INTEL_IOMMU_DEVICE, "version", offsetof(IntelIOMMUState, version) },
	{ TYPE_INTEL_IOMMU_DEVICE, "snoop-control", offsetof(IntelIOMMUState, snoop_control) },
	{ TYPE_INTEL_IOMMU_DEVICE, "eim", offsetof(IntelIOMMUState, intr_eim) },
	{ TYPE_INTEL_IOMMU_DEVICE, "x-pasid-mode", offsetof(IntelIOMMUState, pasid) },
};

static bool same_offset(const struct field *field)
{
	ObjectProperty *found = object_class_property_find(object_class_by_name(field->type),
							   field->property);
	const Property *there = found ? found->opaque : NULL;

	if (there && there->offset == field->offset)
		return true;
	fprintf(stderr, "%s: \"%s\" of %s is not at %zu in this QEMU as in the headers, ",
		TYPE_LAB_PASID_DMA, field->property, field->type, field->offset);
	if (there)
		fprintf(stderr, "but at %td\n", there->offset);
	else
		fprintf(stderr, "it has none\n");
	return false;
}

/* The head of QEMU's struct TypeImpl, which no header has. A wrong guess is refused, too. */
struct type_head {
	const char *name;
	size_t class_size, instance_size;
};

static bool same_size(const char *type, size_t class_size, size_t instance_size)
{
	ObjectClass *class = object_class_by_name(type);
	const struct type_head *there = (const void *)class->type;

	if (there->name == object_class_get_name(class) && there->class_size == class_size &&
	    there->instance_size == instance_size)
		return true;
	fprintf(stderr, "%s: %s and its class have %zu and %zu bytes in this QEMU, ",
		TYPE_LAB_PASID_DMA, type, there->instance_size, there->class_size);
	fprintf(stderr, "%zu and %zu in the headers\n", instance_size, class_size);
	return false;
}

static bool same_layout(void)
{
	unsigned int i;

	if (!same_size(TYPE_PCI_DEVICE, sizeof(PCIDeviceClass), sizeof(PCIDevice)) ||
	    !same_size(TYPE_INTEL_IOMMU_DEVICE, sizeof(X86IOMMUClass), sizeof(IntelIOMMUState)))
		return false;
	for (i = 0; i < ARRAY_SIZE(fields); i++)
		if (!same_offset(&fields[i]))
			return false;
	return true;
}

QEMU_PLUGIN_EXPORT int qemu_plugin_version = QEMU_PLUGIN_VERSION;

QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info,
					   int argc, char **argv)
{
	static InterfaceInfo interfaces[] = {
		{ INTERFACE_PCIE_DEVICE },
		{ },
	};
	static const TypeInfo type = {
		.name = TYPE_LAB_PASID_DMA,
		.parent = TYPE_PCI_DEVICE,
		.instance_size = sizeof(LabPasidDma),
		.class_init = class_init,
		.interfaces = interfaces,
	};

	if (!same_layout())
		return -1;
	type_register_static(&type);
	return 0;
}
