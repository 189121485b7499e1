"""What a browser brings: in its query by GET, in a form by POST, never in both."""

from flask import request


def read() -> tuple[dict[str, str], frozenset[str]]:
    """The parameters and the names of those that were given twice. One without a value counts as left out (RFC 6749
    section 3.1)."""
    given = request.form if request.method == "POST" else request.args
    doubled = frozenset(name for name, values in given.lists() if len(values) > 1)
    return {name: value for name, value in given.items() if value}, doubled
