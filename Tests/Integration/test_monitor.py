"""MONITOR: commands of every loop, as lines."""
import re

from resp_client import OK, Error, RESPConnection, Status

LINE = re.compile(rb"\d{10,}\.\d{6} \[0 127\.0\.0\.1:\d+\] (.*)", re.DOTALL)


def read_line(monitor: RESPConnection) -> bytes:
    status = monitor.read()
    assert isinstance(status, Status), status
    return LINE.fullmatch(status.text)[1]


def test_shows_commands_of_all_loops_to_monitors_of_all_loops(node):
    monitors = [RESPConnection(node.resp_port) for _ in range(6)]
    clients = [RESPConnection(node.resp_port) for _ in range(8)]
    for monitor in monitors:
        assert monitor.call("MONITOR") == OK
    for number, client in enumerate(clients):
        client.call("SET", f"key:{number}", "v")
    expected = sorted(b'"SET" "key:%d" "v"' % number for number in range(len(clients)))
    for monitor in monitors:
        assert sorted(read_line(monitor) for _ in clients) == expected
    for connection in monitors + clients:
        connection.close()


def test_shows_commands_of_one_client_in_order_and_bytes_quoted(node):
    with RESPConnection(node.resp_port) as monitor, RESPConnection(node.resp_port) as client:
        assert monitor.call("MONITOR") == OK
        client.pipeline([("SET", b'k"\\\n\r\t\a\b\x01', b"v\xff\x7f ~"), ("get", "x"), ("PING",)])
        assert read_line(monitor) == rb'"SET" "k\"\\\n\r\t\a\b\x01" "v\xff\x7f ~"'
        assert read_line(monitor) == b'"get" "x"'
        assert read_line(monitor) == b'"PING"'


def test_does_not_show_what_was_not_done_nor_what_administrators_do(node):
    with RESPConnection(node.resp_port) as monitor, RESPConnection(node.resp_port) as client:
        assert monitor.call("MONITOR") == OK
        for words in (("GET",), ("NOSUCH",), ("MONITOR",)):
            client.call(*words)
        with RESPConnection(node.resp_port) as other:
            other.call("GET", "shown")
        assert read_line(monitor) == b'"GET" "shown"'


def test_shows_a_transaction_when_it_is_done(node):
    with RESPConnection(node.resp_port) as monitor, RESPConnection(node.resp_port) as client:
        assert monitor.call("MONITOR") == OK
        client.pipeline([("MULTI",), ("SET", "a", "1"), ("INCR", "a"), ("EXEC",)])
        client.pipeline([("MULTI",), ("GET",), ("EXEC",)])
        lines = [read_line(monitor) for _ in range(6)]
        assert lines == [b'"MULTI"', b'"SET" "a" "1"', b'"INCR" "a"', b'"EXEC"', b'"MULTI"', b'"EXEC"']


def test_a_monitor_sees_itself_and_leaves_the_keyspace_alone(node):
    with RESPConnection(node.resp_port) as monitor:
        assert monitor.call("MONITOR") == OK
        assert monitor.call("PING") == Status(b"PONG")
        assert read_line(monitor) == b'"PING"'
        assert monitor.call("GET", "x") == Error(b"ERR Replica can't interact with the keyspace")
        assert monitor.call("QUIT") == OK


def test_commands_are_fast_again_and_right_when_the_last_monitor_is_gone(node):
    with RESPConnection(node.resp_port) as client:
        for _ in range(20):
            with RESPConnection(node.resp_port) as monitor:
                assert monitor.call("MONITOR") == OK
                assert client.call("SET", "monitored", "1") == OK
        assert client.pipeline([("INCR", "monitored")] * 100) == list(range(2, 102))
