#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Run the program in $IOMMUCTL over the made-up machines and compare what it says with
# expected/; KTAP. usage: run.sh [NAME...], only the cases of these names
#   UPDATE=yes    take what it says now as expected (read the difference in git!)
#   VALGRIND=yes  under valgrind
set -u
here=$(cd "$(dirname "$0")" && pwd)
IOMMUCTL=${IOMMUCTL:-$here/../iommuctl}
work=$(mktemp -d "${TMPDIR:-/tmp}/iommuctl.XXXXXX")
trap 'rm -rf "$work"' EXIT
# A colour, a locale or a terminal of the user's changes nothing.
unset NO_COLOR
export LC_ALL=C.UTF-8 TERM=dumb

number=0 failed=0
result() {	# STATUS NAME
	number=$((number + 1))
	if [ "$1" = 0 ]; then
		echo "ok $number $2"
	else
		echo "not ok $number $2"
		failed=$((failed + 1))
	fi
}

ctl() {
	if [ "${VALGRIND:-}" = yes ]; then
		valgrind -q --error-exitcode=99 --leak-check=full "$IOMMUCTL" "$@"
	else
		"$IOMMUCTL" "$@"
	fi
}

# Names, contents and links of all machines; times do not matter.
print_of_all() {
	(cd "$work/machines" && find . -type f -exec cksum {} + -o -type l -printf '%p %l\n' |
		sort | cksum)
}

# run_case NAME STATUS MACHINE ARGUMENT...
run_case() {
	name=$1 want=$2 machine=$3
	shift 3
	ctl --sysroot "$work/machines/$machine" "$@" >"$work/out" 2>"$work/err"
	got=$?
	{
		echo "status $got"
		cat "$work/out"
		# The folder has another name each time.
		[ ! -s "$work/err" ] || sed "s,$work/machines,MACHINES,; s/^/stderr: /" "$work/err"
	} >"$work/said"
	[ "${UPDATE:-}" != yes ] || cp "$work/said" "$here/expected/$name"
	good=0
	[ "$got" = "$want" ] || good=1
	diff -u "$here/expected/$name" "$work/said" >"$work/diff" 2>&1 || good=1
	case " $* " in
	*" --json "*)
		python3 -m json.tool "$work/out" >/dev/null 2>>"$work/diff" || good=1
		;;
	esac
	[ $good = 0 ] || sed 's/^/# /' "$work/diff"
	result $good "$name"
}

python3 "$here/machines.py" "$work/machines" || exit 1
before=$(print_of_all)

cases=$(grep -cv '^#\|^$' "$here/cases")
[ $# = 0 ] || cases=$#
echo "TAP version 13"
echo "1..$((cases + 7))"
while read -r name want rest; do
	case $name in
	''|'#'*) continue ;;
	esac
	if [ $# != 0 ]; then
		case " $* " in
		*" $name "*) ;;
		*) continue ;;
		esac
	fi
	eval "run_case $name $want $rest" </dev/null
done <"$here/cases"

[ "$before" = "$(print_of_all)" ]
result $? "no file of a machine was changed"

python3 "$here/machines.py" "$work/machines" 5000
[ "$(ctl --sysroot "$work/machines/large" ls -n | wc -l)" = 5000 ]
result $? "5000 groups are listed"
ctl --sysroot "$work/machines/large" ls --json -o +unit,resv,holders |
	python3 -c 'import json, sys; sys.exit(len(json.load(sys.stdin)["devices"]) != 5000)'
result $? "5000 groups as JSON"

# A full disk is an error, not a short answer.
if [ -c /dev/full ]; then
	ctl --sysroot "$work/machines/large" ls >/dev/full 2>/dev/null
	[ $? = 5 ]
	result $? "an answer that cannot be written is an error"
else
	number=$((number + 1))
	echo "ok $number # SKIP there is no /dev/full"
fi

bash "$here/completion.sh" "$IOMMUCTL"
result $? "bash completes verbs, devices and columns"

# Every verb, option, column and status is in the manual page, which renders cleanly.
page=$here/../iommuctl.8
good=0
for word in $(ctl --help | sed -n 's/^  \([a-z]*\) .*/\1/p; s/.*--\([a-z]*\).*/\1/p'); do
	sed 's/\\-/-/g' "$page" | grep -qw -- "$word" || {
		echo "# not in the page: $word"
		good=1
	}
done
if command -v man >/dev/null; then
	man --warnings -l "$page" 2>&1 >/dev/null | sed 's/^/# /' >"$work/warnings"
	[ ! -s "$work/warnings" ] || { cat "$work/warnings"; good=1; }
fi
result $good "the manual page is complete and renders"

make -s -C "$here/.." OUTPUT="$work/build/" DESTDIR="$work/root" install >"$work/out" 2>&1 &&
	"$work/root/usr/sbin/iommuctl" --version >/dev/null &&
	[ -f "$work/root/usr/share/man/man8/iommuctl.8" ] &&
	[ -f "$work/root/usr/share/bash-completion/completions/iommuctl" ]
result $? "it is installed below DESTDIR"
[ $failed = 0 ]
