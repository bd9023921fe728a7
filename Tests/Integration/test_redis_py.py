"""redis-py, unmodified, in both protocols, against a node with one loop and one with four."""
import time

import pytest
import redis

from waiting import wait_until


@pytest.fixture(params=[2, 3], ids=["RESP2", "RESP3"])
def client(node, request):
    with redis.Redis(port=node.resp_port, protocol=request.param) as client:
        client.flushall()
        yield client


def test_strings(client, key):
    assert client.ping() is True
    assert client.set(key, "text") is True
    assert client.get(key) == b"text"
    assert client.append(key, "!") == 5
    assert client.strlen(key) == 5
    assert client.getrange(key, 1, 2) == b"ex"
    assert client.setrange(key, 0, "T") == 5
    assert client[key] == b"Text!"
    assert client.getdel(key) == b"Text!"
    assert client.get(key) is None
    assert client.exists(key) == 0


def test_many_values_at_once(client):
    values = {f"many:{index}": str(index) for index in range(500)}
    assert client.mset(values) is True
    assert client.mget(values) == [value.encode() for value in values.values()]
    assert client.msetnx({"many:0": "x", "new": "x"}) is False
    assert client.delete(*values) == 500
    assert client.dbsize() == 0


def test_numbers(client, key):
    assert client.incr(key) == 1
    assert client.incrby(key, 2**53) == 2**53 + 1
    assert client.decrby(key, 2) == 2**53 - 1
    assert client.incrbyfloat("float", 1.5) == 1.5
    client.set(key, "text")
    with pytest.raises(redis.ResponseError, match="value is not an integer or out of range"):
        client.incr(key)


def test_options_of_set(client, key):
    assert client.set(key, 1, xx=True) is None
    assert client.set(key, 1, nx=True) is True
    assert client.set(key, 2, nx=True) is None
    assert client.set(key, 3, get=True) == b"1"
    assert client.set(key, 4, ex=100) is True
    assert client.set(key, 5, keepttl=True) is True
    assert 98 <= client.ttl(key) <= 100
    assert client.set(key, 6, pxat=int(time.time() * 1000) + 500_000) is True
    assert 490 <= client.ttl(key) <= 500


def test_expiry(client, key):
    client.set(key, "x")
    assert client.ttl(key) == -1
    assert client.expire(key, 1_000) is True
    assert client.expire(key, 500, gt=True) is False
    assert 998 <= client.ttl(key) <= 1_000
    assert client.persist(key) is True
    assert client.pexpire(key, 20) is True
    wait_until(lambda: client.get(key) is None, "the key expires")
    assert client.ttl(key) == -2


def test_bits(client, key):
    assert client.setbit(key, 7, 1) == 0
    assert client.getbit(key, 7) == 1
    assert client.bitcount(key) == 1
    assert client.bitpos(key, 1) == 7
    assert client.bitfield(key).set("u8", 8, 255).get("u8", 8).execute() == [0, 255]


def test_a_value_of_every_byte(client):
    every = bytes(range(256))
    client.set(every, every)
    assert client.get(every) == every


def test_a_pipeline(client):
    pipeline = client.pipeline(transaction=False)
    for index in range(2_000):
        pipeline.set(f"p:{index}", index).get(f"p:{index}")
    answers = pipeline.execute()
    assert answers[::2] == [True] * 2_000
    assert answers[1::2] == [str(index).encode() for index in range(2_000)]


def test_a_pipeline_tells_which_command_failed(client, key):
    client.set(key, "x")
    answers = client.pipeline(transaction=False).incr(key).get(key).execute(raise_on_error=False)
    assert isinstance(answers[0], redis.ResponseError)
    assert answers[1] == b"x"


def test_a_transaction_with_a_watched_key(client, node, key):
    client.set(key, 1)
    with client.pipeline() as pipeline:
        pipeline.watch(key)
        value = int(pipeline.get(key))
        pipeline.multi()
        pipeline.set(key, value + 1).get(key)
        assert pipeline.execute() == [True, b"2"]
    with client.pipeline() as pipeline:
        pipeline.watch(key)
        client.set(key, "by another")
        pipeline.multi()
        pipeline.set(key, "lost")
        with pytest.raises(redis.WatchError):
            pipeline.execute()
    assert client.get(key) == b"by another"


def test_the_helper_for_transactions_repeats_until_it_is_done(client, key):
    attempts = []

    def increment(pipeline):
        attempts.append(1)
        value = int(pipeline.get(key) or 0)
        if len(attempts) == 1:
            client.set(key, 10)
        pipeline.multi()
        pipeline.set(key, value + 1)

    assert client.transaction(increment, key) == [True]
    assert client.get(key) == b"11"
    assert len(attempts) == 2


def test_publish_and_subscribe(client):
    with client.pubsub(ignore_subscribe_messages=True) as subscriber:
        subscriber.subscribe("news")
        subscriber.psubscribe("c*")
        wait_until(lambda: subscriber.get_message(timeout=0.01) is None and client.pubsub_numpat() == 1, "subscribed")
        assert client.pubsub_numsub("news") == [(b"news", 1)]
        assert client.publish("news", b"\x00\xff") == 1
        assert client.publish("chat", "hi") == 1
        received = [wait_until(lambda: subscriber.get_message(timeout=0.1), "a message") for _ in range(2)]
    assert {(message["type"], message["channel"], message["data"]) for message in received} == {
        ("message", b"news", b"\x00\xff"), ("pmessage", b"chat", b"hi")}


def test_scan_finds_every_key_once(client):
    client.mset({f"scan:{index}": "x" for index in range(3_000)})
    client.set("other", "x")
    found = list(client.scan_iter(match="scan:*", count=100))
    assert sorted(found) == sorted(f"scan:{index}".encode() for index in range(3_000))
    assert len(client.keys("scan:*")) == 3_000


def test_what_the_server_tells_about_itself(client):
    information = client.info()
    assert information["redis_version"].startswith("7.")
    assert information["connected_clients"] >= 1
    assert client.info("memory")["used_memory"] > 0
    assert client.time()[0] == pytest.approx(time.time(), abs=5)
    assert client.client_setname("tester") is True
    assert client.client_getname() in ("tester", b"tester")
    assert any(entry["name"] == "tester" and entry["id"] == str(client.client_id()) for entry in client.client_list())
    assert client.command_count() > 50
    assert client.command()["get"]["arity"] == 2
    assert client.config_get("maxmemory-policy")


def test_many_connections_of_a_pool(node):
    pool = redis.ConnectionPool(host="127.0.0.1", port=node.resp_port, max_connections=100)
    clients = [redis.Redis(connection_pool=pool, single_connection_client=True) for _ in range(100)]
    for index, client in enumerate(clients):
        assert client.set(f"pool:{index}", index)
    for index, client in enumerate(clients):
        assert client.get(f"pool:{index}") == str(index).encode()
        client.close()
    pool.disconnect()


def test_an_address_with_a_password_is_accepted(node):
    with redis.Redis.from_url(f"redis://:secret@127.0.0.1:{node.resp_port}/0") as client:
        assert client.ping()
