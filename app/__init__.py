"""The roof: where the rooms are wired together, and what is run from the outside."""
