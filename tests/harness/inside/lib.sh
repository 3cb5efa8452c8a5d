# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# What the scripts that build the project inside a root share. Sourced by bash
# with set -e.

# Runs a command as the unprivileged user of the root.
as_builder() {
	HOME=/home/builder USER=builder setpriv --reuid builder \
		--regid builder --init-groups -- "$@"
}

# Says nothing unless the command fails, then the end of what it said.
quietly() {
	local log status=0

	log=$(mktemp)
	"$@" >"$log" 2>&1 || status=$?
	if [ "$status" -ne 0 ]; then
		tail -n 60 "$log" >&2
		echo "failed ($status): $*" >&2
	fi
	rm -f "$log"
	return "$status"
}

# What git knows or would add, or everything where there is no git; the
# checkout itself is read-only. The builder owns the copy.
copy_source() {
	local git=(git -c safe.directory='*' -C /checkout)

	mkdir -p "$1"
	if "${git[@]}" rev-parse --git-dir >/dev/null 2>&1; then
		"${git[@]}" ls-files -z --cached --others --exclude-standard |
			tar -C /checkout --null --files-from - --create \
				--ignore-failed-read --warning=no-failed-read |
			tar -C "$1" --extract
	else
		cp -a /checkout/. "$1"
	fi
	chown -R builder: "$1"
}

# configure_project PLACE OPTION...: a fresh copy in PLACE/source, configured
# in PLACE/out as the recipe of the release and the options say.
configure_project() {
	local place=$1 configure_options=

	shift
	. /recipe
	copy_source "$place/source"
	mkdir -p "$place/out"
	chown builder: "$place" "$place/out"
	cd "$place/source"
	quietly as_builder ./autogen.sh
	cd "$place/out"
	quietly as_builder "$place/source/configure" --prefix=/usr \
		--sysconfdir=/etc --localstatedir=/var $configure_options "$@"
}

# Runs `make check` in the build folder where we are, and puts the result of
# each test into a folder.
make_check() {
	local status=0

	quietly as_builder make -j"$(nproc)" --keep-going check || status=$?
	find . -name '*.trs' -exec cp --parents -t "$1" {} +
	if [ "$status" -ne 0 ]; then
		find . -name test-suite.log \
			-exec grep -Eq '^# (FAIL|ERROR|XPASS): *[1-9]' {} \; \
			-exec tail -n 200 {} + >&2
	fi
	return "$status"
}
