# SPDX-License-Identifier: Apache-2.0
# A thin front for people: each target is one line of a script or of a build system that does the
# work. (`make -C <kernel build dir> M=$PWD` reads ./Kbuild instead.)
ROOT := tools/in-root
Q := @
export SMP HASH APPEND TIMEOUT TOKEN RUN DEMO_SECRET V FUZZ TOKENS RELOADS ROUNDS

.DEFAULT_GOAL := help
.PHONY: help demo check unit lint check-long realm rim realm-initramfs modules modules_install deb user native kselftest kselftest-package stress rmm setup source checkers perf torture clean distclean
.NOTPARALLEL:
MAKEFLAGS += --no-print-directory

help: ##		this text
	@sed -n 's/^\([a-z][a-z_-]*\):.*##[[:space:]]*/\1\t/p' $(firstword $(MAKEFILE_LIST)) | \
		while IFS='	' read -r name text; do printf '  make %-16s %s\n' "$$name" "$$text"; done

demo: realm-initramfs native rmm ##	the whole story: deny, endorse, deliver (DEMO_SECRET='text')
	$(Q)tests/e2e/demo

check: ##		all tests, under an hour; SUITE='NAME...' for some of them (tests/check --help)
	$(Q)needs=$$(tests/check --needs $(SUITE)) && $(MAKE) $$needs && tests/check $(SUITE)

unit: ##		the unit tests, under ASan and UBSan
	$(Q)$(MAKE) check SUITE=unit

lint: ##		what can be checked without running a program: format, layers, static checkers, man pages
	$(Q)$(MAKE) check SUITE=lint

check-long: ##	what `make check` only samples, for hours; SUITE='NAME...'; records the results in the tree
	$(Q)tests/check-long --list $(SUITE) >/dev/null && $(MAKE) checkers realm-initramfs native rmm && tests/check-long $(SUITE)

source: # the kernel's source, and its own checkers
	$(Q)tools/setup --quiet --with source >&2

checkers: # the same, and clang and cppcheck
	$(Q)tools/setup --quiet --with source --with check >&2

realm: realm-initramfs rmm ##	a shell in a realm; RUN='command' SMP= RAM= APPEND= KERNEL= ROOTFS=debian ... (tests/realm/realm --help)
	$(Q)tests/realm/realm $(if $(RUN),run "$$RUN",boot)

rim: realm-initramfs rmm native ##	the RIM of the realm that `make realm` would boot; SMP= HASH= APPEND= RAM= FLAVOUR= ...
	$(Q)tests/realm/realm rim

realm-initramfs: user modules kselftest ##	build/realm/initramfs.cpio.lz4 alone, for any realm
	$(Q)tests/realm/initramfs/build >&2

modules: setup ##	the kernel module, build/kmod/cca_rsi.ko (KDIR= for another kernel)
	$(Q)$(ROOT) make -s -C kmod >&2

modules_install: ##	on an arm64 machine: build and install it, with its modprobe.d and modules-load.d (KDIR= DESTDIR=)
	$(Q)$(MAKE) -s -C kmod $@

deb: user modules ##	Debian packages for a realm: user space, and the module for the bench's kernel; build/deb
	$(Q)tools/build-deb

user: setup ##	user space for the realm: arm64, in build/arm64
	$(Q)tools/build-user arm64

native: setup ##	user space for this machine, in build/release
	$(Q)tools/build-user release

kselftest: setup ##	the tests that run in any realm, in build/arm64/tests/realm
	$(Q)$(ROOT) make -s -C tests/kselftest >&2

kselftest-package: setup ##	the same and the module for any realm, build/kselftest.tar.gz (KDIR= for another kernel)
	$(Q)$(ROOT) env "KDIR=$(KDIR)" tests/kselftest/package

stress: kselftest-package rmm ##	10,000 tokens, 1000 reloads, CPU hotplug in a realm; TOKENS= RELOADS= ROUNDS=
	$(Q)tests/kselftest/stress

rmm: setup ##	the test RMM and its signer, in build/rmm
	$(Q)$(ROOT) make -s -C tests/rmm >&2

setup: ##	install what is missing, build the toolchain root below build/
	$(Q)tools/setup --quiet >&2

perf: realm-initramfs native rmm ##	measure boot, tokens and handshakes; prints a table
	$(Q)tests/perf/measure

torture: source ##	the module in a debug kernel, over a fake RMM and in a realm; FUZZ=seconds
	$(Q)tests/torture/torture $(FUZZ)

clean: ##	remove what was built; the toolchain root and downloads stay
	$(Q)rm -rf build/kmod build/rmm build/realm build/arm64 build/native build/release build/fuzz

distclean: ##	remove everything below build/
	$(Q)tools/setup --remove
	$(Q)rm -rf build
