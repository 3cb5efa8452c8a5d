# SPDX-License-Identifier: LGPL-2.1-or-later
"""A certificate authority for one test run, made with openssl."""

import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path


@dataclass(frozen=True)
class Certificate:
    file: Path
    key: Path


LOCAL_CERTIFICATES = Path("/usr/local/share/ca-certificates")


def trust(authority: Path) -> None:
    """Makes an authority one of the system's, until the root's scratch layer goes
    or distrust()."""
    LOCAL_CERTIFICATES.mkdir(parents=True, exist_ok=True)
    copy = LOCAL_CERTIFICATES / "test-authority.crt"
    copy.write_text(authority.read_text())
    _update_certificates()


def distrust() -> None:
    (LOCAL_CERTIFICATES / "test-authority.crt").unlink()
    _update_certificates("--fresh")


def _update_certificates(*options: str) -> None:
    command = ["update-ca-certificates", *options]
    subprocess.run(command, check=True, capture_output=True)


class CertificateAuthority:
    def __init__(self, folder: Path):
        self._folder = folder
        self._request("ca", "-x509", "-days", "2", name="Test authority")
        self.file = folder / "ca.pem"

    def issue(self, host: str, expired: bool = False) -> Certificate:
        now = datetime.now(UTC)
        start = now - timedelta(days=400 if expired else 1)
        end = now + timedelta(days=-30 if expired else 2)
        stem = f"{host}.expired" if expired else host
        self._request(stem, name=host)
        extensions = self._folder / f"{stem}.ext"
        extensions.write_text(f"subjectAltName = DNS:{host}\n")
        # `openssl ca`, because `openssl x509` makes none that has expired.
        config = self._folder / f"{stem}.cnf"
        config.write_text(
            "[ca]\ndefault_ca = ours\n"
            "[ours]\npolicy = any\nunique_subject = no\nrand_serial = yes\n"
            f"new_certs_dir = {self._folder}\ndatabase = {self._folder}/index\n"
            "default_md = sha256\n"
            "[any]\ncommonName = supplied\n"
        )
        (self._folder / "index").touch()
        self._openssl(
            "ca", "-batch", "-notext", "-config", config, "-extfile", extensions,
            "-cert", self.file, "-keyfile", self._folder / "ca.key",
            "-startdate", f"{start:%Y%m%d%H%M%SZ}", "-enddate", f"{end:%Y%m%d%H%M%SZ}",
            "-in", self._folder / f"{stem}.pem", "-out", self._folder / f"{stem}.crt",
        )  # fmt: skip
        return Certificate(self._folder / f"{stem}.crt", self._folder / f"{stem}.key")

    def _request(self, stem: str, *options: str, name: str) -> None:
        self._openssl(
            "req", "-new", *options, "-subj", f"/CN={name}", "-nodes",
            "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
            "-keyout", self._folder / f"{stem}.key",
            "-out", self._folder / f"{stem}.pem",
        )  # fmt: skip

    def _openssl(self, *arguments: str | Path) -> None:
        subprocess.run(
            ["openssl", *arguments], check=True, capture_output=True, text=True
        )
