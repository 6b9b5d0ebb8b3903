/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_BASE_LOG_H
#define MEWATCH_BASE_LOG_H

/*
 * What the program says to people, on stderr: "mewatch: warning: text". For program code only;
 * library code returns errors.
 */
enum me_log_level { ME_LOG_ERROR, ME_LOG_WARNING, ME_LOG_INFO, ME_LOG_DEBUG };

/* Messages beyond `level` are dropped. At start it is ME_LOG_INFO. */
void me_log_set_level(enum me_log_level level);

/*
 * If stderr is the journal's (JOURNAL_STREAM, systemd.exec(5)), which knows the program, each line begins
 * with the level as it reads it: "<4>warning: text".
 */
void me_log_to_journal(void);

/*
 * Writes one line, the program's short name and the level in front; `format` has no newline. Text
 * from outside is escaped by the caller (me_text_escape). errno stays as it was; %m works.
 */
void me_log(enum me_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define me_log_error(...) me_log(ME_LOG_ERROR, __VA_ARGS__)
#define me_log_warning(...) me_log(ME_LOG_WARNING, __VA_ARGS__)
#define me_log_info(...) me_log(ME_LOG_INFO, __VA_ARGS__)
#define me_log_debug(...) me_log(ME_LOG_DEBUG, __VA_ARGS__)

#endif
