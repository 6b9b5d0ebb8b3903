# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2016,SC2034,SC2086,SC2119,SC2154
#
# Interfaces come and go: one that is waited for, down, deleted under traffic and made anew, also with
# the same index, renamed, and replaced by another one of its name. Whatever passes is counted, and
# metrics, health and status agree on what is attached. At the end nothing of ours is left, and what is
# others' is.
. "$LAB_DIR/gateway-links-lib.sh"

# Without tcx (before Linux 6.6) filters of tc are attached, which no link holds.
case $("$LAB_BUILD/mewatch" doctor --pins "$LAB_PINS" 2>/dev/null) in
*"to interfaces by tcx"*) links=2 ;;
*"to interfaces by clsact"*) links=0 ;;
*) lab_die "by what it attaches to interfaces is not told" ;;
esac
rounds=$([ -n "${LAB_FULL-}" ] && echo 20 || echo 2)

# --- waited for, down, up

missing() {
	ip link del lan0
	links_policy lan0
	lab_daemon
	links_agree "missing" lan0 "" 0
	lab_assert "missing: told" grep -q 'lan0: there is none' "$LAB_LOG"
	"$LAB_BUILD/mewatch" status --pins "$LAB_PINS" >"$LAB_TMP/status"
	lab_assert_eq "missing: status ends with" $? 1
	links_plug lan0
	links_alive "there, but down" lan0
	links_agree "there, but down" lan0 lan0 0
	links_address lan0
	links_agree "there" lan0 lan0 1
	links_pass "there" mail 4 6
}

down() {
	local before

	before=$(links_ours link)
	lab_assert_eq "links" "$(jq length <<<"$before")" $links
	ip link set lan0 down
	links_agree "down" lan0 lan0 0
	links_address lan0
	links_agree "up" lan0 lan0 1
	lab_assert_eq "down: the same links" "$(links_ours link)" "$before"
	links_pass "up" mail 4 6
}

# --- deleted under traffic

# stream: datagrams, each from a socket of its own, until the file is gone. The gateway's own packet
# filter, which comes behind us, is the truth.
stream() {
	while [ -e "$LAB_TMP/streaming" ]; do
		gateway_at mail "$LAB_BIN/gateway_client" mute $GATEWAY_MAIL4 "$(gateway_at4 truth)" 20020 20 up=40
	done >/dev/null 2>&1
}

passed() {
	nft -j list set inet truth tuples | jq -r '.nftables[].set.elem[]?.concat | "\(.[0]) \(.[1])"' | sort
}

seen_streaming() {
	lab_flows '.dport == 20020' | jq -r '"\(.src) \(.sport)"' | sort
}

# goes_on: until more of them have come through than now.
goes_on() {
	lab_wait "[ \$(passed | wc -l) -gt $(passed | wc -l) ]"
}

deleted() {
	local i stream

	nft -f - <<-EOF || lab_die "no packet filter"
		table inet truth {
			set tuples {
				type ipv4_addr . inet_service
				flags dynamic
				size 65535
			}
			chain in {
				type filter hook prerouting priority -450
				iifname lan0 udp dport 20020 add @tuples { ip saddr . udp sport }
			}
		}
	EOF
	touch "$LAB_TMP/streaming"
	stream &
	stream=$!
	for ((i = 0; i < rounds; i++)); do
		goes_on
		ip link del lan0
		links_agree "deleted" lan0 "" 0
		links_plug lan0
		links_alive "made anew" lan0
		links_address lan0
		links_agree "made anew" lan0 lan0 1
	done
	goes_on
	rm "$LAB_TMP/streaming"
	wait $stream
	passed >"$LAB_TMP/passed"
	links_streamed=$(wc -l <"$LAB_TMP/passed")
	lab_settle "deleted: all that passed" "$(<"$LAB_TMP/passed")" seen_streaming
	nft delete table inet truth
	links_pass "made anew" mail 4 6
}

# It is gone and back before anybody looks.
same_index() {
	local index

	index=$(links_index lan0)
	kill -STOP $lab_daemon_pid
	ip link del lan0
	links_plug lan0 index $index
	links_address lan0
	kill -CONT $lab_daemon_pid
	links_alive "the same index" lan0
	lab_assert_eq "the same index" "$(links_index lan0)" $index
	links_agree "the same index" lan0 lan0 1
	links_pass "the same index" mail 4 6
}

# And while nobody is there to look.
while_down() {
	lab_kill
	ip link del lan0
	links_plug lan0
	links_address lan0
	lab_daemon
	more_restarted
	links_alive "made anew while the daemon was down" lan0
	links_agree "made anew while the daemon was down" lan0 lan0 1
	links_pass "made anew while the daemon was down" mail 4 6
}

# --- renamed

renamed() {
	local before

	ip link set lan0 name old0 2>/dev/null || {
		ip link set lan0 down
		ip link set lan0 name old0
	}
	links_address old0
	links_alive "renamed" old0
	links_agree "renamed" lan0 old0 1
	links_pass "renamed" mail 4 6
	before=$(links_ours link)
	links_plug lan0
	links_alive "renamed" lan0
	lab_settle "replaced: the old one is let go" "[]" links_there link "$before"
	links_agree "replaced, but down" lan0 lan0 0
	lab_mark
	lab_truth gateway_at mail "$LAB_BIN/gateway_client" tcp $GATEWAY_MAIL4 "$(gateway_at4 truth)" 5000 3
	lab_assert_eq "replaced: what passes the old one" "${truth[failed]} $(lab_delta attempts_total)" "0 0"
	ip link del old0
	links_address lan0
	links_agree "replaced" lan0 lan0 1
	links_pass "replaced" mail 4 6
}

# --- the end

# filters DIRECTION: those on the interface, each in a line.
filters() {
	tc -j filter show dev lan0 $1 | jq -c '.[] | select(.options)'
}

# What others have on the interface.
others() {
	local direction

	tc qdisc show dev lan0
	for direction in ingress egress; do
		filters $direction | jq -c 'select(.options.bpf_name | startswith("me_") | not)'
	done
	nft list table netdev other
}

detached() {
	local before ours maps programs

	[ $links = 0 ] || tc qdisc add dev lan0 clsact # else it is there
	for before in ingress egress; do
		tc filter add dev lan0 $before prio 3 bpf object-file "$LAB_BIN/gateway_tag.bpf.o" section pop ||
			lab_die "no filter"
	done
	nft "add table netdev other; add chain netdev other in { type filter hook ingress device lan0 priority 0; }"
	before=$(others)
	links_watch "others" lan0
	lab_assert_eq "others: first" "$(links_status)" "$(links_both lan0 1)"
	lab_stop
	lab_assert_eq "stopped: attached" "$(links_status)" "$(links_both lan0 1)"
	ours=$(links_ours link) maps=$(links_ours map)
	if [ $links = 0 ]; then
		programs=$({ filters ingress && filters egress; } |
			jq -sc '[.[].options | select(.bpf_name | startswith("me_")) | .prog.id]')
	else
		programs=$(bpftool link list -j | jq -c --argjson ids "$ours" \
			'[.[] | select(.id as $id | $ids | index($id)) | .prog_id]')
	fi
	lab_assert_eq "links, programs, many maps" \
		"$(jq length <<<"$ours") $(jq length <<<"$programs") $(jq 'length > 20' <<<"$maps")" "$links 2 true"
	"$LAB_BUILD/mewatch" detach --pins "$LAB_PINS" >"$LAB_TMP/detach" 2>&1
	lab_assert_eq "detach: $(<"$LAB_TMP/detach")" $? 0
	lab_assert "detached: no pins" test ! -e "$LAB_PINS"
	lab_settle "detached: links" "[]" links_there link "$ours"
	lab_settle "detached: maps" "[]" links_there map "$maps"
	lab_settle "detached: programs" "[]" links_there prog "$programs"
	lab_assert_eq "detached: others" "$(others)" "$before"
}

links_begin
missing
down
deleted
same_index
while_down
renamed
detached
