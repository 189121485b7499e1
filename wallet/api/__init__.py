"""The wallet's operations at each door."""
