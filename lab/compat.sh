#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# make compat: every source file of the base that includes linux/iommu.h, and
# can be built for x86-64 or arm64, compiles against our header and warns of
# nothing that it does not warn of with the base's.
. "$(dirname "$0")/lib.sh"

where=$build/compat

# Source files that see our header, directly or through iommu-priv.h.
users() {
	(cd "$src" && grep -rlE --include='*.c' \
		'#include ["<](linux/iommu\.h|[./a-z-]*iommu-priv\.h)[">]' \
		arch drivers kernel mm sound virt) | sort
}

# candidates ARCH: their objects, without ours and without other architectures'
candidates() {
	local file own=$1
	[ "$own" != x86_64 ] || own=x86
	while read -r file; do
		case $file in
		arch/"$own"/*) ;;
		arch/*) continue ;;
		esac
		[ -f "$top/$file" ] || [ ! -f "$tree/$file" ] || say "${file%.c}.o"
	done <"$where/users"
}

kmake() {	# TREE ARCH ARGUMENTS...
	local from=$1 arch=$2 cross=
	shift 2
	[ "$arch" = x86_64 ] || cross=aarch64-linux-gnu-
	make -C "$from" O="$where/$arch-$(basename "$from")" ARCH="$arch" CROSS_COMPILE="$cross" "$@"
}

prepare() {	# TREE ARCH
	local out=$where/$2-$(basename "$1") id
	id=$(cat "$1"/drivers/iommu/Kconfig "$1/Makefile" "$lab/config/compat.config" | sha256sum)
	[ "$(cat "$out/.lab-config" 2>/dev/null)" != "$id" ] || return 0
	mkdir -p "$out"
	KCONFIG_ALLCONFIG=$lab/config/compat.config \
		logged compat-config kmake "$1" "$2" allmodconfig
	logged compat-prepare kmake "$1" "$2" -j"$jobs" prepare
	echo "$id" >"$out/.lab-config"
}

# compile TREE ARCH: try the objects of $where/list; what the compiler says of
# each goes to OUT/.lab-said as lines "OBJECT<tab>MESSAGE"
compile() {
	local out=$where/$2-$(basename "$1") log=$logs/compat-$2-$(basename "$1").log
	prepare "$1" "$2"
	: >"$out/.lab-said"
	[ -s "$where/list" ] || return 0
	(cd "$out" && xargs -r rm -f) <"$where/list"
	# -Otarget keeps the words on one object together.
	# shellcheck disable=SC2046 # a list of files
	kmake "$1" "$2" -k -Otarget -j"$jobs" $(cat "$where/list") >"$log" 2>&1 || true
	awk '
	$1 == "CC" { object = $NF }
	/(warning|error):/ && object != "" {
		# the same words, whichever tree it was and however it was named
		gsub(/[^ ]*\/(tree|src)\//, "")
		gsub(/:[0-9]+:[0-9]+:/, ":")
		print object "\t" $0
	}' "$log" | sort -u >"$out/.lab-said"
}

# judge ARCH: compile with our header, what is doubtful also with the base's
judge() {
	local arch=$1 ours=$where/$1-tree theirs=$where/$1-src object new
	local good=0 bad=0 not=0
	candidates "$arch" >"$where/list"
	compile "$tree" "$arch"
	cp "$where/list" "$where/all"
	while read -r object; do
		[ -f "$ours/$object" ] && ! grep -q "^$object	" "$ours/.lab-said" || say "$object"
	done <"$where/all" >"$where/list"
	compile "$src" "$arch"
	while read -r object; do
		new=$(comm -23 <(grep "^$object	" "$ours/.lab-said") \
			<(grep "^$object	" "$theirs/.lab-said") | cut -f2-)
		if [ ! -f "$ours/$object" ] && [ ! -f "$theirs/$object" ] ; then
			not=$((not + 1))
			say "  not for $arch: ${object%.o}.c:" \
				"$(grep -m1 "^$object	" "$theirs/.lab-said" | sed 's/.*error: *//' |
				grep . || echo 'its folder is not configured')"
		elif [ ! -f "$ours/$object" ] || [ -n "$new" ]; then
			bad=$((bad + 1))
			say "  FAILED: ${object%.o}.c: ${new:-no object (log: $logs/compat-$arch-tree.log)}"
		fi
	done <"$where/list"
	good=$(($(wc -l <"$where/all") - bad - not))
	say "$arch: $good compile without new warnings, $bad do not, $not are not for it"
	[ "$bad" = 0 ] && [ "$good" != 0 ]
}

steps 5
"$lab/deps.sh" compat
hold compat
"$lab/tree.sh"
mkdir -p "$where" "$logs"
users >"$where/users"
rc=0
for arch in x86_64 arm64; do
	step "$arch: the $(wc -l <"$where/users") files that include our header"
	judge "$arch" || rc=1
done
exit $rc
