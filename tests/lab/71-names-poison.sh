# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154,SC2119,SC2016,SC2086
#
# Nothing is learned but what a resolver answers to the question that it was asked: every way to slip
# an address in is refused and counted, and the next connect to that address is a violation.
. "$LAB_DIR/lib.sh"
. "$LAB_DIR/names-lib.sh"

step=0
learned_in_all=0
: >"$LAB_TMP/violations"

# poison HOW NAME REFUSED LEARNED [ADDRESS]…: one way (names_poison.c). The first label of the name tells
# the server what to do (names_question.h, names_records.h); REFUSED is cause=number,… or -. Of the
# addresses that are connected to, as many as were learned are allowed, the first ones.
poison() {
	local how=$1 name=$2 refused=$3 learned=$4 what="$1 $2 ($resolver $type)" pair sum=0
	local -a connected

	shift 4
	step=$((step + 1))
	lab_mark
	lab_truth lab_in_cgroup "$LAB_BIN/names_poison" $how $resolver $((step * 256)) $type "$name" "$@"
	lab_assert_eq "$what: answers that did not come" "${truth[missing]-?}" 0
	IFS=, read -ra connected <<<"${truth[connected]-}"
	for pair in ${refused//,/ }; do
		[ "$pair" != - ] || continue
		lab_settle "$what: ${pair%=*}" ${pair#*=} lab_delta "names_refused_total{cause=\"${pair%=*}\"}"
		sum=$((sum + ${pair#*=}))
	done
	lab_settle "$what: learned" $learned lab_delta names_learned
	lab_assert_eq "$what: refused in all" "$(names_refused)" $sum
	learned_in_all=$((learned_in_all + learned))
	[ $learned -le ${#connected[@]} ] || learned=${#connected[@]}
	lab_assert_eq "$what: allowed" \
		"$(lab_change 'connections_total{service="names",verdict="allowed"}')" $learned
	lab_assert_eq "$what: violations" "$(lab_change 'violations_total{state="provisional"}')" \
		$((${#connected[@]} - learned))
	[ ${#connected[@]} -le $learned ] || printf '%s\n' "${connected[@]:learned}" >>"$LAB_TMP/violations"
}

# The table on standard input.
poison_all() {
	local how name refused learned addresses

	while read -r how name refused learned addresses; do
		[ -z "$how" ] || poison $how "$name" $refused $learned $addresses </dev/null
	done
}

names_network
names_server
lab_policy <<EOF
resolvers: [$NAMES_RESOLVER4, 198.51.100.11, '$NAMES_RESOLVER6', '2001:db8:51::11']
limits: {pending: 1s, warmup: 0s}
allow:
  - {service: dns, to: resolvers, ports: udp/53}
  - {service: names, name: below, to: '**.poison.example', ports: tcp/8080}
  - {service: names, name: one, to: '*.wild.example', ports: tcp/8080}
  - {service: names, name: exact, to: [listed.example, dot.label.example], ports: tcp/8080}
  - {service: names, name: inside, to: '*.inside.example', private: true, ports: tcp/8080}
EOF
lab_daemon

for resolver in $NAMES_RESOLVER4 $NAMES_RESOLVER6; do
	type=$([ $resolver = $NAMES_RESOLVER4 ] && echo a || echo aaaa)
	# What has to be learned, so that the rest says something.
	poison_all <<-'TABLE'
		ask           good.poison.example              -                             1
		ask           a.b.poison.example               -                             1
		ask           GoOd.PoIsOn.ExAmPlE              -                             1
		ask           case.poison.example              -                             1
		ask           a.wild.example                   -                             1
		ask           listed.example                   -                             1
		ask           1.2.3.4.poison.example           -                             1
		ask           dot.label.example                -                             1
		ask           cname.poison.example             -                             1
		ask           chain.poison.example             -                             1
		ask           chain-back.poison.example        -                             1
		ask           large.poison.example             -                             200
	TABLE
	# From whom, to whom.
	poison_all <<-'TABLE'
		ask           wrong-resolver.poison.example    wrong-resolver=1              0
		ask           other-resolver.poison.example    unsolicited=1                 0
		ask           wrong-port.poison.example        wrong-port=1                  0
		never-asked   poison.example                   unsolicited=1                 0
		other-socket  poison.example                   unsolicited=1                 0
		twice         duplicate.poison.example         unsolicited=1                 1
		transparent   mute.poison.example              not-local=1                   0
	TABLE
	# Header and question.
	poison_all <<-'TABLE'
		ask           wrong-id.poison.example          unsolicited=1                 0
		ask           wrong-name.poison.example        unsolicited=1                 0
		other-type    wrong-type.poison.example        unsolicited=1                 0
		ask           wrong-class.poison.example       malformed=1                   0
		ask           no-answer-bit.poison.example     -                             0
		ask           opcode.poison.example            malformed=1                   0
		ask           two-questions.poison.example     malformed=1                   0
		ask           no-question.poison.example       malformed=1                   0
		ask           loop-question.poison.example     malformed=1                   0
		ask           forward-question.poison.example  malformed=1                   0
		ask           odd-label.poison.example         malformed=1                   0
		ask           long-name.poison.example         malformed=1                   0
		ask           cut-header.poison.example        malformed=1                   0
		ask           cut-question.poison.example      malformed=1                   0
	TABLE
	# Records.
	poison_all <<-'TABLE'
		ask           other-name.poison.example        other-name=1                  0
		ask           authority.poison.example         other-name=1                  0
		ask           additional.poison.example        other-name=1                  0
		ask           additional-own.poison.example    -                             0
		ask           record-class.poison.example      -                             0
		ask           short-record.poison.example      -                             0
		ask           loop-owner.poison.example        other-name=1                  0
		ask           loop-pair.poison.example         other-name=1                  0
		ask           forward-owner.poison.example     other-name=1                  0
		ask           cut.poison.example               malformed=1                   0
		ask           count.poison.example             malformed=1                   1
		ask           many.poison.example              many-answers=44               256
		ask           loop-cname.poison.example        malformed=1,other-name=1      0
		ask           chain-long.poison.example        many-answers=1,other-name=1   0
		ask           circle.poison.example            other-name=1                  0
		ask           special.poison.example           special-address=9             0  169.254.9.9 240.9.9.9
		ask           private.poison.example           private-address=4             0  10.9.9.9 fc00::9
	TABLE
	# Names that the policy almost has.
	poison_all <<-'TABLE'
		ask           poison.example                   -                             0
		ask           wild.example                     -                             0
		ask           a.b.wild.example                 -                             0
		ask           awild.example                    -                             0
		ask           a.wild\.example                  -                             0
		ask           a\.wild.example                  -                             0
		ask           sub.listed.example               -                             0
		ask           notlisted.example                -                             0
		ask           listed.example.stranger.example  -                             0
		ask           listed.example\000               -                             0
		ask           listed\000.example               -                             0
		ask           dot\.label.example               -                             0
		ask           dot.label\.example               -                             0
		ask           cname-listed.stranger.example    -                             0
	TABLE
done

# The other types and transports; a target that was asked for by itself; raw sockets; private space.
for resolver in $NAMES_RESOLVER4 $NAMES_RESOLVER6; do
	type=$([ $resolver = $NAMES_RESOLVER4 ] && echo aaaa || echo a)
	poison_all <<-'TABLE'
		ask           good.poison.example              -                             1
		ask           good.stranger.example            -                             0
	TABLE
done
resolver=$NAMES_RESOLVER4 type=a
poison_all <<-'TABLE'
	ask           target.stranger.example          -                             0
	ask           alias.poison.example             -                             0
	ask           target.stranger.example          -                             1
	ask           other.stranger.example           -                             0
	forged        mute.poison.example              not-local=1                   0
	forged-lo     mute.poison.example              not-local=1                   0
	ask           private.inside.example           -                             4  10.9.9.9 172.16.9.9 192.168.9.9 100.64.9.9
	ask           special.inside.example           special-address=9             0  169.254.9.8
TABLE
type=aaaa
poison ask private.inside.example - 4 fc00::9 fd09::9 10.9.9.8 100.64.9.8
lab_settle "raw sockets are told" 2 lab_metric 'findings_total{kind="raw-socket"}'

# In the end, every one of those connects is a confirmed violation, and they alone.
sort -u "$LAB_TMP/violations" >"$LAB_TMP/want"
lab_settle "confirmed" "$(wc -l <"$LAB_TMP/violations")" lab_metric 'violations_total{state="confirmed"}'
lab_assert_eq "retracted" "$(lab_metric 'violations_total{state="retracted"}')" 0
lab_assert_eq "unresolved" "$(lab_metric 'connections_total{verdict="unresolved"}')" 0
lab_flows '.verdict == "violation"' | jq -r .dst | sort -u >"$LAB_TMP/got"
lab_assert_eq "whereto" "$(diff "$LAB_TMP/want" "$LAB_TMP/got")" ""
lab_assert_eq "learned in all" "$(lab_metric names_learned)" $learned_in_all
lab_assert_sums "in all"

# Anybody may make a user namespace, and in it a network namespace with the resolver's address.
cat >"$LAB_TMP/namespace.sh" <<EOF
ip link set lo up
ip address add $NAMES_RESOLVER4/32 dev lo
"$LAB_BIN/names_server" >/dev/null &
for id in $((251 * 256)) $((252 * 256)); do # when it asks again, the daemon knows the namespace
	sleep 1.5
	"$LAB_BIN/names_poison" ask $NAMES_RESOLVER4 \$id a good.poison.example 192.0.2.251
done
EOF
if unshare --user true 2>/dev/null; then
	lab_mark
	lab_assert "own namespace" lab_in_cgroup unshare --user --map-root-user --net \
		bash "$LAB_TMP/namespace.sh" >"$LAB_TMP/namespace"
	lab_assert_eq "own namespace: asked" "$(grep -c missing=0 "$LAB_TMP/namespace")" 2
	lab_settle "own namespace: refused" 2 lab_delta names_refused_total
	lab_assert_eq "own namespace: learned" "$(lab_delta names_learned)" 0
	resolver=$NAMES_RESOLVER4 type=a
	poison ask good.stranger.example - 0 198.18.251.0 198.18.252.0
else
	echo "absent: user namespaces"
fi
echo "$step ways"
