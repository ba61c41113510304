#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# make mutants: put each fault of lab/mutants into a copy of the tree and see
# whether the KUnit suites named in its head notice.
# usage: lab/mutants.sh [NAME...]
#
# A fault is lab/mutants/NAME.patch, which has to apply without fuzz, lest it be
# another fault in another place. Its text before the first "---" says what
# is broken, and in a line "Suites:" which suites should see it. The kernel is
# user-mode Linux: it needs no guest and starts in a second.
. "$(dirname "$0")/lib.sh"

copy=$build/mutants/tree
out=$build/mutants/out
faults=$lab/mutants

if [ $# = 0 ]; then
	for fault in "$faults"/*.patch; do
		set -- "$@" "$(basename "$fault" .patch)"
	done
fi
for name in "$@"; do
	[ -f "$faults/$name.patch" ] || die "MUTANTS=$name: there is no $faults/$name.patch"
done

# Building looks at the configuration again, and takes the default if none is named.
kunit() {
	local verb=$1
	shift
	(cd "$copy" && python3 tools/testing/kunit/kunit.py "$verb" --build_dir="$out" --arch=um \
		--kunitconfig=drivers/iommu/tests "$@")
}

# suites LOG PARAMETERS...: run the kernel's suites; LOG is what kunit.py reads in
# its output. That goes to a file, because the kernel drops what a full pipe does
# not take, and a line that is missing looks like a test that failed.
suites() {
	local log=$1
	shift
	timeout 300 "$out/linux" mem=1G console=tty kunit_shutdown=halt kunit.enable=1 "$@" \
		>"$log.kernel" 2>&1 </dev/null || true
	(cd "$copy" && python3 tools/testing/kunit/kunit.py parse "$log.kernel") >"$log" 2>&1
}

# The first test of a kunit.py report that did not pass, as SUITE.TEST
first_red() {
	awk '
	/=+ .* \([0-9]+ subtests?\) =+$/ {
		suite = $0
		sub(/^\[[^]]*\] =+ /, "", suite)
		sub(/ \(.*/, "", suite)
	}
	/\[(FAILED|CRASHED)\]/ {
		sub(/.*\[(FAILED|CRASHED)\] */, "")
		print suite "." $0
		exit
	}' "$1"
}

# The test that had begun, of a run that ended without saying so
last_begun() {
	sed -n 's/^ *# Subtest: //p' "$1.kernel" 2>/dev/null | tail -n 1
}

# run SUITE LOG: run one suite; print what was red
run() {
	local red
	if suites "$2" "kunit.filter_glob=$1"; then
		return 0
	fi
	red=$(first_red "$2")
	say "${red:-a kernel that stopped in $(last_begun "$2")}"
}

restore() {
	sed -n 's|^+++ b/\([^[:space:]]*\).*|\1|p' "$1" |
		rsync -rlpc --files-from=- "$tree/" "$copy/"
}

try() {
	local fault=$faults/$1.patch log=$logs/mutants/$1 suite red=''
	if ! patch -f -F0 -d "$copy" -p1 --no-backup-if-mismatch -i "$fault" >"$log.patch.log" 2>&1; then
		say "$1: DOES NOT APPLY (log: $log.patch.log)"
		return 1
	fi
	# Not kunit.py's build, which configures and links more than is needed.
	if ! make -C "$copy" ARCH=um O="$out" -j"$jobs" linux >"$log.build.log" 2>&1; then
		say "$1: DOES NOT BUILD (log: $log.build.log)"
		return 1
	fi
	for suite in $(sed -n '/^---/q; s/^Suites: *//p' "$fault"); do
		red=$(run "$suite" "$log.$suite.log")
		[ -z "$red" ] || break
	done
	if [ -z "$red" ]; then
		say "$1: survived"
		return 1
	fi
	say "$1: killed by $red"
}

steps 6
"$lab/deps.sh" run
hold mutants
"$lab/tree.sh"
step "a copy of it"
mkdir -p "$copy" "$logs/mutants"
rsync -rlpc --delete "$tree/" "$copy/"
step "user-mode Linux with the suites"
kunit config >"$logs/mutants/config.log" 2>&1 ||
	die "the suites cannot be configured (log: $logs/mutants/config.log)"
logged mutants/build kunit build --jobs="$jobs"
suites "$logs/mutants/none.log" ||
	die "the suites fail without any fault: $(first_red "$logs/mutants/none.log") (log: $logs/mutants/none.log)"

step "the faults"
survived=0
for name in "$@"; do
	try "$name" || survived=$((survived + 1))
	restore "$faults/$name.patch"
done
say "$(($# - survived)) of $# faults killed, $survived not"
[ "$survived" = 0 ]
