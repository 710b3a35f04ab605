"""Kill -9 of an upload at random moments: run by `pytest -s slow_upload_kill.py`, about a minute."""

from __future__ import annotations

import random
import time
from collections import Counter

from support.script import Script
from support.upload_s3 import S3Server
from support.upload_script import MANIFEST, MEBIBYTE, Uploading, content

KILLS = 60
CONNECTIONS = 3
FILES = {
    "a.bin": content(101 * MEBIBYTE, 1),
    "b.bin": content(52 * MEBIBYTE, 2),
    **{f"{number}.json": content(900, number) for number in range(9)},
}


def test_every_kill_costs_the_parts_in_flight_at_most(python, container, tmp_path):
    numbers = random.Random(7)
    with S3Server().running() as store:
        uploading = Uploading(Script(python, container, "upload_artifact", tmp_path), store, tmp_path)
        uploading.make(FILES, digests=False)
        kills = 0
        while kills < KILLS and MANIFEST not in store.objects:
            process = uploading.start("--rate-limit", 24 * MEBIBYTE, "--connections", CONNECTIONS)
            # Half of the kills come as early as in the imports, half once bytes flow.
            puts, patience = _puts(store), time.monotonic() + 10
            while kills % 2 and _puts(store) == puts and time.monotonic() < patience:
                time.sleep(0.005)
            time.sleep(numbers.uniform(0, 1.5))
            process.kill()
            process.communicate()
            kills += 1
        before = len(store.stored)
        code, output = uploading.run()
        assert code == 0, output
        uploading.expect()
        assert kills > 10
        assert before > 10, "the kills came before anything was sent"
        again = sum(Counter(store.stored).values()) - len(set(store.stored))
        assert again <= kills * CONNECTIONS
        print(f"{kills} kills, {before} objects and parts sent before the last, {again} of all sent again")


def _puts(store):
    return sum(request.method == "PUT" for request in store.requests)
