"""Tribe beside Redis: the same random commands to both, reply by reply.

    commands.py     the grammar of the commands, and which are left out
    grammar.py      from a line of that grammar to the words of a call, valid or spoilt
    words.py        what stands for a key, an offset, a time
    blocks.py       calls put together: pipelines, transactions, watched keys, subscriptions
    replies.py      when two replies are the same
    differences.py  where Tribe differs, each with its reason
    runner.py       two servers, a stream of blocks, and what is found
    shrinking.py    the shortest history that still shows a difference
"""
