# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# The commands of realmkey about the secrets of a realmkeyd that runs: status, wait, run, refresh, reload and plan.

# rk COMMAND...: realmkey with this keyring.
rk() { realmkey "$1" --keyring "$keyring" "${@:2}"; }

# field FILTER: of status --json.
field() { rk status --json | jq -r "$1"; }
field_is() { [ "$(field "$1" 2>/dev/null)" = "$2" ]; }

stored() { printf '%s' "$2" | admin set-resource --path "$1" --resource-file - >/dev/null; }

secrets_absent()
{
	mkdir "$work/absent"
	refused 14 "status without a realmkeyd" "realmkeyd has not started since boot" realmkey status --keyring "$work/absent"
	refused 14 "reload without a realmkeyd" "realmkeyd is not running" realmkey reload --keyring "$work/absent"
	printed "metrics without a realmkeyd" "realmkey_up 0" realmkey status --metrics --keyring "$work/absent"
	# in the background, because it takes half a minute
	{ realmkey wait --keyring "$work/absent" 2>"$work/absent.err"; echo $? >"$work/absent.status"; } &
}

# What the daemon does before and after the secret is allowed.
secrets_waited()
{
	local waiter
	conf '[secret s]' 'resource = a/b/c' 'file = d/s' '[secret o]' 'resource = a/b/o' 'required = no'
	daemon_start
	within 10 field_is .daemon running
	within 10 field_is '.secrets[0]["last-error"].kind' policy
	ran rk status
	same "status of a secret that is denied" 8 "$status"
	has "its table" "s     missing"
	has "and the error" "s: 0s ago: resource a/b/c: denied"
	refused 8 "wait --timeout" "still waiting for s (resource a/b/c: denied" rk wait --timeout 1
	rk wait --timeout 1m &
	waiter=$!
	rk status --follow --count 2 >"$work/follow" &
	runs 0 "the policy allows the secret" admin set-resource-policy --allow-all
	runs 0 "refresh requests what is missing" rk refresh s
	wait $waiter
	tap $? "wait ends when the secret is there"
	runs 0 "the secret is there" test "$(cat "$keyring/d/s")" = "$secret"
	within 10 test -s "$work/follow"
	same "status --follow printed the events" "delivered ready" "$(jq -r .event "$work/follow" | tr '\n' ' ' | sed 's/ $//')"
	printed "status" "s     delivered" rk status s
	runs 0 "status --json" test "$(field '.secrets[0] | .path, .state')" = "$keyring/d/s
delivered"
	refused 9 "refresh of an optional secret that the KBS lacks" "a/b/o" rk refresh o
	printed "refresh of all says that, and does not fail" "optional, and not at the KBS: o" rk refresh --now
	ran rk status o
	same "and its status" 9 "$status"
}

secrets_run()
{
	ran rk run --secret s=fd:3 -- cat /dev/fd/3
	same "run gives a secret as a descriptor" "0 $secret" "$status $output"
	# shellcheck disable=SC2016 # for that shell
	ran rk run --secret s=file:S -- sh -c 'echo "$S"'
	same "or its path" "0 $keyring/d/s" "$status $output"
	same "to a user who has no right to it: not" 10 \
		"$(setpriv --reuid 1001 --clear-groups "$bin/cli/realmkey" run --keyring "$keyring" --secret s=fd:3 -- true 2>/dev/null; echo $?)"
	printed "another user may see the status" "realmkeyd: unknown, ready" \
		setpriv --reuid 1001 --clear-groups "$bin/cli/realmkey" status --keyring "$keyring"
	runs 0 "and wait" setpriv --reuid 1001 --clear-groups "$bin/cli/realmkey" wait --keyring "$keyring"
	refused 1 "but not refresh" "only root may do this" \
		setpriv --reuid 1001 --clear-groups "$bin/cli/realmkey" refresh --keyring "$keyring"
}

secrets_refreshed()
{
	local changed
	stored a/b/c "$secret-2"
	rk status --follow --count 1 s >"$work/follow" &
	changed=$!
	sleep 0.3
	runs 0 "refresh --now" rk refresh --now s
	same "brings the new value" "$secret-2" "$(cat "$keyring/d/s")"
	within 10 gone "$changed"
	same "which is an event" "changed s 2" "$(jq -r '"\(.event) \(.name) \(.version)"' "$work/follow")"
	refused 2 "refresh of an unknown secret" "no secret 'nothing' in the configuration" rk refresh nothing
	refused 2 "wait for one" "no secret 'nothing' in the configuration" rk wait nothing
}

secrets_reloaded()
{
	conf '[secret s]' 'resource = a/b/c' 'file = d/s' '[secret n]' 'resource = a/b/c' 'file = n'
	printed "plan prints what would change" "n" realmkey plan --config "$work/conf/realmkeyd" --keyring "$keyring"
	runs 0 "reload" rk reload
	runs 0 "and then the new secret comes" rk wait --timeout 20s n
	conf '[secret s]' 'colour = blue' '[secret n]'
	ran rk reload
	same "reload of a wrong configuration" 3 "$status"
	has "reports the first error" "[secret s] colour: unknown key"
	has "and the next one" "[secret n]"
	runs 0 "and changes nothing" rk status s n
}

# The numbers are those of the daemon; test_metrics checks the format.
secrets_metrics()
{
	runs 0 "metrics as a file" rk status --metrics --output "$work/realmkey.prom"
	output=$(cat "$work/realmkey.prom")
	has "realmkeyd runs" "realmkey_up 1"
	has "the change is counted" 'realmkey_secret_changes_total{name="s"} 2'
	lacks "no secret is in it" "$secret"
	same "its mode" 644 "$(stat -c %a "$work/realmkey.prom")"
}

secrets_stopped()
{
	kill -TERM "$daemon_pid"
	daemon_ends 0 "the daemon stops"
	printed "status says so" "realmkeyd: stopped, ready, as of" rk status
	runs 0 "wait succeeds, because the secrets are there" rk wait s
	refused 14 "refresh fails" "realmkeyd is not running" rk refresh
}

part_secrets()
{
	secrets_absent
	does "trusteed starts" kbs_start secrets || return
	secrets_waited
	secrets_run
	secrets_refreshed
	secrets_reloaded
	secrets_metrics
	secrets_stopped
	umount "$keyring"
	within 40 test -s "$work/absent.status"
	same "wait gives up after half a minute without a realmkeyd" 14 "$(cat "$work/absent.status")"
	output=$(cat "$work/absent.err")
	has "and says why" "no realmkeyd has run for 30 s"
}
