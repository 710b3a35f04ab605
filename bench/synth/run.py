"""Measure how long a fleet takes to synthesize, beside what one would use instead.

Run: `npm run bench:synth -- [--tenants 10 100 1000 5000] [--plain 1000] [--kustomize 1000] [--rounds 3]`.
A tenant is a Deployment, its Service, a ConfigMap of scripts, a claim and a NetworkPolicy. Scripts come in
ConfigMaps or in an image; both are measured, in files on a memory file system. The rows:

- `ours`: `GlmApp.synth`;
- `plain`: the same program with cdk8s's `App`, up to `--plain` tenants;
- `helm`: `helm template` of one chart with a tenant's manifests in a loop, if `helm` is there;
- `kustomize`: `kubectl kustomize` of the files, up to `--kustomize` tenants, if `kubectl` is there.

Seconds are of the whole process, the best of the rounds, then those of processors, which move less with whatever
else the machine does; memory is the peak. "A tenant" is without the start: the processor time of the program
after loading its library, over the number of tenants. Ends with 1 if a target is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COMPILED = ROOT / "build" / "bench-synth"
REFERENCE = 100
FLEET = COMPILED / "bench" / "synth" / "fleet.js"


@dataclass(frozen=True)
class Result:
    """Seconds, processor seconds and peak memory of a process, and what it printed."""

    seconds: float
    cpu: float
    mebibytes: float
    output: str

    @property
    def own(self) -> float:
        """Processor seconds after the library was loaded, where the program said so."""
        return json.loads(self.output)["cpu"] if self.output.startswith("{") else self.cpu


def main() -> int:
    """Run every row, print the tables and the targets."""
    options = _options()
    compile_fleet()
    rows: dict[tuple[str, int, str], Result] = {}
    for scripts in ("image", "config-maps"):
        for tenants in options.tenants:
            with tempfile.TemporaryDirectory(dir=options.folder) as folder:
                for name, result in _rows(options, tenants, scripts, Path(folder)):
                    rows[scripts, tenants, name] = result
                    _print_row(scripts, tenants, name, result)
    return _targets(rows, options)


def compile_fleet() -> None:
    """Compile the library and the program: what is measured is not the compiler."""
    shutil.rmtree(COMPILED, ignore_errors=True)
    flags = "--noCheck --ignoreConfig --rootDir . --module node20 --target es2023 --esModuleInterop --outDir"
    program = ["node_modules/.bin/tsc", *flags.split(), str(COMPILED), "bench/synth/fleet.ts"]
    subprocess.run(program, cwd=ROOT, check=True)


def _rows(options: argparse.Namespace, tenants: int, scripts: str, folder: Path) -> Iterator[tuple[str, Result]]:
    yield "ours", best(options.rounds, lambda: fleet("ours", tenants, scripts, folder / "ours"))
    if tenants <= options.plain:
        rounds = 1 if tenants > 1000 else options.rounds
        yield "plain", best(rounds, lambda: fleet("plain", tenants, scripts, folder / "plain"))
        _check_same(folder / "ours", folder / "plain")
        shutil.rmtree(folder / "plain")
    if options.helm:
        _write_helm_chart(folder / "chart", folder / "ours", tenants)
        command = [options.helm, "template", "fleet", str(folder / "chart")]
        yield "helm", best(options.rounds, lambda: run(command, folder / "helm.yaml"))
        _check_count(folder / "helm.yaml", folder / "ours")
    if options.kubectl and tenants <= options.kustomize:
        _write_kustomization(folder / "ours")
        command = [options.kubectl, "kustomize", str(folder / "ours")]
        yield "kustomize", best(1, lambda: run(command, folder / "kustomize.yaml"))
        _check_count(folder / "kustomize.yaml", folder / "ours")


def fleet(app: str, tenants: int, scripts: str, folder: Path) -> Result:
    """Synthesize into an empty folder."""
    shutil.rmtree(folder, ignore_errors=True)
    command = f"node {FLEET} --app {app} --tenants {tenants} --scripts {scripts} --out {folder}"
    return run(command.split(), folder.with_suffix(".json"))


def run(command: list[str], output: Path) -> Result:
    """Run a program with its output in a file."""
    with output.open("wb") as file:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=file)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{command[0]} ended with {process.returncode}")
    text = output.read_text() if output.suffix == ".json" else ""
    return Result(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, text)


def best(rounds: int, measure: Callable[[], Result]) -> Result:
    """Return the fastest of some rounds."""
    return min((measure() for _ in range(rounds)), key=lambda result: result.seconds)


def _write_helm_chart(chart: Path, manifests: Path, tenants: int) -> None:
    """Write a chart as people do: one tenant's manifests in a loop over a number."""
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("apiVersion: v2\nname: fleet\nversion: 1.0.0\n")
    (chart / "values.yaml").write_text(f"tenants: {tenants}\n")
    text = (manifests / "tenant-0.k8s.yaml").read_text().replace("{{", '{{ "{{" }}')
    body = text.replace("tenant-0", "tenant-{{ $tenant }}")
    loop = "{{- range $tenant := until (int .Values.tenants) }}\n---\n" + body + "{{- end }}\n"
    (chart / "templates" / "tenants.yaml").write_text(loop)


def _write_kustomization(manifests: Path) -> None:
    lines = "".join(f"- {file.name}\n" for file in sorted(manifests.glob("*.k8s.yaml")))
    (manifests / "kustomization.yaml").write_text("resources:\n" + lines)


def _check_same(ours: Path, plain: Path) -> None:
    for file in ours.glob("*.k8s.yaml"):
        if file.read_bytes() != (plain / file.name).read_bytes():
            raise SystemExit(f"{file.name} of GlmApp is not that of App")


def _check_count(rendered: Path, manifests: Path) -> None:
    counts = [_objects(rendered), sum(_objects(file) for file in manifests.glob("*.k8s.yaml"))]
    if counts[0] != counts[1]:
        raise SystemExit(f"{rendered.name} has {counts[0]} objects, not {counts[1]}")


def _objects(file: Path) -> int:
    return sum(line.startswith(b"kind: ") for line in file.open("rb"))


def _print_row(scripts: str, tenants: int, name: str, result: Result) -> None:
    times = [f"{result.seconds:.2f} s", f"{result.cpu:.2f} s"]
    cells = [scripts, tenants, name, *times, f"{result.mebibytes:.0f} MiB"]
    print("| " + " | ".join(map(str, [*cells, f"{1000 * result.own / tenants:.2f} ms"])) + " |", flush=True)


def _targets(rows: dict[tuple[str, int, str], Result], options: argparse.Namespace) -> int:
    most = max(options.tenants)
    missed = 0
    for scripts in ("image", "config-maps"):
        ours, helm = rows[scripts, most, "ours"], rows.get((scripts, most, "helm"))
        reference = rows.get((scripts, REFERENCE, "ours"))
        if helm is not None:
            missed += _over(f"{scripts}: ours / helm at {most}", ours.seconds / helm.seconds, 1.5)
        if reference is not None:
            growth = (ours.own / most) / (reference.own / REFERENCE)
            missed += _over(f"{scripts}: a tenant at {most} / at {REFERENCE}", growth, 1.2)
    return min(missed + _start(options), 1)


def _over(title: str, ratio: float, limit: float) -> bool:
    print(f"{title}: {ratio:.2f} (at most {limit})")
    return ratio > limit


def _start(options: argparse.Namespace) -> bool:
    """Compare one tenant with one Deployment of cdk8s-plus; cdk8s alone is said, too."""
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        results = [_start_of(app, 3 * options.rounds, Path(folder)) for app in ("ours", "plus", "bare")]
    seconds = [result.seconds for result in results]
    print(f"start: ours {seconds[0]:.3f} s, cdk8s-plus {seconds[1]:.3f} s, cdk8s alone {seconds[2]:.3f} s")
    return _over("start: ours / cdk8s-plus", seconds[0] / seconds[1], 1.1)


def _start_of(app: str, rounds: int, folder: Path) -> Result:
    return best(rounds, lambda: fleet(app, 1, "image", folder / app))


def _helm() -> str | None:
    """Return the Helm of the tests, which Go builds once where there is none."""
    found = subprocess.run(["sh", ROOT / "test/gitops/helm-program.sh"], stdout=subprocess.PIPE, text=True)
    return found.stdout.strip() or None


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tenants", type=int, nargs="+", default=[10, 100, 1000, 5000])
    parser.add_argument("--plain", type=int, default=1000, metavar="TENANTS")
    parser.add_argument("--kustomize", type=int, default=1000, metavar="TENANTS")
    parser.add_argument("--helm", default=_helm(), metavar="PROGRAM")
    parser.add_argument("--kubectl", default=shutil.which("kubectl"), metavar="PROGRAM")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", default="/dev/shm" if Path("/dev/shm").is_dir() else None)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
