"""Start a program that cannot outlive the process that started it, not even if that one is killed with SIGKILL.

Run as a script, this module asks Linux to kill it when its parent dies and then *becomes* the program (``exec``), so
that the pid is the program's own. An ``exec`` wrapper rather than ``preexec_fn``: the latter runs Python in a fork of
a process that may have threads, which can deadlock.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import signal
import sys
from collections.abc import Sequence

_PR_SET_PDEATHSIG = 1  # <sys/prctl.h>


def tied(command: Sequence[str], *, user: str = "") -> list[str]:
    """The command line that runs ``command`` tied to the calling process, as another ``user`` if one is named.

    Linux counts the *thread* that forks as the parent: start the program from a thread that lives as long as it should
    (the event loop's, not a pool's). Elsewhere than on Linux the program runs untied.
    """
    return [sys.executable, "-I", "-S", __file__, str(os.getpid()), user, *command]


def _become(parent: int, user: str, command: list[str]) -> None:
    if user:  # before the request below: a change of user cancels it
        # Here and not by subprocess, as the other user may not be allowed to run this Python.
        entry = pwd.getpwnam(user)
        os.setgroups([])
        os.setgid(entry.pw_gid)
        os.setuid(entry.pw_uid)
    if sys.platform == "linux":
        if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
        if os.getppid() != parent:  # it died before the request was made: nobody would tell us
            sys.exit(1)
    os.execvp(command[0], command)  # noqa: S606 - the whole purpose


if __name__ == "__main__":
    _become(int(sys.argv[1]), sys.argv[2], sys.argv[3:])
