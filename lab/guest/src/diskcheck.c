// SPDX-License-Identifier: GPL-2.0-only
/*
 * diskcheck DEVICE: overwrite the first megabytes of a scratch disk with a
 * pseudo-random pattern and read them back, past the page cache, with requests of
 * many sizes and scattered buffers. Every byte that comes back went through the DMA
 * API twice. Prints one line; status 0 only if all was equal.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/types.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define PIECE		4096
#define MAX_PIECES	64
#define AREA		(4 << 20)
#define ROUNDS		2

static void fail(const char *what)
{
	printf("%s: %s\n", what, strerror(errno));
	exit(1);
}

/* One word of the pattern, from its place on the disk and the round (splitmix64) */
static __u64 word(__u64 at, __u64 seed)
{
	__u64 z = (at + 1) * 0x9e3779b97f4a7c15ull + seed;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

static void fill(void *piece, __u64 at, __u64 seed)
{
	__u64 *to = piece;
	int i;

	for (i = 0; i < PIECE / 8; i++)
		to[i] = word(at + i * 8, seed);
}

static void check(const void *piece, __u64 at, __u64 seed)
{
	const __u64 *from = piece;
	int i;

	for (i = 0; i < PIECE / 8; i++) {
		if (from[i] == word(at + i * 8, seed))
			continue;
		printf("byte %llu is wrong: read %016llx, wrote %016llx\n", at + i * 8,
		       from[i], word(at + i * 8, seed));
		exit(1);
	}
}

/* Pieces of a request, in an order that leaves no two neighbours in memory */
static int scatter(struct iovec *vec, char *memory, int pieces)
{
	int i;

	for (i = 0; i < pieces; i++) {
		int slot = i * 2 % MAX_PIECES + i * 2 / MAX_PIECES;

		vec[i].iov_base = memory + slot * PIECE;
		vec[i].iov_len = PIECE;
	}
	return pieces;
}

/* Go over the area with requests of 1, 2, 3 ... pieces; returns their number. */
static int pass(int fd, char *memory, __u64 seed, int writing)
{
	struct iovec vec[MAX_PIECES];
	int i, n, requests = 0, pieces = 1;
	__u64 at = 0;

	while (at < AREA) {
		n = scatter(vec, memory, pieces);
		if (at + n * PIECE > AREA)
			n = (AREA - at) / PIECE;
		for (i = 0; i < n; i++)
			if (writing)
				fill(vec[i].iov_base, at + i * PIECE, seed);
			else
				memset(vec[i].iov_base, 0, PIECE);
		if (writing ? pwritev(fd, vec, n, at) != n * PIECE :
			      preadv(fd, vec, n, at) != n * PIECE)
			fail(writing ? "write" : "read");
		for (i = 0; !writing && i < n; i++)
			check(vec[i].iov_base, at + i * PIECE, seed);
		at += n * PIECE;
		requests++;
		pieces = pieces % MAX_PIECES + 1;
	}
	return requests;
}

int main(int argc, char **argv)
{
	__u64 size, seed = time(NULL);
	int round, fd, requests = 0;
	void *memory;

	if (argc != 2) {
		fprintf(stderr, "usage: diskcheck DEVICE (its contents are lost)\n");
		return 2;
	}
	fd = open(argv[1], O_RDWR | O_DIRECT);
	if (fd < 0)
		fail(argv[1]);
	if (ioctl(fd, BLKGETSIZE64, &size))
		fail("size");
	if (size < AREA) {
		printf("too small: %llu bytes, %d needed\n", size, AREA);
		return 1;
	}
	if (posix_memalign(&memory, PIECE, MAX_PIECES * PIECE))
		fail("memory");
	for (round = 0; round < ROUNDS; round++) {
		requests += pass(fd, memory, seed + round, 1);
		if (fsync(fd))
			fail("flush");
		requests += pass(fd, memory, seed + round, 0);
	}
	printf("%d requests, %d KB written and read back equal (seed %llu)\n", requests,
	       ROUNDS * (AREA >> 10), seed);
	return 0;
}
