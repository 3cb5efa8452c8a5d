# SPDX-License-Identifier: LGPL-2.1-or-later
"""Several Dovecots that share ranges through the nginx of our example."""

import pwd
import shutil
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from http.client import HTTPException

import pytest
import ranges
from lib.authsocket import AuthSocket
from lib.certificates import CertificateAuthority
from lib.crowd import Crowd, logins
from lib.dovecot import Dovecot
from lib.processes import wait_until
from lib.range_cache import Answer, Api, RangeCache
from lib.secrecy import Secret
from lib.users import BREACHED, CLEAN, User

StartCache = Callable[..., RangeCache]
StartHost = Callable[..., Dovecot]

SECRET = Secret(BREACHED.password)
PREFIX = SECRET.prefix
RANGE = ranges.body(PREFIX)
PADDED_RANGE = RANGE + ranges.padding(PREFIX)
# What is kept is soon too old; nginx counts whole seconds.
BRIEFLY = {"proxy_cache_valid 200 1d": "proxy_cache_valid 200 1s"}
TOO_OLD_SECS = 2.1
WHILE_WAITING = {"background_update on": "background_update off"}
WITH_LOGS = {"access_log off;": "", "error.log emerg;": "error.log error;"}
FAULTS = ("refused", "black-hole", "wrong-name", "slow-headers", "404", "429", "503")


@pytest.fixture
def api(stack: ExitStack, authority: CertificateAuthority) -> Api:
    return stack.enter_context(Api(authority))


@pytest.fixture
def start_cache(
    stack: ExitStack, api: Api, authority: CertificateAuthority
) -> StartCache:
    """Starts one with these changes of the example."""

    def start(changes: dict[str, str]) -> RangeCache:
        return stack.enter_context(RangeCache(api, authority, changes))

    return start


@pytest.fixture
def cache(start_cache: StartCache) -> RangeCache:
    return start_cache({})


@pytest.fixture
def start_host(
    start_dovecot: Callable[..., Dovecot], authority: CertificateAuthority
) -> StartHost:
    """Starts a Dovecot with these sources."""

    def start(*urls: str, users: tuple[User, ...] = (BREACHED, CLEAN)) -> Dovecot:
        settings = (
            f"pwned_source = {' '.join(urls)}\n"
            f"pwned_source_ca_file = {authority.file}\n"
            "pwned_brake_share = 0\n"
        )
        return start_dovecot(settings=settings, users=users)

    return start


def refused(host: Dovecot, *users: User) -> list[bool]:
    """Who of them is, for a breach, when all log in at once."""
    with AuthSocket(host.auth_client_socket) as auth:
        replies = auth.plain_many(logins(*users))
    return ["known data breach" in reply.fields.get("reason", "") for reply in replies]


def is_not_modified(answer: Answer) -> bool:
    return answer.status == 304 and answer.raw == b"" and "ETag" in answer.headers


def test_the_second_host_costs_nothing(
    api: Api, cache: RangeCache, start_host: StartHost
) -> None:
    crowd = Crowd(breached=20, clean=20)
    first, second = (start_host(cache.url, users=crowd.users) for _ in range(2))
    verdicts = [user.name.startswith("breached") for user in crowd.users]
    assert refused(first, *crowd.users) == verdicts
    asked = sorted(api.ranges.prefixes())
    assert asked == sorted({ranges.split_digest(u.password)[0] for u in crowd.users})
    assert refused(second, *crowd.users) == verdicts
    second.wait_for_checks(20, verdict="breached", origin="source")
    assert sorted(api.ranges.prefixes()) == asked


def test_one_fetch_for_many_at_once(api: Api, start_cache: StartCache) -> None:
    # Whoever lost patience would ask for himself.
    cache = start_cache({"lock_timeout 200ms": "lock_timeout 10s"})
    api.become_good(latency_msecs=200)
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(cache.range, [PREFIX] * 20))
    assert [answer.body for answer in answers] == [PADDED_RANGE] * 20
    assert api.statuses() == [200]


def test_what_is_asked_of_the_api(api: Api, cache: RangeCache) -> None:
    """Nothing of the client's, and nothing comes back to him but a range."""
    answer = cache.range(PREFIX, Cookie="user=anna", User_Agent="anna", Via="1.1 a")
    assert answer.status == 200
    assert "Set-Cookie" not in answer.headers
    (event,) = api.nginx.events(1)
    assert event["user_agent"] == "dovecot-pwned"
    assert event["cookie"] == ""
    assert event["accept_encoding"] == "gzip"
    assert event["content_encoding"] == "gzip"
    assert event["padding"] == "true"


def test_http2(cache: RangeCache, authority: CertificateAuthority) -> None:
    shown = subprocess.run(
        ["curl", "-sS", "--cacert", authority.file, "--write-out", "%{http_version}",
         "--output", cache.folder / "answer", cache.url + PREFIX],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert shown.stdout == "2"


@pytest.mark.parametrize("kept", [True, False])
@pytest.mark.parametrize("encoding", ["gzip", "identity"])
def test_a_conditional_request(
    api: Api, start_cache: StartCache, cache: RangeCache, encoding: str, kept: bool
) -> None:
    """Also where the cache has to fetch the range: then that one is kept."""
    whole = cache.range(PREFIX, Accept_Encoding=encoding)
    assert whole.body == PADDED_RANGE
    assert whole.headers.get("Content-Encoding") == (
        "gzip" if encoding == "gzip" else None
    )
    tag = whole.headers["ETag"]
    asked = cache if kept else start_cache({})
    for form in (tag, tag.removeprefix("W/")):
        again = asked.range(PREFIX, Accept_Encoding=encoding, If_None_Match=form)
        assert is_not_modified(again)
    other = asked.range(PREFIX, Accept_Encoding=encoding, If_None_Match='"other"')
    assert (other.status, other.body, other.found) == (200, PADDED_RANGE, "HIT")
    assert api.statuses() == [200] * (1 if kept else 2)


def test_revalidation(api: Api, start_cache: StartCache) -> None:
    cache = start_cache(BRIEFLY)
    assert cache.range(PREFIX).found == "MISS"
    time.sleep(TOO_OLD_SECS)
    stale = cache.range(PREFIX)
    assert (stale.body, stale.found) == (PADDED_RANGE, "STALE")
    # Behind that answer, and without a body.
    wait_until(lambda: api.statuses() == [200, 304], "the API's 304")
    wait_until(lambda: cache.range(PREFIX).found == "HIT", "a range that is fresh")
    assert cache.range(PREFIX).body == PADDED_RANGE


@pytest.mark.parametrize("fault", FAULTS)
def test_the_api_fails(
    api: Api, start_cache: StartCache, start_host: StartHost, fault: str
) -> None:
    """What is kept goes on, too old or not, and nobody waits."""
    cache = start_cache(BRIEFLY)
    first, second = (start_host(cache.url) for _ in range(2))
    assert refused(first, BREACHED, CLEAN) == [True, False]
    time.sleep(TOO_OLD_SECS)
    api.become_faulty(fault)
    for _ in range(3):
        start = time.monotonic()
        stale = cache.range(PREFIX)
        assert (stale.status, stale.body) == (200, PADDED_RANGE)
        assert stale.found in ("STALE", "UPDATING")
        assert time.monotonic() - start < 0.5
    for host in (first, second):
        assert refused(host, BREACHED, CLEAN) == [True, False]
    second.wait_for_checks(1, verdict="breached", origin="source")
    second.wait_for_checks(1, verdict="clean", origin="source")


def test_revalidation_while_somebody_waits(api: Api, start_cache: StartCache) -> None:
    """The other way that the example names, without updates behind answers."""
    cache = start_cache(BRIEFLY | WHILE_WAITING)
    assert cache.range(PREFIX).found == "MISS"
    time.sleep(TOO_OLD_SECS)
    fresh = cache.range(PREFIX)
    assert (fresh.body, fresh.found) == (PADDED_RANGE, "REVALIDATED")
    assert api.statuses() == [200, 304]


@pytest.mark.parametrize("fault", FAULTS)
def test_the_api_fails_while_somebody_waits(
    api: Api, start_cache: StartCache, fault: str
) -> None:
    cache = start_cache(BRIEFLY | WHILE_WAITING)
    assert cache.range(PREFIX).found == "MISS"
    time.sleep(TOO_OLD_SECS)
    api.become_faulty(fault)
    stale = cache.range(PREFIX)
    assert (stale.status, stale.body, stale.found) == (200, PADDED_RANGE, "STALE")


@pytest.mark.parametrize("fault", FAULTS)
def test_nothing_kept_and_the_api_fails(
    api: Api, cache: RangeCache, fault: str
) -> None:
    """The host is told, and for how long, in time to ask another source."""
    api.become_faulty(fault)
    start = time.monotonic()
    answer = cache.range(PREFIX)
    assert answer.status >= 400
    assert answer.headers.get("Retry-After") == ("3" if fault == "429" else None)
    assert time.monotonic() - start < 2
    api.become_good()
    assert cache.range(PREFIX).body == PADDED_RANGE


@pytest.mark.parametrize("fault", ["html", "cut-body", "cut-chunked"])
def test_what_is_no_range_is_not_kept(
    api: Api, cache: RangeCache, fault: str
) -> None:
    api.become_faulty(fault)
    with suppress(HTTPException):
        assert b"DOCTYPE" in cache.range(PREFIX).body
    api.become_good()
    good = cache.range(PREFIX)
    assert (good.body, good.found) == (PADDED_RANGE, "MISS")


def test_the_cache_fails(api: Api, cache: RangeCache, start_host: StartHost) -> None:
    host = start_host(cache.url, api.url)
    assert refused(host, CLEAN) == [False]
    (asked,) = api.ranges.prefixes()
    cache.stop()
    assert refused(host, BREACHED) == [True]
    assert api.ranges.prefixes() == [asked, PREFIX]


def test_padded_or_not(api: Api, cache: RangeCache) -> None:
    for _ in range(2):
        for words in ("true", "True"):
            assert cache.range(PREFIX, Add_Padding=words).body == PADDED_RANGE
        for words in ("", "false", "true, true"):
            assert cache.range(PREFIX, Add_Padding=words).body == RANGE
    assert api.statuses() == [200, 200]


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/range/",
        f"/range/{PREFIX.lower()}",
        f"/RANGE/{PREFIX}",
        f"/range/{PREFIX[:4]}",
        f"/range/{PREFIX}0",
        f"/range/{PREFIX}/",
        f"/range/{PREFIX}%0A",
        f"/range/{PREFIX}?mode=ntlm",
        f"/range/x/{PREFIX}",
    ],
)
def test_other_paths(api: Api, cache: RangeCache, path: str) -> None:
    assert PREFIX != PREFIX.lower()
    assert cache.ask(path).status == 404
    assert not api.ranges.prefixes()


def test_methods(api: Api, cache: RangeCache) -> None:
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH"):
        assert cache.ask(f"/range/{PREFIX}", method).status == 403
    assert not api.ranges.prefixes()
    head = cache.ask(f"/range/{PREFIX}", "HEAD")
    assert (head.status, head.raw) == (200, b"")
    assert cache.ask(f"/range/{PREFIX}").body == RANGE
    assert api.statuses() == [200]


def test_other_addresses(api: Api, start_cache: StartCache) -> None:
    cache = start_cache({"allow 127.0.0.1;": ""})
    assert cache.range(PREFIX).status == 403
    assert not api.ranges.prefixes()


def test_its_folder(cache: RangeCache) -> None:
    cache.range(PREFIX)
    found = cache.kept.stat()
    assert (found.st_mode & 0o777, found.st_uid) == (0o700, pwd.getpwnam("www-data")[2])


def ask_for_trouble(api: Api, cache: RangeCache) -> None:
    """All that nginx has something to say of."""
    cache.range(PREFIX)
    cache.ask(f"/range/{PREFIX}", "POST")
    cache.ask(f"/range/{PREFIX}/x")
    for fault in FAULTS:
        api.become_faulty(fault)
        cache.range(PREFIX, Add_Padding="")
    api.become_good()
    # nginx then just closes the connection.
    shutil.rmtree(cache.kept)
    with pytest.raises(HTTPException):
        cache.range(PREFIX, Add_Padding="")


def logged(cache: RangeCache) -> dict[str, bool]:
    """The logs, and whether the prefix stands there."""
    return {
        log.path.name: SECRET.has_prefix_in(log.path.read_bytes()) for log in cache.logs
    }


def test_no_prefix_in_a_log(api: Api, cache: RangeCache) -> None:
    ask_for_trouble(api, cache)
    assert cache.access_log.text() == ""
    assert not any(logged(cache).values())


def test_there_would_be_some(api: Api, start_cache: StartCache) -> None:
    """Without the two lines that see to it."""
    cache = start_cache(WITH_LOGS)
    ask_for_trouble(api, cache)
    wait_until(lambda: logged(cache)["access.log"], "the access log")
    assert logged(cache)["error.log"]
    assert "[crit]" in cache.error_log.text()
