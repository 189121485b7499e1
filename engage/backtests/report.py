"""The report of a backtest: what a journey would have done, counted while it is played."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from engage.backtests.world import House
from engage.journeys.spending import Spend
from engage.outgoing import Decided, Sent
from engage.walks.effects import Effects, Planned
from engage.walks.entering import Kept

#: One row of `backtest_customer`: entries, messages, vouchers, outcome.
Row = tuple[UUID, int, int, int, str]


@dataclass(slots=True)
class Report:
    """zone: the brand's, whose days are counted. rows: of customers who entered, until they are written"""

    zone: ZoneInfo
    rows: list[Row] = field(default_factory=list)
    customers: int = 0
    arms: Counter[str] = field(default_factory=Counter)
    entries: Counter[date] = field(default_factory=Counter)
    messages: Counter[date] = field(default_factory=Counter)
    vouchers: Counter[tuple[UUID, date]] = field(default_factory=Counter)
    credits: Counter[tuple[str, date]] = field(default_factory=Counter)
    credit_minor: Counter[tuple[str, date]] = field(default_factory=Counter)
    channels: Counter[str] = field(default_factory=Counter)
    a_person: Counter[int] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    held: int = 0
    outside: Counter[str] = field(default_factory=Counter)
    steps: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    converted: Counter[str] = field(default_factory=Counter)
    _told: Counter[UUID] = field(default_factory=Counter)

    def decided(self, customer_id: UUID, planned: Planned, decided: Decided, *, now: datetime) -> None:
        """One message, that goes out or not."""
        if isinstance(decided, Sent):
            self.channels[decided.channel] += 1
            self.messages[self._day(decided.due_at)] += 1
            self.held += decided.due_at > now and planned.step.at is None
            self._told[customer_id] += 1
        else:
            self.skipped[decided.reasons[-1]["code"] if decided.reasons else decided.outcome] += 1

    def credit(self, currency: str, amount_minor: int, *, at: datetime) -> None:
        self.credits[currency, self._day(at)] += 1
        self.credit_minor[currency, self._day(at)] += amount_minor

    def keep(
        self,
        customer_id: UUID,
        effects: Effects,
        kept: Sequence[Kept],
        *,
        given: Mapping[UUID, tuple[UUID, datetime]],
    ) -> None:
        """What became of one customer; of one whom no event would have let in there is nothing to say."""
        self.outside.update(str(one.reason["code"]) for one in kept)
        walks = list(effects.begun.values())
        messages = self._told.pop(customer_id, 0)
        if not walks:
            return
        self.customers += 1
        self.arms.update(walk.arm for walk in walks)
        self.entries.update(self._day(walk.entered_at) for walk in walks)
        self.a_person[messages] += 1
        self.vouchers.update((campaign_id, self._day(at)) for campaign_id, at in given.values())
        self.steps.update((run.step, run.kind, run.outcome) for run in effects.runs)
        self.ends.update(walk.end_reason or "still_inside" for walk in walks)
        self.converted.update(walk.arm for walk in effects.converted)
        outcome = walks[-1].end_reason or "still_inside"
        self.rows.append((customer_id, len(walks), messages, len(given), outcome[:200]))

    def as_json(self, house: House, *, spend: Spend | None, trust: dict[str, Any]) -> dict[str, Any]:
        given = sum(self.vouchers.values())
        days = sorted({*self.entries, *self.messages, *(day for _, day in self.vouchers)})
        by_day = Counter[date]()
        for (_, day), number in self.vouchers.items():
            by_day[day] += number
        return {
            "customers": self.customers,
            "entries": sum(self.entries.values()),
            "messages": sum(self.messages.values()),
            "vouchers": given,
            "arms": _listed("arm", "entries", self.arms),
            "days": [
                {
                    "date": day.isoformat(), "entries": self.entries[day], "messages": self.messages[day],
                    "vouchers": by_day[day],
                }
                for day in days
            ],
            "messages_by_channel": _listed("channel", "messages", self.channels),
            "messages_a_person": [
                {"messages": number, "customers": self.a_person[number]} for number in sorted(self.a_person)
            ],
            "held_through_quiet_hours": self.held,
            "skipped": _listed("code", "messages", self.skipped),
            "stayed_outside": _listed("code", "events", self.outside),
            "steps": [
                {"step": step, "kind": kind, "outcome": outcome, "visits": self.steps[step, kind, outcome]}
                for step, kind, outcome in sorted(self.steps)
            ],
            "ends": _listed("reason", "walks", self.ends),
            "reached_the_goal_anyway": _listed("arm", "walks", self.converted),
            "campaigns": [self._campaign(campaign_id, house) for campaign_id in sorted(house.campaigns)],
            "credit": [
                {
                    "currency": each,
                    "credits": sum(n for (of, _), n in self.credits.items() if of == each),
                    "amount_minor": sum(n for (of, _), n in self.credit_minor.items() if of == each),
                }
                for each in sorted({of for of, _ in self.credits})
            ],
            "spend": self._spend(house, spend),
            "confidence": trust,
        }  # fmt: skip

    def _campaign(self, campaign_id: UUID, house: House) -> dict[str, Any]:
        issued = sum(number for (of, _), number in self.vouchers.items() if of == campaign_id)
        worth, share = issued * house.worth[campaign_id].amount_minor, house.shares[campaign_id]
        currency = house.campaigns[campaign_id].currency
        return {
            "campaign_id": str(campaign_id),
            "name": house.names[campaign_id],
            "issued": issued,
            "worth": {"amount_minor": worth, "currency": currency},
            "redeemed_bps": share,
            # Rounded half up: what the share says of the worth is a forecast, not an amount that anybody owes.
            "expected_cost": None
            if share is None
            else {"amount_minor": (worth * share + 5_000) // 10_000, "currency": currency},
        }

    def _spend(self, house: House, spend: Spend | None) -> dict[str, Any] | None:
        """The first day on which the journey would have given away all that it may; it is played on all the same."""
        if spend is None:
            return None
        by_day = Counter[date]()
        for (campaign_id, day), number in self.vouchers.items():
            worth = house.worth[campaign_id]
            by_day[day] += number * worth.amount_minor if worth.currency == spend.currency else 0
        for (currency, day), amount in self.credit_minor.items():
            by_day[day] += amount if currency == spend.currency else 0
        total, reached = 0, None
        for day in sorted(by_day):
            total = by_day[day] if spend.per == "day" else total + by_day[day]
            if total > spend.most_minor:
                reached = day.isoformat()
                break
        return {
            "given": {"amount_minor": sum(by_day.values()), "currency": spend.currency},
            "most_minor": spend.most_minor,
            "per": spend.per,
            "reached_on": reached,
        }

    def _day(self, at: datetime) -> date:
        return at.astimezone(self.zone).date()


def _listed(name: str, number: str, counted: Counter[str]) -> list[dict[str, Any]]:
    """The most frequent first."""
    return [{name: each, number: count} for each, count in sorted(counted.items(), key=lambda one: (-one[1], one[0]))]
