# SPDX-License-Identifier: LGPL-2.1-or-later
"""How the sources are asked: what goes over the wire, in which order, through
which proxy, and what a late answer is good for."""

import re
import subprocess
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest
import ranges
from lib.auth_wrapper import auth_wrapper
from lib.authsocket import AuthSocket, Reply
from lib.certificates import CertificateAuthority
from lib.crowd import Crowd, logins
from lib.dovecot import Dovecot
from lib.range_source import FaultyServer, NameServer, Nginx, Proxy, RangeServer
from lib.secrecy import Secret
from lib.users import User

WAIT_SECS = 1
MAX_CONNECTIONS = 16
PROXY_AUTH = "mail:correct-horse"

StartDovecot = Callable[..., Dovecot]
NO_BRAKE = "pwned_brake_share = 0\n"


def source(*urls: str) -> str:
    return f"pwned_source = {' '.join(urls)}\n"


def trust(authority: CertificateAuthority) -> str:
    return f"pwned_source_ca_file = {authority.file}\n"


def login(dovecot: Dovecot, *users: User) -> list[Reply]:
    """All at once, as smtp."""
    with AuthSocket(dovecot.auth_client_socket) as auth:
        return auth.plain_many(logins(*users))


def is_refused(reply: Reply) -> bool:
    """For a breach, that is; a wrong password has no reason."""
    return not reply.ok and "known data breach" in reply.fields.get("reason", "")


@pytest.fixture
def crowd() -> Crowd:
    return Crowd(breached=60)


@pytest.mark.parametrize("padding", ["yes", "no"])
def test_http2(
    start_dovecot: StartDovecot,
    nginx: Nginx,
    authority: CertificateAuthority,
    crowd: Crowd,
    padding: str,
) -> None:
    settings = source(nginx.url) + trust(authority) + NO_BRAKE
    settings += f"pwned_source_padding = {padding}\n"
    dovecot = start_dovecot(settings=settings, users=crowd.users)
    for user in crowd.breached(5):
        assert is_refused(login(dovecot, user)[0])
    assert all(map(is_refused, login(dovecot, *crowd.breached(50))))
    events = nginx.events(55)
    for event in events:
        assert event["version"] == "HTTP/2.0"
        assert event["tls"] in ("TLSv1.2", "TLSv1.3")
        assert "gzip" in event["accept_encoding"]
        assert event["content_encoding"] == "gzip"
        assert event["padding"] == ("true" if padding == "yes" else "")
        assert event["cookie"] == ""
        assert re.fullmatch(r"dovecot-pwned/\d[\w.~+-]*", event["user_agent"])
    # Fetches that start together share what the first one connects.
    assert len({event["connection"] for event in events}) == 1


def test_http1(
    stack: ExitStack,
    start_dovecot: StartDovecot,
    range_server: RangeServer,
    authority: CertificateAuthority,
    crowd: Crowd,
) -> None:
    nginx = stack.enter_context(
        Nginx(range_server, authority.issue("range.test"), http2=False)
    )
    settings = source(nginx.url) + trust(authority) + NO_BRAKE
    dovecot = start_dovecot(settings=settings, users=crowd.users)
    for user in crowd.breached(10):
        assert is_refused(login(dovecot, user)[0])
    assert len({event["connection"] for event in nginx.events(10)}) == 1
    assert all(map(is_refused, login(dovecot, *crowd.breached(50))))
    events = nginx.events(60)
    assert {event["version"] for event in events} == {"HTTP/1.1"}
    assert len({event["connection"] for event in events}) <= MAX_CONNECTIONS


@pytest.mark.parametrize("end", ["", "{prefix}", "{prefix}?mode=sha1"])
def test_where_the_prefix_goes(
    start_dovecot: StartDovecot, range_server: RangeServer, crowd: Crowd, end: str
) -> None:
    dovecot = start_dovecot(settings=source(range_server.url + end), users=crowd.users)
    (user,) = crowd.breached(1)
    assert is_refused(login(dovecot, user)[0])
    assert range_server.prefixes() == [ranges.split_digest(user.password)[0]]


@pytest.mark.series("2.3")
def test_no_prefix_in_a_host(
    stack: ExitStack, start_dovecot: StartDovecot, crowd: Crowd
) -> None:
    """DNS and the log would show it. Dovecot 2.4 does not start with it."""
    name_server = stack.enter_context(NameServer(nxdomain=True))
    settings = source("http://{prefix}.nowhere.test/range/")
    dovecot = start_dovecot(settings=settings, users=crowd.users)
    (user,) = crowd.breached(1)
    assert login(dovecot, user)[0].ok
    dovecot.log.wait_for("Error: pwned: ")
    assert not Secret(user.password).has_prefix_in(dovecot.log.text().encode())
    assert not name_server.events("question")


@pytest.mark.parametrize("fault", ["refused", "black-hole", "503", "garbage"])
def test_the_second_source_answers_in_time(
    stack: ExitStack,
    start_dovecot: StartDovecot,
    range_server: RangeServer,
    crowd: Crowd,
    fault: str,
) -> None:
    first = "http://127.0.0.1:1/range/"
    if fault != "refused":
        first = stack.enter_context(FaultyServer(fault)).url
    settings = source(first, range_server.url)
    dovecot = start_dovecot(settings=settings, users=crowd.users)
    (reply,) = login(dovecot, *crowd.breached(1))
    assert is_refused(reply)
    assert reply.secs < WAIT_SECS
    dovecot.log.wait_for(f"source {first.removesuffix('/range/')} failed: ")
    dovecot.wait_for_checks(1, verdict="breached", origin="source")


def test_a_good_first_source_is_the_only_one_asked(
    stack: ExitStack,
    start_dovecot: StartDovecot,
    range_server: RangeServer,
    crowd: Crowd,
) -> None:
    second = stack.enter_context(RangeServer())
    settings = source(range_server.url, second.url) + NO_BRAKE
    dovecot = start_dovecot(settings=settings, users=crowd.users)
    assert all(map(is_refused, login(dovecot, *crowd.breached(20))))
    assert len(range_server.prefixes()) == 20
    assert not second.prefixes()


def test_all_sources_fail(
    stack: ExitStack, start_dovecot: StartDovecot, crowd: Crowd
) -> None:
    """Each is warned about; the event has the last one's reason."""
    first, last = (
        stack.enter_context(FaultyServer(fault)) for fault in ("503", "html")
    )
    dovecot = start_dovecot(settings=source(first.url, last.url), users=crowd.users)
    assert login(dovecot, *crowd.breached(1))[0].ok
    dovecot.wait_for_checks(1, verdict="unknown", reason="bad_line")
    dovecot.log.wait_for(f"127.0.0.1:{first.port} failed: http_status")
    dovecot.log.wait_for(f"127.0.0.1:{last.port} failed: bad_line")


def test_certificates_are_verified(
    start_dovecot: StartDovecot, nginx: Nginx, crowd: Crowd
) -> None:
    """Without pwned_source_ca_file the system's authorities count."""
    dovecot = start_dovecot(settings=source(nginx.url), users=crowd.users)
    assert login(dovecot, *crowd.breached(1))[0].ok
    dovecot.wait_for_checks(1, verdict="unknown", reason="tls")


def test_old_tls_is_refused(
    stack: ExitStack,
    start_dovecot: StartDovecot,
    authority: CertificateAuthority,
    crowd: Crowd,
) -> None:
    """By us: here OpenSSL itself would take it, as curl shows."""
    server = stack.enter_context(
        FaultyServer("none", authority.issue("range.test"), "--old-tls")
    )
    lax = server.folder / "openssl.cnf"
    lax.write_text(
        "openssl_conf = lax\n[lax]\nssl_conf = tls\n[tls]\nsystem_default = all\n"
        "[all]\nMinProtocol = TLSv1\nCipherString = DEFAULT@SECLEVEL=0\n"
    )
    environment = f"OPENSSL_CONF={lax}"
    command = ["env", environment, "curl", "-sS", "--tlsv1.0", server.url + "21BD1"]
    subprocess.run([*command, "--cacert", authority.file], check=True)
    dovecot = start_dovecot(
        settings=source(server.url) + trust(authority),
        auth_program=auth_wrapper(server.folder, "env", environment),
        users=crowd.users,
    )
    assert login(dovecot, *crowd.breached(1))[0].ok
    dovecot.wait_for_checks(1, verdict="unknown", reason="tls")


def private_file(folder: Path, text: str) -> Path:
    """Readable by root alone."""
    file = folder / "proxy-auth"
    file.touch(mode=0o600)
    file.write_text(text)
    return file


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize(
    ("auth", "reason"),
    [(PROXY_AUTH, None), ("mail:wrong-horse", "proxy"), (None, "proxy")],
    ids=["right", "wrong", "none"],
)
def test_proxy(
    stack: ExitStack,
    start_dovecot: StartDovecot,
    nginx: Nginx,
    range_server: RangeServer,
    authority: CertificateAuthority,
    crowd: Crowd,
    scheme: str,
    auth: str | None,
    reason: str | None,
) -> None:
    proxy = stack.enter_context(Proxy(PROXY_AUTH))
    url = nginx.url if scheme == "https" else range_server.url
    settings = source(url) + trust(authority) + f"pwned_source_proxy = {proxy.url}\n"
    if auth:
        file = private_file(proxy.folder, f"{auth}\n")
        settings += f"pwned_source_proxy_auth_file = {file}\n"
    dovecot = start_dovecot(settings=settings, users=crowd.users)
    (reply,) = login(dovecot, *crowd.breached(1))
    assert {event["method"] for event in proxy.events()} == {
        "CONNECT" if scheme == "https" else "GET"
    }
    if reason:
        assert reply.ok
        dovecot.wait_for_checks(1, verdict="unknown", reason=reason)
        assert not range_server.prefixes()
        assert "horse" not in dovecot.log.text()
    else:
        assert is_refused(reply)
        assert len(range_server.prefixes()) == 1


def test_a_dead_proxy(
    start_dovecot: StartDovecot, range_server: RangeServer, crowd: Crowd
) -> None:
    settings = source(range_server.url) + "pwned_source_proxy = http://127.0.0.1:1\n"
    dovecot = start_dovecot(settings=settings, users=crowd.users)
    assert login(dovecot, *crowd.breached(1))[0].ok
    dovecot.wait_for_checks(1, verdict="unknown", reason="connect")
    assert not range_server.prefixes()


def test_the_environment_names_no_proxy(
    stack: ExitStack,
    start_dovecot: StartDovecot,
    range_server: RangeServer,
    crowd: Crowd,
) -> None:
    proxy = stack.enter_context(Proxy())
    variables = (f"http_proxy={proxy.url}", f"all_proxy={proxy.url}")
    dovecot = start_dovecot(
        settings=source(range_server.url),
        auth_program=auth_wrapper(proxy.folder, "env", *variables),
        users=crowd.users,
    )
    assert is_refused(login(dovecot, *crowd.breached(1))[0])
    assert not proxy.events()


def test_a_late_answer_is_judged(
    stack: ExitStack, start_dovecot: StartDovecot, crowd: Crowd
) -> None:
    """The login went on without it; the next one is decided by it, from memory."""
    server = stack.enter_context(RangeServer(latency_msecs=600))
    settings = source(server.url) + "pwned_wait = 200 ms\n"
    dovecot = start_dovecot(settings=settings, users=crowd.users)
    (user,) = crowd.breached(1)
    (reply,) = login(dovecot, user)
    assert reply.ok
    assert 0.15 < reply.secs < 0.6
    dovecot.wait_for_checks(1, verdict="unknown", reason="timeout")
    dovecot.wait_for_checks(1, "pwned_late", verdict="breached", origin="source")
    dovecot.log.wait_for(f"Breached password of user {user.name} at smtp")
    assert is_refused(login(dovecot, user)[0])
    dovecot.wait_for_checks(1, verdict="breached", origin="cache", action="deny")
    assert len(server.prefixes()) == 1


def test_a_second_login_joins_the_fetch(
    stack: ExitStack, start_dovecot: StartDovecot, crowd: Crowd
) -> None:
    """It need not come at the same time as the first."""
    server = stack.enter_context(RangeServer(latency_msecs=500))
    dovecot = start_dovecot(settings=source(server.url), users=crowd.users)
    (user,) = crowd.breached(1)
    with (
        AuthSocket(dovecot.auth_client_socket) as auth,
        AuthSocket(dovecot.auth_client_socket, timeout_secs=0.2) as impatient,
    ):
        with pytest.raises(TimeoutError):
            impatient.plain(user.name, user.password)
        reply = auth.plain(user.name, user.password)
    assert is_refused(reply)
    assert reply.secs < 0.45
    assert len(server.prefixes()) == 1
