"""The stand-ins of the vendors' packages in the cluster's image, most of them links to those of these tests."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PACKAGES = Path(__file__).parents[1] / "cluster" / "stubs" / "usr" / "local" / "lib" / "python3.11" / "dist-packages"
NAMES = sorted(path.stem for path in PACKAGES.iterdir() if path.suffix in ("", ".py"))


@pytest.mark.parametrize("name", NAMES)
def test_a_package_of_the_image_needs_nothing_that_the_image_has_not(name: str, tmp_path: Path) -> None:
    image = tmp_path / "dist-packages"
    # As the image gets them: what links lead to is copied, and what stands beside it there is not.
    subprocess.run(["cp", "-RL", str(PACKAGES), str(image)], check=True)

    done = subprocess.run([sys.executable, "-I", "-c", f"import sys; sys.path[0:0] = [{str(image)!r}]; import {name}"])

    assert done.returncode == 0
