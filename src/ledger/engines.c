/* SPDX-License-Identifier: GPL-2.0-only */
#include "ledger/engines.h"

#include <stddef.h>
#include <string.h>

#define FOLDER "/incav2/"

static const char *const labels[] = {
#define PICK_LABEL(constant, label) label,
	ME_ENGINE_LIST(PICK_LABEL)
#undef PICK_LABEL
};

const char *me_engine_label(enum me_engine engine)
{
	return labels[engine];
}

enum me_engine me_engine_of_path(const char *path)
{
	size_t length;

	if (strncmp(path, FOLDER, sizeof(FOLDER) - 1))
		return ME_ENGINE_COUNT;
	path += sizeof(FOLDER) - 1;
	length = strcspn(path, "/");
	while (length && path[length - 1] >= '0' && path[length - 1] <= '9')
		length--;
	for (enum me_engine i = 0; i < ME_ENGINE_COUNT; i++)
		if (strlen(labels[i]) == length && !memcmp(labels[i], path, length))
			return i;
	return ME_ENGINE_COUNT;
}
