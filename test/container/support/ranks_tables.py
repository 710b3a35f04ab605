"""Rank tables as the operator of MindCluster writes them."""

from __future__ import annotations

from typing import Any


def operator_table(pods: int, devices: int, version: str = "1.0", first_device: int = 0) -> dict[str, Any]:
    """A completed table of version 1.0 or 1.2: pod N is `uid-N` on host 10.0.0.N with address 172.16.0.N."""
    servers = [
        {
            "device": [
                {
                    "device_id": str(first_device + place),
                    "device_ip": f"192.168.{pod}.{place}",
                    "rank_id": str(pod * devices + place),
                    **({"super_device_id": str(37748736 + place)} if version == "1.2" else {}),
                }
                for place in range(devices)
            ],
            "server_id": f"uid-{pod}",
            "host_ip": f"10.0.0.{pod}",
            "container_ip": f"172.16.0.{pod}",
            "hardware_type": "800I-A2-32G",
        }
        for pod in range(pods)
    ]
    table: dict[str, Any] = {"status": "completed", "server_list": servers, "server_count": str(pods)}
    if version == "1.2":
        members = [{"server_id": server["server_id"]} for server in servers]
        table["super_pod_list"] = [{"super_pod_id": "0", "server_list": members}]
    return {**table, "version": version}


def flat_table(pods: int, devices: int, first_device: int = 0) -> dict[str, Any]:
    """A completed table of version 2.0, which lists ranks only."""
    ranks = [
        {
            "rank_id": pod * devices + place,
            "local_id": first_device + place,
            "device_id": first_device + place,
            "level_list": [{"net_layer": 0, "net_instance_id": "a", "net_type": "TOPO_FILE_DESC", "net_attr": ""}],
        }
        for pod in range(pods)
        for place in range(devices)
    ]
    return {"status": "completed", "version": "2.0", "rank_count": len(ranks), "rank_list": ranks}
