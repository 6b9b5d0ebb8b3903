# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2016,SC2034,SC2086,SC2119,SC2154
#
# What becomes of denying when the daemon goes, in good order and by kill -9: `on_exit` either way, and
# what the next start makes of it.
. "$LAB_DIR/deny-lib.sh"

lab_network
lab_sink tcp/20000

# --- keep: the programs go on, and count

policy keep
lab_daemon --enforce
lab_assert_eq "keep: up" "$(stranger)" denied
lab_kill
for ((i = 0; i < 3; i++)); do
	lab_assert_eq "keep: killed" "$(stranger)" denied
done
lab_assert_eq "keep: listed" "$(attempt $LAB_LISTED4)" "let through"
lab_daemon --enforce
lab_assert_eq "keep: up again" "$(stranger)" denied
lab_settle "keep: all of them" 5 lab_metric denied_total
lab_settle "keep: all told" 5 lab_event_sum '.event == "violation" and .action == "denied"'
lab_stop
lab_assert_eq "keep: stopped" "$(stranger)" denied
lab_daemon # without the option
lab_assert_eq "keep: started without" "$(stranger)" "let through"
lab_settle "keep: that one, too" 6 lab_metric denied_total

# What a command says holds over a restart.
"$LAB_BUILD/mewatch" enforce --socket "$LAB_SOCKET" >/dev/null
lab_stop
lab_daemon
lab_assert_eq "said: started again" "$(stranger)" denied
"$LAB_BUILD/mewatch" monitor --socket "$LAB_SOCKET" >/dev/null
lab_kill
lab_daemon --enforce
lab_assert_eq "said: before the option" "$(stranger)" "let through"
lab_assert "said: and the log says so" grep -q 'mewatch monitor. was said before' "$LAB_LOG"
"$LAB_BUILD/mewatch" enforce --end --socket "$LAB_SOCKET" >/dev/null
lab_assert_eq "said: no more" "$(stranger)" "let through"
lab_stop
afresh

# --- open: nothing is denied without a daemon

policy open
lab_daemon --enforce
lab_assert_eq "open: up" "$(stranger)" denied
lab_assert_eq "open" "$(lab_api /v1/health | jq -r .mode.on_exit)" open
lab_stop
lab_assert_eq "open: stopped" "$(stranger)" "let through"
lab_daemon --enforce
lab_assert_eq "open: up again" "$(stranger)" denied
lab_kill
killed=$EPOCHREALTIME
lab_assert_eq "open: just killed" "$(stranger)" denied
lab_wait '[ "$(stranger)" = "let through" ]' 30
echo "open: let through $(((${EPOCHREALTIME/./} - ${killed/./}) / 1000)) ms after kill -9"
lab_daemon --enforce
lab_assert_eq "open: up once more" "$(stranger)" denied
lab_assert "open: what was let through is a violation, too" eval \
	'[ $(($(lab_metric "connections_total{verdict=\"violation\"}") - $(lab_metric denied_total))) = 2 ]'
lab_stop

# --- when nothing is attached there is nothing

afresh
lab_assert_eq "detached" "$(stranger)" "let through"
