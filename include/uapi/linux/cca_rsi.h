/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * Arm CCA Realm Services Interface: /dev/cca-rsi
 *
 * The device gives a realm access to its configuration, its measurement registers,
 * the log of their extensions, and attestation tokens signed by the Realm Management
 * Monitor.
 *
 * New fields are added at the end of a structure only, and zero means absent. The
 * ioctl number contains the structure size that the caller knows: a shorter
 * structure receives the fields that fit, a longer one is accepted if the bytes
 * that the kernel does not know are zero (E2BIG otherwise).
 */
#ifndef _UAPI_LINUX_CCA_RSI_H
#define _UAPI_LINUX_CCA_RSI_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define CCA_RSI_IOC_TYPE 0xBC

/* A challenge always has this size; the caller pads shorter ones. */
#define CCA_RSI_CHALLENGE_SIZE 64
/* Size of the longest digest; see digest_size for the valid part. */
#define CCA_RSI_DIGEST_MAX 64
#define CCA_RSI_RPV_SIZE 64

/* Values of cca_rsi_config.hash_algo, as RSI numbers them */
#define CCA_RSI_HASH_SHA256 0
#define CCA_RSI_HASH_SHA512 1
#define CCA_RSI_HASH_SHA384 2

/* Bits of cca_rsi_config.flags */
/*
 * Tokens are available. If clear, configfs-tsm belongs to another driver, or still
 * has reports of an earlier one, and CCA_RSI_TOKEN fails with EBUSY.
 */
#define CCA_RSI_CONFIG_F_TOKEN 0x1
/* A register differed from the log: it was extended without a record, or by another rule. */
#define CCA_RSI_CONFIG_F_FOREIGN 0x2

/*
 * Bits of cca_rsi_config.present: the later fields that have a value. The others are
 * zero because the module or the RMM does not have them, which is not the value zero.
 */
#define CCA_RSI_CONFIG_P_ABI 0x1
#define CCA_RSI_CONFIG_P_FEATURES 0x2
#define CCA_RSI_CONFIG_P_AUX_PLANES 0x4
#define CCA_RSI_CONFIG_P_GICV3_VTR 0x8
#define CCA_RSI_CONFIG_P_ATS_PLANE 0x10

/* Bits of cca_rsi_config.features, as RSI_FEATURES numbers them */
#define CCA_RSI_FEATURE_DA 0x1	/* devices can be assigned to the realm */
#define CCA_RSI_FEATURE_MRO 0x2 /* planes may have memory that is mostly read-only */
#define CCA_RSI_FEATURE_ATS 0x4 /* assigned devices may translate addresses themselves */

/*
 * Reading the device reads the event log, a TCG crypto-agile log that starts with
 * its header. Positions are offsets in bytes; poll() reports POLLPRI while more than
 * seven eighths of the log are used.
 *
 * Records of this event type hold a register's value: when the log began, or when
 * the register differed from the log. Their event is a signature, then the value,
 * from which a replay continues.
 */
#define CCA_RSI_EV_NO_ACTION 3
#define CCA_RSI_LOG_SIGNATURE_SIZE 16
#define CCA_RSI_LOG_BASE "CCA RSI base"
#define CCA_RSI_LOG_FOREIGN "CCA RSI foreign"

/**
 * struct cca_rsi_config - the realm and this interface, returned by CCA_RSI_CONFIG
 * @abi_lower: lowest RSI revision of the RMM, major << 16 | minor
 * @abi_higher: highest RSI revision of the RMM, major << 16 | minor
 * @ipa_bits: width of the realm's intermediate physical addresses
 * @hash_algo: CCA_RSI_HASH_*, the algorithm of each register
 * @digest_size: length of that algorithm's digests in bytes
 * @registers: number of registers; 0 is RIM, the ones above are REM0, REM1, ...
 * @flags: CCA_RSI_CONFIG_F_*
 * @event_max: longest event that CCA_RSI_EXTEND accepts, in bytes
 * @log_seq: number of records in the event log
 * @rpv: Realm Personalization Value, chosen by the creator of the realm
 * @present: CCA_RSI_CONFIG_P_*, which of the fields below have a value
 * @abi: RSI revision that the fields below are of: the highest one that the RMM
 *	 accepted, of those that the module knows; major << 16 | minor
 * @features: RSI feature register 0, CCA_RSI_FEATURE_*
 * @aux_planes: number of planes that the realm has in addition to plane 0
 * @gicv3_vtr: the GICv3 VGIC type register (ICH_VTR_EL2) of the realm's CPUs
 * @ats_plane: plane whose translation assigned devices use; without meaning unless
 *	       @features has CCA_RSI_FEATURE_ATS
 */
struct cca_rsi_config {
	__u32 abi_lower;
	__u32 abi_higher;
	__u32 ipa_bits;
	__u32 hash_algo;
	__u32 digest_size;
	__u32 registers;
	__u32 flags;
	__u32 event_max;
	__aligned_u64 log_seq;
	__u8 rpv[CCA_RSI_RPV_SIZE];
	__u32 present;
	__u32 abi;
	__aligned_u64 features;
	__aligned_u64 aux_planes;
	__aligned_u64 gicv3_vtr;
	__aligned_u64 ats_plane;
};

/**
 * struct cca_rsi_measurement - one register, returned by CCA_RSI_MEASUREMENT
 * @index: in: 0 for RIM, 1..4 for REM0..REM3
 * @size: out: length of the value in bytes
 * @value: out: the register, zero beyond @size
 */
struct cca_rsi_measurement {
	__u32 index;
	__u32 size;
	__u8 value[CCA_RSI_DIGEST_MAX];
};

/**
 * struct cca_rsi_extend - extend a register with the digest of an event
 * @index: in: 1..4 for REM0..REM3; RIM cannot be extended
 * @digest_size: in: must be cca_rsi_config.digest_size
 * @digest: in: the register becomes H(register || digest)
 * @event_type: in: TCG event type of the record; not CCA_RSI_EV_NO_ACTION
 * @event_size: in: length of the event, at most cca_rsi_config.event_max
 * @event: in: pointer to the event that the digest is of
 * @seq: out: position of the record in the event log
 *
 * Requires a file opened for writing. ENOSPC means that the log is full, or
 * nearly full and the caller does not have CAP_SYS_ADMIN; the register has not been
 * extended. An extension cannot be undone: EFAULT may also
 * mean that only @seq could not be written back, so look at the end of the log.
 */
struct cca_rsi_extend {
	__u32 index;
	__u32 digest_size;
	__u8 digest[CCA_RSI_DIGEST_MAX];
	__u32 event_type;
	__u32 event_size;
	__aligned_u64 event;
	__aligned_u64 seq;
};

/**
 * struct cca_rsi_token - have an attestation token signed
 * @challenge: in: included in the token unchanged
 * @fd: out: file to read the token from; read-only, seekable, close-on-exec
 * @size: out: length of the token in bytes
 * @log_seq: out: number of log records that the token's registers account for
 */
struct cca_rsi_token {
	__u8 challenge[CCA_RSI_CHALLENGE_SIZE];
	__s32 fd;
	__u32 size;
	__aligned_u64 log_seq;
};

/* Sizes of the first published version of each structure */
#define CCA_RSI_CONFIG_SIZE_VER0 104
#define CCA_RSI_MEASUREMENT_SIZE_VER0 72
#define CCA_RSI_EXTEND_SIZE_VER0 96
#define CCA_RSI_TOKEN_SIZE_VER0 80

/* With the fields from present on */
#define CCA_RSI_CONFIG_SIZE_VER1 144

#define CCA_RSI_CONFIG _IOR(CCA_RSI_IOC_TYPE, 0, struct cca_rsi_config)
#define CCA_RSI_MEASUREMENT _IOWR(CCA_RSI_IOC_TYPE, 1, struct cca_rsi_measurement)
#define CCA_RSI_EXTEND _IOWR(CCA_RSI_IOC_TYPE, 2, struct cca_rsi_extend)
#define CCA_RSI_TOKEN _IOWR(CCA_RSI_IOC_TYPE, 3, struct cca_rsi_token)

#endif /* _UAPI_LINUX_CCA_RSI_H */
