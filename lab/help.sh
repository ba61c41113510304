#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# make help: every target and every variable, on one screen.
. "$(dirname "$0")/lib.sh"
cat <<END
make run         build, boot, and watch a device claimed, translated, given back
make test        everything; ends with: N passed, N failed, N skipped
make gap         DMA that meets a replace, with the base's core and with ours, side by side
make bench       what each operation costs in instructions, with the base's core and with ours
make bench-short   the same without PCI hierarchies and VT-d; what CI runs
make bench-where FUNCTION= CALL=   in which functions the CALLth call of one spends them
make kunit       only the KUnit suites (SUITES= a glob)
make kunit-arm64 suites of the SMMUv3 driver and of SVA, in an emulated arm64 machine
make shell       a prompt in the guest         make gdb   the same, waiting for gdb
make build       kernel and guest, no boot
make coverage    lines and branches of our files that the tests run (QUICK=yes: KUnit only)
make exhaustive  all that can happen in small worlds, DEPTH= operations in a row (WORLD= one)
make compat      base sources compile against our header (x86-64 and arm64)
make mutants     each fault in lab/mutants must turn a test red (MUTANTS= names)
make weaknesses  the table of weaknesses names tests that exist
make docs        HTML of the documents; every exported function is described
make series      our work as mails for git am, in build/series/patches
make series-check  apply and build them one by one, checkpatch, sparse; boot the last
make deb         Debian packages of a kernel with our core (CONFIG= its configuration)
make base-watch  base files we replace that moved since 6.12.117
make clean       remove build/

FLAVOUR=  plain (default), debug (sanitizers), kcsan (data races; make kunit),
          cov (gcov), base (without our core)
MACHINE=  vtd, vtd-sm (scalable mode), vtd-pasid (and a device with PASIDs),
          vtd-sva (and page tables of processes, by QEMU 10), virtio, amd, none; default is vtd, for run vtd-pasid    (run, shell, gdb)
ACCEL=    kvm or tcg; else KVM is tried and used if a guest really starts
LINUX_SRC=    another 6.12.y tree or tarball (default: package linux-source-6.12)
LAB_INSTALL=  no: only report missing packages and stop
JOBS=     parallel compilations (default: one per processor, here $(nproc))
GUESTS=   guests that make test runs at once (default: one for two processors)
GDB_PORT= port of make gdb (default 1234)
CONFIG=   make deb: a file (default: the running kernel's)   TRIM=yes only loaded modules
BASE=     make bench: another kernel tree to compare with   BENCH_JSON= its rows as a file

make run takes vtd, vtd-sm and vtd-pasid only. Logs are in build/log, kernels in build/FLAVOUR.
END
