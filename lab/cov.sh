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
status=0
KUNIT_QUIET=${1:-} "${tests[@]}" || {
	status=1
	warn "tests failed; what follows counts all the same"
}
[ -d "$data" ] || die "no guest left any counts"

# What all tests together have to reach of the files that decide, in per cent.
goals='transition member mm owner pasid group default'
goal_lines=95
goal_branches=85

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
report() {
	local name=$1
	[ -f "$sum/$name.gcda" ] || { say "$name.c: not run"; return; }
	cp "$build/cov/$objects/$name.gcno" "$sum/"
	(cd "$build/cov" && gcov -b "$sum/$name.gcda" 2>/dev/null) |
		awk -v name="$name.c" '
		/^File/ { ours = $0 ~ "/drivers/iommu/" name "\x27" }
		ours && /^Lines executed:/ { lines = substr($0, 16) }
		ours && /^Taken at least once:/ { branches = substr($0, 21) }
		END { printf "%-24s lines %-18s branches %s\n", name, lines, branches }'
	mv "$build/cov/$name.c.gcov" "$sum/"
	rm -f "$build"/cov/*.gcov
}

for file in "$top/$objects"/*.c; do
	report "$(basename "$file" .c)"
done | tee "$sum/report"
say "What was not run is marked ##### in $sum/*.gcov"

[ -z "${1:-}" ] || exit $status
missed=$(awk -v goals="$goals" -v lines=$goal_lines -v branches=$goal_branches '
	BEGIN { n = split(goals, goal) }
	{ l[$1] = $3 + 0; b[$1] = $7 + 0 }
	END {
		for (i = 1; i <= n; i++) {
			file = "iommu-" goal[i] ".c"
			if (l[file] < lines || b[file] < branches)
				printf "  %s: %s %%, %s %%\n", file, l[file], b[file]
		}
	}' "$sum/report")
[ -z "$missed" ] || die "fewer than $goal_lines % of lines or $goal_branches % of branches:
$missed"
say "at least $goal_lines % of lines and $goal_branches % of branches of: $goals"
exit $status
