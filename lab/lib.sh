#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Sourced by every script of the lab: places, messages, small helpers.
# shellcheck disable=SC2034 # what is set here is used there
set -eu -o pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
lab=$top/lab
build=$top/build
src=$build/src			# the base as it came
tree=$build/tree		# the base with our files and patches laid over it
logs=$build/log
base_version=6.12
jobs=${JOBS:-$(nproc)}
flavours='plain debug cov kcsan base'
bench_flavours='bench-base bench-ours bench-other'
machines='vtd vtd-sm vtd-pasid vtd-sva virtio amd none'

say()  { printf '%s\n' "$*"; }
warn() { printf 'lab: warning: %s\n' "$*" >&2; }
die()  { printf 'lab: %s\n' "$*" >&2; exit 1; }

# one_of NAME VALUE CHOICES: refuse a value that is not among the choices
one_of() {
	case " $3 " in
	*" $2 "*) [ -n "$2" ] && return ;;
	esac
	die "$1=$2 is not known; choose one of: $3"
}

# positive NAME VALUE: refuse what is not a whole number above zero
positive() {
	case $2 in
	''|*[!0-9]*|0*) die "$1=$2 is not a whole number above zero" ;;
	esac
}

# steps N: this command has N steps; its scripts count them in a file, because
# each is a process of its own
steps() {
	mkdir -p "$build"
	export LAB_STEPS=$1 LAB_STEP_FILE
	LAB_STEP_FILE=$(mktemp "$build/steps.XXXXXX")
	echo 0 >"$LAB_STEP_FILE"
	trap 'rm -f "$LAB_STEP_FILE"' EXIT
}

step() {
	local k
	[ -n "${LAB_STEP_FILE:-}" ] || { say "$*"; return; }
	k=$(($(cat "$LAB_STEP_FILE") + 1))
	echo "$k" >"$LAB_STEP_FILE"
	say "[$k/$LAB_STEPS] $*"
}

# logged NAME COMMAND...: run it silently; on failure show the end of its log
logged() {
	local log=$logs/$1.log
	shift
	mkdir -p "$logs"
	if ! "$@" >"$log" 2>&1; then
		tail -n 20 "$log" >&2
		die "failed: $* (log: $log)"
	fi
}

# put_if_new FILE: take stdin as FILE's content; an equal file stays untouched
put_if_new() {
	cat >"$1.new"
	if cmp -s "$1.new" "$1"; then
		rm "$1.new"
	else
		mv "$1.new" "$1"
	fi
}

# progress TOTAL TTY: read make's output, say how far it is
progress() {
	awk -v total="$1" -v tty="$2" '
	/^  [A-Z][A-Z0-9_]* / {
		pct = int(++n * 100 / total)
		if (pct > 99)
			pct = 99
		if (tty)
			printf "\r  %2d %%  %-60.60s", pct, $0
		else if (int(pct / 10) > last)
			printf "  %d %%\n", 10 * (last = int(pct / 10))
		fflush()
	}
	END {
		if (tty)
			printf "\r%70s\r", ""
	}'
}

# room GIB WHAT: stop if the file system of build/ has less than that free
room() {
	local have
	mkdir -p "$build"
	have=$(df -Pk "$build" | awk 'NR == 2 { print int($4 / 1048576) }')
	[ "$have" -ge "$1" ] ||
		die "$2 needs $1 GiB of disk, $build has $have GiB free"
}

# hold NAME: nobody else makes build/NAME meanwhile. Several commands may share
# build/, each flavour and the laid tree have a lock of their own, in this order:
# a flavour's, then the tree's.
hold() {
	mkdir -p "$build"
	exec 9>"$build/.lock-$1"
	if ! flock -n 9; then
		say "waiting for another command that is making build/$1"
		flock 9
	fi
}

positive JOBS "$jobs"
[ -z "${ACCEL:-}" ] || one_of ACCEL "$ACCEL" 'kvm tcg'
