# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2016,SC2034,SC2086,SC2154
#
# FTP at both vantages: what the server announces on the control connection is known before the client
# can dial it, and once; all else to that host is ftp-unannounced. Real vsftpd, curl and lftp, passive
# and active, IPv4 and IPv6, plain and over TLS; and a server that names another host.
. "$LAB_DIR/gateway-lib.sh"
. "$LAB_DIR/replay-lib.sh"

ftp4=$(gateway_at4 ftp) ftp6=$(gateway_at6 ftp)
bouncer=$(gateway_at4 cdn2) hidden_ftp=$(gateway_at4 mailshell)

# The real server has port 21 of every address; two of them lead to others.
ports() {
	gateway_at internet nft -f - <<-EOF || lab_die "no ports for FTP"
		table ip ftp {
			chain ports {
				type nat hook prerouting priority dstnat
				ip daddr $bouncer tcp dport 21 dnat to $bouncer:2121
				ip daddr $hidden_ftp tcp dport 21 dnat to $hidden_ftp:2122
			}
		}
	EOF
}

# A server whose 227 names the stranger, and which takes the data connection itself.
bouncing_server() {
	cat >"$LAB_TMP/bouncer.py" <<-'EOF'
		import socket, sys
		here, there = sys.argv[1:3]
		control, data = socket.create_server((here, 2121)), socket.create_server((here, 5000))
		while True:
		    c, _ = control.accept()
		    c.sendall(b"220 ready\r\n")
		    for line in c.makefile("rb"):
		        word = line.split()[0].upper()
		        if word == b"PASV":
		            c.sendall(b"227 Entering Passive Mode (%s,19,136)\r\n" % there.replace(".", ",").encode())
		        elif word == b"RETR":
		            c.sendall(b"150 here it comes\r\n")
		            d, _ = data.accept()
		            d.sendall(b"x" * 100)
		            d.close()
		            c.sendall(b"226 done\r\n")
		        else:
		            c.sendall({b"USER": b"331 who\r\n", b"PASS": b"230 hello\r\n", b"PWD": b'257 "/"\r\n',
		                       b"TYPE": b"200 ok\r\n", b"QUIT": b"221 bye\r\n"}.get(word, b"502 no\r\n"))
		    c.close()
	EOF
	gateway_start internet python3 "$LAB_TMP/bouncer.py" "$bouncer" "$(gateway_at4 stranger)"
	lab_wait 'gateway_at internet curl -s --disable-epsv --ftp-skip-pasv-ip "ftp://$bouncer:2121/x" -o /dev/null'
}

# vsftpd that speaks TLS on the control connection alone, on the web host's address.
tls_server() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=ftp \
		-keyout "$LAB_TMP/ftp.pem" -out "$LAB_TMP/ftp.crt" 2>/dev/null
	cat "$LAB_TMP/ftp.crt" >>"$LAB_TMP/ftp.pem"
	sed 's/^listen=.*/listen=YES/; s/^listen_ipv6=.*/listen_ipv6=NO/' "$LAB_TMP/vsftpd.conf" >"$LAB_TMP/tls.conf"
	cat >>"$LAB_TMP/tls.conf" <<-EOF
		listen_address=$hidden_ftp
		listen_port=2122
		ssl_enable=YES
		allow_anon_ssl=YES
		force_anon_data_ssl=NO
		rsa_cert_file=$LAB_TMP/ftp.pem
	EOF
	gateway_start internet vsftpd "$LAB_TMP/tls.conf"
	lab_wait 'gateway_at internet curl -sk --ftp-ssl-control "ftp://$hidden_ftp:2122/version.txt" -o /dev/null'
}

# Whoever fetches: the mail host, or a process of the gateway that is watched.
fetch() {
	local who=$1

	shift
	if [ "$who" = mail ]; then
		gateway_at mail curl -s -o /dev/null "$@"
	else
		lab_in_cgroup curl -s -o /dev/null "$@"
	fi
}

# data MODE EVIDENCE: data connections so far.
data() {
	lab_metric "ftp_data_connections_total{mode=\"$1\",evidence=\"$2\"}"
}

# A control connection that stays, with nothing announced on it; then one more connection to PORT.
beside_control() {
	local where=$1 server=$2 port=$3

	"${@:4}" bash -c 'exec 3<>"/dev/tcp/$0/21" && head -n 1 <&3 >/dev/null &&
		{ exec 4<>"/dev/tcp/$0/$1"; } 2>/dev/null; true' "$server" "$port"
}

# announced_flows VANTAGE: how many data connections that were announced, and what is known of them.
announced_flows() {
	lab_flows ".vantage == \"$1\" and .evidence == \"announced\"" |
		jq -r '[.service, .verdict, (.rule != null), (.dport >= 40000)] | map(tostring) | join(" ")' | sort | uniq -c |
		awk '{ $1 = $1 } 1'
}

gateway_network
gateway_servers
ports
bouncing_server
tls_server
gateway_start internet "$LAB_BIN/sink" tcp/900 >/dev/null
lab_policy <<-EOF
	watch: {interfaces: [lan0], hosts: [$GATEWAY_MAIL4, "$GATEWAY_MAIL6"], cgroups: [$LAB_WATCHED_PATH]}
	resolvers: [$GATEWAY_LAN4]
	allow:
	  - {service: ftp, to: [$ftp4, "$ftp6", $bouncer, $hidden_ftp], ports: [tcp/21]}
	  - {service: dns, to: resolvers, ports: [udp/53]}
EOF
replay_begin
lab_daemon

for who in mail gateway; do
	vantage=transit
	[ $who = mail ] || vantage=host
	echo "--- $vantage"
	announced=$(data passive announced)
	fetch $who "ftp://$ftp4/version.txt" || lab_fail "EPSV"
	fetch $who --disable-epsv "ftp://$ftp4/version.txt" || lab_fail "PASV"
	fetch $who "ftp://[$ftp6]/version.txt" || lab_fail "EPSV over IPv6"
	lab_settle "$vantage: announced" $((announced + 3)) data passive announced
	lab_settle "$vantage: allowed, all of it" 6 \
		lab_metric "connections_total{vantage=\"$vantage\",service=\"ftp\",verdict=\"allowed\"}"
	lab_assert_eq "$vantage: no violation" \
		"$(lab_metric "connections_total{vantage=\"$vantage\",verdict=\"violation\"}")" 0
	lab_settle "$vantage: under the endpoint, with the evidence" "3 ftp allowed true true" announced_flows $vantage

	# TLS hides what is announced.
	hidden=$(data passive control-only)
	fetch $who -k --ftp-ssl-control "ftp://$hidden_ftp/version.txt" || lab_fail "over TLS"
	lab_settle "$vantage: beside TLS" $((hidden + 1)) data passive control-only

	# Another host is named: a client that dials its server all the same is no violation.
	bounces=$(lab_metric 'findings_total{kind="ftp-bounce"}')
	fetch $who --disable-epsv --ftp-skip-pasv-ip "ftp://$bouncer/x" || lab_fail "bounce"
	lab_settle "$vantage: bounce" $((bounces + 1)) lab_metric 'findings_total{kind="ftp-bounce"}'
	lab_settle "$vantage: beside a bounce" $((hidden + 2)) data passive control-only

	# Nothing was announced, with and without a control connection.
	at=(gateway_at mail)
	[ $who = mail ] || at=(lab_in_cgroup)
	lab_mark
	beside_control $vantage $ftp4 40077 "${at[@]}"
	lab_settle "$vantage: not announced" 1 \
		lab_delta "violations_total{service=\"ftp\",reason=\"ftp-unannounced\",state=\"confirmed\"}"
	lab_mark
	"${at[@]}" bash -c 'exec 4<>"/dev/tcp/$0/40077"' $ftp4 2>/dev/null
	lab_settle "$vantage: no control connection" 1 \
		lab_delta 'violations_total{service="unlisted",reason="unlisted-port",state="confirmed"}'
	# The documented range.
	documented=$(data passive documented)
	beside_control $vantage $ftp4 900 "${at[@]}"
	lab_settle "$vantage: documented" $((documented + 1)) data passive documented
done

# Active: the server calls. On the way through the interface it is a flow to the mail host.
gateway_at mail curl -s -o /dev/null --ftp-port - "ftp://[$ftp6]/version.txt" || lab_fail "active"
lab_settle "active" 1 data active announced
lab_settle "active: under the rule, with its bytes" "in ftp true" eval \
	'lab_flows ".direction == \"in\" and .dport == 20" | jq -r "\"\(.direction) \(.service) \(.bytes_received > 0)\""'
lab_assert_sums "in all"
replay_same "FTP"
replay_end
replay_agree "FTP" FTP
