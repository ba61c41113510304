#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Make build/src (the base) and build/tree (the base with our files over it).
#
# Files whose content does not change keep their time stamps, so that a build
# repeats only what it must. There is no "done" mark for the laying: each run
# works out what the tree has to hold and compares, so an interrupted run is
# simply finished by the next.
. "$(dirname "$0")/lib.sh"

overlay='drivers include Documentation tools'
manifest=$build/tree.manifest	# files of build/tree that are not the base's

version_of() {
	awk -F' *= *' '$1 == "VERSION" { v = $2 } $1 == "PATCHLEVEL" { p = $2 }
		$1 == "SUBLEVEL" { print v "." p "." $2; exit }' "$1/Makefile"
}

refuse_other_versions() {
	local v
	if [ ! -f "$1/Makefile" ] || [ ! -f "$1/Kbuild" ]; then
		die "$2 is not a Linux source tree"
	fi
	v=$(version_of "$1")
	case $v in
	"$base_version".*) ;;
	*) die "$2 is Linux $v; this core replaces that of $base_version.y only" ;;
	esac
}

# take DIR: make build/src equal to DIR, touching only what differs
take() {
	mkdir -p "$src"
	rsync -rlpc --delete "$1/" "$src/"
}

unpack() {
	local tmp=$build/unpack root
	rm -rf "$tmp"
	mkdir -p "$tmp"
	logged unpack tar -xf "$1" -C "$tmp"
	root=$(find "$tmp" -mindepth 1 -maxdepth 1 -type d)
	[ -d "$root" ] || die "$1 does not hold one folder with a kernel"
	refuse_other_versions "$root" "$1"
	if [ -e "$src" ]; then
		take "$root"
		rm -rf "$tmp"
	else
		mv "$root" "$src"
		rmdir "$tmp"
	fi
}

# The stamp names what build/src holds; it is written last.
fetch() {
	local from=${LINUX_SRC:-/usr/src/linux-source-$base_version.tar.xz} id how changed
	local stamp=$build/src.stamp

	[ -e "$from" ] || die "${LINUX_SRC:+LINUX_SRC=}$from does not exist"
	from=$(readlink -f "$from")
	if [ -d "$from" ]; then
		refuse_other_versions "$from" "$from"
		[ "$from" != "$src" ] || die "LINUX_SRC must not be the lab's own $src"
		say "  comparing with $from"
		mkdir -p "$src"
		# From another source, contents decide; later, time stamps do.
		[ "$(cat "$stamp" 2>/dev/null)" = "$from" ] && how=-rlpt || how=-rlpc
		changed=$(rsync $how -i --delete --exclude=/.git --exclude='*.o' --exclude='.*.cmd' \
			"$from/" "$src/")
		# Kbuild refuses to build out of tree from a tree built in place.
		[ ! -e "$src/.config" ] || logged mrproper make -C "$src" mrproper
		if [ -n "$changed" ] || [ ! -f "$stamp" ]; then
			echo "$from" >"$stamp"
		fi
		return
	fi
	id="$from $(stat -c '%s %Y' "$from")"
	if [ "$(cat "$stamp" 2>/dev/null)" != "$id" ]; then
		room 8 "unpacking and building"
		say "  unpacking $from"
		rm -f "$stamp"
		unpack "$from"
		echo "$id" >"$stamp"
	fi
}

patch_list() {
	[ ! -f "$top/patches/series" ] || sed 's/#.*//; /^[[:space:]]*$/d' "$top/patches/series"
}

# A patch that is not applied would be missed by nobody else.
all_listed() {
	local file
	for file in "$top"/patches/*.patch; do
		patch_list | grep -xF "$(basename "$file")" >/dev/null ||
			die "$file is not in patches/series"
	done
}

# Files a patch names on either side, without the a/ and b/
patched_files() {
	sed -n 's,^\(---\|+++\) [ab]/\([^[:space:]]*\).*,\2,p' "$1"
}

# stage DIR: all files of the laid tree that are not plainly the base's
stage() {
	local dir name file
	for dir in $overlay; do
		[ ! -d "$top/$dir" ] || rsync -rlp --filter=':- .gitignore' "$top/$dir" "$1/"
	done
	patch_list | while read -r name; do
		[ -f "$top/patches/$name" ] || die "patches/series names $name, which is not there"
		patched_files "$top/patches/$name" | sort -u | while read -r file; do
			[ -e "$1/$file" ] || [ ! -f "$src/$file" ] || {
				mkdir -p "$1/$(dirname "$file")"
				cp -p "$src/$file" "$1/$file"
			}
		done
		logged patch patch -f -d "$1" -p1 -E --no-backup-if-mismatch -i "$top/patches/$name"
	done
}

lay() {
	local new old file
	if [ ! -d "$tree" ] || [ ! "$build/tree.stamp" -nt "$build/src.stamp" ]; then
		touch "$build/tree.begun"
		mkdir -p "$tree"
		rsync -rlpc --delete "$src/" "$tree/"
		mv "$build/tree.begun" "$build/tree.stamp"
		touch "$build/tree.stamp"
	fi
	new=$(mktemp -d "$build/stage.XXXXXX")
	# shellcheck disable=SC2064 # the name as it is now
	trap "rm -rf '$new'" EXIT
	stage "$new"
	(cd "$new" && find . -type f -o -type l) | sort >"$manifest.new"
	old=$(cat "$manifest" 2>/dev/null || true)
	# Until the end the manifest names old and new files alike.
	printf '%s\n' "$old" | sort -u - "$manifest.new" | sed '/^$/d' >"$manifest.all"
	mv "$manifest.all" "$manifest"
	comm -23 "$manifest" "$manifest.new" | while read -r file; do
		if [ -e "$src/$file" ]; then
			cmp -s "$src/$file" "$tree/$file" || cp "$src/$file" "$tree/$file"
		else
			rm -f "$tree/$file"
		fi
	done
	rsync -rlpc "$new/" "$tree/"
	mv "$manifest.new" "$manifest"
}

hold tree
step "the base kernel's source"
fetch
say "  Linux $(version_of "$src") in $src"
"$lab/base-watch.sh" --warn
step "our files and patches over it"
all_listed
lay
say "  $(wc -l <"$manifest") files in $tree"
