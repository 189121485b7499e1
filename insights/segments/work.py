"""What workers do for segments beside reading the log."""

from core.work import Schedule, Work
from insights.segments import building, dates, forgetting, midnight
from insights.streams import filling

WORK = [
    Work("insights.streams", filling.fill_due),
    Work("insights.building", building.build_due),
    Work("insights.midnight", midnight.recheck_due),
    Work("insights.dates", dates.tell_due),
]

SCHEDULE = [Schedule("insights.archived", "47 4 * * *", forgetting.forget_archived)]
