"""However the lines of a basket come back, each source ends with exactly its own."""

from collections import Counter as Tally
from decimal import Decimal
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rewards.rollbacks import lines
from rewards.rollbacks.errors import RollbackExceedsLine
from rewards.rollbacks.lines import Asked, Line

A, B = UUID(int=1), UUID(int=2)


@st.composite
def baskets(draw: st.DrawFn) -> list[Line]:
    found = []
    for position in range(draw(st.integers(1, 4))):
        first, second, own = (draw(st.integers(0, 1_000)) for _ in range(3))
        quantity = draw(st.sampled_from(["1", "3", "0.435", "12", "2.5"]))
        parts = {name: part for name, part in ((A, first), (B, second)) if part}
        found.append(
            Line(position=position, amount_minor=first + second + own, quantity=Decimal(quantity), parts=parts)
        )
    return found


asks = st.lists(
    st.one_of(
        st.builds(Asked, position=st.integers(0, 3), amount_minor=st.integers(1, 900)),
        st.builds(
            Asked, position=st.integers(0, 3), quantity=st.sampled_from([Decimal("0.1"), Decimal(1), Decimal(2)])
        ),
    ),
    max_size=12,
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(baskets(), asks)
def test_each_source_ends_with_exactly_its_own(basket: list[Line], asked: list[Asked]) -> None:
    gave = {(line.position, name): part for line in basket for name, part in line.parts.items()}
    total, got, given_back = sum(line.amount_minor for line in basket), Tally[object](), 0
    rest = [Asked(position=line.position) for line in basket]
    for each in [*[one for one in asked if one.position < len(basket)], *rest]:
        try:
            [back] = lines.give_back(basket, [each])
        except RollbackExceedsLine:
            continue
        assert 0 <= sum(back.parts.values()) <= back.amount_minor
        given_back += back.amount_minor
        for name, part in back.parts.items():
            got[back.position, name] += part
            assert part > 0
            assert got[back.position, name] <= gave[back.position, name]

    assert given_back == total
    assert dict(got) == gave
    assert [(line.left_minor, line.left_quantity) for line in basket] == [(0, 0)] * len(basket)


@given(baskets(), st.integers(1, 900))
def test_a_part_of_a_line_is_shared_to_less_than_a_minor_unit(basket: list[Line], amount: int) -> None:
    line = basket[0]
    whole, parts = line.amount_minor, dict(line.parts)
    if amount > whole:
        return

    [back] = lines.give_back(basket, [Asked(position=0, amount_minor=amount)])

    for name, part in parts.items():
        assert abs(back.parts.get(name, 0) - Decimal(part) * amount / whole) < 1


def test_pieces_of_ten_are_three_and_a_third_each() -> None:
    basket = [Line(position=0, amount_minor=1_000, quantity=Decimal(3))]

    backs = [lines.give_back(basket, [Asked(position=0, quantity=Decimal(1))])[0].amount_minor for _ in range(3)]

    assert backs == [333, 334, 333]
