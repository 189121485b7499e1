"""Who you are: customers and their sign-in, devices, staff with permissions, merchants with stores and terminals."""
