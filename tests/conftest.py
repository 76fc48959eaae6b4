"""What holds for every test: what is random is drawn alike in every run, and no time counts."""

from hypothesis import settings

settings.register_profile("fixed", derandomize=True, deadline=None)
settings.load_profile("fixed")
