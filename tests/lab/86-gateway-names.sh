# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2016,SC2034,SC2086,SC2119,SC2154
#
# Names in transit: an answer is learned as it passes the gateway, before the mail host has it; nothing
# is learned but what a resolver of the policy answers to a question that has passed; what clients say
# in TLS confirms it or not. Then the same by a resolver on the internet that is no stranger's, over UDP
# and TCP.
. "$LAB_DIR/gateway-more-lib.sh"
. "$LAB_DIR/names-lib.sh"
. "$LAB_DIR/replay-lib.sh"

count=$([ -n "${LAB_FULL-}" ] && echo 50000 || echo 3000)
each=67 # NAMES_EACH
resolver4=$(gateway_at4 resolver)
resolver6=$(gateway_at6 resolver)

# policy RESOLVERS: the rules on standard input.
policy() {
	{
		cat <<-END
			resolvers: $1
			limits: {pending: 1s, warmup: 0s, udp_idle: 1h}
			watch:
			  interfaces: [lan0]
			  hosts: [$GATEWAY_MAIL4, "$GATEWAY_MAIL6"]
		END
		cat
	} | lab_policy
}

# server [key=value]…: names_server on the internet.
server() {
	: >"$LAB_TMP/names"
	gateway_start internet "$LAB_BIN/names_server" "$@" >"$LAB_TMP/names"
	names_server_pid=$gateway_started
	lab_wait 'grep -q ready "$LAB_TMP/names"' || lab_die "no name server"
}

# --- at once

# race LABEL LEARNED [key=value]…: the mail host connects within microseconds of each answer.
race() {
	local label=$1 learned=$2 n

	shift 2
	lab_mark
	lab_truth gateway_at mail "$LAB_BIN/names_race" $resolver4 $resolver6 8080 "$@"
	n=$1
	echo "$label: ${truth[connects]} connects, ${truth[rate]}/s, ${truth[least_ns]} ns at the least after the answer"
	lab_assert_eq "$label: connects, others than refused, lost" \
		"${truth[connects]} ${truth[failed]} ${truth[lost]}" "$n 0 0"
	lab_settle "$label: attempts" $((n + truth[dns_attempts])) lab_delta 'attempts_total{vantage="transit"}'
	lab_settle "$label: allowed" $((n * learned)) lab_delta 'connections_total{service="names",verdict="allowed"}'
	lab_settle "$label: confirmed" $((n - n * learned)) lab_delta 'violations_total{state="confirmed"}'
	lab_settle "$label: learned" $((n * learned)) lab_delta names_learned
	lab_assert_eq "$label: provisional" "$(lab_change 'violations_total{state="provisional"}')" $((n - n * learned))
	lab_assert_eq "$label: retracted" "$(lab_change 'violations_total{state="retracted"}')" 0
	lab_assert_eq "$label: DNS" "$(lab_change 'connections_total{service="dns",verdict="allowed"}')" \
		"${truth[dns_attempts]}"
	lab_assert_eq "$label: final" "$(lab_change connections_total)" $((n + truth[dns_attempts]))
	lab_assert_eq "$label: queries" "$(lab_change 'dns_queries_total{category="other"}')" $n
	lab_assert_eq "$label: answers" "$(lab_change 'dns_responses_total{category="other",rcode="noerror"}')" $n
	lab_assert_eq "$label: refused" "$(names_refused)" 0
	lab_assert_sums "$label"
}

races() {
	{
		echo "allow:"
		echo '  - {service: dns, to: resolvers, ports: udp/53}'
		for ((n = 0; n < each; n++)); do
			for name in e$n "*.w$n" "**.s$n"; do
				printf '  - {service: names, to: "%s.race.example", ports: [tcp/8080]}\n' "$name"
			done
		done
	} | policy "[$resolver4, '$resolver6']"
	replay_begin
	lab_daemon
	server ttl=0
	race "at once" 1 $count
	race "strangers" 0 $((count / 10)) first=50000 strangers=1
	replay_same "races"
	replay_end
	kill $names_server_pid
}

# --- not from anybody

step=200 # addresses of 256 ids each, which the races have not had
# poison HOW NAME REFUSED LEARNED: as in 71-names-poison.sh, by the mail host.
poison() {
	local what="$1 $2" pair sum=0 connected

	step=$((step + 1))
	lab_mark
	lab_truth gateway_at mail "$LAB_BIN/names_poison" $1 $resolver4 $((step * 256)) a "$2"
	lab_assert_eq "$what: answers that did not come" "${truth[missing]-?}" 0
	IFS=, read -ra connected <<<"${truth[connected]-}"
	for pair in ${3//,/ }; do
		[ "$pair" != - ] || continue
		lab_settle "$what: ${pair%=*}" ${pair#*=} lab_delta "names_refused_total{cause=\"${pair%=*}\"}"
		sum=$((sum + ${pair#*=}))
	done
	lab_settle "$what: learned" $4 lab_delta names_learned
	lab_assert_eq "$what: refused in all" "$(names_refused)" $sum
	lab_settle "$what: allowed" $4 lab_delta 'connections_total{service="names",verdict="allowed"}'
	lab_settle "$what: violations" $((${#connected[@]} - $4)) lab_delta 'violations_total{state="provisional"}'
}

poisons() {
	local how name refused learned

	for how in 11 54; do
		gateway_at internet ip address replace $GATEWAY_NET4.$how/24 dev eth0
	done
	policy "[$resolver4, $GATEWAY_NET4.11]" <<-'END'
		allow:
		  - {service: dns, to: resolvers, ports: udp/53}
		  - {service: names, name: below, to: '**.poison.example', ports: tcp/8080}
	END
	lab_reload ok
	server
	while read -r how name refused learned; do
		poison $how "$name" $refused $learned </dev/null
	done <<-'TABLE'
		ask           good.poison.example              -                   1
		ask           GoOd.PoIsOn.ExAmPlE              -                   1
		ask           chain.poison.example             -                   1
		ask           wrong-resolver.poison.example    wrong-resolver=1    0
		ask           other-resolver.poison.example    unsolicited=1       0
		ask           wrong-port.poison.example        -                   0
		never-asked   poison.example                   unsolicited=1       0
		other-socket  poison.example                   unsolicited=1       0
		twice         duplicate.poison.example         unsolicited=1       1
		ask           wrong-id.poison.example          unsolicited=1       0
		ask           wrong-name.poison.example        unsolicited=1       0
		other-type    wrong-type.poison.example        unsolicited=1       0
		ask           two-questions.poison.example     malformed=1         0
		ask           cut-question.poison.example      malformed=1         0
		ask           other-name.poison.example        other-name=1        0
		ask           additional.poison.example        other-name=1        0
		ask           poison.example                   -                   0
	TABLE
	lab_settle "poisoned: nothing is pending" 0 lab_metric pending_flows
	kill $names_server_pid
}

# --- what the client says

# ask NAME TYPE [OPTION]…: of the resolver; the first address is in `address`.
ask() {
	address=$(gateway_at mail dig +short +tries=1 @$dnsmasq "$@" | grep -v '\.$' | head -n 1)
	lab_assert "$*: an answer" test -n "$address"
}

policy_of_names() {
	policy "[$dnsmasq]" <<-END
		strict_names: $1
		allow:
		  - {service: dns, to: resolvers, ports: [udp/53, tcp/53]}
		  - service: updates
		    to: [meupdate.gfi.com, update.gfi.com, cdnupdate.gfi.com, "*.mailshell.net"]
		    ports: [tcp/80, tcp/443]
	END
}

evidence() {
	local address type

	policy_of_names false
	lab_reload ok
	for type in A AAAA; do
		ask meupdate.gfi.com $type
		more_saw "learned, $type" allowed none learned meupdate.gfi.com $address 443 sni=
		more_saw "verified, $type" allowed none verified meupdate.gfi.com $address 443 sni=meupdate.gfi.com
		more_saw "in pieces, $type" allowed none verified meupdate.gfi.com $address 443 sni=meupdate.gfi.com piece=150 gap=20
		more_saw "HTTP, $type" allowed none verified meupdate.gfi.com $address 80 \
			"text=GET / HTTP/1.0\r\nHost: meupdate.gfi.com\r\n\r\n"
		more_saw "mismatch, $type" violation name-mismatch none none $address 443 sni=$GATEWAY_TRACKER
		more_saw "another listed name, $type" allowed none claimed update.gfi.com $address 443 sni=update.gfi.com
	done
	for address in "$(gateway_at4 mx2)" "$(gateway_at6 mx2)"; do
		more_saw "claimed" allowed none claimed meupdate.gfi.com $address 443 sni=meupdate.gfi.com
		more_saw "nobody, no answer" violation unlisted-destination none none $address 443 sni=
	done
	ask cdnupdate.gfi.com A
	more_saw "an alias" allowed none learned cdnupdate.gfi.com $address 443 sni=
	ask sn92.mailshell.net A +tcp
	more_saw "TCP" allowed none learned '*.mailshell.net' $address 443 sni=
	ask sn92.mailshell.net AAAA +tcp
	more_saw "TCP, verified" allowed none verified '*.mailshell.net' $address 443 sni=sn92.mailshell.net
	policy_of_names true
	lab_reload ok
	ask update.gfi.com A
	more_saw "strict, verified" allowed none verified update.gfi.com $address 443 sni=update.gfi.com
	more_saw "strict, claimed" violation unlisted-destination none none "$(gateway_at4 mx2)" 443 sni=meupdate.gfi.com
}

gateway_seed
gateway_network nat=off
gateway_at internet ip route add local 2001:db8:18::/64 dev lo
races
poisons
gateway_names
gateway_web
dnsmasq=$(gateway_at4 authority)
evidence
