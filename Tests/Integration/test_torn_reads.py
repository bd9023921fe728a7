"""Readers see all of an MSET or a transaction, or nothing of it. scripts/soak torn is the long form."""
import pytest

import torn_reads

READS = 20_000


def test_no_read_is_torn(node):
    found = torn_reads.look_for(node.resp_port, READS)
    assert [reading.kind for reading in found] == ["EXEC", "MGET"]
    for reading in found:
        assert reading.torn == 0, reading
        assert reading.changes > 10, "the writers did not write"


@pytest.mark.parametrize("kind", ["MGET", "EXEC"])
def test_a_torn_read_would_be_seen(kind):
    whole = (b"" if kind == "MGET" else b"+OK\r\n" + b"+QUEUED\r\n" * 4) + b"*4\r\n" + b"$8\r\n00000001\r\n" * 4
    assert len(whole) == torn_reads.REPLY_LENGTH[kind]
    assert torn_reads.WHOLE[kind].fullmatch(whole * 3)
    assert not torn_reads.WHOLE[kind].fullmatch(whole + whole.replace(b"1\r\n", b"2\r\n", 1) + whole)
