"""What servers on the stage have in common: a port of their own on loopback, and a word for not coming up."""

from __future__ import annotations

import random
import socket


class DidNotStart(RuntimeError):
    """The server did not become ready; the message ends with the last lines it wrote."""


def free_port() -> int:
    """A port that is free now and stays so: below the range from which the kernel takes ports for clients.

    A port from ``bind(0)`` would lie in that range, and while the server is down for a restart any outgoing connection
    may be given it.
    """
    for port in random.sample(range(20_000, 32_000), 200):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise DidNotStart("no free port on 127.0.0.1")
