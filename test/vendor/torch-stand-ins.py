"""Empty stand-ins for the CUDA libraries that PyPI's torch links to, so that it runs on a CPU without their 1.9 GB.

    python torch-stand-ins.py SITE_PACKAGES/torch/lib

writes into that folder one library for each name that is needed but not there, with every symbol that torch's own
libraries look for under the version they ask for. None is ever called on a CPU. The CUDA run time is the exception:
transformers asks it for its state, so the real one (2 MB) is installed.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

SYSTEM = re.compile(
    r"(libc|libm|libdl|librt|libpthread|libstdc\+\+|libgcc_s|libgomp|ld-linux.*|libutil|libz|libgfortran|libquadmath|libnuma)\.so"
)
UNVERSIONED = re.compile(r"(cu|nv|nccl|CUPTI|cupti)")

Needs = dict[str, dict[str, set[str]]]  # library -> version -> symbols


def readelf(option: str, library: Path) -> list[str]:
    return subprocess.run(
        ["readelf", "-W", option, library], capture_output=True, text=True, check=True
    ).stdout.splitlines()


def needed(library: Path) -> list[str]:
    return re.findall(r"NEEDED.*\[(.*)\]", "\n".join(readelf("-d", library)))


def version_owners(library: Path) -> dict[str, str]:
    """The library that a version index of `library` belongs to."""
    owners, current = {}, ""
    for line in readelf("-V", library):
        file = re.search(r"File: (\S+)", line)
        current = file[1] if file else current
        version = re.search(r"Name: \S+.*Version: (\d+)", line)
        if version:
            owners[version[1]] = current
    return owners


def collect(libraries: list[Path]) -> tuple[Needs, set[str]]:
    """What the libraries need by library and version, and the symbols that name neither."""
    present = {library.name for library in libraries}
    needs: Needs = {}
    loose: set[str] = set()
    for library in libraries:
        for name in needed(library):
            if name not in present and not SYSTEM.match(name):
                needs.setdefault(name, defaultdict(set))
    for library in libraries:
        owners = version_owners(library)
        for line in readelf("--dyn-syms", library):
            add_symbol(line.split(), owners, needs, loose)
    return needs, loose


def add_symbol(fields: list[str], owners: dict[str, str], needs: Needs, loose: set[str]) -> None:
    if len(fields) < 8 or fields[6] != "UND":
        return
    name, _, version = fields[7].partition("@")
    owner = owners.get(fields[8].strip("()")) if version and len(fields) > 8 else None
    if owner in needs:
        needs[owner][version.lstrip("@")].add(name)
    elif not version and fields[4] == "GLOBAL" and UNVERSIONED.match(name):
        loose.add(name)


def build(target: Path, versions: dict[str, set[str]], loose: set[str]) -> None:
    symbols = sorted(set().union(*versions.values(), loose))
    with tempfile.TemporaryDirectory() as folder:
        source, script = Path(folder, "stand-in.c"), Path(folder, "versions.map")
        source.write_text("".join(f"int {symbol}(void){{return 100;}}\n" for symbol in symbols) or "int nothing;\n")
        command = [
            "gcc",
            "-shared",
            "-fPIC",
            "-w",
            "-O0",
            "-fno-builtin",
            source,
            "-o",
            target,
            f"-Wl,-soname,{target.name}",
        ]
        if versions:
            nodes = (
                f"{version} {{ global: {' '.join(f'{name};' for name in sorted(names))} }};\n"
                for version, names in sorted(versions.items())
            )
            script.write_text("".join(nodes))
            command.append(f"-Wl,--version-script={script}")
        subprocess.run(command, check=True)


def main(folder: Path) -> None:
    libraries = sorted(path for path in folder.glob("*.so*") if path.is_file())
    needs, loose = collect(libraries)
    known = {symbol for versions in needs.values() for symbols in versions.values() for symbol in symbols}
    for name, versions in sorted(needs.items()):
        if not name.startswith("libcudart"):
            build(folder / name, versions, loose - known if name.startswith("libnccl") else set())
            print(f"{name}: {sum(map(len, versions.values()))} symbols", file=sys.stderr)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
