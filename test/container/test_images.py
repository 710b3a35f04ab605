"""The images of container/images, as far as their recipes tell: nothing builds them here."""

from __future__ import annotations

import fnmatch
import re

import pytest


def instructions(container, image):
    """The instructions of the image's Dockerfile in their order, each with its lines joined."""
    text = re.sub(r"^#.*\n", "", (container / "images" / image / "Dockerfile").read_text(), flags=re.MULTILINE)
    return [tuple(line.split(" ", 1)) for line in text.replace("\\\n", " ").splitlines() if line.strip()]


def requirements(container, image):
    lines = (container / "images" / image / "requirements.txt").read_text().splitlines()
    return [line for line in lines if not line.startswith("#")]


@pytest.mark.parametrize("image", ["sophon", "cambricon-pytorch"])
def test_packages_are_pinned_whole_and_imported_once(container, image):
    pins = requirements(container, image)
    assert [pin for pin in pins if not re.fullmatch(r"[a-z0-9-]+==[0-9][0-9a-z.]*", pin)] == []
    assert pins == sorted(pins)
    # What gradio 3 asks for without an upper bound, and breaks with where it is newer than gradio.
    names = {pin.partition("==")[0] for pin in pins}
    assert {"gradio", "gradio-client", "starlette", "fastapi", "pydantic", "transformers", "sentencepiece"} <= names
    runs = [text for word, text in instructions(container, image) if word == "RUN" and "pip install" in text]
    assert len(runs) == 1
    assert re.search(r"pip install --no-cache-dir --no-deps -r \S+/requirements\.txt &&", runs[0])
    assert re.search(r"python3 -c 'import [^']*\bgradio\b[^']*'", runs[0])


def test_gradio_and_what_it_was_released_with(container):
    """With newer ones it does not start: gradio-client 2 has no `serializing`, starlette's TemplateResponse changed."""
    pins = dict(pin.split("==") for pin in requirements(container, "sophon"))
    assert (pins["gradio"], pins["transformers"], pins["pybind11"]) == ("3.39.0", "4.32.0", "2.11.1")
    assert [tuple(map(int, pins[name].split(".")))[:2] for name in ("gradio-client", "starlette")] == [(0, 5), (0, 27)]


def test_python_is_that_of_the_vendors_virtual_environment_in_every_pod(container):
    words = instructions(container, "cambricon-pytorch")
    environment = "VIRTUAL_ENV=/torch/venv3/pytorch PATH=/torch/venv3/pytorch/bin:${PATH}"
    assert words.index(("ENV", environment)) < [word for word, _ in words].index("RUN")
    assert [text for word, text in words if "activate" in text] == []


@pytest.mark.parametrize("product", ["sophon-libsophon", "sophon-soc-libsophon"])
def test_the_packages_of_hosts_and_of_socs_are_installed(container, product):
    words = instructions(container, "sophon")
    (pattern, folder) = next(text for word, text in words if word == "COPY" and ".deb" in text).split()
    packages = [f"{product}_0.5.1_arm64.deb", f"{product}-dev_0.5.1_arm64.deb"]
    assert fnmatch.filter(packages, pattern) == packages
    assert any(text.startswith(f"dpkg -i {folder}{pattern} ") for word, text in words if word == "RUN")
