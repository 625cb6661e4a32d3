"""A milter that does nothing but remove recipients, run by a test: ``python removing_milter.py SOCKET``.

What it does with a message stands in the message's X-Do: field: numbers of recipients to remove, or ``discard``.
"""

import sys

import Milter

from tamis.milter.recipients import as_queued


class Remover(Milter.Base):  # type: ignore[misc]
    """Removes recipients as `as_queued` names them."""

    def envfrom(self, sender: str, *parameters: str) -> int:
        self.said: list[str] = []
        self.order = ""
        return int(Milter.CONTINUE)

    def envrcpt(self, recipient: str, *parameters: str) -> int:
        self.said.append(recipient)
        return int(Milter.CONTINUE)

    def header(self, name: str, value: str) -> int:
        if name == "X-Do":
            self.order = value.strip()
        return int(Milter.CONTINUE)

    def eom(self) -> int:
        if self.order == "discard":
            return int(Milter.DISCARD)
        for number in self.order.split():
            self.delrcpt(as_queued(self.said[int(number)]))
        return int(Milter.CONTINUE)


if __name__ == "__main__":
    Milter.factory = Remover
    Milter.set_flags(Milter.DELRCPT)
    Milter.runmilter("remover", sys.argv[1], 60)
