"""How insights say no."""

from core.errors import InvalidInput


class ChangesTokenInvalid(InvalidInput):
    code = "changes_token_invalid"
    title = "Pass on `next` as it was given"
