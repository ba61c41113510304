// SPDX-License-Identifier: GPL-2.0-only
/* iommufd's mock IOMMU from user space: see core_mock.h */
#include <errno.h>
#include <glob.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "core_lib.h"
#include "core_mock.h"

#define GROUPS	"/sys/kernel/iommu_groups/*"

static int done(int ret)
{
	return ret < 0 ? -errno : ret;
}

static int test_op(int iommufd, struct iommu_test_cmd *cmd)
{
	cmd->size = sizeof(*cmd);
	return done(ioctl(iommufd, IOMMU_TEST_CMD, cmd));
}

static bool any(const char *pattern)
{
	glob_t found;

	if (glob(pattern, 0, NULL, &found))
		return false;
	globfree(&found);
	return true;
}

/* Empty groups are those of the test before; they go when their uevents are sent. */
bool mock_usable(void)
{
	int tries = 100;

	if (!path_exists("/sys/bus/iommufd_mock") || any(GROUPS "/devices/*"))
		return false;
	while (any(GROUPS) && --tries)
		usleep(20 * 1000);
	return tries;
}

int mock_add(int iommufd, __u32 pt, __u32 flags, struct mock *mock)
{
	struct iommu_test_cmd cmd = {
		.op = IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS,
		.id = pt,
		.mock_domain_flags.dev_flags = flags,
	};
	int ret = test_op(iommufd, &cmd);

	if (ret)
		return ret;
	mock->stdev = cmd.mock_domain_flags.out_stdev_id;
	mock->idev = cmd.mock_domain_flags.out_idev_id;
	mock->hwpt = cmd.mock_domain_flags.out_hwpt_id;
	return 0;
}

int mock_attach(int iommufd, const struct mock *mock, __u32 pasid, __u32 *pt)
{
	struct iommu_test_cmd cmd = {
		.op = IOMMU_TEST_OP_PASID_ATTACH,
		.id = mock->stdev,
		.pasid_attach = { .pasid = pasid, .pt_id = *pt },
	};
	int ret = test_op(iommufd, &cmd);

	if (!ret)
		*pt = cmd.pasid_attach.pt_id;
	return ret;
}

int mock_replace(int iommufd, const struct mock *mock, __u32 pasid, __u32 *pt)
{
	struct iommu_test_cmd cmd = {
		.op = IOMMU_TEST_OP_PASID_REPLACE,
		.id = mock->stdev,
		.pasid_replace = { .pasid = pasid, .pt_id = *pt },
	};
	int ret = test_op(iommufd, &cmd);

	if (!ret)
		*pt = cmd.pasid_replace.pt_id;
	return ret;
}

int mock_detach(int iommufd, const struct mock *mock, __u32 pasid)
{
	struct iommu_test_cmd cmd = {
		.op = IOMMU_TEST_OP_PASID_DETACH,
		.id = mock->stdev,
		.pasid_detach = { .pasid = pasid },
	};

	return test_op(iommufd, &cmd);
}

int mock_check(int iommufd, const struct mock *mock, __u32 pasid, __u32 hwpt)
{
	struct iommu_test_cmd cmd = {
		.op = IOMMU_TEST_OP_PASID_CHECK_HWPT,
		.id = mock->stdev,
		.pasid_check = { .pasid = pasid, .hwpt_id = hwpt },
	};

	return test_op(iommufd, &cmd);
}

int mock_page_request(int iommufd, const struct mock *mock, __u32 pasid, __u32 group,
		      __u64 addr)
{
	struct iommu_test_cmd cmd = {
		.op = IOMMU_TEST_OP_TRIGGER_IOPF,
		.trigger_iopf = {
			.dev_id = mock->idev,
			.pasid = pasid,
			.grpid = group,
			.perm = IOMMU_PGFAULT_PERM_READ,
			.addr = addr,
		},
	};

	return test_op(iommufd, &cmd);
}

int mock_max_pasid_log2(int iommufd, const struct mock *mock)
{
	struct iommu_hw_info arg = { .size = sizeof(arg), .dev_id = mock->idev };
	int ret = done(ioctl(iommufd, IOMMU_GET_HW_INFO, &arg));

	return ret ?: arg.out_max_pasid_log2;
}

static int alloc_hwpt(int iommufd, struct iommu_hwpt_alloc *arg, __u32 *hwpt)
{
	int ret;

	arg->size = sizeof(*arg);
	ret = done(ioctl(iommufd, IOMMU_HWPT_ALLOC, arg));
	if (!ret)
		*hwpt = arg->out_hwpt_id;
	return ret;
}

int mock_hwpt(int iommufd, const struct mock *mock, __u32 pt, __u32 flags, __u32 *hwpt)
{
	struct iommu_hwpt_alloc arg = {
		.flags = flags,
		.dev_id = mock->idev,
		.pt_id = pt,
	};

	return alloc_hwpt(iommufd, &arg, hwpt);
}

int mock_nested(int iommufd, const struct mock *mock, __u32 parent, __u32 flags, __u32 fault,
		__u32 *hwpt)
{
	struct iommu_hwpt_selftest data = { .iotlb = IOMMU_TEST_IOTLB_DEFAULT };
	struct iommu_hwpt_alloc arg = {
		.flags = flags | (fault ? IOMMU_HWPT_FAULT_ID_VALID : 0),
		.dev_id = mock->idev,
		.pt_id = parent,
		.data_type = IOMMU_HWPT_DATA_SELFTEST,
		.data_len = sizeof(data),
		.data_uptr = (unsigned long)&data,
		.fault_id = fault,
	};

	return alloc_hwpt(iommufd, &arg, hwpt);
}

int fault_queue(int iommufd, __u32 *id, int *fd)
{
	struct iommu_fault_alloc arg = { .size = sizeof(arg) };
	int ret = done(ioctl(iommufd, IOMMU_FAULT_QUEUE_ALLOC, &arg));

	*id = arg.out_fault_id;
	*fd = ret ? -1 : (int)arg.out_fault_fd;
	return ret;
}
