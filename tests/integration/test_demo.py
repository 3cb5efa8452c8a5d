# SPDX-License-Identifier: LGPL-2.1-or-later
"""The demo tells the story that README shows, and fails where it does not."""

import re
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

DEMO = Path(__file__).resolve().parent.parent / "demo"
sys.path.append(str(DEMO))

import demo  # noqa: E402
import readme  # noqa: E402


def run(program: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, DEMO / program, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_readme_shows_the_demo(tmp_path: Path) -> None:
    transcript = tmp_path / "transcript"
    told = run("demo.py", "--transcript", transcript)
    assert told.returncode == 0, told.stderr
    assert told.stdout == transcript.read_text()
    checked = run("readme.py", "--check", transcript)
    assert checked.returncode == 0, checked.stdout


def shown() -> str:
    """A transcript that README shows."""
    return dedent(readme.split_readme()[1]).strip("\n") + "\n"


CHANGES = {
    "nothing": ("", "", 0),
    "a reply": ("535 5.7.8", "235 2.7.0", 1),
    "the log": ("rip=127.0.0.1", "", 1),
    "the log of another series": ("Dovecot 2.3|rip=127.0.0.1", "Dovecot 9.9", 0),
    "a reply of another series": ("Dovecot 2.3|535 5.7.8", "Dovecot 9.9", 1),
}


@pytest.mark.parametrize(
    ("pattern", "replacement", "status"), CHANGES.values(), ids=CHANGES
)
def test_a_wrong_transcript_is_noticed(
    tmp_path: Path, pattern: str, replacement: str, status: int
) -> None:
    transcript = tmp_path / "transcript"
    transcript.write_text(re.sub(pattern, replacement, shown()))
    assert run("readme.py", "--check", transcript).returncode == status


@pytest.mark.parametrize(
    "replies", [[], ["235 2.7.0 Authentication successful"], ["535 5.7.8"]]
)
def test_a_wrong_line_is_a_failure(replies: list[str]) -> None:
    refused = next(step for step in demo.REFUSING if step.protocol == "submission")
    with pytest.raises(demo.Failure):
        demo.check_lines(refused, [("S", reply) for reply in replies])


def test_live_says_that_it_needs_the_internet() -> None:
    """There is none in the root."""
    told = run("demo.py", "--live")
    assert told.returncode == 1
    assert "--live needs internet access" in told.stderr
    assert told.stdout == ""
