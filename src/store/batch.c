/* SPDX-License-Identifier: GPL-2.0-only */
#include "store/batch.h"

#include <errno.h>
#include <string.h>

#define FIRST_ROOM 64u

void me_batch_clear(struct me_batch *batch)
{
	struct me_batch kept = *batch;

	*batch = (struct me_batch){
		.texts = {.data = kept.texts.data, .cap = kept.texts.cap},
		.counts = kept.counts,
		.counts_room = kept.counts_room,
		.violations = kept.violations,
		.violations_room = kept.violations_room,
		.events = kept.events,
		.events_room = kept.events_room,
		.spans = kept.spans,
		.spans_room = kept.spans_room,
	};
}

void me_batch_free(struct me_batch *batch)
{
	me_strbuf_free(&batch->texts);
	free(batch->counts);
	free(batch->violations);
	free(batch->events);
	free(batch->spans);
	*batch = (struct me_batch){0};
}

me_batch_text me_batch_put(struct me_batch *batch, const char *text)
{
	me_batch_text at;

	if (!batch->texts.len)
		me_strbuf_addc(&batch->texts, '\0');
	if (!text || !*text)
		return 0;
	at = (me_batch_text)batch->texts.len;
	me_strbuf_add(&batch->texts, text, strlen(text) + 1);
	if (!batch->texts.err && batch->texts.len <= UINT32_MAX)
		return at;
	batch->err = -ENOMEM;
	return 0;
}

const char *me_batch_get(const struct me_batch *batch, me_batch_text text)
{
	return batch->texts.data && text ? batch->texts.data + text : "";
}

/* Makes room for one more element. */
static bool grow(struct me_batch *batch, void **array, size_t n, size_t *room, size_t size)
{
	size_t wanted = *room ? 2 * *room : FIRST_ROOM;
	void *moved;

	if (n < *room)
		return true;
	moved = reallocarray(*array, wanted, size);
	if (!moved) {
		batch->err = -ENOMEM;
		return false;
	}
	*array = moved;
	*room = wanted;
	return true;
}

/* clang-format off */
#define DEFINE_ADD(what, plural)                                                                   \
	struct me_batch_##what *me_batch_##what(struct me_batch *batch)                            \
	{                                                                                          \
		static struct me_batch_##what nowhere;                                             \
		struct me_batch_##what *added = &nowhere;                                          \
		void *array = batch->plural;                                                       \
												   \
		if (grow(batch, &array, batch->n_##plural, &batch->plural##_room, sizeof(*added))) { \
			batch->plural = array;                                                     \
			added = &batch->plural[batch->n_##plural++];                               \
		}                                                                                  \
		*added = (struct me_batch_##what){0};                                              \
		return added;                                                                      \
	}

DEFINE_ADD(count, counts)
DEFINE_ADD(violation, violations)
DEFINE_ADD(event, events)
DEFINE_ADD(span, spans)
/* clang-format on */
