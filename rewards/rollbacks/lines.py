"""Lines of a basket that come back: how much of them, and whose part of it is whose. Pure arithmetic."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from uuid import UUID

from core.errors import InvalidInput
from rewards.rollbacks.errors import RollbackExceedsLine
from wallet.shares import shares


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A line that comes back: so many of its pieces, or so much of its amount, or all that is left of it.

    position  of the line in its basket, from 0
    """

    position: int
    quantity: Decimal | None = None
    amount_minor: int | None = None


@dataclass(slots=True, kw_only=True)
class Line:
    """What is left of a line.

    parts  what each coupon took off it, less what went back of that; the rest of the line was paid otherwise
    """

    position: int
    amount_minor: int
    quantity: Decimal
    back_minor: int = 0
    back_quantity: Decimal = Decimal(0)
    parts: dict[UUID, int] = field(default_factory=dict)

    @property
    def left_minor(self) -> int:
        return self.amount_minor - self.back_minor

    @property
    def left_quantity(self) -> Decimal:
        return self.quantity - self.back_quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    """What comes back of a line. parts: of the amount, by redemption; what they leave goes to the other sources."""

    position: int
    amount_minor: int
    quantity: Decimal
    parts: dict[UUID, int]


def give_back(lines: Sequence[Line], asked: Sequence[Asked]) -> list[Returned]:
    """Take what comes back off the lines; each source gets what is its own in proportion to what it can still take.

    Of a line of 10.00 that a coupon gave 3.00 of, 5.00 are 1.50 and 3.50. Of three pieces for 10.00 the first is 3.33,
    the next 3.34, the last what is left: however a line comes back, at its end every source has got exactly its own.
    raises   RollbackExceedsLine; InvalidInput for a line that the basket does not have
    effects  moves the lines
    """
    by_position = {line.position: line for line in lines}
    found = []
    for place, each in enumerate(asked):
        line = by_position.get(each.position)
        if line is None:
            detail = "The basket has no such line."
            raise InvalidInput(errors=[{"pointer": f"/lines/{place}/position", "detail": detail}])
        found.append(_returned(line, each))
    return found


def _returned(line: Line, asked: Asked) -> Returned:
    quantity, amount = _wanted(line, asked)
    is_back = not line.left_minor and not line.left_quantity
    if is_back or quantity > line.left_quantity or amount > line.left_minor:
        raise RollbackExceedsLine(
            position=line.position, left_minor=line.left_minor, left_quantity=str(line.left_quantity)
        )
    names = list(line.parts)
    rests = [line.parts[name] for name in names]
    given = shares([*rests, line.left_minor - sum(rests)], amount) if amount else []
    parts = {name: part for name, part in zip(names, given, strict=False) if part}

    line.back_minor += amount
    line.back_quantity += quantity
    for name, part in parts.items():
        line.parts[name] -= part
    return Returned(position=line.position, amount_minor=amount, quantity=quantity, parts=parts)


def _wanted(line: Line, asked: Asked) -> tuple[Decimal, int]:
    """Pieces and amount that come back. By amount alone no pieces do; with the last of it come all that are left."""
    if asked.quantity is not None:
        left = line.left_quantity
        if asked.quantity >= left:
            return asked.quantity, line.left_minor
        worth = Decimal(line.left_minor) * asked.quantity / left
        return asked.quantity, int(worth.to_integral_value(ROUND_HALF_UP))
    if asked.amount_minor is not None and asked.amount_minor != line.left_minor:
        return Decimal(0), asked.amount_minor
    return line.left_quantity, line.left_minor
