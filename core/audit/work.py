"""The audit log's due work: a block of its chain, once entries have waited."""

from core.audit import chain
from core.work import Schedule, Work

WORK = [Work("audit.seals", chain.seal_due)]
SCHEDULE: list[Schedule] = []
