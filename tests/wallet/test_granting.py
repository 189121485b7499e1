"""Granting: the brand gives promotional value, once for its cause, and never to a wallet that cannot take it."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from psycopg import Connection
from sqlalchemy import select

from core import ids
from core.db import connection_of, transaction
from core.errors import Refusal
from core.events.log import EventRow
from tests.wallet.conftest import NOW, balance
from wallet import accounts, checks, ledger, lots, standing
from wallet.errors import AccountClosed, SandboxMixed
from wallet.lots import granting
from wallet.lots.granting import Grant

WEEK = timedelta(days=7)


def grant(customer_id: UUID, **more: Any) -> Grant:
    named = {"amount": 500, "asset": "USD", "expires_at": NOW + WEEK, "source": "journey:1", "key": str(ids.new())}
    return Grant(customer_id=customer_id, **{**named, **more})


def give(*grants: Grant) -> list[UUID | Refusal]:
    with transaction() as session:
        outcomes, transfers = granting.grant_later(connection_of(session), grants, now=NOW)
        ledger.post_all(connection_of(session), transfers)
        return outcomes


def test_a_grant_is_a_lot_that_lapses(connection: Connection) -> None:
    customer_id = ids.new()

    [transfer_id] = give(grant(customer_id))

    account = accounts.promotional(customer_id, "USD")
    with transaction() as session:
        assert lots.of_owner(session, account.owner) == [("promotional", "USD", 500, NOW + WEEK)]
        told = session.scalars(select(EventRow).where(EventRow.name == "promotion.granted")).one()
    assert told.payload["transfer_id"] == str(transfer_id)
    assert lots.available(connection, [account.id], at=NOW + WEEK) == {}
    assert checks.first_difference(connection) is None


def test_the_same_cause_gives_once(connection: Connection) -> None:
    once = grant(ids.new())

    give(once)
    give(once)

    assert balance(connection, accounts.promotional(once.customer_id, "USD").id) == 500


def test_a_closed_wallet_is_refused_and_the_others_are_given(connection: Connection) -> None:
    closed, other = ids.new(), ids.new()
    with transaction() as session:
        accounts.open_all(session, [accounts.of_customer(closed, "USD")])
        standing.close(session, f"customer:{closed}")

    outcomes = give(grant(closed), grant(other))

    assert isinstance(outcomes[0], AccountClosed)
    assert balance(connection, accounts.promotional(other, "USD").id) == 500


def test_play_money_stays_in_its_sandbox(connection: Connection) -> None:
    sandboxed = ids.new_sandbox()

    [refusal] = give(grant(sandboxed))

    assert isinstance(refusal, SandboxMixed)


def test_many_grants_of_one_customer_are_lots_of_their_own(connection: Connection) -> None:
    customer_id = ids.new()

    give(grant(customer_id), grant(customer_id, amount=1, expires_at=None))

    assert balance(connection, accounts.promotional(customer_id, "USD").id) == 501
