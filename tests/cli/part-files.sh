# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Tokens and EARs from files: the tool judges every vector, and refuses files that are neither.

vectors=tests/vectors

# token_judged FOLDER FILE ANCHOR VERDICT: a row of cca-generated's table. Where ANCHOR is "-", any anchor serves.
token_judged()
{
	local anchor=$1/$3.json words=(--challenge "$challenge")
	[ "$3" != - ] || anchor=$1/ta-p384.json
	case $4 in
	OK*) printed "token verify $2" "OK anchor " realmkey token verify "$1/$2" --anchors "$anchor" "${words[@]}" ;;
	*)
		ran realmkey token verify "$1/$2" --anchors "$anchor" "${words[@]}"
		local cause fault=""
		cause=$(sed -nE 's/^(E_[A-Z0-9_]+): .*/\1/p' "$work/out")
		[ "$status" -eq 7 ] || fault+="status $status, not 7; "
		[ ! -s "$work/err" ] || fault+="something on standard error; "
		[ "$(wc -l <"$work/out")" -eq 1 ] || fault+="not one line; "
		# In the table "E_CLAIM" means any E_CLAIM_*, and "E_CBOR or E_TOP_TAG" means either of the two.
		[ -n "$cause" ] && [[ " ${4//:/ } " == *" $cause "* || ${4%%:*} = E_CLAIM && $cause = E_CLAIM_* ]] || fault+="cause '$cause', not '$4'; "
		judge "token verify $2: ${4%%[: ]*}" "$fault"
		;;
	esac
}

files_tokens()
{
	local file verdict anchor rows=0 sample
	challenge=$(printf '%02x' {0..63})
	while IFS=$'\t' read -r file _ anchor _ verdict; do
		[ "$file" != file ] || continue
		rows=$((rows + 1))
		token_judged $vectors/cca-generated "$file" "$anchor" "$verdict"
	done <$vectors/cca-generated/EXPECTED.tsv
	same "every token in cca-generated was judged" "$(find $vectors/cca-generated -name '*.cbor' | wc -l)" "$rows"

	sample=$vectors/tfrmm-fakehost/cpak-sample.pub.jwk
	for file in "$vectors"/tfrmm-fakehost/v0.8.0-*-token.cbor; do
		printed "token verify ${file##*/}" "OK anchor " realmkey token verify "$file" --anchors $sample
		printed "token show ${file##*/}" "sha-" realmkey token show "$file"
	done
	has "its claims are shown" "challenge"
	file=$vectors/tfrmm-fakehost/v0.8.0-sha256-token.cbor
	printed "without --challenge the tool says that it does not judge freshness" "freshness not judged" \
		realmkey token verify "$file" --anchors $sample
	ran realmkey token verify "$file" --anchors $vectors/cca-generated/ta-p384.json
	same "an anchor of another platform" "7 E_NO_TRUST_ANCHOR" "$status $(grep -oE '^E_[A-Z_]+' "$work/out")"
	ran realmkey token verify "$file" --anchors $sample --challenge 01
	same "another challenge" "7 E_FRESHNESS" "$status $(grep -oE '^E_[A-Z_]+' "$work/out")"
	ran realmkey token verify "$file" --anchors $sample --json
	same "the verdict as JSON" "OK false" "$(jq -r '"\(.verdict) \(.["freshness-judged"])"' "$work/out")"
	runs 0 "a token from standard input" realmkey token verify - --anchors $sample <"$file"
	ran realmkey token show "$file" --json
	same "a token as JSON" object "$(jq -r type "$work/out")"
}

files_not_tokens()
{
	head -c 65537 /dev/zero >"$work/large"
	head -c 65536 /dev/zero >"$work/zeros"
	refused 12 "token show of 65537 bytes" "$work/large: more than 65536 bytes" realmkey token show "$work/large"
	refused 12 "token verify of 65537 bytes" "$work/large: more than 65536 bytes" realmkey token verify "$work/large" --anchors "$work/anchors"
	refused 12 "token show of zeros" "$work/zeros: E_" realmkey token show "$work/zeros"
	refused 12 "token show of a missing file" "/nonexistent: No such file" realmkey token show /nonexistent
	refused 12 "token show of a directory" "$work: Is a directory" realmkey token show "$work"
	refused 12 "token verify of a missing file" "/nonexistent: No such file" realmkey token verify /nonexistent --anchors "$work/anchors"
	refused 12 "token verify with a missing anchors file" "/nonexistent: " realmkey token verify "$work/zeros" --anchors /nonexistent
	refused 12 "token verify with a file that is not an anchor" "$work/zeros" realmkey token verify "$work/zeros" --anchors "$work/zeros"
}

# Each line: file | status | pattern
files_ears()
{
	local file want pattern rows=0 key=$vectors/generated-ear/pkey.json
	while IFS='|' read -r file want pattern; do
		rows=$((rows + 1))
		case $want in
		noexp) warned "verify $file, which does not expire" "$pattern" "the EAR does not expire" \
			realmkey verify "$vectors/generated-ear/$file" --key $key ;;
		0) printed "verify $file" "$pattern" realmkey verify "$vectors/generated-ear/$file" --key $key ;;
		*) refused "$want" "verify $file" "$pattern" realmkey verify "$vectors/generated-ear/$file" --key $key ;;
		esac
	done <<'.'
ok-affirming.jwt|0|[trustworthiness vectors]
ok-header-jwk.jwt|0|[trustworthiness vectors]
ok-warning.jwt|0|[warning]
ok-contraindicated-99.jwt|0|[contraindicated]: cryptographic validation failed
bad-expired.jwt|7|"exp" not satisfied: token is expired
bad-iat-future.jwt|7|"iat" not satisfied
bad-wrong-key.jwt|7|signature verification failure
bad-sig-flip.jwt|7|signature verification failure
bad-alg-none.jwt|7|alg
bad-two-segments.jwt|12|invalid number of segments
bad-missing-eat_profile.jwt|7|missing mandatory 'eat_profile'
bad-missing-ear-verifier-id.jwt|7|missing mandatory 'ear.verifier-id'
bad-missing-submods.jwt|7|missing mandatory 'submods'
bad-missing-status.jwt|7|ear.status
bad-empty-submods.jwt|7|missing mandatory 'submods'
bad-status-name.jwt|7|ear.status
bad-status-33.jwt|7|ear.status
bad-profile.jwt|7|eat_profile
bad-raw-evidence-b64.jwt|7|ear.raw-evidence
draft03-names.jwt|noexp|[trustworthiness vectors]
.
	same "every EAR in generated-ear was judged" "$(find $vectors/generated-ear -name '*.jwt' | wc -l)" "$rows"
	ran realmkey verify $vectors/generated-ear/ok-header-jwk.jwt
	same "an EAR verifies with the key in its own header" "0 1" "$status $(wc -l <"$work/err")"
	has "with a warning that this does not prove the signer" "this does not prove who signed it"
	printed "verify as JSON" '"claims"' realmkey verify $vectors/generated-ear/ok-affirming.jwt --key $key --json
	refused 12 "verify with a missing key file" "/nonexistent: No such file" realmkey verify $vectors/generated-ear/ok-affirming.jwt --key /nonexistent
	refused 12 "verify with a file that is not a certificate" "$work/zeros: not a certificate" realmkey verify $vectors/generated-ear/ok-affirming.jwt --cert "$work/zeros"
	echo nonsense >"$work/nonsense"
	refused 12 "verify of a file that is not an EAR" "$work/nonsense: JWT" realmkey verify "$work/nonsense" --key $key
	: >"$work/empty"
	refused 12 "verify of an empty file" "$work/empty: JWT" realmkey verify "$work/empty" --key $key
}

part_files()
{
	files_tokens
	files_not_tokens
	files_ears
}
