"""Results' due work: what to take over, plans to fix, orders to look through, and what is not needed any more."""

from functools import partial

from core.work import Schedule, Work
from engage.results import broadcasts, campaigns, history, plans, reading

WORK = [
    Work("results.broadcasts", partial(broadcasts.enter_due, reading.READER), after_lost_lease="again"),
    Work("results.campaigns", partial(campaigns.enter_due, reading.READER), after_lost_lease="again"),
]

SCHEDULE = [
    Schedule("results.plans", "* * * * *", plans.fix_due),
    Schedule("results.history", "* * * * *", history.look_due),
    Schedule("results.responses", "43 3 * * *", reading.forget_responses),
]
