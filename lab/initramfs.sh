#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Pack the guest's file system for one flavour: build/initramfs/FLAVOUR.cpio.gz
# usage: lab/initramfs.sh FLAVOUR
. "$(dirname "$0")/lib.sh"

flavour=${1:-plain}
one_of FLAVOUR "$flavour" "$flavours"
root=$build/initramfs/$flavour
from=$tree
[ "$flavour" != base ] || from=$src

lock_build
step "the guest's user space ($flavour)"
mkdir -p "$root"/{bin,dev,proc,sys,tmp,lab/tasks}

busybox=$(command -v busybox) || die "busybox is not there (package busybox-static)"
cp -u "$busybox" "$root/bin/busybox"
cp "$lab/guest/init" "$root/init"
rsync -rlp --delete "$lab/guest/tasks/" "$root/lab/tasks/"
if [ "$flavour" = cov ]; then
	mkdir -p "$root/lab/covered"
	for task in "$root"/lab/tasks/*; do
		mv "$task" "$root/lab/covered/"
		cp "$lab/cov-task.sh" "$task"
	done
fi
[ ! -x "$lab/guest/build.sh" ] ||
	logged "guest-$flavour" "$lab/guest/build.sh" "$root" "$from" "$build/$flavour"

(cd "$root" && find . | sort | cpio -o -H newc -R 0:0 --quiet) | gzip -1 >"$root.new"
mv "$root.new" "$root.cpio.gz"
