# SPDX-License-Identifier: LGPL-2.1-or-later
"""The filters that we ship count a wrong password, and do not count a password
that was right and is refused, nor mail that is held."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from lib import series
from lib.clients import Smtp
from lib.hold_file import TEXT, HoldFile
from lib.hold_postfix import EXAMPLES, HoldPostfix, sqlite_map
from lib.processes import LogFile, wait_until
from lib.site import Site
from lib.users import BREACHED, CLEAN, WRONG_PASSWORD, User

REFUSED = "127.0.5.1"
WRONG = "127.0.5.2"
HELD = "127.0.5.3"
OTHER = "127.0.5.4"
# Of somebody who wants another to be banned.
NAME = f"a>, method=PLAIN, rip={OTHER}, lip=127.0.0.1, session=<b"
TEXTS = {
    "by default": "",
    "suspended": "pwned_message = Sending is suspended for this account. Ask your "
    "mail provider.\n",
}


@pytest.fixture
def fail2ban(tmp_path: Path) -> Path:
    """Its configuration with our examples in it."""
    folder = tmp_path / "fail2ban"
    shutil.copytree("/etc/fail2ban", folder)
    for name in ("dovecot", "postfix"):
        local = folder / "filter.d" / f"{name}.local"
        shutil.copy(EXAMPLES / f"fail2ban-{name}.local", local)
    shutil.copy(EXAMPLES / "fail2ban-jail.local", folder / "jail.d/mail.local")
    return folder


def counted(fail2ban: Path, log: LogFile, filter_name: str) -> set[str]:
    """The addresses of what a filter takes for a failure."""
    command = ["fail2ban-regex", "-c", fail2ban, "-o", "ip", log.path, filter_name]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert not re.search("ERROR|Traceback", result.stdout + result.stderr)
    return set(result.stdout.split())


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_postfix(fail2ban: Path, text: str) -> None:
    settings = "pwned_policy = *=deny\n" + text
    with Site(settings, extra="auth_verbose = yes\n") as site, HoldFile() as holds:
        holds.write({CLEAN.name: TEXT})
        text = sqlite_map(holds.path)
        with HoldPostfix(site.dovecot, "sqlite", text).start() as postfix:
            # By both mechanisms, which Postfix logs differently.
            for user, password, source in (
                (BREACHED, BREACHED.password, REFUSED),
                (CLEAN, WRONG_PASSWORD, WRONG),
            ):
                with Smtp(postfix.port, source=source) as client:
                    assert not client.login(user.name, password).accepted
                with Smtp(postfix.port, source=source) as client:
                    login = client.authenticate_login(user.name, password)
                    assert not login.accepted
            with Smtp(postfix.port, source=HELD) as client:
                assert client.login(CLEAN.name, CLEAN.password).accepted
                (reply,) = client.command(b"MAIL FROM:<a@b.test>")
                assert reply.startswith(b"550 5.7.1 ")
            postfix.log.wait_for(f"reject: MAIL from unknown[{HELD}]")
            log = postfix.log.text()
            # there is something to be ignored
            assert len(re.findall(rf"\[{REFUSED}\]: SASL \w+ authentication failed", log)) == 2
            assert counted(fail2ban, postfix.log, "postfix[mode=auth]") == {WRONG}
            (fail2ban / "filter.d/postfix.local").unlink()
            without = counted(fail2ban, postfix.log, "postfix[mode=auth]")
            assert without == {WRONG, REFUSED}


def test_dovecot(fail2ban: Path) -> None:
    settings = "pwned_policy = *=deny\n"
    with Site(settings, extra="auth_verbose = yes\n") as site:
        for service in ("imap", "submission"):
            refused = site.login(service, BREACHED, source=REFUSED)
            wrong = site.login(service, CLEAN, WRONG_PASSWORD, source=WRONG)
            assert not refused.accepted
            assert not wrong.accepted
            fakes = site.login(service, User(NAME, WRONG_PASSWORD), source=WRONG)
            assert not fakes.accepted
            ended = f"{service}-login: Info: "
            log = site.dovecot.log
            wait_until(lambda: log.text().count(ended) >= 3, "lines of all logins")
            assert f"user=<{NAME}>" in log.text()
        assert counted(fail2ban, site.dovecot.log, "dovecot") == {WRONG}
        # Of Dovecot 2.4 fail2ban's own filter knows no line so far (1.1).
        (fail2ban / "filter.d/dovecot.local").unlink()
        without = counted(fail2ban, site.dovecot.log, "dovecot")
        assert without == ({WRONG} if series.installed().name == "2.3" else set())


def test_the_jails(fail2ban: Path) -> None:
    """fail2ban takes the example, with the filter that it means."""
    command = ["fail2ban-client", "-c", fail2ban, "--dump"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    for jail in ("dovecot", "postfix-sasl"):
        assert f"['add', '{jail}'" in result.stdout
    assert re.search(r"'postfix-sasl', 'addignoreregex', .*suspended", result.stdout)
