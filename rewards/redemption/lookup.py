"""What a till's redemption must know before it is decided, by one statement.

A campaign's terms are the catalogue's, where those are of the version that its row has. Generic codes are remembered,
since in a rush every till shows the same; then `rewards.redeem` asks whether nothing has changed.
"""

import json
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from core.db import Connection
from core.idempotency import Answer, KeyReused
from core.prepared import PreparedCall
from rewards.campaigns import catalogue
from rewards.redemption import guesses
from rewards.redemption.evidence import Held, Reference
from rewards.redemption.guesses import Guesser
from rewards.vouchers import codes
from wallet.arrays import array_literal
from wallet.paying.tills import Till

#: Generic codes that a process remembers, by their blind index, with the catalogue version they were seen in.
_MOST_CODES = 10_000
_remembered: dict[bytes, tuple[Held, int]] = {}


@dataclass(frozen=True, slots=True)
class Found:
    """skus: of the basket's, those that a scoped campaign covers; by_reference and by_key: the redemptions that stand
    under the till's reference and under the request's key; is_kept: an answer is frozen under that key; locked_until:
    after too many wrong codes; remembered: the catalogue version of one that was not looked up."""

    held: Held | None
    skus: frozenset[str]
    by_reference: UUID | None
    by_key: UUID | None
    is_kept: bool
    locked_until: datetime | None
    remembered: int | None = None


def recall(reference: Reference) -> Found | None:
    """What this process remembers of a generic code, as if nothing was done under the same names before."""
    if isinstance(reference, UUID):
        return None
    known = _remembered.get(codes.index(codes.normalise(reference)))
    if known is None:
        return None
    held, version = known
    return Found(replace(held), frozenset(), None, None, is_kept=False, locked_until=None, remembered=version)


def find(
    connection: Connection,
    reference: Reference,
    till: Till,
    till_reference: str,
    key: str | None,
    skus: Collection[str],
    guesser: Guesser,
    *,
    at: datetime,
) -> Found:
    """The voucher with its campaign, and what was done before under the same names."""
    names = [till.terminal_id, till_reference, till.terminal_id, key, f"terminal:{till.terminal_id}", key]
    asked = [array_literal(list(skus)), *names, *guesses.columns_of(guesser, now=at)]
    index = None if isinstance(reference, UUID) else codes.index(codes.normalise(reference))
    if index is None:
        row = _BY_ID.texts(connection, [*asked, reference])
    else:
        row = _BY_CODE.texts(connection, [*asked, index])
    *voucher, covered, by_reference, by_key, is_kept, locked_until = row
    held = _held(connection, *voucher) if voucher[0] else None
    # In a transaction it may be what that has changed itself, and may be undone (decision 0025).
    if index is not None and held is not None and connection.autocommit:
        _remember(index, held, int(voucher[_VERSION]))
    return Found(
        held,
        frozenset(json.loads(covered)) if covered else frozenset(),
        UUID(by_reference) if by_reference else None,
        UUID(by_key) if by_key else None,
        is_kept == "true",
        datetime.fromisoformat(locked_until) if locked_until else None,
    )


def stands(connection: Connection, till: Till, till_reference: str, key: str | None) -> bool:
    """Whether a redemption was made under these names by now."""
    row = connection.execute(_STANDS, [till.terminal_id, till_reference, till.terminal_id, key]).fetchone()
    return bool(row and row[0])


def kept_answer(connection: Connection, till: Till, key: str, fingerprint: bytes) -> Answer | None:
    """The refusal that was frozen under a request's key.

    raises  KeyReused for another request
    """
    row = connection.execute(_KEPT, [f"terminal:{till.terminal_id}", key]).fetchone()
    if row is None:
        return None
    if row[0] != fingerprint:
        raise KeyReused
    return Answer(row[1], row[2])


def _remember(index: bytes, held: Held, version: int) -> None:
    """Keep a generic code for `recall`, or forget it; one whose decision reads more than its terms is not kept."""
    if held.is_generic and not (held.is_blocked or held.terms.is_scoped or held.terms.is_gift_card or held.terms.rule):
        if len(_remembered) >= _MOST_CODES:
            _remembered.clear()
        _remembered[index] = (replace(held), version)
    else:
        _remembered.pop(index, None)


def _held(
    connection: Connection,
    voucher_id: str,
    campaign_id: str,
    customer_id: str | None,
    expires_at: str | None,
    is_generic: str,
    used: str,
    state: str,
    is_of_batch: str,
    *version: Any,
) -> Held:
    return Held(
        UUID(voucher_id),
        UUID(customer_id) if customer_id else None,
        datetime.fromisoformat(expires_at) if expires_at else None,
        catalogue.terms_at(connection, UUID(campaign_id), version),
        is_generic == "true",
        state in ("blocked", "inactive"),
        int(used),
        is_of_batch == "true",
    )


#: The place of the campaign's catalogue version in the row.
_VERSION = 8

_FIND = f"""
    SELECT v.id::text, v.campaign_id::text, v.customer_id::text, v.expires_at::text, v.is_generic::text, v.used::text,
           v.state, (v.batch_id IS NOT NULL)::text, c.catalogue_version::text, c.revision::text, c.state,
           CASE WHEN c.is_scoped THEN array_to_json(ARRAY(
               SELECT s.sku FROM rewards.campaign_sku s
                WHERE s.campaign_id = c.id AND s.sku = ANY(%s::text[])))::text END,
           (SELECT r.id FROM rewards.redemption r
             WHERE r.terminal_id = %s AND r.till_reference = %s AND r.checkout_id IS NULL)::text,
           (SELECT k.id FROM rewards.redemption k WHERE k.terminal_id = %s AND k.request_key = %s)::text,
           (EXISTS (SELECT FROM core.idempotency WHERE principal = %s AND key = %s))::text,
           ({guesses.LOCKED_UNTIL})::text
      FROM (SELECT) AS one
      LEFT JOIN (rewards.voucher v JOIN rewards.campaign c ON c.id = v.campaign_id) ON
"""  # noqa: S608 - constants only

_BY_ID = PreparedCall("rewards_find_by_id", f"{_FIND} v.id = %s")
_BY_CODE = PreparedCall("rewards_find_by_code", f"{_FIND} v.code_index = %s")

_STANDS = """
    SELECT EXISTS (SELECT FROM rewards.redemption
                    WHERE terminal_id = %s AND till_reference = %s AND checkout_id IS NULL)
        OR EXISTS (SELECT FROM rewards.redemption WHERE terminal_id = %s AND request_key = %s)
"""

_KEPT = "SELECT fingerprint, status, body FROM core.idempotency WHERE principal = %s AND key = %s"
