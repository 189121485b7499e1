"""What is due, and what runs when."""

from datetime import datetime, timedelta

from auth.keys import rotating
from core.settings import Settings
from core.work import Schedule, Work

_every = timedelta(days=90)


def load(settings: Settings) -> None:
    global _every
    _every = timedelta(days=settings.key_rotation_days)


def rotate_due(now: datetime) -> None:
    """By KEY_ROTATION_DAYS."""
    rotating.rotate_due(now, every=_every)


WORK: list[Work] = []
SCHEDULE: list[Schedule] = [Schedule("auth.signing_keys", "11 2 * * *", rotate_due)]
