// SPDX-License-Identifier: GPL-2.0-only
/*
 * The emulator's monitor (QMP) on the guest's second serial port: see core_lib.h.
 *
 * One line is one JSON object. We send few, fixed commands (QMP takes single quotes)
 * and look for fixed words in the answers, so there is no JSON parser here. Events
 * and answers come interleaved; an event that arrives while we wait for an answer is
 * kept.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "core_lib.h"

#define PORT		"/dev/ttyS1"
#define ANSWER_MS	60000

static char gone[16][64];	/* devices whose DEVICE_DELETED event was seen */
static int gone_count;
static char input[16384];	/* bytes read and not yet split into lines */
static size_t input_len;

static long long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* The next line; -ETIMEDOUT when @end (in now_ms() time) has passed without one */
static int next_line(int qmp, char *line, size_t len, long long end)
{
	struct pollfd poll_fd = { .fd = qmp, .events = POLLIN };
	char *stop;
	ssize_t got;

	for (;;) {
		stop = memchr(input, '\n', input_len);
		if (stop) {
			size_t used = stop - input + 1;

			*stop = 0;
			snprintf(line, len, "%.*s", (int)(len - 1), input);
			input_len -= used;
			memmove(input, stop + 1, input_len);
			return 0;
		}
		if (input_len == sizeof(input))
			return -EOVERFLOW;
		if (now_ms() >= end)
			return -ETIMEDOUT;
		if (poll(&poll_fd, 1, 50) <= 0)
			continue;
		got = read(qmp, input + input_len, sizeof(input) - input_len);
		if (got < 0 && errno != EAGAIN)
			return -errno;
		if (got > 0)
			input_len += got;
	}
}

static void note_event(const char *line)
{
	const char *id = strstr(line, "\"device\": \"");

	if (!id || !strstr(line, "DEVICE_DELETED") || gone_count == 16)
		return;
	snprintf(gone[gone_count++], sizeof(gone[0]), "%.*s", (int)strcspn(id + 11, "\""),
		 id + 11);
}

static int ask(int qmp, const char *command, const char *arguments, char *reply, size_t len,
	       int ms)
{
	static int serial;
	char text[512], mark[32], line[8192];
	long long end = now_ms() + ms;
	int ret, size;

	snprintf(mark, sizeof(mark), "\"id\": %d", ++serial);
	size = snprintf(text, sizeof(text), "{'execute':'%s','arguments':{%s},'id':%d}\n",
			command, arguments, serial);
	if (size >= (int)sizeof(text))
		return -EOVERFLOW;
	if (write(qmp, text, size) != size)
		return -EIO;
	for (;;) {
		ret = next_line(qmp, line, sizeof(line), end);
		if (ret)
			return ret;
		note_event(line);
		/* an earlier program may have left answers: only ours counts */
		if (strstr(line, mark) && !strstr(line, "\"event\""))
			break;
	}
	if (reply)
		snprintf(reply, len, "%s", line);
	return strstr(line, "\"error\"") ? -EREMOTEIO : 0;
}

int qmp_command(int qmp, const char *command, const char *arguments, char *reply, size_t len)
{
	return ask(qmp, command, arguments, reply, len, ANSWER_MS);
}

int qmp_open(void)
{
	int ret, tries, fd = open(PORT, O_RDWR | O_NOCTTY | O_NONBLOCK);
	struct termios raw;

	if (fd < 0)
		return -errno;
	if (tcgetattr(fd, &raw)) {
		ret = -errno;
		goto fail;
	}
	cfmakeraw(&raw);
	raw.c_cflag |= CLOCAL | CREAD;
	cfsetspeed(&raw, B115200);
	tcsetattr(fd, TCSANOW, &raw);
	gone_count = 0;
	input_len = 0;
	/*
	 * Until now the port echoed: the monitor may have got half of its own greeting
	 * back. 0xff makes it forget what it has not understood.
	 */
	for (tries = 0, ret = -ETIMEDOUT; tries < 10 && ret; tries++) {
		if (write(fd, "\xff\n", 2) != 2)
			break;
		/* wanted once; a second program gets an error, which is as good */
		ask(fd, "qmp_capabilities", "", NULL, 0, 2000);
		ret = ask(fd, "query-status", "", NULL, 0, 2000);
	}
	if (!ret)
		return fd;
fail:
	close(fd);
	return ret;
}

int qmp_add_edu(int qmp, const char *id, const char *bus, const char *addr)
{
	char arguments[256];

	snprintf(arguments, sizeof(arguments),
		 "'driver':'edu','dma_mask':%u,'id':'%s','bus':'%s','addr':'%s'",
		 ~0u, id, bus, addr);
	return qmp_command(qmp, "device_add", arguments, NULL, 0);
}

int qmp_del(int qmp, const char *id)
{
	char arguments[128];

	snprintf(arguments, sizeof(arguments), "'id':'%s'", id);
	return qmp_command(qmp, "device_del", arguments, NULL, 0);
}

int qmp_wait_deleted(int qmp, const char *id, int ms)
{
	long long end = now_ms() + ms;
	char line[8192];
	int i, ret;

	for (;;) {
		for (i = 0; i < gone_count; i++)
			if (!strcmp(gone[i], id))
				return 0;
		ret = next_line(qmp, line, sizeof(line), end);
		if (ret)
			return ret;
		note_event(line);
	}
}
