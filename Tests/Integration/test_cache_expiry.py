"""Time to live, staleness and touch. Tests wait for what must happen, never for a time."""
import pytest

from expectations import expect_problem, expect_value, post_json, put
from waiting import wait_until


def wait_for_miss(client, path: str):
    wait_until(lambda: client.request("GET", path).status == 404, f"{path} expires")


def test_a_value_expires(client, path):
    put(client, f"{path}?ttl=100ms")
    wait_for_miss(client, path)


@pytest.mark.parametrize("ttl", ["500ms", "30s", "5m", "24h", "7d"])
def test_durations_have_units(client, path, ttl):
    assert put(client, f"{path}?ttl={ttl}").status == 201
    assert client.request("GET", path).status == 200


@pytest.mark.parametrize(
    "query", ["ttl=5", "ttl=0s", "ttl=-1s", "ttl=", "ttl=1y", "ttl=1s&ttl=2s", "tll=5s", "stale=x"]
)
def test_a_query_that_cannot_be_meant_is_refused(client, path, query):
    problem = expect_problem(put(client, f"{path}?{query}"), 422, "invalid_parameter")
    assert problem["errors"]
    expect_problem(client.request("GET", path), 404)


def test_all_faults_of_a_query_are_told_at_once(client, path):
    problem = expect_problem(put(client, f"{path}?ttl=x&acks=y&tags=,&unknown=1"), 422)
    assert len(problem["errors"]) >= 4


def test_a_stale_value_misses_a_plain_get(client, path):
    put(client, f"{path}?ttl=100ms&stale=1h")
    wait_for_miss(client, path)


def test_a_stale_value_is_there_for_refreshers(client, path):
    put(client, f"{path}?ttl=100ms&stale=1h")
    wait_for_miss(client, path)
    response = client.request("GET", f"{path}?refresh=5s")
    assert response.status == 200 and response.body == b"value"
    assert response["x-tribe-refresh"]


def test_touch_lengthens_a_life(client, path):
    put(client, f"{path}?ttl=1h")
    assert post_json(client, f"{path}/touch", {"ttl": "2h"}).status == 204
    ttl = client.request("GET", path)["cache-status"].partition("ttl=")[2]
    assert int(ttl) > 3_600


def test_touch_shortens_a_life(client, path):
    put(client, f"{path}?ttl=1h")
    post_json(client, f"{path}/touch", {"ttl": "50ms"})
    wait_for_miss(client, path)


def test_touch_keeps_the_value(client, path):
    put(client, f"{path}?ttl=1h", b"kept", Content_Type="text/plain")
    post_json(client, f"{path}/touch", {"ttl": "2h"})
    assert expect_value(client.request("GET", path), b"kept")["content-type"] == "text/plain"


def test_touch_of_nothing_is_404(client, path):
    expect_problem(post_json(client, f"{path}/touch", {"ttl": "2h"}), 404, "not_found")


@pytest.mark.parametrize("body", [{}, {"ttl": 5}, {"ttl": "5"}, {"ttl": "0s"}, {"ttl": "5s", "more": 1}, [], 1])
def test_touch_refuses_a_body_that_is_something_else(client, path, body):
    put(client, path)
    problem = expect_problem(post_json(client, f"{path}/touch", body), 422, "invalid_body")
    assert problem["errors"]
    assert all(error["pointer"] == "" or error["pointer"].startswith("/") for error in problem["errors"])
