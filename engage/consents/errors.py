"""How consents say no."""

from core.errors import Refusal


class WordingUnknown(Refusal):
    """Also for a wording of another channel or purpose: it is not what this consent was asked with."""

    code = "wording_unknown"
    title = "There is no such wording for this channel and purpose"
