"""The audit finds a basket that says something else than the ledger."""

from datetime import timedelta

import pytest

from core.db import connection_of, transaction
from tests.wallet.conftest import NOW
from tests.wallet.paying.conftest import Shop
from wallet import checks
from wallet.paying import captures, till_holds
from wallet.paying.captures import Caught
from wallet.paying.till_holds import TillHold


def paid(shop: Shop) -> None:
    """A basket paid by its code with a tip, one taken by the till out of every source, and a capture."""
    request = shop.ask(1000, reference="B-1", tip_allowed=True)
    customer_id = shop.customer(cash=3000, promotional=200, points=100)
    shop.pay(customer_id, code=shop.code_of(request), tip_minor=50)
    shop.take(customer_id, 500, tip=10)
    with transaction() as session:
        hold = TillHold(
            till=shop.till, customer_id=customer_id, amount_minor=300, currency="USD", till_reference="H-1",
            expires_at=NOW + timedelta(hours=1), at=NOW,
        )  # fmt: skip
        hold_id = till_holds.place(session, hold).transfer_id
    with transaction() as session:
        captures.capture(
            session, hold_id, Caught(principal="t", key="k", fingerprint=b"", till=shop.till, amount_minor=200, at=NOW)
        )


def test_audit_agrees_with_what_was_paid(shop: Shop) -> None:
    paid(shop)

    shop.check()


@pytest.mark.parametrize(
    ("corruption", "told"),
    [
        ("UPDATE wallet.payment_request SET tip_minor = 51 RETURNING 1", "payment request"),
        ("UPDATE wallet.payment_request SET payment_id = gen_random_uuid() RETURNING 1", "payment request"),
        ("UPDATE wallet.payment_request SET till_reference = 'B-2' RETURNING 1", "payment request"),
    ],
)
def test_audit_names_a_basket_that_differs(shop: Shop, corruption: str, told: str) -> None:
    paid(shop)
    shop.rows(corruption)

    with transaction() as session:
        difference = checks.first_difference(connection_of(session))

    assert difference is not None
    assert difference.startswith(told)


def test_audit_names_a_payment_whose_parts_are_not_what_gave(shop: Shop) -> None:
    paid(shop)
    with transaction() as session:
        connection = connection_of(session)
        connection.execute("ALTER TABLE wallet.transfer DISABLE TRIGGER USER")
        connection.execute(
            "UPDATE wallet.transfer SET details = jsonb_set(details, '{parts,0,amount_minor}', '1')"
            " WHERE kind = 'payment' AND key = 'B-1'"
        )

        difference = checks.first_difference(connection)

        session.rollback()
    assert difference is not None
    assert "tells of parts that give" in difference
