# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# What an operator asks of trusteed: policies in Rego, of everything and of one repository, reference values, keys, and
# tokens signed with keys of the operators. A realm sees what each request changes.

# A CoRIM of ours: of ACME's RoadRunner, the digest c0ffee of "fw".
admin_corim=2QH1ogBkYWNtZQGB2QH6WDWiAaEAZmFjbWUtMQShAIGCoQCiAWRBQ01FAmpSb2FkUnVubmVygaIAYmZ3AaECgYIBQ8D/7g==

# get_from_realm PATH [OPTION...]
get_from_realm() { realmkey_here get-resource "${kbs[@]}" --path "$@"; }

admin_resources()
{
	printed "a resource is deleted" "deleted a/b/d" admin delete-resource --path a/b/d
	refused 9 "it cannot be deleted again" "a/b/d: not found" admin delete-resource --path a/b/d
	refused 9 "nor be got" "a/b/d" get_from_realm a/b/d
	refused 8 "a token that is none deletes nothing" "token refused" \
		realmkey admin delete-resource --path a/b/c --admin-token-file "$work/nonsense" "${kbs[@]}"
}

admin_references()
{
	local rim
	rim=$(realmkey_here rim)
	runs 0 "a RIM is endorsed" admin set-reference-value "$reference" "$rim"
	printed "and printed" "\"$rim\"" admin get-reference-value "$reference"
	refused 9 "a name without a value" "nothing is endorsed under this name" admin get-reference-value no/such/name
	base64 -d >"$work/corim" <<<"$admin_corim"
	printed "the values of a CoRIM" "endorsed the values of $work/corim" admin set-reference-value --corim "$work/corim"
	printed "have the names that Trustee gives them" '"c0ffee"' admin get-reference-value "ACME/RoadRunner/fw/digests"
	refused 12 "a file that is no CoRIM" "CoRIM: the KBS refuses the reference value" \
		admin set-reference-value --corim LICENSES/Apache-2.0.txt
}

# A policy of each kind, and what a mistake in it is.
admin_policies()
{
	printf 'package policy\n\nimport rego.v1\n\ndefault allow := false\n\nallow if {\n\tdata.query.version == "2"\n}\n' >"$work/version.rego"
	printf 'package policy\n\nimport rego.v1\n\nallow if {\n\tinput.x ==\n}\n' >"$work/mistake.rego"
	if [ ! -x "$REALMKEY_POLICY" ]; then
		skip "policies in Rego" "$REALMKEY_POLICY is absent: NO POLICY IN REGO WAS SET"
		return
	fi
	printed "our rules as a policy" "attestation policy default_cpu set" \
		admin set-attestation-policy --policy-file userspace/install/policies/default_cpu.rego
	printed "it is in the list" '"default_cpu"' admin list-policies
	runs 0 "and can be read" admin get-policy --id default_cpu
	same "as it was sent" "$(cat userspace/install/policies/default_cpu.rego)" "$output"
	runs 0 "only what is affirming is released" admin set-resource-policy --affirming
	printed "so is this realm by it" "$secret" get_from_realm a/b/c
	refused 12 "an attestation policy with a mistake" "line 7" admin set-attestation-policy --policy-file "$work/mistake.rego"
	refused 12 "a resource policy with a mistake" "line 7" admin set-resource-policy --policy-file "$work/mistake.rego"
	printed "changes nothing" "$secret" get_from_realm a/b/c
	runs 0 "a policy that reads the query" admin set-resource-policy --policy-file "$work/version.rego"
	printed "a query is part of the request" "$secret" get_from_realm "a/b/c?version=2"
	runs 8 "another version is denied" get_from_realm "a/b/c?version=1"
	runs 8 "and so is none" get_from_realm a/b/c
	runs 0 "the policy of everything is affirming again" admin set-resource-policy --affirming
}

# The rules of a KBS without any for CCA: one cause, one cure.
admin_no_rules()
{
	[ -x "$REALMKEY_POLICY" ] || return 0
	printf 'package policy\n\nimport rego.v1\n\ntrust_claims := {"executables": 33, "hardware": 97, "configuration": 36}\n' >"$work/bare.rego"
	runs 0 "a policy without rules for CCA" admin set-attestation-policy --policy-file "$work/bare.rego"
	runs 8 "denies a realm" get_from_realm a/b/c
	has "the advice names the cause" "the KBS's attestation policy has no rules for Arm CCA"
	has "and a command" "--admin-token-file admin-token set-attestation-policy --policy-file /usr/share/realmkey/policies/default_cpu.rego"
	lacks "and none that cannot help" "set-reference-value"
	runs 0 "the rules are set again" admin set-attestation-policy --policy-file userspace/install/policies/default_cpu.rego
}

# Keys of operators of everything and of one repository; trusteed knows their public halves.
admin_tenants()
{
	local role
	mkdir -p "$trustee_state/admins/a"
	for role in all tenant; do
		openssl genpkey -algorithm ed25519 -out "$work/$role.key" 2>/dev/null
		runs 0 "a token of $role" realmkey admin make-token --key "$work/$role.key" --output "$work/$role.token"
		same "only its owner can read it" 600 "$(stat -c %a "$work/$role.token")"
	done
	openssl pkey -in "$work/all.key" -pubout -out "$trustee_state/admins/all.pem" 2>/dev/null
	openssl pkey -in "$work/tenant.key" -pubout -out "$trustee_state/admins/a/tenant.pem" 2>/dev/null
	kill -HUP "$trustee_pid"
	within 30 grep -q 'trusteed: reloaded' "$trustee_log"
	local all=(--admin-token-file "$work/all.token" "${kbs[@]}") tenant=(--admin-token-file "$work/tenant.token" "${kbs[@]}")
	printed "an operator of everything" "policy set" realmkey admin set-resource-policy --affirming "${all[@]}"
	printf '%s' "$secret" >"$work/secret"
	printed "a tenant stores in the repository" "stored a/b/t" realmkey admin set-resource --path a/b/t --resource-file "$work/secret" "${tenant[@]}"
	refused 8 "and in no other" "token refused" realmkey admin set-resource --path x/b/t --resource-file "$work/secret" "${tenant[@]}"
	refused 8 "and endorses nothing" "token refused" realmkey admin set-reference-value "$reference" "$(realmkey_here rim)" "${tenant[@]}"
	printed "a tenant's policy" "policy of a set" realmkey admin set-resource-policy --deny-all --repository a "${tenant[@]}"
	runs 8 "is that of the repository" get_from_realm a/b/c
	printed "and of no other" "$secret" get_from_realm x/b/c
	refused 8 "another repository's is not a tenant's" "token refused" \
		realmkey admin set-resource-policy --allow-all --repository x "${tenant[@]}"
	printed "a tenant deletes the policy" "deleted resource-policy/a" realmkey admin delete-policy --repository a "${tenant[@]}"
	refused 9 "it cannot be deleted again" "not found" realmkey admin delete-policy --repository a "${tenant[@]}"
	printed "the repository releases again" "policy of a set" realmkey admin set-resource-policy --affirming --repository a "${tenant[@]}"
	printed "to the realm" "$secret" get_from_realm a/b/c
}

# An EAR of before stays valid while its key's successor signs new ones.
admin_rotation()
{
	printed "an EAR" "ey" realmkey_here attest "${kbs[@]}" --tee-key-file "$work/tee.pem"
	cp "$work/out" "$work/ear"
	printed "the key of EARs is changed" "signed with a new key" admin rotate-ear-key
	printed "the EAR of before is accepted" "$secret" get_from_realm a/b/c --attestation-token "$work/ear" --tee-key-file "$work/tee.pem"
	curl -s --cacert "$tls/ca.pem" "$url/jwks" >"$work/jwks"
	printed "the set of keys verifies it" "signature successfully verified" realmkey verify --key "$work/jwks" "$work/ear"
	printed "a new EAR" "ey" realmkey_here attest "${kbs[@]}" --tee-key-file "$work/tee.pem"
	cp "$work/out" "$work/ear2"
	printed "is verified by the same set" "signature successfully verified" realmkey verify --key "$work/jwks" "$work/ear2"
	same "and has another key" 2 "$(for file in ear ear2; do cut -d. -f1 "$work/$file" | tr -- -_ +/ | base64 -d 2>/dev/null | jq -r .kid; done | sort -u | wc -l)"
}

part_admin()
{
	echo nonsense >"$work/nonsense"
	does "trusteed starts" kbs_start admin || return
	printf '%s' "$secret" | admin set-resource --path a/b/d --resource-file - >/dev/null
	printf '%s' "$secret" | admin set-resource --path x/b/c --resource-file - >/dev/null
	admin_references
	admin_resources
	admin_policies
	admin_no_rules
	admin_tenants
	admin_rotation
}
