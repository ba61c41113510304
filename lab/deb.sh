#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# make deb: Debian packages of a kernel with our core, by the kernel's own bindeb-pkg.
# usage: lab/deb.sh
#   CONFIG=FILE  its configuration, also .gz or .xz (default: the running kernel's)
#   TRIM=yes     without the modules that this machine does not have loaded
. "$(dirname "$0")/lib.sh"

trim=${TRIM:-no}
one_of TRIM "$trim" 'yes no'
out=$build/deb/kernel
log=$logs/deb.log

# The configuration, on stdout
configuration() {
	local from=${CONFIG:-}
	if [ -z "$from" ]; then
		for from in "/boot/config-$(uname -r)" /proc/config.gz ''; do
			[ ! -r "$from" ] || break
		done
		[ -n "$from" ] ||
			die "the running kernel shows no configuration in /boot or /proc; name one: CONFIG=FILE" \
				"(Debian's own come with the package linux-config-$base_version)"
	fi
	[ -f "$from" ] && [ -r "$from" ] || die "CONFIG=$from is not a file that can be read"
	case $from in
	*.gz)	gzip -dc "$from" ;;
	*.xz)	xz -dc "$from" ;;
	*)	cat "$from" ;;
	esac >"$1"
	grep '^CONFIG_X86_64=y' "$1" >/dev/null ||
		die "CONFIG=$from is not the configuration of an x86-64 kernel"
	say "  from $from"
}

kmake() { make -C "$tree" O="$out" ARCH=x86 "$@"; }

configure() {
	step "configuration"
	mkdir -p "$out"
	configuration "$out/.config.new"
	mv "$out/.config.new" "$out/.config"
	# Distributions sign with keys that they do not give away.
	(cd "$out" && "$tree/scripts/config" --set-str SYSTEM_TRUSTED_KEYS '' \
		--set-str SYSTEM_REVOCATION_KEYS '')
	logged deb-config kmake olddefconfig
	if [ "$trim" = yes ]; then
		[ -s /proc/modules ] ||
			die "TRIM=yes keeps the modules that are loaded here, and none is"
		yes '' | logged deb-config kmake localmodconfig
	fi
	grep '^CONFIG_IOMMU_API=y' "$out/.config" >/dev/null ||
		die "a kernel of this configuration has no IOMMU core"
	say "  $(grep -c '=m$' "$out/.config") modules"
	! grep '^CONFIG_DEBUG_INFO_BTF=y' "$out/.config" >/dev/null ||
		command -v pahole >/dev/null ||
		die "CONFIG_DEBUG_INFO_BTF wants the program pahole (package dwarves)"
}

packages() {
	local wanted=12 tty=''
	[ "$trim" = yes ] || [ "$(grep -c '=m$' "$out/.config")" -lt 1000 ] || wanted=30
	room "$wanted" "building this kernel"
	step "kernel and packages"
	[ ! -t 1 ] || tty=1
	rm -f "$build"/deb/*.deb
	kmake -j"$jobs" LOCALVERSION=-iommu KDEB_CHANGELOG_DIST=unstable bindeb-pkg 2>&1 |
		tee "$log" | progress "$(cat "$out/.lab-lines" 2>/dev/null || echo 4000)" "$tty" || {
		grep -E -A3 'error:|Error [0-9]|\*\*\*|No space left|Unmet' "$log" | sed -n 1,20p >&2
		die "the packages could not be built (log: $log)"
	}
	grep -c '^  [A-Z][A-Z0-9_]* ' "$log" >"$out/.lab-lines" || true
	ls "$build"/deb/linux-image-*.deb >/dev/null 2>&1 ||
		die "there is no package linux-image in $build/deb (log: $log)"
	say "  apt install of:"
	ls "$build"/deb/*.deb
}

steps 5
"$lab/deps.sh" deb
hold deb
"$lab/tree.sh"
configure
packages
