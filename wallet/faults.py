"""Faults: what the posting functions raise, and the refusals that they mean."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psycopg

from core.errors import Refusal, every_refusal, of_constraint
from core.idempotency import KeyReused
from wallet.errors import AmountTooLarge, InsufficientFunds, PostingRefused


@contextmanager
def refusals() -> Iterator[None]:
    """Raise, for a fault of a posting function, the refusal that it means."""
    try:
        yield
    except psycopg.IntegrityError as error:
        refusal = _refusal_of(error)
        if refusal is None:
            raise
        raise refusal from error
    except psycopg.errors.NumericValueOutOfRange as error:
        raise AmountTooLarge from error


#: The balance that a check refused, as PostgreSQL's detail shows it: (account, asset, standing, ...).
_BALANCE = re.compile(r"\(([0-9a-f-]{36}), [A-Z]+, (frozen|closed), ")


def _refusal_of(error: psycopg.IntegrityError) -> Refusal | None:
    """The refusal that a fault of `wallet.post` means; its detail is "position|what"."""
    name, detail = error.diag.constraint_name or "", error.diag.message_detail or ""
    # `wallet.post_one` meets the floor before it looks at the standing, of which everybody is told first.
    balance = _BALANCE.search(detail) if name == InsufficientFunds.constraint else None
    if balance is not None:
        name, detail = f"ck_account_{balance[2]}", f"1|{balance[1]}"
    position, _, rest = detail.partition("|")
    if name == "uq_transfer_principal_key":
        return KeyReused()
    if name == "ck_transfer_declined":
        return thawed(json.loads(rest))
    kind = of_constraint(name)
    if kind is None:
        return None
    refusal = kind(**json.loads(rest)) if rest.startswith("{") else kind()
    if isinstance(refusal, PostingRefused) and position.isdigit():
        refusal.position = int(position) - 1
        refusal.account_id = UUID(rest) if rest and not refusal.facts else None
    return refusal


def thawed(kept: Mapping[str, Any]) -> Refusal:
    """A refusal as it was frozen under its key."""
    kind = next((kind for kind in every_refusal() if kind.code == kept["code"]), Refusal)
    refusal = kind(kept["detail"], **kept["facts"])
    refusal.is_replayed = True
    return refusal
