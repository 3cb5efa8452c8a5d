# SPDX-License-Identifier: LGPL-2.1-or-later
"""Dovecot 2.4's own parser and ours read the same file: one list of lines, and
random ones, hold them together. And what doveconf says of the places in which our
settings may stand."""

import random
import re
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from lib.doveconf import Conf, by_setting, run
from lib.dovecot import Dovecot
from lib.dovecot_config import Setup
from lib.renderer import block
from lib.site import Site
from lib.users import BREACHED

pytestmark = pytest.mark.series("2.4")

LINES = Path(__file__).parent.parent / "unit/data/settings-lines.txt"
NOT_DOVECOTS = "not Dovecot's"
NO_ASSIGNMENT = "expected name = value"
RANDOM_LINES = 300
# What means something to either parser, or looks as if it did.
PIECES = [*"'\"\\ \t\r\f\v#$<=%{}ab", '\\"', "\\\\", " # "]
PIECES += ["%{user}", "{url}", "$SET:pwned_wait"]


@dataclass(frozen=True)
class Record:
    """A line of settings, and what our parser says of it."""

    heading: str
    line: str
    value: str | None = None
    error: str = ""

    @property
    def setting(self) -> str:
        return self.line.partition("=")[0].strip()


def records() -> Iterator[Record]:
    heading = line = ""
    for text in LINES.read_text().splitlines():
        keyword, _, rest = text.partition(":")
        rest = rest.removeprefix(" ")
        if text.startswith("#"):
            heading = text.removeprefix("# ")
        elif keyword == "line":
            line = rest
        elif keyword == "value":
            yield Record(heading, line, value=rest)
        elif keyword == "error":
            yield Record(heading, line, error=rest)
        else:
            assert text == ""


RECORDS = list(records())
GOOD = [record for record in RECORDS if record.value is not None]
OURS_TO_REFUSE = [record for record in RECORDS if record.heading == NOT_DOVECOTS]
BAD = [record for record in RECORDS if record.error and record not in OURS_TO_REFUSE]


def of_lines(records: list[Record]) -> pytest.MarkDecorator:
    ids = [record.line for record in records]
    return pytest.mark.parametrize("record", records, ids=ids)


def as_shown(value: str) -> str:
    """doveconf puts quotes around a value that could not be read without them."""
    if "#" in value or value != value.strip():
        return '"' + re.sub(r"""(["'\\])""", r"\\\1", value) + '"'
    return value


def as_written(line: str) -> str:
    """A line's value, taken literally: at most the quotes around it are none of
    it."""
    value = line.partition("=")[2].strip()
    quoted = re.fullmatch(r"""(["'])(.*)\1""", value)
    return quoted[2] if quoted else value


@pytest.fixture
def conf(tmp_path: Path) -> Conf:
    return Conf(tmp_path)


def including(conf: Conf, *lines: str) -> Conf:
    conf.write(conf.include)
    conf.included.write_text("".join(f"{line}\n" for line in lines))
    return conf


def test_the_list_of_lines_has_all_kinds() -> None:
    for kind in (GOOD, BAD, OURS_TO_REFUSE):
        assert len(kind) >= 8


@of_lines(GOOD)
def test_a_good_line_means_the_same(conf: Conf, record: Record) -> None:
    including(conf, record.line)
    assert conf.shown(record.setting) == as_shown(record.value or "")
    conf.doveconf("-n").check_returncode()


@of_lines(BAD)
def test_a_bad_line_is_refused_in_the_same_words(conf: Conf, record: Record) -> None:
    refusal = including(conf, record.line).refusal()
    if record.error.endswith(NO_ASSIGNMENT):
        assert f" {conf.included} line 1: " in refusal
    else:
        assert refusal.endswith(f": {record.error}")


@of_lines(OURS_TO_REFUSE)
def test_a_line_that_dovecot_reads_otherwise(conf: Conf, record: Record) -> None:
    """Or does not start with: so we refuse nothing that would do."""
    including(conf, record.line, "pwned_policy = *=off")
    if conf.doveconf("-n").returncode == 0:
        assert conf.shown(record.setting) != as_shown(as_written(record.line))


def random_lines() -> list[str]:
    """Values of nothing but what matters, bare and in quotes; and good lines that
    were tampered with."""
    chance = random.Random(24)
    lines = []
    for number in range(RANDOM_LINES):
        pieces = chance.choices(PIECES, k=chance.randint(1, 6))
        if number % 4 == 0:
            line = list(chance.choice(GOOD).line)
            line.insert(chance.randint(0, len(line)), chance.choice(pieces))
        else:
            quote = chance.choice(["", "", "'", '"'])
            line = ["pwned_message = ", quote, *pieces, quote]
        lines.append("".join(line))
    return lines


def values(rows: dict[str, dict[str, str]]) -> dict[str, str]:
    return {name: row["value"] for name, row in rows.items()}


def difference(folder: Path, line: str) -> str | None:
    """Between what we take a line for and what Dovecot does; "" if there is none,
    and None if we refuse the line."""
    folder.mkdir()
    # A line must not touch its neighbours either.
    neighbours = "pwned_dry_run = yes", "pwned_policy = *=off"
    conf = including(Conf(folder), neighbours[0], line, neighbours[1])
    ours = run("doveadm", "-f", "json", "pwned", "config", str(conf.included))
    if ours.returncode != 0:
        return None
    dovecots = conf.doveadm("-f", "json", "pwned", "config")
    if dovecots.returncode != 0:
        return f"{line!r}: refused by Dovecot alone: {dovecots.stderr}"
    expected = values(by_setting(ours.stdout))
    found = values(by_setting(dovecots.stdout))
    if found == expected:
        return ""
    return f"{line!r}: {sorted(expected.items() ^ found.items())}"


def test_random_lines(tmp_path: Path) -> None:
    """What we take, Dovecot takes, and for the same."""
    folders = (tmp_path / str(number) for number in range(RANDOM_LINES))
    with ThreadPoolExecutor() as pool:
        differences = list(pool.map(difference, folders, random_lines()))
    taken = [found for found in differences if found is not None]
    assert [found for found in taken if found] == []
    assert RANDOM_LINES / 4 < len(taken) < RANDOM_LINES * 3 / 4


# Each with a value that is not its default; these may not differ by protocol.
OF_THE_SERVER = {
    "pwned_source": "http://127.0.0.1/range/",
    "pwned_source_ca_file": "/etc/ssl/certs/ca-certificates.crt",
    "pwned_source_proxy": "http://127.0.0.1:3128",
    "pwned_source_proxy_auth_file": "/etc/hostname",
    "pwned_source_padding": "no",
    "pwned_fetch_timeout": "4 s",
    "pwned_brake_share": "10 %",
    "pwned_store": "/srv/dovecot-pwned/ranges",
    "pwned_store_group": "mail",
    "pwned_store_max_age": "3 days",
    "pwned_store_stale": "30 days",
    "pwned_store_max_size": "1 GB",
    "pwned_cache_size": "4 MB",
    "pwned_state_dir": "/srv/dovecot-pwned/state",
    "pwned_flags": "pgsql:/etc/hostname",
    "pwned_flag_expire": "30 days",
    "pwned_clear_after": "12 h",
    "pwned_hold": "/srv/dovecot-pwned/hold",
    "pwned_hold_group": "mail",
}
BY_PROTOCOL = {
    "pwned_wait": "1500 ms",
    "pwned_policy": "*=deny",
    "pwned_on_unknown": "tempfail",
    "pwned_dry_run": "yes",
    "pwned_url": "https://www.example.com/#password",
    "pwned_message": "Refused",
    "pwned_warning": "Warned",
    "pwned_exempt": "anna @example.com 192.0.2.0/24",
    "pwned_hold_message": "Held",
    "pwned_suspend_message": "Suspended",
}
ALL = OF_THE_SERVER | BY_PROTOCOL


def assignments(values: dict[str, str]) -> str:
    return "".join(f'{name} = "{value}"\n' for name, value in values.items())


def test_all_settings_globally_and_in_our_block(conf: Conf, tmp_path: Path) -> None:
    login = tmp_path / "proxy-auth"
    login.write_text("user:word\n")
    values = ALL | {"pwned_source_proxy_auth_file": str(login)}
    for text in (assignments(values), block("passdb pwned", assignments(values))):
        conf.write(text)
        assert conf.doveconf("-n").returncode == 0
        assert conf.rows() == {
            name: {"value": value, "from": "dovecot.conf"}
            for name, value in values.items()
        }


@pytest.mark.parametrize("name", BY_PROTOCOL)
def test_what_may_differ_by_protocol(conf: Conf, name: str) -> None:
    line = assignments({name: BY_PROTOCOL[name]})
    conf.write(block("protocol imap", line))
    assert conf.doveconf("-n").returncode == 0
    imap = conf.shown(name, "-f", "protocol=imap")
    assert imap == as_shown(BY_PROTOCOL[name])
    assert conf.shown(name) == conf.shown(name, "-f", "protocol=pop3") != imap


@pytest.mark.parametrize("in_our_block", [False, True])
@pytest.mark.parametrize("name", OF_THE_SERVER)
def test_what_is_one_for_the_server(conf: Conf, name: str, in_our_block: bool) -> None:
    line = assignments({name: OF_THE_SERVER[name]})
    text = block("passdb pwned", line) if in_our_block else line
    conf.write(block("protocol imap", text))
    assert conf.refusal().endswith(
        f": protocol imap: {name}: expected it outside of protocol {{ }}: "
        "it is one for the server"
    )


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize(
    "head", ["local ::1", "remote 10.0.0.0/8", "local_name a.test"]
)
def test_nothing_differs_by_address(conf: Conf, head: str, name: str) -> None:
    conf.write(block(head, assignments({name: ALL[name]})))
    assert conf.refusal().endswith(
        f": {name}: expected it outside of local {{ }} and remote {{ }}: "
        "it cannot differ by address"
    )


def test_a_default_may_be_misplaced_as_well(conf: Conf) -> None:
    """Where another value stands outside, the default says otherwise."""
    imap = block("protocol imap", "pwned_cache_size = 8 MB")
    conf.write(f"pwned_cache_size = 4 MB\n{imap}")
    assert conf.refusal().endswith(
        ": protocol imap: pwned_cache_size: expected it outside of protocol { }: "
        "it is one for the server"
    )
    conf.write("pwned_wait = 2 s\n" + block("remote 10.0.0.0/8", "pwned_wait = 1 s"))
    assert conf.refusal().endswith(
        ": pwned_wait: expected it outside of local { } and remote { }: "
        "it cannot differ by address"
    )


@pytest.mark.parametrize("name", BY_PROTOCOL)
def test_no_protocol_is_meant_by_what_it_is_not(conf: Conf, name: str) -> None:
    """Auth has no way to act by that: it would do so at every protocol."""
    conf.write(block("protocol !smtp", assignments({name: BY_PROTOCOL[name]})))
    assert conf.refusal().endswith(
        f": protocol !smtp: {name}: expected it outside of protocol !... {{ }}: "
        "auth cannot tell the others apart; name each"
    )


def test_doveadm_runs_its_own_doveconf(conf: Conf, tmp_path: Path) -> None:
    """And none that somebody put in root's PATH."""
    mark = tmp_path / "ran"
    fake = tmp_path / "doveconf"
    fake.write_text(f"#!/bin/sh\ntouch {mark}\n")
    fake.chmod(0o755)
    conf.write(block("protocol imap", "pwned_wait = soon"))
    answer = run(
        "env", f"PATH={tmp_path}:/usr/bin:/bin", "doveadm", "-c", conf.path,
        "pwned", "config", "--check",
    )  # fmt: skip
    assert answer.returncode == 1
    assert not mark.exists()


PLACES = """\
pwned_wait = 1100 ms
pwned_url = "https://www.example.com/#password"
passdb pwned {
  pwned_wait = 1200 ms
}
protocol imap {
  pwned_wait = 1300 ms
  passdb pwned {
    pwned_wait = 1400 ms
  }
}
"""


@pytest.mark.parametrize(
    ("protocol", "name", "value"),
    [
        ("", "pwned_wait", "1100 ms"),
        ("", "passdb/pwned/pwned_wait", "1200 ms"),
        ("imap", "pwned_wait", "1300 ms"),
        ("imap", "passdb/pwned/pwned_wait", "1400 ms"),
        ("pop3", "pwned_wait", "1100 ms"),
        ("pop3", "passdb/pwned/pwned_wait", "1200 ms"),
    ],
)
def test_places(conf: Conf, protocol: str, name: str, value: str) -> None:
    conf.write(PLACES)
    filters = ["-f", f"protocol={protocol}"] if protocol else []
    assert conf.shown(name, *filters) == value


def test_doveconf_shows_what_was_set(conf: Conf) -> None:
    """And its output means the same to it again."""
    conf.write(PLACES)
    shown = conf.doveconf("-n", "-P").stdout
    lines = [line for line in shown.splitlines() if "pwned" in line]
    assert sorted(lines) == sorted(
        line for line in PLACES.splitlines() if "pwned" in line
    )
    conf.path.write_text(shown)
    assert conf.doveconf("-n", "-P").stdout == shown


def test_doveadm_shows_what_was_set(conf: Conf) -> None:
    """For all protocols that have nothing of their own."""
    conf.write(PLACES)
    rows = conf.rows()
    assert rows.pop("pwned_wait") == {"value": "1200 ms", "from": "dovecot.conf"}
    assert rows.pop("pwned_url") == {
        "value": "https://www.example.com/#password",
        "from": "dovecot.conf",
    }
    assert {row["from"] for row in rows.values()} == {"default"}
    checked = conf.doveadm("pwned", "config", "--check")
    assert checked.returncode == 0
    assert f"{conf.path}: no mistakes found" in checked.stdout + checked.stderr


VERBATIM = ["</etc/motd", "%u 100 %% %2F", "$SET:pwned_wait $ENV:HOME $5", "{user}"]


@pytest.mark.parametrize("text", VERBATIM)
def test_nothing_in_quotes_is_expanded(conf: Conf, text: str) -> None:
    including(conf, f'pwned_message = "{text}"')
    assert conf.shown("pwned_message") == text
    assert conf.rows()["pwned_message"]["value"] == text


LONG_URL = "https://www.example.com/" + "u" * 80
LONG_TEXT = "t" * 100 + " {url}"
TOO_LONG = "expected at most 200 bytes in a text with {url} and {date} expanded"
TOO_PATIENT = "expected pwned_wait to be no longer than pwned_fetch_timeout"
IN_TIME = "'soon': expected a time from 0 ms to 8 s"
# dovecot.conf, and what is said of it.
MISTAKES = {
    "globally": ("pwned_wait = soon", f"pwned_wait: {IN_TIME}"),
    "in our block": (
        block("passdb pwned", "pwned_wait = soon"),
        f"pwned_wait: {IN_TIME}",
    ),
    "in a protocol": (
        block("protocol imap", "pwned_wait = soon"),
        f"protocol imap: pwned_wait: {IN_TIME}",
    ),
    "in a protocol's block of ours": (
        block("protocol smtp", block("passdb pwned", "pwned_wait = soon")),
        f"protocol smtp: pwned_wait: {IN_TIME}",
    ),
    "a protocol waits longer": (
        block("protocol imap", "pwned_wait = 6 s"),
        f"protocol imap: pwned_wait: {TOO_PATIENT}",
    ),
    "our block waits longer": (
        "pwned_fetch_timeout = 2 s\n" + block("passdb pwned", "pwned_wait = 3 s"),
        f"pwned_wait: {TOO_PATIENT}",
    ),
    "our block gives up sooner": (
        "pwned_wait = 3 s\n" + block("passdb pwned", "pwned_fetch_timeout = 2 s"),
        f"pwned_wait: {TOO_PATIENT}",
    ),
    "a protocol's URL": (
        f"pwned_message = {LONG_TEXT}\n"
        + block("protocol imap", f"pwned_url = {LONG_URL}"),
        f"protocol imap: pwned_message: {TOO_LONG}",
    ),
    "a protocol's text": (
        f"pwned_url = {LONG_URL}\n"
        + block("protocol imap", f"pwned_warning = {LONG_TEXT}"),
        f"protocol imap: pwned_warning: {TOO_LONG}",
    ),
    "our block's text": (
        f"pwned_url = {LONG_URL}\n"
        + block("passdb pwned", f"pwned_message = {LONG_TEXT}"),
        f"pwned_message: {TOO_LONG}",
    ),
}
of_mistakes = pytest.mark.parametrize(
    ("text", "mistake"), MISTAKES.values(), ids=MISTAKES
)


@of_mistakes
def test_doveconf_finds_mistakes(conf: Conf, text: str, mistake: str) -> None:
    conf.write(text)
    assert conf.refusal().endswith(f"{conf.path}: {mistake}")


@of_mistakes
def test_doveadm_checks_what_doveconf_finds(
    conf: Conf, text: str, mistake: str
) -> None:
    conf.write(text)
    answer = conf.doveadm("pwned", "config", "--check")
    assert answer.returncode == 1
    assert f": {mistake}\n" in answer.stderr
    assert answer.stdout == ""


@of_mistakes
def test_doveadm_shows_no_settings_with_a_mistake(
    conf: Conf, text: str, mistake: str
) -> None:
    """It shows what counts wherever a protocol has nothing of its own."""
    conf.write(text)
    answer = conf.doveadm("pwned", "config")
    if mistake.startswith("protocol "):
        assert answer.returncode == 0
    else:
        assert answer.returncode == 1
        assert answer.stderr.endswith(f": {mistake}\n")
        assert answer.stdout == ""


@pytest.mark.parametrize(
    "text",
    [
        "pwned_fetch_timeout = 9 s\n" + block("protocol imap", "pwned_wait = 6 s"),
        "pwned_fetch_timeout = 9 s\n" + block("passdb pwned", "pwned_wait = 6 s"),
        f"pwned_url = {LONG_URL}\n"
        + block(
            "protocol imap",
            f"pwned_message = {LONG_TEXT}",
            "pwned_url = https://www.example.com/",
        ),
    ],
    ids=["a protocol may wait", "our block may wait", "a text has a URL that fits"],
)
def test_what_goes_together_across_places(conf: Conf, text: str) -> None:
    conf.write(text)
    assert conf.doveconf("-n").returncode == 0


@of_mistakes
def test_dovecot_does_not_start_with_a_mistake(text: str, mistake: str) -> None:
    dovecot = Dovecot(Setup(global_settings=text))
    with pytest.raises(RuntimeError, match=re.escape(mistake)):
        dovecot.start()


def test_a_mistake_at_a_reload_changes_nothing() -> None:
    text, mistake = MISTAKES["in a protocol"]
    with Site("pwned_policy = *=deny\n") as site:
        before = site.dovecot.auth_pid()
        mark = site.dovecot.log.end()
        site.dovecot.change(settings="pwned_policy = *=off\n", global_settings=text)
        site.dovecot.signal(signal.SIGHUP)
        site.dovecot.log.wait_for(mistake, since=mark)
        assert not site.login("imap", BREACHED).accepted
        assert site.dovecot.auth_pids() == [before]
        site.reload(settings="pwned_policy = *=off\n", global_settings="")
        assert site.login("imap", BREACHED).accepted


def test_what_auth_alone_can_find(conf: Conf) -> None:
    """A protocol's setting that does not go with our block's: Dovecot checks one
    of them where it does not know the other. That protocol is not checked."""
    ours, imaps = "pwned_fetch_timeout = 2 s", "pwned_wait = 3 s"
    conf.write(block("passdb pwned", ours) + "\n" + block("protocol imap", imaps))
    assert conf.doveconf("-n").returncode == 0
    with Site(block_settings=ours, protocol_settings={"imap": imaps}) as site:
        assert site.login("imap", BREACHED).accepted
        assert not site.login("submission", BREACHED).accepted
        (error,) = site.our_lines("Error")
        assert f"pwned_wait: {TOO_PATIENT}; passwords are not checked" in error
