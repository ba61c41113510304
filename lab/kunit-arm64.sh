#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# make kunit-arm64: the suites of the SMMUv3 driver, and those of processes that
# share their address spaces, in an emulated arm64 machine with two processors.
# kunit.py builds the kernel and boots it.
. "$(dirname "$0")/lib.sh"

steps 4
"$lab/deps.sh" arm64
hold kunit-arm64
"$lab/tree.sh"
step "the suites of arm-smmu-v3 and of SVA on arm64"
log=$logs/kunit-arm64.log
mkdir -p "$logs"
kunit() {
	local verb=$1
	shift
	(cd "$tree" && python3 tools/testing/kunit/kunit.py "$verb" --arch=arm64 \
		--cross_compile=aarch64-linux-gnu- --build_dir="$build/arm64" "$@")
}
rc=0
kunit build --kunitconfig="$lab/config/arm64.kunitconfig" --jobs="$jobs" >"$log" 2>&1 || rc=$?
# The others run on x86-64, and the model takes its time.
for suites in 'arm-smmu-v3*' 'iommu_sva*' iommu_faults; do
	[ $rc = 0 ] || break
	kunit exec --qemu_args='-smp 2' --timeout=600 "$suites" >>"$log" 2>&1 || rc=$?
	# What lockdep and others say fails no suite by itself.
	! grep -E 'BUG:|WARNING: |INFO: ' "$build/arm64/test.log" >>"$log" || rc=1
done
grep -E '^\[[0-9:]+\] ' "$log" || tail -n 20 "$log" >&2
[ $rc = 0 ] || die "a suite failed, or the kernel (log: $log)"
