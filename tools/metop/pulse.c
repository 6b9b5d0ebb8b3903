/* SPDX-License-Identifier: GPL-2.0-only */
#include "metop/pulse.h"
#include <string.h>
#include "metop/trend.h"

#define STEP_NS (ME_PULSE_STEP_S * 1000000000ull)

const char *me_pulse_label(enum me_pulse_series series)
{
#define PICK_LABEL(constant, label) label,
	static const char *const text[] = {ME_PULSE_LIST(PICK_LABEL)};
#undef PICK_LABEL

	return text[series];
}

void me_pulse_init(struct me_pulse *pulse)
{
	*pulse = (struct me_pulse){0};
	for (size_t i = 0; i < ME_PULSE_SERIES; i++)
		pulse->rate[i] = -1;
}

/* Empties the steps that come new up to `step`. */
static void move_on(struct me_pulse *pulse, uint64_t step)
{
	uint64_t from = pulse->step + 1;

	if (step >= ME_PULSE_STEPS && from < step - ME_PULSE_STEPS + 1)
		from = step - ME_PULSE_STEPS + 1;
	for (uint64_t i = from; i <= step; i++) {
		pulse->seconds[i % ME_PULSE_STEPS] = 0;
		for (size_t s = 0; s < ME_PULSE_SERIES; s++)
			pulse->grown[s][i % ME_PULSE_STEPS] = 0;
	}
	pulse->step = step;
}

/* Spreads what grew since the last look over the steps that are still shown. */
static void spread(struct me_pulse *pulse, uint64_t ts_ns, const double grown[ME_PULSE_SERIES])
{
	uint64_t oldest = pulse->step >= ME_PULSE_STEPS ? pulse->step - ME_PULSE_STEPS + 1 : 0;
	uint64_t at = pulse->ts_ns > oldest * STEP_NS ? pulse->ts_ns : oldest * STEP_NS;

	while (at < ts_ns) {
		uint64_t step = at / STEP_NS;
		uint64_t end = (step + 1) * STEP_NS < ts_ns ? (step + 1) * STEP_NS : ts_ns;
		double share = (double)(end - at) / (double)(ts_ns - pulse->ts_ns);

		pulse->seconds[step % ME_PULSE_STEPS] += (double)(end - at) / 1e9;
		for (size_t s = 0; s < ME_PULSE_SERIES; s++)
			pulse->grown[s][step % ME_PULSE_STEPS] += share * grown[s];
		at = end;
	}
}

void me_pulse_take(struct me_pulse *pulse, uint64_t ts_ns, const uint64_t counts[ME_PULSE_SERIES])
{
	double grown[ME_PULSE_SERIES], seconds;
	bool known = pulse->ts_ns;

	if (pulse->ts_ns && ts_ns == pulse->ts_ns)
		return;
	for (size_t i = 0; i < ME_PULSE_SERIES; i++) {
		known = known && counts[i] >= pulse->counts[i];
		grown[i] = (double)(counts[i] - pulse->counts[i]);
	}
	if (ts_ns < pulse->ts_ns || !known)
		me_pulse_init(pulse);
	seconds = (double)(ts_ns - pulse->ts_ns) / 1e9;
	move_on(pulse, ts_ns / STEP_NS);
	for (size_t i = 0; i < ME_PULSE_SERIES && pulse->ts_ns; i++)
		pulse->rate[i] = grown[i] / seconds;
	if (pulse->ts_ns)
		spread(pulse, ts_ns, grown);
	pulse->ts_ns = ts_ns;
	memcpy(pulse->counts, counts, sizeof(pulse->counts));
}

/* The rate over `n` steps from `first` on; negative: not known. */
static double rate_of(const struct me_pulse *pulse, enum me_pulse_series series, uint64_t first,
		      uint64_t n)
{
	double seconds = 0, grown = 0;

	for (uint64_t step = first; step < first + n; step++) {
		if (step > pulse->step || step + ME_PULSE_STEPS <= pulse->step)
			continue;
		seconds += pulse->seconds[step % ME_PULSE_STEPS];
		grown += pulse->grown[series][step % ME_PULSE_STEPS];
	}
	return seconds > 0 ? grown / seconds : -1;
}

void me_pulse_bars(const struct me_pulse *pulse, enum me_pulse_series series, size_t columns,
		   char out[ME_PULSE_LEN], double *ret_most)
{
	double rates[ME_PULSE_COLUMNS_MAX], most = 0;
	uint64_t each, last;

	*out = '\0';
	*ret_most = 0;
	columns = columns > ME_PULSE_COLUMNS_MAX ? ME_PULSE_COLUMNS_MAX : columns;
	if (!columns || !pulse->ts_ns)
		return;
	/* A bar is the same steps from look to look, so that what is drawn stays. */
	each = (ME_PULSE_STEPS + columns - 1) / columns;
	last = pulse->step / each;
	if (columns > ME_PULSE_STEPS / each)
		columns = ME_PULSE_STEPS / each;
	for (size_t i = 0; i < columns; i++) {
		rates[i] = rate_of(pulse, series, (last + 1 + i - columns) * each, each);
		most = rates[i] > most ? rates[i] : most;
	}
	for (size_t i = 0; i < columns; i++)
		strcat(out, rates[i] < 0 ? " " : rates[i] > 0 ? me_trend_bar(rates[i], most) : ".");
	*ret_most = most;
}
