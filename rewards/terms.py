"""A campaign's terms as the hot paths read them: many at once, without the ORM."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from core.db import Connection, connection_of
from core.errors import NotFound
from rewards import counters, discounts
from rewards.counters import Counted
from rewards.discounts import Discount, GiftValue
from rewards.errors import CampaignNotRunning
from wallet import accounts


@dataclass(frozen=True, slots=True)
class Terms:
    campaign_id: UUID
    kind: str
    discount: Discount
    currency: str
    is_scoped: bool
    min_spend_minor: int
    limit_total: int | None
    limit_per_customer: int | None
    audience_id: UUID | None
    voucher_days: int | None
    state: str
    starts_at: datetime
    ends_at: datetime
    revision: int = 1
    rule: dict[str, Any] | None = None
    schedule: dict[str, Any] | None = None
    limit_terms: Sequence[dict[str, Any]] = ()
    holdout_bps: int = 0
    holdout_salt: UUID | None = None
    category: str | None = None
    is_exclusive: bool = False
    priority: int = 0
    uses_per_code: int | None = 1
    is_transferable: bool = False

    @property
    def is_gift_card(self) -> bool:
        return self.kind == "gift_card"

    @property
    def budget_account(self) -> UUID:
        """The ledger account that pays this campaign's coupons and fills its gift cards."""
        return accounts.id_of(owner_of(self.campaign_id), "budget", self.currency)

    @property
    def value_minor(self) -> int | None:
        """What a gift card of this campaign holds when it is issued; None for coupons."""
        return self.discount.amount_minor if isinstance(self.discount, GiftValue) else None

    def limits(self, customer_id: UUID | None) -> list[tuple[Counted, int]]:
        """The counters that one use by this customer (None: nobody known) takes from, with their caps."""
        found: list[tuple[Counted, int]] = []
        if self.limit_total is not None:
            found.append(((self.campaign_id, counters.TOTAL, counters.USES, counters.FOR_EVER), self.limit_total))
        if self.limit_per_customer is not None and customer_id is not None:
            scope = counters.scope_of(customer_id)
            found.append(((self.campaign_id, scope, counters.USES, counters.FOR_EVER), self.limit_per_customer))
        return found

    def check_running(self, at: datetime) -> None:
        """raises  CampaignNotRunning unless it is started and `at` lies in its window (the end not included)"""
        if self.state != "running":
            raise CampaignNotRunning(campaign_status=self.state)
        if not self.is_running(at):
            raise CampaignNotRunning(starts_at=self.starts_at.isoformat(), ends_at=self.ends_at.isoformat())

    def is_running(self, at: datetime) -> bool:
        """Whether it is started and `at` lies in its window (the end not included)."""
        return self.state == "running" and self.starts_at <= at < self.ends_at

    def expiry(self, issued_at: datetime) -> datetime | None:
        """When a voucher ends: after voucher_days; a coupon with its campaign at the latest; else never (None)."""
        after_days = issued_at + timedelta(days=self.voucher_days) if self.voucher_days else None
        if self.is_gift_card:
            return after_days
        return min(after_days, self.ends_at) if after_days else self.ends_at


def owner_of(campaign_id: UUID) -> str:
    """The campaign as an owner in the ledger."""
    return f"campaign:{campaign_id}"


def card_owner(voucher_id: UUID) -> str:
    """A gift card as an owner in the ledger."""
    return f"voucher:{voucher_id}"


def gift_account(voucher_id: UUID, currency: str) -> UUID:
    """The ledger account that a gift card's value stands on."""
    return accounts.id_of(card_owner(voucher_id), "gift", currency)


def load(connection: Connection, campaign_ids: Iterable[UUID]) -> dict[UUID, Terms]:
    """The terms of these campaigns, with one query; unknown ids are left out."""
    wanted = list(set(campaign_ids))
    if not wanted:
        return {}
    rows = connection.execute(
        """
        SELECT id, kind, discount, currency, is_scoped, min_spend_minor, limit_total, limit_per_customer, audience_id,
               voucher_days, state, starts_at, ends_at, revision, rule, schedule, limits, holdout_bps, holdout_salt,
               category, is_exclusive, priority, uses_per_code, is_transferable
          FROM rewards.campaign WHERE id = ANY(%s)
        """,
        [wanted],
    ).fetchall()
    return {row[0]: Terms(row[0], row[1], discounts.parse(row[1], row[2]), *row[3:]) for row in rows}


def load_one(session: Session, campaign_id: UUID) -> Terms:
    """raises  NotFound"""
    found = load(connection_of(session), [campaign_id])
    if not found:
        raise NotFound("There is no such campaign")
    return found[campaign_id]


def scopes(connection: Connection, wanted: Collection[tuple[UUID, str]]) -> dict[UUID, set[str]]:
    """By campaign, those of the (campaign, sku) pairs that its scope covers: only what the baskets hold is read."""
    if not wanted:
        return {}
    rows = connection.execute(
        """
        SELECT s.campaign_id, s.sku
          FROM rewards.campaign_sku s
          JOIN unnest(%s::uuid[], %s::text[]) AS w (campaign_id, sku) USING (campaign_id, sku)
        """,
        [[campaign_id for campaign_id, _ in wanted], [sku for _, sku in wanted]],
    )
    found: dict[UUID, set[str]] = {}
    for campaign_id, sku in rows:
        found.setdefault(campaign_id, set()).add(sku)
    return found
