# SPDX-License-Identifier: LGPL-2.1-or-later
"""doveadm pwned list, show, clear, forget, suspend, exempt, report, resume: what
operators see of the accounts on record, and what they say of them."""

import json
import re
import shutil
import sqlite3
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from lib.account_site import DAY
from lib.doveadm import Pwned, Result
from lib.dovecot import Dovecot
from lib.dovecot_config import Setup
from lib.site import dead_source

MANUAL = Path(__file__).parents[2] / "doc/man/doveadm-pwned.1"
FAILED, USAGE, NO_USER = 1, 64, 67
FORMS = ("table", "tab", "json", "pager", "flow")
# How long a command waits for another program that has the file.
BUSY_SECS = 10
NONE, FLAGGED, CLEARED = 0, 1, 2
HOLD_TEXT = "Sending is blocked"


class Desk:
    """An operator's, with a Dovecot that does not run."""

    def __init__(self, settings: str = ""):
        self.dovecot = Dovecot(Setup(settings=dead_source() + settings))
        self.pwned = Pwned(self.dovecot)
        self.now = int(time.time())

    @property
    def flags(self) -> Path:
        return self.dovecot.place.state / "flags.db"

    @property
    def holds(self) -> Path:
        return self.dovecot.place.hold / "hold.db"

    def database(self, file: Path) -> "closing[sqlite3.Connection]":
        """In the form that commands make."""
        if not file.exists():
            self.said("suspend", "somebody")
            self.said("forget", "somebody")
        return closing(sqlite3.connect(file, isolation_level=None))

    def enter(self, user: str | bytes, **values: object) -> None:
        """Puts him on record, as it is said or as flagged ten days ago."""
        name = user if isinstance(user, bytes) else user.encode()
        row = {
            "state": FLAGGED,
            "since": self.now - 10 * DAY,
            "breached": self.now - DAY,
            "decided": self.now - 10 * DAY,
            "band": 2,
            "service": "imap",
            **values,
        }
        domain = name.rpartition(b"@")[2].lower() if b"@" in name else b""
        marks = ", ".join("?" * len(row))
        with self.database(self.flags) as database:
            database.execute(
                f"INSERT INTO flag (domain, username, {', '.join(row)}) "
                f"VALUES (CAST(? AS TEXT), CAST(? AS TEXT), {marks})",
                (domain, name, *row.values()),
            )

    def enter_held(self, user: str) -> None:
        self.enter(user, hold_text=HOLD_TEXT)
        with self.database(self.holds) as database:
            database.execute(
                "INSERT INTO pwned_hold (username, text) VALUES (?, ?)",
                (user, HOLD_TEXT),
            )

    def held(self) -> dict[str, str]:
        with self.database(self.holds) as database:
            return dict(database.execute("SELECT username, text FROM pwned_hold"))

    def recorded(self) -> list[str]:
        with self.database(self.flags) as database:
            found = database.execute("SELECT username FROM flag ORDER BY username")
            return [name for (name,) in found]

    def rows(self, *words: str) -> list[dict[str, str]]:
        result = self.pwned.run(*words, form="json")
        assert (result.returncode, result.stderr) == (0, "")
        return json.loads(result.stdout)

    def users(self, *words: str) -> list[str]:
        return [row["user"] for row in self.rows("list", *words)]

    def shown(self, user: str) -> dict[str, str]:
        (row,) = self.rows("show", user)
        return row

    def said(self, *words: str) -> dict[str, str]:
        """What a command prints of one account."""
        (row,) = self.rows(*words)
        return row


@pytest.fixture
def desk() -> Desk:
    return Desk()


def iso(secs: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(secs))


def day(secs: int) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(secs))


def fails(result: Result, status: int, *said: str) -> None:
    """With one line for each, and nothing but an empty list beside it."""
    assert result.returncode == status
    errors = result.stderr.splitlines()
    assert len(errors) == len(said), errors
    for error, words in zip(errors, said, strict=True):
        assert words in error


# list


def test_list(desk: Desk) -> None:
    """By domain and then by user."""
    desk.enter("zoe@a.example", stop=desk.now + 4 * DAY)
    desk.enter("anna@b.example", stop=desk.now - DAY, service="smtp")
    desk.enter("carl")
    assert desk.rows("list") == [
        {
            "user": "carl",
            "status": "flagged",
            "since": day(desk.now - 10 * DAY),
            "breached": day(desk.now - DAY),
            "service": "imap",
            "stop": "never",
        },
        {
            "user": "zoe@a.example",
            "status": "grace",
            "since": day(desk.now - 10 * DAY),
            "breached": day(desk.now - DAY),
            "service": "imap",
            "stop": day(desk.now + 4 * DAY),
        },
        {
            "user": "anna@b.example",
            "status": "stopped",
            "since": day(desk.now - 10 * DAY),
            "breached": day(desk.now - DAY),
            "service": "smtp",
            "stop": day(desk.now - DAY),
        },
    ]


def enter_many(desk: Desk) -> None:
    now = desk.now
    desk.enter("warned@x.example")
    desk.enter("grace@x.example", stop=now + DAY, service="pop3")
    desk.enter("stopped@X.example", stop=now - DAY, since=now - 40 * DAY)
    desk.enter_held("held@y.example")
    desk.enter("cleared@y.example", state=CLEARED, cleared=now - DAY)
    suspended = {"suspended": now - 50 * DAY, "hold_text": HOLD_TEXT}
    desk.enter("suspended", state=NONE, since=0, breached=0, **suspended)
    desk.enter("exempt", state=NONE, since=0, breached=0, exempt_until=now + DAY)
    desk.enter("lapsed", exempt_until=now - DAY)


FILTERS = {
    "--state flagged": "grace@x held@y lapsed stopped@X warned@x",
    "--state grace": "grace@x",
    "--state stopped": "stopped@X",
    "--state held": "held@y suspended",
    "--state cleared": "cleared@y",
    "--state suspended": "suspended",
    "--state exempt": "exempt",
    "--domain x.example": "grace@x stopped@X warned@x",
    "--domain X.EXAMPLE --state grace": "grace@x",
    "--domain example": "",
    "--service pop3": "grace@x",
    "--age 11": "stopped@X suspended",
    "--age 41": "suspended",
    "--age 0 --service pop3": "grace@x",
    "*@x.example": "grace@x warned@x",
    "?????@?.example": "grace@x",
    "suspended": "suspended",
    "exempt lapsed held*": "exempt held@y lapsed",
    "--state flagged *@y.example": "held@y",
}


def test_filters_and_masks(desk: Desk) -> None:
    enter_many(desk)
    assert len(desk.users()) == 8
    found = {
        words: " ".join(
            sorted(user.removesuffix(".example") for user in desk.users(*words.split()))
        )
        for words in FILTERS
    }
    assert found == FILTERS


def test_users_without_a_domain(desk: Desk) -> None:
    enter_many(desk)
    assert desk.users("--domain", "") == ["exempt", "lapsed", "suspended"]


FOUR = [f"a{letter}b@example.com" for letter in "*?\\x"]
MASKS = {
    r"a\*b@example.com": ["a*b@example.com"],
    r"a*b@example.com": FOUR,
    r"a?b@example.com": FOUR,
    r"a\?b@example.com": ["a?b@example.com"],
    r"a\\b@example.com": ["a\\b@example.com"],
    r"a\b@example.com": ["a\\b@example.com"],
    r"a\*b@*": ["a*b@example.com"],
    r"*\?*": ["a?b@example.com"],
    r"a\\b*": ["a\\b@example.com"],
    r"A*": [],
}


@pytest.mark.parametrize("command", ["list", "show"])
def test_masks_that_escape(desk: Desk, command: str) -> None:
    """The same on both series of Dovecot."""
    for user in FOUR:
        desk.enter(user)
    for mask, users in MASKS.items():
        result = desk.pwned.run(command, mask, form="json")
        assert [row["user"] for row in json.loads(result.stdout)] == users, mask
        assert result.returncode == (0 if users else NO_USER)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("command", [("list",), ("show", "*"), ("report",)])
def test_formatters(desk: Desk, command: tuple[str, ...], form: str) -> None:
    desk.enter("anna@example.com")
    result = desk.pwned.run(*command, form=form)
    assert (result.returncode, result.stderr) == (0, "")
    assert "example.com" in result.stdout
    if form == "json":
        assert json.loads(result.stdout)
    if form == "tab":
        lines = [line.split("\t") for line in result.stdout.splitlines()]
        assert len({len(line) for line in lines}) == 1


def test_nobody_is_on_record(desk: Desk) -> None:
    """No fault where nobody was named."""
    assert desk.rows("list") == []
    for command in (("list", "x*"), ("show", "*"), ("clear", "*"), ("forget", "?")):
        result = desk.pwned.run(*command, form="json")
        fails(result, NO_USER, "nobody on record matches")
    for command in ("show", "clear", "forget"):
        result = desk.pwned.run(command, "anna", "bert*", form="json")
        fails(result, NO_USER, "anna: nothing is on record of", "bert*: nobody")
    (total,) = desk.rows("report")
    assert (total["domain"], total["flagged"]) == ("total", 0)


def test_what_is_on_record_is_done_beside_what_is_not(desk: Desk) -> None:
    desk.enter("anna")
    desk.enter("bert")
    result = desk.pwned.run("show", "carl", "anna", form="json")
    fails(result, NO_USER, "carl: nothing is on record")
    assert [row["user"] for row in json.loads(result.stdout)] == ["anna"]
    result = desk.pwned.run("forget", "carl", "b*")
    fails(result, NO_USER, "carl: nothing is on record")
    assert result.stdout == "forgotten=1\n"
    assert desk.recorded() == ["anna"]


# show


def test_show(desk: Desk) -> None:
    now = desk.now
    desk.enter("anna@example.com", stop=now + 4 * DAY, refused=now - DAY, contested=1)
    assert desk.shown("anna@example.com") == {
        "user": "anna@example.com",
        "domain": "example.com",
        "status": "grace",
        "state": "flagged",
        "since": iso(now - 10 * DAY),
        "breached": iso(now - DAY),
        "cleared": "never",
        "contested": "yes",
        "decided": iso(now - 10 * DAY),
        "stop": iso(now + 4 * DAY),
        "denied": iso(now - DAY),
        "seen": "10-99",
        "service": "imap",
        "suspended": "never",
        "exempt_until": "never",
        "hold": "",
        "outlook": f"sending stops on {day(now + 4 * DAY)}; a login with a clean "
        "password clears it if none with a breached one came in time before, so "
        f"not before {day(now)}; unseen, it expires on {day(now + 89 * DAY)}",
    }


def test_the_manual_names_all_of_it(desk: Desk) -> None:
    """The export has the names that it documents, in their order."""
    desk.enter("anna")
    section = MANUAL.read_text().partition(".SH WHAT SHOW SHOWS\n")[2]
    section = section.partition("\n.SH ")[0]
    names = re.findall(r"^\.TP\n\.B (\w+)$", section, re.MULTILINE)
    assert list(desk.shown("anna")) == names


def test_the_manual_explains_the_report(desk: Desk) -> None:
    (total,) = desk.rows("report")
    manual = MANUAL.read_text()
    for name in total:
        assert re.search(rf"^\.[BR]+ \(? ?{name}\b", manual, re.MULTILINE), name


def test_show_to_people(desk: Desk) -> None:
    """A line for each value, a page for each account."""
    desk.enter("anna")
    desk.enter("bert")
    result = desk.pwned.run("show", "*")
    one, two = result.stdout.split("\f\n")
    assert one.startswith("user: anna\n")
    assert two.startswith("user: bert\n")
    assert len(one.splitlines()) == len(two.splitlines()) == 17


# clear, forget


def test_clear(desk: Desk) -> None:
    for name in ("anna@a.example", "bert@a.example", "carl@b.example", "dora"):
        desk.enter_held(name)
    desk.enter("exempt@b.example", exempt_until=desk.now + DAY)
    cleared = ["anna@a.example", "bert@a.example", "carl@b.example"]
    result = desk.pwned.run("clear", "*@a.example", "carl@b.example")
    assert result.stdout == "cleared=3\n"
    assert desk.users("--state", "cleared") == cleared
    assert desk.held() == {"dora": HOLD_TEXT}
    assert desk.shown("anna@a.example")["since"] == iso(desk.now - 10 * DAY)
    assert desk.said("clear", "exempt@*") == {"cleared": "1"}
    assert desk.users("--state", "exempt") == ["exempt@b.example"]


def test_clear_ends_a_suspension(desk: Desk) -> None:
    desk.said("suspend", "anna")
    assert list(desk.held()) == ["anna"]
    assert desk.said("clear", "anna") == {"cleared": "1"}
    assert desk.held() == {}
    # there is nothing left to keep
    assert desk.recorded() == []


def test_forget(desk: Desk) -> None:
    desk.enter_held("anna@a.example")
    desk.enter_held("bert@a.example")
    desk.said("suspend", "bert@a.example")
    desk.enter("carl@b.example", exempt_until=desk.now + DAY)
    assert desk.pwned.run("forget", "anna@a.example").stdout == "forgotten=1\n"
    assert list(desk.held()) == ["bert@a.example"]
    assert desk.said("forget", "*") == {"forgotten": "2"}
    assert desk.recorded() == []
    assert desk.held() == {}


def test_forgotten_is_gone_from_the_files(desk: Desk) -> None:
    """Who asks to be erased has a name that may tell."""
    desk.enter_held("unforgettable@example.com")
    desk.said("forget", "unforgettable@example.com")
    for folder in (desk.flags.parent, desk.holds.parent):
        for file in folder.glob("*.db"):
            assert b"unforgettable" not in file.read_bytes(), file


# suspend, exempt


def test_suspend(desk: Desk) -> None:
    before = int(time.time())
    said = desk.said("suspend", "anna@example.com")
    assert said["suspended"] in {iso(before + secs) for secs in range(5)}
    assert said == {
        "user": "anna@example.com",
        "status": "suspended",
        "suspended": said["suspended"],
        "exempt_until": "never",
        "new": "yes",
    }
    text = "Sending is suspended for this account. Ask your mail provider."
    assert desk.held() == {"anna@example.com": text}
    assert desk.shown("anna@example.com")["hold"] == text
    assert desk.said("suspend", "anna@example.com")["new"] == "no"


def test_suspend_in_our_words() -> None:
    desk = Desk("pwned_suspend_message = Call us: 555.\n")
    desk.said("suspend", "anna")
    assert desk.held() == {"anna": "Call us: 555."}


def test_suspend_in_a_dry_run() -> None:
    desk = Desk("pwned_dry_run = yes\n")
    result = desk.pwned.run("suspend", "anna")
    fails(result, 0, "nobody is refused in a dry run")
    assert "status=suspended" in result.stdout
    assert "nobody is refused" in desk.shown("anna")["outlook"]


@pytest.mark.parametrize(
    "command",
    [("suspend",), ("exempt", "--end"), ("exempt", "--until", "9999-12-31")],
)
def test_a_mask_is_no_user(desk: Desk, command: tuple[str, ...]) -> None:
    """He would be on record with a star, and nobody suspended."""
    desk.enter("anna@example.com")
    name, *options = command
    result = desk.pwned.run(name, "*@example.com", *options)
    fails(result, NO_USER, "it looks like a mask")
    assert desk.recorded() == ["anna@example.com"]
    desk.enter("*@example.com", exempt_until=desk.now + DAY)
    assert desk.said(name, "*@example.com", *options)["new"] == "no"


@pytest.mark.parametrize("command", [("suspend",), ("exempt", "--until", "9999-12-31")])
def test_a_name_with_capitals_is_doubted(desk: Desk, command: tuple[str, ...]) -> None:
    """Auth looks for names as they are, and makes them small before."""
    name, *options = command
    result = desk.pwned.run(name, "Anna@example.com", *options)
    fails(result, 0, "is this how auth writes the name?")
    result = desk.pwned.run(name, "Anna@example.com", *options)
    fails(result, 0)


def test_exempt(desk: Desk) -> None:
    """Until the end of the day, in UTC; what was held is let go."""
    desk.enter_held("anna")
    today = day(int(time.time()))
    said = desk.said("exempt", "anna", "--until", today)
    assert said["status"] == "exempt"
    assert said["exempt_until"] == f"{today}T23:59:59Z"
    assert desk.held() == {}
    later = desk.said("exempt", "anna", "--until", "2999-02-28")
    assert later["exempt_until"] == "2999-02-28T23:59:59Z"
    assert desk.said("exempt", "anna", "--end")["status"] == "flagged"
    fails(desk.pwned.run("exempt", "anna", "--end"), NO_USER, "not exempt")
    fails(desk.pwned.run("exempt", "bert", "--end"), NO_USER, "not exempt")
    assert desk.recorded() == ["anna"]


def test_a_suspension_wins_over_an_exemption(desk: Desk) -> None:
    desk.said("suspend", "anna")
    assert desk.said("exempt", "anna", "--until", "2999-02-28")["status"] == "suspended"
    assert list(desk.held()) == ["anna"]


MISTYPED = {
    "list --state breached": "--state breached: expected flagged, grace",
    "list --age soon": "--age soon: expected days from 0 to 36500",
    "list --age -1": "--age -1: expected days",
    "list --age 99999": "--age 99999: expected days",
    "exempt anna --until tomorrow": "--until tomorrow: expected a day as YYYY-MM-DD",
    "exempt anna --until 2027-02-29": "--until 2027-02-29: expected a day",
    "exempt anna --until 2001-02-03": "this day is over",
    "report --policy smtp=refuse": "--policy: 'refuse' is not an action",
    f"suspend {'a' * 2049}": "expected a user of 1 to 2048 bytes",
    "show": "doveadm",
    "clear": "doveadm",
    "forget": "doveadm",
    "suspend": "doveadm",
    "suspend anna bert": "bert",
    "exempt anna": "doveadm",
    "exempt --until 2999-01-01": "doveadm",
    "exempt anna --end --until 2999-01-01": "doveadm",
    "resume now": "now",
    "report anna": "anna",
    "list --nobody": "--nobody",
}


@pytest.mark.parametrize(("words", "said"), MISTYPED.items())
def test_mistyped(desk: Desk, words: str, said: str) -> None:
    result = desk.pwned.run(*words.split())
    assert result.returncode == USAGE
    assert said in result.stdout + result.stderr
    assert not desk.flags.exists()


def test_mistyped_empty(desk: Desk) -> None:
    assert desk.pwned.run("suspend", "").returncode == USAGE
    assert not desk.flags.exists()


# What waits for auth


def state_file(desk: Desk, ended: str, **counted: int) -> None:
    times = {"started": desk.now - 60, "written": desk.now - 30}
    lines = [f"{name} = {secs}" for name, secs in times.items()]
    lines.append(f"ended = {ended}")
    lines += [f"counted_{name} = {number}" for name, number in counted.items()]
    file = desk.dovecot.place.state / "auth.state"
    file.write_text("dovecot-pwned state 1\n" + "\n".join(lines) + "\n")
    shutil.chown(file, "dovecot", "dovecot")
    file.chmod(0o600)


@pytest.mark.parametrize(
    ("ended", "waits"), [("no", True), ("yes", False), (None, False)]
)
def test_who_is_new_is_known_to_auth_afterwards(
    desk: Desk, ended: str | None, waits: bool
) -> None:
    """It reads who is new once a second; others it looks up."""

    def secs(*words: str) -> float:
        began = time.monotonic()
        desk.said(*words)
        return time.monotonic() - began

    if ended:
        state_file(desk, ended)
    usual = min(secs("resume") for _ in range(3))
    assert (secs("suspend", "anna") - usual > 1) == waits
    assert secs("suspend", "anna") - usual < 1
    assert secs("clear", "anna") - usual < 1


# report


def test_report(desk: Desk) -> None:
    enter_many(desk)
    desk.enter("refused@x.example", refused=desk.now, band=4)
    rows = desk.rows("report", "--policy", "smtp=deny:min=50")
    names = "flagged cleared denied held would_be_denied suspended exempt".split()
    table = {row["domain"]: [row[name] for name in names] for row in rows}
    assert list(table) == ["(no domain)", "x.example", "y.example", "total"]
    assert table == {
        "(no domain)": [1, 0, 0, 0, "0-1", 1, 1],
        "x.example": [4, 0, 1, 0, "1-4", 0, 0],
        "y.example": [1, 1, 0, 1, "0-1", 0, 0],
        "total": [6, 1, 1, 1, "1-6", 1, 1],
    }


def test_report_of_a_domain(desk: Desk) -> None:
    enter_many(desk)
    rows = desk.rows("report", "--domain", "Y.example")
    assert [row["domain"] for row in rows] == ["y.example", "total"]
    assert [row["flagged"] for row in rows] == [1, 1]
    (total,) = desk.rows("report", "--domain", "z.example")
    assert total["flagged"] == 0


@pytest.mark.parametrize(
    ("settings", "words", "stopped"),
    [
        ("", (), "2"),
        ("pwned_policy = *=warn\n", (), "0"),
        ("pwned_policy = *=warn\n", ("--policy", "imap=hold:min=100:grace=14d"), "1"),
        ("pwned_exempt = anna@example.com\n", (), "1"),
        ("pwned_exempt = @EXAMPLE.com\n", (), "0"),
    ],
)
def test_who_would_be_denied(
    settings: str, words: tuple[str, ...], stopped: str
) -> None:
    desk = Desk(settings)
    desk.enter("anna@example.com", band=1)
    desk.enter("bert@example.com", band=3)
    desk.enter("carl@example.com", exempt_until=desk.now + DAY)
    desk.enter("dora@example.com", state=CLEARED)
    assert desk.rows("report", *words)[-1]["would_be_denied"] == stopped


def test_shares_of_logins(desk: Desk) -> None:
    """What auth alone knows comes with its age."""
    desk.enter("anna@example.com")
    before = desk.rows("report")
    assert before[-1]["logins_checked"] == before[-1]["state_age"] == "not known"
    counted = {"logins_checked": 900, "logins_unknown": 25, "unchecked_mechanism": 75}
    state_file(desk, "no", **counted)
    domain, total = desk.rows("report")
    assert domain["logins_checked"] == domain["state_age"] == ""
    assert total["logins_checked"] == "90.00 %"
    assert total["logins_unknown"] == "2.50 %"
    assert total["unchecked_mechanism"] == "7.50 %"
    assert total["unchecked_exempt"] == "0.00 %"
    assert 30 <= int(total["state_age"]) < 60
    table = desk.pwned.run("report").stdout
    domains, logins = table.split("\n\n")
    assert domains.splitlines()[-1].split() == "total 1 0 0 0 1 0 0".split()
    assert "logins_checked" not in domains
    shares = dict(re.split("  +", line, maxsplit=1) for line in logins.splitlines())
    assert shares["logins_checked"].strip() == "90.00 %"
    assert 30 <= int(shares["state age in seconds"]) < 60


def test_report_without_a_state_that_can_be_read(desk: Desk) -> None:
    """The rest is told."""
    desk.enter("anna")
    (desk.dovecot.place.state / "auth.state").write_text("[Unit]\n")
    result = desk.pwned.run("report", form="json")
    fails(result, FAILED, "auth.state: line 1: expected")
    assert [row["flagged"] for row in json.loads(result.stdout)] == [1, 1]


# resume


def test_resume(desk: Desk) -> None:
    """A row for auth, also where accounts are on record elsewhere."""
    assert desk.said("resume") == {"asked": "resume", "brake": "not known"}
    with desk.database(desk.flags) as database:
        ((at,),) = database.execute("SELECT at FROM journal WHERE command = 1")
    assert abs(at - time.time()) < 10
    state_file(desk, "no")
    assert desk.said("resume")["brake"] == "released"


# Hostile names

NAMES = {
    "newline": "line\nbreak\r\nfake: Info: x@example.com",
    "control": "tab\there\x01\x1b[31mred\x7f@example.com",
    "C1": "csi\x9b31m\x85next@example.com",
    "direction": "\u202emoc.elpmaxe@\u2066evil",
    "line separator": "a\u2028b\u2029c@example.com",
    "json": '"}],\\"x\\u0000\\',
    "utf8": "bjørn-日本-😀@exämple.com",
    "percent": "%s%n%d{url}%{password}",
    "long": "l" * 2048,
    "option": "-f@example.com",
    "spaces": "  two  words @example.com",
}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_hostile_name(desk: Desk, name: str) -> None:
    """In json it is what it is; elsewhere it is one line, and moves nothing."""
    desk.enter(name)
    desk.enter("other")
    mask = name.translate(str.maketrans({"*": "\\*", "?": "\\?", "\\": "\\\\"}))
    assert sorted(desk.users()) == sorted([name, "other"])
    (row,) = desk.rows("show", "--", mask)
    assert row["user"] == name
    assert row["domain"] == (name.rpartition("@")[2] if "@" in name else "")
    shown = {
        "table": desk.pwned.run("list", form="table"),
        "tab": desk.pwned.run("list", form="tab"),
        "flow": desk.pwned.run("list", form="flow"),
        "pager": desk.pwned.run("show", "--", mask, form="pager"),
        "report": desk.pwned.run("report", form="tab"),
        "error": desk.pwned.run("forget", "--", mask, mask),
    }
    lines = {form: len(r.stdout.split("\n")) - 1 for form, r in shown.items()}
    domains = len({row["domain"], ""})
    expected = {"table": 3, "tab": 3, "flow": 2, "pager": 17, "report": domains + 2}
    assert lines == {**expected, "error": 1}
    for result in shown.values():
        for text in (result.stdout, result.stderr):
            assert [c for c in text if not c.isprintable() and c not in "\n\t"] == []
    assert desk.recorded() == ["other"]


INVALID = {
    b"\xff\xfe@example.com": "\ufffd\ufffd@example.com",
    b"cut\xe2\x82@example.com": "cut\ufffd\ufffd@example.com",
    b"\xc0\xaf\xed\xa0\x80": "\ufffd" * 5,
}


def test_names_that_are_no_utf8(desk: Desk) -> None:
    """It stays valid json."""
    for name in INVALID:
        desk.enter(name)
    for command in (("list",), ("show", "*"), ("report",)):
        result = desk.pwned.run(*command, form="json")
        assert (result.returncode, result.stderr) == (0, "")
        assert json.loads(result.stdout)
    assert sorted(desk.users()) == sorted(INVALID.values())
    for form in ("table", "tab"):
        result = desk.pwned.run("list", form=form)
        assert (result.returncode, result.stderr) == (0, "")
        assert "??@example.com" in result.stdout
    masks = ("??@example.com", "cut??@*", "?????")
    assert desk.said("forget", *masks) == {"forgotten": "3"}


# Rights


def owners(desk: Desk) -> set[tuple[str, str, int]]:
    folders = (desk.dovecot.place.state, desk.dovecot.place.hold)
    files = [file for folder in folders for file in folder.iterdir() if file.is_file()]
    return {(f.owner(), f.name, stat.S_IMODE(f.stat().st_mode)) for f in files}


@pytest.mark.parametrize(
    "command", [("list",), ("suspend", "anna"), ("resume",), ("report",)]
)
def test_root_makes_what_auth_can_open(desk: Desk, command: tuple[str, ...]) -> None:
    """Whatever root's umask and groups are."""
    result = desk.pwned.run(*command, umask=0o077)
    assert result.returncode == 0
    assert {owner for owner, _, _ in owners(desk)} == {"dovecot"}
    modes = {name: mode for _, name, mode in owners(desk)}
    assert modes["flags.db"] == 0o600
    assert modes.get("hold.db", 0o640) == 0o640
    # auth's user has all of it
    rights = {"user": "dovecot", "group": "dovecot", "extra_groups": []}
    result = desk.pwned.run("suspend", "bert", **rights)
    assert (result.returncode, result.stderr) == (0, "")


COMMANDS = (
    ("list",),
    ("show", "anna"),
    ("clear", "anna"),
    ("forget", "*"),
    ("suspend", "anna"),
    ("exempt", "anna", "--until", "2999-01-01"),
    ("report",),
    ("resume",),
)


@pytest.mark.parametrize("command", COMMANDS)
def test_who_may_not(desk: Desk, command: tuple[str, ...]) -> None:
    """Is told so, with the place; nothing is changed."""
    desk.enter("anna")
    before = desk.flags.read_bytes()
    result = desk.pwned.run(*command, user="nobody", group="nogroup", extra_groups=[])
    assert result.returncode == FAILED
    assert f"Error: {desk.dovecot.place.state}" in result.stderr
    assert "anna" not in result.stdout
    assert desk.flags.read_bytes() == before


@pytest.mark.parametrize("command", COMMANDS)
def test_a_folder_of_root(desk: Desk, command: tuple[str, ...]) -> None:
    """Auth could not open what would be made there."""
    for folder in (desk.dovecot.place.hold, desk.dovecot.place.state):
        shutil.chown(folder, "root", "root")
    result = desk.pwned.run(*command)
    fails(result, FAILED, f"{desk.dovecot.place.state}: it belongs to root")
    assert owners(desk) == set()


def test_folders_of_different_owners(desk: Desk) -> None:
    shutil.chown(desk.dovecot.place.hold, "nobody")
    result = desk.pwned.run("suspend", "anna")
    fails(result, FAILED, "have different owners")
    assert owners(desk) == set()


def test_a_link_for_a_folder(desk: Desk) -> None:
    """Root is not led elsewhere."""
    state = desk.dovecot.place.state
    elsewhere = state.rename(state.with_name("elsewhere"))
    state.symlink_to(elsewhere)
    result = desk.pwned.run("suspend", "anna")
    assert result.returncode == FAILED
    assert str(state) in result.stderr
    assert list(elsewhere.glob("*.db")) == []


def test_nothing_is_kept() -> None:
    desk = Desk("pwned_state_dir =\npwned_hold =\n")
    for command in COMMANDS:
        fails(desk.pwned.run(*command), FAILED, "pwned_state_dir is empty")


def test_without_a_folder(desk: Desk) -> None:
    shutil.rmtree(desk.dovecot.place.state)
    for command in COMMANDS:
        result = desk.pwned.run(*command)
        assert result.returncode == FAILED
        assert f"Error: {desk.dovecot.place.state}" in result.stderr


# Files that fail


@pytest.fixture
def locked(desk: Desk) -> Iterator[Desk]:
    desk.enter("anna")
    with desk.database(desk.flags) as database:
        database.execute("BEGIN IMMEDIATE")
        yield desk


def test_a_locked_file(locked: Desk) -> None:
    """Who looks does not wait; who writes waits for a while, and is told."""
    assert locked.users() == ["anna"]
    assert locked.shown("anna")["status"] == "flagged"
    began = time.monotonic()
    result = locked.pwned.run("clear", "anna")
    assert BUSY_SECS - 1 < time.monotonic() - began < BUSY_SECS + 10
    assert result.returncode == FAILED
    assert f"Error: {locked.flags}: " in result.stderr
    assert locked.shown("anna")["status"] == "flagged"


def no_database(file: Path) -> None:
    file.write_bytes(b"x" * 8192)


def newer(file: Path) -> None:
    with closing(sqlite3.connect(file)) as database:
        database.execute("PRAGMA user_version = 1000")


def torn(file: Path) -> None:
    with file.open("r+b") as opened:
        opened.seek(4096)
        opened.write(b"\xa5" * 40960)


@pytest.mark.parametrize("damage", [no_database, newer, torn])
@pytest.mark.parametrize(
    "command", [("list",), ("show", "user1"), ("suspend", "user1")]
)
def test_a_damaged_file(
    desk: Desk, damage: Callable[[Path], None], command: tuple[str, ...]
) -> None:
    """Told, with the place, and left as it is."""
    for number in range(200):
        desk.enter(f"user{number}")
    with desk.database(desk.flags) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    damage(desk.flags)
    before = desk.flags.read_bytes()
    result = desk.pwned.run(*command, form="json")
    assert result.returncode == FAILED
    assert f"Error: {desk.flags}: " in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert desk.flags.read_bytes() == before


def test_a_mistake_in_the_settings() -> None:
    pwned = Pwned(Dovecot(Setup(settings="pwned_wait = soon\n")))
    for command in COMMANDS:
        result = pwned.run(*command)
        # Where Dovecot reads them, it is it who refuses.
        assert result.returncode in (FAILED, 75, 89)
        assert result.stdout in ("", "[]")
        assert "expected a time from 0 ms to 8 s" in result.stderr
