"""Nothing but the tool that runs pytest inside a test: every other fixture stands beside its tests."""

pytest_plugins = ["pytester"]

# Other people's projects, run in an environment of their own by test_packaging.py.
collect_ignore = ["consumers"]
