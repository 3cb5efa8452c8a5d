#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Makes configure from configure.ac, in a checkout.
set -eu
cd "$(dirname "$0")"
for tool in autoreconf automake libtoolize pkg-config; do
	command -v "$tool" >/dev/null || {
		echo "autogen.sh: $tool is missing; it is in the package" \
			"autoconf, automake, libtool or pkg-config" >&2
		exit 1
	}
done
exec autoreconf --install --force "$@"
