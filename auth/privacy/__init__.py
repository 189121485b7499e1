"""What is held on a customer: handed over, and erased."""
