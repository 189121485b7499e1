"""The pages of a sign-in: forms that work without scripts."""

from auth.authorizing.api.pages import code, consent, next, number, passkey, signed_out
from auth.authorizing.api.pages.routes import blueprint

__all__ = ["blueprint", "code", "consent", "next", "number", "passkey", "signed_out"]
