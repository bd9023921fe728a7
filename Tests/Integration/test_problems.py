"""Every error is problem+json with all its members, whoever finds it: a handler, the router, or the gate."""
import pytest

from expectations import expect_open_unless_said, expect_problem, put
from http_client import Connection

JSON = {"Content-Type": "application/json"}
CACHE = "/v1/cache"


@pytest.mark.parametrize("method, path, headers, body, status, code", [
    ("GET", "/nothing", {}, None, 404, "no_such_route"),
    ("GET", "/v1", {}, None, 404, "no_such_route"),
    ("GET", "/v1/cache/", {}, None, 404, "no_such_route"),
    ("GET", "/v1//cache", {}, None, 404, "no_such_route"),
    ("GET", "/v1/cache/a/b", {}, None, 404, "no_such_route"),
    ("PUT", "/nothing", {}, b"body", 404, "no_such_route"),
    ("GET", f"{CACHE}/absent", {}, None, 404, "not_found"),
    ("GET", "/v1/errors/absent", {}, None, 404, "not_found"),
    ("POST", f"{CACHE}/key", {}, b"", 405, "method_not_allowed"),
    ("PATCH", f"{CACHE}/key", {}, b"", 405, "method_not_allowed"),
    ("GET", f"{CACHE}/key/touch", {}, None, 405, "method_not_allowed"),
    ("DELETE", "/livez", {}, None, 405, "method_not_allowed"),
    ("PUT", f"{CACHE}/key?ttl=soon", {}, b"", 422, "invalid_parameter"),
    ("GET", f"{CACHE}/key?consistency=strong", {}, None, 422, "invalid_parameter"),
    ("GET", f"{CACHE}/key", {"X-Request-Timeout": "soon"}, None, 422, "invalid_parameter"),
    ("POST", f"{CACHE}/key/touch", JSON, b"{", 400, "malformed_body"),
    ("POST", f"{CACHE}/key/touch", JSON, b"", 400, "malformed_body"),
    ("POST", f"{CACHE}/key/touch", JSON, b"{}", 422, "invalid_body"),
    ("POST", f"{CACHE}/key/touch", {"Content-Type": "text/xml"}, b"<a/>", 415, "unsupported_media_type"),
    ("GET", f"{CACHE}?cursor=forged", {}, None, 400, "bad_cursor"),
    ("GET", f"{CACHE}/%zz", {}, None, 400, None),
    ("GET", f"{CACHE}/{'k' * 513}", {}, None, 400, "invalid_key"),
])
def test_a_fault_of_the_request(client, connect, method, path, headers, body, status, code):
    response = client.request(method, path, headers, body)
    problem = expect_problem(response, status, code)
    assert connect().request("GET", problem["type"]).status == 200
    expect_open_unless_said(client, response)


GET = b"GET /livez HTTP/1.1\r\nHost: a\r\n"


@pytest.mark.parametrize("request_bytes, status", [
    (b"GET /livez HTTP/1.1\r\n\r\n", 400),
    (b"GET  /livez HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    (b"GET livez HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    (b"\x16\x03\x01\x02\x00\x01\x00\x01", 400),
    (b"get /livez HTTP/1.1\r\nHost: a\r\n\r\n", 501),
    (b"BREW /livez HTTP/1.1\r\nHost: a\r\n\r\n", 501),
    (b"GET /livez HTTP/2.0\r\nHost: a\r\n\r\n", 505),
    (b"GET /livez HTTP/0.9\r\nHost: a\r\n\r\n", 505),
    (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    (GET + b"Expect: 200-ok\r\n\r\n", 417),
    (GET + b"Transfer-Encoding: gzip\r\n\r\n", 400),
    (GET + b"Transfer-Encoding: gzip, chunked\r\n\r\n", 400),
    (GET + b"Bad Name: 1\r\n\r\n", 400),
    (GET + b"A: \x00\r\n\r\n", 400),
    (GET + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
    (GET + b"X: " + b"x" * 17_000 + b"\r\n\r\n", 431),
    (b"GET /" + b"x" * 8_192 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
], ids=lambda value: repr(value[:60])[2:-1] if isinstance(value, bytes) else str(value))
def test_what_the_gate_refuses_is_answered_and_closed(client, request_bytes, status):
    client.send(request_bytes)
    response = client.read_response()
    expect_problem(response, status)
    assert response["connection"] == "close"
    expect_open_unless_said(client, response)


def test_requests_before_a_fault_are_answered(client):
    client.send(GET + b"\r\n" + GET + b"\r\n" + b"nonsense\r\n\r\n" + GET + b"\r\n")
    assert [client.read_response().status for _ in range(2)] == [200, 200]
    expect_problem(client.read_response(), 400)
    assert client.is_closed_by_server()


def test_405_lists_what_is_allowed(client):
    allowed = client.request("POST", f"{CACHE}/key", {}, b"")["allow"]
    assert {"GET", "HEAD", "PUT", "DELETE"} <= set(allowed.split(", "))


def test_options_lists_what_is_allowed(client):
    response = client.request("OPTIONS", f"{CACHE}/key")
    assert response.status == 204
    assert {"GET", "PUT", "DELETE"} <= set(response["allow"].split(", "))


@pytest.mark.parametrize("target, allowed", [
    ("*", {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"}), ("/v1/nothing/here", {"OPTIONS"}), ("//", {"OPTIONS"})])
def test_options_is_answered_for_every_path(client, target, allowed):
    response = client.request("OPTIONS", target)
    assert response.status == 204
    assert set(response["allow"].split(", ")) == allowed
    assert client.request("GET", "/livez").status == 200


def test_head_of_a_problem_has_no_body(client):
    response = client.request("HEAD", "/nothing")
    assert response.status == 404 and int(response["content-length"]) > 0
    assert client.request("GET", "/livez").status == 200


@pytest.mark.parametrize("host", ["evil.example", "tribe.attacker.test:80", "localhost.evil.example"])
def test_a_host_that_a_page_could_have_made_up_is_refused(client, path, host):
    response = client.request("PUT", path, {"Host": host}, b"x")
    expect_problem(response, 403, "host_not_allowed")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8080", "[::1]:8080", "tribe", "LOCALHOST:1"])
def test_a_host_that_only_an_insider_can_name_is_served(client, host):
    assert client.request("GET", "/livez", {"Host": host}).status == 200


@pytest.mark.parametrize("headers", [
    {"Origin": "http://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"}])
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_a_page_of_another_origin_changes_nothing(connect, path, method, headers):
    put(connect(), path, b"kept")
    expect_problem(connect().request(method, path, headers, b"evil"), 403, "cross_origin")
    assert connect().request("GET", path).body == b"kept"


def test_a_page_of_another_origin_takes_no_lease(client, path):
    response = client.request("GET", f"{path}?refresh=60s", {"Origin": "http://evil.example"})
    expect_problem(response, 403, "cross_origin")
    assert client.request("GET", f"{path}?refresh=60s")["x-tribe-refresh"]


def test_a_page_of_the_node_itself_may(node, path):
    with Connection(node.port) as client:
        own = {"Origin": f"http://127.0.0.1:{node.port}", "Sec-Fetch-Site": "same-origin"}
        assert client.request("PUT", path, own, b"x").status == 201
