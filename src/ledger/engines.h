/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_LEDGER_ENGINES_H
#define MEWATCH_LEDGER_ENGINES_H

/*
 * The anti-virus engines of the mail filter. Their updates come over plain http from one host, each below
 * a folder of its own: /incav2/kaspersky88, avira, avx, sophos, cyren, trojandb (GFI support article
 * 360017263119). Which engine an update is for is in the path and nowhere else, so a site has no say in it.
 */

/* constant, label: also the name of the folder, but for digits at its end */
#define ME_ENGINE_LIST(X)                                                                          \
	X(KASPERSKY, "kaspersky")                                                                  \
	X(AVIRA, "avira")                                                                          \
	X(AVX, "avx")                                                                              \
	X(SOPHOS, "sophos")                                                                        \
	X(CYREN, "cyren")                                                                          \
	X(TROJANDB, "trojandb")

#define ME_PICK_ENGINE(constant, label) ME_ENGINE_##constant,
enum me_engine { ME_ENGINE_LIST(ME_PICK_ENGINE) ME_ENGINE_COUNT };
#undef ME_PICK_ENGINE

const char *me_engine_label(enum me_engine engine);

/* The engine that the path of a request is for; ME_ENGINE_COUNT: none. */
enum me_engine me_engine_of_path(const char *path);

#endif
