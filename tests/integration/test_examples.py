# SPDX-License-Identifier: LGPL-2.1-or-later
"""The examples that we ship, as the Dovecot that they are for reads them."""

import re
from pathlib import Path

import pytest
from lib import series
from lib.doveconf import Conf, run

FOLDER = Path(__file__).parents[2] / "doc/example-config"
SETTINGS = FOLDER / "dovecot-pwned.conf.ext"
BLOCK = FOLDER / f"auth-pwned-{series.installed().name}.conf.ext"
SETTING = re.compile(r"^#(pwned_\w+ =)", re.MULTILINE)


@pytest.fixture
def installed_settings(default_file: Path) -> Path:
    """Where the blocks expect them."""
    default_file.write_text(SETTINGS.read_text())
    return default_file


def test_our_block(tmp_path: Path, installed_settings: Path) -> None:
    conf = Conf(tmp_path, f"!include {BLOCK}\n")
    checked = conf.doveconf("-n")
    assert checked.returncode == 0
    assert checked.stderr == ""
    shown = conf.doveconf("passdb").stdout.splitlines()
    assert {
        "  skip = unauthenticated",
        "  result_success = return",
        "  result_failure = return-fail",
        "  result_internalfail = return-fail",
    } <= set(shown)


@pytest.mark.series("2.4")
def test_our_settings_by_the_block(tmp_path: Path, installed_settings: Path) -> None:
    conf = Conf(tmp_path, f"!include {BLOCK}\n")
    assert "imap_pwned = yes" in conf.doveconf("-n", "-f", "protocol=imap").stdout
    assert conf.rows()["pwned_dry_run"] == {"value": "yes", "from": "dovecot.conf"}


@pytest.mark.series("2.3")
def test_the_plugin_by_the_block(tmp_path: Path) -> None:
    """Behind the block stands, as a comment, what belongs into another file."""
    _, head, plugin = BLOCK.read_text().partition("# protocol imap {")
    lines = (line.removeprefix("# ") for line in (head + plugin).splitlines())
    conf = Conf(tmp_path, "\n".join(lines) + "\n")
    shown = conf.doveconf("-f", "protocol=imap", "-h", "mail_plugins")
    assert shown.stdout.split() == ["imap_pwned"]


def test_settings_to_choose_from(tmp_path: Path) -> None:
    """Each default may lose its # and then still is the default."""
    file = tmp_path / "settings"
    text, changed = SETTING.subn(r"\1", SETTINGS.read_text())
    assert changed > 10
    file.write_text(text)
    found = run("doveadm", "pwned", "config", "--check", file)
    assert found.returncode == 0, found.stderr
    if series.installed().name == "2.4":
        conf = Conf(tmp_path, f"!include {file}\n")
        assert conf.doveconf("-n").returncode == 0
