#!/bin/sh
# Do the set-up commands work on a bare Debian 12? Makes a minimal root of it with nothing added but git, puts a clean clone of this
# checkout's HEAD there, and runs the demo: as root, and as a user who may not install anything (who must get the line to
# run, and once root has run it, the demo). FULL=1 runs "make check" as well. Needs root, debootstrap, network; a minute or two.
#
# All is below build/bare. Mounts live in a mount namespace, processes in a PID namespace of the run, so nothing is left of either.
set -u
cd "$(dirname "$0")/../.." || exit 1
bare=$PWD/build/bare
release=bookworm

die() {
	echo "bare: $*" >&2
	exit 1
}

[ "$(id -u)" = 0 ] || die "must be run by root, for chroot"
command -v debootstrap >/dev/null || die "needs debootstrap (apt-get install debootstrap)"
checkout="git -c safe.directory=*"

# This machine's own package sources, whatever the format that they are written in.
sources() {
	apt-get indextargets --format '$(SITE) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
		awk -v release="$release" '$2 ~ "^" release && $3 == "main" { print "deb", $1, $2, $3 }' | sort -u
}

# The root that the others are copied from. The stamp comes last: a half-made one is made again.
make_base() {
	[ -e "$bare/base.done" ] && return 0
	mirror=$(sources | awk -v release="$release" '$3 == release { print $2; exit }')
	[ -n "$mirror" ] || die "no source of $release among this machine's package sources"
	rm -rf --one-file-system "$bare/base"
	mkdir -p "$bare"
	echo "bare: making a root"
	unshare --mount debootstrap --variant=minbase --include=git "$release" "$bare/base" "$mirror" >"$bare/debootstrap.log" 2>&1 ||
		die "debootstrap failed; see build/bare/debootstrap.log"
	sources >"$bare/base/etc/apt/sources.list"
	apt-config dump Acquire | grep -i proxy >"$bare/base/etc/apt/apt.conf.d/00host"
	rm -rf "$bare/base/var/lib/apt/lists" "$bare"/base/var/cache/apt/archives/*.deb
	mkdir -p "$bare/base/var/lib/apt/lists/partial"
	: >"$bare/base.done"
}

# fresh_root OWNER: with the clone in /src/tracewrap, which belongs to OWNER.
fresh_root() {
	rm -rf --one-file-system "$bare/root"
	cp -a --reflink=auto "$bare/base" "$bare/root" || die "can't copy the root"
	cp -L /etc/resolv.conf "$bare/root/etc/resolv.conf"
	[ -n "${PIP_CERT:-}" ] && cp -L "$PIP_CERT" "$bare/root/etc/host.crt"
	mkdir -p "$bare/root/src"
	$checkout clone --quiet --no-local . "$bare/root/src/tracewrap" || die "can't clone this checkout"
	chown -R "$1" "$bare/root/src/tracewrap"
	if [ -d "$PWD/../shared/corpus" ]; then
		mkdir "$bare/root/src/shared"
		cp -a "$PWD/../shared/corpus" "$bare/root/src/shared/"
	fi
}

# inside USER COMMAND: in the clone, with an environment of its own. The root is made the namespace's real one: below a mere chroot
# nothing could unshare its mounts, which some tests do.
inside() {
	# shellcheck disable=SC2016 # for the inner shells
	unshare --mount --pid --fork --kill-child sh -c '
		root=$1 user=$2 command=$3
		shift 3
		mount --make-rprivate / && mount --bind "$root" "$root" && mount -t proc proc "$root/proc" &&
			mount --rbind /dev "$root/dev" && cd "$root" && pivot_root . mnt || exit 99
		exec chroot . sh -c "umount -l /mnt; exec \"\$@\"" sh \
			chroot --userspec="$user" / env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp "$@" \
			sh -c "cd /src/tracewrap && $command"' sh "$bare/root" "$1" "$2" \
		${http_proxy:+"http_proxy=$http_proxy"} ${https_proxy:+"https_proxy=$https_proxy"} \
		${PIP_CERT:+PIP_CERT=/etc/host.crt} ${PIP_INDEX_URL:+"PIP_INDEX_URL=$PIP_INDEX_URL"}
}

as_root() {
	# Another owner's: git must not refuse to name the version.
	fresh_root 1234:1234
	echo "bare: as root"
	inside 0:0 'sh tests/demo/run.sh' || die "the demo failed"
	version=$($checkout describe --always --tags)
	inside 0:0 'build/tracewrap --version' | grep -F "$version" || die "no version $version in --version"
	echo "bare: again, by make, with everything there"
	inside 0:0 'make demo' || die "make demo failed"
	[ "${FULL:-}" = 1 ] || return 0
	echo "bare: make check"
	inside 0:0 'make check' || die "make check failed"
}

as_user() {
	fresh_root 1000:1000
	echo "bare: as a plain user"
	inside 1000:1000 'sh tests/demo/run.sh' >"$bare/user.log" 2>&1
	[ $? = 1 ] || die "exit status is not 1; see build/bare/user.log"
	cat "$bare/user.log"
	line=$(sed -n "s/^su -c '\(apt-get .*\)'\$/\1/p" "$bare/user.log")
	[ -n "$line" ] || die "no line to run was printed"
	echo "bare: that line as root, then the same command again"
	inside 0:0 "DEBIAN_FRONTEND=noninteractive sh -c '$line'" >"$bare/apt.log" 2>&1 || die "the line failed; see build/bare/apt.log"
	inside 1000:1000 'sh tests/demo/run.sh' || die "the demo failed"
}

make_base
as_user
as_root
rm -rf --one-file-system "$bare/root"
echo "bare: all passed"
