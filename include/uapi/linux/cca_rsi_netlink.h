/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/cca-rsi.yaml */
/* YNL-GEN uapi header */
/* To regenerate run: tools/net/ynl/ynl-regen.sh */

#ifndef _UAPI_LINUX_CCA_RSI_NETLINK_H
#define _UAPI_LINUX_CCA_RSI_NETLINK_H

#define CCA_RSI_FAMILY_NAME	"cca-rsi"
#define CCA_RSI_FAMILY_VERSION	1

#define CCA_RSI_CHALLENGE_LEN	64
#define CCA_RSI_RPV_LEN		64
#define CCA_RSI_DIGEST_LEN_MAX	64
#define CCA_RSI_EVENT_LEN_MAX	4096
#define CCA_RSI_INDEX_MAX	4

/*
 * Numbered as in RSI.
 */
enum cca_rsi_hash_algo {
	CCA_RSI_HASH_ALGO_SHA256,
	CCA_RSI_HASH_ALGO_SHA512,
	CCA_RSI_HASH_ALGO_SHA384,
};

/**
 * enum cca_rsi_record_kind
 * @CCA_RSI_RECORD_KIND_BASE: A register's value when the log began.
 * @CCA_RSI_RECORD_KIND_EVENT: An extension.
 * @CCA_RSI_RECORD_KIND_FOREIGN: A register's value, when it differed from the
 *   log.
 * @CCA_RSI_RECORD_KIND_BOOT: An event of firmware, from before the log began.
 */
enum cca_rsi_record_kind {
	CCA_RSI_RECORD_KIND_BASE,
	CCA_RSI_RECORD_KIND_EVENT,
	CCA_RSI_RECORD_KIND_FOREIGN,
	CCA_RSI_RECORD_KIND_BOOT,
};

/**
 * enum cca_rsi_config_flags
 * @CCA_RSI_CONFIG_FLAGS_TOKEN: Tokens are available. If clear, configfs-tsm
 *   belongs to another driver, or still has reports of an earlier one.
 * @CCA_RSI_CONFIG_FLAGS_FOREIGN: A register differed from the log.
 */
enum cca_rsi_config_flags {
	CCA_RSI_CONFIG_FLAGS_TOKEN = 1,
	CCA_RSI_CONFIG_FLAGS_FOREIGN = 2,
};

enum {
	CCA_RSI_A_CONFIG_ABI_LOWER = 1,
	CCA_RSI_A_CONFIG_ABI_HIGHER,
	CCA_RSI_A_CONFIG_IPA_BITS,
	CCA_RSI_A_CONFIG_HASH_ALGO,
	CCA_RSI_A_CONFIG_DIGEST_SIZE,
	CCA_RSI_A_CONFIG_REGISTERS,
	CCA_RSI_A_CONFIG_FLAGS,
	CCA_RSI_A_CONFIG_EVENT_MAX,
	CCA_RSI_A_CONFIG_LOG_SEQ,
	CCA_RSI_A_CONFIG_RPV,

	__CCA_RSI_A_CONFIG_MAX,
	CCA_RSI_A_CONFIG_MAX = (__CCA_RSI_A_CONFIG_MAX - 1)
};

enum {
	CCA_RSI_A_MEASUREMENT_INDEX = 1,
	CCA_RSI_A_MEASUREMENT_VALUE,
	CCA_RSI_A_MEASUREMENT_DIGEST,
	CCA_RSI_A_MEASUREMENT_EVENT_TYPE,
	CCA_RSI_A_MEASUREMENT_EVENT,
	CCA_RSI_A_MEASUREMENT_SEQ,
	CCA_RSI_A_MEASUREMENT_KIND,

	__CCA_RSI_A_MEASUREMENT_MAX,
	CCA_RSI_A_MEASUREMENT_MAX = (__CCA_RSI_A_MEASUREMENT_MAX - 1)
};

enum {
	CCA_RSI_A_TOKEN_CHALLENGE = 1,
	CCA_RSI_A_TOKEN_SIZE,
	CCA_RSI_A_TOKEN_OFFSET,
	CCA_RSI_A_TOKEN_CHUNK,
	CCA_RSI_A_TOKEN_LOG_SEQ,

	__CCA_RSI_A_TOKEN_MAX,
	CCA_RSI_A_TOKEN_MAX = (__CCA_RSI_A_TOKEN_MAX - 1)
};

enum {
	CCA_RSI_A_LOG_USED = 1,
	CCA_RSI_A_LOG_LIMIT,

	__CCA_RSI_A_LOG_MAX,
	CCA_RSI_A_LOG_MAX = (__CCA_RSI_A_LOG_MAX - 1)
};

enum {
	CCA_RSI_CMD_CONFIG_GET = 1,
	CCA_RSI_CMD_MEASUREMENT_GET,
	CCA_RSI_CMD_MEASUREMENT_EXTEND,
	CCA_RSI_CMD_TOKEN_GET,
	CCA_RSI_CMD_LOG_GET,
	CCA_RSI_CMD_MEASUREMENT_EXTEND_NTF,
	CCA_RSI_CMD_LOG_FULL_NTF,

	__CCA_RSI_CMD_MAX,
	CCA_RSI_CMD_MAX = (__CCA_RSI_CMD_MAX - 1)
};

#define CCA_RSI_MCGRP_EVENTS	"events"

#endif /* _UAPI_LINUX_CCA_RSI_NETLINK_H */
