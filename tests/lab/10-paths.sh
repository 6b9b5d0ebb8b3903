# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154,SC2119,SC2086
#
# Each path on which a process can send, once to a listed and once to an unlisted destination:
# whether it is seen, how many attempts it is, verdict and reason, origin, blind spots, and the sums.
#
# Runs alone: packet sockets of the whole machine are counted.
. "$LAB_DIR/lib.sh"

rows=() # what the ledger must show: label|pid|port|flows|verdict|reason|protocol|destination|exe
attempts_in_all=0

# The end that the policy below gives: expected_end DESTINATION PROTOCOL
expected_end() {
	case $1/$2 in
	*/253) echo violation unlisted-protocol ;;
	$LAB_STRANGER4/* | $LAB_STRANGER6/*) echo violation unlisted-destination ;;
	*) echo allowed none ;;
	esac
}

# counted KIND: attempts, probes and blind spots of the kind since the mark.
counted() {
	echo "$(lab_delta 'attempts_total{vantage="host"}')" "$(lab_change udp_probes_total)" \
		"$(lab_change "blind_spots_total{kind=\"$1\"}")"
}

# run_path SEEN BLIND PROTOCOL DESTINATION COMMAND…: runs it and holds the counters against it.
# SEEN: yes or no; BLIND: KIND=N, the blind spots that it adds, or `none=0`.
run_path() {
	local seen=$1 blind=$2 protocol=$3 dest=$4 label attempts verdict reason path

	shift 4
	path=$*
	path=${path#*"$LAB_BIN/paths_"} # what comes after the program's prefix: "udp udp-gso DEST …"
	label=${path%% "$dest"*}
	label="${label#* } to $dest"
	if ! lab_truth "$@"; then
		echo "absent: $label: ${truth[absent]-failed}"
		return
	fi
	attempts=${truth[attempts]}
	[ "$seen" = yes ] || attempts=0
	read -r verdict reason <<<"$(expected_end "$dest" "$protocol")"
	# the counters may be read a moment late: once all that is expected is there, the rest is as old
	lab_settle "$label: attempts and probes" "$attempts ${truth[probes]} ${blind#*=}" \
		counted "${blind%=*}"
	lab_assert_eq "$label: $verdict $reason" \
		"$(lab_change "connections_total{verdict=\"$verdict\",reason=\"$reason\"}")" "$attempts"
	lab_assert_eq "$label: in all" "$(lab_change connections_total)" "$attempts"
	lab_assert_eq "$label: blind spots in all" "$(lab_change blind_spots_total)" "${blind#*=}"
	mv "$LAB_TMP/now" "$LAB_TMP/mark"
	rows+=("$label|${truth[pid]}|${port-}|$attempts|$verdict|$reason|$protocol|$dest|$LAB_BIN/paths_${path%% *}")
	attempts_in_all=$((attempts_in_all + attempts))
	printf '%-46s seen %-3s attempts %s %s %s blind %s\n' "$label" "$seen" "$attempts" "$verdict" \
		"$reason" "$blind"
}

# watched SEEN BLIND PROTOCOL PROGRAM PATH FAMILY ARGUMENT…: to the listed destination and to the other.
watched() {
	local dest dests="$LAB_LISTED4 $LAB_STRANGER4"

	[ "$6" = 4 ] || dests="$LAB_LISTED6 $LAB_STRANGER6"
	for dest in $dests; do
		run_path "$1" "$2" "$3" "$dest" lab_in_cgroup "$LAB_BIN/$4" "$5" "$dest" "${@:7}"
	done
}

# The flows of a row, as the API shows them.
check_row() {
	local label pid port n verdict reason protocol dest exe flows shown

	IFS='|' read -r label pid port n verdict reason protocol dest exe <<<"$1"
	flows=$(jq -c "select(if \"$port\" != \"\" then .dport == (\"$port\" | tonumber) and .dst == \"$dest\"
		else .pid == $pid end)" "$LAB_TMP/flows")
	lab_assert_eq "$label: flows" "$(grep -c . <<<"$flows")" "$n" || return
	[ "$n" != 0 ] || return
	shown=$(jq -r '[.verdict, .reason // "none", .proto, .dst, .vantage, .direction, .cgroup, .exe, .comm]
		| map(tostring) | join(" ")' <<<"$flows" | sort -u)
	lab_assert_eq "$label: shown" "$shown" \
		"$verdict $reason $protocol $dest host out $LAB_WATCHED_PATH $exe ${exe##*/}"
}

lab_network
lab_sink tcp/20000-20009 udp/20000-20009 mptcp/20100
lab_policy <<EOF
resolvers: [198.51.100.53]
allow:
  - service: lab
    to: [$LAB_LISTED4, 198.51.100.11, "$LAB_LISTED6"]
    ports: [tcp/20000-20999, udp/20000-20999, udplite/20000-20999, sctp/20000-20999, icmp, icmp6]
EOF
lab_daemon
lab_mark

for family in 4 6; do
	for path in tcp tcp-nonblocking tcp-bind tcp-fastopen-sendto tcp-fastopen-sendmsg \
		tcp-fastopen-connect; do
		watched yes none=0 tcp paths_tcp $path $family 20000 3
	done
	watched yes none=0 tcp paths_tcp tcp-again $family 20999 3 # refused each time
	for path in tcp-uring tcp-uring-worker tcp-uring-sqpoll tcp-uring-fastopen; do
		watched yes none=0 tcp paths_uring $path $family 20000 3
	done
	for path in udp-probe udp-connect udp-sendto udp-sendmmsg udp-gso udp-another; do
		watched yes none=0 udp paths_udp $path $family 20000 3
	done
	for path in udp-uring udp-uring-sqpoll; do
		watched yes none=0 udp paths_uring $path $family 20000 3
	done
	watched yes none=0 tcp paths_tcp mptcp $family 20100 3
	for path in udplite-sendto udplite-connect; do
		watched yes udplite=1 udplite paths_udp $path $family 20000 1
	done
	watched yes raw=1 253 paths_raw raw-protocol $family 0 3
	watched yes sctp=1 sctp paths_tcp sctp $family 20000 1
	watched yes dccp=1 dccp paths_tcp dccp $family 20000 1
	watched no none=0 unix paths_task unix $family 20000 3
done
watched yes none=0 tcp paths_tcp tcp-mapped 4 20000 3
for path in udp-mapped-connect udp-mapped-sendto udp-v6-socket-v4-peer; do
	watched yes none=0 udp paths_udp $path 4 20000 3
done
watched yes raw=1 udp paths_raw raw-hdrincl 4 20000 3
for path in raw-echo ping-sendto ping-connect; do
	watched yes ${path%%-*}=1 icmp paths_raw $path 4 0 3
	watched yes ${path%%-*}=1 icmp6 paths_raw $path 6 0 3
done

# Sockets and tasks that cross the border of the cgroup: the birth of the socket decides.
for dest in $LAB_LISTED4 $LAB_STRANGER4; do
	for path in moved passed; do
		run_path no none=0 tcp "$dest" "$LAB_BIN/paths_task" $path "$dest" 20000 2 "$LAB_WATCHED"
	done
	run_path yes none=0 tcp "$dest" lab_in_cgroup "$LAB_BIN/paths_task" moved "$dest" 20000 2 \
		"$LAB_CGROUPS/control"
	# the flows are found by their port: the pid may be the giver's or the user's
	port=20008 run_path yes none=0 tcp "$dest" lab_in_cgroup "$LAB_BIN/paths_task" passed "$dest" 20008 2 \
		"$LAB_CGROUPS/control"
	port=20007 run_path yes none=0 tcp "$dest" lab_in_cgroup "$LAB_BIN/paths_task" short-lived "$dest" \
		20007 20
done

# The ledger shows every attempt with its origin.
flows_in_all() {
	lab_flows '.direction == "out"' >"$LAB_TMP/flows"
	wc -l <"$LAB_TMP/flows"
}
lab_settle "flows shown" "$attempts_in_all" flows_in_all
for row in "${rows[@]}"; do
	check_row "$row"
done
lab_assert_eq "attempts in all" "$(lab_metric attempts_total)" "$attempts_in_all"
lab_assert_eq "lost" "$(lab_metric flow_overflow_total) $(lab_metric events_lost_total)" "0 0"
lab_assert_sums "in all"
lab_assert "raw sockets are found" \
	test "$(lab_metric 'findings_total{kind="raw-socket"}')" -ge 1
lab_stop
lab_assert_eq "exit" $? 0
