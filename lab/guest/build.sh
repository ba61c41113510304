#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# usage: build.sh OUTDIR LAIDTREE BUILDDIR
#
# Compile what runs in the guest and put it into the initramfs tree OUTDIR:
#   /lab/bin      programs of the lab, and iommuctl
#   /lab/tests    our kselftests
#   /lab/mock     those that use iommufd's mock IOMMU, where LAIDTREE's has PASIDs
#   /lab/base     the base's iommufd suites, built from LAIDTREE
#   /lab/modules  the lab's kernel module
# LAIDTREE is the kernel source, BUILDDIR its build folder with a finished kernel.
set -eu

if [ $# -ne 3 ] || [ ! -d "$2/tools/testing/selftests/iommu" ] || [ ! -e "$3/.config" ]; then
	echo "usage: build.sh OUTDIR LAIDTREE BUILDDIR (a kernel source and its build folder)" >&2
	exit 2
fi
here=$(cd "$(dirname "$0")" && pwd)
core=$(cd "$here/../../tools/testing/selftests/iommu/core" && pwd)
mkdir -p "$1" "$3/guest"
out=$(cd "$1" && pwd)
tree=$(cd "$2" && pwd)
build=$(cd "$3" && pwd)
work=$build/guest
mkdir -p "$out/lab/bin" "$out/lab/tests" "$out/lab/mock" "$out/lab/base" \
	"$out/lab/modules" "$work/include/linux" "$work/obj" "$work/base" "$work/module"

# The kernel's own user headers of the two interfaces; the rest are the machine's.
for header in vfio iommufd; do
	sed 's/ __user / /' "$tree/include/uapi/linux/$header.h" >"$work/include/linux/$header.h"
done

cflags="-static -std=gnu11 -O2 -D_GNU_SOURCE -isystem $work/include"
strict="$cflags -Wall -Wextra -Werror -I$core -isystem $tree/tools/testing/selftests
	-isystem $tree/drivers/iommu/iommufd"

# Does the mock IOMMU have what ours has, or that of the base?
mock=$tree/drivers/iommu/iommufd/iommufd_test.h
has() { grep -q "$1" "$mock"; }

# stale TARGET SOURCE...: is it missing or older than a source?
stale() {
	target=$1
	shift
	[ -e "$target" ] || return 0
	for one in "$@"; do
		[ "$one" -nt "$target" ] && return 0
	done
	return 1
}
# compile PROGRAM SOURCE
compile() {
	stale "$1" "$2" "$core"/core_* "$here/build.sh" || return 0
	# shellcheck disable=SC2086 # flags are words
	gcc $strict "$2" "$work"/obj/core_*.o -o "$1" -lpthread
}
for source in "$core"/core_*.c; do
	[ "$(basename "$source")" != core_mock.c ] || has MOCK_FLAGS_DEVICE_GROUP || continue
	object=$work/obj/$(basename "$source" .c).o
	stale "$object" "$source" "$core"/core_*.h "$mock" "$here/build.sh" || continue
	# shellcheck disable=SC2086
	gcc $strict -c "$source" -o "$object"
done
for source in "$core"/*_test.c; do
	compile "$out/lab/tests/$(basename "$source" .c)" "$source"
done
for source in "$core"/mock_*.c; do
	has MOCK_FLAGS_DEVICE_GROUP || continue
	compile "$out/lab/mock/$(basename "$source" .c)" "$source"
done
for source in "$here"/src/*.c; do
	compile "$out/lab/bin/$(basename "$source" .c)" "$source"
done

make -s -C "$here/../../tools/iommu" OUTPUT="$work/iommuctl/" LDFLAGS=-static
cp "$work/iommuctl/iommuctl" "$out/lab/bin/"

# The base's suites want headers newer than the base's own; base-suites.sed drops the
# few assertions that do. The copy stands where the sources' relative includes work.
suites=$work/base/tools/testing/selftests/iommu
mkdir -p "$suites" "$work/base/drivers/iommu/iommufd"
ln -sfn "$tree/drivers/iommu/iommufd/iommufd_test.h" "$work/base/drivers/iommu/iommufd/"
harness=tools/testing/selftests/kselftest
ln -sfn "$tree/$harness.h" "$work/base/$harness.h"
# Half a minute is too short for some tests in a kernel with sanitizers.
sed 's/\(define TEST_TIMEOUT_DEFAULT\) 30$/\1 600/' "$tree/${harness}_harness.h" >"$work/harness.h"
mv "$work/harness.h" "$work/base/${harness}_harness.h"
newer=""
edit=/dev/null
if ! grep -q IOMMU_HW_INFO_TYPE_DEFAULT "$tree/include/uapi/linux/iommufd.h"; then
	newer="-DIOMMU_HW_INFO_TYPE_DEFAULT=0"
	edit=$here/base-suites.sed
fi
for source in iommufd.c iommufd_fail_nth.c iommufd_utils.h; do
	sed -f "$edit" "$tree/tools/testing/selftests/iommu/$source" |
		if has MOCK_FLAGS_DEVICE_PASID; then
			cat
		else
			sed -f "$here/base-suites-pasid.sed"
		fi |
		# kmemleak and debug objects allocate with every allocation.
		sed 's/ASSERT_GT(400, nth_state->iteration)/ASSERT_GT(4000, nth_state->iteration)/' \
		>"$suites/$source"
done
for suite in iommufd iommufd_fail_nth; do
	stale "$out/lab/base/$suite" "$tree"/tools/testing/selftests/iommu/iommufd* \
		"$mock" "$here"/base-suites*.sed "$here/build.sh" || continue
	# -w: warnings in the base's sources are the base's
	# shellcheck disable=SC2086
	gcc $cflags $newer -w "$suites/$suite.c" -o "$out/lab/base/$suite"
done

cp "$here"/modules/* "$work/module/"
symbols=""
[ -e "$build/Module.symvers" ] || symbols="KBUILD_EXTRA_SYMBOLS=$build/vmlinux.symvers"
make -s -C "$tree" O="$build" M="$work/module" ${symbols:+"$symbols"} modules
cp "$work"/module/*.ko "$out/lab/modules/"
