#!/bin/sh
# Installs what building, the demo or the tests need and this machine lacks:
#
#     sh tests/setup.sh build|demo|check|pythons|bench
#
# "pythons" makes build/trio-*, for the tests of async tasks, and build/sid, a Debian sid with its newest Pythons, for the tests that read
# them; where these can't be had, it says why and ends with 0.
#
# Packages come from apt (as root, or by "sudo -n"; else the line to run is printed and the exit status is 1), Python packages from
# PyPI into virtual environments under build/. It asks nothing, leaves the system's Python alone, and when all is there it
# only looks. Interrupted, it goes on where it stopped. DEPS=0 skips all of it; PYTHON names the interpreter to use.
set -u

build_packages="gcc libc6-dev make pkgconf libcjson-dev libelf-dev libmnl-dev libseccomp-dev libsqlite3-dev libunwind-dev uthash-dev"
demo_packages="$build_packages python3 python3-venv"
check_packages="$demo_packages git scdoc zsh fish libcmocka-dev strace procps musl-tools gcc-multilib g++ gdb chromium fonts-dejavu-core"

say() { echo "setup: $*"; }
die() { echo "setup: $*" >&2; exit 1; }

# Packages -----------------------------------------------------------------------------------------------------

# A Python that can make the virtual environments: what PATH has, else the system's own.
find_python() {
	for candidate in ${PYTHON:-} python3 /usr/bin/python3; do
		"$candidate" -c 'import sys, venv, ensurepip
print(sys.executable)
sys.exit(sys.version_info < (3, 9))' 2>/dev/null && return 0
	done
	return 1
}

find_python311() {
	for candidate in python3.11 "$python" /usr/bin/python3; do
		"$candidate" -c 'import sys, venv, ensurepip
print(sys.executable)
sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null && return 0
	done
	return 1
}

# Another provider of the same thing will do.
provided() {
	case $1 in
	gcc | make | strace | git | zsh | fish | chromium) command -v "$1" ;;
	pkgconf) command -v pkg-config ;;
	procps) command -v ps ;;
	python3 | python3-venv) [ -n "$python" ] ;;
	*) false ;;
	esac >/dev/null 2>&1
}

installed() {
	[ "$(dpkg-query -W -f '${db:Status-Status}\n' "$1" 2>/dev/null | head -n 1)" = installed ]
}

missing_packages() {
	for package in "$@"; do
		provided "$package" || installed "$package" || printf ' %s' "$package"
	done
}

# Another apt may hold the lists' lock (only dpkg's locks can be waited for), and networks fail: hence the rounds.
apt_install() {
	options="-o DPkg::Lock::Timeout=300 -o Acquire::Retries=5"
	for pause in 3 10 30 0; do
		# A run of dpkg that was cut off would make apt-get refuse.
		"$@" dpkg --configure -a >/dev/null 2>&1
		# shellcheck disable=SC2086 # lists of words
		"$@" apt-get $options -qq update && "$@" apt-get $options -qq install -y --no-install-recommends $missing && return 0
		[ "$pause" = 0 ] && break
		say "that did not work; next try in $pause s"
		sleep "$pause"
	done
	return 1
}

install_packages() {
	missing=$(missing_packages "$@")
	missing=${missing# }
	[ -z "$missing" ] && return 0
	command -v apt-get >/dev/null || die "missing (by their names in Debian): $missing. Install them, or set DEPS=0."
	noninteractive="env DEBIAN_FRONTEND=noninteractive APT_LISTCHANGES_FRONTEND=none NEEDRESTART_MODE=l LC_ALL=C.UTF-8"
	if [ "$(id -u)" = 0 ]; then
		become=
	elif sudo -n true 2>/dev/null; then
		become="sudo -n"
	else
		tell_line
		exit 1
	fi
	say "installing $missing"
	mkdir -p build
	# shellcheck disable=SC2086
	if ! apt_install $become $noninteractive </dev/null >build/setup-apt.log 2>&1; then
		tail -n 20 build/setup-apt.log >&2
		die "apt-get failed; its output is in build/setup-apt.log"
	fi
}

tell_line() {
	line="apt-get update && apt-get install -y --no-install-recommends $missing"
	echo "setup: packages are missing, and this user may not install them. Run this line, then this command again:" >&2
	if command -v sudo >/dev/null 2>&1; then
		echo "sudo sh -c '$line'" >&2
	else
		echo "su -c '$line'" >&2
	fi
}

# Virtual environments -----------------------------------------------------------------------------------------

pip_install() {
	folder=$1
	shift
	for pause in 3 10 0; do
		PIP_USER=0 "$folder/bin/python" -m pip install --quiet --no-input --disable-pip-version-check \
			--retries 5 --timeout 60 "$@" </dev/null && return 0
		[ "$pause" = 0 ] && break
		say "that did not work; next try in $pause s"
		sleep "$pause"
	done
	die "pip could not install into $folder: $*"
}

# venv FOLDER PYTHON PACKAGE... [-- PACKAGE-WITHOUT-ITS-DEPENDENCIES...]: the stamp, written last, holds all that it was made from.
# The folder's own name is part of that: scripts in it hold its absolute path.
make_venv() {
	folder=$PWD/build/$1
	stamp="$folder $2 $*"
	[ -x "$folder/bin/python" ] && [ "$(cat "$folder/stamp" 2>/dev/null)" = "$stamp" ] && return 0
	say "making build/$1"
	rm -rf "$folder"
	"$2" -m venv "$folder" || die "$2 can't make build/$1"
	shift 2
	with=
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		with="$with $1"
		shift
	done
	# shellcheck disable=SC2086 # no package here has a blank in its name
	pip_install "$folder" $with
	[ $# -gt 1 ] && shift && pip_install "$folder" --no-deps "$@"
	echo "$stamp" >"$folder/stamp"
}

demo_venvs() {
	make_venv venv "$python" 'pytest<10' pytest-xdist pexpect
}

check_venvs() {
	demo_venvs
	# Readers of what the reports are written for, and axe-core, which looks whether everybody can read a page (without its own driver).
	make_venv venv-pages "$python" junitparser -- axe-playwright-python
	make_venv venv-pytest8 "$python" 'pytest<9' pytest-xdist
	make_venv venv-uv "$python" uv
	if python311=$(find_python311); then
		make_venv venv-tractor "$python311" pytest 'trio<0.23' async_generator tricycle trio_typing colorlog wrapt msgspec \
			pdbpp 'fancycompleter<0.11' -- tractor==0.1.0a5
	else
		say "no Python 3.11: the tests with tractor will be skipped"
	fi
}

# What tracewrap is measured against.
bench_venvs() {
	make_venv venv-bench "$python" py-spy
}

# A folder of packages in plain Python for Pythons of VERSION and later, whichever there are: their own pip is not asked. What they need for
# such an old one is named here, for pip goes by the Python that it runs in. Without it some tests are skipped.
make_library() {
	folder=$PWD/build/$1
	stamp="$*"
	[ "$(cat "$folder/stamp" 2>/dev/null)" = "$stamp" ] && return 0
	say "making build/$1"
	rm -rf "$folder"
	version=$2
	shift 2
	if (pip_install "$PWD/build/venv" --target "$folder" --no-deps --only-binary=:all: --python-version "$version" "$@"); then
		echo "$stamp" >"$folder/stamp"
	else
		say "skipped: the tests with $(basename "$folder") for Python $version"
	fi
}

# The last trio and pytest for 3.8, and today's.
pythons_libraries() {
	needs="attrs exceptiongroup idna outcome sniffio sortedcontainers typing_extensions"
	# shellcheck disable=SC2086 # lists of words
	make_library trio-old 3.8 trio==0.27.0 $needs
	# shellcheck disable=SC2086
	make_library trio-new 3.10 trio $needs
	needs="exceptiongroup iniconfig packaging pluggy tomli typing_extensions pygments"
	# shellcheck disable=SC2086
	make_library pytest-old 3.8 pytest==8.3.5 $needs
	# shellcheck disable=SC2086
	make_library pytest-new 3.10 pytest $needs
}

# Debian sid, for its Pythons ----------------------------------------------------------------------------------

sid_pythons="python3.13 libpython3.13 python3.14 libpython3.14 python3.15 libpython3.15 python3.16 libpython3.16 pypy3"
sid_log=build/setup-sid.log

# Where this machine has its Debian from. Nothing when it says nothing: debootstrap has a default of its own.
debian_mirror() {
	# shellcheck disable=SC2016 # apt's words
	apt-get indextargets --format '$(ORIGIN) $(SUITE) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
		while read -r origin suite uri; do
			case $origin/$suite in
			Debian/*security*) ;;
			Debian/*) echo "$uri" && break ;;
			esac
		done
}

in_sid() {
	chroot build/sid.tmp env DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 "$@"
}

# What of these sid has today.
sid_has() {
	for package in $sid_pythons; do
		in_sid apt-cache policy "$package" 2>/dev/null | grep -q 'Candidate: [0-9]' && echo "$package"
	done
}

# In a mount namespace of its own: what debootstrap mounts ends with it, however it ends. Files are not flushed, it is only a cache.
make_sid_inside() {
	if ! [ -e build/sid.tmp/made ]; then
		rm -rf --one-file-system build/sid.tmp
		# shellcheck disable=SC2046,SC2086 # no mirror is no word
		debootstrap --variant=minbase sid build/sid.tmp $(debian_mirror) || debootstrap --variant=minbase sid build/sid.tmp || return 1
		touch build/sid.tmp/made
	fi
	options="-o Acquire::Retries=3 -o Acquire::http::Timeout=30 -o Dpkg::Options::=--force-unsafe-io"
	in_sid dpkg --configure -a
	found=$(sid_has)
	[ -n "$found" ] || { echo "sid has none of $sid_pythons"; return 1; }
	# shellcheck disable=SC2086
	in_sid apt-get $options install -y --no-install-recommends $found && in_sid apt-get clean && rm -rf build/sid.tmp/var/lib/apt/lists
}

skip_sid() {
	say "skipped: no Debian sid ($*); its Pythons are not tested"
}

# With a mirror nearby it takes half a minute. A network that hangs is given five, one that fails a second try.
make_sid() {
	[ "$(cat build/sid/stamp 2>/dev/null)" = "$sid_pythons" ] && return 0
	[ "$(id -u)" = 0 ] || { skip_sid "only root can make it"; return 0; }
	(install_packages debootstrap) || { skip_sid "debootstrap is not there"; return 0; }
	say "making build/sid"
	eval "$(apt-config shell http_proxy Acquire::http::Proxy 2>/dev/null)"
	[ -z "${http_proxy:-}" ] || export http_proxy
	for try in 1 2; do
		timeout -k 10 300 unshare -m sh tests/setup.sh inside-sid </dev/null >$sid_log 2>&1
		status=$?
		if [ $status = 0 ]; then
			rm -rf --one-file-system build/sid
			mv build/sid.tmp build/sid && echo "$sid_pythons" >build/sid/stamp
			return 0
		fi
		[ $status = 124 ] && break
	done
	skip_sid "try $try ended with status $status, $(tail -n 1 $sid_log | cut -c 1-200); all of it is in $sid_log"
}

# --------------------------------------------------------------------------------------------------------------

mode=${1:-}
case $mode in
build | demo | check | pythons | bench | inside-sid) ;;
*) die "usage: sh tests/setup.sh build|demo|check|pythons|bench" ;;
esac
[ "${DEPS:-1}" = 0 ] && exit 0
cd "$(dirname "$0")/.." || exit 1
if [ "$mode" = inside-sid ]; then
	make_sid_inside
	exit
fi
[ "$(uname -sm)" = "Linux x86_64" ] || die "tracewrap runs on Linux x86-64, not on $(uname -sm)"

python=$(find_python) || python=
case $mode in
build | pythons | bench) install_packages $build_packages ;;
demo) install_packages $demo_packages ;;
check) install_packages $check_packages ;;
esac
[ "$mode" = build ] && exit 0

python=$(find_python) || die "no Python 3.9 or later with venv and ensurepip"
mkdir -p build || die "can't make the folder build"
# Two set-ups at a time would make the same folders.
exec 9>build/setup.lock
command -v flock >/dev/null && flock 9
if [ "$mode" = pythons ]; then
	[ -x build/venv/bin/python ] || demo_venvs
	pythons_libraries
	make_sid
else
	"${mode}_venvs"
fi
