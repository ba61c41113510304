# SPDX-License-Identifier: GPL-2.0-only
# Every command of the project. `make help` explains them on one screen.
#
# The work is done by the scripts in lab/; this file only names it.

FLAVOUR ?= plain
export ACCEL LINUX_SRC LAB_INSTALL JOBS GDB_PORT GUESTS BASE BENCH_JSON CONFIG TRIM

# This is not the kernel's make: its own -j would only mix the progress lines.
.NOTPARALLEL:
MAKEFLAGS += --no-print-directory

# make run shows most where the device with PASIDs is.
run: MACHINE ?= vtd-pasid
MACHINE ?= vtd

.PHONY: help run test gap bench bench-short bench-where shell gdb build kunit kunit-arm64 compat mutants weaknesses docs series series-check deb base-watch exhaustive coverage clean
help:
	@lab/help.sh

run:
	@lab/run.sh $(FLAVOUR) $(MACHINE)

test:
	@lab/test.sh $(FLAVOUR)

gap:
	@lab/gap.sh

bench:
	@lab/bench.sh

bench-short:
	@lab/bench.sh short

bench-where:
	@lab/bench.sh where '$(FUNCTION)' '$(CALL)'

kunit:
	@lab/kunit.sh $(FLAVOUR) '$(SUITES)'

kunit-arm64:
	@lab/kunit-arm64.sh

build:
	@lab/all.sh $(FLAVOUR)

shell:
	@lab/shell.sh $(FLAVOUR) $(MACHINE)

gdb:
	@lab/shell.sh $(FLAVOUR) $(MACHINE) gdb

compat:
	@lab/compat.sh

mutants:
	@lab/mutants.sh $(MUTANTS)

weaknesses:
	@lab/weaknesses.sh

docs:
	@lab/docs.sh

series:
	@lab/series.sh write

series-check:
	@lab/series.sh check

deb:
	@lab/deb.sh

base-watch:
	@lab/deps.sh run
	@lab/tree.sh
	@lab/base-watch.sh

exhaustive:
	@lab/exhaustive.sh '$(DEPTH)' '$(WORLD)'

coverage:
	@lab/cov.sh '$(QUICK)'

clean:
	rm -rf build
