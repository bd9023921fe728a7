"""The Python package upstash-redis, unmodified, against the Upstash front."""
import asyncio
import base64

import pytest
import upstash_redis
from upstash_redis.asyncio import Redis as AsyncRedis
from upstash_redis.errors import UpstashError
from upstash import Events


@pytest.fixture(params=["base64", None], ids=["base64", "text"])
def redis(node, request):
    """A client as its documents make one; it retries nothing, so that every fault is seen."""
    with upstash_redis.Redis(url=f"http://127.0.0.1:{node.port}", token="any", rest_encoding=request.param,
                             rest_retries=0) as client:
        yield client


def test_it_sets_and_gets_text(redis, key):
    for text in ["value", "", "é €😀 \n\t\"\\<>&\u2028", "x" * 100_000]:
        assert redis.set(key, text) is True
        assert redis.get(key) == text
    assert redis.get(key + ":absent") is None


def test_it_sets_and_gets_binary_as_applications_do(redis, key):
    value = bytes(range(256)) * 10
    redis.set(key, base64.b64encode(value).decode())
    assert base64.b64decode(redis.get(key)) == value


def test_it_sets_and_gets_values_of_other_types(redis, key):
    redis.set(key, 12345678901234567890)
    assert redis.get(key) == "12345678901234567890"
    redis.set(key, 1.5)
    assert redis.get(key) == "1.5"
    redis.set(key, {"a": [1, None, True]})
    assert redis.get(key) == '{"a": [1, null, true]}'


def test_it_counts(redis, key):
    assert redis.incr(key) == 1
    assert redis.incrby(key, 41) == 42
    assert redis.decr(key) == 41
    assert redis.incrbyfloat(key, 0.5) == 41.5
    with pytest.raises(UpstashError, match="ERR value is not an integer or out of range"):
        redis.incr(key)


def test_it_expires(redis, key):
    assert redis.set(key, "v", ex=100) is True
    assert 90 < redis.ttl(key) <= 100
    assert redis.expire(key, 1_000)
    assert 900 < redis.ttl(key) <= 1_000
    assert redis.persist(key)
    assert redis.ttl(key) == -1
    assert redis.set(key, "w", nx=True) is False
    assert redis.set(key, "w", get=True) == "v"
    assert redis.setex(key, 50, "x") is True
    assert 0 < redis.pttl(key) <= 50_000


def test_it_scans(redis, key):
    names = {f"{key}:{index}" for index in range(300)}
    assert redis.mset({name: "v" for name in names}) is True
    found = set()
    cursor, rounds = 0, 0
    while True:
        cursor, page = redis.scan(cursor, match=f"{key}:*", count=50)
        found |= set(page)
        rounds += 1
        if cursor == 0:
            break
    assert found == names and rounds > 1
    assert redis.delete(*names) == 300


def test_it_reads_many(redis, key):
    redis.set(f"{key}a", "1")
    assert redis.mget(f"{key}a", f"{key}b") == ["1", None]
    assert redis.exists(f"{key}a", f"{key}b") == 1
    assert redis.getdel(f"{key}a") == "1"


def test_it_pipelines(redis, key):
    pipeline = redis.pipeline()
    pipeline.set(key, 1)
    pipeline.incr(key)
    pipeline.get(key)
    pipeline.mget(key, key + ":absent")
    assert pipeline.exec() == [True, 2, "2", ["2", None]]


def test_it_runs_transactions(redis, key):
    transaction = redis.multi()
    transaction.set(key, "v")
    transaction.get(key)
    transaction.expire(key, 100)
    assert [bool(item) for item in transaction.exec()] == [True, True, True]
    assert 0 < redis.ttl(key) <= 100


def test_it_tells_errors(redis, key):
    with pytest.raises(UpstashError, match="ERR Command is not available: 'NOSUCH'"):
        redis.execute(["NOSUCH", key])
    with pytest.raises(UpstashError, match="wrong number of arguments for 'get' command"):
        redis.execute(["GET"])


def test_it_keeps_the_sync_token(redis, key):
    redis.set(key, "v")
    first = redis._sync_token
    redis.set(key, "w")
    assert first and redis._sync_token != first
    assert redis.get(key) == "w"


def test_it_pings_echoes_and_publishes(node, redis, key):
    assert redis.ping() == "PONG"
    assert redis.echo("hi") == "hi"
    with Events(node.port, f"/subscribe/{key}") as events:
        events.next()
        assert redis.publish(key, "hello") == 1
        assert events.next() == f"message,{key},hello".encode()


def test_its_asynchronous_client_does_the_same(node, key):
    async def use():
        async with AsyncRedis(url=f"http://127.0.0.1:{node.port}", token="any", rest_retries=0) as redis:
            assert await redis.set(key, "é") is True
            assert await redis.get(key) == "é"
            counts = await asyncio.gather(*[redis.incr(key + ":n") for _ in range(50)])
            assert sorted(counts) == list(range(1, 51))
            pipeline = redis.pipeline()
            pipeline.set(key, 1)
            pipeline.incr(key)
            assert await pipeline.exec() == [True, 2]

    asyncio.run(use())
