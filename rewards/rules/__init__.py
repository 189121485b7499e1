"""Rules: typed JSON conditions over customer, basket, store, time, history and segments, decided by closures.

    {"all": [C, …]}   {"any": [C, …]}   {"not": C}   {"rule": "<id of a saved rule>"}
    {"any_line": C}   {"all_lines": C}      C about one line of the basket
    {"lines": {"where": C, "sum": "amount_minor"}, "is": "at_least", "value": 2000}
    {"fact": "basket.total_minor", "is": "at_least", "value": 2000}

What is not known meets no condition, so deciding never fails; `leaves.FACTS` names everything that may be asked.
"""

from rewards.rules.concerns import Concerns
from rewards.rules.facts import Bought, Facts, Need
from rewards.rules.loading import load, load_many
from rewards.rules.parsing import Known, Rule, parse

__all__ = ["Bought", "Concerns", "Facts", "Known", "Need", "Rule", "load", "load_many", "parse"]
