// SPDX-License-Identifier: GPL-2.0-only
/*
 * A kernel driver for the emulator's edu device, as plain as drivers come: it uses
 * the DMA API and nothing else of the IOMMU, so binding it takes the kernel's
 * ownership of the device's group (law O1), and fails while a user owns it (O3).
 *
 * Writing a number of bytes to the device's sysfs file dma_check moves a pattern
 * of that size into the device and back to another buffer, and compares:
 *
 *   write   the number of bytes on success; -EINVAL for a size the device cannot
 *           take, -EIO when the bytes differ or cannot be mapped, -ETIMEDOUT when
 *           the device does not finish
 *   read    "PASSES BYTES", the round trips that held and the bytes they moved
 */
#include <linux/device.h>
#include <linux/dma-mapping.h>
#include <linux/io.h>
#include <linux/iopoll.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/slab.h>

#define EDU_ID		0x00
#define EDU_DMA_SRC	0x80
#define EDU_DMA_DST	0x88
#define EDU_DMA_COUNT	0x90
#define EDU_DMA_CMD	0x98
#define EDU_BUFFER	0x40000

#define EDU_RUN		BIT(0)
#define EDU_OUT		BIT(1)

/* 4096 bytes or more make the emulator abort */
#define EDU_MAX_BYTES	4095

struct lab_edu {
	struct pci_dev *pdev;
	void __iomem *regs;
	struct mutex lock;	/* the one DMA engine, the buffers and the counters */
	u8 *out;
	u8 *in;
	unsigned long passes;
	unsigned long bytes;
	u8 seed;
};

static int lab_edu_run(struct lab_edu *edu, dma_addr_t src, dma_addr_t dst, u32 bytes, u32 cmd)
{
	u32 value;

	writeq(src, edu->regs + EDU_DMA_SRC);
	writeq(dst, edu->regs + EDU_DMA_DST);
	writeq(bytes, edu->regs + EDU_DMA_COUNT);
	writel(cmd | EDU_RUN, edu->regs + EDU_DMA_CMD);
	/* the device works a tenth of a second; a busy emulator takes longer */
	return readl_poll_timeout(edu->regs + EDU_DMA_CMD, value, !(value & EDU_RUN),
				  1000, 10 * USEC_PER_SEC);
}

static int lab_edu_move(struct lab_edu *edu, void *buf, u32 bytes, enum dma_data_direction dir)
{
	struct device *dev = &edu->pdev->dev;
	dma_addr_t addr = dma_map_single(dev, buf, bytes, dir);
	int ret;

	if (dma_mapping_error(dev, addr))
		return -EIO;
	if (dir == DMA_TO_DEVICE)
		ret = lab_edu_run(edu, addr, EDU_BUFFER, bytes, 0);
	else
		ret = lab_edu_run(edu, EDU_BUFFER, addr, bytes, EDU_OUT);
	dma_unmap_single(dev, addr, bytes, dir);
	return ret;
}

static int lab_edu_round_trip(struct lab_edu *edu, u32 bytes)
{
	u32 i;
	int ret;

	edu->seed++;
	for (i = 0; i < bytes; i++)
		edu->out[i] = edu->seed + i * 31 + (i >> 8);
	memset(edu->in, ~edu->out[bytes - 1], bytes);
	ret = lab_edu_move(edu, edu->out, bytes, DMA_TO_DEVICE);
	if (!ret)
		ret = lab_edu_move(edu, edu->in, bytes, DMA_FROM_DEVICE);
	if (ret)
		return ret;
	if (memcmp(edu->in, edu->out, bytes))
		return -EIO;
	edu->passes++;
	edu->bytes += bytes;
	return 0;
}

static ssize_t dma_check_store(struct device *dev, struct device_attribute *attr,
			       const char *buf, size_t count)
{
	struct lab_edu *edu = dev_get_drvdata(dev);
	u32 bytes;
	int ret;

	ret = kstrtou32(buf, 0, &bytes);
	if (ret)
		return ret;
	if (!bytes || bytes > EDU_MAX_BYTES)
		return -EINVAL;
	mutex_lock(&edu->lock);
	ret = lab_edu_round_trip(edu, bytes);
	mutex_unlock(&edu->lock);
	return ret ?: count;
}

static ssize_t dma_check_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct lab_edu *edu = dev_get_drvdata(dev);
	ssize_t len;

	mutex_lock(&edu->lock);
	len = sysfs_emit(buf, "%lu %lu\n", edu->passes, edu->bytes);
	mutex_unlock(&edu->lock);
	return len;
}
static DEVICE_ATTR_RW(dma_check);

static struct attribute *lab_edu_attrs[] = {
	&dev_attr_dma_check.attr,
	NULL
};
ATTRIBUTE_GROUPS(lab_edu);

static int lab_edu_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct device *dev = &pdev->dev;
	struct lab_edu *edu;
	int ret;

	edu = devm_kzalloc(dev, sizeof(*edu), GFP_KERNEL);
	if (!edu)
		return -ENOMEM;
	edu->pdev = pdev;
	mutex_init(&edu->lock);
	edu->out = devm_kmalloc(dev, EDU_MAX_BYTES, GFP_KERNEL);
	edu->in = devm_kmalloc(dev, EDU_MAX_BYTES, GFP_KERNEL);
	if (!edu->out || !edu->in)
		return -ENOMEM;

	ret = pcim_enable_device(pdev);
	if (ret)
		return ret;
	ret = dma_set_mask_and_coherent(dev, DMA_BIT_MASK(64));
	if (ret)
		return ret;
	ret = pcim_iomap_regions(pdev, BIT(0), KBUILD_MODNAME);
	if (ret)
		return ret;
	edu->regs = pcim_iomap_table(pdev)[0];
	if ((readl(edu->regs + EDU_ID) & 0xffff) != 0x00ed)
		return dev_err_probe(dev, -ENODEV, "no edu device behind BAR 0\n");
	pci_set_master(pdev);
	pci_set_drvdata(pdev, edu);
	return 0;
}

static void lab_edu_remove(struct pci_dev *pdev)
{
	pci_clear_master(pdev);
}

static const struct pci_device_id lab_edu_ids[] = {
	{ PCI_DEVICE(0x1234, 0x11e8) },
	{ }
};
MODULE_DEVICE_TABLE(pci, lab_edu_ids);

static struct pci_driver lab_edu_driver = {
	.name = KBUILD_MODNAME,
	.id_table = lab_edu_ids,
	.probe = lab_edu_probe,
	.remove = lab_edu_remove,
	.dev_groups = lab_edu_groups,
};
module_pci_driver(lab_edu_driver);

MODULE_DESCRIPTION("Byte-checked DMA API transfers with the emulator's edu device");
MODULE_LICENSE("GPL");
