# SPDX-License-Identifier: LGPL-2.1-or-later
"""A private PostgreSQL with the view that MTAs read where several hosts share
their accounts."""

import shutil
import signal
import subprocess
from pathlib import Path

from lib.ports import free_port
from lib.processes import Daemon, can_connect

OWNER = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"]
ROLE = "dovecot_pwned_mta"
VIEW = f"""\
CREATE TABLE held (username text COLLATE "C" PRIMARY KEY, text text NOT NULL);
CREATE VIEW pwned_hold (username, text) AS SELECT username, text FROM held;
CREATE ROLE {ROLE} LOGIN;
GRANT SELECT ON pwned_hold TO {ROLE};
"""


def program(name: str) -> Path:
    """Debian has them in a folder of their release."""
    return next(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))


class HoldView(Daemon):
    def __init__(self) -> None:
        super().__init__("postgresql")
        self.port = free_port()
        self.data = self.folder / "data"
        self.data.mkdir()
        shutil.chown(self.data, "postgres", "postgres")
        self.data.chmod(0o700)

    def start(self) -> "HoldView":
        words = ["--encoding=UTF8", "--locale=C.UTF-8", "--auth=trust"]
        command = [*OWNER, program("initdb"), "-D", self.data, *words]
        subprocess.run(command, check=True, capture_output=True, cwd="/")
        server = [*OWNER, program("postgres"), "-D", self.data, "-k", self.data]
        server += ["-c", "listen_addresses=127.0.0.1", "-p", str(self.port)]
        self.launch(server, ready=lambda: can_connect(self.port) and self._answers())
        self.execute(VIEW)
        return self

    def stop(self, secs: float = 20) -> None:
        """Does not wait for connections to end by themselves."""
        if self._process:
            self._process.send_signal(signal.SIGINT)
        super().stop(secs)

    def write(self, rows: dict[str, str]) -> None:
        """Those who are held, and nobody else."""

        def quoted(text: str) -> str:
            return "'" + text.replace("'", "''") + "'"

        lines = (
            f"INSERT INTO held VALUES ({quoted(user)}, {quoted(text)});\n"
            for user, text in rows.items()
        )
        self.execute("DELETE FROM held;\n" + "".join(lines))

    def map_text(self, example: Path) -> str:
        text = example.read_text()
        hosts = f"hosts = inet:127.0.0.1:{self.port}"
        text = text.replace("hosts = db.example.com", hosts)
        return text.replace("dbname = mail", "dbname = postgres")

    def execute(self, sql: str) -> None:
        result = self._psql(sql)
        assert result.returncode == 0, result.stderr

    def _answers(self) -> bool:
        return self._psql("SELECT 1;").returncode == 0

    def _psql(self, sql: str) -> subprocess.CompletedProcess[str]:
        command = ["psql", "-X", "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        command += ["-U", "postgres", "-v", "ON_ERROR_STOP=1"]
        return subprocess.run(
            command, input=sql, capture_output=True, text=True, check=False
        )
