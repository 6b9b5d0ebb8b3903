# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC1091,SC2154
#
# tests/lab/run --here tests/lab/screens.sh, or `make screens`: takes every screen of metop over a day of the
# lab, writes the text into README.md, between the markers
#
#	<!-- screen NAME -->
#	<!-- end -->
#
# and the pictures into tools/screens/. 64-screens.sh says when they are old.
. "$LAB_DIR/screens-lib.sh"
top=$(realpath "$LAB_DIR/../..")

# fenced FILE: a screen for README.md; of lines without a word, which a screen has at its end, one is enough.
fenced() {
	echo '```'
	cat -s "$1"
	echo '```'
}

screens_day
screens_take "$LAB_TMP"
[ "$lab_failures" = 0 ] || exit 1
mkdir -p "$top/tools/screens"
while read -r name _; do
	for size in $SCREENS_SIZES; do
		"$LAB_DIR/screen-picture" --title "metop: $name" --columns "${size%x*}" <"$LAB_TMP/$name-$size" \
			>"$top/tools/screens/$name-$size.svg"
	done
	fenced "$LAB_TMP/$name-80x24.txt" >"$LAB_TMP/$name.md"
	sed -i "/^<!-- screen $name -->\$/,/^<!-- end -->\$/{
		/^<!-- screen/r $LAB_TMP/$name.md
		/^<!--/!d
	}" "$top/README.md"
done <<<"$SCREENS"
ls -l "$top/tools/screens"
