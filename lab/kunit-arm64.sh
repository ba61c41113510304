#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# make kunit-arm64: the suites of the SMMUv3 driver, in an emulated arm64
# machine. kunit.py builds the kernel and boots it.
. "$(dirname "$0")/lib.sh"

steps 4
"$lab/deps.sh" arm64
hold kunit-arm64
"$lab/tree.sh"
step "the suites of arm-smmu-v3 on arm64"
log=$logs/kunit-arm64.log
rc=0
mkdir -p "$logs"
(cd "$tree" && python3 tools/testing/kunit/kunit.py run --arch=arm64 \
	--cross_compile=aarch64-linux-gnu- --build_dir="$build/arm64" \
	--kunitconfig="$lab/config/arm64.kunitconfig" --jobs="$jobs" \
	--timeout=600) >"$log" 2>&1 || rc=$?
grep -E '^\[[0-9:]+\] ' "$log" || tail -n 20 "$log" >&2
[ $rc = 0 ] || die "a suite failed, or the kernel (log: $log)"
