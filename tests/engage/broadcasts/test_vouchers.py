"""Vouchers of a broadcast are given to whom it tells of them, and to nobody else."""

from collections import Counter
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update

from auth.models import Customer
from core import ids
from core.db import connection_of, transaction
from engage.broadcasts.errors import BroadcastOver
from engage.broadcasts.models import DONE, STOPPED
from engage.contacting import policy
from rewards import terms
from rewards.campaigns import funding
from rewards.errors import BudgetExhausted
from rewards.funds import available
from rewards.models import VoucherRow
from tests.engage.broadcasts.audience import SAYS_CODE, Sending, draft
from tests.engage.conftest import Scene, sent, vouchers_of

BUDGET_MINOR, CARD_MINOR = 100_000, 1_000


def with_cards(scene: Scene, members: list[UUID], *, budget_minor: int = BUDGET_MINOR, **more: Any) -> Sending:
    campaign_id = scene.gift_card(budget_minor=budget_minor)
    return draft(scene, members, campaign_id=campaign_id, **{"template": SAYS_CODE, **more})


def spent_minor(sending: Sending, *, of: int = BUDGET_MINOR) -> int:
    campaign_id = sending.now_is().campaign_id
    assert campaign_id is not None
    with transaction() as session:
        account = terms.load_one(session, campaign_id).budget_account
        return of - available(connection_of(session), [account])[account]


def events(name: str) -> int:
    with transaction() as session:
        row = connection_of(session).execute("SELECT count(*) FROM core.event WHERE name = %s", [name]).fetchone()
    assert row
    return int(row[0])


def cap(scene: Scene, most: int) -> None:
    with transaction() as session:
        terms = {"caps": [{"channel": "any", "per": "day", "most": most}]}
        policy.put(session, terms, revision=0, actor="staff:test", now=scene.now)


def test_no_voucher_is_given_to_whom_nobody_would_tell_of_it(scene: Scene) -> None:
    (silent,), told = scene.customers(1, consent=()), scene.customers(2)
    sending = with_cards(scene, [silent, *told]).run()

    assert sending.outcomes() == {silent: "skipped", **dict.fromkeys(told, "sent")}
    assert (vouchers_of(silent), sending.reason_of(silent)) == ([], "no_consent")
    assert (spent_minor(sending), events("voucher.issued")) == (2 * CARD_MINOR, 2)
    assert sending.counts() == {"sent": 2, "skipped:no_consent": 1}


@pytest.mark.parametrize(("most", "given"), [(1, 0), (2, 1)])
def test_customer_who_was_written_to_often_enough_is_given_none(scene: Scene, most: int, given: int) -> None:
    cap(scene, most)
    (member,) = scene.customers(1)
    draft(scene, [member]).run()

    sending = with_cards(scene, [member]).run()

    assert len(vouchers_of(member)) == given
    assert spent_minor(sending) == given * CARD_MINOR


def test_suspended_customer_is_given_none_whatever_is_said(scene: Scene) -> None:
    suspended, other = scene.customers(2)
    with transaction() as session:
        session.execute(update(Customer).where(Customer.id == suspended).values(status="suspended"))
    says = {"default_locale": "en", "sms": {"en": {"body": "Look into your wallet"}}}

    sending = with_cards(scene, [suspended, other], template=says, purpose="transactional").run()

    assert sending.outcomes() == {suspended: "skipped", other: "sent"}
    assert (sending.reason_of(suspended), len(sent())) == ("suspended", 1)


def test_what_would_come_when_the_card_has_ended_is_never_given(scene: Scene) -> None:
    sending = with_cards(scene, scene.customers(3), per_minute=1)
    with transaction() as session:
        connection_of(session).execute("UPDATE rewards.campaign SET voucher_days = 1")
    sending.start()
    with transaction() as session:
        connection_of(session).execute("UPDATE engage.broadcast_part SET first_place = 24 * 60")

    sending.work()

    assert sending.counts() == {"skipped:too_late": 3}
    assert (spent_minor(sending), _voucher_count()) == (0, 0)


def test_letter_that_cannot_be_written_gives_no_voucher_and_stops_nobody_else(scene: Scene) -> None:
    known, unknown = scene.customers(2)
    says = {"default_locale": "en", "sms": {"en": {"body": "{{ traits.nickname }}: {{ voucher.code }}"}}}
    with transaction() as session:
        connection_of(session).execute(_TRAIT, [known, scene.now])

    sending = with_cards(scene, [known, unknown], template=says).run()

    assert sending.outcomes() == {known: "sent", unknown: "skipped"}
    assert (sending.reason_of(unknown), vouchers_of(unknown)) == ("template_failed", [])
    assert (spent_minor(sending), events("voucher.issued")) == (CARD_MINOR, 1)


def test_budget_that_runs_out_stops_it_and_after_a_top_up_it_goes_on_with_the_others(scene: Scene) -> None:
    members = scene.customers(30)
    sending = with_cards(scene, members, budget_minor=12_400).run()

    stopped = sending.now_is()
    assert (stopped.status, stopped.stopped_because, stopped.ended_at) == (STOPPED, "budget_exhausted", None)
    # To the last card that it paid for.
    assert Counter(sending.outcomes().values()) == {"sent": 12}
    assert len(sent()) == _voucher_count() == 12
    assert sending.counts() == {"sent": 12}
    assert sending.work() == 0
    with pytest.raises(BudgetExhausted):
        sending.start()

    campaign_id = stopped.campaign_id
    assert campaign_id is not None
    scene.move(hours=1)
    with transaction() as session:
        funding.fund(
            session, campaign_id=campaign_id, amount_minor=50_000, key=str(ids.new()), actor="staff:test", now=scene.now
        )
    sending.start()
    sending.work()

    assert sending.now_is().status == DONE
    assert sending.outcomes() == dict.fromkeys(members, "sent")
    assert len(sent()) == _voucher_count() == 30


def test_those_whom_nobody_would_tell_do_not_stop_it_when_the_budget_is_spent(scene: Scene) -> None:
    (told,), silent = scene.customers(1), scene.customers(5, consent=())
    sending = with_cards(scene, [told, *silent], budget_minor=CARD_MINOR).run()

    assert sending.now_is().status == DONE
    assert sending.counts() == {"sent": 1, "skipped:no_consent": 5}


def test_counts_of_a_cancelled_broadcast_say_what_left_and_what_was_taken_back(scene: Scene) -> None:
    members = scene.customers(3)
    sending = draft(scene, members, per_minute=1).run()
    with transaction() as session:
        connection_of(session).execute(
            "UPDATE core.message SET state = 'sent', sent_at = %s WHERE customer_id = %s", [scene.now, members[0]]
        )

    sending.cancel()
    sending.work()

    assert sending.counts() == {"cancelled": 2, "sent": 1}


def test_broadcast_is_over_once_nothing_of_it_waits(scene: Scene) -> None:
    sending, other = draft(scene, scene.customers(2)).run(), draft(scene, scene.customers(2)).run()
    with transaction() as session:
        connection_of(session).execute(
            "UPDATE core.message SET state = 'sent', sent_at = %s WHERE reference IN"
            " (SELECT id FROM engage.broadcast_send WHERE broadcast_id = %s)",
            [scene.now, sending.id],
        )
    scene.move(hours=1)

    with pytest.raises(BroadcastOver):
        sending.cancel()
    assert other.cancel().status == "cancelled"


def test_throttled_broadcast_can_be_cancelled_until_its_last_turn_without_a_look_at_its_messages(scene: Scene) -> None:
    sending = draft(scene, scene.customers(2), per_minute=1).run()

    scene.move(seconds=59)

    assert sending.cancel().status == "cancelled"


_TRAIT = """
    INSERT INTO insights.trait (customer_id, name, value, at) VALUES (%s, 'nickname', '"Ada"', %s)
"""


def _voucher_count() -> int:
    with transaction() as session:
        return len(session.scalars(select(VoucherRow.id)).all())
