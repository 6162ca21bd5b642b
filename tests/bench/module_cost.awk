# SPDX-License-Identifier: Apache-2.0
#
# What the module costs over the bare calls of the RMM. In: a trace of one thread, as the kernel prints it:
# sys_enter_ioctl and sys_exit_ioctl around each call of the device, cca_rsi_exit after each call of the RMM,
# and in some of the operations cca_rsi_enter before it. Out: a line for each kind of operation,
#
#   KIND COUNT CALLS TOTAL RMM MODULE SHARE EVENT
#
# medians of one operation: calls of the RMM, microseconds from entry to exit of the system call, in the RMM,
# in the module; the latter in per cent of the RMM's; and what recording one event costs.
#
# What is outside of the RMM is the module and the recording of the events. From the end of one piece of a token
# to the end of the next, without the RMM's time, is a turn of the module's loop and one event recorded, or two where
# cca_rsi_enter is on. The difference of the two medians is what one event costs; it is taken off for each call. The
# cost of reading the clock for the duration, and of the system call's own events, stays with the module.

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

# The median of what turns() has counted, in microseconds.
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
	calls = entered = rmm = piece = 0
}
/ cca_rsi_enter: / { entered = 1 }
/ cca_rsi_exit: / {
	now = stamp()
	duration = $0
	sub(/.*duration=/, "", duration)
	duration /= 1000
	calls++
	rmm += duration
	if (/TOKEN_CONTINUE/) {
		if (piece) {
			turns[1 + entered]++
			turn[1 + entered, int((now - piece - duration) * 10 + 0.5)]++
		}
		piece = now
	}
}
/ sys_ioctl -> / {
	if (/ -> 0x0$/ && calls && kind != "" && !entered) {
		i = ++count[kind]
		totals[kind, i] = stamp() - began
		rmms[kind, i] = rmm
		called[kind, i] = calls
	}
	kind = ""
}

function report(kind,	i, n, t, r, c, m, s)
{
	n = count[kind]
	for (i = 1; i <= n; i++) {
		t[i] = totals[kind, i]
		r[i] = rmms[kind, i]
		c[i] = called[kind, i]
		m[i] = t[i] - r[i] - c[i] * cost
		s[i] = m[i] * 100 / r[i]
	}
	printf "%s %d %d %.0f %.0f %.0f %.1f %.1f\n", kind, n, median(c, n), median(t, n), median(r, n),
		median(m, n), median(s, n), cost
}

END {
	if (!count["token"] || !count["extension"] || !turns[1] || !turns[2]) {
		print "module_cost: the trace lacks tokens or extensions, with cca_rsi_enter or without" >"/dev/stderr"
		exit 1
	}
	cost = turn_median(2) - turn_median(1)
	report("token")
	report("extension")
}
