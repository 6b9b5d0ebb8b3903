# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2016,SC2034,SC2086,SC2154
#
# What happens to the daemon and around it while the days go on: fault KIND NUMBER, the number being what
# was drawn for it, 0 to 999. Each leaves everything as it was, and the daemon up.

SOAK_ENDS="kill kill-starting kill-freshly stop renew-dead full-dead" # of the daemon's life
SOAK_FAULTS="reload reload broken shadow freeze down renew resolver weather full crowd stuck"
soak_reloads_ok=0 soak_reloads_failed=0 # since the hooks were attached

# drawn NUMBER MOST: as a time in seconds, up to so many tenths.
drawn() {
	printf '0.%d' $(($1 % 10)) | awk -v most="$2" '{ print $1 * most / 9 }'
}

# passes NUMBER MOST: a drawn time does; it is the length of the fault, nothing is waited for.
passes() {
	sleep "$(drawn $1 $2)"
}

fault() {
	case $1 in
	kill) # and nobody is there for a while
		lab_kill
		passes $2 25
		lab_daemon
		;;
	kill-starting) # also on its way up
		lab_kill
		half_start $2
		lab_daemon
		;;
	kill-freshly) # as soon as it answers
		lab_kill
		lab_daemon
		lab_kill
		lab_daemon
		;;
	stop)
		lab_stop
		passes $2 15
		lab_daemon
		;;
	freeze)
		kill -STOP $lab_daemon_pid
		passes $2 30
		kill -CONT $lab_daemon_pid
		;;
	reload)
		soak_variant=$(($2 % 40))
		soak_policy
		soak_reload ok
		;;
	shadow) # violations are told as what would be denied; nothing else changes
		"$LAB_BUILD/mewatch" shadow --for 3s --socket "$LAB_SOCKET" >>"$LAB_LOG" 2>&1 ||
			lab_fail "shadow: $(tail -n 1 "$LAB_LOG")"
		passes $2 40
		;;
	broken) fault_broken $2 ;;
	down) soak_disturb fault_down $2 ;;
	renew) soak_disturb fault_renew ;;
	renew-dead) soak_disturb fault_renew_dead ;;
	resolver) soak_disturb fault_resolver ;;
	weather) soak_disturb fault_weather $2 ;;
	full) fault_full $2 ;;
	full-dead) fault_full $2 dead ;;
	crowd) fault_crowd ;;
	stuck) fault_stuck $2 ;;
	*) lab_die "$1: no such fault" ;;
	esac
}

# soak_reload ok|failed
soak_reload() {
	lab_reload $1
	case $1 in
	ok) soak_reloads_ok=$((soak_reloads_ok + 1)) ;;
	failed) soak_reloads_failed=$((soak_reloads_failed + 1)) ;;
	esac
}

# half_start NUMBER: it is killed on its way up, wherever that is.
half_start() {
	local pid

	"${LAB_RUN[@]}" >>"$LAB_LOG" 2>&1 &
	pid=$!
	passes $1 9
	kill -KILL $pid
	wait $pid 2>/dev/null
}

# A policy that cannot be used leaves the old one in force.
fault_broken() {
	local before

	before=$(lab_api /v1/health | jq -r .policy.sha256)
	case $(($1 % 5)) in
	0) echo "nonsense: [" >>"$LAB_POLICY" ;;
	1) sed -i 's/^version: 1/version: 99/' "$LAB_POLICY" ;;
	2) sed -i 's/tcp\/5100/tcp\/95100/' "$LAB_POLICY" ;;
	3) head -c 3000 /dev/urandom >"$LAB_POLICY" ;;
	4) rm "$LAB_POLICY" ;;
	esac
	soak_reload failed
	lab_assert_eq "broken: the policy in force" "$(lab_api /v1/health | jq -r .policy.sha256)" "$before"
	soak_policy
	soak_reload ok
}

# --- the network

fault_down() {
	ip link set lan0 down
	passes $1 12
	links_address lan0
}

# The gateway's interface is another one; it is up when it is watched.
fault_renew() {
	ip link del lan0
	links_plug lan0
	links_alive "made anew" lan0
	links_address lan0
}

fault_renew_dead() {
	lab_kill
	ip link del lan0
	links_plug lan0
	lab_daemon
	links_alive "made anew while the daemon was dead" lan0
	links_address lan0
}

# Its name cache is empty then. Asked over lo, which nobody watches.
fault_resolver() {
	kill -KILL $gateway_resolver_pid
	wait $gateway_resolver_pid 2>/dev/null
	gateway_resolver
	lab_wait 'dig +time=1 +tries=1 +short @127.0.0.1 mx.customer1.example | grep -q .' || lab_die "no resolver"
}

# The second mail host's cable loses, doubles and swaps packets for a while.
fault_weather() {
	local n pid

	read -r n pid <<<"${gateway_wires[mail2]}"
	kill -USR1 $pid
	passes $1 40
	kill -USR1 $pid
}

# --- the disk and the clients

# fault_full NUMBER [dead]: no room for the state, and then there is again; the daemon may die meanwhile.
fault_full() {
	dd if=/dev/zero of="$LAB_STATE/filler" bs=64k status=none 2>/dev/null
	passes $1 25
	if [ "${2-}" = dead ]; then
		lab_kill
		lab_daemon
		passes $1 9
	fi
	rm "$LAB_STATE/filler"
	soak_reload ok # tries it again at once
	lab_wait '[ "$(lab_metric history_writing)" = 1 ]' 25
}

# Many clients at once; of one address 16 are served at a time.
fault_crowd() {
	local i
	local -a crowd=()

	for i in {1..10}; do
		lab_scrape >>"$soak_dir/crowd" 2>&1 &
		crowd+=($!)
	done
	for i in {1..5}; do
		"$LAB_BUILD/metop" --socket "$LAB_SOCKET" --view flows --limit 100 --once >>"$soak_dir/crowd" 2>&1 &
		crowd+=($!)
	done
	for i in "${crowd[@]}"; do
		wait $i || lab_fail "crowd: a client ended with $?: $(tail -n 1 "$soak_dir/crowd")"
	done
	: >"$soak_dir/crowd"
}

# Clients that say half of what they want, and never read.
fault_stuck() {
	local i fd
	local -a stuck=()

	for i in {1..20}; do
		exec {fd}<>"/dev/tcp/${LAB_LISTEN/:/\/}" || break
		stuck+=($fd)
		case $((i % 2)) in
		0) (printf 'GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n%.0s' {1..20} >&"$fd") 2>/dev/null ;;
		1) (printf 'GET /metrics HTTP/1.1\r\n' >&"$fd") 2>/dev/null ;;
		esac # room for who comes later is made by ending who came first: that is a broken pipe
	done
	passes $1 20
	for fd in "${stuck[@]}"; do
		exec {fd}>&-
	done
}

# --- the plan

# soak_plan SEED KINDS COUNT: so many faults of these kinds as `PAUSE KIND NUMBER` lines, the pause in tenths
# of a second; the misdeeds of the day are drawn from the same numbers.
soak_plan() {
	local -a kinds=($2)
	local i

	RANDOM=$(($1 % 32768))
	for ((i = 0; i < $3; i++)); do
		echo "$((RANDOM % 15)) ${kinds[RANDOM % ${#kinds[@]}]} $((RANDOM % 1000))"
	done
}
