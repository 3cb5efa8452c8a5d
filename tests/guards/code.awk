# SPDX-License-Identifier: LGPL-2.1-or-later
# Prints C source as FILE:LINE:CODE, without comments, and with what stands
# between quotes left out, except in #include lines.

FNR == 1 {
	in_comment = 0
}

{
	rest = $0
	code = ""
	is_include = rest ~ /^[ \t]*#[ \t]*include/
	while (rest != "") {
		if (in_comment) {
			end = index(rest, "*/")
			if (end == 0)
				break
			rest = substr(rest, end + 2)
			in_comment = 0
		} else if (match(rest, /^\/\*/)) {
			rest = substr(rest, 3)
			in_comment = 1
		} else if (match(rest, /^\/\//)) {
			break
		} else if (!is_include &&
			   match(rest, /^("(\\.|[^"\\])*"|'(\\.|[^'\\])*')/)) {
			code = code "\"\""
			rest = substr(rest, RLENGTH + 1)
		} else {
			code = code substr(rest, 1, 1)
			rest = substr(rest, 2)
		}
	}
	print FILENAME ":" FNR ":" code
}
