# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2016,SC2034,SC2154
#
# What the scenarios of names share: resolvers that can be started again, and clients that say whom
# they mean.
. "$LAB_DIR/lib.sh"
. "$LAB_DIR/servers.sh"

CHURN_STUB=127.0.0.53
CHURN_UPSTREAM=198.51.100.53 # whom the stub asks
CHURN_DIRECT=198.51.100.54   # a resolver of its own right, on the same unbound
CHURN_DIRECT6=2001:db8:51::54
CHURN_MANY6=2001:db8:198::   # /48, all of it on the far side, like 198.18.0.0/15

# A command that becomes the one that follows it, in a cgroup.
churn_under=(bash -c 'echo $$ >"$0/cgroup.procs" && exec "$@"')

churn_network() {
	lab_network
	lab_far ip -6 route add local ${CHURN_MANY6}/48 dev lo
	ip -6 route add ${CHURN_MANY6}/48 via "$LAB_LISTED6"
	lab_wait 'lab_reaches ${CHURN_MANY6}1' || lab_die "the far side does not answer"
}

# churn_authority: serves $LAB_TMP/zone on the far side, to the resolver there.
churn_authority() {
	: >"$LAB_TMP/authority"
	"${lab_there[@]}" "$LAB_BIN/churn_authority" 127.0.0.1 5353 "$LAB_TMP/zone" \
		>"$LAB_TMP/authority" &
	lab_wait 'grep -q ready "$LAB_TMP/authority"' || lab_die "no authoritative server"
}

# churn_unbound_head FILE: what every unbound of a scenario has in common.
churn_unbound_head() {
	cat >"$1" <<-EOF
		server:
		  chroot: ""
		  username: ""
		  pidfile: ""
		  directory: "$LAB_TMP"
		  do-daemonize: no
		  use-syslog: no
		  verbosity: 0
		  num-threads: 1
		  module-config: "iterator"
		  access-control: 0.0.0.0/0 allow
		  access-control: ::/0 allow
		  do-not-query-localhost: no
	EOF
}

# churn_unbound: the resolver of the far side, behind the stub and by itself.
churn_unbound() {
	lab_need unbound dig
	churn_unbound_head "$LAB_TMP/unbound.conf"
	cat >>"$LAB_TMP/unbound.conf" <<-EOF
		  interface: $CHURN_UPSTREAM
		  interface: $CHURN_DIRECT
		  interface: $CHURN_DIRECT6
		  qname-minimisation: no
		stub-zone:
		  name: "example."
		  stub-addr: 127.0.0.1@5353
	EOF
	churn_unbound_start
}

churn_unbound_start() {
	"${lab_there[@]}" unbound -d -c "$LAB_TMP/unbound.conf" >>"$LAB_TMP/unbound.log" 2>&1 &
	churn_unbound_pid=$!
	lab_wait 'lab_far dig +time=1 +tries=1 @$CHURN_UPSTREAM version.bind CH TXT >/dev/null' ||
		lab_die "no unbound: $(tail -n 3 "$LAB_TMP/unbound.log")"
}

# churn_dnsmasq ADDRESS[,ADDRESS]… [OPTION]…: the stub of the mail host, a cache in front of unbound, in the
# cgroup CHURN_IN, or in that of the scenario.
churn_dnsmasq() {
	lab_need dnsmasq dig
	"${churn_under[@]}" "${CHURN_IN:-$LAB_CGROUPS/control}" dnsmasq --keep-in-foreground --conf-file=/dev/null --pid-file --user=root \
		--no-resolv --no-hosts --bind-interfaces --listen-address="$1" --cache-size=1000 \
		--dns-forward-max=1000 --server=$CHURN_UPSTREAM "${@:2}" >>"$LAB_TMP/dnsmasq.log" 2>&1 &
	churn_dnsmasq_pid=$!
	lab_wait "dig +time=1 +tries=1 @${1%%,*} version.bind CH TXT >/dev/null" || lab_die "no dnsmasq"
}

churn_end() {
	kill -TERM "$1"
	wait "$1" 2>/dev/null
}

# churn_dial ADDRESS PORT [key=value…]: a client of the watched cgroup, its words in `truth`.
churn_dial() {
	lab_truth lab_in_cgroup "$LAB_BIN/churn_dial" "$@"
}

# churn_flow SPORT: the last flow from that port, JSON.
churn_flow() {
	lab_flows ".sport == $1" | jq -cs 'sort_by(.first) | last'
}

# churn_states: provisional, retracted and confirmed violations.
churn_states() {
	local scrape

	scrape=$(lab_scrape)
	for state in provisional retracted confirmed; do
		lab_sum "violations_total{state=\"$state\"}" <<<"$scrape"
	done | paste -sd' ' -
}

# churn_open: violations that are neither confirmed nor retracted.
churn_open() {
	local provisional retracted confirmed

	read -r provisional retracted confirmed <<<"$(churn_states)"
	echo $((provisional - retracted - confirmed))
}

# churn_ends: `VERDICT REASON COUNT` for everything that ended, from the scrape.
churn_ends() {
	lab_scrape | sed -n 's/^mewatch_connections_total{.*verdict="\([^"]*\)",reason="\([^"]*\)"} /\1 \2 /p' |
		awk '{ n[$1 " " $2] += $3 } END { for (i in n) if (n[i]) printf "%s %.0f\n", i, n[i] }' |
		sort
}

# churn_orphans: retractions that name no violation that was told.
churn_orphans() {
	jq -s '[.[] | select(.event == "violation") | .id] as $told |
		[.[] | select(.event == "retraction") | select(.retracts as $id | $told | index($id) == null)] |
		length' "$LAB_EVENTS"
}

# churn_sample: scrapes until the file $LAB_TMP/sampling is gone.
churn_sample() {
	: >"$LAB_TMP/samples"
	: >"$LAB_TMP/sampling"
	while [ -e "$LAB_TMP/sampling" ]; do
		lab_scrape >"$LAB_TMP/sample" 2>/dev/null && cat "$LAB_TMP/sample" <(echo ---) >>"$LAB_TMP/samples"
		sleep 0.2
	done &
	churn_sampler=$!
}

# churn_samples_judge: what was wrong in a sample, a line each; at the end how many there were.
churn_samples_judge() {
	rm "$LAB_TMP/sampling"
	wait "$churn_sampler"
	awk '
		function state(name) { return violations[name] + 0 }
		/^---$/ {
			samples++
			open = state("provisional") - state("retracted") - state("confirmed")
			if (attempts != final + pending)
				print "sample " samples ": " attempts " attempts, " final " final, " pending " pending"
			if (open < 0 || pending < 0)
				print "sample " samples ": " open " open, " pending " pending"
			if (attempts < last)
				print "sample " samples ": attempts fell from " last " to " attempts
			if (open > most)
				most = open
			last = attempts
			attempts = final = pending = 0
			delete violations
			next
		}
		/^mewatch_attempts_total/ { attempts += $NF }
		/^mewatch_connections_total/ { final += $NF }
		/^mewatch_pending_flows/ { pending += $NF }
		/^mewatch_violations_total/ {
			match($0, /state="[a-z]*"/)
			violations[substr($0, RSTART + 7, RLENGTH - 8)] += $NF
		}
		END { print samples + 0, most + 0 }' "$LAB_TMP/samples"
}
