"""60 times kill -9 of an upload at random moments: run by `pytest -s slow_upload_kill.py`, about a minute."""

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
            process = uploading.start("--rate-limit", 12 * MEBIBYTE, "--connections", CONNECTIONS)
            time.sleep(numbers.uniform(0, 2.0))
            process.kill()
            process.communicate()
            kills += 1
        print(f"{kills} kills, {len(store.stored)} objects and parts stored")
        code, output = uploading.run()
        assert code == 0, output
        uploading.expect()
        assert kills > 5
        again = sum(Counter(store.stored).values()) - len(set(store.stored))
        assert again <= kills * CONNECTIONS
        print(f"{again} objects and parts sent again")
