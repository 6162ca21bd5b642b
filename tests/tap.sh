# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# TAP for the test scripts, which source this file. A failed check prints what the command printed.

tap_count=0
tap_failed=0
output=
status=0

# tap STATUS TEXT [SEEN]: one check, ok when STATUS is 0; SEEN is printed when it is not.
tap()
{
	tap_count=$((tap_count + 1))
	if [ "$1" = 0 ]; then
		echo "ok $tap_count - $2"
		return 0
	fi
	tap_failed=$((tap_failed + 1))
	echo "not ok $tap_count - $2"
	[ -z "${3-}" ] || printf '%s\n' "$3" | cut -c 1-300 | sed 's/^/#   /'
}

# Bash calls this for a command that does not exist: a failed check, rather than one check less.
command_not_found_handle()
{
	tap 1 "each command of the test exists" "$1: command not found"
	return 127
}

# skip TEXT REASON: a check that this machine cannot do.
skip()
{
	tap_count=$((tap_count + 1))
	echo "ok $tap_count - $1 # SKIP $2"
}

# tap_done: the plan; succeeds when there were checks and none failed.
tap_done()
{
	echo "1..$tap_count"
	[ "$tap_failed" -eq 0 ] && [ "$tap_count" -gt 0 ]
}

# verdict TEXT: standard input lists the faults; the check is ok when there are none. At the end of a pipeline it
# needs lastpipe, because it counts in this shell.
verdict()
{
	local faults
	faults=$(cat)
	tap ${#faults} "$1" "$faults"
}

# runs STATUS TEXT COMMAND...: the command ends with that status; $output gets its standard output and error.
runs()
{
	local expected=$1 text=$2
	shift 2
	status=0
	output=$("$@" 2>&1) || status=$?
	if [ "$status" -eq "$expected" ]; then tap 0 "$text"; else tap 1 "$text" "status $status, not $expected
$output"; fi
}

# does TEXT COMMAND...: the command succeeds. It runs in this shell, so it may set variables and start processes.
does()
{
	local text=$1 seen
	shift
	seen=$(mktemp)
	status=0
	"$@" >"$seen" 2>&1 || status=$?
	output=$(cat "$seen")
	rm -f "$seen"
	tap "$status" "$text" "$output"
}

# has TEXT STRING: the last output contains STRING. lacks TEXT STRING: it does not.
has() { if [[ $output == *"$2"* ]]; then tap 0 "$1"; else tap 1 "$1" "no '$2' in:
$output"; fi; }
lacks() { if [[ $output != *"$2"* ]]; then tap 0 "$1"; else tap 1 "$1" "'$2' in:
$output"; fi; }

# one_line TEXT: the last output is exactly one line that is not empty.
one_line() { if [ "$(printf '%s\n' "$output" | wc -l)" -eq 1 ] && [ -n "$output" ]; then tap 0 "$1"; else tap 1 "$1" "$output"; fi; }

# same TEXT EXPECTED GOT
same() { if [ "$2" = "$3" ]; then tap 0 "$1"; else tap 1 "$1" "expected '$2'
got      '$3'"; fi; }

# sub_tap PREFIX: a TAP stream on standard input becomes checks of this one. Its last line may be "@exit STATUS",
# the status of the program that printed it: a failure without a failed check is a failed check, too.
sub_tap()
{
	local line plan=0 seen=0 failed=$tap_failed status=0
	while IFS= read -r line; do
		case $line in
		1..*) line=${line#1..} plan=$((plan + ${line%%[!0-9]*})) ;;
		"@exit "*) status=${line#@exit } ;;
		"ok "* | "not ok "*)
			seen=$((seen + 1))
			[[ $line =~ ^(not )?ok\ *[0-9]*\ *(- *)?(.*) ]]
			tap $((${#BASH_REMATCH[1]} != 0)) "$1: ${BASH_REMATCH[3]}"
			;;
		"#"*) printf '%s\n' "$line" ;;
		*) printf '# %s\n' "$line" ;;
		esac
	done
	[ "$seen" -gt 0 ] && [ "$seen" -eq "$plan" ] || tap 1 "$1: planned $plan tests and ran $seen"
	[ "$status" = 0 ] || [ "$tap_failed" -gt "$failed" ] || tap 1 "$1: ended with status $status"
}

# side_by_side COUNT FOLDER COMMAND PART...: `COMMAND PART` for each part, COUNT of them at a time, each a process of its
# own. What each prints stays in FOLDER/PART.tap; in the order of the parts it becomes checks of this stream.
side_by_side()
{
	local count=$1 folder=$2 command=$3 part runner
	shift 3
	[ $# -gt 0 ] || return 0
	rm -rf "$folder" && mkdir -p "$folder" || return 1
	# A group of its own: a signal to this script ends all that the parts started, which ignore SIGINT.
	# shellcheck disable=SC2016 # variables of the inner shell
	printf '%s\n' "$@" | setsid xargs -P "$count" -I{} sh -c \
		'{ "$1" "$2" 2>&1 </dev/null; echo "@exit $?"; } >"$3/$2.part"; mv "$3/$2.part" "$3/$2.tap"' - "$command" {} "$folder" &
	runner=$!
	trap 'kill -- "-$runner" 2>/dev/null; exit 130' INT TERM
	for part; do
		echo "# part $part"
		while [ ! -e "$folder/$part.tap" ] && kill -0 "$runner" 2>/dev/null; do
			sleep 0.1
		done
		sub_tap "$part" < <(cat "$folder/$part.tap" 2>&1)
	done
	wait "$runner"
	trap - INT TERM
}
