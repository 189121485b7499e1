"""What several coupons take off one basket together: each line bears what it costs, whoever takes it.

Each coupon may take so much in all and so much off each line; together they take the most that the lines can bear (a
maximum flow). That total hangs on which coupons there are, not on their order: who comes first only gets the larger
part of what they share.
"""

from collections.abc import Mapping, Sequence

from wallet.shares import shares

#: What one coupon takes off the lines, as (position, amount_minor).
Allocation = tuple[tuple[int, int], ...]


class Flow:
    """Coupons over lines. What a coupon was given stays its own; off which lines may shift for those that follow.

    steps  how much work was done, by this flow and all of its copies: one is some 0.1 microseconds
    """

    __slots__ = ("_caps", "_left", "_taken", "steps")

    def __init__(self, costs: Sequence[int]) -> None:
        self.steps = [0]
        self._left = list(costs)
        self._caps: list[Mapping[int, int]] = []
        self._taken: list[dict[int, int]] = []

    def copy(self) -> "Flow":
        other = Flow(self._left)
        other.steps = self.steps
        self.steps[0] += len(self._left) // 8 + sum([len(each) for each in self._taken]) // 4
        other._caps = [*self._caps]
        other._taken = [dict(each) for each in self._taken]
        return other

    def add(self, caps: Mapping[int, int], most: int, *, weights: Mapping[int, int] | None = None) -> int:
        """Let a coupon take up to `most`, up to caps[line] off each line; what it gets.

        weights  in what proportion it would take it, if every line had enough
        """
        self.steps[0] += len(caps)
        left = self._left
        taken: dict[int, int] = {}
        self._caps.append(caps)
        self._taken.append(taken)
        wanted = most
        if weights:
            for line, part in _parts(weights, most):
                amount = min(part, left[line], caps.get(line, 0))
                if amount:
                    left[line] -= amount
                    taken[line] = amount
                    wanted -= amount
        for line, cap in caps.items():
            if not wanted:
                return most
            amount = min(cap - taken.get(line, 0), left[line], wanted)
            if amount:
                left[line] -= amount
                taken[line] = taken.get(line, 0) + amount
                wanted -= amount
        while wanted and len(self._caps) > 1:
            found = self._shift(wanted)
            if not found:
                break
            wanted -= found
        return most - wanted

    def room(self, caps: Mapping[int, int], most: int) -> int:
        """What `add` would give, without taking it."""
        self.steps[0] += len(caps)
        left, free = self._left, 0
        for line, cap in caps.items():
            free += min(cap, left[line])
            if free >= most:
                return most
        return self.copy().add(caps, most) if self._taken else free

    def allocation(self) -> list[Allocation]:
        """What each coupon takes off which line, in the order of their adding."""
        return [tuple(sorted((line, amount) for line, amount in each.items() if amount)) for each in self._taken]

    def _shift(self, wanted: int) -> int:
        """Make room for the last coupon along the shortest chain of coupons that can go to other lines."""
        caps, taken, left = self._caps, self._taken, self._left
        last = len(caps) - 1
        came_by: dict[int, int] = {}  # line -> the coupon that would take more of it
        gave_way: dict[int, int] = {last: -1}  # coupon -> the line that it would leave
        queue, end = [last], -1
        for coupon in queue:
            mine = taken[coupon]
            self.steps[0] += len(caps[coupon])
            for line, cap in caps[coupon].items():
                if line in came_by or mine.get(line, 0) >= cap:
                    continue
                came_by[line] = coupon
                if left[line]:
                    end = line
                    break
                self.steps[0] += last
                for other in range(last):
                    if other not in gave_way and taken[other].get(line):
                        gave_way[other] = line
                        queue.append(other)
            if end >= 0:
                break
        if end < 0:
            return 0

        amount, line = min(wanted, left[end]), end
        while line >= 0:
            coupon = came_by[line]
            amount = min(amount, caps[coupon][line] - taken[coupon].get(line, 0))
            line = gave_way[coupon]
            if line >= 0:
                amount = min(amount, taken[coupon][line])
        left[end] -= amount
        line = end
        while line >= 0:
            coupon = came_by[line]
            taken[coupon][line] = taken[coupon].get(line, 0) + amount
            line = gave_way[coupon]
            if line >= 0:
                taken[coupon][line] -= amount
        return amount


def _parts(weights: Mapping[int, int], most: int) -> list[tuple[int, int]]:
    """`most` over lines by largest remainder; all of the weights where they come to less."""
    positive = {line: weight for line, weight in weights.items() if weight > 0}
    total = sum(positive.values())
    if not positive or not most:
        return []
    if total <= most:
        return list(positive.items())
    return list(zip(positive, shares(list(positive.values()), most), strict=True))
