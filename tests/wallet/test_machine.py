"""Whatever people do in whatever order, the wallet does what a plain model of it does, and nothing is lost or doubled.

MACHINE_EXAMPLES and MACHINE_STEPS make it look further: `MACHINE_EXAMPLES=2000 MACHINE_STEPS=60 pytest
tests/wallet/test_machine.py` takes a quarter of an hour.
"""

import os
from collections import Counter
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from psycopg import Connection

from core.db import transaction
from core.errors import Refusal
from tests.wallet.conftest import NOW
from tests.wallet.deeds import Deed, Deeds
from tests.wallet.model import FOREVER, Account, Model
from tests.wallet.test_seals import seal_everything
from wallet import balances, checks, seals

EXAMPLES = int(os.environ.get("MACHINE_EXAMPLES", "25"))
STEPS = int(os.environ.get("MACHINE_STEPS", "25"))

PEOPLE, MERCHANTS = 3, 2
FAR = NOW + timedelta(days=36_500)

who = st.integers(0, PEOPLE - 1)
merchant = st.integers(0, MERCHANTS - 1)
some = st.integers(1, 900)
few = st.integers(1, 200)
nth = st.integers(0, 99)


class Machine(RuleBasedStateMachine):
    connection: Connection

    @initialize(money=st.lists(st.integers(300, 3000), min_size=PEOPLE, max_size=PEOPLE))
    def begin(self, money: list[int]) -> None:
        self.deeds, self.model = Deeds(self.connection, people=PEOPLE, merchants=MERCHANTS), Model()
        self.now = NOW
        self.done: list[tuple[Deed, Any]] = []
        self.refused: list[tuple[Deed, str]] = []
        self.names = {
            **{self.deeds.cash(n).id: ("cash", n) for n in range(PEOPLE)},
            **{self.deeds.promotional(n).id: ("promotional", n) for n in range(PEOPLE)},
            **{self.deeds.payable(n).id: ("payable", n) for n in range(MERCHANTS)},
        }
        self.brands = {brand.id: (brand.purpose, 0) for brand in self.deeds.brands}
        self.before = self._posted(self.brands)
        self.deeds.limit(None, None)
        for person, amount in enumerate(money):
            self.try_("top_up", who=person, amount=amount)
            self.try_("gift", who=person, amount=amount // 4, days=2)

    @rule(who=who, amount=some)
    def top_up(self, **values: Any) -> None:
        self.try_("top_up", **values)

    @rule(who=who, amount=some, days=st.sampled_from([1, 2, 2, 40, None]))
    def gift(self, **values: Any) -> None:
        self.try_("gift", **values)

    @rule(who=who, merchant=merchant, amount=some)
    def pay(self, **values: Any) -> None:
        self.try_("pay", **values)

    @rule(who=who, merchant=merchant, given=st.integers(1, 60), cash=few)
    def pay_mixed(self, **values: Any) -> None:
        self.try_("pay_mixed", **values)

    @precondition(lambda self: self.model.payments)
    @rule(which=nth, amount=few)
    def refund(self, which: int, amount: int) -> None:
        payment = list(self.model.payments)[which % len(self.model.payments)]
        self.try_("refund", payment=payment, merchant=self.model.payments[payment][0], amount=amount)

    @rule(
        who=who, merchant=merchant, given=st.sampled_from([0, 0, 30, 90]), cash=few, minutes=st.sampled_from([30, 3000])
    )
    def hold(self, **values: Any) -> None:
        self.try_("hold", **values)

    @precondition(lambda self: self.promises("hold"))
    @rule(which=nth, merchant=merchant, amount=few, is_final=st.booleans())
    def capture(self, which: int, **values: Any) -> None:
        self.try_("capture", hold=self.promised("hold", which), **values)

    @precondition(lambda self: self.promises("hold"))
    @rule(which=nth)
    def void(self, which: int) -> None:
        self.try_("void", hold=self.promised("hold", which))

    @rule(who=who, by=st.integers(1, PEOPLE - 1), amount=few, is_link=st.booleans())
    def send(self, who: int, by: int, amount: int, is_link: bool) -> None:
        self.try_("send", who=who, to=None if is_link else (who + by) % PEOPLE, amount=amount)

    @precondition(lambda self: self.promises("send"))
    @rule(which=nth, who=who)
    def claim(self, which: int, who: int) -> None:
        self.try_("claim", sending=self.promised("send", which), who=who)

    @rule(moves=st.lists(st.tuples(who, who, few).filter(lambda move: move[0] != move[1]), min_size=1, max_size=4))
    def batch(self, moves: list[tuple[int, int, int]]) -> None:
        self.try_("batch", moves=moves)

    @rule(hours=st.sampled_from([1, 20, 50, 200]))
    def time_passes(self, hours: int) -> None:
        self.now += timedelta(hours=hours)
        self.deeds.end_due(self.now)
        self.model.end_due(self.now)

    @precondition(lambda self: not self.model.frozen)
    @rule(who=who)
    def freeze(self, who: int) -> None:
        self.deeds.freeze(who)
        self.model.frozen.add(who)

    @rule()
    def unfreeze(self) -> None:
        for person in self.model.frozen:
            self.deeds.unfreeze(person)
        self.model.frozen.clear()

    @rule(each=st.sampled_from([None, None, None, 100]), day=st.sampled_from([None, None, None, 400]))
    def limit(self, each: int | None, day: int | None) -> None:
        self.deeds.limit(each, day)
        self.model.most_each, self.model.most_a_day = each, day

    @precondition(lambda self: self.done)
    @rule(which=nth)
    def do_again(self, which: int) -> None:
        deed, made = self.done[which % len(self.done)]
        assert self.deeds.do(deed, now=self.now) == made

    @precondition(lambda self: self.refused)
    @rule(which=nth)
    def be_refused_again(self, which: int) -> None:
        deed, why = self.refused[which % len(self.refused)]
        assert self.refusal(deed) == why

    @precondition(lambda self: self.done)
    @rule(which=nth)
    def ask_something_else_under_the_key(self, which: int) -> None:
        deed, _ = self.done[which % len(self.done)]
        if deed.name != "claim":  # whose key is the sending itself
            assert self.refusal(deed.changed) == "KeyReused"

    @invariant()
    def balances_and_holds_are_the_models(self) -> None:
        query = "SELECT account_id, sum(posted), sum(held) FROM wallet.balance WHERE account_id = ANY (%s) GROUP BY 1"
        rows = self.connection.execute(query, [list(self.names)]).fetchall()
        assert {self.names[row[0]]: row[1:] for row in rows} == {
            name: (self.model.posted[name], self.model.held[name]) for name in self.names.values()
        }

    @invariant()
    def brands_accounts_are_the_models(self) -> None:
        posted = self._posted(self.brands)
        posted.subtract(self.before)
        assert {name: posted[name] for name in self.brands.values()} == {
            name: self.model.posted[name] for name in self.brands.values()
        }

    @invariant()
    def money_is_conserved_and_no_balance_is_under_its_floor(self) -> None:
        rows = self.connection.execute(_SUMS).fetchall()
        assert all(total == 0 and low == 0 and overheld == 0 for _, total, low, overheld in rows), rows

    @invariant()
    def lots_are_the_models(self) -> None:
        rows = self.connection.execute(_LOTS, [FOREVER, list(self.names)]).fetchall()
        found = Counter((self.names[row[0]], *row[1:]) for row in rows)
        assert found == Counter(
            (lot.account, lot.remaining, lot.held, lot.expires_at) for lot in self.model.lots if lot.remaining
        )

    @invariant()
    def refunds_stay_within_what_each_source_gave(self) -> None:
        rows = self.connection.execute(_REFUNDED, [list(self.model.payments)]).fetchall()
        expected: Counter[tuple[object, Account]] = Counter()
        for made, (_, parts) in self.model.payments.items():
            for part in parts:
                expected[made, part.account] += part.gone
        assert {(row[0], self.names[row[1]]): row[2] for row in rows} == expected
        assert all(0 <= gone <= amount for *_, gone, amount in rows)

    def teardown(self) -> None:
        if not hasattr(self, "model"):
            return
        self.as_of_is_what_replaying_gives()
        assert checks.first_difference(self.connection) is None
        seal_everything(self.connection)
        assert seals.first_difference(self.connection) is None
        # Nothing is left to end or lapse in the next example.
        self.unfreeze()
        self.deeds.end_due(FAR)

    def as_of_is_what_replaying_gives(self) -> None:
        instants = sorted({at for at, *_ in self.model.history})
        for at in {instants[0], instants[len(instants) // 2], instants[-1], instants[0] - timedelta(microseconds=1)}:
            for person, customer_id in enumerate(self.deeds.customers):
                with transaction() as session:
                    found = balances.of_customer_as_of(session, customer_id, at=at)
                assert {(each.purpose, each.posted, each.posted - each.available) for each in found} == {
                    (purpose, *self.model.as_of((purpose, person), at)) for purpose in ("cash", "promotional")
                }

    def try_(self, name: str, **values: Any) -> None:
        """Do it, and hold the answer against the model's."""
        deed = Deed(name, values)
        why, change = self.model.answer(name, values, self.now)
        try:
            made = self.deeds.do(deed, now=self.now)
        except Refusal as refusal:
            assert type(refusal).__name__ in why, f"{type(refusal).__name__}, where the model has {why or 'none'}"
            if name == "pay":  # whose refusals are kept by itself
                self.refused.append((deed, type(refusal).__name__))
            return
        assert not why, f"{name} is done, where the model has {why}"
        change(made)
        self.done.append((deed, made))

    def refusal(self, deed: Deed) -> str | None:
        try:
            self.deeds.do(deed, now=self.now)
        except Refusal as refusal:
            return type(refusal).__name__
        return None

    def promises(self, name: str) -> list[Any]:
        made = {made for deed, made in self.done if deed.name == name and made in self.model.promises}
        return [each for each in self.model.promises if each in made] if made else []

    def promised(self, name: str, which: int) -> Any:
        return self.promises(name)[which % len(self.promises(name))]

    def _posted(self, names: dict[Any, Account]) -> Counter[Account]:
        query = "SELECT account_id, sum(posted)::bigint FROM wallet.balance WHERE account_id = ANY (%s) GROUP BY 1"
        return Counter({names[row[0]]: row[1] for row in self.connection.execute(query, [list(names)])})


_SUMS = """
    SELECT asset, sum(posted), count(*) FILTER (WHERE posted < floor),
           count(*) FILTER (WHERE held < 0 OR held > posted AND floor IS NOT NULL)
      FROM wallet.balance GROUP BY asset
"""

_LOTS = """
    SELECT account_id, remaining, held, coalesce(expires_at, %s) FROM wallet.lot
     WHERE account_id = ANY (%s) AND remaining > 0
"""

_REFUNDED = """
    SELECT transfer_id, account_id, refunded, amount FROM wallet.source WHERE transfer_id = ANY (%s)
"""


def test_wallet_does_what_its_model_does(connection: Connection) -> None:
    chosen = settings(
        max_examples=EXAMPLES, stateful_step_count=STEPS, deadline=None, suppress_health_check=list(HealthCheck)
    )
    machine = type("Wallet", (Machine,), {"connection": connection})

    run_state_machine_as_test(machine, settings=chosen)
