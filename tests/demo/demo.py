# SPDX-License-Identifier: LGPL-2.1-or-later
"""The demo: two customers, one with a breached password, meet a private Dovecot
and a private Postfix. He is warned, then refused, and sends again. Prints what
each protocol says beside what the operator's log says, and fails where a line is
not what it should be.

usage: demo.py [--live] [--transcript FILE]"""

import argparse
import re
import subprocess
import sys
import tempfile
import textwrap
import time
from base64 import b64encode
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS / "integration"), str(TESTS / "rangeserver")]

from lib import series  # noqa: E402
from lib.certificates import CertificateAuthority  # noqa: E402
from lib.account_site import DAY, older  # noqa: E402
from lib.doveadm import Pwned  # noqa: E402
from lib.dovecot import Dovecot  # noqa: E402
from lib.dovecot_config import Setup  # noqa: E402
from lib.hold_postfix import HoldPostfix, sqlite_map  # noqa: E402
from lib.processes import Daemon, LogFile, wait_until  # noqa: E402
from lib.range_source import Nginx, RangeServer  # noqa: E402
from lib.users import BREACHED, BREACHED2, CLEAN, CLEAN2, User  # noqa: E402

LIVE_SOURCE = "https://api.pwnedpasswords.com/range/"
PASSWORD_PAGE = "https://www.example.com/password"
POLICY = "smtp=hold:grace=14d submission=deny:grace=14d *=warn"
GRACE_DAYS = 14
HOLD_GROUP = "mailhold"
ANNA = User("anna", BREACHED.password)
BEN = User("ben", CLEAN.password)
WIDTH = 75
DOVECOT = series.installed()

APPEARS = "in a known data breach."
CHOOSE = f"Choose a new one: {PASSWORD_PAGE}"
STOPS = f"Your mail password appears {APPEARS} Sending stops on DAY. {CHOOSE}"
WARNED = f"Your mail password appears {APPEARS} {CHOOSE}"
REFUSED = f"Sending is blocked: this password appears {APPEARS} {CHOOSE}"
HELD = (
    f"Sending is blocked: this password appears {APPEARS} Choose a new one, then "
    f"log in with it: {PASSWORD_PAGE}"
)


class Failure(Exception):
    """A line that is not what it should be."""


@dataclass(frozen=True)
class Step:
    """A login, and what it must look like: patterns for lines of the server, in
    order, and for one line of the operator's log."""

    protocol: str
    title: str
    user: User
    server: tuple[str, ...]
    log: str


def read(title: str, user: User, alert: str = "") -> Step:
    server = (r"\S+ OK .*Logged in",)
    if alert:
        server = (r"\* OK \[ALERT\] " + re.escape(alert), *server)
    return Step("imap", title, user, server, DOVECOT.login_line("imap", user.name))


def send(title: str, user: User) -> Step:
    """Through Postfix, which takes the mail."""
    return Step(
        "smtp",
        title,
        user,
        (r"235 2\.7\.0 Authentication successful", r"250 2\.1\.0 Ok"),
        rf"postfix/submission/smtpd: .*sasl_username={user.name}",
    )


def send_and_be_refused(title: str, user: User) -> Step:
    return Step(
        "smtp",
        title,
        user,
        (
            r"235 2\.7\.0 Authentication successful",
            rf"550 5\.7\.1 <{user.name}>: SASL login name rejected: "
            + re.escape(HELD),
        ),
        DOVECOT.hold_line(user.name, "127.0.0.1"),
    )


IN_GRACE = (
    read("Anna reads her mail: she is let in, and warned", ANNA, STOPS),
    send("Anna sends: she may, for now", ANNA),
    read("Ben reads his mail: nothing is different for him", BEN),
)
REFUSING = (
    send_and_be_refused("Anna sends through Postfix: refused, and told why", ANNA),
    Step(
        "submission",
        "Anna sends through Dovecot's submission server: refused",
        ANNA,
        (r"535 5\.7\.8 " + re.escape(REFUSED),),
        DOVECOT.denial_line("anna", "127.0.0.1"),
    ),
    read("Anna reads her mail: as ever", ANNA, WARNED),
)


class Printer:
    """Prints, and keeps what it printed for the transcript."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def __call__(self, line: str = "") -> None:
        self.lines.append(line)
        print(line, flush=True)

    def quote(self, mark: str, text: str) -> None:
        """A raw line; a long one goes on below, indented."""
        lines = textwrap.wrap(text, WIDTH - 9, break_on_hyphens=False) or [""]
        self(f"  {mark:4} {lines[0]}".rstrip())
        for line in lines[1:]:
            self(f"         {line}")


def curl_login(protocol: str, port: int, user: User) -> list[tuple[str, str]]:
    """Logs in by curl, at an SMTP server to send a mail; the lines of the session,
    "C" or "S" before each. The password goes by standard input, so that no process
    list shows it."""
    sends = protocol in ("smtp", "submission")
    scheme = "smtp" if sends else protocol
    config = (
        f'url = "{scheme}://127.0.0.1:{port}/"\nuser = "{user.name}:{user.password}"\n'
        'login-options = "AUTH=PLAIN"\nsilent\nverbose\nsasl-ir\nmax-time = 20\n'
    )
    if sends:
        config += (
            f'mail-from = "{user.name}@example.com"\nmail-rcpt = "you@example.net"\n'
            'upload-file = "/etc/hostname"\n'
        )
    elif protocol == "imap":
        config += 'request = "NOOP"\n'
    session = subprocess.run(
        ["curl", "--disable", "--config", "-"],
        input=config,
        capture_output=True,
        text=True,
        check=False,
    )
    lines = []
    for line in session.stderr.splitlines():
        if line[:2] in ("> ", "< "):
            lines.append(("C" if line[0] == ">" else "S", line[2:].rstrip()))
    return lines


def session_from_login(
    lines: list[tuple[str, str]], user: User
) -> list[tuple[str, str]]:
    """From the line with the credentials, which are masked, to the answer; of one
    who sends, to that of MAIL."""
    secret = b64encode(f"\0{user.name}\0{user.password}".encode()).decode()
    found = [i for i, (side, line) in enumerate(lines) if side == "C" and secret in line]
    if not found:
        raise Failure(f"the client sent no credentials: {lines}")
    start = found[-1]
    shown = [("C", lines[start][1].replace(secret, "********"))]
    for side, line in lines[start + 1 :]:
        if side == "C" and not line.startswith("MAIL "):
            break
        shown.append((side, line))
    return shown


def without_day(line: str) -> str:
    return re.sub(r"\b\d{4}-\d\d-\d\d(T[\d:]+Z)?", "DAY", line)


def shorten(line: str) -> str:
    """Without what differs from run to run, or says nothing here."""
    line = re.sub(r"\[CAPABILITY [^]]*\]", "[CAPABILITY ...]", line)
    line = re.sub(r"^\* CAPABILITY .*", "* CAPABILITY ...", line)
    line = re.sub(r"^\w{3} +\d+ [\d:.]+ (\S+ (?=postfix))?", "", line)
    line = re.sub(r"(postfix/[\w/]+)\[\d+\]: (?:[0-9A-F]+: )?", r"\1: ", line)
    line = re.sub(r"^(MAIL FROM:<\S+>).*", r"\1", line)
    line = without_day(line)
    line = re.sub(r",<[^>]*>\)|\)<[^>]*>(?=:)", ")", line)
    return re.sub(r", lip=.*", "", line)


def find_log_line(logs: list[tuple[LogFile, int]], pattern: str) -> str:
    """The line of the operator's log; it may come a moment after the reply."""
    lines: list[str] = []

    def appeared() -> bool:
        text = "".join(log.text(since=mark) for log, mark in logs)
        short = map(shorten, text.splitlines())
        lines[:] = [line for line in short if re.fullmatch(pattern, line)]
        return bool(lines)

    try:
        wait_until(appeared, pattern)
    except TimeoutError as error:
        raise Failure("a line is missing in the operator's log") from error
    return lines[0]


def check_lines(step: Step, session: list[tuple[str, str]]) -> None:
    replies = [
        without_day(line)
        for side, line in session
        if side == "S" and not line.startswith("* CAPABILITY ")
    ]
    if len(replies) != len(step.server) or not all(
        re.fullmatch(pattern, line)
        for pattern, line in zip(step.server, replies, strict=True)
    ):
        raise Failure(f"{step.title}: expected {step.server}, the server said {replies}")


class Demo:
    def __init__(self, stack: ExitStack, live: bool):
        self.say = Printer()
        self.range_server = None
        make_hold_group()
        settings = (
            f"pwned_url = {PASSWORD_PAGE}\npwned_policy = {POLICY}\n"
            f"pwned_hold_group = {HOLD_GROUP}\n"
        )
        if live:
            require_internet()
        else:
            settings += self._start_range_server(stack)
        setup = Setup(users=(ANNA, BEN), settings=settings, imap_plugin=True)
        self.dovecot = stack.enter_context(Dovecot(setup).start())
        # Postfix finds hold.db there, below a folder that is all users'
        self.dovecot.folder.chmod(0o755)
        self.dovecot.auth_pid()
        holds = self.dovecot.place.hold / "hold.db"
        wait_until(holds.exists, "hold.db")
        postfix = HoldPostfix(self.dovecot, "sqlite", sqlite_map(holds))
        self.postfix = stack.enter_context(postfix.start())

    def _start_range_server(self, stack: ExitStack) -> str:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        authority = CertificateAuthority(Path(folder))
        # auth reads it, as user dovecot
        Path(folder).chmod(0o755)
        self.range_server = stack.enter_context(RangeServer())
        nginx = Nginx(self.range_server, authority.issue("range.test"))
        stack.enter_context(nginx)
        return (
            f"pwned_source = {nginx.url}\npwned_source_ca_file = {authority.file}\n"
        )

    def login(self, step: Step) -> None:
        logs = [(log, log.end()) for log in (self.dovecot.log, self.postfix.log)]
        ports = {**self.dovecot.ports, "smtp": self.postfix.port}
        port = ports[step.protocol]
        lines = curl_login(step.protocol, port, step.user)
        session = session_from_login(lines, step.user)
        self.say()
        self.say(step.title)
        for side, line in session:
            self.say.quote(f"{side}:", shorten(line))
        check_lines(step, session)
        self.say.quote("log:", find_log_line(logs, step.log))

    def change_password(self, title: str, password: str, expected: int) -> None:
        command = ["dovecot-pwned-check", "-c", str(self.dovecot.place.settings)]
        check = subprocess.run(
            command, input=password, capture_output=True, text=True, check=False
        )
        self.say()
        self.say(title)
        self.say.quote("$", "dovecot-pwned-check   # the password by standard input")
        for line in check.stdout.splitlines():
            self.say.quote("", line)
        self.say.quote("", f"exit status {check.returncode}")
        if check.returncode != expected:
            raise Failure(f"exit status {expected} was expected\n{check.stderr}")

    def show_requests(self) -> None:
        if self.range_server is None:
            return
        self.say()
        self.say("All that the range server was asked so far: five hex digits of a SHA-1")
        events = self.range_server.events()
        for event in events:
            self.say.quote("", f"GET /range/{event['prefix']}")
        asked = {event["prefix"] for event in events}
        if len(asked) != 4 or any(len(prefix) != 5 for prefix in asked):
            raise Failure(f"four prefixes of five digits were expected: {asked}")
        if {event["forwarded_protocol"] for event in events} != {"HTTP/2.0"}:
            raise Failure("the requests did not come over HTTP/2")

    def rows(self) -> list[str]:
        lines = Pwned(self.dovecot).run("list", form="table").stdout.splitlines()
        return [" ".join(shorten(line).split()) for line in lines]

    def show_list(self, title: str) -> None:
        self.say()
        self.say(title)
        self.say.quote("$", "doveadm pwned list")
        for row in self.rows():
            self.say.quote("", row)
        if not re.fullmatch(r"anna grace DAY DAY imap DAY", self.rows()[-1]):
            raise Failure("Anna is not on record as she should be")

    def let_days_pass(self, days: int) -> None:
        flags = self.dovecot.place.state / "flags.db"
        older(flags, ANNA, days * DAY)
        self.say()
        self.say(f"{days} days later (the demo makes the record older)")

    def choose(self, password: str) -> User:
        """The provider's page has set it."""
        anna = User(ANNA.name, password)
        self.dovecot.change(users=(anna, BEN))
        # Dovecot looks at its file once a second
        time.sleep(1.1)
        return anna

    def expect_line(self, pattern: str) -> None:
        line = find_log_line([(self.dovecot.log, 0)], pattern)
        self.say.quote("log:", line)

    def run(self) -> None:
        self.say(
            f"Dovecot {DOVECOT.name} and Postfix. Anna's password is in a known "
            "breach, Ben's is not."
        )
        self.say(f"pwned_policy = {POLICY}")
        for step in IN_GRACE:
            self.login(step)
            # what logins say is written a moment later
            wait_until(lambda: "anna" in "".join(self.rows()), "Anna's record")
        self.show_list("What the operator sees")
        self.let_days_pass(GRACE_DAYS)
        for step in REFUSING:
            self.login(step)
        self.change_password(
            "She chooses another password, breached as well: refused",
            BREACHED2.password,
            1,
        )
        self.change_password("And one that is not: accepted", CLEAN2.password, 0)
        anna = self.choose(CLEAN2.password)
        self.login(send("Anna sends with her new password: as before", anna))
        self.expect_line(r"auth: Info: pwned: Cleared: user anna, .*")
        self.show_requests()


def make_hold_group() -> None:
    """Of those who may read whose mail is refused."""
    subprocess.run(["groupadd", "--force", "--system", HOLD_GROUP], check=True)
    command = ["usermod", "--append", "--groups", HOLD_GROUP, "postfix"]
    subprocess.run(command, check=True)


def require_internet() -> None:
    probe = ["curl", "--silent", "--fail", "--max-time", "10", "--output", "/dev/null"]
    if subprocess.run([*probe, LIVE_SOURCE + "21BD1"], check=False).returncode != 0:
        raise Failure(f"--live needs internet access: {LIVE_SOURCE} does not answer")


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--live", action="store_true", help="ask the public API")
    parser.add_argument("--transcript", type=Path, help="write what is printed there")
    arguments = parser.parse_args()
    try:
        with ExitStack() as stack:
            demo = Demo(stack, arguments.live)
            try:
                demo.run()
            except Failure:
                for daemon in Daemon.running:
                    print(daemon.report(), file=sys.stderr)
                raise
    except Failure as failure:
        print(f"\nThe demo failed: {failure}", file=sys.stderr)
        return 1
    if arguments.transcript:
        arguments.transcript.write_text("\n".join(demo.say.lines) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
