# SPDX-License-Identifier: LGPL-2.1-or-later
"""Behind whichever passdb verifies a password, and wherever it runs."""

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from lib.dovecot_config import Verifier
from lib.site import LOG_PREFIX, Site
from lib.users import BREACHED, CLEAN

WATCHED = ("/etc", "/run", "/tmp", "/var")
OUR_FILE_NAME = re.compile("pwned")


def files_of_root(folders: tuple[str, ...]) -> Iterator[Path]:
    """Everything there that belongs to root, sockets and pipes included."""
    for top in folders:
        for folder, folders_inside, files in os.walk(top):
            for name in (*folders_inside, *files):
                path = Path(folder, name)
                if path.lstat().st_uid == 0:
                    yield path


def open_files(pid: int) -> list[str]:
    """What a process has open, without the numbers that tell one apart."""
    links = []
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        target = os.readlink(entry)
        if stat.S_ISSOCK(entry.stat().st_mode):
            target = socket_kind(pid, entry.stat().st_ino)
        links.append(re.sub(r"/tmp/dovecot-[^/]+", "", re.sub(r"\[\d+\]", "", target)))
    return sorted(links)


def socket_kind(pid: int, inode: int) -> str:
    for kind in ("unix", "tcp", "tcp6", "udp", "udp6"):
        lines = Path(f"/proc/{pid}/net/{kind}").read_text().splitlines()
        if any(str(inode) in line.split() for line in lines):
            return f"{kind} socket"
    return "unknown socket"


def status(pid: int, name: str) -> str:
    text = Path(f"/proc/{pid}/status").read_text()
    return re.search(rf"^{name}:\s*(.*)$", text, re.MULTILINE)[1]


def worker_after_logins(site: Site) -> int:
    assert site.login("imap", BREACHED).accepted
    assert site.login("imap", CLEAN).accepted
    (worker,) = site.dovecot.auth_pids(worker=True)
    assert status(worker, "Uid").split()[0] == "0"
    return worker


@pytest.mark.parametrize(
    "verifier", [one for one in Verifier if one is not Verifier.ANYBODY]
)
def test_every_verifier(verifier: Verifier) -> None:
    with Site(verifier=verifier) as site, site.auth("smtp") as auth:
        with site.one_event(verdict="clean", service="smtp"):
            assert auth.plain(CLEAN.name, CLEAN.password).ok
        with site.one_event(verdict="breached", action="deny", service="smtp"):
            reply = auth.plain(BREACHED.name, BREACHED.password)
        assert not reply.ok
        assert reply.fields["reason"].startswith("Sending is blocked: ")
        workers = site.dovecot.auth_pids(worker=True)
        assert bool(workers) is (verifier is Verifier.PAM)


def test_in_a_worker_we_do_nothing() -> None:
    """A worker is root and loads our module too, of which nothing must come: no
    file, no socket, no thread, no line in the log."""
    with Site(verifier=Verifier.PAM, checker=None) as site:
        expected = open_files(worker_after_logins(site))
    before = set(files_of_root(WATCHED))
    with Site(verifier=Verifier.PAM) as site:
        worker = worker_after_logins(site)
        assert "libauthdb_pwned.so" in Path(f"/proc/{worker}/maps").read_text()
        assert open_files(worker) == expected
        assert status(worker, "Threads") == "1"
        ours = {
            path
            for path in set(files_of_root(WATCHED)) - before
            if OUR_FILE_NAME.search(path.name) and path != site.dovecot.place.settings
        }
        assert ours == set()
        # The main process opened its own, which shows what a worker's would be.
        (main,) = site.dovecot.auth_pids()
        assert status(main, "Uid").split()[0] != "0"
        assert "tcp socket" in open_files(main)
        assert site.our_lines("Info")
        log = site.dovecot.log.text()
    assert not re.search(rf"auth-worker.*{LOG_PREFIX}", log)


def test_auth_cache() -> None:
    """Dovecot's own cache spares the verifier, and not us."""
    extra = "auth_debug = yes\nauth_cache_ttl = 1 hour\n"
    with Site(auth_cache=True, verifier=Verifier.PAM, extra=extra) as site:
        with site.auth("smtp") as auth:
            for _ in range(3):
                with site.one_event(verdict="breached", action="deny"):
                    assert not auth.plain(BREACHED.name, BREACHED.password).ok
                with site.one_event(verdict="clean", action="allow"):
                    assert auth.plain(CLEAN.name, CLEAN.password).ok
        assert "cache hit" in site.dovecot.log.text()
        assert len(site.ranges.prefixes()) == 2
