// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files of /sys, /proc, /dev and /boot.
 *
 * All of them are reached through here, so that --sysroot may put a copy, or a
 * made-up machine, in place of the real one. Every path that comes in or goes
 * out is one of that machine: the sysroot is added when a file is opened and
 * taken away when a link was followed.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "iommuctl.h"

static const char *root = "";	/* without a slash at its end */

void root_set(const char *dir)
{
	char real[PATH_MAX];
	DIR *opened = NULL;

	if (realpath(dir, real))
		opened = opendir(real);
	if (!opened)
		fail(EXIT_USAGE, "--sysroot %s: %s", dir, strerror(errno));
	closedir(opened);
	root = text_is(real, "/") ? "" : mem_text(real);
}

bool root_is_machine(void)
{
	return !*root;
}

char *root_path(const char *path)
{
	return mem_printf("%s%s", root, path);
}

static char *path_of(const char *format, va_list args)
{
	char path[PATH_MAX];

	if (vsnprintf(path, sizeof(path), format, args) >= (int)sizeof(path))
		path[0] = '\0';
	return mem_text(path);
}

#define PATH_OF(path, format)				\
	do {						\
		va_list args;				\
							\
		va_start(args, format);			\
		path = path_of(format, args);		\
		va_end(args);				\
	} while (0)

int root_open(const char *path, int flags)
{
	return open(root_path(path), flags | O_CLOEXEC);
}

bool root_exists(const char *format, ...)
{
	char *path;

	PATH_OF(path, format);
	return !access(root_path(path), F_OK);
}

bool root_readable(const char *path)
{
	return !access(root_path(path), R_OK);
}

/* The whole file as text, without white space at its end; NULL and errno. */
char *root_read(const char *format, ...)
{
	size_t len = 0, room = 4096;
	char *path, *text;
	ssize_t n;
	int fd;

	PATH_OF(path, format);
	fd = root_open(path, O_RDONLY);
	if (fd < 0)
		return NULL;
	text = mem_alloc(room);
	while ((n = read(fd, text + len, room - len - 1)) > 0) {
		len += n;
		if (len == room - 1) {
			char *larger = mem_alloc(2 * room);

			memcpy(larger, text, len);
			text = larger;
			room *= 2;
		}
	}
	close(fd);
	if (n < 0)
		return NULL;
	while (len && strchr(" \t\n", text[len - 1]))
		len--;
	text[len] = '\0';
	return text;
}

ssize_t root_bytes(const char *path, void *buf, size_t size)
{
	size_t len = 0;
	ssize_t n = 0;
	int fd = root_open(path, O_RDONLY);

	if (fd < 0)
		return -1;
	while (len < size && (n = read(fd, (char *)buf + len, size - len)) > 0)
		len += n;
	close(fd);
	return n < 0 ? -1 : (ssize_t)len;
}

/* Where links lead in the end; NULL if nowhere, or out of the sysroot. */
char *root_real(const char *format, ...)
{
	char *path, real[PATH_MAX];
	size_t len = strlen(root);

	PATH_OF(path, format);
	if (!realpath(root_path(path), real))
		return NULL;
	if (strncmp(real, root, len) || real[len] != '/')
		return NULL;
	return mem_text(real + len);
}

/* The last name a link holds: that of a driver, a bus, a class. */
char *root_link(const char *format, ...)
{
	char *path, target[PATH_MAX], *slash;
	ssize_t len;

	PATH_OF(path, format);
	len = readlink(root_path(path), target, sizeof(target) - 1);
	if (len <= 0)
		return NULL;
	target[len] = '\0';
	slash = strrchr(target, '/');
	return mem_text(slash ? slash + 1 : target);
}

static int by_name(const void *a, const void *b)
{
	return text_compare(*(char *const *)a, *(char *const *)b);
}

/* The names in a folder, sorted; none if it cannot be read: see errno then. */
char **root_list(size_t *count, const char *format, ...)
{
	struct dirent *entry;
	char *path, **names = NULL;
	DIR *dir;

	PATH_OF(path, format);
	*count = 0;
	dir = opendir(root_path(path));
	if (!dir)
		return NULL;
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		names = mem_grow(names, *count, sizeof(*names));
		names[(*count)++] = mem_text(entry->d_name);
	}
	closedir(dir);
	if (*count)
		qsort(names, *count, sizeof(*names), by_name);
	errno = 0;
	return names;
}

/* Zero or an error number. Only files that are there are written. */
int root_write(const char *path, const char *text)
{
	int fd = root_open(path, O_WRONLY), error = 0;

	if (fd < 0)
		return errno;
	if (write(fd, text, strlen(text)) < 0)
		error = errno;
	if (close(fd) && !error)
		error = errno;
	return error;
}
