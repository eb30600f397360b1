"""A package of the consumer's own, named specs."""

OWNER = "consumer"
