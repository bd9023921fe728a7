"""The Upstash front: single commands, in every form in which a client may write them."""
import json
import socket

import pytest
from expectations import expect_problem
from http_client import Connection
from upstash import BASE64, RESP2, command, encoded, error, expect_fields, post, result, run


def test_a_command_is_a_json_array(client, key):
    assert run(client, "SET", key, "value") == "OK"
    assert run(client, "GET", key) == "value"
    assert run(client, "get", key + "absent") is None
    assert run(client, "Del", key) == 1


@pytest.mark.parametrize("number", ["12345678901234567890", "1.0", "1e+30", "-0", "0.10", "9007199254740993"])
def test_numbers_are_taken_as_they_are_written(client, key, number):
    assert result(post(client, "/", f'["SET","{key}",{number}]'.encode())) == "OK"
    assert run(client, "GET", key) == number


def test_true_and_false_become_words(client, key):
    run(client, "SET", key, True)
    assert run(client, "GET", key) == "true"
    run(client, "SET", key, False)
    assert run(client, "GET", key) == "false"


def test_integers_are_exact(client, key):
    run(client, "SET", key, "9223372036854775806")
    response = command(client, "INCR", key)
    assert response.body == b'{"result":9223372036854775807}'
    assert error(command(client, "INCR", key)) == "ERR increment or decrement would overflow"


@pytest.mark.parametrize("body", [b'["SET","k",null]', b'["SET","k",{}]', b'["SET","k",["v"]]', b"{}", b'"GET"', b"[",
                                  b'["GET" "k"]', b'[["GET","k"]]', b'["GET","\xff"]', b"GET k"])
def test_what_is_no_command_is_400(client, body):
    assert error(post(client, "/", body)) == "ERR failed to parse command"


@pytest.mark.parametrize("body", [b"[]", b"", b" [ ] "])
def test_no_words_are_an_empty_command(client, body):
    assert error(post(client, "/", body)) == "ERR empty command"


def test_errors_have_the_words_of_redis(client, key):
    assert error(command(client, "GET")) == "ERR wrong number of arguments for 'get' command"
    run(client, "SET", key, "text")
    assert error(command(client, "INCR", key)) == "ERR value is not an integer or out of range"


@pytest.mark.parametrize("name", ["NOSUCH", "MULTI", "EXEC", "DISCARD", "WATCH", "AUTH", "HELLO", "SELECT", "CLIENT",
                                  "QUIT", "RESET", "SUBSCRIBE", "PSUBSCRIBE", "MONITOR", "BLPOP"])
def test_what_needs_a_connection_is_not_available(client, name):
    assert error(command(client, name, "x")) == f"ERR Command is not available: '{name}'"


def test_an_answer_without_base64_replaces_invalid_utf8_byte_by_byte(client, key):
    assert client.request("POST", f"/set/{key}", None, b"a\xe2\x82b\xff\xc3\xa9").status == 200
    assert run(client, "GET", key) == "a\ufffd\ufffdb\ufffd\u00e9"


def test_base64_encodes_every_string_but_ok_and_errors(client, key):
    value = bytes(range(256))
    assert result(client.request("POST", f"/set/{key}", BASE64, value)) == "OK"
    assert result(command(client, "GET", key, headers=BASE64)) == encoded(value)
    assert result(command(client, "MGET", key, "{absent}", headers=BASE64)) == [encoded(value), None]
    assert result(command(client, "PING", headers=BASE64)) == "UE9ORw=="
    assert result(command(client, "EXISTS", key, headers=BASE64)) == 1
    assert result(command(client, "GET", key + "absent", headers=BASE64)) is None
    assert error(command(client, "INCR", key, headers=BASE64)) == "ERR value is not an integer or out of range"
    run(client, "SET", key, "OK")
    assert result(command(client, "GET", key, headers=BASE64)) == "T0s="


def test_another_encoding_is_ignored(client, key):
    run(client, "SET", key, "value")
    assert result(command(client, "GET", key, headers={"Upstash-Encoding": "hex"})) == "value"


def test_resp2_is_the_raw_answer(client, key):
    for words, answer in [(["SET", key, "a\r\n"], b"+OK\r\n"), (["GET", key], b"$3\r\na\r\n\r\n"),
                          (["GET", key + "absent"], b"$-1\r\n"), (["EXISTS", key], b":1\r\n"),
                          (["MGET", key, key + "absent"], b"*2\r\n$3\r\na\r\n\r\n$-1\r\n"), (["PING"], b"+PONG\r\n")]:
        response = command(client, *words, headers=RESP2)
        assert response.status == 200 and response.body == answer
        assert response["content-type"] == "application/octet-stream"
        expect_fields(response)
    assert error(command(client, "INCR", key, headers=RESP2)) == "ERR value is not an integer or out of range"


def test_resp2_with_base64_or_another_format_is_400(client, key):
    assert "Upstash-Encoding" in error(command(client, "SET", key, "v", headers=RESP2 | BASE64))
    assert "Upstash-Response-Format" in error(
        command(client, "SET", key, "v", headers={"Upstash-Response-Format": "resp3"}))
    assert run(client, "EXISTS", key) == 0
    assert result(command(client, "SET", key, "v", headers={"Upstash-Response-Format": "json"})) == "OK"


@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
def test_a_command_may_be_a_path(client, key, method):
    assert result(client.request(method, f"/set/{key}/bar")) == "OK"
    assert result(client.request(method, f"/GET/{key}")) == "bar"


def test_a_path_is_split_and_then_decoded(client, key):
    assert result(client.request("GET", f"/set/{key}/a%2Fb%20+%C3%A9")) == "OK"
    assert run(client, "GET", key) == "a/b +é"
    assert error(client.request("GET", f"/set/{key}/%zz")) == "ERR failed to parse command"


def test_head_runs_a_command_and_answers_without_a_body(client, key):
    run(client, "SET", key, "value")
    response = client.request("HEAD", f"/get/{key}")
    assert response.status == 200 and int(response["content-length"]) == len(b'{"result":"value"}')
    expect_fields(response)


def test_a_body_is_a_word_behind_the_path_and_the_query_follows(client, key):
    value = b"\x00\xff/%2F?&" * 10
    assert result(client.request("POST", f"/set/{key}", None, value)) == "OK"
    assert result(command(client, "GET", key, headers=BASE64)) == encoded(value)
    assert result(client.request("POST", f"/mget?{key}&x=y", None, key.encode())) \
        == [run(client, "GET", key)] * 2 + [None, None]


def test_the_body_is_read_as_bytes_whatever_its_type(client, key):
    result(client.request("POST", f"/set/{key}", {"Content-Type": "application/json"}, b'{"a":1}'))
    assert run(client, "GET", key) == '{"a":1}'
    assert result(post(client, "/", ["GET", key], {"Content-Type": "text/plain"})) == '{"a":1}'


def test_any_token_or_none_is_accepted_and_is_no_word_of_the_command(client, key):
    assert result(command(client, "SET", key, "v", headers={"Authorization": "Bearer anything"})) == "OK"
    assert result(client.request("GET", f"/get/{key}?_token=secret")) == "v"
    assert result(client.request("GET", f"/mget?_token=a&{key}&_token=b")) == ["v"]


@pytest.mark.parametrize("method", ["DELETE", "PATCH", "OPTIONS"])
def test_other_methods_are_405_in_this_fronts_form(client, key, method):
    assert error(client.request(method, f"/get/{key}"), 405).startswith("ERR method not allowed")
    assert error(client.request(method, "/multi"), 405).startswith("ERR method not allowed")


@pytest.mark.parametrize(
    "path", ["/nosuch/key", "/v1/get", "/api/get/x", "/assets", "/v2/set/a/b", "//get/x", "/get%20x"])
def test_a_path_that_begins_with_no_command_is_a_problem(client, path):
    expect_problem(client.request("GET", path), 404)


def test_the_status_page_and_the_other_routes_stay(client):
    assert client.request("GET", "/")["content-type"].startswith("text/html")
    assert client.request("GET", "/livez").body == b"ok\n"
    allow = expect_problem(client.request("DELETE", "/"), 405) and client.request("DELETE", "/")["allow"]
    assert {"GET", "HEAD", "POST"} <= set(allow.split(", "))


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "http://evil.example"}])
def test_a_page_of_another_origin_changes_nothing(client, key, headers):
    assert "another origin" in error(client.request("GET", f"/set/{key}/v", headers), 403)
    assert "another origin" in error(command(client, "SET", key, "v", headers=headers), 403)
    client.close()


def test_what_a_page_of_another_origin_may_ask_changes_nothing(client, key):
    assert result(client.request("GET", f"/get/{key}", {"Sec-Fetch-Site": "cross-site"})) is None
    assert result(client.request("GET", f"/set/{key}/v", {"Sec-Fetch-Site": "same-origin"})) == "OK"


def test_a_foreign_host_name_is_refused_in_this_fronts_form(client, key):
    assert "Host must be" in error(client.request("GET", f"/get/{key}", {"Host": "evil.example"}), 403)


def test_the_sync_token_is_another_one_after_each_write(client, key):
    tokens = [command(client, "SET", key, index)["upstash-sync-token"] for index in range(5)]
    assert len(set(tokens)) == 5
    sent = {"Upstash-Sync-Token": tokens[-1]}
    read = command(client, "GET", key, headers=sent)
    assert result(read) == "4"
    assert result(command(client, "GET", key, headers={"Upstash-Sync-Token": ""})) == "4"


def test_the_request_id_is_echoed_and_a_bad_timeout_is_refused(client, key):
    response = command(client, "GET", key, headers={"X-Request-Id": "mine"})
    assert response["x-request-id"] == "mine"
    assert result(command(client, "GET", key, headers={"X-Request-Timeout": "2s"})) is None
    assert "X-Request-Timeout" in error(command(client, "GET", key, headers={"X-Request-Timeout": "soon"}), 422)


@pytest.mark.parametrize("size", [0, 1, 100, 16_383, 16_384, 65_536, 1_000_000, 10_000_000])
def test_values_of_every_size_come_back_the_same_by_every_front(node, client, key, size):
    value = bytes(index * 31 % 251 for index in range(1_000)) * (size // 1_000) + b"z" * (size % 1_000)
    assert client.request("PUT", f"/v1/cache/{key}", None, value).status == 201
    assert result(command(client, "GET", key, headers=BASE64)) == encoded(value)
    if size:
        assert result(client.request("POST", f"/set/{key}:raw", None, value)) == "OK"
        assert client.request("GET", f"/v1/cache/{key}:raw").body == value
    # The command around it is a part of the body, which has 10 MB at most.
    size = min(size, 10_000_000 - 1_000)
    ascii_value = "a" * size
    assert result(post(client, "/", json.dumps(["SET", f"{key}:json", ascii_value]).encode())) == "OK"
    assert client.request("GET", f"/v1/cache/{key}:json").body == ascii_value.encode()
    assert command(client, "GET", f"{key}:json", headers=RESP2).body == b"$%d\r\n%b\r\n" % (size, ascii_value.encode())
    with socket.create_connection(("127.0.0.1", node.resp_port)) as resp:
        resp.sendall(b"*2\r\n$3\r\nGET\r\n$%d\r\n%b\r\n" % (len(key), key.encode()))
        expected = b"$%d\r\n%b\r\n" % (len(value), value)
        received = b""
        while len(received) < len(expected):
            received += resp.recv(1 << 20)
        assert received == expected


def test_a_body_beyond_the_limit_is_refused_by_its_announced_length(connect):
    client = connect()
    client.send(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10000001\r\n\r\n")
    assert error(client.read_response()) == "ERR max request size exceeded"
    assert client.is_closed_by_server()


def test_the_limit_of_bodies_can_be_set(start_node, key):
    node = start_node(settings={"TRIBE_LIMITS_UPSTASHBODYMAX": "1KiB"})
    with Connection(node.port) as client:
        assert run(client, "SET", key, "x" * 900) == "OK"
        assert error(command(client, "SET", key, "x" * 1024)) == "ERR max request size exceeded"


def test_a_chunked_body_is_a_body(client, key):
    client.send(f"POST /set/{key} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
                + b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
    assert result(client.read_response()) == "OK"
    assert run(client, "GET", key) == "abcde"
