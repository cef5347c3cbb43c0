"""What is asked for decisions: one or many of them, their explanations, and flags."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from typing import TYPE_CHECKING

from tailored.engine.decision import Decision
from tailored.engine.explain import explain
from tailored.service import ofrep
from tailored.service.decision_log import DecisionLog
from tailored.service.encode import dumps
from tailored.service.live import LiveBook, Loaded
from tailored.service.metrics import Counts
from tailored.service.problems import FieldError, Problem, bad_field
from tailored.service.requests import (
    JSON_TYPE,
    LINES_TYPE,
    MOST_TOLD,
    Asked,
    Limits,
    Request,
    Response,
    read_asked,
    read_json,
    wrong_now,
)

if TYPE_CHECKING:
    from tailored.service.telemetry import Telemetry

EVALUATE = "/v1/evaluate"
BATCH = "/v1/evaluate/batch"
FLAG = "/ofrep/v1/evaluate/flags/"


class Evaluations:
    """Answers what is asked of the book; each decision is counted, and logged and traced where that is on."""

    def __init__(
        self,
        live: LiveBook,
        counts: Counts,
        limits: Limits,
        decision_log: DecisionLog | None,
        telemetry: Telemetry | None,
    ) -> None:
        self._live, self._counts, self._limits = live, counts, limits
        self._log, self._telemetry = decision_log, telemetry

    async def evaluate(self, request: Request) -> Response:
        """One decision."""
        request.expect(JSON_TYPE)
        answer = self.evaluated(request, await request.body())
        return Response(200, answer if isinstance(answer, bytes) else await answer)

    def evaluated(self, request: Request, body: bytes) -> bytes | Awaitable[bytes]:
        """The decision on the body of an evaluation; what is to be awaited for it where scorers take time."""
        loaded = self._live.current
        asked = heard(request, read_asked(read_json(body, self._limits.depth), loaded.names))
        decision = self._decision(loaded, asked)
        if not isinstance(decision, Decision):
            return self._encoded(loaded, asked, decision)
        self._made(loaded, asked, decision, EVALUATE)
        return loaded.encoder.encode(decision, asked.slots)

    async def _encoded(self, loaded: Loaded, asked: Asked, decision: Awaitable[Decision]) -> bytes:
        made = await decision
        self._made(loaded, asked, made, EVALUATE)
        return loaded.encoder.encode(made, asked.slots)

    async def batch(self, request: Request) -> Response | AsyncIterator[bytes]:
        """Decisions for a list, or line by line for lines."""
        if request.says(JSON_TYPE):
            return await self._list(request)
        request.expect(LINES_TYPE, ", or a list as application/json,")
        lines = request.lines()
        async for first in lines:
            return self._answers(request, first, lines)
        raise Problem("not-json", "The body is empty; send a JSON object on each line.")

    async def _list(self, request: Request) -> Response:
        """A decision for each request of a list, or a refusal of the whole list."""
        request.expect(JSON_TYPE)
        body = await request.body()
        loaded = self._live.current
        data = read_json(body, self._limits.depth)
        if type(data) is not list:
            raise bad_field("", "the body must be a list of requests, or lines as application/x-ndjson")
        every, detail = [], ""
        wrong: list[FieldError] = []
        for place, one in enumerate(data):
            try:
                every.append(heard(request, read_asked(one, loaded.names, f"/{place}")))
            except Problem as problem:
                wrong += problem.errors
                detail = detail or problem.detail
                if len(wrong) >= MOST_TOLD:
                    break
        if wrong:
            raise Problem("bad-request", detail, wrong[:MOST_TOLD])
        answers = []
        for asked in every:
            decision = await self._decide(loaded, asked, BATCH)
            answers.append(loaded.encoder.encode(decision, asked.slots))
            await asyncio.sleep(0)  # a long batch lets other requests in between
        return Response(200, b"[" + b",".join(answers) + b"]")

    async def _answers(
        self,
        request: Request,
        first: tuple[int, bytes | None],
        lines: AsyncIterator[tuple[int, bytes | None]],
    ) -> AsyncIterator[bytes]:
        """One line for each line: a decision, or the problem with that line, which it numbers."""
        number, line = first
        while True:
            loaded = self._live.current
            try:
                if line is None:
                    raise Problem("too-large", f"The line is larger than {self._limits.body:,} bytes.")
                asked = heard(request, read_asked(read_json(line, self._limits.depth, "line"), loaded.names))
                decision = await self._decide(loaded, asked, BATCH)
                yield loaded.encoder.encode(decision, asked.slots) + b"\n"
            except Problem as problem:
                problem.more["line"] = number
                yield problem.to_json() + b"\n"
            await asyncio.sleep(0)
            try:
                number, line = await anext(lines)
            except StopAsyncIteration:
                return

    async def explain(self, request: Request) -> Response:
        """Why a decision is what it is, without making one."""
        request.expect(JSON_TYPE)
        body = await request.body()
        loaded = self._live.current
        asked = heard(request, read_asked(read_json(body, self._limits.depth), loaded.names))
        try:
            explanation = await asyncio.to_thread(
                explain, loaded.engine, asked.user, asked.context, asked.now
            )
        except ValueError as error:
            raise wrong_now(error) from None
        return Response(200, dumps(explanation.to_dict(asked.slots)))

    async def flags(self, request: Request) -> Response:
        """All slots and settings as flags."""
        request.expect(JSON_TYPE)
        body = await request.body()
        loaded = self._live.current
        read = ofrep.read(loaded, body, self._limits.depth)
        if isinstance(read, Response):
            return read
        asked = heard(request, Asked(*read, None, ()))
        decision = await self._decide(loaded, asked, FLAG[:-1])
        loaded.encoder.count(decision)
        return ofrep.every(loaded, decision, request)

    async def one_flag(self, request: Request) -> Response:
        """One slot or setting as a flag; the path names it."""
        request.expect(JSON_TYPE)
        body = await request.body()
        loaded, key = self._live.current, request.tail
        read = ofrep.read(loaded, body, self._limits.depth, key)
        if key not in loaded.names:
            return ofrep.not_found(loaded, key)
        if isinstance(read, Response):
            return read
        asked = heard(request, Asked(*read, None, (key,)))
        decision = await self._decide(loaded, asked, FLAG + "{key}")
        loaded.encoder.count(decision, (key,))
        return Response(200, dumps(ofrep.one(loaded, decision, key).to_dict()))

    async def _decide(self, loaded: Loaded, asked: Asked, endpoint: str) -> Decision:
        """The decision; it is counted, logged and traced."""
        found = self._decision(loaded, asked)
        decision = found if isinstance(found, Decision) else await found
        self._made(loaded, asked, decision, endpoint)
        return decision

    def _decision(self, loaded: Loaded, asked: Asked) -> Decision | Awaitable[Decision]:
        try:
            return loaded.engine.evaluate_or_wait(asked.user, asked.context, asked.now)
        except ValueError as error:
            raise wrong_now(error) from None

    def _made(self, loaded: Loaded, asked: Asked, decision: Decision, endpoint: str) -> None:
        """Counts a decision, and logs and traces it where that is on."""
        self._counts.add("tailored_evaluations", (endpoint,))
        if self._log is not None:
            self._log.put(asked, decision)
        if self._telemetry is not None:
            self._telemetry.decided(loaded, asked, decision)


def heard(request: Request, asked: Asked) -> Asked:
    """What is asked, with the signal of the browser where it sends that."""
    if request.opts_out:
        asked.context["gpc"] = True
    return asked
