"""What the roof itself serves to an audience."""
