/* SPDX-License-Identifier: GPL-2.0-only */
#include "store/series.h"

#include <string.h>
#include "base/cleanup.h"

#define PICK_NAME(constant, name, vantage, service, endpoint, kind, detail) name,
static const char *const names[] = {ME_SERIES_LIST(PICK_NAME)};
#undef PICK_NAME

const char *me_series_name(enum me_series series)
{
	return (unsigned int)series < ME_ARRAY_SIZE(names) ? names[series] : "?";
}

enum me_series me_series_find(const char *name)
{
	for (unsigned int i = 0; i < ME_ARRAY_SIZE(names); i++)
		if (!strcmp(names[i], name))
			return i;
	return ME_SERIES_COUNT;
}
