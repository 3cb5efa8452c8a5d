# SPDX-License-Identifier: LGPL-2.1-or-later
"""Exim refuses the mail of those who are held, by the ACL that we ship: once with
Dovecot as its authenticator, and once with a password file of its own, where
Dovecot meets the customer at IMAP alone."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from lib.account_site import AccountSite
from lib.dovecot import Dovecot
from lib.dovecot_config import Setup, Verifier
from lib.exim import INBOUND_DOMAIN, Exim, dovecot_authenticator, own_authenticator
from lib.hold_file import GROUP, TEXT, HoldFile, make_group
from lib.mail import HOSTILE, mail
from lib.processes import scratch_folder, wait_until
from lib.users import BREACHED, CLEAN, User

ANNA = User("anna@example.com", CLEAN.password)
BERT = User("bert@example.com", CLEAN.password)


@pytest.fixture
def holds() -> Iterator[HoldFile]:
    with HoldFile() as file:
        yield file


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    """Any user with one password; nothing of ours in it."""
    setup = Setup(
        checker=None, verifier=Verifier.ANYBODY, users=(ANNA,), metrics=False,
        extra="auth_username_chars =\n",
    )
    with Dovecot(setup).start() as dovecot:
        yield dovecot


@pytest.fixture(params=("dovecot", "own"))
def exim(
    request: pytest.FixtureRequest, dovecot: Dovecot, holds: HoldFile
) -> Iterator[Exim]:
    if request.param == "dovecot":
        authenticator = dovecot_authenticator(dovecot)
    else:
        file = scratch_folder("passwords") / "passwords"
        authenticator = own_authenticator(Exim.password_file(file, (ANNA, BERT)))
    with Exim(holds.path, authenticator).start() as exim:
        yield exim


def arrives(exim: Exim) -> bool:
    """Mail from outside."""
    return mail(exim.port, to=f"x@{INBOUND_DOMAIN}").startswith(b"250 ")


def test_refused_at_mail(exim: Exim, holds: HoldFile) -> None:
    holds.write({ANNA.name: TEXT})
    assert mail(exim.port, ANNA) == b"MAIL 550 5.7.1 " + TEXT.encode()
    assert mail(exim.port, BERT).startswith(b"250 ")
    assert arrives(exim)
    holds.write({ANNA.name: ""})
    assert mail(exim.port, ANNA).startswith(b"250 ")
    # without case
    holds.write({ANNA.name.upper(): TEXT})
    assert mail(exim.port, ANNA).startswith(b"MAIL 550 5.7.1 ")


@pytest.mark.parametrize("fault", ("absent", "damaged"))
def test_a_file_that_cannot_be_read(exim: Exim, holds: HoldFile, fault: str) -> None:
    """A temporary error for those who log in, and for nobody else; nothing makes
    the file in auth's place."""
    if fault == "absent":
        holds.remove()
    else:
        holds.damage()
    before = sorted(holds.folder.iterdir())
    assert mail(exim.port, ANNA).startswith(b"MAIL 451 ")
    assert arrives(exim)
    assert sorted(holds.folder.iterdir()) == before


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names(dovecot: Dovecot, holds: HoldFile, name: str) -> None:
    """Neither another's row nor an error; and each its own."""
    user = User(name, ANNA.password)
    with Exim(holds.path, dovecot_authenticator(dovecot)).start() as exim:
        holds.write({BERT.name: TEXT, "underXscore": TEXT, "perXXcent": TEXT})
        assert mail(exim.port, user).startswith(b"250 ")
        holds.write({name: TEXT})
        # Exim looks up "\\t" for a tab, and so on.
        held = mail(exim.port, user).startswith(b"MAIL 550 5.7.1 ")
        assert held or not name.isprintable()
        assert mail(exim.port, ANNA).startswith(b"250 ")


def test_held_at_imap(tmp_path: Path) -> None:
    """Reading goes on and sending stops, though Exim never asks Dovecot; whoever
    changes the password and logs in sends again."""
    make_group("Debian-exim")
    user = User(ANNA.name, BREACHED.password)
    policy = f"pwned_policy = imap=hold *=off\npwned_hold_group = {GROUP}\n"
    with AccountSite(policy, users=(user, BERT)) as site:
        site.dovecot.auth_pid()
        wait_until(site.holds.exists, "hold.db at auth's start")
        file = scratch_folder("passwords") / "passwords"
        passwords = Exim.password_file(file, (user, BERT))
        with Exim(site.holds, own_authenticator(passwords)).start() as exim:
            assert mail(exim.port, user).startswith(b"250 ")
            assert site.login("imap", user).accepted
            assert mail(exim.port, user).startswith(b"MAIL 550 5.7.1 Sending is ")
            assert mail(exim.port, BERT).startswith(b"250 ")
            changed = site.set_password(user, CLEAN.password)
            Exim.password_file(file, (changed, BERT))
            assert site.login("imap", changed).accepted
            assert mail(exim.port, changed).startswith(b"250 ")
