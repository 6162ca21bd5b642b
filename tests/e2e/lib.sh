# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Functions for the demo, the end-to-end test and the benchmark: a trusteed on loopback with fresh state, and realms
# that reach it at 10.0.2.2. All that was started is stopped when the shell that sourced this file ends.

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
cd "$top" || exit 1
in_root=tools/in-root
bin=build/release/userspace
tls=build/realm/tls
anchors=build/realm/keys

mkdir -p build/e2e
cleanups=()
# on_exit COMMAND: runs it at the end; the last one given runs first.
on_exit() { cleanups=("$1" "${cleanups[@]}"); }
clean_up()
{
	local command
	trap - EXIT
	trap '' INT TERM
	for command in "${cleanups[@]}"; do
		$command
	done
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# within SECONDS COMMAND...: repeats the command until it succeeds; fails if it does not in that time.
within()
{
	local i
	for ((i = 0; i < 10 * $1; i++)); do
		! "${@:2}" || return 0
		sleep 0.1
	done
	return 1
}

# child_stop VARIABLE: ends the child of this shell whose process id is in VARIABLE, if there is one.
child_stop()
{
	local -n child=$1
	[ -n "${child-}" ] || return 0
	kill "$child" 2>/dev/null
	wait "$child" 2>/dev/null
	child=
}

# trustee_start NAME [OPTION...]: starts a trusteed with fresh state in build/e2e/NAME and waits until it listens.
# Sets trustee_state, trustee_port, trustee_log and trustee_pid.
trustee_start()
{
	trustee_state=build/e2e/$1 trustee_log=build/e2e/$1.log
	shift
	rm -rf "$trustee_state"
	mkdir -p "$trustee_state/anchors"
	chmod 0700 "$trustee_state"
	$in_root build/rmm/hes --keys "$anchors" || return 1
	cp "$anchors/cpak.pub.jwk" "$trustee_state/anchors/bench.jwk"
	trustee_run "$@"
}

# trustee_run [OPTION...]: starts one with the state that is there.
trustee_run()
{
	local i
	# Otherwise the port of the previous trusteed could be read before the new one has emptied the log.
	: >"$trustee_log"
	$in_root "$bin/trusteed/trusteed" --state "$trustee_state" --listen "127.0.0.1:${trustee_port:-0}" \
		--cert "$tls/server.pem" --key "$tls/server.key" --dev "$@" 2>"$trustee_log" >&2 &
	trustee_pid=$!
	on_exit trustee_stop
	for ((i = 0; i < 100; i++)); do
		trustee_port=$(sed -n 's/.*listening on https\{0,1\}:.*:\([0-9]*\)$/\1/p' "$trustee_log" | tail -n 1)
		[ -z "$trustee_port" ] || return 0
		kill -0 "$trustee_pid" 2>/dev/null || break
		sleep 0.1
	done
	echo "trusteed did not start:" >&2
	cat "$trustee_log" >&2
	return 1
}

trustee_stop() { child_stop trustee_pid; }

# requests PATTERN: prints how many of the requests that trusteed has logged match.
requests() { grep -c "request $1" "$trustee_log"; }

# host_realmkey ARG...: runs realmkey on the host.
host_realmkey() { $in_root env REALMKEY_COURIER="$bin/courier/realmkey-courier" "$bin/cli/realmkey" "$@"; }

# admin COMMAND ARG...: runs realmkey admin as the operator of this trusteed.
admin()
{
	host_realmkey admin --url "https://127.0.0.1:$trustee_port" --ca "$tls/ca.pem" \
		--admin-token-file "$trustee_state/admin-token" "$@"
}

# realm_start NAME, realm_sh COMMAND, realm_stop: one realm at a time, with any number of commands.
realm_start()
{
	realm_name=$1
	on_exit realm_stop
	OWNER=$$ tests/realm/realm start "$realm_name"
}
realm_sh() { tests/realm/realm sh "$realm_name" "$1"; }
# realm_put FILE: copies a file that tests/e2e/Makefile makes into the realm's /tmp.
realm_put()
{
	$in_root flock build/e2e/lock make -s -C tests/e2e >&2 && tests/realm/realm put "$realm_name" "build/e2e/realm/$1" "/tmp/$1" &&
		realm_sh "chmod 0700 /tmp/$1"
}
realm_stop()
{
	[ -n "${realm_name-}" ] || return 0
	tests/realm/realm stop "$realm_name" 2>/dev/null
	realm_name=
}

# flipped FILE OFFSET COPY: COPY is FILE with the lowest bit of one byte flipped.
flipped()
{
	local byte
	cp "$1" "$3"
	byte=$(dd if="$1" bs=1 skip="$2" count=1 status=none | od -An -tu1 | tr -d ' ')
	printf '%b' "\\x$(printf '%02x' $((byte ^ 1)))" | dd of="$3" bs=1 seek="$2" conv=notrunc status=none
}
