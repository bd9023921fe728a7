"""Deleting many at once: by tag, by prefix, everything."""
import pytest

from expectations import expect_problem, expect_value, put


def invalidate(client, query: str):
    response = client.request("DELETE", f"/v1/cache?{query}")
    assert response.status == 200, response
    assert response.json() == {"pending": []}


def present(client, paths) -> list[bool]:
    return [client.request("GET", each).status == 200 for each in paths]


def test_a_tag_takes_all_that_have_it(client, key):
    paths = [f"/v1/cache/{key}:{index}" for index in range(40)]
    for index, each in enumerate(paths):
        put(client, f"{each}?tags=all:{key},{'even' if index % 2 == 0 else 'odd'}:{key}")
    invalidate(client, f"tag=even:{key}")
    assert present(client, paths) == [index % 2 == 1 for index in range(40)]
    invalidate(client, f"tag=all:{key}")
    assert not any(present(client, paths))


def test_a_tag_does_not_take_what_is_stored_afterwards(client, key, path):
    invalidate(client, f"tag={key}")
    put(client, f"{path}?tags={key}")
    expect_value(client.request("GET", path), b"value")


def test_a_value_that_lost_its_tag_stays(client, key, path):
    put(client, f"{path}?tags={key}")
    put(client, path, b"untagged")
    invalidate(client, f"tag={key}")
    expect_value(client.request("GET", path), b"untagged")


def test_an_invalidated_value_is_created_anew(client, key, path):
    put(client, f"{path}?tags={key}")
    invalidate(client, f"tag={key}")
    assert put(client, path).status == 201


def test_a_tag_may_be_any_text(client, key, path):
    put(client, f"{path}?tags=%C3%A9%26%3D{key}")
    invalidate(client, f"tag=%C3%A9%26%3D{key}")
    expect_problem(client.request("GET", path), 404)


def test_a_prefix_takes_all_that_begin_with_it(client, key):
    inside = [f"/v1/cache/{key}:a:{index}" for index in range(40)]
    outside = [f"/v1/cache/{key}:b", f"/v1/cache/x{key}:a:1"]
    for each in inside + outside:
        put(client, each)
    invalidate(client, f"prefix={key}:a:")
    assert not any(present(client, inside))
    assert all(present(client, outside))


def test_all_takes_everything(client, key):
    paths = [f"/v1/cache/{key}:{index}" for index in range(40)]
    for each in paths:
        put(client, each)
    invalidate(client, "all=true")
    assert not any(present(client, paths))
    assert client.request("GET", "/v1/cache").json() == {"items": [], "next": None}


@pytest.mark.parametrize(
    "query", ["", "all=false", "all=1", "tag=a&prefix=b", "tag=", "prefix=", "tag=a&all=true", "x=1"]
)
def test_what_to_delete_must_be_said_once(client, path, query):
    put(client, path)
    expect_problem(client.request("DELETE", f"/v1/cache?{query}" if query else "/v1/cache"), 422, "invalid_parameter")
    expect_value(client.request("GET", path), b"value")
