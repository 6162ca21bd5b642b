# SPDX-License-Identifier: Apache-2.0
#
# Computes the time that the module adds to the calls of the RMM.
#
# Input: a trace of one thread in the kernel's format. It has sys_enter_ioctl and sys_exit_ioctl around each call of the
# device, cca_rsi_exit after each call of the RMM, and, in some of the operations, cca_rsi_enter before it.
# Output: one line for each kind of operation,
#
#   KIND COUNT CALLS TOTAL RMM PAUSED MODULE SHARE EVENT
#
# COUNT is the number of operations. The other columns are medians over them:
#   CALLS    calls of the RMM
#   TOTAL    microseconds from entry to exit of the system call
#   RMM      microseconds in the RMM
#   PAUSED   microseconds asleep because the RMM did not have a piece of the token yet
#   MODULE   microseconds in the module
#   SHARE    MODULE in per cent of RMM and PAUSED
#   EVENT    microseconds for recording one event
#
# Time outside of the RMM is spent in the module and in recording events. Between the ends of two register reads,
# without the RMM's time, the module's loop runs once and one event is recorded, or two where cca_rsi_enter is on. So
# the difference of the medians of both is the time for one event. It is subtracted for each call, except for a call
# after a pause, whose event is part of the pause. Reading the clock for the duration and recording the events of the
# system call count as MODULE.

# Microseconds: "comm-pid [cpu] flags seconds.micros: event: ..."
function stamp()
{
	match($0, / [0-9]+\.[0-9]+: /)
	return substr($0, RSTART + 1, RLENGTH - 3) * 1000000
}

function median(list, n,	i, j, v)
{
	for (i = 2; i <= n; i++) {
		v = list[i]
		for (j = i - 1; j > 0 && list[j] > v; j--)
			list[j + 1] = list[j]
		list[j + 1] = v
	}
	return n % 2 ? list[(n + 1) / 2] : (list[n / 2] + list[n / 2 + 1]) / 2
}

# The median of the times in turn[events, ...], in microseconds.
function turn_median(events,	k, seen)
{
	for (k = 0; seen * 2 < turns[events]; k++)
		seen += turn[events, k]
	return (k - 1) / 10
}

/sys_ioctl\(/ {
	kind = ""
	if (/cmd: 0xc050bc03/) kind = "token"
	if (/cmd: 0xc060bc02/) kind = "extension"
	began = stamp()
	calls = entered = rmm = paused = pauses = asleep = register = 0
}
/ cca_rsi_enter: / { entered = 1 }
/ cca_rsi_exit: / {
	now = stamp()
	duration = $0
	sub(/.*duration=/, "", duration)
	duration /= 1000
	calls++
	rmm += duration
	if (register && /MEASUREMENT_READ/) {
		turns[1 + entered]++
		turn[1 + entered, int((now - register - duration) * 10 + 0.5)]++
	}
	register = /MEASUREMENT_READ/ ? now : 0
	if (asleep) {
		paused += now - duration - asleep
		pauses++
	}
	asleep = /TOKEN_CONTINUE status=3 length=0 / ? now : 0
}
/ sys_ioctl -> / {
	if (/ -> 0x0$/ && calls && kind != "" && !entered) {
		i = ++count[kind]
		totals[kind, i] = stamp() - began
		rmms[kind, i] = rmm
		sleeps[kind, i] = paused
		called[kind, i] = calls
		events[kind, i] = calls - pauses
	}
	kind = ""
}

function report(kind,	i, n, t, r, p, c, m, s)
{
	n = count[kind]
	for (i = 1; i <= n; i++) {
		t[i] = totals[kind, i]
		r[i] = rmms[kind, i]
		p[i] = sleeps[kind, i]
		c[i] = called[kind, i]
		m[i] = t[i] - r[i] - p[i] - events[kind, i] * cost
		s[i] = m[i] * 100 / (r[i] + p[i])
	}
	printf "%s %d %d %.0f %.0f %.0f %.0f %.1f %.1f\n", kind, n, median(c, n), median(t, n), median(r, n),
		median(p, n), median(m, n), median(s, n), cost
}

END {
	if (!count["token"] || !count["extension"] || !turns[1] || !turns[2]) {
		print "module_cost: the trace needs tokens and extensions, both with cca_rsi_enter and without" >"/dev/stderr"
		exit 1
	}
	cost = turn_median(2) - turn_median(1)
	report("token")
	report("extension")
}
