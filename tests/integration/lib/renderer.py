# SPDX-License-Identifier: LGPL-2.1-or-later
"""dovecot.conf from a Setup: what both release series are told in the same
words. What they are told in words of their own is left to each."""

from abc import ABC, abstractmethod
from pathlib import Path
from textwrap import indent

from lib.dovecot_config import (
    EVENT,
    LATE_EVENT,
    OUR_EVENTS,
    PROTOCOLS,
    Place,
    Setup,
    Verifier,
)

# Services by their protocols, where they are not named alike.
LOGIN_SERVICES = {"sieve": "managesieve"}
TLS_LISTENERS = {"imap": "imaps", "pop3": "pop3s", "submission": "submissions"}


def block(head: str, *lines: str) -> str:
    """A section, each brace where Dovecot 2.3's parser wants it."""
    inside = (indent(line, "  ") for line in lines if line)
    return "\n".join([f"{head} {{", *inside, "}"])


class Renderer(ABC):
    # A service's settings: any number of connections to one process, and memory.
    ENDLESS: str
    UNLIMITED: str
    IDLE_KILL: str

    def __init__(self, setup: Setup, place: Place):
        self.setup = setup
        self.place = place

    def text(self) -> str:
        sections = [
            self.top(),
            self.common(),
            *self.optional(),
            *self.passdbs(),
            *self.userdbs(),
            self.auth_service(),
            self.stats_service(),
            *map(self.login_service, PROTOCOLS),
            *(self.metrics() if self.setup.metrics else []),
        ]
        return "\n".join(filter(None, [*sections, self.setup.extra])) + "\n"

    @abstractmethod
    def top(self) -> str:
        """What comes first, and the settings that have another name."""

    @abstractmethod
    def passdb(self, name: str, driver: str, *lines: str) -> str: ...

    @abstractmethod
    def userdb(self, driver: str, *lines: str) -> str: ...

    @abstractmethod
    def passwd_file(self, file: Path) -> str:
        """A line within a passdb or userdb."""

    @abstractmethod
    def pam(self) -> str:
        """A line within a passdb."""

    @abstractmethod
    def one_password(self, password: str) -> str:
        """A line within a passdb."""

    @abstractmethod
    def only_for(self, *mechanisms: str) -> str:
        """A line within a passdb."""

    @abstractmethod
    def passwordless(self) -> list[str]:
        """Sections that take tokens and client certificates."""

    @abstractmethod
    def our_settings(self) -> str:
        """Lines within our block."""

    @abstractmethod
    def mail_plugin(self, name: str) -> str:
        """Within a protocol."""

    @abstractmethod
    def metric(self, name: str, event: str) -> str: ...

    @abstractmethod
    def log_exporter(self) -> str: ...

    def common(self) -> str:
        return "\n".join(
            (
                f"base_dir = {self.place.run}",
                f"state_dir = {self.place.folder / 'state'}",
                f"log_path = {self.place.log}",
                f"protocols = {' '.join(PROTOCOLS)}",
                "listen = 127.0.0.1",
                "ssl = no",
                f"auth_mechanisms = {' '.join(self.setup.mechanisms)}",
                "mail_max_userip_connections = 0",
                # Given, so that a login does not ask the relay, which is not there.
                "submission_backend_capabilities = SIZE",
                "submission_relay_host = 127.0.0.1",
                "submission_relay_port = 1",
            )
        )

    def optional(self) -> list[str]:
        setup = self.setup
        sections = []
        if setup.auth_cache:
            sections.append("auth_cache_size = 10 M")
        if setup.master:
            sections.append("auth_master_user_separator = *")
        if setup.imap_plugin:
            sections.append(block("protocol imap", self.mail_plugin("imap_pwned")))
        if setup.passwordless:
            sections.append("auth_ssl_username_from_cert = yes")
        if setup.hibernate:
            sections += self.hibernation()
        if setup.export_events:
            sections += [self.log_exporter(), self.exported_metric()]
        if setup.one_imap_process:
            sections.append(block("service imap", self.ENDLESS))
        return sections

    def passdbs(self) -> list[str]:
        setup = self.setup
        if setup.unverified:
            return [self.checker()]
        chain = self.passwordless() if setup.passwordless else []
        if setup.master:
            chain.append(
                self.passdb(
                    "masters",
                    "passwd-file",
                    "master = yes",
                    self.passwd_file(self.place.masters),
                    f"result_success = {setup.master}",
                )
            )
        chain.append(self.verifier())
        if setup.checker and not setup.checker_removed:
            chain.append(self.checker())
        return chain

    def verifier(self) -> str:
        setup = self.setup
        driver, source = "passwd-file", self.passwd_file(self.place.users)
        if setup.verifier is Verifier.PAM:
            driver, source = "pam", self.pam()
        if setup.verifier is Verifier.ANYBODY:
            driver, source = "static", self.one_password(setup.users[0].password)
        result = "return-ok" if setup.checker is None else "continue-ok"
        return self.passdb(
            "verifier",
            driver,
            source,
            self.only_for("plain", "login") if setup.passwordless else "",
            f"result_success = {result}",
        )

    def checker(self) -> str:
        driver = self.setup.checker or ""
        return self.passdb(
            driver,
            driver,
            self.our_settings() if driver == "pwned" else "",
            "" if self.setup.unverified else "skip = unauthenticated",
            "result_success = return",
            "result_failure = return-fail",
            "result_internalfail = return-fail",
        )

    def userdbs(self) -> list[str]:
        chain = [self.userdb("prefetch")] if self.setup.prefetch else []
        return [
            *chain,
            self.userdb("passwd-file", self.passwd_file(self.place.users)),
        ]

    def auth_service(self) -> str:
        setup = self.setup
        program = ""
        if setup.auth_program:
            program = f"executable = {setup.auth_program}\n{self.UNLIMITED}"
        anybody = "mode = 0666"
        return block(
            "service auth",
            program,
            f"{self.IDLE_KILL} = 1 s" if setup.auth_ends_when_idle else "",
            block("unix_listener auth-client", anybody),
            block("unix_listener auth-postfix", anybody),
        )

    def stats_service(self) -> str:
        port = f"port = {self.place.ports['stats']}"
        return block("service stats", block("inet_listener http", port))

    def login_service(self, protocol: str) -> str:
        """Many clients at once in one process, so that no limit of processes is
        what a test measures."""
        port = f"port = {self.place.ports[protocol]}"
        listeners = [block(f"inet_listener {protocol}", port)]
        if protocol in TLS_LISTENERS:
            name = TLS_LISTENERS[protocol]
            listeners.append(block(f"inet_listener {name}", "port = 0"))
        service = LOGIN_SERVICES.get(protocol, protocol)
        return block(f"service {service}-login", self.ENDLESS, *listeners)

    def hibernation(self) -> list[str]:
        """Idle IMAP connections hibernate soon. Our mail user is in no group of
        Dovecot's, so the sockets are everybody's."""
        events = ("imap_client_hibernated", "imap_client_unhibernated")
        sockets = {"imap": "imap-master", "imap-hibernate": "imap-hibernate"}
        return [
            "log_debug = " + " OR ".join(f"event={event}" for event in events),
            block("protocol imap", "imap_hibernate_timeout = 1s"),
            *(
                block(
                    f"service {service}",
                    block(f"unix_listener {socket}", "mode = 0666"),
                )
                for service, socket in sockets.items()
            ),
        ]

    def metrics(self) -> list[str]:
        return [
            self.metric("pwned_checks", EVENT),
            self.metric("pwned_late", LATE_EVENT),
        ]

    def exported_metric(self) -> str:
        events = " OR ".join(f"event={event}" for event in OUR_EVENTS)
        return block(
            "metric pwned_exported",
            f"filter = {events}",
            "exporter = log",
            "exporter_include = name fields categories",
        )
