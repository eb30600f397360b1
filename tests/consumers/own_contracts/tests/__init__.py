"""The consumer's own tests."""
