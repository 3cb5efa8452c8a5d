# SPDX-License-Identifier: LGPL-2.1-or-later
"""A private Exim with the shipped ACL. It queues what it accepts and delivers
nothing."""

import os
import pwd
from collections.abc import Iterable
from pathlib import Path
from textwrap import dedent

from lib.dovecot import Dovecot
from lib.ports import free_port
from lib.processes import Daemon, LogFile, can_connect
from lib.users import User

PROGRAM = "/opt/exim4-daemon-heavy/usr/sbin/exim4"
EXAMPLE = Path(__file__).parents[3] / "doc/example-config/exim-hold.conf"
INBOUND_DOMAIN = "inbound.test"


def dovecot_authenticator(dovecot: Dovecot) -> str:
    return f"""\
plain:
  driver = dovecot
  public_name = PLAIN
  server_socket = {dovecot.postfix_socket}
  server_set_id = $auth1
"""


def own_authenticator(passwords: Path) -> str:
    """A password file of Exim's own: Dovecot never hears of these logins."""
    return f"""\
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${{if eq{{$auth3}}\\
    {{${{lookup{{$auth2}}lsearch{{{passwords}}}{{$value}}fail}}}}}}
  server_set_id = $auth2
"""


class Exim(Daemon):
    def __init__(self, hold_file: Path, authenticator: str):
        super().__init__("exim")
        self.port = free_port()
        owner = pwd.getpwnam("Debian-exim")
        for name in ("spool", "log"):
            (self.folder / name).mkdir()
            os.chown(self.folder / name, owner.pw_uid, owner.pw_gid)
        self.logs.append(LogFile(self.folder / "log/main"))
        self.config = self.folder / "exim.conf"
        self.config.write_text(self._config(hold_file, authenticator))

    def start(self) -> "Exim":
        # as root, which may name a configuration
        command = [PROGRAM, "-C", str(self.config), "-bdf"]
        self.launch(command, ready=lambda: can_connect(self.port))
        return self

    @staticmethod
    def password_file(file: Path, users: Iterable[User]) -> Path:
        file.write_text("".join(f"{user.name}: {user.password}\n" for user in users))
        file.chmod(0o644)
        return file

    def _config(self, hold_file: Path, authenticator: str) -> str:
        shipped = "/var/lib/dovecot-pwned-hold/hold.db"
        example = EXAMPLE.read_text()
        assert shipped in example
        main, acl = example.replace(shipped, str(hold_file)).split("\nacl_check_mail:", 1)
        head = f"""\
            primary_hostname = mail.test
            spool_directory = {self.folder}/spool
            log_file_path = {self.folder}/log/%s
            pid_file_path = {self.folder}/exim.pid
            local_interfaces = 127.0.0.1.{self.port}
            daemon_smtp_ports = {self.port}
            domainlist relay_to_domains = {INBOUND_DOMAIN}
            acl_smtp_rcpt = acl_check_rcpt
            queue_only
            host_lookup =
            rfc1413_query_timeout = 0s
            tls_advertise_hosts =
            auth_advertise_hosts = *
            """
        rcpt = """
            acl_check_rcpt:
              accept authenticated = *
              accept domains = +relay_to_domains
              deny message = relay not permitted
            """
        return "\n".join(
            [
                dedent(head),
                main,
                "begin acl",
                dedent(rcpt),
                "acl_check_mail:" + acl,
                "begin authenticators",
                authenticator,
            ]
        )
