"""A repository in a directory: names and bytes (docs/FORMAT.md, 8)."""

import os
import stat

from refusal import Corrupt, NotFound, require


class Store:
    def __init__(self, root):
        if not os.path.isdir(root):
            raise NotFound(f"{root}: there is no repository")
        self.root = root

    def read(self, name, most):
        """The whole object; one longer than `most` is not read."""
        try:
            fd = os.open(os.path.join(self.root, name), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            raise Corrupt(f"{name} is missing from the repository") from None
        except OSError as problem:
            raise Corrupt(f"{name}: {problem.strerror}") from None
        with open(fd, "rb") as file:
            is_file = stat.S_ISREG(os.fstat(fd).st_mode)
            require(is_file and os.fstat(fd).st_size <= most, f"{name}: no file, or too long")
            return file.read()

    def has(self, name):
        return os.path.isfile(os.path.join(self.root, name))

    def names(self, prefix):
        found = []
        for directory, _, files in os.walk(os.path.join(self.root, prefix)):
            found += [os.path.relpath(os.path.join(directory, file), self.root) for file in files]
        return sorted(found)
