"""Which homeservers may take part in the rooms of the security team and of cases: ``m.room.server_acl``.

A homeserver that is shut out can send nothing into the room (client-server API, "Server Access Control Lists"). Direct
chats have none: whoever wants to report something may do so from anywhere.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass

from adapters.matrix.http import Http, Json, path
from adapters.matrix.rooms import Rooms
from chatops.ports import Impossible, TryLater

log = logging.getLogger(__name__)

KIND = "m.room.server_acl"
PURPOSES = frozenset({"security", "embargo"})
"""The rooms of the bot's that have one."""

_PORT = re.compile(r":\d+\Z")


@dataclass(frozen=True)
class ServerAcl:
    """Server names, without ports; ``*`` stands for any characters, ``?`` for one. No ``allow``: all but ``deny``."""

    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()

    @property
    def content(self) -> Json:
        """The state event's content."""
        return {"allow": list(self.allow or ("*",)), "deny": list(self.deny), "allow_ip_literals": True}

    @property
    def open(self) -> bool:
        """Whether nobody is shut out."""
        return not self.allow and not self.deny

    def admits(self, user: str) -> bool:
        """Whether a user's homeserver may take part."""
        server = server_of(user)
        return not _matches(server, self.deny) and (not self.allow or _matches(server, self.allow))


def server_of(user: str) -> str:
    """The name of a user's homeserver as such lists know it: without its port."""
    return _PORT.sub("", user.partition(":")[2])


def _matches(server: str, patterns: Iterable[str]) -> bool:
    parts = ("".join({"*": ".*", "?": "."}.get(one, re.escape(one)) for one in pattern) for pattern in patterns)
    return any(re.fullmatch(part, server, re.IGNORECASE) for part in parts)


async def bring_in_line(http: Http, rooms: Rooms, acl: ServerAcl) -> None:
    """Give the rooms that the bot made earlier the list that is configured now."""
    for room in rooms:
        wanted = room.acl is not None or not acl.open
        if room.kind not in PURPOSES or not wanted or room.acl == acl.content:
            continue
        try:
            await http.call("PUT", path("rooms", room.id, "state", KIND) + "/", acl.content)
        except (TryLater, Impossible) as problem:
            log.warning("the servers of %s could not be limited: %s", room.id, problem.code)
