# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What the tests of the package share; they write TAP.

tests=0 failed=0

# verdict STATUS NAME [WHY]
verdict() {
	tests=$((tests + 1))
	if [ "$1" = 0 ]; then
		echo "ok $tests - $2"
	else
		failed=$((failed + 1))
		echo "not ok $tests - $2"
		[ -z "${3-}" ] || sed 's/^/# /' <<<"$3"
	fi
}

# holds NAME COMMAND…: ends with 0; what it says is shown if not.
holds() {
	local name=$1 said

	shift
	said=$("$@" 2>&1)
	verdict $? "$name" "$said"
}

# same NAME GOT WANT
same() {
	[ "$2" = "$3" ]
	verdict $? "$1" "got '$2', expected '$3'"
}

# settles NAME SECONDS CONDITION: the shell expression holds in time.
settles() {
	local deadline=$((SECONDS + $2))

	until eval "$3" 2>/dev/null; do
		if [ $SECONDS -ge $deadline ]; then
			verdict 1 "$1" "$2 s in vain: $3"
			return 1
		fi
		sleep 0.2
	done
	verdict 0 "$1"
}

finish() {
	echo "1..$tests"
	[ "$failed" = 0 ]
}
