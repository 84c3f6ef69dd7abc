"""A small file system of the tests' own, which can be filled to the last byte."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from .mariadb import Unavailable


class SmallDisk:
    """A tmpfs on `directory` for the length of a `with` block. Raises Unavailable where none can be mounted."""

    def __init__(self, directory: Path, megabytes: int) -> None:
        self.directory, self._filler = directory, directory / "filler"
        directory.mkdir(exist_ok=True)
        options = f"size={megabytes}m,mode=0755"
        if subprocess.run(["mount", "-t", "tmpfs", "-o", options, "kanso-test", str(directory)], capture_output=True).returncode:
            raise Unavailable("no small file system can be mounted here")

    def fill(self) -> None:
        """Takes all that is left, and what is given back meanwhile."""
        with open(self._filler, "ab", buffering=0) as filler:
            for size in (16 << 20, 1 << 20, 4096, 1):
                try:
                    while True:
                        os.posix_fallocate(filler.fileno(), os.fstat(filler.fileno()).st_size, size)
                except OSError:
                    pass

    def free(self) -> None:
        self._filler.unlink(missing_ok=True)

    def __enter__(self) -> SmallDisk:
        return self

    def __exit__(self, *_: object) -> None:
        subprocess.run(["umount", "-l", str(self.directory)], check=True)
