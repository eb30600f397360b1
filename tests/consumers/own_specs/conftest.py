"""Its folder makes the packages beside it importable."""
