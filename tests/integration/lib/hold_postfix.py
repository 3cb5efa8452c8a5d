# SPDX-License-Identifier: LGPL-2.1-or-later
"""Postfix as the shipped examples set it up: a submission service that looks at
what is held, and a service where mail comes in, which does not."""

from pathlib import Path

from lib.dovecot import Dovecot
from lib.ports import free_port
from lib.postfix import Postfix

EXAMPLES = Path(__file__).parents[3] / "doc/example-config"
INBOUND_DOMAIN = "inbound.test"


def sqlite_map(file: Path) -> str:
    text = (EXAMPLES / "pwned-hold-sqlite.cf").read_text()
    default = "/var/lib/dovecot-pwned-hold/hold.db"
    assert default in text
    return text.replace(default, str(file))


class HoldPostfix(Postfix):
    def __init__(self, dovecot: Dovecot, map_type: str, map_text: str):
        """map_type: as it stands in the example, such as "sqlite"."""
        self.inbound_port = free_port()
        self._map_name = f"pwned-hold-{map_type.rpartition(':')[2]}.cf"
        self.map_type = map_type
        super().__init__(dovecot, f"relay_domains = {INBOUND_DOMAIN}\n")
        self.map_file = self.folder / "etc" / self._map_name
        self.map_file.write_text(map_text)
        with (self.folder / "etc/main.cf").open("a") as file:
            file.write(self._example("postfix-main.cf"))

    def _example(self, name: str) -> str:
        text = (EXAMPLES / name).read_text()
        shipped = "check_sasl_access sqlite:/etc/postfix/pwned-hold-sqlite.cf"
        ours = f"check_sasl_access {self.map_type}:{self.folder}/etc/{self._map_name}"
        return text.replace(shipped, ours)

    def _master(self) -> str:
        """The example's submission service in place of the other's; without TLS,
        because its clients have none."""
        _, rest = super()._master().split("\n", 1)
        submission = self._example("postfix-master.cf")
        submission = submission.replace("submission inet", f"127.0.0.1:{self.port} inet")
        submission = submission.replace("security_level=encrypt", "security_level=none")
        inbound = (
            f"127.0.0.1:{self.inbound_port} inet n - n - - smtpd\n"
            "  -o smtpd_sasl_auth_enable=no\n"
            "  -o smtpd_relay_restrictions=reject_unauth_destination\n"
        )
        return submission + inbound + rest
