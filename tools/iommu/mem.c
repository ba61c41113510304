// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory that lives until the program ends, and what is done with text.
 *
 * A listing is over in a moment, so nothing is freed piece by piece. watch runs
 * for long: it marks a place before each event and returns to it afterwards.
 */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "iommuctl.h"

static void **pieces;
static size_t pieces_count, pieces_room;

/* Zeroed. */
void *mem_alloc(size_t size)
{
	void *piece = calloc(1, size ? size : 1);

	if (pieces_count == pieces_room) {
		size_t room = pieces_room ? 2 * pieces_room : 1024;
		void **more = realloc(pieces, room * sizeof(*pieces));

		if (!more) {
			free(piece);
			piece = NULL;
		} else {
			pieces = more;
			pieces_room = room;
		}
	}
	if (!piece) {
		fputs("iommuctl: out of memory\n", stderr);
		_Exit(EXIT_SYSTEM);
	}
	pieces[pieces_count++] = piece;
	return piece;
}

/*
 * Room for one more than @count elements of @size. Grows when @count is a power
 * of two, so that the caller need not keep how large the array is.
 */
void *mem_grow(void *old, size_t count, size_t size)
{
	void *new;

	if (count & (count - 1))
		return old;
	new = mem_alloc((count ? 2 * count : 1) * size);
	if (count)
		memcpy(new, old, count * size);
	return new;
}

size_t mem_mark(void)
{
	return pieces_count;
}

void mem_release(size_t mark)
{
	while (pieces_count > mark)
		free(pieces[--pieces_count]);
	if (!mark) {
		free(pieces);
		pieces = NULL;
		pieces_room = 0;
	}
}

char *mem_textn(const char *text, size_t len)
{
	char *copy = mem_alloc(len + 1);

	memcpy(copy, text, len);
	return copy;
}

char *mem_text(const char *text)
{
	return mem_textn(text, strlen(text));
}

char *mem_printf(const char *format, ...)
{
	va_list args, again;
	char *text;
	int len;

	va_start(args, format);
	va_copy(again, args);
	len = vsnprintf(NULL, 0, format, args);
	text = mem_alloc(len + 1);
	vsnprintf(text, len + 1, format, again);
	va_end(again);
	va_end(args);
	return text;
}

/* Two texts that the kernel does not tell are not the same. */
bool text_is(const char *a, const char *b)
{
	return a && b && !strcmp(a, b);
}

bool text_starts(const char *text, const char *start)
{
	return !strncmp(text, start, strlen(start));
}

static const char *skip_zeros(const char *text)
{
	while (*text == '0' && isdigit((unsigned char)text[1]))
		text++;
	return text;
}

/* As people sort: "dev2" comes before "dev10". */
int text_compare(const char *a, const char *b)
{
	const char *x = a, *y = b;

	while (*x && *y) {
		if (isdigit((unsigned char)*x) && isdigit((unsigned char)*y)) {
			size_t m, n;
			int order;

			x = skip_zeros(x);
			y = skip_zeros(y);
			m = strspn(x, "0123456789");
			n = strspn(y, "0123456789");
			if (m != n)
				return m < n ? -1 : 1;
			order = memcmp(x, y, m);
			if (order)
				return order;
			x += m;
			y += n;
			continue;
		}
		if (*x != *y)
			return (unsigned char)*x - (unsigned char)*y;
		x++;
		y++;
	}
	if (*x || *y)
		return (unsigned char)*x - (unsigned char)*y;
	return strcmp(a, b);
}

static char *text_until(char **rest, const char *ends)
{
	char *start = *rest;
	size_t len;

	if (!start)
		return NULL;
	len = strcspn(start, ends);
	*rest = start[len] ? start + len + 1 : NULL;
	start[len] = '\0';
	return start;
}

/* The next word of *@rest, which is cut up; NULL if there is none left. */
char *text_word(char **rest)
{
	char *word;

	do {
		word = text_until(rest, " \t\n");
	} while (word && !*word);
	return word;
}

/* The next line, which may be empty; NULL at the end of the text. */
char *text_line(char **rest)
{
	if (*rest && !**rest)
		return NULL;
	return text_until(rest, "\n");
}

/* Decimal digits and nothing else. */
bool text_number(const char *text, unsigned long *number)
{
	size_t len = strlen(text);

	if (!len || len > 9 || strspn(text, "0123456789") != len)
		return false;
	*number = strtoul(text, NULL, 10);
	return true;
}

/*
 * Replace what could move a terminal's cursor: names of processes are any
 * bytes. Returns whether there was none.
 */
bool text_visible(char *text)
{
	bool clean = true;

	for (; *text; text++) {
		if ((unsigned char)*text >= ' ' && *text != 0x7f)
			continue;
		*text = '?';
		clean = false;
	}
	return clean;
}

static void complain(const char *format, va_list args)
{
	fflush(stdout);
	fputs("iommuctl: ", stderr);
	if (opt.verb)
		fprintf(stderr, "%s: ", opt.verb);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
}

void fail(int status, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	complain(format, args);
	va_end(args);
	exit(status);
}

void note(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	complain(format, args);
	va_end(args);
}
