"""Commands of the Redis protocol about all keys: KEYS, SCAN, RANDOMKEY, DBSIZE, FLUSHALL."""
import threading
import time

import pytest

from resp_client import OK, QUEUED, Error, RESPConnection


@pytest.fixture
def redis(node):
    with RESPConnection(node.resp_port) as connection:
        connection.call("FLUSHALL")
        yield connection


@pytest.fixture
def other(node):
    with RESPConnection(node.resp_port) as connection:
        yield connection


def store(redis, keys, value=b"v"):
    keys = list(keys)
    for start in range(0, len(keys), 500):
        replies = redis.pipeline([("SET", key, value) for key in keys[start:start + 500]])
        assert replies == [OK] * len(replies)


def names(prefix: str, count: int) -> list[bytes]:
    return [f"{prefix}:{number}".encode() for number in range(count)]


def scan_all(redis, *options, between=lambda: None) -> list[bytes]:
    found, cursor, calls = [], b"0", 0
    while True:
        cursor, keys = redis.call("SCAN", cursor, *options)
        found += keys
        calls += 1
        assert calls < 100_000
        if cursor == b"0":
            return found
        between()


# KEYS


def test_keys_lists_what_matches(redis):
    store(redis, ["user:1", "user:2", "user:10", "other", ""])
    assert sorted(redis.call("KEYS", "user:?")) == [b"user:1", b"user:2"]
    assert sorted(redis.call("KEYS", "*")) == [b"", b"other", b"user:1", b"user:10", b"user:2"]
    assert redis.call("KEYS", "none*") == []
    # The empty key is matched by what Redis does not compare, and by the empty pattern.
    assert redis.call("KEYS", "**") != redis.call("KEYS", "*")
    assert redis.call("KEYS", "") == [b""]


def test_keys_lists_many_keys_each_once(redis):
    keys = names("many", 20_000)
    store(redis, keys)
    assert sorted(redis.call("KEYS", "many:*")) == sorted(keys)
    assert sorted(redis.call("KEYS", "many:*9")) == sorted(key for key in keys if key.endswith(b"9"))


def test_keys_that_expired_are_not_listed(redis):
    store(redis, ["short", "long"])
    assert redis.call("PEXPIRE", "short", 1) == 1
    deadline = time.monotonic() + 10
    while redis.call("EXISTS", "short"):
        assert time.monotonic() < deadline
    assert redis.call("KEYS", "*") == [b"long"]
    assert scan_all(redis) == [b"long"]


def test_the_longest_keys_are_listed_and_longer_ones_refused(redis):
    key = b"k" * 32768
    store(redis, [key])
    assert redis.call("KEYS", "k*") == [key]
    assert scan_all(redis, "MATCH", "*k") == [key]
    assert redis.call("RANDOMKEY") == key
    for words in [("SET", key + b"k", "v"), ("EXISTS", "a", key + b"k"), ("RENAME", key, key + b"k"),
                  ("OBJECT", "ENCODING", key + b"k")]:
        assert redis.call(*words) == Error(b"ERR a key has at most 32768 bytes")


def test_a_hostile_pattern_is_decided_while_others_are_served(redis, other):
    """A comparison costs millions of steps, taken in pieces."""
    keys = [b"a" * 5_000 + str(number).encode() for number in range(8)]
    store(redis, keys)
    answer = []
    thread = threading.Thread(target=lambda: answer.append(redis.call("KEYS", b"*" + b"a" * 2_000 + b"b")))
    thread.start()
    pings = 0
    while thread.is_alive():
        assert other.call("EXISTS", keys[pings % 8]) == 1
        pings += 1
    thread.join()
    assert answer == [[]]
    assert pings > 0
    assert sorted(redis.call("KEYS", b"*" + b"a*" * 50 + b"3")) == [keys[3]]


def test_an_answer_that_is_too_long_says_to_use_scan(redis):
    keys = [str(number).encode() + b"k" * 32_000 for number in range(2_200)]
    store(redis, keys)
    assert redis.call("KEYS", "*") == Error(b"ERR the matching keys take more than 67108864 bytes: use SCAN")
    cursor, found = redis.call("SCAN", 0, "COUNT", 1_000_000)
    assert cursor != b"0" and 0 < len(found) < len(keys)
    assert sorted(scan_all(redis, "COUNT", 1_000_000)) == sorted(keys)


# SCAN


@pytest.mark.parametrize("count", [1, 10, 1_000, 1_000_000])
def test_scan_returns_every_key_once(redis, count):
    keys = names("scan", 3_000 if count > 1 else 300)
    store(redis, keys)
    assert sorted(scan_all(redis, "COUNT", count)) == sorted(keys)


def test_scan_looks_at_about_as_many_keys_as_it_is_told(redis):
    store(redis, names("count", 5_000))
    assert len(redis.call("SCAN", 0)[1]) == 10
    for count in (1, 100, 1_000, 4_999):
        # Keys of one hash come together.
        assert count <= len(redis.call("SCAN", 0, "COUNT", count)[1]) <= count + 2
    assert len(redis.call("SCAN", 0, "COUNT", 100, "MATCH", "count:1*")[1]) < 100


def test_scan_filters_by_pattern_and_type(redis):
    store(redis, names("a", 200) + names("b", 200))
    assert sorted(scan_all(redis, "MATCH", "a:*")) == sorted(names("a", 200))
    assert sorted(scan_all(redis, "match", "b:1?", "type", "STRING")) == sorted(
        f"b:{number}".encode() for number in range(10, 20))
    assert scan_all(redis, "TYPE", "hash") == []
    assert scan_all(redis, "TYPE", "no type") == []


def test_a_key_that_stays_is_returned_once_while_the_table_grows_and_shrinks(redis):
    kept = names("kept", 2_000)
    store(redis, kept)
    waves = 0

    def change():
        nonlocal waves
        waves += 1
        if waves % 60 < 30:
            store(redis, [f"wave:{waves % 60}:{number}" for number in range(1_000)], b"x" * (waves % 200))
        else:
            redis.pipeline([("DEL", f"wave:{waves % 60 - 30}:{number}") for number in range(1_000)])
        # New versions of kept keys, of other sizes: their records move.
        store(redis, kept[waves % 40::40], b"y" * (waves * 7 % 500))

    found = [key for key in scan_all(redis, "COUNT", 200, between=change) if key.startswith(b"kept:")]
    assert sorted(found) == sorted(kept)
    assert waves > 5


@pytest.mark.parametrize("cursor", [
    "1", "-1", "+7", "4398046511104", "18446744073709551615", "123456789012345", "12\0x"])
def test_a_cursor_that_was_never_given_is_none_the_less_one(redis, cursor):
    store(redis, names("cursor", 100))
    following, keys = redis.call("SCAN", cursor, "COUNT", 10)
    assert int(following) >= 0 and len(keys) <= 12
    while following != b"0":
        following, more = redis.call("SCAN", following)
        keys += more
    assert set(keys) <= set(names("cursor", 100))


@pytest.mark.parametrize("cursor", ["", "00", "-0", "+0", "0\0x"])
def test_zero_has_several_spellings(redis, cursor):
    store(redis, names("zero", 5))
    assert sorted(redis.call("SCAN", cursor, "COUNT", 10)[1]) == names("zero", 5)


@pytest.mark.parametrize("words, error", [
    (["x"], "ERR invalid cursor"), (["-"], "ERR invalid cursor"), (["+"], "ERR invalid cursor"),
    ([" 0"], "ERR invalid cursor"), (["0 "], "ERR invalid cursor"), (["0x0"], "ERR invalid cursor"),
    (["18446744073709551616"], "ERR invalid cursor"), (["x", "COUNT", "0"], "ERR invalid cursor"),
    (["0", "COUNT", "0"], "ERR syntax error"), (["0", "COUNT", "-1"], "ERR syntax error"),
    (["0", "COUNT", "x"], "ERR value is not an integer or out of range"), (["0", "COUNT"], "ERR syntax error"),
    (["0", "MATCH"], "ERR syntax error"), (["0", "OTHER", "x"], "ERR syntax error"),
    ([], "ERR wrong number of arguments for 'scan' command"),
])
def test_a_scan_that_cannot_be_meant_is_refused(redis, words, error):
    assert redis.call("SCAN", *words) == Error(error.encode())


# RANDOMKEY, DBSIZE


def test_every_key_turns_up_at_random(redis):
    assert redis.call("RANDOMKEY") is None
    keys = names("random", 100)
    store(redis, keys)
    # That one of 100 equally likely keys does not turn up in 3,000 draws happens once in 10^11 runs.
    found = redis.pipeline([("RANDOMKEY",)] * 3_000)
    assert set(found) == set(keys)


def test_a_random_key_is_found_among_many_that_expired(redis):
    store(redis, names("gone", 3_000))
    assert redis.pipeline([("PEXPIRE", key, 30) for key in names("gone", 3_000)]) == [1] * 3_000
    store(redis, ["stays"])
    deadline = time.monotonic() + 10
    while redis.call("EXISTS", *names("gone", 3_000)):
        assert time.monotonic() < deadline
    assert redis.pipeline([("RANDOMKEY",)] * 20) == [b"stays"] * 20


def test_the_size_counts_keys_of_all_loops(redis):
    assert redis.call("DBSIZE") == 0
    store(redis, names("size", 500))
    assert redis.call("DBSIZE") == 500
    assert redis.call("DEL", *names("size", 100)) == 100
    assert redis.call("DBSIZE") == 400


# FLUSHALL


@pytest.mark.parametrize("words", [
    ["FLUSHALL"], ["FLUSHDB"], ["flushall", "async"], ["FLUSHALL", "SYNC"], ["flushdb", "Sync"]])
def test_a_flush_removes_all_and_leaves_what_comes_after(redis, words):
    store(redis, names("flush", 5_000))
    assert redis.pipeline([words, ["SET", "flush:1", "new"], ["DBSIZE"], ["GET", "flush:1"]]) == [OK, OK, 1, b"new"]


@pytest.mark.parametrize("words", [["FLUSHALL", "x"], ["FLUSHDB", "SYNC", "ASYNC"]])
def test_a_flush_that_cannot_be_meant_removes_nothing(redis, words):
    store(redis, ["key"])
    assert redis.call(*words) == Error(b"ERR syntax error")
    assert redis.call("DBSIZE") == 1


def test_commands_about_all_keys_within_a_transaction(redis):
    store(redis, names("multi", 300))
    assert redis.call("MULTI") == OK
    commands = [("DBSIZE",), ("KEYS", "multi:12?"), ("SET", "multi:1", "changed"), ("FLUSHALL",), ("DBSIZE",),
                ("SET", "multi:2", "after"), ("KEYS", "*"), ("RANDOMKEY",), ("SCAN", "0", "COUNT", "10")]
    assert redis.pipeline(commands) == [QUEUED] * len(commands)
    replies = redis.call("EXEC")
    replies[1].sort()
    assert replies == [
        300, [b"multi:12", *(f"multi:12{digit}".encode() for digit in range(10))][1:], OK, OK, 0, OK, [b"multi:2"],
        b"multi:2", [b"0", [b"multi:2"]]]
    assert redis.call("DBSIZE") == 1


def test_a_flush_happens_at_one_moment_for_commands_over_several_keys(redis, node):
    """Pairs written by one MSET are both there or both not, whatever flushes go on; counters start anew."""
    stop = threading.Event()
    problems = []

    def write():
        with RESPConnection(node.resp_port) as connection:
            number = 0
            while not stop.is_set():
                number += 1
                connection.call("MSET", "pair:a", number, "pair:bb", number)

    def flush():
        with RESPConnection(node.resp_port) as connection:
            for _ in range(150):
                connection.call("FLUSHALL")
            stop.set()

    def read():
        with RESPConnection(node.resp_port) as connection:
            while not stop.is_set():
                one, two = connection.call("MGET", "pair:a", "pair:bb")
                if one != two:
                    problems.append((one, two))

    threads = [threading.Thread(target=work) for work in (write, flush, read)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    assert problems == []


def test_renaming_between_loops_loses_nothing(redis, node):
    """A value goes round among keys of all loops while another client counts where it is."""
    ring = names("ring", 8)
    redis.call("SET", ring[0], "v")
    redis.call("EXPIRE", ring[0], 1000)
    counts = []
    done = threading.Event()

    def count():
        with RESPConnection(node.resp_port) as connection:
            while not done.is_set():
                counts.append(connection.call("EXISTS", *ring))

    thread = threading.Thread(target=count)
    thread.start()
    for step in range(400):
        assert redis.call("RENAME", ring[step % 8], ring[(step + 1) % 8]) == OK
    done.set()
    thread.join()
    assert set(counts) <= {1} and redis.call("TTL", ring[0]) > 990


def test_what_http_stored_keeps_all_it_has_when_it_is_renamed_or_copied(redis, client):
    stored = client.request(
        "PUT", "/v1/cache/http:one?ttl=1h&tags=t", {"Content-Type": "text/x-rare"}, b"<p>")
    assert stored.status == 201, stored
    assert redis.call("RENAME", "http:one", "http:two") == OK
    assert redis.call("COPY", "http:two", "http:three") == 1
    for key in ("http:two", "http:three"):
        response = client.request("GET", f"/v1/cache/{key}")
        assert (response.status, response.body) == (200, b"<p>")
        assert response.headers["content-type"] == "text/x-rare"
        assert 3590 < redis.call("TTL", key) <= 3600
    assert client.request("GET", "/v1/cache/http:one").status == 404
    client.request("DELETE", "/v1/cache?tag=t")
    assert redis.call("EXISTS", "http:two", "http:three") == 0
