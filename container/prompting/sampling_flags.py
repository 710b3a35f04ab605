"""The flags that say how answers are made."""

from __future__ import annotations

import argparse

from pod.arguments import whole
from pod.exit_codes import BAD_SETTING, Fault
from serve.prompts import Family
from serve.sampling import Sampling


def add_sampling_flags(parser: argparse.ArgumentParser) -> None:
    """Add `--max-tokens`, `--temperature`, `--top-p` and `--seed`."""
    parser.add_argument("--max-tokens", type=whole(1, 10**9), default=1024, help="longest answer")
    parser.add_argument("--temperature", type=float, default=0.0, help="0, the default, is greedy")
    parser.add_argument("--top-p", type=float, help="default: the family's own")
    parser.add_argument("--seed", type=int, help="for a temperature above 0")


def sampling_of(given: argparse.Namespace, family: Family) -> Sampling:
    """Return how to sample; a number out of range is a `Fault`."""
    if not 0 <= given.temperature <= 2:
        raise Fault(BAD_SETTING, f"--temperature is {given.temperature:g}: it must be from 0 to 2")
    if given.top_p is not None and not 0 < given.top_p <= 1:
        raise Fault(BAD_SETTING, f"--top-p is {given.top_p:g}: it must be above 0 and at most 1")
    top_p = family.top_p if given.top_p is None else given.top_p
    return Sampling(given.max_tokens, given.temperature, top_p, (), given.seed)
