# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC1091,SC2154
#
# The screens in README.md and the pictures in tools/screens/ are those of this metop: titles, columns and
# keys are compared with what it shows now. `make screens` makes them anew.
. "$LAB_DIR/screens-lib.sh"
pictures=$(realpath "$LAB_DIR/../../tools/screens")

screens_day
mkdir "$LAB_TMP/screens"
screens_take "$LAB_TMP/screens"

# compare WHERE NAME-SIZE: what is shown there, on standard input, with the screen of now.
compare() {
	local shape

	shape=$(screens_shape "${2##*-}")
	[ "$(wc -l <<<"$shape")" -ge 3 ] || lab_fail "$1: no screen there"
	screens_shape "${2##*-}" <"$LAB_TMP/screens/$2.txt" | diff <(echo "$shape") - >"$LAB_TMP/differs" ||
		lab_fail "$1 is of another metop (make screens): $(<"$LAB_TMP/differs")"
}

while read -r name _; do
	screens_of_readme "$name" | compare "README.md, $name" "$name-80x24"
	for size in $SCREENS_SIZES; do
		screens_of_picture "$pictures/$name-$size.svg" | compare "$name-$size.svg" "$name-$size"
	done
done <<<"$SCREENS"

# The comparison sees a column, a key and a view that are gone.
for cut in 's/ SERVICE / /' 's/ q Quit//' 's/  4 DNS//'; do
	sed "$cut" "$LAB_TMP/screens/endpoints-160x50.txt" | screens_shape 160x50 >"$LAB_TMP/shape"
	screens_shape 160x50 <"$LAB_TMP/screens/endpoints-160x50.txt" | cmp -s - "$LAB_TMP/shape" &&
		lab_fail "not seen: $cut"
done
true
