"""`flask wallet check` finds what was changed behind top-ups' back."""

import pytest

from tests.wallet.topups.conftest import Shop
from wallet import checks


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("UPDATE wallet.topup SET state = 'failed'", "is failed, and its transfer is"),
        ("UPDATE wallet.topup SET refunded_minor = 701", "says that 701 went back, its transfers say 700"),
        ("UPDATE wallet.dispute SET clawed_minor = 0", "says that 0 is taken back, its transfers say 300"),
        ("DELETE FROM wallet.dispute", "says that 0 is taken back, its transfers say 300"),
    ],
)
def test_planted_difference_is_named(shop: Shop, change: str, named: str) -> None:
    _, intent = shop.topped_up(shop.customer())
    shop.hear(shop.provider.give_back(intent, 700))
    shop.hear(shop.provider.dispute(intent, 300, "needs_response"))
    assert checks.first_difference(shop.connection) is None

    shop.connection.execute(change)  # type: ignore[call-overload]

    assert named in (checks.first_difference(shop.connection) or "")
