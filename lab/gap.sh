#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# make gap: what DMA that never stops meets while its address space is replaced,
# with the base's core and with ours. The base cannot replace that of a PASID:
# the lab's module detaches and attaches there (and does on ours, too).
# usage: lab/gap.sh
. "$(dirname "$0")/lib.sh"

# measured FLAVOUR NAME: one guest, its lines as a table
measured() {
	local log=$logs/guest/$1-gap.log
	"$lab/qemu.sh" -q -m vtd-pasid -t gap -n gap -s 400 "$1" ||
		die "no figures of the $1 kernel (log: $log)"
	awk -v kernel="$2" -F': ' '/ replaces, / {
		split($2, n, " ")
		printf "%-6s %-36s %9d %10d %8d %10d\n", kernel, $1, n[1], n[3], n[5], n[7]
	}' "$log"
}

steps 15
"$lab/all.sh" base
"$lab/all.sh" plain
"$lab/device.sh" || die "without the device with PASIDs there is nothing to measure"
step "two guests on vtd-pasid"
base=$(measured base base)
ours=$(measured plain ours)
printf '%-6s %-36s %9s %10s %8s %10s\n' kernel 'way of replacing' replaces requests failed misplaced
printf '%s\n' "$base" "$ours"
bad=$(printf '%s\n' "$ours" | awk '/ replace under / { n++; if ($NF || $(NF - 1)) print }
	END { if (n != 2) print "not both kinds of replace were measured" }')
[ -z "$bad" ] || die "our replaces are to lose nothing:
$bad"
