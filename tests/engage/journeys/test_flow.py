"""Loops: those in which time passes are taken, and those whose waits may be over before they begin are not."""

from typing import Any

import pytest

from core import ids
from engage.journeys import flow, graph

CAMPAIGN = str(ids.new())


def looping(**steps: Any) -> set[str]:
    drawn = graph.parse({"entry": {"event": "order.completed"}, "purpose": "marketing", "first": "a", "steps": steps})
    return flow.looping_at_once(drawn.steps)


def say(to: str) -> dict[str, Any]:
    return {"kind": "message", "channel": "sms", "template": {"body": "Hi"}, "next": to}


def wait(event: str | None = "order.completed", **more: Any) -> dict[str, Any]:
    for_event = {"for_event": event} if event else {}
    return {"kind": "wait", "timeout_seconds": 60, **for_event, **more}


def gift(to: str) -> dict[str, Any]:
    return {"kind": "issue_voucher", "campaign_id": CAMPAIGN, "next": to}


@pytest.mark.parametrize(
    "steps",
    [
        {"a": say("w"), "w": wait(None, on_timeout="a")},
        {"a": say("w"), "w": wait(on_event="a")},
        {"a": say("w"), "w": wait(on_event="out", on_timeout="a", look_back_seconds=60), "out": {"kind": "exit"}},
        {"a": say("w"), "w": {"kind": "wait_until", "local_time": "09:00", "next": "a"}},
        {"a": gift("w"), "w": wait("voucher.redeemed", on_event="a")},
        {"a": gift("w"), "w": wait("voucher.redeemed", on_event="b", on_timeout="w"), "b": {"kind": "exit"}},
        {"a": say("b"), "b": say("c"), "c": {"kind": "exit"}},
    ],
)
def test_a_loop_in_which_time_passes_is_taken(steps: dict[str, Any]) -> None:
    assert looping(**steps) == set()


@pytest.mark.parametrize(
    ("steps", "blamed"),
    [
        ({"a": say("w"), "w": wait(on_event="a", look_back_seconds=60)}, {"a", "w"}),
        ({"a": gift("w"), "w": wait("voucher.redeemed", on_event="s"), "s": say("w")}, {"w", "s"}),
        (
            {
                "a": say("w"),
                "w": {"kind": "wait_until", "date_of": "renewal", "local_time": "09:00", "next": "a"},
            },
            {"a", "w"},
        ),
        (
            {
                "a": say("w"),
                "w": wait(on_event="b", look_back_seconds=60),
                "b": {"kind": "split", "paths": [{"name": "x", "bps": 1, "to": "a"}, {"name": "y", "bps": 9999}]},
            },
            {"a", "w", "b"},
        ),
    ],
)
def test_a_loop_whose_waits_may_be_over_is_refused(steps: dict[str, Any], blamed: set[str]) -> None:
    assert looping(**steps) == blamed
