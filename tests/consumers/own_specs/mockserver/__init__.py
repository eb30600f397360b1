"""A package of the consumer's own, named mockserver."""

OWNER = "consumer"
