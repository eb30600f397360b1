"""The consumer's own contract tests, in a package that has the name of a folder of ours."""
