# SPDX-License-Identifier: GPL-2.0-only
# The processes that the bench holds on to: the traffic and the daemon. Sourced by `run`.

# start_traffic PROGRAM ARGUMENT...: it has the last CPU for itself as far as that is ours to say; all
# else shares the first.
start_traffic() {
	local last=$(($(nproc) - 1))

	taskset --pid --cpu-list 0 $$ >/dev/null
	coproc TRAFFIC { exec taskset --cpu-list "$last" "$BUILD/tests/bench/$1" "${@:2}"; }
}

stop_traffic() {
	local pid=${TRAFFIC_PID:-}

	[[ -z $pid ]] || { kill "$pid" && wait "$pid"; } 2>/dev/null
}

move_to() {
	echo "$TRAFFIC_PID" >"$CGROUP/$1/cgroup.procs" || die "cannot move to cgroup $1"
}

# Sends a command to the traffic; its answer is in ANSWER.
ask() {
	echo "$*" >&"${TRAFFIC[1]}"
	read -r -u "${TRAFFIC[0]}" ANSWER || die "the traffic stopped at: $*"
}

have_daemon() {
	[[ -x $BUILD/mewatch ]]
}

is_ready() {
	kill -0 "$DAEMON_PID" 2>/dev/null || die "the daemon ended: $(tail -n 3 "$WORK/daemon.log")"
	metrics >/dev/null
}

metrics() {
	"${PLACE[@]}" curl --silent --fail --max-time 10 http://127.0.0.1:9815/metrics
}

# Sum of the samples of one metric whose labels contain $2 (a fixed text, may be empty).
metric() {
	metrics | awk -v name="mewatch_$1" -v label="${2:-}" '
		{ bare = $1; sub(/\{.*/, "", bare) }
		bare == name && index($0, label) { sum += $NF }
		END { printf "%.0f\n", sum }'
}

# start_daemon_on COMMAND...: starts the daemon with the policy that the command prints, on what the
# options WATCH say, by the prefix PLACE in another network namespace; LOADED is the seconds from exec to
# the first answer.
start_daemon_on() {
	local begin

	"$@" >"$WORK/policy.yaml"
	begin=$(date +%s%N)
	"${PLACE[@]}" "$BUILD/mewatch" run -c "$WORK/policy.yaml" "${WATCH[@]}" \
		--pins "$PINS/mewatch" --state "$WORK/state" --socket "$WORK/socket" \
		--listen 127.0.0.1:9815 --events "$WORK/events" 2>"$WORK/daemon.log" &
	DAEMON_PID=$!
	wait_until 120 is_ready || die "the daemon does not answer: $(tail -n 3 "$WORK/daemon.log")"
	LOADED=$(awk -v a="$begin" -v b="$(date +%s%N)" 'BEGIN { printf "%.2f", (b - a) / 1e9 }')
}

start_daemon() {
	start_daemon_on write_policy "$@"
}

has_ended() {
	[[ ! -e /proc/$1/stat || $(<"/proc/$1/stat") == *") Z "* ]]
}

stop_daemon() {
	kill "$DAEMON_PID"
	wait_until 30 has_ended "$DAEMON_PID" || die "the daemon does not end"
	wait "$DAEMON_PID"
	DAEMON_PID=
	"$BUILD/mewatch" detach --pins "$PINS/mewatch" >/dev/null || die "detach failed"
	rm -rf "$WORK/state" "$WORK/events"
}

# CPU seconds that a process has used.
cpu_of() {
	awk -v hz="$(getconf CLK_TCK)" '{ sub(/.*\) /, ""); print ($12 + $13) / hz }' "/proc/$1/stat"
}

daemon_cpu() {
	cpu_of "$DAEMON_PID"
}

# Memory of its own, in bytes (maps shared with the kernel are not in it).
daemon_memory() {
	awk '/^RssAnon:/ { printf "%d\n", $2 * 1024 }' "/proc/$DAEMON_PID/status"
}
