"""Pod 0's server: it answers the job's own pods, in the protocol, and nobody else."""

from __future__ import annotations

import http.client
import json

import pytest
from ranks.meeting import Meeting
from ranks.meeting_line import Refused, line
from ranks.meeting_server import LARGEST_BODY, Desk, MeetingServer

OFFER = {"host": "10.0.0.0", "port": 4000, "server": None, "digest": None}


@pytest.fixture
def server():
    server = MeetingServer(Desk(Meeting(1, {}, 20)), 0, "the job's token")
    server.start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def port(server):
    return server.socket.getsockname()[1]


def beat(**changes):
    fields = {
        "node": 0,
        "instance": "a",
        "settings": {},
        "offer": OFFER,
        "state": "gathering",
        "following": "",
    }
    return {**fields, **changes}


def post(port, path, body, token="the job's token", **headers):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    authorization = {"Authorization": f"Bearer {token}"} if token else {}
    connection.request("POST", path, body, {**authorization, **headers})
    response = connection.getresponse()
    return response.status, json.loads(response.read())


def test_a_pod_is_answered(port):
    reply = line("127.0.0.1", port, "the job's token", 10)("/beat", beat())
    assert (reply["plan"]["host"], reply["plan"]["number"], reply["refused"]) == ("10.0.0.0", 1, "")


@pytest.mark.parametrize("token", ["", "another", "the job's token and more"])
def test_the_token_is_needed(port, token):
    assert post(port, "/beat", json.dumps(beat()), token) == (401, {"error": "wrong token"})
    with pytest.raises(Refused, match=r"^wrong token \(status 401\)$"):
        line("127.0.0.1", port, token, 10)("/beat", beat())


@pytest.mark.parametrize(
    ("path", "body", "error"),
    [
        ("/other", "{}", "/other is not known; there are /beat, /report and /leave"),
        ("/leave", '{"node": 0}', "/leave cannot be answered: "),
        ("/beat", "[]", "/beat cannot be answered: "),
        ("/beat", "{", "Expecting property name enclosed in double quotes: "),
    ],
    ids=["path", "fields", "list", "no JSON"],
)
def test_another_protocol_is_refused(port, path, body, error):
    status, answer = post(port, path, body)
    assert (status, answer["error"][: len(error)]) == (400, error)
    assert post(port, "/beat", json.dumps(beat()))[0] == 200


@pytest.mark.parametrize("length", [LARGEST_BODY + 1, -1])
def test_a_body_of_unlikely_length_is_not_read(port, length):
    status, answer = post(port, "/beat", None, **{"Content-Length": str(length)})
    assert (status, answer) == (
        400,
        {"error": f"a body of {length} bytes is not read, at most {LARGEST_BODY} are"},
    )


def test_nobody_is_there():
    with pytest.raises(OSError, match="Connection refused"):
        line("127.0.0.1", 1, "", 1)("/beat", beat())
