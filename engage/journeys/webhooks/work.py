"""The calls that are due, and those whose worker died."""

from functools import partial

from core.settings import Settings
from core.work import Work
from engage.journeys.webhooks import calling


def work(settings: Settings) -> list[Work]:
    """Outside production a target may be this machine, for whoever tries one."""
    return [
        Work("engage.webhooks", partial(calling.call_due, may_be_local=not settings.is_production)),
        Work("engage.webhooks_lost", calling.recover_lost),
    ]
