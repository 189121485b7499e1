"""The doors of codes in bulk: batches, imports, exports, claims."""
