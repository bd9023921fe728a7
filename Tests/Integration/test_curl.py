"""curl, the client that everybody tries first."""
import os
import subprocess

import pytest


@pytest.fixture
def curl(node):
    def run(path: str, *options: str, body: bytes | None = None) -> subprocess.CompletedProcess:
        command = ["curl", "--silent", "--show-error", "--max-time", "20", *options,
                   f"http://localhost:{node.port}{path}"]
        return subprocess.run(command, input=body, capture_output=True, timeout=30, check=True)

    return run


def test_the_two_commands_of_the_readme(curl, path):
    curl(f"{path}?ttl=60s", "-X", "PUT", "--data-binary", "hello")
    assert curl(path).stdout == b"hello"


def test_put_tells_created_from_replaced(curl, path):
    status = ["-X", "PUT", "--data-binary", "hello", "-o", "/dev/null", "-w", "%{http_code}"]
    assert [curl(path, *status).stdout for _ in range(2)] == [b"201", b"204"]


def test_head_has_the_headers_of_get_and_no_body(curl, path):
    curl(path, "-X", "PUT", "--data-binary", "hello")
    head = curl(path, "--head").stdout
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\nContent-Length: 5\r\n" in head and head.endswith(b"\r\n\r\n")


def test_a_large_body_waits_for_continue(curl, path):
    value = os.urandom(3 << 20)
    answer = curl(path, "--verbose", "-H", "Expect: 100-continue", "-T", "-", "-H", "Transfer-Encoding:",
                  "-H", f"Content-Length: {len(value)}", body=value)
    assert b"HTTP/1.1 100 Continue" in answer.stderr
    assert curl(path).stdout == value


def test_an_upload_of_unknown_length_is_chunked(curl, path):
    value = os.urandom(1 << 20)
    answer = curl(path, "--verbose", "-T", "-", body=value)
    assert b"> Transfer-Encoding: chunked" in answer.stderr
    assert curl(path).stdout == value


def test_content_type_and_encoding_are_kept(curl, path):
    curl(path, "-X", "PUT", "--data-binary", "{}", "-H", "Content-Type: application/json", "-H", "Content-Encoding: x")
    head = curl(path, "--head").stdout
    assert b"\r\nContent-Type: application/json\r\n" in head
    assert b"\r\nContent-Encoding: x\r\n" in head


def test_many_at_once(node, curl, path):
    curl(path, "-X", "PUT", "--data-binary", "hello")
    answer = curl(path, "--parallel", "--parallel-max", "50",
                  *[f"http://localhost:{node.port}{path}"] * 99)
    assert answer.stdout == b"hello" * 100


def test_one_connection_serves_many_requests(node, curl, path):
    curl(path, "-X", "PUT", "--data-binary", "hello")
    answer = curl(path, "-w", "%{num_connects}", *[f"http://localhost:{node.port}{path}"] * 9)
    assert answer.stdout == b"hello1" + b"hello0" * 9


def test_http_1_0_is_answered_and_closed(curl, path):
    curl(path, "-X", "PUT", "--data-binary", "hello")
    answer = curl(path, "--http1.0", "--include")
    assert answer.stdout.endswith(b"\r\n\r\nhello")
    assert b"\r\nConnection: close\r\n" in answer.stdout
