/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_TESTS_KERNEL_WORLD_H
#define MEWATCH_TESTS_KERNEL_WORLD_H

/*
 * Real surroundings for the tests: processes in namespaces of their own, the ip command, sockets.
 * Whatever cannot be made fails the test.
 */
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* A process in a new network namespace with lo up. It ends with world_end(), or with the test. */
struct world {
	pid_t pid;
	int ns; /* to enter its namespace */
	uint64_t cookie;
};

struct world world_begin(void);
void world_end(struct world *world);

/* The cookie of a namespace. */
uint64_t world_cookie(int ns);

/* Runs a command, words split at spaces, with the thread in `ns` (-1: here); it must succeed. */
void world_run(int ns, const char *command);

/* Opens a socket inside `ns` (-1: here). */
int world_socket(int ns, int family, int type, int protocol);
/* The same inside `ns`, or the negative errno of why not. */
int world_try_socket(int ns, int family, int type, int protocol);

/* Binds to an address in text and a port (0: any), returns the port. */
uint16_t world_bind(int fd, const char *address, uint16_t port);
void world_connect(int fd, const char *address, uint16_t port);

/* Raises the limit of open files to at least `n`. */
void world_allow_files(unsigned int n);

/* Waits until `condition` holds, asking it every few milliseconds; fails after a generous deadline. */
void world_wait(bool (*condition)(void *userdata), void *userdata);

#endif
