// SPDX-License-Identifier: GPL-2.0-only
/*
 * PASIDs of a device by the kernel's own calls, for programs on kernels whose VFIO does
 * not attach any. A change is what such a kernel can do: detach the one domain, attach
 * the other. /sys/kernel/debug/lab_pasid takes, one in each write:
 *
 *   device BDF       the PCI device that is meant from now on
 *   take 0 SLOT      remember the domain that the device is attached to, as SLOT 0 or 1
 *   attach PASID SLOT   detach what this file attached before, attach that domain
 *
 * The domains are the user's (an iommufd's): the file must be closed before they end.
 * Closing it detaches.
 */
#include <linux/debugfs.h>
#include <linux/fs.h>
#include <linux/iommu.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#define SLOTS	2

struct lab_pasid {
	struct mutex lock;	/* all of it */
	struct device *dev;
	struct iommu_domain *domain[SLOTS];
	struct iommu_domain *attached;
	ioasid_t pasid;		/* where it is attached */
};

static void lab_pasid_detach(struct lab_pasid *lab)
{
	if (lab->attached)
		iommu_detach_device_pasid(lab->attached, lab->dev, lab->pasid);
	lab->attached = NULL;
}

static int lab_pasid_device(struct lab_pasid *lab, const char *name)
{
	struct device *dev;

	if (lab->dev)
		return -EBUSY;
	dev = bus_find_device_by_name(&pci_bus_type, NULL, name);
	if (!dev)
		return -ENODEV;
	lab->dev = dev;
	return 0;
}

static int lab_pasid_take(struct lab_pasid *lab, unsigned int slot)
{
	lab->domain[slot] = iommu_get_domain_for_dev(lab->dev);
	return lab->domain[slot] ? 0 : -ENOENT;
}

static int lab_pasid_attach(struct lab_pasid *lab, ioasid_t pasid, unsigned int slot)
{
	int ret;

	if (!lab->domain[slot])
		return -ENOENT;
	lab_pasid_detach(lab);
	ret = iommu_attach_device_pasid(lab->domain[slot], lab->dev, pasid, NULL);
	if (ret)
		return ret;
	lab->attached = lab->domain[slot];
	lab->pasid = pasid;
	return 0;
}

static int lab_pasid_do(struct lab_pasid *lab, char *text)
{
	char word[32];
	unsigned int pasid, slot;

	if (sscanf(text, "device %31s", word) == 1)
		return lab_pasid_device(lab, word);
	if (sscanf(text, "%31s %u %u", word, &pasid, &slot) != 3 || slot >= SLOTS || !lab->dev)
		return -EINVAL;
	if (!strcmp(word, "take"))
		return lab_pasid_take(lab, slot);
	if (!strcmp(word, "attach"))
		return lab_pasid_attach(lab, pasid, slot);
	return -EINVAL;
}

static ssize_t lab_pasid_write(struct file *file, const char __user *from, size_t count,
			       loff_t *pos)
{
	struct lab_pasid *lab = file->private_data;
	char *text;
	int ret;

	if (count > 64)
		return -EINVAL;
	text = memdup_user_nul(from, count);
	if (IS_ERR(text))
		return PTR_ERR(text);
	mutex_lock(&lab->lock);
	ret = lab_pasid_do(lab, text);
	mutex_unlock(&lab->lock);
	kfree(text);
	return ret ?: count;
}

static int lab_pasid_open(struct inode *inode, struct file *file)
{
	struct lab_pasid *lab = kzalloc(sizeof(*lab), GFP_KERNEL);

	if (!lab)
		return -ENOMEM;
	mutex_init(&lab->lock);
	file->private_data = lab;
	return 0;
}

static int lab_pasid_release(struct inode *inode, struct file *file)
{
	struct lab_pasid *lab = file->private_data;

	lab_pasid_detach(lab);
	put_device(lab->dev);
	kfree(lab);
	return 0;
}

static const struct file_operations lab_pasid_fops = {
	.owner = THIS_MODULE,
	.open = lab_pasid_open,
	.write = lab_pasid_write,
	.release = lab_pasid_release,
};

static struct dentry *lab_pasid_file;

static int __init lab_pasid_init(void)
{
	lab_pasid_file = debugfs_create_file("lab_pasid", 0200, NULL, NULL, &lab_pasid_fops);
	return 0;
}

static void __exit lab_pasid_exit(void)
{
	debugfs_remove(lab_pasid_file);
}

module_init(lab_pasid_init);
module_exit(lab_pasid_exit);

MODULE_DESCRIPTION("PASIDs detached and attached for programs of the lab");
MODULE_LICENSE("GPL");
