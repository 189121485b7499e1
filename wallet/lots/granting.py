"""Granting: promotional value that the brand gives customers, each grant in a lot of its own that lapses.

It comes out of the brand's "loyalty" account, as promotional value of batches and adjustments does, which has no floor:
a grant is bounded by whoever decides it (a journey by its spend).
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core import ids
from core.db import Connection
from core.errors import Refusal
from core.money import SANDBOX
from wallet import accounts
from wallet.accounts import Opening
from wallet.errors import AccountClosed, SandboxMixed
from wallet.events import PromotionGranted
from wallet.finance import owing
from wallet.lots.choosing import give
from wallet.transfers import Transfer

_KIND = "promotion"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """Value to give.

    source  who gives it ("journey:<id>"): the ledger's principal
    key     the one cause it is given for ("step_run:<id>"): the same source and key give nothing twice
    """

    customer_id: UUID
    amount: int
    asset: str
    expires_at: datetime | None
    source: str
    key: str
    caused_by: UUID | None = None
    depth: int = 0


def grant_later(
    connection: Connection, grants: Sequence[Grant], *, now: datetime
) -> tuple[list[UUID | Refusal], list[Transfer]]:
    """What comes of each grant (its transfer or why there is none), and the transfers, which the caller posts.

    refusals  AccountClosed; SandboxMixed
    effects   opens the accounts that are not open yet; the transfers announce promotion.granted once they are posted
    """
    if not grants:
        return [], []
    closed = owing.closed_ones(connection, [_target(grant) for grant in grants])
    outcomes: list[UUID | Refusal] = []
    transfers: list[Transfer] = []
    for grant in grants:
        refusal = _refused(grant, closed)
        if refusal is not None:
            outcomes.append(refusal)
            continue
        transfer = transfer_of(grant, now=now)
        outcomes.append(transfer.id)
        transfers.append(transfer)
    given = [grant for grant, outcome in zip(grants, outcomes, strict=True) if isinstance(outcome, UUID)]
    accounts.open_all(connection, [opening for grant in given for opening in (_source(grant), _target(grant))])
    return outcomes, transfers


def transfer_of(grant: Grant, *, now: datetime) -> Transfer:
    """The grant as the ledger takes it; both accounts must be open."""
    transfer_id = ids.new()
    leg, lot = give(_target(grant), grant.amount, source=_KIND, expires_at=grant.expires_at)
    return Transfer(
        id=transfer_id,
        principal=grant.source,
        key=grant.key,
        fingerprint=_fingerprint(grant),
        kind=_KIND,
        legs=[_source(grant).leg(-grant.amount), leg],
        lots=(lot,),
        effective_at=now,
        details={"source": grant.source},
        events=[
            PromotionGranted(
                customer_id=grant.customer_id,
                occurred_at=now,
                caused_by=grant.caused_by,
                depth=grant.depth,
                transfer_id=transfer_id,
                source=grant.source,
                amount_minor=grant.amount,
                currency=grant.asset,
                expires_at=grant.expires_at,
            )
        ],
    )


def _refused(grant: Grant, closed: set[str]) -> Refusal | None:
    if (grant.asset == SANDBOX) != ids.is_sandbox(grant.customer_id):
        return SandboxMixed()
    return AccountClosed() if _target(grant).owner in closed else None


def _source(grant: Grant) -> Opening:
    return accounts.of_brand("loyalty", grant.asset)


def _target(grant: Grant) -> Opening:
    return accounts.promotional(grant.customer_id, grant.asset)


def _fingerprint(grant: Grant) -> bytes:
    said = f"{grant.customer_id}|{grant.amount}|{grant.asset}"
    return hashlib.sha256(said.encode()).digest()
