"""What is due, and what runs when."""

from core.work import Schedule, Work

WORK: list[Work] = []
SCHEDULE: list[Schedule] = []
