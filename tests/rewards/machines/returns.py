"""What comes back of a basket's lines, worked out on paper."""

from collections import Counter
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from uuid import UUID

from rewards.rollbacks.lines import Asked
from tests.rewards.machines.things import Taken

#: position, minor units, pieces
Came = tuple[int, int, int]

#: How much of a line is asked for: pieces, minor units, or all that is left.
WAYS = {
    "rest": {},
    "one": {"quantity": Decimal(1)},
    "two": {"quantity": Decimal(2)},
    "1": {"amount_minor": 1},
    "77": {"amount_minor": 77},
    "500": {"amount_minor": 500},
}


def asked(position: int, way: str) -> Asked:
    return Asked(position=position, **WAYS[way])


def came(taken: Taken, wanted: Sequence[Asked]) -> list[Came] | None:
    """What comes back, line by line; None where it is more than a line has left."""
    amounts, pieces = Counter(taken.back_of), Counter(taken.pieces_back)
    found: list[Came] = []
    for each in wanted:
        line = taken.lines[each.position]
        left, left_pieces = line.amount_minor - amounts[each.position], int(line.quantity) - pieces[each.position]
        amount, count = left, left_pieces
        if each.quantity is not None and each.quantity < left_pieces:
            count = int(each.quantity)
            amount = int((Decimal(left) * count / left_pieces).to_integral_value(ROUND_HALF_UP))
        elif each.quantity is not None:
            count = int(each.quantity)
        elif each.amount_minor is not None and each.amount_minor != left:
            amount, count = each.amount_minor, 0
        if (not left and not left_pieces) or amount > left or count > left_pieces:
            return None
        amounts[each.position] += amount
        pieces[each.position] += count
        found.append((each.position, amount, count))
    return found


def hold_shares(
    taken: Taken, lines: Sequence[Came], backs: dict[UUID, tuple[int, bool]], gone: dict[tuple[UUID, int], int]
) -> None:
    """Each coupon gets its own part of the lines, the others the rest in proportion, to less than a cent each.

    gone  by use and line: what has gone back of the parts by now
    """
    of_coupons = 0
    for use in taken.uses:
        if use.voucher.campaign is None or use.id is None:
            continue
        now = {at: part - gone.get((use.id, at), 0) for at, part in use.given.items()}
        back = {at: use.parts[at] - left for at, left in now.items()}
        amount, is_whole = backs.get(use.id, (0, False))
        assert sum(back.values()) == amount
        assert is_whole == (amount > 0 and amount == use.left)
        for position in {each[0] for each in lines}:
            parts = [each[1] for each in lines if each[0] == position]
            left = taken.lines[position].amount_minor - taken.back_of[position]
            wanted = Decimal(use.parts.get(position, 0) * sum(parts)) / left if left else Decimal(0)
            assert abs(back.get(position, 0) - wanted) < len(parts)
        of_coupons += amount
        use.parts = now
    rest = sum(amount for _, amount, _ in lines) - of_coupons
    cards = [use for use in taken.uses if use.voucher.campaign is None and use.id]
    lefts = sum(use.left for use in cards) + taken.paid - taken.paid_back
    for use in cards:
        amount, is_whole = backs.get(use.id, (0, False))
        assert abs(amount - (Decimal(use.left * rest) / lefts if lefts else 0)) < 1
        assert is_whole == (amount > 0 and amount == use.left)
