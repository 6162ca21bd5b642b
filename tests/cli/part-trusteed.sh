# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# trusteed that cannot start says why, in one line.

# ended STATUS TEXT LAST COMMAND...: as refused, after it has logged how it started.
ended()
{
	local want=$1 text=$2 last=$3 fault=
	shift 3
	ran "$@"
	[ "$status" -eq "$want" ] || fault+="status $status, not $want; "
	[ ! -s "$work/out" ] || fault+="something on standard output; "
	tail -n 1 "$work/err" | grep -qF -- "$last" || fault+="does not end with '$last'; "
	judge "$text" "$fault"
}

part_trusteed()
{
	local state=$work/state key
	refused 2 "no state directory is named" "--state is needed" trusteed
	refused 2 "a certificate without its key" "--cert and --key belong together" trusteed --state "$state" --cert "$tls/server.pem"
	refused 2 "an address without a port" "--listen: 'localhost' is not ADDR:PORT" trusteed --state "$state" --listen localhost
	refused 2 "a name for an address" "--listen: 'localhost:1' is not a numeric address" trusteed --state "$state" --listen localhost:1
	refused 2 "plain HTTP for everybody" "plain HTTP only on loopback" trusteed --state "$state" --listen 0.0.0.0:0
	refused 2 "plain HTTP for everybody, IPv6" "plain HTTP only on loopback" trusteed --state "$state" --listen '[::]:0'
	if [ ! -e "$state" ]; then tap 0 "none of these made a state directory"; else tap 1 "none of these made a state directory"; fi

	mkdir -m 0755 "$state"
	refused 3 "a state directory open to others" "mode 0755 lets others in, it must be 0700" trusteed --state "$state"
	chmod 0700 "$state"
	refused 3 "a certificate that is none" "$work/conf/none: No such file" trusteed --state "$state" --cert "$work/conf/none" --key "$tls/server.key"
	refused 3 "a certificate without a certificate in it" "$tls/server.key: no certificate in PEM" trusteed --state "$state" --cert "$tls/server.key" --key "$tls/server.key"
	refused 3 "the key of another certificate" "not the key of the certificate" trusteed --state "$state" --cert "$tls/server.pem" --key "$work/tls-other/server.key"
	ended 12 "no anchors" "trusteed: /nonexistent: No such file" trusteed --state "$state" --anchors /nonexistent --listen 127.0.0.1:0
	does "a trusteed to be in the way" kbs_start other || return
	ended 5 "a port in use" "127.0.0.1:$trustee_port: Address already in use" trusteed --state "$state" --listen "127.0.0.1:$trustee_port"
	refused 3 "a state directory in use" "another trusteed uses it" trusteed --state "$trustee_state" --listen 127.0.0.1:0
	same "its admin token is for its owner alone" 600 "$(stat -c %a "$trustee_state/admin-token")"
	key=$(cat "$trustee_state/admin-token")
	trustee_stop
	does "trusteed starts again with the same state" trustee_run || return
	same "and the same admin token" "$key" "$(cat "$trustee_state/admin-token")"
}
