"""What holds for every test: what is random is drawn alike, no time counts, no secret leaks."""

from hypothesis import settings

pytest_plugins = ["tests.canaries"]

settings.register_profile("fixed", derandomize=True, deadline=None)
settings.load_profile("fixed")
