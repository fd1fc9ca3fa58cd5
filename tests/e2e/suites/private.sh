# private.sh WHAT COMMAND...: run it in a mount namespace of its own, in which something is wrong. To be started by unshare -m.
#
#   full FOLDER      FOLDER is a file system without room
#   read-only        the working directory is
#   hidepid USER     /proc shows a user nothing of others; become USER
set -e
what=$1
shift
case $what in
full)
	mkdir -p "$1"
	mount -t tmpfs -o size=8k tw "$1"
	dd if=/dev/zero of="$1/fill" bs=4k count=4 2>/dev/null || :
	shift
	;;
read-only)
	mount --bind "$PWD" "$PWD"
	mount -o remount,bind,ro "$PWD"
	cd "$PWD"
	;;
hidepid)
	mount -t proc -o hidepid=2 proc /proc
	user=$1
	shift
	exec setpriv --reuid="$user" --regid="$user" --clear-groups "$@"
	;;
esac
exec "$@"
