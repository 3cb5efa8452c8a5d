# SPDX-License-Identifier: LGPL-2.1-or-later
"""A store whose disk is full, read-only, broken or hangs, and whose file is
removed, cut or flipped underneath: logins go on rightly and as fast as before,
and the log says what is wrong."""

import time
from collections.abc import Callable
from contextlib import ExitStack

import pytest
import ranges
from lib.authsocket import AuthSocket
from lib.crowd import Crowd
from lib.filesystem import KINDS, FileSystem
from lib.processes import wait_until
from lib.slots import BLOCK_BYTES, index_of, offset
from lib.store_site import SLACK_SECS, WAIT_SECS, StoreSite, prefixes_of
from lib.users import User

# For how long a disk hangs. tmpfs cannot be made to.
FROZEN_SECS = {"ext4": 30, "xfs": 8, "btrfs": 8}
# Of a Dovecot that is told to end, or an auth to make room for another.
SOON_SECS = 10
# After a second without clients, auth is told to end.
IDLE_SECS = 4

NAMED = {
    "full": "the file system is full; old ranges make room for new ones",
    "no room": "new ranges cannot be written: No space left on device",
    "read-only": "it can only be read (Read-only file system)",
    "broken": "new ranges cannot be written: ",
    "removed": "its file was removed, cut or damaged; what is gone is fetched again",
    "damaged": "a part of it is damaged; it is not used, and fetched again",
    "hangs": "the disk does not answer",
}


@pytest.fixture(params=KINDS)
def file_system(request: pytest.FixtureRequest, stack: ExitStack) -> FileSystem:
    return stack.enter_context(FileSystem(request.param))


class Scene:
    """A site with ranges on disk, and users who have not logged in yet."""

    def __init__(self, stack: ExitStack, file_system: FileSystem, **words: object):
        self.crowd = Crowd(breached=60, clean=60)
        self.site = stack.enter_context(
            StoreSite(self.crowd.users, file_system=file_system, **words)
        )
        self.known = self.new(10)
        self.site.keep(*self.known)
        self.before = self.site.pace(*self.known)

    def new(self, number: int = 4) -> list[User]:
        """Half of them with breached passwords."""
        half = number // 2
        return [*self.crowd.breached(half), *self.crowd.clean(half)]

    def log_in_new(self, number: int = 4, auth: AuthSocket | None = None) -> list[User]:
        """Each is decided, by the source, in time."""
        users = self.new(number)
        assert self.site.log_in_rightly(*users, auth=auth) <= WAIT_SECS + SLACK_SECS
        return users

    def assert_works_as_before(self) -> None:
        """All of it, when nothing is wrong any more."""
        self.site.assert_same_pace(self.before, *self.known)
        self.site.keep(*self.new())
        self.site.assert_no_crash()


def assert_right_or_a_miss(site: StoreSite) -> None:
    for prefix in site.slots.prefixes():
        assert site.slots.is_right(prefix, ranges.body(prefix))


@pytest.fixture
def scene(stack: ExitStack, file_system: FileSystem) -> Scene:
    return Scene(stack, file_system)


def test_full(scene: Scene, file_system: FileSystem) -> None:
    site = scene.site
    file_system.fill()
    new = [user for _ in range(4) for user in scene.log_in_new(20)]
    wait_until(lambda: site.warnings(), "a warning")
    (warning,) = site.warnings()
    assert NAMED["full"] in warning or NAMED["no room"] in warning
    site.assert_same_pace(scene.before, *scene.known, *new)
    assert_right_or_a_miss(site)
    file_system.unfill()
    scene.assert_works_as_before()


def test_read_only(scene: Scene, file_system: FileSystem) -> None:
    """Of an auth that starts then; what was there answers."""
    site = scene.site
    site.dovecot.end_auth()
    before = site.dovecot.checks(origin="store")
    with file_system.read_only():
        scene.log_in_new()
        site.log_in_rightly(*scene.known)
        site.wait_for_warning(NAMED["read-only"])
        site.dovecot.wait_for_checks(before + len(scene.known), origin="store")
        site.assert_same_pace(scene.before, *scene.known)
        site.dovecot.end_auth()
    scene.assert_works_as_before()


@pytest.mark.parametrize("file_system", ["ext4"], indirect=True)
def test_read_only_underneath(scene: Scene, file_system: FileSystem) -> None:
    """As ext4 makes itself after an error of the disk."""
    file_system.break_down()
    new = scene.log_in_new()
    scene.site.wait_for_warning(NAMED["broken"])
    scene.site.assert_same_pace(scene.before, *scene.known, *new)
    scene.site.assert_no_crash()


def test_removed(scene: Scene) -> None:
    site = scene.site
    site.slots.path.unlink()
    wait_until(lambda: noticed(scene, NAMED["removed"]), "a look at the file")
    site.assert_same_pace(scene.before, *scene.known)
    wait_until(site.slots.path.exists, "a new file")
    scene.assert_works_as_before()


def noticed(scene: Scene, text: str) -> bool:
    """By an auth that somebody needs: it looks once a second."""
    scene.site.log_in_rightly(scene.known[0])
    return any(text in warning for warning in scene.site.warnings())


def test_cut_to_nothing(scene: Scene) -> None:
    site = scene.site
    site.slots.cut(0)
    wait_until(lambda: noticed(scene, NAMED["removed"]), "a look at the file")
    scene.assert_works_as_before()


def test_cut_in_half(scene: Scene) -> None:
    """Between two slots: what is left is whole."""
    site = scene.site
    order = sorted(site.slots.prefixes())
    site.slots.cut(offset(order[len(order) // 2]))
    wait_until(lambda: noticed(scene, NAMED["removed"]), "a look at the file")
    site.assert_same_pace(scene.before, *scene.known)
    assert len(site.slots.prefixes()) < len(order)
    site.dovecot.end_auth()
    site.keep(*scene.known)
    scene.assert_works_as_before()


def wait_for_store(site: StoreSite, user: User) -> None:
    """A new auth goes without the file while it takes long to open."""
    before = site.dovecot.checks(origin="store")

    def answers() -> bool:
        site.log_in_rightly(user)
        return site.dovecot.checks(origin="store") > before

    wait_until(answers, "an answer of the store")


def spoil(scene: Scene, spoil_block: Callable[[str, int], None]) -> None:
    """Spoils the block of the file's last range that answers for its user's
    password, and has that fetched again. Auth does not have it in memory."""
    site = scene.site
    user = max(scene.known, key=lambda user: prefixes_of([user]))
    (prefix,) = prefixes_of([user])
    index = index_of(user.password, len(site.slots.blocks(prefix)))
    site.dovecot.end_auth()
    spoil_block(prefix, index)
    assert not site.slots.is_whole(prefix)
    since = site.dovecot.log.end()
    wait_for_store(site, min(scene.known, key=lambda user: prefixes_of([user])))
    assert site.log_in_rightly(user) <= WAIT_SECS + SLACK_SECS
    site.wait_for_warning(NAMED["damaged"], since)
    assert site.ranges.prefixes().count(prefix) == 2
    site.slots.wait_for([prefix])
    site.log_in_rightly(*scene.known)
    scene.assert_works_as_before()


def test_cut_within_a_block(scene: Scene) -> None:
    def cut(prefix: str, index: int) -> None:
        scene.site.slots.cut(offset(prefix, index) + BLOCK_BYTES // 2)

    spoil(scene, cut)


@pytest.mark.parametrize("byte", [0, 20, 1000, BLOCK_BYTES - 1])
def test_flipped(scene: Scene, byte: int) -> None:
    """The checksum, the day, a hash, the last byte."""

    def flip(prefix: str, index: int) -> None:
        scene.site.slots.flip(prefix, index, byte)

    spoil(scene, flip)


# A disk that hangs.


@pytest.mark.parametrize("file_system", FROZEN_SECS, indirect=True)
def test_hangs(scene: Scene, file_system: FileSystem) -> None:
    """Also for another auth that a reload has started meanwhile."""
    site = scene.site
    end = time.monotonic() + FROZEN_SECS[file_system.kind]
    with file_system.frozen():
        new = scene.log_in_new()
        wait_until(lambda: noticed(scene, NAMED["hangs"]), "a warning")
        site.assert_same_pace(scene.before, *scene.known, *new)
        started = time.monotonic()
        site.reload()
        assert time.monotonic() - started < SOON_SECS
        while time.monotonic() < end:
            # What it knew, it has from the kernel's memory.
            site.assert_same_pace(scene.before, *scene.known)
            scene.log_in_new(2)
            time.sleep(1)
    scene.assert_works_as_before()
    wait_until(lambda: len(site.dovecot.auth_pids()) == 1, "end of the old auth")


@pytest.mark.parametrize("file_system", FROZEN_SECS, indirect=True)
def test_stop_while_it_hangs(scene: Scene, file_system: FileSystem) -> None:
    """Dovecot waits some seconds for an auth whose thread is at the disk, and no
    longer. Another one works meanwhile."""
    site = scene.site
    with file_system.frozen():
        scene.log_in_new()
        wait_until(lambda: noticed(scene, NAMED["hangs"]), "a warning")
        started = time.monotonic()
        site.dovecot.stop()
        assert time.monotonic() - started < SOON_SECS
        site.dovecot.start()
        site.log_in_rightly(*scene.known)
        scene.log_in_new()
        site.assert_same_pace(scene.before, *scene.known)
    scene.assert_works_as_before()


@pytest.mark.parametrize("file_system", ["ext4"], indirect=True)
def test_an_idle_auth_while_it_hangs(
    stack: ExitStack, file_system: FileSystem
) -> None:
    """Dovecot ends an auth that nobody needs for a while, and lets nobody log in
    before it is gone."""
    scene = Scene(stack, file_system, auth_ends_when_idle=True)
    site = scene.site
    with file_system.frozen():
        scene.log_in_new()
        (pid,) = site.dovecot.auth_pids()
        time.sleep(IDLE_SECS)
        site.log_in_rightly(*scene.known)
        assert site.dovecot.auth_pids() == [pid]
    wait_until(lambda: not site.dovecot.auth_pids(), "end of an idle auth")
    scene.assert_works_as_before()


def test_reload_beside_the_old_auth(stack: ExitStack) -> None:
    """A client keeps it. Both write, and each reads what the other has written."""
    crowd = Crowd(breached=60, clean=60)
    site = stack.enter_context(StoreSite(crowd.users))
    old = stack.enter_context(site.auth())
    site.reload()
    new = stack.enter_context(site.auth())
    assert len(site.dovecot.auth_pids()) == 2
    users = [*crowd.breached(60), *crowd.clean(60)]
    for burst in (users[at::6] for at in range(6)):
        for auth, half in ((old, burst[::2]), (new, burst[1::2])):
            site.log_in_rightly(*half, auth=auth)
    site.slots.wait_for(prefixes_of(users))
    with site.nothing_asked():
        for auth in (old, new):
            site.log_in_rightly(*users, auth=auth)
    assert site.warnings() == []
    site.assert_no_crash()
