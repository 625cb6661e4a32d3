"""What filters see of the images of a message, and what is remembered of it."""

import base64
import time

import pytest

from tamis import limits
from tamis.answers import Answers
from tamis.images.answers import Look, Reply, Task
from tamis.images.parts import images_of, is_image
from tamis.images.pictures import Pictures
from tamis.message import Message
from tamis.redis_client import RedisClient
from tests.images.drawn import drawn, letter, saved
from tests.redis_server import Server


class Counting:
    """Readers that say the same of every image, and count."""

    def __init__(self, failed: str = "") -> None:
        self.asked: list[Task] = []
        self.failed = failed

    def ask(self, task: Task, data: bytes, deadline: float) -> Reply:
        self.asked.append(task)
        if self.failed:
            return Reply(failed=self.failed)
        if task is Task.READ:
            return Reply(text="the text")
        return Reply(look=Look(100, 50, 1, bytes(16), bytes(32), ("https://win.prize.example/x",)))


PNG = saved(drawn(size=(100, 50)))
OTHER = saved(drawn(("x",), size=(100, 50)))


def test_nothing_is_asked_before_it_is_needed() -> None:
    readers = Counting()
    pictures = Pictures(Message(letter(PNG, OTHER, PNG)), readers)
    assert len(pictures.all) == 2
    assert readers.asked == []
    assert len(pictures.looks()) == 2
    assert readers.asked == [Task.LOOK] * 2
    assert pictures.text == "the text\nthe text"
    assert (pictures.text, pictures.trouble) == ("the text\nthe text", "")
    assert readers.asked == [Task.LOOK] * 2 + [Task.READ] * 2


def test_domains_of_codes() -> None:
    pictures = Pictures(Message(letter(PNG)), Counting())
    assert pictures.codes == ["https://win.prize.example/x"]
    assert pictures.links.subjects == ("prize.example",)


@pytest.mark.servers
def test_answers_are_remembered_by_octets(server: Server) -> None:
    memory = Answers(RedisClient(server.url))
    first, second = Counting(), Counting()
    assert Pictures(Message(letter(PNG)), first, memory).text == "the text"
    again = Pictures(Message(letter(PNG, text="another message")), second, memory)
    assert (again.text, again.codes) == ("the text", ["https://win.prize.example/x"])
    assert (first.asked, second.asked) == ([Task.LOOK, Task.READ], [])


@pytest.mark.servers
def test_failures_are_not_remembered(server: Server) -> None:
    memory = Answers(RedisClient(server.url))
    other = saved(drawn(("failing",), size=(100, 50)))
    assert Pictures(Message(letter(other)), Counting("no"), memory).text == ""
    assert Pictures(Message(letter(other)), Counting(), memory).text == "the text"


def test_trouble_is_said() -> None:
    pictures = Pictures(Message(letter(PNG)), Counting("the reader of the image ended"))
    assert pictures.trouble == ""
    assert pictures.looks() == []
    assert pictures.trouble == f"an image of {len(PNG):,} octets: the reader of the image ended"
    many = Pictures(Message(letter(*(PNG + bytes([number]) for number in range(limits.IMAGES + 1)))), Counting())
    assert len(many.looks()) == limits.IMAGES
    assert many.trouble == "a cap kept some images from being looked at"


def test_the_time_counts_from_the_first_question() -> None:
    deadlines: list[float] = []

    class Noting(Counting):
        def ask(self, task: Task, data: bytes, deadline: float) -> Reply:
            deadlines.append(deadline)
            return super().ask(task, data, deadline)

    Pictures(Message(letter(PNG, OTHER)), Noting()).texts()
    assert len(set(deadlines)) == 1
    assert 0 < deadlines[0] - time.monotonic() <= limits.IMAGES_SECONDS
    Pictures(Message(letter(PNG)), Noting(), deadline=5.0).looks()
    assert deadlines[-1] == 5.0


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "BMP"])
def test_images_are_known_by_their_beginning(kind: str) -> None:
    data = saved(drawn(), kind)
    assert is_image(data)
    raw = letter(data).replace(b"image/png", b"application/octet-stream").replace(b'"0.png"', b'"x.txt"')
    assert images_of(Message(raw)).found == (data,)


@pytest.mark.parametrize(
    "data", [b"", b"BM", b"BMW is a car, and this is a text about it", b"GIF", b"%PDF-1.4", b"RIFF1234WAVE"]
)
def test_what_is_no_image(data: bytes) -> None:
    assert not is_image(data)


def test_images_within_the_markup() -> None:
    data = base64.b64encode(PNG).decode()
    html = f'<p>x</p><img src="data:image/png;base64,{data}"><img src=data:image/png,nothing-of-the-kind-in-here>'
    raw = f"Content-Type: text/html\n\n{html}\n".encode()
    assert images_of(Message(raw)).found == (PNG,)
