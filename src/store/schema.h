/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_STORE_SCHEMA_H
#define MEWATCH_STORE_SCHEMA_H

/*
 * The tables of the history, a version at a time: step i brings a file from version i to i + 1, which
 * stands in its user_version. A step that was released is never changed, another one is added.
 *
 * What was counted
 *	series     what is counted: a name and its labels (store/series.h)
 *	folded     of each series the counter of /metrics as it was when it was booked last, in the same
 *	           transaction; what it grew since is what is booked next. So a kill at any instruction
 *	           loses nothing and books nothing twice.
 *	minutes    what a series grew in a minute (of the epoch); only where it grew. `late`: it was counted
 *	           at some time before, while no daemon ran or nothing could be written; the gap says when.
 *
 * What is told of it
 *	violations final violations in groups: those of a minute that are alike are one row. Those that are
 *	           retracted are a row each, `retracts` is the id of the event that it takes back. With `dst`
 *	           empty: nothing more is known, they were too many, or a kill took it. The sums are those
 *	           of `minutes`, of any minutes, of states `confirmed` and `retracted`.
 *	events     findings, endpoints that fail, are overdue, have recovered, reloads, start and stop. A
 *	           kill may take those of the last second.
 *	spans      what held from when to when; `until` NULL: still. See ME_SPAN_LIST in store/past.h.
 *
 * Times are epoch nanoseconds, but minutes. Texts are as they came, not escaped.
 */
#define ME_SCHEMA_VERSION 2

/* SQL of step `version`, from 0. */
const char *me_schema_step(int version);

#endif
