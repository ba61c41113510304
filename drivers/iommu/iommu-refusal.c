// SPDX-License-Identifier: GPL-2.0-only
/*
 * Why somebody was turned away (O5).
 *
 * Return codes are few and mean many things: -EPERM, -EBUSY and -EINVAL have
 * left people guessing since there are groups. So each refusal has a reason of
 * its own, told in three ways at once:
 *
 *	a trace event		every time
 *	a line in the log	naming who is in the way and what to do, as often
 *				as the limiter of this group allows: what users
 *				may provoke must not flood the log, and no group
 *				hides what another one has to say
 *	the last one, kept	for debugfs
 *
 * Some reasons are none of people's business: VFIO and iommufd try domains until
 * one fits. Those are traced and kept, but not logged.
 *
 * An entry point says what is asked, and by which device, when it has taken the
 * group's mutex; who takes it next has asked for nothing yet. Whoever finds the
 * reason, however deep, only has to name it.
 */
#define pr_fmt(fmt) "iommu: " fmt

#include <linux/device.h>
#include <linux/jiffies.h>
#include <linux/ratelimit.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#define CREATE_TRACE_POINTS
#include <trace/events/iommu_core.h>

#include "iommu-priv.h"

/* What fits into a line of a log a person is going to read. */
#define IOMMU_REFUSED_NAME	40

/**
 * struct iommu_refused - the last refusal of a group
 * @request: what was asked
 * @why: the reason
 * @error: what the caller got
 * @when: in jiffies
 * @count: refusals so far
 * @asker: name of the device that asked, or empty
 * @obstacle: name of the device in the way, or empty
 * @limit: of the group's lines in the log
 */
struct iommu_refused {
	enum iommu_request request;
	enum iommu_refusal why;
	int error;
	unsigned long when;
	unsigned long count;
	char asker[IOMMU_REFUSED_NAME];
	char obstacle[IOMMU_REFUSED_NAME];
	struct ratelimit_state limit;
};

static const char * const iommu_request_words[] = {
	[IOMMU_REQUEST_OTHER]	= "request",
	[IOMMU_REQUEST_CLAIM]	= "claim",
	[IOMMU_REQUEST_BIND]	= "use of the DMA API",
	[IOMMU_REQUEST_ATTACH]	= "attach",
	[IOMMU_REQUEST_TYPE]	= "change of type",
	[IOMMU_REQUEST_PASID]	= "use of a PASID",
	[IOMMU_REQUEST_SVA]	= "bond with a process",
	[IOMMU_REQUEST_JOIN]	= "entry",
};

/* One reason: its word for programs, its text, and what helps (or NULL). */
struct iommu_refusal_text {
	const char *word;
	const char *text;
	const char *cure;
	bool quiet;
};

static const struct iommu_refusal_text iommu_refusal_texts[] = {
	[IOMMU_REFUSED_USER] = {
		"user", "user space owns it",
		"have that user release it first" },
	[IOMMU_REFUSED_OTHER_USER] = {
		"other-user", "another user owns it",
		"have that user release it first" },
	[IOMMU_REFUSED_SAME_USER] = {
		"same-user", "the same user owns it already",
		"a group can be claimed as a whole only once" },
	[IOMMU_REFUSED_DRIVER] = {
		"driver", "a driver that uses the DMA API is bound",
		"unbind it first" },
	[IOMMU_REFUSED_ATTACHED] = {
		"attached", "a domain that is not its own is attached to it",
		"have the driver or user that attached it detach it first" },
	[IOMMU_REFUSED_SLOTS] = {
		"slots", "PASIDs or handles of it are in use",
		"have their driver or user give them back first" },
	[IOMMU_REFUSED_EXCLUSIVE] = {
		"exclusive", "a driver has it for one device alone",
		"unbind that driver first" },
	[IOMMU_REFUSED_SIBLINGS] = {
		"siblings", "the device is not alone in it",
		"only a group of one device can be a driver's own" },
	[IOMMU_REFUSED_FIRMWARE] = {
		"firmware",
		"Firmware has requested this device have a 1:1 IOMMU mapping, rejecting configuring the device without a 1:1 mapping. Contact your platform vendor."
	},
	[IOMMU_REFUSED_RESET] = {
		"reset", "a device of it is being reset", "try again" },
	[IOMMU_REFUSED_NO_IOMMU] = {
		"no-iommu", "no IOMMU translates for it" },
	[IOMMU_REFUSED_EMPTY] = {
		"empty", "it has no device (any more)" },
	[IOMMU_REFUSED_TYPE] = {
		"type",
		"the IOMMU's driver, or the safety of the machine, demands another type",
		"read \"type\" to see what it has to be" },
	[IOMMU_REFUSED_NO_QUEUE] = {
		"no-queue", "its IOMMU cannot put invalidations off" },
	[IOMMU_REFUSED_NO_PASIDS] = {
		"no-pasids", "the device or its IOMMU has no PASIDs" },
	[IOMMU_REFUSED_PASID_RANGE] = {
		"pasid-range", "a device of it has fewer PASIDs" },
	[IOMMU_REFUSED_PASID_USED] = {
		"pasid-used", "the PASID is in use",
		"have its user give it back first" },
	[IOMMU_REFUSED_PASID_UNUSED] = {
		"pasid-unused", "nothing is attached to the PASID" },
	[IOMMU_REFUSED_NO_REPLACE] = {
		"no-replace",
		"the IOMMU's driver cannot replace the domain of a PASID",
		"detach it and attach the other one" },
	[IOMMU_REFUSED_SVA_ARCH] = {
		"sva-arch", "this kernel cannot share page tables with devices" },
	[IOMMU_REFUSED_SVA_RANGE] = {
		"sva-range", "the process has a PASID that the device has not" },
	[IOMMU_REFUSED_SVA_GONE] = {
		"sva-gone", "the process is exiting" },
	[IOMMU_REFUSED_SVA_DRIVER] = {
		"sva-driver",
		"the IOMMU's driver cannot share page tables with processes" },
	/* What VFIO and iommufd meet while they look for a domain that fits. */
	[IOMMU_REFUSED_FOREIGN] = {
		"foreign", "the domain was made by another IOMMU driver",
		.quiet = true },
	[IOMMU_REFUSED_HARDWARE] = {
		"hardware", "the IOMMU's driver refuses", .quiet = true },
	[IOMMU_REFUSED_MEMORY] = {
		"memory", "there is no memory", .quiet = true },
};

/* The first of possibly many devices whose driver keeps a user out. */
static struct device *iommu_refusal_driver(struct iommu_group *group,
					   unsigned int *others)
{
	struct group_device *gdev;
	struct device *first = NULL;

	for_each_group_device(group, gdev) {
		if (!gdev->dev->iommu || !gdev->dev->iommu->uses_dma_api)
			continue;
		if (first)
			++*others;
		else
			first = gdev->dev;
	}
	return first;
}

static void iommu_refusal_log(struct iommu_group *group,
			      const struct iommu_refusal_text *text,
			      struct device *obstacle, unsigned int others)
{
	struct device *dev = group->asker ?: obstacle;
	struct device_driver *driver = NULL;
	char way[96] = "", more[24] = "", owner[IOMMU_OWNER_TEXT];

	if (others)
		snprintf(more, sizeof(more), ", and %u more", others);
	/* Unless it is the driver that is in the way, it may be leaving. */
	if (obstacle)
		driver = READ_ONCE(obstacle->driver);
	if (driver)
		snprintf(way, sizeof(way), " (%s, driver %s%s)",
			 dev_name(obstacle), driver->name, more);
	else if (obstacle && obstacle != dev)
		snprintf(way, sizeof(way), " (%s)", dev_name(obstacle));
	else if (iommu_group_user_owned(group))
		snprintf(way, sizeof(way), " (%s)",
			 iommu_owner_text(group, owner));

	if (!dev && !list_empty(&group->devices))
		dev = iommu_group_first_member(group)->dev;
	if (dev)
		dev_warn(dev, "%s refused, IOMMU group %s: %s%s%s%s\n",
			 iommu_request_words[group->request],
			 iommu_group_label(group), text->text, way,
			 text->cure ? "; " : "", text->cure ?: "");
	else
		pr_warn("%s refused, IOMMU group %s: %s%s%s\n",
			iommu_request_words[group->request],
			iommu_group_label(group), text->text,
			text->cure ? "; " : "", text->cure ?: "");
}

/* Where to keep it; made with the first refusal, which most groups never see. */
static struct iommu_refused *iommu_refused_get(struct iommu_group *group)
{
	struct iommu_refused *refused = group->refused;

	if (refused)
		return refused;
	refused = kzalloc(sizeof(*refused), GFP_KERNEL | __GFP_NOWARN);
	if (!refused)
		return NULL;
	/* The first line of a burst says it all; five leave room for five. */
	ratelimit_state_init(&refused->limit, DEFAULT_RATELIMIT_INTERVAL, 5);
	/* Silent about what it swallows: the count can be read. */
	ratelimit_set_flags(&refused->limit, RATELIMIT_MSG_ON_RELEASE);
	group->refused = refused;
	return refused;
}

/**
 * iommu_refuse() - Tell why a request is refused
 * @group: the group; what is asked, and by whom, was said by iommu_ask()
 * @why: the reason
 * @obstacle: the device in the way; %NULL where it is none, or not known
 * @error: what the caller is going to get
 *
 * Context: expects group->mutex; may sleep.
 * Return: @error.
 */
int iommu_refuse(struct iommu_group *group, enum iommu_refusal why,
		 struct device *obstacle, int error)
{
	const struct iommu_refusal_text *text = &iommu_refusal_texts[why];
	struct iommu_refused *refused;
	char owner[IOMMU_OWNER_TEXT];
	unsigned int others = 0;

	lockdep_assert_held(&group->mutex);

	if (why == IOMMU_REFUSED_DRIVER && !obstacle)
		obstacle = iommu_refusal_driver(group, &others);
	if (trace_iommu_refusal_enabled())
		trace_iommu_refusal(group->id,
				    iommu_request_words[group->request],
				    text->word, error,
				    group->asker ? dev_name(group->asker) : "",
				    obstacle ? dev_name(obstacle) : "",
				    iommu_owner_kind(group),
				    iommu_owner_text(group, owner));

	refused = iommu_refused_get(group);
	if (!refused)
		return error;

	refused->request = group->request;
	refused->why = why;
	refused->error = error;
	refused->when = jiffies;
	refused->count++;
	strscpy(refused->asker, group->asker ? dev_name(group->asker) : "");
	strscpy(refused->obstacle, obstacle ? dev_name(obstacle) : "");

	if (!text->quiet && __ratelimit(&refused->limit))
		iommu_refusal_log(group, text, obstacle, others);
	return error;
}

/**
 * iommu_refuse_error() - Tell of an error that a lower layer gave
 * @group: the group
 * @error: a driver's or the allocator's error
 *
 * Context: expects group->mutex; may sleep.
 * Return: @error.
 */
int iommu_refuse_error(struct iommu_group *group, int error)
{
	return iommu_refuse(group, error == -ENOMEM ? IOMMU_REFUSED_MEMORY :
						      IOMMU_REFUSED_HARDWARE,
			    NULL, error);
}

/**
 * iommu_refusal_word() - The word by which programs know a reason
 * @why: the reason
 *
 * Return: the word; constant.
 */
const char *iommu_refusal_word(enum iommu_refusal why)
{
	return iommu_refusal_texts[why].word;
}

/**
 * iommu_last_refusal() - What a group refused last
 * @group: the group
 * @why: set to the reason
 * @error: set to what the caller got
 *
 * Context: expects group->mutex.
 * Return: false if there was none yet.
 */
bool iommu_last_refusal(struct iommu_group *group, enum iommu_refusal *why,
			int *error)
{
	lockdep_assert_held(&group->mutex);

	if (!group->refused)
		return false;
	*why = group->refused->why;
	*error = group->refused->error;
	return true;
}

/**
 * iommu_group_seq_refusal() - Show the last refusal to a person
 * @group: the group
 * @m: where to; nothing if there was none
 *
 * Context: expects group->mutex.
 */
void iommu_group_seq_refusal(struct iommu_group *group, struct seq_file *m)
{
	struct iommu_refused *refused = group->refused;
	const struct iommu_refusal_text *text;

	lockdep_assert_held(&group->mutex);

	if (!refused)
		return;
	text = &iommu_refusal_texts[refused->why];
	seq_printf(m, "  last refusal: %s, %s, error %d, %u s ago, %lu so far",
		   iommu_request_words[refused->request], text->word,
		   refused->error,
		   jiffies_to_msecs(jiffies - refused->when) / 1000,
		   refused->count);
	if (refused->asker[0])
		seq_printf(m, ", asked by %s", refused->asker);
	if (refused->obstacle[0])
		seq_printf(m, ", in the way %s", refused->obstacle);
	seq_putc(m, '\n');
}
