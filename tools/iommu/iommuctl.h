/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * iommuctl: what its files share.
 *
 *	sysroot.c	files of /sys, /proc and /dev, below --sysroot
 *	mem.c		memory that lives until the program ends, and text
 *	model.c		groups, devices and IOMMUs, as sysfs has them
 *	state.c		/sys/kernel/debug/iommu/groups: what only the core knows
 *	pci.c		configuration space: classes, capabilities, ACS
 *	holders.c	who has a VFIO or iommufd file open
 *	inuse.c		file systems, swap and interfaces on a device
 *	klog.c		the kernel's messages
 *	table.c		columns;  json.c  the same for programs
 *	main.c		options and the table of verbs; the others are one verb each
 *
 * A pointer to text that is NULL means: the kernel does not tell. People see
 * "-" there, programs null. Nothing is made up in its place.
 */
#ifndef IOMMUCTL_H
#define IOMMUCTL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define IOMMUCTL_VERSION	"1.0"
#define IOMMUCTL_SCHEMA		1

/* Exit statuses; the manual page has them, too. */
enum {
	EXIT_YES = 0,		/* done, or the answer is yes */
	EXIT_NO = 1,		/* the answer is no */
	EXIT_USAGE = 2,		/* the command line was wrong; nothing was done */
	EXIT_UNKNOWN = 3,	/* there is no such device or group */
	EXIT_UNTOLD = 4,	/* the kernel, or missing rights, hide the answer */
	EXIT_SYSTEM = 5,	/* the kernel refused, or a file failed */
};

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define __printf(a, b)	__attribute__((format(printf, a, b)))
#define __noreturn	__attribute__((noreturn))

enum tri { NO, YES, UNTOLD };

/* The options that all verbs understand, and some that a few do. */
struct options {
	const char *verb;
	const char *columns;	/* -o */
	const char *api;	/* --api: "group", "cdev" or NULL */
	long count;		/* -c: end after so many events; 0: never */
	bool json;
	bool color;
	bool noheadings;
	bool all;		/* -a */
	bool dry_run;
};

extern struct options opt;

/* mem.c */
void *mem_alloc(size_t size);
void *mem_grow(void *old, size_t count, size_t size);
char *mem_text(const char *text);
char *mem_textn(const char *text, size_t len);
char *mem_printf(const char *format, ...) __printf(1, 2);
size_t mem_mark(void);
void mem_release(size_t mark);
bool text_is(const char *a, const char *b);
bool text_starts(const char *text, const char *start);
int text_compare(const char *a, const char *b);
char *text_word(char **rest);
char *text_line(char **rest);
bool text_number(const char *text, unsigned long *number);
bool text_visible(char *text);
void fail(int status, const char *format, ...) __printf(2, 3) __noreturn;
void note(const char *format, ...) __printf(1, 2);

/* sysroot.c. Paths are those of the machine, without the sysroot. */
void root_set(const char *dir);
bool root_is_machine(void);
char *root_path(const char *path);
int root_open(const char *path, int flags);
bool root_exists(const char *format, ...) __printf(1, 2);
bool root_readable(const char *path);
char *root_read(const char *format, ...) __printf(1, 2);
ssize_t root_bytes(const char *path, void *buf, size_t size);
char *root_real(const char *format, ...) __printf(1, 2);
char *root_link(const char *format, ...) __printf(1, 2);
char **root_list(size_t *count, const char *format, ...) __printf(2, 3);
int root_write(const char *path, const char *text);

/* model.c */
struct pci_info;

/* Faults that the core has counted: "of PASID 5", "without PASID" and so on */
struct counted {
	char *whose;
	unsigned long count;
};

struct device {
	char *name;
	char *path;		/* real, below /sys/devices */
	char *bus;
	struct group *group;	/* or NULL */
	const struct pci_info *pci;	/* once it was read */
	bool pci_read;
	/* From state.c; NULL or UNTOLD without it */
	char *translates;
	char *shares_with, *shares_why;
	char *parked;
	char *pasid_limit;	/* "device" or "IOMMU" */
	unsigned long pasids;	/* they are below this; 0: not told, or none */
	enum tri dma_driver;	/* its driver uses the DMA API */
	bool stranded, in_reset, direct;
	struct counted *faults;
	size_t faults_count;
};

struct group {
	int id;
	char *name;
	struct device **devices;
	size_t count;
	/* From state.c */
	bool told;
	char *owner_name;
	char *current, *standard, *blocking;
	char *exclusive;
	char *refusal;
};

struct model {
	struct group **groups;
	size_t groups_count;
	struct device **devices;	/* all that are in groups, sorted */
	size_t devices_count;
	char **units;
	size_t units_count;
	bool state_read;
	bool state_told;
};

struct model *model_load(void);
struct group *model_group(struct model *m, int id);
struct group *model_group_arg(struct model *m, const char *arg);
struct device *model_device(struct model *m, const char *arg);
struct device *model_device_at(struct model *m, const char *path);
struct device **model_ungrouped(struct model *m, size_t *count);
char *device_driver(struct device *dev);
char *device_unit(struct device *dev);
char *device_ids(struct device *dev);
char *device_class(struct device *dev);
char *device_class_text(struct device *dev);
char *device_cdev(struct device *dev);
char *device_file(struct device *dev, const char *file);
bool device_has_vfio(struct device *dev);
bool driver_leaves_dma(const char *driver);
char *group_type(struct group *group);
char *group_owner(struct group *group);
char *group_node(struct group *group);
char *group_label(struct group *group);
char *group_resv_types(struct group *group);
bool group_has_direct(struct group *group);
char *unit_kind(const char *unit);
bool kernel_at_least(unsigned long major, unsigned long minor);

/* state.c */
bool state_read(struct model *m);

/* pci.c */
#define ACS_BITS	"SV TB RR CR UF EC DT"

struct pci_info {
	bool bridge;
	bool multifunction;
	bool express;
	bool extended;		/* the extended capabilities could be read */
	unsigned int port_type;	/* of PCI Express */
	bool has_acs, has_ats, has_pasid;
	uint16_t acs_cap, acs_ctrl;
	bool ats_on, pasid_on;
	unsigned int pasid_width;
};

const struct pci_info *device_pci(struct device *dev);
const char *pci_kind(const struct pci_info *pci);
enum tri pci_isolates(const struct pci_info *pci);
char *pci_acs_text(const struct pci_info *pci);
const char *pci_class_word(unsigned long class);
char *device_ats(struct device *dev);
char *device_pasid(struct device *dev);

/* holders.c */
struct holder {
	long pid;
	char *command;
	char *node;
	int group;		/* -1: the node says nothing of groups */
	struct device *dev;	/* or NULL */
};

struct holders {
	struct holder *list;
	size_t count;
	size_t hidden;		/* processes that could not be looked at */
};

const struct holders *holders_find(struct model *m);
bool holder_of(const struct holder *h, const struct group *group,
	       const struct device *dev);
char *holders_text(struct model *m, struct group *group);

/* inuse.c */
char **inuse_storage(struct device *dev, size_t *count);
char **inuse_net(struct device *dev, size_t *count);

/* klog.c */
bool klog_each(void (*line)(void *data, double when, char *text), void *data);

/* table.c */
struct table {
	const char * const *heads;
	const char **cells;
	size_t columns, rows;
	const bool *right;
};

void table_begin(struct table *t, const char * const *heads,
		 size_t columns, const bool *right);
void table_cell(struct table *t, const char *text);
void table_print(const struct table *t);
void say(const char *name, const char *format, ...) __printf(2, 3);
const char *colored(const char *color, const char *text);
const char *or_dash(const char *text);

#define RED	"31"
#define GREEN	"32"
#define YELLOW	"33"
#define BOLD	"1"

/* json.c */
void js_begin(void);
void js_end(void);
void js_object(const char *key);
void js_array(const char *key);
void js_close(void);
void js_text(const char *key, const char *text);
void js_number(const char *key, long long number);
void js_seconds(const char *key, double seconds);
void js_bool(const char *key, bool yes);
void js_tri(const char *key, enum tri value);
void js_null(const char *key);
void js_devices(const char *key, struct device **devices, size_t count);
void js_texts(const char *key, char **texts, size_t count);
void js_one_line(void);

/* The verbs; each returns the exit status. */
int do_status(int argc, char **argv);
int do_ls(int argc, char **argv);
int do_show(int argc, char **argv);
int do_why(int argc, char **argv);
int do_who(int argc, char **argv);
int do_check(int argc, char **argv);
int do_type(int argc, char **argv);
int do_faults(int argc, char **argv);
int do_watch(int argc, char **argv);
void ls_columns(void);

#endif
