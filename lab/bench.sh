#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# make bench: instructions per operation, with the base's core and with ours.
# usage: lab/bench.sh [short | where FUNCTION CALL]
#   short      only what one guest measures, no PCI hierarchies and no plot; fails if
#              any row is above 1.05 of the base. For CI
#   where      in which functions one call of a function spends them, counted by gdb
#   BASE=      compare with this kernel tree instead of the base
#   BENCH_JSON=FILE	write the rows there, too
. "$(dirname "$0")/lib.sh"

how=${1:-full}
one_of argument "$how" 'full short where'
if [ "$how" = where ]; then
	function=${2:-} call=${3:-}
	[[ $function =~ ^[a-z_]+$ ]] || die "FUNCTION=$function is no name of a function"
	positive CALL "$call"
fi
base=bench-base
if [ -n "${BASE:-}" ]; then
	[ -f "$BASE/Kbuild" ] || die "BASE=$BASE is not a Linux source tree"
	BASE=$(readlink -f "$BASE")
	export BASE
	base=bench-other
fi
pci_functions='16 64 128 256 512'
out=$build/bench

# What one kernel is compiled from
source_of() {
	case $1 in
	bench-base) say "$src" ;;
	bench-other) say "$BASE" ;;
	*) say "$tree" ;;
	esac
}

# guest_of FLAVOUR: the module, and a file system that holds little else
guest_of() {
	local work=$build/$1/bench root=$build/$1/bench-root from
	from=$(source_of "$1")
	mkdir -p "$work" "$root"/{bin,dev,proc}
	rsync -rlpt --exclude=init "$lab/bench/" "$work/"
	logged "module-$1" make -C "$from" O="$build/$1" ARCH=x86 M="$work" modules
	cp "$work/lab_bench.ko" "$root/"
	cp "$(command -v busybox)" "$root/bin/busybox"
	cp "$lab/bench/init" "$root/init"
	find "$root" -exec touch -h -d @0 {} +
	(cd "$root" && find . | sort | cpio -o -H newc -R 0:0 --reproducible --quiet) |
		gzip -1n >"$build/$1/bench.cpio.gz"
}

# pci_devices N: so many functions, eight in each slot, behind root ports that share
# slots as well. They are of kinds with whole pages of registers, or none: of smaller
# ones QEMU makes a table each time that one of them is sized, and keeps all of them.
pci_devices() {
	local port f
	for ((port = 0; port < $1 / 8; port++)); do
		printf -- '-device ioh3420,id=p%d,chassis=%d,slot=%d,addr=%x.%d,multifunction=on\n' \
			"$port" "$port" "$port" $((2 + port / 8)) $((port % 8))
		for ((f = 0; f < 8; f++)); do
			printf -- '-device intel-hda,msi=off,bus=p%d,addr=0.%d,multifunction=on\n' \
				"$port" "$f"
		done
	done
}

# One tick of the TSC is one instruction (sleep=off and one CPU).
guest=(
	qemu-system-x86_64 -M q35 -accel tcg -icount "shift=0,sleep=off" -cpu qemu64 -smp 1 -m 1G
	-rtc "base=2024-01-01,clock=vm" -seed 1 -nic none -nodefaults -display none -no-reboot
)
words='console=ttyS0 quiet loglevel=1 panic=-1 oops=panic'

# count_where FLAVOUR: the functions of one call, each with its instructions
count_where() {
	local log=$out/where-$1.log socket=$out/where-$1.socket qemu
	[ -n "$(sed -n "s/^[0-9a-f]* [tT] \($function\)$/\1/p" "$build/$1/System.map")" ] ||
		die "FUNCTION=$function: the kernel $1 has none of that name"
	"${guest[@]}" -serial null -S -chardev "socket,id=gdb,path=$socket,server=on,wait=off" \
		-gdb chardev:gdb -kernel "$build/$1/arch/x86/boot/bzImage" \
		-initrd "$build/$1/bench.cpio.gz" \
		-append "$words nokaslr lab.rows=core iommu.strict=1" </dev/null >"$log" 2>&1 &
	qemu=$!
	until [ -S "$socket" ] || ! kill -0 $qemu 2>/dev/null; do
		sleep 0.1
	done
	timeout 300 gdb -q -batch "$build/$1/vmlinux" -ex "target remote $socket" \
		-ex "set \$where_function=\"$function\"" -ex "set \$where_call=$call" \
		-x "$lab/bench/where.py" >>"$log" 2>&1 || true
	kill $qemu 2>/dev/null || true
	wait $qemu || true
	sed -n 's/^WHERE //p' "$log" | sort >"$out/where-$1"
	[ -s "$out/where-$1" ] ||
		die "gdb did not see call $call of $function in $1 (log: $log)"
}

# measure FLAVOUR NAME WORDS [QEMU OPTIONS]: one guest, its rows to OUT/FLAVOUR-NAME.rows
measure() {
	local flavour=$1 name=$2 more=$3 console=$out/$1-$2.log
	shift 3
	timeout 900 "${guest[@]}" -serial "file:$console" \
		-kernel "$build/$flavour/arch/x86/boot/bzImage" \
		-initrd "$build/$flavour/bench.cpio.gz" -append "$words $more" "$@" </dev/null || die "the bench guest failed (log: $console)"
	tr -d '\r' <"$console" | grep '^BENCH-END' >/dev/null ||
		die "the bench guest did not come to its end (log: $console):
$(tail -n 5 "$console")"
	tr -d '\r' <"$console" | grep -a '|' >"$out/$flavour-$name.rows"
}

# The core's own objects; the rest of the folder is the same in both
text_of() {
	local objects
	objects=$(cd "$build/$1/drivers/iommu" && ls iommu.o iommu-[a-z]*.o |
		grep -v -e sysfs -e traces -e debugfs -e pages -e dma)
	# shellcheck disable=SC2086 # a list of files
	(cd "$build/$1/drivers/iommu" && size $objects) | awk 'NR > 1 { n += $1 } END {
		printf "bytes, text of the core|1|%d|%d|%d|1\n", n, n, n }'
}

bench() {
	local flavour=$1 n
	measure "$flavour" core 'lab.rows=core iommu.strict=1'
	measure "$flavour" lazy 'lab.rows=dma iommu.strict=0'
	text_of "$flavour" >"$out/$flavour-text.rows"
	[ "$how" = full ] || return 0
	[ -z "$device" ] || measure "$flavour" vtd 'lab.rows=vtd intel_iommu=on iommu.strict=1' \
		-M q35,kernel-irqchip=split \
		-device intel-iommu,intremap=on,x-scalable-mode=on,x-pasid-mode=on \
		-plugin "file=$build/device/lab-pasid-dma.so" -device lab-pasid-dma,addr=0xc
	for n in $pci_functions; do
		# shellcheck disable=SC2046 # a list of options
		measure "$flavour" "pci$n" 'lab.rows=pci' $(pci_devices "$n")
	done
}

[ -n "${LAB_STEP_FILE:-}" ] || case $how in
full)	steps 12 ;;
short)	steps 10 ;;
where)	steps 11 ;;
esac
"$lab/deps.sh" bench
[ "$how" != where ] || "$lab/deps.sh" gdb
for flavour in "$base" bench-ours; do
	"$lab/build.sh" "$flavour"
	guest_of "$flavour"
done
# Only some versions of QEMU can be given the device with PASIDs.
device=
if [ "$how" = full ]; then
	"$lab/device.sh" && device=built ||
		warn "no rows of the VT-d driver: lab/device.sh says why"
fi
mkdir -p "$out"
if [ "$how" = where ]; then
	step "one call of $function, step by step"
	rm -f "$out"/where-*
	count_where "$base"
	count_where bench-ours
	printf '%-32s %9s %9s\n' function base ours
	join -a 1 -a 2 -e 0 -o 0,1.2,2.2 "$out/where-$base" "$out/where-bench-ours" | sort -k 3nr -k 2nr |
		awk '{ printf "%-32s %9d %9d\n", $1, $2, $3; base += $2; ours += $3 }
		END { printf "%-32s %9d %9d\n", "all", base, ours }'
	exit
fi
rm -f "$out"/bench-*
step "guests that count instructions"
bench "$base" &
other=$!
bench bench-ours
wait "$other"

versions=()
for flavour in "$base" bench-ours; do
	cat "$out/$flavour"-*.rows >"$out/$flavour.rows"
	versions+=("$(make -s -C "$(source_of "$flavour")" kernelversion)")
done
options=(${BENCH_JSON:+--json "$BENCH_JSON"})
[ "$how" = short ] || options+=(--plot "$out/growth.gnuplot")
python3 "$lab/bench/table.py" "$how" "$out/$base.rows" "${versions[0]}" "$out/bench-ours.rows" \
	"${versions[1]}" --budget "$lab/bench/budget" "${options[@]}"
[ "$how" = full ] || exit 0
gnuplot "$out/growth.gnuplot" >"$out/growth.svg"
say "growth, drawn: $out/growth.svg"
