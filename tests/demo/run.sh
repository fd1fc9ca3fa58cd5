#!/bin/sh
# The demonstration: sets up what is missing, builds, and runs the suite beside this file, whose last test hangs for ever on a full
# pipe, under tracewrap. Exit status: 0 when the hang was found, explained and ended, else 1.
#
# TRACEWRAP names another program than the one built here; it may be several words.
set -u
cd "$(dirname "$0")/../.." || exit 1
sh tests/setup.sh demo || exit 1

tracewrap=${TRACEWRAP:-}
unset TRACEWRAP PYTEST_ADDOPTS PYTEST_PLUGINS PYTHONPATH
if [ -z "$tracewrap" ]; then
	case " ${MAKEFLAGS:-}" in
	*" -j"*) jobs= ;; # the make above has a number of its own
	*) jobs=-j$(nproc) ;;
	esac
	built=${BUILT:-build/tracewrap}
	echo "building $built"
	"${MAKE:-make}" -s --no-print-directory $jobs "$built" || exit 1
	tracewrap=$PWD/$built
fi
rm -rf build/demo
mkdir -p build/demo || exit 1

echo
echo '$ cd tests/demo/suite'
echo '$ tracewrap --timeout 20s --report ../../../build/demo pytest'
# The time-out is for a plain user, who can't see all timers: then a hang is suspected, and not ended for that. No bytecode: nothing
# is to be written into the checkout.
(
	cd tests/demo/suite || exit 1
	PATH=$PWD/../../../build/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1
	export PATH PYTHONDONTWRITEBYTECODE
	# shellcheck disable=SC2086 # words
	exec $tracewrap --timeout 20s --report ../../../build/demo pytest
)
status=$?

echo
exec build/venv/bin/python tests/demo/seen.py build/demo/last/report.json $status
