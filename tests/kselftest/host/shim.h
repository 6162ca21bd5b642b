/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of the kernel that kmod/token.c, realm.c and mlog.c require, for a program on this
 * machine. The headers that they include are empty files; this one is included before them. A
 * mistake that would show only later in the kernel (allocating while pinned, calls without the
 * lock) ends the test at once.
 */
#ifndef SHIM_H
#define SHIM_H

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef unsigned long long u64;
typedef int gfp_t;
typedef uint64_t phys_addr_t;
typedef struct poll_table poll_table;

#define __user

#ifndef SHIM_THREADS
struct mutex {
	bool held;
};
#endif

/* How the kernel around the code under test behaves, and what it has counted */
struct shim {
	int interrupted; /* this one of the next attempts to take a lock fails; 0: none */
	bool unprivileged;
	bool signalled;	      /* the caller is being killed */
	int allocations_left; /* until one fails; negative: none fails */
	_Atomic int held;     /* objects that have not been freed */
	int pinned;
	int yields;
	int warnings;
};

extern struct shim shim;

/* Is the running thread pinned to its CPU? */
#ifdef SHIM_THREADS
extern _Thread_local int shim_pinned;
#else
#define shim_pinned shim.pinned
#endif

struct kernel_param;

struct kernel_param_ops {
	int (*set)(const char *text, const struct kernel_param *param);
	int (*get)(char *buffer, const struct kernel_param *param);
};

struct kernel_param {
	const struct kernel_param_ops *ops;
};

typedef int wait_queue_head_t;
#define init_waitqueue_head(head)   ((void)(*(head) = 0))
#define wake_up_interruptible(head) ((void)(*(head))++)

struct blocking_notifier_head {
	int unused;
};

#define BLOCKING_INIT_NOTIFIER_HEAD(head) ((void)(head))

/* Defined by the test, which counts the calls */
int blocking_notifier_call_chain(struct blocking_notifier_head *head, unsigned long action,
				 void *data);

#define SZ_1M		   0x100000
#define SZ_256K		   0x40000
#define SZ_16M		   0x1000000
#define RSI_GRANULE_SIZE   4096UL
#define GFP_KERNEL_ACCOUNT 0
#define current		   NULL

#define round_up(x, y)		   (((x) + (y) - 1) / (y) * (y))
#define fatal_signal_pending(task) ((void)(task), shim.signalled)
#define usleep_range(min, max)	   ((void)shim.yields++)
#define migrate_disable()	   ((void)shim_pinned++)
#define migrate_enable()	   ((void)shim_pinned--)

#define module_param_cb(name, ops, value, mode) \
	static const __attribute__((unused)) struct kernel_param shim_##name = { ops }
#define param_get_uint			NULL
#define kstrtouint(text, base, value)	((void)(base), *(value) = (unsigned int)atoi(text), 0)
#define array_index_nospec(index, size) (index)
#define CAP_SYS_ADMIN			21
#define capable(cap)			((void)(cap), !shim.unprivileged)
#define MODULE_PARM_DESC(name, text)
#define DEFINE_MUTEX(name)	  struct mutex name
#define ARRAY_SIZE(array)	  (sizeof(array) / sizeof((array)[0]))
#define struct_size(p, member, n) (sizeof(*(p)) + (n) * sizeof((p)->member[0]))
#define pr_err(...)		  ((void)0)
#define pr_warn(...)		  ((void)shim.warnings++)
#define min(a, b) \
	({ \
		typeof(a) shim_a = (a), shim_b = (b); \
		shim_a < shim_b ? shim_a : shim_b; \
	})

#define ERR_PTR(error)		 ((void *)(intptr_t)(error))
#define PTR_ERR(pointer)	 ((int)(intptr_t)(pointer))
#define PTR_ERR_OR_ZERO(pointer) (IS_ERR(pointer) ? PTR_ERR(pointer) : 0)
#define IS_ERR(pointer)		 ((uintptr_t)(pointer) >= (uintptr_t)-4095)
#define no_free_ptr(pointer) \
	({ \
		typeof(pointer) shim_p = (pointer); \
		(pointer) = NULL; \
		shim_p; \
	})

#define guard(name) \
	__attribute__((cleanup(shim_guard_end))) struct mutex *shim_guard = shim_guard_begin
#define __free(name)		  __attribute__((cleanup(shim_##name)))
#define mutex_lock_killable(lock) (shim_lock(lock) ? 0 : -EINTR)
#define mutex_unlock(lock)	  ((void)shim_unlock(lock))

/* threads.h has these for programs with threads. */
#ifndef SHIM_THREADS
#define WRITE_ONCE(x, value)	    ((void)((x) = (value)))
#define READ_ONCE(x)		    (x)
#define mutex_init(lock)	    ((void)((lock)->held = false))
#define smp_store_release(p, value) ((void)(*(p) = (value)))
#define smp_load_acquire(p)	    (*(p))

static inline bool shim_lock(struct mutex *lock)
{
	assert(!lock->held);
	lock->held = !shim.interrupted || --shim.interrupted;
	return lock->held;
}

static inline bool shim_unlock(struct mutex *lock)
{
	return lock->held = false;
}
#endif

static inline struct mutex *shim_guard_begin(struct mutex *lock)
{
	assert(shim_lock(lock));
	return lock;
}

static inline void shim_guard_end(struct mutex **lock)
{
	shim_unlock(*lock);
}

static inline void *shim_alloc(size_t align, size_t size)
{
	void *object;

	assert(!shim_pinned);
	if (shim.allocations_left >= 0 && shim.allocations_left-- == 0)
		return NULL;
	object = aligned_alloc(align, round_up(size, align));
	assert(object);
	memset(object, 0xee, size);
	shim.held++;
	return object;
}

static inline void *kvmalloc(size_t size, gfp_t gfp)
{
	(void)gfp;
	return shim_alloc(sizeof(u64), size);
}

static inline void kvfree(void *object)
{
	shim.held -= object != NULL;
	free(object);
}

static inline void *kvzalloc(size_t size, gfp_t gfp)
{
	void *object = kvmalloc(size, gfp);

	return object ? memset(object, 0, size) : NULL;
}

static inline void put_unaligned_le16(u16 value, void *to)
{
	memcpy(to, (u8[]){ (u8)value, (u8)(value >> 8) }, 2);
}

static inline void put_unaligned_le32(u32 value, void *to)
{
	put_unaligned_le16((u16)value, to);
	put_unaligned_le16((u16)(value >> 16), (u8 *)to + 2);
}

/* The object is aligned to its size, as in the kernel if the size is a power of two. */
static inline void *kzalloc(size_t size, gfp_t gfp)
{
	void *object = shim_alloc(size, size);

	(void)gfp;
	return object ? memset(object, 0, size) : NULL;
}

struct crypto_shash {
	const char *name;
};

static inline struct crypto_shash *crypto_alloc_shash(const char *name, u32 type, u32 mask)
{
	struct crypto_shash *shash = kvmalloc(sizeof(*shash), 0);

	assert(type == 0 && mask == 0);
	if (!shash)
		return ERR_PTR(-ENOMEM);
	shash->name = name;
	return shash;
}

/* Defined by the test, whose registers use a sum instead of SHA-2 */
int crypto_shash_tfm_digest(struct crypto_shash *shash, const u8 *data, unsigned int len, u8 *out);

static inline void crypto_free_shash(struct crypto_shash *shash)
{
	if (!IS_ERR(shash))
		kvfree(shash);
}

static inline void shim_kfree(void *object)
{
	kvfree(*(void **)object);
}

static inline void shim_kvfree(void *object)
{
	kvfree(*(void **)object);
}

#endif /* SHIM_H */
