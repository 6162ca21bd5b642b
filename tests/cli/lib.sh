# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Functions that the parts of this test share, on top of tests/e2e/lib.sh and tests/tap.sh. Their files are in $work.

here=build/native/tests/cli
secret="sesame-$$-$RANDOM"
reference=cca.realm.cca-realm-initial-measurement
export REALM_HERE=$work/realm REALMKEY_COURIER=$bin/courier/realmkey-courier
export REALMKEY_POLICY=${REALMKEY_POLICY-$bin/policy/realmkey-policy}
# The daemon has no leak checker: that needs system calls which the keeper has given up.
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1

realmkey() { "$bin/cli/realmkey" "$@"; }
realmkeyd() { "$bin/keeper/realmkeyd" "$@"; }
trusteed() { timeout 10 "$bin/trusteed/trusteed" "$@"; }
# The programs with realm_here.c and sanitizers.
realmkey_here() { "$here/realmkey_here" "$@"; }
realmkeyd_here() { ASAN_OPTIONS=detect_leaks=0 "$here/realmkeyd_here" --courier "$REALMKEY_COURIER" --keyring "$keyring" "$@"; }

# jwk PEM: the public half of a P-384 key.
jwk()
{
	local point
	point=$(openssl ec -in "$1" -pubout -outform DER 2>/dev/null | tail -c 96 | od -An -v -tx1 | tr -d ' \n')
	printf '{"kty":"EC","crv":"P-384","x":"%s","y":"%s"}\n' "$(base64url "${point:0:96}")" "$(base64url "${point:96}")"
}

# base64url HEX: without padding.
base64url()
{
	# shellcheck disable=SC2001 # a backslash before each two digits is not a fixed replacement
	printf '%b' "$(sed 's/../\\x&/g' <<<"$1")" | basenc -w 0 --base64url | tr -d =
}

set_up()
{
	local key
	rm -rf "$work" && mkdir -p "$work/realm" "$work/anchors" "$work/conf" || return 1
	chmod 0755 build "${work%/*}" "$work"
	for key in cpak rak; do
		openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out "$work/realm/$key.pem" 2>/dev/null || return 1
	done
	openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$work/tee.pem" 2>/dev/null || return 1
	jwk "$work/realm/cpak.pem" >"$work/anchors/cpak.pub.jwk"
	tests/realm/tls "$work/tls" && tests/realm/tls "$work/tls-other" || return 1
	tls=$work/tls anchors=$work/anchors
	mkdir "$work/keyring"
	keyring=$top/$work/keyring/mount
}

# kbs_start NAME [OPTION...]: starts a trusteed with fresh state that trusts the realm and has the secret as a/b/c.
# Sets kbs, the options by which clients reach it.
kbs_start()
{
	trustee_state=$work/$1 trustee_log=$work/$1.log
	shift
	mkdir -m 0700 "$trustee_state" && cp -r "$anchors" "$trustee_state/anchors" || return 1
	trustee_run "$@" || return 1
	url=https://127.0.0.1:$trustee_port
	kbs=(--url "$url" --ca "$tls/ca.pem")
	printf '%s' "$secret" | admin set-resource --path a/b/c --resource-file - >/dev/null
}

# ran COMMAND...: runs it; its status is in $status, its output in $work/out and $work/err, and both in $output.
ran()
{
	status=0
	"$@" >"$work/out" 2>"$work/err" </dev/null || status=$?
	output=$(cat "$work/out" "$work/err")
}

# judge TEXT FAULT: one check, ok when FAULT is empty; if not, it prints the status and the output.
judge()
{
	if [ -z "$2" ]; then tap 0 "$1"; else tap 1 "$1" "$2
status $status
$output"; fi
}

# fails STATUS COMMAND...: runs it; $fault says how it differs from that status and an empty standard output.
fails()
{
	local want=$1
	shift
	ran "$@"
	fault=
	[ "$status" -eq "$want" ] || fault+="status $status, not $want; "
	[ ! -s "$work/out" ] || fault+="something on standard output; "
}

# refused STATUS TEXT PATTERN COMMAND...: that status, nothing on standard output, and one line on standard error that
# contains PATTERN.
refused()
{
	local want=$1 text=$2 pattern=$3 fault
	shift 3
	fails "$want" "$@"
	[ "$(wc -l <"$work/err")" -eq 1 ] || fault+="not one line; "
	grep -qF -- "$pattern" "$work/err" || fault+="no '$pattern'; "
	judge "$text" "$fault"
}

# printed TEXT PATTERN COMMAND...: status 0, nothing on standard error, PATTERN on standard output.
printed()
{
	local text=$1 pattern=$2 fault=
	shift 2
	ran "$@"
	[ "$status" -eq 0 ] || fault+="status $status; "
	[ ! -s "$work/err" ] || fault+="something on standard error; "
	grep -qF -- "$pattern" "$work/out" || fault+="no '$pattern'; "
	judge "$text" "$fault"
}

# warned TEXT PATTERN WARNING COMMAND...: status 0, PATTERN on standard output, one line with WARNING on standard error.
warned()
{
	local text=$1 pattern=$2 warning=$3 fault=
	shift 3
	ran "$@"
	[ "$status" -eq 0 ] || fault+="status $status; "
	[ "$(wc -l <"$work/err")" -eq 1 ] || fault+="not one line on standard error; "
	grep -qF -- "$warning" "$work/err" || fault+="no '$warning'; "
	grep -qF -- "$pattern" "$work/out" || fault+="no '$pattern'; "
	judge "$text" "$fault"
}

# contains FILE PATTERN
contains() { grep -qF -- "$2" "$1" 2>/dev/null; }

# wait_for PATTERN FILE: for up to 30 seconds.
wait_for() { within 30 contains "$2" "$1"; }
