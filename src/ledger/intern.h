/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_LEDGER_INTERN_H
#define MEWATCH_LEDGER_INTERN_H

/* Texts that many flows share, each kept once and counted. Id 0 is "no text". */
#include <stddef.h>
#include <stdint.h>

#define ME_INTERN_MAX 262144u           /* different texts at a time */
#define ME_INTERN_TEXT_MAX 4096u        /* bytes of one; the rest is cut off */
#define ME_INTERN_BYTES_MAX (32u << 20) /* of all together, each with its NUL */

struct me_intern;

struct me_intern *me_intern_new(void);
void me_intern_free(struct me_intern **intern);

/*
 * The id of a text, with one reference more; 0 for NULL, for an empty text, and where there is no
 * room (counted in me_intern_refused()).
 */
uint32_t me_intern_get(struct me_intern *intern, const char *text);

/* One reference more, or less; the text goes with the last. Id 0 is tolerated. */
void me_intern_ref(struct me_intern *intern, uint32_t id);
void me_intern_put(struct me_intern *intern, uint32_t id);

/* The text, or NULL for id 0. Valid while it is referenced. */
const char *me_intern_text(const struct me_intern *intern, uint32_t id);

uint64_t me_intern_refused(const struct me_intern *intern);

#endif
