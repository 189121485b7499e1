"""Results over the staff door."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from core import clock, ids
from core.db import transaction
from core.web.principals import Principal
from engage.results import history, plans
from tests.engage.conftest import Open, Scene, both_branches, vouchers_of
from tests.engage.results.counted import count, deliver, messages_of

PERMISSIONS = frozenset({"journeys.read", "broadcasts.read", "campaigns.read", "message_prices.write"})


@pytest.fixture
def staff(open_for: Open) -> FlaskClient:
    return open_for(Principal(kind="staff", id=ids.new(), permissions=PERMISSIONS))


@pytest.fixture
def journey_id(scene: Scene) -> UUID:
    return scene.publish(both_branches(scene.coupon()))


def _walked(scene: Scene) -> UUID:
    customer_id = scene.customer()
    scene.happen(scene.order(customer_id))
    count(scene)
    [message] = messages_of(customer_id)
    deliver(message.id, scene.now)
    scene.happen(scene.redemption(customer_id, vouchers_of(customer_id)[0]))
    count(scene)
    return customer_id


def _price(micros: int, **more: Any) -> dict[str, Any]:
    return {"channel": "sms", "country": None, "since": "2026-01-01", "micros": micros, **more}


def test_a_journeys_results_say_what_it_brought_and_cost(scene: Scene, staff: FlaskClient, journey_id: UUID) -> None:
    _walked(scene)
    prices = {"prices": [_price(20_000), _price(50_000, country="US")]}
    assert staff.put("/admin/v1/message-prices", json=prices).status_code == 200

    told = staff.get(f"/admin/v1/journeys/{journey_id}/results").get_json()

    total = told["total"]
    assert (total["entered"], total["issued"], total["sent"], total["delivered"], total["redeemed"]) == (1, 1, 1, 1, 1)
    assert total["discount"] == {"amount_minor": 500, "currency": "USD"}
    assert total["message_cost"]["amount_minor"] == 5
    assert total["cost"]["amount_minor"] == 505
    assert {step["step"]: step["outcomes"] for step in told["steps"]}["gift"] == {"issued": 1}
    assert [arm["arm"] for arm in told["arms"]] == ["treated"]
    assert [day["date"] for day in told["days"]] == ["2026-11-21"]
    assert told["unpriced"] == [] and told["other_currencies"] == []


def test_messages_without_a_price_are_named(scene: Scene, staff: FlaskClient, journey_id: UUID) -> None:
    _walked(scene)

    told = staff.get(f"/admin/v1/journeys/{journey_id}/results").get_json()

    assert told["unpriced"] == [{"channel": "sms", "country": "US", "messages": 1}]
    assert told["total"]["message_cost"]["amount_minor"] == 0


@pytest.mark.parametrize(
    "span, status, days",
    [
        ("since=2026-11-21&until=2026-11-21", 200, 1),
        ("since=2026-11-22", 200, 0),
        ("since=9999-12-31", 200, 0),
        ("until=2026-11-20", 200, 0),
        ("since=2026-01-01&until=2027-01-01", 200, 1),
        ("since=2026-01-01&until=2027-01-02", 422, 0),
        ("since=2026-11-22&until=2026-11-21", 422, 0),
        ("since=yesterday", 422, 0),
    ],
)
def test_results_are_of_the_days_asked_for(
    scene: Scene, staff: FlaskClient, journey_id: UUID, span: str, status: int, days: int
) -> None:
    _walked(scene)

    for kind in ("results", "results.csv"):
        answer = staff.get(f"/admin/v1/journeys/{journey_id}/{kind}?{span}")
        assert answer.status_code == status
        if kind == "results" and status == 200:
            assert len(answer.get_json()["days"]) == days


@pytest.mark.parametrize("kind", ["journeys", "broadcasts", "campaigns"])
@pytest.mark.parametrize("what", ["results", "results.csv", "effects"])
def test_nothing_is_told_of_what_is_not_there(staff: FlaskClient, kind: str, what: str) -> None:
    answer = staff.get(f"/admin/v1/{kind}/{ids.new()}/{what}")

    assert answer.status_code == 404
    if (kind, what) != ("campaigns", "effects"):  # which is no route at all
        assert answer.get_json()["code"] == "not_found"


def test_an_export_takes_no_step_for_a_formula(scene: Scene, staff: FlaskClient) -> None:
    graph = both_branches(scene.coupon())
    graph["steps"]["=gift"] = graph["steps"].pop("gift")
    journey_id = scene.publish({**graph, "first": "=gift"})
    _walked(scene)

    answer = staff.get(f"/admin/v1/journeys/{journey_id}/results.csv")

    assert answer.mimetype == "text/csv" and answer.headers["Cache-Control"] == "no-store"
    lines = answer.get_data(as_text=True).splitlines()
    assert lines[0].lstrip("\ufeff") == "day,step,variant,arm,channel,country,measure,count,currency,amount_minor"
    assert "2026-11-21,'=gift,,treated,,,issued,1,,0" in lines
    assert not [line for line in lines if ",=gift" in line]


def test_effects_without_anybody_ripe_are_too_few_to_tell(
    scene: Scene, staff: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "now", lambda: scene.now)
    journey_id = scene.publish(both_branches(scene.coupon()), holdout_bps=1_000)
    plans.fix_due(scene.now)
    _walked_or_held(scene)

    told = staff.get(f"/admin/v1/journeys/{journey_id}/effects").get_json()

    assert told["plan"]["held_out_bps"] == 1_000 and told["plan"]["outcome_days"] == 30
    assert told["sample_ratio"]["is_alarming"] is False
    assert told["revenue"]["verdict"] == "too_few" and told["revenue"]["estimate"] is None
    assert sum(arm["ripe"] for arm in told["arms"]) == 0


def _walked_or_held(scene: Scene) -> None:
    scene.happen(scene.order(scene.customer()))
    count(scene)


def test_without_a_holdout_nothing_is_said_to_be_caused(scene: Scene, staff: FlaskClient, journey_id: UUID) -> None:
    plans.fix_due(scene.now)
    scene.happen(scene.order(scene.customer()))
    count(scene)

    told = staff.get(f"/admin/v1/journeys/{journey_id}/effects").get_json()

    assert told["sample_ratio"] is None
    assert {told[name]["verdict"] for name in ("revenue", "buyers", "converted")} == {"no_holdout"}


def test_the_smallest_effect_is_told_before_publication(scene: Scene, staff: FlaskClient) -> None:
    """By the orders of the year before: 40 customers, of whom half ordered a second time."""
    now = clock.now()
    for place, customer_id in enumerate(scene.customers(40)):
        for days in (1, 45) if place % 2 else (45,):
            scene.happen(scene.order(customer_id, total_minor=4_000, occurred_at=now - timedelta(days=days)))
    journey_id = scene.publish(both_branches(scene.coupon()), holdout_bps=1_000)

    told = staff.post(f"/admin/v1/journeys/{journey_id}/smallest-effect", json={}).get_json()
    more = staff.post(f"/admin/v1/journeys/{journey_id}/smallest-effect", json={"customers": 100_000}).get_json()

    assert told["buyers"] == 0.75 and told["mean_minor"] == 3_000 and told["bound_minor"] == 4_000
    assert told["customers"] == 1_000 and told["holdout_bps"] == 1_000
    assert 0 < more["smallest_minor"] < told["smallest_minor"]
    assert "too few to tell" in told["words"]


def test_the_checks_of_a_draft_tell_the_smallest_effect_that_it_could_show(
    scene: Scene, staff: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The year before is looked through once a day: orders of since then are told tomorrow."""
    customers, told = scene.customers(8), []
    journey_id = scene.publish(both_branches(scene.coupon()), holdout_bps=2_000)
    for hours in (0, 23, 24):
        for place, customer_id in enumerate(customers):
            at, amount = scene.now + timedelta(hours=hours - 1), (2_000, 6_000)[place % 2]
            scene.happen(scene.order(customer_id, total_minor=amount, occurred_at=at))
        monkeypatch.setattr(clock, "now", lambda at=scene.now + timedelta(hours=hours): at)
        asked = {"graph": both_branches(scene.coupon())}
        told.append(staff.post(f"/admin/v1/journeys/{journey_id}/checks", json=asked).get_json()["smallest"])

    first, within_the_day, after = told
    assert (first["mean_minor"], first["holdout_bps"], first["outcome_days"]) == (4_000, 2_000, 30)
    assert first["smallest_minor"] > 0 and first["words"].endswith("Anything smaller is too few to tell.")
    assert within_the_day == first
    assert after["mean_minor"] == 12_000


def test_nobody_waits_until_millions_of_orders_are_looked_through(
    scene: Scene, staff: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are looked through in the background; meanwhile what was known last is told, where anything was."""
    journey_id = scene.publish(both_branches(scene.coupon()), holdout_bps=1_000)
    told, path = [], f"/admin/v1/journeys/{journey_id}/smallest-effect"
    for hours in (0, 24):
        for place, customer_id in enumerate(scene.customers(8)):
            at, amount = scene.now + timedelta(hours=hours - 1), (2_000, 6_000)[place % 2]
            scene.happen(scene.order(customer_id, total_minor=amount + 100 * hours, occurred_at=at))
        now = scene.now + timedelta(hours=hours)
        monkeypatch.setattr(clock, "now", lambda now=now: now)
        with monkeypatch.context() as of_millions:
            of_millions.setattr(history, "_HISTORY", "SELECT pg_sleep(5)")
            told.append(staff.post(path, json={}).get_json())
            # Nobody else waits in vain for what is asked for already.
            of_millions.setattr(history, "_HISTORY", "SELECT 1 / 0")
            assert staff.post(path, json={}).get_json() == told[-1]
        history.look_due(now)
        told.append(staff.post(path, json={}).get_json())

    at_first, a_minute_later, a_day_later, at_last = told
    assert at_first["as_of"] is None and at_first["smallest_minor"] is None
    assert at_first["words"] == "The orders of the year before are being looked through: ask again in a minute."
    assert a_minute_later["mean_minor"] == 4_000 and a_minute_later["smallest_minor"] > 0
    assert a_day_later == a_minute_later
    assert at_last["mean_minor"] == 5_200 and at_last["as_of"] > a_minute_later["as_of"]


@pytest.mark.parametrize("held_bps", [0, 10_000])
def test_without_two_arms_no_effect_could_be_seen(
    scene: Scene, staff: FlaskClient, journey_id: UUID, held_bps: int
) -> None:
    asked = {"holdout_bps": held_bps}

    told = staff.post(f"/admin/v1/journeys/{journey_id}/smallest-effect", json=asked).get_json()

    assert told["smallest_minor"] is None and told["smallest_buyers"] is None
    assert told["words"].startswith("With nobody held out")


@pytest.mark.parametrize(
    "asked", [{"customers": 0}, {"customers": "many"}, {"holdout_bps": 10_001}, {"outcome_days": 91}, {"days": 3}]
)
def test_questions_that_mean_nothing_are_refused(staff: FlaskClient, journey_id: UUID, asked: dict[str, Any]) -> None:
    assert staff.post(f"/admin/v1/journeys/{journey_id}/smallest-effect", json=asked).status_code == 422


def test_the_latest_price_before_the_day_holds(scene: Scene, staff: FlaskClient, journey_id: UUID) -> None:
    """A message of 21 November: the price of the 21st counts, that of the 22nd does not yet."""
    _walked(scene)
    told = []
    for day in ("2026-11-20", "2026-11-21", "2026-11-22"):
        prices = [_price(10_000, country="US"), _price(70_000, country="US", since=day)]
        staff.put("/admin/v1/message-prices", json={"prices": prices})
        total = staff.get(f"/admin/v1/journeys/{journey_id}/results").get_json()["total"]
        told.append(total["message_cost"]["amount_minor"])

    assert told == [7, 7, 1]


def test_prices_are_a_whole_list(scene: Scene, staff: FlaskClient) -> None:
    staff.put("/admin/v1/message-prices", json={"prices": [_price(1), _price(2, channel="push")]})
    staff.put("/admin/v1/message-prices", json={"prices": [_price(3, country="GB")]})

    told = staff.get("/admin/v1/message-prices").get_json()

    assert told == {"currency": "USD", "prices": [_price(3, country="GB")]}


@pytest.mark.parametrize(
    "prices, pointer",
    [
        ([_price(1), _price(2)], "/prices/1"),
        ([_price(-1)], "/prices/0/micros"),
        ([_price(1, country="usa")], "/prices/0/country"),
        ([_price(1, channel="pigeon")], "/prices/0/channel"),
        ([_price(1, since="soon")], "/prices/0/since"),
    ],
)
def test_prices_that_contradict_each_other_change_nothing(
    scene: Scene, staff: FlaskClient, prices: list[dict[str, Any]], pointer: str
) -> None:
    staff.put("/admin/v1/message-prices", json={"prices": [_price(9)]})

    refused = staff.put("/admin/v1/message-prices", json={"prices": prices})

    assert refused.status_code == 422
    assert [error["pointer"] for error in refused.get_json()["errors"]] == [pointer]
    assert staff.get("/admin/v1/message-prices").get_json()["prices"] == [_price(9)]


def test_prices_are_set_by_those_who_may(scene: Scene, open_for: Open) -> None:
    reader = open_for(Principal(kind="staff", id=ids.new(), permissions=frozenset({"journeys.read"})))

    assert reader.put("/admin/v1/message-prices", json={"prices": []}).status_code == 403


def test_a_plan_that_stands_is_not_made_anew(scene: Scene, journey_id: UUID) -> None:
    plans.fix_due(scene.now)
    with transaction() as session:
        first = plans.of(session, "journey", journey_id)
    plans.fix_due(scene.now + timedelta(days=1))

    with transaction() as session:
        again = plans.of(session, "journey", journey_id)
    assert first is not None and again is not None
    assert (again.planned_at, again.bound_minor) == (scene.now, first.bound_minor)
