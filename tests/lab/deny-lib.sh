# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2086,SC2119,SC2154
#
# Denying and the daemon that is not there: one listed address, and a stranger.
. "$LAB_DIR/lib.sh"

policy() {
	lab_policy <<-EOF
		resolvers: [198.51.100.53]
		limits: {warmup: 0s}
		on_exit: $1
		allow:
		  - service: listed
		    to: [$LAB_LISTED4]
		    ports: [tcp/20000]
	EOF
}

# attempt DESTINATION: denied, or let through.
attempt() {
	lab_in_cgroup bash -c 'exec 3<>/dev/tcp/$0/20000' "$1" 2>&1 | grep -q "not permitted" &&
		echo denied || echo let through
}

afresh() {
	rm -rf "$LAB_STATE" "$LAB_EVENTS"
	"$LAB_BUILD/mewatch" detach --pins "$LAB_PINS" >/dev/null
}

stranger() {
	attempt $LAB_STRANGER4
}
