"""Auth's doors."""
