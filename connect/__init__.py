"""Where other systems meet us: the ingest door (the Segment HTTP API), and what their ids of our customers mean."""
