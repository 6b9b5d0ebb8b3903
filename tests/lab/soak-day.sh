# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2016,SC2034,SC2086,SC2154
#
# One day of a soak after the other: what is drawn for it, its faults, its night, and what the daemon takes
# of memory and descriptors when all is quiet.
. "$LAB_DIR/soak-lib.sh"
. "$LAB_DIR/soak-faults.sh"
. "$LAB_DIR/soak-check.sh"

SOAK_HOURS=3
SOAK_LAST=$LAB_TMP/last.prom # the metrics, also those of a daemon that has ended in order
LAB_RUN+=(--textfile "$SOAK_LAST")
soak_days=0 soak_faults_done=0 soak_attempts=0
: >"$LAB_TMP/rests" # PID RSS in KB, DESCRIPTORS, NAMESPACES of the machine: of each night
: >"$LAB_TMP/memory" # PID RSS in KB, FLOWS that are listed: over the days

# soak_day SEED FAULTS NIGHT: the faults are lines of soak_plan; the night `quiet` or `kill`. Returns 1 if
# there is no use in going on.
soak_day() {
	local pause kind number started=$SECONDS misdeeds

	misdeeds=$(soak_misdeeds $1)
	day_open $SOAK_HOURS $misdeeds
	while read -r pause kind number <&3; do
		passes $((pause % 10)) $pause
		printf '%(%T)T %s %s\n' -1 $kind $number >>"$soak_dir/faults"
		fault $kind $number
		lab_assert "$kind: the daemon is alive" kill -0 $lab_daemon_pid
		[ $lab_failures = 0 ] || return 1
		soak_faults_done=$((soak_faults_done + 1))
		soak_memory >"$soak_dir/memory"
	done 3<<<"$2"
	day_close
	[ $lab_failures = 0 ] || return 1
	soak_night $3
	soak_check
	soak_days=$((soak_days + 1))
	soak_rest
	soak_attempts=$((soak_attempts + $(metric attempts_total)))
	printf 'day %3d  %-70s %5d attempts, %d differences  %s kB, %s descriptors  %d s\n' $soak_days \
		"$(cut -d' ' -f2 <<<"$2" | paste -sd' ') $3" "$(metric attempts_total)" $lab_failures \
		$(tail -n 1 "$LAB_TMP/rests" | cut -d' ' -f2,3) $((SECONDS - started))
}

# soak_misdeeds SEED: two an hour, of all there are, none of them twice: two of those that have no ports would
# be one flow.
soak_misdeeds() {
	local misdeed
	local -a all=()

	RANDOM=$((($1 + 7) % 32768))
	for misdeed in $DAY_MISDEEDS; do
		all+=($misdeed/$((4 + RANDOM % 2 * 2)))
	done
	all+=(ipip/4)
	for misdeed in "${all[@]}"; do
		echo "$RANDOM $misdeed"
	done | sort -n | head -n $((2 * SOAK_HOURS)) | cut -d' ' -f2
}

# soak_memory: what the daemon takes of it, in kB, but for pages of the history, which grows with the days;
# written down with what it keeps.
soak_memory() {
	local resident

	resident=$(($(awk '$1 == "VmRSS:" { print $2 }' /proc/$lab_daemon_pid/status) -
		$(lab_metric history_cache_bytes) / 1024))
	echo "$lab_daemon_pid $resident $(lab_api '/v1/flows?limit=0' | jq .total)" >>"$LAB_TMP/memory"
	echo $resident
}

# soak_rest: what it takes when all is quiet. Connections of clients that went without a word are among the
# descriptors yet; and some for each network namespace there is, whosever it may be.
soak_rest() {
	local resident

	resident=$(soak_memory)
	echo "$lab_daemon_pid $resident $(find /proc/$lab_daemon_pid/fd -mindepth 1 | wc -l) $(
		readlink /proc/[0-9]*/ns/net | sort -u | wc -l)" >>"$LAB_TMP/rests"
}

# soak_detach: all that is ours is removed; what passes then is seen by nobody, as the history knows; and
# all begins anew.
soak_detach() {
	lab_stop
	sum_counters "$SOAK_BASE" "$SOAK_LAST" >"$SOAK_BASE.new"
	mv "$SOAK_BASE.new" "$SOAK_BASE"
	"$LAB_BUILD/mewatch" detach --pins "$LAB_PINS" >>"$LAB_LOG" 2>&1 || lab_fail "detach: $(tail -n 1 "$LAB_LOG")"
	lab_truth gateway_at mail "$LAB_BIN/gateway_client" tcp $GATEWAY_MAIL4 "$(gateway_at4 stranger)" 5000 3
	lab_daemon
	lab_assert_eq "attached anew: attempts" "$(lab_metric attempts_total)" 0
	lab_wait '[ "$(lab_metric history_last_write_timestamp_seconds)" -gt 0 ]' 20
	lab_assert_eq "detached: the history says so" \
		"$(history_query "SELECT count(*) FROM spans WHERE kind = 'gap' AND state = 'unwatched'")" \
		$((++soak_detached))
	soak_reloads_ok=0 soak_reloads_failed=0
}
soak_detached=0
