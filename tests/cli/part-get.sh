# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# realmkey with realm_here.c and trusteed: how a denial is explained, how many requests are sent, what is printed.

# costs N TEXT COMMAND...: trusteed gets N requests.
costs()
{
	local want=$1 text=$2 before
	shift 2
	before=$(requests "[A-Z]* /kbs/v0/")
	ran "$@"
	same "$text: $want requests" "$want" "$(($(requests "[A-Z]* /kbs/v0/") - before))"
}

get_denied()
{
	costs 3 "a cold get that is denied" realmkey_here get-resource "${kbs[@]}" --path a/b/c
	same "is denied by policy" 8 "$status"
	same "with nothing on standard output" "" "$(cat "$work/out")"
	has "the message names the claim" "executables"
	has "and the reference value to set" "$reference"
	lacks "but not the secret" "$secret"
	rim=$(realmkey_here rim)
	has "and the RIM of this realm" "$rim"
	get_advised
}

# What the advice says is run by a shell as it was printed, where the operator's token is.
get_advised()
{
	local ca="$work/it's a \$CA.pem" command
	cp "$tls/ca.pem" "$ca"
	ran realmkey_here get-resource --url "$url" --ca "$top/$ca" --timeout 50 --path a/b/c
	same "a get with options that a shell would change is denied" 8 "$status"
	command=$(sed -n 's/^  realmkey admin/realmkey admin/p' "$work/err")
	has "the advice has the time-out" "--timeout 50"
	printed "the command of the advice, as printed" "endorsed $reference" env -C "$trustee_state" \
		PATH="$top/$bin/cli:$PATH" REALMKEY_COURIER="$top/$REALMKEY_COURIER" sh -c "$command"
	output=$(jq -c ".[\"$reference\"].value" "$trustee_state/reference-values.json")
	has "endorses this realm's RIM" "[\"$rim\"]"
}

# What is not a regular file is written to, and never replaced by one.
get_not_a_file()
{
	local get=(realmkey_here get-resource "${kbs[@]}" --path a/b/c --output)
	runs 0 "an output that is /dev/stdout" "${get[@]}" /dev/stdout
	same "is written to it" "$secret" "$output"
	ln -s got "$work/link"
	runs 0 "an output that is a symbolic link" "${get[@]}" "$work/link"
	same "is written to the file to which that leads" "got $secret" "$(readlink "$work/link") $(cat "$work/got")"
	mkfifo "$work/pipe"
	timeout 60 cat "$work/pipe" >"$work/read" &
	runs 0 "an output that is a pipe" "${get[@]}" "$work/pipe"
	wait $!
	same "is written to it" "fifo $secret" "$(stat -c %F "$work/pipe") $(cat "$work/read")"
}

get_given()
{
	costs 3 "a cold get" realmkey_here get-resource "${kbs[@]}" --path a/b/c
	same "prints the secret and nothing else" "$secret" "$output"
	runs 0 "the same in base64" realmkey_here get-resource "${kbs[@]}" --path a/b/c --base64
	same "is what other tools print" "$(printf '%s' "$secret" | base64 -w 0)" "$output"
	runs 0 "the same into a file" realmkey_here get-resource "${kbs[@]}" --path kbs:///a/b/c --output "$work/got"
	same "which only its owner can read" "600 $secret" "$(stat -c %a "$work/got") $(cat "$work/got")"
	get_not_a_file
	costs 2 "attest" realmkey_here attest "${kbs[@]}" --tee-key-file "$work/tee.pem"
	cp "$work/out" "$work/ear"
	costs 1 "a get after it" realmkey_here get-resource "${kbs[@]}" --path a/b/c --attestation-token "$work/ear" --tee-key-file "$work/tee.pem"
	same "prints the secret too" "$secret" "$output"
	# The tool does not replace an EAR that it was given.
	openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$work/tee2.pem" 2>/dev/null
	costs 1 "a get with another key than the EAR's" \
		realmkey_here get-resource "${kbs[@]}" --path a/b/c --attestation-token "$work/ear" --tee-key-file "$work/tee2.pem"
	same "cannot open the secret" "11 1 " "$status $(wc -l <"$work/err") $(cat "$work/out")"
	cp "$work/out" "$work/nothing"
	runs 0 "a secret of 1 MiB" admin set-resource --path a/b/large --resource-file "$work/large"
	realmkey_here get-resource "${kbs[@]}" --path a/b/large >"$work/got"
	runs 0 "is delivered byte for byte" cmp "$work/large" "$work/got"
}

get_refused()
{
	mv "$trustee_state/anchors" "$work/no-anchors" && mkdir "$trustee_state/anchors"
	refused 7 "a platform that the KBS does not know" "E_NO_TRUST_ANCHOR" realmkey_here attest "${kbs[@]}"
	rmdir "$trustee_state/anchors" && mv "$work/no-anchors" "$trustee_state/anchors"
	refused 9 "a resource that does not exist" "a/b/none" realmkey_here get-resource "${kbs[@]}" --path a/b/none
	refused 12 "a file that is not an EAR" "$work/large: " \
		realmkey_here get-resource "${kbs[@]}" --path a/b/c --attestation-token "$work/large" --tee-key-file "$work/tee.pem"
	refused 12 "an empty EAR" "$work/nothing: is empty" \
		realmkey_here get-resource "${kbs[@]}" --path a/b/c --attestation-token "$work/nothing" --tee-key-file "$work/tee.pem"
	echo e.a.r >"$work/forged"
	refused 7 "an EAR without a valid signature" "a/b/c" \
		realmkey_here get-resource "${kbs[@]}" --path a/b/c --attestation-token "$work/forged" --tee-key-file "$work/tee.pem"
	refused 12 "a missing TEE key file" "/nonexistent: No such file" realmkey_here attest "${kbs[@]}" --tee-key-file /nonexistent
	refused 12 "a file that is not a TEE key" "$work/ear: TEE key: not an unencrypted private key" realmkey_here attest "${kbs[@]}" --tee-key-file "$work/ear"
	refused 12 "a TEE key of another kind" "cpak.pem: TEE key: neither P-256 nor RSA" realmkey_here attest "${kbs[@]}" --tee-key-file "$work/realm/cpak.pem"
	refused 1 "a file that cannot be written" "/nonexistent/x" realmkey_here get-resource "${kbs[@]}" --path a/b/c --output /nonexistent/x
	status=0
	realmkey_here get-resource "${kbs[@]}" --path a/b/c >/dev/full 2>"$work/err" || status=$?
	same "a standard output that cannot be written" "1 1" "$status $(wc -l <"$work/err")"
	get_unwritable
}

# Whatever a command prints, it exits with 1 if that cannot be written.
get_unwritable()
{
	local words key=tests/vectors/generated-ear/pkey.json ear=tests/vectors/generated-ear/ok-affirming.jwt
	while read -r words; do
		status=0
		# shellcheck disable=SC2086 # words
		$words >/dev/full 2>"$work/err" || status=$?
		same "$words, which cannot be written" "1 1" "$status $(wc -l <"$work/err")"
	done <<.
realmkey_here attest ${kbs[*]}
realmkey_here token
realmkey_here token --json
realmkey_here token --raw -
realmkey_here token --raw $work/token
realmkey_here token show $work/token
realmkey_here token verify --anchors $anchors $work/token
realmkey_here token verify --anchors $anchors $work/token --json
realmkey_here config
realmkey_here config --json
realmkey_here measurements
realmkey_here measurements --json
realmkey_here rim
realmkey_here rim --json
realmkey verify --key $key $ear
realmkey verify --key $key $ear --json
realmkey admin set-resource-policy --affirming --admin-token-file $trustee_state/admin-token ${kbs[*]}
.
}

get_token()
{
	printed "the realm's token" "challenge" realmkey_here token --challenge 00112233
	runs 0 "the token itself" realmkey_here token --challenge 00112233 --raw "$work/token"
	printed "verifies" "OK anchor" realmkey_here token verify "$work/token" --anchors "$anchors" --challenge 00112233
	printed "the same from a pipe" "E_FRESHNESS" bash -c "'$here/realmkey_here' token --raw - | '$bin/cli/realmkey' token verify - --anchors '$anchors' --challenge 00; [ \$? -eq 7 ]"
	printed "the configuration, a field that is there" "features          0x5 DA ATS" realmkey_here config
	printed "and one that is absent" "ATS plane         absent" realmkey_here config
	printed "the configuration as JSON" '"features": 5' realmkey_here config --json
	lacks "without what is absent" "ats-plane"
	printed "the registers" "REM3  sha-256:" realmkey_here measurements
	printed "the registers as JSON" '"rem"' realmkey_here measurements --json
	refused 12 "an event from a missing file" "/nonexistent: No such file" realmkey_here extend 1 /nonexistent
	refused 12 "an event from a directory" "$work: Is a directory" realmkey_here extend 1 "$work"
	runs 0 "the EAR is shown" realmkey_here verify "$work/ear"
	has "as affirming" "Executables [affirming]"
}

get_no_realm()
{
	local words
	while read -r words; do
		# shellcheck disable=SC2086 # words
		refused 4 "$words, not in a realm" "not an Arm CCA realm" $words
	done <<'.'
realmkey rim
realmkey config
realmkey measurements
realmkey token
realmkey extend 1 /etc/passwd
realmkey attest --url https://127.0.0.1:9
realmkey get-resource --url https://127.0.0.1:9 --path a/b/c
.
}

part_get()
{
	head -c 1048576 /dev/urandom >"$work/large"
	get_no_realm
	does "trusteed starts" kbs_start get --verbose || return
	get_denied
	get_given
	get_refused
	get_token
	output=$(cat "$trustee_log")
	lacks "trusteed's log holds no secret" "$secret"
}
