"""The command line of the server."""

from __future__ import annotations

import resource
from typing import NamedTuple, Optional, Sequence, TypeVar

from pod.arguments import Parser
from pod.exit_codes import BAD_SETTING, Fault
from serve.backend import Settings
from serve.backends.backend_options import option_pairs
from serve.backends.registry import BACKENDS
from serve.prompts import FAMILIES
from serve.wire.limits import Limits

_OTHER_FILES = 128


class Options(NamedTuple):
    """What `parse` read; times are in seconds."""

    backend: str
    model_name: str
    settings: Settings
    host: str
    port: int
    queue_size: int
    request_timeout: float
    drain_delay: float
    drain_timeout: float
    api_keys_env: Optional[str]
    limits: Limits


def parse(arguments: Optional[Sequence[str]]) -> Options:
    """Read the flags; a mistake is a `Fault`."""
    given = _parser().parse_args(arguments)
    if given.context_length is not None:
        _at_least("--context-length", given.context_length, 1)
    settings = Settings(
        model_path=given.model_path,
        model_family=given.model_family,
        context_length=given.context_length,
        options=option_pairs(given.backend_option),
    )
    limits = Limits(
        body_bytes=given.max_body_bytes,
        header_timeout=given.header_timeout,
        body_timeout=given.body_timeout,
        write_timeout=given.write_timeout,
        keep_alive=given.keep_alive,
        connections=given.max_connections,
    )
    return Options(
        backend=given.backend,
        model_name=given.model_name,
        settings=settings,
        host=given.host,
        port=_port(given.port),
        queue_size=_at_least("--queue-size", given.queue_size, 0),
        request_timeout=_at_least("--request-timeout", given.request_timeout, 0.001),
        drain_delay=_at_least("--drain-delay", given.drain_delay, 0),
        drain_timeout=_at_least("--drain-timeout", given.drain_timeout, 0),
        api_keys_env=given.api_keys_env,
        limits=_checked(limits),
    )


def _parser() -> Parser:
    parser = Parser(prog="serve_model.py", description="Serve one model over OpenAI's HTTP API.")
    limits = Limits()
    parser.add_argument("--backend", required=True, choices=sorted(BACKENDS))
    parser.add_argument("--model-name", required=True, help="the name that clients ask for")
    parser.add_argument("--model-path", help="folder of the model")
    parser.add_argument("--model-family", default="chatglm3", choices=sorted(FAMILIES), help="prompt format")
    parser.add_argument("--context-length", type=int, help="tokens; default: what the model allows")
    parser.add_argument("--backend-option", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--host", default="0.0.0.0")  # noqa: S104 (a pod is reached by its own address)
    parser.add_argument("--port", type=int, default=8000, help="0 takes a free one, which is logged")
    parser.add_argument("--queue-size", type=int, default=64, help="requests that may wait; more get 429")
    parser.add_argument("--request-timeout", type=float, default=600.0, help="seconds, queue included")
    parser.add_argument(
        "--drain-delay", type=float, default=5.0, help="seconds between SIGTERM and the last request"
    )
    parser.add_argument(
        "--drain-timeout", type=float, default=120.0, help="seconds after that for what is under way"
    )
    parser.add_argument(
        "--api-keys-env", metavar="NAME", help="variable with the API keys, separated by commas"
    )
    parser.add_argument("--max-body-bytes", type=int, default=limits.body_bytes)
    parser.add_argument("--max-connections", type=int, default=limits.connections)
    parser.add_argument("--header-timeout", type=float, default=limits.header_timeout)
    parser.add_argument("--body-timeout", type=float, default=limits.body_timeout)
    parser.add_argument("--write-timeout", type=float, default=limits.write_timeout)
    parser.add_argument("--keep-alive", type=float, default=limits.keep_alive)
    return parser


def _checked(limits: Limits) -> Limits:
    for name in (
        "body_bytes",
        "connections",
        "header_timeout",
        "body_timeout",
        "write_timeout",
        "keep_alive",
    ):
        value = getattr(limits, name)
        flag = {"body_bytes": "--max-body-bytes", "connections": "--max-connections"}.get(name)
        _at_least(flag or "--" + name.replace("_", "-"), value, 1 if isinstance(value, int) else 0.001)
    # One file a connection, and some for everything else: a limit out of reach would keep probes out.
    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return limits._replace(connections=max(1, min(limits.connections, allowed - _OTHER_FILES)))


def _port(port: int) -> int:
    if not 0 <= port <= 65535:
        raise Fault(BAD_SETTING, f"--port is {port}: it must be from 0 to 65535")
    return port


_Number = TypeVar("_Number", int, float)


def _at_least(flag: str, value: _Number, lowest: float) -> _Number:
    if not lowest <= value < 1e9:
        raise Fault(BAD_SETTING, f"{flag} is {value:g}: it must be at least {lowest:g}")
    return value
