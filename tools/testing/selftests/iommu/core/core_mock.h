/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * iommufd's mock IOMMU (CONFIG_IOMMUFD_TEST): devices that exist while the iommufd they
 * were made with does. Functions return 0 or a negative errno, as those of core_lib.h.
 */
#ifndef CORE_MOCK_H
#define CORE_MOCK_H

#include <stdbool.h>
#include <linux/types.h>

#include <linux/iommufd.h>
#include <iommufd_test.h>

/* What mock_add() takes beside the flags of iommufd_test.h */
#define MOCK_GROUP(number)	((number) << MOCK_FLAGS_DEVICE_GROUP_SHIFT)
/* The device itself, where a PASID is asked for */
#define NO_PASID		0

struct mock {
	__u32 stdev;	/* owns the device: destroy it and the device is gone */
	__u32 idev;	/* the bound device */
	__u32 hwpt;	/* what it was attached to when it came */
};

/* Can the mock be used here? It cannot be found where the machine has an IOMMU. */
bool mock_usable(void);
/* A new device, attached to @pt, which is an IOAS or a HWPT */
int mock_add(int iommufd, __u32 pt, __u32 flags, struct mock *mock);
/* Attach and replace give back the HWPT in @pt. */
int mock_attach(int iommufd, const struct mock *mock, __u32 pasid, __u32 *pt);
int mock_replace(int iommufd, const struct mock *mock, __u32 pasid, __u32 *pt);
int mock_detach(int iommufd, const struct mock *mock, __u32 pasid);
/* -EINVAL unless core and driver have @hwpt there; 0: nothing */
int mock_check(int iommufd, const struct mock *mock, __u32 pasid, __u32 hwpt);
/* The device asks for a page at @addr, which its HWPT's fault queue then reports. */
int mock_page_request(int iommufd, const struct mock *mock, __u32 pasid, __u32 group,
		      __u64 addr);
int mock_max_pasid_log2(int iommufd, const struct mock *mock);

/* A HWPT of @mock for @pt; nested with a fault queue if @fault is not 0 */
int mock_hwpt(int iommufd, const struct mock *mock, __u32 pt, __u32 flags, __u32 *hwpt);
int mock_nested(int iommufd, const struct mock *mock, __u32 parent, __u32 flags, __u32 fault,
		__u32 *hwpt);
int fault_queue(int iommufd, __u32 *id, int *fd);

#endif
