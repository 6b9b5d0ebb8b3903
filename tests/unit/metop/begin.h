/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef METOP_TESTS_BEGIN_H
#define METOP_TESTS_BEGIN_H

#include "metop/model.h"

/* A model of somebody who keeps nothing, with a view in front. */
static inline void begin_model(struct me_model *model, const struct me_source *source,
			       enum me_view_id view)
{
	struct me_settings settings;

	me_settings_default(&settings);
	settings.view = view;
	me_model_init(model, source, &settings);
}

#endif
