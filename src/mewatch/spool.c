/* SPDX-License-Identifier: GPL-2.0-only */
#include "mewatch/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "base/cleanup.h"

#define ALIGNMENT 8u

struct file {
	uint64_t epoch;
	uint32_t current; /* the half that is written to */
	uint32_t used[2]; /* bytes of each */
	uint32_t zero;
	uint8_t half[2][ME_SPOOL_HALF];
};

struct me_spool {
	struct file *file;
};

int me_spool_open(const char *path, uint64_t epoch, struct me_spool **ret_spool)
{
	_cleanup_close_ int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	struct me_spool *spool;
	void *memory;
	int err;

	if (fd < 0)
		return -errno;
	/* Not a hole: on a full disk to write into one is SIGBUS. */
	err = posix_fallocate(fd, 0, sizeof(struct file));
	if (err || ftruncate(fd, sizeof(struct file))) {
		err = err ? err : errno;
		if (ftruncate(fd, 0)) /* what it did get is better used by others */
			err = errno;
		return -err;
	}
	spool = calloc(1, sizeof(*spool));
	if (!spool)
		return -ENOMEM;
	memory = mmap(NULL, sizeof(struct file), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED) {
		free(spool);
		return -errno;
	}
	spool->file = memory;
	if (spool->file->epoch != epoch || spool->file->current > 1 ||
	    spool->file->used[0] > ME_SPOOL_HALF || spool->file->used[1] > ME_SPOOL_HALF)
		spool->file->used[0] = spool->file->used[1] = spool->file->current = 0;
	spool->file->epoch = epoch;
	*ret_spool = spool;
	return 0;
}

void me_spool_close(struct me_spool **spool)
{
	if (!*spool)
		return;
	munmap((*spool)->file, sizeof(struct file));
	free(*spool);
	*spool = NULL;
}

static uint32_t size_of(const struct me_payload *head)
{
	return (sizeof(*head) + head->length + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
}

void me_spool_turn(struct me_spool *spool)
{
	struct file *file = spool->file;
	uint32_t next = !file->current, used = file->used[next];

	__atomic_store_n(&file->used[next], 0, __ATOMIC_RELEASE);
	memset(file->half[next], 0, used < ME_SPOOL_HALF ? used : ME_SPOOL_HALF);
	__atomic_store_n(&file->current, next, __ATOMIC_RELEASE);
}

void me_spool_put(struct me_spool *spool, const struct me_payload *head, const uint8_t *bytes)
{
	struct file *file = spool->file;
	uint32_t size = size_of(head), used = file->used[file->current];
	uint8_t *at;

	if (used + size > ME_SPOOL_HALF) {
		me_spool_turn(spool);
		used = 0;
	}
	at = file->half[file->current] + used;
	memcpy(at, head, sizeof(*head));
	memcpy(at + sizeof(*head), bytes, head->length);
	/* Only now it is there: a kill before leaves it out. */
	__atomic_store_n(&file->used[file->current], used + size, __ATOMIC_RELEASE);
}

/* The records of one half. What is damaged ends it. */
static void each_of_half(const struct file *file, uint32_t which, uint64_t since_ns,
			 void (*fn)(const struct me_payload *head, const uint8_t *bytes,
				    void *userdata),
			 void *userdata)
{
	uint32_t used = file->used[which], size;

	if (used > ME_SPOOL_HALF)
		return;
	for (uint32_t at = 0; used - at >= sizeof(struct me_payload); at += size) {
		struct me_payload head;

		memcpy(&head, file->half[which] + at, sizeof(head));
		size = size_of(&head);
		if (head.length > ME_MESSAGE_MAX || size > used - at)
			return;
		if (head.ts_ns >= since_ns)
			fn(&head, file->half[which] + at + sizeof(head), userdata);
	}
}

void me_spool_each(const struct me_spool *spool, uint64_t since_ns,
		   void (*fn)(const struct me_payload *head, const uint8_t *bytes, void *userdata),
		   void *userdata)
{
	const struct file *file = spool->file;

	each_of_half(file, !file->current, since_ns, fn, userdata);
	each_of_half(file, file->current, since_ns, fn, userdata);
}
