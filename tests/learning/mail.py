"""Messages to teach."""

from datetime import UTC, datetime

from tamis.learning.teaching import Lesson, Reporter, Source, lesson

TODAY = datetime.now(UTC).date()
ADMIN = Reporter("root", Source.ADMINISTRATOR)
TRAPS = Reporter("traps", Source.TRAP)


def bob(name: str = "bob", domain: str = "example.org") -> Reporter:
    """A mailbox that reports."""
    return Reporter(f"{name}@{domain}", Source.RECIPIENT, domain)


def raw(number: int, text: str = "buy zyxwv qponm now") -> bytes:
    """A message that shares the words of `text` with others, and has words of its own."""
    return f"From: ann{number}@sender.example\nSubject: letter\n\n{text} number{chr(97 + number % 26) * 3}\n".encode()


def spam(number: int = 0, text: str = "buy zyxwv qponm now") -> Lesson:
    return lesson(raw(number, text), spam=True)


def ham(number: int = 0, text: str = "buy zyxwv qponm now") -> Lesson:
    return lesson(raw(number, text), spam=False)
