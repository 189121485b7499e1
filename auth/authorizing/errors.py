"""How signing in with a browser says no to a person. Clients are told in OAuth's words."""


class SignInOver(Exception):
    """The sign-in that a page belongs to is over, of another browser, or was never begun: a page says so."""
