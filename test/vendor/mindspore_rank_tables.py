"""Our rank tables beside those of the real hccl_tools.py and merge_hccl.py, of the same fake driver's tool."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

from conftest import ROOT, Programs
from ranks import rank_table

TOOLS = Path(importlib.util.find_spec("mindformers").origin).parent / "tools"
STUBS = ROOT / "test/container/support/bin"


@pytest.fixture
def on_node(programs: Programs) -> Programs:
    """Programs where hccn_tool is on PATH."""
    programs.environment["PATH"] = f"{STUBS}:{programs.environment['PATH']}"
    return programs


def upstream(programs: Programs, devices: range, server: str, network: str) -> Path:
    programs.run(
        TOOLS / "hccl_tools.py", "--device_num", f"[{devices.start},{devices.stop})", "--server_ip", server,
        STUB_HCCN_NETWORK=network,
    )  # fmt: skip
    return programs.folder / f"hccl_{len(devices)}p_{''.join(map(str, devices))}_{server}.json"


def ours(programs: Programs, devices: range, server: str, network: str) -> str:
    """Return the table that the launcher gives its ranks."""
    table = programs.folder / "table.json"
    programs.run(
        "launch", "--devices", len(devices), "--rank-env", "mindspore", "--rank-table", "generated",
        "--server-ip", server, "--", "sh", "-c", f'[ "$RANK_ID" != 0 ] || cp "$RANK_TABLE_FILE" {table}',
        STUB_HCCN_NETWORK=network, ASCEND_VISIBLE_DEVICES=",".join(map(str, devices)),
    )  # fmt: skip
    return table.read_text()


@pytest.mark.parametrize("devices", [range(8), range(4), range(4, 8), range(1)])
def test_one_node(on_node: Programs, devices: range) -> None:
    theirs = upstream(on_node, devices, "10.0.0.7", "192.168.7").read_text()
    assert json.loads(ours(on_node, devices, "10.0.0.7", "192.168.7")) == json.loads(theirs)


def test_many_nodes_in_the_order_given(on_node: Programs) -> None:
    """Upstream takes the files in the order of its arguments; .23 before .111 is one that a glob would not give."""
    numbers = (110, 23, 7, 9, 111)
    files = [upstream(on_node, range(8), f"10.0.0.{number}", f"192.168.{number}") for number in numbers]
    on_node.run(TOOLS / "merge_hccl.py", *files)
    theirs = json.loads((on_node.folder / "hccl_5s_40p.json").read_text())

    tables = [rank_table.parse(json.loads(path.read_text()), 8, path.name) for path in files]
    merged = rank_table.merge([table.servers[0] for table in tables])

    assert json.loads(rank_table.render(merged)) == theirs
    ranks = [device["rank_id"] for server in theirs["server_list"] for device in server["device"]]
    assert ranks == [str(rank) for rank in range(40)]


def test_the_table_is_read_by_the_real_mindformers(on_node: Programs, monkeypatch: pytest.MonkeyPatch) -> None:
    from mindformers.tools.check_rules import get_server_num

    ours(on_node, range(8), "10.0.0.7", "192.168.7")
    monkeypatch.setenv("RANK_TABLE_FILE", str(on_node.folder / "table.json"))
    assert get_server_num() == 1
