// SPDX-License-Identifier: GPL-2.0-only
/*
 * The same for programs: one object, which says the version of its schema.
 *
 * The schema's number changes when a key goes or changes its meaning; new keys
 * may come at any time. What the kernel does not tell is null.
 */
#include <stdio.h>
#include <string.h>

#include "iommuctl.h"

#define DEEPEST	16

static int depth;
static bool filled[DEEPEST];	/* there is something on this level already */
static char closing[DEEPEST];
static bool one_line;

void js_one_line(void)
{
	one_line = true;
}

static void indent(void)
{
	if (one_line)
		return;
	putchar('\n');
	printf("%*s", 2 * depth, "");
}

/* The length of the UTF-8 character at @s, or 0 if it is none. */
static int utf8(const unsigned char *s)
{
	int len, i;

	if (*s >= 0xc2 && *s <= 0xdf)
		len = 2;
	else if (*s >= 0xe0 && *s <= 0xef)
		len = 3;
	else if (*s >= 0xf0 && *s <= 0xf4)
		len = 4;
	else
		return 0;
	for (i = 1; i < len; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	/* Overlong forms, surrogates and what lies beyond Unicode */
	if ((*s == 0xe0 && s[1] < 0xa0) || (*s == 0xed && s[1] > 0x9f) ||
	    (*s == 0xf0 && s[1] < 0x90) || (*s == 0xf4 && s[1] > 0x8f))
		return 0;
	return len;
}

static void quoted(const char *text)
{
	const unsigned char *s = (const unsigned char *)text;

	putchar('"');
	while (*s) {
		int len = utf8(s);

		if (len) {
			fwrite(s, 1, len, stdout);
			s += len;
			continue;
		}
		if (*s == '"' || *s == '\\')
			printf("\\%c", *s);
		else if (*s < ' ' || *s == 0x7f)
			printf("\\u%04x", *s);
		else if (*s >= 0x80)
			fputs("\\ufffd", stdout);
		else
			putchar(*s);
		s++;
	}
	putchar('"');
}

static void next(const char *key)
{
	if (filled[depth])
		fputs(one_line ? ", " : ",", stdout);
	filled[depth] = true;
	if (depth)
		indent();
	if (key) {
		quoted(key);
		fputs(": ", stdout);
	}
}

static void open_level(const char *key, char opens, char closes)
{
	next(key);
	putchar(opens);
	depth++;
	filled[depth] = false;
	closing[depth] = closes;
}

void js_object(const char *key)
{
	open_level(key, '{', '}');
}

void js_array(const char *key)
{
	open_level(key, '[', ']');
}

void js_close(void)
{
	bool empty = !filled[depth];
	char closes = closing[depth];

	depth--;
	if (!empty)
		indent();
	putchar(closes);
}

void js_begin(void)
{
	depth = 0;
	filled[0] = false;
	js_object(NULL);
	js_number("schema", IOMMUCTL_SCHEMA);
	js_text("verb", opt.verb);
}

void js_end(void)
{
	js_close();
	putchar('\n');
}

void js_null(const char *key)
{
	next(key);
	fputs("null", stdout);
}

void js_text(const char *key, const char *text)
{
	if (!text) {
		js_null(key);
		return;
	}
	next(key);
	quoted(text);
}

void js_number(const char *key, long long number)
{
	next(key);
	printf("%lld", number);
}

void js_seconds(const char *key, double seconds)
{
	next(key);
	printf("%.6f", seconds);
}

void js_bool(const char *key, bool yes)
{
	next(key);
	fputs(yes ? "true" : "false", stdout);
}

void js_tri(const char *key, enum tri value)
{
	if (value == UNTOLD)
		js_null(key);
	else
		js_bool(key, value == YES);
}

void js_texts(const char *key, char **texts, size_t count)
{
	size_t i;

	js_array(key);
	for (i = 0; i < count; i++)
		js_text(NULL, texts[i]);
	js_close();
}

void js_devices(const char *key, struct device **devices, size_t count)
{
	size_t i;

	js_array(key);
	for (i = 0; i < count; i++)
		js_text(NULL, devices[i]->name);
	js_close();
}
