#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# make cov: run all tests on a kernel that counts, then say which part of each
# of our files they reach.
. "$(dirname "$0")/lib.sh"

data=$build/cov-data
sum=$build/cov-sum
objects=drivers/iommu

rm -rf "$data" "$sum"
"$lab/test.sh" cov || warn "tests failed; what follows counts all the same"
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
	(cd "$build/cov" && gcov -n "$sum/$name.gcda" 2>/dev/null) |
		awk -v name="$name.c" '
		/^File/ { ours = $0 ~ "/drivers/iommu/" name "\x27" }
		ours && /^Lines executed:/ { sub("Lines executed:", ""); printf "%-24s %s\n", name, $0 }'
done
