"""What workers do for segments beside reading the log."""

from core.work import Work
from insights.segments import building, dates, midnight
from insights.streams import filling

WORK = [
    Work("insights.streams", filling.fill_due),
    Work("insights.building", building.build_due),
    Work("insights.midnight", midnight.recheck_due),
    Work("insights.dates", dates.tell_due),
]
