"""TLS as clients see it: openssl s_client, curl, redis-py, Python's ssl."""
import os
import socket
import ssl
import subprocess
import time

import pytest
import redis

from certificates import Certificate
from expectations import expect_problem, expect_value, metrics, put
from http_client import Connection, render_request
from resp_client import OK, RESPConnection
from servers import Tribe
from waiting import wait_until

CLIENT_HELLO_START = bytes.fromhex("16030100c8010000c40303")


@pytest.fixture(scope="module", params=["ec", "rsa"])
def certificate(request, tmp_path_factory) -> Certificate:
    return Certificate(tmp_path_factory.mktemp("certificate"), request.param)


@pytest.fixture(scope="module")
def secure_node(certificate) -> Tribe:
    with Tribe(loops=2, tls=certificate) as server:
        yield server
        assert not [line for line in server.log() if line["level"] in ("warning", "error")]


@pytest.fixture
def s_client(secure_node):
    """openssl s_client against a port, the HTTP port if none is named; what it prints, on both outputs."""

    def run(*options: str, port: int | None = None, text: str = "") -> str:
        command = ["openssl", "s_client", "-connect", f"127.0.0.1:{port or secure_node.port}", *options]
        result = subprocess.run(command, input=text, capture_output=True, text=True, timeout=30)
        return result.stdout + result.stderr

    return run


def is_agreed(output: str) -> bool:
    return "Cipher is (NONE)" not in output and "Cipher is " in output


# Versions, ciphers, protocols

@pytest.mark.parametrize("version", ["-tls1", "-tls1_1"])
def test_old_versions_are_refused(s_client, version):
    output = s_client(version, "-cipher", "ALL:@SECLEVEL=0")
    assert "alert protocol version" in output
    assert not is_agreed(output)


@pytest.mark.parametrize("version, name", [("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")])
def test_new_versions_are_spoken(s_client, version, name):
    output = s_client(version)
    assert f"New, {name}, Cipher is " in output
    assert "Compression: NONE" in output


@pytest.mark.parametrize("cipher", [
    "AES128-SHA", "AES128-GCM-SHA256", "AES256-SHA256", "ECDHE-ECDSA-AES128-SHA", "ECDHE-RSA-AES128-SHA",
    "ECDHE-RSA-AES256-SHA384", "DHE-RSA-AES128-GCM-SHA256", "AECDH-AES128-SHA", "ECDHE-RSA-NULL-SHA", "NULL-SHA256"])
def test_weak_ciphers_are_refused(s_client, cipher):
    output = s_client("-tls1_2", "-cipher", f"{cipher}:@SECLEVEL=0")
    assert "alert handshake failure" in output
    assert not is_agreed(output)


def test_the_server_chooses_the_cipher(s_client, certificate):
    kind = {"ec": "ECDSA", "rsa": "RSA"}[certificate.kind]
    ciphers = f"ECDHE-{kind}-AES256-GCM-SHA384:ECDHE-{kind}-AES128-GCM-SHA256"
    assert f"Cipher is ECDHE-{kind}-AES256-GCM-SHA384" in s_client("-tls1_2", "-cipher", ciphers)
    ciphers = f"ECDHE-{kind}-AES128-GCM-SHA256:ECDHE-{kind}-AES256-GCM-SHA384"
    assert f"Cipher is ECDHE-{kind}-AES256-GCM-SHA384" in s_client("-tls1_2", "-cipher", ciphers)


def test_the_lowest_version_can_be_raised(start_node, certificate):
    node = start_node(tls=certificate, settings={"TRIBE_TLS_MINVERSION": "1.3"})
    context = certificate.client()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises(ssl.SSLError, match="PROTOCOL_VERSION"):
        Connection(node.port, tls=context)
    with Connection(node.port, tls=certificate.client()) as client:
        assert client.request("GET", "/livez").status == 200


def test_http_agrees_on_its_protocol_by_name(s_client):
    assert "ALPN protocol: http/1.1" in s_client("-alpn", "h2,http/1.1")
    assert "alert no application protocol" in s_client("-alpn", "h2")


def test_commands_have_no_protocol_name(s_client, secure_node):
    assert "No ALPN negotiated" in s_client("-alpn", "http/1.1", port=secure_node.resp_port)


def test_nothing_is_negotiated_again(s_client):
    output = s_client("-tls1_2", text="R\n")
    assert is_agreed(output) and "no renegotiation" in output


# Requests and commands

@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_curl(secure_node, certificate, version):
    value = os.urandom(3 << 20)
    command = ["curl", "--silent", "--show-error", "--fail", "--cacert", str(certificate.authority),
               f"--tlsv{version}", "--tls-max", version, f"https://localhost:{secure_node.port}/v1/cache/curl"]
    subprocess.run([*command, "-X", "PUT", "--data-binary", "@-"], input=value, check=True, capture_output=True)
    assert subprocess.run(command, check=True, capture_output=True).stdout == value


@pytest.mark.parametrize("protocol", [2, 3])
def test_redis_py(secure_node, certificate, protocol):
    value = os.urandom(5 << 20)
    with redis.Redis(port=secure_node.resp_port, protocol=protocol, ssl=True,
                     ssl_ca_certs=str(certificate.authority)) as client:
        assert client.set("large", value) is True
        assert client.get("large") == value
        with client.pipeline(transaction=False) as pipeline:
            for index in range(5_000):
                pipeline.set(f"k{index}", index).get(f"k{index}")
            replies = pipeline.execute()
        assert replies == [reply for index in range(5_000) for reply in (True, str(index).encode())]
        with client.pubsub(ignore_subscribe_messages=True) as subscriber:
            subscriber.subscribe("news")
            wait_until(lambda: client.publish("news", "one") == 1, "the subscription")
            assert wait_until(lambda: subscriber.get_message(timeout=1), "the message")["data"] == b"one"


def test_a_pipeline_of_requests(secure_node, certificate):
    with Connection(secure_node.port, tls=certificate.client()) as client:
        assert put(client, "/v1/cache/pipelined", b"x" * 10_000).status in (201, 204)
        client.send(render_request("GET", "/v1/cache/pipelined", "localhost") * 200)
        for _ in range(200):
            expect_value(client.read_response(), b"x" * 10_000)


def test_a_request_byte_by_byte(secure_node, certificate):
    with Connection(secure_node.port, tls=certificate.client()) as client:
        for byte in render_request("GET", "/livez", "localhost"):
            client.send(bytes([byte]))
        assert client.read_response().status == 200


def test_a_client_may_end_its_stream_and_read_on(secure_node, certificate):
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = certificate.client().wrap_bio(incoming, outgoing, server_hostname="localhost")
    with socket.create_connection(("127.0.0.1", secure_node.port), timeout=20) as connection:
        def step(operation):
            while True:
                try:
                    result = operation()
                    connection.sendall(outgoing.read())
                    return result
                except ssl.SSLWantReadError:
                    connection.sendall(outgoing.read())
                    data = connection.recv(65_536)
                    incoming.write(data) if data else incoming.write_eof()

        step(client.do_handshake)
        client.write(render_request("GET", "/livez", "localhost"))
        with pytest.raises(ssl.SSLWantReadError):
            client.unwrap()
        # The request and close_notify leave together.
        assert step(lambda: client.read(65_536)).startswith(b"HTTP/1.1 200 OK\r\n")
        # The server's close_notify, then its end.
        with pytest.raises(ssl.SSLZeroReturnError):
            step(lambda: client.read(65_536))
        assert connection.recv(1) == b""


def test_a_client_that_vanishes_within_a_request_harms_nobody(secure_node, certificate):
    for end in (Connection.close, Connection.reset):
        client = Connection(secure_node.port, tls=certificate.client())
        client.send(b"PUT /v1/cache/half HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nhalf")
        end(client)
    with Connection(secure_node.port, tls=certificate.client()) as client:
        assert client.request("GET", "/v1/cache/half").status == 404


@pytest.mark.memory
def test_a_large_answer_is_in_memory_once(start_node, certificate):
    node = start_node(memory="256MiB", tls=certificate)
    size = 48 << 20
    with Connection(node.port, tls=certificate.client()) as client:
        assert put(client, "/v1/cache/large", b"x" * size).status == 201
        before = node.resident_bytes()
        client.send(render_request("GET", "/v1/cache/large", "localhost", {"Connection": "close"}))
        received = most = 0
        while data := client.socket.recv(1 << 20):
            received += len(data)
            most = max(most, node.resident_bytes())
        assert received > size
        assert most - before < 8 << 20


# Sessions

@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_a_session_is_resumed(s_client, tmp_path, version):
    session = str(tmp_path / "session")
    request = "GET /livez HTTP/1.0\r\nHost: a\r\n\r\n"
    assert "New, TLSv1" in s_client(version, "-ign_eof", "-sess_out", session, text=request)
    assert "Reused, TLSv1" in s_client(version, "-ign_eof", "-sess_in", session, text=request)


def test_sessions_are_resumed_again_and_again(s_client):
    output = s_client("-tls1_2", "-reconnect")
    assert output.count("Reused, TLSv1.2") == 5


# Who does not speak TLS, or not to the end

def test_a_plain_request_is_told_to_use_https(secure_node):
    with Connection(secure_node.port) as client:
        problem = expect_problem(client.request("GET", "/livez"), 400, "tls_required")
        assert "https://" in problem["detail"]
        assert client.is_closed_by_server()


def test_a_plain_command_is_told_to_use_tls(secure_node):
    with RESPConnection(secure_node.resp_port) as client:
        client.send(b"*1\r\n$4\r\nPING\r\n")
        assert client.read_to_end() == b"-ERR TLS is required on this port (redis-cli --tls, rediss://)\r\n"


def test_noise_is_no_handshake(secure_node):
    for noise in (b"\x00" * 100, b"\xff" * 5, b"\x16\x03\x01\x00\x05hello", b"\x15\x03\x01\x00\x02\x02\x28"):
        with Connection(secure_node.port) as client:
            client.send(noise)
            # At most an alert.
            assert len(client.read_to_end()) <= 7


def test_a_stalled_handshake_is_cut(start_node, certificate):
    node = start_node(tls=certificate, settings={"TRIBE_LIMITS_HEADERTIMEOUT": "1s"})
    for port in (node.port, node.resp_port):
        stalled = [Connection(port) for _ in range(200)]
        started = time.monotonic()
        for index, connection in enumerate(stalled):
            connection.send(CLIENT_HELLO_START[:index % len(CLIENT_HELLO_START)])
        with Connection(node.port, tls=certificate.client()) as client:
            while time.monotonic() < started + 0.7:
                assert client.request("GET", "/livez").status == 200
        for connection in stalled:
            assert connection.is_closed_by_server()
            connection.close()
        assert 0.9 < time.monotonic() - started < 5
    with Connection(node.port, tls=certificate.client()) as client:
        samples = metrics(client)
    assert samples['tribe_loop_lag_max_seconds{loop="0"}'] < 0.25
    assert samples['tribe_tls_handshakes_total{outcome="failed"}'] >= 380


def test_a_handshake_that_drips_is_cut(start_node, certificate):
    node = start_node(tls=certificate, settings={"TRIBE_LIMITS_HEADERTIMEOUT": "1s"})
    with socket.create_connection(("127.0.0.1", node.resp_port), timeout=0.1) as connection:
        started = time.monotonic()
        for byte in CLIENT_HELLO_START + bytes(1_000):
            try:
                connection.sendall(bytes([byte]))
                if connection.recv(1) == b"":
                    break
            except TimeoutError:
                continue
            except ConnectionError:
                break
        assert 0.9 < time.monotonic() - started < 5


def test_one_connection_too_many(start_node, certificate):
    node = start_node(tls=certificate, settings={"TRIBE_LIMITS_CONNECTIONS": "2"})
    context = certificate.client()
    held = [Connection(node.port, tls=context) for _ in range(2)]
    for connection in held:
        assert connection.request("GET", "/livez").status == 200
    with Connection(node.port, tls=context) as client:
        expect_problem(client.read_response(), 503, "too_many_connections")
    commands = [RESPConnection(node.resp_port, tls=context) for _ in range(2)]
    assert [client.call("SET", "a", 1) for client in commands] == [OK, OK]
    with pytest.raises((ssl.SSLError, ConnectionError)):
        RESPConnection(node.resp_port, tls=context)
    for connection in held + commands:
        connection.close()


# Faults at the start

def test_a_node_does_not_start_without_a_usable_pair(tmp_path):
    certificate = Certificate(tmp_path)
    certificate.key.chmod(0o644)
    with pytest.raises(RuntimeError, match="others may read it"):
        Tribe(tls=certificate).start()


def test_a_certificate_without_a_key_is_no_setting():
    with pytest.raises(RuntimeError, match="TLS needs both"):
        Tribe(settings={"TRIBE_TLS_CERT": "/cert.pem"}).start()
