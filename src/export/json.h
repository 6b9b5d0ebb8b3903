/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_EXPORT_JSON_H
#define MEWATCH_EXPORT_JSON_H

/*
 * Building JSON: the one user of the JSON library. Every text but a safe one is taken as untrusted and
 * escaped (base/text.h) first. Failures stick: setters on NULL or on a failed value do nothing, and
 * me_json_write() says so at the end.
 */
#include <stdbool.h>
#include <stdint.h>
#include "base/cleanup.h"
#include "base/strbuf.h"
#include "export/value.h"

struct me_json;

struct me_json *me_json_object(void);
struct me_json *me_json_array(void);
void me_json_free(struct me_json **json);
ME_DEFINE_CLEANUP(struct me_json *, me_json_free)
#define _cleanup_json_ _cleanup_(me_json_freep)

/* Sets a member; absent values set nothing. */
void me_json_set(struct me_json *object, const char *key, struct me_value value);
void me_json_set_text(struct me_json *object, const char *key, const char *text);
void me_json_set_number(struct me_json *object, const char *key, uint64_t number);
void me_json_set_bool(struct me_json *object, const char *key, bool truth);

/* Moves `child`, which becomes NULL, under the key, or to the end of the array. */
void me_json_set_child(struct me_json *object, const char *key, struct me_json **child);
void me_json_append(struct me_json *array, struct me_json **child);

void me_json_append_number(struct me_json *array, uint64_t number);

/* The same for text of our own, in which what came from outside is escaped already. */
void me_json_set_safe(struct me_json *object, const char *key, const char *text);
void me_json_append_safe(struct me_json *array, const char *text);

/* Appends it on one line, members in the order in which they were set. 0 or -ENOMEM. */
int me_json_write(const struct me_json *json, struct me_strbuf *out);

#endif
