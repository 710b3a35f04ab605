"""How ranks meet without a rank table: as MindSpore's dynamic cluster does, through a scheduler process.

The environment is MindSpore's (mindspore@0250785a mindspore/python/mindspore/parallel/cluster/
process_entity/_api.py): workers report to MS_SCHED_HOST:MS_SCHED_PORT with their MS_NODE_ID and go on when
all MS_WORKER_NUM have; the scheduler ends when the last worker has, and fails when one is lost.
"""

import os
import socket
import time

LIMIT_SECONDS = 60


def expect(what, found, wanted):
    if found != wanted:
        raise RuntimeError(f"{what}: got {found}, want {wanted}")


def schedule():
    """Be the scheduler until every worker is done."""
    size = int(os.environ["MS_WORKER_NUM"])
    with socket.create_server(("", int(os.environ["MS_SCHED_PORT"])), backlog=size) as server:
        server.settimeout(LIMIT_SECONDS)
        workers = [server.accept()[0].makefile("rw") for _ in range(size)]
    ids = sorted(int(worker.readline()) for worker in workers)
    expect("MS_NODE_ID of the workers", ids, list(range(size)))
    for worker in workers:
        worker.write("all are here\n")
        worker.flush()
    expect("last words of the workers", [worker.readline() for worker in workers], ["done\n"] * size)


class Worker:
    """One rank's connection to the scheduler."""

    def __init__(self):
        self.rank, self.size = int(os.environ["MS_NODE_ID"]), int(os.environ["MS_WORKER_NUM"])
        self.stream = reach(os.environ["MS_SCHED_HOST"], int(os.environ["MS_SCHED_PORT"])).makefile("rw")
        self.say(str(self.rank))
        expect("the scheduler's answer", self.stream.readline(), "all are here\n")

    def say(self, text):
        self.stream.write(text + "\n")
        self.stream.flush()


def reach(host, port):
    """Connect to the scheduler, which may start later."""
    end = time.monotonic() + LIMIT_SECONDS
    while True:
        try:
            found = socket.create_connection((host, port), timeout=5)
            found.settimeout(LIMIT_SECONDS)
            return found
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.5)
