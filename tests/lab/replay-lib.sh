# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2016,SC2034,SC2086,SC2154
#
# Beside the daemon tcpdump writes what passes the gateway's LAN side; replayed by the same policy it has to
# give the same flows, field by field. In a scenario of the gateway:
#
#	replay_begin     before the daemon starts with nothing known
#	replay_same      as often as wanted: live and replayed flows are compared
#	replay_end       nothing more is written
#	replay_compare   what mewatch and tshark say of the capture, which may have been changed in one byte
#
# replay_begin switches segmentation offload off: with it the kernel counts the packets of the wire, and
# tcpdump has as one what the card is to cut. A scenario that wants it says REPLAY_OFFLOAD=on, and the numbers
# of packets are not compared. REPLAY_SNAPLEN bytes of each packet are kept: without it, all of one on the wire.
# What may be kept is also what tcpdump has room for each packet: for 262144 bytes, its default, 16 MiB of buffer
# hold 64 packets.

REPLAY_CAPTURE=$LAB_TMP/capture.pcap
replay_tcpdump=

# Fields that each side has of its own:
#   id         both count their flows
#   vantage    says who saw it
#   policy     a replay has read its policy once
#   first last the clock of tcpdump is another one: compared by itself, to a second (replay_late)
#   upstream   the proxy's own flow is one of the host's vantage, which a capture has not
REPLAY_OWN='del(.id, .vantage, .policy, .first, .last, .upstream)'
REPLAY_ONLY=true # the flows that are compared, where the capture has not all of them

# replay_begin [INTERFACE]
replay_begin() {
	lab_need tcpdump
	if [ "${REPLAY_OFFLOAD-}" = on ]; then
		REPLAY_OWN+=' | del(.packets_sent, .packets_received)'
	else
		gateway_offload off
	fi
	: >"$LAB_TMP/tcpdump"
	tcpdump -i "${1-$GATEWAY_LAN}" -U --immediate-mode -B 16384 -s "${REPLAY_SNAPLEN-2000}" -w "$REPLAY_CAPTURE" 2>"$LAB_TMP/tcpdump" &
	replay_tcpdump=$!
	lab_wait 'grep -q listening "$LAB_TMP/tcpdump"' || lab_die "tcpdump: $(<"$LAB_TMP/tcpdump")"
}

replay_end() {
	kill -INT $replay_tcpdump
	wait $replay_tcpdump
	lab_assert_eq "tcpdump lost" "$(sed -n 's/ packets\? dropped by kernel//p' "$LAB_TMP/tcpdump")" 0
}

# What both know of each flow, a line each: its ends and both times, then all fields but their own.
replay_lines() {
	jq -r "[([.proto, .src, .sport, .dst, .dport, .direction] | map(tostring) | join(\" \")), .first, .last,
		($REPLAY_OWN | tojson)] | @tsv" | sort
}

replay_read() {
	lab_flows ".vantage == \"transit\" and ($REPLAY_ONLY)" | replay_lines >"$LAB_TMP/live.flows"
	"$LAB_BUILD/mewatch" replay -c "$LAB_POLICY" --json "$REPLAY_CAPTURE" 2>"$LAB_TMP/replay.err" |
		replay_lines >"$LAB_TMP/replay.flows"
	cut -f4 "$LAB_TMP/live.flows" | sort >"$LAB_TMP/live"
	cut -f4 "$LAB_TMP/replay.flows" | sort >"$LAB_TMP/replayed"
}

# replay_differences: `same`, or some of them.
replay_differences() {
	replay_read
	[ -s "$LAB_TMP/live" ] && cmp -s "$LAB_TMP/live" "$LAB_TMP/replayed" && echo same && return
	diff "$LAB_TMP/live" "$LAB_TMP/replayed" | sed -n '1!p' | head -n "${REPLAY_SHOWN-8}"
	echo "(< live, > replayed; $(wc -l <"$LAB_TMP/live") and $(wc -l <"$LAB_TMP/replayed"))"
}

# replay_late: flows of which both tell, but at times more than a second apart.
replay_late() {
	paste <(cut -f1-3 "$LAB_TMP/live.flows") <(cut -f1-3 "$LAB_TMP/replay.flows") | jq -R '
		def seconds: sub("\\.[0-9]*Z"; "Z") | fromdate;
		split("\t") | select(.[0] != .[3] or (.[1] | seconds) - (.[4] | seconds) > 1 or
			(.[4] | seconds) - (.[1] | seconds) > 1 or
			((.[2] | seconds) - (.[5] | seconds) | fabs) > 1)' | wc -l
}

# replay_same LABEL
replay_same() {
	lab_settle "$1: replayed" same replay_differences
	lab_assert_eq "$1: replayed, at the same times" "$(replay_late)" 0
}

# replay_compare [OPTION]… [CAPTURE]: the words of compare-tshark are in replay_said, its exit status is its own.
replay_compare() {
	local capture=$REPLAY_CAPTURE

	lab_need tshark editcap
	[ "${1-}" != --replayed ] || capture=
	replay_said=$("$LAB_DIR/../replay/compare-tshark" --mewatch "$LAB_BUILD/mewatch" -v \
		--host $GATEWAY_MAIL4 --host $GATEWAY_MAIL6 --host $GATEWAY_SECOND4 --host $GATEWAY_SECOND6 \
		--resolver $GATEWAY_LAN4 --resolver $GATEWAY_DC4 --resolver "$(gateway_at4 resolver)" \
		--resolver "$(gateway_at6 resolver)" "$@" $capture 2>&1)
}

# replay_agree LABEL [WHAT]…: tshark says the same, and there was some of that: SNI, Host, answers, FTP.
replay_agree() {
	local what

	replay_compare || lab_fail "$1: mewatch and tshark: $replay_said"
	for what in flows "${@:2}"; do
		grep -q " [1-9][0-9]* $what" <<<"$replay_said" || lab_fail "$1: no $what: $replay_said"
	done
}

# replay_changed WHAT FILTER BYTES: tshark reads the capture with the last of these bytes changed in the
# first packet that it finds so: a difference, and it is told with the number of that packet.
replay_changed() {
	local n

	n=$(tshark -n -r "$REPLAY_CAPTURE" -Y "$2" -T fields -e frame.number 2>/dev/null | head -n 1)
	mkdir -p "$LAB_TMP/changed"
	"$LAB_DIR/../replay/change-byte" "$REPLAY_CAPTURE" "$LAB_TMP/changed/capture.pcap" "$n" $3 ||
		lab_fail "$1: packet '$n' is not as it should be"
	replay_compare --replayed "$LAB_TMP" "$LAB_TMP/changed/capture.pcap"
	lab_assert_eq "$1: exit status with packet $n changed" "$?" 1
	grep -q "packet $n: .*$1" <<<"$replay_said" || lab_fail "$1: packet $n was changed: $replay_said"
}
