"""A package of the consumer's own, named contracts."""

OWNER = "consumer"
