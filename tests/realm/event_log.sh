# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# An event log of firmware, for EVENT_LOG= of tests/realm/realm, and the extensions that it is of, for EXTEND=. Scripts
# source this file.

# le BYTES NUMBER: prints a number in little-endian.
le()
{
	local i
	# shellcheck disable=SC2059 # the format is made here
	for ((i = 0; i < $1; i++)); do printf "\\x$(printf %02x $(($2 >> 8 * i & 255)))"; done
}

boot_digest() { printf %s "$1" | sha256sum | cut -d ' ' -f 1; }

# boot_event REGISTER TYPE TEXT: prints an event whose digest is that of its text.
boot_event()
{
	le 4 "$1"; le 4 "$2"; le 4 1; le 2 11
	boot_digest "$3" | xxd -r -p
	le 4 ${#3}; printf %s "$3"
}

boot_log()
{
	le 4 0; le 4 3; head -c 20 /dev/zero
	le 4 33; printf 'Spec ID Event03\0'; le 4 0; le 4 $((0x02000200)); le 4 1; le 2 11; le 2 32; le 1 0
	boot_event 0 19 KERNEL
	boot_event 1 13 "the loader"
	boot_event 2 13 "its configuration"
	boot_event 1 13 "the command line"
}

# boot_extend: prints the extensions of boot_log.
boot_extend()
{
	echo "1:$(boot_digest "the loader"),2:$(boot_digest "its configuration"),1:$(boot_digest "the command line")"
}
