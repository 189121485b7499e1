"""Whatever phones, tills and staff do in whatever order, the books agree, and nobody's cash is taken."""

from datetime import timedelta
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.db import connection_of, transaction
from core.errors import Refusal
from rewards import checks
from rewards.offline.issuing import Issued
from rewards.offline.records import Record
from tests.rewards.conftest import NOW, World
from tests.rewards.offline.conftest import OfflineTill, Phone, losses
from tests.rewards.offline.test_syncing import use_online
from wallet.checks import first_difference

DEEDS = st.lists(
    st.tuples(
        st.sampled_from(["fetch", "online", "offline", "offline", "again", "reverse", "block", "allow"]),
        st.integers(0, 1),
    ),
    min_size=3,
    max_size=12,
)


@settings(
    max_examples=20,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(deeds=DEEDS, is_card=st.booleans())
def test_any_order_leaves_the_books_in_order(
    shop: World, till: OfflineTill, other: OfflineTill, deeds: list[tuple[str, int]], is_card: bool
) -> None:
    phone = Phone(shop, shop.customer())
    phone.register()
    campaign = shop.gift_campaign(1_500) if is_card else shop.campaign(limit_per_customer=2)
    voucher = shop.voucher(campaign, phone.customer_id)
    play = _Play(shop, phone, (till, other), voucher.id, voucher.code)

    for deed, which in deeds:
        try:
            getattr(play, deed)(which)
        except Refusal as refusal:
            assert refusal.is_final or refusal.kind.value in {"conflict", "forbidden"}, refusal
        with transaction() as session:
            assert checks.first_difference(connection_of(session)) is None

    with transaction() as session:
        assert first_difference(connection_of(session)) is None
    assert losses(shop) >= 0
    assert shop.cash(phone.customer_id) == 10_000


class _Play:
    def __init__(
        self, shop: World, phone: Phone, tills: tuple[OfflineTill, OfflineTill], voucher_id: UUID, code: str
    ) -> None:
        self.shop, self.phone, self.tills, self.voucher_id, self.code = shop, phone, tills, voucher_id, code
        self.token: Issued | None = None
        self.records: list[tuple[OfflineTill, Record]] = []
        self.seconds = 0

    def fetch(self, _: int) -> None:
        self.token = self.phone.fetch(self.voucher_id)

    def online(self, _: int) -> None:
        self.seconds += 1
        use_online(self.shop, self.code, 700, reference=f"{self.code} {self.seconds}")

    def offline(self, which: int) -> None:
        if self.token is None:
            self.fetch(which)
        assert self.token is not None
        self.seconds += 1
        till, at = self.tills[which], NOW + timedelta(seconds=self.seconds)
        record = till.record(self.phone.show(self.token, at), 500, at=at)
        self.records.append((till, record))
        till.take(record)

    def again(self, which: int) -> None:
        if self.records:
            till, record = self.records[-1 - which % len(self.records)]
            assert till.take(record).replayed

    def reverse(self, which: int) -> None:
        if self.records:
            till, record = self.records[which % len(self.records)]
            till.reverse(record.till_reference)
            assert till.take(record).paid_minor == 0

    def block(self, which: int) -> None:
        with transaction() as session:
            query = "UPDATE rewards.voucher SET state = %s WHERE id = %s AND state IN ('active', 'blocked')"
            connection_of(session).execute(query, ["blocked" if which else "active", self.voucher_id])

    def allow(self, which: int) -> None:
        self.tills[which].allow(500, 1)
