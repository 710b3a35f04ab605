"""200 times kill -9 at random moments: run by `pytest -s slow_fetch_kill.py`, about two minutes."""

from __future__ import annotations

import json
import random
import time

from support.faulty_server import Reply
from support.hub import content

KILLS = 200
CHUNK = 65536
CONNECTIONS = 4
SIZES = {"a.bin": 60_000_001, "b.bin": 30_000_003, "c.json": 700}


def test_every_kill_costs_the_chunks_in_flight_at_most(server, fetching):
    files = {name: content(size, seed) for seed, (name, size) in enumerate(SIZES.items())}
    speed = [1]
    for name in files:
        server.route(f"/{name}", lambda _request, name=name: Reply(files[name], rate=speed[0] * 300_000))
    links = [{"url": f"{server.url}/{name}", "path": name, "size": SIZES[name]} for name in files]
    source = json.dumps({"kind": "http", "files": links, "trustOnFirstUse": True})
    options = ("--connections", CONNECTIONS, "--lease-takeover", 0.3, "--lease-heartbeat", 0.1)
    numbers = random.Random(7)
    kills = early = 0
    while kills < KILLS and not fetching.target.exists():
        process = fetching.start(source, options=options)
        before = sum(server.sent.values())
        # Half of the kills come as early as in the imports, half once bytes flow.
        patience = time.monotonic() + 10
        while kills % 2 and sum(server.sent.values()) == before and time.monotonic() < patience:
            time.sleep(0.005)
        time.sleep(numbers.uniform(0, 0.4))
        process.kill()
        process.communicate()
        early += sum(server.sent.values()) == before
        kills += 1
    assert kills == KILLS, "the download was done before the last kill: make it slower"
    assert early > KILLS / 20
    assert not fetching.target.exists()
    speed[0] = 1000
    assert fetching.run(source, options=options)[0] == 0
    fetching.expect(files)
    again = sum(server.sent.values()) - sum(SIZES.values())
    # A kill loses what is in flight: a chunk of each connection, and what is in the sockets.
    assert again <= (kills - early) * CONNECTIONS * (CHUNK + 16_384)
    print(f"{kills} kills, {early} before a byte, {again} bytes fetched again: {again / (kills - early):.0f} a kill")
