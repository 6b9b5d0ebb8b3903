/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_MEWATCH_DOCTOR_PARSE_H
#define MEWATCH_MEWATCH_DOCTOR_PARSE_H

/* What the checks read out of the files of the system. All texts are NUL-terminated. */
#include <stdbool.h>
#include <stddef.h>

/* The level in force out of "none [integrity] confidentiality" (kernel_lockdown(7)); false: none is marked. */
bool me_doctor_lockdown_level(const char *text, char *out, size_t size);

/*
 * Whether names are asked from `service` before `dns` by the `hosts:` line of nsswitch.conf(5), or without
 * `dns` coming at all.
 */
bool me_doctor_nsswitch_first(const char *text, const char *service);

/* The last value of `key` in a file of `key=value` lines such as resolved.conf(5); false: it has none. */
bool me_doctor_setting(const char *text, const char *key, char *out, size_t size);

#endif
