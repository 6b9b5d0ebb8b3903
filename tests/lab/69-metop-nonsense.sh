# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC1091,SC2016,SC2034,SC2086,SC2154
#
# metop before servers that are slow, talk nonsense or far too much, over TCP: what is known stays on
# the screen, what is wrong is told, and the keys work all the time.
. "$LAB_DIR/metop-lib.sh"
ip link set lo up
ADDRESS=127.0.0.1:9816
URL=http://$ADDRESS

expect_long() { until_true 60 shows "$2" || { fail "$1: no line matches '$2'"; show_screen; }; }
# The keys are answered at once, whatever the daemon does.
keys_work() {
	keys 5
	expect "$1: keys" '\[5 Health\]'
	keys 2
	expect "$1: keys" '\[2 Flows\]'
}
health() { printf '{"ts":"2027-01-01T01:00:%02d.000Z","version":"9.9","uptime_s":60,"attempts":{"host":7},"verdicts":{"allowed":7}}' $1 >"$API/health.new" && mv "$API/health.new" "$API/health.json"; }
flow='{"id":"000000000000001f","state":"open","verdict":"allowed","dst":"192.0.2.7","dport":25,"proto":"tcp"}'
flows() { printf '{"ts":"2027-01-01T01:00:00.000Z","version":"9.9","total":1,"matched":1,"flows":[%s]}' "$flow" >"$API/flows.json"; }
health 1
flows
"$LAB_BUILD/tests/lab/metop_server" "$ADDRESS" "$API" &
server_pid=$!
start 120x30 -- --view flows
expect "plays along" '^>\+ allowed +192\.0\.2\.7'

# Slow: an answer that takes its time comes, whole.
echo 3000 >"$API/slow"
flow=${flow/192.0.2.7/192.0.2.8}
flows
keys_work "slow"
expect_long "slow" '^>\+ allowed +192\.0\.2\.8'
rm "$API/slow"

# What is no HTTP, no JSON, not of mewatch, or has no end.
printf 'SSH-2.0-OpenSSH_9.2\r\n' >"$API/flows.raw"
expect_long "no HTTP" "^no answer from $URL"
keys_work "no HTTP"
rm "$API/flows.raw"
expect_long "good again" '^>\+ allowed .*'
expect_not "good again" '^no answer'
for nonsense in '<html>' '[]' '{"flows":7}' '{"ts":"2027-01-01T01:00:00.000Z","total":-1,"matched":"x","flows":[[]]}' \
	"$(head -c 20000 /dev/zero | tr '\0' '[')"; do
	printf '%s' "$nonsense" >"$API/flows.json"
	expect "nonsense: ${nonsense:0:30}" 'this answer is not one of mewatch'
	keys_work "nonsense: ${nonsense:0:30}"
	flows
	expect_not "sense again" 'this answer'
done
{
	printf 'HTTP/1.1 200 OK\r\nContent-Length: 50000000\r\n\r\n{"ts":"'
	head -c 50000000 /dev/zero | tr '\0' x
} >"$API/flows.raw"
expect_long "far too long" 'an answer that is far too long'
keys_work "far too long"
shows '192\.0\.2\.8' || fail "the last data are gone from the screen"
printf 'HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n{"ts":' >"$API/flows.raw"
expect_long "cut short" "^no answer from $URL"
printf 'HTTP/1.1 500 Oh\r\nContent-Length: 4\r\n\r\nno!\n' >"$API/flows.raw"
expect_long "an error" 'HTTP status 500'
rm "$API/flows.raw"
expect_not "good again" 'HTTP status'
keys q
expect_end "quit" "0 restored"
exit 0
