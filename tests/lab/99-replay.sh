# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2016,SC2086,SC2154
#
# What can be done with a capture that tcpdump wrote beside the daemon: read as a file and through a pipe,
# with and without being told who the mail host is, it says the same, the same as the daemon; and so do the
# events and the suggestions that come of it.
. "$LAB_DIR/gateway-lib.sh"
. "$LAB_DIR/day-lib.sh"
. "$LAB_DIR/day-misbehave.sh"
. "$LAB_DIR/replay-lib.sh"

replay() {
	"$LAB_BUILD/mewatch" replay -c "$LAB_POLICY" "$@" 2>"$LAB_TMP/replay.err"
}

# violations FILE: the events that tell of one, without what each side has of its own.
violations() {
	jq -r 'select(.event == "violation") | [.state, .reason, .service, .proto, .src, .sport, .dst, .dport, .name,
		.sni] | map(tostring) | join(" ")' "$1" | sort
}

# rules: of a suggestion, without its evidence.
rules() {
	grep -v '^ *#'
}

lab_need tcpdump
gateway_network
gateway_servers
day_policy
replay_begin
lab_daemon
day_begin
day_hour 2
for misdeed in $DAY_MISDEEDS4; do
	day_misbehave $misdeed 4
done
lab_settle "nothing is pending" 0 lab_metric pending_flows
replay_same "an hour"
replay_end

replay --json "$REPLAY_CAPTURE" >"$LAB_TMP/file"
replay --json - <"$REPLAY_CAPTURE" >"$LAB_TMP/stdin"
cat "$REPLAY_CAPTURE" | replay --json - >"$LAB_TMP/pipe"
lab_assert "standard input" cmp "$LAB_TMP/file" "$LAB_TMP/stdin"
lab_assert "a pipe" cmp "$LAB_TMP/file" "$LAB_TMP/pipe"

# Nobody says who the mail host is.
sed -i 's/^  hosts: .*/  hosts: []/; /^watch:/,/^[a-z]*:/ { /cgroups\|interfaces/d }' "$LAB_POLICY"
sed -i '/^  hosts: \[\]/d; /^watch:$/d' "$LAB_POLICY"
replay --json "$REPLAY_CAPTURE" >"$LAB_TMP/guessed"
lab_assert "who it is taken to be" grep -q "taken to be $GATEWAY_MAIL4" "$LAB_TMP/replay.err"
cat "$REPLAY_CAPTURE" | replay --json - >"$LAB_TMP/guessed.pipe"
lab_assert "who it is taken to be, of a pipe" grep -q "taken to be $GATEWAY_MAIL4" "$LAB_TMP/replay.err"
lab_assert "guessed, from a pipe" cmp "$LAB_TMP/guessed" "$LAB_TMP/guessed.pipe"
replay --json --host $GATEWAY_MAIL4 "$REPLAY_CAPTURE" >"$LAB_TMP/named"
lab_assert "guessed is as good as named" cmp "$LAB_TMP/guessed" "$LAB_TMP/named"
lab_assert "it has flows" test -s "$LAB_TMP/named"

day_policy
replay --events "$LAB_TMP/replay.events" "$REPLAY_CAPTURE" >"$LAB_TMP/text"
lab_assert_eq "the same violations are told" "$(violations "$LAB_TMP/replay.events")" "$(violations "$LAB_EVENTS")"
lab_assert_eq "a line each flow" "$(grep -c '^20[0-9-]*T' "$LAB_TMP/text")" "$(wc -l <"$LAB_TMP/file")"
lab_assert "and a summary" grep -q '^  violation  *[1-9]' "$LAB_TMP/text"

"$LAB_BUILD/mewatch" suggest --replay -c "$LAB_POLICY" "$REPLAY_CAPTURE" >"$LAB_TMP/suggested"
lab_assert_eq "the same rules are suggested" "$(rules <"$LAB_TMP/suggested")" \
	"$("$LAB_BUILD/mewatch" suggest --socket "$LAB_SOCKET" | rules)"
lab_assert "there are some" grep -q '^  - ' "$LAB_TMP/suggested"

# Half of it: what there is, and where it breaks off.
head -c $(($(stat -c %s "$REPLAY_CAPTURE") / 2)) "$REPLAY_CAPTURE" >"$LAB_TMP/half"
replay "$LAB_TMP/half" >"$LAB_TMP/text"
lab_assert_eq "half a capture" $? 1
lab_assert "it is told" grep -q 'damaged after packet' "$LAB_TMP/replay.err"
lab_assert "half a capture has flows" grep -q '^20[0-9-]*T' "$LAB_TMP/text"
