# SPDX-License-Identifier: LGPL-2.1-or-later
"""Fixtures of the tests with real daemons."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from lib import series
from lib.certificates import CertificateAuthority
from lib.dovecot import Dovecot
from lib.dovecot_config import Setup
from lib.postfix import Postfix
from lib.processes import Daemon, scratch_folder
from lib.range_source import Nginx, RangeServer

DEFAULT_FOLDERS = (
    Path("/var/cache/dovecot-pwned"),
    Path("/var/lib/dovecot-pwned"),
    Path("/var/lib/dovecot-pwned-hold"),
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--part", default="1/1", help="of all files: 1/2, 2/2 (1/1: all)")


def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """A test of something that one series alone has does not exist for the other:
    to skip it would be to leave something out. And of the files this run takes
    every second, say: another has the others."""
    part, parts = map(int, config.getoption("--part").split("/"))
    files = sorted({item.path for item in items})[part - 1 :: parts]
    others = [item for item in items if not _exists_here(item) or item.path not in files]
    if others:
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if item not in others]


def _exists_here(item: pytest.Item) -> bool:
    marker = item.get_closest_marker("series")
    return marker is None or series.installed().name in marker.args


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Iterator[None]:
    """A test that fails shows the ends of all logs of the daemons it ran."""
    report = (yield).get_result()
    if report.failed and call.when != "teardown":
        for daemon in Daemon.running:
            report.sections.append((daemon.name, daemon.report()))


@pytest.fixture(scope="session")
def authority() -> CertificateAuthority:
    """Its certificate is in a folder that auth's user can read, too."""
    return CertificateAuthority(scratch_folder("authority"))


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """Ends what a test started, in reverse order, whatever happens."""
    with ExitStack() as opened:
        yield opened


@pytest.fixture
def default_folders() -> None:
    """Those for ranges and for auth's state, which are all tests' that name none:
    as empty as `make install` leaves them."""
    for folder in DEFAULT_FOLDERS:
        for file in folder.iterdir():
            file.unlink()


@pytest.fixture
def default_file(default_folders: None) -> Iterator[Path]:
    """The place where settings are looked for without being told, in the root's
    scratch layer. What they do not name has its default, too."""
    file = Path("/etc/dovecot/dovecot-pwned.conf.ext")
    assert not file.exists()
    yield file
    file.unlink(missing_ok=True)


@pytest.fixture
def range_server(stack: ExitStack) -> RangeServer:
    return stack.enter_context(RangeServer())


@pytest.fixture
def nginx(
    stack: ExitStack, range_server: RangeServer, authority: CertificateAuthority
) -> Nginx:
    return stack.enter_context(Nginx(range_server, authority.issue("range.test")))


@pytest.fixture
def start_dovecot(stack: ExitStack) -> Callable[..., Dovecot]:
    """Starts a Dovecot from the words of a Setup."""

    def start(**words: object) -> Dovecot:
        return stack.enter_context(Dovecot(Setup(**words)).start())

    return start


@pytest.fixture
def start_postfix(stack: ExitStack) -> Callable[..., Postfix]:
    """Starts a Postfix that authenticates at a Dovecot."""

    def start(dovecot: Dovecot, extra: str = "") -> Postfix:
        return stack.enter_context(Postfix(dovecot, extra).start())

    return start
