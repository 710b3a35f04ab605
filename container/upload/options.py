"""The command line of upload_artifact.py."""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Optional, Sequence

from fetch.address import given as given_url
from fetch.retry import Retries
from fetch.sources.place import ADDRESSINGS, Place
from pod.arguments import Parser, whole
from pod.exit_codes import BAD_SETTING, Fault

MEBIBYTE = 1024 * 1024
SMALLEST_PART = 5 * MEBIBYTE
LARGEST_PART = 5 * 1024 * MEBIBYTE
"""What stores accept, but for the last part (Amazon S3 user guide, "Amazon S3 multipart upload limits")."""


@dataclass(frozen=True)
class Options:
    """What to send, to where, and how; sizes in bytes, times in seconds. `prefix` is "" or ends with /."""

    artifact: Path
    place: Place
    prefix: str
    connections: int
    part_size: int
    rate_limit: Optional[int]
    deadline: Optional[float]
    progress_interval: float
    ca_bundle: Optional[Path]
    wait: float
    stall_timeout: float
    retries: Retries

    @property
    def label(self) -> str:
        """The destination for logs and errors, without secrets."""
        return f"s3 {self.place.bucket}/{self.prefix} at {self.place.endpoint}"


def parse(arguments: Sequence[str]) -> Options:
    """Return the options that `arguments` give.

    `Fault` USAGE names a mistake, BAD_SETTING a key that is not in the environment.
    """
    given = _parser().parse_args(list(arguments))
    prefix = given.prefix.strip("/")
    place = Place(
        endpoint=given_url(given.endpoint).rstrip("/"),
        bucket=given.bucket,
        region=given.region,
        access_key=_key(given.access_key_env, "--access-key-env"),
        secret_key=_key(given.secret_key_env, "--secret-key-env"),
        addressing=given.addressing,
    )
    return Options(
        artifact=given.artifact.absolute(),
        place=place,
        prefix=f"{prefix}/" if prefix else "",
        connections=given.connections,
        part_size=given.part_size,
        rate_limit=given.rate_limit,
        deadline=given.deadline,
        progress_interval=given.progress_interval,
        ca_bundle=given.ca_bundle,
        wait=given.wait,
        stall_timeout=given.stall_timeout,
        retries=Retries(given.tries, given.retry_delay),
    )


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="upload_artifact", description="Send the files of one artifact to an object store.")
    add = parser.add_argument
    add("--artifact", required=True, type=Path, metavar="DIR", help="the artifact's directory")
    add("--endpoint", required=True, metavar="URL", help="of the store")
    add("--bucket", required=True, type=_bucket)
    add("--addressing", choices=ADDRESSINGS, help="bucket in the host or the path; default by the endpoint")
    add("--prefix", required=True, help="of the objects' keys; / is the bucket's root")
    add("--region", default="us-east-1", help="default us-east-1")
    add("--access-key-env", required=True, metavar="NAME", help="environment variable with the access key")
    add("--secret-key-env", required=True, metavar="NAME", help="environment variable with the secret key")
    add("--connections", type=whole(1, 64), default=4, help="default 4")
    add(
        "--part-size",
        type=whole(SMALLEST_PART, LARGEST_PART),
        default=64 * MEBIBYTE,
        metavar="BYTES",
        help="of large files; default 64 MiB",
    )
    add("--rate-limit", type=whole(1024, 1 << 50), metavar="BYTES_PER_SECOND", help="default: none")
    add("--deadline", type=_seconds(0.001), metavar="SECONDS", help="for everything; default: none")
    add("--progress-interval", type=_seconds(0.001), default=5.0, metavar="SECONDS", help="default 5")
    add("--ca-bundle", type=Path, metavar="FILE", help="PEM certificates to trust besides the system's")
    add("--wait", type=_seconds(0), default=0.0, metavar="SECONDS", help="for the artifact; default 0")
    add("--stall-timeout", type=_seconds(0.001), default=60.0, metavar="SECONDS", help="default 60")
    add("--tries", type=whole(1, 1000), default=8, help="of each request; default 8")
    add("--retry-delay", type=_seconds(0.001), default=1.0, metavar="SECONDS", help="doubled each; default 1")
    return parser


def _key(name: str, flag: str) -> str:
    value = os.environ.get(name, "").strip()
    if not value:
        raise Fault(
            BAD_SETTING,
            f"{flag} names the environment variable {name}, which is empty or not set: "
            "set it from the key of a Secret",
        )
    return value


def _bucket(text: str) -> str:
    if not text or "/" in text:
        raise argparse.ArgumentTypeError(f"{text!r} is not a bucket's name; expected one without /")
    return text


def _seconds(least: float) -> Callable[[str], float]:
    def convert(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = -1.0
        if not least <= number < float("inf"):
            raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds from {least:g}")
        return number

    return convert
