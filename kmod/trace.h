/* SPDX-License-Identifier: GPL-2.0-only */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM cca_rsi

#if !defined(CCA_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define CCA_TRACE_H

#include <linux/tracepoint.h>

#include <asm/rsi_smc.h>

/* clang-format off */
#define show_rsi_function(function)						\
	__print_symbolic(function,						\
			 { SMC_RSI_ABI_VERSION, "VERSION" },			\
			 { SMC_RSI_FEATURES, "FEATURES" },			\
			 { SMC_RSI_REALM_CONFIG, "REALM_CONFIG" },		\
			 { SMC_RSI_MEASUREMENT_READ, "MEASUREMENT_READ" },	\
			 { SMC_RSI_MEASUREMENT_EXTEND, "MEASUREMENT_EXTEND" },	\
			 { SMC_RSI_ATTESTATION_TOKEN_INIT, "TOKEN_INIT" },	\
			 { SMC_RSI_ATTESTATION_TOKEN_CONTINUE, "TOKEN_CONTINUE" })

/* Before each call: its function identifier */
TRACE_EVENT(cca_rsi_enter,
	    TP_PROTO(u64 function),
	    TP_ARGS(function),
	    TP_STRUCT__entry(__field(u64, function)),
	    TP_fast_assign(__entry->function = function;),
	    TP_printk("%s", show_rsi_function(__entry->function))
);

/*
 * After each call: the RMM's status (RSI_*), the number of bytes of a token that it
 * wrote, and the duration in ns, which is 0 if tracing was enabled during the call.
 * A register's value is never recorded.
 */
TRACE_EVENT(cca_rsi_exit,
	    TP_PROTO(u64 function, u64 status, u64 length, u64 duration),
	    TP_ARGS(function, status, length, duration),
	    TP_STRUCT__entry(__field(u64, function) __field(u64, status)
			     __field(u64, length) __field(u64, duration)),
	    TP_fast_assign(__entry->function = function;
			   __entry->status = status;
			   __entry->length = length;
			   __entry->duration = duration;),
	    TP_printk("%s status=%lld length=%llu duration=%llu",
		      show_rsi_function(__entry->function), (s64)__entry->status,
		      __entry->length, __entry->duration)
);

#endif /* CCA_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
