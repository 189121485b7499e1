"""Giving: the vouchers that a batch of walks asks for, issued at once, and the codes that their messages name."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import crypto
from core.errors import Refusal
from engage.steps import Run
from engage.walks.walk import Walk
from rewards import vouchers
from rewards.models import VoucherRow
from rewards.vouchers import Issue, Voucher
from rewards.vouchers import rows as voucher_rows


@dataclass(frozen=True, slots=True)
class Asked:
    """One step of one walk that wants a voucher of a campaign."""

    walk: Walk
    run: Run
    campaign_id: UUID


def give(session: Session, asked: Sequence[Asked], *, now: datetime) -> dict[UUID, Voucher | Refusal]:
    """By run, the voucher or why there is none; each run is a source of its own, so none is given twice.

    effects  one posting to the ledger for all
    """
    issues = [
        Issue(
            campaign_id=one.campaign_id,
            customer_id=one.walk.customer_id,
            source=f"step_run:{one.run.id}",
            caused_by=one.walk.caused_by,
            depth=one.walk.depth,
        )
        for one in asked
    ]
    given = vouchers.issue_each(session, issues, now=now)
    return {one.run.id: answer for one, answer in zip(asked, given, strict=True)}


def codes_of(session: Session, voucher_ids: Iterable[UUID], known: Mapping[UUID, str]) -> dict[UUID, str]:
    """The codes in clear of many vouchers; those of erased customers are left out.

    known  codes that are at hand already, because they were issued just now
    """
    wanted = set(voucher_ids)
    missing = wanted - known.keys()
    found = {voucher_id: known[voucher_id] for voucher_id in wanted & known.keys()}
    if not missing:
        return found
    rows = session.scalars(select(VoucherRow).where(VoucherRow.id.in_(missing))).all()
    crypto.fetch_data_keys(session, [voucher_rows.key_owner(row.campaign_id, row.customer_id) for row in rows])
    for row in rows:
        try:
            found[row.id] = voucher_rows.open_code(
                session,
                voucher_id=row.id,
                campaign_id=row.campaign_id,
                customer_id=row.customer_id,
                ciphertext=row.code_ciphertext,
            )
        except crypto.Erased:
            continue
    return found
