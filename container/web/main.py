"""Serves the page until a signal."""

from __future__ import annotations

import argparse
import logging
import os
import re
import sys
import threading
from typing import Optional, Sequence

from artifacts.termination_signal import watch
from pod.arguments import Parser, whole
from pod.exit_codes import BAD_SETTING, DONE, Fault
from pod.main import run
from web.page import make_page
from web.server_client import ServerClient

NAME = "serve_web"

log = logging.getLogger(NAME)


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run the command line and return the exit code."""
    return run(NAME, lambda: _main(sys.argv[1:] if arguments is None else arguments))


def _main(arguments: Sequence[str]) -> int:
    options = _parse(arguments)
    client = ServerClient(options.server, options.model_name, _api_key(options.api_keys_env))
    os.environ.setdefault(
        "GRADIO_ANALYTICS_ENABLED", "False"
    )  # clusters are air-gapped, and nobody was asked
    stopped = watch()
    page = make_page(client, options.model_name)
    # share=False: no tunnel to the outside; the page is reached through the pod's own address.
    page.queue().launch(
        server_name=options.host,
        server_port=options.port,
        share=False,
        inbrowser=False,
        prevent_thread_lock=True,
    )
    log.info("the page is at port %d, and asks %s", options.port, options.server)
    _wait(stopped)
    page.close()
    log.info("told to stop: done")
    return DONE


def _wait(stopped: threading.Event) -> None:
    while not stopped.wait(1.0):
        pass


def _api_key(variable: Optional[str]) -> Optional[str]:
    """Return the first of the keys in the variable that the server reads too."""
    if variable is None:
        return None
    keys = [key for key in re.split(r"[,\s]+", os.environ.get(variable, "")) if key]
    if not keys:
        raise Fault(
            BAD_SETTING, f"--api-keys-env names '{variable}', which is unset or empty: set it to the API keys"
        )
    return keys[0]


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = Parser(prog=f"{NAME}.py", description="Serve a page that talks to the server.")
    parser.add_argument("--server", default="http://127.0.0.1:8000", help="address of serve_model.py")
    parser.add_argument("--model-name", required=True, help="the name that the server knows")
    parser.add_argument("--host", default="0.0.0.0")  # noqa: S104 (a pod is reached by its own address)
    parser.add_argument("--port", type=whole(1, 65535), default=7860)
    parser.add_argument("--api-keys-env", metavar="NAME", help="variable with the server's API keys")
    return parser.parse_args(list(arguments))
