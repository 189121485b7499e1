"""The ingest door: what a write key lets into."""

from tests.house.declared.principals import SOURCE

INGEST = {
    **{f"POST /v1/{call}": SOURCE for call in ("batch", "import", "track", "identify", "page", "screen", "group")},
    "POST /v1/alias": SOURCE,
    "POST /v1/entries": SOURCE,
}
