#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Runs the tests in its directory, in a realm, and prints one TAP stream. Requires only busybox's shell.
set -u

usage()
{
	cat <<'END'
usage: run_kselftest.sh [PROGRAM...]
Runs the tests (all of them by default) as root in an Arm CCA realm. Loads cca_rsi.ko if the module is
not loaded. Tests of what this realm, its RMM or its kernel cannot do are skipped, with the reason.
Environment: MODULE=FILE (the module, if not cca_rsi.ko in the directory of this script), TOKENS=200,
RELOADS=30, ROUNDS=3, TOKENS_SIGNALLED=3, RACES=1 (the length of tokens_test, reload_test, hotplug_test,
signal_test and races_test).
Standard output: TAP, then totals. Exit status: 0 if nothing failed, 1 if a test failed, 2 for a wrong
command line, 4 if the machine is not a realm, 5 if the module cannot be loaded for another reason.
END
}

# The tests that load and unload the module come last.
all='device_test token_test tokens_test netlink_test dump_test busy_test tsm_test trace_test mr_test signal_test
hotplug_test config_test log_test full_test privilege_test replay_test races_test module_test reload_test'

here=$(cd "$(dirname "$0")" && pwd)

bail()
{
	status=$1
	shift
	echo "Bail out! $*"
	exit "$status"
}

# mounted TYPE DIRECTORY: mounts a file system of TYPE unless DIRECTORY is mounted already.
mounted()
{
	while read -r _ where _; do
		[ "$where" != "$2" ] || return 0
	done </proc/mounts
	mount -t "$1" none "$2" 2>/dev/null
}

file_systems()
{
	# Without /proc busybox may not find its own applets, unless it is called by name.
	by=$(command -v busybox) || by=
	[ -e /proc/self ] || { $by mkdir -p /proc && $by mount -t proc none /proc; } || bail 5 "cannot mount /proc"
	mkdir -p /sys /dev /tmp
	mounted sysfs /sys
	mounted devtmpfs /dev
}

# Installs links to busybox's applets if there are none.
applets()
{
	command -v busybox >/dev/null && ! command -v mkfifo >/dev/null || return 0
	busybox mkdir -p /tmp/applets && busybox --install -s /tmp/applets
	PATH=$PATH:/tmp/applets
}

# Loads the modules that cca_rsi depends on: the realm's own ones, else those of the package, if it is for this kernel.
needs_load()
{
	for name in configfs tsm_report; do
		[ ! -e "/sys/module/$name/refcnt" ] || continue
		modprobe "$name" 2>/dev/null || [ ! -e "$here/modules/$name.ko" ] || insmod "$here/modules/$name.ko" 2>/dev/null
	done
	mounted configfs /sys/kernel/config
}

# no_realm MESSAGE: succeeds if MESSAGE contains the module's error outside a realm, "No such device".
no_realm()
{
	case $1 in
	*"No such device"*) return 0 ;;
	esac
	return 1
}

module_load()
{
	file=${MODULE:-$here/cca_rsi.ko}
	if [ -e "$file" ]; then message=$(insmod "$file" 2>&1); else message=$(modprobe cca_rsi 2>&1); fi
	[ ! -e /sys/module/cca_rsi/refcnt ] || return 0
	! no_realm "$message" || bail 4 "this machine is not an Arm CCA realm: the module finds no RMM ($message)"
	made_for=$(cat "$here/kernel" 2>/dev/null) || made_for=
	[ -z "$made_for" ] || [ "$made_for" = "$(uname -r)" ] ||
		bail 5 "the module is for kernel $made_for, but this is $(uname -r): run make kselftest-package KDIR=..."
	bail 5 "cannot load the module: $message"
}

# --- one TAP stream -------------------------------------------------------------------------------------

count=0 passed=0 failed=0 skipped=0

# result yes|no TEXT: prints a numbered result and counts it.
result()
{
	count=$((count + 1))
	if [ "$1" = no ]; then
		failed=$((failed + 1))
		echo "not ok $count - $2"
		return
	fi
	case $2 in
	*"# SKIP"*) skipped=$((skipped + 1)) ;;
	*) passed=$((passed + 1)) ;;
	esac
	echo "ok $count - $2"
}

# stream PROGRAM: prints numbered results for the TAP on standard input, whose last line is the exit status.
stream()
{
	plan=0 seen=0 bad=0
	while IFS= read -r line; do
		case $line in
		"TAP version"*) ;;
		1..*) plan=${line#1..} ;;
		"ok "*) seen=$((seen + 1)) && result yes "$1: ${line#* - }" ;;
		"not ok "*) seen=$((seen + 1)) bad=1 && result no "$1: ${line#* - }" ;;
		"@exit 0") ;;
		"@exit "*) [ $bad = 1 ] || result no "$1: ended with status ${line#@exit }" ;;
		"#"*) echo "$line" ;;
		*) echo "# $line" ;;
		esac
	done
	[ "$plan" = "$seen" ] && [ "$seen" != 0 ] && return
	result no "$1: planned $plan tests and ran $seen"
}

program_run()
{
	output=/tmp/kselftest.$$
	mkfifo "$output" || bail 5 "cannot make $output"
	{ "$here/$1" 2>&1; echo "@exit $?"; } >"$output" &
	stream "$1" <"$output"
	rm -f "$output"
}

case ${1-} in
-h | --help) usage; exit 0 ;;
-*) usage >&2; exit 2 ;;
esac
# shellcheck disable=SC2086 # names, one a word
[ $# -gt 0 ] || set -- $all
for program in "$@"; do
	[ -x "$here/$program" ] || { echo "run_kselftest.sh: there is no program $program in $here" >&2; exit 2; }
done
[ "$(id -u)" = 0 ] || { echo "run_kselftest.sh: must be run as root" >&2; exit 2; }

echo "TAP version 13"
file_systems
applets
[ -e /sys/module/cca_rsi/refcnt ] || { needs_load && module_load; }
echo "# $(uname -r), $(grep -c '^processor' /proc/cpuinfo) CPUs"
"$here/config_test" --rmm
for program in "$@"; do
	echo "# --- $program"
	program_run "$program"
done
echo "1..$count"
echo "# Totals: pass:$passed fail:$failed skip:$skipped"
[ $failed = 0 ] && [ $count -gt 0 ]
