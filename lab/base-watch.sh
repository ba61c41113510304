#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Compare the base files that this core replaces with those it was written
# against, so that no fix of the stable tree is lost unseen.
# usage: lab/base-watch.sh [--warn]
# exit status: 0 nothing moved, 1 something did (with --warn always 0)
. "$(dirname "$0")/lib.sh"

sums=$lab/base-6.12.117.sha256
[ -d "$src" ] || die "no base kernel in $src yet; make base-watch fetches it"

moved=$(cd "$src" && sha256sum -c --quiet "$sums" 2>/dev/null |
	sed -n 's/: FAILED.*//p' || true)
if [ -z "$moved" ]; then
	[ "${1:-}" = --warn ] || say "the $(wc -l <"$sums") base files we replace are those of 6.12.117"
	exit 0
fi
text="base files that differ from 6.12.117's, against which ours were written:
$(printf '%s\n' "$moved" | sed 's/^/  /')
look for fixes there that ours lack"
if [ "${1:-}" = --warn ]; then
	warn "$text"
else
	say "$text"
	exit 1
fi
