"""wrk, a client that keeps 64 connections busy: not one answer may be wrong."""
import wrk
from servers import Server

SECONDS = 1


def load(node: Server, path: str, script: str | None = None) -> wrk.Load:
    """Raises wrk.LoadError if anything but success is answered."""
    return wrk.run(node, path, SECONDS, cores="0-1", script=script, threads=2)


def test_puts_all_succeed(node):
    assert load(node, "/v1/cache/wrk:put", wrk.put_script("x" * 100)).requests > 1_000


def test_gets_all_hit(node):
    keys = wrk.many_keys_script("/v1/cache/wrk:", 100, "PUT", "x" * 100)
    load(node, "/", keys)
    assert load(node, "/", wrk.many_keys_script("/v1/cache/wrk:", 100)).requests > 1_000


def test_small_answers_that_nobody_stores(node):
    assert load(node, "/livez").requests > 1_000
