# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2016,SC2034,SC2086,SC2154
#
# Many transfers of each kind of FTP, at both vantages: the data connection that is opened at once after the
# announcement is known, each of them. And an announcement is good for one connection, for a while.
. "$LAB_DIR/gateway-lib.sh"

count=$([ -n "${LAB_FULL-}" ] && echo 1000 || echo 20)
ftp4=$(gateway_at4 ftp) ftp6=$(gateway_at6 ftp)

policy() {
	lab_policy <<-EOF
		limits: {ftp: $1}
		watch: {interfaces: [lan0], hosts: [$GATEWAY_MAIL4, "$GATEWAY_MAIL6"], cgroups: [$LAB_WATCHED_PATH]}
		allow:
		  - {service: ftp, to: [$ftp4, "$ftp6"], ports: [tcp/21]}
	EOF
}

# at VANTAGE COMMAND…: on the mail host, or as a watched process of the gateway.
at() {
	if [ $1 = transit ]; then
		gateway_at mail "${@:2}"
	else
		lab_in_cgroup "${@:2}"
	fi
}

data() {
	lab_metric "ftp_data_connections_total{mode=\"$1\",evidence=\"announced\"}"
}

violations() {
	lab_metric "connections_total{vantage=\"$1\",verdict=\"violation\"}"
}

# many VANTAGE MODE SERVER OPTION…: half of the transfers over one control connection, half each over its own.
many() {
	local vantage=$1 mode=$2 before kind="$*" i

	before=$(data $mode)
	for ((i = 0; i < count / 2; i++)); do
		printf 'url = "ftp://%s/version.txt"\noutput = "/dev/null"\n' "$3"
	done >"$LAB_TMP/urls"
	at $vantage curl -sS "${@:4}" --config "$LAB_TMP/urls" || lab_fail "$kind"
	for ((i = 0; i < count - count / 2; i++)); do
		at $vantage curl -sS -o /dev/null "${@:4}" "ftp://$3/version.txt" || lab_fail "$kind"
	done
	lab_settle "$kind: announced" $((before + count)) data $mode
	lab_settle "$kind: all known" 0 violations $vantage
}

# A client that dials what was announced so many times, so many seconds later.
cat >"$LAB_TMP/dialer.py" <<'EOP'
import re, socket, sys, time
server, dials, delay = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
control = socket.create_connection((server, 21))
lines = control.makefile("rwb")
def ask(line=None):
    if line:
        lines.write(line + b"\r\n")
        lines.flush()
    while True:
        reply = lines.readline()
        if re.match(rb"\d{3} ", reply):
            return reply
ask()
ask(b"USER anonymous")
ask(b"PASS x@example")
n = [int(part) for part in re.search(rb"\((.*)\)", ask(b"PASV")).group(1).split(b",")]
time.sleep(delay)
for _ in range(dials):
    try:
        socket.create_connection((server, n[4] * 256 + n[5]), 2).close()
    except OSError:
        pass # the server takes one
EOP

unannounced() {
	lab_delta "violations_total{service=\"ftp\",reason=\"ftp-unannounced\",state=\"confirmed\"}"
}

gateway_network nat=off
gateway_ftp
policy 60s
lab_daemon
many transit passive $ftp4
many transit passive $ftp4 --disable-epsv
many transit passive "[$ftp6]"
many transit active $ftp4 --disable-eprt --ftp-port -
many transit active "[$ftp6]" --ftp-port -
many host passive $ftp4
many host passive $ftp4 --disable-epsv
many host passive "[$ftp6]"
lab_assert_sums "transfers"

policy 1s
lab_reload ok
for vantage in transit host; do
	lab_mark
	at $vantage python3 "$LAB_TMP/dialer.py" $ftp4 1 0
	lab_settle "$vantage: once" 1 lab_delta 'ftp_data_connections_total{mode="passive",evidence="announced"}'
	lab_assert_eq "$vantage: once, no violation" "$(unannounced)" 0
	at $vantage python3 "$LAB_TMP/dialer.py" $ftp4 2 0
	lab_settle "$vantage: a second one on the same announcement" 1 unannounced
	at $vantage python3 "$LAB_TMP/dialer.py" $ftp4 1 1.1
	lab_settle "$vantage: later than limits.ftp" 2 unannounced
	lab_settle "$vantage: announced" 2 lab_delta 'ftp_data_connections_total{mode="passive",evidence="announced"}'
done
lab_assert_sums "announcements"
