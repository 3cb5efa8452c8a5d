# SPDX-License-Identifier: LGPL-2.1-or-later
"""dovecot-pwned-check as installed: may this password be chosen?"""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import ranges
from lib.certificates import CertificateAuthority
from lib.range_source import Nginx, RangeServer
from lib.site import dead_source
from lib.users import BREACHED, CLEAN

PROGRAM = "dovecot-pwned-check"
ACCEPTABLE = "This password is acceptable.\n"
REFUSED = "This password appears in a known data breach. Choose a different one.\n"
COULD_NOT_TELL = "The password could not be checked right now. Try again later.\n"
# How often the range server says that it was seen.
COUNT = ranges.count(BREACHED.password)
PASSWORD_MAX = 4096

# No settings here name any.
pytestmark = pytest.mark.usefixtures("default_folders")

Result = subprocess.CompletedProcess[str]
Check = Callable[..., Result]


def run(password: str, *arguments: str, **options: object) -> Result:
    return subprocess.run(
        [PROGRAM, *arguments],
        input=password,
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
        **options,
    )


@pytest.fixture
def settings_file(tmp_path: Path) -> Path:
    return tmp_path / "settings"


@pytest.fixture
def check(settings_file: Path, range_server: RangeServer) -> Check:
    """Runs the program with settings, by default with the range server only."""

    def check(password: str, settings: str = "", **options: object) -> Result:
        settings_file.write_text(f"pwned_source = {range_server.url}\n{settings}")
        return run(password, "-c", str(settings_file), **options)

    return check


def outcome(result: Result) -> tuple[int, str, str]:
    return result.returncode, result.stdout, result.stderr


def test_acceptable(check: Check, range_server: RangeServer) -> None:
    assert outcome(check(CLEAN.password)) == (0, ACCEPTABLE, "")
    assert range_server.prefixes() == [ranges.split_digest(CLEAN.password)[0]]


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_breached(check: Check, end: str) -> None:
    """One line end there is none of the password."""
    assert outcome(check(BREACHED.password + end)) == (1, REFUSED, "")


def test_blanks_are_part_of_the_password(check: Check) -> None:
    assert check(" " + BREACHED.password).returncode == 0
    assert check(BREACHED.password + " \n").returncode == 0


def test_could_not_tell(settings_file: Path) -> None:
    settings_file.write_text(dead_source())
    result = run(CLEAN.password, "-c", str(settings_file))
    assert result.returncode == 2
    assert result.stdout == COULD_NOT_TELL
    assert "(connect)" in result.stderr


USAGE = {
    "nothing": ("", "there is no password"),
    "an empty line": ("\n", "there is no password"),
    "two lines": ("one\ntwo\n", "expected one line"),
    "two line ends": ("one\n\n", "expected one line"),
    "NUL": ("one\0two\n", "expected one line"),
    "too long": ("x" * (PASSWORD_MAX + 1), "longer than 4096 bytes"),
    "far too long": ("x" * 100_000, "longer than 4096 bytes"),
}


@pytest.mark.parametrize(("text", "said"), USAGE.values(), ids=USAGE.keys())
def test_no_password(
    check: Check, range_server: RangeServer, text: str, said: str
) -> None:
    result = check(text)
    assert result.returncode == 64
    assert result.stdout == ""
    assert said in result.stderr
    assert range_server.prefixes() == []


def test_a_long_password(check: Check) -> None:
    assert check("x" * PASSWORD_MAX + "\n").returncode == 0


@pytest.mark.parametrize(
    "arguments", [["hunter2"], ["--", "hunter2"], ["--frobnicate"], ["-c"]], ids=str
)
def test_usage(arguments: list[str]) -> None:
    """A password on the command line is for all the machine to read, so it is
    not taken from there, nor said again."""
    result = run(CLEAN.password, *arguments)
    assert result.returncode == 64
    assert result.stdout == ""
    assert "standard input" in result.stderr
    assert "hunter2" not in result.stderr


def test_help_and_version() -> None:
    shown = run("", "--help")
    assert shown.returncode == 0
    assert shown.stdout.startswith("Usage: ")
    version = run("", "--version")
    assert version.returncode == 0
    assert version.stdout.startswith(f"{PROGRAM} ")


def test_default_file(default_file: Path, range_server: RangeServer) -> None:
    default_file.write_text(f"pwned_source = {range_server.url}\n")
    assert run(BREACHED.password).returncode == 1
    assert run(CLEAN.password).returncode == 0
    assert len(range_server.prefixes()) == 2


def test_a_mistake_in_the_settings(check: Check, settings_file: Path) -> None:
    """Could not tell: what to make of that is the caller's choice."""
    result = check(BREACHED.password, "pwned_bogus = 1\n")
    assert result.returncode == 2
    said = f"{PROGRAM}: {settings_file} line 2: Unknown setting: pwned_bogus\n"
    assert result.stderr == said
    absent = run(BREACHED.password, "-c", "/nonexistent")
    assert absent.returncode == 2
    assert "/nonexistent: cannot be opened" in absent.stderr


def test_dry_run(check: Check) -> None:
    """Nobody is refused anything, and whoever runs it sees what would be."""
    result = check(BREACHED.password, "pwned_dry_run = yes\n")
    assert result.returncode == 0
    assert result.stdout == ACCEPTABLE
    assert "dry run" in result.stderr


@pytest.mark.parametrize(
    ("policy", "status"),
    [
        (f"smtp=deny:min={COUNT}", 1),
        (f"smtp=deny:min={COUNT + 1}", 0),
        # a password that logins would be warned about is none to choose
        (f"smtp=deny:min={COUNT + 1} *=warn", 1),
        (f"smtp=deny:min={COUNT + 1} imap=warn:min={COUNT}", 1),
    ],
)
def test_minimum(check: Check, policy: str, status: int) -> None:
    assert check(BREACHED.password, f"pwned_policy = {policy}\n").returncode == status


def test_it_waits_longer_than_a_login(settings_file: Path) -> None:
    with RangeServer(latency_msecs=600) as slow:
        settings_file.write_text(f"pwned_source = {slow.url}\npwned_wait = 0\n")
        assert run(BREACHED.password, "-c", str(settings_file)).returncode == 1


def test_tls(
    settings_file: Path, nginx: Nginx, authority: CertificateAuthority
) -> None:
    """With an authority of one's own, over HTTP/2."""
    settings_file.write_text(
        f"pwned_source = {nginx.url}\npwned_source_ca_file = {authority.file}\n"
    )
    assert run(BREACHED.password, "-c", str(settings_file)).returncode == 1
    (seen,) = nginx.events(1)
    assert seen["version"] == "HTTP/2.0"
    settings_file.write_text(f"pwned_source = {nginx.url}\n")
    unknown_authority = run(BREACHED.password, "-c", str(settings_file))
    assert unknown_authority.returncode == 2
    assert "(tls)" in unknown_authority.stderr


def test_unprivileged(check: Check, settings_file: Path) -> None:
    """As whoever runs the panel or the web mail."""
    for folder in list(settings_file.parents)[:-2]:
        folder.chmod(0o755)
    assert check(BREACHED.password, user="nobody", group="nogroup").returncode == 1


def test_the_environment_names_no_proxy(check: Check) -> None:
    proxies = dict.fromkeys(
        ("http_proxy", "https_proxy", "all_proxy", "ALL_PROXY"), "http://127.0.0.1:1"
    )
    assert check(BREACHED.password, env=os.environ | proxies).returncode == 1


def test_it_needs_no_dovecot() -> None:
    program = shutil.which(PROGRAM)
    assert program
    libraries = subprocess.run(
        ["ldd", program], capture_output=True, text=True, check=True
    ).stdout
    assert "libcurl" in libraries
    assert "not found" not in libraries
    assert "dovecot" not in libraries
