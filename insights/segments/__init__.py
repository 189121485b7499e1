"""Segments: customers who meet a condition, kept up to date as events come.

Conditions on customers are one grammar with journeys' branches: `parse`, `prepare` what they count once, `load` the
facts of some customers, and ask `holds`. Who is in which segment is told by `membership`.
"""

from insights.segments.facts import Facts, Need
from insights.segments.loading import load
from insights.segments.parsing import Condition, parse
from insights.segments.preparing import prepare

__all__ = ["Condition", "Facts", "Need", "load", "parse", "prepare"]
