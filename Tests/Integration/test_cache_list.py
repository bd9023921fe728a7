"""Lists of keys with cursors that stay good while the cache changes."""
import base64

import pytest

from expectations import expect_problem, post_json, put


def list_page(client, query: str) -> dict:
    response = client.request("GET", f"/v1/cache?{query}")
    assert response.status == 200, response
    page = response.json()
    assert page.keys() >= {"items", "next"}
    return page


def list_all(client, prefix: str, limit: int = 100, between_pages=lambda: None) -> list[dict]:
    items = []
    query = f"prefix={prefix}&limit={limit}"
    page = list_page(client, query)
    while True:
        assert len(page["items"]) <= limit
        items += page["items"]
        if page["next"] is None:
            return items
        between_pages()
        page = list_page(client, f"{query}&cursor={page['next']}")


def store(client, keys):
    for each in keys:
        put(client, f"/v1/cache/{each}")


def test_a_key_is_listed_with_what_it_has(client, key, path):
    etag = put(client, f"{path}?ttl=1h", b"12345")["etag"]
    (item,) = list_all(client, key)
    assert item["key"] == key
    assert item["size"] == 5
    assert item["etag"] == etag
    assert item["ttl"]


@pytest.mark.parametrize("limit", [1, 7, 1000])
def test_every_key_is_listed_once(client, key, limit):
    keys = {f"{key}:{index}" for index in range(50)}
    store(client, keys)
    assert sorted(item["key"] for item in list_all(client, f"{key}:", limit)) == sorted(keys)


def test_keys_without_the_prefix_are_not_listed(client, key):
    store(client, [f"{key}:a", f"{key}:b", f"x{key}"])
    assert {item["key"] for item in list_all(client, f"{key}:")} == {f"{key}:a", f"{key}:b"}


def test_a_cursor_survives_changes(client, key):
    kept = {f"{key}:kept:{index}" for index in range(200)}
    store(client, kept)
    round_number = 0

    def change():
        nonlocal round_number
        round_number += 1
        store(client, [f"{key}:new:{round_number}:{index}" for index in range(20)])
        for index in range(20):
            client.request("DELETE", f"/v1/cache/{key}:new:{round_number - 1}:{index}")

    listed = [item["key"] for item in list_all(client, f"{key}:", 20, change)]
    assert len(listed) == len(set(listed))
    assert kept <= set(listed)


def test_keys_that_are_no_text_are_listed_as_key64(client, key):
    raw = key.encode() + b"\xff\x00"
    post_json(client, "/v1/cache/batch", {"operations": [
        {"op": "put", "key64": base64.b64encode(raw).decode(), "value": ""}]})
    (item,) = list_all(client, key)
    assert base64.b64decode(item["key64"]) == raw
    assert "key" not in item


@pytest.mark.parametrize("cursor", ["x", "0" * 32, "f" * 32, "%00", "1", "-1"])
def test_a_forged_cursor_is_refused(client, cursor):
    expect_problem(client.request("GET", f"/v1/cache?cursor={cursor}"), 400, "bad_cursor")


def test_a_changed_cursor_is_refused(client, key):
    store(client, [f"{key}:{index}" for index in range(10)])
    cursor = list_page(client, "limit=1")["next"]
    changed = cursor[:-1] + ("0" if cursor[-1] != "0" else "1")
    expect_problem(client.request("GET", f"/v1/cache?limit=1&cursor={changed}"), 400, "bad_cursor")


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=x", "limit=-1", "more=1"])
def test_a_list_that_cannot_be_meant_is_refused(client, query):
    expect_problem(client.request("GET", f"/v1/cache?{query}"), 422, "invalid_parameter")
