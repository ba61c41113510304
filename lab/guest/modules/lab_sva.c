// SPDX-License-Identifier: GPL-2.0-only
/*
 * A driver for the lab's device with PASIDs that does what those of accelerators do: a
 * process gets the device's registers, and a PASID that stands for its own addresses.
 * It takes a device only where "driver_override" says so. /dev/lab_sva:
 *
 *   write "bind"   bind the device to the writer's address space, once for each open file
 *   read           the PASID, in decimal
 *   mmap           the first page of BAR 0
 *   close          of the last copy undoes the bind, whoever has exited meanwhile
 */
#include <linux/fs.h>
#include <linux/iommu.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

struct lab_sva {
	struct mutex lock;	/* the bond */
	struct iommu_sva *bond;
};

/* There is one such device; files keep the module, and so the driver, in place. */
static struct pci_dev *lab_sva_dev;

static int lab_sva_open(struct inode *inode, struct file *file)
{
	struct lab_sva *lab = kzalloc(sizeof(*lab), GFP_KERNEL);

	if (!lab)
		return -ENOMEM;
	mutex_init(&lab->lock);
	file->private_data = lab;
	return 0;
}

static ssize_t lab_sva_write(struct file *file, const char __user *from, size_t count,
			     loff_t *pos)
{
	struct lab_sva *lab = file->private_data;
	struct iommu_sva *bond;
	char text[4];

	if (count != sizeof(text))
		return -EINVAL;
	if (copy_from_user(text, from, sizeof(text)))
		return -EFAULT;
	if (memcmp(text, "bind", sizeof(text)) || !current->mm)
		return -EINVAL;

	guard(mutex)(&lab->lock);
	if (lab->bond)
		return -EBUSY;
	bond = iommu_sva_bind_device(&lab_sva_dev->dev, current->mm);
	if (IS_ERR(bond))
		return PTR_ERR(bond);
	lab->bond = bond;
	return count;
}

static ssize_t lab_sva_read(struct file *file, char __user *to, size_t count, loff_t *pos)
{
	struct lab_sva *lab = file->private_data;
	char text[16];
	int len;

	guard(mutex)(&lab->lock);
	if (!lab->bond)
		return -ENOENT;
	len = snprintf(text, sizeof(text), "%u\n", iommu_sva_get_pasid(lab->bond));
	return simple_read_from_buffer(to, count, pos, text, len);
}

static int lab_sva_mmap(struct file *file, struct vm_area_struct *vma)
{
	vma->vm_page_prot = pgprot_noncached(vma->vm_page_prot);
	return vm_iomap_memory(vma, pci_resource_start(lab_sva_dev, 0), PAGE_SIZE);
}

static int lab_sva_release(struct inode *inode, struct file *file)
{
	struct lab_sva *lab = file->private_data;

	if (lab->bond)
		iommu_sva_unbind_device(lab->bond);
	kfree(lab);
	return 0;
}

static const struct file_operations lab_sva_fops = {
	.owner = THIS_MODULE,
	.open = lab_sva_open,
	.write = lab_sva_write,
	.read = lab_sva_read,
	.mmap = lab_sva_mmap,
	.release = lab_sva_release,
};

static struct miscdevice lab_sva_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "lab_sva",
	.fops = &lab_sva_fops,
};

static int lab_sva_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	int ret;

	if (lab_sva_dev)
		return -EBUSY;
	ret = pcim_enable_device(pdev);
	if (ret)
		return ret;
	ret = iommu_dev_enable_feature(&pdev->dev, IOMMU_DEV_FEAT_SVA);
	if (ret)
		return ret;
	lab_sva_dev = pdev;
	ret = misc_register(&lab_sva_misc);
	if (ret) {
		lab_sva_dev = NULL;
		iommu_dev_disable_feature(&pdev->dev, IOMMU_DEV_FEAT_SVA);
		return ret;
	}
	pci_set_master(pdev);
	return 0;
}

/* The tests close their files before. */
static void lab_sva_remove(struct pci_dev *pdev)
{
	pci_clear_master(pdev);
	misc_deregister(&lab_sva_misc);
	iommu_dev_disable_feature(&pdev->dev, IOMMU_DEV_FEAT_SVA);
	lab_sva_dev = NULL;
}

static struct pci_driver lab_sva_driver = {
	.name = "lab_sva",
	.probe = lab_sva_probe,
	.remove = lab_sva_remove,
};
module_pci_driver(lab_sva_driver);

MODULE_DESCRIPTION("Shares the addresses of processes with the lab's device");
MODULE_LICENSE("GPL");
