"""Journeys: what marketing staff draw and publish."""

from engage.journeys.drawing import StepCount, counts_of, create, find, list_, publish, set_status, versions_of

__all__ = ["StepCount", "counts_of", "create", "find", "list_", "publish", "set_status", "versions_of"]
