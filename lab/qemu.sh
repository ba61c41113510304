#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Boot one guest, let it do one task, judge how it went.
# usage: lab/qemu.sh [options] FLAVOUR
#   -m MACHINE   vtd, vtd-sm, vtd-pasid, vtd-sva, virtio, amd, none (default vtd)
#   -t TASK      lab/guest/tasks/TASK                  (default shell)
#   -a A,B,C     its arguments
#   -k WORDS     more kernel parameters
#   -s SECONDS   the longest it may take               (default 120)
#   -n NAME      name of the logs                      (default MACHINE-TASK)
#   -q           do not show what the task prints
#   -i           the terminal is the guest's (no bound in time)
#   -g           wait for gdb before the first instruction
# exit status: 0 the task ended with 0 and the kernel reported no trouble,
#              1 the task ended with another status, 2 the guest failed
. "$(dirname "$0")/lib.sh"

machine=vtd task=shell args='' words='' seconds=120 name=''
interactive='' gdb=()
exec 3>&1	# where the task's output is shown
while getopts m:t:a:k:s:n:qig option; do
	case $option in
	m) machine=$OPTARG ;;
	t) task=$OPTARG ;;
	a) args=$OPTARG ;;
	k) words=$OPTARG ;;
	s) seconds=$OPTARG ;;
	n) name=$OPTARG ;;
	q) exec 3>/dev/null ;;
	i) interactive=yes ;;
	g) gdb=(-S -gdb "tcp:127.0.0.1:${GDB_PORT:-1234}") ;;
	*) die "usage: see the head of lab/qemu.sh" ;;
	esac
done
shift $((OPTIND - 1))
flavour=${1:-plain}
one_of FLAVOUR "$flavour" "$flavours"
one_of MACHINE "$machine" "$machines"
positive SECONDS "$seconds"
image=$build/$flavour/arch/x86/boot/bzImage
initrd=$build/initramfs/$flavour.cpio.gz
[ -f "$image" ] || die "no kernel of flavour $flavour yet; make build FLAVOUR=$flavour"
[ -f "$initrd" ] || die "no user space for flavour $flavour yet; make build FLAVOUR=$flavour"

name=${name:-$machine-$task}
mkdir -p "$logs/guest"
log=$logs/guest/$flavour-$name.log		# what the task prints
klog=$logs/guest/$flavour-$name.kernel.log	# what the kernel prints
: >"$klog"

memory=1024
case $flavour in debug|cov|kcsan) memory=2048 ;; esac
free=$(awk '$1 == "MemAvailable:" { print int($2 / 1024) }' /proc/meminfo)
[ "$free" -ge $((memory + 256)) ] ||
	die "the guest needs $memory MiB of memory, this machine has $free MiB free"

scratch=$(mktemp -d "${TMPDIR:-/tmp}/lab.XXXXXX")
trap 'rm -rf "$scratch"' EXIT

fresh_disks() {
	rm -f "$scratch/virtio.img" "$scratch/nvme.img"
	truncate -s 16M "$scratch/virtio.img" "$scratch/nvme.img"
}
fresh_disks

# In caching mode, which QEMU's own device assignment needs, Linux flushes
# strictly whatever is asked for; one of the two has it, the other is lazy.
iommu=()
qemu=qemu-system-x86_64
device_for=installed device_in=$build/device
case $machine in
vtd)	iommu=(-device intel-iommu,intremap=on)
	words="intel_iommu=on $words" ;;
vtd-sm|vtd-pasid)
	iommu=(-device intel-iommu,intremap=on,caching-mode=on,x-scalable-mode=on,x-pasid-mode=on)
	words="intel_iommu=on $words" ;;
vtd-sva)
	iommu=(-device intel-iommu,intremap=on,x-scalable-mode=on,x-flts=on,x-pasid-mode=on)
	words="intel_iommu=on,sm_on $words"
	qemu=$build/qemu10/qemu-system-x86_64
	device_for=qemu10 device_in=$build/device10 ;;
virtio)	iommu=(-device virtio-iommu-pci,addr=0x3)
	# It remaps no interrupts: user space gets devices only if told that is fine.
	words="vfio_iommu_type1.allow_unsafe_interrupts=1 iommufd.allow_unsafe_interrupts=1 $words" ;;
amd)	iommu=(-device amd-iommu,intremap=on) ;;
esac
case $machine in
vtd-pasid|vtd-sva)
	LAB_STEP_FILE='' "$lab/device.sh" $device_for >/dev/null ;;
esac
if [ -n "${iommu[*]}" ]; then
	device=${iommu[1]%%,*}
	"$qemu" -device "$device,help" 2>/dev/null | grep "^$device options" >/dev/null ||
		die "this QEMU has no $device; Debian's qemu-system-x86 has it" \
		    "($("$qemu" --version | sed -n 1p))"
fi

accel=$("$lab/accel.sh" "$image")
# Pages of 1 GiB: there are tables of the kernel that only they replace.
cpu=qemu64,+pdpe1gb
[ "$accel" != kvm ] || cpu=host

# Two edu devices alone, two functions that share a slot (one group, as nothing
# isolates them), one behind a bridge to plain PCI (whatever joins it there joins
# its group), two empty ports for hot-plug, and two disks that do DMA.
edu="edu,dma_mask=0xffffffffffffffff"
if [ "$machine" = amd ]; then
	# QEMU's AMD IOMMU does not know devices behind bridges by their number.
	devices=(
		-device "$edu,addr=0x4" -device "$edu,addr=0x5"
		-device "$edu,addr=0x6.0,multifunction=on" -device "$edu,addr=0x6.1"
	)
else
	devices=(
		-device pcie-root-port,id=rp1,chassis=1,slot=1,addr=0x4 -device "$edu,bus=rp1"
		-device pcie-root-port,id=rp2,chassis=2,slot=2,addr=0x5 -device "$edu,bus=rp2"
		-device pcie-root-port,id=rp3,chassis=3,slot=3,addr=0x6
		-device "$edu,bus=rp3,addr=0.0,multifunction=on" -device "$edu,bus=rp3,addr=0.1"
		-device pcie-root-port,id=rp4,chassis=4,slot=4,addr=0x7
		-device pcie-pci-bridge,id=ppb,bus=rp4 -device "$edu,bus=ppb,addr=1.0"
	)
fi
devices+=(
	-device pcie-root-port,id=hp,chassis=5,slot=5,addr=0x8
	-device pcie-root-port,id=hp2,chassis=6,slot=6,addr=0x9
	-drive "if=none,id=disk0,format=raw,file=$scratch/virtio.img"
	-device virtio-blk-pci,drive=disk0,addr=0xa,iommu_platform=on,disable-legacy=on
)
case $machine in
vtd-pasid|vtd-sva)
	devices+=(
		-plugin "file=$device_in/lab-pasid-dma.so"
		-device lab-pasid-dma,addr=0xc
	) ;;
esac
# At power-off the base resets the virtio IOMMU before the NVMe controller, whose
# last command then times out after a minute; so that machine has no NVMe.
[ "$machine" = virtio ] || devices+=(
	-drive "if=none,id=disk1,format=raw,file=$scratch/nvme.img"
	-device nvme,serial=lab,drive=disk1,addr=0xb
)

# Serial ports: 1 the task, 2 QEMU's monitor (the guest may plug devices by
# itself), 3 the kernel's messages. The third has an interrupt line that Linux
# does not expect, which is no harm: the kernel polls when it prints.
terminal=(-chardev stdio,id=tty0,signal=on)
[ -z "$interactive" ] ||
	terminal=(-chardev stdio,id=tty0,mux=on,signal=off -mon chardev=tty0,mode=readline)
ports=(
	"${terminal[@]}" -serial chardev:tty0
	-chardev "socket,id=qmp,path=$scratch/qmp,server=on,wait=off"
	-mon chardev=qmp,mode=control
	-chardev "socket,id=tty1,path=$scratch/qmp,server=off" -serial chardev:tty1
	-chardev "file,id=tty2,path=$klog" -device isa-serial,index=2,irq=5,chardev=tty2
)

# no_timer_check: on a busy host the emulated timer may miss the moment at which
# Linux looks for it, and Linux takes that for broken interrupt remapping.
append="console=ttyS2 panic=-1 oops=panic no_timer_check lab.task=$task"
# tsc=reliable: QEMU's translator gives all processors one TSC, made of the host's
# time. On a busy host Linux's watchdog finds that it and the HPET do not agree, goes
# over to the HPET, and from then on no time passes any more in the guest.
[ "$accel" != tcg ] || append="$append tsc=reliable"
# With sanitizers under emulation a CPU may well be busy for half a minute.
case $flavour in debug|kcsan) append="$append watchdog_thresh=60" ;; esac
command=(
	"$qemu" -M q35,kernel-irqchip=split -accel "$accel" -cpu "$cpu" -m "$memory"
	-smp 2 -nodefaults -display none -no-reboot "${ports[@]}" "${iommu[@]}" "${devices[@]}"
	"${gdb[@]}" -kernel "$image" -initrd "$initrd"
	-append "$append ${args:+lab.args=$args }$words"
)
printf '%q ' "${command[@]}" >"$log.command"

# after STATUS: what became of the guest
after() {
	local reports status

	reports=$(awk -f "$lab/splats.awk" "$klog") || {
		say "the kernel reports trouble (log: $klog):"
		printf '%s\n' "$reports" | sed -n 1,60p
		return 2
	}
	if [ "$1" = 124 ] || [ "$1" = 137 ]; then
		say "the guest did not end within $seconds s; its last messages:"
		tail -n 8 "$klog"
		say "(logs: $log and $klog)"
		return 2
	fi
	if [ "$1" != 0 ]; then
		say "QEMU failed with status $1 (log: $log):"
		cat "$scratch/errors"
		return 2
	fi
	status=$(sed -n 's/^LAB-EXIT: //p' "$log" | tail -n 1)
	if [ -z "$status" ]; then
		say "the guest stopped before its task ended; its last messages:"
		tail -n 8 "$klog"
		say "(logs: $log and $klog)"
		return 2
	fi
	[ "$status" = 0 ] || say "task $task ended with status $status (log: $log)"
	[ "$status" = 0 ]
}

if [ -n "$interactive" ]; then
	"${command[@]}" || true
	awk -f "$lab/splats.awk" "$klog" || warn "the kernel reported trouble (log: $klog)"
	exit 0
fi

boot() {
	timeout -k 5 "$seconds" "${command[@]}" </dev/null 2>"$scratch/errors" |
		sed -u 's/\r$//' | tee "$log" >&3 || return "${PIPESTATUS[0]}"
}

# On a busy host the emulator may never deliver a timer interrupt, and the guest
# stands still on an idle CPU. RCU tells this from any other stall: its thread
# sleeps, and the timer that was to wake it is overdue. Such a guest proved nothing,
# so it runs once more; if it was the kernel's doing the second stands still, too.
lost_timer() {
	[ "$accel" = tcg ] && grep "kthread timer wakeup didn't happen" "$klog" >/dev/null
}

rc=0
boot || rc=$?
if lost_timer; then
	cp "$klog" "$klog.lost-timer"
	warn "the emulator lost a timer of this guest (log: $klog.lost-timer); once more"
	: >"$klog"
	fresh_disks
	rc=0
	boot || rc=$?
fi
if [ "$flavour" = cov ]; then
	rm -rf "$build/cov-data/$name"
	mkdir -p "$build/cov-data/$name"
	tar -xf "$scratch/virtio.img" -C "$build/cov-data/$name" ||
		warn "this guest left no counts of gcov"
fi
after "$rc" >&2
