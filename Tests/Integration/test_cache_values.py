"""PUT, GET, HEAD and DELETE of one key."""
import pytest

from expectations import expect_problem, expect_value, metrics, put, total


def test_put_creates_then_replaces(client, path):
    created = put(client, path)
    assert created.status == 201 and created.body == b""
    replaced = put(client, path, b"other")
    assert replaced.status == 204
    assert created["etag"] != replaced["etag"]
    assert expect_value(client.request("GET", path), b"other")["etag"] == replaced["etag"]


def test_put_says_how_many_copies_hold_it(client, path):
    assert put(client, path)["x-tribe-copies"] == "1/1"


def test_get_asks_to_be_revalidated(client, path):
    put(client, path)
    assert client.request("GET", path)["cache-control"] == "private, no-cache"


def test_get_tells_the_time_to_live(client, path):
    put(client, f"{path}?ttl=1h")
    ttl = client.request("GET", path)["cache-status"].partition("ttl=")[2]
    assert 3_000 < int(ttl) <= 3_600


def test_get_without_a_ttl_tells_none(client, path):
    put(client, path)
    assert "ttl" not in client.request("GET", path)["cache-status"]


def test_a_miss_is_a_problem(client, path):
    expect_problem(client.request("GET", path), 404, "not_found")


def test_the_nearest_copy_may_answer(client, path):
    put(client, path)
    expect_value(client.request("GET", f"{path}?consistency=local"), b"value")


@pytest.mark.parametrize("is_there", [True, False], ids=["hit", "miss"])
def test_head_is_get_without_the_body(client, path, is_there):
    if is_there:
        put(client, path)
    get, head = client.request("GET", path), client.request("HEAD", path)
    assert head.status == get.status
    assert head.body == b""
    for changing in ("x-request-id", "date"):
        get.headers.pop(changing), head.headers.pop(changing)
    assert head.headers == get.headers


def test_head_leaves_the_connection_in_step(client, path):
    put(client, path)
    client.request("HEAD", path)
    expect_value(client.request("GET", path), b"value")


def test_delete_is_the_same_whether_it_existed(client, path):
    put(client, path)
    assert [client.request("DELETE", path).status for _ in range(2)] == [204, 204]
    expect_problem(client.request("GET", path), 404, "not_found")


def test_a_key_that_was_deleted_is_created_anew(client, path):
    put(client, path)
    client.request("DELETE", path)
    assert put(client, path).status == 201


@pytest.mark.parametrize("field", ["Content-Type", "Content-Encoding"])
def test_put_keeps(client, path, field):
    client.request("PUT", path, {field: "x-made-up"}, b"value")
    assert client.request("GET", path)[field] == "x-made-up"


def test_a_value_without_a_type_is_bytes(client, path):
    put(client, path)
    assert client.request("GET", path)["content-type"] == "application/octet-stream"


def test_a_request_id_is_echoed(client, path):
    given = "0a1b2c3d-0001-4002-8003-000000000004"
    response = client.request("GET", path, {"X-Request-Id": given})
    assert response["x-request-id"] == given
    assert response.json()["instance"] == f"urn:uuid:{given}"


def test_a_request_id_is_made(client, path):
    made = {client.request("GET", path)["x-request-id"] for _ in range(10)}
    assert len(made) == 10


def test_answers_are_counted_by_route(client, path):
    def count() -> float:
        return total(metrics(client), "tribe_http_requests_total", 'method="PUT"', 'route="/v1/cache/{key}"', '"2xx"')

    before = count()
    put(client, path)
    assert count() == before + 1


@pytest.mark.parametrize("acks", ["1", "4", "x", "-1", "1000000"])
def test_acks_beyond_the_cluster_are_refused(client, path, acks):
    response = put(client, f"{path}?acks={acks}")
    expect_problem(response, response.status if response.status in (422, 503) else 422)
    expect_problem(client.request("GET", path), 404)


def test_no_acks_are_always_there(client, path):
    assert put(client, f"{path}?acks=0").status == 201
