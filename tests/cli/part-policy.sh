# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# realmkey admin test-policy: a policy over a token or an EAR, without a KBS.

policy_vectors=tests/vectors/cca-generated
policy_token=$policy_vectors/v01-907-2023-es384.cbor
policy_builtin=userspace/install/policies/default_cpu.rego

# policy_write NAME: standard input becomes a policy; its header is added.
policy_write()
{
	{ printf 'package policy\n\nimport rego.v1\n\n'; cat; } >"$work/policy/$1"
}

# decides STATUS TEXT PATTERN COMMAND...: that status, nothing on standard error, PATTERN on standard output.
decides()
{
	local want=$1 text=$2 pattern=$3 fault=
	shift 3
	ran "$@"
	[ "$status" -eq "$want" ] || fault+="status $status, not $want; "
	[ ! -s "$work/err" ] || fault+="something on standard error; "
	grep -qF -- "$pattern" "$work/out" || fault+="no '$pattern'; "
	judge "$text" "$fault"
}

appraise() { realmkey admin test-policy "$@"; }
release_to() { realmkey admin test-policy --ear "$@"; }

# policy_bind FILE TOKEN: makes a token whose personalization value is the SHA-512 of the file. Nothing signs it.
policy_bind()
{
	python3 - "$policy_token" "$@" <<'END'
import hashlib
import sys

token, text, new = (open(path, mode) for path, mode in zip(sys.argv[1:], ("rb", "rb", "wb")))
data = token.read()
at = data.index(b"\x19\xac\xcb\x58\x40") + 5    # claim 44235, 64 bytes
new.write(data[:at] + hashlib.sha512(text.read()).digest() + data[at + 64:])
END
}

# What works without an engine: the built-in rules, and all forms of a token and of reference values.
policy_rules()
{
	local rim form values=$work/policy/values.json
	rim=$(realmkey token show "$policy_token" --json | jq -r '.. | objects | .rim? // empty' | head -n 1)
	[ -n "$rim" ] || rim=$(realmkey token show "$policy_token" | sed -n 's/^ *RIM *//p')
	rim=$(printf '%b' "$(sed 's/../\\x&/g' <<<"$rim")" | base64 -w 0)
	base64 "$policy_token" >"$work/policy/token.b64"
	python3 -c 'import json, sys; print(json.dumps({"token": list(open(sys.argv[1], "rb").read())}))' "$policy_token" \
		>"$work/policy/token.json"
	printf '{"%s":["%s"]}' "$reference" "$rim" >"$values"
	decides 8 "the built-in rules without reference values" "status: warning" appraise --evidence "$policy_token"
	decides 8 "they have a name" "policy: builtin" appraise --policy builtin --evidence "$policy_token"
	for form in "$policy_token" "$work/policy/token.b64" "$work/policy/token.json"; do
		decides 0 "a realm that is endorsed: ${form##*.}" "status: affirming" appraise --evidence "$form" --reference-values "$values"
	done
	printf '{"%s":{"version":"0.1.0","name":"%s","expiration":"2027-01-01T00:00:00Z","value":"%s"}}' \
		"$reference" "$reference" "$rim" >"$values"
	decides 0 "reference values as trusteed stores them" "Executables [affirming]" appraise --evidence "$policy_token" --reference-values "$values"
	decides 0 "JSON" '"ear.status": "affirming"' appraise --evidence "$policy_token" --reference-values "$values" --json
	decides 0 "evidence that is verified" "evidence: verified with the anchor $policy_vectors/ta-p384.json" \
		appraise --evidence "$policy_token" --reference-values "$values" --anchors "$policy_vectors/ta-p384.json"
	decides 0 "or not" "evidence: not verified" appraise --evidence "$policy_token" --reference-values "$values"
	refused 7 "evidence that is refused" "evidence: E_SIG_PLATFORM: " appraise --evidence "$policy_token" --anchors "$policy_vectors/ta-wrong.json"
	refused 12 "evidence that is no token" "$policy_vectors/garbage.cbor: " appraise --evidence "$policy_vectors/garbage.cbor"
	echo '{"token":[1,256]}' >"$work/policy/bytes.json"
	refused 12 "a token with numbers that are no bytes" "token[1]: not a byte" appraise --evidence "$work/policy/bytes.json"
	echo '["x"]' >"$values"
	refused 12 "reference values that are none" "not an object of names and values" appraise --evidence "$policy_token" --reference-values "$values"
	REALMKEY_POLICY=/nonexistent refused 3 "a policy in Rego without an engine" "there is no such program" \
		appraise --evidence "$policy_token" --policy "$policy_builtin"
}

policy_attestation()
{
	local bound=$work/policy/init.toml
	decides 8 "the rules in Rego" "status: warning" appraise --evidence "$policy_token" --policy "$policy_builtin"
	policy_write few <<<'trust_claims := {"hardware": 2}
extensions := [{"name": "ear.trustee.identifiers", "key": -18, "value": {"rpv": input.init_data}}]'
	decides 0 "claims that a policy sets" "status: affirming" appraise --evidence "$policy_token" --policy "$work/policy/few"
	decides 0 "and members that it adds" '"ear.trustee.identifiers"' appraise --evidence "$policy_token" --policy "$work/policy/few" --json
	ran appraise --evidence "$policy_token" --policy "$work/policy/few" --json
	same "only these claims are there" '{"hardware":2}' "$(jq -c '.appraisal["ear.trustworthiness-vector"]' "$work/out")"
	printf 'package policy\nimport rego.v1\ntrust_claims := {\n  "hardware": 2,,\n}\n' >"$work/policy/bad"
	refused 12 "a policy with a mistake" "$work/policy/bad: line 4, column 17: " appraise --evidence "$policy_token" --policy "$work/policy/bad"
	policy_write names <<<'trust_claims := {"hardwar": 2}'
	refused 8 "a claim that AR4SI does not have" "no claim 'hardwar'" appraise --evidence "$policy_token" --policy "$work/policy/names"
	policy_write undefined <<<'trust_claims := {"hardware": 2} if input.sample'
	refused 8 "claims that are undefined" "data.policy.trust_claims: undefined" appraise --evidence "$policy_token" --policy "$work/policy/undefined"
	policy_write loop <<<'trust_claims := {"hardware": count([1 | some i in numbers.range(1, 100000); some j in numbers.range(1, 100000); i == j])}'
	fails 8 appraise --evidence "$policy_token" --policy "$work/policy/loop"
	judge "a policy that takes too long" "$fault"
	policy_write refs <<<'trust_claims := {"hardware": query_reference_value("n")}'
	echo '{"n":96}' >"$work/policy/n.json"
	decides 8 "a reference value of the policy's own" "Hardware [contraindicated]" \
		appraise --evidence "$policy_token" --policy "$work/policy/refs" --reference-values "$work/policy/n.json"
	printf 'version = "0.1.0"\nalgorithm = "sha512"\n\n[data]\n"aa.toml" = "x = 1"\n' >"$bound"
	refused 7 "init-data of another realm" "its SHA-512 is not the personalization value" \
		appraise --evidence "$policy_token" --policy "$policy_builtin" --init-data "$bound"
	policy_bind "$bound" "$work/policy/bound.cbor"
	policy_write bound <<<'trust_claims := {"configuration": 2} if input.init_data_claims["aa.toml"].x == 1
trust_claims := {"configuration": 96} if input.init_data_claims == null'
	decides 0 "init-data that the realm is bound to" "Configuration [affirming]" \
		appraise --evidence "$work/policy/bound.cbor" --policy "$work/policy/bound" --init-data "$bound"
	decides 8 "and without it" "Configuration [contraindicated]" appraise --evidence "$work/policy/bound.cbor" --policy "$work/policy/bound"
	sed -i 's/sha512/sha384/' "$bound"
	policy_bind "$bound" "$work/policy/bound.cbor"
	refused 7 "init-data with another algorithm" "its algorithm is 'sha384', not 'sha512'" \
		appraise --evidence "$work/policy/bound.cbor" --policy "$work/policy/bound" --init-data "$bound"
	echo 'version = ' >"$bound"
	policy_bind "$bound" "$work/policy/bound.cbor"
	refused 12 "init-data that is not TOML" "$bound: line 1" \
		appraise --evidence "$work/policy/bound.cbor" --policy "$work/policy/bound" --init-data "$bound"
}

policy_resource()
{
	local ear=tests/vectors/generated-ear/ok-affirming.jwt warning=tests/vectors/generated-ear/ok-warning.jwt
	policy_write allow <<<'allow if {
	data.plugin == "resource"
	data["resource-path"] == ["a", "b", "c"]
	every _, appraisal in input.submods {
		appraisal["ear.status"] == "affirming"
	}
}'
	decides 0 "a resource that is allowed" "allowed a/b/c" release_to "$ear" --path a/b/c --policy "$work/policy/allow"
	decides 0 "with a URL of Trustee" "allowed a/b/c" release_to "$ear" --path kbs:///a/b/c --policy "$work/policy/allow"
	decides 8 "another one" "denied a/b/d" release_to "$ear" --path a/b/d --policy "$work/policy/allow"
	decides 8 "another realm" '"allowed": false' release_to "$warning" --path a/b/c --policy "$work/policy/allow" --json
	policy_write none <<<'x := 1'
	ran release_to "$ear" --path a/b/c --policy "$work/policy/none"
	judge "a policy without the rule denies" "$([ "$status" = 8 ] && grep -qF "no rule data.policy.allow, so it denies" "$work/err" || echo wrong)"
	refused 12 "an EAR that is none" "$policy_builtin: " release_to "$policy_builtin" --path a/b/c --policy "$work/policy/allow"
}

part_policy()
{
	mkdir -p "$work/policy"
	policy_rules
	if [ -x "$REALMKEY_POLICY" ]; then
		policy_attestation
		policy_resource
	else
		skip "policies in Rego" "$REALMKEY_POLICY is absent: NO POLICY IN REGO WAS TESTED"
	fi
}
