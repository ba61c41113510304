/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the IOMMU core decides, as it decides it: transitions, ownership,
 * default domains, parking and refusals. Mapping has events of its own in
 * trace/events/iommu.h. All but the last two are recorded under the group's mutex,
 * so for one group their order is the order of what happened.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM iommu_core

#if !defined(_TRACE_IOMMU_CORE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_IOMMU_CORE_H

#include <linux/device.h>
#include <linux/tracepoint.h>

/* Of a group's slot: attach, detach, replace, claim, release, PASIDs. */
TRACE_EVENT(iommu_transition,

	TP_PROTO(int group, u32 pasid, const char *from, const char *to,
		 unsigned int devices, int error),

	TP_ARGS(group, pasid, from, to, devices, error),

	TP_STRUCT__entry(
		__field(int, group)
		__field(u32, pasid)
		__string(from, from)
		__string(to, to)
		__field(unsigned int, devices)
		__field(int, error)
	),

	TP_fast_assign(
		__entry->group = group;
		__entry->pasid = pasid;
		__assign_str(from);
		__assign_str(to);
		__entry->devices = devices;
		__entry->error = error;
	),

	TP_printk("group=%d pasid=%u from=%s to=%s devices=%u error=%d",
		  __entry->group, __entry->pasid, __get_str(from),
		  __get_str(to), __entry->devices, __entry->error)
);

/*
 * A hold on the group was taken or given back; count is what is left. The owner
 * is of a kind, as in sysfs, and has a name.
 */
TRACE_EVENT(iommu_owner,

	TP_PROTO(int group, const char *owner, const char *name,
		 unsigned int count),

	TP_ARGS(group, owner, name, count),

	TP_STRUCT__entry(
		__field(int, group)
		__string(owner, owner)
		__string(name, name)
		__field(unsigned int, count)
	),

	TP_fast_assign(
		__entry->group = group;
		__assign_str(owner);
		__assign_str(name);
		__entry->count = count;
	),

	TP_printk("group=%d owner=%s name=\"%s\" count=%u",
		  __entry->group, __get_str(owner), __get_str(name),
		  __entry->count)
);

TRACE_EVENT(iommu_default_domain,

	TP_PROTO(int group, const char *from, const char *to),

	TP_ARGS(group, from, to),

	TP_STRUCT__entry(
		__field(int, group)
		__string(from, from)
		__string(to, to)
	),

	TP_fast_assign(
		__entry->group = group;
		__assign_str(from);
		__assign_str(to);
	),

	TP_printk("group=%d from=%s to=%s",
		  __entry->group, __get_str(from), __get_str(to))
);

/* A device was fenced off, or came back: then the cause is empty. */
TRACE_EVENT(iommu_park,

	TP_PROTO(int group, struct device *dev, const char *cause,
		 bool stranded),

	TP_ARGS(group, dev, cause, stranded),

	TP_STRUCT__entry(
		__field(int, group)
		__string(device, dev_name(dev))
		__string(cause, cause)
		__field(bool, stranded)
	),

	TP_fast_assign(
		__entry->group = group;
		__assign_str(device);
		__assign_str(cause);
		__entry->stranded = stranded;
	),

	TP_printk("group=%d device=%s cause=\"%s\" stranded=%d",
		  __entry->group, __get_str(device), __get_str(cause),
		  __entry->stranded)
);

/* Words of request and reason: see the table in iommu-refusal.c. */
TRACE_EVENT(iommu_refusal,

	TP_PROTO(int group, const char *request, const char *reason, int error,
		 const char *device, const char *obstacle, const char *owner,
		 const char *name),

	TP_ARGS(group, request, reason, error, device, obstacle, owner, name),

	TP_STRUCT__entry(
		__field(int, group)
		__string(request, request)
		__string(reason, reason)
		__field(int, error)
		__string(device, device)
		__string(obstacle, obstacle)
		__string(owner, owner)
		__string(name, name)
	),

	TP_fast_assign(
		__entry->group = group;
		__assign_str(request);
		__assign_str(reason);
		__entry->error = error;
		__assign_str(device);
		__assign_str(obstacle);
		__assign_str(owner);
		__assign_str(name);
	),

	TP_printk("group=%d request=%s reason=%s error=%d device=%s obstacle=%s owner=%s name=\"%s\"",
		  __entry->group, __get_str(request), __get_str(reason),
		  __entry->error, __get_str(device), __get_str(obstacle),
		  __get_str(owner), __get_str(name))
);

/*
 * A process has exited: from now on requests of the device with its PASID fail.
 * Recorded without the group's mutex.
 */
TRACE_EVENT(iommu_mm_end,

	TP_PROTO(struct device *dev, u32 pasid),

	TP_ARGS(dev, pasid),

	TP_STRUCT__entry(
		__string(device, dev_name(dev))
		__field(u32, pasid)
	),

	TP_fast_assign(
		__assign_str(device);
		__entry->pasid = pasid;
	),

	TP_printk("device=%s pasid=%u", __get_str(device), __entry->pasid)
);

/* A request failed; pasid 0: it was one without PASID. */
TRACE_EVENT(iommu_fault,

	TP_PROTO(struct device *dev, u32 pasid, u64 addr, bool write),

	TP_ARGS(dev, pasid, addr, write),

	TP_STRUCT__entry(
		__string(device, dev_name(dev))
		__field(u32, pasid)
		__field(u64, addr)
		__field(bool, write)
	),

	TP_fast_assign(
		__assign_str(device);
		__entry->pasid = pasid;
		__entry->addr = addr;
		__entry->write = write;
	),

	TP_printk("device=%s pasid=%u addr=0x%llx %s",
		  __get_str(device), __entry->pasid, __entry->addr,
		  __entry->write ? "write" : "read")
);

#endif /* _TRACE_IOMMU_CORE_H */

#include <trace/define_trace.h>
