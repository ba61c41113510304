#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Build one flavour of the lab's kernel in build/FLAVOUR.
# usage: lab/build.sh plain|debug|cov|kcsan|base|bench-base|bench-ours|bench-other
#        bench-other: the kernel tree that BASE= names
. "$(dirname "$0")/lib.sh"

flavour=${1:-plain}
one_of FLAVOUR "$flavour" "$flavours $bench_flavours"
out=$build/$flavour
log=$logs/build-$flavour.log
from=$tree
fragments="$lab/config/lab.config $lab/config/core.config"
# The same source gives the same kernel, whenever and wherever it is built: the
# banner is among what the kernel's random numbers begin with.
options=(
	KBUILD_BUILD_VERSION=1 KBUILD_BUILD_TIMESTAMP=2024-01-01
	KBUILD_BUILD_USER=lab KBUILD_BUILD_HOST=lab
)

case $flavour in
bench-*)
	fragments=$lab/config/bench.config ;;
esac
case $flavour in
bench-base)
	from=$src ;;
bench-other)
	from=$(readlink -f "${BASE:-}") ;;
base)	from=$src
	fragments=$lab/config/lab.config ;;
debug|kcsan)
	fragments="$fragments $lab/config/$flavour.config" ;;
cov)	fragments="$fragments $lab/config/cov.config"
	for file in "$top"/drivers/iommu/*.c; do
		options+=("GCOV_PROFILE_$(basename "$file" .c).o=y")
	done ;;
esac

kmake() { make -C "$from" O="$out" ARCH=x86 "$@"; }

# What decides the configuration: the fragments, and the Kconfig files we lay
config_id() {
	# shellcheck disable=SC2086 # a list of files
	{
		cat $fragments "$from/Makefile"
		find "$from/drivers/iommu" -name Kconfig | sort | xargs cat
		gcc --version
	} | sha256sum
}

# Requested symbols which the configuration does not have as requested
not_taken() {
	# shellcheck disable=SC2086 # a list of files
	sed -n '/^CONFIG_[A-Z0-9_a-z]*=/p; /^# CONFIG_[A-Z0-9_a-z]* is not set$/p' $fragments |
	while read -r line; do
		grep -qxF "$line" "$out/.config" && continue
		case $line in
		'#'*)	set -- $line
			grep -q "^$2=" "$out/.config" || continue ;;
		esac
		say "  $line"
	done
}

configure() {
	local id bad
	step "configuration of $flavour"
	id=$(config_id)
	[ "$(cat "$out/.lab-config" 2>/dev/null)" != "$id" ] || return 0
	rm -f "$out/.lab-config"
	mkdir -p "$out"
	logged "config-$flavour" kmake tinyconfig
	# shellcheck disable=SC2086 # a list of files
	(cd "$from" && logged "config-$flavour" scripts/kconfig/merge_config.sh -m -O "$out" \
		"$out/.config" $fragments)
	logged "config-$flavour" kmake olddefconfig
	bad=$(not_taken)
	[ -z "$bad" ] || die "the kernel's configuration did not take these lines:
$bad
(a symbol that is gone, or one it depends on is off)"
	echo "$id" >"$out/.lab-config"
}

# How many files a first build prints; only the per cent depend on it.
expected() {
	cat "$out/.lab-lines" 2>/dev/null || echo 1800
}

compile() {
	local tty='' total
	[ ! -t 1 ] || tty=1
	mkdir -p "$logs"
	if [ -e "$out/vmlinux" ]; then
		kmake -j"$jobs" "${options[@]}" bzImage modules >"$log" 2>&1 || failed
		return
	fi
	room 5 "building $flavour"
	total=$(expected)
	kmake -j"$jobs" "${options[@]}" bzImage modules 2>&1 | tee "$log" |
		progress "$total" "$tty" || failed
	grep -c '^  [A-Z][A-Z0-9_]* ' "$log" >"$out/.lab-lines"
}

failed() {
	say
	grep -E -A6 'error:|Error [0-9]|\*\*\*|No space left' "$log" | sed -n 1,30p >&2 || true
	die "building $flavour failed (log: $log)"
}

hold "$flavour"
"$lab/tree.sh"
configure
step "kernel $flavour"
begun=$SECONDS
compile
grep -E 'warning:' "$log" | sort -u >"$out/.lab-warnings" || true
[ ! -s "$out/.lab-warnings" ] || warn "the compiler warns (log: $log):
$(head -n 5 "$out/.lab-warnings")"
say "  $out/arch/x86/boot/bzImage ($((SECONDS - begun)) s)"
