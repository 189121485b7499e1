"""A clock that jumps is refused until the database's clock agrees with it."""

from datetime import UTC, datetime, timedelta

import pytest

from core.steadiness import ClockJumped, Watch

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


class Clocks:
    """One that can be set, one that cannot, and the database's."""

    def __init__(self) -> None:
        self.passed, self.step, self.database_step = 0.0, 0.0, 0.0
        self.asked = 0

    def wall(self) -> float:
        return NOON.timestamp() + self.passed + self.step

    def steady(self) -> float:
        return self.passed

    def ask(self) -> datetime:
        self.asked += 1
        return NOON + timedelta(seconds=self.passed + self.database_step)


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


@pytest.fixture
def watch(clocks: Clocks) -> Watch:
    return Watch(clocks.ask, clocks.wall, clocks.steady)


def test_time_that_passes_is_no_jump_and_asks_nobody(watch: Watch, clocks: Clocks) -> None:
    clocks.passed = 86_400 * 30

    watch.check()

    assert clocks.asked == 0


@pytest.mark.parametrize("step", [5.1, -5.1, 86_400, -86_400])
def test_jump_is_refused_while_the_database_does_not_agree(watch: Watch, clocks: Clocks, step: float) -> None:
    clocks.step = step

    for _ in range(2):
        with pytest.raises(ClockJumped):
            watch.check()

    clocks.step = 0
    watch.check()


@pytest.mark.parametrize("step", [5.0, -5.0])
def test_small_step_is_no_jump(watch: Watch, clocks: Clocks, step: float) -> None:
    clocks.step = step

    watch.check()


def test_jump_that_the_database_made_too_is_believed_and_asked_once(watch: Watch, clocks: Clocks) -> None:
    clocks.step = clocks.database_step = 3600

    watch.check()
    watch.check()

    assert clocks.asked == 1
