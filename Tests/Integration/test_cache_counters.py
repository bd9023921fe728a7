"""Increments."""
import json

import pytest

from expectations import expect_problem, expect_value, post_json, put
from waiting import wait_until

INT64_MAX = (1 << 63) - 1


def increment(client, path: str, **body) -> int:
    response = post_json(client, f"{path}/increment", body)
    assert response.status == 200, response
    return response.json()["value"]


def test_a_counter_begins_at_nothing(client, path):
    assert [increment(client, path) for _ in range(3)] == [1, 2, 3]


def test_the_body_may_be_left_out(client, path):
    assert client.request("POST", f"{path}/increment", {}, b"").json() == {"value": 1}


def test_it_counts_by_any_step(client, path):
    assert increment(client, path, by=10) == 10
    assert increment(client, path, by=-25) == -15
    assert increment(client, path, by=0) == -15


def test_the_value_is_decimal_text(client, path):
    increment(client, path, by=-42)
    expect_value(client.request("GET", path), b"-42")


def test_it_counts_on_from_a_stored_number(client, path):
    put(client, path, b"41")
    assert increment(client, path) == 42


@pytest.mark.parametrize("value", [b"", b"one", b"1.5", b" 1", b"+1", b"9223372036854775808", b"0x10", b"\xff"])
def test_what_is_no_integer_stays_as_it_is(client, path, value):
    put(client, path, value)
    expect_problem(post_json(client, f"{path}/increment", {}), 409, "not_an_integer")
    expect_value(client.request("GET", path), value)


@pytest.mark.parametrize("value, by", [(INT64_MAX, 1), (-INT64_MAX - 1, -1)])
def test_an_overflow_is_a_conflict(client, path, value, by):
    put(client, path, str(value).encode())
    expect_problem(post_json(client, f"{path}/increment", {"by": by}), 409)
    expect_value(client.request("GET", path), str(value).encode())


@pytest.mark.parametrize("by", ["1.5", "1e3x", '"1"', "9223372036854775808", "[1]"])
def test_a_step_that_is_no_integer_is_refused(client, path, by):
    response = client.request(
        "POST", f"{path}/increment", {"Content-Type": "application/json"}, f'{{"by":{by}}}'.encode())
    assert response.status in (400, 422)
    expect_problem(response, response.status)
    expect_problem(client.request("GET", path), 404)


def test_a_ttl_counts_when_it_creates(client, path):
    increment(client, path, ttl="100ms")
    wait_until(lambda: client.request("GET", path).status == 404, "the counter expires")


def test_a_ttl_does_not_change_what_exists(client, path):
    increment(client, path)
    increment(client, path, ttl="1s")
    assert "ttl" not in client.request("GET", path)["cache-status"]


def test_concurrent_increments_are_all_counted(client, connect, path):
    callers = [connect() for _ in range(50)]
    body = json.dumps({"by": 1}).encode()
    for caller in callers:
        caller.send(b"POST %b/increment HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%b"
                    % (path.encode(), len(body), body) * 20)
    values = [caller.read_response().json()["value"] for caller in callers for _ in range(20)]
    assert sorted(values) == list(range(1, 1_001))
