#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# make run: from nothing to a guest in which our core does its main job.
# usage: lab/run.sh FLAVOUR MACHINE
. "$(dirname "$0")/lib.sh"

one_of FLAVOUR "$1" "$flavours"
one_of MACHINE "$2" "vtd vtd-sm vtd-pasid"
machine=$2
steps 7
[ "$machine" != vtd-pasid ] || steps 9
"$lab/all.sh" "$1"
if [ "$machine" = vtd-pasid ] && ! "$lab/device.sh"; then
	warn "no device with PASIDs, so not the last act; lab/device/README.md says what it needs"
	machine=vtd-sm
fi
step "the guest: $1 kernel on $machine, $("$lab/accel.sh" "$build/$1/arch/x86/boot/bzImage")"
# Refusals with a reason are ours; the base has none to show.
reasons=reasons
[ "$1" != base ] || reasons=
"$lab/qemu.sh" -m "$machine" -t demo -a "$reasons" -s 300 "$1"
