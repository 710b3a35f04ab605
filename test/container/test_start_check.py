"""Images, drivers and devices that are and are not what a program was made for."""

from __future__ import annotations

import os
import subprocess

import pytest
from start.devices import Places, look
from start.packages import installed
from start.versions import at_least, is_cann, is_version

from support.script import Script

NPU = """\
+------------------------------------------------------------------------------------------------+
| npu-smi 23.0.rc3                 Version: 23.0.rc3                                             |
+---------------------------+---------------+----------------------------------------------------+
| NPU   Name                | Health        | Power(W)    Temp(C)           Hugepages-Usage(page)|
| Chip                      | Bus-Id        | AICore(%)   Memory-Usage(MB)  HBM-Usage(MB)        |
+===========================+===============+====================================================+
| 0     910B3               | OK            | 92.5        41                0    / 0             |
| 0                         | 0000:C1:00.0  | 0           0    / 0          3372 / 65536         |
+===========================+===============+====================================================+
| 3     910B3               | {health:14}| 92.5        41                0    / 0             |
| 0                         | 0000:C2:00.0  | 0           0    / 0          3372 / 65536         |
+===========================+===============+====================================================+
| NPU     Chip              | Process id    | Process name             | Process memory(MB)      |
+===========================+===============+====================================================+
| No running processes found in NPU 0                                                            |
+===========================+===============+====================================================+
"""

MLU = """\
+------------------------------------------------------------------------------+
| CNMON v5.10.22                                               Driver v5.10.22 |
+-------------------------------+----------------------+-----------------------+
| Card  VF  Name       Firmware |               Bus-Id | Util        Ecc-Error |
| Fan   Temp      Pwr:Usage/Cap |         Memory-Usage | Mode     Compute-Mode |
|===============================+======================+=======================|
| 0     /   MLU370-X8    v1.1.4 |         0000:4F:00.0 | 0%                  0 |
|  0%   28C         53 W/ 150 W |     0 MiB/ 23374 MiB | FULL          Default |
+-------------------------------+----------------------+-----------------------+
| 1     /   MLU370-X8    v1.1.4 |         0000:52:00.0 | 0%                  0 |
|  0%   28C         53 W/ 150 W |     0 MiB/ 23374 MiB | FULL          Default |
+-------------------------------+----------------------+-----------------------+
"""

# The table of 4.20, whose head does not say the driver, as PaddlePaddle's guides for MLU370 show it.
MLU_4_20 = """\
Thu Nov 23 09:30:02 2023
+------------------------------------------------------------------------------+
| CNMON {driver:<14}                                                         |
+-------------------------------+----------------------+-----------------------+
| Card  VF  Name       Firmware | Inited        Driver | Util        Ecc-Error |
| Fan   Temp      Pwr:Usage/Cap |         Memory-Usage | vMemory-Usage         |
|===============================+======================+=======================|
| 0     /   MLU370-X4    v1.1.6 | On        {driver:>10} | 0%                  0 |
|  0%   31C         24 W/ 150 W |     0 MiB/ 23308 MiB | 10240 MiB/ 1048576 MiB |
+-------------------------------+----------------------+-----------------------+
"""


class Check:
    """`check_start.py` in an image that is made of folders."""

    def __init__(self, python, container, folder):
        self.folder, self._script = folder, Script(python, container, "check_start", folder)
        for name in ("bin", "dev", "Ascend", "packages"):
            (folder / name).mkdir()

    def tool(self, name, text):
        """Put a vendor's tool on PATH that says `text`."""
        path = self.folder / "bin" / name
        path.write_text(f"#!/bin/sh\ncat <<'END'\n{text}END\n")
        path.chmod(0o755)

    def package(self, name, version):
        """Install a package, as far as its metadata go."""
        folder = self.folder / "packages" / f"{name}-{version.replace('+', '_')}.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")

    def device(self, *names):
        """Make device files."""
        for name in names:
            (self.folder / "dev" / name).touch()

    def file(self, path, text):
        """Put a file below Ascend's folder."""
        target = self.folder / "Ascend" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def run(self, vendor, *flags, argv=("echo", "the program runs"), **env):
        """Run it to its end."""
        own = {"PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}", "DEV_ROOT": str(self.folder / "dev")}
        return self._script.run(
            *("--vendor", vendor, "--ascend-root", self.folder / "Ascend", *flags, "--", *argv),
            **{**own, "PYTHONPATH": str(self.folder / "packages"), **env},
        )

    def refused(self, code, vendor, *flags, **env):
        """Run it and return why it does not start the program."""
        ended, output = self.run(vendor, *flags, **env)
        assert (ended, "the program runs" in output) == (code, False), output
        return self._script.cause


@pytest.fixture
def check(python, container, tmp_path):
    return Check(python, container, tmp_path)


def said(output):
    """The lines without their time."""
    return [line.split(" ", 2)[2] if line[:2] == "20" else line for line in output.splitlines()]


def test_an_image_that_fits_becomes_the_program(check, python):
    check.tool("npu-smi", NPU.format(health="OK"))
    check.package("mindspore", "2.2.11")
    check.file("driver/version.info", "Version=23.0.3\n")
    check.file("ascend-toolkit/latest/aarch64-linux/ascend_toolkit_install.info", "version=7.0.0\narch=aarch64\n")
    wanted = ("--package", "mindspore==2.2.11", "--cann", "7.0.0.beta1", "--driver-at-least", "23.0.rc3")
    code, output = check.run("ascend", "--devices", 2, *wanted)
    version = subprocess.run([python, "-c", "import platform; print(platform.python_version())"], capture_output=True)
    assert code == 0
    assert said(output) == [
        "INFO check_start: as expected: mindspore is 2.2.11, expected 2.2.11",
        "INFO check_start: as expected: CANN is 7.0.0, expected 7.0.0.beta1",
        "INFO check_start: as expected: the driver is 23.0.3, expected 23.0.rc3 or later",
        f"INFO check_start: as expected: Python is {version.stdout.decode().strip()}",
        "INFO check_start: 2 device(s) by npu-smi info: 0 910B3 OK, 3 910B3 OK",
        "INFO check_start: starting echo",
        "the program runs",
    ]


def test_the_program_s_code_and_signals_are_its_own(check):
    assert check.run("none", argv=("sh", "-c", "exit 7"))[0] == 7
    assert check.run("none", argv=("sh", "-c", "kill -TERM $$"))[0] == -15


def test_everything_that_differs_is_said_at_once(check):
    check.tool("npu-smi", NPU.format(health="OK"))
    check.package("mindspore", "2.0.0")
    wanted = ("--package", "mindspore==2.2.11", "--package", "mindformers==1.0.*", "--cann", "7.0.0")
    assert check.refused(30, "ascend", *wanted, "--driver-at-least", "24.1") == (
        "image or node is not what this version needs: mindspore is 2.0.0, expected 2.2.11; mindformers is not there,"
        " expected 1.0.*; CANN is not there, expected 7.0.0; the driver is 23.0.rc3, expected 24.1 or later; use an"
        " image and a node with what is expected, or choose the version that goes with these"
    )


def test_what_does_not_say_its_version_is_no_reason_not_to_start(check):
    check.device("cambricon_dev0")
    check.file("ascend-toolkit/latest/set_env.sh", "")
    code, output = check.run("cambricon", "--devices", 1, "--driver-at-least", "5.10.22", "--cann", "7.0.0")
    assert code == 0
    assert said(output)[:2] == [
        "WARNING check_start: not to be known: CANN is of an unknown version, expected 7.0.0",
        "WARNING check_start: not to be known: the driver is of an unknown version, expected 5.10.22 or later",
    ]


def test_a_device_that_is_not_sound_is_worth_another_node(check):
    check.tool("npu-smi", NPU.format(health="Alarm"))
    assert check.refused(40, "ascend", "--devices", 2) == (
        "device 3 (910B3) is Alarm by npu-smi info; take the device or its node out of service"
    )


def test_a_device_that_is_missing(check):
    check.tool("cnmon", MLU)
    assert check.run("cambricon", "--devices", 2)[0] == 0
    assert check.refused(40, "cambricon", "--devices", 4) == (
        "4 devices are needed, but 2 are there by cnmon: 0 MLU370-X8, 1 MLU370-X8; see that the container requests"
        " them and that the node has not lost one"
    )


@pytest.mark.parametrize(("driver", "enough"), [("v4.20.11", True), ("v4.20.9", True), ("v4.20.6", False)])
def test_the_driver_of_a_cnmon_that_has_it_in_a_column(check, driver, enough):
    check.tool("cnmon", MLU_4_20.format(driver=driver))
    wanted = ("--devices", 1, "--driver-at-least", "4.20.9")
    if enough:
        expected = f"INFO check_start: as expected: the driver is {driver[1:]}, expected 4.20.9 or later"
        assert said(check.run("cambricon", *wanted)[1])[0] == expected
    else:
        assert check.refused(30, "cambricon", *wanted) == (
            "image or node is not what this version needs: the driver is 4.20.6, expected 4.20.9 or later; use an image"
            " and a node with what is expected, or choose the version that goes with these"
        )


@pytest.mark.parametrize("broken", ["", "#!/bin/sh\nexit 1\n"])
def test_without_a_tool_that_works_the_device_files_count(check, broken):
    if broken:
        check.tool("npu-smi", "")
        (check.folder / "bin" / "npu-smi").write_text(broken)
    check.device("davinci1", "davinci5", "davinci_manager")
    code, output = check.run("ascend", "--devices", 2)
    assert code == 0
    assert (
        f"INFO check_start: 2 device(s) by {check.folder}/dev/davinciN (npu-smi is not to be had, so their health"
        " is unknown): 1 davinci1, 5 davinci5"
    ) in said(output)
    assert check.refused(40, "ascend", "--devices", 3).startswith("3 devices are needed, but 2 are there by ")


@pytest.mark.parametrize(("files", "found"), [(["bm-sophon0", "bm-sophon1", "bmdev-ctl"], 2), (["bm-tpu0", "ion"], 1)])
def test_sophgo_s_chips_are_device_files(tmp_path, files, found):
    for name in files:
        (tmp_path / name).touch()
    driver = tmp_path / "bmsophon" / "driver_version"
    driver.parent.mkdir()
    driver.write_text("release version:0.5.1   release date: 20240701-094500\n")
    seen = look("sophon", Places(tmp_path, tmp_path, tmp_path))
    assert (len(seen.devices), seen.driver, seen.unsound) == (found, "0.5.1", ())


STANDARD = "The result of multiplication calculation is correct, MindSpore has been installed on platform [CPU]"


@pytest.mark.parametrize(
    ("body", "code", "cause"),
    [
        (f"print('{STANDARD} successfully!')", 0, ""),
        (
            "print('MindSpore running check failed.'); print('No device')",
            30,
            "mindspore.run_check() failed with code 0: MindSpore running check failed. | No device; MindSpore, CANN"
            " and driver of image and node must go together",
        ),
        (
            "raise SystemExit(3)",
            30,
            "mindspore.run_check() failed with code 3: it said nothing; MindSpore, CANN and driver of image and node"
            " must go together",
        ),
    ],
)
def test_mindspore_computes_something_first(check, body, code, cause):
    (check.folder / "packages" / "mindspore.py").write_text(f"def run_check():\n    {body}\n")
    if code:
        assert check.refused(code, "none", "--run-check", "mindspore") == cause
    else:
        assert f"INFO check_start: run_check: {STANDARD} successfully!" in said(
            check.run("none", "--run-check", "mindspore")[1]
        )


def test_a_package_is_found_by_its_metadata(tmp_path):
    folders = [str(tmp_path / name) for name in ("none", "egg", "dist")]
    (tmp_path / "egg").mkdir()
    (tmp_path / "egg" / "Mind_Pet-1.0.3-py3.7.egg-info").write_text("Name: Mind_Pet\nVersion: 1.0.3\n")
    (tmp_path / "dist" / "torch-2.1.0_cpu.dist-info").mkdir(parents=True)
    (tmp_path / "dist" / "torch-2.1.0_cpu.dist-info" / "METADATA").write_text("Name: torch\nVersion: 2.1.0+cpu\n")
    (tmp_path / "dist" / "torchvision-0.16.0.dist-info").mkdir()
    assert installed("mind-pet", folders) == "1.0.3"
    assert installed("Torch", folders) == "2.1.0+cpu"
    assert installed("torchvision", folders) == "0.16.0"
    assert installed("mindspore", folders) is None
    assert installed("pytest") == pytest.__version__


@pytest.mark.parametrize(
    ("found", "least", "enough"),
    [
        *(("23.0.rc3", "23.0.rc2", True), ("23.0.rc2", "23.0.rc3", False), ("23.0.0", "23.0.rc3", True)),
        *(("23.0.rc3", "23.0", False), ("23.0", "23.0.0", True), ("24.1.RC1", "23.0.3", True)),
        *(("v5.10.22", "5.9.30", True), ("5.10.22", "v5.10.23", False), ("7.0.0.beta1", "7.0.0", False)),
        *(("0.4.9", "0.5.1", False), ("1.0.10", "1.0.9", True), ("2.1.0+cpu", "2.1.0", True)),
    ],
)
def test_the_order_of_versions(found, least, enough):
    assert at_least(found, least) is enough


@pytest.mark.parametrize(
    ("found", "expected", "same"),
    [
        *(("2.2.11", "2.2.11", True), ("2.2.1", "2.2.11", False), ("2.2.11", "2.2.1", False)),
        *(("2.2.11", "2.2.*", True), ("2.20.1", "2.2.*", False), ("2.2", "2.2.*", True)),
        *(("2.1.0+cpu", "2.1.0", True), ("2.1.0+cpu", "2.1.0+cu118", False), ("2.1.0", "2.1.0+cpu", False)),
    ],
)
def test_the_same_version(found, expected, same):
    assert is_version(found, expected) is same


@pytest.mark.parametrize(
    ("found", "expected", "same"),
    [
        *(("7.0.0", "7.0.0.beta1", True), ("8.0.RC2", "8.0.RC2.beta1", True), ("8.0.RC2", "8.0.RC3", False)),
        *(("8.0.rc2", "8.0.RC2", True), ("7.0.0", "7.0.1", False), ("8.0.0.alpha001", "8.0.0", True)),
    ],
)
def test_the_community_s_cann_has_another_name(found, expected, same):
    assert is_cann(found, expected) is same


def test_where_cann_may_be(check):
    check.file("nnrt/latest/x86_64-linux/ascend_nnrt_install.info", "package_name=Ascend-cann-nnrt\nVersion=8.0.RC3\n")
    assert check.run("none", "--cann", "8.0.RC3")[0] == 0
    other = check.folder / "toolkit"
    other.mkdir()
    (other / "ascend_toolkit_install.info").write_text("version=8.2.RC1\n")
    assert check.run("none", "--cann", "8.2.RC1", ASCEND_TOOLKIT_HOME=str(other))[0] == 0


@pytest.mark.parametrize("package", ["mindspore", "==2", "mindspore==", "mindspore>=2"])
def test_a_package_that_is_not_said_rightly(check, package):
    cause = check.refused(20, "none", "--package", package)
    assert cause.startswith(f"argument --package: {package!r} must be NAME==VERSION, as in mindspore==2.2.11; usage: ")


def test_a_program_that_is_not_there(check):
    assert check.run("none", argv=("atc", "--model"))[0] == 20
    assert check._script.cause == "cannot run atc: No such file or directory; is it in this image?"


def test_no_program(python, container, tmp_path):
    script = Script(python, container, "check_start", tmp_path)
    assert script.run("--vendor", "none")[0] == 20
    assert script.cause == "no command is given; put it after '--', as in: -- python3 train.py"
