"""Measuring ourselves: each module here names what it measures, and what it is measured beside, in the same run."""
