# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154,SC2119,SC2016,SC2086
#
# Real clients against real servers: curl, dig, and apt-get.
. "$LAB_DIR/lib.sh"
. "$LAB_DIR/servers.sh"
lab_need curl dig apt-get

# counted LABEL N SELECTOR: so many since the mark, and nothing else but what `also` says.
counted() {
	lab_settle "$1" "$2" lab_delta "connections_total{$3}"
	lab_assert_eq "$1: in all" "$(lab_change connections_total)" "$(($2 + ${also:-0}))"
}

lab_network
lab_nginx
lab_dnsmasq
lab_policy <<EOF
resolvers: [198.51.100.53]
allow:
  - service: dns
    to: resolvers
    ports: [udp/53, tcp/53]
  - service: updates
    name: web
    to: [$LAB_LISTED4]
    ports: [tcp/80, tcp/443]
EOF
lab_daemon

for scheme in http https; do
	lab_mark
	lab_assert "$scheme" lab_in_cgroup curl -sf --noproxy '*' --cacert "$LAB_TMP/cert.pem" -o "$LAB_TMP/got" \
		--resolve updates.example.com:443:$LAB_LISTED4 --resolve updates.example.com:80:$LAB_LISTED4 \
		"$scheme://updates.example.com/data"
	lab_assert_eq "$scheme: got" "$(stat -c %s "$LAB_TMP/got")" 100000
	counted "$scheme" 1 'service="updates",verdict="allowed"'
	lab_settle "$scheme: established" 1 \
		lab_delta 'endpoint_connections_total{service="updates",outcome="established"}'
	lab_assert "$scheme: received" test "$(lab_delta 'endpoint_bytes_total{service="updates",direction="received"}')" -gt 100000
done
lab_settle "origin" 2 eval 'lab_flows ".exe == \"$(readlink -f "$(command -v curl)")\" and .comm == \"curl\"" | wc -l'

for dest in $LAB_STRANGER4 "[$LAB_LISTED6]"; do
	lab_mark
	lab_assert "$dest" lab_in_cgroup curl -sf --noproxy '*' -o /dev/null "http://$dest/data"
	counted "$dest" 1 'verdict="violation",reason="unlisted-destination"'
done

# A name that is resolved on the way: one attempt for the questions, one for the answer.
lab_mark
lab_assert "by name" lab_resolving curl -sf4 --noproxy '*' -o /dev/null http://updates.example.com/data
also=1 counted "by name" 1 'service="dns",verdict="allowed"'
also=1 counted "by name" 1 'service="updates",verdict="allowed"'
lab_assert "by name: UDP connects are probes" test "$(lab_change udp_probes_total)" -gt 0

for server in 53 54; do
	end='service="dns",verdict="allowed",reason="none"'
	[ $server = 53 ] || end='verdict="violation",reason="wrong-resolver"'
	for way in notcp tcp; do
		lab_mark
		lab_assert_eq "dig $way $server" "$(lab_in_cgroup dig +short +$way \
			@198.51.100.$server updates.example.com A)" "$LAB_LISTED4"
		counted "dig $way @$server" 1 "$end"
	done
done
lab_settle "wrong resolver is told" 2 lab_event_sum '.event == "violation" and .reason == "wrong-resolver"'
lab_assert_eq "its destination" \
	"$(lab_event_list '.reason == "wrong-resolver"' | jq -r '[.dst, .dport] | join(" ")' | sort -u)" \
	"198.51.100.54 53"

# apt-get, with a repository of one list.
repository=$LAB_TMP/www/apt root=$LAB_TMP/apt
mkdir -p "$repository" "$root"/{etc,state/lists/partial,cache/archives/partial}
printf 'Package: lab\nVersion: 1\nArchitecture: all\nMaintainer: lab\nDescription: lab\n' >"$repository/Packages"
printf 'Suite: lab\nSHA256:\n %s %s Packages\n' "$(sha256sum <"$repository/Packages" | cut -d' ' -f1)" \
	"$(stat -c %s "$repository/Packages")" >"$repository/Release"
echo "deb [trusted=yes] http://$LAB_LISTED4/apt ./" >"$root/etc/sources.list"
: >"$root/state/status"
cat >"$root/apt.conf" <<EOF
Dir::Etc::parts "/nonexistent";
Dir::Etc::sourcelist "$root/etc/sources.list";
Dir::Etc::sourceparts "/nonexistent";
Dir::State "$root/state";
Dir::State::status "$root/state/status";
Dir::Cache "$root/cache";
Acquire::http::Proxy "DIRECT";
APT::Sandbox::User "root";
EOF
lab_mark
lab_assert "apt-get" lab_in_cgroup env -i PATH="$PATH" APT_CONFIG="$root/apt.conf" \
	apt-get -q update >"$LAB_TMP/apt.log" 2>&1 || cat "$LAB_TMP/apt.log"
lab_assert "apt-get: the list came" grep -rq "Package: lab" "$root/state/lists"
lab_wait '[ "$(lab_delta "connections_total{service=\"updates\",verdict=\"allowed\"}")" -ge 1 ]'
lab_assert_eq "apt-get: nothing else" "$(lab_change connections_total)" \
	"$(lab_change 'connections_total{service="updates",verdict="allowed"}')"
lab_wait 'lab_flows ".exe == \"/usr/lib/apt/methods/http\" and .verdict == \"allowed\"" | grep -q .'
lab_assert_sums "in all"
