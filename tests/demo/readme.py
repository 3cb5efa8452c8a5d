# SPDX-License-Identifier: LGPL-2.1-or-later
"""The demo's transcript in README: between two marks, indented. README has it as
one series of Dovecot tells it; what customers see is the same with each.

usage: readme.py --update TRANSCRIPT | --check TRANSCRIPT"""

import re
import sys
from pathlib import Path

README = Path(__file__).resolve().parent.parent.parent / "README"
BEGIN = "What the demo shows (scripts/demo writes this part):\n"
END = "End of the demo.\n"
INDENT = "    "
SERIES = re.compile(r"Dovecot [\d.]+ and Postfix")
# A line of the operator's log, which goes on below where it is long.
LOG_LINE = re.compile(r"^ *log: .*\n(?: {9,}.*\n)*", re.MULTILINE)


def split_readme() -> tuple[str, str, str]:
    """README before the transcript, the transcript, and README after it."""
    head, begin, rest = README.read_text().partition(BEGIN)
    shown, end, tail = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"{README}: the marks of the demo's transcript are missing")
    return head + begin, shown, end + tail


def as_shown(transcript: str) -> str:
    lines = [f"{INDENT}{line}".rstrip() for line in transcript.splitlines()]
    return "\n".join(["", *lines, "", ""])


def is_shown(shown: str, wanted: str) -> bool:
    """Line by line, if the series is the same; otherwise what customers see."""
    if SERIES.findall(shown) == SERIES.findall(wanted):
        return shown == wanted
    return story(shown) == story(wanted)


def story(text: str) -> str:
    return SERIES.sub("", LOG_LINE.sub("", text))


def main() -> int:
    if len(sys.argv) != 3 or sys.argv[1] not in ("--update", "--check"):
        print(__doc__, file=sys.stderr)
        return 64
    head, shown, tail = split_readme()
    wanted = as_shown(Path(sys.argv[2]).read_text())
    if sys.argv[1] == "--update":
        README.write_text(head + wanted + tail)
    elif not is_shown(shown, wanted):
        print("README does not show what the demo does: scripts/demo --update-readme")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
