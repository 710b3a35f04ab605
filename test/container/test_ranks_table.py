"""Rank tables: read, merged, checked, written."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pod.exit_codes import BAD_RANK_TABLE, Fault
from ranks.places import places_by_index, places_by_table
from ranks.rank_env import Place
from ranks.rank_table import Device, Server, describe, merge, parse, render, server_of
from ranks.rank_table_check import check
from ranks.table_sources import Identity, find_server

from support.ranks_tables import flat_table, operator_table

SERVERS = st.lists(st.lists(st.integers(0, 15), unique=True, min_size=1, max_size=16), min_size=1, max_size=12).map(
    lambda pods: [
        Server(f"10.0.0.{pod}", tuple(Device(number, f"192.168.{pod}.{number}", 0) for number in numbers))
        for pod, numbers in enumerate(pods)
    ]
)


@settings(deadline=None, max_examples=60)
@given(SERVERS)
def test_merging_counts_ranks_in_the_order_given(servers):
    table = merge(servers)
    ranks = [device.rank_id for server in table.servers for device in server.devices]
    assert ranks == list(range(sum(len(server.devices) for server in servers)))
    kept = [
        (server.server_id, [(device.device_id, device.device_ip) for device in server.devices]) for server in servers
    ]
    assert kept == [
        (server.server_id, [(device.device_id, device.device_ip) for device in server.devices])
        for server in table.servers
    ]


@settings(deadline=None, max_examples=60)
@given(SERVERS)
def test_a_written_table_is_read_as_it_was(servers):
    table = merge(servers)
    assert parse(json.loads(render(table)), 1, "t") == table


@settings(deadline=None, max_examples=60)
@given(SERVERS)
def test_a_server_is_described_over_the_wire(servers):
    again = [server_of(json.loads(json.dumps(describe(server)))) for server in servers]
    assert merge(again) == merge(servers)


@settings(deadline=None, max_examples=60)
@given(SERVERS, st.randoms())
def test_a_merged_table_of_equal_pods_passes_and_any_double_rank_does_not(servers, random):
    devices = min(len(server.devices) for server in servers)
    table = merge([Server(server.server_id, server.devices[:devices]) for server in servers])
    check(table, len(servers), devices, "t")
    document = json.loads(render(table))
    ranks = [device for server in document["server_list"] for device in server["device"]]
    victim = random.choice(ranks)
    victim["rank_id"] = str((int(victim["rank_id"]) + 1) % len(ranks) if len(ranks) > 1 else 1)
    with pytest.raises(Fault, match="ranks must be 0 to"):
        check(parse(document, devices, "t"), len(servers), devices, "t")


def test_the_written_form_is_the_one_that_libraries_read():
    table = merge([Server("10.0.0.1", (Device(4, "192.168.1.104", 0), Device(5, "192.168.1.105", 0)))])
    assert render(table) == WRITTEN


WRITTEN = """\
{
    "version": "1.0",
    "server_count": "1",
    "server_list": [
        {
            "server_id": "10.0.0.1",
            "device": [
                {
                    "device_id": "4",
                    "device_ip": "192.168.1.104",
                    "rank_id": "0"
                },
                {
                    "device_id": "5",
                    "device_ip": "192.168.1.105",
                    "rank_id": "1"
                }
            ],
            "host_nic_ip": "reserve"
        }
    ],
    "status": "completed"
}
"""


@pytest.mark.parametrize("version", ["1.0", "1.2"])
def test_tables_of_the_operator_are_read(version):
    table = parse(operator_table(2, 2, version), 2, "t")
    check(table, 2, 2, "t")
    assert table.servers[1] == Server(
        "uid-1",
        (Device(0, "192.168.1.0", 2), Device(1, "192.168.1.1", 3)),
        host_ip="10.0.0.1",
        container_ip="172.16.0.1",
    )


def test_a_flat_table_is_cut_into_pods():
    table = parse(flat_table(2, 2), 2, "t")
    check(table, 2, 2, "t")
    assert [[device.rank_id for device in server.devices] for server in table.servers] == [[0, 1], [2, 3]]


def first(table):
    return table["server_list"][0]


def second(table):
    return table["server_list"][1]


def last_device(table):
    return second(table)["device"][1]


CONTENT_MISTAKES = {
    "server_count is 3, but 2 servers are listed": lambda table: table.update(server_count="3"),
    "server_count is 1, but 2 servers are listed": lambda table: table.update(server_count="1"),
    "server_id uid-1 is there 2 times": lambda table: first(table).update(server_id="uid-1"),
    "device_id 0 is there 2 times in server uid-1": lambda table: last_device(table).update(device_id="0"),
    "device_ip 192.168.0.0 belongs to device 0 of server uid-0 and device 1 of server uid-1": (
        lambda table: last_device(table).update(device_ip="192.168.0.0")
    ),
    "ranks must be 0 to 3, each once (missing 3, outside 5)": (lambda table: last_device(table).update(rank_id="5")),
    "ranks must be 0 to 3, each once (missing 3, rank_id 0 is there 2 times)": (
        lambda table: last_device(table).update(rank_id="0")
    ),
    "server uid-1 has 1 devices, but a pod has 2 (--devices);"
    " ranks must be 0 to 3, each once (missing 3)": lambda table: second(table)["device"].pop(),
    "1 server is listed, but the job has 2 (--nodes); ranks must be 0 to 3, each once (missing 2, 3)": (
        lambda table: (table["server_list"].pop(), table.update(server_count="1"))
    ),
}


@pytest.mark.parametrize("message", CONTENT_MISTAKES)
def test_wrong_content_is_refused(message):
    document = operator_table(2, 2)
    CONTENT_MISTAKES[message](document)
    table = parse(document, 2, "/t.json")
    with pytest.raises(Fault) as refused:
        check(table, 2, 2, "/t.json")
    assert (refused.value.code, str(refused.value)) == (
        BAD_RANK_TABLE,
        f"rank table /t.json cannot be used: {message}",
    )


def test_all_mistakes_are_told_at_once():
    table = parse({**operator_table(1, 1), "server_count": "2"}, 1, "t")
    with pytest.raises(Fault) as refused:
        check(table, 2, 1, "t")
    assert str(refused.value) == (
        "rank table t cannot be used: server_count is 2, but 1 server is listed; 1 server is listed, but the"
        " job has 2 (--nodes); ranks must be 0 to 1, each once (missing 1)"
    )


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "rank table t is a list, but must be a JSON object"),
        (None, "rank table t is null, but must be a JSON object"),
        ({}, "rank table t has no version, but must be one of 1.0, 1.2, 2.0"),
        ({"version": "1.1"}, "rank table t has version '1.1', but must be one of 1.0, 1.2, 2.0"),
        ({"version": "1.0"}, "rank table t of version 1.0 cannot be read: 'server_list' is missing"),
        (
            {
                "version": "1.0",
                "server_list": [{"server_id": "a", "device": [{"device_id": "x", "rank_id": "0"}]}],
            },
            "rank table t of version 1.0 cannot be read: invalid literal for int() with base 10: 'x'",
        ),
        (
            {**flat_table(1, 2), "rank_count": 3},
            "rank table t of version 2.0 cannot be read: rank_count is 3, but 2 ranks are listed",
        ),
    ],
)
def test_another_shape_is_refused(document, message):
    with pytest.raises(Fault) as refused:
        parse(document, 1, "t")
    assert (refused.value.code, str(refused.value)) == (BAD_RANK_TABLE, message)


TABLE = parse(operator_table(3, 2), 2, "t")


@pytest.mark.parametrize(
    ("identity", "place"),
    [
        (Identity("uid-2", "", ()), 2),
        (Identity("", "172.16.0.1", ()), 1),
        (Identity("", "", ("10.0.0.1",)), 1),
        (Identity("uid-9", "172.16.0.1", ()), 1),
        # Its host's entry is that of an earlier pod.
        (Identity("uid-9", "172.16.0.9", ("10.0.0.1",)), None),
        (Identity("", "", ("10.0.0.9",)), None),
        (Identity("", "", ()), None),
    ],
)
def test_our_entry_is_found(identity, place):
    assert find_server(TABLE, identity, 0) == place


def test_an_old_operator_names_servers_by_their_host():
    document = operator_table(2, 1)
    for server, host in zip(document["server_list"], ("10.0.0.7", "10.0.0.8")):
        server["server_id"] = host
        del server["host_ip"], server["container_ip"]
    table = parse(document, 1, "t")
    assert find_server(table, Identity("uid-1", "172.16.0.1", ("10.0.0.8",)), 0) == 1


def test_two_pods_on_one_host_cannot_be_told_apart_by_it():
    document = operator_table(2, 1)
    for server in document["server_list"]:
        server["host_ip"] = "10.0.0.7"
    table = parse(document, 1, "t")
    assert find_server(table, Identity("", "", ("10.0.0.7",)), 0) is None
    assert find_server(table, Identity("", "172.16.0.1", ("10.0.0.7",)), 0) == 1


def test_a_flat_table_is_in_the_order_of_the_pods():
    table = parse(flat_table(2, 2), 2, "t")
    assert [find_server(table, Identity("uid-0", "", ()), index) for index in range(3)] == [0, 1, None]


def server(*numbers, first=0):
    return Server("s", tuple(Device(number, "", first + place) for place, number in enumerate(numbers)))


@pytest.mark.parametrize(
    ("listed", "host_ids", "numbering", "places"),
    [
        # Devices 4 to 7 of the host are 0 to 3 in the container.
        (server(4, 5), (4, 5), "local", [Place(0, 0, 0), Place(1, 1, 1)]),
        (server(4, 5), (4, 5), "host", [Place(0, 0, 4), Place(1, 1, 5)]),
        (server(4, 5), None, "local", [Place(0, 0, 0), Place(1, 1, 1)]),
        # A table may list them in another order: a rank stays with its device.
        (server(5, 4, first=8), (4, 5), "local", [Place(8, 1, 1), Place(9, 0, 0)]),
        (server(5, 4, first=8), (5, 4), "local", [Place(8, 0, 0), Place(9, 1, 1)]),
        (server(5, 4), (0, 1), "local", [Place(0, 1, 1), Place(1, 0, 0)]),
    ],
)
def test_a_rank_runs_on_the_device_that_the_table_gives_it(listed, host_ids, numbering, places):
    assert list(places_by_table(listed, host_ids, numbering)) == places


def test_without_a_table_ranks_follow_the_pods():
    assert places_by_index(2, 3, None, "local") == (Place(6, 0, 0), Place(7, 1, 1))
    assert places_by_index(2, 0, (6, 7), "local") == (Place(0, 0, 0), Place(1, 1, 1))
    assert places_by_index(2, 0, (6, 7), "host") == (Place(0, 0, 6), Place(1, 1, 7))
