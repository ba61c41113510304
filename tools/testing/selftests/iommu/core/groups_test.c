// SPDX-License-Identifier: GPL-2.0-only
/*
 * What user space sees of IOMMU groups in sysfs: the links between devices and groups
 * in both directions, the files of a group and the form of what they say, and which
 * devices of the test machine share a group.
 */
#include <glob.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "core_lib.h"
#include "core_test.h"

FIXTURE(groups)
{
	glob_t found;
};

FIXTURE_SETUP(groups)
{
	if (glob("/sys/kernel/iommu_groups/*", 0, NULL, &self->found))
		SKIP(return, "no IOMMU group in this machine");
}

FIXTURE_TEARDOWN(groups)
{
	globfree(&self->found);
}

/* A group lists a device exactly if the device's link names the group. */
TEST_F(groups, links_lead_both_ways)
{
	char forth[PATH_MAX], back[PATH_MAX], device[PATH_MAX];
	glob_t members;
	size_t i, j;

	for (i = 0; i < self->found.gl_pathc; i++) {
		snprintf(device, sizeof(device), "%s/devices/*", self->found.gl_pathv[i]);
		ASSERT_EQ(0, glob(device, 0, NULL, &members))
			TH_LOG("%s has no members", self->found.gl_pathv[i]);
		for (j = 0; j < members.gl_pathc; j++) {
			snprintf(device, sizeof(device), "%s/iommu_group", members.gl_pathv[j]);
			ASSERT_TRUE(realpath(device, back));
			ASSERT_TRUE(realpath(self->found.gl_pathv[i], forth));
			EXPECT_STREQ(forth, back);
		}
		globfree(&members);
	}
}

TEST_F(groups, every_grouped_pci_device_is_a_member)
{
	char path[PATH_MAX], link[PATH_MAX], *device;
	glob_t devices;
	size_t i;

	ASSERT_EQ(0, glob("/sys/bus/pci/devices/*/iommu_group", 0, NULL, &devices));
	for (i = 0; i < devices.gl_pathc; i++) {
		ASSERT_TRUE(realpath(devices.gl_pathv[i], link));
		*strrchr(devices.gl_pathv[i], '/') = 0;
		device = strrchr(devices.gl_pathv[i], '/') + 1;
		snprintf(path, sizeof(path), "%.2048s/devices/%.64s", link, device);
		EXPECT_TRUE(path_exists(path))
			TH_LOG("%s is missing", path);
	}
	globfree(&devices);
}

TEST_F(groups, no_device_in_two_groups)
{
	struct pci_list seen = {}, members;
	size_t i;
	int j, k;

	for (i = 0; i < self->found.gl_pathc; i++) {
		int group = atoi(strrchr(self->found.gl_pathv[i], '/') + 1);

		ASSERT_EQ(0, group_members(group, &members));
		for (j = 0; j < members.count; j++) {
			for (k = 0; k < seen.count; k++)
				EXPECT_STRNE(seen.bdf[k], members.bdf[j]);
			ASSERT_LT(seen.count, MAX_DEVICES);
			memcpy(seen.bdf[seen.count++], members.bdf[j], BDF_LEN);
		}
	}
}

TEST_F(groups, type_is_a_known_word)
{
	static const char * const words[] = {
		"blocked", "identity", "unmanaged", "DMA", "DMA-FQ", "unknown",
	};
	char path[PATH_MAX], type[64];
	size_t i, j;

	for (i = 0; i < self->found.gl_pathc; i++) {
		snprintf(path, sizeof(path), "%s/type", self->found.gl_pathv[i]);
		ASSERT_EQ(0, sysfs_read(path, type, sizeof(type)));
		for (j = 0; j < ARRAY_SIZE(words); j++)
			if (!strcmp(type, words[j]))
				break;
		EXPECT_LT(j, ARRAY_SIZE(words))
			TH_LOG("%s says %s", path, type);
	}
}

static bool known_region(const char *kind)
{
	return !strcmp(kind, "direct") || !strcmp(kind, "direct-relaxable") ||
	       !strcmp(kind, "reserved") || !strcmp(kind, "msi");
}

/* "START END KIND" per line, by rising start */
TEST_F(groups, reserved_regions_are_well_formed_and_sorted)
{
	char path[PATH_MAX], text[4096], kind[32], *line, *rest;
	unsigned long long start, end, last;
	int fields;
	size_t i;

	for (i = 0; i < self->found.gl_pathc; i++) {
		snprintf(path, sizeof(path), "%s/reserved_regions", self->found.gl_pathv[i]);
		ASSERT_EQ(0, sysfs_read(path, text, sizeof(text)));
		last = 0;
		for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
			fields = sscanf(line, "0x%16llx 0x%16llx %31s", &start, &end, kind);
			ASSERT_EQ(3, fields)
				TH_LOG("%s: %s", path, line);
			EXPECT_LE(start, end);
			EXPECT_LE(last, start);
			EXPECT_TRUE(known_region(kind))
				TH_LOG("%s: %s", path, line);
			last = start;
		}
	}
}

/* Two functions of one slot that can reach each other unseen have to be one group. */
TEST_F(groups, functions_of_a_slot_share_a_group)
{
	char first[BDF_LEN], second[BDF_LEN];
	struct pci_list members;

	if (edu_find_pair(first, second))
		SKIP(return, "no two edu functions in one slot");
	ASSERT_EQ(0, group_members(pci_group(first), &members));
	EXPECT_EQ(2, members.count);
}

/* A port with access control separates what is below it from the rest. */
TEST_F(groups, device_behind_a_port_is_alone)
{
	char bdf[BDF_LEN];
	struct pci_list members;

	if (edu_find_single(0, bdf))
		SKIP(return, "no edu device with a group of its own");
	ASSERT_EQ(0, group_members(pci_group(bdf), &members));
	ASSERT_EQ(1, members.count);
	EXPECT_STREQ(bdf, members.bdf[0]);
}

TEST_F(groups, iommu_and_its_devices_are_linked)
{
	char path[PATH_MAX], up[PATH_MAX], iommu[PATH_MAX];
	glob_t links;
	size_t i;

	if (glob("/sys/class/iommu/*/devices/*", 0, NULL, &links))
		SKIP(return, "the IOMMU's driver makes no links");
	for (i = 0; i < links.gl_pathc; i++) {
		snprintf(path, sizeof(path), "%s/iommu", links.gl_pathv[i]);
		ASSERT_TRUE(realpath(path, up));
		/* the link's own folder, not its target's */
		*strstr(links.gl_pathv[i], "/devices/") = 0;
		ASSERT_TRUE(realpath(links.gl_pathv[i], iommu));
		EXPECT_STREQ(iommu, up);
	}
	globfree(&links);
}

TEST_HARNESS_MAIN
