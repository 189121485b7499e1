"""Standing: whether an owner's accounts are open, frozen (nothing may leave them) or closed (nothing moves).

What an owner owes stays open: a bank may take a top-up back long after a wallet was frozen or closed.
"""

from collections.abc import Collection

from sqlalchemy.orm import Session

from core.db import Connection, connection_of
from core.errors import Refusal
from wallet.accounts import Opening
from wallet.assets import brand_currency
from wallet.errors import AccountClosed, AccountFrozen, AccountNotEmpty, CurrencyUnknown, InsufficientFunds


def freeze(session: Session, owner: str) -> int:
    """Let nothing leave an owner's open accounts; how many those were. Postings under way end first."""
    return _change(session, owner, before="open", after="frozen")


def unfreeze(session: Session, owner: str) -> int:
    """Open an owner's frozen accounts again; how many those were."""
    return _change(session, owner, before="frozen", after="open")


def close(session: Session, owner: str) -> int:
    """Let nothing more be posted to any account of an owner, for ever; how many those were.

    raises  AccountNotEmpty unless all of them stand at zero with nothing held; its facts name what is left
    """
    connection = connection_of(session)
    left = connection.execute(_LEFT, [owner]).fetchall()
    standing = [
        {"purpose": purpose, "amount_minor": posted, "held_minor": held, "currency": asset}
        for purpose, asset, posted, held in left
        if posted or held
    ]
    if standing:
        raise AccountNotEmpty(left=standing)
    closing = (
        "UPDATE wallet.account SET status = 'closed' WHERE owner = %s AND status <> 'closed' AND purpose <> 'debt'"
    )
    return connection.execute(closing, [owner]).rowcount


def of(session: Session, owner: str) -> str:
    """The owner's standing: the strictest that any of its accounts has; "open" for one who has none."""
    return _of(connection_of(session), owner)


def check_may_leave(connection: Connection, owner: str) -> None:
    """For value that is the owner's and stands on an account of another name, as a gift card's does.

    raises  AccountFrozen, AccountClosed
    """
    standing = _of(connection, owner)
    if standing == "closed":
        raise AccountClosed
    if standing == "frozen":
        raise AccountFrozen


def frozen_of(connection: Connection, owners: Collection[str]) -> set[str]:
    """Those of these owners who are frozen."""
    query = "SELECT DISTINCT owner FROM wallet.account WHERE owner = ANY (%s) AND status = 'frozen'"
    return {row[0] for row in connection.execute(query, [list(owners)])}


def shortfall(connection: Connection, cash: Opening) -> Refusal:
    """Why too little was found to pay with: the wallet is closed (so it is empty, too), has never held the currency of
    this cash account, is frozen (whether or not it has enough), or has not enough."""
    query = """
        SELECT bool_or(status = 'closed'), bool_or(status = 'frozen')
          FROM wallet.account WHERE owner = %s AND asset = %s AND purpose <> 'points'
    """
    is_closed, is_frozen = connection.execute(query, [cash.owner, cash.asset]).fetchone() or (None, None)
    if is_closed is None:
        # A wallet that is opened a moment after the sign-up has nothing in it yet.
        return InsufficientFunds() if cash.asset == brand_currency() else CurrencyUnknown()
    return AccountClosed() if is_closed else AccountFrozen() if is_frozen else InsufficientFunds()


def _of(connection: Connection, owner: str) -> str:
    row = connection.execute(
        "SELECT bool_or(status = 'closed'), bool_or(status = 'frozen') FROM wallet.account WHERE owner = %s", [owner]
    ).fetchone()
    is_closed, is_frozen = row or (False, False)
    return "closed" if is_closed else "frozen" if is_frozen else "open"


def _change(session: Session, owner: str, *, before: str, after: str) -> int:
    # The accounts in id order, so that two at it wait for each other.
    changing = """
        WITH own AS (SELECT id FROM wallet.account WHERE owner = %s AND status = %s AND purpose <> 'debt'
                      ORDER BY id FOR UPDATE)
        UPDATE wallet.account a SET status = %s FROM own WHERE a.id = own.id
    """
    return connection_of(session).execute(changing, [owner, before, after]).rowcount


# Locked, so that nothing comes in between this look and the closing.
_LEFT = """
    WITH own AS (
        SELECT a.purpose, a.asset, b.posted, b.held
          FROM wallet.account a JOIN wallet.balance b ON b.account_id = a.id
         WHERE a.owner = %s AND a.status <> 'closed'
         ORDER BY b.hot, b.account_id, b.shard FOR UPDATE OF b)
    SELECT purpose, asset, sum(posted)::bigint, sum(held)::bigint FROM own GROUP BY purpose, asset ORDER BY 1, 2
"""
