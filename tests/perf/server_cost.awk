# SPDX-License-Identifier: Apache-2.0
#
# Attributes the instructions of a profile to the parts of trusteed.
#
# Input: a profile that callgrind made with --separate-callers, so that the name of each function is followed by those of
# its callers: "malloc'json_object'json_loadb'...". Variables: n, the number of sessions in the profile; groups, if not 0:
# the parts are those of the table of groups below, and the rest is "other".
# Output: a line for each part, "INSTRUCTIONS SHARE PART": instructions for each session, and per cent of all of them.
#
# An instruction counts for the part that the innermost function with a rule belongs to. So what a part allocates counts
# as allocation, and the JSON in it as JSON.

function rule(pattern, part)
{
	patterns[++rules] = "^(" pattern ")$"
	parts[rules] = part
}

# Signatures are those of the token and of the EAR, with the keys that they need.
function group_of(part)
{
	if (part ~ /^(token: signatures|token: key of the realm|EAR: signing|EAR: verification)$/)
		return "signatures"
	if (part ~ /^(appraisal and policy|token: CBOR and claims|EAR: header and claims)$/)
		return "policy and claims"
	if (part ~ /^(files: |EAR: packing)/)
		return "store"
	return part == "all" ? part : "other"
}

function part_of(name,	i)
{
	if (!(name in known)) {
		known[name] = ""
		for (i = 1; i <= rules && known[name] == ""; i++)
			if (name ~ patterns[i])
				known[name] = parts[i]
	}
	return known[name]
}

function part_of_chain(chain,	i, count, names, part)
{
	count = split(chain, names, "'")
	for (i = 1; i <= count; i++) {
		part = part_of(names[i])
		if (part != "")
			return part
	}
	return "other"
}

BEGIN {
	rule("malloc|free|calloc|realloc|reallocarray|CRYPTO_(secure_)?(malloc|zalloc|calloc|free|clear_free|realloc)", "allocation")
	rule("SSL_.*|wire_handshake|wire_secure", "TLS")
	rule("(en|de)code_(base64|hex)", "base64 and hexadecimal")
	rule("json_.*", "JSON")
	rule("cose_sign1_verify", "token: signatures")
	rule("cose_key_decode", "token: key of the realm")
	rule("cca_token_.*", "token: CBOR and claims")
	rule("handshake_.*", "request of the handshake")
	rule("kbs_seal_.*", "nonce and cookie")
	rule("trust_refresh", "files: trust anchors")
	rule("store_.*", "files: resource")
	rule("appraisal_.*|policy_check", "appraisal and policy")
	rule("jwt_sign", "EAR: signing")
	rule("ear_issue", "EAR: header and claims")
	rule("jwt_verify", "EAR: verification")
	rule("jwt_decode|jwt_check_times", "EAR: decoding")
	rule("token_pack|token_unpack", "EAR: packing (zlib)")
	rule("jwe_seal", "JWE: ECDH and AES")
	rule("log_line", "log")
	rule("conn_.*|http_.*|loop_.*|peers_.*", "HTTP and handlers")
}

# "fn=(12) name" names a function, and later "fn=(12)" is the same one; "cfn=" names a called function.
/^c?fn=/ {
	called = /^c/
	id = $1
	sub(/^c?fn=/, "", id)
	if (NF > 1)
		part[id] = part_of_chain($2)
	if (!called)
		current = part[id]
	next
}
# The next line is the cost of the called function, which has lines of its own.
/^calls=/ { skip = 1; next }
/^[0-9+*-]/ {
	if (!skip) {
		cost[current] += $2
		total += $2
	}
	skip = 0
}
END {
	if (groups) {
		for (name in cost)
			grouped[group_of(name)] += cost[name]
		delete cost
		for (name in grouped)
			cost[name] = grouped[name]
	}
	for (name in cost)
		printf "%d %.1f %s\n", cost[name] / n, 100 * cost[name] / total, name
	printf "%d %.1f %s\n", total / n, 100, "all"
}
