# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# What keeper and courier do, as strace sees it in the realm. (The unit tests of their profiles check that other calls
# are refused; here the courier's privileges are checked from outside, too.)

# after_seal PROGRAM: prints those calls of the trace on standard input that processes and threads of PROGRAM made after
# they had sealed themselves with seccomp.
after_seal()
{
	awk -v program="$1" '
	{ pid = $1; line = $0; sub(/^[0-9]+ +/, "", line) }
	line ~ /^execve\(/ { mine[pid] = index(line, "/" program "\"") > 0; sealed[pid] = 0 }
	line ~ /(clone3?|v?fork)/ && line ~ /= [0-9]+$/ && !($NF in mine) { mine[$NF] = mine[pid]; sealed[$NF] = sealed[pid] }
	mine[pid] && sealed[pid] { print line }
	line ~ /^seccomp\(SECCOMP_SET_MODE_FILTER,.*\{len=/ { sealed[pid] = 1 }'
}

# opened: prints the paths that the calls on standard input opened or tried to open.
opened() { sed -nE 's/^(open|openat|openat2|execve|readlink|readlinkat|stat|newfstatat|statx|access|faccessat2?|mkdirat|unlinkat)\((AT_FDCWD, )?"([^"]*)".*/\3/p' | sort -u; }

resolver='^/etc/(resolv\.conf|hosts|nsswitch\.conf|host\.conf|gai\.conf|services|protocols|localtime)$|^/run/systemd/resolve/'

scenario_sandbox()
{
	local trace files
	story_set_up sandbox || return
	story_endorse
	realm_put strace
	realm_sh "echo 10.0.2.2 kbs.example >>/etc/hosts"
	runs 6 "a get by a name the certificate does not have" realm_sh "cd /tmp &&
		/tmp/strace -f -s 200 -o trace -e trace=%file,%network,seccomp,%process \
			realmkey get-resource --url https://kbs.example:$trustee_port --ca $ca --path a/b/c"
	trace=$(realm_sh "cat /tmp/trace")
	files=$(after_seal realmkey-courier <<<"$trace" | opened)
	if grep -q '^/etc/hosts$' <<<"$files"; then tap 0 "the trace sees the courier's resolver read its files"; else
		tap 1 "the trace sees the courier's resolver read its files" "$files"; fi
	same "the courier opens no other file after its start" "" "$(grep -vE "$resolver" <<<"$files")"
	if grep -qE '^(socket\(AF_INET|connect\()' < <(after_seal realmkey-courier <<<"$trace"); then tap 0 "the courier uses the network"; else
		tap 1 "the courier uses the network" "$(after_seal realmkey-courier <<<"$trace" | head -n 40)"; fi

	runs 0 "the daemon's configuration" realm_sh "printf '[kbs]\nurl = $url\nca = $ca\n[secret s]\nresource = a/b/c\nfile = s\n' >/tmp/c"
	runs 0 "the daemon delivers under strace" realm_sh "cd /tmp &&
		/tmp/strace -f -s 200 -o trace -e trace=%file,%network,seccomp,%process realmkeyd --config /tmp/c --once"
	trace=$(realm_sh "cat /tmp/trace")
	same "the keeper makes no INET socket, at any time" "" \
		"$(keeper_calls <<<"$trace" | grep -E 'AF_INET|AF_PACKET')"
	if grep -q . < <(after_seal realmkeyd <<<"$trace"); then tap 0 "the keeper sealed itself before it worked"; else
		tap 1 "the keeper sealed itself before it worked" "$(tail -n 40 <<<"$trace")"; fi
	same "after that it makes and connects no socket, passes no descriptor, starts no process" "" \
		"$(after_seal realmkeyd <<<"$trace" | grep -E '^(socket(pair)?|connect|bind|accept4?|(send|recv)m?msg|v?fork|clone3?)\(')"
	same "it may not even end its courier, which ends by itself" "" \
		"$(after_seal realmkeyd <<<"$trace" | grep -E '^kill\(.*= 0')"
	same "and it uses no path outside of the keyring" "" "$(after_seal realmkeyd <<<"$trace" | opened | grep '^/')"
	runs 0 "realmkey and its courier at work" realm_sh "
		mkfifo /tmp/hold; (sleep 60 >/tmp/hold) & nc -l -p 8098 </tmp/hold >/dev/null & sleep 0.3
		realmkey get-resource --insecure --url http://127.0.0.1:8098 --path a/b/c >/dev/null 2>&1 &
		i=0; until grep -qs 'Seccomp_filters:	2' \$(printf '/proc/%s/status ' \$(pidof realmkey-courier)) || [ \$((i += 1)) -gt 100 ]; do sleep 0.2; done
		q=\$(pidof realmkey) && awk '/^Anonymous:/ { used += \$2 } /^Locked:/ { locked += \$2 } /^Rss:/ { rss += \$2 }
			END { print (locked >= used && used ? \"realmkey: each used page is locked\" : \"realmkey: not locked\"), used, locked, rss }' /proc/\$q/smaps
		sed 's/^/realmkey /' /proc/\$q/status && grep '^Max core file size *0 *0 ' /proc/\$q/limits
		for p in \$(pidof realmkey-courier); do sed 's/^/courier /' /proc/\$p/status; readlink /proc/\$p/fd/2; done"
	same "the courier is a supervisor and a worker, each with a seccomp filter" 2 "$(grep -c '^courier Seccomp:	2' <<<"$output")"
	has "the courier has no capability" "courier CapPrm:	0000000000000000"
	has "and can gain none" "courier CapBnd:	0000000000000000"
	has "nor new privileges" "courier NoNewPrivs:	1"
	lacks "it is not root" "courier Uid:	0"
	has "and its standard error is not that of realmkey" "/dev/null"
	has "realmkey can gain no privileges either" "realmkey NoNewPrivs:	1"
	lacks "and its memory is locked" "realmkey VmLck:	       0 kB"
	has "each page of it that is used" "realmkey: each used page is locked"
}

# keeper_calls: prints all calls of processes that executed realmkeyd, sealed or not.
keeper_calls()
{
	awk '
	{ pid = $1; line = $0; sub(/^[0-9]+ +/, "", line) }
	line ~ /^execve\(/ { mine[pid] = line ~ /\/realmkeyd"/ }
	line ~ /(clone3?|v?fork)/ && line ~ /= [0-9]+$/ && !($NF in mine) { mine[$NF] = mine[pid] }
	mine[pid] { print line }'
}
