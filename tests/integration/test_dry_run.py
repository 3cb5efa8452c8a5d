# SPDX-License-Identifier: LGPL-2.1-or-later
"""A dry run decides, logs and counts, and nobody notices."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from lib import series
from lib.site import SERVICES, Site, dead_source
from lib.users import BREACHED, CLEAN

DRY_RUN = "pwned_dry_run = yes\n"
EXAMPLES = Path("/usr/share/doc/dovecot-pwned/example-config")


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with Site(DRY_RUN, imap_plugin=True) as site:
        yield site


@pytest.mark.parametrize("service", SERVICES)
def test_breached(site: Site, service: str) -> None:
    """The action is the one that would be taken."""
    site.port(service)
    mark = site.dovecot.log.end()
    action = "deny" if service in ("smtp", "submission") else "warn"
    labels = {"verdict": "breached", "action": action, "service": service}
    with site.one_event(dry_run="yes", reason="none", **labels, **origin(site)):
        login = site.login(service, BREACHED)
    assert login.accepted
    assert len(login.replies) == 1
    assert b"breach" not in login.final
    log = site.dovecot.log.text(mark)
    assert "Login refused" not in log
    assert log.count("Login would be refused: breached password (dry run)") == (
        action == "deny"
    )


def origin(site: Site) -> dict[str, str]:
    """Of the next look-up of the breached password."""
    return {"origin": "cache" if site.ranges.prefixes() else "source"}


def test_clean(site: Site) -> None:
    with site.one_event(verdict="clean", action="allow", service="imap"):
        assert site.login("imap", CLEAN).accepted


def test_the_examples(default_file: Path) -> None:
    """The block and the settings as installed, in the places that they name: where
    an operator begins."""
    shutil.copy(EXAMPLES / "dovecot-pwned.conf.ext", default_file)
    block = EXAMPLES / f"auth-pwned-{series.installed().name}.conf.ext"
    with Site(
        checker_removed=True, name_settings_file=False, extra=block.read_text()
    ) as site:
        with default_file.open("a") as file:
            file.write(f"pwned_source = {site.ranges.url}\n")
        site.reload()
        for service, action in {"submission": "deny", "imap": "warn"}.items():
            labels = {"verdict": "breached", "action": action, "service": service}
            with site.one_event(dry_run="yes", **labels):
                login = site.login(service, BREACHED)
            assert login.accepted
            assert len(login.replies) == 1
        assert not site.our_lines("Error")
        assert not site.our_lines("Warning")


def test_unknown() -> None:
    """tempfail would refuse, too."""
    settings = DRY_RUN + "pwned_on_unknown = tempfail\n"
    with Site(settings, source=dead_source()) as site, site.auth("smtp") as auth:
        labels = {"verdict": "unknown", "action": "tempfail", "reason": "connect"}
        with site.one_event(dry_run="yes", origin="none", service="smtp", **labels):
            assert auth.plain(CLEAN.name, CLEAN.password).ok
