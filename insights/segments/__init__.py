"""Segments: customers who meet a condition, kept up to date as events come.

Conditions on customers are one grammar with journeys' branches: `parse`, see once that what they count is counted
(`streams.catalogue.ensure`), `load` the facts of some customers, and ask `holds`. `membership` tells who is in which.
"""

from insights.segments.facts import Facts, Need
from insights.segments.loading import load
from insights.segments.parsing import Condition, parse

__all__ = ["Condition", "Facts", "Need", "load", "parse"]
