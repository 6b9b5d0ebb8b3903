# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154,SC2086
#
# The ground truth itself, without the daemon: what the traffic programs say they did is what the
# far side saw.
. "$LAB_DIR/lib.sh"
lab_network

# against SPEC CONNECTIONS DATAGRAMS PROGRAM ARGUMENT…: the far side saw so many of them, and all
# bytes that the program sent (and, for streams and echoed datagrams, got back).
against() {
	local spec=$1 connections=$2 datagrams=$3

	shift 3
	lab_sink $spec
	lab_truth lab_in_cgroup "$LAB_BIN/$1" "${@:2}"
	if [ $? = 77 ]; then
		echo "absent: $1 $2: ${truth[absent]}"
		lab_sink_end
		return
	fi
	lab_sink_end
	lab_assert_eq "$1 $2: what the far side saw" "$LAB_SEEN" \
		"connections=$connections datagrams=$datagrams bytes=${truth[sent]}"
	[ "$2" = udp-another ] || lab_assert_eq "$1 $2: echoed" "${truth[received]}" "${truth[sent]}"
	lab_assert_eq "$1 $2: errno" "${truth[errno]}" 0
}

for dest in $LAB_LISTED4 $LAB_LISTED6; do
	for path in tcp tcp-nonblocking tcp-bind tcp-fastopen-sendto tcp-fastopen-sendmsg \
		tcp-fastopen-connect; do
		against tcp/20000 3 0 paths_tcp $path $dest 20000 3
	done
	for path in tcp-uring tcp-uring-worker tcp-uring-sqpoll tcp-uring-fastopen; do
		against tcp/20000 3 0 paths_uring $path $dest 20000 3
	done
	for path in udp-connect udp-sendto udp-sendmmsg udp-gso; do
		against udp/20000-20002 0 3 paths_udp $path $dest 20000 3
	done
	for path in udp-uring udp-uring-sqpoll; do
		against udp/20000 0 3 paths_uring $path $dest 20000 3
	done
	against udplite/20000 0 3 paths_udp udplite-connect $dest 20000 3
	against udplite/20000 0 3 paths_udp udplite-sendto $dest 20000 3
	against "udp/20000 mute/20001" 0 6 paths_udp udp-another $dest 20000 3
	against udp/20000 0 0 paths_udp udp-probe $dest 20000 3
	against mptcp/20000 3 0 paths_tcp mptcp $dest 20000 3
done
against tcp/20000 3 0 paths_tcp tcp-mapped $LAB_LISTED4 20000 3
for path in udp-mapped-connect udp-mapped-sendto udp-v6-socket-v4-peer; do
	against udp/20000 0 3 paths_udp $path $LAB_LISTED4 20000 3
done
against tcp/20000 2000 0 storm tcp $LAB_LISTED4 20000 2000 threads=4 bytes=300
against tcp/20000-20019 2000 0 storm tcp $LAB_LISTED6 20000 2000 threads=4 bytes=300 ports=20
for path in raw-hdrincl packet packet-bypass; do
	lab_sink udp/20000
	lab_truth "$LAB_BIN/paths_raw" $path $LAB_LISTED4 20000 3
	lab_sink_end
	lab_assert_eq "$path" "$LAB_SEEN" "connections=0 datagrams=3 bytes=192"
done
