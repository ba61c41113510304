#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Build the device with PASIDs (lab/device/), as build/device/lab-pasid-dma.so, for the
# QEMU that is installed, or build/device10/lab-pasid-dma.so for that of lab/qemu10.sh;
# machines vtd-pasid and vtd-sva of lab/qemu.sh load it.
# QEMU's headers are those of Debian's source package of the same version.
# usage: lab/device.sh [qemu10]
. "$(dirname "$0")/lib.sh"
. "$lab/apt.sh"

which=${1:-installed}
one_of QEMU "$which" 'installed qemu10'
out=$build/device
release=''
source=$lab/device/lab-pasid-dma.c
mkdir -p "$out" "$logs"

"$lab/deps.sh" device
if [ "$which" = qemu10 ]; then
	"$lab/qemu10.sh"
	out=$build/device10
	mkdir -p "$out"
	package=$(cat "$build/qemu10/version")
	# Its source may not be in the releases that the machine has.
	[ ! -d "$build/qemu10/root" ] || release=trixie
else
	package=$(dpkg-query -W -f '${source:Version}' qemu-system-x86 2>/dev/null) ||
		die "the device is built against Debian's qemu-system-x86, which is not installed"
fi
case $package in
*:7.2+*|*:10.0.*) ;;
*)	die "the device knows the insides of QEMU 7.2 and 10.0 only, this one is $package" ;;
esac
headers=$out/qemu-${package#*:}
result=$out/lab-pasid-dma.so

fetch() {
	local log=$logs/device-fetch.log
	own_sources deb-src "$release"
	rm -rf "$out/fetch"
	mkdir -p "$out/fetch"
	(cd "$out/fetch" && own_apt update && own_apt source --download-only "qemu=$package") \
		>"$log" 2>&1 || {
		tail -n 5 "$log" >&2
		die "the source of qemu $package could not be fetched (log: $log)." \
		    "Mirrors drop superseded versions: bring QEMU up to date (apt-get install" \
		    "qemu-system-x86) or put the .dsc and its files into $out/fetch and call" \
		    "dpkg-source -x FILE.dsc $headers there"
	}
	rm -rf "$headers"
	logged device-unpack dpkg-source -x "$out/fetch"/*.dsc "$headers"
	rm -rf "$out/fetch" "$out"/*.orig.tar.*
}

# What configure would make; the structures have their sizes from it (INT128).
generate() {
	local option
	rm -rf "$out/generated"
	mkdir -p "$out/generated"
	(cd "$headers" && logged device-qapi python3 scripts/qapi-gen.py -b \
		-o "$out/generated/qapi" qapi/qapi-schema.json)
	: >"$out/generated/config-poison.h"
	for option in LINUX POSIX IOVEC INT128 MODULES PLUGIN TCG MADVISE; do
		echo "#define CONFIG_$option 1"
	done >"$out/generated/config-host.h"
	echo "#define HOST_X86_64 1" >>"$out/generated/config-host.h"
}

compile() {
	local flags
	read -ra flags < <(pkg-config --cflags glib-2.0)
	logged device gcc -std=gnu11 -O2 -fPIC -shared -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 \
		-fno-strict-aliasing -fno-common -fwrapv -Wall \
		-isystem "$out/generated" -isystem "$out/generated/qapi" \
		-isystem "$headers/include" -isystem "$headers/linux-headers" \
		"${flags[@]}" "$source" -o "$result.new"
	mv "$result.new" "$result"
}

hold "$(basename "$out")"
step "device with PASIDs for QEMU $package"
id=$( { cat "$source" "$lab/device.sh"; echo "$package"; } | sha256sum)
if [ -f "$result" ] && [ "$(cat "$out/.id" 2>/dev/null)" = "$id" ]; then
	exit
fi
rm -f "$out/.id"
[ -f "$headers/include/hw/pci/pci.h" ] || fetch
generate
compile
echo "$id" >"$out/.id"
