# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# The configuration of each example in Documentation/sinks.md. tests/e2e/scenario-sinks.sh runs them in a realm.

part_examples()
{
	local name example=$work/example conf=$work/conf/realmkeyd
	local names=()
	url=https://127.0.0.1:9
	# shellcheck disable=SC2016 # these are backquotes of Markdown
	mapfile -t names < <(sed -n 's/^Test: `tests\/e2e`: `sinks_\([a-z]*\)`$/\1/p' Documentation/sinks.md)
	same "the page has eight examples" 8 ${#names[@]}
	for name in "${names[@]}"; do
		rm -rf "$example"
		runs 0 "the files of the example $name" tests/e2e/examples "$name" "$example"
		# The user app is one of the realm.
		sed -i 's/^owner = app$/owner = root/; s/uid:app/uid:root/' "$example"/etc/realmkey/realmkeyd.conf.d/*.conf
		sed -i "s|= /etc/realmkey/templates|= $top/$example/etc/realmkey/templates|" "$example"/etc/realmkey/realmkeyd.conf.d/*.conf
		conf
		rm -rf "$conf.d"
		mv "$example/etc/realmkey/realmkeyd.conf.d" "$conf.d"
		ran realmkeyd --check --config "$conf"
		same "has a configuration without error" 0 "$status"
		# This machine has no systemd.
		same "and without warning, but for what only a realm has" "" \
			"$(grep -vE ": (systemd has no unit .* on this machine$|there is no socket /run/realmkey/)|: 0 errors, [0-9]+ warnings?$" \
				<<<"$output")"
	done
	rm -rf "$conf.d" "$example"
	runs 1 "an example that does not exist" tests/e2e/examples none "$example"
	has "is an error" "no example in Documentation/sinks.md"
}
