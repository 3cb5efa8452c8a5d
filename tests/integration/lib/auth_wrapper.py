# SPDX-License-Identifier: LGPL-2.1-or-later
"""Dovecot's auth, run by another program: for its environment, or for watching
it."""

import shlex
import subprocess
from pathlib import Path


def auth_wrapper(folder: Path, *command: str | Path) -> Path:
    """A program for Setup.auth_program that runs auth by the command."""
    libexec = subprocess.run(
        ["doveconf", "-h", "libexec_dir"], check=True, capture_output=True, text=True
    ).stdout.strip()
    words = [*map(str, command), f"{libexec}/auth"]
    script = folder / "auth-wrapper"
    script.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n')
    script.chmod(0o755)
    return script
