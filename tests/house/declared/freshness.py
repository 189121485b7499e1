"""Operations that ask who signed in long ago to prove it again (RFC 9470), whoever's they are."""

FRESH = frozenset(
    {
        "DELETE /app/v1/sessions",
        "DELETE /app/v1/identities/{identity_id}",
        "POST /app/v1/passkeys/options",
        "POST /app/v1/me/exports",
        "GET /app/v1/me/exports/{export_id}/file",
        "POST /app/v1/me/erasure",
    }
)
