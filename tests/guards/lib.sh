# SPDX-License-Identifier: LGPL-2.1-or-later
# What the guards share. A guard prints a line for each offence and fails if
# there was one; a guard that finds nothing to look at fails as well.
# shellcheck shell=sh

: "${top_srcdir:?names the directory of the sources}"
export LC_ALL=C

guards=$(cd "$(dirname "$0")" && pwd)

# list DIRECTORIES PATTERN...: the files below them whose names fit one of the
# patterns, as paths from top_srcdir.
list() {
	directories=$1
	shift
	names=
	for pattern; do
		names="$names${names:+ -o }-name $pattern"
	done
	for directory in $directories; do
		# the patterns are for find, and none has a blank
		# shellcheck disable=SC2086
		found=$(set -f && cd "$top_srcdir" &&
			find "$directory" -type f \( $names \) | sort)
		if [ -z "$found" ]; then
			echo "nothing to look at in $directory: $*" >&2
			return 1
		fi
		echo "$found"
	done
}

# finish OFFENCES: the guard's end.
finish() {
	if [ -n "$1" ]; then
		echo "$1"
		exit 1
	fi
}

# code FILE...: their lines as FILE:LINE:CODE, without comments and with empty
# strings.
code() {
	(cd "$top_srcdir" && awk -f "$guards/code.awk" "$@")
}
