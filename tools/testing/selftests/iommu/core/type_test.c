// SPDX-License-Identifier: GPL-2.0-only
/*
 * The file `type` of a group: every change that is allowed, what each refusal returns,
 * and that DMA works under every type. Needs an edu device in a group of its own and
 * the lab's driver for it.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core_lib.h"
#include "core_test.h"

FIXTURE(type)
{
	char bdf[BDF_LEN];
	char before[32];
	int group;
	struct claim claim;
};

FIXTURE_SETUP(type)
{
	self->claim = NO_CLAIM;
	if (edu_find_single(0, self->bdf))
		SKIP(return, "no edu device in a group of its own");
	self->group = pci_group(self->bdf);
	ASSERT_EQ(0, group_type(self->group, self->before, sizeof(self->before)));
	ASSERT_EQ(0, pci_bind(self->bdf, EDU_DRIVER));
	ASSERT_EQ(0, pci_unbind(self->bdf));
}

FIXTURE_TEARDOWN(type)
{
	char name[64];

	claim_drop(&self->claim);
	if (!pci_driver(self->bdf, name, sizeof(name)))
		pci_unbind(self->bdf);
	EXPECT_EQ(0, group_set_type(self->group, self->before));
	EXPECT_EQ(0, pci_bind(self->bdf, EDU_DRIVER));
	EXPECT_EQ(0, edu_kernel_dma(self->bdf, 512));
}

#define EXPECT_TYPE(word) do {							\
	char now[32];								\
	ASSERT_EQ(0, group_type(self->group, now, sizeof(now)));		\
	EXPECT_STREQ(word, now);						\
} while (0)

TEST_F(type, unknown_word_is_einval_and_changes_nothing)
{
	EXPECT_EQ(-EINVAL, group_set_type(self->group, "dma"));
	EXPECT_EQ(-EINVAL, group_set_type(self->group, "blocked"));
	EXPECT_EQ(-EINVAL, group_set_type(self->group, "unmanaged"));
	EXPECT_EQ(-EINVAL, group_set_type(self->group, "DMA DMA"));
	EXPECT_TYPE(self->before);
}

TEST_F(type, trailing_newline_is_accepted)
{
	EXPECT_EQ(0, group_set_type(self->group, "DMA\n"));
	EXPECT_TYPE("DMA");
}

/* Every type to every other, without a driver; DMA checked under each. */
TEST_F(type, every_change_without_driver_succeeds)
{
	static const char * const words[] = {
		"identity", "DMA", "DMA-FQ", "identity", "DMA-FQ", "DMA", "identity",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(words); i++) {
		ASSERT_EQ(0, group_set_type(self->group, words[i]))
			TH_LOG("to %s", words[i]);
		EXPECT_TYPE(words[i]);
		ASSERT_EQ(0, pci_bind(self->bdf, EDU_DRIVER));
		EXPECT_EQ(0, edu_kernel_dma(self->bdf, EDU_MAX_DMA));
		ASSERT_EQ(0, pci_unbind(self->bdf));
	}
}

TEST_F(type, change_is_a_trace_event)
{
	char event[96];

	ASSERT_EQ(0, group_set_type(self->group, "DMA"));
	if (trace_start() == -ENOENT)
		SKIP(return, "this kernel's core has no trace events");
	EXPECT_EQ(0, group_set_type(self->group, "identity"));
	trace_stop();
	snprintf(event, sizeof(event), "iommu_default_domain: group=%d from=DMA to=", self->group);
	EXPECT_TRUE(trace_has(event))
		TH_LOG("no event '%s'", event);
}

TEST_F(type, same_type_again_succeeds)
{
	EXPECT_EQ(0, group_set_type(self->group, "DMA"));
	EXPECT_EQ(0, group_set_type(self->group, "DMA"));
	EXPECT_TYPE("DMA");
	EXPECT_EQ(0, group_set_type(self->group, "identity"));
	EXPECT_EQ(0, group_set_type(self->group, "identity"));
	EXPECT_TYPE("identity");
}

/* `auto` goes back to what the machine was started with */
TEST_F(type, auto_restores_the_first_type)
{
	EXPECT_EQ(0, group_set_type(self->group, "identity"));
	EXPECT_EQ(0, group_set_type(self->group, "auto"));
	EXPECT_TYPE(self->before);
}

/* Only strict to lazy may be changed under a driver: the address space stays. */
TEST_F(type, bound_driver_allows_only_dma_to_dma_fq)
{
	ASSERT_EQ(0, group_set_type(self->group, "DMA"));
	ASSERT_EQ(0, pci_bind(self->bdf, EDU_DRIVER));
	EXPECT_EQ(-EPERM, group_set_type(self->group, "identity"));
	EXPECT_EQ(-EPERM, group_set_type(self->group, "auto"));
	EXPECT_EQ(-EPERM, group_set_type(self->group, "DMA"));
	EXPECT_TYPE("DMA");
	EXPECT_EQ(0, edu_kernel_dma(self->bdf, 512));
	EXPECT_EQ(0, group_set_type(self->group, "DMA-FQ"));
	EXPECT_TYPE("DMA-FQ");
	EXPECT_EQ(0, edu_kernel_dma(self->bdf, 512));
	EXPECT_EQ(-EPERM, group_set_type(self->group, "DMA"));
	EXPECT_EQ(-EPERM, group_set_type(self->group, "identity"));
	EXPECT_TYPE("DMA-FQ");
}

TEST_F(type, bound_driver_is_eperm_from_identity)
{
	ASSERT_EQ(0, group_set_type(self->group, "identity"));
	ASSERT_EQ(0, pci_bind(self->bdf, EDU_DRIVER));
	EXPECT_EQ(-EPERM, group_set_type(self->group, "DMA"));
	EXPECT_EQ(-EPERM, group_set_type(self->group, "DMA-FQ"));
	EXPECT_EQ(-EINVAL, group_set_type(self->group, "nonsense"));
	EXPECT_TYPE("identity");
	EXPECT_EQ(0, edu_kernel_dma(self->bdf, 512));
}

/* A user's claim counts like a driver; the file goes on telling the default type. */
TEST_F(type, claimed_group_is_eperm_and_still_tells_its_type)
{
	ASSERT_EQ(0, group_set_type(self->group, "identity"));
	ASSERT_EQ(0, pci_bind(self->bdf, "vfio-pci"));
	ASSERT_EQ(0, claim_take(&self->claim, BY_CDEV, self->bdf));
	EXPECT_TYPE("identity");
	EXPECT_EQ(-EPERM, group_set_type(self->group, "DMA"));
	EXPECT_EQ(-EPERM, group_set_type(self->group, "auto"));
	claim_drop(&self->claim);
	EXPECT_EQ(0, group_set_type(self->group, "DMA"));
	EXPECT_TYPE("DMA");
}

/* vfio-pci alone, with nobody behind it, does not hold the group. */
TEST_F(type, idle_vfio_driver_does_not_refuse)
{
	ASSERT_EQ(0, pci_bind(self->bdf, "vfio-pci"));
	EXPECT_EQ(0, group_set_type(self->group, "identity"));
	EXPECT_EQ(0, group_set_type(self->group, "DMA"));
	EXPECT_TYPE("DMA");
}

/* Write @word as a process without capability @cap; returns what the write gives. */
static int set_type_without(int group, const char *word, int cap)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];
	int status;

	if (!fork()) {
		if (syscall(SYS_capget, &header, data))
			_exit(EIO);
		data[cap / 32].effective &= ~(1u << cap % 32);
		if (syscall(SYS_capset, &header, data))
			_exit(EIO);
		_exit(-group_set_type(group, word));
	}
	wait(&status);
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -ECHILD;
}

TEST_F(type, either_missing_capability_is_eacces)
{
	EXPECT_EQ(-EACCES, set_type_without(self->group, "identity", CAP_SYS_ADMIN));
	EXPECT_EQ(-EACCES, set_type_without(self->group, "identity", CAP_SYS_RAWIO));
	/* before the word is looked at */
	EXPECT_EQ(-EACCES, set_type_without(self->group, "nonsense", CAP_SYS_RAWIO));
	EXPECT_TYPE(self->before);
	EXPECT_EQ(0, set_type_without(self->group, "DMA", CAP_CHOWN));
	EXPECT_TYPE("DMA");
}

TEST_F(type, reading_needs_no_capability)
{
	char path[96];

	if (getuid())
		SKIP(return, "not root");
	snprintf(path, sizeof(path), "/sys/kernel/iommu_groups/%d/type", self->group);
	ASSERT_EQ(0, seteuid(65534));
	EXPECT_EQ(0, access(path, R_OK));
	EXPECT_TYPE(self->before);
	ASSERT_EQ(0, seteuid(0));
}

/* One bound device is enough to hold a group of two; none holds nothing. */
TEST(type_of_two_device_group_needs_both_unbound)
{
	char first[BDF_LEN], second[BDF_LEN], before[32], now[32];
	int group;

	if (edu_find_pair(first, second))
		SKIP(return, "no two edu functions in one slot");
	group = pci_group(first);
	ASSERT_EQ(0, group_type(group, before, sizeof(before)));
	ASSERT_EQ(0, pci_bind(first, EDU_DRIVER));
	ASSERT_EQ(0, pci_bind(second, EDU_DRIVER));
	EXPECT_EQ(-EPERM, group_set_type(group, "identity"));
	ASSERT_EQ(0, pci_unbind(first));
	EXPECT_EQ(-EPERM, group_set_type(group, "identity"));
	ASSERT_EQ(0, pci_unbind(second));
	EXPECT_EQ(0, group_set_type(group, "identity"));
	ASSERT_EQ(0, group_type(group, now, sizeof(now)));
	EXPECT_STREQ("identity", now);
	ASSERT_EQ(0, pci_bind(first, EDU_DRIVER));
	ASSERT_EQ(0, pci_bind(second, EDU_DRIVER));
	EXPECT_EQ(0, edu_kernel_dma(first, 512));
	EXPECT_EQ(0, edu_kernel_dma(second, 512));
	ASSERT_EQ(0, pci_unbind(first));
	ASSERT_EQ(0, pci_unbind(second));
	EXPECT_EQ(0, group_set_type(group, before));
	EXPECT_EQ(0, pci_bind(first, EDU_DRIVER));
	EXPECT_EQ(0, pci_bind(second, EDU_DRIVER));
}

TEST_HARNESS_MAIN
