"""Journeys: what marketing staff draw and publish."""

from engage.journeys.drawing import (
    change,
    create,
    find,
    list_,
    moves_of,
    save_draft,
    set_status,
    versions_of,
)
from engage.journeys.publishing import publish

__all__ = [
    "change",
    "create",
    "find",
    "list_",
    "moves_of",
    "publish",
    "save_draft",
    "set_status",
    "versions_of",
]
