#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# make series: our files and patches as mails that `git am` applies to the base.
# make series-check: apply them to the pristine base, one by one, and at each step
# build what the step may have broken, and let checkpatch and sparse read it.
# usage: lab/series.sh write|check
#
# patches/series has the order. A line "#+ NAME" in it is patches/NAME.files: a
# commit message, then lines "Files: PATTERN..." (files of ours that enter there) and
# "With: PATCH" (a patch that enters in the same commit).
. "$(dirname "$0")/lib.sh"

how=${1:-write}
one_of argument "$how" 'write check'
work=$build/series
repo=$work/linux		# the base, and each step as a commit on branch "series"
mails=$work/patches
check=$work/check		# where the mails are applied

# The commits in their order: NAME.files, or a patch that goes with none of them
steps_of() {
	local with
	with=$(cat "$top"/patches/*.files | sed -n 's/^With: //p')
	sed -n 's/^#+ \([^ ]*\)$/\1.files/p; t; /^[^#]/p' "$top/patches/series" |
		grep -vxF "$with"
}

g() { git -C "$repo" "$@"; }

who() {
	git -C "$top" var GIT_AUTHOR_IDENT >/dev/null 2>&1 ||
		die "git does not know who signs the series; set user.name and user.email"
	GIT_AUTHOR_NAME=$(git -C "$top" var GIT_AUTHOR_IDENT | sed 's/ <.*//')
	GIT_AUTHOR_EMAIL=$(git -C "$top" var GIT_AUTHOR_IDENT | sed 's/.*<\(.*\)>.*/\1/')
	GIT_COMMITTER_NAME=$GIT_AUTHOR_NAME GIT_COMMITTER_EMAIL=$GIT_AUTHOR_EMAIL
	# Equal content makes equal mails.
	GIT_AUTHOR_DATE=$(git -C "$top" log -1 --format=%aI)
	GIT_COMMITTER_DATE=$GIT_AUTHOR_DATE
	export GIT_AUTHOR_NAME GIT_AUTHOR_EMAIL GIT_AUTHOR_DATE
	export GIT_COMMITTER_NAME GIT_COMMITTER_EMAIL GIT_COMMITTER_DATE
}

# The base as one commit, tagged "base"
commit_base() {
	if ! g rev-parse -q --verify base >/dev/null 2>&1; then
		room 4 "a repository of the base, and one copy to check in"
		rm -rf "$repo"
		mkdir -p "$repo"
		git -C "$work" init -q linux
		g config gc.auto 0
	else
		g checkout -q -f --detach base
	fi
	rsync -rlpt --delete --exclude=/.git "$src/" "$repo/"
	g add -A -f .
	if ! g rev-parse -q --verify base >/dev/null || ! g diff --cached --quiet base; then
		g commit -q --allow-empty -m "Linux $(make -s -C "$src" kernelversion)"
		g tag -f base >/dev/null
	fi
}

# message FILE: what stands before its first file or patch
message() {
	sed -e '/^\(---\|diff \|Files: \|With: \)/,$d' -e 's/^Subject: //' "$1"
}

lay_patch() {
	logged series-patch patch -f -d "$repo" -p1 -E --no-backup-if-mismatch \
		-i "$top/patches/$1"
}

# lay_files STEP: the files and patches it names
lay_files() {
	local words
	sed -n 's/^Files: //p' "$1" | tr ' ' '\n' | while read -r words; do
		[ -n "$(git -C "$top" ls-files -- ":(glob)$words")" ] ||
			die "$1: there is no file like $words"
		git -C "$top" ls-files -- ":(glob)$words"
	done | rsync -lpt --files-from=- "$top/" "$repo/"
	sed -n 's/^With: //p' "$1" | while read -r words; do
		lay_patch "$words"
	done
}

commit_step() {
	local file=$top/patches/$1
	[ -f "$file" ] || die "patches/series names $1, which is not there"
	case $1 in
	*.files) lay_files "$file" ;;
	*) lay_patch "$1" ;;
	esac
	g add -A -f .
	message "$file" | g commit -q -s -F - || die "$1 changes nothing"
}

same_as_laid_tree() {
	local file
	while read -r file; do
		cmp -s "$repo/$file" "$tree/$file" ||
			say "  $file is not what the lab builds"
	done <"$build/tree.manifest"
	g diff --name-only --no-renames base series | while read -r file; do
		[ -e "$tree/$file" ] || say "  $file is not in what the lab builds"
	done
}

write() {
	local name wrong
	step "the base as a commit"
	hold series
	commit_base
	step "$(steps_of | wc -l) steps"
	g checkout -q -B series base
	steps_of | while read -r name; do
		commit_step "$name"
	done
	wrong=$(same_as_laid_tree)
	[ -z "$wrong" ] || die "the series does not end where the lab's tree does; is a file in no" \
		"patches/*.files?
$(printf '%s\n' "$wrong" | sed -n 1,10p)"
	rm -rf "$mails"
	g config branch.series.description "$(cat "$top/patches/cover-letter")"
	# -B: a file that is written anew is shown as one that goes and one that comes.
	g format-patch -q -B --no-renames --cover-letter --cover-from-description=subject \
		--base=base -o "$mails" base..series
	say "  $(find "$mails" -name '*.patch' | wc -l) mails in $mails"
}

# ---- check ------------------------------------------------------------------

in_check() { git -C "$check" "$@"; }

kmake() {	# ARCH ARGUMENTS...
	local arch=$1 cross=
	shift
	[ "$arch" = x86_64 ] || cross=aarch64-linux-gnu-
	make -C "$check" O="$work/$arch" ARCH="$arch" CROSS_COMPILE="$cross" "$@"
}

configure() {	# ARCH
	mkdir -p "$work/$1"
	{
		grep -v CONFIG_WERROR "$lab/config/compat.config"
		printf 'CONFIG_%s=y\n' WERROR KUNIT
	} >"$work/check.config"
	KCONFIG_ALLCONFIG=$work/check.config logged series-config kmake "$1" allmodconfig
	logged series-prepare kmake "$1" -j"$jobs" prepare
}

# Of the files on stdin, the objects that can be built: in the two folders that are
# built as a whole those that were, elsewhere all but another architecture's.
objects() {	# ARCH
	local file
	while read -r file; do
		case $file in
		arch/"${1%_64}"/*.c)
			say "${file%.c}.o" ;;
		arch/*)	;;
		drivers/iommu/*.c|drivers/vfio/*.c)
			[ ! -f "$work/$1/${file%.c}.o" ] || say "${file%.c}.o" ;;
		tools/*|samples/*|scripts/*) ;;
		*.c)	[ ! -f "$check/$file" ] || say "${file%.c}.o" ;;
		esac
	done
}

# What sparse says of the objects on stdin, without the places
sparse_says() {
	local list
	list=$(objects x86_64)
	[ -n "$list" ] || return 0
	# shellcheck disable=SC2086 # a list of files
	kmake x86_64 -k C=2 CHECK=sparse $list 2>&1 | grep -E ':[0-9]+:[0-9]+: (warning|error):' |
		sed -E "s,^([^ ]*/)?(drivers/[^:]*):[0-9]+:[0-9]+:,\2:," | sort -u || true
}

# What checkpatch says of a mail, but for what cannot be otherwise. Its helpers in
# Python want Debian's modules, so Debian's python3.
checkpatch_says() {
	PATH=/usr/bin:$PATH perl "$check/scripts/checkpatch.pl" --root="$check" --strict --terse \
		--no-summary --showfile --show-types --ignore FILE_PATH_CHANGES "$1" |
	awk '
	NR == FNR {
		if (/^[^#]/)
			forced[$1, $2]
		next
	}
	{
		split($1, place, ":")
		split($2, kind, ":")
		folder = place[1]
		sub("[^/]*$", "*", folder)
		if (!((place[1], kind[2]) in forced) && !((folder, kind[2]) in forced))
			print
	}' "$lab/checkpatch.forced" - || true
}

# One mail: what is wrong with it, or nothing
judge() {
	local mail=$1 touched before after targets arch file
	touched=$(git apply --numstat "$mail" | cut -f3)
	checkpatch_says "$mail"
	before=$(printf '%s\n' "$touched" | sparse_says)
	in_check am -q "$mail" >"$logs/series-am.log" 2>&1 ||
		{ say "does not apply (log: $logs/series-am.log)"; return; }
	for arch in x86_64 arm64; do
		case " $(printf '%s\n' "$touched" | tr '\n' ' ')" in
		*/Kconfig*) configure "$arch" ;;
		*\ drivers/*|*\ include/*|*\ arch/*) ;;
		*) continue ;;
		esac
		targets="drivers/iommu/ drivers/vfio/ $(printf '%s\n' "$touched" |
			grep -v '^drivers/\(iommu\|vfio\)/' | objects "$arch")"
		# shellcheck disable=SC2086 # a list of targets
		kmake "$arch" -j"$jobs" $targets >"$logs/series-$arch.log" 2>&1 || {
			grep -m3 -E 'error:|\*\*\*' "$logs/series-$arch.log"
			say "does not build for $arch (log: $logs/series-$arch.log)"
		}
	done
	after=$(printf '%s\n' "$touched" | sparse_says)
	comm -13 <(printf '%s\n' "$before") <(printf '%s\n' "$after") | sed '/^$/d; s/^/sparse: /'
	case " $(printf '%s\n' "$touched" | tr '\n' ' ')" in
	*\ tools/iommu/*)
		mkdir -p "$work/iommuctl"
		# It names what it compiles, whatever it is told: warnings are errors.
		make -s -C "$check/tools/iommu" OUTPUT="$work/iommuctl/" CFLAGS='-O2 -g -Werror' \
			>"$logs/series-iommuctl.log" 2>&1 ||
			say "tools/iommu does not build (log: $logs/series-iommuctl.log)" ;;
	esac
}

check_series() {
	local mail wrong bad=0 n=0 begun
	step "a pristine base to apply them to"
	git -C "$repo" worktree prune
	[ -e "$check/.git" ] || { rm -rf "$check"; g worktree add -q -f --detach "$check" base; }
	in_check am --abort >/dev/null 2>&1 || true
	in_check checkout -q -f --detach base
	in_check clean -q -fdx
	configure x86_64
	configure arm64
	for arch in x86_64 arm64; do
		say "  the base itself, for $arch"
		logged "series-$arch" kmake "$arch" -j"$jobs" drivers/iommu/ drivers/vfio/
	done
	step "each step: git am, checkpatch, sparse, x86-64 and arm64"
	for mail in "$mails"/0*.patch; do
		case $mail in */0000-*) continue ;; esac
		begun=$SECONDS n=$((n + 1))
		wrong=$(judge "$mail")
		printf '  %-70.70s %4d s\n' "$(basename "$mail" .patch)" $((SECONDS - begun))
		[ -n "$wrong" ] || continue
		bad=$((bad + 1))
		printf '%s\n' "$wrong" | sed -n '1,12s/^/    /p'
	done
	if [ "$(in_check rev-parse 'HEAD^{tree}')" != "$(g rev-parse 'series^{tree}')" ]; then
		say "  applied, the mails are not the tree they were made from"
		bad=$((bad + 1))
	fi
	# The same files as in build/tree: what is built of them is the last step's kernel.
	"$lab/all.sh" plain
	step "the last step boots"
	"$lab/qemu.sh" -q -m vtd -t groups -n series plain ||
		{ say "  it does not"; bad=$((bad + 1)); }
	say "$n steps, $bad of them with something wrong"
	[ "$bad" = 0 ] && [ "$n" != 0 ]
}

if [ "$how" = check ]; then
	steps 14
else
	steps 5
fi
"$lab/deps.sh" series
"$lab/tree.sh"
who
mkdir -p "$work" "$logs"
write
[ "$how" = write ] || check_series
