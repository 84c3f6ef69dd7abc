"""A clock that tests can step: programs of a build that see another time of day than the machine (libfaketime).

Monotonic clocks go on as they are, as they do when somebody sets a machine's clock. Programs notice within a second.
"""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

from .mariadb import engine_root
from .process import BUILD

# What kanso-supervise runs inherits its environment: workers, kanso-jobs, nginx and the private MariaDB.
WRAPPER = """\
#!/bin/sh
LD_PRELOAD={library} FAKETIME_TIMESTAMP_FILE={offset} FAKETIME_CACHE_DURATION=1 FAKETIME_DONT_FAKE_MONOTONIC=1 \\
    FAKETIME_DISABLE_SHM=1 exec {program} "$@"
"""


class Clock:
    """Lives in a directory that all users may enter. `build` is for KANSO_BUILD. Raises Unavailable without libfaketime."""

    def __init__(self, directory: Path) -> None:
        library = next((engine_root("faketime") / "usr" / "lib").glob("*/faketime/libfaketimeMT.so.1"))
        self.build, self._offset = directory / "build", directory / "offset"
        directory.mkdir()
        directory.chmod(0o755)
        shutil.copy(library, directory)
        for part in ("bin", "cgi-bin", "lib"):
            shutil.copytree(BUILD / part, self.build / part)
        wrapper, program = self.build / "bin" / "kanso-supervise", self.build / "supervise" / "kanso-supervise"
        program.parent.mkdir()
        wrapper.rename(program)
        wrapper.write_text(WRAPPER.format(library=directory / library.name, offset=self._offset, program=program))
        wrapper.chmod(0o755)
        self.step(0)
        self.sweep()

    @staticmethod
    def sweep() -> None:
        """Removes what libfaketime leaves behind of each process that is killed, under its id: the next process with
        that id, if it belongs to another user, would end at once."""
        for left in Path("/dev/shm").glob("*faketime_s[eh]m_*"):
            if not Path("/proc", left.name.rsplit("_", 1)[1]).exists():
                with contextlib.suppress(PermissionError):
                    left.unlink(missing_ok=True)

    def step(self, seconds: int) -> None:
        """How far it is from the machine's from now on."""
        new = self._offset.with_suffix(".new")
        new.write_text(f"{seconds:+d}\n")
        new.rename(self._offset)
