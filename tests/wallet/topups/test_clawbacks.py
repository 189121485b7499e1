"""What went back at the provider is taken from the customer: from cash, else it is owed, and paid by what comes in."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import permutations
from uuid import UUID

from app import wiring, worker
from core import clock, ids
from core.db import transaction
from tests.core.log import drain
from tests.wallet.conftest import count
from tests.wallet.topups.conftest import Shop, merchant, usd
from wallet import checks, refunds, standing
from wallet.topups import clawbacks, debts, reactions


def test_partial_refunds_are_taken_once_each_whatever_their_order(shop: Shop) -> None:
    ana = shop.customer()
    topup_id, intent = shop.topped_up(ana)
    first, second = shop.provider.give_back(intent, 700), shop.provider.give_back(intent, 800)

    for hook in (second, first, second):
        shop.hear(hook)

    assert shop.standing(ana) == (1000, 0)
    assert shop.topup(topup_id)["refunded_minor"] == 1500
    assert count(shop.connection, "core.event WHERE name = 'topup.refunded'") == 1
    assert checks.first_difference(shop.connection) is None


def test_dispute_after_the_money_was_spent_is_owed(shop: Shop) -> None:
    ana = shop.customer()
    _, intent = shop.topped_up(ana)
    shop.spend(ana, 2000)

    shop.hear(shop.provider.dispute(intent, 2500, "needs_response"))

    assert shop.standing(ana) == (0, -2000)
    assert shop.held_by_provider() == 0
    assert count(shop.connection, "core.event WHERE name = 'topup.disputed'") == 1
    shop.hear(shop.provider.dispute(intent, 2500, "lost", kind="closed"))
    assert shop.standing(ana) == (0, -2000)


def test_next_topup_pays_the_debt_first(shop: Shop) -> None:
    ana = shop.customer()
    _, intent = shop.topped_up(ana)
    shop.spend(ana, 2000)
    shop.hear(shop.provider.dispute(intent, 2500, "lost"))

    shop.topped_up(ana, 1500)
    assert shop.standing(ana) == (0, -500)
    shop.topped_up(ana, 500)
    assert shop.standing(ana) == (0, 0)
    shop.topped_up(ana, 1000)
    assert shop.standing(ana) == (1000, 0)
    assert checks.first_difference(shop.connection) is None


def test_won_dispute_gives_back_and_pays_the_debt(shop: Shop) -> None:
    ana = shop.customer()
    _, intent = shop.topped_up(ana)
    shop.spend(ana, 2000)
    shop.hear(shop.provider.dispute(intent, 2500, "needs_response"))

    shop.hear(shop.provider.dispute(intent, 2500, "won", kind="closed"))

    assert shop.standing(ana) == (500, 0)
    assert shop.held_by_provider() == 2500
    assert count(shop.connection, "core.event WHERE name = 'dispute.closed' AND payload ->> 'is_won' = 'true'") == 1


def test_won_dispute_ends_the_same_in_any_order(shop: Shop) -> None:
    told = [("needs_response", "created"), ("under_review", "updated"), ("won", "closed")]

    for number, order in enumerate(permutations(told)):
        ana = shop.customer(f"+1202555010{number}")
        _, intent = shop.topped_up(ana)
        for status, kind in order:
            shop.hear(shop.provider.dispute(intent, 2500, status, kind=kind, name=f"dp_{number}"))
        assert shop.standing(ana) == (2500, 0)

    assert checks.first_difference(shop.connection) is None


def test_inquiry_takes_nothing_until_it_becomes_a_dispute(shop: Shop) -> None:
    ana = shop.customer()
    _, intent = shop.topped_up(ana)

    shop.hear(shop.provider.dispute(intent, 2500, "warning_needs_response"))
    assert shop.standing(ana) == (2500, 0)
    shop.hear(shop.provider.dispute(intent, 2500, "needs_response", kind="funds_withdrawn"))
    assert shop.standing(ana) == (0, 0)


def test_refund_and_dispute_of_the_rest_take_all_of_it(shop: Shop) -> None:
    ana = shop.customer()
    _, intent = shop.topped_up(ana)

    shop.hear(shop.provider.give_back(intent, 1000))
    shop.hear(shop.provider.dispute(intent, 1500, "needs_response"))

    assert shop.standing(ana) == (0, 0)
    assert shop.held_by_provider() == 0


def test_refund_of_a_gift_card_pays_the_debt(shop: Shop) -> None:
    ana = shop.customer()
    _, intent = shop.topped_up(ana)
    card = ana.ask("POST", "/gift-cards", {"amount": usd(2000)})
    assert card.status_code == 201, card.json
    shop.hear(shop.provider.dispute(intent, 2500, "needs_response"))
    assert shop.standing(ana) == (0, -2000)

    assert ana.ask("POST", f"/gift-cards/{card.json['id']}/refunds").status_code == 201  # type: ignore[index]
    drain(next(reader for reader in reactions.READERS if reader.name == "wallet.debts"))

    assert shop.standing(ana) == (0, 0)
    assert checks.first_difference(shop.connection) is None


def test_refund_of_a_payment_pays_the_debt(shop: Shop) -> None:
    ana, till = shop.customer(), merchant()
    _, intent = shop.topped_up(ana)
    paid = ana.ask("POST", "/payments", {"merchant_id": str(till), "amount": usd(2000)}).json
    shop.hear(shop.provider.dispute(intent, 2500, "needs_response"))
    assert shop.standing(ana) == (0, -2000)

    refunded(UUID(paid["id"]), till, 2000)
    with transaction() as session:
        assert debts.collect(session, {ana.id}, now=clock.now()) == 1
    with transaction() as session:
        assert debts.collect(session, {ana.id}, now=clock.now()) == 0

    assert shop.standing(ana) == (0, 0)
    assert count(shop.connection, "core.event WHERE name = 'debt.paid'") == 1


def test_claw_back_of_a_frozen_wallet_is_owed(shop: Shop) -> None:
    ana = shop.customer()
    topup_id, intent = shop.topped_up(ana)
    with transaction() as session:
        standing.freeze(session, f"customer:{ana.id}")

    shop.hear(shop.provider.give_back(intent, 1000))

    assert shop.standing(ana) == (2500, -1000)
    assert shop.topup(topup_id)["refunded_minor"] == 1000


def test_debt_of_a_frozen_wallet_is_paid_when_it_is_opened_again(shop: Shop) -> None:
    ana, staff = shop.customer(), shop.staff("wallets.freeze")
    _, intent = shop.topped_up(ana)
    asked = f"/customers/{ana.id}/wallet-status"
    assert staff.ask("PUT", asked, {"status": "frozen", "reason": "case-1"}).status_code == 200
    shop.hear(shop.provider.give_back(intent, 1000))
    assert shop.standing(ana) == (2500, -1000)

    assert staff.ask("PUT", asked, {"status": "open", "reason": "case-1"}).status_code == 200
    read_log()

    assert shop.standing(ana) == (1500, 0)


def test_money_given_by_a_batch_pays_the_debt(shop: Shop) -> None:
    ana, staff = shop.customer(), shop.staff("transfers.batch")
    _, intent = shop.topped_up(ana)
    shop.spend(ana, 2500)
    shop.hear(shop.provider.give_back(intent, 1000))
    line = {"reference": "1", "kind": "credit_cash", "customer_id": str(ana.id), "amount": usd(700)}

    assert staff.ask("POST", "/transfers/batch", {"mode": "each", "lines": [line]}).status_code == 201
    read_log()

    assert shop.standing(ana) == (0, -300)


def test_frozen_or_closed_wallet_can_still_be_charged_back(shop: Shop) -> None:
    ana = shop.customer()
    charged = [shop.topped_up(ana, 1000)[1] for _ in range(3)]
    shop.hear(shop.provider.dispute(charged[0], 1000, "needs_response"))
    with transaction() as session:
        standing.freeze(session, f"customer:{ana.id}")
    shop.hear(shop.provider.dispute(charged[1], 1000, "needs_response", name="dp_2"))
    assert shop.standing(ana) == (2000, -1000)
    with transaction() as session:
        standing.unfreeze(session, f"customer:{ana.id}")
    shop.topped_up(ana, 1000)
    shop.spend(ana, 2000)
    with transaction() as session:
        standing.close(session, f"customer:{ana.id}")

    shop.hear(shop.provider.dispute(charged[2], 1000, "needs_response", name="dp_3"))

    assert shop.standing(ana) == (0, -1000)
    assert checks.first_difference(shop.connection) is None


def test_debt_and_spending_at_once_never_lose_money(shop: Shop) -> None:
    ana = shop.customer()
    charged = [shop.topped_up(ana, 1000)[1] for _ in range(4)]
    hooks = [shop.provider.give_back(intent, 1000) for intent in charged]

    with ThreadPoolExecutor(6) as pool:
        heard = [pool.submit(shop.hear, hook) for hook in hooks]
        bought = [pool.submit(shop.top_up, ana, 100) for _ in range(4)]
        assert {one.result().status_code for one in heard} <= {200, 503}
        assert {one.result().status_code for one in bought} <= {201, 503}
    while clawbacks.bring_due_into_line(clock.now() + timedelta(hours=2)):
        pass

    cash, debt = shop.standing(ana)
    assert cash + debt == shop.held_by_provider()
    assert debt <= 0
    assert checks.first_difference(shop.connection) is None


def read_log() -> None:
    """What a worker does until it has read all that was announced."""
    reader = [each for each in wiring.READERS if each.name == "wallet.debts"]
    worker.drain(reader, [], now=clock.now())


def refunded(payment_id: UUID, merchant_id: UUID, amount_minor: int) -> None:
    with transaction() as session:
        refunds.refund(
            session,
            principal="test",
            key=str(ids.new()),
            fingerprint=b"same",
            payment_id=payment_id,
            merchant_id=merchant_id,
            amount_minor=amount_minor,
            at=clock.now(),
        )
