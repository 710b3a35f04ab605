"""Where a test kills a stand-in: in the middle of its work."""

import os
import re
import time

FOR_EVER = 600
MOMENTS = re.findall(r"in the middle of [\w .-]+", os.environ.get("KILL_WHEN", ""))
"""The beginnings of what the test waits for: KILL_WHEN is the pattern for which it watches the log."""


def pause(what):
    """Say that `what` is half done and wait to be killed, if the test waits for that."""
    line = f"in the middle of {what}"
    if any(map(line.startswith, MOMENTS)):
        print(line, flush=True)
        time.sleep(FOR_EVER)
