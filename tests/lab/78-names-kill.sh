# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# The churn (72) once more, with every ClientHello in two halves and the daemon killed between them all
# the time: nothing that was read half is lost.
CHURN_COUNT=$([ -n "${LAB_FULL-}" ] && echo 12000 || echo 1500)
CHURN_RATE=$([ -n "${LAB_FULL-}" ] && echo 250 || echo 120)
CHURN_WORKERS=24
CHURN_HALVES=1
CHURN_DISTURB=kills
. "$LAB_DIR/72-names-churn.sh"
