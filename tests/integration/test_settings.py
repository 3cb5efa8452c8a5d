# SPDX-License-Identifier: LGPL-2.1-or-later
"""The settings file, good and bad, as auth and doveadm take it."""

import json
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from lib import series
from lib.clients import Imap, Login
from lib.dovecot import Dovecot
from lib.dovecot_config import Setup
from lib.site import Site, dead_source
from lib.users import BREACHED, CLEAN

DEFAULT_POLICY = "smtp=deny:min=1 submission=deny *=warn"
NO_FILE = "a file that is not there"
# A file's text, the line of it that is wrong, and what is said of that.
MISTAKES = {
    "unknown name": (
        "pwned_dry_run = yes\n\npwned_bogus = 1\n",
        3,
        "Unknown setting: pwned_bogus",
    ),
    "no assignment": (
        "# Ours\npwned_dry_run\n",
        2,
        "'pwned_dry_run': expected name = value",
    ),
    "policy": (
        "pwned_policy = smtp=forbid\n",
        1,
        "pwned_policy: 'forbid' is not an action: expected off, warn, hold or deny",
    ),
    "time": (
        "pwned_wait = soon\n",
        1,
        "pwned_wait: 'soon': expected a time from 0 ms to 8 s",
    ),
    "two settings": (
        "pwned_fetch_timeout = 2 s\npwned_wait = 3 s\n",
        2,
        "pwned_wait: expected pwned_wait to be no longer than pwned_fetch_timeout",
    ),
    "a text that is too long": (
        f"pwned_url = https://www.example.com/{'x' * 150}\n",
        1,
        "pwned_url: expected at most 200 bytes in a text with {url} and "
        "{date} expanded",
    ),
    NO_FILE: (
        "pwned_source_ca_file = /nonexistent/ca.pem\n",
        1,
        "pwned_source_ca_file: /nonexistent/ca.pem: cannot be opened: "
        "No such file or directory",
    ),
}
REFUSED_BY_DEFAULT = (
    "breached passwords are refused at smtp, refused at submission, warned about at "
    "any other service"
)
TEMPFAIL_WARNING = "pwned_on_unknown = tempfail: Postfix turns a temporary failure"


def check(file: Path) -> subprocess.CompletedProcess[str]:
    return pwned_config("--check", str(file))


def pwned_config(*arguments: str) -> subprocess.CompletedProcess[str]:
    """doveadm pwned config, without a Dovecot that runs."""
    command = ["doveadm", *options(arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def options(arguments: tuple[str, ...]) -> list[str]:
    """Options of doveadm come before the command, ours behind it."""
    if arguments[:1] == ("-f",):
        return [*arguments[:2], "pwned", "config", *arguments[2:]]
    return ["pwned", "config", *arguments]


def mistaken_site(text: str) -> Site:
    """With just this text in our file."""
    return Site(text, source="")


@pytest.mark.parametrize(("text", "line", "mistake"), MISTAKES.values(), ids=MISTAKES)
def test_check_finds_mistakes(
    tmp_path: Path, text: str, line: int, mistake: str
) -> None:
    file = tmp_path / "settings"
    file.write_text(text)
    found = check(file)
    assert found.returncode == 1
    assert found.stderr == f"Error: {file} line {line}: {mistake}\n"
    assert found.stdout == ""


@pytest.mark.parametrize(
    "name",
    [
        # Dovecot 2.4 reads our settings itself, so that most are found before
        # auth starts (test_doveconf.py).
        pytest.param("unknown name", marks=pytest.mark.series("2.3")),
        pytest.param("policy", marks=pytest.mark.series("2.3")),
        NO_FILE,
    ],
)
def test_a_mistake_stops_no_login(name: str) -> None:
    """Auth starts, says what doveadm says, once, and checks nothing."""
    text, line, mistake = MISTAKES[name]
    with mistaken_site(text) as site:
        file = site.dovecot.place.settings
        with site.auth("smtp") as auth:
            for user in (BREACHED, CLEAN) * 3:
                with site.nothing_asked():
                    assert auth.plain(user.name, user.password).ok
        for service in ("submission", "imap"):
            assert site.login(service, BREACHED).accepted
        (error,) = site.our_lines("Error")
        place = series.installed().place_of_mistake.format(file=file, line=line)
        assert error.endswith(f"pwned: {place}{mistake}; passwords are not checked")
        assert site.our_lines() == [error]
        site.dovecot.wait_for_checks(
            8, verdict="unchecked", action="allow", origin="none", reason="config"
        )
        assert site.dovecot.checks() == 8
        assert check(file).stderr == f"Error: {file} line {line}: {mistake}\n"


def test_a_mistake_lets_nobody_in_with_a_wrong_password() -> None:
    with mistaken_site(MISTAKES[NO_FILE][0]) as site:
        assert not site.login("imap", CLEAN, BREACHED.password).accepted
        assert site.dovecot.checks() == 0


@pytest.mark.series("2.3")
@pytest.mark.parametrize("kind", ["absent", "folder"])
def test_a_file_that_cannot_be_read(kind: str) -> None:
    with Site() as site:
        file = site.dovecot.place.settings
        file.unlink()
        if kind == "folder":
            file.mkdir()
        site.reload()
        assert site.login("submission", BREACHED).accepted
        (error,) = site.our_lines("Error")
        assert f"pwned: {file}: " in error
        found = check(file)
        assert found.returncode == 1
        assert found.stderr.removeprefix("Error: ").rstrip() in error


def test_check_of_a_good_file(tmp_path: Path) -> None:
    file = tmp_path / "settings"
    file.write_text("pwned_dry_run = yes # for now\n")
    found = check(file)
    assert found.returncode == 0
    assert f"{file}: no mistakes found" in found.stdout + found.stderr


def test_values_as_json(tmp_path: Path) -> None:
    file = tmp_path / "settings"
    file.write_text("\npwned_dry_run = yes\n  pwned_url = 'https://x.example/#a'\n")
    shown = pwned_config("-f", "json", "-c", str(file))
    assert shown.returncode == 0, shown.stderr
    rows = {row["setting"]: row for row in json.loads(shown.stdout)}
    assert len(rows) == 29
    assert rows["pwned_dry_run"] == {
        "setting": "pwned_dry_run",
        "value": "yes",
        "from": "line 2",
    }
    assert rows["pwned_url"]["value"] == "https://x.example/#a"
    assert rows["pwned_url"]["from"] == "line 3"
    assert rows["pwned_policy"]["value"] == DEFAULT_POLICY
    assert rows["pwned_policy"]["from"] == "default"
    assert rows["pwned_store_max_age"]["value"] == "7 days"


def test_values_as_table(tmp_path: Path) -> None:
    file = tmp_path / "settings"
    file.write_text("pwned_cache_size = 4 MB\n")
    lines = pwned_config(str(file)).stdout.splitlines()
    assert lines[0].split() == ["setting", "value", "from"]
    (cache,) = (line for line in lines if line.startswith("pwned_cache_size"))
    assert cache.split() == ["pwned_cache_size", "4", "MB", "line", "1"]


@pytest.mark.series("2.3")
def test_doveadm_looks_at_the_default_place(default_file: Path) -> None:
    def dry_run() -> str:
        rows = json.loads(pwned_config("-f", "json").stdout)
        return next(row["value"] for row in rows if row["setting"] == "pwned_dry_run")

    assert dry_run() == "no"
    default_file.write_text("pwned_dry_run = yes\n")
    assert dry_run() == "yes"
    default_file.write_text("pwned_dry_run = perhaps\n")
    assert pwned_config().returncode == 1


@pytest.mark.series("2.3")
def test_auth_looks_at_the_default_place(default_file: Path) -> None:
    """No args: the file there, and where there is none, the defaults."""
    with Site(name_settings_file=False) as site:
        site.dovecot.auth_pid()
        site.dovecot.log.wait_for(REFUSED_BY_DEFAULT)
    with Site() as site:
        default_file.write_text(f"pwned_source = {site.ranges.url}\n")
        site.reload(name_settings_file=False)
        reply = site.auth("smtp").plain(BREACHED.name, BREACHED.password)
        assert not reply.ok
        assert len(site.ranges.prefixes()) == 1


@pytest.mark.series("2.4")
def test_auth_looks_at_no_default_place(default_file: Path) -> None:
    """Dovecot reads what its configuration names. A file there that nothing
    includes is the password-change program's alone, of which auth warns."""
    default_file.write_text("pwned_policy = *=deny\n")
    with Site() as site:
        source = f"pwned_source = {site.ranges.url}"
        site.reload(name_settings_file=False, global_settings=source)
        assert is_accepted(site, "imap")
        assert not is_accepted(site, "smtp")
        site.dovecot.log.wait_for(REFUSED_BY_DEFAULT)
        for warning in site.our_lines("Warning"):
            assert f"{default_file}: pwned_source " in warning
            assert "dovecot-pwned-check goes by that file" in warning
        assert site.our_lines("Warning")


@pytest.mark.series("2.4")
def test_a_file_to_include_that_is_not_there() -> None:
    """Dovecot does not start without it."""
    dovecot = Dovecot(Setup())
    dovecot.place.settings.unlink()
    with pytest.raises(RuntimeError, match="dovecot.conf line 3: No matches"):
        dovecot.start()


@pytest.mark.series("2.4")
@pytest.mark.parametrize("place", ["global_settings", "block_settings"])
def test_places_in_dovecots_own_file(place: str) -> None:
    """As good as a file that it includes."""
    lines = {place: "pwned_policy = imap=deny\n"}
    with Site("pwned_policy = *=deny\n", **lines) as site:
        assert not is_accepted(site, "imap")
        assert is_accepted(site, "smtp")


@pytest.mark.series("2.4")
def test_fields_of_our_block() -> None:
    """Dovecot leaves it to each driver to apply them; these restrict who gets in."""
    fields = "fields {\n  allow_nets = 192.0.2.0/24\n}\n"
    with Site(block_settings=fields) as site, site.auth("imap") as auth:
        for address, accepted in {"192.0.2.1": True, "198.51.100.1": False}.items():
            reply = auth.plain(CLEAN.name, CLEAN.password, f"rip={address}")
            assert reply.ok is accepted


@pytest.fixture
def no_settings_module() -> Iterator[None]:
    """As where half of an installation was copied."""
    (module,) = Path("/usr/lib/dovecot/modules").glob("settings/libpwned_settings.so")
    aside = module.rename(module.with_suffix(".aside"))
    yield
    aside.rename(module)


@pytest.mark.series("2.4")
def test_without_the_settings_module(no_settings_module: None) -> None:
    """Logins go on, and the log says what is missing."""
    with Site(name_settings_file=False) as site:
        assert is_accepted(site, "smtp")
        (error,) = site.our_lines("Error")
        assert "libpwned_settings.so" in error
        assert error.endswith("; passwords are not checked")


def is_accepted(site: Site, service: str) -> bool:
    """With a breached password."""
    with site.auth(service) as auth:
        return auth.plain(BREACHED.name, BREACHED.password).ok


def test_unverified_passwords_let_nobody_in() -> None:
    """A block without `skip` and alone: what came here nobody has verified."""
    mechanisms = ("plain", "cram-md5")
    with Site(unverified=True, mechanisms=mechanisms) as site, site.nothing_asked():
        with site.auth("smtp") as auth:
            passwords = (CLEAN.password, BREACHED.password, "")
            replies = auth.plain_many((CLEAN.name, password) for password in passwords)
        assert not any(reply.ok for reply in replies)
        with Imap(site.port("imap"), source="127.0.7.1") as client:
            assert not client.authenticate_cram_md5(CLEAN.name, "").accepted
        (error,) = site.our_lines("Error")
        assert "skip = unauthenticated" in error
        assert "result_success = continue-ok" in error
        assert site.dovecot.checks() == 0


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ("", REFUSED_BY_DEFAULT),
        ("pwned_dry_run = yes\n", "dry run, nobody is refused"),
        (
            "pwned_policy = imap=off smtp=deny:min=100\n",
            "breached passwords are not checked at imap, refused at smtp (seen 100 "
            "times or more)",
        ),
    ],
    ids=["default", "dry run", "policy"],
)
def test_start_line(settings: str, line: str) -> None:
    with Site(settings) as site:
        site.dovecot.auth_pid()
        site.dovecot.log.wait_for("pwned: ")
        (said,) = site.our_lines()
        assert said.endswith(f"auth: Info: pwned: {line}")


def test_warnings_at_start() -> None:
    settings = "pwned_on_unknown = tempfail\n"
    with Site(settings, extra="auth_debug_passwords = yes\n") as site:
        site.dovecot.auth_pid()
        site.dovecot.log.wait_for("in clear text")
        tempfail, passwords = site.our_lines("Warning")
        assert TEMPFAIL_WARNING in tempfail
        assert "auth_debug_passwords = yes" in passwords


def test_tempfail() -> None:
    """Could not tell, and told to refuse then: each protocol's own temporary
    failure, for whatever password."""
    expected = {
        "submission": b"454 4.7.0 Temporary authentication failure.",
        "imap": b"a1 NO [UNAVAILABLE] Temporary authentication failure.",
        "pop3": b"-ERR [SYS/TEMP] Temporary authentication failure.",
        # Postfix knows no difference, which is what auth warns of.
        "smtp": b"535 5.7.8 Error: authentication failed:",
    }
    with Site("pwned_on_unknown = tempfail\n", source=dead_source()) as site:
        site.port("smtp")

        def attempt(number_and_service: tuple[int, str]) -> Login:
            number, service = number_and_service
            return site.login(service, CLEAN, source=f"127.0.5.{number + 1}")

        with ThreadPoolExecutor() as pool:
            logins = list(pool.map(attempt, enumerate(expected)))
        for login, reply in zip(logins, expected.values(), strict=True):
            assert login.final.startswith(reply)
        site.dovecot.wait_for_checks(
            len(expected), verdict="unknown", action="tempfail"
        )
        for service in expected:
            site.dovecot.wait_for_checks(
                1, verdict="unknown", action="tempfail", service=service
            )
