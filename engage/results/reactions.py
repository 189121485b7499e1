"""What results do when others announce: they count."""

from core.events import Reader
from engage.results import reading

READERS = [Reader(reading.READER, reading.read, reading.NAMES, rests_seconds=2.0)]
