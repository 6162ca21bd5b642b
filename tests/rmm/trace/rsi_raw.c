// SPDX-License-Identifier: GPL-2.0-only
/*
 * For tests; never install this module. Through /dev/rsi-raw, root can make any SMC, in any order
 * and with any registers. Only one process may use it at a time. Each 4 KiB of the file have a
 * meaning:
 *
 *	0	write x0 to x17 to make an SMC, read the results
 *	1	the granule that calls can use
 *	2	the IPA of the granule
 *	3	ESR of the abort that answered the SMC, whose registers are then unchanged; 0: no abort
 *	4	read to load a byte of the granule: ESR of the abort, or 0
 */
#include <linux/arm-smccc.h>
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/kdebug.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sizes.h>

enum { RAW_CALL, RAW_GRANULE, RAW_IPA, RAW_ABORT, RAW_LOOK };

static DEFINE_MUTEX(raw_lock);
static struct arm_smccc_1_2_regs raw_regs;
static void *raw_granule;
static struct task_struct *raw_task; /* executes an instruction that may abort */
static u64 raw_esr;		     /* of the last abort */

/* The kernel would treat the abort as fatal. Continues after the instruction instead. */
static int raw_die(struct notifier_block *block, unsigned long reason, void *data)
{
	struct die_args *args = data;

	if (reason != DIE_OOPS || READ_ONCE(raw_task) != current)
		return NOTIFY_DONE;
	raw_esr = args->err;
	args->regs->pc += AARCH64_INSN_SIZE;
	return NOTIFY_STOP;
}

static struct notifier_block raw_notifier = { .notifier_call = raw_die };

static void raw_begin(void)
{
	raw_esr = 0;
	WRITE_ONCE(raw_task, current);
}

static void raw_end(void)
{
	WRITE_ONCE(raw_task, NULL);
}

static void raw_look(void)
{
	u8 byte;

	raw_begin();
	asm volatile("ldrb %w0, [%1]" : "=r"(byte) : "r"(raw_granule) : "memory");
	raw_end();
}

/* Returns the object at file position @at, and sets the @offset of @at in it and its @size. */
static const void *raw_find(loff_t at, loff_t *offset, size_t *size)
{
	static phys_addr_t ipa;

	*offset = at % SZ_4K;
	*size = sizeof(raw_esr);
	switch (at / SZ_4K) {
	case RAW_CALL:
		*size = sizeof(raw_regs);
		return &raw_regs;
	case RAW_GRANULE:
		*size = PAGE_SIZE;
		return raw_granule;
	case RAW_IPA:
		ipa = virt_to_phys(raw_granule);
		return &ipa;
	case RAW_LOOK:
		raw_look();
		fallthrough;
	default:
		return &raw_esr;
	}
}

static ssize_t raw_read(struct file *file, char __user *to, size_t size, loff_t *at)
{
	const void *from;
	size_t room;
	loff_t offset;
	ssize_t ret;

	mutex_lock(&raw_lock);
	from = raw_find(*at, &offset, &room);
	ret = simple_read_from_buffer(to, size, &offset, from, room);
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
	if (ret == size) {
		raw_begin();
		arm_smccc_1_2_smc(&raw_regs, &raw_regs);
		raw_end();
	}
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
	ret = register_die_notifier(&raw_notifier);
	if (ret)
		goto free;
	ret = misc_register(&raw_device);
	if (!ret)
		return 0;
	unregister_die_notifier(&raw_notifier);
free:
	free_page((unsigned long)raw_granule);
	return ret;
}
module_init(raw_init);

static void __exit raw_exit(void)
{
	misc_deregister(&raw_device);
	unregister_die_notifier(&raw_notifier);
	free_page((unsigned long)raw_granule);
}
module_exit(raw_exit);

MODULE_DESCRIPTION("Makes any SMC, for tests");
MODULE_LICENSE("GPL");
MODULE_INFO(test, "Y");
