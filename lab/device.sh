#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Build the device with PASIDs (lab/device/) for the QEMU that is installed, as
# build/device/lab-pasid-dma.so; machine vtd-pasid of lab/qemu.sh loads it.
# QEMU's headers are those of Debian's source package of the same version.
# usage: lab/device.sh
. "$(dirname "$0")/lib.sh"

out=$build/device
source=$lab/device/lab-pasid-dma.c
result=$out/lab-pasid-dma.so
mkdir -p "$out" "$logs"

"$lab/deps.sh" device
package=$(dpkg-query -W -f '${source:Version}' qemu-system-x86 2>/dev/null) ||
	die "the device is built against Debian's qemu-system-x86, which is not installed"
binary=$(dpkg-query -W -f '${Version}' qemu-system-x86)
case $package in
*:7.2+*|*:10.0.*) ;;
*)	die "the device knows the insides of QEMU 7.2 and 10.0 only, this machine has $package" ;;
esac
headers=$out/qemu-${package#*:}

# An apt of our own: the machine's mirrors and keys, but with their sources, and
# package lists in build/. What the machine has configured stays as it is.
own_apt() {
	apt-get -q -o Dir::Etc::SourceList="$out/apt/sources.list" -o Dir::Etc::SourceParts=- \
		-o Dir::State::Lists="$out/apt/lists" -o Dir::Cache="$out/apt/cache" \
		-o APT::Sandbox::User=root -o Acquire::Retries=3 "$@"
}

write_sources() {
	local keys=/usr/share/keyrings/debian-archive-keyring.gpg
	[ -f "$keys" ] && keys="[signed-by=$keys] " || keys=
	mkdir -p "$out"/apt/{lists,cache}/partial
	# shellcheck disable=SC2016 # apt replaces these
	apt-get indextargets --format '$(ORIGIN) $(REPO_URI) $(RELEASE) $(COMPONENT)' \
		'Created-By: Packages' | sort -u |
	while read -r origin uri release component; do
		[ "$origin" != Debian ] || echo "deb-src $keys$uri $release $component"
	done >"$out/apt/sources.list"
	[ -s "$out/apt/sources.list" ] ||
		die "this machine has no package lists of Debian; apt-get update fetches them"
}

fetch() {
	local log=$logs/device-fetch.log
	write_sources
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

hold device
step "device with PASIDs for QEMU $package"
id=$( { cat "$source" "$lab/device.sh"; echo "$binary"; } | sha256sum)
if [ -f "$result" ] && [ "$(cat "$out/.id" 2>/dev/null)" = "$id" ]; then
	exit
fi
rm -f "$out/.id"
[ -f "$headers/include/hw/pci/pci.h" ] || fetch
generate
compile
echo "$id" >"$out/.id"
