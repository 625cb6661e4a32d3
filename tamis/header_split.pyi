"""What `header_split.pyx` gives."""

def split(
    data: bytes, most_octets: int, most_fields: int
) -> tuple[list[tuple[bytes, bytes]], dict[bytes, list[int]], int, bool, bool]: ...
