"""A milter of one process whose every message waits until so many others have come to their end as well.

Says its port and, when all are there, "together"; "alone" after half a minute.
"""

import os
import socket
import sys
import tempfile
import threading
from contextlib import suppress
from pathlib import Path

import Milter

from tamis.milter import protocol
from tamis.milter.pulse import Pulse

_PATIENCE_SECONDS = 30.0


def main() -> None:
    together = threading.Barrier(int(sys.argv[1]))
    listener = socket.create_server(("127.0.0.1", 0), backlog=100)
    listener.setblocking(False)
    protocol.register("pulsing")
    with tempfile.TemporaryDirectory() as folder:
        line = protocol.Line(listener.family, Path(folder))
    line.serve(print)
    pulse = Pulse(line.family, line.address, line.waiting, lambda _: 0, lambda: "")

    class Session(Milter.Base):  # type: ignore[misc]
        def eom(self) -> int:
            with pulse.blocked(), suppress(threading.BrokenBarrierError):
                together.wait(_PATIENCE_SECONDS)
            return int(Milter.CONTINUE)

    protocol.sessions(Session)
    line.listen_at(listener)
    threading.Thread(target=pulse.run, daemon=True).start()
    print(listener.getsockname()[1], flush=True)
    together_now = threading.Event()
    threading.Thread(target=lambda: (_wait_for(together), together_now.set()), daemon=True).start()
    print("together" if together_now.wait(_PATIENCE_SECONDS) else "alone", flush=True)
    os._exit(0)


def _wait_for(barrier: threading.Barrier) -> None:
    while barrier.n_waiting < barrier.parties - 1:
        threading.Event().wait(0.01)
    barrier.wait()


if __name__ == "__main__":
    main()
