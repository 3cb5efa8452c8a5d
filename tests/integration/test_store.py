# SPDX-License-Identifier: LGPL-2.1-or-later
"""The store on disk: what was fetched is there whatever ends, for whom it is
meant, and nothing else is."""

import hashlib
import os
import shutil
import signal
import stat
import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest
import ranges
from lib.crowd import Crowd
from lib.fallible import tcp_connects
from lib.processes import scratch_folder
from lib.range_source import RangeServer
from lib.secrecy import Secret
from lib.slots import SLOT_BYTES, SlotFile, encode, file_header
from lib.store_site import StoreSite, prefixes_of
from lib.users import User

GROUP = "panel"
# Some 85 ranges fit in it.
MAX_SIZE = 1 << 20
PROGRAM = "dovecot-pwned-check"
MEMORY_ONLY = "ranges are kept in memory only"


@pytest.fixture
def crowd() -> Crowd:
    return Crowd(breached=12, clean=12)


@pytest.fixture
def start(stack: ExitStack, crowd: Crowd) -> Callable[..., StoreSite]:
    def start(settings: str = "", **words: object) -> StoreSite:
        return stack.enter_context(StoreSite(crowd.users, settings, **words))

    return start


@pytest.fixture(scope="session")
def group() -> str:
    """Of a panel, whose programs may read the store."""
    subprocess.run(["groupadd", "--force", GROUP], check=True)
    return GROUP


def some(crowd: Crowd, number: int = 5) -> list[User]:
    """Half of them breached."""
    return [*crowd.breached(number), *crowd.clean(number)]


def reload(site: StoreSite) -> None:
    site.reload()


def kill_auth(site: StoreSite) -> None:
    site.dovecot.end_auth(signal.SIGKILL)


def restart(site: StoreSite) -> None:
    site.dovecot.stop()
    site.dovecot.start()


def today() -> int:
    return int(time.time()) // 86400


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


@pytest.mark.parametrize("end", [reload, kill_auth, restart])
def test_a_range_stays(
    start: Callable[..., StoreSite], crowd: Crowd, end: Callable[[StoreSite], None]
) -> None:
    site = start()
    users = some(crowd)
    site.keep(*users)
    before = site.dovecot.checks(origin="store")
    site.ranges.stop()
    end(site)
    if end is not kill_auth:
        before = 0  # counters began anew
    connects = tcp_connects()
    site.log_in_rightly(*users)
    assert tcp_connects() == connects
    site.dovecot.wait_for_checks(before + len(users), origin="store")


def test_what_was_queued_is_written_at_the_end(
    start: Callable[..., StoreSite], crowd: Crowd
) -> None:
    site = start()
    users = some(crowd)
    site.log_in_rightly(*users)
    site.dovecot.end_auth()
    assert sorted(site.slots.prefixes()) == sorted(prefixes_of(users))
    assert all(map(site.slots.is_whole, prefixes_of(users)))


def test_ages(start: Callable[..., StoreSite], crowd: Crowd) -> None:
    """Old is used, too old is not."""
    site = start("pwned_store_max_age = 7 days\npwned_store_stale = 30 days\n")
    users = some(crowd)
    site.keep(*users)
    site.ranges.stop()
    for days, origin in ((6, "store"), (1, "stale"), (23, "stale")):
        site.dovecot.end_auth()
        site.slots.age(days)
        before = site.dovecot.checks(origin=origin)
        site.log_in_rightly(*users)
        site.dovecot.wait_for_checks(before + len(users), origin=origin)
    site.dovecot.end_auth()
    site.slots.age(1)
    assert all(reply.ok for reply in site.log_in(*users))
    site.dovecot.wait_for_checks(len(users), verdict="unknown")


# The installed program, as a user of a panel.


def check_as(site: StoreSite, user: User, *groups: str) -> int:
    """Its exit status: acceptable, breached, could not tell."""
    return subprocess.run(
        [PROGRAM, "-c", site.dovecot.place.settings],
        input=user.password,
        text=True,
        capture_output=True,
        check=False,
        timeout=20,
        user="nobody",
        group="nogroup",
        extra_groups=groups,
    ).returncode


def test_a_program_of_the_group_reads(
    start: Callable[..., StoreSite], crowd: Crowd, group: str
) -> None:
    site = start(f"pwned_store_group = {group}\n")
    (breached,), (clean,) = crowd.breached(1), crowd.clean(1)
    site.keep(breached, clean)
    site.ranges.stop()
    assert check_as(site, breached, group) == 1
    assert check_as(site, clean, group) == 0
    assert check_as(site, *crowd.clean(1), group) == 2
    for user in (breached, clean):
        assert check_as(site, user) == 2
    # It can read, and no more.
    for argument in (["-w", site.slots.path], ["-w", site.store]):
        command = ["test", *argument]
        assert subprocess.run(
            command, check=False, user="nobody", group="nogroup", extra_groups=[group]
        ).returncode


def test_without_a_group_nobody_reads(
    start: Callable[..., StoreSite], crowd: Crowd, group: str
) -> None:
    site = start()
    (user,) = crowd.breached(1)
    site.keep(user)
    site.ranges.stop()
    assert check_as(site, user, group) == 2


# Folders.


def test_folders(start: Callable[..., StoreSite], crowd: Crowd, group: str) -> None:
    site = start()
    site.keep(*some(crowd))
    folders = site.dovecot.place.store, site.dovecot.place.state
    assert [folder.owner() for folder in folders] == ["dovecot"] * 2
    assert [mode(folder) for folder in folders] == [0o700] * 2
    site.apply(f"pwned_store_group = {group}\n")
    assert [mode(folder) for folder in folders] == [0o2750, 0o700]
    assert [folder.owner() for folder in folders] == ["dovecot"] * 2
    assert folders[0].group() == group
    site.apply("")
    assert [mode(folder) for folder in folders] == [0o700] * 2
    assert site.warnings() == []


def test_a_folder_that_is_just_made(
    start: Callable[..., StoreSite], crowd: Crowd
) -> None:
    """Empty, and root's, as mkdir leaves it: it becomes auth's alone."""
    folder = scratch_folder("store")
    site = start(f"pwned_store = {folder}\n")
    user = crowd.clean(1)
    site.log_in_rightly(*user)
    SlotFile(folder).wait_for(prefixes_of(user))
    assert (folder.owner(), mode(folder)) == ("dovecot", 0o700)
    assert site.warnings() == []


def missing(folder: Path) -> str:
    folder.rmdir()
    return "it does not exist"


def of_another_user(folder: Path) -> str:
    shutil.chown(folder, "nobody")
    return "it belongs to nobody, not dovecot"


def roots_and_in_use(folder: Path) -> str:
    shutil.chown(folder, "root", "root")
    folder.chmod(0o755)
    (folder / "something").touch()
    return "it belongs to root, not dovecot"


def a_link(folder: Path) -> str:
    folder.rename(folder.with_name("elsewhere"))
    folder.symlink_to("elsewhere")
    return "expected a folder, not a link"


def a_file(folder: Path) -> str:
    folder.rmdir()
    folder.touch()
    return "expected a folder"


@pytest.mark.parametrize(
    "spoil", [missing, of_another_user, roots_and_in_use, a_link, a_file]
)
def test_a_folder_that_cannot_be_used(
    start: Callable[..., StoreSite], crowd: Crowd, spoil: Callable[[Path], str]
) -> None:
    """One warning a start, which names it and says what to do."""
    site = start()
    folder = site.store
    what = spoil(folder)
    before = folder.lstat() if folder.is_symlink() or folder.exists() else None
    users = some(crowd)
    for _ in range(2):
        since = site.dovecot.log.end()
        site.dovecot.end_auth()
        site.log_in_rightly(*users)
        site.log_in_rightly(*users)
        (warning,) = site.warnings(since)
        assert f"{folder}: {what}" in warning
        assert MEMORY_ONLY in warning
        assert "install -d -o dovecot" in warning or "not a link" in warning
    asked = site.ranges.prefixes()
    assert sorted(asked) == sorted(prefixes_of(users) * 2)
    if before:
        after = folder.lstat()
        assert (after.st_mode, after.st_uid) == (before.st_mode, before.st_uid)
        assert not (folder / "ranges").exists()


@pytest.mark.parametrize("access", [0o777, 0o750, 0o500], ids=oct)
def test_a_mode_is_put_right(
    start: Callable[..., StoreSite], crowd: Crowd, access: int
) -> None:
    """Auth's own folder is made private before anything lies in it."""
    site = start()
    site.store.chmod(access)
    site.keep(*some(crowd))
    assert mode(site.store) == 0o700
    assert site.warnings() == []


def test_no_store(start: Callable[..., StoreSite], crowd: Crowd) -> None:
    """Nothing is written anywhere."""
    site = start("pwned_store =\npwned_state_dir =\n")
    users = some(crowd)
    started = time.time()
    site.log_in_rightly(*users)
    with site.nothing_asked():
        site.log_in_rightly(*users)
    site.dovecot.wait_for_checks(len(users), origin="cache")
    time.sleep(1.5)  # a batch takes one
    site.dovecot.end_auth()
    written = [
        Path(folder) / name
        for folder, _, names in os.walk("/", topdown=True)
        if not folder.startswith(("/proc", "/sys", "/dev"))
        for name in names
        if (Path(folder) / name).lstat().st_uid == shutil._get_uid("dovecot")
        and (Path(folder) / name).lstat().st_mtime > started
        and stat.S_ISREG((Path(folder) / name).lstat().st_mode)
    ]
    assert written == []
    assert site.warnings() == []


# The file.


def test_cachedir_tag(start: Callable[..., StoreSite], crowd: Crowd) -> None:
    """Backups go by it: https://bford.info/cachedir/"""
    site = start()
    site.keep(*some(crowd))
    tag = (site.store / "CACHEDIR.TAG").read_bytes()
    assert tag.startswith(b"Signature: 8a477f597d28d172789f06886806bc55\n")
    assert sorted(os.listdir(site.store)) == ["CACHEDIR.TAG", "ranges"]


def put_file(site: StoreSite, data: bytes, access: int = 0o644) -> Path:
    """In the place of the file of slots, as auth's own."""
    path = site.slots.path
    path.write_bytes(data)
    shutil.chown(path, "dovecot", "dovecot")
    path.chmod(access)
    return path


FOREIGN = b"SQLite format 3\0" + bytes(range(256)) * 40


def test_a_foreign_file_is_moved_aside(
    start: Callable[..., StoreSite], crowd: Crowd
) -> None:
    site = start()
    path = put_file(site, FOREIGN)
    users = some(crowd)
    site.keep(*users)
    site.wait_for_warning("it was not ours")
    (warning,) = site.warnings()
    assert f"{path}: it was not ours and is called ranges.aside now" in warning
    assert "remove it" in warning
    assert (site.store / "ranges.aside").read_bytes() == FOREIGN


def test_a_second_foreign_file_is_left_alone(
    start: Callable[..., StoreSite], crowd: Crowd
) -> None:
    site = start()
    path = put_file(site, FOREIGN)
    (site.store / "ranges.aside").write_bytes(b"the first")
    users = some(crowd)
    for _ in range(2):
        site.log_in_rightly(*users)
    site.wait_for_warning("it is not ours")
    (warning,) = site.warnings()
    assert f"{path}: it is not ours, and cannot be moved to ranges.aside" in warning
    assert "look at both and remove them" in warning
    assert MEMORY_ONLY in warning
    assert path.read_bytes() == FOREIGN
    assert (site.store / "ranges.aside").read_bytes() == b"the first"


def test_a_newer_form_is_left_alone(
    start: Callable[..., StoreSite], crowd: Crowd
) -> None:
    site = start()
    data = file_header(form=2) + os.urandom(100_000)
    path = put_file(site, data)
    users = some(crowd)
    for _ in range(2):
        site.log_in_rightly(*users)
    site.wait_for_warning("of a newer release")
    (warning,) = site.warnings()
    assert f"{path}: it is of a newer release and is left alone; upgrade" in warning
    assert MEMORY_ONLY in warning
    site.dovecot.end_auth()
    assert path.read_bytes() == data


def test_a_file_that_can_only_be_read(
    start: Callable[..., StoreSite], crowd: Crowd
) -> None:
    """It answers, and is not changed."""
    site = start()
    known, new = some(crowd, 3), some(crowd, 3)
    site.keep(*known)
    site.dovecot.end_auth()
    path = site.slots.path
    path.chmod(0o444)
    before = path.stat()
    since = site.dovecot.log.end()
    count = site.dovecot.checks(origin="store")
    site.log_in_rightly(*known, *new)
    site.dovecot.wait_for_checks(count + len(known), origin="store")
    with site.nothing_asked():
        site.log_in_rightly(*known, *new)
    site.dovecot.end_auth()
    (warning,) = site.warnings(since)
    assert f"{path}: it can only be read (Permission denied)" in warning
    after = path.stat()
    assert (after.st_mtime_ns, after.st_mode) == (before.st_mtime_ns, before.st_mode)


def test_ranges_that_are_too_long(
    start: Callable[..., StoreSite], stack: ExitStack, crowd: Crowd
) -> None:
    """They answer from memory, and the file does not get them."""
    server = stack.enter_context(RangeServer(lines=6000))
    site = start(source=f"pwned_source = {server.url}\n")
    users = some(crowd)
    site.log_in_rightly(*users)
    site.log_in_rightly(*users)
    site.dovecot.wait_for_checks(len(users), origin="cache")
    site.dovecot.end_auth()
    assert sorted(server.prefixes()) == sorted(prefixes_of(users))
    assert site.slots.prefixes() == []
    assert site.counted("too_long") == len(users)


def test_nothing_but_public_data(start: Callable[..., StoreSite], crowd: Crowd) -> None:
    """Every byte of the file is what its form wants for the source's answers and
    the day: there is no place for a time, a user or a password."""
    site = start()
    users = some(crowd)
    day = today()
    site.keep(*users)
    site.dovecot.end_auth()
    slots = site.slots
    data = [slots.read(0, SLOT_BYTES)]
    assert data == [file_header().ljust(SLOT_BYTES, b"\0")]
    assert sorted(slots.prefixes()) == sorted(prefixes_of(users))
    for prefix in slots.prefixes():
        body = ranges.body(prefix)
        blocks = slots.blocks(prefix)
        label = blocks[0].label
        assert label.day in (day, today())
        assert label.etag.decode() == f'"{hashlib.md5(body).hexdigest()}"'
        assert tuple(block.data for block in blocks) == encode(label, body)
        data += [block.data for block in blocks]
    for user in users:
        assert user.name.encode() not in b"".join(data)
        assert not Secret(user.password).found_in(b"".join(data))


def test_the_bound_holds(start: Callable[..., StoreSite], stack: ExitStack) -> None:
    crowd = Crowd(breached=100, clean=100)
    site = stack.enter_context(
        StoreSite(crowd.users, f"pwned_store_max_size = {MAX_SIZE >> 20} MB\n")
    )
    most = 0
    with site.auth() as auth:
        for _ in range(10):
            site.log_in_rightly(*some(crowd, 10), auth=auth)
            most = max(most, site.slots.allocated)
    site.dovecot.end_auth()
    most = max(most, site.slots.allocated)
    assert MAX_SIZE / 2 < most <= MAX_SIZE
    assert all(map(site.slots.is_whole, site.slots.prefixes()))
    assert site.warnings() == []
