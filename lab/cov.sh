#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# make coverage: run all tests on a kernel that counts, then say how many lines
# and branches of each of our files they reach.
# usage: lab/cov.sh [QUICK], which is not empty to run the KUnit suites only
. "$(dirname "$0")/lib.sh"

data=$build/cov-data
sum=$build/cov-sum
objects=drivers/iommu

rm -rf "$data" "$sum"
tests=("$lab/test.sh" cov)
[ -z "${1:-}" ] || tests=("$lab/kunit.sh" cov '')
KUNIT_QUIET=${1:-} "${tests[@]}" || warn "tests failed; what follows counts all the same"
[ -d "$data" ] || die "no guest left any counts"

# One more count after the other is added to the sum.
for one in "$data"/*; do
	[ -d "$one$build/cov/$objects" ] || continue
	if [ -d "$sum" ]; then
		gcov-tool merge "$sum" "$one$build/cov/$objects" -o "$sum.new" 2>/dev/null
		rm -rf "$sum"
		mv "$sum.new" "$sum"
	else
		cp -r "$one$build/cov/$objects" "$sum"
	fi
done
for file in "$top/$objects"/*.c; do
	name=$(basename "$file" .c)
	[ -f "$sum/$name.gcda" ] || { say "$name.c: not run"; continue; }
	cp "$build/cov/$objects/$name.gcno" "$sum/"
	(cd "$build/cov" && gcov -b "$sum/$name.gcda" 2>/dev/null) |
		awk -v name="$name.c" '
		/^File/ { ours = $0 ~ "/drivers/iommu/" name "\x27" }
		ours && /^Lines executed:/ { lines = substr($0, 16) }
		ours && /^Taken at least once:/ { branches = substr($0, 21) }
		END { printf "%-24s lines %-18s branches %s\n", name, lines, branches }'
	mv "$build/cov/$name.c.gcov" "$sum/"
	rm -f "$build"/cov/*.gcov
done
say "What was not run is marked ##### in $sum/*.gcov"
