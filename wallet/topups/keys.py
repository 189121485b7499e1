"""The keys of top-ups: one that names a top-up can name no payment, nor the other way round.

A top-up's money is posted under a key of our own, once the provider has said yes; so its request's key is taken in the
ledger before the provider is asked, where every other key of value stands. (Posting under the request's key instead
would take a charge first, and be refused after it.)
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from core import ids
from core.db import Connection
from core.errors import Refusal
from core.idempotency import KeyReused
from wallet import ledger
from wallet.faults import thawed
from wallet.ledger import Transfer

#: Of a declined transfer that only keeps a key: whatever else is to be posted under it is refused with KeyReused.
KIND = "topup.key"

#: A top-up's id and its request's principal, key and fingerprint.
Named = tuple[UUID, str, str, bytes]


def take_all(connection: Connection, topups: Sequence[Named], *, now: datetime) -> dict[UUID, Refusal]:
    """Take the keys of these top-ups for ever; why not, for those whose key names something else or a refusal already.

    effects  waits for a payment that is being posted under one of the keys
    """
    if ledger.decline_all(connection, [_keeper(named, now=now) for named in topups], KeyReused()) == len(topups):
        return {}
    # A statement of its own, since the one before cannot see the deeds that it waited for.
    columns = [list(column) for column in zip(*topups, strict=True)]
    found = connection.execute(_TAKEN, [KIND, *columns, KIND, KeyReused.code]).fetchall()
    return {topup_id: thawed(refusal) if is_ours else KeyReused() for topup_id, is_ours, refusal in found}


def freeze(connection: Connection, named: Named, refusal: Refusal, *, now: datetime) -> None:
    """Keep a refusal under the key, for every retry; one that is kept already stays."""
    ledger.decline(connection, _keeper(named, now=now), refusal)


def _keeper(named: Named, *, now: datetime) -> Transfer:
    topup_id, principal, key, fingerprint = named
    return Transfer(
        id=ids.new(),
        principal=principal,
        key=key,
        fingerprint=fingerprint,
        kind=KIND,
        legs=(),
        effective_at=now,
        details={"topup_id": str(topup_id)},
    )


_TAKEN = """
    SELECT a.id, w.fingerprint = a.fingerprint AND w.kind = %s, w.refusal
      FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::bytea[]) AS a (id, principal, key, fingerprint)
      JOIN wallet.transfer w USING (principal, key)
     WHERE w.fingerprint <> a.fingerprint OR w.kind <> %s OR w.refusal ->> 'code' <> %s
"""
