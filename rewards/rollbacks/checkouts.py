"""Rolling checkouts back, whole or by line: each coupon's part of a line goes to its campaign, the rest to who paid.

The conditions of the vouchers are not asked again: a coupon for baskets of 20.00 stays used when half of the basket
comes back, and gives its part of that half. With the last of what it took off its use comes back, too.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.orm import Session

from core.db import Connection, connection_of
from core.errors import NotFound
from rewards.rollbacks import lines, redeemed, rows, wholes
from rewards.rollbacks.errors import RolledBackAlready
from rewards.rollbacks.lines import Asked, Returned
from rewards.rollbacks.redeemed import Back
from rewards.rollbacks.rows import Deed, Rollback
from rewards.rollbacks.wholes import Opened
from wallet import refunds
from wallet.errors import RefundExceedsPayment
from wallet.shares import shares
from wallet.transfers import Posted


def roll_back(
    session: Session, checkout_id: UUID, asked: Sequence[Asked] | None, deed: Deed, *, merchant_id: UUID
) -> Rollback:
    """Give a checkout back, or these lines of it; in whatever order its lines come back, the end is the same.

    asked    None for all that is left, also where parts of its payment were refunded by amount before
    raises   NotFound for another merchant's; RollbackExceedsLine; RolledBackAlready; KeyReused; RefundExceedsPayment
    effects  gives the value back to its sources, and the vouchers and counters their uses; announces payment.refunded,
             voucher.rolled_back and checkout.rolled_back
    """
    connection = connection_of(session)
    found = wholes.open_all(connection, [checkout_id])
    if not found or found[0].kept.merchant_id != merchant_id:
        raise NotFound
    opened = found[0]
    # Asked under the lock: a twin that has just finished must be seen before its rollback is taken for too much.
    earlier = rows.find(connection, deed)
    if earlier is not None:
        return earlier
    if not opened.kept.left_minor and (opened.kept.total_minor or rows.has_any(connection, checkout_id)):
        raise RolledBackAlready

    returned = lines.give_back(opened.lines, asked) if asked is not None else []
    if asked is None or _are_all_back(opened, returned):
        return _roll_back_whole(session, opened, deed)
    return _roll_back_lines(session, opened, returned, deed)


def _are_all_back(opened: Opened, returned: Sequence[Returned]) -> bool:
    """Whether nothing is left with these: of a basket that cost nothing, no piece."""
    if opened.kept.total_minor:
        return sum(each.amount_minor for each in returned) == opened.kept.left_minor
    return not any(line.left_quantity for line in opened.lines)


def _roll_back_whole(session: Session, opened: Opened, deed: Deed) -> Rollback:
    connection = connection_of(session)
    opened = wholes.open_all(connection, [opened.kept.id])[0]  # its lines as they stand
    wholes.release(connection, [opened])
    try:
        posted = _refund(session, opened, deed, amount_minor=None, fixed={})
    except RefundExceedsPayment:  # all of the payment was refunded before, by amount
        posted = None
    amount_minor = posted.details["amount_minor"] if posted else 0
    return wholes.close(
        session, opened, deed, amount_minor=amount_minor, transfer_id=posted.transfer_id if posted else None
    )


def _roll_back_lines(session: Session, opened: Opened, returned: Sequence[Returned], deed: Deed) -> Rollback:
    connection, kept = connection_of(session), opened.kept
    gross_minor = sum(each.amount_minor for each in returned)
    coupons = _coupons_back(opened, returned)
    redeemed.lock_vouchers(connection, [each for each in opened.redeemed if each.stands])
    redeemed.uncount(connection, coupons)

    at_till_minor = _at_till(connection, opened, gross_minor - sum(back.amount_minor for back in coupons))
    posted = _refund(session, opened, deed, amount_minor=gross_minor - at_till_minor, fixed=_fixed(opened, coupons))
    backs = [*coupons, *_gift_cards_back(connection, opened)]
    made = Rollback(
        checkout_id=kept.id,
        kind=deed.kind,
        amount_minor=gross_minor,
        at_till_minor=at_till_minor,
        currency=kept.currency,
        lines=rows.lines_kept(returned),
        redemptions=rows.redemptions_of(backs),
        reason=deed.reason,
        transfer_id=posted.transfer_id if posted else None,
        store_id=kept.store_id,
        made_at=deed.at,
    )
    return wholes.write(session, opened, made, deed, returned=returned, backs=backs, gross_minor=gross_minor)


def _refund(
    session: Session, opened: Opened, deed: Deed, *, amount_minor: int | None, fixed: dict[UUID, int]
) -> Posted | None:
    """raises  RefundExceedsPayment"""
    if opened.kept.transfer_id is None or amount_minor == 0:
        return None
    return refunds.refund(
        session,
        principal=deed.principal,
        key=deed.key,
        fingerprint=deed.fingerprint,
        payment_id=opened.kept.transfer_id,
        merchant_id=opened.kept.merchant_id,
        amount_minor=amount_minor,
        fixed=fixed,
        at=deed.at,
    )


def _coupons_back(opened: Opened, returned: Sequence[Returned]) -> list[Back]:
    """What each coupon's parts of these lines come to; with the last of them it is used no longer."""
    found = []
    for each in opened.redeemed:
        part = sum(line.parts.get(each.id, 0) for line in returned)
        if part:
            found.append(Back(each, part, part == each.left_minor))
    return found


def _fixed(opened: Opened, coupons: Sequence[Back]) -> dict[UUID, int]:
    """By budget; one that none of these lines concerns gets nothing."""
    found = {each.account: 0 for each in opened.redeemed if each.lines and not each.is_gift_card}
    for back in coupons:
        found[back.redeemed.account] += back.amount_minor
    return found


def _at_till(connection: Connection, opened: Opened, rest_minor: int) -> int:
    """How much of what coupons leave of the lines the till gives back itself, since it collected that."""
    if not opened.kept.at_till_minor or not rest_minor:
        return 0
    left = opened.kept.at_till_minor - rows.at_till_back(connection, opened.kept.id)
    coupons_left = sum(each.left_minor for each in opened.redeemed if not each.is_gift_card)
    return shares([opened.kept.left_minor - coupons_left - left, left], rest_minor)[1]


def _gift_cards_back(connection: Connection, opened: Opened) -> list[Back]:
    """What the ledger has just given back to gift cards, in proportion with the other sources."""
    cards = {each.account: each for each in opened.redeemed if each.is_gift_card and each.stands}
    found = connection.execute(_GIVEN_BACK, [opened.kept.transfer_id, list(cards)]).fetchall() if cards else []
    backs = [(cards[account], min(refunded, cards[account].amount_minor)) for account, refunded in found]
    return [
        Back(card, given - card.back_minor, given == card.amount_minor)
        for card, given in backs
        if given > card.back_minor
    ]


_GIVEN_BACK = "SELECT account_id, refunded FROM wallet.transfer_part WHERE transfer_id = %s AND account_id = ANY(%s)"
