"""One basket paid out of a gift card, promotional value, points and cash, and given back in two parts."""

import hashlib
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from sqlalchemy.orm import Session

from app.demo import source_people
from app.demo.stage import Scene
from app.demo.telling import Section, money
from core.db import connection_of, transaction
from core.money import POINTS
from core.settings import Settings
from rewards import campaigns, vouchers
from rewards.campaigns import Draft
from rewards.vouchers import Issue
from wallet import balances, lots, receipts, refunds
from wallet.documents import letterhead, receipt, wording
from wallet.finance import batch_approvals, batches, lines
from wallet.finance.batches import Batch
from wallet.paying import till_payments
from wallet.paying.splits import Kind
from wallet.paying.till_payments import TillPayment
from wallet.paying.tills import Till
from wallet.receipts import Receipt

BASKET_MINOR = 60_00
FIRST_BACK_MINOR = 24_00
GIFT_CARD_MINOR = 20_00
#: Two lots of promotional value, with the days that each lasts: the one that lapses sooner is spent first.
PROMOTIONS = ((9_00, 30), (6_00, 7))
POINTS_GIVEN = 500
ORDER: tuple[Kind, ...] = ("gift_card", "promotional", "points", "cash")
#: What the rest of the basket needs even where points are worth nothing.
CASH_MINOR = BASKET_MINOR - GIFT_CARD_MINOR - sum(amount for amount, _ in PROMOTIONS)

TILL_REFERENCE = "demo-mixed-payment"

#: What stands on each source, by its name.
Standing = dict[str, int]


class NobodyHasEnough(Exception):
    """No household has the cash in its wallet that the scene needs."""


def play(scene: Scene, settings: Settings, *, folder: Path, actor: str, at: datetime) -> Section:
    """Give one household what marketing gives, let it pay, take the basket back in two parts; write its receipts.

    at  when it pays; the refunds follow by the minute
    """
    household_id = _household(scene)
    customer_id = scene.households[household_id]
    card_id = _give_gift_card(scene, customer_id, actor=actor, now=at)
    _give_value(scene, customer_id, actor=actor, now=at)
    till = _till(scene)

    standings = [_standing(customer_id, card_id)]
    payment_id = _pay(till, customer_id, scene.currency, at=at)
    standings.append(_standing(customer_id, card_id))
    _refund(till, payment_id, FIRST_BACK_MINOR, at=at + timedelta(minutes=1))
    standings.append(_standing(customer_id, card_id))
    half_way = _receipt(payment_id, customer_id)
    _refund(till, payment_id, None, at=at + timedelta(minutes=2))
    standings.append(_standing(customer_id, card_id))
    whole = _receipt(payment_id, customer_id)

    words, house = wording.of(None, settings.time_zone), letterhead.of(settings)
    picture, pages = folder / "receipt.png", folder / "receipt.pdf"
    picture.write_bytes(receipt.as_png(half_way, words, house))
    pages.write_bytes(receipt.as_pdf(whole, words, house))
    return _told(household_id, half_way, whole, standings, picture, pages)


def _household(scene: Scene) -> int:
    """The first household that can pay the cash part."""
    with transaction() as session:
        for household_id in sorted(scene.households):
            found = balances.of_customer(session, scene.households[household_id])
            if any((each.purpose, each.asset) == ("cash", scene.currency) and each.available >= CASH_MINOR
                   for each in found):  # fmt: skip
                return household_id
    raise NobodyHasEnough


def _give_gift_card(scene: Scene, customer_id: UUID, *, actor: str, now: datetime) -> UUID:
    draft = Draft(
        name="A gift card for a good customer",
        kind="gift_card",
        discount={"kind": "value", "amount_minor": GIFT_CARD_MINOR},
        currency=scene.currency,
        starts_at=now,
        ends_at=now + timedelta(days=30),
        budget_minor=GIFT_CARD_MINOR,
        starts_now=True,
    )
    with transaction() as session:
        campaign_id = campaigns.create(session, draft, actor=actor, now=now)
    with transaction() as session:
        given = Issue(campaign_id=campaign_id, customer_id=customer_id, source=f"demo:{campaign_id}")
        return vouchers.issue(session, given, now=now).id


def _give_value(scene: Scene, customer_id: UUID, *, actor: str, now: datetime) -> None:
    """Promotional value that lapses, and points, as staff give them: by a batch."""
    to = {"customer_id": str(customer_id)}
    given: list[dict[str, object]] = [
        {
            "reference": f"promotional-{days}-days",
            "kind": "credit_promotional",
            "amount": {"amount_minor": amount, "currency": scene.currency},
            "expires_at": (now + timedelta(days=days)).isoformat(),
            **to,
        }
        for amount, days in PROMOTIONS
    ]
    points = {"amount_minor": POINTS_GIVEN, "currency": POINTS}
    given.append({"reference": "points", "kind": "credit_points", "amount": points, **to})
    content = batch_approvals.content_of(batches.ALL_OR_NOTHING, given)
    batches.run(
        Batch(
            principal=actor,
            key="demo-gifts",
            fingerprint=content,
            content=content,
            mode=batches.ALL_OR_NOTHING,
            lines=lines.read(given),
        ),
        now=now,
    )


def _till(scene: Scene) -> Till:
    store_id, terminal_id = scene.tills[min(scene.tills)]
    return Till(merchant_id=scene.merchant_id, store_id=store_id, terminal_id=terminal_id)


def _pay(till: Till, customer_id: UUID, currency: str, *, at: datetime) -> UUID:
    asked = TillPayment(
        till=till,
        customer_id=customer_id,
        amount_minor=BASKET_MINOR,
        currency=currency,
        till_reference=TILL_REFERENCE,
        order=ORDER,
        at=at,
    )
    with transaction() as session:
        return till_payments.take(session, asked).transfer_id


def _refund(till: Till, payment_id: UUID, amount_minor: int | None, *, at: datetime) -> None:
    key = f"{TILL_REFERENCE}-back-{amount_minor or 'all'}"
    with transaction() as session:
        refunds.refund(
            session,
            principal=till.principal,
            key=key,
            fingerprint=hashlib.sha256(key.encode()).digest(),
            payment_id=payment_id,
            merchant_id=till.merchant_id,
            amount_minor=amount_minor,
            at=at,
        )


def _receipt(payment_id: UUID, customer_id: UUID) -> Receipt:
    with transaction() as session:
        return receipts.of_payment(connection_of(session), payment_id, customer_id=customer_id)


def _standing(customer_id: UUID, card_id: UUID) -> Standing:
    with transaction() as session:
        return {
            "gift card": sum(each.posted for each in balances.of(session, f"voucher:{card_id}")),
            **_promotional(session, customer_id),
            **{
                name: sum(each.posted for each in balances.of_customer(session, customer_id) if each.purpose == name)
                for name in ("points", "cash")
            },
        }


def _promotional(session: Session, customer_id: UUID) -> Standing:
    """Its lots by their last days; one that is spent is not among them."""
    return {
        f"promotional value until {expires_at:%Y-%m-%d}": remaining
        for purpose, _, remaining, expires_at in lots.of_owner(session, f"customer:{customer_id}")
        if purpose == "promotional" and expires_at is not None
    }


def _told(
    household_id: int, half_way: Receipt, whole: Receipt, standings: list[Standing], picture: Path, pages: Path
) -> Section:
    before, paid, first, after = standings
    rows = []
    for name in before:
        stood = [each.get(name, 0) for each in (before, paid, first, after)]
        moved = [stood[0] - stood[1], stood[2] - stood[1], stood[3] - stood[2]]
        shown = (f"{each:,} points" if name == "points" else money(each) for each in (stood[0], *moved, stood[3]))
        rows.append((name, *shown))
    worth = sum(part.amount for part in whole.parts if part.kind == "points")
    rows.append(
        ("the basket", "", money(whole.amount), money(half_way.refunded), money(whole.refunded - half_way.refunded), "")
    )
    phone = source_people.phone_number(household_id)
    where = f"{whole.store_name} of {whole.merchant_name}"
    points = f" (points that are worth {money(worth)} among it)" if worth else ""
    return Section(
        title="A mixed payment and its refund",
        words=f"Household {household_id} ({phone}) pays {money(whole.amount)} at {where},\n"
        f"in one transfer out of all that it has{points}. It brings the basket back in two\n"
        "parts, and each part goes back to where it came from.",
        headings=("", "there was", "it paid", "came back", "and the rest", "there is"),
        rows=rows,
        sums=1,
        notes=(
            f"Its receipt after the first part came back: {picture}",
            f"and at the end: {pages}",
        ),
    )
