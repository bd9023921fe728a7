"""Batches: operations in order, each with a result of its own."""
import base64
import json

import pytest

from expectations import expect_problem, expect_value, post_json, put

BATCH = "/v1/cache/batch"


def text(value: bytes) -> str:
    return base64.b64encode(value).decode()


def run(client, *operations: dict) -> list[dict]:
    response = post_json(client, BATCH, {"operations": operations})
    assert response.status == 200, response
    results = response.json()["results"]
    assert len(results) == len(operations)
    return results


def test_every_operation_has_its_result(client, key):
    results = run(
        client,
        {"op": "put", "key": key, "value": text(b"\x00\xffvalue")},
        {"op": "get", "key": key},
        {"op": "increment", "key": f"{key}:count", "by": 5},
        {"op": "delete", "key": key},
        {"op": "get", "key": key})
    assert [result["status"] for result in results] == [201, 200, 200, 204, 404]
    assert results[1]["value"] == text(b"\x00\xffvalue")
    assert results[1]["etag"] == results[0]["etag"]
    assert results[2]["value"] == 5


def test_operations_on_one_key_keep_their_order(client, key):
    results = run(client, *[{"op": "increment", "key": key} for _ in range(100)])
    assert [result["value"] for result in results] == list(range(1, 101))


def test_keys_of_every_loop_meet_in_one_batch(client, key):
    keys = [f"{key}:{index}" for index in range(200)]
    run(client, *[{"op": "put", "key": each, "value": text(each.encode())} for each in keys])
    results = run(client, *[{"op": "get", "key": each} for each in keys])
    assert [base64.b64decode(result["value"]).decode() for result in results] == keys


def test_a_fault_of_one_operation_is_its_own(client, key):
    run(client, {"op": "put", "key": key, "value": text(b"no number")})
    results = run(client, {"op": "increment", "key": key}, {"op": "get", "key": key})
    assert [result["status"] for result in results] == [409, 200]
    assert results[0]["problem"]["code"] == "not_an_integer"


def test_what_a_batch_stores_is_what_put_stores(client, key, path):
    run(client, {"op": "put", "key": key, "value": text(b"{}"), "contentType": "application/json", "ttl": "1h",
                 "tags": [f"tag:{key}"]})
    response = expect_value(client.request("GET", path), b"{}")
    assert response["content-type"] == "application/json"
    assert "ttl=" in response["cache-status"]
    client.request("DELETE", f"/v1/cache?tag=tag:{key}")
    expect_problem(client.request("GET", path), 404)


@pytest.mark.parametrize("raw", [b"\x00", b"\xff\xfe", b".", b"..", b"a/b", b"\r\n", bytes(range(256)) * 2])
def test_a_key_that_is_no_text_travels_as_key64(client, raw):
    results = run(client, {"op": "put", "key64": text(raw), "value": text(raw)}, {"op": "get", "key64": text(raw)},
                  {"op": "delete", "key64": text(raw)})
    assert results[1]["value"] == text(raw)


def test_key_and_key64_name_the_same_key(client, key):
    results = run(client, {"op": "put", "key": key, "value": text(b"1")}, {"op": "get", "key64": text(key.encode())})
    assert results[1]["status"] == 200


def test_an_empty_batch_has_no_results(client):
    assert run(client) == []


def test_all_faults_of_a_batch_are_told_at_once_and_nothing_is_done(client, key, path):
    operations = [{"op": "put", "key": key, "value": text(b"1")}, {"op": "twist", "key": key}, {"op": "get"},
                  {"op": "put", "key": key, "value": "no base64!"}, {"op": "increment", "key": key, "by": "1"}]
    problem = expect_problem(post_json(client, BATCH, {"operations": operations}), 422, "invalid_body")
    pointers = {error["pointer"] for error in problem["errors"]}
    assert {"/operations/1/op", "/operations/3/value", "/operations/4/by"} <= pointers
    assert any(pointer.startswith("/operations/2") for pointer in pointers)
    expect_problem(client.request("GET", path), 404)


@pytest.mark.parametrize("body", [b"", b"{", b"[1,]", b'{"operations":[}', b'{"operations":[],"operations":[]}',
                                  b'{"operations":"\xff"}', b"nul", b'{"a":1}}', b"\xef\xbb\xbf{}"])
def test_a_body_that_is_no_json_is_malformed(client, body):
    response = client.request("POST", BATCH, {"Content-Type": "application/json"}, body)
    expect_problem(response, 400, "malformed_body")


def test_a_body_of_another_type_is_refused(client):
    body = json.dumps({"operations": []}).encode()
    expect_problem(client.request("POST", BATCH, {"Content-Type": "text/plain"}, body), 415, "unsupported_media_type")


def test_deep_nesting_is_refused_not_followed(client):
    body = b'{"operations":' + b"[" * 50_000 + b"]" * 50_000 + b"}"
    response = client.request("POST", BATCH, {"Content-Type": "application/json"}, body)
    assert response.status in (400, 422)
    expect_problem(response, response.status)


def test_a_stored_value_is_read_by_a_batch(client, key, path):
    put(client, path, b"value")
    assert base64.b64decode(run(client, {"op": "get", "key": key})[0]["value"]) == b"value"
