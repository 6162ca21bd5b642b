// SPDX-License-Identifier: GPL-2.0-only
/*
 * For tests, never to be installed: /dev/rsi-raw lets root make any SMC, in any order, with any
 * registers. Write x0 to x17 at offset 0 to make it, read them back there. At RSI_RAW_GRANULE is
 * the granule that calls may be given, at RSI_RAW_IPA its address. One user at a time.
 */
#include <linux/arm-smccc.h>
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>

#define RSI_RAW_GRANULE	4096
#define RSI_RAW_IPA	8192

static DEFINE_MUTEX(raw_lock);
static struct arm_smccc_1_2_regs raw_regs;
static void *raw_granule;

static ssize_t raw_read(struct file *file, char __user *to, size_t size, loff_t *at)
{
	phys_addr_t ipa = virt_to_phys(raw_granule);
	loff_t offset = *at;
	ssize_t ret;

	if (offset >= RSI_RAW_IPA)
		offset -= RSI_RAW_IPA;
	else if (offset >= RSI_RAW_GRANULE)
		offset -= RSI_RAW_GRANULE;

	mutex_lock(&raw_lock);
	if (*at >= RSI_RAW_IPA)
		ret = simple_read_from_buffer(to, size, &offset, &ipa, sizeof(ipa));
	else if (*at >= RSI_RAW_GRANULE)
		ret = simple_read_from_buffer(to, size, &offset, raw_granule, PAGE_SIZE);
	else
		ret = simple_read_from_buffer(to, size, &offset, &raw_regs, sizeof(raw_regs));
	mutex_unlock(&raw_lock);
	return ret;
}

static ssize_t raw_write(struct file *file, const char __user *from, size_t size, loff_t *at)
{
	loff_t offset = 0;
	ssize_t ret;

	if (*at || size != sizeof(raw_regs))
		return -EINVAL;
	mutex_lock(&raw_lock);
	ret = simple_write_to_buffer(&raw_regs, sizeof(raw_regs), &offset, from, size);
	if (ret == size)
		arm_smccc_1_2_smc(&raw_regs, &raw_regs);
	mutex_unlock(&raw_lock);
	return ret;
}

static const struct file_operations raw_operations = {
	.owner = THIS_MODULE,
	.read = raw_read,
	.write = raw_write,
};

static struct miscdevice raw_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "rsi-raw",
	.fops = &raw_operations,
	.mode = 0600,
};

static int __init raw_init(void)
{
	int ret;

	raw_granule = (void *)get_zeroed_page(GFP_KERNEL);
	if (!raw_granule)
		return -ENOMEM;
	ret = misc_register(&raw_device);
	if (ret)
		free_page((unsigned long)raw_granule);
	return ret;
}
module_init(raw_init);

static void __exit raw_exit(void)
{
	misc_deregister(&raw_device);
	free_page((unsigned long)raw_granule);
}
module_exit(raw_exit);

MODULE_DESCRIPTION("Any SMC for tests");
MODULE_LICENSE("GPL");
MODULE_INFO(test, "Y");
