# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# TAP for tests that run commands: a check that fails prints the output.

tap_count=0
tap_failed=0
output=
status=0

# tap TRUTH TEXT [SEEN]
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

tap_skip()
{
	tap_count=$((tap_count + 1))
	echo "ok $tap_count - $1 # SKIP $2"
}

tap_done()
{
	echo "1..$tap_count"
	[ "$tap_failed" -eq 0 ]
}

# runs STATUS TEXT COMMAND...: checks the command's status; puts its standard output and error into $output.
runs()
{
	local expected=$1 text=$2
	shift 2
	status=0
	output=$("$@" 2>&1) || status=$?
	if [ "$status" -eq "$expected" ]; then tap 0 "$text"; else tap 1 "$text" "status $status, not $expected
$output"; fi
}

# does TEXT COMMAND...: the same with status 0, for a function that sets variables or starts processes of this shell.
does()
{
	local text=$1
	shift
	status=0
	"$@" >build/e2e/does.out 2>&1 || status=$?
	output=$(cat build/e2e/does.out)
	tap $((status != 0)) "$text" "$output"
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

# sub_tap PREFIX: adds the tests of a TAP stream on standard input to this one. If the last line is "@exit STATUS", a
# STATUS other than 0 is a failure even if no test of the stream failed.
sub_tap()
{
	local line plan=0 seen=0 failed=$tap_failed status=0 text
	while IFS= read -r line; do
		case $line in
		1..*) plan=$((plan + ${line#1..})) ;;
		"@exit "*) status=${line#@exit } ;;
		"ok "* | "not ok "*)
			seen=$((seen + 1))
			text=$(printf '%s' "$line" | sed -E 's/^(not )?ok *[0-9]* *(- *)?//')
			tap_count=$((tap_count + 1))
			case $line in
			not*) tap_failed=$((tap_failed + 1)); echo "not ok $tap_count - $1: $text" ;;
			*) echo "ok $tap_count - $1: $text" ;;
			esac
			;;
		*) printf '# %s\n' "$line" ;;
		esac
	done
	[ "$seen" -gt 0 ] && [ "$seen" -eq "$plan" ] || tap 1 "$1: planned $plan tests and ran $seen"
	[ "$status" = 0 ] || [ "$tap_failed" -gt "$failed" ] || tap 1 "$1: ended with status $status"
}
