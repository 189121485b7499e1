"""Claiming: by signing up with the number, by link; once, whoever tries at the same moment."""

from datetime import timedelta
from threading import Thread
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from auth import customers, phones
from core.db import transaction
from core.errors import NotFound
from tests.core.log import drain
from tests.wallet.peers.conftest import (
    ANNA,
    BEN,
    NOBODYS,
    NOW,
    WEEK,
    announced,
    cash,
    check_books,
    customer,
    do,
    new,
    send,
    sending_now,
    set_limits,
    settle,
)
from wallet import holds, standing
from wallet.errors import AccountClosed, LimitExceeded
from wallet.peers import claims, links, reactions, sendings
from wallet.peers.errors import AlreadyClaimed, LinkUnknown, SelfTransfer, SendingEnded, SendingStopped, TooManyLinks
from wallet.peers.models import Sending


def claim(sending: Sending, receiver_id: UUID, **more: Any) -> Sending:
    code = links.code_of(sending.id)
    claimed: Sending = do(claims.by_code, code=code, receiver_id=receiver_id, **{"now": NOW, **more})
    return claimed


def test_who_signs_up_with_the_number_gets_what_waits_for_it(anna: UUID, ben: UUID) -> None:
    first, second, others = send(anna, NOBODYS, 1000), send(anna, NOBODYS, 500), send(anna, "+12125550198", 100)

    newcomer = customer(NOBODYS)
    settle()

    assert (cash(newcomer), cash(anna)) == ((1500, 0), (8500, 100))
    assert {sending_now(each.id).state for each in (first, second)} == {"completed"}
    assert {sending_now(each.id).receiver_id for each in (first, second)} == {newcomer}
    assert sending_now(first.id).phone_index is None
    assert sending_now(others.id).state == "pending"
    assert announced("money.received") == [("money.received", newcomer)] * 2
    check_books()


def test_signing_up_after_it_lapsed_brings_nothing(anna: UUID) -> None:
    sending = send(anna, NOBODYS, lasts=timedelta(hours=1))
    over = NOW + timedelta(hours=1)

    newcomer = customer(NOBODYS, now=over)
    settle(now=over)
    assert cash(newcomer) == (0, 0)
    do(holds.expire_due, now=over)
    settle(now=over)

    assert (sending_now(sending.id).state, cash(anna)) == ("returned", (10_000, 0))


def test_a_link_is_claimed_once(anna: UUID, ben: UUID, clara: UUID) -> None:
    sending = send(anna, None)

    assert claim(sending, ben).state == "completed"
    assert claim(sending, ben).state == "completed"
    with pytest.raises(AlreadyClaimed):
        claim(sending, clara)

    assert (cash(anna), cash(ben), cash(clara)) == ((9000, 0), (1000, 0), (0, 0))
    check_books()


def test_nobody_claims_their_own_link(anna: UUID) -> None:
    sending = send(anna, None)

    with pytest.raises(SelfTransfer):
        claim(sending, anna)
    assert sending_now(sending.id).state == "pending"


def test_wrong_codes_lead_nowhere(anna: UUID, ben: UUID) -> None:
    sending = send(anna, None)

    for code in (links.code_of(sending.id)[:-1] + "x", str(sending.id), "", "ü"):
        with pytest.raises(LinkUnknown):
            do(claims.by_code, code=code, receiver_id=ben, now=NOW)


def test_links_can_be_tried_thirty_times_an_hour(ben: UUID) -> None:
    for _ in range(30):
        claims.count_link(ben, now=NOW)

    with pytest.raises(TooManyLinks) as refused:
        claims.count_link(ben, now=NOW)
    assert refused.value.retry_after_seconds == 3600
    claims.count_link(ben, now=NOW + timedelta(hours=1))


def test_a_link_lapses_at_its_instant(anna: UUID, ben: UUID) -> None:
    early, late = send(anna, None), send(anna, None)

    assert claim(early, ben, now=NOW + WEEK - timedelta(microseconds=1)).state == "completed"
    with pytest.raises(SendingEnded) as ended:
        claim(late, ben, now=NOW + WEEK)
    assert ended.value.facts == {"outcome": "returned"}


def test_what_was_taken_back_cannot_be_claimed(anna: UUID, ben: UUID) -> None:
    sending = send(anna, None)
    do(sendings.cancel, sending.id, sender_id=anna, now=NOW)

    with pytest.raises(SendingEnded) as ended:
        claim(sending, ben)
    assert ended.value.facts == {"outcome": "cancelled"}


def test_a_receiver_over_their_own_limit_is_told_which_and_may_come_again(anna: UUID, ben: UUID) -> None:
    sending = send(anna, None)
    set_limits("load", {"ceiling": 999})

    with pytest.raises(LimitExceeded) as over:
        claim(sending, ben)
    assert (over.value.facts["limit"], over.value.facts["left"]) == ("ceiling", 999)
    set_limits("load", {"ceiling": 1000})
    assert claim(sending, ben).state == "completed"


def test_a_closed_wallet_claims_nothing(anna: UUID, ben: UUID) -> None:
    sending = send(anna, None)
    settle()
    do(standing.close, f"customer:{ben}")

    with pytest.raises(AccountClosed):
        claim(sending, ben)
    assert cash(anna) == (10_000, 1000)


def test_money_of_a_frozen_sender_stays_until_they_are_free(anna: UUID, ben: UUID) -> None:
    sending = send(anna, None)
    do(standing.freeze, f"customer:{anna}")

    with pytest.raises(SendingStopped):
        claim(sending, ben)
    do(standing.unfreeze, f"customer:{anna}")
    assert claim(sending, ben).state == "completed"


def test_what_a_full_wallet_could_not_take_is_claimed_by_its_owner_alone(anna: UUID, ben: UUID, clara: UUID) -> None:
    set_limits("load", {"ceiling": 500})
    sending = send(anna, BEN)
    set_limits("load", {"ceiling": 1000})

    for who in (clara, anna):
        with pytest.raises(NotFound):
            do(claims.by_receiver, sending_id=sending.id, receiver_id=who, now=NOW)
    assert do(claims.by_receiver, sending_id=sending.id, receiver_id=ben, now=NOW).state == "completed"


def test_of_eight_who_claim_at_once_one_gets_it(anna: UUID) -> None:
    people = [customer(f"+1212555016{number}") for number in range(8)]
    sending = send(anna, None)

    outcomes = at_once(*[lambda who=who: claim(sending, who) for who in people])

    assert sorted(outcomes) == ["AlreadyClaimed"] * 7 + ["completed"]
    assert sum(cash(who)[0] for who in people) == 1000
    check_books()


@pytest.mark.parametrize("way", ["cancel", "expiry"])
def test_claims_against_cancelling_and_expiry_have_one_winner(anna: UUID, ben: UUID, way: str) -> None:
    rounds = 6
    for _ in range(rounds):
        sending = send(anna, None, 100, lasts=timedelta(hours=1))
        late = NOW + timedelta(hours=1)
        other = {
            "cancel": lambda: do(sendings.cancel, sending.id, sender_id=anna, now=NOW),  # noqa: B023
            # Its clock runs ahead of the claimer's.
            "expiry": lambda: do(holds.expire_due, now=late),  # noqa: B023
        }[way]

        at_once(lambda: claim(sending, ben), other)  # noqa: B023

        settle()
        posted, held = cash(anna)
        assert (posted + cash(ben)[0], held) == (10_000, 0)
    states = {"completed", "cancelled" if way == "cancel" else "returned"}
    with transaction() as session:
        assert {each.state for each in session.query(Sending)} <= states
    check_books()


def test_money_sent_while_its_receiver_signs_up_reaches_them(anna: UUID) -> None:
    [reader] = [reader for reader in reactions.READERS if reader.name == "wallet.peers.newcomers"]

    with transaction() as sending:
        with transaction() as signing_up:
            newcomer = customers.sign_up(signing_up, phone=NOBODYS, locale=None, time_zone=None, now=NOW)
            made = sendings.send(sending, new(anna, NOBODYS), now=NOW)
            assert made.receiver_id is None
        # The newcomer is there to be read of, what was sent to them is not yet to be seen.
        reading = Thread(target=drain, args=[reader])
        reading.start()
        while reading.is_alive() and not is_waited_for_a_number():
            pass
    reading.join()

    settle()
    assert cash(newcomer.id) == (1000, 0)


def is_waited_for_a_number() -> bool:
    waiting = """
        SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database
         WHERE l.locktype = 'advisory' AND NOT l.granted AND d.datname = current_database()
    """
    with transaction() as session:
        return bool(session.scalar(text(waiting)))


def test_no_number_stands_in_clear(anna: UUID, ben: UUID) -> None:
    waiting = send(anna, NOBODYS, note="For Zoe")
    row = sending_now(waiting.id)

    assert row.phone_index == phones.index_of(NOBODYS)
    for kept in (row.phone, row.note, row.phone_index):
        assert kept is not None
        assert b"Zoe" not in kept
        assert NOBODYS[-7:].encode() not in kept
    with transaction() as session:
        spoken = " ".join(session.scalars(text("SELECT payload::text FROM core.event")))
        spoken += " ".join(session.scalars(text("SELECT details::text FROM wallet.transfer")))
    assert NOBODYS[-7:] not in spoken
    assert ANNA[-7:] not in spoken


def at_once(*works: Any) -> list[str]:
    """Run them in threads that start together; the state that each got, or the name of its refusal."""
    outcomes: list[str] = []

    def run(work: Any) -> None:
        try:
            done = work()
            outcomes.append(done.state if isinstance(done, Sending) else "done")
        except Exception as error:
            outcomes.append(type(error).__name__)

    threads = [Thread(target=run, args=[work]) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes
