# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Wrong inputs: one clear line and a distinct exit code for each, and no file that is half written.

# refused STATUS TEXT STRING COMMAND: in the realm; the command prints one line that contains STRING.
refused()
{
	runs "$1" "$2" realm_sh "$4"
	one_line "$2: one line"
	has "$2: says why" "$3"
}

errors_of_config()
{
	local line=0 text
	runs 0 "a directory for broken configurations" realm_sh "mkdir -p /tmp/conf"
	while IFS='|' read -r what pattern text; do
		line=$((line + 1))
		realm_sh "printf '$text' >/tmp/conf/$line"
		refused 3 "configuration: $what" "$pattern" "realmkeyd --config /tmp/conf/$line --once"
	done <<'.'
unknown key|/tmp/conf/1:3: [kbs] colour|[kbs]\nurl = https://10.0.2.2:1\ncolour = blue\n[secret a]\nresource = a/b/c\n
bad mode|/tmp/conf/2:5: [secret a] mode|[kbs]\nurl = https://10.0.2.2:1\n[secret a]\nresource = a/b/c\nmode = 99\n
file outside the keyring|/tmp/conf/3:5: [secret a] file|[kbs]\nurl = https://10.0.2.2:1\n[secret a]\nresource = a/b/c\nfile = ../x\n
http without insecure|[kbs] url|[kbs]\nurl = http://10.0.2.2:1\n[secret a]\nresource = a/b/c\nfile = x\n
no resource|[secret a] resource|[kbs]\nurl = https://10.0.2.2:1\n[secret a]\nfile = x\n
.
	refused 3 "no such configuration" "/tmp/conf/none" "realmkeyd --config /tmp/conf/none --once"
}

# A daemon that was denied a secret waits; after an endorsement, SIGHUP makes it attest again.
errors_then_endorsed()
{
	runs 0 "a daemon that is denied" realm_sh "printf '[kbs]\nurl = $url\nca = $ca\n[secret s]\nresource = a/b/c\nfile = s\n' >/tmp/c
		realmkeyd --config /tmp/c >/tmp/log 2>&1 & i=0; while [ \$i -lt 10 ] && ! grep -q denied /tmp/log; do sleep 1; i=\$((i + 1)); done
		sleep 3; cat /tmp/log"
	has "says so, and what to endorse" "$reference"
	same "once, not repeatedly" 1 "$(grep -c 'denied by' <<<"$output")"
	story_endorse
	runs 0 "an endorsement and SIGHUP" realm_sh "kill -HUP \$(pidof realmkeyd); i=0
		while [ \$i -lt 10 ] && ! [ -e /run/realmkey/keyring/s ]; do sleep 1; i=\$((i + 1)); done
		cat /run/realmkey/keyring/s"
	same "deliver the secret" "$secret" "$output"
	runs 0 "the daemon ends on SIGTERM, the keyring stays" realm_sh "kill \$(pidof realmkeyd); sleep 1; ! pidof realmkeyd && rm /run/realmkey/keyring/s"
}

scenario_errors()
{
	story_set_up errors || return
	errors_then_endorsed
	realm_put other-ca.pem
	refused 9 "a resource that does not exist" "a/b/none" "realmkey get-resource $kbs --path a/b/none"
	refused 6 "an untrusted certificate" "certificate" "realmkey get-resource --url $url --ca /tmp/other-ca.pem --path a/b/c"
	refused 5 "an unreachable KBS" "10.0.2.2:9" "realmkey get-resource --url https://10.0.2.2:9 --ca $ca --path a/b/c"
	refused 2 "http:// without insecure" "insecure" "realmkey get-resource --url http://10.0.2.2:$trustee_port --path a/b/c"
	refused 2 "a path with two segments" "a/b" "realmkey get-resource $kbs --path a/b"
	refused 12 "a token over 64 KiB" "65536" "head -c 65537 /dev/zero >/tmp/big && realmkey token show /tmp/big"
	refused 12 "a file that is not an EAR" "" "echo nonsense >/tmp/e && realmkey verify /tmp/e"
	runs 0 "attest" realm_sh "realmkey attest $kbs --tee-key-file /tmp/tee.pem >/tmp/ear"
	trustee_stop
	refused 5 "a KBS that has ended" "10.0.2.2:$trustee_port" "realmkey get-resource $kbs --path a/b/c"
	errors_malformed
	errors_of_config
	runs 1 "nothing half-written anywhere" realm_sh "find /run/realmkey -type f ! -name .status ! -name .digests 2>/dev/null | grep ."
}

# A KBS with malformed answers: a server in the realm sends each from a file.
errors_malformed()
{
	local what pattern body
	while IFS='|' read -r what pattern body; do
		realm_sh "printf '%s' '$body' >/tmp/answer"
		refused 11 "$what" "$pattern" "
			len=\$(wc -c </tmp/answer)
			(printf 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %s\r\n\r\n' \$len; cat /tmp/answer; sleep 1) |
				nc -l -p 8099 >/dev/null 2>&1 & sleep 0.5
			realmkey get-resource --insecure --url http://127.0.0.1:8099 --path a/b/c \
				--attestation-token /tmp/ear --tee-key-file /tmp/tee.pem; s=\$?; kill %1 2>/dev/null; exit \$s"
	done <<'.'
an answer that is not JSON|JSON|rubbish
a JWE without ciphertext|ciphertext|{"protected":"eyJhbGciOiJFQ0RILUVTK0EyNTZLVyIsImVuYyI6IkEyNTZHQ00ifQ","encrypted_key":"AA","iv":"AA","tag":"AA"}
a JWE of an unknown algorithm|alg|{"protected":"eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0","encrypted_key":"AA","iv":"AA","ciphertext":"AA","tag":"AA"}
.
}
