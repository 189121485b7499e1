"""What is due, and what runs when."""

from auth.federated import calls
from core.work import Schedule, Work

#: Revoking twice is once; a code works once, so that asked again it is refused.
WORK: list[Work] = [Work(calls.LINE, calls.call_due)]
SCHEDULE: list[Schedule] = []
