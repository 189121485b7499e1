"""The calls that are due, by several lines in each worker, and those whose worker died."""

from functools import partial

from core.settings import Settings
from core.work import Work
from engage.journeys.webhooks import calling

#: A target that hangs holds a line for the ten seconds of a call, and goes on to rest.
_LINES = 4


def work(settings: Settings) -> list[Work]:
    """Outside production a target may be this machine, for whoever tries one."""
    call = partial(calling.call_due, may_be_local=not settings.is_production)
    lines = [Work(f"engage.webhooks.{number}", call) for number in range(1, _LINES + 1)]
    return [*lines, Work("engage.webhooks_lost", calling.recover_lost)]
