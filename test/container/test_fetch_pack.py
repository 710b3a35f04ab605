"""Packs that git itself makes are read as git reads them."""

from __future__ import annotations

import os
import random
import subprocess

import pytest
from fetch.git.pack import BadPackError, parse


def git(folder, *arguments, stdin=b""):
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
    environment = {"PATH": os.environ["PATH"]}
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=folder, input=stdin, capture_output=True, check=True, env=environment
    )
    return done.stdout


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """Return a repository with versions of a text, so that packs of it have chains of deltas."""
    folder = tmp_path_factory.mktemp("repository")
    git(folder, "init", "-q", "-b", "main")
    numbers = random.Random(3)
    lines = [f"line {number} {numbers.random()}" for number in range(3000)]
    for version in range(6):
        lines[numbers.randrange(3000)] = f"changed in {version}"
        lines.insert(numbers.randrange(3000), "x" * 70_000 if version == 3 else "inserted")
        (folder / "a.txt").write_text("\n".join(lines))
        (folder / f"b{version}.bin").write_bytes(numbers.randbytes(1000))
        git(folder, "add", ".")
        git(folder, "commit", "-q", "-m", f"version {version}")
    git(folder, "tag", "-a", "v1", "-m", "one")
    return folder


def pack(repository, *options):
    names = git(repository, "rev-list", "--objects", "--all", "--no-object-names")
    return git(repository, "pack-objects", "--stdout", "-q", "--depth=50", *options, stdin=names)


@pytest.mark.parametrize("options", [(), ("--delta-base-offset",), ("--window=0",)], ids=["names", "offsets", "whole"])
def test_objects_are_what_git_says(repository, options):
    data = pack(repository, *options)
    kinds = {data_kind for data_kind, _ in parse(data).values()}
    assert kinds == {b"commit", b"tree", b"blob", b"tag"}
    for name, (kind, content) in parse(data).items():
        assert git(repository, "cat-file", kind.decode(), name) == content
    expected = git(repository, "rev-list", "--objects", "--all", "--no-object-names").split()
    assert sorted(parse(data)) == sorted(name.decode() for name in expected)


def test_the_packs_have_deltas(repository):
    whole, deltas = pack(repository, "--window=0"), pack(repository)
    assert len(deltas) < len(whole) / 2, "without deltas the test above would show nothing"


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "other"])
def test_a_damaged_pack_is_refused(repository, damage):
    data = pack(repository)
    middle = len(data) // 2
    flipped = data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]
    broken = {"cut": data[:-30], "flipped": flipped, "empty": b"", "other": b"PACK"}[damage]
    with pytest.raises(BadPackError, match="the pack is damaged"):
        parse(broken)
