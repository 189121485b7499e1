"""A real PostgreSQL server out of a wheel, for machines that have none. Callers need only `core.postgres.embedded`."""
