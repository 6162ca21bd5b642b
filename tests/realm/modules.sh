# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154 # what the sourcing script sets
#
# Kernel modules for a realm's file tree. initramfs/pack and debian/image source this file and set $tree, the
# tree; $version, the kernel's; $modules_from, the folder that has its lib/modules ('' for the toolchain root).

# module_add FILE: unpacks it into the tree and prints its path in the realm.
module_add()
{
	local from=$1 to
	to=/usr${1#"$modules_from"}
	to=${to%.[xg]z} to=${to%.zst}
	mkdir -p "$tree/$(dirname "$to")"
	case $from in
	*.xz) xz -dc "$from" >"$tree$to" ;;
	*.gz) gzip -dc "$from" >"$tree$to" ;;
	*.zst) zstd -dcq "$from" >"$tree$to" ;;
	*) cp "$from" "$tree$to" ;;
	esac
	echo "$to"
}

# module_files NAME: prints the files of the module and of those that it needs, in the order of loading, without what
# is built in.
module_files()
{
	modprobe ${modules_from:+-d "$modules_from"} --set-version="$version" --show-depends "$1" |
		awk '$1 == "insmod" { print $2 }'
}

# modules_add LIST: adds the modules in the list, and the files order and order.root: the order in which PID 1 loads
# them.
modules_add()
{
	local what name file loaded to=$tree/usr/lib/modules/$version
	mkdir -p "$to"
	while read -r what name; do
		for file in $(module_files "$name"); do
			loaded=$(module_add "$file")
			case $what in
			load) echo "$loaded" >>"$to/order" ;;
			root) echo "$loaded" >>"$to/order.root" ;;
			esac
		done
	done < <(grep -v '^#' "$1")
	for file in "$to"/order*; do
		[ ! -e "$file" ] || { awk '!seen[$0]++' "$file" >"$file.new" && mv "$file.new" "$file"; }
	done
}

# module_ours: prints the path of cca_rsi.ko for this kernel: built here, or among the kernel's own modules.
module_ours()
{
	if [ -z "$modules_from" ]; then
		ls "$build/kmod/cca_rsi.ko" 2>/dev/null || true
	else
		find "$modules_from/lib/modules/$version" -name 'cca_rsi.ko*' -print -quit
	fi
}

# modules_finish INDEX...: adds our module, and keeps those of depmod's files that the realm's modprobe reads.
modules_finish()
{
	local ours index keep=() to=/usr/lib/modules/$version
	ours=$(module_ours)
	case $ours in
	'') left_out "cca_rsi.ko for Linux $version" ;;
	*.ko)
		mkdir -p "$tree$to/extra"
		[ -e "$tree$to/extra/cca_rsi.ko" ] ||	# installed by its package
			aarch64-linux-gnu-strip --strip-debug -o "$tree$to/extra/cca_rsi.ko" "$ours"
		echo "$to/extra/cca_rsi.ko" >>"$tree$to/order"
		;;
	*) module_add "$ours" >>"$tree$to/order" ;;
	esac
	cp "$modules_from/lib/modules/$version/modules.builtin" "$tree$to/" 2>/dev/null || true
	depmod -b "$tree" "$version" 2>/dev/null
	for index in 'order*' "$@"; do
		keep+=(! -name "$index")
	done
	find "$tree$to" -maxdepth 1 -type f "${keep[@]}" -delete
}
