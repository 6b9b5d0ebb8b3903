# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2016,SC2034,SC2086,SC2119,SC2154
#
# Denying for a time that is over while no daemon is there, and what the next start makes of it.
. "$LAB_DIR/deny-lib.sh"

lab_network
lab_sink tcp/20000

policy keep
lab_daemon --enforce --for 5s
lab_kill
lab_wait '[ "$(stranger)" = "let through" ]' 30
lab_daemon --enforce --for 1h
lab_assert_eq "time: it does not begin again" "$(stranger)" "let through"
"$LAB_BUILD/mewatch" enforce --for 6s --socket "$LAB_SOCKET" >/dev/null
lab_assert_eq "time: said" "$(stranger)" denied
lab_kill
lab_assert_eq "time: said, and killed" "$(stranger)" denied
lab_wait '[ "$(stranger)" = "let through" ]' 30
lab_daemon --enforce --for 1h
lab_assert_eq "time: what was said is over" "$(stranger)" denied
lab_assert "time: until" eval '[ "$(lab_api /v1/health | jq -r .mode.until)" \> "$(date -u +%FT%T)" ]'
lab_stop
