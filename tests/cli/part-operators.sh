# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Operators of trusteed, with curl and openssl: an administrator of one repository, a rotation of the EAR key, and the
# files that SIGHUP reads again.

# operators_text TEXT: base64url, without padding.
operators_text() { printf '%s' "$1" | basenc -w 0 --base64url | tr -d =; }

# operators_token KEY: prints a token that the Ed25519 key signed, with the claims of the December 2025 kbs-client.
operators_token()
{
	local now input
	now=$(date +%s)
	input=$(operators_text '{"alg":"EdDSA","typ":"JWT"}').$(operators_text "{\"iat\":$now,\"exp\":$((now + 7200)),\"nbf\":$now}")
	printf '%s' "$input" >"$work/token.input"
	openssl pkeyutl -sign -rawin -inkey "$1" -in "$work/token.input" -out "$work/token.signature" 2>/dev/null
	printf '%s.%s' "$input" "$(basenc -w 0 --base64url "$work/token.signature" | tr -d =)"
}

# asks STATUS TEXT TOKEN METHOD PATH [OPTION...]: a request with this bearer token; $output gets the body.
asks()
{
	local want=$1 text=$2 token=$3 method=$4 path=$5
	shift 5
	status=$(curl -s --cacert "$tls/ca.pem" -o "$work/body" -w '%{http_code}' -X "$method" -H "Authorization: Bearer $token" "$@" \
		"$url/$path")
	output=$(cat "$work/body")
	same "$text" "$want" "$status"
}

# operators_policy FILE [ID]: prints the body of a request that sets this policy.
operators_policy() { printf '{"policy":"%s"%s}' "$(basenc -w 0 --base64url "$1" | tr -d =)" "${2:+,\"policy_id\":\"$2\"}"; }

# operators_kid EAR: prints the kid in its header.
operators_kid() { python3 -c '
import base64, json, sys
head = open(sys.argv[1]).read().split(".")[0]
print(json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))["kid"])' "$1"; }

# operators_hangup N TEXT: SIGHUP leads to the Nth line about a reload, which contains TEXT.
operators_hangup()
{
	kill -HUP "$trustee_pid"
	within 30 operators_reloaded "$1"
	output=$(grep -E 'trusteed: (not )?reloaded' "$trustee_log" | tail -n 1)
	has "SIGHUP: $2" "$2"
}
operators_reloaded() { [ "$(grep -cE 'trusteed: (not )?reloaded' "$trustee_log")" -eq "$1" ]; }

# An administrator of the repository "team" has this repository, and nothing else.
operators_tenant()
{
	local alice=$work/alice.pem bob=$work/bob.pem token
	openssl genpkey -algorithm ED25519 -out "$alice" 2>/dev/null
	openssl genpkey -algorithm ED25519 -out "$bob" 2>/dev/null
	mkdir -p "$trustee_state/admins/team"
	openssl pkey -in "$alice" -pubout -out "$trustee_state/admins/team/alice.pem"
	token=$(operators_token "$alice")
	asks 401 "a key is none before it is read" "$token" POST kbs/v0/resource/team/key/1 --data-binary x
	has "and the cause says so" "not signed with the key of an administrator"
	operators_hangup 1 "reloaded"
	asks 200 "a tenant stores a resource of its repository" "$token" POST kbs/v0/resource/team/key/1 --data-binary x
	asks 401 "and none of another one" "$token" POST kbs/v0/resource/a/b/c --data-binary x
	has "the cause names both" "alice administers the repository team, and this requires an administrator of the repository a or"
	asks 401 "it endorses nothing" "$token" POST kbs/v0/reference-value -d '{}'
	asks 401 "it makes no EAR key" "$token" POST kbs/v0/ear-key
	asks 401 "and withdraws none" "$token" DELETE kbs/v0/ear-key
	realmkey_text allow-all >"$work/allow.rego"
	asks 200 "it sets the policy of its repository" "$token" POST kbs/v0/resource-policy -d "$(operators_policy "$work/allow.rego")"
	asks 401 "and not that of all" "$token" POST kbs/v0/resource-policy -d "$(operators_policy "$work/allow.rego" resource-policy)"
	asks 401 "nor one for attestation" "$token" POST kbs/v0/attestation-policy -d "$(operators_policy "$work/allow.rego" default)"
	asks 200 "it reads the policy of its repository" "$token" GET kbs/v0/resource-policy/team
	has "which is the one that it set" '"policy_id":"team"'
	asks 200 "the administrator of everything lists both" "$(cat "$trustee_state/admin-token")" GET kbs/v0/resource-policy
	same "by their ids" '["resource-policy","team"]' "$output"
	asks 401 "a key that nobody knows" "$(operators_token "$bob")" POST kbs/v0/resource/team/key/1 --data-binary x
	cp "$bob" "$trustee_state/admins/bob.pem"
	operators_hangup 2 "not reloaded: $trustee_state/admins/bob.pem: has a private key"
	asks 200 "those that were known are, still" "$token" POST kbs/v0/resource/team/key/1 --data-binary x
	openssl pkey -in "$bob" -pubout -out "$trustee_state/admins/bob.pem"
	rm "$trustee_state/admins/team/alice.pem"
	operators_hangup 3 "reloaded"
	asks 200 "a new administrator of everything" "$(operators_token "$bob")" POST kbs/v0/resource/a/b/d --data-binary x
	asks 401 "a withdrawn key" "$token" POST kbs/v0/resource/team/key/1 --data-binary x
	realmkey admin make-token --key "$bob" --output "$work/bob.token" >/dev/null
	asks 200 "a token that realmkey made" "$(cat "$work/bob.token")" DELETE kbs/v0/resource/a/b/d
	asks 404 "removes a resource once" "$(cat "$work/bob.token")" DELETE kbs/v0/resource/a/b/d
	has "and says so" "/ResourceNotFound"
}

# realmkey_text NAME: the text of the built-in policy NAME, as trusteed returns it.
realmkey_text()
{
	admin set-resource-policy "--$1" >/dev/null
	curl -s --cacert "$tls/ca.pem" -H "Authorization: Bearer $(cat "$trustee_state/admin-token")" "$url/kbs/v0/resource-policy/resource-policy" |
		python3 -c 'import base64, json, sys
text = json.load(sys.stdin)["policy"]
sys.stdout.write(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode())'
}

# EARs of the key before are worth a resource, and new ones have the new key.
operators_rotation()
{
	local get=(realmkey_here get-resource "${kbs[@]}" --path a/b/c --tee-key-file "$work/tee.pem" --attestation-token) kids
	admin set-resource-policy --allow-all >/dev/null
	realmkey_here attest "${kbs[@]}" --tee-key-file "$work/tee.pem" >"$work/ear.before"
	runs 0 "realmkey rotates the EAR key" admin rotate-ear-key
	runs 0 "an EAR of the old key gets a resource" "${get[@]}" "$work/ear.before"
	same "which is the right one" "$secret" "$output"
	realmkey_here attest "${kbs[@]}" --tee-key-file "$work/tee.pem" >"$work/ear.after"
	runs 0 "an EAR of the new key as well" "${get[@]}" "$work/ear.after"
	kids="$(operators_kid "$work/ear.after") $(operators_kid "$work/ear.before")"
	output=$(curl -s --cacert "$tls/ca.pem" "$url/jwks" | python3 -c 'import json, sys
print(*(key["kid"] for key in json.load(sys.stdin)["keys"]))')
	same "the JWK set has both keys, the new one first" "$kids" "$output"
	output=$(curl -s --cacert "$tls/ca.pem" "$url/.well-known/openid-configuration")
	has "and is found by discovery" "\"jwks_uri\":\"$url/jwks\""
	trustee_stop
	trustee_run || return
	runs 0 "and so after a restart" "${get[@]}" "$work/ear.before"
	curl -s --cacert "$tls/ca.pem" "$url/.well-known/jwks.json" >"$work/jwks.json"
	runs 0 "realmkey verifies an EAR of the new key by the set" realmkey verify --key "$work/jwks.json" "$work/ear.after"
	runs 0 "and one of the old key" realmkey verify --key "$work/jwks.json" "$work/ear.before"
	runs 0 "realmkey withdraws the keys" admin rotate-ear-key --withdraw
	refused 7 "an EAR of the first key gets nothing" "TokenVerifierError" "${get[@]}" "$work/ear.before"
	refused 7 "nor one of the second" "TokenVerifierError" "${get[@]}" "$work/ear.after"
	realmkey_here attest "${kbs[@]}" --tee-key-file "$work/tee.pem" >"$work/ear.new"
	runs 0 "one of the new key does" "${get[@]}" "$work/ear.new"
}

# A certificate of the EAR key is in EARs, and must be one of that key.
operators_certificate()
{
	openssl req -x509 -key "$trustee_state/ear-key.pem" -subj /CN=ear -out "$work/ear.cert" 2>/dev/null
	trustee_stop
	refused 3 "a certificate of another key" "not for the key that signs EARs" \
		trusteed --state "$trustee_state" --listen 127.0.0.1:0 --ear-cert "$tls/server.pem"
	trustee_run --ear-cert "$work/ear.cert" || return
	asks 200 "the JWK set has the certificate" none GET jwks
	has "as x5c" "\"x5c\":[\"$(openssl x509 -in "$work/ear.cert" -outform DER | base64 -w 0)\"]"
	asks 409 "the key is not changed without it" "$(cat "$trustee_state/admin-token")" POST kbs/v0/ear-key
	has "and the cause says what to do" "replace ear-key.pem and that file"
	cp "$tls/server.pem" "$work/ear.cert"
	operators_hangup 1 "not reloaded: --ear-cert $work/ear.cert: the first certificate is not for the key"
}

# What is not Rego is refused when it is set, with the place of the mistake.
operators_rego()
{
	local token what="a mistake in a policy"
	token=$(cat "$trustee_state/admin-token")
	printf 'package policy\n\nimport rego.v1\n\nallow if {\n\tinput.x ==\n}\n' >"$work/wrong.rego"
	printf 'package policy\n\nimport rego.v1\n\ndefault allow := false\n\nallow if data["resource-path"][0] == "a"\n' >"$work/right.rego"
	if [ ! -x "$bin/policy/realmkey-policy" ]; then
		asks 401 "without an engine, no policy in Rego" "$token" POST kbs/v0/resource-policy -d "$(operators_policy "$work/right.rego")"
		has "and the cause says so" "no engine for Rego"
		skip "$what" "realmkey-policy is not built here"
		return
	fi
	asks 401 "$what" "$token" POST kbs/v0/resource-policy -d "$(operators_policy "$work/wrong.rego")"
	has "has its place" "line 7, column 1"
	asks 200 "a policy in Rego" "$token" POST kbs/v0/resource-policy -d "$(operators_policy "$work/right.rego" team)"
	asks 200 "is returned as it is" "$token" GET kbs/v0/resource-policy/team
	has "in base64url" "\"policy\":\"$(basenc -w 0 --base64url "$work/right.rego" | tr -d =)\""
	asks 200 "an attestation policy" "$token" POST kbs/v0/attestation-policy \
		-d "{\"type\":\"rego\",\"policy_id\":\"default_cpu\",\"policy\":\"$(operators_text 'package policy')\"}"
	asks 200 "is listed" "$token" GET kbs/v0/attestation-policy
	same "by its id" '["default_cpu"]' "$output"
	asks 200 "and removed" "$token" DELETE kbs/v0/attestation-policy/default_cpu
	asks 404 "once" "$token" DELETE kbs/v0/attestation-policy/default_cpu
}

part_operators()
{
	export REALMKEY_POLICY=$bin/policy/realmkey-policy
	does "trusteed starts" kbs_start operators || return
	operators_tenant
	operators_rego
	operators_rotation
	operators_certificate
}
