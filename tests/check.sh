#!/bin/sh
# Runs all parts of "make check", each as a target of its own, and says how long each took. A part that fails does not keep the
# others from running; the exit status is 1 then. Called by make, which sets MAKE.
set -u
cd "$(dirname "$0")/.." || exit 1

failed=
times=
began=$(date +%s)

part() {
	title=$1
	shift
	printf '\n== %s ==\n' "$title"
	start=$(date +%s)
	if "$MAKE" --no-print-directory "$@"; then
		result=ok
	else
		result=FAILED
		failed="$failed $title;"
	fi
	times="$times$(printf '%-28s %5d s  %s' "$title" $(($(date +%s) - start)) $result)
"
	[ $result = ok ]
}

case " ${MAKEFLAGS:-}" in
*" -j"*) jobs= ;; # the make above has a number of its own
*) jobs=-j$(nproc) ;;
esac
part build -s $jobs all helpers || exit 1
part layers -s check-layers
part 'unit tests' -s $jobs check-unit
part 'unit tests, sanitized' -s $jobs check-san
part 'clang' -s $jobs check-clang
part 'end to end' -s check-e2e
part 'stacks, every Python' -s check-pythons
part corpus -s check-corpus
part 'cases of our own' -s check-cases CASES_JOBS=4
part why -s check-why
part mutants -s mutants MUTANTS='--only supervisor/prove'
part soak -s check-soak
part 'good guest' -s check-guest
part demo -s check-demo

printf '\n%s%-28s %5d s\n' "$times" total $(($(date +%s) - began))
if [ -n "$failed" ]; then
	echo "FAILED:${failed%;}"
	exit 1
fi
echo 'all passed'
