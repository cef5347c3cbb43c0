"""Whatever is done to a rule book, the validator ends soon, with nothing but its own findings."""

import random
import time

import pytest

from tailored.book.load import check_book
from tailored.book.source import read_sources

MARKS = b"{}[]:,-\"'&*!|>#% \n\tabc01\x00\xff?~"


def mutate(content: bytes, dice: random.Random) -> bytes:
    """The content cut off, with some bytes replaced, or with its lines shuffled or swapped."""
    kind = dice.randrange(4)
    if kind == 0:
        return content[: dice.randrange(len(content))]
    if kind == 1:
        scratched = bytearray(content)
        for _ in range(dice.randrange(1, 20)):
            scratched[dice.randrange(len(content))] = dice.choice(MARKS)
        return bytes(scratched)
    lines = content.split(b"\n")
    if kind == 2:
        dice.shuffle(lines)
    else:
        one, other = dice.randrange(len(lines)), dice.randrange(len(lines))
        lines[one], lines[other] = lines[other], lines[one]
    return b"\n".join(lines)


@pytest.mark.parametrize("seed", range(4))
def test_the_validator_survives_every_mutation_of_the_example_book(seed):
    dice = random.Random(seed)
    sources = read_sources("rules")
    broken = 0
    for _ in range(500):
        path = dice.choice(list(sources))
        start = time.perf_counter()
        _, report = check_book(sources | {path: mutate(sources[path], dice)})
        assert time.perf_counter() - start < len(sources)
        broken += report.errors > 0
        assert all(finding.span.path in sources for finding in report.diagnostics)
    assert broken > 250
