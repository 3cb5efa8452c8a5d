# SPDX-License-Identifier: LGPL-2.1-or-later
"""PostgreSQL with our tables, of this test alone."""

import signal
import subprocess
from pathlib import Path

from lib.ports import free_port
from lib.processes import Daemon, LogFile, can_connect

TABLES = Path(__file__).parents[3] / "doc/flags-pgsql.sql"
# With all that a connection string can be hurt by.
PASSWORD = "it's 100%{user} \\ host=nowhere #1"
OWNER = "postgres"
STATES = ("none", "flagged", "cleared")


class Postgres(Daemon):
    """Listens on 127.0.0.1. Its server refuses to be root's."""

    def __init__(self) -> None:
        super().__init__("postgres")
        (binaries,) = Path("/usr/lib/postgresql").glob("*/bin")
        self._binaries = binaries
        self._data = self.folder / "data"
        self.port = free_port()
        self.log = LogFile(self.folder / "server.log")
        self.logs.append(self.log)
        self.folder.chmod(0o777)
        self._run(
            str(binaries / "initdb"),
            f"--pgdata={self._data}",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--auth-local=peer",
            "--auth-host=scram-sha-256",
        )
        self.start()
        for _ in range(2):  # it is safe to do that again
            self.psql(file=TABLES)
        quoted = PASSWORD.replace("'", "''")
        for role in ("dovecot_pwned", "dovecot_pwned_mta"):
            self.sql(f"ALTER ROLE {role} LOGIN PASSWORD '{quoted}'")
        self.connection = self.write_connection(self.folder / "pgsql.conf.ext")

    def write_connection(self, path: Path, **words: str) -> Path:
        """The file that pwned_flags names. words: others than those that are right."""
        said = {
            "host": "127.0.0.1",
            "port": str(self.port),
            "dbname": OWNER,
            "user": "dovecot_pwned",
            "password": PASSWORD,
        } | words
        path.touch(0o600)
        path.chmod(0o600)
        lines = ["# how to connect", *(f"{name}={quote(said[name])}" for name in said)]
        path.write_text("\n".join(lines) + "\n")
        return path

    def start(self) -> None:
        command = [
            *("setpriv", f"--reuid={OWNER}", f"--regid={OWNER}", "--init-groups"),
            *(self._binaries / "postgres", "-D", self._data, "-k", self.folder),
            *("-p", str(self.port), "-c", "listen_addresses=127.0.0.1"),
        ]
        self.launch(command, ready=lambda: can_connect(self.port) and self._answers())

    def stop(self, secs: float = 20) -> None:
        """Does not wait for connections to end by themselves."""
        if self._process:
            self._process.send_signal(signal.SIGINT)
        super().stop(secs)

    def freeze(self) -> list[int]:
        """The server and what it has started hang. Returns who they are."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children")
        pids = [self.pid]
        if children.exists():
            pids += [int(pid) for pid in children.read_text().split()]
        else:
            pids += self._children()
        for pid in pids:
            subprocess.run(["kill", "-STOP", str(pid)], check=True)
        return pids

    def thaw(self, pids: list[int]) -> None:
        for pid in pids:
            subprocess.run(["kill", "-CONT", str(pid)], check=False)

    def _children(self) -> list[int]:
        found = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(self.pid)],
            capture_output=True,
            text=True,
            check=True,
        )
        return [int(pid) for pid in found.stdout.split()]

    def _answers(self) -> bool:
        ready = [self._binaries / "pg_isready", "-q", "-h", self.folder]
        asked = subprocess.run([*ready, "-p", str(self.port)], check=False)
        return asked.returncode == 0

    def _run(self, *command: str) -> str:
        done = subprocess.run(
            ["setpriv", f"--reuid={OWNER}", f"--regid={OWNER}", "--init-groups", *command],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            cwd="/",
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def psql(self, *arguments: str, file: Path | None = None) -> str:
        """As the database's owner."""
        where = ("-h", str(self.folder), "-p", str(self.port), "-U", OWNER)
        options = ("-X", "-q", "-At", "-v", "ON_ERROR_STOP=1")
        if file is not None:
            arguments = (*arguments, "-f", str(file))
        return self._run("psql", *where, *options, *arguments, OWNER)

    def sql(self, statement: str) -> list[list[str]]:
        text = self.psql("-F", "\t", "-c", statement)
        return [line.split("\t") for line in text.splitlines()]

    def sql_as_mta(self, statement: str) -> subprocess.CompletedProcess[str]:
        """As the role for MTAs, with its password."""
        return subprocess.run(
            [
                *("psql", "-X", "-q", "-At", "-h", "127.0.0.1", "-p", str(self.port)),
                *("-U", "dovecot_pwned_mta", "-c", statement, OWNER),
            ],
            env={"PGPASSWORD": PASSWORD, "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def state(self, user: str) -> str:
        name = user.replace("'", "''")
        rows = self.sql(f"SELECT state FROM pwned_flag WHERE username = '{name}'")
        return STATES[int(rows[0][0])] if rows else "none"


def quote(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
