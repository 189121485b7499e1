"""What journeys do when it is due: move those inside, open again after a day's spend, look after doors, forget."""

from core.work import Schedule, Work
from engage.journeys import moving, spending, standing
from engage.journeys.doors import letting_in
from engage.journeys.webhooks import calling

WORK = [
    Work("engage.moves", moving.move_due, after_lost_lease="again"),
    Work("engage.doors_waiting", letting_in.match_waiting, yields=True),
]

SCHEDULE = [
    # Every hour, since the brand's day begins at another one in each time zone.
    Schedule("journeys.spend", "2 * * * *", spending.resume_due),
    Schedule("journeys.counts", "*/10 * * * *", standing.count_all),
    Schedule("webhooks.forget", "23 * * * *", calling.forget_old),
]
