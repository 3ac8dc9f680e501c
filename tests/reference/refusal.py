"""How the reader says no: each kind has an exit status."""


class Refusal(Exception):
    status = 1


class Usage(Refusal):
    status = 2


class KeyInvalid(Refusal):
    status = 3
    withdrawn = None  # when the version was; None: it never was there, or is gone for good


class KeyUnreachable(Refusal):
    status = 4


class NotFound(Refusal):
    status = 5


class Corrupt(Refusal):
    """Damaged, tampered with, rolled back, or not a format this reader knows."""

    status = 6


def require(good, message):
    if not good:
        raise Corrupt(message)
