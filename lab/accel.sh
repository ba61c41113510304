#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Print how QEMU shall run guests here: kvm or tcg. ACCEL= decides; else KVM
# has to prove itself: /dev/kvm may exist and accept a guest that never starts.
# usage: lab/accel.sh BZIMAGE
. "$(dirname "$0")/lib.sh"

image=$1
known=$build/accel

if [ -n "${ACCEL:-}" ]; then
	say "$ACCEL"
	exit
fi
if [ ! -w /dev/kvm ]; then
	say tcg
	exit
fi

# One probe per boot of this machine is enough.
id="$(cat /proc/sys/kernel/random/boot_id) $(stat -c %Y /dev/kvm)"
if [ "$(sed -n 1p "$known" 2>/dev/null)" = "$id" ]; then
	sed -n 2p "$known"
	exit
fi
answer=tcg
# Without an initramfs the kernel ends in "Unable to mount root": far enough.
if timeout 15 qemu-system-x86_64 -M q35,kernel-irqchip=split -accel kvm -cpu host -m 512M \
	-smp 2 -nodefaults -display none -no-reboot -serial stdio -kernel "$image" \
	-append 'console=ttyS0 panic=-1' </dev/null 2>/dev/null | grep -aq 'not syncing: VFS'
then
	answer=kvm
fi
printf '%s\n' "$id" "$answer" >"$known.new"
mv "$known.new" "$known"
say "$answer"
