// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the core tells people (law O5): the state of every group, readable in debugfs,
 * and a line in the kernel log for every refusal that names the device and who is in the
 * way. The base tells neither; there these tests skip.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core_lib.h"
#include "core_test.h"

#define STATE "/sys/kernel/debug/iommu/groups"

FIXTURE(state)
{
	char first[BDF_LEN], second[BDF_LEN];
	int group, klog;
	struct claim claim;
	char *text;		/* the block of @group, as state_read() found it */
};

static void unbind_quietly(const char *bdf)
{
	char name[64];

	if (!pci_driver(bdf, name, sizeof(name)))
		pci_unbind(bdf);
}

FIXTURE_SETUP(state)
{
	self->claim = NO_CLAIM;
	if (!path_exists(STATE))
		SKIP(return, "this kernel's core does not show its groups");
	if (edu_find_pair(self->first, self->second))
		SKIP(return, "no two edu functions in one slot");
	self->group = pci_group(self->first);
	self->text = malloc(1 << 16);
	ASSERT_TRUE(self->text);
	unbind_quietly(self->first);
	unbind_quietly(self->second);
	self->klog = klog_open();
	ASSERT_LE(0, self->klog);
}

FIXTURE_TEARDOWN(state)
{
	claim_drop(&self->claim);
	unbind_quietly(self->first);
	unbind_quietly(self->second);
	EXPECT_EQ(0, pci_bind(self->first, EDU_DRIVER));
	EXPECT_EQ(0, pci_bind(self->second, EDU_DRIVER));
	close(self->klog);
	free(self->text);
}

/* Read the block of group @number into @text; false if there is none. */
static bool state_read(int number, char *text)
{
	size_t len = 0, max = (1 << 16) - 1;
	int fd = open(STATE, O_RDONLY);
	char *line, *rest, *end = text;
	bool inside = false, found = false;
	ssize_t got;
	int id;

	if (fd < 0)
		return false;
	while ((got = read(fd, text + len, max - len)) > 0)
		len += got;
	close(fd);
	text[len] = 0;
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		if (!strncmp(line, "group ", 6)) {
			id = atoi(line + 6);
			inside = id == number;
			found |= inside;
		}
		if (!inside)
			continue;
		/* to the front: what was there has been read */
		memmove(end, line, strlen(line));
		end += strlen(line);
		*end++ = '\n';
	}
	*end = 0;
	return found;
}

#define EXPECT_STATE(words) do {						\
	const char *want = words;						\
										\
	ASSERT_TRUE(state_read(self->group, self->text));			\
	EXPECT_TRUE(strstr(self->text, want))					\
		TH_LOG("'%s' is not in:\n%s", want, self->text);		\
} while (0)

TEST_F(state, every_group_and_member_is_shown)
{
	struct pci_list members;
	glob_t groups;
	size_t i;
	int j;

	ASSERT_EQ(0, glob("/sys/kernel/iommu_groups/*", 0, NULL, &groups));
	for (i = 0; i < groups.gl_pathc; i++) {
		self->group = atoi(strrchr(groups.gl_pathv[i], '/') + 1);
		ASSERT_EQ(0, group_members(self->group, &members));
		for (j = 0; j < members.count; j++)
			EXPECT_STATE(members.bdf[j]);
	}
	globfree(&groups);
}

TEST_F(state, only_root_may_read)
{
	struct stat stat;

	ASSERT_EQ(0, lstat(STATE, &stat));
	EXPECT_EQ(0400, stat.st_mode & 0777);
}

TEST_F(state, owner_follows_drivers)
{
	EXPECT_STATE("owner: none, count 0");
	ASSERT_EQ(0, pci_bind(self->first, EDU_DRIVER));
	EXPECT_STATE("owner: kernel, count 1");
	ASSERT_EQ(0, pci_bind(self->second, EDU_DRIVER));
	EXPECT_STATE("owner: kernel, count 2");
	ASSERT_EQ(0, pci_unbind(self->first));
	EXPECT_STATE("owner: kernel, count 1");
	ASSERT_EQ(0, pci_unbind(self->second));
	EXPECT_STATE("owner: none, count 0");
}

/* The types of the group's current, default and blocking domain */
struct domains {
	char now[32], normal[32], blocking[32];
};

static bool domains_read(int group, char *text, struct domains *domains)
{
	char *line;
	int fields;

	if (!state_read(group, text))
		return false;
	line = strstr(text, "domains: ");
	if (!line)
		return false;
	fields = sscanf(line, "domains: current %31[^,], default %31[^,], blocking %31s",
			domains->now, domains->normal, domains->blocking);
	return fields == 3;
}

/*
 * Blocked on claim, translated once the user attaches, back to the default at the end.
 * A driver without blocking hardware blocks by a domain with nothing mapped: no fixed
 * word for it.
 */
TEST_F(state, owner_and_domain_follow_a_user)
{
	struct domains domains;
	int iommufd, device;
	__u32 ioas;

	ASSERT_EQ(0, pci_bind(self->first, "vfio-pci"));
	EXPECT_STATE("owner: none, count 0");
	iommufd = iommufd_open();
	device = cdev_open(self->first);
	ASSERT_EQ(0, cdev_bind(device, iommufd, NULL));
	EXPECT_STATE("owner: user, count 1");
	ASSERT_TRUE(domains_read(self->group, self->text, &domains));
	EXPECT_STREQ(domains.blocking, domains.now);
	ASSERT_EQ(0, ioas_alloc(iommufd, &ioas));
	ASSERT_EQ(0, cdev_attach(device, &ioas));
	EXPECT_STATE("owner: user, count 1");
	EXPECT_STATE("current Unmanaged");
	ASSERT_EQ(0, cdev_detach(device));
	ASSERT_TRUE(domains_read(self->group, self->text, &domains));
	EXPECT_STREQ(domains.blocking, domains.now);
	close(device);
	EXPECT_STATE("owner: none, count 0");
	ASSERT_TRUE(domains_read(self->group, self->text, &domains));
	EXPECT_STREQ(domains.normal, domains.now);
	close(iommufd);
}

/* Does the kernel log get a line about @bdf with @word in it? */
static bool is_told(int klog, const char *bdf, const char *word)
{
	const char *const words[] = { bdf, word, NULL };
	char line[512];

	return !klog_wait(klog, words, line, sizeof(line), 1000);
}

/* The kernel limits the rate of its messages: refuse again until one is due. */
#define MOST_TRIES 8

TEST_F(state, refused_driver_is_told_that_user_space_owns_the_group)
{
	int tries = 0;

	ASSERT_EQ(0, pci_bind(self->first, "vfio-pci"));
	ASSERT_EQ(0, claim_take(&self->claim, BY_CDEV, self->first));
	do {
		ASSERT_EQ(-EBUSY, pci_bind(self->second, EDU_DRIVER));
	} while (!is_told(self->klog, self->second, "user space owns it") && ++tries < MOST_TRIES);
	EXPECT_LT(tries, MOST_TRIES);
}

TEST_F(state, refused_user_is_told_the_driver_in_the_way)
{
	int tries = 0;

	ASSERT_EQ(0, pci_bind(self->first, "vfio-pci"));
	ASSERT_EQ(0, pci_bind(self->second, EDU_DRIVER));
	do {
		ASSERT_EQ(-EPERM, claim_take(&self->claim, BY_CDEV, self->first));
	} while (!is_told(self->klog, self->second, "driver " EDU_DRIVER) && ++tries < MOST_TRIES);
	EXPECT_LT(tries, MOST_TRIES);
}

TEST_F(state, second_user_is_told_of_the_first)
{
	struct claim other;
	int tries = 0;

	ASSERT_EQ(0, pci_bind(self->first, "vfio-pci"));
	ASSERT_EQ(0, pci_bind(self->second, "vfio-pci"));
	ASSERT_EQ(0, claim_take(&self->claim, BY_CDEV, self->first));
	do {
		ASSERT_EQ(-EPERM, claim_take(&other, BY_CDEV, self->second));
	} while (!is_told(self->klog, self->second, "another user") && ++tries < MOST_TRIES);
	EXPECT_LT(tries, MOST_TRIES);
}

TEST_HARNESS_MAIN
