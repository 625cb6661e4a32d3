"""What bounds the features of the shipped model, and of models measured in its place."""

from typing import Final

FEWEST_MESSAGES: Final = 20
"""A feature of the shipped model was seen in at least so many messages with distinct texts."""
FEWEST_SOURCES: Final = 2
"""And in mail of at least so many sources."""
SMOOTHING: Final = 1.0
"""In messages; more than a site's own mail needs, since what is scored comes from elsewhere."""
