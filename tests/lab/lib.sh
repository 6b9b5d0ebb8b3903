# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What the scenarios share. tests/lab/run gives each one a network namespace (the mail host's), a
# control cgroup, a watched cgroup beside it, and a temporary directory. It ends every process of
# the scenario afterwards, so nothing here has to.
#
#	host 198.51.100.1, 2001:db8:51::1  ──veth──  far 198.51.100.10 (listed), .11 (listed),
#	                                             .20 (a stranger), .53, .54, 2001:db8:51::10, ::20,
#	                                             and all of 198.18.0.0/15
set -u
: "${LAB_TMP:?run me with tests/lab/run}"

LAB_BIN=$LAB_BUILD/tests/lab
LAB_WATCHED=$LAB_CGROUPS/watched
LAB_WATCHED_PATH=${LAB_WATCHED#"$LAB_CGROUP_ROOT"}
LAB_SOCKET=$LAB_TMP/api.sock
LAB_LISTEN=127.0.0.1:9815
LAB_EVENTS=$LAB_TMP/events.ndjson
LAB_STATE=$LAB_TMP/state
LAB_LOG=$LAB_TMP/log
LAB_POLICY=$LAB_TMP/policy.yaml
LAB_HOST4=198.51.100.1
LAB_LISTED4=198.51.100.10
LAB_STRANGER4=198.51.100.20
LAB_LISTED6=2001:db8:51::10
LAB_STRANGER6=2001:db8:51::20
LAB_MANY4=198.18.0.1
# How many times longer whatever is waited for may take: of a machine that is emulated or shared.
LAB_PATIENCE=${LAB_PATIENCE:-1}
lab_failures=0
lab_daemon_pid=

lab_exit() {
	local status=$?

	if [ "$status" = 0 ] && [ "$lab_failures" != 0 ]; then
		echo "$lab_failures assertions failed"
		status=1
	fi
	if [ "$status" != 0 ] && [ "$status" != 77 ] && [ -s "$LAB_LOG" ]; then
		echo "--- log of the daemon"
		tail -n 30 "$LAB_LOG"
	fi
	exit "$status"
}
trap lab_exit EXIT

# --- outcomes

lab_fail() {
	echo "FAIL: $*"
	lab_failures=$((lab_failures + 1))
	return 1
}

lab_die() {
	echo "FAIL: $*"
	exit 1
}

# The kernel does not offer it.
lab_absent() {
	echo "absent: $*"
	exit 77
}

# The programs that a scenario cannot do without.
lab_need() {
	local program

	for program; do
		command -v "$program" >/dev/null && continue
		echo "$program is not installed: make test-deps"
		exit 76
	done
}

# lab_assert_eq WHAT GOT WANT
lab_assert_eq() {
	[ "$2" = "$3" ] || lab_fail "$1: got '$2', expected '$3'"
}

# lab_assert WHAT CONDITION…: the condition is a command.
lab_assert() {
	local what=$1

	shift
	"$@" || lab_fail "$what"
}

# lab_wait CONDITION [SECONDS]: until the shell expression holds, LAB_PATIENCE times that long at most.
lab_wait() {
	local seconds=$((${2:-10} * LAB_PATIENCE))
	local deadline=$((SECONDS + seconds))

	until eval "$1"; do
		if [ "$SECONDS" -ge "$deadline" ]; then
			lab_fail "waited $seconds s in vain for: $1"
			return 1
		fi
		sleep 0.05
	done
}

# lab_settle WHAT WANT COMMAND…: the command prints WANT within ten seconds (LAB_PATIENCE times that).
lab_settle() {
	local what=$1 want=$2 got deadline=$((SECONDS + 10 * LAB_PATIENCE))

	shift 2
	while got=$("$@") && [ "$got" != "$want" ] && [ "$SECONDS" -lt "$deadline" ]; do
		sleep 0.1
	done
	lab_assert_eq "$what" "$got" "$want"
}

# --- the network

# lab_namespace: a network namespace of its own; its holder's pid in LAB_HOLDER.
lab_namespace() {
	unshare --net sleep infinity &
	LAB_HOLDER=$!
	lab_wait '[ "$(readlink /proc/$LAB_HOLDER/ns/net)" != "$(readlink /proc/$$/ns/net)" ]' ||
		lab_die "no namespace"
	nsenter --net="/proc/$LAB_HOLDER/ns/net" ip link set lo up
}

lab_far() {
	"${lab_there[@]}" "$@"
}

# lab_reaches DESTINATION [COMMAND…]: it answers an echo request, sent under the command.
lab_reaches() {
	"${@:2}" "$LAB_BIN/paths_raw" raw-echo "$1" 0 | grep -q 'received=[1-9]'
}

lab_network() {
	local address

	ip link set lo up
	lab_namespace
	lab_there=(nsenter --net="/proc/$LAB_HOLDER/ns/net") # without a function, $! is the program
	ip link add host0 type veth peer name far0 netns "$LAB_HOLDER" || lab_die "no veth"
	ip address add $LAB_HOST4/24 dev host0
	ip address add 2001:db8:51::1/64 dev host0 nodad
	ip link set host0 up
	for address in 10 11 20 53 54; do
		lab_far ip address add 198.51.100.$address/24 dev far0
		lab_far ip address add 2001:db8:51::$address/64 dev far0 nodad
	done
	lab_far ip link set far0 up
	lab_far ip route add local 198.18.0.0/15 dev lo
	ip route add 198.18.0.0/15 via $LAB_LISTED4
	for address in ip_local_port_range="1024 65535" tcp_tw_reuse=1 ping_group_range="0 2147483647" \
		tcp_fastopen=3; do
		sysctl -qw "net.ipv4.$address"
		lab_far sysctl -qw "net.ipv4.$address"
	done
	lab_wait 'lab_reaches $LAB_LISTED4 && lab_reaches $LAB_LISTED6' ||
		lab_die "the far side does not answer"
}

# lab_sink SPEC…: the echo server on the far side; its pid in lab_sink_pid.
lab_sink() {
	: >"$LAB_TMP/sink"
	"${lab_there[@]}" "$LAB_BIN/sink" "$@" >"$LAB_TMP/sink" &
	lab_sink_pid=$!
	lab_wait 'grep -q ready "$LAB_TMP/sink"' || lab_die "no echo server"
}

# Ends it; what it saw is in LAB_SEEN afterwards.
lab_sink_end() {
	kill "$lab_sink_pid" && wait "$lab_sink_pid"
	LAB_SEEN=$(tail -n 1 "$LAB_TMP/sink")
}

# --- the traffic

# lab_in_cgroup COMMAND…: as a process of the watched cgroup. LAB_IN names another one.
lab_in_cgroup() {
	LAB_IN=${LAB_IN:-$LAB_WATCHED} bash -c 'echo $$ >"$LAB_IN/cgroup.procs" && exec "$@"' - "$@"
}

# lab_truth COMMAND…: runs it; its last line `key=value …` is in the array `truth` afterwards.
declare -A truth
lab_truth() {
	local line word status

	line=$("$@" 2>"$LAB_TMP/stderr")
	status=$?
	truth=()
	for word in $(tail -n 1 <<<"$line"); do
		truth[${word%%=*}]=${word#*=}
	done
	if [ "$status" != 0 ] && [ "$status" != 77 ]; then
		lab_fail "$* ended with $status: $(<"$LAB_TMP/stderr")"
	fi
	return "$status"
}

# lab_hold NAME COMMAND…: starts it and waits for its first line; it goes on until lab_release NAME.
declare -A lab_held
lab_hold() {
	local name=$1 fd

	shift
	mkfifo "$LAB_TMP/hold.$name"
	lab_in_cgroup "$@" <"$LAB_TMP/hold.$name" >"$LAB_TMP/held.$name" 2>&1 &
	lab_held[$name.pid]=$!
	exec {fd}>"$LAB_TMP/hold.$name"
	lab_held[$name.fd]=$fd
}

lab_release() {
	local fd=${lab_held[$1.fd]}

	echo >&"$fd" # not by closing it: a daemon started in between holds it open too
	exec {fd}>&-
	wait "${lab_held[$1.pid]}"
	rm "$LAB_TMP/hold.$1"
}

# --- the daemon

# lab_policy [FILE]: the policy on standard input below a head that leaves the vendor's lists out.
lab_policy() {
	cat >"$LAB_TMP/profile.yaml" <<-EOF
		version: 1
		allow:
		  - service: profile
		    to: [192.0.2.250]
		    ports: [tcp/9]
	EOF
	{
		echo "version: 1"
		echo "profile: $LAB_TMP/profile.yaml"
		cat
	} >"${1:-$LAB_POLICY}"
}

LAB_RUN=("$LAB_BUILD/mewatch" run -c "$LAB_POLICY" --cgroup "$LAB_WATCHED_PATH" --pins "$LAB_PINS"
	--state "$LAB_STATE" --socket "$LAB_SOCKET" --listen "$LAB_LISTEN" --events "$LAB_EVENTS")

# lab_start_under COMMAND…: starts the daemon under a command that becomes it.
lab_start_under() {
	"$@" "${LAB_RUN[@]}" >>"$LAB_LOG" 2>&1 &
	lab_daemon_pid=$!
}

# lab_daemon [ARGUMENT]…: starts it on $LAB_POLICY and waits until it answers.
lab_daemon() {
	[ -x "$LAB_BUILD/mewatch" ] || lab_die "$LAB_BUILD/mewatch is not there: make"
	"${LAB_RUN[@]}" "$@" >>"$LAB_LOG" 2>&1 &
	lab_daemon_pid=$!
	lab_wait 'lab_up || ! kill -0 $lab_daemon_pid' 20
	lab_up || lab_die "the daemon does not answer"
}

# Whether the daemon that was started last answers.
lab_up() {
	[ "$(lab_api /v1/health 2>/dev/null | jq -r .pid 2>/dev/null)" = "$lab_daemon_pid" ]
}

lab_kill() {
	kill -KILL "$lab_daemon_pid"
	wait "$lab_daemon_pid" 2>/dev/null
}

lab_stop() {
	kill -TERM "$lab_daemon_pid"
	wait "$lab_daemon_pid"
}

# Loads the policy again and waits until that is counted under the result given: ok or failed.
lab_reload() {
	local before

	before=$(lab_api /v1/health | jq ".policy.reloads.$1")
	kill -HUP "$lab_daemon_pid"
	lab_wait "[ \"\$(lab_api /v1/health | jq .policy.reloads.$1)\" -gt $before ]"
}

# lab_api PATH: the answer, JSON.
lab_api() {
	curl -sS --max-time $((10 * LAB_PATIENCE)) --unix-socket "$LAB_SOCKET" "http://localhost$1"
}

# lab_flows JQ: the flows for which the expression holds, one a line.
lab_flows() {
	lab_api '/v1/flows?limit=100000' | jq -c ".flows[] | select($1)"
}

# lab_event_list JQ: the events for which the expression holds, one a line.
lab_event_list() {
	[ ! -e "$LAB_EVENTS" ] || jq -c "select($1)" "$LAB_EVENTS"
}

# lab_event_sum JQ: how many happenings those events stand for.
lab_event_sum() {
	lab_event_list "$1" | jq -s 'map(.count // 1) | add // 0'
}

# --- the metrics

lab_scrape() {
	curl -sS --max-time $((10 * LAB_PATIENCE)) "http://$LAB_LISTEN/metrics"
}

# lab_sum SELECTOR: of the scrape on standard input, the sum of the series with these labels.
lab_sum() {
	awk -v selector="${1#mewatch_}" '
		BEGIN {
			name = selector
			sub(/\{.*/, "", name)
			labels = substr(selector, length(name) + 2)
			sub(/\}$/, "", labels)
			n = split(labels, want, ",")
		}
		{
			series = $0
			sub(/ [^ ]*$/, "", series)
			sub(/^mewatch_/, "", series)
			head = series
			sub(/\{.*/, "", head)
			if (head != name)
				next
			have = substr(series, length(head) + 2)
			sub(/\}$/, "", have)
			for (i = 1; i <= n; i++)
				if (!index("," have ",", "," want[i] ","))
					next
			sum += $NF
		}
		END { printf "%.0f\n", sum }'
}

# lab_metric SELECTOR: now.
lab_metric() {
	lab_scrape | lab_sum "$1"
}

# lab_mark, lab_delta SELECTOR: what was added since the mark.
lab_mark() {
	lab_scrape >"$LAB_TMP/mark"
}

lab_delta() {
	lab_scrape >"$LAB_TMP/now"
	lab_change "$1"
}

# The same of the scrape that was taken last.
lab_change() {
	echo $(($(lab_sum "$1" <"$LAB_TMP/now") - $(lab_sum "$1" <"$LAB_TMP/mark")))
}

# Every attempt is final or pending, in one scrape.
lab_assert_sums() {
	local scrape attempts final pending

	scrape=$(lab_scrape)
	attempts=$(lab_sum attempts_total <<<"$scrape")
	final=$(lab_sum connections_total <<<"$scrape")
	pending=$(lab_sum pending_flows <<<"$scrape")
	lab_assert_eq "$1: attempts = final + pending" "$attempts" "$((final + pending))"
}
