# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2016,SC2034,SC2086,SC2154
#
# What the scenarios of the gateway share besides: clients that write down what they did, what is
# attached where, and whether the flows are that truth.
. "$LAB_DIR/gateway-lib.sh"

MORE_TRUTH=$LAB_TMP/truth # a line each attempt (gateway_client)
declare -A MORE_SOURCE=([mail4]=$GATEWAY_MAIL4 [mail6]=$GATEWAY_MAIL6 [mail24]=$GATEWAY_SECOND4
	[mail26]=$GATEWAY_SECOND6 [near4]=$GATEWAY_NEAR4 [near6]=$GATEWAY_NEAR6)
more_id=0 more_earlier=0
: >"$MORE_TRUTH"
: >"$LAB_TMP/earlier"

# more_client HOST 4|6 KIND WHO PORT COUNT [OPTION]…: attempts of that host to one on the internet.
more_client() {
	lab_truth gateway_at $1 "$LAB_BIN/gateway_client" $3 ${MORE_SOURCE[$1$2]} "$(gateway_at$2 $4)" $5 $6 \
		"${@:7}" id=$more_id truth="$MORE_TRUTH"
	more_id=$((more_id + $6))
	lab_assert_eq "$*: failed" "${truth[failed]}" 0
}

# more_servers PORT…: gateway_server on the internet on these, and echoes for UDP on 20000 to 20009.
more_servers() {
	: >"$LAB_TMP/server"
	: >"$LAB_TMP/sink"
	gateway_start internet "$LAB_BIN/gateway_server" "$@" >"$LAB_TMP/server"
	gateway_start internet "$LAB_BIN/sink" udp/20000-20009 mute/20020-20029 >"$LAB_TMP/sink"
	lab_wait 'grep -q ready "$LAB_TMP/server" && grep -q ready "$LAB_TMP/sink"' || lab_die "no servers"
}

# more_restarted: of the flows up to now some are listed no longer, as they have ended.
more_restarted() {
	more_lines "$MORE_TRUTH" >>"$LAB_TMP/earlier"
	more_earlier=$(wc -l <"$LAB_TMP/earlier")
	: >"$MORE_TRUTH"
}

more_lines() {
	awk '{ print $1, $2, $3, $4, $5, $6, $7, $8, $1 == "tcp" ? "closed" : "open" }' "$1"
}

# more_attempts: how many there are in all.
more_attempts() {
	echo $((more_earlier + $(wc -l <"$MORE_TRUTH")))
}

# more_differ: in what the outbound flows seen in transit are not the truth. Those to port 20020 and above
# are not in it.
more_differ() {
	lab_flows '.vantage == "transit" and .direction == "out" and (.proto == "tcp" or .dport < 20020)' | jq -r '[.proto,
		.src, .sport, .dst, .dport, .outcome, .bytes_sent, .bytes_received,
		if .proto == "tcp" then .state else "open" end] | map(tostring) | join(" ")' |
		grep -vxFf "$LAB_TMP/earlier" | sort >"$LAB_TMP/seen"
	more_lines "$MORE_TRUTH" | sort >"$LAB_TMP/want"
	diff "$LAB_TMP/want" "$LAB_TMP/seen" | head -n 8
}

# more_saw LABEL VERDICT REASON EVIDENCE ENDPOINT DIAL…: a connection of the mail host (churn_dial) under the
# service updates, and what becomes of it.
more_saw() {
	local label=$1 want="$2 $3 $4 $5" verdict=$2 reason=$3 violations=0

	shift 5
	[ $verdict != violation ] || violations=1
	lab_mark
	lab_truth gateway_at mail "$LAB_BIN/churn_dial" "$@"
	lab_assert_eq "$label: connected" "${truth[errno]}" 0
	lab_settle "$label" "$want" more_seen ${truth[sport]} $1
	lab_settle "$label: counted" 1 lab_delta \
		"connections_total{vantage=\"transit\",service=\"updates\",verdict=\"$verdict\",reason=\"$reason\"}"
	lab_assert_eq "$label: counted once" "$(lab_change 'connections_total{service="updates"}')" 1
	lab_assert_eq "$label: violations" "$(lab_change 'violations_total{state="confirmed"}')" $violations
	lab_assert_eq "$label: findings" "$(lab_change 'findings_total{kind="no-dns-seen"}')" 0
}

# more_seen SPORT ADDRESS: what there is of it.
more_seen() {
	lab_flows ".sport == $1 and .dst == \"$2\" and .proto == \"tcp\"" |
		jq -r '"\(.verdict) \(.reason // "none") \(.evidence) \(.endpoint // "none")"'
}
