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

# A key that OpenSSL reads, and with which no handshake would succeed.
trusteed_tls_files()
{
	local new=(openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256) what words
	"${new[@]}" -pkeyopt ec_param_enc:explicit -out "$work/explicit.key" 2>/dev/null
	openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:secp256k1 -out "$work/koblitz.key" 2>/dev/null
	"${new[@]}" -aes256 -pass pass:x -out "$work/passphrase.key" 2>/dev/null
	for what in explicit koblitz passphrase; do
		words="a key on a curve that TLS does not have"
		[ "$what" != passphrase ] || words="no private key in PEM, or it has a passphrase"
		openssl req -x509 -key "$work/$what.key" -passin pass:x -subj /CN=x -out "$work/$what.pem" 2>/dev/null
		refused 3 "a TLS key that the server cannot use: $what" "$work/$what.key: $words" \
			trusteed --state "$work/state" --listen 127.0.0.1:0 --cert "$work/$what.pem" --key "$work/$what.key"
	done
}

# Each file of the state is status 3 (trusteed(8)), whatever is wrong with it. The two signals end it with 0.
trusteed_statuses()
{
	local state=$work/state-files file signal
	cp -r "$trustee_state" "$state"
	for file in ear-key.pem admin-key.pem policy reference-values.json; do
		[ ! -e "$state/$file" ] || mv "$state/$file" "$work/kept"
		echo '?' >"$state/$file"
		ended 3 "$file that is malformed" "$file" trusteed --state "$state" --listen 127.0.0.1:0
		rm "$state/$file"
		mkdir "$state/$file"
		ended 3 "$file that is a directory" "$file: Is a directory" trusteed --state "$state" --listen 127.0.0.1:0
		rmdir "$state/$file"
		[ ! -e "$work/kept" ] || mv "$work/kept" "$state/$file"
	done
	ended 5 "an address of another machine" "192.0.2.1:8080" trusteed --state "$state" --listen 192.0.2.1:8080 --allow-plain
	ended 3 "a state directory without a parent" "/nonexistent/state: No such file" trusteed --state /nonexistent/state --listen 127.0.0.1:0
	for signal in TERM INT; do
		trustee_stop
		trustee_run
		status=0
		kill -"$signal" "$trustee_pid"
		wait "$trustee_pid" || status=$?
		trustee_pid=
		same "SIG$signal ends it" 0 "$status"
	done
	trustee_run
}

# served CA: a new connection to trusteed succeeds if only the certificates in CA are trusted.
served()
{
	realmkey admin set-resource-policy --affirming --admin-token-file "$trustee_state/admin-token" --url "$url" --ca "$1" >/dev/null 2>&1
}

# reloaded N: trusteed has logged N reloads, done or refused.
reloaded() { [ "$(grep -cE 'trusteed: (not )?reloaded' "$trustee_log")" -eq "$1" ]; }

# hangup N TEXT: SIGHUP leads to the Nth line about a reload, which contains TEXT, and does not end trusteed.
hangup()
{
	kill -HUP "$trustee_pid"
	within 30 reloaded "$1"
	output=$(grep -E 'trusteed: (not )?reloaded' "$trustee_log" | tail -n 1)
	has "SIGHUP: $2" "$2"
}

# ticket FILE OPTION: prints "New" or "Reused" for a handshake; OPTION (-sess_out, -sess_in) is about the ticket in FILE.
ticket()
{
	printf 'GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n' |
		openssl s_client -connect "127.0.0.1:$trustee_port" -ign_eof "$2" "$1" 2>&1 | grep -oE '^(New|Reused), ' | head -n 1
}

# A new certificate and key, and then files that are not usable: all or nothing. An EAR from before stays valid.
trusteed_hangup()
{
	local tls=$work/tls-reload anchors=$trustee_state/anchors session=$work/cookies
	cp -r "$work/tls" "$tls"
	trustee_stop
	trustee_run || return
	url=https://127.0.0.1:$trustee_port
	runs 0 "the first certificate is served" served "$work/tls/ca.pem"
	same "a TLS session begins" "New, " "$(ticket "$work/ticket" -sess_out)"
	same "and is resumed" "Reused, " "$(ticket "$work/ticket" -sess_in)"
	curl -s --cacert "$work/tls/ca.pem" -c "$session" -d '{"version":"0.4.0","tee":"cca","extra-params":""}' "$url/kbs/v0/auth" >/dev/null
	cp "$work"/tls-other/server.* "$tls/"
	hangup 1 "reloaded certificate, key, trust anchors and administrators"
	runs 0 "the new certificate is served" served "$work/tls-other/ca.pem"
	runs 6 "the first one is not" served "$work/tls/ca.pem"
	same "nor is its session resumed" "New, " "$(ticket "$work/ticket" -sess_in)"
	output=$(curl -s --cacert "$work/tls-other/ca.pem" -b "$session" -d '{}' "$url/kbs/v0/attest")
	has "a session from before goes on" "runtime-data"
	cp "$work/tls/server.pem" "$tls/"
	hangup 2 "not reloaded: $tls/server.key: not the key of the certificate"
	runs 0 "the certificate from before is served" served "$work/tls-other/ca.pem"
	cp "$work"/tls/server.* "$tls/"
	echo '{' >"$anchors/broken.jwk"
	hangup 3 "not reloaded: $anchors/broken.jwk"
	runs 0 "an anchor that cannot be read keeps the certificate too" served "$work/tls-other/ca.pem"
	rm "$anchors/broken.jwk" "$tls/server.key"
	hangup 4 "not reloaded: $tls/server.key: No such file"
	cp "$work"/tls/server.* "$tls/"
	hangup 5 "reloaded certificate, key, trust anchors and administrators"
	runs 0 "what is complete again is used" served "$work/tls/ca.pem"
}

# The word for TF-A's sample key is needed in full.
trusteed_sample()
{
	local sample=tests/vectors/tfrmm-fakehost/cpak-sample.pub.jwk
	cp $sample "$trustee_state/anchors/"
	trustee_stop
	trustee_run
	output=$(cat "$trustee_log")
	has "the sample key is not trusted by its file and --dev" "cpak-sample.pub.jwk: never trusted: its private key is public"
	lacks "and there is no warning that it is" "--dev-trust-sample-cpak"
	rm "$trustee_state/anchors/cpak-sample.pub.jwk"
	trustee_stop
	trustee_run --dev-trust-sample-cpak
	output=$(cat "$trustee_log")
	has "with its option a warning says so at the start" "*** --dev-trust-sample-cpak: platforms with TF-A's sample key are trusted"
	has "and there is one more anchor, without a file" "trust anchors: 2 from"
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
	trusteed_hangup
	trusteed_sample
	trusteed_statuses
}
