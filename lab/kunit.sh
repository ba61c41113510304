#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Run the KUnit suites that are built into a flavour's kernel, as the base's
# kunit.py reads them.
# usage: lab/kunit.sh FLAVOUR [SUITE-GLOB]
# exit status: 0 all passed, 1 a test failed, 2 the guest failed
. "$(dirname "$0")/lib.sh"

one_of FLAVOUR "$1" 'plain debug cov'
suites=${2:-}
if [ -z "${LAB_STEP_FILE:-}" ]; then
	steps 7
	"$lab/all.sh" "$1"
	step "KUnit"
fi
seconds=400
[ "$1" = plain ] || seconds=900
rc=0
mkdir -p "$logs/guest"
"$lab/qemu.sh" -q -m none -t idle -n kunit -s "$seconds" \
	-k "kunit.enable=1 ${suites:+kunit.filter_glob=$suites}" "$1" 2>"$logs/guest/$1-kunit.trouble" ||
	rc=2
klog=$logs/guest/$1-kunit.kernel.log
# kunit.py strips the time stamps and the rest of the log by itself.
python3 "$tree/tools/testing/kunit/kunit.py" parse "$klog" >"$logs/guest/$1-kunit.log" ||
	[ $rc = 2 ] || rc=1
[ -n "${KUNIT_QUIET:-}" ] || cat "$logs/guest/$1-kunit.log"
cat "$logs/guest/$1-kunit.trouble" >&2
exit $rc
