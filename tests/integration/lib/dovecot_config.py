# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a test asks of a Dovecot, and how each release series is told: all that
differs between the series in syntax is in this file."""

import subprocess
from base64 import b64encode
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum
from functools import cache
from pathlib import Path
from textwrap import dedent, indent

from lib import tokens
from lib.users import CUSTOMERS, MASTER, User

MAIL_UID = 5000  # owns the mail; needs no entry in passwd
PROTOCOLS = ("imap", "pop3", "submission", "sieve")
EVENT = "pwned_check_finished"
LATE_EVENT = "pwned_check_late"
# Those that every event has come first: Dovecot counts an event under its
# labels up to the first that it lacks.
EVENT_LABELS = ("verdict", "action", "service", "origin", "dry_run", "reason")


class Verifier(Enum):
    """The passdb that knows whether a password is right."""

    PLAIN = "plain"
    SHA512_CRYPT = "sha512-crypt"
    PAM = "pam"  # in an auth-worker


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
    # False: no `args`, so that the module looks at its default place.
    name_settings_file: bool = True
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
    imap_plugin: bool = False
    hibernate: bool = False
    # Each event of ours also goes to the log, as JSON with all its fields.
    export_events: bool = False
    # Metrics of our events, each of which auth then sends to the stats process.
    metrics: bool = True
    users: tuple[User, ...] = CUSTOMERS
    # What runs as the auth process, without a limit of its memory.
    auth_program: Path | None = None
    # Lines in the series' own syntax.
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
        return f"{user.name}:{secret}:{MAIL_UID}:{MAIL_UID}::{home}::{fields}\n"

    return "".join(map(line, users))


def block(head: str, *lines: str) -> str:
    """A section, each brace where Dovecot 2.3's parser wants it."""
    inside = "\n".join(line for line in lines if line)
    return f"{head} {{\n{indent(inside, '  ')}\n}}"


def tokens_2_3(folder: Path) -> Path:
    """The oauth2 passdb's file, and the key that it looks up by the ids that a
    token without ids has."""
    keys = folder / "keys"
    key = keys / "default/HS256/default"
    key.parent.mkdir(parents=True, exist_ok=True)
    key.write_bytes(b64encode(tokens.KEY))
    file = folder / "oauth2.conf.ext"
    file.write_text(
        "introspection_mode = local\n"
        f"local_validation_key_dict = fs:posix:prefix={keys}/\n"
        "username_attribute = sub\n"
    )
    return file


def hibernation_2_3() -> list[str]:
    """Idle IMAP connections hibernate soon. Our mail user is in no group of
    Dovecot's, so the sockets are everybody's."""
    anybody = "mode = 0666"
    return [
        "log_debug = event=imap_client_hibernated OR event=imap_client_unhibernated",
        block("protocol imap", "imap_hibernate_timeout = 1s"),
        block("service imap", block("unix_listener imap-master", anybody)),
        block("service imap-hibernate", block("unix_listener imap-hibernate", anybody)),
    ]


def exporter_2_3() -> list[str]:
    names = " OR ".join(f"event={name}" for name in (EVENT, LATE_EVENT))
    return [
        block(
            "event_exporter log",
            "format = json",
            "format_args = time-unix",
            "transport = log",
        ),
        block(
            "metric pwned_exported",
            f"filter = {names}",
            "exporter = log",
            "exporter_include = name fields categories",
        ),
    ]


def render_2_3(setup: Setup, place: Place) -> str:
    def checker() -> str:
        named = setup.checker == "pwned" and setup.name_settings_file
        return block(
            "passdb",
            f"driver = {setup.checker}",
            f"args = {place.settings}" if named else "",
            "" if setup.unverified else "skip = unauthenticated",
            "result_success = return",
            "result_failure = return-fail",
            "result_internalfail = return-fail",
        )

    def passwordless() -> list[str]:
        rest = "result_success = continue-ok"
        return [
            block(
                "passdb",
                "driver = oauth2",
                "mechanisms = oauthbearer xoauth2",
                f"args = {tokens_2_3(place.folder)}",
                rest,
            ),
            block(
                "passdb",
                "driver = static",
                "mechanisms = external",
                "args = nopassword=y",
                rest,
            ),
        ]

    def passdbs() -> list[str]:
        if setup.unverified:
            return [checker()]
        chain = passwordless() if setup.passwordless else []
        behind = "return-ok" if setup.checker is None else "continue-ok"
        if setup.master:
            chain.append(
                block(
                    "passdb",
                    "driver = passwd-file",
                    "master = yes",
                    f"args = username_format=%u {place.masters}",
                    f"result_success = {setup.master}",
                )
            )
        if setup.verifier is Verifier.PAM:
            # Without a key PAM's answers are not cached.
            key = "cache_key=%u " if setup.auth_cache else ""
            verifier = ["driver = pam", f"args = {key}dovecot"]
        else:
            verifier = [
                "driver = passwd-file",
                f"args = username_format=%u {place.users}",
            ]
        if setup.passwordless:
            verifier.append("mechanisms = plain login")
        chain.append(block("passdb", *verifier, f"result_success = {behind}"))
        if setup.checker and not setup.checker_removed:
            chain.append(checker())
        return chain

    def userdbs() -> list[str]:
        chain = [block("userdb", "driver = prefetch")] if setup.prefetch else []
        file = f"args = username_format=%u {place.users}"
        return [*chain, block("userdb", "driver = passwd-file", file)]

    def login_service(protocol: str) -> str:
        name = "managesieve" if protocol == "sieve" else protocol
        listeners = [
            block(f"inet_listener {protocol}", f"port = {place.ports[protocol]}")
        ]
        if protocol in ("imap", "pop3"):
            listeners.append(block(f"inet_listener {protocol}s", "port = 0"))
        if protocol == "submission":
            listeners.append(block("inet_listener submissions", "port = 0"))
        # Many clients at once in one process, so that no limit of processes
        # is what a test measures.
        return block(f"service {name}-login", "service_count = 0", *listeners)

    def metric(name: str, event: str) -> str:
        labels = " ".join(EVENT_LABELS)
        return block(
            f"metric {name}", f"filter = event={event}", f"group_by = {labels}"
        )

    top = f"""\
        base_dir = {place.run}
        state_dir = {place.folder / "state"}
        log_path = {place.log}
        protocols = {" ".join(PROTOCOLS)}
        listen = 127.0.0.1
        ssl = no
        disable_plaintext_auth = no
        auth_mechanisms = {" ".join(setup.mechanisms)}
        mail_location = maildir:~/Maildir
        mail_max_userip_connections = 0
        # Given, so that a login does not ask the relay, which is not there.
        submission_backend_capabilities = SIZE
        submission_relay_host = 127.0.0.1
        submission_relay_port = 1
        """
    auth_program = ""
    if setup.auth_program:
        auth_program = f"executable = {setup.auth_program}\nvsz_limit = 0"
    services = [
        block(
            "service auth",
            auth_program,
            block("unix_listener auth-client", "mode = 0666"),
            block("unix_listener auth-postfix", "mode = 0666"),
        ),
        block(
            "service stats",
            block("inet_listener http", f"port = {place.ports['stats']}"),
        ),
        *map(login_service, PROTOCOLS),
    ]
    optional = []
    if setup.auth_cache:
        optional.append("auth_cache_size = 10 M")
    if setup.master:
        optional.append("auth_master_user_separator = *")
    if setup.imap_plugin:
        optional.append(
            block("protocol imap", "mail_plugins = $mail_plugins imap_pwned")
        )
    if setup.passwordless:
        optional.append("auth_ssl_username_from_cert = yes")
    if setup.hibernate:
        optional += hibernation_2_3()
    if setup.export_events:
        optional += exporter_2_3()
    metrics = [metric("pwned_checks", EVENT), metric("pwned_late", LATE_EVENT)]
    return "\n".join(
        [
            dedent(top),
            *optional,
            *passdbs(),
            *userdbs(),
            *services,
            *(metrics if setup.metrics else []),
            setup.extra,
            "",
        ]
    )


RENDERERS: dict[str, Callable[[Setup, Place], str]] = {"2.3": render_2_3}


def write_files(series: str, setup: Setup, place: Place) -> None:
    """The configuration and the files that it names."""
    place.users.write_text(passwd_file(setup, place, setup.users))
    place.masters.write_text(passwd_file(setup, place, [setup.master_user]))
    place.settings.write_text(setup.settings)
    config = RENDERERS[series](setup, place)
    (place.folder / "dovecot.conf").write_text(config)
