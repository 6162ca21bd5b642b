/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Declarations shared by the module's files, one section per file: the RMM, the
 * realm, the user interfaces. Each file uses only the sections above its own, and
 * mlog.h.
 */
#ifndef CCA_RSI_H
#define CCA_RSI_H

#include <linux/cleanup.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <uapi/linux/cca_rsi.h>
#include <uapi/linux/cca_rsi_netlink.h>

#include "mlog.h"

/* RIM is 0, REM0..REM3 are 1..4 */
#define CCA_REALM_REGISTERS (CCA_RSI_INDEX_MAX + 1)

/*
 * rsi.c, or rsi_fake.c: each function makes one SMC (the first makes up to five), keeps
 * no state and takes no lock. Each fails with -EINVAL, -ESTALE (no token is in
 * progress), -EOPNOTSUPP or -EIO, according to the RMM's status.
 */

/* cca_rsi_token_continue() returns this while there is more to come: call it again. */
#define CCA_RSI_INCOMPLETE 1

int cca_rsi_config_read(struct cca_rsi_config *config);
int cca_rsi_measurement_read(u32 index, u8 *value, size_t size);
int cca_rsi_measurement_extend(u32 index, const u8 *digest, size_t size);
int cca_rsi_token_init(const u8 *challenge, size_t *bound);
int cca_rsi_token_continue(u8 *granule, size_t *len);
bool cca_rsi_protected(phys_addr_t start, size_t size);

/* firmware.c */

int cca_firmware_log(struct mlog *log);

/* realm.c: the configuration, read once, and the registers, whose log is cca_log */

/**
 * struct cca_realm - the realm as the user interfaces see it
 * @config: complete before the first user interface is registered, except for the
 *	    flag FOREIGN and log_seq; cca_realm_config() returns a copy that has them
 * @hash: the algorithm that config.hash_algo names
 */
struct cca_realm {
	struct cca_rsi_config config;
	const struct mlog_hash *hash;
};

extern struct cca_realm cca_realm;

/* The RMM's registers are read and extended, and tokens are started, with its lock held. */
extern struct mlog cca_log;

int cca_realm_init(void);
void cca_realm_exit(void);
void cca_realm_config(struct cca_rsi_config *config);
int cca_realm_measurements_read(u32 first, u32 count, struct cca_rsi_measurement *values);
int cca_realm_extend(struct cca_rsi_extend *arg, const void *event);

/* token.c */

/**
 * struct cca_token - a finished attestation token
 * @size: bytes in @data
 * @log_seq: number of log records that the token's registers account for
 * @data: the RMM's bytes
 */
struct cca_token {
	size_t size;
	u64 log_seq;
	u8 data[];
};

extern struct mutex cca_token_lock;

struct cca_token *cca_token_make(const u8 *challenge);

/* The user interfaces: tsm.c, mr.c (with tsm-mr only), netlink.c, dump.c, device.c and ioctl.c */

struct attribute_group;
struct file;
struct genl_info;
struct netlink_ext_ack;
struct sk_buff;

/* The device's attributes; mr.c fills this in before the device is registered. */
extern const struct attribute_group *cca_device_groups[2];

int cca_tsm_init(void);
void cca_tsm_exit(void);

int cca_mr_init(void);
void cca_mr_exit(void);

int cca_netlink_init(void);
void cca_netlink_exit(void);
int cca_netlink_put(struct sk_buff *skb, const struct genl_info *info,
		    int (*fill)(struct sk_buff *skb, const void *what), const void *what);
int cca_netlink_admin(struct sk_buff *skb, struct netlink_ext_ack *extack);

int cca_device_init(void);
void cca_device_exit(void);
long cca_ioctl(struct file *file, unsigned int cmd, unsigned long user);

#endif /* CCA_RSI_H */
