#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What bash offers after some words; prints what is wrong. usage: completion.sh PROGRAM
cd "$(dirname "$0")" || exit 1
. ../iommuctl.bash-completion
wrong=0
# offers LINE WORD...: exactly these, in any order
offers() {
	COMP_LINE=$1 COMP_POINT=${#1}
	shift
	_iommuctl
	if [ "$(printf '%s\n' "${COMPREPLY[@]}" | sort)" != "$(printf '%s\n' "$@" | sort)" ]; then
		echo "# '$COMP_LINE' offers '${COMPREPLY[*]}' instead of '$*'"
		wrong=1
	fi
}
# Stand-ins for the machine's own
_iommuctl_devices() { echo 0000:03:00.0 0000:03:00.1 10000000.display; }
_iommuctl_groups() { echo 1 12; }
offers 'iommuctl w' watch why who
offers 'iommuctl show 1' 1 12 10000000.display
offers 'iommuctl check 0000:03:' 00.0 00.1
offers 'iommuctl type 12 D' DMA DMA-FQ
offers 'iommuctl type 12 --d' --dry-run
offers 'iommuctl check --api ' group cdev
offers 'iommuctl ls -o +group,res' +group,RESV
offers 'iommuctl --json wa' watch
# Every verb and every column of the program is known to it.
for word in $("$1" --help | sed -n 's/^  \([a-z]*\) .*/\1/p'); do
	COMP_LINE="iommuctl $word" COMP_POINT=$((9 + ${#word}))
	_iommuctl
	[ "${COMPREPLY[*]}" = "$word" ] || { echo "# no verb $word"; wrong=1; }
done
for word in $("$1" --help | sed -n 's/^  [* ] \([A-Z]*\) .*/\1/p'); do
	grep -qw "$word" ../iommuctl.bash-completion || { echo "# no column $word"; wrong=1; }
done
exit $wrong
