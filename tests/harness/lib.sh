# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# What the commands of the harness share: becoming root, finding or making the
# Debian root of a release, running a command in it. Sourced by bash.

# The releases of Debian that have to pass. There is a recipe of one more.
# shellcheck disable=SC2034 # it is for those who source this
tested_releases=(12 13)

harness=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
checkout=$(cd "$harness/../.." && pwd)

say() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
}

die() {
	say "$*"
	exit 1
}

# The cache lies with the person who asked, not with the root user that sudo
# makes of them.
roots_place() {
	local home=$HOME

	if [ -n "${SUDO_USER:-}" ]; then
		home=$(getent passwd "$SUDO_USER" | cut -d: -f6)
	fi
	printf '%s' "${DOVECOT_PWNED_ROOTS:-${XDG_CACHE_HOME:-$home/.cache}/dovecot-pwned/roots}"
}

# Mounting and debootstrap need root. Runs the calling script anew by sudo.
become_root() {
	[ "$(id -u)" -ne 0 ] || return 0
	command -v sudo >/dev/null ||
		die "this needs root (mounts, debootstrap), and there is no sudo"
	exec sudo -- env DOVECOT_PWNED_ROOTS="$(roots_place)" CI="${CI:-}" \
		"$0" "$@"
}

# The host needs no compiler, no daemon and no Python: what is missing of the
# little that it does need comes by apt.
install_host_tools() {
	local tool missing=()

	for tool in debootstrap:debootstrap unshare:util-linux \
		setpriv:util-linux flock:util-linux mount:mount; do
		command -v "${tool%%:*}" >/dev/null || missing+=("${tool##*:}")
	done
	[ ${#missing[@]} -gt 0 ] || return 0
	command -v apt-get >/dev/null ||
		die "please install ${missing[*]}: there is no apt-get to do it"
	say "installing ${missing[*]} on this host"
	apt-get update -qq &&
		DEBIAN_FRONTEND=noninteractive apt-get install -qqy \
			--no-install-recommends "${missing[@]}" >/dev/null ||
		die "apt-get cannot install ${missing[*]}"
}

# Runs a command in namespaces of its own, with as many more as the options
# before `--` say. Whatever ends first, the command or we, and however, every
# process and mount in them ends with it: the first process of a pid namespace
# takes the others along.
contained() {
	local options=() child number

	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	setpriv --pdeathsig KILL \
		env --default-signal=INT --default-signal=QUIT \
		unshare --mount --propagation private --pid --ipc --uts \
		--fork --kill-child "${options[@]}" -- "$@" <&0 8<&- 9<&- &
	child=$!
	for number in 1 2 15; do
		trap "end_contained $child; exit $((128 + number))" "$number"
	done
	wait "$child" && child=0 || child=$?
	trap - 1 2 15
	return "$child"
}

# unshare blocks the milder signals. Its child, killed with it, is gone only
# when the last process of its namespace is.
end_contained() {
	local first=

	# The list of children does not end in a newline: read fails but reads.
	read -r first 2>/dev/null <"/proc/$1/task/$1/children" || true
	kill -KILL "$1" $first 2>/dev/null || true
	wait "$1" 2>/dev/null || true
	# A zombie will do: whoever inherits it may take its time.
	while [ -n "$first" ] &&
		grep -qs '^State:.[^Z]' "/proc/$first/status"; do
		sleep 0.05
	done
}

# Sets `root` to the finished root of a release, made first if need be, and
# holds a shared lock on it (descriptor 9) until the next is opened or the
# calling script ends, so that no other run removes it as outdated.
open_root() {
	local release=$1 recipe=$harness/recipes/$1 place made

	[ -f "$recipe" ] ||
		die "no recipe for $release; there are: $(ls "$harness/recipes")"
	install_host_tools
	place=$(roots_place)
	mkdir -p "$place/mount-point"
	root=$place/$release-$(cat "$recipe" "$harness/make-root" |
		sha256sum | cut -c1-12)

	exec 8<"$place"
	flock --nonblock 8 || {
		say "another run is making a root, waiting for it"
		flock 8
	}
	if [ ! -d "$root" ]; then
		remove_outdated "$place" "$release"
		say "making the root of $release, once: it takes some minutes"
		made=$root.partial
		contained -- "$harness/make-root" "$recipe" "$made" || {
			rm -rf "$made"
			die "the root of $release could not be made"
		}
		mv "$made" "$root"
		say "made $root ($(du -sh "$root" | cut -f1))"
	fi
	exec 9<"$root"
	flock --shared 9
	exec 8<&-
}

# Roots of older recipes, and what an interrupted run left. Mounts need no
# thought: they went with the namespace of the run that made them.
remove_outdated() {
	local old

	rm -f "$1/$2"-*.log
	for old in "$1/$2"-*; do
		[ -d "$old" ] || continue
		if flock --nonblock "$old" true; then
			say "removing ${old##*/}"
			rm -rf "$old"
		fi
	done
}

# in_root ROOT NET USER BIND... -- COMMAND...   (see in-root for the words)
in_root() {
	local net=()

	[ "$2" = host ] || net=(--net)
	contained "${net[@]}" -- \
		"$harness/enter" "$(roots_place)/mount-point" "$@"
}

# run_recorded FOLDER COMMAND...: runs a command of the checkout in the open
# root, FOLDER being its /output, and leaves its exit status there.
run_recorded() {
	local folder=$1 status=0

	mkdir -p "$folder"
	shift
	in_root "$root" loopback root "$checkout:/checkout:ro" \
		"$(realpath "$folder"):/output:rw" -- "$@" || status=$?
	echo "$status" >"$folder/status"
}

# tally FOLDER: counts what runs left below a folder. Its last line of output
# is the count, its status whether all is well.
tally() {
	in_root "$root" loopback root "$checkout:/checkout:ro" \
		"$(realpath "$1"):/output:ro" -- tests/harness/inside/tally /output
}
