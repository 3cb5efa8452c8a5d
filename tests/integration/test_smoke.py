# SPDX-License-Identifier: LGPL-2.1-or-later
"""The ground that the other tests stand on: daemons, clients and range servers
work as such, without the module."""

import gzip
import subprocess
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest
import ranges
from lib.authsocket import AuthSocket
from lib.certificates import CertificateAuthority
from lib.clients import Imap, Smtp, login
from lib.dovecot import Dovecot
from lib.dovecot_config import PROTOCOLS, Verifier
from lib.postfix import Postfix
from lib.processes import wait_until
from lib.range_source import FaultyServer, NameServer, Nginx, RangeServer
from lib.users import (
    BREACHED,
    BREACHED2,
    CLEAN,
    CLEAN2,
    CUSTOMERS,
    MASTER,
    WRONG_PASSWORD,
)

StartDovecot = Callable[..., Dovecot]
StartPostfix = Callable[..., Postfix]


@pytest.fixture
def dovecot(start_dovecot: StartDovecot) -> Dovecot:
    return start_dovecot(checker=None)


def curl(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    command = ["curl", "--silent", "--show-error", "--max-time", "2", *arguments]
    return subprocess.run(command, capture_output=True, check=False)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_login(dovecot: Dovecot, protocol: str) -> None:
    port = dovecot.ports[protocol]
    assert login(protocol, port, CLEAN.name, CLEAN.password).accepted
    assert not login(protocol, port, CLEAN.name, WRONG_PASSWORD).accepted


def test_postfix(dovecot: Dovecot, start_postfix: StartPostfix) -> None:
    postfix = start_postfix(dovecot)
    with Smtp(postfix.port) as client:
        assert client.login(CLEAN.name, CLEAN.password).final.startswith(b"235 2.7.0")
        client.command(b"MAIL FROM:<clean@mail.test>")
        assert client.command(b"RCPT TO:<you@other.test>")[-1].startswith(b"250")
    with Smtp(postfix.port) as client:
        assert client.authenticate_login(CLEAN.name, CLEAN.password).accepted
    refused = login("smtp", postfix.port, CLEAN.name, WRONG_PASSWORD)
    assert refused.final.startswith(b"535 5.7.8")
    postfix.log.wait_for(f"sasl_username={CLEAN.name}")


def test_cram_md5(start_dovecot: StartDovecot) -> None:
    dovecot = start_dovecot(checker=None, mechanisms=("plain", "cram-md5"))
    with Imap(dovecot.ports["imap"]) as client:
        assert client.authenticate_cram_md5(CLEAN.name, CLEAN.password).accepted
        assert client.command(b"NOOP")[-1].startswith(b"a2 OK")
    with Smtp(dovecot.ports["submission"]) as client:
        assert client.authenticate_cram_md5(CLEAN.name, CLEAN.password).accepted


@pytest.mark.parametrize(
    "verifier", [one for one in Verifier if one is not Verifier.ANYBODY]
)
def test_verifiers(start_dovecot: StartDovecot, verifier: Verifier) -> None:
    dovecot = start_dovecot(checker=None, verifier=verifier, auth_cache=True)
    for user in (CLEAN, BREACHED):
        port = dovecot.ports["imap"]
        assert login("imap", port, user.name, user.password).accepted
    workers = dovecot.auth_pids(worker=True)
    assert bool(workers) is (verifier is Verifier.PAM)


def test_master_user(start_dovecot: StartDovecot) -> None:
    dovecot = start_dovecot(checker=None, master="continue-ok")
    name = f"{CLEAN.name}*{MASTER.name}"
    port = dovecot.ports["imap"]
    assert login("imap", port, name, MASTER.password).accepted
    assert not login("imap", port, name, CLEAN.password).accepted


def test_prefetch(start_dovecot: StartDovecot) -> None:
    dovecot = start_dovecot(checker=None, prefetch=True, passdb_has_userdb_fields=True)
    assert login("imap", dovecot.ports["imap"], CLEAN.name, CLEAN.password).accepted


def test_another_passdb_in_our_place(start_dovecot: StartDovecot) -> None:
    """Behind continue-ok, as ours will be; it decides."""
    dovecot = start_dovecot(checker="static")
    assert login("imap", dovecot.ports["imap"], CLEAN.name, CLEAN.password).accepted


def test_auth_socket(dovecot: Dovecot) -> None:
    logins = [(user.name, user.password) for user in CUSTOMERS] * 100
    with AuthSocket(dovecot.auth_client_socket) as auth:
        replies = auth.plain_many(logins, concurrency=50)
        assert all(reply.ok for reply in replies)
        users = [reply.fields["user"] for reply in replies]
        assert users == [name for name, _ in logins]
        refused = auth.plain(CLEAN.name, WRONG_PASSWORD)
    assert refused.words[0] == "FAIL"
    assert refused.fields["user"] == CLEAN.name


def test_reload_and_metrics(dovecot: Dovecot) -> None:
    """The listener shows metrics that were added by a reload."""
    before = dovecot.auth_pid()
    dovecot.change(extra="metric logins {\n  filter = event=auth_request_finished\n}\n")
    dovecot.reload()
    assert login("imap", dovecot.ports["imap"], CLEAN.name, CLEAN.password).accepted
    wait_until(
        lambda: ("dovecot_logins_total", {}, 1) in dovecot.metrics(), "the new metric"
    )
    assert dovecot.auth_pids() != [before]
    assert dovecot.checks() == 0


def test_stop_leaves_nothing(start_dovecot: StartDovecot) -> None:
    dovecot = start_dovecot(checker=None)
    auth = dovecot.auth_pid()
    dovecot.stop()
    assert not dovecot.running
    assert not Path(f"/proc/{auth}").exists()


def test_range_server(range_server: RangeServer) -> None:
    prefix, suffix = ranges.split_digest(BREACHED.password)
    lines = curl(range_server.url + prefix.lower()).stdout.decode().split("\r\n")
    assert 1900 <= len(lines) <= 2000
    assert lines == sorted(lines)
    counts = dict(line.split(":") for line in lines)
    assert int(counts[suffix]) > 0
    padded = curl("--header", "Add-Padding: true", range_server.url + prefix)
    added = padded.stdout.decode().split("\r\n")[len(lines) :]
    assert 10 <= len(added) <= 209
    assert all(line.endswith(":0") for line in added)
    assert [event["padding"] for event in range_server.events()] == [None, "true"]
    assert range_server.prefixes() == [prefix.lower(), prefix]


def test_passwords_are_what_they_are_called() -> None:
    def is_breached(password: str) -> bool:
        prefix, suffix = ranges.split_digest(password)
        return suffix.encode() in ranges.body(prefix)

    assert all(is_breached(user.password) for user in (BREACHED, BREACHED2))
    clean = (CLEAN.password, CLEAN2.password, MASTER.password, WRONG_PASSWORD)
    assert not any(map(is_breached, clean))


def test_http2_and_compression(
    nginx: Nginx, range_server: RangeServer, authority: CertificateAuthority
) -> None:
    url = nginx.url + "21BD1"
    trust = ("--http2", "--cacert", str(authority.file))
    answer = curl(*trust, "--header", "Accept-Encoding: gzip", url)
    assert gzip.decompress(answer.stdout) == ranges.body("21BD1")
    (seen,) = nginx.events(1)
    assert seen["version"] == "HTTP/2.0"
    assert seen["content_encoding"] == "gzip"
    assert range_server.events()[0]["forwarded_protocol"] == "HTTP/2.0"


# What curl says of each fault, by its exit status (0: the fault is in the
# answer itself).
@pytest.mark.parametrize(
    ("fault", "status"),
    {
        "black-hole": 28,
        "slow-headers": 28,
        "slow-body": 28,
        "cut-body": 18,
        "cut-chunked": 18,
        "close-delimited": 0,
        "404": 22,
        "429": 22,
        "500": 22,
        "503": 22,
        "html": 0,
        "empty": 0,
        "huge": 0,
        "garbage": 0,
        "redirect-loop": 47,
        "reset": 56,
    }.items(),
)
def test_faults(stack: ExitStack, fault: str, status: int) -> None:
    server = stack.enter_context(FaultyServer(fault))
    answer = curl("--fail", "--location", "--max-redirs", "3", server.url + "21BD1")
    assert answer.returncode == status, answer.stderr
    asked = [] if fault == "black-hole" else ["21BD1"]
    assert server.prefixes()[:1] == asked
    if fault == "huge":
        assert len(answer.stdout) == 10_000_000


def test_redirect_to_another_host(stack: ExitStack, range_server: RangeServer) -> None:
    other = f"--redirect-to=http://localhost:{range_server.port}/range/"
    server = stack.enter_context(FaultyServer("redirect-other-host", None, other))
    assert curl("--location", server.url + "21BD1").stdout == ranges.body("21BD1")


@pytest.mark.parametrize("fault", ["wrong name", "expired"])
def test_certificates(
    stack: ExitStack, authority: CertificateAuthority, fault: str
) -> None:
    host = "other.test" if fault == "wrong name" else "range.test"
    certificate = authority.issue(host, expired=fault == "expired")
    server = stack.enter_context(FaultyServer("none", certificate))
    assert curl("--cacert", str(authority.file), server.url + "21BD1").returncode == 60


@pytest.mark.parametrize(("nxdomain", "status"), [(False, 28), (True, 6)])
def test_name_server(stack: ExitStack, nxdomain: bool, status: int) -> None:
    server = stack.enter_context(NameServer(nxdomain))
    assert curl("http://nowhere.test/").returncode == status
    assert server.events("question")
