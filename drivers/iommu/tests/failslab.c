// SPDX-License-Identifier: GPL-2.0-only
/*
 * The switches of the slab allocator's fault injection, as failslab.h offers
 * them to the suites.
 */
#include <linux/debugfs.h>
#include <linux/fs.h>
#include <linux/sched.h>
#include "failslab.h"

#ifdef CONFIG_FAULT_INJECTION
unsigned int failslab_left(void)
{
	return READ_ONCE(current->fail_nth);
}

void failslab_nth(unsigned int n)
{
	WRITE_ONCE(current->fail_nth, n);
}

void failslab_all(bool on)
{
	current->make_it_fail = on;
}
#else
unsigned int failslab_left(void)
{
	return 0;
}

void failslab_nth(unsigned int n)
{
}

void failslab_all(bool on)
{
}
#endif

/* The variable behind a file of the failslab folder in debugfs. */
static void *failslab_variable(const char *name)
{
	struct dentry *dir = debugfs_lookup("failslab", NULL);
	struct dentry *file = NULL;
	void *variable = NULL;

	if (!IS_ERR_OR_NULL(dir))
		file = debugfs_lookup(name, dir);
	if (!IS_ERR_OR_NULL(file)) {
		variable = d_inode(file)->i_private;
		dput(file);
	}
	if (!IS_ERR_OR_NULL(dir))
		dput(dir);
	return variable;
}

/*
 * Sleeping allocations fail too, those of tasks marked make_it_fail always,
 * and quietly. What was set before comes back at the end.
 */
static struct {
	bool *ignore_wait, *task_filter;
	unsigned long *verbose, *probability;
	atomic_t *times;
} failslab;

static bool old_ignore_wait, old_task_filter;
static unsigned long old_verbose, old_probability;
static int old_times;

bool failslab_is_there(void)
{
	return failslab.ignore_wait && failslab.task_filter &&
	       failslab.verbose && failslab.probability && failslab.times;
}

void failslab_begin(void)
{
	failslab.ignore_wait = failslab_variable("ignore-gfp-wait");
	failslab.task_filter = failslab_variable("task-filter");
	failslab.verbose = failslab_variable("verbose");
	failslab.probability = failslab_variable("probability");
	failslab.times = failslab_variable("times");
	if (!failslab_is_there())
		return;

	old_ignore_wait = *failslab.ignore_wait;
	old_task_filter = *failslab.task_filter;
	old_verbose = *failslab.verbose;
	old_probability = *failslab.probability;
	old_times = atomic_read(failslab.times);
	*failslab.ignore_wait = false;
	*failslab.task_filter = true;
	*failslab.verbose = 0;
	atomic_set(failslab.times, -1);
	*failslab.probability = 100;
}

void failslab_end(void)
{
	if (!failslab_is_there())
		return;
	*failslab.probability = old_probability;
	atomic_set(failslab.times, old_times);
	*failslab.verbose = old_verbose;
	*failslab.task_filter = old_task_filter;
	*failslab.ignore_wait = old_ignore_wait;
}
