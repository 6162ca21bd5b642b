# SPDX-License-Identifier: Apache-2.0
# Each target calls one script or one build system, which does the work. `make -C <kernel build dir> M=$PWD` reads
# ./Kbuild instead of this file.
ROOT := tools/in-root
Q := @
export SMP HASH APPEND TIMEOUT TOKEN RUN DEMO_SECRET V FUZZ TOKENS RELOADS ROUNDS

.DEFAULT_GOAL := help
.PHONY: help demo check unit lint fuzz check-long realm rim realm-initramfs modules modules_install deb sbom dist install user native kselftest kselftest-package stress rmm setup source checkers perf torture clean distclean
.NOTPARALLEL:
MAKEFLAGS += --no-print-directory

help: ##		print this text
	@sed -n 's/^\([a-z][a-z_-]*\):.*##[[:space:]]*/\1\t/p' $(firstword $(MAKEFILE_LIST)) | \
		while IFS='	' read -r name text; do printf '  make %-16s %s\n' "$$name" "$$text"; done

demo: realm-initramfs native rmm ##	a secret is denied, the realm endorsed, the secret delivered; DEMO_SECRET='text'
	$(Q)tests/e2e/demo

check: ##		all tests, under an hour; SUITE='NAME...' for some of them (tests/check --help)
	$(Q)needs=$$(tests/check --needs $(SUITE)) && $(MAKE) $$needs && tests/check $(SUITE)

unit: ##		the unit tests, under ASan and UBSan
	$(Q)$(MAKE) check SUITE=unit

lint: ##		what can be checked without running a program: format, layers, static checkers, man pages
	$(Q)$(MAKE) check SUITE=lint

fuzz: checkers ##	fuzz each parser; SECONDS=60 of each, TARGET='NAME...' for some (tests/fuzz/fuzz-targets --help)
	$(Q)tests/fuzz/fuzz-targets $(or $(SECONDS),60) $(TARGET)

check-long: ##	what `make check` only samples, for hours; SUITE='NAME...'; records the results in the tree; ALL=1: all fuzz targets
	$(Q)tests/check-long --list $(SUITE) >/dev/null && $(MAKE) checkers realm-initramfs native rmm && \
		tests/check-long $(if $(ALL),--all) $(SUITE)

source: # the kernel's source, and its own checkers
	$(Q)tools/setup --quiet --with source >&2

checkers: # the same, and clang and cppcheck
	$(Q)tools/setup --quiet --with source --with check >&2

realm: realm-initramfs rmm ##	start a shell in a realm; RUN='command' SMP= RAM= APPEND= KERNEL= ROOTFS=debian ... (tests/realm/realm --help)
	$(Q)tests/realm/realm $(if $(RUN),run "$$RUN",boot)

rim: realm-initramfs rmm native ##	print the RIM of the realm that `make realm` would boot; SMP= HASH= APPEND= RAM= FLAVOUR= ...
	$(Q)tests/realm/realm rim

realm-initramfs: user modules kselftest ##	only build/realm/initramfs.cpio.lz4, for any realm
	$(Q)tests/realm/initramfs/build >&2

modules: setup ##	the kernel module, build/kmod/cca_rsi.ko (KDIR= for another kernel)
	$(Q)$(ROOT) make -s -C kmod >&2

modules_install: ##	on an arm64 machine: build and install it, with its modprobe.d and modules-load.d (KDIR= DESTDIR=)
	$(Q)$(MAKE) -s -C kmod $@

deb: setup ##	Debian packages in build/deb: for arm64, with the module for the bench's kernel, and for this machine
	$(Q)tools/build-deb

sbom: deb ##	what the packages are made of, as SPDX, in build/deb
	$(Q)$(ROOT) tools/sbom

dist: setup ##	the signed source of a release, in build/dist; KEY=gpg's name of a key
	$(Q)tools/dist --key "$(KEY)"

# The variables of the GNU coding standards, each of which has the name of an option of meson.
DIRS := prefix bindir sbindir libexecdir sysconfdir datadir mandir
install: ##	user space, built by this machine's own compiler, without the toolchain root; DESTDIR= prefix= bindir= ...
	$(Q)meson setup $(if $(wildcard build/install/build.ninja),--reconfigure) --buildtype=release -Dtests=false \
		$(foreach dir,$(DIRS),$(if $($(dir)),'--$(dir)=$($(dir))')) build/install
	$(Q)meson install -C build/install --destdir '$(abspath $(DESTDIR))'

user: setup ##	user space for the realm: arm64, in build/arm64
	$(Q)tools/build-user arm64

native: setup ##	user space for this machine, in build/release
	$(Q)tools/build-user release

kselftest: setup ##	the tests that run in any realm, in build/arm64/tests/realm
	$(Q)$(ROOT) make -s -C tests/kselftest >&2

kselftest-package: setup ##	these tests and the module as build/kselftest.tar.gz, for any realm (KDIR= for another kernel)
	$(Q)$(ROOT) env "KDIR=$(KDIR)" tests/kselftest/package

stress: kselftest-package rmm ##	10,000 tokens, 1000 reloads, CPU hotplug in a realm; TOKENS= RELOADS= ROUNDS=
	$(Q)tests/kselftest/stress

rmm: setup ##	the test RMM and its signer, in build/rmm
	$(Q)$(ROOT) make -s -C tests/rmm >&2

setup: ##	install missing packages, and make the toolchain root below build/
	$(Q)tools/setup --quiet >&2

perf: realm-initramfs native rmm ##	measure boot, tokens and handshakes, and print a table
	$(Q)tests/perf/measure

torture: source ##	test the module in a debug kernel, over a fake RMM and in a realm; FUZZ=seconds
	$(Q)tests/torture/torture $(FUZZ)

clean: ##	remove what was built, but not the toolchain root and downloads
	$(Q)rm -rf build/kmod build/rmm build/realm build/arm64 build/native build/release build/fuzz build/install build/deb build/deb-again build/dist

distclean: ##	remove everything below build/
	$(Q)tools/setup --remove
	$(Q)rm -rf build
