"""Decisions: why a customer got what they got, and why not what they did not."""

from engage.decisions.steps import Decision, of

__all__ = ["Decision", "of"]
