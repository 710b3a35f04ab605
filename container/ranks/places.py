"""Which rank runs on which device of this pod."""

from __future__ import annotations

from typing import Optional, Sequence, Tuple

from ranks.rank_env import Place
from ranks.rank_table import Server


def places_by_index(
    devices: int, node_index: int, host_ids: Optional[Sequence[int]], numbering: str
) -> Tuple[Place, ...]:
    """Return the places of a pod without a rank table: ranks follow the pods' order and the devices' order.

    `numbering` 'local' calls the devices 0..n-1, as a container sees them; 'host' by `host_ids`.
    """
    numbers = host_ids if host_ids and numbering == "host" else range(devices)
    return tuple(Place(node_index * devices + local, local, number) for local, number in enumerate(numbers))


def places_by_table(server: Server, host_ids: Optional[Sequence[int]], numbering: str) -> Tuple[Place, ...]:
    """Return the places of the pod that the table calls `server`, in the order of their ranks.

    The table's `device_id` is the host's number. A rank's local index is that of its device: its place in
    `host_ids` or, where these are unknown or others, in the order of the table's own numbers.
    """
    ids = [device.device_id for device in server.devices]
    order = list(host_ids) if host_ids is not None and set(host_ids) == set(ids) else sorted(ids)
    places = []
    for device in sorted(server.devices, key=lambda device: device.rank_id):
        local = order.index(device.device_id)
        places.append(Place(device.rank_id, local, device.device_id if numbering == "host" else local))
    return tuple(places)
