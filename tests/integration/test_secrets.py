# SPDX-License-Identifier: LGPL-2.1-or-later
"""What nobody may find after a login: the password and what is made of it, in
logs, events, the process list, files and auth's memory."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from threading import Event, Thread

import pytest
import ranges
from lib.authsocket import AuthSocket
from lib.certificates import CertificateAuthority
from lib.clients import Smtp, login
from lib.crowd import logins
from lib.dovecot import Dovecot
from lib.dovecot_config import PROTOCOLS, Setup, Verifier
from lib.fallible import FallibleSource, fault
from lib.postfix import Postfix
from lib.processes import scratch_folder, wait_until
from lib.secrecy import Secret, data_of
from lib.slots import SlotFile
from lib.state_file import StateFile
from lib.users import CLEAN, CLEAN2, User

# Of the list, such as do not stand in logs for other reasons.
BREACHED = [
    User(f"customer-{number}", password)
    for number, password in enumerate(
        word
        for word in ranges.breached_passwords()
        if len(word) >= 7 and not word.isalpha() and not word.isdigit()
    )
][:20]
USERS = (CLEAN, CLEAN2, *BREACHED)
SECRETS = [Secret(user.password) for user in USERS]
HOLE_BYTES = 1 << 35
# Nobody's password; it is put where the searches have to find it.
PLANTED = Secret("Gz8r-Wn3cTxa_Vd6q")
FOLDERS = (Path("/tmp"), Path("/var"), Path("/etc"))
FAULTS = ("refused", "404", "cut-body", "garbage", "huge", "slow-body")
# So many in a row, and the source is left alone, which is told, too.
FAILURES = 3
# What has changed is in auth's file by then.
STATE_SECS = 15
# What the sources write is their own: they are asked for prefixes.
SOURCES = ("range-server-", "faulty-", "nginx-", "name-server-")

SETTINGS = """\
pwned_wait = 500 ms
pwned_fetch_timeout = 1 s
pwned_brake_share = 0
pwned_url = https://www.example.com/password
"""


def found(data: bytes, secrets: list[Secret] = SECRETS) -> list[tuple[str, list[str]]]:
    """Whose secret it is, and its forms."""
    return [
        (secret.password, forms)
        for secret in secrets
        if (forms := secret.found_in(data))
    ]


class ProcessList:
    """What `ps` and /proc showed of all processes while it was watched."""

    def __init__(self) -> None:
        self.seen: set[bytes] = set()
        self._stop = Event()
        self._thread = Thread(target=self._watch)

    def __enter__(self) -> "ProcessList":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(0.002):
            for name in ("cmdline", "environ"):
                for file in Path("/proc").glob(f"[0-9]*/{name}"):
                    with suppress(OSError):
                        self.seen.add(file.read_bytes())

    def text(self) -> bytes:
        return b"\n".join(self.seen)


def files_written_since(when: float) -> Iterator[Path]:
    for top in FOLDERS:
        for folder, _, names in os.walk(top):
            if any(part.startswith(SOURCES) for part in Path(folder).parts):
                continue
            for file in (Path(folder, name) for name in names):
                with suppress(FileNotFoundError):
                    if file.is_file() and file.stat().st_ctime >= when:
                        yield file


class Day:
    """Logins of all kinds, with all that is logged."""

    def __init__(self, stack: ExitStack, authority: CertificateAuthority):
        # By the clock of files, which is coarser than time().
        self.started = scratch_folder("day").stat().st_ctime
        source = stack.enter_context(FallibleSource(authority, fault("refused")))
        setup = Setup(
            settings=source.settings + SETTINGS,
            verifier=Verifier.SHA512_CRYPT,
            users=USERS,
            imap_plugin=True,
            export_events=True,
            extra="auth_debug = yes\nauth_verbose = yes\nmail_debug = yes\n",
        )
        self.dovecot = stack.enter_context(Dovecot(setup).start())
        self.postfix = stack.enter_context(Postfix(self.dovecot).start())
        with ProcessList() as processes:
            self._log_in(source)
            self._choose_passwords()
        self.processes = processes.text()
        # A refused connection is the first fault, and the last.
        for reason, number in {
            "connect": 1 + FAILURES,
            "bad_line": 1,
            "cut_body": 1,
            "breaker_open": 1,
        }.items():
            self.dovecot.wait_for_checks(number, verdict="unknown", reason=reason)
        state = StateFile(self.dovecot.place.state)
        wait_until(state.breakers, "the state file", secs=STATE_SECS)

    def _log_in(self, source: FallibleSource) -> None:
        for user in (CLEAN, *BREACHED[:2]):
            for protocol in PROTOCOLS:
                login(protocol, self.dovecot.ports[protocol], user.name, user.password)
            login("smtp", self.postfix.port, user.name, user.password)
        users = iter(BREACHED[2:])
        with AuthSocket(self.dovecot.auth_client_socket) as auth:

            def login_next() -> None:
                user = next(users)
                auth.plain(user.name, user.password)

            auth.plain_many(logins(*BREACHED[:2]))
            for name in FAULTS:
                source.become_faulty(fault(name))
                login_next()
                # It answers again before it has failed too often.
                source.become_good()
                login_next()
            source.become_faulty(fault("refused"))
            for _ in range(FAILURES + 1):
                login_next()
        source.become_good()
        time.sleep(1)

    def _choose_passwords(self) -> None:
        for user in USERS:
            subprocess.run(
                ["dovecot-pwned-check", "-c", self.dovecot.place.settings],
                input=user.password.encode(),
                capture_output=True,
            )

    def told(self) -> dict[str, bytes]:
        """All that is told to operators."""
        stats = self.dovecot.doveadm("stats", "dump")
        assert stats.returncode == 0
        return {
            "log": self.dovecot.log.text().encode(),
            "mail log": self.postfix.log.text().encode(),
            "metrics": repr(self.dovecot.metrics()).encode(),
            "stats": stats.stdout.encode(),
        }


@pytest.fixture(scope="module")
def day(authority: CertificateAuthority) -> Iterator[Day]:
    with ExitStack() as stack:
        yield Day(stack, authority)


def test_nothing_is_told(day: Day) -> None:
    for name, text in day.told().items():
        assert not found(text), name


def test_something_is_told(day: Day) -> None:
    """The texts that were searched do tell of these logins."""
    told = day.told()
    for word in (
        b"pwned_check_finished", b"Login refused", b"bad_line", b"cut_body",
        b"is left alone for", b"breaker_open",
    ):  # fmt: skip
        assert word in told["log"]
    assert BREACHED[0].name.encode() in told["mail log"]
    for name in ("metrics", "stats"):
        assert b"pwned_checks" in told[name]
        assert b"breached" in told[name]


def test_nothing_in_the_process_list(day: Day) -> None:
    assert b"dovecot-pwned-check\0-c" in day.processes
    assert not found(day.processes)


def test_nothing_in_files(day: Day) -> None:
    """Nor in the store: its ranges are public, and hold no more than some bits of
    each hash."""
    written = list(files_written_since(day.started))
    assert day.dovecot.log.path in written
    assert set(kept(day)) <= set(written)
    assert not {file: hit for file in written if (hit := found(data_of(file)))}


def kept(day: Day) -> list[Path]:
    """The files that outlive auth."""
    place = day.dovecot.place
    return [place.store / "ranges", place.state / "auth.state"]


def test_nobody_in_what_is_kept(day: Day) -> None:
    """Though both files do tell of these logins."""
    assert len(SlotFile(day.dovecot.place.store).prefixes()) > len(FAULTS)
    store, state = map(data_of, kept(day))
    assert b"\nbreaker = " in state
    for user in USERS:
        assert user.name.encode() not in store
        assert user.name.encode() not in state


@pytest.mark.parametrize("form", [*PLANTED.forms, "prefix"])
def test_the_searches_find_what_is_planted(day: Day, form: str) -> None:
    planted = PLANTED.forms.get(form, PLANTED.prefix.encode())
    for top in FOLDERS:
        file = scratch_folder("planted", top) / "file"
        with file.open("wb") as opened:
            # Behind a hole, as in the store.
            opened.seek(HOLE_BYTES)
            opened.write(b"a " + planted + b" z")
            opened.truncate(2 * HOLE_BYTES)
        assert file in files_written_since(day.started)
        assert any(form in forms for _, forms in found(data_of(file), [PLANTED]))


def test_a_planted_login_is_found(day: Day) -> None:
    """In all that is told: the secret is the name of a service, and a sender."""
    planted = PLANTED.password
    with AuthSocket(day.dovecot.auth_client_socket, planted) as auth:
        auth.plain(CLEAN.name, CLEAN.password)
    with Smtp(day.postfix.port) as client:
        client.command(f"MAIL FROM:<{planted}@mail.test>".encode())
        client.command(b"RCPT TO:<you@other.test>")
    day.dovecot.log.wait_for(planted)
    day.postfix.log.wait_for(planted)
    day.dovecot.wait_for_checks(1, verdict="clean", service=planted)
    for name, text in day.told().items():
        assert found(text, [PLANTED]) == [(planted, ["password"])], name


def test_a_planted_argument_is_found() -> None:
    with ProcessList() as processes:
        subprocess.run(["sh", "-c", "sleep 0.2", PLANTED.password], check=True)
        subprocess.run(["sleep", "0.2"], check=True, env={"SECRET": PLANTED.suffix})
    assert found(processes.text(), [PLANTED]) == [
        (PLANTED.password, ["password", "suffix"])
    ]
