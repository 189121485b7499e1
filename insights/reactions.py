"""What insights does when others announce: it keeps each customer's profile."""

from core.events import Reader
from insights import profiles
from insights.profiles import sightings

READERS = [
    Reader(
        name="insights.profiles",
        handle=profiles.keep,
        names=sightings.SEEN | {sightings.REFUND},
        limit=300,
    )
]
