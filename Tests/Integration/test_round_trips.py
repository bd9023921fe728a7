"""What is stored comes back byte for byte: values of every size, values of every byte, keys of every byte."""
import random
from urllib.parse import quote_from_bytes

import pytest

from expectations import expect_problem, expect_value, put

SIZES = [0] + [1 << power for power in range(27)]
VALUE_MAX = 64 << 20


def encoded(key: bytes) -> str:
    return "/v1/cache/" + quote_from_bytes(key, safe="")


@pytest.mark.parametrize("size", SIZES)
def test_a_value_of_this_size(client, path, size):
    value = random.Random(size).randbytes(size)
    assert put(client, path, value).status == 201
    response = expect_value(client.request("GET", path), value)
    assert int(response["content-length"]) == size
    client.request("DELETE", path)


def test_the_largest_value_is_64_mib(client, path):
    assert SIZES[-1] == VALUE_MAX
    client.send(b"PUT %b HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % (path.encode(), VALUE_MAX + 1))
    expect_problem(client.read_response(), 413, "payload_too_large")


@pytest.mark.parametrize("chunk", [1, 7, 4096, 65536, 1 << 20])
def test_a_chunked_value(client, path, chunk):
    value = random.Random(chunk).randbytes(chunk * 20 + 3)
    pieces = [value[start:start + chunk] for start in range(0, len(value), chunk)]
    body = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
    assert client.request("PUT", path, {"Transfer-Encoding": "chunked"}, body).status == 201
    expect_value(client.request("GET", path), value)


def test_a_value_of_every_byte(client, path):
    put(client, path, bytes(range(256)))
    expect_value(client.request("GET", path), bytes(range(256)))


def test_a_value_that_arrives_byte_by_byte(client, path):
    request = b"PUT %b HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello" % path.encode()
    for index in range(len(request)):
        client.send(request[index:index + 1])
    assert client.read_response().status == 201
    expect_value(client.request("GET", path), b"hello")


def test_a_key_of_every_byte(client, key):
    keys = [key.encode() + bytes([byte]) for byte in range(256)] + [bytes([byte]) for byte in range(256)]
    for each in keys:
        assert put(client, encoded(each), each).status == 201
    for each in keys:
        expect_value(client.request("GET", encoded(each)), each)
    for each in keys:
        assert client.request("DELETE", encoded(each)).status == 204


def test_a_key_is_the_same_however_it_is_encoded(client, key, path):
    put(client, path)
    every_byte = "".join(f"%{byte:02X}" for byte in key.encode())
    expect_value(client.request("GET", f"/v1/cache/{every_byte}"), b"value")
    expect_value(client.request("GET", f"/v1/cache/{every_byte.lower()}"), b"value")


def test_an_encoded_slash_belongs_to_the_key(client, key):
    put(client, f"/v1/cache/{key}%2Ftouch")
    expect_value(client.request("GET", f"/v1/cache/{key}%2Ftouch"), b"value")
    expect_problem(client.request("GET", f"/v1/cache/{key}"), 404)


def test_the_longest_key_has_512_bytes(client, key):
    longest = (key * 20)[:512]
    assert put(client, f"/v1/cache/{longest}").status == 201
    expect_value(client.request("GET", f"/v1/cache/{longest}"), b"value")
    expect_problem(put(client, f"/v1/cache/{longest}x"), 400, "invalid_key")
    assert put(client, encoded(b"\xff" * 512)).status == 201
    expect_problem(put(client, encoded(b"\xff" * 513)), 400, "invalid_key")


@pytest.mark.parametrize("key", ["%", "%0", "%zz", "a%g0"])
def test_a_broken_escape_is_refused(client, key):
    expect_problem(client.request("GET", f"/v1/cache/{key}"), 400)
