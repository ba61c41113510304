#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Install the Debian packages that a command needs and that are missing.
# usage: lab/deps.sh run|gdb|compat|arm64|device|docs|bench|series|deb
#	LAB_INSTALL=no only reports
. "$(dirname "$0")/lib.sh"

purpose=${1:-run}
one_of purpose "$purpose" 'run gdb compat arm64 device docs bench series deb'
one_of LAB_INSTALL "${LAB_INSTALL:-yes}" 'yes no'

[ "$(uname -m)" = x86_64 ] ||
	die "the lab builds and boots x86-64 kernels; this machine is $(uname -m)"
command -v dpkg-query >/dev/null ||
	die "the lab knows Debian's package names only (12 or 13); there is no dpkg here"

wanted() {
	cat <<-END
	gcc			compiles the kernel
	libc6-dev		headers for the programs the build runs, and static libc for the guest
	make			drives every build
	flex			kernel configuration
	bison			kernel configuration
	bc			kernel headers that are computed
	libelf-dev		objtool
	libssl-dev		tools of the kernel build
	xz-utils		unpacks the kernel source
	cpio			packs the guest's file system
	kmod			kernel modules
	rsync			lays our files over the base
	patch			applies patches/
	python3			kunit.py, which reads KUnit results
	busybox-static		user space of the guest
	qemu-system-x86		runs the guest
	END
	[ -n "${LINUX_SRC:-}" ] || echo "linux-source-$base_version	the base kernel"
	case $purpose in
	gdb)	echo "gdb	looks into the kernel" ;;
	compat)	echo "gcc-aarch64-linux-gnu	compiles for arm64" ;;
	arm64)	echo "gcc-aarch64-linux-gnu	compiles for arm64"
		echo "qemu-system-arm		runs arm64 kernels" ;;
	bench)	echo "gnuplot-nox		draws the growth of each operation" ;;
	series)	echo "git			makes and applies the mails"
		echo "perl			scripts/checkpatch.pl"
		echo "python3-ply		scripts/spdxcheck.py, which checkpatch calls"
		echo "python3-git		the same"
		echo "sparse			reads each step"
		echo "gcc-aarch64-linux-gnu	compiles for arm64" ;;
	deb)	echo "dpkg-dev		builds Debian packages"
		echo "debhelper		the rules of those packages" ;;
	device)	echo "dpkg-dev		unpacks QEMU's source, of which the device takes headers"
		echo "pkg-config		where glib's headers are"
		echo "libglib2.0-dev		headers QEMU's own include" ;;
	docs)	echo "python3-sphinx		makes HTML of the documents"
		echo "python3-yaml		documents that the kernel's target always makes"
		echo "perl			scripts/kernel-doc and scripts/get_abi.pl" ;;
	esac
}

missing() {
	wanted | while read -r name why; do
		dpkg-query -W -f '${Status}' "$name" 2>/dev/null |
			grep -q 'ok installed' || echo "$name $why"
	done
}

list=$(missing)
step "packages${list:+: some are missing}"
[ -n "$list" ] || exit 0
printf '%s\n' "$list" | while read -r name why; do
	printf '  %-24s %s\n' "$name" "$why"
done
names=$(printf '%s\n' "$list" | cut -d' ' -f1 | tr '\n' ' ')

[ "${LAB_INSTALL:-yes}" = yes ] ||
	die "LAB_INSTALL=no: nothing installed; by hand: apt-get install $names"
as_root=
if [ "$(id -u)" != 0 ]; then
	command -v sudo >/dev/null ||
		die "installing needs root and there is no sudo; as root: apt-get install $names"
	as_root=sudo
fi

# Lists may be old or absent on a fresh machine: refresh them once.
apt() { $as_root env DEBIAN_FRONTEND=noninteractive apt-get -y -q -o Acquire::Retries=3 "$@"; }
mkdir -p "$logs"
if ! apt update >"$logs/apt.log" 2>&1 || grep -q '^W: Failed to fetch' "$logs/apt.log"; then
	warn "apt-get update failed, trying with the lists that are here (log: $logs/apt.log)"
fi
for name in $names; do
	[ -n "$(apt-cache madison "$name" 2>/dev/null)" ] ||
		die "package $name is in none of this machine's package lists;" \
		    "the lab wants Debian 12 (with its security archive) or 13, and a network" \
		    "to fetch the lists (log: $logs/apt.log)"
done
# shellcheck disable=SC2086 # a list of names
apt install --no-install-recommends $names >>"$logs/apt.log" 2>&1 || {
	tail -n 8 "$logs/apt.log" >&2
	die "packages could not be installed; is there a network? (log: $logs/apt.log)"
}
[ -z "$(missing)" ] || die "still missing after the installation: $(missing | cut -d' ' -f1 | tr '\n' ' ')"
