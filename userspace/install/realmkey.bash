# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Completion for realmkey, realmkeyd and trusteed. It reads commands, options and values from their --help.

# _realmkey_commands NAME: print the commands that the help text on standard input lists for NAME.
_realmkey_commands()
{
	sed -n -e '/^Options:/q' -e 's/^  \([a-z][a-z-]*\) .*/\1/p' -e "s/^$1 \([a-z][a-z-]*\) .*/\1/p"
}

# _realmkey_options: print the options that the help text on standard input lists.
_realmkey_options()
{
	sed -n 's/^  \(--.*\)/\1/p' | sed 's/  .*//' | grep -oE -e '--[a-z0-9-]+' | sort -u
}

# _realmkey_help NAME PROGRAM [COMMAND...]: print the help text, and those of the commands that it lists, because
# their options may stand before them.
_realmkey_help()
{
	local help command name=$1
	shift
	help=$("$@" --help 2>/dev/null) || return
	echo "$help"
	[[ $help != *Options:* ]] || return 0
	for command in $(_realmkey_commands "$name" <<<"$help"); do
		"$@" "$command" --help 2>/dev/null
	done
	return 0
}

# _realmkey_value OPTION: print the name of the value of OPTION in the help text on standard input; nothing for a flag.
_realmkey_value()
{
	sed -nE "s/^  (--[a-z-]+, )?$1(, --[a-z-]+)? ([A-Z][^ ]*).*/\3/p" | head -n 1
}

# _realmkey_secrets: print the names of the secrets of the realmkeyd on this machine.
_realmkey_secrets() { realmkey status 2>/dev/null | awk 'table && !/^[^ ]*:/ { print $1 } $1 == "NAME" { table = 1 }'; }

# _realmkey_offer KIND WORD: fill COMPREPLY with the values of KIND that begin with WORD. Names of event types are read
# from the help text on standard input.
_realmkey_offer()
{
	case $1 in
	FILE | "[FILE]" | "[--diff" | A | TOKEN | PEM | EAR | JWK | PATH | PROGRAM | SOCKET) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$2") ;;
	DIR) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- "$2") ;;
	SOURCE) mapfile -t COMPREPLY < <(compgen -W "device netlink" -- "$2") ;;
	VMM) mapfile -t COMPREPLY < <(compgen -W "bench kvmtool kvmtool-64k kvmtool-eac5 kvmtool-2023 qemu" -- "$2") ;;
	ORDER) mapfile -t COMPREPLY < <(compgen -W "ram-first per-file bss-only" -- "$2") ;;
	RMM) mapfile -t COMPREPLY < <(compgen -W "1.0 tfrmm-0.9 2.0" -- "$2") ;;
	HASH) mapfile -t COMPREPLY < <(compgen -W "sha256 sha384 sha512" -- "$2") ;;
	TYPE) mapfile -t COMPREPLY < <(compgen -W "$(grep -oE 'EV_[A-Z0-9_]+' | sort -u)" -- "$2") ;;
	NAME | "[NAME]" | "[NAME]...") mapfile -t COMPREPLY < <(compgen -W "$(_realmkey_secrets)" -- "$2") ;;
	NAME=HOW) compopt -o nospace; mapfile -t COMPREPLY < <(compgen -W "$(_realmkey_secrets | sed 's/$/=/')" -- "$2") ;;
	DURATION) mapfile -t COMPREPLY < <(compgen -W "30s 1m 5m 1h" -- "$2") ;;
	INDEX) mapfile -t COMPREPLY < <(compgen -W "1 2 3 4" -- "$2") ;;
	esac
}

_realmkey()
{
	local word=$2 previous=$3 i help commands kind operands=0
	local name=${1##*/} path=() kinds=() IFS=$' \t\n'

	COMPREPLY=()
	help=$(_realmkey_help "$name" "$1") || return
	for ((i = 1; i < COMP_CWORD; i++)); do
		commands=$(_realmkey_commands "$name" <<<"$help")
		if grep -qxF -e "${COMP_WORDS[i]}" <<<"$commands"; then
			path+=("${COMP_WORDS[i]}") operands=0
			name="$name ${COMP_WORDS[i]}"
			help=$(_realmkey_help "$name" "$1" "${path[@]}") || return
		elif [[ ${COMP_WORDS[i]} != --* ]]; then
			operands=$((operands + 1))
		elif [ -n "$(_realmkey_value "${COMP_WORDS[i]}" <<<"$help")" ]; then
			# its value is not an operand
			[ "${COMP_WORDS[i + 1]}" != = ] || i=$((i + 1))
			i=$((i + 1))
		fi
	done
	# the shell splits --name=VALUE into three words
	[ "$word" != = ] || word=
	[ "$previous" != = ] || previous=${COMP_WORDS[COMP_CWORD - 2]}
	kind=$(_realmkey_value "$previous" <<<"$help")
	commands=$(_realmkey_commands "$name" <<<"$help")
	if [[ $previous = --* && -n $kind ]]; then
		_realmkey_offer "$kind" "$word" <<<"$help"
	elif [[ $word = -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_realmkey_options <<<"$help")" -- "$word")
	elif [ -n "$commands" ]; then
		mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$word")
	else
		read -ra kinds < <(sed -nE '1s/.*\[OPTION\]\.\.\. //p' <<<"$help")
		kind=${kinds[operands]-}
		# of other commands it is not the name of a secret
		[[ $kind != NAME || $name = *" get" ]] || kind=
		_realmkey_offer "$kind" "$word" <<<"$help"
	fi
}

# _realmkey_print PROGRAM WORD...: print the completions of the last word, for other shells, which do not split words
# at "=".
_realmkey_print()
{
	local COMP_WORDS=() COMP_CWORD COMPREPLY=() word last=${!#} before=
	for word; do
		case $word in
		--*=*) COMP_WORDS+=("${word%%=*}" = "${word#*=}") ;;
		*) COMP_WORDS+=("$word") ;;
		esac
	done
	[[ $last != --*=* ]] || before=${last%%=*}=
	COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
	_realmkey "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
	for word in "${COMPREPLY[@]}"; do
		printf '%s\n' "$before$word"
	done
}

# Each program has a copy of this file, with its name.
_realmkey_file=${BASH_SOURCE[0]##*/}
complete -F _realmkey "${_realmkey_file%.bash}"
unset -v _realmkey_file
