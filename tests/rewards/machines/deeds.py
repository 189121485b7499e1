"""The deeds of the machine, each in its own transaction, as a view does it; and what stands in the database after."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from core import ids
from core.db import statement, transaction
from rewards import campaigns, checkouts
from rewards.baskets import Basket, Line
from rewards.campaigns import funding, versions
from rewards.checkouts import Checkout, CheckoutRequest
from rewards.redemption import redeeming
from rewards.redemption.recording import Redemption
from rewards.redemption.redeeming import Request
from rewards.rollbacks import checkouts as returns
from rewards.rollbacks import redemptions, reversing
from rewards.rollbacks.lines import Asked
from rewards.rollbacks.reversing import Reversed
from rewards.rollbacks.rows import Deed, Rollback
from rewards.vouchers import blocking
from tests.rewards.conftest import NOW, World
from tests.rewards.machines.model import Model
from tests.rewards.machines.things import Campaign, Taken, Use, Voucher
from wallet import accounts
from wallet.paying.tills import Till

ENDS = NOW + timedelta(days=30)
#: How long a gift card lives again that got value back after it had expired.
REVIVED_FOR = timedelta(days=30)


@dataclass(eq=False)
class Name:
    """A till's reference, with what was made under it. reversal: what taking it back gave; is_deed: by a rollback."""

    reference: str = field(default_factory=lambda: str(ids.new()))
    sent: "Sent | None" = None
    made: UUID | None = None
    taken: Taken | None = None
    reversal: int | None = None
    is_deed: bool = False


@dataclass(frozen=True)
class Sent:
    """What a till asks for."""

    kind: Literal["redemption", "checkout"]
    vouchers: "tuple[Voucher, ...] | Literal['best']"
    who: int | None
    lines: tuple[Line, ...]
    store: int
    part: bool = False
    name: Name = field(default_factory=Name)

    def again(self, change: str) -> "Sent":
        if change == "body":
            first = replace(self.lines[0], amount_minor=self.lines[0].amount_minor + 1)
            return replace(self, lines=(first, *self.lines[1:]))
        if change == "kind" and self.kind == "redemption":
            return replace(self, kind="checkout", who=self.who or 0)
        if change == "kind" and self.vouchers != "best":
            return replace(self, kind="redemption", vouchers=self.vouchers[:1], part=False)
        return self

    @property
    def total(self) -> int:
        return sum(line.amount_minor for line in self.lines)


class Deeds:
    def __init__(self, cash: Sequence[int]) -> None:
        merchant_id = ids.new()
        self.tills = [Till(merchant_id=merchant_id, store_id=ids.new(), terminal_id=ids.new()) for _ in range(2)]
        self.world = World(self.tills[0])
        with transaction() as session:
            accounts.open_all(session, [accounts.of_merchant(merchant_id, "USD")])
        self.customers = [self.world.customer(minor) for minor in cash]
        self.campaigns: dict[int, UUID] = {}
        self.codes: dict[UUID, str] = {}

    def issue(self, campaign: Campaign, owner: int | None, *, is_generic: bool) -> Voucher:
        if campaign.number not in self.campaigns:
            skus = None if campaign.skus is None else sorted(campaign.skus)
            self.campaigns[campaign.number] = self.world.campaign(
                discount=campaign.discount, skus=skus, budget_minor=campaign.budget, voucher_days=campaign.voucher_days,
                ends_at=ENDS, **campaign.terms,
            )  # fmt: skip
        issued = self.world.voucher(self.campaigns[campaign.number], None if owner is None else self.customers[owner])
        if owner is None and not is_generic:  # as a batch makes them
            self.world.rows("UPDATE rewards.voucher SET is_generic = false WHERE id = %s RETURNING id", issued.id)
        self.codes[issued.id] = issued.code
        return Voucher(issued.id, campaign, owner, is_generic, issued.expires_at)

    def issue_card(self, owner: int | None, value: int, *, days: int | None) -> Voucher:
        campaign = self.world.gift_campaign(value, voucher_days=days)
        issued = self.world.voucher(campaign, None if owner is None else self.customers[owner])
        self.codes[issued.id] = issued.code
        return Voucher(issued.id, None, owner, False, issued.expires_at, value=value)

    def send(self, sent: Sent, *, at: datetime) -> Redemption | Checkout:
        customer = None if sent.who is None else self.customers[sent.who]
        till, basket = self.tills[sent.store], Basket(sent.lines)
        named = {"till": till, "basket": basket, "currency": "USD", "till_reference": sent.name.reference}
        if sent.kind == "checkout":
            assert customer
            shown = "best" if sent.vouchers == "best" else tuple(self._shown(each) for each in sent.vouchers)
            asked = CheckoutRequest(customer_id=customer, vouchers=shown, takes_part=sent.part, **named)
            with transaction() as session:
                return checkouts.take(session, asked, now=at)
        assert sent.vouchers != "best"
        request = Request(reference=self._shown(sent.vouchers[0]), customer_id=customer, **named)
        with statement() as connection:
            made = redeeming.redeem(connection, request, at=at)
        assert isinstance(made, Redemption)
        return made

    def roll_back(self, name: Name, asked: Sequence[Asked] | None, *, at: datetime) -> Rollback:
        """And the same request again, which is answered the same."""
        assert name.made
        deed = _deed(at)
        for _ in range(2):
            with transaction() as session:
                made = returns.roll_back(session, name.made, asked, deed, merchant_id=self.tills[0].merchant_id)
        return made

    def roll_back_use(self, use: Use, amount: int | None, *, at: datetime) -> Rollback:
        assert use.id
        deed = _deed(at)
        for _ in range(2):
            with transaction() as session:
                made = redemptions.roll_back(session, use.id, amount, deed, merchant_id=self.tills[0].merchant_id)
        return made

    def void(self, use: Use, store: int, *, at: datetime) -> Rollback:
        assert use.id
        with transaction() as session:
            return redemptions.void(session, use.id, self.tills[store], at=at)

    def reverse(self, sent: Sent, *, at: datetime) -> Reversed:
        with transaction() as session:
            return reversing.reverse(session, self.tills[sent.store], sent.name.reference, at=at)

    def pause_or_start(self, campaign: Campaign, is_running: bool, *, at: datetime) -> None:
        act = campaigns.start if is_running else campaigns.pause
        with transaction() as session:
            act(session, campaign_id=self.campaigns[campaign.number], actor="staff:test", now=at)

    def change(self, campaign: Campaign, terms: dict[str, Any], *, at: datetime) -> None:
        of = self.campaigns[campaign.number]
        with transaction() as session:
            versions.change(session, campaign_id=of, changes=terms, actor="staff:test", now=at)

    def fund(self, campaign: Campaign, amount: int, *, at: datetime) -> None:
        named = {"key": str(ids.new()), "actor": "staff:test", "now": at}
        with transaction() as session:
            funding.fund(session, campaign_id=self.campaigns[campaign.number], amount_minor=amount, **named)

    def block(self, voucher: Voucher, *, at: datetime) -> None:
        with transaction() as session:
            blocking.block(session, voucher.id, actor="staff:test", now=at)

    def parts_back(self, taken: Taken) -> dict[tuple[UUID, int], int]:
        """What of each use's part of each line went back."""
        query = (
            "SELECT redemption_id, position, back_minor FROM rewards.redemption_line_back WHERE redemption_id = ANY(%s)"
        )
        rows = self.world.rows(query, [use.id for use in taken.uses])
        return {(row[0], row[1]): row[2] for row in rows}

    def difference(self, model: Model) -> dict[str, tuple[object, object]]:
        """What stands otherwise than the model has it: (what stands, what the model has), by name."""
        stands, told = self._stands(), self._told(model)
        names = sorted(stands.keys() | told.keys())
        return {name: (stands.get(name, 0), told.get(name, 0)) for name in names if stands.get(name) != told.get(name)}

    def _stands(self) -> dict[str, object]:
        """By one statement, so that it was all true at one time."""
        customers = [f"customer:{each}" for each in self.customers]
        numbers = list(self.campaigns.values())
        owners = [*customers, *[f"campaign:{each}" for each in numbers], *[f"voucher:{each}" for each in self.codes]]
        rows = self.world.rows(_STANDS, [*owners, f"merchant:{self.tills[0].merchant_id}"], numbers, list(self.codes))
        return {str(name): value for name, value in rows if value}

    def _told(self, model: Model) -> dict[str, object]:
        scopes = {"total": "total"}
        scopes |= {f"customer {n}": f"customer:{each}" for n, each in enumerate(self.customers)}
        scopes |= {f"store {n}": f"store:{each.store_id}" for n, each in enumerate(self.tills)}
        told: dict[str, int] = {f"merchant:{self.tills[0].merchant_id}/payable": model.payable}
        told |= {f"customer:{self.customers[n]}/cash": minor for n, minor in enumerate(model.cash)}
        told |= {f"campaign:{self.campaigns[each.number]}/budget": each.budget for each in model.campaigns}
        told |= {f"voucher:{each.id}/gift": each.value for each in model.vouchers if each.campaign is None}
        told |= {f"{each.id} used": each.used for each in model.vouchers}
        for (number, scope, measure, bucket), used in model.counters().items():
            told[f"{self.campaigns[number]} {scopes[scope]} {measure} {bucket}"] = used
        return {name: value for name, value in told.items() if value}

    def _shown(self, voucher: Voucher) -> UUID | str:
        """A customer's own by its id, as an app names it; any other by its code."""
        return self.codes[voucher.id] if voucher.owner is None else voucher.id


def _deed(at: datetime) -> Deed:
    key = ids.new()
    return Deed(principal="test", key=str(key), fingerprint=key.bytes, at=at)


_STANDS = """
    SELECT a.owner || '/' || a.purpose, sum(b.posted - b.held)::bigint
      FROM wallet.account a JOIN wallet.balance b ON b.account_id = a.id WHERE a.owner = ANY(%s) GROUP BY 1
    UNION ALL
    SELECT concat_ws(' ', campaign_id, scope, measure, bucket), used FROM rewards.counter WHERE campaign_id = ANY(%s)
    UNION ALL
    SELECT id || ' used', used FROM rewards.voucher WHERE id = ANY(%s)
"""
