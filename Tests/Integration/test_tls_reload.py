"""Certificates that are replaced while the node runs, by SIGHUP."""
import signal
import socket
import ssl
import subprocess
import threading
from pathlib import Path

import pytest

from certificates import Certificate
from expectations import put
from http_client import Connection
from resp_client import PONG, RESPConnection
from servers import Tribe
from waiting import wait_until

SWAPS = 50


@pytest.fixture
def certificate(tmp_path) -> Certificate:
    return Certificate(tmp_path)


def shown_by(port: int) -> str:
    """The certificate that the server at `port` shows, as PEM."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        with context.wrap_socket(connection) as secure:
            return ssl.DER_cert_to_PEM_cert(secure.getpeercert(binary_form=True))


def reload(server: Tribe):
    server.process.send_signal(signal.SIGHUP)


class Load(threading.Thread):
    """New connections one after the other, each with a few requests, and one that is kept; counts what fails."""

    def __init__(self, server: Tribe, context: ssl.SSLContext):
        super().__init__()
        self.server = server
        self.context = context
        self.handshakes = 0
        self.requests = 0
        self.faults: list[str] = []
        self.is_over = threading.Event()

    def run(self):
        with Connection(self.server.port, tls=self.context) as kept:
            while not self.is_over.is_set():
                try:
                    self.step(kept)
                except Exception as fault:  # noqa: BLE001: whatever it is, it is counted
                    self.faults.append(repr(fault))

    def step(self, kept: Connection):
        with Connection(self.server.port, tls=self.context) as client:
            self.handshakes += 1
            for connection in (client, client, kept):
                if connection.request("GET", "/v1/cache/k").status != 200:
                    self.faults.append("not 200")
                self.requests += 1
        with RESPConnection(self.server.resp_port, tls=self.context) as client:
            self.handshakes += 1
            if client.call("PING") != PONG:
                self.faults.append("no PONG")
            self.requests += 1


def test_fifty_certificates_under_load(certificate):
    with Tribe(loops=2, tls=certificate) as server:
        with Connection(server.port, tls=certificate.client()) as client:
            assert put(client, "/v1/cache/k").status == 201
        loads = [Load(server, certificate.client()) for _ in range(3)]
        for load in loads:
            load.start()
        try:
            for _ in range(SWAPS):
                certificate.renew()
                reload(server)
                for port in (server.port, server.resp_port):
                    wait_until(lambda: shown_by(port) == certificate.pem, "the new certificate is shown")
        finally:
            for load in loads:
                load.is_over.set()
            for load in loads:
                load.join()
        assert not [fault for load in loads for fault in load.faults]
        handshakes, requests = (sum(getattr(load, name) for load in loads) for name in ("handshakes", "requests"))
        assert handshakes > SWAPS and requests > SWAPS
        print(f"{SWAPS} certificates, {handshakes} handshakes, {requests} requests, none failed")
        # The node also notices by itself that the files have changed.
        assert sum(line["message"] == "certificate loaded" for line in server.log()) >= SWAPS + 1


def test_a_broken_pair_changes_nothing_and_says_why(certificate):
    with Tribe(loops=2, tls=certificate) as server:
        good, key = certificate.pem, certificate.key.read_bytes()
        certificate.renew()
        certificate.key.write_bytes(key)
        reload(server)
        wait_until(
            lambda: server.has_logged("settings rejected: the old ones stay in force"), "the refusal")
        line = next(line for line in server.log() if line["level"] == "warning")
        assert f"the key in {certificate.key} is not the key of the certificate in {certificate.certificate}" in (
            line["faults"])
        assert shown_by(server.port) == good
        certificate.renew()
        reload(server)
        wait_until(lambda: shown_by(server.port) == certificate.pem, "the good pair is shown")


def test_an_open_connection_goes_on_with_its_own(certificate):
    with Tribe(tls=certificate) as server:
        with Connection(server.port, tls=certificate.client()) as client:
            assert put(client, "/v1/cache/k").status == 201
            certificate.renew()
            reload(server)
            wait_until(lambda: shown_by(server.port) == certificate.pem, "the new certificate is shown")
            assert client.request("GET", "/v1/cache/k").status == 200


def test_a_session_outlives_its_certificate(certificate, tmp_path: Path):
    def connect(*options: str) -> str:
        command = ["openssl", "s_client", "-connect", f"127.0.0.1:{server.port}", "-ign_eof", *options]
        return subprocess.run(
            command, input="GET /livez HTTP/1.0\r\nHost: a\r\n\r\n", capture_output=True, text=True, timeout=30).stdout

    with Tribe(loops=2, tls=certificate) as server:
        session = str(tmp_path / "session")
        assert "New, TLSv1.3" in connect("-sess_out", session)
        certificate.renew()
        reload(server)
        wait_until(lambda: shown_by(server.port) == certificate.pem, "the new certificate is shown")
        assert "Reused, TLSv1.3" in connect("-sess_in", session)
