"""A batch that moves much is posted with a second person's word on these very lines, once."""

from typing import Any

import pytest
from flask import Flask

from core import ids
from tests.wallet.finance.people import TRANSFERS, Person, add_customer, standing, usd
from wallet import accounts
from wallet.finance import batch_approvals


@pytest.fixture
def ada(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Person:
    monkeypatch.setattr(batch_approvals, "_above_minor", 1000)
    return Person(app, *TRANSFERS, "approvals.read")


@pytest.fixture
def ben(app: Flask) -> Person:
    return Person(app, *TRANSFERS)


def batch(*amounts: int, **more: Any) -> dict[str, Any]:
    who = str(add_customer())
    lines = [
        {"reference": str(n), "kind": "credit_cash", "customer_id": who, "amount": usd(amount)}
        for n, amount in enumerate(amounts)
    ]
    return {"mode": "each", "lines": lines, **more}


def given(body: dict[str, Any]) -> int:
    return standing(accounts.Opening(f"customer:{body['lines'][0]['customer_id']}", "cash", "USD", 0))


def asked(ada: Person, body: dict[str, Any]) -> str:
    answer = ada.post("/transfers/batch/approvals", {**body, "note": "The May draw"})
    assert answer.status_code == 201, answer.json
    return str(answer.json["id"])  # type: ignore[index]


def decided(ben: Person, approval_id: str, approve: bool = True) -> Any:
    return ben.put(f"/transfers/batch/approvals/{approval_id}/decision", {"approve": approve})


def test_up_to_the_limit_one_person_is_enough(ada: Person) -> None:
    body = batch(500, 500)

    assert ada.post("/transfers/batch", body).status_code == 201
    assert given(body) == 1000


def test_above_it_a_second_person_agrees_first(ada: Person, ben: Person) -> None:
    body = batch(500, 501)
    refused = ada.post("/transfers/batch", body, key="k")
    assert (refused.status_code, refused.json["code"], refused.json["total_minor"]) == (422, "approval_needed", 1001)  # type: ignore[index]

    approval_id = asked(ada, body)
    assert decided(ada, approval_id).json["code"] == "self_approval"
    assert ada.post("/transfers/batch", {**body, "approval_id": approval_id}).json["code"] == "approval_not_given"  # type: ignore[index]
    told = decided(ben, approval_id).json
    posted = ada.post("/transfers/batch", {**body, "approval_id": approval_id}, key="k")

    assert (told["note"], told["subject"]["line_count"]) == ("The May draw", 2)
    assert told["subject"]["totals"] == [{"kind": "credit_cash", "line_count": 2, **usd(1001)}]
    assert (posted.status_code, given(body)) == (201, 1001)
    approval = ada.get(f"/approvals/{approval_id}")
    assert (approval["outcome"], approval["status"]) == ({"batch_id": posted.json["id"]}, "approved")  # type: ignore[index]
    assert ada.get(f"/transfers/batches/{posted.json['id']}")["approval_id"] == approval_id  # type: ignore[index]


def test_an_approval_is_of_these_lines_and_of_one_batch(ada: Person, ben: Person) -> None:
    body = batch(500, 501)
    approval_id = asked(ada, body)
    decided(ben, approval_id)
    approved = {**body, "approval_id": approval_id}

    def code(sent: dict[str, Any], key: str) -> Any:
        return ada.post("/transfers/batch", sent, key=key).json.get("code")  # type: ignore[union-attr]

    other = {**approved, "lines": [{**body["lines"][0], "amount": usd(9999)}]}
    assert code(other, "a") == "approval_mismatch"
    assert code({**approved, "mode": "all_or_nothing"}, "b") == "approval_mismatch"
    assert code(approved, "c") is None
    assert code(approved, "c") is None, "sent again as it was, it is replayed"
    assert code(approved, "d") == "approval_used"
    assert code({**approved, "approval_id": str(ids.new())}, "e") == "not_found"

    assert given(body) == 1001


def test_a_refused_batch_is_not_posted(ada: Person, ben: Person) -> None:
    body = batch(1001)
    approval_id = asked(ada, body)
    decided(ben, approval_id, approve=False)

    answer = ada.post("/transfers/batch", {**body, "approval_id": approval_id})

    assert (answer.json["code"], given(body)) == ("approval_not_given", 0)  # type: ignore[index]


def test_points_count_as_points(ada: Person) -> None:
    body = batch(1000)
    points = {"kind": "credit_points", "amount": {"amount_minor": 1000, "currency": "PTS"}}
    body["lines"].append({**body["lines"][0], **points, "reference": "p"})

    assert ada.post("/transfers/batch", body).status_code == 201


def test_deciding_needs_its_own_permission(app: Flask, ada: Person) -> None:
    approval_id = asked(ada, batch(1001))

    assert decided(Person(app, "transfers.batch", "adjustments.decide"), approval_id).status_code == 403
    adjusting = Person(app, "adjustments.decide").put(f"/adjustments/{approval_id}/decision", {"approve": True})
    assert adjusting.status_code == 404
