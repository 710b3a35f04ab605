"""The record that pod 0 keeps of the others: when a plan comes into being, and when it falls."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ranks.meeting import FINISHED, GATHERING, RUNNING, Beat, Meeting

SETTINGS = {"--devices": 8}
OFFER = {"host": "10.0.0.0", "port": 4000, "server": None, "digest": None}


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def meeting(clock):
    return Meeting(2, SETTINGS, 20, clock=clock)


def beat(node, state=GATHERING, following="", instance="", offer=OFFER, given_settings=SETTINGS):
    return Beat(node, instance or f"instance {node}", given_settings, offer, state, following)


def running(meeting):
    """Have both pods run; the plan's id."""
    meeting.beat(beat(0))
    plan = meeting.beat(beat(1)).plan["id"]
    for node in (0, 1):
        meeting.beat(beat(node, RUNNING, plan))
    return plan


def test_a_plan_waits_for_all(meeting):
    assert meeting.beat(beat(1)).waiting == "pod 0 of 2 did not come"
    assert meeting.beat(beat(0, offer=None)).waiting == "pod 0 of 2 have no rank table yet"
    plan = meeting.beat(beat(0)).plan
    assert (plan["number"], plan["host"], plan["port"], plan["servers"]) == (1, "10.0.0.0", 4000, [])
    assert meeting.beat(beat(1)).plan == plan


def test_a_plan_waits_until_all_have_stopped_their_ranks(meeting):
    plan = running(meeting)
    meeting.report(1, plan, "rank 8 ended with code 1")
    meeting.beat(beat(1, instance="new"))
    assert meeting.beat(beat(0, RUNNING, plan)).waiting == "pod 0 of 2 still stop their ranks"
    assert meeting.beat(beat(0)).plan["number"] == 2


def test_a_plan_waits_until_all_see_the_same_table(meeting):
    meeting.beat(beat(0, offer={**OFFER, "digest": "new"}))
    assert meeting.beat(beat(1, offer={**OFFER, "digest": "old"})).waiting == "the pods see different rank tables"
    assert meeting.beat(beat(1, offer={**OFFER, "digest": "new"})).plan is not None


def test_servers_are_in_the_order_of_the_pods(meeting):
    meeting.beat(beat(1, offer={**OFFER, "server": "second", "port": 1}))
    plan = meeting.beat(beat(0, offer={**OFFER, "server": "first", "port": 2})).plan
    assert (plan["servers"], plan["port"]) == (["first", "second"], 2)


def test_silence_lets_the_plan_fall(meeting, clock):
    plan = running(meeting)
    clock.now = 20
    assert meeting.beat(beat(0, RUNNING, plan)).plan["id"] == plan
    clock.now = 20.5
    reply = meeting.beat(beat(0, RUNNING, plan))
    assert (reply.plan, reply.cause) == (None, "pod 1 was silent for 20 s")


def test_a_new_pod_takes_the_place_of_the_old_one(meeting):
    plan = running(meeting)
    reply = meeting.beat(beat(1, instance="new"))
    assert (reply.plan, reply.cause) == (None, "pod 1 was started again")
    assert meeting.beat(beat(1, RUNNING, plan)).refused == "a newer pod 1 has taken this one's place"
    meeting.leave(1, "instance 1", "the old one ends")
    assert meeting.beat(beat(0)).plan["number"] == 2


def test_a_pod_that_was_given_a_plan_may_be_starting_its_ranks(meeting):
    meeting.beat(beat(0))
    meeting.beat(beat(1))
    meeting.beat(beat(0))
    assert meeting.beat(beat(1, instance="new")).waiting == "pod 0 of 2 still stop their ranks"
    assert meeting.beat(beat(0)).plan["number"] == 2


def test_a_pod_that_stopped_its_ranks_by_itself_lets_the_plan_fall(meeting):
    plan = running(meeting)
    meeting.beat(beat(1))
    assert meeting.beat(beat(0, RUNNING, plan)).cause == "pod 1 stopped its ranks"


def test_only_the_first_failure_is_one(meeting):
    plan = running(meeting)
    assert meeting.report(1, plan, "rank 8 ended with code 7") is True
    assert meeting.report(0, plan, "rank 0 ended with code 1") is False
    assert meeting.report(1, plan, "rank 8 ended with code 7") is True
    assert meeting.beat(beat(0, RUNNING, plan)).cause == "pod 1: rank 8 ended with code 7"


def test_a_failure_after_another_reason_is_none(meeting):
    plan = running(meeting)
    meeting.beat(beat(1, instance="new"))
    assert meeting.report(0, plan, "rank 0 ended with code 1") is False
    assert meeting.report(0, "a plan of an earlier pod 0", "rank 0 ended with code 1") is False


def test_all_are_done_when_the_last_is(meeting):
    plan = running(meeting)
    assert meeting.beat(beat(0, FINISHED, plan)).finished is False
    assert meeting.beat(beat(1, FINISHED, plan)).finished is True
    assert meeting.all_told() is True
    meeting.leave(1, "instance 1", "ended")
    assert meeting.beat(beat(0, FINISHED, plan)).finished is True


def test_a_pod_that_is_done_may_leave_but_not_pod_0(meeting):
    plan = running(meeting)
    meeting.beat(beat(1, FINISHED, plan))
    meeting.leave(1, "instance 1", "told to stop")
    assert meeting.beat(beat(0, RUNNING, plan)).plan["id"] == plan
    assert meeting.beat(beat(0, FINISHED, plan)).finished is True
    other = Meeting(2, SETTINGS, 20)
    plan = running(other)
    other.beat(beat(0, FINISHED, plan))
    other.leave(0, "instance 0", "told to stop")
    assert other.beat(beat(1, RUNNING, plan)).cause == "pod 0: told to stop"


def test_pod_0_waits_until_the_others_know(meeting, clock):
    plan = running(meeting)
    meeting.report(0, plan, "rank 0 ended with code 1")
    assert meeting.all_told() is False
    meeting.beat(beat(1, RUNNING, plan))
    assert meeting.all_told() is True


def test_pod_0_does_not_wait_for_a_lost_pod(meeting, clock):
    plan = running(meeting)
    meeting.report(0, plan, "rank 0 ended with code 1")
    clock.now = 21
    assert meeting.all_told() is True


def test_who_left_is_told_apart_from_who_never_came():
    meeting = Meeting(3, SETTINGS, 20)
    meeting.beat(beat(2))
    meeting.leave(2, "instance 2", "told to stop")
    assert meeting.beat(beat(0)).waiting == "pod 1 of 3 did not come, pod 2 left"
    assert meeting.beat(beat(1)).waiting == "pod 2 left"
    assert meeting.beat(beat(2, instance="new")).plan is not None


def test_offers_that_make_no_plan_are_told_to_all_until_one_changes(clock):
    meeting = Meeting(2, SETTINGS, 20, lambda plan: "double" if plan["servers"] == [1, 1] else "", clock)
    meeting.beat(beat(0, offer={**OFFER, "server": 1}))
    assert meeting.beat(beat(1, offer={**OFFER, "server": 1})).wrong == "double"
    meeting.leave(1, "instance 1", "double")
    assert meeting.beat(beat(0, offer={**OFFER, "server": 1})).wrong == "double"
    reply = meeting.beat(beat(1, instance="new", offer={**OFFER, "server": 2}))
    assert (reply.wrong, reply.plan["servers"]) == ("", [1, 2])


@pytest.mark.parametrize(
    ("stranger", "refused"),
    [
        (beat(2), "pod 2 is none of this job, which has pods 0 to 1"),
        (beat(-1), "pod -1 is none of this job, which has pods 0 to 1"),
        (beat(1, given_settings={"--devices": 4}), "pod 1 has --devices 4, but pod 0 has 8"),
        (beat(1, given_settings={}), "pod 1 has --devices None, but pod 0 has 8"),
    ],
)
def test_strangers_are_refused(meeting, stranger, refused):
    meeting.beat(beat(0))
    assert meeting.beat(stranger).refused == refused
    assert meeting.beat(beat(0)).waiting == "pod 1 of 2 did not come"


@dataclass
class Pod:
    """What a pod does with the replies it gets."""

    node: int
    instance: int = 0
    state: str = GATHERING
    following: str = ""
    dead: bool = False

    def tell(self, meeting):
        if self.dead:
            return
        reply = meeting.beat(beat(self.node, self.state, self.following, f"{self.node}.{self.instance}"))
        plan = reply.plan["id"] if reply.plan else ""
        if self.state == GATHERING and plan:
            self.state, self.following = RUNNING, plan
        elif self.state != GATHERING and plan != self.following:
            self.state, self.following = GATHERING, ""

    def restart(self):
        self.instance, self.state, self.following, self.dead = self.instance + 1, GATHERING, "", False


EVENTS = st.tuples(
    st.sampled_from(["beat", "beat", "beat", "die", "restart", "fail", "finish", "time"]), st.integers(0, 3)
)


@settings(max_examples=200, deadline=None)
@given(st.lists(EVENTS, max_size=80))
def test_whatever_happens_no_generation_runs_beside_another_and_a_new_one_comes(events):
    clock = Clock()
    meeting = Meeting(4, SETTINGS, 20, clock=clock)
    pods = [Pod(node) for node in range(4)]
    for event, node in events:
        pod = pods[node]
        if event == "beat":
            before = {one.following for one in pods if one.state == RUNNING and not one.dead}
            was = pod.state
            pod.tell(meeting)
            if was == GATHERING and pod.state == RUNNING:
                # A pod that gets a plan joins no ranks of another: all that live have stopped theirs.
                assert before <= {pod.following}
        elif event == "die":
            pod.dead = True
        elif event == "restart":
            pod.restart()
        elif event == "fail" and pod.state == RUNNING and not pod.dead:
            if meeting.report(pod.node, pod.following, "failed"):
                pod.dead = True
            else:
                pod.state, pod.following = GATHERING, ""
        elif event == "finish" and pod.state == RUNNING:
            pod.state = FINISHED
        elif event == "time":
            clock.now += 7
    for pod in pods:
        if pod.dead:
            pod.restart()
    for _ in range(4):
        for pod in pods:
            pod.tell(meeting)
    assert len({pod.following for pod in pods}) == 1
    assert "" not in {pod.following for pod in pods}
