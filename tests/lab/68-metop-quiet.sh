# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC1091,SC2016,SC2034,SC2086,SC2154
#
# No flicker: how much metop writes to its terminal. Only what has changed is sent, at rest and while
# all numbers move; never the whole screen but on demand. The numbers are printed.
. "$LAB_DIR/metop-lib.sh"
answers
server_start
LOOKS=10 # that are counted over
SCREEN=8000 # characters of 160x50: what a whole screen takes at the least

# Everything that metop sends to its terminal, from now on.
watch_bytes() {
	rm -f "$LAB_TMP/bytes"
	tmux_ pipe-pane -t metop "cat >$LAB_TMP/bytes"
	until_true 5 test -e "$LAB_TMP/bytes" || fail "nothing is written down"
}
looks() { grep -c '/v1/health' "$API/requests"; }
# At least so many looks later than at the beginning.
looked() { [ "$(looks)" -ge $(($1 + $2)) ]; }
# bytes_of N [COMMAND]: bytes a look, over N looks; the command runs before each.
bytes_of() {
	local n=$1 from before

	shift
	watch_bytes
	from=$(looks)
	for ((i = 1; i <= n; i++)); do
		before=$(looks)
		"$@"
		until_true 10 looked $before 2 || fail "no more looks"
	done
	tmux_ pipe-pane -t metop
	echo $(($(stat -c %s "$LAB_TMP/bytes") / ($(looks) - from)))
}
at_most() { # WHAT LIMIT BYTES
	echo "$1: $3 bytes a look"
	[ "$3" -le "$2" ] || fail "$1: $3 bytes a look, more than $2"
}
# Every counter of the head, and of every row of the flows, is another one.
second=0
all_move() {
	second=$((second + 1))
	printf -v now '2027-01-01T01:%02d:%02d.000Z' $((second / 60)) $((second % 60))
	jq -c --arg ts $now --argjson n $second \
		'.ts = $ts | .uptime_s += $n | .attempts.host += 13 * $n | .verdicts.allowed += 13 * $n | .bytes = {sent: (7000 * $n)}' \
		"$LAB_TMP/health" | answer health.json
	jq -c --arg ts $now --argjson n $second \
		'.ts = $ts | .flows[] |= (.bytes_sent += 1237 * $n | .bytes_received += 977 * $n)' \
		"$LAB_TMP/flows" | answer flows.json
}
cp "$API/health.json" "$LAB_TMP/health"
rows=()
for i in {1..40}; do
	rows+=("$(flow $i allowed 192.0.2.$i 443 tcp 1000 "\"name\":\"host$i.example\",\"comm\":\"mta\",\"pid\":$i")")
done
list flows $TS "${rows[@]}" >"$LAB_TMP/flows"
cp "$LAB_TMP/flows" "$API/flows.json"

for size in 80x24 160x50; do
	start $size TERM=tmux-256color -- --view flows --interval 200ms
	expect "runs" '^>\+ allowed +host1\.example'
	at_most "$size at rest" 40 "$(bytes_of $LOOKS true)"
	all_move
	at_most "$size, every row and the head move" $((SCREEN / 3)) "$(bytes_of $LOOKS all_move)"
	keys Down
	at_most "$size, one key each look" 1000 "$(bytes_of $LOOKS keys Down)"
	watch_bytes
	keys 1
	expect "endpoints" '\[1 Endpoints\]'
	tmux_ pipe-pane -t metop
	grep -q $'\e\\[2J' "$LAB_TMP/bytes" && fail "another view clears the screen"
	# Only who asks for it gets a whole screen.
	watch_bytes
	keys C-l
	until_true 5 grep -q $'\e\\[2J\|\e\\[H' "$LAB_TMP/bytes" || fail "Ctrl-L draws nothing"
	tmux_ pipe-pane -t metop
	keys q
	expect_end "quit" "0 restored"
done

# A daemon that is gone: the age of the data, and when it is asked again.
start 160x50 TERM=tmux-256color -- --view flows
expect "runs" '^>\+ allowed +host1\.example'
server_end
expect "gone" 'mewatch is not running'
watch_bytes
expect "older" 'data ([6-9]|[1-9][0-9])s old'
tmux_ pipe-pane -t metop
[ "$(stat -c %s "$LAB_TMP/bytes")" -le 2000 ] || fail "gone: $(stat -c %s "$LAB_TMP/bytes") bytes in a few seconds"
echo "daemon gone: $(stat -c %s "$LAB_TMP/bytes") bytes in some seconds"
keys q
expect_end "quit" "0 restored"
exit 0
