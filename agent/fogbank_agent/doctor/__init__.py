"""What is there and what is missing on this machine, found out without a running agent."""
