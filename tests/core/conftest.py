"""What the tests of the core share: no property test fails because the machine was busy."""

from hypothesis import settings

settings.register_profile("tamis", deadline=None)
settings.load_profile("tamis")
