"""The pages on which staff join and sign in: forms that work without scripts, but for making and using a passkey."""

from auth.staff.api.pages import joining, signing_in
from auth.staff.api.pages.routes import blueprint

__all__ = ["blueprint", "joining", "signing_in"]
