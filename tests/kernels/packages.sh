# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh disable=SC2016,SC2046,SC2086
#
# Debian's kernels, from where this machine has its packages. Nothing is installed, and what apt knows of
# the machine stays as it is: the lists of the other suites are in a folder of their own.

# Oldest supported first; a suite that the archive has no more is left out.
suites="bullseye bookworm bookworm-backports trixie trixie-backports forky sid"
security="bullseye-security bookworm-security trixie-security"
keys=/usr/share/keyrings/debian-archive-keyring.gpg

# The addresses of the archives with the label $1, of apt's own sources.
archives() {
	apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' "Label: $1" | sort -u
}

# sources FOLDER: has the lists of all suites there, new ones once a day if they can be had.
sources() {
	mkdir -p "$1/lists/partial" "$1/archives/partial" || return 1
	for archive in $(archives Debian); do
		printf "deb [signed-by=$keys] $archive %s main\n" $suites
	done >"$1/sources.list"
	for archive in $(archives Debian-Security); do
		printf "deb [signed-by=$keys] $archive %s main\n" $security
	done >>"$1/sources.list"
	cat >"$1/apt.conf" <<-EOF
		Dir::State "$1";
		Dir::State::status "/dev/null";
		Dir::Cache "$1";
		Dir::Etc::SourceList "$1/sources.list";
		Dir::Etc::SourceParts "/dev/null";
		Acquire::Languages "none";
		APT::Architecture "amd64";
		# The user that apt changes to need not be able to write here.
		APT::Sandbox::User "root";
	EOF
	export APT_CONFIG="$1/apt.conf"
	[ -z "$(find "$1/log" -mtime -1 2>/dev/null)" ] || return 0
	apt-get -qq update >"$1/log" 2>&1 || echo "not every list is new: $1/log" >&2
}

# apt-cache, with a cache also where the machine wants none, as in a container.
cached() {
	apt-cache -o Dir::Cache::pkgcache=pkgcache.bin "$@"
}

# The releases that the package sources offer, oldest first, of the plain flavour.
offered() {
	cached search --names-only '^linux-image-[0-9]+\.[0-9]+\.[0-9].*-amd64$' |
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

# The packages of the release $1: since 7.0 the kernel and its modules are not in the one called image.
parts_of() {
	cached show $(printf "linux-%s-$1 " image base binary modules) 2>/dev/null |
		sed -n 's/^Package: //p' | sort -u
}

# fetch FOLDER RELEASE: unpacks the kernel to FOLDER/RELEASE, with its modules below lib and its image as
# vmlinuz, unless that was done before.
fetch() {
	[ ! -d "$1/$2" ] || return 0
	rm -rf "$1/fetch"
	mkdir -p "$1/fetch/tree" || return 1
	(
		cd "$1/fetch" || exit 1
		# shellcheck disable=SC2046
		apt-get -qq download $(parts_of "$2") || exit 1
		for package in *.deb; do
			dpkg-deb -x "$package" tree || exit 1
		done
		rm -rf tree/usr/share
		[ -e tree/lib ] || ln -s usr/lib tree/lib
		for image in "tree/boot/vmlinuz-$2" "tree/lib/modules/$2/vmlinuz"; do
			[ ! -e "$image" ] || mv "$image" tree/vmlinuz
		done
		/sbin/depmod -b "$PWD/tree" "$2" && [ -e tree/vmlinuz ]
	) >&2 && mv "$1/fetch/tree" "$1/$2" && rm -rf "$1/fetch"
}
