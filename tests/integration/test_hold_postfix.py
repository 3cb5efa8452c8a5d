# SPDX-License-Identifier: LGPL-2.1-or-later
"""Postfix refuses the mail of those who are held, by the examples that we ship."""

import re
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from lib import series
from lib.account_site import AccountSite
from lib.clients import Smtp
from lib.dovecot import Dovecot
from lib.dovecot_config import Setup, Verifier
from lib.hold_file import GROUP, TEXT, HoldFile, make_group
from lib.hold_postfix import EXAMPLES, INBOUND_DOMAIN, HoldPostfix, sqlite_map
from lib.hold_view import HoldView
from lib.mail import HOSTILE, mail
from lib.processes import wait_until
from lib.users import BREACHED, CLEAN, User

ANNA = User("anna@example.com", CLEAN.password)
BERT = User("bert@example.com", CLEAN.password)
LOOKUPS = 100_000


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    """Any user with one password; nothing of ours in it."""
    setup = Setup(
        checker=None,
        verifier=Verifier.ANYBODY,
        users=(ANNA,),
        metrics=False,
        extra="auth_username_chars =\n",
    )
    with Dovecot(setup).start() as dovecot:
        yield dovecot


@pytest.fixture
def holds() -> Iterator[HoldFile]:
    with HoldFile() as file:
        yield file


@pytest.fixture
def postfix(dovecot: Dovecot, holds: HoldFile) -> Iterator[HoldPostfix]:
    with HoldPostfix(dovecot, "sqlite", sqlite_map(holds.path)).start() as postfix:
        yield postfix


def arrives(postfix: HoldPostfix) -> bool:
    """Mail from outside."""
    return mail(postfix.inbound_port, to=f"x@{INBOUND_DOMAIN}").startswith(b"250 ")


def is_sent(postfix: HoldPostfix, user: User) -> bool:
    return mail(postfix.port, user).startswith(b"250 ")


def is_temporary(postfix: HoldPostfix, user: User) -> bool:
    """A 4xx, or a connection that Postfix cuts."""
    try:
        reply = mail(postfix.port, user)
    except OSError:
        return True
    return reply[5:6] == b"4"


def test_refused_at_mail(postfix: HoldPostfix, holds: HoldFile) -> None:
    holds.write({ANNA.name: TEXT})
    assert mail(postfix.port, ANNA) == (
        b"MAIL 550 5.7.1 <anna@example.com>: SASL login name rejected: "
        + TEXT.encode()
    )
    assert is_sent(postfix, BERT)
    assert arrives(postfix)
    # the same smtpd, which has the file open
    holds.write({ANNA.name: ""})
    assert is_sent(postfix, ANNA)


def test_without_case(postfix: HoldPostfix, holds: HoldFile) -> None:
    holds.write({ANNA.name: TEXT})
    upper = User(ANNA.name.upper(), ANNA.password)
    assert b"MAIL 550 5.7.1" in mail(postfix.port, upper)


def look_up_command(postfix: HoldPostfix) -> list[str]:
    """Postfix' own code, as its user; one name a line."""
    switch = ["setpriv", "--reuid=postfix", "--regid=postfix", "--init-groups"]
    command = [*switch, "postmap", "-c", str(postfix.folder / "etc"), "-q", "-"]
    return [*command, f"{postfix.map_type}:{postfix.map_file}"]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names(postfix: HoldPostfix, holds: HoldFile, name: str) -> None:
    """Neither another's row nor an error; and each its own."""
    user = User(name, ANNA.password)
    holds.write({BERT.name: TEXT, "underXscore": TEXT, "perXXcent": TEXT})
    assert is_sent(postfix, user)
    holds.write({name: TEXT})
    # Postfix looks up "_" for what is not printable.
    assert not name.isprintable() or b"MAIL 550 5.7.1" in mail(
        postfix.port, user
    )
    assert is_sent(postfix, ANNA)


def test_an_absent_file(dovecot: Dovecot, holds: HoldFile) -> None:
    """A temporary error at the submission service alone; nothing makes the file
    in auth's place; and with it back all is well."""
    holds.remove()
    with HoldPostfix(dovecot, "sqlite", sqlite_map(holds.path)).start() as postfix:
        assert is_temporary(postfix, ANNA)
        assert arrives(postfix)
        assert list(holds.folder.iterdir()) == []


def test_a_damaged_file(dovecot: Dovecot, holds: HoldFile) -> None:
    holds.damage()
    with HoldPostfix(dovecot, "sqlite", sqlite_map(holds.path)).start() as postfix:
        assert is_temporary(postfix, ANNA)
        assert arrives(postfix)


def test_a_chroot(dovecot: Dovecot, holds: HoldFile) -> None:
    """Why the example says `n`: from within, a part of the file is not to be found,
    and nobody can send."""
    postfix = HoldPostfix(dovecot, "sqlite", sqlite_map(holds.path))
    master = postfix.folder / "etc/master.cf"
    text = master.read_text()
    inside = text.replace("inet n       -       n", "inet n       -       y")
    assert inside != text
    master.write_text(inside)
    # so that it meets Dovecot all the same
    below = postfix.folder / "queue" / dovecot.folder.relative_to("/")
    below.mkdir(parents=True)
    subprocess.run(["mount", "--bind", dovecot.folder, below], check=True)
    try:
        with postfix.start():
            assert is_temporary(postfix, BERT)
            assert arrives(postfix)
            postfix.log.wait_for("fatal: dict_sqlite_lookup: ")
    finally:
        subprocess.run(["umount", below], check=True)


def test_look_ups_beside_a_writer(postfix: HoldPostfix, holds: HoldFile) -> None:
    """Which commits, closes the file, and is killed again and again."""
    holds.write({ANNA.name: TEXT})
    command = look_up_command(postfix)
    found = 0
    for _ in range(10):
        writer = subprocess.Popen(holds.command("run"))
        try:
            result = subprocess.run(
                command,
                input=f"{ANNA.name}\n" * (LOOKUPS // 10),
                capture_output=True,
                text=True,
                check=False,
            )
            assert writer.poll() is None, "the writer failed"
        finally:
            writer.kill()
            writer.wait()
        assert result.returncode == 0, result.stderr
        assert result.stderr == ""
        found += result.stdout.count("550 5.7.1")
    assert found == LOOKUPS


def query_of_old_postfix(text: str) -> str:
    """The one that the example has for Postfix 3.7, the one of Debian 12."""
    before, shipped, rest = re.split(r"^(?=query =|# Postfix up to 3)", text, flags=re.M)
    assert "LATIN1" in rest and "lower(" in shipped
    _, _, query = rest.partition("\n#query")
    return before + "query" + query.replace("\n#", "\n")


def test_postgresql(dovecot: Dovecot) -> None:
    """The view; hostile names; and the database down."""
    with HoldView().start() as view:
        text = view.map_text(EXAMPLES / "pwned-hold-pgsql.cf")
        if series.installed().name == "2.3":
            text = query_of_old_postfix(text)
        with HoldPostfix(dovecot, "pgsql", text).start() as postfix:
            view.write({ANNA.name: TEXT})
            assert b"MAIL 550 5.7.1 <anna@example.com>: " in mail(postfix.port, ANNA)
            assert is_sent(postfix, BERT)
            assert arrives(postfix)
            for name in HOSTILE:
                if name.isprintable():
                    user = User(name, ANNA.password)
                    view.write({BERT.name: TEXT, "underXscore": TEXT})
                    assert is_sent(postfix, user), name
                    # case is what ASCII has of it
                    upper = "".join(c.upper() if c.isascii() else c for c in name)
                    view.write({upper: TEXT})
                    assert b"MAIL 550 5.7.1" in mail(postfix.port, user), name
            view.stop()
            assert is_temporary(postfix, ANNA)
            assert arrives(postfix)


def test_none_passes() -> None:
    """AUTH, then MAIL at once, 1,000 times; the first has brought the range."""
    make_group("postfix")
    users = tuple(User(f"user{n}@example.com", BREACHED.password) for n in range(1001))
    settings = "pwned_policy = smtp=hold *=warn\npwned_brake_share = 0\n"
    settings += f"pwned_hold_group = {GROUP}\n"
    with AccountSite(settings, users=users) as site:
        site.dovecot.auth_pid()
        wait_until(site.holds.exists, "hold.db at auth's start")
        text = sqlite_map(site.holds)
        with HoldPostfix(site.dovecot, "sqlite", text).start() as postfix:
            mail(postfix.port, users[0])
            for user in users[1:]:
                reply = mail(postfix.port, user)
                assert reply.startswith(b"MAIL 550 5.7.1 "), (user, reply)
            changed = site.set_password(users[1], CLEAN.password)
            assert is_sent(postfix, changed)


def feed(reader: subprocess.Popen[str], keys: str) -> None:
    assert reader.stdin
    reader.stdin.write(keys)
    reader.stdin.close()


def test_look_ups_beside_auth() -> None:
    """Which holds and releases, idles out, is reloaded and is killed."""
    make_group("postfix")
    users = tuple(User(f"user{n}@example.com", BREACHED.password) for n in range(200))
    settings = "pwned_policy = *=hold\npwned_brake_share = 0\n"
    settings += f"pwned_hold_group = {GROUP}\n"
    with ExitStack() as stack:
        site = stack.enter_context(
            AccountSite(settings, users=users, auth_ends_when_idle=True)
        )
        site.dovecot.auth_pid()
        wait_until(site.holds.exists, "hold.db at auth's start")
        site.enter(users[0])
        text = sqlite_map(site.holds)
        postfix = stack.enter_context(HoldPostfix(site.dovecot, "sqlite", text).start())
        ends = (
            lambda: site.dovecot.end_auth(signal.SIGKILL),
            site.reload,
            lambda: wait_until(lambda: not site.dovecot.auth_pids(), "idle"),
        )
        asked = 0
        for end in ends * 3:
            keys = "user0@example.com\n" * (LOOKUPS // 9 + 1)
            with subprocess.Popen(
                look_up_command(postfix),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            ) as reader:
                feeder = threading.Thread(target=feed, args=(reader, keys))
                feeder.start()
                collected: list[str] = []
                collector = threading.Thread(
                    target=lambda: collected.append(reader.stdout.read())
                )
                collector.start()
                for user in users[1:]:
                    site.enter(user)
                end()
                feeder.join()
                collector.join()
            assert reader.returncode == 0, collected[0][-2000:]
            assert collected[0].count("550 5.7.1") == LOOKUPS // 9 + 1
            asked += LOOKUPS // 9 + 1
        assert asked >= LOOKUPS
