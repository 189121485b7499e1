"""How the contact policy says no."""

from core.errors import InvalidInput, Kind, Refusal


class PolicyInvalid(InvalidInput):
    """`errors` names each fault by a JSON pointer into the policy, in words for the person who wrote it."""

    code = "policy_invalid"
    title = "The contact policy cannot hold as it is"


class PolicyChanged(Refusal):
    code = "policy_changed"
    kind = Kind.CONFLICT
    title = "Somebody else changed the contact policy meanwhile; read it again"
    constraint = "pk_policy"
