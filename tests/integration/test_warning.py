# SPDX-License-Identifier: LGPL-2.1-or-later
"""The IMAP plugin: a warned customer reads an ALERT, once a login."""

from collections.abc import Iterator

import pytest
from lib.clients import Imap
from lib.processes import wait_until
from lib.site import Site
from lib.users import BREACHED, CLEAN

WARNING = b"Your mail password appears in a known data breach. Choose a new one: "
URL = "https://www.example.com/password"
ALERT = b"* OK [ALERT] " + WARNING + URL.encode()


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with Site(f"pwned_url = {URL}\n", imap_plugin=True) as site:
        yield site


def test_alert(site: Site) -> None:
    """Right before the login is confirmed, and never again."""
    with site.connect("imap") as client:
        with site.one_event(verdict="breached", action="warn", service="imap"):
            login = client.login(BREACHED.name, BREACHED.password)
        assert login.accepted
        assert login.replies[:-1] == [ALERT]
        assert login.final.startswith(b"a1 OK ")
        later = [line for word in (b"NOOP", b"SELECT INBOX", b"NOOP", b"LOGOUT")
                 for line in client.command(word)]  # fmt: skip
    assert not any(b"ALERT" in line for line in later)


def test_every_login_is_warned(site: Site) -> None:
    for _ in range(3):
        assert site.login("imap", BREACHED).replies[:-1] == [ALERT]


def test_clean(site: Site) -> None:
    assert len(site.login("imap", CLEAN).replies) == 1


@pytest.mark.parametrize("service", ["pop3", "sieve"])
def test_other_services_have_no_place_for_it(site: Site, service: str) -> None:
    with site.one_event(verdict="breached", action="warn", service=service):
        login = site.login(service, BREACHED)
    assert login.accepted
    assert WARNING not in b"".join(login.replies)


def test_without_the_plugin() -> None:
    with Site() as site:
        with site.one_event(verdict="breached", action="warn", service="imap"):
            login = site.login("imap", BREACHED)
        assert login.accepted
        assert len(login.replies) == 1


@pytest.mark.parametrize(
    ("settings", "alert"),
    [
        ("", WARNING + b"ask your mail provider"),
        (
            "pwned_url = https://www.example.com/a%2Fb\n",
            WARNING + b"https://www.example.com/a%2Fb",
        ),
        (
            f'pwned_url = {URL}\npwned_warning = "#1: 100 % {{url}}, %2F, {{prefix}}"\n',
            f"#1: 100 % {URL}, %2F, {{prefix}}".encode(),
        ),
        (f"pwned_warning = {'x' * 200}\n", b"x" * 200),
        # Tabs and such are what Dovecot's own protocols are made of.
        (r"pwned_warning = a=b c\t\001d" + "\n", rb"a=b c\t\001d"),
    ],
    ids=["no URL", "URL", "odd", "200 bytes", "escapes"],
)
def test_texts(settings: str, alert: bytes) -> None:
    with Site(settings, imap_plugin=True) as site:
        assert site.login("imap", BREACHED).replies[0] == b"* OK [ALERT] " + alert


@pytest.mark.parametrize("fields", [True, False], ids=["fields", "no fields"])
def test_prefetch(fields: bool) -> None:
    """userdb prefetch believes a passdb that sets any userdb field; that the
    warning is one must not leave a customer without uid and home."""
    with Site(imap_plugin=True, prefetch=True, passdb_has_userdb_fields=fields) as site:
        for user, replies in ((BREACHED, 2), (CLEAN, 1)):
            with site.connect("imap") as client:
                login = client.login(user.name, user.password)
                assert login.accepted, site.dovecot.log.tail()
                assert len(login.replies) == replies
                assert client.command(b"SELECT INBOX")[-1].startswith(b"a2 OK")


def idle_until_hibernated(site: Site, client: Imap, tag: bytes) -> None:
    mark = site.dovecot.log.end()
    client.send(tag + b" IDLE")
    assert client.read() == b"+ idling"
    site.dovecot.log.wait_for("Successfully hibernated imap client", since=mark)
    # As long as this one is there, nobody else wakes the connection.
    wait_until(
        lambda: not any(
            line[0] == "dovecot/imap" for line in site.dovecot.children().values()
        ),
        "end of the imap process",
    )


def test_hibernation() -> None:
    """A connection that was laid aside while it idled is the same login."""
    with Site(imap_plugin=True, hibernate=True) as site:
        with site.connect("imap") as client:
            login = client.login(BREACHED.name, BREACHED.password)
            assert login.replies[0].startswith(b"* OK [ALERT] ")
            client.command(b"SELECT INBOX")
            heard_before = len(client.transcript)
            for tag in (b"b1", b"b2"):
                idle_until_hibernated(site, client, tag)
                client.send(b"DONE")
                client.read_until(lambda line, tag=tag: line.startswith(tag + b" OK"))
            client.command(b"NOOP")
            later = client.transcript[heard_before:]
        assert not any(b"ALERT" in line for _, line in later)
        assert site.dovecot.log.text().count("Unhibernated because") == 2
