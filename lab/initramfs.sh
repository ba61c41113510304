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

# What the guest's user space is made from
id() {
	find "$lab/guest" "$lab/cov-task.sh" "$lab/initramfs.sh" "$top/tools/testing/selftests" \
		"$top/tools/iommu" \
		"$from/tools/testing/selftests/iommu" "$from/include/uapi/linux/iommufd.h" \
		"$from/include/uapi/linux/vfio.h" "$from/drivers/iommu/iommufd/iommufd_test.h" \
		"$build/$flavour/.config" "$build/$flavour/Module.symvers" -type f -print0 |
		sort -z | xargs -0 sha256sum
	busybox | sed -n 1p
}

hold "$flavour"
step "the guest's user space ($flavour)"
now=$(id | sha256sum)
if [ -f "$root.cpio.gz" ] && [ "$(cat "$root.id" 2>/dev/null)" = "$now" ]; then
	exit
fi
rm -rf "$root" "$root.id"
mkdir -p "$root"/{bin,dev,proc,sys,tmp,lab/tasks}
cp "$(command -v busybox)" "$root/bin/busybox"
cp "$lab/guest/init" "$root/init"
cp "$lab/guest/tasks/"* "$root/lab/tasks/"
if [ "$flavour" = cov ]; then
	mkdir -p "$root/lab/covered"
	for task in "$root"/lab/tasks/*; do
		mv "$task" "$root/lab/covered/"
		cp "$lab/cov-task.sh" "$task"
	done
fi
logged "guest-$flavour" "$lab/guest/build.sh" "$root" "$from" "$build/$flavour"

(cd "$root" && find . | sort | cpio -o -H newc -R 0:0 --quiet) | gzip -1 >"$root.new"
mv "$root.new" "$root.cpio.gz"
echo "$now" >"$root.id"
