"""Refresh leases: of all callers that miss one key, one loads."""
import contextlib
import select
import selectors

import pytest

from expectations import expect_problem, expect_value, metrics, put, total
from http_client import Connection
from waiting import wait_until

CALLERS_COUNT = 1_000


def take_lease(client, path: str, query: str = "refresh=5s") -> str:
    response = client.request("GET", f"{path}?{query}")
    expect_problem(response, 404)
    assert response["cache-control"] == "no-store"
    return response["x-tribe-refresh"]


def settle(client, path: str, token: str, value: bytes = b"loaded", query: str = ""):
    return client.request("PUT", path + query, {"X-Tribe-Refresh": token}, value)


def ask(connection, path: str, query: str):
    connection.send(b"GET %b?%b HTTP/1.1\r\nHost: a\r\n\r\n" % (path.encode(), query.encode()))


def make_stale(client, path: str):
    put(client, f"{path}?ttl=50ms&stale=1h", b"stale")
    wait_until(lambda: client.request("GET", path).status == 404, "the value is stale")


def test_a_fresh_value_comes_without_a_lease(client, path):
    put(client, path)
    response = expect_value(client.request("GET", f"{path}?refresh=5s&wait=2s"), b"value")
    assert response.get("x-tribe-refresh") is None
    assert response["cache-control"] == "no-store"


def test_the_first_that_misses_gets_the_lease(client, path):
    assert take_lease(client, path)
    second = client.request("GET", f"{path}?refresh=5s")
    expect_problem(second, 404)
    assert second.get("x-tribe-refresh") is None


def test_the_lease_stores_the_value(client, path):
    token = take_lease(client, path)
    assert settle(client, path, token).status == 201
    expect_value(client.request("GET", path), b"loaded")


def test_a_lease_settles_once(client, path):
    token = take_lease(client, path)
    settle(client, path, token)
    expect_problem(settle(client, path, token, b"again"), 409)
    expect_value(client.request("GET", path), b"loaded")


def test_only_one_refresher_of_a_stale_value(client, path):
    make_stale(client, path)
    first, second = [client.request("GET", f"{path}?refresh=5s") for _ in range(2)]
    assert first.status == second.status == 200
    assert first.body == second.body == b"stale"
    assert first["x-tribe-refresh"]
    assert second.get("x-tribe-refresh") is None


def test_a_waiter_gets_what_the_holder_loads(client, connect, path):
    token = take_lease(client, path)
    waiter = connect()
    ask(waiter, path, "refresh=5s&wait=10s")
    settle(client, path, token)
    expect_value(waiter.read_response(), b"loaded")


def test_a_waiter_misses_when_its_time_is_over(client, path):
    take_lease(client, path)
    response = client.request("GET", f"{path}?refresh=5s&wait=100ms")
    expect_problem(response, 404)
    assert response.get("x-tribe-refresh") is None


def test_giving_up_passes_the_lease_to_a_waiter(client, connect, path):
    token = take_lease(client, path)
    waiter = connect()
    ask(waiter, path, "refresh=5s&wait=10s")
    assert client.request("DELETE", f"{path}/refresh", {"X-Tribe-Refresh": token}).status == 204
    response = waiter.read_response()
    expect_problem(response, 404)
    assert settle(client, path, response["x-tribe-refresh"]).status == 201


def test_an_expired_lease_passes_to_a_waiter(client, connect, path):
    old = take_lease(client, path, "refresh=100ms")
    waiter = connect()
    ask(waiter, path, "refresh=5s&wait=10s")
    new = waiter.read_response()["x-tribe-refresh"]
    assert new != old
    expect_problem(settle(client, path, old, b"late"), 409, "refresh_stale")
    assert settle(client, path, new).status == 201
    expect_value(client.request("GET", path), b"loaded")


@pytest.mark.parametrize("leaves", ["closes", "resets"])
def test_a_waiter_that_leaves_does_not_take_the_lease_along(start_node, path, leaves):
    node = start_node(loops=1)

    def count_connections() -> float:
        return total(metrics(client), "tribe_connections")

    with Connection(node.port) as client, Connection(node.port) as gone, Connection(node.port) as waiter:
        token = take_lease(client, path, "refresh=30s")
        ask(gone, path, "refresh=30s&wait=10s")
        ask(waiter, path, "refresh=30s&wait=10s")
        wait_until(lambda: count_connections() == 3, "both wait")
        if leaves == "resets":
            gone.reset()
            wait_until(lambda: count_connections() == 2, "the node notices who has left")
        else:
            gone.close()
        client.request("DELETE", f"{path}/refresh", {"X-Tribe-Refresh": token})
        assert waiter.read_response().get("x-tribe-refresh")


@pytest.mark.parametrize("token", ["", "x", "0", "ffffffffffffffffffffffffffffffff"])
def test_a_made_up_token_stores_nothing(client, path, token):
    take_lease(client, path)
    response = settle(client, path, token)
    assert response.status in (409, 422)
    expect_problem(response, response.status)
    expect_problem(client.request("GET", path), 404)


@pytest.mark.parametrize("query", ["refresh=", "refresh=5", "refresh=5s&wait=61s", "refresh=5s&wait=-1s"])
def test_a_refresh_that_cannot_be_meant_is_refused(client, path, query):
    expect_problem(client.request("GET", f"{path}?{query}"), 422, "invalid_parameter")


def test_a_delete_during_the_load_voids_it(client, path):
    token = take_lease(client, path)
    assert client.request("DELETE", path).status == 204
    expect_problem(settle(client, path, token), 409, "refresh_stale")
    expect_problem(client.request("GET", path), 404)


def test_a_put_during_the_load_voids_it(client, path):
    token = take_lease(client, path)
    put(client, path, b"newer")
    expect_problem(settle(client, path, token, b"older"), 409, "refresh_stale")
    expect_value(client.request("GET", path), b"newer")


def test_an_invalidated_tag_during_the_load_voids_it(client, key, path):
    token = take_lease(client, path)
    assert client.request("DELETE", f"/v1/cache?tag=tag:{key}").status == 200
    expect_problem(settle(client, path, token, query=f"?tags=other,tag:{key}"), 409, "refresh_stale")
    expect_problem(client.request("GET", path), 404)


def test_another_tag_during_the_load_does_not(client, key, path):
    token = take_lease(client, path)
    client.request("DELETE", f"/v1/cache?tag=other:{key}")
    assert settle(client, path, token, query=f"?tags=tag:{key}").status == 201


@pytest.mark.parametrize("query", ["all=true", "prefix={key}"])
def test_an_invalidation_that_covers_the_key_voids_the_load(client, key, path, query):
    token = take_lease(client, path)
    assert client.request("DELETE", f"/v1/cache?{query.format(key=key)}").status == 200
    expect_problem(settle(client, path, token), 409, "refresh_stale")
    expect_problem(client.request("GET", path), 404)


def test_a_stampede_loads_once(node, client, path):
    callers = [Connection(node.port) for _ in range(CALLERS_COUNT)]
    try:
        for caller in callers:
            ask(caller, path, "refresh=30s&wait=30s")
        holder = first_answered(callers)
        answer = holder.read_response()
        expect_problem(answer, 404)
        assert settle(client, path, answer["x-tribe-refresh"]).status == 201
        callers.remove(holder)
        others = [caller.read_response() for caller in callers]
        holder.close()
    finally:
        for caller in callers:
            caller.close()
    assert len(others) == CALLERS_COUNT - 1
    for other in others:
        assert other.get("x-tribe-refresh") is None
        expect_value(other, b"loaded")


def first_answered(callers: list[Connection]) -> Connection:
    with selectors.DefaultSelector() as selector:
        for caller in callers:
            selector.register(caller.socket, selectors.EVENT_READ, caller)
        ready = selector.select(timeout=10)
        assert len(ready) == 1, f"{len(ready)} of {len(callers)} callers were answered before the value was there"
        return ready[0][0].data


def test_waiters_past_the_memory_for_them_are_told_so(start_node):
    """Each holds its head. The cache, which is full, gives a part of its memory for that and no more."""
    node = start_node(memory="16MiB")
    with contextlib.ExitStack() as stack:
        client = stack.enter_context(Connection(node.port))
        for index in range(300):
            put(client, f"/v1/cache/{index}", b"x" * (64 << 10))
        token = take_lease(client, "/v1/cache/wanted", "refresh=30s")
        head = b"GET /v1/cache/wanted?refresh=5s&wait=30s HTTP/1.1\r\nHost: a\r\nX: %b\r\n\r\n" % (b"x" * 15_000)
        waiters = [stack.enter_context(Connection(node.port)) for _ in range(600)]
        for waiter in waiters:
            waiter.send(head)
        assert client.request("GET", "/livez").status == 200
        refused = [waiter for waiter in waiters if select.select([waiter.socket], [], [], 0.01)[0]]
        assert 200 < len(refused) < 590
        for waiter in refused:
            expect_problem(waiter.read_response(), 503, "overloaded")
        assert settle(client, "/v1/cache/wanted", token).status == 201
        for waiter in set(waiters) - set(refused):
            expect_value(waiter.read_response(), b"loaded")
