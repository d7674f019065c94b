"""What all tests share: no example of Hypothesis is timed, because other work slows machines."""

from hypothesis import settings

settings.register_profile("fogbank", deadline=None, max_examples=50)
settings.load_profile("fogbank")
