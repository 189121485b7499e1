"""Everything that decides about the vouchers shown with many baskets, brought together in a handful of statements.

Vouchers are locked by id, then counters, and balances last by the ledger: one order everywhere, so nobody deadlocks.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

from core.db import Connection
from rewards import audiences, counters, rules, terms
from rewards.baskets import Basket
from rewards.campaigns import catalogue, limits
from rewards.counters import Counted, CountedUse
from rewards.funds import Funds
from rewards.rules import Facts, Need, Rule
from rewards.terms import Terms
from rewards.vouchers import codes
from rewards.vouchers import rows as voucher_rows
from wallet import standing
from wallet.paying.tills import Till

#: A voucher as it is shown: its id, or its code as typed or scanned.
Reference = UUID | str

#: Take all of the customer's vouchers that apply, the one that takes most off first.
BEST: Literal["best"] = "best"


@dataclass(frozen=True, slots=True)
class Shown:
    """The vouchers shown with one basket.

    customer_id   whose basket it is; None at a till that knows nobody
    at            business time
    takes_part    vouchers that cannot be used are left out, instead of refusing all
    """

    references: tuple[Reference, ...] | Literal["best"]
    customer_id: UUID | None
    basket: Basket
    till: Till
    currency: str
    at: datetime
    takes_part: bool = False


@dataclass(slots=True)
class Held:
    """A voucher that was found, with how often it was used so far. `used` moves as uses are decided."""

    id: UUID
    customer_id: UUID | None
    expires_at: datetime | None
    terms: Terms
    is_generic: bool
    is_blocked: bool = False
    used: int = 0
    is_of_batch: bool = False

    @property
    def account(self) -> UUID:
        """Which ledger account its value comes from."""
        if self.terms.is_gift_card:
            return terms.gift_account(self.id, self.terms.currency)
        return self.terms.budget_account

    @property
    def uses_cap(self) -> int | None:
        """How often it may be used: a bearer's, and a batch's code that somebody has claimed, as the campaign says by
        code; what was given to a customer by customer."""
        if self.terms.is_gift_card or self.is_generic:
            return None
        by_code = self.is_of_batch or self.customer_id is None
        return self.terms.uses_per_code if by_code else self.terms.limit_per_customer

    @property
    def is_locked(self) -> bool:
        """Generic coupons are not: many tills use one at once, and what limits it is its campaign's counter."""
        return not self.is_generic


@dataclass(slots=True)
class Evidence:
    """left: what counters have left under our locks; one that is not there was not looked at. scopes: covered skus by
    scoped campaign; audiences: by customer, those that the vouchers' campaigns ask for; frozen: holders of gift cards
    whose wallets nothing may leave; rules: what campaigns ask for besides, with the facts that they are decided by."""

    funds: Funds
    vouchers: dict[UUID, Held] = field(default_factory=dict)
    of_code: dict[bytes, UUID] = field(default_factory=dict)
    of_customer: dict[UUID, list[UUID]] = field(default_factory=dict)
    audiences: dict[UUID | None, set[UUID]] = field(default_factory=dict)
    scopes: dict[UUID, set[str]] = field(default_factory=dict)
    left: dict[Counted, int] = field(default_factory=dict)
    frozen: set[UUID] = field(default_factory=set)
    rules: dict[UUID, Rule] = field(default_factory=dict)
    facts: dict[tuple[int, UUID | None], Facts] = field(default_factory=dict)

    def facts_of(self, shown: Shown, customer_id: UUID | None) -> Facts:
        """What is known of one basket, if its vouchers are this customer's; by its id, since it is long to compare."""
        key = (id(shown), customer_id)
        if key not in self.facts:
            self.facts[key] = Facts(
                customer_id=customer_id, basket=shown.basket, till=shown.till, at=shown.at, currency=shown.currency
            )
        return self.facts[key]

    def find(self, reference: Reference) -> Held | None:
        """The voucher of an id or a code, if there is one."""
        if isinstance(reference, UUID):
            return self.vouchers.get(reference)
        found = self.of_code.get(codes.index(codes.normalise(reference)))
        return self.vouchers[found] if found else None

    def held_by(self, customer_id: UUID | None) -> list[Held]:
        """The customer's vouchers that have something left, if they were asked for."""
        return [self.vouchers[found] for found in self.of_customer.get(customer_id, ())] if customer_id else []

    def candidates(self, shown: Shown) -> list[Held]:
        """Every voucher that may be used for this basket."""
        if shown.references == BEST:
            return self.held_by(shown.customer_id)
        return [held for held in (self.find(reference) for reference in shown.references) if held]


def uses_of(shown: Shown, held: Held, amount_minor: int) -> list[CountedUse]:
    """What one use of a voucher, worth so much, takes from its campaign's counters. A gift card's count its issuing."""
    if held.terms.is_gift_card:
        return []
    return limits.counted(
        held.terms,
        customer_id=user_of(held, shown.customer_id),
        store_id=shown.till.store_id,
        amount_minor=amount_minor,
        at=shown.at,
    )


def user_of(held: Held, customer_id: UUID | None) -> UUID | None:
    """Whose use it is: the holder's, or for a code that is nobody's the customer's whose basket it is."""
    return held.customer_id or customer_id


def gather(connection: Connection, funds: Funds, shown: Sequence[Shown]) -> Evidence:
    """Find and lock what these baskets' vouchers need. Nothing is read where no voucher is shown.

    effects  locks vouchers by id, then counters by (campaign, scope)
    """
    evidence = Evidence(funds)
    asking = [each for each in shown if each.references]
    if asking:
        _find_vouchers(connection, evidence, asking)
    if evidence.vouchers:
        pairs = [(each, held) for each in asking for held in evidence.candidates(each)]
        _lock(connection, evidence)
        read_audiences(connection, evidence, pairs)
        _read_scopes(connection, evidence, pairs)
        read_rules(connection, evidence, pairs)
        wanted = [use for each, held in pairs for use in uses_of(each, held, 0)]
        evidence.left = counters.lock(connection, {use.counted: use.cap for use in wanted})
        # A gift card gives what it has, so its value is always read; its row is locked, so nobody changes it now.
        held = evidence.vouchers.values()
        cards = [each for each in held if each.terms.is_gift_card]
        funds.read(connection, [card.account for card in cards], always=True)
        evidence.frozen = frozen_of(connection, cards)
        funds.read(connection, [coupon.account for coupon in held if not coupon.terms.is_gift_card])
    return evidence


def _find_vouchers(connection: Connection, evidence: Evidence, asking: Sequence[Shown]) -> None:
    named = [reference for each in asking if each.references != BEST for reference in each.references]
    by_id = [reference for reference in named if isinstance(reference, UUID)]
    indexes = [codes.index(codes.normalise(reference)) for reference in named if isinstance(reference, str)]
    customers = [each.customer_id for each in asking if each.references == BEST and each.customer_id]
    rows = connection.execute(_FIND, [by_id, indexes, customers]).fetchall()

    of_campaigns = terms.load(connection, [row[1] for row in rows])
    wanted = set(customers)
    for voucher_id, campaign_id, customer_id, code_index, expires_at, is_generic, is_blocked, is_of_batch in rows:
        of = of_campaigns[campaign_id]
        held = Held(voucher_id, customer_id, expires_at, of, is_generic, is_blocked, is_of_batch=is_of_batch)
        evidence.vouchers[voucher_id] = held
        evidence.of_code[code_index] = voucher_id
        if customer_id in wanted:
            evidence.of_customer.setdefault(customer_id, []).append(voucher_id)


def _lock(connection: Connection, evidence: Evidence) -> None:
    lockable = [held.id for held in evidence.vouchers.values() if held.is_locked]
    for voucher_id, used, holder_id, is_blocked in connection.execute(_LOCK, [lockable]):
        held = evidence.vouchers[voucher_id]
        # One that was given away since it was found is not known by its old code, nor to its old holder.
        held.is_blocked = is_blocked or held.customer_id not in (None, holder_id)
        held.used, held.customer_id = used, holder_id


def frozen_of(connection: Connection, cards: Sequence[Held]) -> set[UUID]:
    """Holders whose wallets are frozen: their cards' accounts bear the cards' names, so those are not."""
    holders = {f"customer:{card.customer_id}": card.customer_id for card in cards if card.customer_id}
    return {holders[owner] for owner in standing.frozen_of(connection, holders)} if holders else set()


def read_audiences(connection: Connection, evidence: Evidence, pairs: Sequence[tuple[Shown, Held]]) -> None:
    """Who is invited to use a code that is nobody's; a voucher that was given to a customer was checked then."""
    generic = [(each, held) for each, held in pairs if held.customer_id is None]
    wanted = [(h.terms.audience_id, e.customer_id) for e, h in generic if h.terms.audience_id and e.customer_id]
    for audience_id, customer_id in audiences.members(connection, wanted):
        evidence.audiences.setdefault(customer_id, set()).add(audience_id)


def _read_scopes(connection: Connection, evidence: Evidence, pairs: Sequence[tuple[Shown, Held]]) -> None:
    """Which of the lines are covered."""
    scoped = [(held.terms.campaign_id, each.basket) for each, held in pairs if held.terms.is_scoped]
    evidence.scopes = terms.scopes(
        connection, {(campaign_id, line.sku) for campaign_id, basket in scoped for line in basket.lines}
    )


def read_rules(connection: Connection, evidence: Evidence, pairs: Sequence[tuple[Shown, Held]]) -> None:
    """The rules of these vouchers' campaigns, and the facts that they ask for, of all baskets together."""
    ruled = [(each, held) for each, held in pairs if held.terms.rule is not None]
    if not ruled:
        return
    evidence.rules = catalogue.rules_of(connection, {held.terms.campaign_id: held.terms for _, held in ruled}.values())
    needs: set[Need] = set().union(*[rule.needs for rule in evidence.rules.values()])
    for each, held in ruled:
        evidence.facts_of(each, user_of(held, each.customer_id))
    rules.load_many(connection, needs, list(evidence.facts.values()))


_FIND = f"""
    SELECT id, campaign_id, customer_id, code_index, expires_at, is_generic, state IN ('blocked', 'inactive'),
           batch_id IS NOT NULL
      FROM rewards.voucher v
     WHERE id = ANY(%s) OR code_index = ANY(%s) OR (customer_id = ANY(%s) AND {voucher_rows.HAS_LEFT})
     ORDER BY id
"""  # noqa: S608 - constants only

_LOCK = """
    SELECT id, used, customer_id, state IN ('blocked', 'inactive') FROM rewards.voucher
     WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE
"""
