"""Embeds: the vouchers that letters name, with their codes in clear and what they are worth."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from core import crypto
from core.db import connection_of
from rewards import terms
from rewards.discounts import AmountOff, Discount, GiftValue, PercentageOff
from rewards.terms import Terms
from rewards.vouchers import Voucher, codes
from rewards.vouchers import rows as voucher_rows
from wallet.documents.wording import Wording as Teller


@dataclass(frozen=True, slots=True)
class Embed:
    """A voucher as a letter may name it; its code is for its owner's eyes, never for a log."""

    id: UUID
    code: str = field(repr=False)
    expires_at: datetime | None
    currency: str
    discount: Discount

    @property
    def shown_code(self) -> str:
        return codes.display(self.code)

    def worth(self, teller: Teller) -> str | None:
        """ "$5.00" or "15%"; None of a coupon that has no worth before a basket is there."""
        if isinstance(self.discount, AmountOff | GiftValue):
            return teller.money(self.discount.amount_minor, self.currency)
        if isinstance(self.discount, PercentageOff):
            whole, rest = divmod(self.discount.bps, 100)
            return f"{whole}%" if rest == 0 else f"{self.discount.bps / 100:g}%"
        return None


def load(
    session: Session, voucher_ids: Iterable[UUID], at_hand: Mapping[UUID, Voucher] | None = None
) -> dict[UUID, Embed]:
    """The vouchers that letters name, with two statements at most; those of erased customers are left out.

    at_hand  vouchers that were issued just now, so their codes need not be opened
    """
    known = at_hand or {}
    wanted = set(voucher_ids)
    connection = connection_of(session)
    rows = connection.execute(_LOAD, [sorted(wanted - known.keys())]).fetchall() if wanted - known.keys() else []
    issued = [known[voucher_id] for voucher_id in sorted(wanted & known.keys())]
    of_campaigns = terms.load(connection, {row[1] for row in rows} | {voucher.campaign_id for voucher in issued})
    crypto.fetch_data_keys(session, [voucher_rows.key_owner(row[1], row[2]) for row in rows])

    found = {each.id: _embed(each.id, each.code, each.expires_at, of_campaigns[each.campaign_id]) for each in issued}
    for voucher_id, campaign_id, customer_id, ciphertext, expires_at in rows:
        try:
            code = voucher_rows.open_code(
                session, voucher_id=voucher_id, campaign_id=campaign_id, customer_id=customer_id, ciphertext=ciphertext
            )
        except crypto.Erased:
            continue
        found[voucher_id] = _embed(voucher_id, code, expires_at, of_campaigns[campaign_id])
    return found


def _embed(voucher_id: UUID, code: str, expires_at: datetime | None, of: Terms) -> Embed:
    return Embed(voucher_id, code, expires_at, of.currency, of.discount)


def context(embed: Embed, teller: Teller, says: Collection[str], *, link: str, qr: str) -> dict[str, Any]:
    """What a template may say of a voucher; what is not so (an end, a worth) is not there.

    says  the variables that it names: days and money take longer to tell than all the rest
    """
    told: dict[str, Any] = {"code": embed.shown_code, "link": link, "qr": qr}
    if "voucher.expires" in says and embed.expires_at is not None:
        # The last day on which it is good: what ends at midnight ends the day before.
        told["expires"] = teller.day(embed.expires_at - timedelta(microseconds=1))
    if "voucher.worth" in says and (worth := embed.worth(teller)) is not None:
        told["worth"] = worth
    return told


_LOAD = "SELECT id, campaign_id, customer_id, code_ciphertext, expires_at FROM rewards.voucher WHERE id = ANY(%s)"
