"""Whatever tills do in whatever order, counters are what their redemptions counted, and every customer pays what the
rules say: held against a plain model, deed by deed.

MACHINE_EXAMPLES and MACHINE_STEPS make it look further: `MACHINE_EXAMPLES=400 MACHINE_STEPS=50 pytest
tests/rewards/machines` takes some ten minutes.
"""

import os
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule, run_state_machine_as_test

from core.consistency import one_instant
from rewards import checks as rewards_checks
from rewards.baskets import Line
from tests.rewards.conftest import NOW
from tests.rewards.machines import returns
from tests.rewards.machines.deeds import ENDS, Deeds, Name, Sent
from tests.rewards.machines.drawing import CAMPAIGNS, CARDS, LINES, OWNERS, TERMS
from tests.rewards.machines.model import Model
from tests.rewards.machines.teller import Teller
from tests.rewards.machines.things import Campaign, Voucher
from wallet import checks as wallet_checks

EXAMPLES = int(os.environ.get("MACHINE_EXAMPLES", "8"))
STEPS = int(os.environ.get("MACHINE_STEPS", "25"))
#: Who looks further looks elsewhere each time, first at what failed before; what it finds is shown as it was, since
#: making it small takes many times as long. The suite looks at the same deeds each time, so it never fails by chance.
LOOKS_FURTHER = "MACHINE_EXAMPLES" in os.environ
PHASES = (Phase.reuse, Phase.generate) if LOOKS_FURTHER else (Phase.generate,)

who = st.integers(0, 1)
store = st.integers(0, 1)
nth = st.integers(0, 99)


class Tills(Teller):
    @initialize(drawn=st.lists(CAMPAIGNS, min_size=3, max_size=3), cash=st.tuples(*[st.integers(0, 6_000)] * 2))
    def begin(self, drawn: list[tuple[Any, ...]], cash: tuple[int, int]) -> None:
        self.now, self.deeds = NOW, Deeds(cash)
        self.names: list[Name] = []
        self.sent: list[Sent] = []
        campaigns = [
            Campaign(number, discount, skus and frozenset(skus), budget, dict(terms), ENDS, (None, None, 3)[number])
            for number, (discount, skus, budget, terms) in enumerate(drawn)
        ]
        vouchers = [
            self.deeds.issue(each, owner, is_generic=generic) for each in campaigns for owner, generic in OWNERS
        ]
        cards = [self.deeds.issue_card(owner, value, days=days) for owner, value, days in CARDS]
        self.model = Model(campaigns, [*vouchers, *cards], list(cash))

    @rule(voucher=nth, who=st.sampled_from([None, 0, 1]), lines=LINES, store=store)
    def redeem(self, voucher: int, who: int | None, lines: tuple[Line, ...], store: int) -> None:
        self.send(Sent("redemption", (self.voucher(voucher),), who, lines, store))

    @rule(vouchers=st.lists(nth, min_size=1, max_size=4), who=who, lines=LINES, store=store, part=st.booleans())
    def check_out(self, vouchers: list[int], who: int, lines: tuple[Line, ...], store: int, part: bool) -> None:
        self.send(Sent("checkout", tuple([self.voucher(each) for each in vouchers]), who, lines, store, part))

    @rule(who=who, lines=LINES, store=store)
    def check_out_with_the_best(self, who: int, lines: tuple[Line, ...], store: int) -> None:
        self.send(Sent("checkout", "best", who, lines, store))

    @precondition(lambda self: self.sent)
    @rule(which=nth, change=st.sampled_from(["none", "none", "body", "kind"]))
    def send_again(self, which: int, change: str) -> None:
        """As it was, with another body, or as another kind of deed under the same reference."""
        self.send(pick(self.sent, which).again(change))

    @precondition(lambda self: self.taken(is_checkout=False))
    @rule(which=nth, amount=st.sampled_from([None, None, 1, 40, 333, 5_000]))
    def roll_back_a_redemption(self, which: int, amount: int | None) -> None:
        taken = pick(self.taken(is_checkout=False), which).taken
        [use] = taken.uses
        wanted = use.left if amount is None else amount
        is_whole = wanted == use.left
        why = {"RolledBackAlready"} if not use.stands else {"RollbackExceedsRedemption"} if wanted > use.left else set()
        made = self.expect(why, lambda: self.deeds.roll_back_use(use, amount, at=self.now))
        if made:
            assert made.amount_minor == wanted
            self.give_back(taken, {use.id: (wanted, is_whole)}, cash=0)

    @precondition(lambda self: self.taken(is_checkout=True))
    @rule(which=nth, asked=st.lists(st.tuples(nth, st.sampled_from(sorted(returns.WAYS))), max_size=3))
    def roll_back_a_checkout(self, which: int, asked: list[tuple[int, str]]) -> None:
        name = pick(self.taken(is_checkout=True), which)
        taken = name.taken
        ways = {at % len(taken.lines): way for at, way in asked}  # the door lets each line be named once
        wanted = [returns.asked(position, way) for position, way in ways.items()] or None
        lines = returns.came(taken, wanted or [])
        why = {"RolledBackAlready"} if not taken.left else {"RollbackExceedsLine"} if lines is None else set()
        made = self.expect(why, lambda: self.deeds.roll_back(name, wanted, at=self.now))
        if not made or lines is None:
            return
        gross = taken.left if wanted is None else sum(amount for _, amount, _ in lines)
        assert made.amount_minor == gross
        if gross == taken.left:
            self.give_all_back(taken)
            return
        assert [(at, minor, int(quantity)) for at, minor, quantity in made.lines] == lines
        backs = {UUID(use_id): (minor, is_whole) for use_id, minor, is_whole in made.redemptions}
        returns.hold_shares(taken, lines, backs, self.deeds.parts_back(taken))
        for position, minor, quantity in lines:
            taken.back_of[position] += minor
            taken.pieces_back[position] += quantity
        self.give_back(taken, backs, cash=gross - sum(minor for minor, _ in backs.values()))

    @precondition(lambda self: any(name.taken.uses for name in self.taken()))
    @rule(which=nth, is_mine=st.sampled_from([True, True, False]))
    def void(self, which: int, is_mine: bool) -> None:
        name = pick([name for name in self.taken() if name.taken and name.taken.uses], which)
        use, store = name.taken.uses[0], name.sent.store if is_mine else 1 - name.sent.store
        if not is_mine:
            why = {"NotFound"}
        elif name.taken.is_checkout:
            why = {"RedemptionInCheckout"}
        elif name.is_deed:
            why = set()
        else:
            why = {"VoidTooLate"} if self.now >= name.taken.at + timedelta(minutes=15) else set()
            why |= set() if use.stands else {"RolledBackAlready"}
        made = self.expect(why, lambda: self.deeds.void(use, store, at=self.now))
        if made:
            self.take_back(name, made.amount_minor)

    @precondition(lambda self: self.sent)
    @rule(which=nth)
    def reverse(self, which: int) -> None:
        sent = pick(self.sent, which)
        name, why = sent.name, set[str]()
        if name.taken and name.reversal is None and self.now >= name.taken.at + timedelta(hours=24):
            # Where all had gone back before, a redemption has nothing to refuse; a payment is refused all the same.
            why = {"ReversalTooLate"} if name.taken.stands else {"", "ReversalTooLate"}
        made = self.expect(why, lambda: self.deeds.reverse(sent, at=self.now))
        if made and name.taken:
            self.take_back(name, made.reversal.amount_minor)
        elif made:
            assert made.reversal.amount_minor is None
            name.reversal = 0

    @rule(voucher=nth, who=who, lines=LINES, store=store)
    def reverse_what_comes_late(self, voucher: int, who: int, lines: tuple[Line, ...], store: int) -> None:
        sent = Sent("redemption", (self.voucher(voucher),), who, lines, store)
        self.deeds.reverse(sent, at=self.now)
        sent.name.reversal = 0
        self.sent.append(sent)

    @rule(which=nth, is_running=st.booleans())
    def pause_or_start(self, which: int, is_running: bool) -> None:
        campaign = pick(self.model.campaigns, which)
        self.deeds.pause_or_start(campaign, is_running, at=self.now)
        campaign.is_running = is_running

    @rule(which=nth, terms=TERMS)
    def change_terms(self, which: int, terms: dict[str, Any]) -> None:
        campaign = pick(self.model.campaigns, which)
        self.deeds.change(campaign, terms, at=self.now)
        campaign.terms = dict(terms)

    @rule(which=nth, amount=st.integers(1, 900))
    def fund(self, which: int, amount: int) -> None:
        campaign = pick(self.model.campaigns, which)
        self.deeds.fund(campaign, amount, at=self.now)
        campaign.budget += amount

    @rule(which=nth)
    def block(self, which: int) -> None:
        self.deeds.block(self.voucher(which), at=self.now)
        self.voucher(which).is_blocked = True

    @rule(minutes=st.sampled_from([1, 14, 15, 720, 1_440, 5_000]))
    def time_passes(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @invariant()
    def all_stands_as_the_model_has_it(self) -> None:
        if hasattr(self, "model"):
            assert self.deeds.difference(self.model) == {}

    def teardown(self) -> None:
        with one_instant() as connection:
            assert rewards_checks.first_difference(connection) is None
            assert wallet_checks.first_difference(connection) is None

    def voucher(self, which: int) -> Voucher:
        return pick(self.model.vouchers, which)


def pick(things: Sequence[Any], which: int) -> Any:
    return things[which % len(things)]


@pytest.mark.usefixtures("database")
def test_tills_do_what_their_model_does() -> None:
    chosen = settings(
        max_examples=EXAMPLES,
        stateful_step_count=STEPS,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=PHASES,
        derandomize=not LOOKS_FURTHER,
    )
    run_state_machine_as_test(Tills, settings=chosen)
