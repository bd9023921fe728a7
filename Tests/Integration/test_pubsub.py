"""Publishing and subscribing over the Redis protocol, within a loop and across loops."""
import random
import subprocess
import threading
import uuid

import pytest
from expectations import metrics, total
from http_client import Connection
from resp_client import OK, PONG, QUEUED, Error, RESPConnection, Status, encode
from waiting import wait_until

ONLY = (b"ERR Can't execute '%s': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this "
        b"context")


@pytest.fixture
def open_resp(node):
    """Opens connections of the Redis protocol; the kernel spreads them over the loops."""
    connections = []

    def connect(**options) -> RESPConnection:
        connections.append(RESPConnection(node.resp_port, **options))
        return connections[-1]

    yield connect
    for connection in connections:
        connection.close()


@pytest.fixture
def name() -> bytes:
    return uuid.uuid4().hex.encode()


def subscribe(connection: RESPConnection, *channels: bytes):
    """Subscribes, as the first that the connection does."""
    connection.send(encode("SUBSCRIBE", *channels))
    for count, channel in enumerate(channels, 1):
        assert connection.read() == [b"subscribe", channel, count]


def test_a_message_reaches_the_subscribers_of_its_channel_on_every_loop(open_resp, name):
    subscribers = [open_resp() for _ in range(32)]
    for subscriber in subscribers:
        subscribe(subscriber, name)
    others = [open_resp() for _ in range(8)]
    for other in others:
        subscribe(other, name + b":other")
    publisher = open_resp()
    for payload in (b"", b"hello", b"\x00\xff\r\n", b"x" * 16_383, b"x" * 16_384, b"x" * 300_000, b"y" * 5_000_000):
        assert publisher.call("PUBLISH", name, payload) == len(subscribers)
        for subscriber in subscribers:
            assert subscriber.read() == [b"message", name, payload]
    assert publisher.call("PUBLISH", name + b":other", b"end") == len(others)
    for other in others:
        assert other.read() == [b"message", name + b":other", b"end"]


def test_a_message_to_nobody_reaches_nobody(open_resp, name):
    assert open_resp().call("PUBLISH", name, b"hello") == 0


def test_patterns_get_channel_and_pattern_and_count_once_each(open_resp, name):
    subscriber, publisher = open_resp(), open_resp()
    subscribe(subscriber, name)
    subscriber.send(encode("PSUBSCRIBE", name[:8] + b"*", b"?" + name[1:], name[:8] + b"*"))
    assert [subscriber.read()[2] for _ in range(3)] == [2, 3, 3]
    assert publisher.call("PUBLISH", name, b"1") == 3
    assert subscriber.read() == [b"message", name, b"1"]
    assert subscriber.read() == [b"pmessage", name[:8] + b"*", name, b"1"]
    assert subscriber.read() == [b"pmessage", b"?" + name[1:], name, b"1"]
    assert publisher.call("PUBLISH", name + b"x", b"2") == 1
    assert subscriber.read() == [b"pmessage", name[:8] + b"*", name + b"x", b"2"]


@pytest.mark.parametrize("pattern, channel, matches", [
    (b"h?llo", b"hello", True), (b"h?llo", b"hllo", False), (b"h[ae]llo", b"hallo", True),
    (b"h[^e]llo", b"hello", False),
    (b"h[a-c]llo", b"hbllo", True), (rb"h\*llo", b"h*llo", True), (rb"h\*llo", b"hello", False), (b"*", b"x", True),
    (b"a*b*c", b"aXbXbc", True), (b"a*b*c", b"aXbX", False), (b"*" * 50 + b"b", b"a" * 5_000, False),
])
def test_patterns_match_as_those_of_redis(open_resp, name, pattern, channel, matches):
    subscriber, publisher = open_resp(), open_resp()
    subscriber.send(encode("PSUBSCRIBE", name + pattern))
    assert subscriber.read()[2] == 1
    assert publisher.call("PUBLISH", name + channel, b"") == (1 if matches else 0)


def test_messages_of_one_publisher_arrive_in_order(open_resp, name):
    subscribers = [open_resp() for _ in range(8)]
    for subscriber in subscribers:
        subscribe(subscriber, name)
    publishers = [open_resp() for _ in range(4)]

    def publish(number: int):
        for start in range(0, 500, 50):
            replies = publishers[number].pipeline(
                ("PUBLISH", name, f"{number}:{index}") for index in range(start, start + 50))
            assert replies == [len(subscribers)] * 50

    threads = [threading.Thread(target=publish, args=(number,)) for number in range(len(publishers))]
    for thread in threads:
        thread.start()
    for subscriber in subscribers:
        latest = {}
        for _ in range(500 * len(publishers)):
            number, index = map(int, subscriber.read()[2].split(b":"))
            assert index == latest.get(number, -1) + 1
            latest[number] = index
        assert latest == dict.fromkeys(range(len(publishers)), 499)
    for thread in threads:
        thread.join()


def test_a_message_published_after_the_reply_to_subscribing_arrives(open_resp, name):
    publisher = open_resp()
    for _ in range(200):
        subscriber = open_resp()
        subscribe(subscriber, name)
        assert publisher.call("PUBLISH", name, b"") == 1
        subscriber.close()
        wait_until(lambda: publisher.call("PUBSUB", "NUMSUB", name) == [name, 0], "the subscriber has left")


def test_unsubscribing_confirms_each_name_and_what_is_left(open_resp, name):
    connection = open_resp()
    channels = [name + b":%d" % index for index in range(3)]
    subscribe(connection, *channels)
    connection.send(encode("PSUBSCRIBE", name + b"*"))
    assert connection.read() == [b"psubscribe", name + b"*", 4]
    assert connection.call("UNSUBSCRIBE", name + b":none") == [b"unsubscribe", name + b":none", 4]
    assert connection.call("UNSUBSCRIBE", channels[1]) == [b"unsubscribe", channels[1], 3]
    connection.send(encode("UNSUBSCRIBE"))
    assert connection.read() == [b"unsubscribe", channels[0], 2]
    assert connection.read() == [b"unsubscribe", channels[2], 1]
    assert connection.call("UNSUBSCRIBE") == [b"unsubscribe", None, 1]
    assert connection.call("PUNSUBSCRIBE") == [b"punsubscribe", name + b"*", 0]
    assert connection.call("PUNSUBSCRIBE") == [b"punsubscribe", None, 0]
    assert connection.call("GET", name) is None
    assert connection.call("PUBLISH", channels[0], b"") == 0


def test_a_subscriber_of_resp2_may_do_what_redis_allows(open_resp, name):
    connection = open_resp()
    subscribe(connection, name)
    for command, *words in (("GET", "x"), ("PUBLISH", "x", "y"), ("MULTI",), ("MONITOR",), ("PUBSUB", "NUMPAT")):
        shown = b"pubsub|numpat" if command == "PUBSUB" else command.lower().encode()
        assert connection.call(command, *words) == Error(ONLY % shown)
    assert connection.call("EXEC").text == b"EXECABORT Transaction discarded because of: " + (ONLY % b"exec")[4:]
    assert connection.call("GET") == Error(b"ERR wrong number of arguments for 'get' command")
    assert connection.call("NOSUCH").text.startswith(b"ERR unknown command 'NOSUCH'")
    assert connection.call("PING") == [b"pong", b""]
    assert connection.call("PING", "x") == [b"pong", b"x"]
    assert connection.call("QUIT") == OK
    assert connection.is_closed_by_server()


def test_pubsub_tells_about_all_loops(open_resp, name):
    subscribers = [open_resp() for _ in range(8)]
    for index, subscriber in enumerate(subscribers):
        subscribe(subscriber, name + b":a" if index % 2 else name + b":b")
        subscriber.send(encode("PSUBSCRIBE", name + b"*"))
        assert subscriber.read()[2] == 2
    asking = open_resp()
    assert sorted(asking.call("PUBSUB", "CHANNELS", name + b"*")) == [name + b":a", name + b":b"]
    assert {name + b":a", name + b":b"} <= set(asking.call("PUBSUB", "CHANNELS"))
    assert asking.call("PUBSUB", "NUMSUB", name + b":a", name) == [name + b":a", 4, name, 0]
    assert asking.call("PUBSUB", "NUMSUB") == []
    # Of all who subscribe at this time only these have a pattern.
    assert asking.call("PUBSUB", "NUMPAT") == 1
    assert asking.call("PUBSUB", "CHANNELS", "a", "b") == Error(
        b"ERR unknown subcommand or wrong number of arguments for 'CHANNELS'. Try PUBSUB HELP.")
    assert asking.call("PUBSUB", "NUMPAT", "x") == Error(b"ERR wrong number of arguments for 'pubsub|numpat' command")
    assert asking.call("PUBSUB", "nosuch") == Error(b"ERR unknown subcommand 'nosuch'. Try PUBSUB HELP.")
    help_lines = asking.call("PUBSUB", "HELP")
    assert help_lines[0] == Status(b"PUBSUB <subcommand> [<arg> [value] [opt] ...]. Subcommands are:")
    assert len(help_lines) == 9


def test_subscribing_inside_a_transaction_is_refused(open_resp, name):
    connection = open_resp()
    assert connection.call("MULTI") == OK
    assert connection.call("SUBSCRIBE", name) == Error(b"ERR Command not allowed inside a transaction")
    assert connection.call("EXEC").code == "EXECABORT"


def test_publishing_inside_a_transaction(open_resp, name):
    subscriber, publisher = open_resp(), open_resp()
    subscribe(subscriber, name)
    assert publisher.pipeline([("MULTI",), ("PUBLISH", name, "1"), ("EXEC",)]) == [OK, QUEUED, [1]]
    replies = publisher.pipeline(
        [("MULTI",), ("SET", name, "v"), ("PUBLISH", name, "2"), ("GET", name), ("PING",), ("EXEC",)])
    assert replies == [OK, QUEUED, QUEUED, QUEUED, QUEUED, [OK, 1, b"v", PONG]]
    assert [subscriber.read()[2] for _ in range(2)] == [b"1", b"2"]


def test_one_who_is_gone_is_subscribed_no_more(open_resp, name):
    subscribers = [open_resp() for _ in range(16)]
    for subscriber in subscribers:
        subscribe(subscriber, name)
    for subscriber in subscribers[:8]:
        subscriber.close()
    for subscriber in subscribers[8:15]:
        subscriber.reset()
    publisher = open_resp()
    wait_until(lambda: publisher.call("PUBLISH", name, b"x") == 1, "the others are gone")
    assert subscribers[15].read() == [b"message", name, b"x"]


def test_names_have_a_length_that_is_refused(open_resp, name):
    connection = open_resp()
    refusal = Error(b"ERR a channel has at most 32768 bytes, a pattern 1024")
    assert connection.call("SUBSCRIBE", b"x" * 32_769) == refusal
    assert connection.call("PSUBSCRIBE", b"x" * 1_025) == refusal
    assert connection.call("PUBLISH", b"x" * 32_769, b"") == refusal
    subscribe(connection, b"x" * 32_768)
    assert open_resp().call("PUBLISH", b"x" * 32_768, b"y") == 1
    assert connection.read() == [b"message", b"x" * 32_768, b"y"]


def test_random_subscriptions_get_what_lists_say(open_resp, name):
    numbers = random.Random(4)
    names = [name + text for text in (b"a", b"b", b"ab", b"ba")]
    patterns = [name + text for text in (b"*", b"a*", b"?", b"[ab]b")]
    members = {b"%s*" % name: names, b"%sa*" % name: [names[0], names[2]], b"%s?" % name: names[:2],
               b"%s[ab]b" % name: [names[2]]}
    connections = [open_resp() for _ in range(6)]
    held = [[] for _ in connections]
    publisher = open_resp()
    for step in range(400):
        index = numbers.randrange(len(connections))
        word = numbers.choice((b"subscribe", b"psubscribe", b"unsubscribe", b"punsubscribe"))
        wanted = numbers.choice(patterns if word.startswith(b"p") else names)
        entry = (word.startswith(b"p"), wanted)
        if b"un" in word:
            held[index] = [other for other in held[index] if other != entry]
        elif entry not in held[index]:
            held[index].append(entry)
        assert connections[index].call(word, wanted) == [word, wanted, len(held[index])]
        channel, payload = numbers.choice(names), b"%d" % step
        expected = []
        for entries in held:
            direct = [[b"message", channel, payload]] if (False, channel) in entries else []
            matching = [[b"pmessage", text, channel, payload] for is_pattern, text in entries
                        if is_pattern and channel in members[text]]
            expected.append(direct + sorted(matching))
        assert publisher.call("PUBLISH", channel, payload) == sum(map(len, expected))
        for connection, messages in zip(connections, expected):
            arrived = [connection.read() for _ in messages]
            assert [message for message in arrived if message[0] == b"message"] == arrived[:len(arrived) - len(
                [message for message in arrived if message[0] == b"pmessage"])]
            assert sorted(arrived) == sorted(messages)


def test_metrics_tell_channels_patterns_and_messages(node, open_resp, name):
    with Connection(node.port) as http:
        before = metrics(http)
        subscriber, publisher = open_resp(), open_resp()
        subscribe(subscriber, name, name + b":2")
        subscriber.send(encode("PSUBSCRIBE", name + b"*"))
        subscriber.read()
        for _ in range(3):
            publisher.call("PUBLISH", name, b"")
        after = metrics(http)
        assert total(after, "tribe_pubsub_channels") >= 2
        assert total(after, "tribe_pubsub_patterns") >= 1
        assert total(after, "tribe_pubsub_messages_total") == total(before, "tribe_pubsub_messages_total") + 3


def test_redis_cli_publishes_and_subscribes(node, open_resp, name):
    command = ["redis-cli", "-p", str(node.resp_port)]
    with subprocess.Popen([*command, "SUBSCRIBE", name], stdout=subprocess.PIPE) as subscriber:
        try:
            asking = open_resp()
            wait_until(lambda: asking.call("PUBSUB", "NUMSUB", name) == [name, 1], "redis-cli has subscribed")
            published = subprocess.run([*command, "PUBLISH", name, "hello"], capture_output=True, timeout=20)
            assert published.stdout == b"1\n"
            lines = [subscriber.stdout.readline() for _ in range(6)]
            assert [line.strip() for line in lines[3:]] == [b"message", name, b"hello"]
        finally:
            subscriber.terminate()
