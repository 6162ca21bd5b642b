# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Command lines: help on standard output; wrong usage is refused before any file or connection is opened.

usage_help()
{
	local words wide=
	while read -r words; do
		# shellcheck disable=SC2086 # words
		printed "$words --help" "usage: $words" $words --help
		wide+=$(awk 'length($0) > 80' "$work/out")
	done <<'.'
realmkey
realmkey attest
realmkey get-resource
realmkey verify
realmkey token
realmkey token show
realmkey token verify
realmkey config
realmkey measurements
realmkey extend
realmkey rim
realmkey status
realmkey wait
realmkey run
realmkey refresh
realmkey reload
realmkey plan
realmkey admin
realmkey admin set-resource
realmkey admin delete-resource
realmkey admin set-reference-value
realmkey admin get-reference-value
realmkey admin set-attestation-policy
realmkey admin set-resource-policy
realmkey admin list-policies
realmkey admin get-policy
realmkey admin delete-policy
realmkey admin rotate-ear-key
realmkey admin make-token
realmkey admin test-policy
realmkeyd
trusteed
.
	same "no line of help is wider than 80 columns" "" "$wide"
	printed "realmkey-courier --help" "usage: realmkey-courier" "$REALMKEY_COURIER" --help
	for words in realmkey realmkeyd trusteed; do
		printed "$words --version" "$words 0." "$words" --version
	done
	printed "realmkey help" "usage: realmkey" realmkey help
	printed "-h" "usage: realmkey rim" realmkey rim -h
}

# usage_libraries PROGRAM MOST [NAME...]: it loads at most MOST libraries, and none of these.
usage_libraries()
{
	local program=$1 most=$2 count
	shift 2
	output=$(ldd "$program" | grep '=>')
	count=$(wc -l <<<"$output")
	[ "$count" -le "$most" ]
	tap $? "${program##*/} loads at most $most libraries" "$output"
	for library in "$@"; do
		lacks "${program##*/} does not load $library" "$library"
	done
}

# The commands that need further libraries are in another program.
usage_programs()
{
	usage_libraries "$bin/cli/realmkey" 7 libfdt libnl
	usage_libraries "$bin/keeper/realmkeyd" 7 libfdt libnl
	mkdir "$work/alone"
	cp "$bin/cli/realmkey" "$work/alone"
	if [ -e /usr/lib/realmkey/realmkey-tools ]; then
		skip "without realmkey-tools, a command that is in it" "realmkey is installed here"
	else
		refused 1 "without realmkey-tools, a command that is in it" "/usr/lib/realmkey/realmkey-tools: No such file" \
			"$work/alone/realmkey" rim
	fi
	printed "without it, the commands of realmkey work" "usage: realmkey verify" "$work/alone/realmkey" verify --help
}

# Every program, and a command of each kind.
usage_unwritable()
{
	local words
	for words in realmkey "realmkey rim" "realmkey admin" "realmkey admin set-resource" realmkeyd trusteed "$REALMKEY_COURIER"; do
		for option in --help --version; do
			[ "$words $option" != "realmkey admin --version" ] || continue
			status=0
			# shellcheck disable=SC2086 # words
			$words $option >/dev/full 2>"$work/err" || status=$?
			output=$(cat "$work/err")
			same "${words##*/} $option that cannot be written is an error" "1 1" "$status $(wc -l <"$work/err")"
		done
	done
}

# Each option of each command may stand before it, also if its value is the name of a command. With --help at the end,
# nothing is run. A new option without a value has to be added to the table in userspace/cli/cli.c.
usage_order()
{
	local words first option value wrong count=0
	while read -r words; do
		wrong=
		# shellcheck disable=SC2086 # words
		realmkey $words --help >"$work/help"
		while read -r option value; do
			count=$((count + 1))
			case $value in
			SECONDS | N) first=1 ;;
			*) first=${value:+log} ;;
			esac
			# shellcheck disable=SC2086 # words
			[ "$(realmkey $option $first $words --help 2>&1 | head -n 1)" = "$(head -n 1 "$work/help")" ] || wrong+=" $option"
		done < <(sed -nE 's/^  (--[a-z-]+, )?(--[a-z-]+)( [A-Z][^ ]*)?( .*)?$/\2\3/p' "$work/help" | grep -vE '^--(help|version)')
		same "options before '$words'" "" "$wrong"
	done <<'.'
attest
get-resource
verify
token get
token show
token verify
config
measurements
extend
log
watch
rim
status
wait
refresh
reload
plan
admin set-resource
admin delete-resource
admin set-reference-value
admin get-reference-value
admin set-attestation-policy
admin set-resource-policy
admin list-policies
admin get-policy
admin delete-policy
admin rotate-ear-key
admin make-token
admin test-policy
.
	judge "the options were found" "$([ "$count" -ge 60 ] || echo "$count")"
	refused 2 "options before a command are its own" "--url is required" realmkey --timeout 5 attest
	refused 2 "and are checked by it" "unknown option '--path'" realmkey --path a/b/c attest
	refused 2 "options without a command" "--url: no command follows" realmkey --url attest
	printed "help after options" "usage: realmkey COMMAND" realmkey --url x --help
}

# Each line: pattern | words of the command
usage_wrong()
{
	local pattern words
	while IFS='|' read -r pattern words; do
		# shellcheck disable=SC2086 # words
		refused 2 "$words" "$pattern" $words
	done <<'.'
no command 'bogus' (see realmkey --help)|realmkey bogus
--bogus: no command follows (see realmkey --help)|realmkey --bogus
no command 'bogus' (see realmkey admin --help)|realmkey admin bogus
no command 'bogus' (see realmkey token --help)|realmkey token bogus
unknown option '--bogus' (see --help)|realmkey attest --bogus
unknown option '--bogus' (see --help)|realmkey get-resource --bogus=1
unknown option '-u' (see --help)|realmkey attest -u x
--url needs a value: URL|realmkey attest --url
--proxy is given twice|realmkey attest --proxy a --proxy b
--insecure accepts no value|realmkey attest --insecure=yes
'x' is one argument too many|realmkey rim x
an argument is missing: INDEX FILE|realmkey extend 1
--timeout: '0' is not a number from 1 to 600|realmkey attest --timeout 0
--timeout: '601' is not a number|realmkey attest --timeout 601
--url is required|realmkey attest
--url is required|realmkey attest --tee-key-file /nonexistent
--path is required|realmkey get-resource
--url is required|realmkey get-resource --path a/b/c --tee-key-file /nonexistent
not repository/type/tag|realmkey get-resource --path a/b --url https://127.0.0.1:9
--attestation-token needs --tee-key-file|realmkey get-resource --path a/b/c --url https://127.0.0.1:9 --attestation-token /nonexistent
http:// is neither private nor authentic|realmkey attest --url http://127.0.0.1:9
http:// is neither private nor authentic|realmkey get-resource --path a/b/c --url http://127.0.0.1:9
http:// is neither private nor authentic|realmkey admin set-resource-policy --deny-all --admin-token-file /nonexistent --url http://127.0.0.1:9
begins with neither https:// nor http://|realmkey attest --url 127.0.0.1:9
'/kbs' follows host and port|realmkey attest --url https://127.0.0.1:9/kbs
--path and --resource-file are required|realmkey admin set-resource --resource-file /nonexistent
--path and --resource-file are required|realmkey admin set-resource --path a/b/c
--admin-token-file is required|realmkey admin set-resource --path a/b/c --resource-file /nonexistent
--url is required|realmkey admin set-resource --path a/b/c --resource-file /nonexistent --admin-token-file /nonexistent
not repository/type/tag|realmkey admin set-resource --path a/b --resource-file /nonexistent --admin-token-file x --url https://127.0.0.1:9
cannot both be standard input|realmkey admin set-resource --path a/b/c --resource-file - --admin-token-file - --url https://127.0.0.1:9
--admin-token-file is required|realmkey admin set-reference-value n v
'seven' is not an integer|realmkey admin set-reference-value n seven --as-integer --admin-token-file x --url https://127.0.0.1:9
'9999999999999999999' is not an integer|realmkey admin set-reference-value n 9999999999999999999 --as-integer --admin-token-file x --url https://127.0.0.1:9
'yes' is neither true nor false|realmkey admin set-reference-value n yes --as-bool --admin-token-file x --url https://127.0.0.1:9
exclude each other|realmkey admin set-reference-value n 1 --as-bool --as-integer
one of --affirming, --allow-all, --deny-all, --policy-file is required|realmkey admin set-resource-policy
just one of --affirming|realmkey admin set-resource-policy --affirming --policy-file /nonexistent
--repository: 'a/b' is not 1 to 64|realmkey admin set-resource-policy --affirming --repository a/b
NAME and VALUE, or --corim, are required|realmkey admin set-reference-value n
give it alone|realmkey admin set-reference-value --corim /nonexistent n v
an argument is missing: NAME|realmkey admin get-reference-value
--policy-file is required|realmkey admin set-attestation-policy
--id: '.x' is not 1 to 64|realmkey admin set-attestation-policy --policy-file /nonexistent --id .x
--path is required|realmkey admin delete-resource
--admin-token-file is required|realmkey admin list-policies
one of --id, --repository is required|realmkey admin get-policy
just one of --id, --repository is required|realmkey admin delete-policy --id a --repository b
--url is required|realmkey admin rotate-ear-key --admin-token-file /nonexistent
--key and --output are required|realmkey admin make-token --key /nonexistent
is required|realmkey admin test-policy
is required|realmkey admin test-policy --evidence a --ear b
--ear requires --path and --policy|realmkey admin test-policy --ear a --path a/b/c
are for --evidence|realmkey admin test-policy --ear a --path a/b/c --policy p --anchors c
--path is for --ear|realmkey admin test-policy --evidence a --path a/b/c
not repository/type/tag|realmkey admin test-policy --ear a --path a/b --policy p
--days: '3651' is not a number from 1 to 3650|realmkey admin make-token --key a --output b --days 3651
--key, --cert and --ca exclude each other|realmkey verify --key /nonexistent --cert /nonexistent /nonexistent
--anchors is required|realmkey token verify /nonexistent
--challenge: not hexadecimal|realmkey token verify /nonexistent --anchors /nonexistent --challenge zz
--challenge: 65 bytes, more than 64|realmkey token --challenge 0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000
INDEX is 1 to 4|realmkey extend 0 /nonexistent
INDEX is 1 to 4|realmkey extend 5 /nonexistent
INDEX is 1 to 4|realmkey extend REM0 /nonexistent
no RSI source 'tpm'|realmkey rim --source tpm
exclude each other|realmkey status --json --follow
--output needs --metrics|realmkey status --output x
'soon' is not a duration|realmkey wait --timeout soon
'x' is one argument too many|realmkey reload x
'x' is one argument too many|realmkey refresh a x
a program is missing|realmkey run --secret a=fd:3
not NAME=fd:N, NAME=file:VAR or NAME=env:VAR|realmkey run --secret a -- true
add --environment-is-readable-in-proc|realmkey run --secret a=env:A -- true
unknown option '--bogus' (see --help)|realmkeyd --bogus
'x' is one argument too many|realmkeyd x
unknown option '--bogus' (see --help)|trusteed --bogus
.
	refused 2 "a command with a line break in it" "no command 'a?b'" realmkey $'a\nb'
	status=0
	output=$(realmkey 2>&1 >/dev/null) || status=$?
	same "no command" 2 "$status"
	has "prints the list of commands" "get-resource"
}

# completes TEXT WANT WORD...: the completion of the last WORD is WANT.
completes()
{
	# shellcheck disable=SC2034 # the completion reads them
	local COMP_WORDS=("${@:3}") COMP_CWORD=$(($# - 3)) COMPREPLY=()
	_realmkey "$3" "${*: -1}" "${*: -2:1}" 2>/dev/null
	same "$1" "$2" "${COMPREPLY[*]}"
}

usage_completion()
{
	# shellcheck source=userspace/install/realmkey.bash
	. userspace/install/realmkey.bash
	completes "a command is completed" "extend" realmkey ext
	completes "a command after an option" "extend" realmkey --source device ext
	completes "a command after an option whose value is the name of one" "extend" realmkey --url log ext
	completes "an option before the command" "--insecure" realmkey --ins
	completes "its value" "device netlink" realmkey --source ""
	completes "an option before the command of a command" "--admin-token-file" realmkey admin --adm
	completes "an option" "--event-type" realmkey extend --event-t
	completes "an option's value" "device netlink" realmkey extend --source ""
	completes "an option's value after =" "netlink" realmkey extend --source = n
	completes "the name of an event type" "EV_EFI_GPT_EVENT EV_EFI_GPT_EVENT2" realmkey extend --event-type EV_EFI_GPT
	completes "but not that of a type which extend refuses" "" realmkey extend --event-type EV_NO_
	completes "a register" "1 2 3 4" realmkey extend ""
	completes "a register after an option" "1 2 3 4" realmkey extend --source device ""
	completes "a register after one with =" "1 2 3 4" realmkey extend --source = device ""
	completes "a file after a register" "README.md" realmkey extend --source device 1 README
	completes "a file after a register and an option" "README.md" realmkey extend 1 --event text README
	completes "the only operand" "README.md" realmkey log --replay README
	completes "nothing after it" "" realmkey log README.md README
	# a realmkeyd with three secrets, one of which failed
	_realmkey_secrets_of()
	{
		# shellcheck disable=SC2317 # the completion calls it
		realmkey()
		{
			[ "$*" = status ] || { "$bin/cli/realmkey" "$@"; return; }
			printf '%s\n' "realmkeyd: running, ready" "NAME  STATE" "cert  delivered" "database  missing" \
				"key  delivered" "database: 5s ago: key is missing"
		}
		"$@"
		realmkey() { "$bin/cli/realmkey" "$@"; }
	}
	_realmkey_secrets_of completes "a secret" "cert database key" realmkey wait ""
	_realmkey_secrets_of completes "one secret" "database" realmkey refresh --now d
	_realmkey_secrets_of completes "the secret to get" "cert" realmkey get c
	_realmkey_secrets_of completes "nothing for a name that is not of a secret" "" realmkey admin set-reference-value ""
	_realmkey_secrets_of completes "a secret for a program" "cert=" realmkey run --secret c
	completes "a duration" "30s 1m 5m 1h" realmkey wait --timeout ""
}

# completed SHELL WORD...: what a shell offers for the last word.
# shellcheck disable=SC2016 # for those shells
completed()
(
	PATH=$top/build/release/userspace/cli:$PATH
	case $1 in
	fish) fish --no-config -c 'source $argv[1]; complete -C $argv[2]' "$work/realmkey.fish" "${*:2}" ;;
	zsh) zsh -f -c 'file=$1; shift; compadd() { shift; print -l -- "$@"; }; words=("$@"); CURRENT=$#
		complete_it() { . $file; }; complete_it' zsh "$work/_realmkey" "${@:2}" ;;
	esac 2>&1 | paste -sd' '
)

# The other shells ask bash's completion. It is not installed here, so their files name that of the tree.
usage_shells()
{
	local shell file
	for file in realmkey.fish _realmkey; do
		sed "s|/usr/share/bash-completion/completions/realmkey|$top/userspace/install/realmkey.bash|" \
			"build/release/userspace/install/$file" >"$work/$file"
	done
	for shell in fish zsh; do
		same "$shell completes a command" extend "$(completed $shell realmkey ext)"
		same "$shell completes an option's value" "device netlink" "$(completed $shell realmkey extend --source '')"
		same "$shell completes it after =" --source=netlink "$(completed $shell realmkey extend --source=n)"
		same "$shell has nothing where there is nothing" "" "$(completed $shell realmkey log README.md README)"
	done
}

part_usage()
{
	usage_help
	usage_programs
	usage_unwritable
	usage_order
	usage_wrong
	usage_completion
	usage_shells
}
