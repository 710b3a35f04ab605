"""API keys."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
from typing import Optional, Sequence

from pod.exit_codes import BAD_SETTING, Fault
from serve.errors import ApiError
from serve.wire.head import Head


class Keys:
    """Lets a request pass that carries one of the keys, or any request when there are no keys.

    Digests of equal length are compared, all of them and each in constant time, so that the time taken
    tells nothing.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        self._digests = [_digest(key.encode("utf-8")) for key in keys]

    def check(self, head: Head) -> None:
        """Raise 401 unless the request may pass."""
        if not self._digests:
            return
        scheme, _, given = head.headers.get("authorization", "").partition(" ")
        digest = _digest(given.strip().encode("latin-1"))
        known = [hmac.compare_digest(digest, each) for each in self._digests]
        if scheme.lower() != "bearer" or not any(known):
            raise ApiError(
                401,
                "the API key is missing or wrong: send 'Authorization: Bearer KEY'",
                code="invalid_api_key",
                headers={"WWW-Authenticate": "Bearer"},
            )


def keys_from(variable: Optional[str]) -> Keys:
    """Return the keys in an environment variable, separated by commas or white space."""
    if variable is None:
        return Keys(())
    keys = [key for key in re.split(r"[,\s]+", os.environ.get(variable, "")) if key]
    if not keys:
        raise Fault(
            BAD_SETTING, f"--api-keys-env names '{variable}', which is unset or empty: set it to the API keys"
        )
    return Keys(keys)


def _digest(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()
