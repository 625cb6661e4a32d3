"""Show every message below a folder to what is compiled: `python -m scripts.look_at_all FOLDER`, see sanitize.sh."""

import sys
from pathlib import Path
from typing import Final

from tamis import traits
from tamis.links import links_of
from tamis.message import Message
from tamis.models.features import features
from tamis.rules.matching import Rules
from tamis.rules.shipped import shipped_rules

_MOST_BYTES: Final = 400_000


def main() -> None:
    rules = Rules(shipped_rules())
    number = 0
    for path in sorted(Path(sys.argv[1]).rglob("*")):
        if path.is_file() and path.stat().st_size < _MOST_BYTES:
            message = Message(path.read_bytes())
            features(message)
            traits.found_in(message)
            rules.look_at(message).everything()
            links_of(message)
            number += 1
    print(f"{number:,} messages")


if __name__ == "__main__":
    main()
