# SPDX-License-Identifier: LGPL-2.1-or-later
"""User names that would be something else to a database, a shell, a terminal, a
log or a map: through records, what MTAs read, and doveadm."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from lib.account_site import AccountSite
from lib.dovecot_config import Verifier
from lib.users import BREACHED, User

# What masks have a meaning for.
MASK = str.maketrans({"*": "\\*", "?": "\\?", "\\": "\\\\"})

NAMES = {
    "quotes": "an'na\"o`@example.com",
    "sql": "x' OR '1'='1'; DROP TABLE flag;--@example.com",
    "shell": "$(touch /tmp/pwned);|&<>`id`@example.com",
    "percent": "%u%s%n%%d{url}%{password}@example.com",
    "pattern": "*?[a-z]_%@example.com",
    "utf8": "bjørn.ærlig-Ünïcødé-日本@exämple.com",
    "backslash": "a\\b\\'c\\\\@example.com",
    "spaces": "two words  and more @example.com",
    "long": "l" * 1000 + "@example.com",
    "many ats": "a@b@c@@example.com",
    "nothing before": "@example.com",
    "no domain": "anna",
    "control": "tab\there\x01\x1b[31mred\x7f@example.com",
    "newline": "line\nbreak\r\nfake: Info: x@example.com",
}
OTHER = User("other@example.com", BREACHED.password)
ANYTHING = "auth_username_chars =\nauth_username_format =\n"
TEXT = "Sending is blocked"


@pytest.fixture(scope="module")
def site() -> Iterator[AccountSite]:
    settings = "pwned_policy = smtp=hold *=warn\npwned_brake_share = 0\n"
    with AccountSite(
        settings, verifier=Verifier.ANYBODY, users=(OTHER,), extra=ANYTHING
    ) as site:
        site.enter(OTHER)
        site.wait_for_state(OTHER, "flagged")
        yield site


def rows(site: AccountSite, *words: str) -> list[dict[str, str]]:
    result = site.pwned.run(*words, form="json")
    assert (result.returncode, result.stderr) == (0, "")
    return json.loads(result.stdout)


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_hostile_name(site: AccountSite, name: str) -> None:
    user = User(name, OTHER.password)
    mark = site.dovecot.log.end()
    assert site.enter(user).ok
    site.wait_for_state(user, "flagged")
    assert site.held().keys() == {OTHER.name, name}

    # one line of the log each, with nothing that moves a terminal's cursor
    site.dovecot.log.wait_for("lagged", mark)
    for line in site.dovecot.log.text(mark).splitlines():
        assert re.match(r"[A-Z][a-z]{2} \d\d |\d{4}-", line), line
        assert "\x1b" not in line
        assert "\x01" not in line

    # doveadm shows him as he is, and him alone
    (shown,) = rows(site, "show", name.translate(MASK))
    assert shown["user"] == name
    assert name in [row["user"] for row in rows(site, "list")]
    for form in ("table", "tab"):
        result = site.pwned.run("list", form=form)
        assert len(result.stdout.splitlines()) == 3, result.stdout
        assert "\x1b" not in result.stdout

    assert site.pwned.run("clear", name.translate(MASK)).returncode == 0
    assert site.held().keys() == {OTHER.name}
    assert site.state(user) == "cleared"
    assert site.pwned.run("suspend", name).returncode == 0
    assert site.held().keys() == {OTHER.name, name}
    assert site.pwned.run("forget", name.translate(MASK)).returncode == 0
    assert site.held().keys() == {OTHER.name}
    assert site.record(user) is None
    assert site.state(OTHER) == "flagged"
    assert not Path("/tmp/pwned").exists()
