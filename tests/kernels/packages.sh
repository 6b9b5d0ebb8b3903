# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# Debian's kernels, out of the package sources of this machine. Nothing is installed.

# The releases that the package sources offer, oldest first, of the plain flavour.
offered() {
	apt-cache search --names-only '^linux-image-[0-9]+\.[0-9]+\.[0-9].*-amd64$' |
		sed -n 's/^linux-image-\([^ ]*\) .*/\1/p' |
		grep -vE -e '-(cloud|rt)-amd64$' | sort -V
}

# The newest of the releases on the standard input that the version $1 is the beginning of.
newest() {
	awk -v version="$1" '
		version == "newest" || index($0, version) == 1 &&
			substr($0, length(version) + 1, 1) !~ /[0-9]/ { found = $0 }
		END { print found }'
}

# fetch FOLDER RELEASE: unpacks the kernel to FOLDER/RELEASE, unless that was done before.
fetch() {
	[ ! -d "$1/$2" ] || return 0
	rm -rf "$1/fetch"
	mkdir -p "$1/fetch/tree" || return 1
	(
		cd "$1/fetch" || exit 1
		# The user that apt changes to need not be able to write here.
		apt-get -qq -o APT::Sandbox::User=root download "linux-image-$2" &&
			dpkg-deb -x linux-image-*.deb tree && rm -rf tree/usr/share
	) >&2 && mv "$1/fetch/tree" "$1/$2" && rm -rf "$1/fetch"
}
