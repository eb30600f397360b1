"""Settings of the whole suite; every fixture stands beside its tests."""

from hypothesis import settings

# The same draws on every machine, however slow it is at the moment.
settings.register_profile("usagekit", deadline=None, derandomize=True, database=None)
settings.load_profile("usagekit")

# The tool that runs pytest inside a test.
pytest_plugins = ["pytester"]

# Other people's projects, run in an environment of their own by test_packaging.py.
collect_ignore = ["consumers"]
