# SPDX-License-Identifier: GPL-2.0-only
# Replaying captures, beside what else reads all of one. Sourced by `run`; prints lines for replay.awk:
#
#	read CAPTURE PACKETS BYTES PROGRAM CYCLE USER SYSTEM REAL
#
# capture.c makes the captures, the same each time. Each cycle reads them with every program once, one
# place further on in their order.

REPLAY_PROGRAMS=(mewatch again json tshark capinfos)
declare -A REPLAY_MB=([mixed]=200 [flows]=40)
REPLAY_PART=8 # cycles of --cycles for one of these, which take seconds

write_replay_policy() {
	cat <<-POLICY
		version: 1
		watch: {interfaces: [lan0], hosts: [192.0.2.10]}
		resolvers: [192.0.2.53]
		limits: {warmup: 0s}
		allow:
		  - {service: web, to: "*.example.net", ports: [tcp/80, tcp/443]}
		  - {service: smtp, to: any, ports: tcp/25}
	POLICY
}

# replay_with PROGRAM CAPTURE
replay_with() {
	case $1 in
	mewatch | again) "$BUILD/mewatch" replay -c "$WORK/replay.yaml" "$2" ;;
	json) "$BUILD/mewatch" replay -c "$WORK/replay.yaml" --json "$2" ;;
	tshark) tshark -n -q -z conv,tcp -r "$2" ;;
	capinfos) capinfos "$2" ;;
	esac
}

bench_replay() {
	local TIMEFORMAT='%U %S %R' kind capture packets cycle i program n=${#REPLAY_PROGRAMS[@]} user system real

	write_replay_policy >"$WORK/replay.yaml"
	for kind in mixed flows; do
		capture=$WORK/$kind.pcap
		"$BUILD/tests/bench/capture" $kind ${REPLAY_MB[$kind]} 1 >"$capture" || die "no room for a capture"
		packets=$("$BUILD/mewatch" replay -c "$WORK/replay.yaml" "$capture" | awk '/ packets, /{ print $1 }')
		for ((cycle = 0; cycle < (CYCLES + REPLAY_PART - 1) / REPLAY_PART; cycle++)); do
			for ((i = 0; i < n; i++)); do
				program=${REPLAY_PROGRAMS[(i + cycle) % n]}
				[[ $program != tshark && $program != capinfos ]] || command -v $program >/dev/null || continue
				read -r user system real < <({ time replay_with $program "$capture" >/dev/null 2>&1; } 2>&1)
				echo "read $kind $packets $(stat -c %s "$capture") $program $cycle $user $system $real"
			done
		done
		rm "$capture"
	done
}
