#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# make shell: a prompt in the guest. make gdb: the same, waiting for gdb.
# usage: lab/shell.sh FLAVOUR MACHINE [gdb]
. "$(dirname "$0")/lib.sh"

one_of FLAVOUR "$1" "$flavours"
one_of MACHINE "$2" "$machines"
port=${GDB_PORT:-1234}
positive GDB_PORT "$port"
steps 7
"$lab/all.sh" "$1"
if [ "${3:-}" = gdb ]; then
	"$lab/deps.sh" gdb
	step "the guest waits for gdb; in another terminal:"
	say "  gdb $build/$1/vmlinux -ex 'target remote :$port' -ex 'hbreak start_kernel' -ex continue"
	say "  (Ctrl-A X ends the guest)"
	"$lab/qemu.sh" -i -g -m "$2" -n shell "$1"
	exit
fi
step "the guest ('exit' or Ctrl-A X ends it; kernel messages: dmesg)"
"$lab/qemu.sh" -i -m "$2" -n shell "$1"
