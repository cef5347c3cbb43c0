"""A book whose scorer answers only once something else has happened, in the event loop that waits for it."""

import asyncio
import threading

from tailored.book.load import check_book
from tailored.engine.engine import Engine

BOOK = b"""\
slots: {hero: {default: a}}
content: {a: {}, b: {}}
scorers: {model: {kind: python, timeout: 20 s}}
rules: {best: {when: always, show: {hero: {best of: [a, b], by: model}}}}
"""


class Patient:
    """Prefers `b`, as soon as it may say so."""

    def __init__(self):
        self.asked, self.may_answer = threading.Event(), threading.Event()

    def score(self, facts, candidates):
        self.asked.set()
        self.may_answer.wait(10)
        return [0, 1] if self.may_answer.is_set() else [1, 0]


def while_waiting(ask):
    """What `ask(engine)` gives, awaited, where the scorer waits for another task of the same event loop."""
    book, _ = check_book({"book.yaml": BOOK})
    scorer = Patient()

    async def meanwhile():
        while not scorer.asked.is_set():
            await asyncio.sleep(0.001)
        scorer.may_answer.set()

    async def both():
        answer, _ = await asyncio.gather(ask(Engine(book, {"model": scorer})), meanwhile())
        return answer

    return asyncio.run(both())
