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

/* How this process is named as an owner that came through @file */
static char *user_text(char *text, size_t len, const char *file)
{
	snprintf(text, len, "owner: user (%s, process %d, through %s), count 1",
		 program_invocation_short_name, getpid(), file);
	return text;
}

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
	EXPECT_STATE("owner: kernel (driver " EDU_DRIVER "), count 1");
	ASSERT_EQ(0, pci_bind(self->second, EDU_DRIVER));
	EXPECT_STATE("owner: kernel (driver " EDU_DRIVER "), count 2");
	ASSERT_EQ(0, pci_unbind(self->first));
	EXPECT_STATE("owner: kernel (driver " EDU_DRIVER "), count 1");
	ASSERT_EQ(0, pci_unbind(self->second));
	EXPECT_STATE("owner: none, count 0");
}

/* The file that everybody may read agrees. */
TEST_F(state, owner_kind_is_in_sysfs)
{
	char path[64], kind[16];

	snprintf(path, sizeof(path), "/sys/kernel/iommu_groups/%d/owner", self->group);
	ASSERT_EQ(0, sysfs_read(path, kind, sizeof(kind)));
	EXPECT_STREQ("none", kind);
	ASSERT_EQ(0, pci_bind(self->first, EDU_DRIVER));
	ASSERT_EQ(0, sysfs_read(path, kind, sizeof(kind)));
	EXPECT_STREQ("kernel", kind);
	ASSERT_EQ(0, pci_bind(self->first, "vfio-pci"));
	ASSERT_EQ(0, claim_take(&self->claim, BY_CDEV, self->first));
	ASSERT_EQ(0, sysfs_read(path, kind, sizeof(kind)));
	EXPECT_STREQ("user", kind);
	EXPECT_EQ(-1, open(path, O_WRONLY));
}

/* The second function says with whom it shares its group, and why. */
TEST_F(state, reason_of_sharing_is_shown)
{
	char line[96];

	snprintf(line, sizeof(line), "shares with %s: functions without ACS", self->first);
	EXPECT_STATE(line);
}

/* What was refused last, with the reason and who was in the way */
TEST_F(state, last_refusal_is_kept)
{
	char line[96];

	ASSERT_EQ(0, pci_bind(self->first, "vfio-pci"));
	ASSERT_EQ(0, pci_bind(self->second, EDU_DRIVER));
	ASSERT_EQ(-EPERM, claim_take(&self->claim, BY_CDEV, self->first));
	EXPECT_STATE("last refusal: claim, driver, error -1");
	snprintf(line, sizeof(line), "asked by %s, in the way %s", self->first, self->second);
	EXPECT_STATE(line);
}

/* Each uevent of a group becomes a line "GROUP OWNER CHANGED..." of this file. */
#define UEVENTS "/tmp/uevents"

static bool is_in_uevents(const void *want)
{
	char text[4096];

	return !sysfs_read(UEVENTS, text, sizeof(text)) && strstr(text, want);
}

FIXTURE(uevents)
{
	char bdf[BDF_LEN];
	int group;
};

FIXTURE_SETUP(uevents)
{
	static const char script[] = "#!/bin/sh\n"
		"[ \"$SUBSYSTEM\" != iommu_groups ] || "
		"echo \"${DEVPATH##*/} $OWNER $CHANGED\" >>" UEVENTS "\n";
	int fd;

	if (!path_exists(STATE))
		SKIP(return, "this kernel's core does not tell of changes");
	ASSERT_EQ(0, edu_find_single(0, self->bdf));
	self->group = pci_group(self->bdf);
	fd = open("/tmp/uevent.sh", O_CREAT | O_WRONLY | O_TRUNC, 0755);
	ASSERT_LE(0, fd);
	ASSERT_EQ((ssize_t)strlen(script), write(fd, script, strlen(script)));
	close(fd);
	unlink(UEVENTS);
	ASSERT_EQ(0, sysfs_write("/sys/kernel/uevent_helper", "/tmp/uevent.sh"));
}

FIXTURE_TEARDOWN(uevents)
{
	sysfs_write("/sys/kernel/uevent_helper", "\n");
	EXPECT_EQ(0, pci_bind(self->bdf, EDU_DRIVER));
}

/* User space hears when the owner changes, and who it is then. */
TEST_F(uevents, change_of_owner_is_told)
{
	char want[32];

	unbind_quietly(self->bdf);
	snprintf(want, sizeof(want), "%d none owner", self->group);
	EXPECT_TRUE(wait_for(is_in_uevents, want, 3000));
	ASSERT_EQ(0, pci_bind(self->bdf, EDU_DRIVER));
	snprintf(want, sizeof(want), "%d kernel owner", self->group);
	EXPECT_TRUE(wait_for(is_in_uevents, want, 3000));
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
	char name[128];
	__u32 ioas;

	ASSERT_EQ(0, pci_bind(self->first, "vfio-pci"));
	EXPECT_STATE("owner: none, count 0");
	iommufd = iommufd_open();
	device = cdev_open(self->first);
	ASSERT_EQ(0, cdev_bind(device, iommufd, NULL));
	EXPECT_STATE(user_text(name, sizeof(name), "/dev/iommu"));
	ASSERT_TRUE(domains_read(self->group, self->text, &domains));
	EXPECT_STREQ(domains.blocking, domains.now);
	ASSERT_EQ(0, ioas_alloc(iommufd, &ioas));
	ASSERT_EQ(0, cdev_attach(device, &ioas));
	EXPECT_STATE(name);
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

#define EXPECT_EVENT(...) do {							\
	char event[256];							\
										\
	snprintf(event, sizeof(event), __VA_ARGS__);				\
	EXPECT_TRUE(trace_has(event))						\
		TH_LOG("no event '%s'", event);					\
} while (0)

/* The same as events: who has the group, what it translates with, what is refused. */
TEST_F(state, events_tell_of_owners_moves_and_refusals)
{
	int iommufd, device, group = self->group;
	__u32 ioas;

	ASSERT_EQ(0, trace_start());
	ASSERT_EQ(0, pci_bind(self->first, "vfio-pci"));
	ASSERT_EQ(0, pci_bind(self->second, EDU_DRIVER));
	EXPECT_EVENT("iommu_owner: group=%d owner=kernel name=\"driver " EDU_DRIVER "\" count=1",
		     group);
	ASSERT_EQ(-EPERM, claim_take(&self->claim, BY_CDEV, self->first));
	EXPECT_EVENT("iommu_refusal: group=%d request=claim reason=driver error=-1 device=%s",
		     group, self->first);
	EXPECT_EVENT("obstacle=%s owner=kernel name=\"driver " EDU_DRIVER "\"", self->second);
	ASSERT_EQ(0, pci_unbind(self->second));
	EXPECT_EVENT("iommu_owner: group=%d owner=none name=\"none\" count=0", group);

	iommufd = iommufd_open();
	device = cdev_open(self->first);
	ASSERT_EQ(0, cdev_bind(device, iommufd, NULL));
	EXPECT_EVENT("iommu_owner: group=%d owner=user name=\"%s, process %d, through /dev/iommu\"",
		     group, program_invocation_short_name, getpid());
	ASSERT_EQ(0, ioas_alloc(iommufd, &ioas));
	/* each with a fresh buffer: where no driver can block, a claim looks like an attach */
	ASSERT_EQ(0, trace_start());
	ASSERT_EQ(0, cdev_attach(device, &ioas));
	EXPECT_EVENT(" to=Unmanaged devices=2 error=0");
	ASSERT_EQ(0, trace_start());
	ASSERT_EQ(0, cdev_detach(device));
	EXPECT_EVENT("iommu_transition: group=%d pasid=0 from=Unmanaged", group);
	close(device);
	close(iommufd);

	/* and nobody tells when nobody listens */
	trace_stop();
	ASSERT_EQ(0, trace_start());
	trace_stop();
	ASSERT_EQ(0, pci_bind(self->second, EDU_DRIVER));
	EXPECT_FALSE(trace_has("iommu_owner: "));
}

TEST_HARNESS_MAIN
