"""What the launcher starts in tests: notes what it was given, says so, and ends as its environment asks.

`python ranks_program.py FOLDER` writes FOLDER/<rank>.json (environment, working directory, pid) and prints a
line. RANK_FAILS=rank:code ends that rank with `code` once FOLDER has RANK_COUNT files; RANK_SLEEPS=seconds
lets the others sleep; RANK_IGNORES=rank has that one ignore SIGTERM; with RANK_SAVES each writes
FOLDER/<rank>.saved on SIGTERM and ends with 0. It runs on the oldest Python, like a real rank.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

folder = Path(sys.argv[1])
env = os.environ
rank = env.get("RANK_ID") or env.get("RANK") or env.get("MS_NODE_ID") or env.get("MS_ROLE")


def save(number, frame):
    """End as a rank does that keeps its state when it is told to stop."""
    (folder / (rank + ".saved")).write_text(str(number))
    print("saved", flush=True)
    sys.exit(0)


def note():
    """Write what this rank was given, whole or not at all."""
    part = folder / (rank + ".part")
    part.write_text(json.dumps({"env": dict(env), "cwd": str(Path.cwd()), "pid": os.getpid(), "pgid": os.getpgrp()}))
    part.rename(folder / (rank + ".json"))


def wait_for_all(count):
    """Wait until every rank of this pod has written its file."""
    while len(list(folder.glob("*.json"))) < count:
        time.sleep(0.01)


if env.get("RANK_IGNORES") == rank:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
elif "RANK_SAVES" in env:
    signal.signal(signal.SIGTERM, save)
note()
print("up", flush=True)
failing, _, code = env.get("RANK_FAILS", "").partition(":")
if failing == rank:
    wait_for_all(int(env.get("RANK_COUNT", "1")))
    for number in range(30):
        sys.stderr.write(f"error line {number}\n")
    sys.exit(int(code))
time.sleep(float(env.get("RANK_SLEEPS", "0")))
