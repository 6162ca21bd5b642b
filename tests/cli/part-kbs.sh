# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# An operator and a KBS: connections that fail, wrong credentials, and that no message or log shows a secret which the
# operator sends.

kbs_unreachable()
{
	local as=(--admin-token-file "$work/nonsense")
	echo nonsense >"$work/nonsense"
	printf '%s' "$secret" >"$work/secret"
	: >"$work/empty"
	refused 5 "a closed port" "https://127.0.0.1:9: no connection" \
		realmkey admin set-resource-policy --deny-all "${as[@]}" --url https://127.0.0.1:9
	refused 5 "a closed port, without TLS" "http://127.0.0.1:9: no connection" \
		realmkey admin set-resource-policy --deny-all "${as[@]}" --url http://127.0.0.1:9 --insecure
	refused 5 "an unknown host name" "no-such-host.invalid" \
		realmkey admin set-resource-policy --deny-all "${as[@]}" --url https://no-such-host.invalid
	refused 12 "a missing admin token file" "/nonexistent: No such file" \
		realmkey admin set-resource-policy --deny-all --admin-token-file /nonexistent --url https://127.0.0.1:9
	refused 12 "an empty admin token" "$work/empty: is empty" \
		realmkey admin set-resource-policy --deny-all --admin-token-file "$work/empty" --url https://127.0.0.1:9
	refused 12 "an admin token of two words" "LICENSES/Apache-2.0.txt: not a bearer token" \
		realmkey admin set-resource-policy --deny-all --admin-token-file LICENSES/Apache-2.0.txt --url https://127.0.0.1:9
	refused 12 "a missing secret file" "/nonexistent: No such file" \
		realmkey admin set-resource --path a/b/c --resource-file /nonexistent "${as[@]}" --url https://127.0.0.1:9
	refused 1 "a missing courier" "/nonexistent: No such file" \
		env REALMKEY_COURIER=/nonexistent "$bin/cli/realmkey" admin set-resource-policy --deny-all "${as[@]}" --url https://127.0.0.1:9
}

kbs_certificates()
{
	local as=(set-resource-policy --deny-all --admin-token-file "$trustee_state/admin-token")
	refused 6 "a certificate of another CA" "certificate not trusted" realmkey admin "${as[@]}" --url "$url" --ca "$work/tls-other/ca.pem"
	refused 6 "a certificate that the system's CAs did not sign" "certificate" realmkey admin "${as[@]}" --url "$url"
	refused 12 "a missing CA file" "/nonexistent: No such file" realmkey admin "${as[@]}" --url "$url" --ca /nonexistent
	refused 12 "an empty CA file, which must not select the system's CAs" "$work/empty: is empty" realmkey admin "${as[@]}" --url "$url" --ca "$work/empty"
	refused 12 "a CA file without certificates" "$work/nonsense: CA: no certificate in PEM form" realmkey admin "${as[@]}" --url "$url" --ca "$work/nonsense"
	{ cat "$tls/ca.pem"; printf '%s\n' '-----BEGIN CERTIFICATE-----' AAAA '-----END CERTIFICATE-----'; } >"$work/half.pem"
	refused 12 "a CA file whose second certificate is malformed" "$work/half.pem: CA: malformed PEM" \
		realmkey admin "${as[@]}" --url "$url" --ca "$work/half.pem"
	refused 5 "http:// to a port with TLS" "http://127.0.0.1:$trustee_port" \
		realmkey admin "${as[@]}" --insecure --url "http://127.0.0.1:$trustee_port"
}

kbs_admin()
{
	local token=$trustee_state/admin-token
	refused 8 "a file that is not an admin token" "token refused" realmkey admin set-resource-policy --deny-all --admin-token-file "$work/nonsense" "${kbs[@]}"
	sed -E 's/\.[^.]*$/.AAAA/' "$token" >"$work/forged"
	refused 8 "an admin token with a wrong signature" "token refused" realmkey admin set-resource-policy --deny-all --admin-token-file "$work/forged" "${kbs[@]}"
	printed "the policy" "policy set" realmkey admin set-resource-policy --affirming --admin-token-file "$token" "${kbs[@]}"
	printed "options before the command" "policy set" realmkey admin --admin-token-file "$token" "${kbs[@]}" set-resource-policy --affirming
	warned "a reference value whose name no rule reads" "endorsed x" "no rule that reads this name" realmkey admin set-reference-value x y --admin-token-file "$token" "${kbs[@]}"
	warned "a number as reference value" "endorsed x" "no rule that reads this name" realmkey admin set-reference-value --as-integer --admin-token-file "$token" "${kbs[@]}" -- x -7
	refused 2 "a reference value without a name" "NAME is empty" realmkey admin set-reference-value "" y --admin-token-file "$token" "${kbs[@]}"
	refused 2 "a name that is not UTF-8" "NAME is not UTF-8" realmkey admin set-reference-value $'\xff' y --admin-token-file "$token" "${kbs[@]}"
	refused 2 "a value that is not UTF-8" "VALUE is not UTF-8" realmkey admin set-reference-value x $'\xff' --admin-token-file "$token" "${kbs[@]}"
	head -c 1048577 /dev/zero >"$work/large"
	refused 12 "a secret of more than 1 MiB" "$work/large: more than 1048576 bytes" \
		realmkey admin set-resource --path a/b/large --resource-file "$work/large" --admin-token-file "$token" "${kbs[@]}"
	truncate -s 1048576 "$work/large"
	printed "a secret of 1 MiB" "stored a/b/large" \
		realmkey admin set-resource --path a/b/large --resource-file "$work/large" --admin-token-file "$token" "${kbs[@]}"
	printed "a path in Trustee's own form" "stored" \
		realmkey admin set-resource --path kbs:///a/b/d --resource-file "$work/secret" --admin-token-file "$token" "${kbs[@]}"
}

# rims_are TEXT JSON: checks the list of RIMs that trusteed keeps.
rims_are()
{
	same "$1" "$2" "$(jq -c ".[\"$reference\"].value" "$trustee_state/reference-values.json")"
}

# Reference values that could never match are refused before they are sent, and by trusteed (test_trusteed_release).
kbs_rims()
{
	local as=(--admin-token-file "$trustee_state/admin-token" "${kbs[@]}")
	local hex=778fdbd941f213b0bfba6a1b807ed2b361ff54a23b7501224e58f660c64b2386 long sent
	local base64=d4/b2UHyE7C/umobgH7Ss2H/VKI7dQEiTlj2YMZLI4Y=
	long=$(head -c 64 /dev/zero | base64 -w 0)
	warned "a RIM in hexadecimal" "endorsed $reference" "it is endorsed as base64: $base64" realmkey admin set-reference-value "$reference" $hex "${as[@]}"
	rims_are "is converted" "[\"$base64\"]"
	warned "several RIMs" "endorsed $reference" "it is endorsed as base64: $base64" realmkey admin set-reference-value "$reference" "$long" $base64 "${hex^^}" "${as[@]}"
	rims_are "are registered at once" "[\"$long\",\"$base64\",\"$base64\"]"
	sent=$(requests "POST /kbs/v0/reference-value")
	refused 2 "a RIM among others that can never match" "RIM: 3 bytes, but a digest has 32 (SHA-256)" \
		realmkey admin set-reference-value "$reference" $base64 AAAA "${as[@]}"
	refused 2 "a RIM of an odd length of hexadecimal" "neither base64" realmkey admin set-reference-value "$reference" "${hex}0" "${as[@]}"
	refused 2 "a RIM without padding" "with its padding" realmkey admin set-reference-value "$reference" "${base64%=}" "${as[@]}"
	refused 2 "a RIM in base64 for URLs" "neither base64" realmkey admin set-reference-value "$reference" "$(tr /+ _- <<<$base64)" "${as[@]}"
	refused 2 "a RIM on two lines" "on one line" realmkey admin set-reference-value "$reference" "$(base64 <<<"$(head -c 64 /dev/zero | tr '\0' x)")" "${as[@]}"
	refused 2 "a RIM as a number" "a RIM is neither an integer" realmkey admin set-reference-value "$reference" 7 --as-integer "${as[@]}"
	refused 2 "several values as one" "requires a single VALUE" realmkey admin set-reference-value x a b --as-single-value "${as[@]}"
	same "none of these was sent" "$sent" "$(requests "POST /kbs/v0/reference-value")"
	printed "a RIM that is not in a list" "endorsed $reference" realmkey admin set-reference-value "$reference" $base64 --as-single-value "${as[@]}"
	rims_are "as it is" "\"$base64\""
	printed "the RIMs in a CoRIM" "endorsed the values of" \
		realmkey admin set-reference-value --corim tests/vectors/corim/realm.cbor "${as[@]}"
	rims_are "are registered" "$(jq -c ".[\"$reference\"]" tests/vectors/corim/realm.json)"
	refused 12 "a signed CoRIM" "it is signed" realmkey admin set-reference-value --corim tests/vectors/corim/signed.cbor "${as[@]}"
}

# The secret is the one that kbs_start sent from standard input.
kbs_secrecy()
{
	local token
	token=$(cat "$trustee_state/admin-token")
	output=$(printf '%s' "$secret" | realmkey admin set-resource --path a/b/c --resource-file - --admin-token-file "$trustee_state/admin-token" "${kbs[@]}" 2>&1)
	same "a secret from standard input" "stored a/b/c" "$output"
	output=$(printf '%s' "$secret" | realmkey admin set-resource --path a/b/c --resource-file - --admin-token-file "$work/nonsense" "${kbs[@]}" 2>&1)
	lacks "a refusal does not show the secret" "$secret"
	output=$(cat "$trustee_log")
	lacks "trusteed's log does not show it" "$secret"
	lacks "nor the admin token" "$token"
	has "but it has the request" "POST /kbs/v0/resource/a/b/c"
}

# What a client prepares of OpenSSL has no finite-field groups.
kbs_finite_field()
{
	local options number=0
	for options in "-tls1_3 -groups ffdhe2048" "-tls1_2 -cipher DHE"; do
		number=$((number + 1))
		# shellcheck disable=SC2086 # options are words
		openssl s_server -accept 127.0.0.1:0 -www -cert "$tls/server.pem" -key "$tls/server.key" $options \
			</dev/null >"$work/finite.$number" 2>&1 &
		on_exit "kill $!"
		wait_for "ACCEPT 127.0.0.1:" "$work/finite.$number"
		refused 6 "a KBS with finite-field groups only, by $options" "alert handshake failure" \
			realmkey admin set-resource-policy --deny-all --admin-token-file "$work/nonsense" --ca "$tls/ca.pem" \
			--url "https://$(sed -n 's/^ACCEPT \(127.*\)/\1/p' "$work/finite.$number" | head -n 1)"
	done
}

part_kbs()
{
	kbs_unreachable
	does "trusteed starts" kbs_start kbs --verbose || return
	kbs_finite_field
	kbs_certificates
	kbs_admin
	kbs_rims
	kbs_secrecy
	url=http://127.0.0.1:$trustee_port
	trustee_stop
	refused 5 "a KBS that has ended" "no connection" \
		realmkey admin set-resource-policy --deny-all --admin-token-file "$work/nonsense" --url "$url" --insecure
}
