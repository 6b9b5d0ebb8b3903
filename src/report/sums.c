/* SPDX-License-Identifier: GPL-2.0-only */
#include "report/sums.h"

#include <stdlib.h>
#include <string.h>
#include "base/table.h"
#include "ledger/intern.h"

struct me_sums {
	struct me_intern *texts;
	struct me_table *index; /* words -> place + 1 */
	struct me_sum *list;
	size_t n, room;
};

struct me_sums *me_sums_new(struct me_intern *texts)
{
	struct me_sums *sums = calloc(1, sizeof(*sums));

	if (!sums)
		return NULL;
	sums->texts = texts;
	sums->index = me_table_new(sizeof(sums->list->word), sizeof(size_t), 0);
	if (!sums->index)
		me_sums_free(&sums);
	return sums;
}

void me_sums_free(struct me_sums **sums)
{
	if (!*sums)
		return;
	me_table_free(&(*sums)->index);
	free((*sums)->list);
	free(*sums);
	*sums = NULL;
}

uint64_t *me_sums_at(struct me_sums *sums, const char *a, const char *b, const char *c)
{
	uint32_t word[3] = {me_intern_get(sums->texts, a), me_intern_get(sums->texts, b),
			    me_intern_get(sums->texts, c)};
	void *place;

	if (me_table_put(sums->index, word, &place) < 0)
		return NULL;
	if (!*(size_t *)place) {
		if (sums->n == sums->room) {
			size_t room = sums->room ? 2 * sums->room : 64;
			struct me_sum *list = reallocarray(sums->list, room, sizeof(*list));

			if (!list)
				return NULL;
			sums->list = list;
			sums->room = room;
		}
		memset(&sums->list[sums->n], 0, sizeof(*sums->list));
		memcpy(sums->list[sums->n].word, word, sizeof(word));
		*(size_t *)place = ++sums->n;
	}
	return sums->list[*(size_t *)place - 1].values;
}

size_t me_sums_count(const struct me_sums *sums)
{
	return sums->n;
}

const struct me_sum *me_sums_get(const struct me_sums *sums, size_t i)
{
	return &sums->list[i];
}

const char *me_sums_word(const struct me_sums *sums, const struct me_sum *sum, unsigned int i)
{
	const char *word = me_intern_text(sums->texts, sum->word[i]);

	return word ? word : "";
}
