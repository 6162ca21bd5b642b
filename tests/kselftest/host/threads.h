/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For shim.h, which is included after this: the kernel's locks and barriers for a program with
 * threads, under ThreadSanitizer. At each of them a thread may pause, so that others run in places
 * where in the kernel they would run rarely.
 */
#ifndef THREADS_H
#define THREADS_H

#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#define SHIM_THREADS

/* How often a pause is made: one of this many places; 0: none */
extern unsigned int threads_pause_every;

/* Called after each release, if it is set: what the thread finds, a reader on another CPU may find. */
extern void (*threads_released)(void);

static inline unsigned int threads_random(void)
{
	static _Thread_local uint64_t state;

	if (!state)
		state = (uint64_t)(uintptr_t)&state | 1;
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned int)(state >> 20);
}

static inline void threads_pause(void)
{
	struct timespec moment = { 0, 1000 * (1 + threads_random() % 30) };

	if (!threads_pause_every || threads_random() % threads_pause_every)
		return;
	if (threads_random() % 4)
		sched_yield();
	else
		nanosleep(&moment, NULL);
}

struct mutex {
	pthread_mutex_t lock;
	uintptr_t owner; /* 0: none */
};

/* A number that each thread has for itself */
static inline uintptr_t threads_self(void)
{
	static _Thread_local char self;

	return (uintptr_t)&self;
}

#define THREADS_MUTEX { .lock = PTHREAD_MUTEX_INITIALIZER }

static inline bool shim_lock(struct mutex *lock)
{
	threads_pause();
	pthread_mutex_lock(&lock->lock);
	__atomic_store_n(&lock->owner, threads_self(), __ATOMIC_RELAXED);
	return true;
}

static inline bool shim_unlock(struct mutex *lock)
{
	__atomic_store_n(&lock->owner, 0, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&lock->lock);
	threads_pause();
	return false;
}

/* Does this thread hold it? */
static inline bool shim_holds(struct mutex *lock)
{
	return __atomic_load_n(&lock->owner, __ATOMIC_RELAXED) == threads_self();
}

#define mutex_init(m)	 ((void)(*(m) = (struct mutex)THREADS_MUTEX))
#define READ_ONCE(x)	 __atomic_load_n(&(x), __ATOMIC_RELAXED)
#define WRITE_ONCE(x, v) __atomic_store_n(&(x), (v), __ATOMIC_RELAXED)
#define smp_store_release(p, v) \
	do { \
		threads_pause(); \
		__atomic_store_n((p), (v), __ATOMIC_RELEASE); \
		if (threads_released) \
			threads_released(); \
		threads_pause(); \
	} while (0)
#define smp_load_acquire(p) (threads_pause(), __atomic_load_n((p), __ATOMIC_ACQUIRE))
#define cmpxchg(p, old, new) \
	({ \
		void *shim_old = (old); \
		threads_pause(); \
		__atomic_compare_exchange_n((p), &shim_old, (new), false, __ATOMIC_SEQ_CST, \
					    __ATOMIC_SEQ_CST); \
		shim_old; \
	})

#endif /* THREADS_H */
