"""Who stands at the till: asks, and holds each answer against the model's."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from hypothesis import event
from hypothesis.stateful import RuleBasedStateMachine

from core.errors import Refusal
from tests.rewards.machines.deeds import REVIVED_FOR, Deeds, Name, Sent
from tests.rewards.machines.model import Model
from tests.rewards.machines.things import Taken, Use


class Teller(RuleBasedStateMachine):
    now: datetime
    deeds: Deeds
    model: Model
    sent: list[Sent]
    names: list[Name]

    def send(self, sent: Sent) -> None:
        """Ask for a redemption or a checkout, and hold its answer against the model's."""
        if sent not in self.sent:
            self.sent.append(sent)
        uses, why = self.decide(sent)
        name, before = sent.name, sent.name.sent
        # A redemption is decided before its reference is looked for among other deeds.
        ahead = why if sent.kind == "redemption" and (before is None or before.kind != sent.kind) else set()
        if name.reversal is not None:
            self.expect({"PaymentReversed", *ahead}, lambda: self.deeds.send(sent, at=self.now))
        elif before is not None and before.kind != sent.kind:
            self.expect({"TillReferenceReused", *ahead}, lambda: self.deeds.send(sent, at=self.now))
        elif before is not None and before != sent:
            refusal = "TillReferenceReused" if sent.kind == "checkout" else "RedemptionReferenceReused"
            self.expect({refusal}, lambda: self.deeds.send(sent, at=self.now))
        elif before is not None:
            made = self.expect(set(), lambda: self.deeds.send(sent, at=self.now))
            assert (made.replayed, made.id) == (True, name.made)
        else:
            made = self.expect(why, lambda: self.deeds.send(sent, at=self.now))
            if made:
                self.keep(sent, made, self.best(sent, made) if sent.vouchers == "best" else uses)

    def decide(self, sent: Sent) -> tuple[list[Use], set[str]]:
        """What the model would do; of the best combination only whether it can be paid."""
        if sent.vouchers != "best":
            uses, why = self.model.decide(sent.vouchers, sent.who, sent.lines, sent.store, self.now, part=sent.part)
            rest = sent.total - sum(use.amount for use in uses)
            if sent.kind == "redemption":
                return uses, why or (set() if uses else {"VoucherUsedUp"})
            assert sent.who is not None
            return uses, why or ({"InsufficientFunds"} if rest > self.model.cash[sent.who] else set())
        assert sent.who is not None
        most, is_free = self.model.best_discount(sent.who, sent.lines, sent.store, self.now)
        if sent.total - most - self.cards(sent.who) > self.model.cash[sent.who]:
            return [], {"InsufficientFunds"}
        return [], set() if is_free else {"", "InsufficientFunds"}

    def best(self, sent: Sent, made: Any) -> list[Use]:
        """No set of coupons takes more, unless a budget or a limit is near; and each may be named by itself as well."""
        assert sent.who is not None
        most, is_free = self.model.best_discount(sent.who, sent.lines, sent.store, self.now)
        assert made.discount_minor == most if is_free else made.discount_minor <= most
        assert made.gift_minor == min(self.cards(sent.who), sent.total - made.discount_minor)
        by_id = {voucher.id: voucher for voucher in self.model.vouchers}
        chosen = [by_id[each.voucher_id] for each in made.redemptions]
        uses, why = self.model.decide(chosen, sent.who, sent.lines, sent.store, self.now, part=False)
        assert not why
        return uses

    def keep(self, sent: Sent, made: Any, uses: list[Use]) -> None:
        """Who gives how much, and off which lines."""
        taken = Taken(sent.who, sent.lines, uses, self.now, is_checkout=sent.kind == "checkout")
        if taken.is_checkout:
            taken.paid = sent.total - sum(use.amount for use in uses)
            assert made.paid_minor == taken.paid
        redemptions = made.redemptions if taken.is_checkout else [made]
        assert [(each.voucher_id, each.amount_minor) for each in redemptions] == [
            (u.voucher.id, u.amount) for u in uses
        ]
        for use, each in zip(uses, redemptions, strict=True):
            use.id, use.given, use.parts = each.id, dict(each.lines), dict(each.lines)
            assert sum(use.given.values()) == (use.amount if use.voucher.campaign else 0)
        for at, line in enumerate(sent.lines):
            assert sum(use.given.get(at, 0) for use in uses) <= line.amount_minor
        self.model.keep(taken)
        sent.name.sent, sent.name.made, sent.name.taken = sent, made.id, taken
        self.names.append(sent.name)

    def take_back(self, name: Name, amount: int) -> None:
        """By a void or a reversal: all that is left goes back, once."""
        assert name.taken
        if name.reversal is not None:
            assert amount == name.reversal
            return
        uses = name.taken.uses
        left = name.taken.left if name.taken.is_checkout else uses[0].left
        assert amount == left
        name.reversal, name.is_deed = amount, any(use.stands for use in uses)
        if name.taken.is_checkout:
            self.give_all_back(name.taken)
        elif name.is_deed:
            self.give_back(name.taken, {uses[0].id: (left, True)}, cash=0)

    def give_all_back(self, taken: Taken) -> None:
        for position, line in enumerate(taken.lines):
            taken.back_of[position], taken.pieces_back[position] = line.amount_minor, int(line.quantity)
        backs = {use.id: (use.left, True) for use in taken.uses if use.stands}
        self.give_back(taken, backs, cash=taken.paid - taken.paid_back)

    def give_back(self, taken: Taken, backs: dict[Any, tuple[int, bool]], *, cash: int) -> None:
        self.model.give_back(taken, backs, cash)
        card = taken.uses[0].voucher if taken.uses and not taken.is_checkout else None  # of a checkout, by a worker
        if card and card.campaign is None and card.expires_at is not None and card.expires_at <= self.now:
            card.expires_at = self.now + REVIVED_FOR

    def expect(self, why: set[str], deed: Callable[[], Any]) -> Any:
        """What the deed made; None where it was refused, for one of these reasons. "" allows it as well."""
        try:
            made = deed()
        except Refusal as refusal:
            event(type(refusal).__name__)
            assert type(refusal).__name__ in why, f"{refusal!r}, where the model has {why or 'none'}"
            return None
        assert not why or "" in why, f"done, where the model has {why}"
        return made

    def taken(self, *, is_checkout: bool | None = None) -> list[Name]:
        return [name for name in self.names if name.taken and is_checkout in (None, name.taken.is_checkout)]

    def cards(self, who: int) -> int:
        """What stands on a customer's gift cards that can be used."""
        mine = [each for each in self.model.vouchers if each.campaign is None and each.owner == who]
        return sum([c.value for c in mine if not c.is_blocked and (c.expires_at is None or self.now < c.expires_at)])
