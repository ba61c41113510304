// SPDX-License-Identifier: GPL-2.0-only
/*
 * What people read: columns, lines "name: value", and colour.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "iommuctl.h"

const char *or_dash(const char *text)
{
	return text && *text ? text : "-";
}

const char *colored(const char *color, const char *text)
{
	if (!opt.color)
		return text;
	return mem_printf("\033[%sm%s\033[0m", color, text);
}

void table_begin(struct table *t, const char * const *heads,
		 size_t columns, const bool *right)
{
	memset(t, 0, sizeof(*t));
	t->heads = heads;
	t->columns = columns;
	t->right = right;
}

/* Cells come row by row; NULL is what the kernel does not tell. */
void table_cell(struct table *t, const char *text)
{
	size_t cells = t->rows;	/* counted in cells until it is printed */

	t->cells = mem_grow(t->cells, cells, sizeof(*t->cells));
	t->cells[cells] = or_dash(text);
	t->rows++;
}

static void print_row(const struct table *t, const char *const *cells,
		      const int *widths, const char *color)
{
	size_t c;

	for (c = 0; c < t->columns; c++) {
		bool right = t->right && t->right[c];
		int pad = widths[c] - (int)strlen(cells[c]);

		if (c)
			putchar(' ');
		if (right)
			printf("%*s", pad, "");
		fputs(color ? colored(color, cells[c]) : cells[c], stdout);
		if (!right && c + 1 < t->columns)
			printf("%*s", pad, "");
	}
	putchar('\n');
}

void table_print(const struct table *t)
{
	int *widths = mem_alloc(t->columns * sizeof(*widths));
	size_t c, cell;

	for (c = 0; c < t->columns && !opt.noheadings; c++)
		widths[c] = strlen(t->heads[c]);
	for (cell = 0; cell < t->rows; cell++) {
		int len = strlen(t->cells[cell]);

		if (len > widths[cell % t->columns])
			widths[cell % t->columns] = len;
	}
	if (!opt.noheadings)
		print_row(t, t->heads, widths, BOLD);
	for (cell = 0; cell < t->rows; cell += t->columns)
		print_row(t, t->cells + cell, widths, NULL);
}

/* One line of a list of facts. */
void say(const char *name, const char *format, ...)
{
	va_list args;

	printf("%-15s ", mem_printf("%s:", name));
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
}
