#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# make exhaustive: search the states of the small worlds of the suite iommu_model
# deeper than a test run has time for.
# usage: lab/exhaustive.sh [DEPTH] [WORLD]
#
# The kernel is user-mode Linux: nothing else is so quick.
. "$(dirname "$0")/lib.sh"

depth=${1:-4}
world=${2:-}
out=$build/exhaustive
case $depth in *[!0-9]*) die "DEPTH=$depth is not a number" ;; esac

kunit() {
	local verb=$1
	shift
	(cd "$tree" && python3 tools/testing/kunit/kunit.py "$verb" --build_dir="$out" --arch=um "$@")
}

steps 5
"$lab/deps.sh" run
lock_build
"$lab/tree.sh"
step "user-mode Linux with the suites"
mkdir -p "$out" "$logs"
kunit config --kunitconfig=drivers/iommu/tests >"$logs/exhaustive-config.log" 2>&1 ||
	die "the suites cannot be configured (log: $logs/exhaustive-config.log)"
logged exhaustive-build kunit build --kunitconfig=drivers/iommu/tests --jobs="$jobs"
step "the search, to depth $depth${world:+ in $world}"
kunit exec --timeout=86400 --raw_output=all --kernel_args="model_kunit.depth=$depth" \
	${world:+--kernel_args="model_kunit.world=$world"} \
	'iommu_model.every_sequence_agrees_with_the_model' 2>&1 |
	tee "$logs/exhaustive.log" |
	sed -n -u 's/\r$//; /depth [0-9]*: \|differs\|driver calls:\|given up/{s/^\[[^]]*\] *//; s/^[ #]*/  /p}'
if ! grep -q '^ok 1 iommu_model' "$logs/exhaustive.log"; then
	die "a difference, or no end (log: $logs/exhaustive.log)"
fi
