"""Approvals: one person asks, a second one decides, and what is approved is carried out once."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from auth import approval_lists, approvals, customers, tokens
from auth.errors import (
    AlreadyDecided,
    ApprovalLapsed,
    ApprovalMismatch,
    ApprovalNotGiven,
    ApprovalNotYours,
    ApprovalSpent,
    SelfApproval,
)
from auth.models import Approval
from core import clock, crypto, ids
from core.audit import AuditEntry
from core.db import transaction
from core.errors import NotFound, Refusal
from core.web.principals import Principal

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
END = NOW + timedelta(days=7)
KIND = "wallet.adjustment"
ADA, BEN = "staff:ada", "staff:ben"
PRINT = b"a" * 32

pytestmark = pytest.mark.usefixtures("database")


def ask(**more: Any) -> UUID:
    given = {"kind": KIND, "subject": {"amount_minor": 500}, "fingerprint": PRINT, "asked_by": ADA, "expires_at": END}
    with transaction() as session:
        return approvals.ask(session, **{**given, "now": NOW, **more}).id


def decide(approval_id: UUID, *, by: str = BEN, approve: bool = True, **more: Any) -> Approval:
    given = {"kind": KIND, "reason": None, "now": NOW, **more}
    with transaction() as session:
        return approvals.decide(session, approval_id, decided_by=by, approve=approve, **given)


def consume(approval_id: UUID, *, fingerprint: bytes = PRINT, now: datetime = NOW, **more: Any) -> Approval:
    given = {"kind": KIND, "used_by": ADA, **more}
    with transaction() as session:
        return approvals.consume(session, approval_id, fingerprint=fingerprint, now=now, **given)


def withdraw(approval_id: UUID, *, by: str = ADA) -> Approval:
    with transaction() as session:
        return approvals.withdraw(session, approval_id, kind=KIND, withdrawn_by=by, now=NOW)


def shown(approval_id: UUID, now: datetime = NOW) -> dict[str, Any]:
    with transaction() as session:
        return approval_lists.shown(session, [approvals.find(session, approval_id)], now=now)[0]


def test_a_second_person_approves_and_it_is_carried_out_once() -> None:
    approval_id = ask(note="Ticket 7")
    decide(approval_id, reason="Checked")

    consume(approval_id, outcome={"transfer_id": "t"})

    told = shown(approval_id)
    assert (told["status"], told["asked_by"], told["decided_by"]) == ("approved", ADA, BEN)
    assert (told["note"], told["reason"], told["outcome"]) == ("Ticket 7", "Checked", {"transfer_id": "t"})
    with pytest.raises(ApprovalSpent):
        consume(approval_id)
    with transaction() as session:
        audited = session.execute(select(AuditEntry.actor, AuditEntry.action).order_by(AuditEntry.id)).all()
        announced = session.scalars(text("SELECT name FROM core.event ORDER BY seq")).all()
    assert [tuple(entry) for entry in audited] == [
        (ADA, "approval.ask"),
        (BEN, "approval.decide"),
        (ADA, "approval.use"),
    ]
    assert announced == ["approval.asked", "approval.decided", "approval.used"]


def test_nobody_approves_what_they_asked_themselves() -> None:
    approval_id = ask()

    for approve in (True, False):
        with pytest.raises(SelfApproval):
            decide(approval_id, by=ADA, approve=approve)

    assert shown(approval_id)["status"] == "waiting"


def test_the_database_too_refuses_one_person_alone() -> None:
    approval_id = ask()

    with pytest.raises(SelfApproval), transaction() as session:
        session.execute(text("UPDATE auth.approval SET status = 'approved', decided_by = asked_by, decided_at = now()"))
    with pytest.raises(IntegrityError), transaction() as session:
        session.execute(text("UPDATE auth.approval SET used_at = now()"))

    assert shown(approval_id)["status"] == "waiting"


@pytest.mark.parametrize("approve", [True, False])
def test_what_is_decided_stays_decided(approve: bool) -> None:
    approval_id = ask()
    decide(approval_id, approve=approve)

    with pytest.raises(AlreadyDecided):
        decide(approval_id, by="staff:cleo", approve=not approve)
    with pytest.raises(AlreadyDecided):
        withdraw(approval_id)

    assert shown(approval_id)["status"] == ("approved" if approve else "refused")


def test_it_can_be_decided_and_used_until_it_lapses_and_not_then() -> None:
    moment = timedelta(microseconds=1)
    undecided, unused = ask(), ask()

    decide(unused, now=END - moment)
    with pytest.raises(ApprovalLapsed):
        decide(undecided, now=END)
    with pytest.raises(ApprovalLapsed):
        consume(unused, now=END)

    assert shown(undecided, END - moment)["status"] == "waiting"
    assert (shown(undecided, END)["status"], shown(unused, END)["status"]) == ("lapsed", "lapsed")
    consume(unused, now=END - moment)
    assert shown(unused, END)["status"] == "approved"


def test_only_what_was_approved_is_carried_out() -> None:
    waiting, refused, approved = ask(), ask(), ask()
    decide(refused, approve=False)
    decide(approved)

    for approval_id in (waiting, refused):
        with pytest.raises(ApprovalNotGiven):
            consume(approval_id)
    with pytest.raises(ApprovalMismatch):
        consume(approved, fingerprint=b"b" * 32)

    assert shown(approved)["used_at"] is None


def test_another_rooms_approval_is_not_there() -> None:
    approval_id = ask()
    decided = ask()
    decide(decided)

    with pytest.raises(NotFound):
        decide(approval_id, kind="wallet.batch")
    with pytest.raises(NotFound):
        consume(decided, kind="wallet.batch")
    with pytest.raises(NotFound):
        decide(ids.new())


def test_who_asked_may_withdraw_it_and_nobody_else() -> None:
    approval_id = ask()

    with pytest.raises(ApprovalNotYours):
        withdraw(approval_id, by=BEN)
    withdraw(approval_id)

    assert shown(approval_id)["status"] == "withdrawn"
    with pytest.raises(AlreadyDecided):
        decide(approval_id)


def race(*deeds: Any) -> list[str]:
    """How each of some deeds that begin at once ends: "done", or the code of its refusal."""
    barrier, ends = threading.Barrier(len(deeds)), []

    def run(deed: Any) -> None:
        barrier.wait()
        try:
            deed()
            ends.append("done")
        except Refusal as refusal:
            ends.append(refusal.code)

    threads = [threading.Thread(target=run, args=[deed]) for deed in deeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(ends)


def test_of_many_who_decide_at_once_one_does() -> None:
    approval_id = ask()

    ends = race(*[lambda n=n: decide(approval_id, by=f"staff:{n}", approve=bool(n % 2)) for n in range(6)])

    assert ends == ["approval_decided"] * 5 + ["done"]


def test_of_many_who_use_it_at_once_one_does() -> None:
    approval_id = ask()
    decide(approval_id)

    assert race(*[lambda: consume(approval_id)] * 6) == ["approval_used"] * 5 + ["done"]


def test_words_are_sealed_and_go_with_the_customer() -> None:
    with transaction() as session:
        customer_id = customers.sign_up(session, phone="+12125550142", locale=None, time_zone=None, now=NOW).id
    approval_id = ask(customer_id=customer_id, note="She lost her card")
    decide(approval_id, reason="Called her back")
    with transaction() as session:
        at_rest = str(session.execute(text("SELECT a::text FROM auth.approval a")).scalar_one())
        audited = str(session.execute(text("SELECT json_agg(a)::text FROM core.audit_entry a")).scalar_one())
        crypto.destroy_data_key(session, customer_id)

    told = shown(approval_id)

    assert (told["note"], told["reason"], told["customer_id"]) == (None, None, customer_id)
    for secret in ("lost her", "Called", b"lost her".hex()):
        assert secret not in at_rest + audited


def get(app: Flask, path: str, *permissions: str) -> Any:
    principal = Principal("staff", ids.new(), permissions=frozenset(permissions))
    token = tokens.mint(principal, audience=tokens.ADMIN, client_id="t", now=clock.now(), ttl=timedelta(minutes=5))
    return app.test_client().get("/admin/v1" + path, headers={"Authorization": f"Bearer {token}"})


def test_staff_list_what_waits(app: Flask) -> None:
    later = clock.now() + timedelta(days=1)
    lapsed, *waiting = (
        ask(expires_at=NOW),
        ask(expires_at=later),
        ask(expires_at=later),
        ask(expires_at=later, kind="other"),
    )
    decided = ask(expires_at=later)
    decide(decided)

    def listed(query: str) -> list[str]:
        return [item["id"] for item in get(app, f"/approvals?{query}", "approvals.read").json["items"]]

    assert listed("status=waiting") == [str(each) for each in reversed(waiting)]
    assert listed(f"status=waiting&kind={KIND}") == [str(waiting[1]), str(waiting[0])]
    assert (listed("status=lapsed"), listed("status=approved")) == ([str(lapsed)], [str(decided)])
    first = get(app, "/approvals?limit=3", "approvals.read").json
    second = get(app, f"/approvals?limit=3&cursor={first['next_cursor']}", "approvals.read").json
    assert [item["id"] for item in first["items"] + second["items"]] == listed("")
    assert second["next_cursor"] is None


def test_staff_read_one(app: Flask) -> None:
    approval_id = ask(note="Ticket 7")

    told = get(app, f"/approvals/{approval_id}", "approvals.read").json

    assert (told["subject"], told["note"], told["asked_at"]) == (
        {"amount_minor": 500},
        "Ticket 7",
        "2026-11-21T12:00:00Z",
    )
    assert get(app, f"/approvals/{ids.new()}", "approvals.read").json["code"] == "not_found"
    assert get(app, "/approvals?status=done", "approvals.read").json["code"] == "invalid_input"
    assert get(app, f"/approvals/{approval_id}", "adjustments.read").json["code"] == "forbidden"
