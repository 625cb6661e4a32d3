"""Learning the spam images of a message that is known as spam: by a person's word, or since only traps got it.

Phishing carries the logos of honest firms, and these are in honest mail as well. So of a message only images are
learned that say something: a logo has few words. A person may name a file, which is learned whatever it says.
"""

from typing import Final

from tamis import limits
from tamis.images.client import Readers
from tamis.images.pictures import Memory, Pictures
from tamis.images.store import Learned
from tamis.images.words import words
from tamis.message import Message

LEAST_WORDS: Final = 8
"""Words that an image must say."""


def images_to_learn(
    message: Message, readers: Readers, memory: Memory | None = None, seconds: float = limits.IMAGES_SECONDS
) -> tuple[list[Learned], str]:
    """Return the images of a message that may be learned, and what trouble there was with others."""
    pictures = Pictures(message, readers, memory, seconds=seconds)
    found = [
        Learned(picture.data, picture.look, text)
        for picture, text in pictures.texts()
        if picture.look and len(words(text)) >= LEAST_WORDS
    ]
    return found, pictures.trouble
