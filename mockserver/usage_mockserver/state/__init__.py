"""What a user changes, shared by every process that answers: in memory by default, else in Redis."""
