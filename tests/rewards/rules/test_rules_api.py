"""Rules over HTTP: saved, used, changed, tried on a basket."""

from typing import Any

import pytest
from flask import Flask
from psycopg.types.json import Jsonb

from auth import merchants, tokens
from core import clock, ids
from core.db import connection_of, transaction
from core.web.principals import Principal
from rewards.baskets import Basket
from rewards.campaigns import catalogue
from rewards.campaigns.catalogue import Compiled
from rewards.rules import Facts, uses
from tests.rewards.conftest import NOW, World, line
from tests.rewards.test_api import BASKET, Door, running, till  # noqa: F401 - a fixture

BIG = {"fact": "basket.total_minor", "is": "at_least", "value": 2000}


@pytest.fixture
def staff(app: Flask) -> Door:
    return _staff(app, "rules.read", "rules.write")


def _staff(app: Flask, *permissions: str) -> Door:
    return Door(app, "/admin/v1", tokens.ADMIN, Principal("staff", ids.new(), permissions=frozenset(permissions)))


def saved(staff: Door, condition: Any, name: str = "Big baskets") -> str:
    made = staff.post("/rules", {"name": name, "condition": condition})
    assert made.status_code == 201, made.json
    return str(made.json["id"])


def use(campaign_id: Any, condition: Any) -> None:
    """As a campaign that takes this condition does."""
    with transaction() as session:
        connection_of(session).execute(
            "UPDATE rewards.campaign SET rule = %s WHERE id = %s", [Jsonb(condition), campaign_id]
        )
        uses.note_uses(session, campaign_id=campaign_id, condition=condition)
        catalogue.touch(session, [campaign_id])


def test_a_rule_is_saved_shown_listed_and_changed(staff: Door) -> None:
    rule_id = saved(staff, BIG)

    changed = staff.put(f"/rules/{rule_id}", {"name": "Bigger", "condition": BIG | {"value": 3000}})
    same = staff.put(f"/rules/{rule_id}", {"name": "Bigger", "condition": BIG | {"value": 3000}})
    shown = staff.get(f"/rules/{rule_id}")

    assert (changed.status_code, changed.json["revision"]) == (200, 2)
    assert same.json == changed.json
    assert (shown.json["name"], shown.json["condition"]["value"], shown.json["campaigns"]) == ("Bigger", 3000, [])
    assert [each["id"] for each in staff.get("/rules").json["items"]] == [rule_id]
    assert staff.get(f"/rules/{ids.new()}").status_code == 404
    assert staff.put(f"/rules/{ids.new()}", {"name": "x", "condition": BIG}).status_code == 404


def test_faults_come_back_with_pointers_into_the_request(staff: Door) -> None:
    answer = staff.post("/rules", {"name": "Mistyped", "condition": {"all": [BIG | {"is": "at_last"}]}})

    assert (answer.status_code, answer.json["code"]) == (422, "rule_invalid")
    assert answer.json["errors"][0]["pointer"] == "/condition/all/0/is"
    assert "Did you mean “at_least”?" in answer.json["errors"][0]["detail"]
    assert staff.get("/rules").json["items"] == []


def test_a_rule_in_use_stays(staff: Door, world: World) -> None:
    rule_id = saved(staff, BIG)
    above = saved(staff, {"not": {"rule": rule_id}}, "Small baskets")
    campaign_id = world.campaign()
    use(campaign_id, {"rule": above})

    refused = [_delete(staff, each) for each in (rule_id, above)]

    assert [(each.status_code, each.json["code"]) for each in refused] == [(409, "rule_in_use")] * 2
    assert staff.get(f"/rules/{rule_id}").json["rules"] == [above]
    assert staff.get(f"/rules/{above}").json["campaigns"] == [str(campaign_id)]
    use(campaign_id, None)
    assert [_delete(staff, each).status_code for each in (above, rule_id, rule_id)] == [204, 204, 404]


def test_a_changed_rule_reaches_the_campaigns_that_use_it(staff: Door, world: World) -> None:
    rule_id = saved(staff, BIG)
    above = saved(staff, {"not": {"rule": rule_id}}, "Small baskets")
    campaign_id, other = world.campaign(), world.campaign()
    use(campaign_id, {"rule": above})
    before, before_other = compiled(campaign_id), compiled(other)

    staff.put(f"/rules/{rule_id}", {"name": "Bigger", "condition": BIG | {"value": 5000}})

    after = compiled(campaign_id)
    assert after.terms.revision == before.terms.revision + 1
    assert compiled(other) is before_other
    facts = Facts(basket=Basket((line(2_000),)), at=NOW, currency="USD")
    assert after.rule is not None
    assert after.rule.is_met(facts)  # which is small by the changed rule
    staff.put(f"/rules/{rule_id}", {"name": "Renamed", "condition": BIG | {"value": 5000}})
    assert compiled(campaign_id) is after


def compiled(campaign_id: Any) -> Compiled:
    with transaction() as session:
        found = catalogue.current(connection_of(session)).of(campaign_id)
    assert found is not None
    return found


def test_a_campaigns_rule_decides_at_the_till(app: Flask, till: Door) -> None:  # noqa: F811 - pytest's way
    staff = _staff(app, "rules.read", "rules.write", "campaigns.read", "campaigns.write")
    rule_id = saved(staff, BIG | {"value": 2_001})
    campaign_id = running(staff, rule={"rule": rule_id}, limit_per_customer=None)
    code = staff.post(f"/campaigns/{campaign_id}/vouchers", {}).json["code"]
    asked = {"code": code, "basket": BASKET, "currency": "USD"}

    refused = till.post("/redemptions", asked | {"till_reference": "B-1"})
    staff.put(f"/rules/{rule_id}", {"name": "Smaller", "condition": BIG})
    taken = till.post("/redemptions", asked | {"till_reference": "B-2"})

    assert (refused.status_code, refused.json["code"]) == (422, "conditions_not_met")
    assert not {"2001", "2000", "reason"} & set(str(refused.json).replace(",", " ").split())  # a till hears no figures
    assert taken.status_code == 201, taken.json
    assert staff.get(f"/rules/{rule_id}").json["campaigns"] == [campaign_id]
    assert _delete(staff, rule_id).json["code"] == "rule_in_use"


def _delete(staff: Door, rule_id: str) -> Any:
    return staff.app.test_client().delete(f"/admin/v1/rules/{rule_id}", headers=staff.headers)


def test_a_change_must_suit_everyone_who_uses_the_rule(staff: Door, world: World) -> None:
    rule_id = saved(staff, BIG)
    above = saved(staff, {"not": {"rule": rule_id}}, "Small baskets")
    campaign_id = world.campaign(name="Summer")
    use(campaign_id, {"rule": above})

    of_line = staff.put(
        f"/rules/{rule_id}", {"name": "x", "condition": {"fact": "line.sku", "is": "equals", "value": "a"}}
    )
    ring = staff.put(f"/rules/{rule_id}", {"name": "x", "condition": {"rule": above}})
    itself = staff.put(f"/rules/{rule_id}", {"name": "x", "condition": {"rule": rule_id}})

    assert {each.json["code"] for each in (of_line, ring, itself)} == {"rule_invalid"}
    assert "The campaign “Summer” uses this rule" in of_line.json["errors"][0]["detail"]
    assert "The rule would use itself: “x” → “Small baskets” → “x”." in ring.json["errors"][0]["detail"]
    assert itself.json["errors"][0]["detail"] == "The rule would use itself: “x” → “x”."


def test_a_condition_about_a_line_can_be_saved_for_lines(staff: Door) -> None:
    of_line = saved(staff, {"fact": "line.category", "is": "equals", "value": "DAIRY"}, "Dairy")

    inside = staff.post("/rules/checks", _check({"any_line": {"rule": of_line}}))
    outside = staff.post("/rules/checks", _check({"rule": of_line}))

    assert (inside.status_code, inside.json["is_met"]) == (200, True)
    assert outside.json["errors"][0]["detail"].startswith("The saved rule “Dairy” cannot be used here: “line.category”")


def _check(condition: Any, **changes: Any) -> dict[str, Any]:
    return {"condition": condition, "basket": BASKET, "currency": "USD"} | changes


def test_a_check_tells_what_was_asked_and_what_was_there(staff: Door) -> None:
    answer = staff.post("/rules/checks", _check({"all": [BIG | {"value": 2001}]}))

    assert answer.json == {
        "is_met": False,
        "reason": {
            "is_met": False,
            "all": [
                {
                    "is_met": False,
                    "fact": "basket.total_minor",
                    "is": "at_least",
                    "needed": 2001,
                    "actual": 2000,
                    "says": "The basket's total is 20.00 USD; asked for: 20.01 USD or more.",
                }
            ],
        },
    }


def test_a_check_of_a_customer_needs_to_see_customers(app: Flask, staff: Door) -> None:
    asked = _check({"fact": "history.first_order", "is": "equals", "value": True}, customer_id=str(ids.new()))

    refused = staff.post("/rules/checks", asked)
    allowed = _staff(app, "rules.read", "customers.read").post("/rules/checks", asked)

    assert (refused.status_code, refused.json["code"]) == (403, "forbidden")
    assert (allowed.status_code, allowed.json["is_met"]) == (200, True)


def test_a_check_knows_the_store(staff: Door, database: None) -> None:
    with transaction() as session:
        merchant = merchants.add_merchant(session, name="Corner Shop", now=clock.now())
        store = merchants.add_store(session, merchant_id=merchant.id, name="Main St", reference="12", now=clock.now())
    condition = {"fact": "store.reference", "is": "equals", "value": "12"}

    there = staff.post("/rules/checks", _check(condition, store_id=str(store.id)))
    nowhere = staff.post("/rules/checks", _check(condition))
    unknown = staff.post("/rules/checks", _check(condition, store_id=str(ids.new())))

    assert (there.json["is_met"], nowhere.json["is_met"], unknown.status_code) == (True, False, 404)


DEEP: dict[str, Any] = {}
for _ in range(200):
    DEEP = {"not": DEEP}
WIDE = {"all": [{"any": [BIG] * 50}] * 50}


@pytest.mark.parametrize("condition", [DEEP, WIDE, {"\ud800": 1}, {"not": BIG, "\x00": 2}])
def test_what_would_be_hard_to_keep_is_refused(staff: Door, condition: Any) -> None:
    answers = [
        staff.post("/rules/checks", _check(condition)),
        staff.post("/rules", {"name": "x", "condition": condition}),
    ]

    assert {(each.status_code, each.json["code"]) for each in answers} <= {(422, "rule_invalid"), (400, "malformed")}
    assert staff.get("/rules").json["items"] == []


@pytest.mark.parametrize("name", ["", "x" * 201, "two\nlines", "\ud800", None, 1])
def test_a_name_is_a_line_of_text(staff: Door, name: Any) -> None:
    assert staff.post("/rules", {"name": name, "condition": BIG}).status_code in (400, 422)


@pytest.mark.parametrize("condition", [None, [], {}, 1, "x", {"all": []}, {"fact": {}}, {"rule": "x" * 36}])
def test_what_is_no_condition_is_refused(staff: Door, condition: Any) -> None:
    assert staff.post("/rules/checks", _check(condition)).status_code == 422
    assert staff.post("/rules", {"name": "x", "condition": condition}).status_code == 422


def test_the_facts_are_listed(staff: Door) -> None:
    listed = {each["fact"]: each for each in staff.get("/rules/facts").json["items"]}

    assert "at_least" in listed["basket.total_minor"]["words"]
    assert listed["line.sku"]["is_of_line"]
    assert "history.bought" in listed
