"""Real nodes that are killed, paused and cut off while a client records every answer and checks each one afterwards.

    history.py      what a client did and was answered
    checker.py      what is wrong with a history: pure, no node and no clock
    load.py         the recording client: a process that keeps many connections busy at a fixed rate
    requests.py     its requests and their answers as bytes
    reading.py      all keys of a history as every node answers them at the end, over HTTP and RESP
    view.py         where the partitions are, as nodes tell it
    results.py      checks, what they came to, and what could not be shown
    stage.py        nodes on this machine, or in network namespaces, that a scenario plays on
    kills.py, pauses.py, links.py, restarts.py, growth.py, clocks.py     the scenarios
"""
