# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which secrets are looked up: passwords that the server sees and that are the
user's own. All others pass untouched."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from lib import sasl, tokens
from lib.clients import Imap, Smtp, cram_md5
from lib.doveadm import Pwned
from lib.sasl import ScramSha256
from lib.site import Site
from lib.users import BREACHED, CLEAN, CLEAN2, MASTER, WRONG_PASSWORD, User

DENY_EVERYWHERE = "pwned_policy = *=deny\n"
TOKENS = [("OAUTHBEARER", sasl.oauthbearer), ("XOAUTH2", sasl.xoauth2)]
UNCHECKED = {"verdict": "unchecked", "action": "allow", "origin": "none"}


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    mechanisms = ("plain", "login", "cram-md5", "scram-sha-256")
    with Site(DENY_EVERYWHERE, mechanisms=mechanisms) as site:
        yield site


@pytest.fixture(scope="module")
def passwordless() -> Iterator[Site]:
    mechanisms = ("plain", "login", "oauthbearer", "xoauth2", "external")
    with Site(DENY_EVERYWHERE, mechanisms=mechanisms, passwordless=True) as site:
        yield site


def test_plain_and_login_are_checked(site: Site) -> None:
    for service in ("submission", "smtp"):
        for attempt in (Smtp.login, Smtp.authenticate_login):
            with site.connect(service) as client:
                assert not attempt(client, BREACHED.name, BREACHED.password).accepted
            with site.connect(service) as client:
                assert attempt(client, CLEAN.name, CLEAN.password).accepted
    with site.connect("imap") as client:
        login = client.authenticate_plain(BREACHED.name, BREACHED.password)
        assert login.final.startswith(b"a1 NO [EXPIRED] Access is blocked:")


@pytest.mark.parametrize("service", ["imap", "submission", "smtp"])
def test_cram_md5(site: Site, service: str) -> None:
    port = site.port(service)
    labels = UNCHECKED | {"service": service, "reason": "mechanism"}
    with site.nothing_asked(), site.one_event(**labels):
        client_class = Imap if service == "imap" else Smtp
        with client_class(port) as client:
            login = client.authenticate_cram_md5(BREACHED.name, BREACHED.password)
    assert login.accepted


def test_scram(site: Site) -> None:
    labels = UNCHECKED | {"service": "imap", "reason": "mechanism"}
    with site.nothing_asked(), site.one_event(**labels), site.connect("imap") as client:
        scram = ScramSha256(BREACHED.name, BREACHED.password)
        assert client.authenticate_scram(scram).accepted


def test_a_mechanism_still_refuses_a_wrong_password(site: Site) -> None:
    """That we pass what we cannot see must not let anybody in."""
    with site.nothing_asked(), Imap(site.port("imap"), source="127.0.3.1") as client:
        assert not client.authenticate_cram_md5(CLEAN.name, WRONG_PASSWORD).accepted


@pytest.mark.parametrize(("mechanism", "response"), TOKENS)
def test_tokens(
    passwordless: Site, mechanism: str, response: Callable[[str, str], bytes]
) -> None:
    """A token comes the way that passwords come, and is none."""
    labels = UNCHECKED | {"service": "imap", "reason": "mechanism"}
    initial = response(BREACHED.name, tokens.issue(BREACHED.name))
    with passwordless.nothing_asked(), passwordless.one_event(**labels):
        with passwordless.connect("imap") as client:
            assert client.authenticate(mechanism, initial).accepted


def test_external(passwordless: Site) -> None:
    """The name in a client certificate, which the TLS side has verified."""
    labels = UNCHECKED | {"service": "imap", "reason": "mechanism"}
    with passwordless.nothing_asked(), passwordless.one_event(**labels):
        with passwordless.auth("imap") as auth:
            reply = auth.external(BREACHED.name)
    assert reply.ok, reply


def test_passwords_beside_them_are_checked(passwordless: Site) -> None:
    assert passwordless.login("imap", CLEAN).accepted
    with passwordless.one_event(verdict="breached", action="deny"):
        assert not passwordless.login("imap", BREACHED).accepted


@pytest.mark.parametrize("service", ["imap", "smtp"])
def test_master_user(service: str) -> None:
    """The password is the master's, and breached: the user is not refused."""
    master = replace(MASTER, password=BREACHED.password)
    with Site(
        DENY_EVERYWHERE, master="continue-ok", master_user=master, imap_plugin=True
    ) as site:
        as_clean = replace(master, name=f"{CLEAN.name}*{master.name}")
        site.port(service)
        labels = UNCHECKED | {"service": service, "reason": "master_user"}
        with site.nothing_asked(), site.one_event(**labels):
            login = site.login(service, as_clean)
        assert login.accepted
        assert len(login.replies) == 1
        # With his own password he is a customer like others.
        with site.one_event(verdict="breached", action="deny"):
            assert not site.login(service, BREACHED).accepted


def test_a_master_passdb_that_ends_the_chain() -> None:
    """We never see such a login, and do not hinder it."""
    with Site(DENY_EVERYWHERE, master="return-ok") as site:
        as_breached = replace(MASTER, name=f"{BREACHED.name}*{MASTER.name}")
        assert site.login("imap", as_breached).accepted
        with site.one_event(verdict="breached", action="deny"):
            assert not site.login("imap", BREACHED).accepted


def test_a_look_up_is_no_login(site: Site) -> None:
    checks = site.dovecot.checks()
    with site.nothing_asked():
        found = site.dovecot.doveadm("auth", "lookup", BREACHED.name)
    assert found.returncode == 0
    assert BREACHED.name in found.stdout
    assert site.dovecot.checks() == checks


def test_a_suspended_account_sends_by_no_mechanism() -> None:
    """Whatever it shows of a password: an operator's word counts for all."""
    with Site(mechanisms=("plain", "login", "cram-md5")) as site:
        suspended = Pwned(site.dovecot).run("suspend", CLEAN.name)
        assert suspended.returncode == 0
        with site.auth() as auth:
            for user, ok in ((CLEAN, False), (CLEAN2, True)):
                answers = [
                    auth.plain(user.name, user.password),
                    auth.challenged("CRAM-MD5", answer_as(user)),
                ]
                assert [reply.ok for reply in answers] == [ok, ok]
                assert ok or all("suspended" in r.fields["reason"] for r in answers)
        with site.auth("imap") as auth:
            assert auth.plain(CLEAN.name, CLEAN.password).ok


def test_a_suspended_account_sends_by_no_token(passwordless: Site) -> None:
    pwned = Pwned(passwordless.dovecot)
    assert pwned.run("suspend", CLEAN2.name).returncode == 0
    for service, ok in ("smtp", False), ("imap", True):
        with passwordless.auth(service) as auth:
            for mechanism, response in TOKENS:
                shown = response(CLEAN2.name, tokens.issue(CLEAN2.name))
                reply = auth.token(mechanism, shown)
                assert reply.ok is ok, reply
                assert ok or "suspended" in reply.fields["reason"]
    assert pwned.run("clear", CLEAN2.name).returncode == 0
    with passwordless.auth() as auth:
        shown = sasl.xoauth2(CLEAN2.name, tokens.issue(CLEAN2.name))
        assert auth.token("XOAUTH2", shown).ok


def answer_as(user: User) -> Callable[[bytes], bytes]:
    return lambda challenge: cram_md5(challenge, user.name, user.password)
