"""A plain model of vouchers at tills: what each deed is answered, who pays what, and what stands afterwards.

It knows the rules as the guides tell them, and shares no code with what it is held against but the splitting of an
amount by largest remainder.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import combinations
from uuid import UUID
from zoneinfo import ZoneInfo

from rewards.baskets import Line
from tests.rewards.machines import prices
from tests.rewards.machines.prices import Offer
from tests.rewards.machines.things import Campaign, Count, Taken, Use, Voucher

ZONE = ZoneInfo("America/New_York")


@dataclass(eq=False)
class Model:
    campaigns: list[Campaign]
    vouchers: list[Voucher]
    cash: list[int]
    payable: int = 0
    uses: list[Use] = field(default_factory=list)

    def counters(self) -> Counter[Count]:
        """What the uses that stand have counted: an amount that went back in part is counted no more."""
        found: Counter[Count] = Counter()
        for use in self.uses:
            for count, add in use.counted if use.stands else ():
                found[count] += add - use.back if count[2] == "amount" else add
        return found

    def decide(
        self, shown: Sequence[Voucher], who: int | None, lines: Sequence[Line], store: int, at: datetime, *, part: bool
    ) -> tuple[list[Use], set[str]]:
        """The uses that are made, or the names of what may refuse the first voucher that is refused."""
        for place, voucher in enumerate(shown):
            if who is not None and voucher.owner not in (None, who):
                return [], {"VoucherUnknown"}
            if voucher in shown[:place]:
                return [], {"VoucherTwice"}
        uses: list[Use] = []
        offers: list[Offer] = []
        told: set[str] = set()
        total = sum(line.amount_minor for line in lines)
        for voucher in sorted(shown, key=lambda each: each.campaign is None):
            why = self._why_not(voucher, total, uses, at, store=store, who=who)
            if voucher.campaign is None:
                rest = total - sum(use.amount for use in uses)
                why |= set() if voucher.value else {"VoucherUsedUp"}
                if rest and not why:
                    uses.append(Use(voucher, min(voucher.value, rest), []))
            else:
                missing, use, offered = self._coupon(voucher, lines, uses, offers, at, store=store, who=who)
                why |= missing
                if why == {"BudgetExhausted"} and not part:
                    # What a budget has left is asked last: what stands in the way of a later voucher, beside this
                    # one, may be told instead.
                    told, why = told | why, set()
                if not why:
                    uses.append(use)
                    offers.append(offered)
            if why and not part:
                return [], told | why
        return ([], told) if told else (uses, set())

    def best_discount(self, who: int, lines: Sequence[Line], store: int, at: datetime) -> tuple[int, bool]:
        """The most that any set of this customer's coupons takes off, and whether no limit or budget is near."""
        total = sum(line.amount_minor for line in lines)
        mine = [
            each
            for each in self.vouchers
            if each.owner == who and each.campaign and not self._why_not(each, total, [], at, store=store, who=who)
        ]
        most, is_free = 0, True
        for size in range(len(mine) + 1):
            for chosen in combinations(mine, size):
                if all(not _excludes(a.campaign, b.campaign) for a, b in combinations(chosen, 2)):
                    offers: list[Offer] = []
                    for each in chosen:
                        offers.append(self._offer(each, lines, offers))
                    most = max(most, prices.together(lines, offers))
        used = self.counters()
        for each in mine:
            assert each.campaign
            of_it = [other for other in mine if other.campaign is each.campaign]
            worth = self._offer(each, lines, []).most * len(of_it)
            lefts = [
                most - used[count] >= (worth if count[2] == "amount" else len(of_it))
                for count, _, most in self._limits(each, store, at, who=who, amount=worth)
            ]
            is_free = is_free and each.campaign.budget >= worth and all(lefts)
        return most, is_free

    def _why_not(
        self, voucher: Voucher, total: int, uses: Sequence[Use], at: datetime, *, store: int, who: int | None
    ) -> set[str]:
        """Conditions that hang on nothing of the basket but its total."""
        why = set()
        campaign = voucher.campaign
        if voucher.is_blocked:
            why.add("VoucherUnknown")
        if voucher.expires_at is not None and at >= voucher.expires_at:
            why.add("VoucherExpired")
        if campaign is None:
            return why
        if any(use.voucher.campaign and _excludes(campaign, use.voucher.campaign) for use in uses):
            why.add("StackingExcluded")
        if not campaign.is_running or at >= campaign.ends_at:
            why.add("CampaignNotRunning")
        if voucher.most_uses is not None and voucher.used >= voucher.most_uses:
            why.add("VoucherUsedUp")
        if total < campaign.terms["min_spend_minor"]:
            why.add("MinimumSpend")
        if self._is_over(voucher, uses, at, store=store, who=who, amount=0):
            why.add("LimitReached")
        return why

    def _coupon(
        self,
        voucher: Voucher,
        lines: Sequence[Line],
        uses: Sequence[Use],
        offers: Sequence[Offer],
        at: datetime,
        *,
        store: int,
        who: int | None,
    ) -> tuple[set[str], Use, Offer]:
        """All that stands in the way of its use, the use, and what it may take off which line."""
        campaign = voucher.campaign
        assert campaign
        asks_for_line = campaign.discount.get("needs_covered_line", True)
        found = self._offer(voucher, lines, offers)
        amount = prices.together(lines, [*offers, found]) - prices.together(lines, offers)
        why = set()
        if (asks_for_line and not campaign.covered(lines)) or (not amount and campaign.discount["kind"] != "lines"):
            why.add("BasketNotCovered")
        if amount > campaign.budget - sum(use.amount for use in uses if use.voucher.campaign is campaign):
            why.add("BudgetExhausted")
        if self._is_over(voucher, uses, at, store=store, who=who, amount=amount):
            why.add("LimitReached")
        limits = self._limits(voucher, store, at, who=who, amount=amount)
        return why, Use(voucher, amount, [(count, add) for count, add, _ in limits]), found

    def _offer(self, voucher: Voucher, lines: Sequence[Line], offers: Sequence[Offer]) -> Offer:
        assert voucher.campaign
        taken = frozenset[int]().union(*[each.lines for each in offers])
        return prices.offer(voucher.campaign.discount, lines, voucher.campaign.covered(lines), taken=taken)

    def _is_over(
        self, voucher: Voucher, uses: Sequence[Use], at: datetime, *, store: int, who: int | None, amount: int
    ) -> bool:
        used = self.counters()
        for use in uses:
            used.update(dict(use.counted))
        limits = self._limits(voucher, store, at, who=who, amount=amount)
        return any(used[count] + add > most for count, add, most in limits)

    def _limits(
        self, voucher: Voucher, store: int, at: datetime, *, who: int | None, amount: int
    ) -> list[tuple[Count, int, int]]:
        """What a use takes from which counter, and the most that may stand there."""
        assert voucher.campaign
        number, terms = voucher.campaign.number, voucher.campaign.terms
        user = who if voucher.owner is None else voucher.owner
        found = []
        if terms["limit_total"] is not None:
            found.append(((number, "total", "uses", ""), 1, terms["limit_total"]))
        if user is not None:
            found.append(((number, f"customer {user}", "uses", ""), 1, terms["limit_per_customer"]))
        for limit in terms["limits"]:
            scope = {"total": "total", "store": f"store {store}", "customer": f"customer {user}"}[limit["scope"]]
            if limit["scope"] != "customer" or user is not None:
                count = (number, scope, limit["measure"], _bucket(limit["period"], at))
                found.append((count, 1 if limit["measure"] == "uses" else amount, limit["most"]))
        return found

    def keep(self, taken: Taken) -> None:
        """Write what was decided."""
        for use in taken.uses:
            self.uses.append(use)
            if use.voucher.campaign:
                use.voucher.campaign.budget -= use.amount
            else:
                use.voucher.value -= use.amount
            if not use.voucher.is_generic:
                use.voucher.used += 1
        if taken.who is not None:
            self.cash[taken.who] -= taken.paid
        self.payable += taken.paid + sum(use.amount for use in taken.uses)

    def give_back(self, taken: Taken, backs: dict[UUID, tuple[int, bool]], cash: int) -> None:
        """backs: by use, how much of it, and whether the use itself comes back"""
        for use in taken.uses:
            amount, is_whole = backs.get(use.id, (0, False)) if use.id else (0, False)
            use.back += amount
            assert use.back <= use.amount, "a source got more back than it gave"
            if use.voucher.campaign:
                use.voucher.campaign.budget += amount
            else:
                use.voucher.value += amount
            if is_whole:
                assert use.stands
                assert use.back == use.amount
                use.stands = False
                use.voucher.used -= not use.voucher.is_generic
        taken.paid_back += cash
        assert 0 <= taken.paid_back <= taken.paid, "a customer got more back than they paid"
        if taken.who is not None:
            self.cash[taken.who] += cash
        self.payable -= cash + sum(amount for amount, _ in backs.values())


def _excludes(one: Campaign | None, other: Campaign | None) -> bool:
    if one is None or other is None:
        return False
    category = one.terms["category"]
    is_alone = one.terms["is_exclusive"] or other.terms["is_exclusive"]
    return bool(is_alone or (category is not None and category == other.terms["category"]))


def _bucket(period: str, at: datetime) -> str:
    local = at.astimezone(ZONE)
    monday = local - timedelta(days=local.weekday())
    thursday = monday + timedelta(days=3)
    week = (thursday.timetuple().tm_yday - 1) // 7 + 1
    return {"ever": "", "day": f"{local:%Y-%m-%d}", "week": f"{thursday:%Y}-W{week:02}", "month": f"{local:%Y-%m}"}[
        period
    ]
