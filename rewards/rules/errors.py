"""How rules say no."""

from core.errors import InvalidInput, Kind, Refusal


class RuleInvalid(InvalidInput):
    """`errors` names each fault by a JSON pointer into what was sent, in words for the person who wrote it."""

    code = "rule_invalid"
    title = "The rule cannot be used as it is"


class RuleInUse(Refusal):
    code = "rule_in_use"
    kind = Kind.CONFLICT
    title = "Campaigns or other rules use this rule, so it stays"
    constraint = "fk_rule_use_rule_id"
