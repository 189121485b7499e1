"""What a journey does that its author may not have meant: told, and never in the way of publishing it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from core.db import transaction
from engage import journeys
from engage.journeys import checks, graph, warning
from engage.journeys.checks import Checks
from insights.streams.filling import fill_due
from rewards import campaigns
from tests.engage.conftest import Scene, gift, say

GOAL = {"event": "order.completed"}
WEEK = 604_800


def drawn(scene: Scene, steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    raw = {"entry": {"event": "order.completed"}, "purpose": "marketing", "goal": GOAL, **more}
    return {**raw, "first": next(iter(steps)), "steps": steps}


def checked(scene: Scene, raw: dict[str, Any], **journey: Any) -> Checks:
    graph.parse(raw)
    with transaction() as session:
        made = journeys.create(session, name="New", actor="staff:test", now=scene.now, **journey)
        session.flush()
        return checks.run(session, journey_id=made.id, raw_graph=raw, now=scene.now)


def warnings(scene: Scene, raw: dict[str, Any], **journey: Any) -> dict[str, str]:
    return {one["pointer"]: one["detail"] for one in checked(scene, raw, **journey).warnings}


def campaign(scene: Scene, **more: Any) -> UUID:
    terms = {
        "name": "Gift", "kind": "gift_card", "discount": {"kind": "value", "amount_minor": 1_000}, "currency": "USD",
        "starts_at": scene.now, "ends_at": scene.now + timedelta(days=365), "limit_per_customer": None,
        "budget_minor": 5_000, "starts_now": True, **more,
    }  # fmt: skip
    with transaction() as session:
        return campaigns.create(session, campaigns.Draft(**terms), actor="staff:test", now=scene.now)


def test_a_sound_journey_is_warned_of_nothing(scene: Scene) -> None:
    assert warnings(scene, drawn(scene, {"a": say("Hi")})) == {}


@pytest.mark.parametrize(
    ("more", "journey", "pointer", "words"),
    [
        ({}, {"holdout_bps": 0}, "/graph", "Nobody is held out"),
        ({"goal": None}, {}, "/graph/goal", "no goal"),
        ({"entry": {"date": "birthday"}}, {}, "/graph/re_entry", "comes every year"),
        ({"entry": {"event": "outside.track"}}, {}, "/graph/entry", "are not checked"),
        ({"entry": {"date": "birthday"}, "purpose": "transactional"}, {}, "/graph/steps/a/purpose", "hardly"),
        (
            {"audience": {"event": "order.completed", "where": {"field": "total_minor", "is": "at_least", "value": 7},
                          "count": True, "is": "at_least", "value": 1}},
            {}, "/graph", "not counted yet",
        ),
    ],
)  # fmt: skip
def test_what_may_not_be_meant_is_told_where_it_stands(
    scene: Scene, more: dict[str, Any], journey: dict[str, Any], pointer: str, words: str
) -> None:
    step = {"kind": "message", "channel": "sms", "template": {"body": "Hi"}}

    assert words in warnings(scene, drawn(scene, {"a": step}, **more), **journey)[pointer]


def test_giving_without_a_bound_is_told(scene: Scene) -> None:
    raw = drawn(scene, {"give": {"kind": "credit", "amount_minor": 5, "days": 3}})

    assert "has no “spend”" in warnings(scene, raw)["/graph"]
    assert warnings(scene, raw, spend={"most_minor": 5, "per": "day"}) == {}


def test_a_campaign_that_does_not_run_gives_nothing(scene: Scene) -> None:
    raw = drawn(scene, {"gift": gift(campaign(scene, starts_now=False))})

    assert "is not running" in warnings(scene, raw)["/graph/steps/gift/campaign_id"]


def test_a_wait_that_outlives_its_voucher_is_told_and_one_as_long_is_not(scene: Scene) -> None:
    steps = {"gift": gift(campaign(scene, voucher_days=7), next="wait")}

    def told(seconds: int) -> dict[str, str]:
        wait = {"kind": "wait", "for_event": "voucher.redeemed", "timeout_seconds": seconds}
        return warnings(scene, drawn(scene, {**steps, "wait": wait}), spend={"most_minor": 5, "per": "day"})

    assert told(WEEK) == {}
    assert (
        told(WEEK + 1)["/graph/steps/wait/timeout_seconds"] == "It waits 7 days 1 second, and the voucher lives 7 days."
    )


def test_a_budget_smaller_than_a_month_of_entries_takes_is_told(scene: Scene) -> None:
    raw = drawn(scene, {"gift": gift(campaign(scene))})
    scene.happen(*[scene.order(customer_id) for customer_id in scene.customers(5)])
    scene.read_profiles()
    enough = checked(scene, raw, spend={"most_minor": 5, "per": "day"})
    scene.happen(scene.order(scene.customer()))
    scene.read_profiles()
    short = checked(scene, raw, spend={"most_minor": 5, "per": "day"})

    assert (enough.expected_entries, enough.warnings) == (5, [])
    assert short.expected_entries == 6
    assert short.warnings[0]["detail"] == (
        "In the last 30 days 6 would have entered, for 60.00 USD in all; the campaign has 50.00 USD left."
    )


def test_nobody_waits_for_a_month_of_an_event_that_happens_all_the_time(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = drawn(scene, {"gift": gift(campaign(scene))})
    scene.happen(scene.order(scene.customer()))
    scene.read_profiles()
    monkeypatch.setattr(warning, "_COUNTED", "SELECT pg_sleep(5), %s::int, %s::date")

    told = checked(scene, raw, spend={"most_minor": 5, "per": "day"})

    assert (told.expected_entries, told.warnings) == (None, [])


def test_what_is_counted_once_is_not_warned_of_any_more(scene: Scene) -> None:
    where = {"field": "total_minor", "is": "at_least", "value": 7}
    asked = {"event": "order.completed", "where": where, "count": True, "is": "at_least", "value": 1}
    raw = drawn(scene, {"a": say("Hi")}, audience=asked)
    scene.publish(raw)
    while fill_due(scene.now):
        pass

    assert warnings(scene, raw) == {}


def test_versions_that_are_published_at_once_are_numbered_in_turn(scene: Scene) -> None:
    raw = drawn(scene, {"a": say("Hi")})
    journey_id = scene.publish(raw)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: scene.publish(raw, journey_id=journey_id), range(8)))

    with transaction() as session:
        versions = journeys.versions_of(session, journey_id)
        assert [version.number for version in versions] == list(range(9, 0, -1))
        assert journeys.find(session, journey_id).live_version_id == versions[0].id


def test_a_day_in_a_trait_may_be_over_and_somebody_should_say_what_then(scene: Scene) -> None:
    rest = {"kind": "wait_until", "date_of": "renewal", "days": -3, "local_time": "09:00", "next": "a"}

    assert list(warnings(scene, drawn(scene, {"rest": rest, "a": say("Hi")}))) == ["/graph/steps/rest/on_past"]
    assert warnings(scene, drawn(scene, {"rest": {**rest, "on_past": "a"}, "a": say("Hi")})) == {}
