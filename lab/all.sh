#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Everything that a guest of one flavour needs: packages, source, kernel, user space.
# usage: lab/all.sh FLAVOUR
. "$(dirname "$0")/lib.sh"

one_of FLAVOUR "$1" "$flavours"
[ -n "${LAB_STEP_FILE:-}" ] || steps 6
"$lab/deps.sh" run
"$lab/build.sh" "$1"
"$lab/initramfs.sh" "$1"
