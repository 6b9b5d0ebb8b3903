/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_BASE_CLEANUP_H
#define MEWATCH_BASE_CLEANUP_H

/*
 * Scope-exit cleanup: a variable declared with _cleanup_(f) is handed to f(&variable) when it goes
 * out of scope. What leaves the scope alive is taken out with me_steal_ptr() or me_steal_fd().
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define _cleanup_(function) __attribute__((cleanup(function)))

/* Releases *pointer, a pointer of any type; NULL is nothing to do. */
static inline void me_freep(void *pointer)
{
	void *held;

	/* Pointers of different types may not alias. */
	memcpy(&held, pointer, sizeof(held));
	free(held);
}

/* Closes *fd unless it is negative. */
static inline void me_closep(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/* Closes *stream unless it is NULL. Who needs to know whether the data arrived closes it himself. */
static inline void me_fclosep(FILE **stream)
{
	if (*stream)
		fclose(*stream);
}

#define _cleanup_free_ _cleanup_(me_freep)
#define _cleanup_close_ _cleanup_(me_closep)
#define _cleanup_fclose_ _cleanup_(me_fclosep)

/* From `function(type *)`, which releases what its argument points to, makes `functionp`. */
#define ME_DEFINE_CLEANUP(type, function)                                                          \
	__attribute__((unused)) static inline void function##p(type *held)                         \
	{                                                                                          \
		if (*held)                                                                         \
			function(held);                                                            \
	}

/* The value of a pointer variable, which becomes NULL: ownership moves to the caller. */
#define me_steal_ptr(variable)                                                                     \
	({                                                                                         \
		__typeof__(variable) stolen_from_ = (variable);                                    \
		__typeof__(*stolen_from_) stolen_ = *stolen_from_;                                 \
		*stolen_from_ = NULL;                                                              \
		stolen_;                                                                           \
	})

/* The value of a file descriptor variable, which becomes -1: ownership moves to the caller. */
static inline int me_steal_fd(int *fd)
{
	int stolen = *fd;

	*fd = -1;
	return stolen;
}

#define ME_ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#endif
