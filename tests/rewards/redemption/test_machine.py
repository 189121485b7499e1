"""Whatever tills do in whatever order, counters are what their redemptions counted, and no budget is overspent."""

from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core import ids
from core.db import connection_of, statement, transaction
from core.errors import Refusal
from rewards import campaigns, checkouts
from rewards import checks as rewards_checks
from rewards.baskets import Basket
from rewards.checkouts import Checkout
from rewards.redemption import redeeming
from rewards.redemption.recording import Redemption
from rewards.redemption.redeeming import Request
from rewards.reservations import ending, placing, taking
from rewards.reservations.placing import Asked
from rewards.reservations.rows import Reservation
from rewards.rollbacks import checkouts as returns
from rewards.rollbacks import redemptions
from rewards.rollbacks.rows import Deed
from tests.rewards.conftest import NOW, World, line
from wallet import checks

#: Small, so that a dozen deeds reach them.
LIMITS = (
    {"scope": "total", "measure": "uses", "period": "day", "most": 3},
    {"scope": "store", "measure": "amount", "period": "week", "most": 1_800},
    {"scope": "customer", "measure": "amount", "period": "ever", "most": 1_200},
)
#: Each deed: what is done, to which of what there is, for how much, and on which day.
DEEDS = st.lists(
    st.tuples(
        st.sampled_from([
            "redeem", "redeem", "check out", "retry", "roll back", "expire", "pause",
            "reserve", "reserve", "take", "release", "let time pass",
        ]),
        st.integers(0, 5),
        st.integers(100, 900),
        st.integers(0, 2),
    ),
    min_size=1,
    max_size=16,
)  # fmt: skip


class Tills:
    """What is done by hand of one customer and two campaigns, with what came of it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.customer = world.customer()
        given = {"limits": LIMITS, "limit_per_customer": 4, "budget_minor": 2_000}
        self.campaigns = [world.campaign(**given), world.gift_campaign(1_500)]
        owners = (None, self.customer, self.customer)
        self.vouchers = [world.voucher(self.campaigns[0], owner) for owner in owners]
        self.vouchers.append(world.voucher(self.campaigns[1], self.customer))
        self.requests: list[Request] = []
        self.made: list[Redemption | Checkout] = []
        self.reserved: list[Reservation] = []

    def act(self, deed: str, number: int, amount: int, day: int) -> None:
        """Refusals are as good an end as any: what counts is what stands afterwards."""
        at = NOW + timedelta(days=day)
        code = self.vouchers[number % len(self.vouchers)].code
        try:
            match deed:
                case "redeem":
                    self.redeem(self.request(code, amount), day)
                case "retry" if self.requests:
                    self.redeem(self.requests[number % len(self.requests)], day)
                case "check out":
                    self.check_out(code, amount, day)
                case "roll back" if self.made:
                    self.roll_back(self.made[number % len(self.made)], amount if amount % 2 else None, at_day=day)
                case "reserve":
                    self.reserve(code, amount, day)
                case "take" if self.reserved:
                    self.take(self.reserved[number % len(self.reserved)], day)
                case "release" if self.reserved:
                    self.release(self.reserved[number % len(self.reserved)], day)
                case "let time pass":
                    with transaction() as session:
                        ending.expire_due(session, now=at)
                case "expire":
                    self.world.rows(
                        "UPDATE rewards.voucher SET expires_at = %s WHERE id = %s RETURNING id",
                        at,
                        self.vouchers[number % len(self.vouchers)].id,
                    )
                case "pause":
                    self.pause_or_start(number % 2 == 0)
        except Refusal:
            pass

    def request(self, code: str, amount: int) -> Request:
        return Request(
            till=self.world.till,
            reference=code,
            basket=Basket((line(amount),)),
            currency="USD",
            till_reference=str(ids.new()),
        )

    def redeem(self, request: Request, day: int) -> None:
        self.requests.append(request)
        with statement() as connection:
            made = redeeming.redeem(connection, request, at=NOW + timedelta(days=day))
        assert isinstance(made, Redemption)
        assert made.amount_minor <= request.basket.total_minor
        self.made.append(made)

    def check_out(self, code: str, amount: int, day: int) -> None:
        at = NOW + timedelta(days=day)
        with transaction() as session:
            taken = checkouts.take(
                session, self.world.checkout(self.customer, line(amount), vouchers=(code,), at=at), now=at
            )
        assert taken.discount_minor + taken.gift_minor + taken.paid_minor == amount
        self.made.append(taken)

    def reserve(self, code: str, amount: int, day: int) -> None:
        basket = self.world.checkout(self.customer, line(amount), vouchers=(code,))
        # Some outlast the days of the test, others only their own.
        lasts = timedelta(days=amount % 3)
        with transaction() as session:
            made = placing.place(session, Asked(basket=basket, lasts=lasts), now=NOW + timedelta(days=day))
        assert made.discount_minor + made.gift_minor <= amount
        self.reserved.append(made)

    def take(self, reserved: Reservation, day: int) -> None:
        at, rest = NOW + timedelta(days=day), "till" if day else "wallet"
        with transaction() as session:
            taken = taking.take(
                session, reserved.id, self.world.till, till_reference=f"B-{reserved.id}", rest=rest, now=at
            )
        # Just what was held, whatever became of vouchers and campaigns since.
        assert (taken.discount_minor, taken.gift_minor) == (reserved.discount_minor, reserved.gift_minor)
        self.made.append(taken)

    def release(self, reserved: Reservation, day: int) -> None:
        with transaction() as session:
            ending.release(session, reserved.id, self.world.till, now=NOW + timedelta(days=day))

    def roll_back(self, made: Redemption | Checkout, amount: int | None, *, at_day: int) -> None:
        key = ids.new()
        deed = Deed(principal="test", key=str(key), fingerprint=key.bytes, at=NOW + timedelta(days=at_day))
        with transaction() as session:
            if isinstance(made, Checkout):
                returns.roll_back(session, made.id, None, deed, merchant_id=made.till.merchant_id)
            else:
                redemptions.roll_back(session, made.id, amount, deed, merchant_id=made.till.merchant_id)

    def pause_or_start(self, is_pause: bool) -> None:
        act = campaigns.pause if is_pause else campaigns.start
        with transaction() as session:
            act(session, campaign_id=self.campaigns[0], actor="staff:test", now=NOW)


def difference() -> str | None:
    with transaction() as session:
        connection = connection_of(session)
        return rewards_checks.first_difference(connection) or checks.first_difference(connection)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(deeds=DEEDS)
def test_no_order_of_deeds_makes_a_counter_differ_from_its_rows(
    world: World, deeds: list[tuple[str, int, int, int]]
) -> None:
    tills = Tills(world)

    for deed in deeds:
        tills.act(*deed)

    assert difference() is None
    query = "SELECT count(*) FROM rewards.counter WHERE used > cap"
    assert world.rows(query) == [(0,)]
    assert world.budget(tills.campaigns[0]) >= 0
