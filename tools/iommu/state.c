// SPDX-License-Identifier: GPL-2.0-only
/*
 * /sys/kernel/debug/iommu/groups: what only the core knows, if it is this core,
 * has CONFIG_IOMMU_DEBUGFS and the reader is root.
 *
 * The file is for people and its form may change, so a line that is not
 * understood is passed over, and what it would have said stays untold.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "iommuctl.h"

/* Cut *@text behind @separator; returns what was before it. */
static char *cut(char **text, const char *separator)
{
	char *start = *text, *end = strstr(start, separator);

	if (!end) {
		*text = start + strlen(start);
		return start;
	}
	*end = '\0';
	*text = end + strlen(separator);
	return start;
}

/* "user (qemu, process 63, through /dev/iommu), count 1" */
static void read_owner(struct group *group, char *line)
{
	char *open = strstr(line, " ("), *close;

	close = strstr(line, "), count ");
	if (!open || !close || close < open)
		return;
	group->owner_name = mem_textn(open + 2, close - open - 2);
}

/* "current Unmanaged, default DMA-FQ, blocking Blocked" */
static void read_domains(struct group *group, char *line)
{
	while (*line) {
		char *part = cut(&line, ", ");

		if (text_starts(part, "current "))
			group->current = part + strlen("current ");
		else if (text_starts(part, "default "))
			group->standard = part + strlen("default ");
		else if (text_starts(part, "blocking "))
			group->blocking = part + strlen("blocking ");
	}
}

/* ", driver X uses the DMA API", ", PASIDs below 1024 (device)" and others */
static void read_device_part(struct device *dev, char *part)
{
	static const char uses[] = " uses the DMA API";
	size_t len = strlen(part), end = strlen(uses);
	char limit[16];

	if (sscanf(part, "PASIDs below %lu (%15[^)])", &dev->pasids,
		   limit) == 2)
		dev->pasid_limit = mem_text(limit);
	else if (text_starts(part, "driver ") && len > end &&
		 text_is(part + len - end, uses))
		dev->dma_driver = YES;
	else if (text_is(part, "direct"))
		dev->direct = true;
	else if (text_is(part, "being reset"))
		dev->in_reset = true;
	else if (text_is(part, "stranded"))
		dev->stranded = true;
}

static struct device *member(struct group *group, const char *name)
{
	size_t i;

	for (i = 0; i < group->count; i++)
		if (text_is(group->devices[i]->name, name))
			return group->devices[i];
	return NULL;
}

/* "0000:03:00.1: DMA-FQ, ..., shares with 0000:03:00.0: functions without ACS" */
static struct device *read_device(struct group *group, char *line)
{
	char *name = cut(&line, ": ");
	struct device *dev = member(group, name);
	char *shares, *parked;

	if (!dev)
		return NULL;
	dev->dma_driver = NO;
	/* Reasons are text of their own and come last: nothing is cut in them. */
	shares = strstr(line, ", shares with ");
	if (shares) {
		char *reason = shares + strlen(", shares with ");

		*shares = '\0';
		dev->shares_with = cut(&reason, ": ");
		dev->shares_why = reason;
	}
	parked = strstr(line, ", parked: ");
	if (parked) {
		*parked = '\0';
		dev->parked = parked + strlen(", parked: ");
	}
	dev->translates = cut(&line, ", ");
	while (*line)
		read_device_part(dev, cut(&line, ", "));
	return dev;
}

/* "of PASID 5: 12", below the device; its own lines are indented once more */
static void read_faults(struct device *dev, char *line)
{
	struct counted one = { .whose = cut(&line, ": ") };
	char *end;

	one.count = strtoul(line, &end, 10);
	if (end == line)
		return;
	dev->faults = mem_grow(dev->faults, dev->faults_count, sizeof(one));
	dev->faults[dev->faults_count++] = one;
}

static void read_line(struct group *group, char *line, struct device **last)
{
	static const char faults[] = "  faults ";
	char *key;

	if (*last && text_starts(line, faults)) {
		read_faults(*last, line + strlen(faults));
		return;
	}
	*last = NULL;
	if (!strstr(line, ": ") && !text_starts(line, "device "))
		return;
	if (text_starts(line, "device ")) {
		*last = read_device(group, line + strlen("device "));
		return;
	}
	key = cut(&line, ": ");
	if (text_is(key, "owner"))
		read_owner(group, line);
	else if (text_is(key, "exclusive"))
		group->exclusive = line;
	else if (text_is(key, "domains"))
		read_domains(group, line);
	else if (text_is(key, "last refusal"))
		group->refusal = line;
}

/* Returns whether the core could be asked. */
bool state_read(struct model *m)
{
	struct device *last = NULL;
	struct group *group = NULL;
	char *text, *line;

	if (m->state_read)
		return m->state_told;
	m->state_read = true;
	text = root_read("/sys/kernel/debug/iommu/groups");
	if (!text)
		return false;
	m->state_told = true;
	while ((line = text_line(&text))) {
		if (text_starts(line, "group ")) {
			group = model_group(m, atoi(line + 6));
			if (group)
				group->told = true;
		} else if (group && text_starts(line, "  ")) {
			read_line(group, line + 2, &last);
		}
	}
	return true;
}
