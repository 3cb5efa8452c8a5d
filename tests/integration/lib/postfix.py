# SPDX-License-Identifier: LGPL-2.1-or-later
"""A private Postfix whose smtpd authenticates at a Dovecot. It delivers nothing:
each accepted message is discarded."""

import os
import pwd
from textwrap import dedent

from lib.dovecot import Dovecot
from lib.ports import free_port
from lib.processes import Daemon, LogFile, can_connect


class Postfix(Daemon):
    def __init__(self, dovecot: Dovecot, extra: str = ""):
        super().__init__("postfix")
        self.port = free_port()
        self.log = LogFile(self.folder / "mail.log")
        self.logs.append(self.log)
        for name in ("queue", "data", "etc"):
            (self.folder / name).mkdir()
        os.chown(self.folder / "data", pwd.getpwnam("postfix").pw_uid, -1)
        (self.folder / "etc/main.cf").write_text(self._main(dovecot, extra))
        (self.folder / "etc/master.cf").write_text(self._master())

    def start(self) -> "Postfix":
        command = ["postfix", "-c", str(self.folder / "etc"), "start-fg"]
        self.launch(command, ready=lambda: can_connect(self.port))
        return self

    def _main(self, dovecot: Dovecot, extra: str) -> str:
        lines = f"""\
            compatibility_level = 3.6
            queue_directory = {self.folder}/queue
            data_directory = {self.folder}/data
            maillog_file = {self.log.path}
            maillog_file_prefixes = {self.folder}
            myhostname = mail.test
            mydestination =
            inet_interfaces = 127.0.0.1
            inet_protocols = ipv4
            mynetworks =
            alias_maps =
            alias_database =
            default_transport = discard
            relay_transport = discard
            smtpd_sasl_auth_enable = yes
            smtpd_sasl_type = dovecot
            smtpd_sasl_path = {dovecot.postfix_socket}
            smtpd_sasl_security_options = noanonymous
            smtpd_relay_restrictions = permit_sasl_authenticated, reject
            """
        return dedent(lines) + extra

    def _master(self) -> str:
        lines = f"""\
            127.0.0.1:{self.port} inet n - n - - smtpd
            cleanup unix n - n - 0 cleanup
            qmgr unix n - n 300 1 qmgr
            rewrite unix - - n - - trivial-rewrite
            proxymap unix - - n - - proxymap
            bounce unix - - n - 0 bounce
            defer unix - - n - 0 bounce
            trace unix - - n - 0 bounce
            discard unix - - n - - discard
            anvil unix - - n - 1 anvil
            postlog unix-dgram n - n - 1 postlogd
            """
        return dedent(lines)
