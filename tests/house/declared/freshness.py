"""Operations that ask who signed in long ago to prove it again (RFC 9470), whoever's they are."""

FRESH: frozenset[str] = frozenset(
    {
        "DELETE /app/v1/identities/{identity_id}",
    }
)
