"""Manual adjustments: one person asks, a second one agrees, and only then value moves."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text

from core import clock, ids
from core.audit import AuditEntry
from core.db import transaction
from tests.wallet.finance.people import (
    ADJUSTMENTS,
    Person,
    add_customer,
    add_merchant,
    do,
    first_difference,
    give,
    standing,
    usd,
)
from wallet import accounts
from wallet import standing as standings
from wallet.finance import adjustments


@pytest.fixture
def ada(app: Flask) -> Person:
    return Person(app, *ADJUSTMENTS)


@pytest.fixture
def ben(app: Flask) -> Person:
    return Person(app, *ADJUSTMENTS)


def asked(ada: Person, **body: Any) -> dict[str, Any]:
    answer = ada.post("/adjustments", {"amount": usd(500), "reason": "goodwill", **body})
    assert answer.status_code == 201, answer.json
    return answer.json  # type: ignore[return-value]


def agreed(ben: Person, adjustment: dict[str, Any], **body: Any) -> Any:
    return ben.put(f"/adjustments/{adjustment['id']}/decision", {"approve": True, **body})


def test_value_moves_when_a_second_person_agrees(ada: Person, ben: Person) -> None:
    customer_id = add_customer()
    cash = accounts.of_customer(customer_id, "USD")
    waiting = asked(ada, to=f"customer:{customer_id}:cash", reference="T-7", note="Her parcel was lost")
    assert (waiting["status"], waiting["from"], standing(cash)) == ("waiting", "brand:marketing", 0)

    posted = agreed(ben, waiting, reason="Checked with the shop").json

    assert (posted["status"], posted["note"], posted["decision_reason"]) == (
        "posted", "Her parcel was lost", "Checked with the shop",
    )  # fmt: skip
    assert (standing(cash), standing(accounts.of_marketing("USD"))) == (500, -500)
    assert posted == ben.get(f"/adjustments/{waiting['id']}")
    with transaction() as session:
        row = session.execute(text("SELECT id, kind, details FROM wallet.transfer")).one()
        told = session.execute(text("SELECT payload FROM core.event WHERE name = 'adjustment.posted'")).scalar_one()
        actions = session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)).all()
    assert (str(row.id), row.kind) == (posted["transfer_id"], "adjustment")
    assert row.details == {
        "adjustment_id": waiting["id"],
        "reason": "goodwill",
        "reference": "T-7",
        "asked_by": ada.principal.name,
        "decided_by": ben.principal.name,
    }
    assert (told["target"], told["amount_minor"]) == (f"customer:{customer_id}:cash", 500)
    assert actions == ["approval.ask", "approval.decide", "approval.use"]
    assert first_difference() is None


def test_words_stand_nowhere_in_plain(ada: Person, ben: Person) -> None:
    waiting = asked(ada, to=f"customer:{add_customer()}:cash", note="Her parcel was lost")
    agreed(ben, waiting, reason="Her parcel, indeed")

    with transaction() as session:
        kept = [
            str(session.execute(text(f"SELECT json_agg(t)::text FROM {table} t")).scalar_one())
            for table in ("core.idempotency", "core.audit_entry", "core.event", "auth.approval", "wallet.transfer")
        ]

    assert not any("parcel" in rows for rows in kept)


def test_nothing_moves_by_one_person_or_by_a_no(ada: Person, ben: Person) -> None:
    cash = accounts.of_customer(add_customer(), "USD")
    waiting = asked(ada, to=f"{cash.owner}:cash")

    assert agreed(ada, waiting).json["code"] == "self_approval"
    assert ben.put(f"/adjustments/{waiting['id']}/decision", {"approve": False}).json["status"] == "refused"
    assert agreed(Person(ada.app, *ADJUSTMENTS), waiting).json["code"] == "approval_decided"

    assert standing(cash) == 0


def test_who_repeats_their_word_gets_the_same_answer_and_moves_nothing(ada: Person, ben: Person) -> None:
    cash = accounts.of_customer(add_customer(), "USD")
    waiting = asked(ada, to=f"{cash.owner}:cash")

    first, again = agreed(ben, waiting).json, agreed(ben, waiting).json

    assert first == again
    assert ben.put(f"/adjustments/{waiting['id']}/decision", {"approve": False}).json["code"] == "approval_decided"
    assert standing(cash) == 500


def test_of_two_who_agree_at_once_one_moves_it(ada: Person) -> None:
    cash = accounts.of_customer(add_customer(), "USD")
    waiting, deciders = asked(ada, to=f"{cash.owner}:cash"), [Person(ada.app, *ADJUSTMENTS) for _ in range(4)]
    barrier, codes = threading.Barrier(4), []

    def decide(person: Person) -> None:
        barrier.wait()
        codes.append(agreed(person, waiting).status_code)

    threads = [threading.Thread(target=decide, args=[person]) for person in deciders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (sorted(codes), standing(cash)) == ([200, 409, 409, 409], 500)


def test_a_repeated_request_asks_once(ada: Person) -> None:
    body = {"to": f"customer:{add_customer()}:cash", "amount": usd(500), "reason": "goodwill"}

    first, again = ada.post("/adjustments", body, key="k"), ada.post("/adjustments", body, key="k")

    assert (first.json, again.headers["Idempotency-Replayed"]) == (again.json, "true")
    assert len(ada.get("/adjustments")["items"]) == 1
    other = ada.post("/adjustments", {**body, "amount": usd(501)}, key="k")
    assert other.json["code"] == "idempotency_key_reused"  # type: ignore[index]


def test_a_debit_stops_at_the_floor_and_waits_on(ada: Person, ben: Person) -> None:
    cash = accounts.of_customer(add_customer(), "USD")
    give(cash, 499)
    waiting = asked(ada, **{"from": f"{cash.owner}:cash"}, reason="correction")
    assert waiting["to"] == "brand:suspense"

    assert agreed(ben, waiting).json["code"] == "insufficient_funds"
    assert ben.get(f"/adjustments/{waiting['id']}")["status"] == "waiting"

    give(cash, 1)
    assert agreed(ben, waiting).json["status"] == "posted"
    assert (standing(cash), standing(accounts.of_brand("suspense", "USD"))) == (0, 500)


def test_a_frozen_account_takes_and_does_not_give(ada: Person, ben: Person) -> None:
    cash = accounts.of_customer(add_customer(), "USD")
    give(cash, 1000)
    do(lambda session: standings.freeze(session, cash.owner))

    debit = asked(ada, **{"from": f"{cash.owner}:cash"}, reason="correction")
    credit = asked(ada, to=f"{cash.owner}:cash")

    assert agreed(ben, debit).json["code"] == "account_frozen"
    assert agreed(ben, credit).json["status"] == "posted"
    assert standing(cash) == 1500


def test_who_closed_their_wallet_gets_no_new_account(ada: Person, ben: Person) -> None:
    cash = accounts.of_customer(add_customer(), "USD")
    give(cash, 5)
    agreed(ben, asked(ada, **{"from": f"{cash.owner}:cash"}, amount=usd(5), reason="payout"))
    do(lambda session: standings.close(session, cash.owner))

    credit = asked(ada, to=f"{cash.owner}:points", amount={"amount_minor": 5, "currency": "PTS"})

    assert agreed(ben, credit).json["code"] == "account_closed"


def test_promotional_value_and_points_come_and_go_in_lots(ada: Person, ben: Person) -> None:
    customer_id, ends = add_customer(), (clock.now() + timedelta(days=30)).isoformat()
    promotional, points = accounts.promotional(customer_id, "USD"), accounts.points(customer_id)
    pts = {"amount_minor": 70, "currency": "PTS"}

    agreed(ben, asked(ada, to=f"customer:{customer_id}:promotional", expires_at=ends))
    agreed(ben, asked(ada, to=f"customer:{customer_id}:points", amount=pts))
    given = agreed(ben, asked(ada, **{"from": f"customer:{customer_id}:promotional"}, amount=usd(200))).json

    assert (given["to"], standing(promotional), standing(points)) == ("brand:loyalty", 300, 70)
    with transaction() as session:
        lots = session.execute(text("SELECT remaining, expires_at IS NULL FROM wallet.lot ORDER BY 1")).all()
    assert [tuple(lot) for lot in lots] == [(70, True), (300, False)]
    assert first_difference() is None


def test_a_debt_is_written_off_and_not_overpaid(ada: Person, ben: Person) -> None:
    customer_id = add_customer()
    debt = accounts.debt(customer_id, "USD")
    agreed(ben, asked(ada, **{"from": f"customer:{customer_id}:debt"}, reason="correction"))
    assert standing(debt) == -500

    over = asked(ada, to=f"customer:{customer_id}:debt", reason="write_off", amount=usd(501))
    exactly = asked(ada, to=f"customer:{customer_id}:debt", reason="write_off")

    assert agreed(ben, over).json["code"] == "debt_overpaid"
    assert agreed(ben, exactly).json["status"] == "posted"
    assert (standing(debt), standing(accounts.of_brand("losses", "USD"))) == (0, -500)


def test_a_merchant_and_two_customers_can_be_put_right(ada: Person, ben: Person) -> None:
    payable, cash = accounts.of_merchant(add_merchant(), "USD"), accounts.of_customer(add_customer(1), "USD")
    other = accounts.of_customer(add_customer(2), "USD")
    give(cash, 500)

    agreed(ben, asked(ada, to=payable.owner, reason="fee"))
    agreed(ben, asked(ada, **{"from": f"{cash.owner}:cash", "to": f"{other.owner}:cash"}, reason="correction"))

    assert (standing(payable), standing(accounts.of_brand("fees", "USD"))) == (500, -500)
    assert (standing(cash), standing(other)) == (0, 500)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/to"),
        ({"to": "customer:x:cash"}, "/to"),
        ({"to": "brand:provider", "amount": {"amount_minor": 5, "currency": "PTS"}}, "/amount/currency"),
        ({"to": "customer:{c}:points"}, "/amount/currency"),
        ({"to": "customer:{c}:cash", "amount": {"amount_minor": 5, "currency": "XXX"}}, "/amount/currency"),
        ({"to": "customer:{c}:promotional", "amount": {"amount_minor": 5, "currency": "GBP"}}, "/amount/currency"),
        ({"to": "customer:{c}:cash", "from": "customer:{c}:cash"}, "/to"),
        ({"to": "customer:{c}:cash", "expires_at": "2199-01-01T00:00:00Z"}, "/expires_at"),
        ({"to": "customer:{c}:promotional", "expires_at": "2020-01-01T00:00:00Z"}, "/expires_at"),
        ({"to": "customer:{c}:cash", "reason": "fun"}, "/reason"),
        ({"to": "customer:{c}:cash", "amount": {"amount_minor": 0, "currency": "USD"}}, "/amount/amount_minor"),
    ],
)
def test_what_makes_no_sense_is_refused_by_its_field(ada: Person, body: dict[str, Any], pointer: str) -> None:
    customer_id = str(add_customer())
    body = {name: text.replace("{c}", customer_id) if isinstance(text, str) else text for name, text in body.items()}

    answer = ada.post("/adjustments", {"amount": usd(500), "reason": "goodwill", **body})

    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json["errors"]] == [pointer]  # type: ignore[index]
    assert ada.get("/approvals")["items"] == []


def test_who_is_not_there_is_not_adjusted(ada: Person) -> None:
    codes = [
        ada.post("/adjustments", {"to": to, "amount": usd(5), "reason": "goodwill"}).json["code"]  # type: ignore[index]
        for to in (f"customer:{ids.new()}:cash", f"merchant:{ids.new()}")
    ]

    assert codes == ["customer_unknown", "merchant_unknown"]


def test_each_deed_needs_its_permission(app: Flask, ada: Person) -> None:
    waiting = asked(ada, to=f"customer:{add_customer()}:cash")
    asker, decider = Person(app, "adjustments.ask"), Person(app, "adjustments.decide")

    assert agreed(asker, waiting).status_code == 403
    assert decider.post("/adjustments", {}).status_code == 403
    assert agreed(decider, waiting).status_code == 200


def test_who_asked_takes_it_back(ada: Person, ben: Person) -> None:
    waiting = asked(ada, to=f"customer:{add_customer()}:cash")

    assert ben.put(f"/adjustments/{waiting['id']}/withdrawal").json["code"] == "approval_not_yours"
    assert ada.put(f"/adjustments/{waiting['id']}/withdrawal").json["status"] == "withdrawn"

    assert agreed(ben, waiting).json["code"] == "approval_decided"
    assert [item["id"] for item in ada.get("/adjustments?status=withdrawn")["items"]] == [waiting["id"]]
    assert ada.get("/adjustments?status=posted")["items"] == []


def test_nobody_decides_it_when_its_time_is_over(ada: Person, ben: Person) -> None:
    waiting = asked(ada, to=f"customer:{add_customer()}:cash")
    later = clock.now() + adjustments.TIME_TO_DECIDE

    with clock.simulated(lambda: later):
        late = Person(ada.app, *ADJUSTMENTS)
        assert agreed(late, waiting).json["code"] == "approval_lapsed"
        assert late.get(f"/adjustments/{waiting['id']}")["status"] == "lapsed"
