# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# The story again with other parameters: a SHA-512 realm, tokens in the 907 layout, four CPUs.

scenario_sha512()
{
	export HASH=sha512 TOKEN=907 SMP=4
	story_set_up sha512
	[ "$status" -eq 0 ] || return
	runs 0 "the token of a SHA-512 realm" realm_sh "realmkey token --json"
	has "says sha-512" "sha-512"
	runs 0 "four CPUs" realm_sh "nproc"
	same "are online" 4 "$output"
	counted 3 "a cold get is denied" 8 "realmkey get-resource $kbs --path a/b/c"
	story_endorse
	same "the RIM has 64 bytes" 64 "$(base64 -d <<<"$rim" | wc -c)"
	counted 3 "a cold get" 0 "realmkey get-resource $kbs --path a/b/c"
	same "prints the secret" "$secret" "$output"
	runs 0 "an extension changes a REM" realm_sh "a=\$(realmkey measurements --json); realmkey extend 1 /init; [ \"\$a\" != \"\$(realmkey measurements --json)\" ]"
	unset HASH TOKEN SMP
}
