"""Redemptions as a home of keys: each keeps its request's key on its own row, and its look-up asks the kept answers."""

from core.idempotency import Home

#: CASE, since other principals' names hold no terminal.
_FOUND = """
    SELECT fingerprint FROM rewards.redemption
     WHERE terminal_id = CASE WHEN starts_with(%(principal)s, 'terminal:') THEN substr(%(principal)s, 10)::uuid END
       AND request_key = %(key)s
"""

HOME = Home(found=_FOUND)
