# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# trusteed says in one line why it cannot start.

# ended STATUS TEXT LAST COMMAND...: like refused, but it may log lines before the last one, which contains LAST.
ended()
{
	local want=$1 text=$2 last=$3 fault
	shift 3
	fails "$want" "$@"
	tail -n 1 "$work/err" | grep -qF -- "$last" || fault+="does not end with '$last'; "
	judge "$text" "$fault"
}

# A key that OpenSSL reads and the TLS library of the server does not.
trusteed_tls_files()
{
	local new=(openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256) what
	"${new[@]}" -pkeyopt ec_param_enc:explicit -out "$work/explicit.key" 2>/dev/null
	openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:secp256k1 -out "$work/koblitz.key" 2>/dev/null
	"${new[@]}" -aes256 -pass pass:x -out "$work/passphrase.key" 2>/dev/null
	for what in explicit koblitz passphrase; do
		openssl req -x509 -key "$work/$what.key" -passin pass:x -subj /CN=x -out "$work/$what.pem" 2>/dev/null
		refused 3 "a TLS key that the server cannot use: $what" "$work/$what.key: no private key in PEM that can be used" \
			trusteed --state "$work/state" --listen 127.0.0.1:0 --cert "$work/$what.pem" --key "$work/$what.key"
	done
}

part_trusteed()
{
	local state=$work/state key
	refused 2 "no --state" "--state is required" trusteed
	refused 2 "a certificate without its key" "--cert and --key belong together" trusteed --state "$state" --cert "$tls/server.pem"
	refused 2 "an address without a port" "--listen: 'localhost' is not ADDR:PORT" trusteed --state "$state" --listen localhost
	refused 2 "a name instead of an address" "--listen: 'localhost:1' is not a numeric address" trusteed --state "$state" --listen localhost:1
	refused 2 "plain HTTP on all addresses" "plain HTTP only on loopback" trusteed --state "$state" --listen 0.0.0.0:0
	refused 2 "plain HTTP on all addresses, IPv6" "plain HTTP only on loopback" trusteed --state "$state" --listen '[::]:0'
	runs 0 "none of these made a state directory" test ! -e "$state"

	mkdir -m 0755 "$state"
	refused 3 "a state directory open to others" "mode 0755 lets others in, it must be 0700" trusteed --state "$state"
	chmod 0700 "$state"
	refused 3 "a missing certificate file" "$work/conf/none: No such file" trusteed --state "$state" --cert "$work/conf/none" --key "$tls/server.key"
	refused 3 "a file without a certificate" "$tls/server.key: no certificate in PEM" trusteed --state "$state" --cert "$tls/server.key" --key "$tls/server.key"
	refused 3 "the key of another certificate" "not the key of the certificate" trusteed --state "$state" --cert "$tls/server.pem" --key "$work/tls-other/server.key"
	trusteed_tls_files
	ended 12 "a missing directory of anchors" "trusteed: /nonexistent: No such file" trusteed --state "$state" --anchors /nonexistent --listen 127.0.0.1:0
	does "another trusteed starts" kbs_start other || return
	ended 5 "a port in use" "127.0.0.1:$trustee_port: Address already in use" trusteed --state "$state" --listen "127.0.0.1:$trustee_port"
	refused 3 "a state directory in use" "another trusteed uses it" trusteed --state "$trustee_state" --listen 127.0.0.1:0
	same "only its owner can read its admin token" 600 "$(stat -c %a "$trustee_state/admin-token")"
	key=$(cat "$trustee_state/admin-token")
	trustee_stop
	does "trusteed starts again with the same state" trustee_run || return
	same "and has the same admin token" "$key" "$(cat "$trustee_state/admin-token")"
}
