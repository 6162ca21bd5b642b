// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ioctls of /dev/cca-rsi. A file open for reading may observe, one open for
 * writing may extend. The open mode is the only check.
 */

#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/nospec.h>
#include <linux/uaccess.h>

#include "cca_rsi.h"

/* One ioctl: where the caller's structure is, and the kernel's copy of it */
struct call {
	void __user *user;
	size_t user_size;
	size_t size;
	union {
		struct cca_rsi_config config;
		struct cca_rsi_measurement measurement;
		struct cca_rsi_extend extend;
		struct cca_rsi_token token;
	} arg;
};

static int call_answer(struct call *call)
{
	return copy_struct_to_user(call->user, call->user_size, &call->arg, call->size, NULL);
}

static int config_call(struct call *call)
{
	cca_realm_config(&call->arg.config);
	return call_answer(call);
}

static int measurement_call(struct call *call)
{
	struct cca_rsi_measurement *arg = &call->arg.measurement;

	return cca_realm_measurements_read(arg->index, 1, arg) ?: call_answer(call);
}

static int extend_call(struct call *call)
{
	struct cca_rsi_extend *arg = &call->arg.extend;

	if (arg->event_size > CCA_RSI_EVENT_LEN_MAX)
		return -EINVAL;
	void *event __free(kfree) = memdup_user(u64_to_user_ptr(arg->event), arg->event_size);
	if (IS_ERR(event))
		return PTR_ERR(event);
	return cca_realm_extend(arg, event) ?: call_answer(call);
}

static ssize_t token_read(struct file *file, char __user *buf, size_t count, loff_t *pos)
{
	const struct cca_token *token = file->private_data;

	return simple_read_from_buffer(buf, count, pos, token->data, token->size);
}

static loff_t token_llseek(struct file *file, loff_t offset, int whence)
{
	const struct cca_token *token = file->private_data;

	return fixed_size_llseek(file, offset, whence, token->size);
}

static int token_release(struct inode *inode, struct file *file)
{
	kvfree(file->private_data);
	return 0;
}

static const struct file_operations token_fops = {
	.owner = THIS_MODULE,
	.read = token_read,
	.llseek = token_llseek,
	.release = token_release,
};

/* Returns the token as a file, which is installed only after the answer was copied out. */
static int token_call(struct call *call)
{
	struct cca_rsi_token *arg = &call->arg.token;
	int ret;

	CLASS(get_unused_fd, fd)(O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return fd;
	struct cca_token *token __free(kvfree) = cca_token_make(arg->challenge);
	if (IS_ERR(token))
		return PTR_ERR(token);
	arg->fd = fd;
	arg->size = token->size;
	arg->log_seq = token->log_seq;
	/* clang-format off */
	struct file *file __free(fput) =
		anon_inode_getfile_fmode("[cca-token]", &token_fops, NULL, O_RDONLY,
					 FMODE_LSEEK | FMODE_PREAD);
	/* clang-format on */
	if (IS_ERR(file))
		return PTR_ERR(file);
	file->private_data = no_free_ptr(token);
	ret = call_answer(call);
	if (!ret)
		fd_install(take_fd(fd), no_free_ptr(file));
	return ret;
}

static const struct call_type {
	unsigned int cmd;
	size_t size_min;
	fmode_t mode;
	int (*call)(struct call *call);
} call_types[] = {
	{ CCA_RSI_CONFIG, CCA_RSI_CONFIG_SIZE_VER0, FMODE_READ, config_call },
	{ CCA_RSI_MEASUREMENT, CCA_RSI_MEASUREMENT_SIZE_VER0, FMODE_READ, measurement_call },
	{ CCA_RSI_EXTEND, CCA_RSI_EXTEND_SIZE_VER0, FMODE_WRITE, extend_call },
	{ CCA_RSI_TOKEN, CCA_RSI_TOKEN_SIZE_VER0, FMODE_READ, token_call },
};

static_assert(offsetof(struct cca_rsi_config, present) == CCA_RSI_CONFIG_SIZE_VER0);
static_assert(sizeof(struct cca_rsi_config) == CCA_RSI_CONFIG_SIZE_VER1);
static_assert(sizeof(struct cca_rsi_measurement) == CCA_RSI_MEASUREMENT_SIZE_VER0);
static_assert(sizeof(struct cca_rsi_extend) == CCA_RSI_EXTEND_SIZE_VER0);
static_assert(sizeof(struct cca_rsi_token) == CCA_RSI_TOKEN_SIZE_VER0);

/**
 * cca_ioctl() - handle an ioctl
 * @file: an open /dev/cca-rsi
 * @cmd: CCA_RSI_*, with the structure size that the caller knows
 * @user: the caller's structure
 *
 * Return: 0 or an error, see Documentation/ABI/testing/dev-cca-rsi
 */
long cca_ioctl(struct file *file, unsigned int cmd, unsigned long user)
{
	struct call call = { .user = (void __user *)user, .user_size = _IOC_SIZE(cmd) };
	const struct call_type *type;
	unsigned int nr = _IOC_NR(cmd);
	int ret = 0;

	if (nr >= ARRAY_SIZE(call_types))
		return -ENOTTY;
	type = &call_types[array_index_nospec(nr, ARRAY_SIZE(call_types))];
	/* Is it the same ioctl, apart from the size of the structure? */
	if ((cmd ^ type->cmd) & ~IOCSIZE_MASK)
		return -ENOTTY;
	if (!(file->f_mode & type->mode))
		return -EBADF;
	if (call.user_size < type->size_min)
		return -EINVAL;
	call.size = _IOC_SIZE(type->cmd);
	if (_IOC_DIR(cmd) & _IOC_WRITE)
		ret = copy_struct_from_user(&call.arg, call.size, call.user, call.user_size);
	return ret ?: type->call(&call);
}
