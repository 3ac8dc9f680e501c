"""What is public of a data key: scope, commitment, envelopes (docs/FORMAT.md, 2)."""

import collections

from refusal import require

# The commitment is public: it says which of two keys of one number is meant. None: not said.
KeyName = collections.namedtuple("KeyName", "provider id version commitment")
Envelope = collections.namedtuple("Envelope", "key algorithm wrapped")
DataKey = collections.namedtuple("DataKey", "repository scope commitment envelopes")


def read_name(of):
    return KeyName(
        of.text("provider", 15, 1),
        of.text("keyId", 511, 1),
        of.text("keyVersion", 127, 1),
        of.hex("keyCommitment", 32) if of.has("keyCommitment") else None,
    )


def _read_envelope(of, repository, scope):
    context = of.object("context")
    require(context.text("sealpoint", 1) == "1", "an envelope's context is of another version")
    require(context.hex("repositoryId", 16) == repository, "an envelope of another repository")
    require(context.hex("scope", 16) == scope, "an envelope of another scope")
    return Envelope(read_name(of), of.text("wrapAlgorithm", 31), of.base64("wrappedKey", 4096, 1))


def read(of, repository):
    scope = of.hex("scope", 16)
    envelopes = [_read_envelope(item, repository, scope) for item in of.objects("envelopes", 8, 1)]
    return DataKey(repository, scope, of.hex("commitment", 32), envelopes)
