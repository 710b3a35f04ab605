"""The suite of many pods at the size of a real job: 12 pods of 8 devices, on one machine."""

from __future__ import annotations

import pytest

from test_ranks_many_pods import *  # noqa: F403 (its tests are run again here)


@pytest.fixture
def size():
    """Twelve pods of eight devices."""
    return (12, 8)
