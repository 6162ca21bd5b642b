// SPDX-License-Identifier: GPL-2.0-only
/*
 * The calls of /dev/cca-rsi. A file open for reading may observe, one open for
 * writing may extend; its mode says it all, there are no further checks.
 */

#include <linux/anon_inodes.h>
#include <linux/array_size.h>
#include <linux/build_bug.h>
#include <linux/cleanup.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "device.h"
#include "mr.h"
#include "reader.h"
#include "realm.h"
#include "record.h"
#include "token.h"

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

static void token_free(struct cca_token *token)
{
	kvfree(token->data);
	kfree(token);
}

static int token_release(struct inode *inode, struct file *file)
{
	token_free(file->private_data);
	return 0;
}

static const struct file_operations token_fops = {
	.owner = THIS_MODULE,
	.read = token_read,
	.llseek = token_llseek,
	.release = token_release,
};

/* A file that holds a new token, or an ERR_PTR(); says the token's size in @arg. */
static struct file *token_file_new(struct cca_rsi_token *arg)
{
	struct cca_token *token = kzalloc(sizeof(*token), GFP_KERNEL_ACCOUNT);
	struct file *file;
	int ret;

	if (!token)
		return ERR_PTR(-ENOMEM);
	ret = cca_token_make(arg->challenge, token);
	if (ret) {
		kfree(token);
		return ERR_PTR(ret);
	}
	arg->size = token->size;
	arg->log_seq = token->log_seq;
	file = anon_inode_getfile_fmode("[cca-token]", &token_fops, token, O_RDONLY,
					FMODE_LSEEK | FMODE_PREAD);
	if (IS_ERR(file))
		token_free(token);
	return file;
}

static int token_call(void __user *uarg, size_t usize)
{
	struct cca_rsi_token arg;
	struct file *file;
	int ret, fd;

	ret = copy_struct_from_user(&arg, sizeof(arg), uarg, usize);
	if (ret)
		return ret;
	fd = get_unused_fd_flags(O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return fd;
	file = token_file_new(&arg);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		return PTR_ERR(file);
	}
	arg.fd = fd;
	ret = copy_struct_to_user(uarg, usize, &arg, sizeof(arg), NULL);
	if (ret) {
		fput(file);
		put_unused_fd(fd);
		return ret;
	}
	fd_install(fd, file);
	return 0;
}

static int config_call(void __user *uarg, size_t usize)
{
	struct cca_rsi_config config;

	cca_realm_config(&config);
	return copy_struct_to_user(uarg, usize, &config, sizeof(config), NULL);
}

static int measurement_call(void __user *uarg, size_t usize)
{
	struct cca_rsi_measurement arg;
	int ret;

	ret = copy_struct_from_user(&arg, sizeof(arg), uarg, usize) ?:
	      cca_realm_measurements_read(arg.index, 1, &arg);
	if (ret)
		return ret;
	return copy_struct_to_user(uarg, usize, &arg, sizeof(arg), NULL);
}

static int extend_call(void __user *uarg, size_t usize)
{
	struct cca_rsi_extend arg;
	struct cca_event event;
	int ret;

	ret = copy_struct_from_user(&arg, sizeof(arg), uarg, usize);
	if (ret)
		return ret;
	if (arg.event_size > CCA_REALM_EVENT_MAX)
		return -EINVAL;
	void *data __free(kfree) = memdup_user(u64_to_user_ptr(arg.event), arg.event_size);
	if (IS_ERR(data))
		return PTR_ERR(data);
	event = (struct cca_event){
		.index = arg.index,
		.type = arg.event_type,
		.digest = arg.digest,
		.digest_size = arg.digest_size,
		.data = data,
		.size = arg.event_size,
	};
	ret = cca_realm_extend(&event, &arg.seq);
	if (ret)
		return ret;
	return copy_struct_to_user(uarg, usize, &arg, sizeof(arg), NULL);
}

static const struct device_call {
	unsigned int cmd;
	size_t size_min;
	fmode_t mode;
	int (*call)(void __user *uarg, size_t usize);
} device_calls[] = {
	{ CCA_RSI_CONFIG, CCA_RSI_CONFIG_SIZE_VER0, FMODE_READ, config_call },
	{ CCA_RSI_MEASUREMENT, CCA_RSI_MEASUREMENT_SIZE_VER0, FMODE_READ, measurement_call },
	{ CCA_RSI_EXTEND, CCA_RSI_EXTEND_SIZE_VER0, FMODE_WRITE, extend_call },
	{ CCA_RSI_TOKEN, CCA_RSI_TOKEN_SIZE_VER0, FMODE_READ, token_call },
};

static_assert(sizeof(struct cca_rsi_config) == CCA_RSI_CONFIG_SIZE_VER0);
static_assert(sizeof(struct cca_rsi_measurement) == CCA_RSI_MEASUREMENT_SIZE_VER0);
static_assert(sizeof(struct cca_rsi_extend) == CCA_RSI_EXTEND_SIZE_VER0);
static_assert(sizeof(struct cca_rsi_token) == CCA_RSI_TOKEN_SIZE_VER0);

/* The same call, whichever version of its structure the caller knows? */
static bool cmd_is(unsigned int cmd, unsigned int other)
{
	return _IOC_TYPE(cmd) == _IOC_TYPE(other) && _IOC_DIR(cmd) == _IOC_DIR(other);
}

static long device_ioctl(struct file *file, unsigned int cmd, unsigned long uarg)
{
	const struct device_call *call;
	unsigned int nr = _IOC_NR(cmd);

	if (nr >= ARRAY_SIZE(device_calls))
		return -ENOTTY;
	call = &device_calls[array_index_nospec(nr, ARRAY_SIZE(device_calls))];
	if (!cmd_is(cmd, call->cmd))
		return -ENOTTY;
	if (!(file->f_mode & call->mode))
		return -EBADF;
	if (_IOC_SIZE(cmd) < call->size_min)
		return -EINVAL;
	return call->call((void __user *)uarg, _IOC_SIZE(cmd));
}

static const struct file_operations device_fops = {
	.owner = THIS_MODULE,
	.open = cca_reader_open,
	.release = cca_reader_release,
	.read = cca_reader_read,
	.llseek = cca_reader_llseek,
	.poll = cca_reader_poll,
	.unlocked_ioctl = device_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static const struct attribute_group *device_groups[2];

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "cca-rsi",
	.mode = 0600,
	.fops = &device_fops,
	.groups = device_groups,
};

/**
 * cca_device_init() - open the door /dev/cca-rsi
 *
 * Return: 0 or an error of misc_register() or tsm_mr_create_attribute_group()
 */
int cca_device_init(void)
{
	int ret;

	device_groups[0] = cca_mr_new();
	if (IS_ERR(device_groups[0]))
		return PTR_ERR(device_groups[0]);
	ret = misc_register(&device);
	if (ret)
		cca_mr_free(device_groups[0]);
	return ret;
}

/**
 * cca_device_exit() - shut it
 */
void cca_device_exit(void)
{
	misc_deregister(&device);
	cca_mr_free(device_groups[0]);
}
