"""The outside world: one Protocol a file, each with its real adapter and a sandbox one."""
