"""Where the launcher takes a rank table from, run as a process."""

from __future__ import annotations

import json
import threading
import time

import pytest

from support.ranks_launcher import TERM, Launcher
from support.ranks_tables import flat_table, operator_table

MINDSPORE = ("--rank-env", "mindspore")


@pytest.fixture
def launcher(python, container, tmp_path):
    launcher = Launcher(python, container, tmp_path)
    launcher.environment["POD_IP"] = "172.16.0.1"
    return launcher


def told(launcher, count, *names):
    noted = launcher.noted(count)
    return {rank: tuple(noted[rank]["env"].get(name) for name in names) for rank in sorted(noted, key=int)}


def table_of(launcher, tmp_path):
    """The table that rank 0's work folder has."""
    return json.loads((tmp_path / "work" / "rank_table_0.json").read_text())


def generate(launcher, tmp_path, devices, **env):
    return launcher.run(
        *("--devices", devices, *MINDSPORE, "--rank-table", "generated"),
        *("--hccn-conf", tmp_path / "hccn.conf", "--work-dir", tmp_path / "work"),
        **env,
    )


def test_a_table_of_one_pod_is_generated(launcher, tmp_path):
    code, output = generate(launcher, tmp_path, 8)
    assert code == 0, output
    assert table_of(launcher, tmp_path) == {
        "version": "1.0",
        "server_count": "1",
        "server_list": [
            {
                "server_id": "172.16.0.1",
                "device": [
                    {
                        "device_id": str(number),
                        "device_ip": f"192.168.1.{100 + number}",
                        "rank_id": str(number),
                    }
                    for number in range(8)
                ],
                "host_nic_ip": "reserve",
            }
        ],
        "status": "completed",
    }
    path = str(tmp_path / "work" / "rank_table_0.json")
    assert told(launcher, 8, "RANK_ID", "DEVICE_ID", "RANK_TABLE_FILE") == {
        str(rank): (str(rank), str(rank), path) for rank in range(8)
    }


@pytest.mark.parametrize(
    "env",
    [
        {"ASCEND_VISIBLE_DEVICES": "4,5,6,7"},
        {"ASCEND_VISIBLE_DEVICES": "4-7"},
        {"ASCEND_VISIBLE_DEVICES": "Ascend910-4,Ascend910-5,Ascend910-6,Ascend910-7"},
        {"ASCEND_VISIBLE_DEVICES": "0-7", "ASCEND_RT_VISIBLE_DEVICES": "4,5,6,7"},
        {"ASCEND_VISIBLE_DEVICES": "2-7", "ASCEND_RT_VISIBLE_DEVICES": "2,3,4,5"},
    ],
    ids=str,
)
def test_four_of_eight_devices(launcher, tmp_path, env):
    log = tmp_path / "asked"
    code, output = generate(launcher, tmp_path, 4, STUB_HCCN_LOG=str(log), **env)
    assert code == 0, output
    devices = table_of(launcher, tmp_path)["server_list"][0]["device"]
    assert [(device["device_id"], device["device_ip"], device["rank_id"]) for device in devices] == [
        (str(number), f"192.168.1.{100 + number}", str(number - 4)) for number in range(4, 8)
    ]
    assert log.read_text().split() == ["4", "5", "6", "7"]
    assert told(launcher, 4, "RANK_ID", "DEVICE_ID") == {str(rank): (str(rank), str(rank)) for rank in range(4)}


def test_devices_are_found_in_dev(launcher, tmp_path):
    for name in ("davinci6", "davinci10", "davinci_manager", "null"):
        (tmp_path / "dev").mkdir(exist_ok=True)
        (tmp_path / "dev" / name).touch()
    code, output = generate(launcher, tmp_path, 2)
    assert code == 0, output
    devices = table_of(launcher, tmp_path)["server_list"][0]["device"]
    assert [device["device_id"] for device in devices] == ["6", "10"]


def test_the_host_number_as_device_id(launcher):
    code, output = launcher.run(
        *("--devices", 2, *MINDSPORE, "--device-numbering", "host"), ASCEND_VISIBLE_DEVICES="6,7"
    )
    assert code == 0, output
    assert told(launcher, 2, "RANK_ID", "DEVICE_ID") == {"0": ("0", "6"), "1": ("1", "7")}


def test_addresses_come_from_hccn_conf_where_the_tool_has_none(launcher, tmp_path):
    (tmp_path / "hccn.conf").write_text("address_0=10.1.0.100\nnetmask_0=255.0.0.0\naddress_1=10.1.0.101\n")
    code, output = generate(launcher, tmp_path, 2, STUB_HCCN_MISSING="1")
    assert code == 0, output
    devices = table_of(launcher, tmp_path)["server_list"][0]["device"]
    assert [device["device_ip"] for device in devices] == ["192.168.1.100", "10.1.0.101"]


def test_a_device_without_address_is_named(launcher, tmp_path):
    code, output = generate(launcher, tmp_path, 4, STUB_HCCN_MISSING="3")
    assert code == 29, output
    tool = launcher.environment["PATH"].split(":")[0] + "/hccn_tool"
    assert launcher.cause == (
        f"no address for device 3 of the host from {tool} -i N -ip -g or {tmp_path}/hccn.conf (not found);"
        " mount the driver's tools and hccn.conf of the host, or give the devices addresses"
    )
    assert list(launcher.notes.iterdir()) == []


DEVICE_MISTAKES = {
    "4 devices are asked for (--devices), but ASCEND_VISIBLE_DEVICES has 2: 0, 1; request 4 devices for the"
    " container, or lower --devices": {"ASCEND_VISIBLE_DEVICES": "0,1"},
    "ASCEND_VISIBLE_DEVICES is 'all', but must be like 0,1 or 0-3 or Ascend910-0,Ascend910-1": {
        "ASCEND_VISIBLE_DEVICES": "all"
    },
    "ASCEND_VISIBLE_DEVICES is '0,0,1,2', but must name each device once": {"ASCEND_VISIBLE_DEVICES": "0,0,1,2"},
    "ASCEND_RT_VISIBLE_DEVICES names device 4, 5, but the pod has 4 and counts them from 0; allowed are 0 to 3": {
        "ASCEND_VISIBLE_DEVICES": "4-7",
        "ASCEND_RT_VISIBLE_DEVICES": "2,3,4,5",
    },
}


@pytest.mark.parametrize("message", DEVICE_MISTAKES)
def test_devices_that_cannot_be_are_refused(launcher, message):
    code, output = launcher.run("--devices", 4, *MINDSPORE, **DEVICE_MISTAKES[message])
    assert (code, launcher.cause) == (31, message), output


def test_the_operators_table_is_waited_for(launcher, tmp_path):
    path = tmp_path / "hccl.json"
    path.write_text('{"status":"initializing"}')

    def complete():
        time.sleep(0.7)
        path.write_text(json.dumps(operator_table(1, 2, first_device=4)))

    writer = threading.Thread(target=complete)
    writer.start()
    code, output = launcher.run(
        *("--devices", 2, *MINDSPORE, "--rank-table", "operator", "--rank-table-file", path),
        *("--work-dir", tmp_path / "work", "--wait", 10),
        POD_UID="uid-0",
        ASCEND_VISIBLE_DEVICES="Ascend910-4,Ascend910-5",
    )
    writer.join()
    assert code == 0, output
    assert (tmp_path / "work" / "rank_table_0.json").read_text() == path.read_text()
    assert told(launcher, 2, "RANK_ID", "DEVICE_ID") == {"0": ("0", "0"), "1": ("1", "1")}


def test_the_operators_table_of_earlier_pods_is_waited_over(launcher, tmp_path):
    path = tmp_path / "hccl.json"
    path.write_text(json.dumps(operator_table(1, 2)))
    flags = ("--devices", 2, *MINDSPORE, "--rank-table", "operator", "--rank-table-file", path, "--wait", 0.6)
    code, output = launcher.run(*flags, POD_UID="uid-new", XDL_IP="10.0.0.0")
    assert code == 50, output
    assert launcher.cause == (
        f"rank table {path} was not there within 0.6 s: it does not have this pod (POD_UID uid-new, POD_IP"
        " 172.16.0.1, host 10.0.0.0); it has server_id uid-0; see that the operator runs and watches this job"
        " (label ring-controller.atlas)"
    )


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (None, "it cannot be read (No such file or directory)"),
        ('{"status":"initializing"}', "its status is 'initializing', not 'completed'"),
        ("{", "it is not JSON (Expecting property name enclosed in double quotes: line 1 column 2 (char 1))"),
    ],
)
def test_a_table_that_never_comes(launcher, tmp_path, content, cause):
    path = tmp_path / "hccl.json"
    if content is not None:
        path.write_text(content)
    flags = ("--devices", 2, *MINDSPORE, "--rank-table", "operator", "--rank-table-file", path, "--wait", 0.2)
    code, output = launcher.run(*flags)
    assert code == 50, output
    assert launcher.cause == (
        f"rank table {path} was not there within 0.2 s: {cause};"
        " see that the operator runs and watches this job (label ring-controller.atlas)"
    )


def test_waiting_for_a_table_ends_with_a_termination(launcher, tmp_path):
    flags = (
        "--devices",
        2,
        *MINDSPORE,
        "--rank-table",
        "operator",
        "--rank-table-file",
        tmp_path / "hccl.json",
    )
    process = launcher.start(*flags)
    assert "waiting up to 600 s for the rank table" in process.stdout.readline()
    code, output = launcher.finish(process, TERM)
    assert code == 42, output
    assert launcher.cause == (
        f"told to stop while waiting for the rank table {tmp_path}/hccl.json:"
        " it cannot be read (No such file or directory)"
    )


@pytest.mark.parametrize("version", ["1.2", "2.0"])
def test_newer_tables_are_passed_on_whole(launcher, tmp_path, version):
    document = flat_table(1, 2) if version == "2.0" else operator_table(1, 2, version)
    path = tmp_path / "hccl.json"
    path.write_text(json.dumps(document))
    code, output = launcher.run(
        *("--devices", 2, *MINDSPORE, "--rank-table", "operator", "--rank-table-file", path),
        *("--work-dir", tmp_path / "work"),
        POD_UID="uid-0",
    )
    assert code == 0, output
    assert table_of(launcher, tmp_path) == document
    assert told(launcher, 2, "RANK_ID") == {"0": ("0",), "1": ("1",)}


def test_a_given_file_that_is_wrong_starts_no_rank(launcher, tmp_path):
    path = tmp_path / "table.json"
    document = operator_table(1, 2)
    document["server_list"][0]["device"][1]["device_ip"] = "192.168.0.0"
    path.write_text(json.dumps(document))
    flags = ("--devices", 2, *MINDSPORE, "--rank-table", "file", "--rank-table-file", path)
    code, output = launcher.run(*flags)
    assert code == 29, output
    assert launcher.cause == (
        f"rank table {path} cannot be used:"
        " device_ip 192.168.0.0 belongs to device 0 of server uid-0 and device 1 of server uid-0"
    )
    assert list(launcher.notes.iterdir()) == []


def test_a_given_file_that_is_not_there(launcher, tmp_path):
    flags = ("--devices", 2, *MINDSPORE, "--rank-table", "file", "--rank-table-file", tmp_path / "no.json")
    code, output = launcher.run(*flags)
    assert code == 29, output
    path = tmp_path / "no.json"
    assert launcher.cause == (f"rank table {path} cannot be read: [Errno 2] No such file or directory: '{path}'")


def test_devices_that_the_table_does_not_have_are_told(launcher, tmp_path):
    path = tmp_path / "table.json"
    path.write_text(json.dumps(operator_table(1, 2)))
    flags = ("--devices", 2, *MINDSPORE, "--rank-table", "file", "--rank-table-file", path)
    code, output = launcher.run(*flags, ASCEND_VISIBLE_DEVICES="4,5")
    assert code == 0, output
    warning = "the rank table gives this pod devices 0, 1, but it sees 4, 5; ranks follow the table's order"
    assert f"WARNING launch: {warning}" in output
