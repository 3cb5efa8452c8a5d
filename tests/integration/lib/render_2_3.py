# SPDX-License-Identifier: LGPL-2.1-or-later
"""What Dovecot 2.3 calls in its own way."""

from pathlib import Path

from lib.dovecot_config import EVENT_LABELS
from lib.renderer import Renderer, block


class Renderer23(Renderer):
    ENDLESS = "service_count = 0"
    UNLIMITED = "vsz_limit = 0"
    IDLE_KILL = "idle_kill"

    def top(self) -> str:
        return "disable_plaintext_auth = no\nmail_location = maildir:~/Maildir"

    def passdb(self, name: str, driver: str, *lines: str) -> str:
        return block("passdb", f"driver = {driver}", *lines)

    def userdb(self, driver: str, *lines: str) -> str:
        return block("userdb", f"driver = {driver}", *lines)

    def passwd_file(self, file: Path) -> str:
        return f"args = username_format=%u {file}"

    def pam(self) -> str:
        # Without a key PAM's answers are not cached.
        key = "cache_key=%u " if self.setup.auth_cache else ""
        return f"args = {key}dovecot"

    def one_password(self, password: str) -> str:
        return f"args = password={password}"

    def only_for(self, *mechanisms: str) -> str:
        return f"mechanisms = {' '.join(mechanisms)}"

    def passwordless(self) -> list[str]:
        rest = "result_success = continue-ok"
        return [
            self.passdb(
                "tokens",
                "oauth2",
                self.only_for("oauthbearer", "xoauth2"),
                f"args = {self._token_settings()}",
                rest,
            ),
            self.passdb(
                "certificates",
                "static",
                self.only_for("external"),
                "args = nopassword=y",
                rest,
            ),
        ]

    def our_settings(self) -> str:
        return f"args = {self.place.settings}" if self.setup.name_settings_file else ""

    def mail_plugin(self, name: str) -> str:
        return f"mail_plugins = $mail_plugins {name}"

    def metric(self, name: str, event: str) -> str:
        labels = " ".join(EVENT_LABELS)
        return block(
            f"metric {name}", f"filter = event={event}", f"group_by = {labels}"
        )

    def log_exporter(self) -> str:
        return block(
            "event_exporter log",
            "format = json",
            "format_args = time-unix",
            "transport = log",
        )

    def _token_settings(self) -> Path:
        file = self.place.folder / "oauth2.conf.ext"
        file.write_text(
            "introspection_mode = local\n"
            "username_attribute = sub\n"
            f"local_validation_key_dict = fs:posix:prefix={self.place.token_keys}/\n"
        )
        return file
