"""The doors of rewards: what staff set up, what customers hold, what tills redeem."""
