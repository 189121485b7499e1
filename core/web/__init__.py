"""What every door has in common: guards, problems, pages, idempotency, conditional requests, OpenAPI."""
