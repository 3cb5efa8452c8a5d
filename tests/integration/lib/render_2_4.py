# SPDX-License-Identifier: LGPL-2.1-or-later
"""What Dovecot 2.4 calls in its own way."""

from pathlib import Path

from lib.dovecot_config import EVENT_LABELS
from lib.renderer import Renderer, block

# Which names and defaults are meant: those of the first release that we support.
VERSION = "2.4.1"


class Renderer24(Renderer):
    ENDLESS = "restart_request_count = unlimited"
    UNLIMITED = "vsz_limit = unlimited"
    IDLE_KILL = "idle_kill_interval"

    def top(self) -> str:
        setup = self.setup
        include = f"!include {self.place.settings}"
        named = setup.checker == "pwned" and setup.name_settings_file
        protocols = setup.protocol_settings.items()
        return "\n".join(
            [
                f"dovecot_config_version = {VERSION}",
                f"dovecot_storage_version = {VERSION}",
                include if named else "",
                setup.global_settings,
                *(block(f"protocol {name}", lines) for name, lines in protocols),
                "auth_allow_cleartext = yes",
                "mail_driver = maildir",
                "mail_path = ~/Maildir",
            ]
        )

    def passdb(self, name: str, driver: str, *lines: str) -> str:
        # The driver is implied where it is the name.
        named = f"driver = {driver}" if name != driver else ""
        return block(f"passdb {name}", named, *lines)

    def userdb(self, driver: str, *lines: str) -> str:
        return block(f"userdb {driver}", *lines)

    def passwd_file(self, file: Path) -> str:
        return f"passwd_file_path = {file}"

    def pam(self) -> str:
        return "service_name = dovecot"

    def one_password(self, password: str) -> str:
        return f"passdb_static_password = {password}"

    def only_for(self, *mechanisms: str) -> str:
        return f"mechanisms_filter = {' '.join(mechanisms)}"

    def passwordless(self) -> list[str]:
        """The mechanisms verify tokens themselves."""
        keys = block("fs posix", f"prefix = {self.place.token_keys}/")
        return [
            block(
                "oauth2",
                "introspection_mode = local",
                "username_attribute = sub",
                block("oauth2_local_validation", block("dict fs", keys)),
            ),
            self.passdb(
                "certificates",
                "static",
                self.only_for("external"),
                block("fields", "nopassword = yes"),
                "result_success = continue-ok",
            ),
        ]

    def our_settings(self) -> str:
        return self.setup.block_settings

    def mail_plugin(self, name: str) -> str:
        return block("mail_plugins", f"{name} = yes")

    def metric(self, name: str, event: str) -> str:
        labels = (block(f"metric_group_by {label}") for label in EVENT_LABELS)
        return block(f"metric {name}", f"filter = event={event}", *labels)

    def log_exporter(self) -> str:
        return block(
            "event_exporter log", "format = json", "time_format = unix", "driver = log"
        )
