# SPDX-License-Identifier: LGPL-2.1-or-later
"""doveadm pwned check: is this password in a known breach, and who says so?"""

import json
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import ranges
from lib.doveadm import Pwned, Result, terminal
from lib.dovecot import Dovecot
from lib.dovecot_config import Setup
from lib.processes import wait_until
from lib.range_source import FaultyServer, RangeServer
from lib.secrecy import Secret
from lib.site import dead_source
from lib.slots import Label, SlotFile, encode, file_header, offset
from lib.users import BREACHED, CLEAN

CLEAN_STATUS, BREACHED_STATUS, UNKNOWN_STATUS, USAGE_STATUS = 0, 1, 2, 64
PROMPT = b"Password: "
PASSWORD_MAX = 4096
# How long a fetch that nobody answers takes.
PATIENCE = "pwned_wait = 0\npwned_fetch_timeout = 5 s\n"


def pwned(settings: str) -> Pwned:
    """A Dovecot that does not run is enough."""
    return Pwned(Dovecot(Setup(settings=settings)))


@pytest.fixture
def online(range_server: RangeServer) -> Pwned:
    return pwned(f"pwned_source = {range_server.url}\n")


@pytest.fixture
def slow_server() -> Iterator[FaultyServer]:
    with FaultyServer("slow-headers") as server:
        yield server


def stored(
    password: str, count: int, days_old: int = 0, settings: str | None = None
) -> Pwned:
    """With a dead source, if no other is set, and a store that has one range of
    one password."""
    prefix, suffix = ranges.split_digest(password)
    dovecot = Dovecot(Setup(settings=settings or dead_source()))
    slots = SlotFile(dovecot.place.store)
    slots.path.write_bytes(file_header())
    slots.path.chmod(0o644)
    today = (datetime.now(UTC) - datetime(1970, 1, 1, tzinfo=UTC)).days
    label = Label(prefix, total=1, day=today - days_old, etag=b"", origin=0)
    (block,) = encode(label, f"{suffix}:{count}".encode())
    slots.write(prefix, 0, block)
    assert slots.is_whole(prefix)
    assert slots.path.stat().st_size > offset(prefix)
    return Pwned(dovecot)


def words(result: Result) -> dict[str, str]:
    """verdict=clean seen=none ..."""
    return dict(word.split("=") for word in result.stdout.split())


def test_clean(online: Pwned, range_server: RangeServer) -> None:
    result = online.check(CLEAN.password)
    assert (result.returncode, result.stderr) == (CLEAN_STATUS, "")
    assert result.stdout == "verdict=clean seen=none from=source reason=none\n"
    assert range_server.prefixes() == [ranges.split_digest(CLEAN.password)[0]]


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_breached(online: Pwned, end: str) -> None:
    """One line end there is none of the password."""
    result = online.check(BREACHED.password + end)
    assert (result.returncode, result.stderr) == (BREACHED_STATUS, "")
    assert result.stdout == "verdict=breached seen=1000+ from=source reason=none\n"


@pytest.mark.parametrize("form", ["json", "tab", "table", "pager"])
def test_formatters(online: Pwned, form: str) -> None:
    result = online.check(BREACHED.password, form=form)
    assert result.returncode == BREACHED_STATUS
    names = ["verdict", "seen", "from", "reason"]
    values = ["breached", "1000+", "source", "none"]
    if form == "json":
        assert json.loads(result.stdout) == [dict(zip(names, values, strict=True))]
    elif form == "tab":
        assert result.stdout == "".join(
            "\t".join(row) + "\n" for row in (names, values)
        )
    else:
        assert all(word in result.stdout.split() for word in values)


@pytest.mark.parametrize(
    ("count", "band"),
    [
        (1, "1-9"),
        (9, "1-9"),
        (10, "10-99"),
        (99, "10-99"),
        (100, "100-999"),
        (999, "100-999"),
        (1000, "1000+"),
        (20_000_000, "1000+"),
    ],
)
def test_bands(count: int, band: str) -> None:
    """How often it was seen is told roughly, and to nobody but who asks."""
    result = stored(BREACHED.password, count).check(BREACHED.password)
    assert result.returncode == BREACHED_STATUS
    assert words(result)["seen"] == band


@pytest.mark.parametrize(
    ("days_old", "origin"), [(0, "store"), (6, "store"), (7, "stale"), (365, "stale")]
)
def test_from_the_store(days_old: int, origin: str) -> None:
    """A fresh range decides. For an old one no source answers here, of which
    there is a word."""
    result = stored(BREACHED.password, 50, days_old).check(BREACHED.password)
    assert result.returncode == BREACHED_STATUS
    assert words(result)["from"] == origin
    was_asked = result.stderr.startswith("Warning: source http://127.0.0.1:")
    assert was_asked == (origin == "stale")
    assert was_asked or result.stderr == ""


def test_an_old_range_is_not_believed_while_a_source_answers(
    range_server: RangeServer,
) -> None:
    """Nobody's login waits here."""
    settings = f"pwned_source = {range_server.url}\n"
    result = stored(CLEAN.password, 50, 30, settings).check(CLEAN.password)
    assert (result.returncode, result.stderr) == (0, "")
    assert words(result)["from"] == "source"


@pytest.mark.parametrize(
    ("days_old", "password"), [(366, BREACHED.password), (0, CLEAN.password)]
)
def test_unknown(days_old: int, password: str) -> None:
    """Too old or not there, and no source."""
    result = stored(BREACHED.password, 50, days_old).check(password)
    assert result.returncode == UNKNOWN_STATUS
    assert result.stdout == "verdict=unknown seen=none from=none reason=connect\n"
    assert result.stderr.startswith("Warning: source http://127.0.0.1:")


@pytest.mark.parametrize(
    "settings", ["pwned_policy = *=off\n", "pwned_dry_run = yes\n", "pwned_wait = 0\n"]
)
def test_what_logins_would_be_told_does_not_matter(
    range_server: RangeServer, settings: str
) -> None:
    result = pwned(f"pwned_source = {range_server.url}\n{settings}").check(
        BREACHED.password
    )
    assert result.returncode == BREACHED_STATUS


NO_PASSWORD = {
    "nothing": ("", "there is no password"),
    "an empty line": ("\n", "there is no password"),
    "two lines": ("one\ntwo\n", "expected one line"),
    "NUL": ("one\0two\n", "expected one line"),
    "too long": ("x" * (PASSWORD_MAX + 1), "longer than 4096 bytes"),
    "far too long": ("x" * 100_000, "longer than 4096 bytes"),
}


@pytest.mark.parametrize(
    ("text", "said"), NO_PASSWORD.values(), ids=NO_PASSWORD.keys()
)
def test_no_password(
    online: Pwned, range_server: RangeServer, text: str, said: str
) -> None:
    result = online.check(text)
    assert (result.returncode, result.stdout) == (USAGE_STATUS, "")
    assert said in result.stderr
    assert range_server.prefixes() == []


def test_the_longest_password(online: Pwned) -> None:
    assert online.check("x" * PASSWORD_MAX + "\n").returncode == CLEAN_STATUS


@pytest.mark.parametrize("words", [["hunter2"], ["hunter", "2"], ["--frobnicate"]])
def test_usage(online: Pwned, words: list[str]) -> None:
    """A password on the command line is for all the machine to read, so it is
    not taken from there, nor said again."""
    result = online.run("check", *words, text=CLEAN.password)
    assert (result.returncode, result.stdout) == (USAGE_STATUS, "")
    assert "hunter" not in result.stderr


def test_a_mistake_in_the_settings() -> None:
    """Told before anybody is asked for a password."""
    mistaken = pwned("pwned_wait = soon\n")
    result = mistaken.check(CLEAN.password)
    # Where Dovecot reads them, it is it who refuses.
    assert result.returncode in (UNKNOWN_STATUS, 75, 89)
    assert result.stdout == ""
    assert "expected a time from 0 ms to 8 s" in result.stderr
    with terminal(mistaken.command("check")) as tty:
        assert tty.end() == result.returncode
        assert PROMPT not in tty.output


def test_prompt(online: Pwned) -> None:
    with terminal(online.command("check")) as tty:
        assert tty.echo
        tty.read_until(PROMPT)
        wait_until(lambda: not tty.echo, "a terminal that shows nothing")
        tty.type(BREACHED.password.encode() + b"\n")
        assert tty.end() == BREACHED_STATUS
        assert tty.echo
        shown = tty.output.decode().splitlines()
        assert shown == [
            "Password: ",
            "verdict=breached seen=1000+ from=source reason=none",
        ]
        assert Secret(BREACHED.password).found_in(tty.output) == []


@pytest.mark.parametrize("keys", [b"\n", b"\x04"], ids=["return", "end of file"])
def test_nothing_typed(online: Pwned, keys: bytes) -> None:
    with terminal(online.command("check")) as tty:
        tty.read_until(PROMPT)
        wait_until(lambda: not tty.echo, "a terminal that shows nothing")
        assert tty.type(keys).end() == USAGE_STATUS
        assert tty.echo
        assert b"the password is empty" in tty.output


@pytest.mark.parametrize("keys", [b"\x03", b"half\x03"], ids=["at once", "half way"])
def test_interrupted_at_the_prompt(
    online: Pwned, range_server: RangeServer, keys: bytes
) -> None:
    """Half a password is none."""
    with terminal(online.command("check")) as tty:
        tty.read_until(PROMPT)
        wait_until(lambda: not tty.echo, "a terminal that shows nothing")
        assert tty.type(keys).end() not in (CLEAN_STATUS, BREACHED_STATUS)
        assert tty.echo
        assert b"half" not in tty.output
        assert b"verdict" not in tty.output
        assert range_server.prefixes() == []


def test_interrupted_while_it_asks(slow_server: FaultyServer) -> None:
    asking = pwned(f"pwned_source = {slow_server.url}\n{PATIENCE}")
    with terminal(asking.command("check")) as tty:
        tty.read_until(PROMPT)
        wait_until(lambda: not tty.echo, "a terminal that shows nothing")
        tty.type(CLEAN.password.encode() + b"\n")
        wait_until(slow_server.events, "a request")
        began = time.monotonic()
        assert tty.type(b"\x03").end() == -signal.SIGINT
        assert time.monotonic() - began < 2
        assert tty.echo


def test_it_waits_longer_than_a_login(slow_server: FaultyServer) -> None:
    began = time.monotonic()
    settings = f"pwned_source = {slow_server.url}\n{PATIENCE}"
    result = pwned(settings).check(CLEAN.password)
    assert result.returncode == UNKNOWN_STATUS
    assert words(result)["reason"] == "timeout"
    assert 4 < time.monotonic() - began < 7


def test_the_password_is_nowhere(slow_server: FaultyServer) -> None:
    """Neither it nor what is made of it: not where others may look while it is
    checked, nor in what is said then."""
    secret = Secret(CLEAN.password)
    asking = pwned(f"pwned_source = {slow_server.url}\n{PATIENCE}")
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    command = asking.command("check")
    with subprocess.Popen(command, stderr=subprocess.STDOUT, **pipes) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(CLEAN.password.encode())
        process.stdin.close()
        wait_until(slow_server.events, "a request")
        place = Path(f"/proc/{process.pid}")
        for name in ("cmdline", "environ", "comm"):
            assert secret.found_in((place / name).read_bytes()) == []
        limits = (place / "limits").read_text()
        assert re.search("^Max core file size +0 +0 ", limits, re.MULTILINE)
        output = process.stdout.read()
    assert b"verdict=unknown" in output
    assert secret.found_in(output) == []
