"""Tips: given on top of an amount, at most as much again, so that a slip of the finger costs nobody a month's rent."""

from core.errors import InvalidInput


def check(tip_minor: int, amount_minor: int) -> None:
    """amount_minor: without the tip.

    raises  InvalidInput
    """
    if tip_minor > amount_minor:
        detail = f"Must be at most the amount itself, {amount_minor}."
        raise InvalidInput(errors=[{"pointer": "/tip_minor", "detail": detail}])
