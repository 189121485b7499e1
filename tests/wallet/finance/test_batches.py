"""Batches of transfers: all or nothing, or each for itself, and once whatever is sent again."""

import threading
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import text

from core import ids
from core.db import transaction
from tests.wallet.conftest import NOW
from tests.wallet.finance.people import (
    TRANSFERS,
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
from wallet.finance import batch_approvals, batch_posting, batches, lines
from wallet.finance.batches import Batch

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def ada(app: Flask) -> Person:
    return Person(app, *TRANSFERS)


def credit(reference: str, customer_id: UUID, amount_minor: int = 100, **more: Any) -> dict[str, Any]:
    line = {"reference": reference, "kind": "credit_cash", "customer_id": str(customer_id), "amount": usd(amount_minor)}
    return {**line, **more}


def debit(reference: str, customer_id: UUID, amount_minor: int = 100) -> dict[str, Any]:
    sides = {"from": f"customer:{customer_id}:cash", "to": "brand:suspense"}
    return {"reference": reference, "kind": "transfer", "amount": usd(amount_minor), **sides}


def run(raw: list[dict[str, Any]], *, mode: str = "each", key: str = "k") -> batches.Outcome:
    batch = Batch(principal="staff:ada", key=key, fingerprint=b"f", content=b"c", mode=mode, lines=lines.read(raw))
    return batches.run(batch, now=NOW)


def told(outcome: batches.Outcome) -> list[str]:
    return [result.code or result.status for result in outcome.results]


def count(what: str) -> int:
    with transaction() as session:
        return int(session.execute(text(f"SELECT count(*) FROM {what}")).scalar_one())


def test_lines_of_every_kind_are_posted(ada: Person) -> None:
    customer_id, merchant_id = add_customer(), add_merchant()
    cash, payable = accounts.of_customer(customer_id, "USD"), accounts.of_merchant(merchant_id, "USD")
    who, pts = {"customer_id": str(customer_id)}, {"amount_minor": 40, "currency": "PTS"}
    give(payable, 300)

    answer = ada.post(
        "/transfers/batch",
        {
            "mode": "each",
            "lines": [
                credit("a", customer_id, note="For May"),
                {
                    "reference": "b",
                    "kind": "credit_promotional",
                    "amount": usd(50),
                    "expires_at": "2199-01-01T00:00:00Z",
                    **who,
                },
                {"reference": "c", "kind": "credit_points", "amount": pts, **who},
                {"reference": "d", "kind": "payout", "amount": usd(200), "merchant_id": str(merchant_id)},
                {
                    "reference": "e",
                    "kind": "transfer",
                    "amount": usd(10),
                    "from": f"customer:{customer_id}:cash",
                    "to": "brand:fees",
                },
            ],
        },
    )

    assert (answer.status_code, answer.json["posted_count"], answer.json["refused_count"]) == (201, 5, 0)  # type: ignore[index]
    assert [line["reference"] for line in answer.json["lines"]] == list("abcde")  # type: ignore[index]
    assert (standing(cash), standing(payable), standing(accounts.of_brand("bank", "USD"))) == (90, 100, 200)
    assert (standing(accounts.promotional(customer_id, "USD")), standing(accounts.points(customer_id))) == (50, 40)
    with transaction() as session:
        kinds = session.scalars(text("SELECT kind FROM wallet.transfer WHERE principal LIKE 'batch:%' ORDER BY key"))
        assert kinds.all() == ["credit", "promotion", "points", "payout", "transfer"]
        granted = session.scalars(text("SELECT payload ->> 'kind' FROM core.event WHERE name = 'value.granted'")).all()
        noted = session.scalars(text("SELECT details ->> 'note' FROM wallet.transfer WHERE key = 'a'")).one()
    assert (granted, noted) == (["cash", "promotional", "points"], "For May")
    assert first_difference() is None


def test_each_line_has_its_own_answer() -> None:
    customer_id, poor = add_customer(1), add_customer(2)
    frozen = accounts.of_customer(add_customer(3), "USD")
    give(accounts.of_customer(customer_id, "USD"), 100)
    give(frozen, 100)
    do(lambda session: standings.freeze(session, frozen.owner))
    raw = [
        debit("enough", customer_id),
        debit("too much", customer_id),
        debit("poor", poor, 1),
        credit("nobody", ids.new()),
        credit("late", customer_id, kind="credit_promotional", expires_at="2026-11-21T12:00:00Z"),
        {
            "reference": "frozen",
            "kind": "transfer",
            "amount": usd(1),
            "from": f"{frozen.owner}:cash",
            "to": "brand:fees",
        },
        credit("good", customer_id),
    ]

    outcome = run(raw)

    codes = [
        "posted",
        "insufficient_funds",
        "insufficient_funds",
        "customer_unknown",
        "lapsed_already",
        "account_frozen",
    ]
    assert told(outcome) == [*codes, "posted"]
    assert standing(accounts.of_customer(customer_id, "USD")) == 100
    assert told(run(raw)) == told(outcome)
    assert all(result.replayed for result in run(raw).results)
    give(accounts.of_customer(poor, "USD"), 1)
    assert told(run(raw))[2] == "insufficient_funds", "a refusal stays, for who asks again"
    assert first_difference() is None


def test_who_closed_their_wallet_gets_nothing_by_batch() -> None:
    cash = accounts.of_customer(add_customer(), "USD")
    give(cash, 5)
    run([debit("payout", UUID(cash.owner.split(":")[1]), 5)], key="first")
    do(lambda session: standings.close(session, cash.owner))

    points = {"kind": "credit_points", "amount": {"amount_minor": 5, "currency": "PTS"}}
    assert told(run([{**credit("a", UUID(cash.owner.split(":")[1])), **points}])) == ["account_closed"]


def test_what_no_account_can_hold_is_refused_by_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_approvals, "_above_minor", 2**80)
    who, most = add_customer(), 2**53 - 1

    outcome = run([credit(str(n), who, most) for n in range(1026)] + [credit("small", add_customer(1))])

    codes = told(outcome)
    assert (codes.count("posted"), codes.count("amount_too_large"), codes[-1]) == (1025, 2, "posted")
    assert first_difference() is None


def test_all_or_nothing_posts_all() -> None:
    customers_ = [add_customer(n) for n in range(3)]

    outcome = run([credit(str(n), each) for n, each in enumerate(customers_)], mode="all_or_nothing")

    assert told(outcome) == ["posted"] * 3
    assert [standing(accounts.of_customer(each, "USD")) for each in customers_] == [100] * 3
    assert first_difference() is None


def test_all_or_nothing_posts_nothing_when_one_line_is_refused(ada: Person) -> None:
    customer_id = add_customer()
    body = {
        "mode": "all_or_nothing",
        "lines": [credit("a", customer_id), debit("b", customer_id, 101), credit("c", customer_id)],
    }

    answer, again = ada.post("/transfers/batch", body, key="k"), ada.post("/transfers/batch", body, key="k")

    assert (answer.status_code, answer.json["code"]) == (422, "insufficient_funds")  # type: ignore[index]
    assert [error["pointer"] for error in answer.json["errors"]] == ["/lines/1"]  # type: ignore[index]
    assert (again.json, again.headers["Idempotency-Replayed"]) == (answer.json, "true")
    assert count("wallet.entry") == 0
    assert [(item["status"], item["posted_count"]) for item in ada.get("/transfers/batches")["items"]] == [
        ("refused", 0)
    ]


def test_all_or_nothing_names_a_line_whose_customer_is_not_there() -> None:
    with pytest.raises(Exception, match="no such customer") as raised:
        run([credit("a", add_customer()), credit("b", ids.new())], mode="all_or_nothing")

    assert raised.value.facts["errors"] == [{"pointer": "/lines/1", "detail": "There is no such customer"}]  # type: ignore[attr-defined]


def test_a_batch_that_was_cut_off_does_only_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    customers_ = [add_customer(n) for n in range(6)]
    raw = [credit(str(n), each) for n, each in enumerate(customers_)]
    monkeypatch.setattr(batch_posting, "CHUNK", 2)
    posting, chunks = batch_posting.post, []

    def cut_off(*given: Any, **more: Any) -> None:
        chunks.append(given)
        if len(chunks) == 3:
            raise KeyboardInterrupt
        posting(*given, **more)

    monkeypatch.setattr(batch_posting, "post", cut_off)
    with pytest.raises(KeyboardInterrupt):
        run(raw)
    assert count("wallet.transfer") == 4
    assert do(lambda session: batches.page(session, before=None, limit=1))[0].status == "running"
    monkeypatch.setattr(batch_posting, "post", posting)

    outcome = run(raw)

    assert [result.replayed for result in outcome.results] == [True] * 4 + [False] * 2
    assert [standing(accounts.of_customer(each, "USD")) for each in customers_] == [100] * 6
    row = do(lambda session: batches.find(session, outcome.batch_id))
    assert (row.status, row.posted_count, row.refused_count) == ("ended", 6, 0)


@pytest.mark.parametrize("mode", ["each", "all_or_nothing"])
def test_twins_of_a_batch_post_it_once(mode: str) -> None:
    customers_ = [add_customer(n) for n in range(20)]
    raw = [credit(str(n), each) for n, each in enumerate(customers_)]
    barrier, outcomes = threading.Barrier(4), []

    def send() -> None:
        barrier.wait()
        outcomes.append(told(run(raw, mode=mode)))

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert outcomes == [["posted"] * 20] * 4
    assert {standing(accounts.of_customer(each, "USD")) for each in customers_} == {100}
    assert count("wallet.transfer") == 20


def test_bad_lines_are_found_among_many(monkeypatch: pytest.MonkeyPatch) -> None:
    rich, poor = add_customer(1), add_customer(2)
    attempts, posting = [], batch_posting.post
    monkeypatch.setattr(batch_posting, "post", lambda *given, **more: (attempts.append(1), posting(*given, **more)))

    few = run([debit(str(n), poor) if n in (0, 250, 499) else credit(str(n), rich) for n in range(500)], key="few")
    many = run([debit(str(n), poor) for n in range(200)], key="many")

    assert [n for n, code in enumerate(told(few)) if code != "posted"] == [0, 250, 499]
    assert standing(accounts.of_customer(rich, "USD")) == 497 * 100
    assert told(many) == ["insufficient_funds"] * 200
    assert len(attempts) < 30 + 200


def test_payouts_stop_at_what_is_owed() -> None:
    merchant_id = add_merchant()
    give(accounts.of_merchant(merchant_id, "USD"), 300)
    payout = {"kind": "payout", "merchant_id": str(merchant_id)}

    raw = [{**payout, "reference": str(n), "amount": usd(amount)} for n, amount in enumerate([200, 101, 100])]

    assert told(run(raw)) == ["posted", "payout_exceeds_payable", "posted"]


def test_the_same_key_with_other_lines_is_refused(ada: Person) -> None:
    customer_id = add_customer()
    ada.post("/transfers/batch", {"mode": "each", "lines": [credit("a", customer_id)]}, key="k")

    other = ada.post("/transfers/batch", {"mode": "each", "lines": [credit("a", customer_id, 101)]}, key="k")

    assert other.json["code"] == "idempotency_key_reused"  # type: ignore[index]
    assert standing(accounts.of_customer(customer_id, "USD")) == 100


def test_bad_lines_are_told_by_place_and_field_and_nothing_is_posted(ada: Person) -> None:
    who = add_customer()
    body = [
        credit("a", who),
        credit("a", who),
        credit("b", who, amount=usd(0)),
        credit("c", who, amount={"amount_minor": 1.5, "currency": "USD"}),
        credit("d", who, amount={"amount_minor": 5, "currency": "PTS"}),
        credit("e", who, amount={"amount_minor": 2**53, "currency": "XXX", "x": 1}),
        {**credit("f", who), "customer_id": "x", "tip": 1},
        {"reference": "", "kind": "credit_cash", "customer_id": str(who), "amount": usd(True)},  # type: ignore[arg-type]
        {"reference": "g", "kind": "gift"},
        "line",
        credit("h", who, kind="credit_promotional", expires_at="tomorrow"),
        {"reference": "i", "kind": "transfer", "amount": usd(1), "from": "brand:fees", "to": "brand:fees"},
        {
            "reference": "j",
            "kind": "transfer",
            "amount": usd(1),
            "from": f"customer:{who}:points",
            "to": "brand:nowhere",
        },
        {
            "reference": "k",
            "kind": "transfer",
            "amount": usd(1),
            "from": f"customer:{who}:promotional",
            "to": "brand:fees",
        },
    ]

    answer = ada.post("/transfers/batch", {"mode": "each", "lines": body})

    assert answer.status_code == 422
    assert sorted(error["pointer"] for error in answer.json["errors"]) == sorted(  # type: ignore[index]
        f"/lines/{pointer}"
        for pointer in (
            "1/reference", "2/amount/amount_minor", "3/amount/amount_minor", "4/amount/currency",
            "5/amount/amount_minor", "5/amount/x", "6/customer_id", "6/tip", "7/reference",
            "7/amount/amount_minor", "8/kind", "9", "10/expires_at", "11/to", "12/to", "13/from",
        )
    )  # fmt: skip
    assert count("wallet.transfer") == count("wallet.transfer_batch") == 0


def test_a_batch_has_from_one_to_ten_thousand_lines(ada: Person) -> None:
    line = credit("a", ids.new())
    for sent in ([], [line] * 10_001, "lines", None):
        answer = ada.post("/transfers/batch", {"mode": "each", "lines": sent})
        assert [error["pointer"] for error in answer.json["errors"]] == ["/lines"]  # type: ignore[index]

    assert ada.post("/transfers/batch", {"mode": "some", "lines": [line]}).json["errors"][0]["pointer"] == "/mode"  # type: ignore[index]


def test_ten_thousand_lines_fit_into_a_body(ada: Person) -> None:
    customer_id = add_customer()
    sent = [credit(f"{n:0100}", customer_id, note="n" * 140) for n in range(10_000)]

    assert len(lines.read(sent)) == batches.MOST_LINES
    too_large = ada.post("/transfers/batch", {"mode": "each", "lines": [{**line, "note": "n" * 400} for line in sent]})
    assert too_large.json["code"] == "payload_too_large"  # type: ignore[index]
    assert ada.post("/transfers/batch", {"mode": "each", "lines": [*sent, *sent[:1]]}).json["code"] == "invalid_input"  # type: ignore[index]
    assert ada.post("/adjustments", {"note": "n" * 1_000_000}).status_code == 413


def test_what_became_of_each_line_can_be_read_later(ada: Person) -> None:
    customer_id = add_customer()
    sent = [credit("a", customer_id), debit("b", customer_id, 101), credit("c", customer_id)]
    posted = ada.post("/transfers/batch", {"mode": "each", "lines": sent}).json
    assert posted

    batch = ada.get(f"/transfers/batches/{posted['id']}")
    first = ada.get(f"/transfers/batches/{posted['id']}/lines?limit=2")
    rest = ada.get(f"/transfers/batches/{posted['id']}/lines?limit=2&cursor={first['next_cursor']}")

    assert (batch["status"], batch["line_count"], batch["posted_count"], batch["refused_count"]) == ("ended", 3, 2, 1)
    assert [line["code"] for line in first["items"] + rest["items"]] == [None, "insufficient_funds", None]
    assert [line["transfer_id"] for line in first["items"] + rest["items"]] == [
        line["transfer_id"] for line in posted["lines"]
    ]
    assert ada.get(f"/transfers/batches/{ids.new()}")["code"] == "not_found"


def test_customers_are_given_no_currency_that_wallets_do_not_hold_and_it_can_still_be_taken(ada: Person) -> None:
    who, pounds = add_customer(), {"amount_minor": 5, "currency": "GBP"}
    takes = lines.read([{**debit("a", who), "amount": pounds}])

    given = [credit("b", who, amount=pounds), {**debit("c", who), "amount": pounds}]
    given[1]["from"], given[1]["to"] = given[1]["to"], given[1]["from"]
    answer = ada.post("/transfers/batch", {"mode": "each", "lines": given})

    assert [line.currency for line in takes] == ["GBP"]
    assert answer.json["errors"] == [  # type: ignore[index]
        {"pointer": f"/lines/{place}/amount/currency", "detail": "The wallet does not hold this currency."}
        for place in (0, 1)
    ]
