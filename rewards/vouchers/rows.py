"""Vouchers as rows: codes sealed and indexed on the way in, opened on the way out."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from core import crypto
from core.db import connection_of
from rewards import terms
from rewards.counters import Counted
from rewards.terms import Terms
from rewards.vouchers import code_shapes, codes

CODE_PLACE = "rewards.voucher.code"

#: SQL: how often the coupon `v` of the campaign `c` may be used by its holder; NULL for no limit. A printed code that
#: somebody has claimed is still one code.
USES_CAP = "CASE WHEN v.batch_id IS NULL THEN c.limit_per_customer ELSE c.uses_per_code END"

#: SQL: whether the voucher `v` has something left. A coupon that was used up is as good as any once its campaign allows
#: more uses; so is a gift card that was spent to nothing, and then paid back by a refund. (A scalar, since EXISTS lets
#: the planner choose to read every account.)
HAS_LEFT = f"""
    (v.state = 'active' OR v.state <> 'blocked' AND coalesce(
     (SELECT v.used < coalesce({USES_CAP}, v.used + 1)
        FROM rewards.campaign c WHERE c.id = v.campaign_id AND c.kind = 'coupon'),
     (SELECT max(b.posted - b.held) FROM wallet.account a JOIN wallet.balance b ON b.account_id = a.id
          WHERE a.owner = 'voucher:' || v.id) > 0))
"""  # noqa: S608 - constants only


@dataclass(frozen=True, slots=True, kw_only=True)
class Voucher:
    """A voucher with its code in clear: for its owner's eyes, never for a log.

    value_minor   what a gift card held when it was issued; None for a coupon
    replayed      it had been issued for the same source before
    """

    id: UUID
    campaign_id: UUID
    customer_id: UUID | None
    kind: str
    code: str = field(repr=False)
    currency: str
    value_minor: int | None
    expires_at: datetime | None
    issued_at: datetime
    replayed: bool


@dataclass(frozen=True, slots=True)
class Draft:
    """A voucher to be written; uses: the limits' counters that it takes from; is_bearer: a customer's to be, whoever
    shows it first."""

    source: str
    voucher: Voucher
    uses: tuple[Counted, ...]
    is_bearer: bool = False


def key_owner(campaign_id: UUID, customer_id: UUID | None) -> UUID:
    """Under whose data key a voucher's code is sealed: its customer's, or for a generic one its campaign's."""
    return customer_id or campaign_id


def insert(session: Session, drafts: Sequence[Draft]) -> set[str]:
    """Write the drafts; the sources of those that were, as another transaction may have been first with some.

    raises  CodeTaken when a chosen code is in use
    """
    if not drafts:
        return set()
    # In order of source, so that two transactions that give for the same causes cannot wait for each other.
    drafts = sorted(drafts, key=lambda draft: draft.source)
    crypto.create_data_keys(session, {d.voucher.campaign_id for d in drafts if d.voucher.customer_id is None})
    crypto.fetch_data_keys(session, {key_owner(d.voucher.campaign_id, d.voucher.customer_id) for d in drafts})
    columns = zip(*[_columns(session, draft) for draft in drafts], strict=True)
    connection = connection_of(session)
    written = {row[0] for row in connection.execute(_INSERT, [list(column) for column in columns])}
    chosen = [codes.normalise(draft.voucher.code) for draft in drafts if draft.voucher.customer_id is None]
    code_shapes.note_free(connection, [code for code in chosen if len(code) != codes.LENGTH])
    return written


def by_source(session: Session, sources: Sequence[str]) -> dict[str, Voucher]:
    """What was issued for these causes before."""
    if not sources:
        return {}
    connection = connection_of(session)
    rows = connection.execute(_BY_SOURCE, [list(sources)]).fetchall()
    of_campaigns = terms.load(connection, [row[2] for row in rows])
    crypto.fetch_data_keys(session, [key_owner(row[2], row[3]) for row in rows])
    return {row[0]: _opened(session, of_campaigns[row[2]], *row[1:]) for row in rows}


def reseal(
    session: Session, *, voucher_id: UUID, campaign_id: UUID, ciphertext: bytes, from_: UUID | None, to: UUID
) -> tuple[str, bytes]:
    """A code in clear and sealed anew, for a voucher that changes hands; `from_` is None where it was nobody's.

    raises  Erased when either's data key is gone
    """
    code = open_code(session, voucher_id=voucher_id, campaign_id=campaign_id, customer_id=from_, ciphertext=ciphertext)
    owner_id = key_owner(campaign_id, to)
    return code, crypto.seal(session, owner_id=owner_id, place=CODE_PLACE, row_id=voucher_id, text=code)


def open_code(
    session: Session, *, voucher_id: UUID, campaign_id: UUID, customer_id: UUID | None, ciphertext: bytes
) -> str:
    """The code in clear.

    raises  Erased when the customer's data key is gone
    """
    owner_id = key_owner(campaign_id, customer_id)
    return crypto.unseal(session, owner_id=owner_id, place=CODE_PLACE, row_id=voucher_id, ciphertext=ciphertext)


def _columns(session: Session, draft: Draft) -> list[object]:
    voucher = draft.voucher
    owner_id = key_owner(voucher.campaign_id, voucher.customer_id)
    return [
        voucher.id,
        voucher.campaign_id,
        voucher.customer_id,
        codes.index(codes.normalise(voucher.code)),
        crypto.seal(session, owner_id=owner_id, place=CODE_PLACE, row_id=voucher.id, text=voucher.code),
        voucher.code[-4:],
        draft.source,
        voucher.expires_at,
        voucher.issued_at,
        voucher.customer_id is None and voucher.kind == "coupon" and not draft.is_bearer,
    ]


def _opened(
    session: Session,
    of: Terms,
    voucher_id: UUID,
    campaign_id: UUID,
    customer_id: UUID | None,
    ciphertext: bytes,
    expires_at: datetime | None,
    issued_at: datetime,
) -> Voucher:
    return Voucher(
        id=voucher_id,
        campaign_id=campaign_id,
        customer_id=customer_id,
        kind=of.kind,
        code=open_code(
            session, voucher_id=voucher_id, campaign_id=campaign_id, customer_id=customer_id, ciphertext=ciphertext
        ),
        currency=of.currency,
        value_minor=of.value_minor,
        expires_at=expires_at,
        issued_at=issued_at,
        replayed=True,
    )


_INSERT = """
    INSERT INTO rewards.voucher (id, campaign_id, customer_id, code_index, code_ciphertext, last4, state, used, source,
                                 expires_at, issued_at, is_generic)
    SELECT id, campaign_id, customer_id, code_index, code_ciphertext, last4, 'active', 0, source, expires_at, issued_at,
           is_generic
      FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[], %s::bytea[], %s::bytea[], %s::text[], %s::text[],
                  %s::timestamptz[], %s::timestamptz[], %s::boolean[])
           WITH ORDINALITY AS v (id, campaign_id, customer_id, code_index, code_ciphertext, last4, source, expires_at,
                                 issued_at, is_generic, position)
     ORDER BY position
        ON CONFLICT (source) DO NOTHING
    RETURNING source
"""

_BY_SOURCE = """
    SELECT source, id, campaign_id, customer_id, code_ciphertext, expires_at, issued_at
      FROM rewards.voucher WHERE source = ANY(%s)
"""
