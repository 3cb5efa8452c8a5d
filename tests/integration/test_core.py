# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the memory of auth holds of passwords after their logins: a core of it
shows nothing beyond what Dovecot leaves there with a passdb that does nothing."""

import subprocess
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack

import pytest
import ranges
from lib.authsocket import AuthSocket
from lib.certificates import CertificateAuthority
from lib.crowd import logins
from lib.dovecot import Dovecot
from lib.dovecot_config import Setup, Verifier
from lib.fallible import FallibleSource, fault
from lib.processes import scratch_folder
from lib.secrecy import Secret
from lib.users import CLEAN, CLEAN2, User

# Of the list, such as do not stand in programs for other reasons.
BREACHED = [
    User(f"customer-{number}", password)
    for number, password in enumerate(
        word
        for word in ranges.breached_passwords()
        if len(word) >= 7 and not word.isalpha() and not word.isdigit()
    )
][:20]
USERS = (CLEAN, *BREACHED)
SECRETS = [Secret(user.password) for user in USERS]
LAST = CLEAN2
LAST_LOGINS = 100
PLANTED = Secret("Gz8r-Wn3cTxa_Vd6q")
WAIT_SECS = 0.2
FETCH_TIMEOUT_SECS = 0.5
SETTINGS = f"""\
pwned_wait = {WAIT_SECS * 1000:.0f} ms
pwned_fetch_timeout = {FETCH_TIMEOUT_SECS * 1000:.0f} ms
pwned_brake_share = 0
"""


def core(pid: int, planted: bytes = b"") -> bytes:
    """Of a process that goes on; something may be written far below its stack."""
    folder = scratch_folder("core")
    plant = folder / "plant"
    plant.write_bytes(planted)
    commands = [f"restore {plant} binary $sp-65536"] if planted else []
    commands.append(f"gcore {folder}/core")
    words = [word for command in commands for word in ("-ex", command)]
    command = ["gdb", "--batch", "--nx", "--quiet", "--pid", str(pid), *words]
    subprocess.run(command, check=True, capture_output=True)
    return (folder / "core").read_bytes()


def left_in(data: bytes) -> Counter[str]:
    """How often each form of any of the secrets is there."""
    total: Counter[str] = Counter()
    for secret in SECRETS:
        total.update(secret.counts(data))
    return total


def start(stack: ExitStack, checker: str, settings: str = "") -> Dovecot:
    setup = Setup(
        verifier=Verifier.SHA512_CRYPT,
        checker=checker,
        settings=settings,
        users=(*USERS, LAST),
    )
    return stack.enter_context(Dovecot(setup).start())


def log_in(dovecot: Dovecot) -> None:
    """Twice: from the source, and from memory."""
    with AuthSocket(dovecot.auth_client_socket) as auth:
        for login in logins(*USERS, *USERS):
            auth.plain(*login)
        time.sleep(FETCH_TIMEOUT_SECS)


def log_in_others(dovecot: Dovecot, concurrency: int = 1) -> None:
    """So that Dovecot uses memory again that the last logins left."""
    with AuthSocket(dovecot.auth_client_socket) as auth:
        auth.plain_many(logins(*[LAST] * LAST_LOGINS), concurrency)


def left_after_others(dovecot: Dovecot, allowed: Counter[str]) -> Counter[str]:
    """Dovecot itself leaves a password in memory until it needs that again; where
    it lies depends on how many logins were under way. What somebody keeps does
    not go, however many come."""
    for concurrency in (1, 4, 16, 64):
        log_in_others(dovecot, concurrency)
        left = left_in(core(dovecot.auth_pid()))
        if left <= allowed:
            break
    return left


@pytest.fixture(scope="module")
def left_by_nothing() -> Counter[str]:
    """By a passdb in our place that says yes to everything."""
    with ExitStack() as stack:
        dovecot = start(stack, "static")
        log_in(dovecot)
        log_in_others(dovecot)
        return left_in(core(dovecot.auth_pid()))


Become = Callable[[FallibleSource], None]


def good(source: FallibleSource) -> None:
    pass


def good_over_http2(source: FallibleSource) -> None:
    source.become_good_over_http2()


def faulty(source: FallibleSource) -> None:
    source.become_faulty()


@pytest.mark.parametrize(
    ("name", "become", "word"),
    [
        ("404", good, "Login refused"),
        ("wrong-name", good_over_http2, "Login refused"),
        ("404", faulty, "http_status"),
        ("cut-body", faulty, "cut_body"),
        ("garbage", faulty, "bad_line"),
        ("slow-body", faulty, "timeout"),
        ("wrong-name", faulty, "tls"),
    ],
    ids=["http1", "http2", "404", "cut-body", "garbage", "slow-body", "wrong-name"],
)
def test_nothing_is_left(
    stack: ExitStack,
    authority: CertificateAuthority,
    left_by_nothing: Counter[str],
    name: str,
    become: Become,
    word: str,
) -> None:
    source = stack.enter_context(FallibleSource(authority, fault(name)))
    become(source)
    dovecot = start(stack, "pwned", source.settings + SETTINGS)
    log_in(dovecot)
    dovecot.log.wait_for(word)
    # Nobody but us makes hashes.
    left = left_in(core(dovecot.auth_pid()))
    assert {form for form, number in left.items() if number} <= {"password"}
    assert left_after_others(dovecot, left_by_nothing) <= left_by_nothing


def test_what_is_planted_is_found(
    stack: ExitStack, authority: CertificateAuthority
) -> None:
    source = stack.enter_context(FallibleSource(authority, fault("404")))
    dovecot = start(stack, "pwned", source.settings + SETTINGS)
    log_in(dovecot)
    log_in_others(dovecot)
    data = core(dovecot.auth_pid(), b" ".join(PLANTED.forms.values()))
    assert all(PLANTED.counts(data).values())
    # The heap is in it, too: the name of who came last.
    assert LAST.name.encode() in data
