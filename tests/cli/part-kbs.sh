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
	printed "a reference value" "endorsed x" realmkey admin set-reference-value x y --admin-token-file "$token" "${kbs[@]}"
	printed "a number as reference value" "endorsed x" realmkey admin set-reference-value --as-integer --admin-token-file "$token" "${kbs[@]}" -- x -7
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

part_kbs()
{
	kbs_unreachable
	does "trusteed starts" kbs_start kbs --verbose || return
	kbs_certificates
	kbs_admin
	kbs_secrecy
	url=http://127.0.0.1:$trustee_port
	trustee_stop
	refused 5 "a KBS that has ended" "no connection" \
		realmkey admin set-resource-policy --deny-all --admin-token-file "$work/nonsense" --url "$url" --insecure
}
