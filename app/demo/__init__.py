"""The demo: real households' days, played through the system under a simulated clock."""
