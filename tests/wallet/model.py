"""A plain model of the wallet: what each deed should be answered, and what should stand where after it."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from wallet.shares import shares

FOREVER = datetime.max.replace(tzinfo=ZoneInfo("UTC"))
ZONE = ZoneInfo("America/New_York")

#: Whose what: ("cash", 0), ("promotional", 2), ("payable", 1), ("provider", 0)…
Account = tuple[str, int]


@dataclass(eq=False)
class Lot:
    account: Account
    remaining: int
    expires_at: datetime
    held: int = 0

    @property
    def free(self) -> int:
        return self.remaining - self.held


@dataclass(eq=False)
class Part:
    """What one source gave to a payment, or promises to a hold; `lot` where it has lots."""

    account: Account
    amount: int
    lot: Lot | None = None
    captured: int = 0
    gone: int = 0  # refunded of a payment, released of a hold

    @property
    def left(self) -> int:
        return self.amount - self.captured - self.gone


@dataclass(eq=False)
class Promise:
    who: int
    parts: list[Part]
    expires_at: datetime
    ended_by: str | None = None
    claimed_by: int | None = None

    @property
    def left(self) -> int:
        return sum(part.left for part in self.parts)


@dataclass(eq=False)
class Model:
    posted: Counter[Account] = field(default_factory=Counter)
    held: Counter[Account] = field(default_factory=Counter)
    lots: list[Lot] = field(default_factory=list)
    frozen: set[int] = field(default_factory=set)
    most_each: int | None = None
    most_a_day: int | None = None
    used: Counter[tuple[int, object]] = field(default_factory=Counter)
    payments: dict[object, tuple[int, list[Part]]] = field(default_factory=dict)
    promises: dict[object, Promise] = field(default_factory=dict)
    #: When what changed by how much: posted, held.
    history: list[tuple[datetime, Account, int, int]] = field(default_factory=list)

    def as_of(self, account: Account, at: datetime) -> tuple[int, int]:
        """What stood there and what of it was held, by replaying all that happened."""
        moved = [each for each in self.history if each[1] == account and each[0] <= at]
        return sum(each[2] for each in moved), sum(each[3] for each in moved)

    def lots_of(self, account: Account) -> list[Lot]:
        return [lot for lot in self.lots if lot.account == account and lot.remaining]

    def answer(self, name: str, values: dict[str, Any], now: datetime) -> tuple[set[str], Callable[[object], None]]:
        """What a deed may be refused for (nothing: it is done), and what it changes, told the id of what it made."""
        why, change = getattr(self, name)(now, **values)
        return why, change

    def top_up(self, now: datetime, *, who: int, amount: int) -> Any:
        return set(), lambda _: self._move(now, {("provider", 0): -amount, ("cash", who): amount})

    def gift(self, now: datetime, *, who: int, amount: int, days: int | None) -> Any:
        def change(_: object) -> None:
            self._move(now, {("loyalty", 0): -amount, ("promotional", who): amount})
            self.lots.append(Lot(("promotional", who), amount, FOREVER if days is None else now + timedelta(days=days)))

        return set(), change

    def pay(self, now: datetime, *, who: int, merchant: int, amount: int) -> Any:
        return self.pay_mixed(now, who=who, merchant=merchant, given=0, cash=amount)

    def pay_mixed(self, now: datetime, *, who: int, merchant: int, given: int, cash: int) -> Any:
        why = self._spending(now, who, given, cash)

        def change(made: object) -> None:
            parts = self._parts(now, who, given, cash)
            for part in parts:
                if part.lot:
                    part.lot.remaining -= part.amount
            self._count(now, who, cash)
            taken = {("promotional", who): -given, ("cash", who): -cash, ("payable", merchant): given + cash}
            self._move(now, taken)
            self.payments[made] = (merchant, parts)

        return why, change

    def refund(self, now: datetime, *, payment: object, merchant: int, amount: int) -> Any:
        parts = self.payments[payment][1]
        why = set() if amount <= sum(part.left for part in parts) else {"RefundExceedsPayment"}

        def change(_: object) -> None:
            sources = list(dict.fromkeys(part.account for part in parts))
            rests = [sum(part.left for part in parts if part.account == source) for source in sources]
            for source, back in zip(sources, shares(rests, amount), strict=True):
                if back:
                    self._give_back(now, [part for part in parts if part.account == source and part.left], back)
                    self._move(now, {("payable", merchant): -back, source: back})

        return why, change

    def hold(self, now: datetime, *, who: int, merchant: int, given: int, cash: int, minutes: int) -> Any:
        why = self._spending(now, who, given, cash)

        def change(made: object) -> None:
            self._count(now, who, cash)
            self._promise(now, made, who, self._parts(now, who, given, cash), now + timedelta(minutes=minutes))

        return why, change

    def capture(self, now: datetime, *, hold: object, merchant: int, amount: int, is_final: bool) -> Any:
        promise = self.promises[hold]
        why = self._standing(now, promise)
        if not why:
            why |= {"CaptureExceedsHold"} if amount > promise.left else set()
            why |= {"AccountFrozen"} if promise.who in self.frozen else set()

        def change(made: object) -> None:
            self.payments[made] = (merchant, self._capture(now, promise, ("payable", merchant), amount))
            if is_final or not promise.left:
                self._release(now, promise, "captured")

        return why, change

    def void(self, now: datetime, *, hold: object) -> Any:
        promise = self.promises[hold]
        return self._standing(now, promise), lambda _: self._release(now, promise, "voided")

    def send(self, now: datetime, *, who: int, to: int | None, amount: int) -> Any:
        why = {"AccountFrozen"} if who in self.frozen else set()
        why |= set() if amount <= self._free(who) else {"InsufficientFunds"}

        def change(made: object) -> None:
            if to is None:
                self._promise(now, made, who, [Part(("cash", who), amount)], now + timedelta(days=7))
            else:
                self._move(now, {("cash", who): -amount, ("cash", to): amount})

        return why, change

    def claim(self, now: datetime, *, sending: object, who: int) -> Any:
        promise = self.promises[sending]
        if promise.who == who:
            return {"SelfTransfer"}, None
        if promise.ended_by == "captured":
            return set() if promise.claimed_by == who else {"AlreadyClaimed"}, lambda _: None
        why = {"SendingEnded"} if self._standing(now, promise) else set()
        why |= {"SendingStopped"} if not why and promise.who in self.frozen else set()

        def change(_: object) -> None:
            self._capture(now, promise, ("cash", who), promise.left)
            self._release(now, promise, "captured")
            promise.claimed_by = who

        return why, change

    def batch(self, now: datetime, *, moves: list[tuple[int, int, int]]) -> Any:
        why, free = set(), {who: self._free(who) for move in moves for who in move[:2]}
        for giver, taker, amount in moves:
            why |= {"AccountFrozen"} if giver in self.frozen else set()
            why |= {"InsufficientFunds"} if amount > free[giver] else set()
            free[giver] -= amount
            free[taker] += amount

        def change(_: object) -> None:
            for giver, taker, amount in moves:
                self._move(now, {("cash", giver): -amount, ("cash", taker): amount})

        return why, change

    def end_due(self, now: datetime) -> None:
        for promise in self.promises.values():
            if promise.ended_by is None and promise.expires_at <= now:
                self._release(now, promise, "expired")
        for lot in self.lots:
            if lot.expires_at <= now and lot.free and lot.account[1] not in self.frozen:
                self._move(now, {lot.account: -lot.free, ("breakage", 0): lot.free})
                lot.remaining = lot.held

    def _move(self, now: datetime, amounts: dict[Account, int]) -> None:
        for account, amount in amounts.items():
            self.posted[account] += amount
            self.history.append((now, account, amount, 0))

    def _hold(self, now: datetime, part: Part, amount: int) -> None:
        self.held[part.account] += amount
        self.history.append((now, part.account, 0, amount))
        if part.lot:
            part.lot.held += amount

    def _free(self, who: int) -> int:
        return self.posted["cash", who] - self.held["cash", who]

    def _spendable(self, now: datetime, who: int) -> list[Lot]:
        found = [lot for lot in self.lots_of(("promotional", who)) if lot.free and lot.expires_at > now]
        return sorted(found, key=lambda lot: lot.expires_at)

    def _spending(self, now: datetime, who: int, given: int, cash: int) -> set[str]:
        """Why a customer cannot spend so much of both."""
        enough = cash <= self._free(who) and given <= sum(lot.free for lot in self._spendable(now, who))
        used = self.used[who, now.astimezone(ZONE).date()] + cash
        over = self.most_each is not None and cash > self.most_each
        over |= self.most_a_day is not None and used > self.most_a_day
        why = set() if enough else {"InsufficientFunds"}
        why |= {"LimitExceeded"} if over and cash else set()
        return why | ({"AccountFrozen"} if who in self.frozen else set())

    def _count(self, now: datetime, who: int, cash: int) -> None:
        self.used[who, now.astimezone(ZONE).date()] += cash

    def _parts(self, now: datetime, who: int, given: int, cash: int) -> list[Part]:
        parts, left = [], given
        for lot in self._spendable(now, who):
            if left:
                parts.append(Part(lot.account, min(lot.free, left), lot))
                left -= parts[-1].amount
        return [*parts, *([Part(("cash", who), cash)] if cash else [])]

    def _promise(self, now: datetime, made: object, who: int, parts: list[Part], until: datetime) -> None:
        self.promises[made] = Promise(who, parts, until)
        for part in parts:
            self._hold(now, part, part.amount)

    def _standing(self, now: datetime, promise: Promise) -> set[str]:
        if promise.ended_by in ("captured", "voided"):
            return {"HoldEnded"}
        return {"HoldExpired"} if promise.ended_by or now >= promise.expires_at else set()

    def _capture(self, now: datetime, promise: Promise, to: Account, amount: int) -> list[Part]:
        taken = []
        for part in promise.parts:
            captured = min(part.left, amount)
            amount -= captured
            if captured:
                self._hold(now, part, -captured)
                part.captured += captured
                if part.lot:
                    part.lot.remaining -= captured
                self._move(now, {part.account: -captured, to: captured})
                taken.append(Part(part.account, captured, part.lot))
        return taken

    def _release(self, now: datetime, promise: Promise, ended_by: str) -> None:
        for part in promise.parts:
            if part.left:
                self._hold(now, part, -part.left)
                part.gone += part.left
        promise.ended_by = ended_by

    def _give_back(self, now: datetime, parts: list[Part], amount: int) -> None:
        in_order = sorted(parts, key=lambda part: self.lots.index(part.lot) if part.lot else 0)
        for part, back in zip(in_order, shares([part.left for part in in_order], amount), strict=True):
            part.gone += back
            if part.lot and back and part.lot.expires_at > now:
                part.lot.remaining += back
            elif part.lot and back:
                self.lots.append(Lot(part.account, back, now + timedelta(days=30)))
