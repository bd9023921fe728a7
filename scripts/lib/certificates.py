"""Certificates of an authority of our own, made by the command openssl, and what a client needs to check them."""
import ssl
import subprocess
from pathlib import Path

KEY_OPTIONS = {
    "ec": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "rsa": ["-newkey", "rsa:2048"],
}


class Certificate:
    """A certificate for localhost and 127.0.0.1 in two files of `folder`. `renew` writes another in their place."""

    def __init__(self, folder: Path, kind: str = "ec"):
        self.kind = kind
        self.certificate = folder / "cert.pem"
        self.key = folder / "key.pem"
        self.authority = folder / "authority.pem"
        self.authority_key = folder / "authority-key.pem"
        self._make("/CN=tribe test authority", self.authority, self.authority_key)
        self.renew()

    def renew(self):
        self._make(
            "/CN=localhost", self.certificate, self.key, "-CA", str(self.authority), "-CAkey", str(self.authority_key),
            "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE")

    def _make(self, subject: str, certificate: Path, key: Path, *options: str):
        command = ["openssl", "req", "-x509", *KEY_OPTIONS[self.kind], "-nodes", "-days", "30", "-subj", subject,
                   "-keyout", str(key), "-out", str(certificate), *options]
        subprocess.run(command, check=True, capture_output=True, stdin=subprocess.DEVNULL)
        key.chmod(0o600)

    @property
    def pem(self) -> str:
        return self.certificate.read_text()

    def client(self) -> ssl.SSLContext:
        """Trusts the authority, and with it every certificate of this one's renewals."""
        return ssl.create_default_context(cafile=str(self.authority))
