# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a test asks of a Dovecot, in words that each release series is told in its
own syntax (series.py)."""

import re
import shutil
import subprocess
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from functools import cache
from pathlib import Path

from lib import tokens
from lib.users import CUSTOMERS, MASTER, User

MAIL_UID = 5000  # owns the mail; needs no entry in passwd
PROTOCOLS = ("imap", "pop3", "submission", "sieve")
EVENT = "pwned_check_finished"
LATE_EVENT = "pwned_check_late"
FETCH_EVENT = "pwned_fetch_finished"
BREAKER_EVENT = "pwned_breaker_changed"
STORE_EVENT = "pwned_store_failed"
ACCOUNT_EVENTS = (
    "pwned_flagged",
    "pwned_cleared",
    "pwned_held",
    "pwned_released",
    "pwned_denied",
)
OUR_EVENTS = (
    EVENT,
    LATE_EVENT,
    FETCH_EVENT,
    BREAKER_EVENT,
    STORE_EVENT,
    *ACCOUNT_EVENTS,
)
# Those that every event has come first: Dovecot counts an event under its
# labels up to the first that it lacks.
EVENT_LABELS = ("verdict", "action", "service", "origin", "dry_run", "reason")


class Verifier(Enum):
    """The passdb that knows whether a password is right."""

    PLAIN = "plain"
    SHA512_CRYPT = "sha512-crypt"
    PAM = "pam"  # in an auth-worker
    # Any user with the password of the first of the setup, whatever his name.
    ANYBODY = "anybody"


@dataclass(frozen=True)
class Setup:
    """A Dovecot, in words that both series understand."""

    verifier: Verifier = Verifier.PLAIN
    # The passdb driver behind the verifier: "pwned", another one, or none.
    checker: str | None = "pwned"
    # No passdb behind the verifier, whose `continue-ok` was left as it is.
    checker_removed: bool = False
    # The lines of our settings file, without the source, which tests add.
    settings: str = ""
    # False: no configuration names the settings file.
    name_settings_file: bool = True
    # Dovecot 2.4 takes our settings in dovecot.conf, too: lines anywhere, in our
    # block, and for one protocol.
    global_settings: str = ""
    block_settings: str = ""
    protocol_settings: dict[str, str] = field(default_factory=dict)
    auth_cache: bool = False
    # result_success of a master passdb: "continue-ok" (then the chain follows),
    # "return-ok", or none at all.
    master: str | None = None
    master_user: User = MASTER
    mechanisms: tuple[str, ...] = ("plain", "login")
    # Before the verifier, passdbs for tokens signed with lib.tokens.KEY
    # (OAUTHBEARER, XOAUTH2) and for client certificates (EXTERNAL).
    passwordless: bool = False
    # Our block by itself and without `skip`, as nobody should write it.
    unverified: bool = False
    # userdb prefetch first, and whether the verifier has something for it.
    prefetch: bool = False
    passdb_has_userdb_fields: bool = False
    # A field pwned_policy that the verifier returns for a user, by his name.
    user_policies: dict[str, str] = field(default_factory=dict)
    imap_plugin: bool = False
    hibernate: bool = False
    # Each event of ours also goes to the log, as JSON with all its fields.
    export_events: bool = False
    # Metrics of our events, each of which auth then sends to the stats process.
    metrics: bool = True
    users: tuple[User, ...] = CUSTOMERS
    # What runs as the auth process, without a limit of its memory.
    auth_program: Path | None = None
    auth_ends_when_idle: bool = False
    # One imap process for many logins, instead of one for each.
    one_imap_process: bool = False
    # Further lines, at the end.
    extra: str = ""


@dataclass(frozen=True)
class Place:
    """Where one instance of Dovecot has its files and its ports."""

    folder: Path
    ports: dict[str, int] = field(default_factory=dict)

    @property
    def run(self) -> Path:
        return self.folder / "run"

    @property
    def log(self) -> Path:
        return self.folder / "dovecot.log"

    @property
    def users(self) -> Path:
        return self.folder / "users"

    @property
    def masters(self) -> Path:
        return self.folder / "masters"

    @property
    def settings(self) -> Path:
        return self.folder / "dovecot-pwned.conf.ext"

    @property
    def store(self) -> Path:
        """pwned_store, unless the settings have another."""
        return self.folder / "store"

    @property
    def state(self) -> Path:
        """pwned_state_dir, likewise."""
        return self.folder / "pwned-state"

    @property
    def hold(self) -> Path:
        """pwned_hold, likewise."""
        return self.folder / "pwned-hold"

    @property
    def token_keys(self) -> Path:
        return self.folder / "keys"

    def home(self, user: str) -> Path:
        return self.folder / "home" / user


@cache
def sha512_crypt(password: str) -> str:
    return subprocess.run(
        ["openssl", "passwd", "-6", "-stdin"],
        input=password,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()


def passwd_file(setup: Setup, place: Place, users: Iterable[User]) -> str:
    """The same file serves as passdb and userdb, in both series."""

    def line(user: User) -> str:
        secret = "{PLAIN}" + user.password
        if setup.verifier is Verifier.SHA512_CRYPT:
            secret = "{SHA512-CRYPT}" + sha512_crypt(user.password)
        home = place.home(user.name)
        fields = ""
        if setup.passdb_has_userdb_fields:
            fields = f"userdb_uid={MAIL_UID} userdb_gid={MAIL_UID} userdb_home={home}"
        if user.name in setup.user_policies:
            fields += f" pwned_policy={setup.user_policies[user.name]}"
        return f"{user.name}:{secret}:{MAIL_UID}:{MAIL_UID}::{home}::{fields}\n"

    return "".join(map(line, users))


def auth_folder(path: Path) -> Path:
    """A folder of auth's user alone, as `make install` makes it."""
    if not path.exists():
        path.mkdir(parents=True)
        shutil.chown(path, "dovecot", "dovecot")
        path.chmod(0o700)
    return path


def settings_text(setup: Setup, place: Place) -> str:
    """Those of the setup, and behind them where its files lie: each Dovecot has
    folders of its own."""
    ours = {
        "pwned_store": place.store,
        "pwned_state_dir": place.state,
        "pwned_hold": place.hold,
    }
    lines = [
        f"{name} = {auth_folder(path)}\n"
        for name, path in ours.items()
        if not re.search(rf"^{name} *=", setup.settings, re.MULTILINE)
    ]
    return "".join([setup.settings, *lines])


def write_files(setup: Setup, place: Place) -> None:
    """Those that a configuration names."""
    place.users.write_text(passwd_file(setup, place, setup.users))
    place.masters.write_text(passwd_file(setup, place, [setup.master_user]))
    place.settings.write_text(settings_text(setup, place))
    # Where the key of a token without any ids is looked up.
    key = place.token_keys / "default/HS256/default"
    key.parent.mkdir(parents=True, exist_ok=True)
    key.write_bytes(b64encode(tokens.KEY))
