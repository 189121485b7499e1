"""Results' due work: broadcasts to take over, plans to fix, orders to look through, and what is not needed any more."""

from functools import partial

from core.work import Schedule, Work
from engage.results import broadcasts, history, plans, reading

WORK = [Work("results.broadcasts", partial(broadcasts.enter_due, reading.READER), after_lost_lease="again")]

SCHEDULE = [
    Schedule("results.plans", "* * * * *", plans.fix_due),
    Schedule("results.history", "* * * * *", history.look_due),
    Schedule("results.responses", "43 3 * * *", reading.forget_responses),
]
