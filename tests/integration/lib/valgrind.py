# SPDX-License-Identifier: LGPL-2.1-or-later
"""Dovecot's auth under valgrind, and what valgrind has to say of it."""

import xml.etree.ElementTree as xml
from dataclasses import dataclass
from pathlib import Path

from lib.auth_wrapper import auth_wrapper
from lib.processes import scratch_folder, wait_until

OURS = "libauthdb_pwned"


@dataclass(frozen=True)
class Finding:
    kind: str
    text: str
    frames: tuple[str, ...]

    @property
    def is_leak(self) -> bool:
        return self.kind.startswith("Leak_")

    @property
    def is_ours(self) -> bool:
        """Ours, or of a library that we called."""
        return any(OURS in frame for frame in self.frames)


def _finding(error: xml.Element) -> Finding:
    frames = (
        f"{frame.findtext('fn')} {frame.findtext('file')}:{frame.findtext('line')} "
        f"({Path(frame.findtext('obj', '')).name})"
        for frame in error.iter("frame")
    )
    text = error.findtext("what") or error.findtext("xwhat/text") or ""
    return Finding(error.findtext("kind", ""), text, tuple(frames))


class Valgrind:
    """Any number of auth processes, each with a report of its own."""

    def __init__(self) -> None:
        self.folder = scratch_folder("valgrind")
        # auth is no longer root when it ends
        self.folder.chmod(0o777)
        self.program = auth_wrapper(
            self.folder,
            "valgrind", "--leak-check=full", "--num-callers=40", "--quiet",
            "--show-leak-kinds=definite,indirect", "--child-silent-after-fork=yes",
            "--xml=yes", f"--xml-file={self.folder}/%p.xml",
        )  # fmt: skip

    def reports(self) -> list[Path]:
        """One a process, named by it; not whole before its end."""
        return list(self.folder.glob("*.xml"))

    def findings(self, secs: float = 60) -> list[Finding]:
        """Of all processes, which have to end by themselves."""
        reports = self.reports()
        assert reports
        wait_until(lambda: not any(map(_is_running, reports)), "end of auth", secs)
        return [
            _finding(error)
            for report in reports
            for error in xml.parse(report).iter("error")
        ]


def _is_running(report: Path) -> bool:
    return Path(f"/proc/{report.stem}").exists()
