"""The Upstash front: pipelines and transactions."""
import threading

import pytest
from http_client import Connection
from upstash import BASE64, RESP2, command, encoded, error, expect_fields, post, run


def results(response) -> list:
    assert response.status == 200, response
    expect_fields(response)
    return response.json()


def test_a_pipeline_answers_in_order_with_errors_inline(client, key):
    answer = results(post(client, "/pipeline", [["SET", key, 1], ["INCR", key], ["NOSUCH"], ["GET"], ["GET", key],
                                                ["MGET", key, "{absent}"], ["PING"]]))
    assert answer == [{"result": "OK"}, {"result": 2}, {"error": "ERR Command is not available: 'NOSUCH'"},
                      {"error": "ERR wrong number of arguments for 'get' command"}, {"result": "2"},
                      {"result": ["2", None]}, {"result": "PONG"}]


def test_a_pipeline_may_be_encoded_or_raw(client, key):
    commands = [["SET", key, "v"], ["GET", key], ["NOSUCH"], ["MGET", key, "{absent}"]]
    assert results(post(client, "/pipeline", commands, BASE64))[:2] == [{"result": "OK"}, {"result": encoded(b"v")}]
    raw = post(client, "/pipeline", commands, RESP2)
    assert raw["content-type"] == "application/octet-stream"
    assert raw.body == (b"*4\r\n+OK\r\n$1\r\nv\r\n-ERR Command is not available: 'NOSUCH'\r\n*2\r\n$1\r\nv\r\n$-1\r\n")


@pytest.mark.parametrize("path", ["/pipeline", "/multi-exec"])
@pytest.mark.parametrize("body, text", [
    (b"[]", "ERR empty pipeline request"), (b"", "ERR empty pipeline request"), (b"[[]]", "ERR empty command"),
    (b"{}", "ERR failed to parse pipeline request"), (b'["GET","k"]', "ERR failed to parse pipeline request"),
    (b'[["GET",null]]', "ERR failed to parse pipeline request"), (b"[[", "ERR failed to parse pipeline request"),
    (b"[" + b"[1]," * 100_000 + b"[1]]", "ERR max pipeline size exceeded: a request has at most 100000 commands"),
])
def test_what_is_no_pipeline_is_400(client, path, body, text):
    assert error(post(client, path, body)) == text


def test_a_long_pipeline_over_all_loops_keeps_its_order(client, key):
    count = 5_000
    commands = [["INCR", key] for _ in range(count)] + [["SET", f"{key}:{index}", index] for index in range(count)]
    commands += [["GET", f"{key}:{index}"] for index in range(count)]
    answer = [item["result"] for item in results(post(client, "/pipeline", commands))]
    assert answer == list(range(1, count + 1)) + ["OK"] * count + [str(index) for index in range(count)]


def test_commands_that_ask_every_loop_may_stand_in_a_pipeline(client, key):
    answer = results(post(client, "/pipeline", [["SET", key, "v"], ["DBSIZE"], ["DEL", key, key + "b"], ["DBSIZE"]]))
    assert answer[0] == {"result": "OK"} and answer[2] == {"result": 1}
    assert answer[1]["result"] - answer[3]["result"] == 1


def test_a_transaction_answers_with_a_list(client, key):
    answer = results(post(client, "/multi-exec", [["SET", key, 1], ["INCR", key], ["GET", key], ["MGET", key]]))
    assert answer == [{"result": "OK"}, {"result": 2}, {"result": "2"}, {"result": ["2"]}]


def test_a_command_that_fails_in_a_transaction_does_not_stop_the_others(client, key):
    answer = results(post(client, "/multi-exec", [["SET", key, "text"], ["INCR", key], ["GET", key]], BASE64))
    assert answer == [{"result": "OK"}, {"error": "ERR value is not an integer or out of range"},
                      {"result": encoded(b"text")}]


@pytest.mark.parametrize("bad", [["NOSUCH"], ["GET"], ["WATCH", "k"]])
def test_a_transaction_with_what_is_no_command_is_discarded_as_a_whole(client, key, bad):
    text = error(post(client, "/multi-exec", [["SET", key, "v"], bad]))
    assert text.startswith("EXECABORT Transaction discarded because of: ERR ")
    assert run(client, "EXISTS", key) == 0


def test_a_transaction_is_answered_in_json_whatever_is_asked(client, key):
    response = post(client, "/multi-exec", [["SET", key, "v"]], RESP2)
    assert response["content-type"] == "application/json" and results(response) == [{"result": "OK"}]


def test_a_reader_never_sees_half_of_a_transaction(node, key):
    keys = [f"{key}:{index}" for index in range(8)]
    stop = threading.Event()

    def write():
        with Connection(node.port) as writer:
            number = 0
            while not stop.is_set():
                number += 1
                results(post(writer, "/multi-exec", [["SET", name, number] for name in keys]))

    thread = threading.Thread(target=write)
    thread.start()
    try:
        with Connection(node.port) as reader:
            for _ in range(500):
                assert len(set(run(reader, "MGET", *keys))) == 1
    finally:
        stop.set()
        thread.join()


@pytest.mark.parametrize("method", ["DELETE", "PATCH", "OPTIONS"])
@pytest.mark.parametrize("path", ["/pipeline", "/multi-exec"])
def test_other_methods_are_405_in_this_fronts_form(client, path, method):
    assert error(client.request(method, path), 405).startswith("ERR method not allowed")


def test_put_is_taken_as_post(client, key):
    assert results(client.request("PUT", "/pipeline", None, f'[["SET","{key}","v"]]'.encode())) == [{"result": "OK"}]
    assert error(client.request("GET", "/pipeline")) == "ERR empty pipeline request"


def test_requests_behind_a_pipeline_on_its_connection_keep_their_order(node, key):
    with Connection(node.port) as client:
        body = ('[["SET","%s",1],["MSET","%s:a",1,"%s:b",2],["INCR","%s"]]' % (key, key, key, key)).encode()
        one = f"POST /pipeline HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
        get = f'["GET","{key}"]'.encode()
        two = f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {len(get)}\r\n\r\n".encode() + get
        client.send(one + two)
        assert results(client.read_response())[2] == {"result": 2}
        assert client.read_response().json() == {"result": "2"}


def test_the_sync_token_changes_with_a_batch_that_writes(client, key):
    before = command(client, "GET", key)["upstash-sync-token"]
    piped = post(client, "/pipeline", [["GET", key], ["SET", key, 1]])["upstash-sync-token"]
    atomic = post(client, "/multi-exec", [["GET", key], ["SET", key, 2]])["upstash-sync-token"]
    assert len({before, piped, atomic}) == 3
