#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# make test: every suite on every machine it is for; the last line is the sum.
# usage: lab/test.sh FLAVOUR
. "$(dirname "$0")/lib.sh"

flavour=$1
one_of FLAVOUR "$flavour" 'plain debug cov'
results=$logs/results-$flavour
rows=$logs/rows-$flavour	# what each row found, and said
guests=${GUESTS:-$(((jobs + 1) / 2))}
positive GUESTS "$guests"
rm -rf "$rows"
mkdir -p "$rows"

# task     machine  argument   kernel parameters
# The argument of disk is the type its groups must have. Two emulators claim a
# caching mode, with which Linux is strict also where lazy was asked for. That of
# selftests are the programs to run, where the emulator cannot do all of them;
# the others are named in a line "without" (the base's core fails there, too).
table() {
	cat <<-END
	kunit      none
	iommufd    none
	groups     vtd
	groups     vtd-sm
	groups     virtio
	groups     amd
	groups     none
	iommuctl   vtd
	iommuctl   none
	check      host
	disk       vtd      DMA        iommu.strict=1
	disk       vtd      DMA-FQ     iommu.strict=0
	disk       vtd      identity   iommu.passthrough=1
	disk       vtd-sm   DMA        iommu.strict=1
	disk       vtd-sm   DMA        iommu.strict=0
	disk       vtd-sm   identity   iommu.passthrough=1
	disk       virtio   DMA        iommu.strict=1
	disk       virtio   DMA-FQ     iommu.strict=0
	disk       virtio   identity   iommu.passthrough=1
	disk       amd      DMA        iommu.strict=1
	disk       amd      DMA        iommu.strict=0
	disk       amd      identity   iommu.passthrough=1
	disk       none     none
	selftests  vtd
	selftests  vtd-sm   groups_test,owner_test,vfio_test,vfio_pasid_test,state_test
	without    vtd-sm   type_test,hotplug_test  they fail on the base's core here, too
	selftests  vtd-pasid  pasid_dma_test
	selftests  vtd-sva  sva_test
	selftests  virtio
	selftests  amd
	END
}

# note RESULT NAME [REASON]: one more result of the row at hand
note() { printf '%s\t%s\t%s\n' "$1" "$2" "${3:-}" >>"$rowfile"; }

# The groups must be those that the base's own core makes of the same machine.
compare_groups() {
	local ours=$logs/guest/$flavour-$row.log base=$logs/guest/base-$row.log
	if ! "$lab/qemu.sh" -q -m "$machine" -t groups -n "$row" base; then
		note fail "groups of the base"
	elif diff <(grep '^group ' "$base") <(grep '^group ' "$ours") >"$rowfile.diff"; then
		note pass "groups are as with the base"
	else
		note fail "groups differ from the base's"
		cat "$rowfile.diff"
	fi
}

count() { grep -c "^$1	" "$2" || true; }

# report: the row at hand
report() {
	printf '  %-34s %4d passed %3d failed %3d skipped  %4d s\n' "$row" \
		"$(count pass "$rowfile")" "$(count fail "$rowfile")" \
		"$(count skip "$rowfile")" $((SECONDS - begun))
	awk -F'\t' '
		$1 == "fail" { print "    failed: " $2 ($3 == "" ? "" : ": " $3) }
		$1 == "skip" { print "    skipped: " $2 ": " ($3 == "" ? "(no reason given)" : $3) }
	' "$rowfile"
	sed -i "s/^\([a-z]*\)	/\1	$row: /" "$rowfile"
	: >"$rowfile.done"
}

# run_row N: the row that was read, as the Nth
run_row() {
	local rc=0 begun=$SECONDS text seconds=400

	row=$machine-$task
	[ "$task" != disk ] || row=$row-$argument${words:+-${words##*.}}
	rowfile=$rows/$1
	: >"$rowfile"
	if [ "$task" = without ]; then
		row=$machine-selftests
		note skip "$argument" "$words"
		report
		return
	fi
	case $machine-$devices in
	vtd-pasid-*installed*|vtd-sva-*qemu10*) ;;
	vtd-pasid-*|vtd-sva-*)
		note skip "$argument" "there is no device with PASIDs: lab/device.sh says why"
		report
		return ;;
	esac
	[ "$flavour" = plain ] || seconds=1800
	if [ "$task" = check ]; then
		# No guest: iommuctl over made-up machines, with sanitizers
		row=iommuctl-check
		text=$logs/iommuctl-check.log
		make -s -C "$top/tools/iommu" OUTPUT="$build/iommuctl/" SANITIZE=yes check \
			>"$text" 2>&1 || rc=$?
	elif [ "$task" = kunit ]; then
		row=kunit
		KUNIT_QUIET=yes "$lab/kunit.sh" "$flavour" || rc=$?
		text=$logs/guest/$flavour-$row.kernel.log
	else
		"$lab/qemu.sh" -q -m "$machine" -t "$task" -a "$argument" -k "$words" \
			-n "$row" -s $seconds "$flavour" || rc=$?
		text=$logs/guest/$flavour-$row.log
	fi
	awk -f "$lab/ktap.awk" "$text" >>"$rowfile"
	if [ "$rc" -gt 1 ]; then
		note fail "the guest itself"
	elif [ "$(count fail "$rowfile")" = 0 ] && [ "$rc" != 0 ]; then
		note fail "the task's status"
	elif [ ! -s "$rowfile" ]; then
		note fail "no result at all"
	fi
	[ "$task" != groups ] || compare_groups
	report
}

steps 17
"$lab/all.sh" "$flavour"
"$lab/build.sh" base
"$lab/initramfs.sh" base
# Only some versions of QEMU can be given the device; the others go without.
devices=
for one in installed qemu10; do
	"$lab/device.sh" $one && devices="$devices $one"
done
step "tests of the $flavour kernel"
# What runs in the background ignores Ctrl-C: tell it.
trap 'trap - TERM; kill 0' INT TERM
n=10
while read -r task machine argument words; do
	n=$((n + 1))
	# Said in one piece, when it is known.
	{
		run_row $n </dev/null >"$rows/$n.said" 2>&1
		cat "$rows/$n.said"
	} &
	while [ "$(jobs -rp | wc -l)" -ge "$guests" ]; do
		wait -n || true
	done
done < <(table)
wait
for n in "$rows"/??; do
	[ -e "$n.done" ] && continue
	say "  a row broke off:"
	cat "$n.said"
	printf 'fail\ta row broke off\t\n' >>"$n"
done
cat "$rows"/?? >"$results"

# Again at the end, where it is looked for first.
awk -F'\t' '$1 == "fail" { print "failed: " $2 ($3 == "" ? "" : ": " $3) }' "$results"
passed=$(count pass "$results")
failed=$(count fail "$results")
[ "$failed" = 0 ] || say "logs: $logs/guest"
say "$passed passed, $failed failed, $(count skip "$results") skipped"
[ "$failed" = 0 ] && [ "$passed" != 0 ]
