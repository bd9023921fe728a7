"""The shortest history that still shows a difference, and how a finding is told."""
from typing import Callable

from differential.blocks import Block, Step
from differential.runner import Finding, Pair
from servers import Redis, Tribe

REPLAYS_MAX = 250
SHOWN_BYTES_MAX = 400


def shrink(finding: Finding, tribe: Tribe, redis: Redis) -> list[Block] | None:
    """Blocks that show the same difference; None if it does not show again."""
    pair = Pair(tribe, redis, finding.protocol)
    left = REPLAYS_MAX

    def shows(blocks: list[Block]) -> bool:
        nonlocal left
        if left == 0:
            return False
        left -= 1
        pair.begin()
        found = [difference for block in blocks for difference in pair.run(block)]
        return any(difference.signature == finding.difference.signature for difference in found)

    try:
        if not shows(finding.history):
            return None
        blocks = without_needless(finding.history, shows)
        for index in range(len(blocks)):
            blocks = with_shorter_steps(blocks, index, shows)
        return blocks
    finally:
        pair.close()


def without_needless(items: list, shows: Callable[[list], bool]) -> list:
    """Leaves out as much as it can, in large pieces first."""
    size = max(1, len(items) // 2)
    while True:
        start = 0
        while start < len(items):
            shorter = items[:start] + items[start + size:]
            if shorter and shows(shorter):
                items = shorter
            else:
                start += size
        if size == 1:
            return items
        size = max(1, size // 2)


def with_shorter_steps(blocks: list[Block], index: int, shows: Callable[[list[Block]], bool]) -> list[Block]:
    block = blocks[index]
    if block.kind != "steps":
        return blocks
    for place, step in enumerate(block.steps):
        if step.is_last:
            continue
        head, calls, tail = parts_of(step)

        def with_calls(calls: list) -> list[Block]:
            steps = [*block.steps]
            steps[place] = Step([*head, *calls, *tail], step.connection)
            return [*blocks[:index], Block(steps), *blocks[index + 1:]]

        shorter = without_needless(calls, lambda calls: shows(with_calls(calls))) if calls else calls
        if len(shorter) < len(calls):
            blocks = with_calls(shorter)
            block = blocks[index]
    return blocks


def parts_of(step: Step) -> tuple[list, list, list]:
    """What may be left out of a step, and what may not: a transaction or a silence needs its end."""
    if step.calls[0][0].upper() in (b"MULTI", b"CLIENT", b"SUBSCRIBE"):
        return step.calls[:1], step.calls[1:-1], step.calls[-1:]
    return [], step.calls, []


def describe(finding: Finding, blocks: list[Block] | None) -> str:
    difference = finding.difference
    lines = [
        f"seed {finding.seed}, RESP{finding.protocol}, {finding.loops} loops, block {finding.block_number}, "
        f"{finding.count} times:",
        f"    {show_call(difference.call)}",
        f"      Tribe  {show(difference.ours)}",
        f"      Redis  {show(difference.theirs)}",
    ]
    if blocks is None:
        return "\n".join([*lines, "    It does not show again when the same is sent once more."])
    lines.append("    after:" if len(blocks) > 1 or blocks[0].call_count() > 1 else "    at once")
    for block in blocks:
        for step in block.steps:
            lines += [f"      {step.connection}> {show_call(call)}" for call in step.calls]
    return "\n".join(lines)


def show_call(call: list[bytes]) -> str:
    return " ".join(show_word(word) for word in call)


def show_word(word: bytes) -> str:
    text = word.decode("latin-1")
    if len(word) > SHOWN_BYTES_MAX // 4:
        return f"{text[:20]!r}…({len(word)} bytes)"
    return text if text.isprintable() and text and " " not in text and text.isascii() else repr(text)


def show(reply) -> str:
    text = repr(reply)
    return text if len(text) <= SHOWN_BYTES_MAX else f"{text[:SHOWN_BYTES_MAX]}…"
