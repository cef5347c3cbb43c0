"""OpenTelemetry: a span for each request, and an event for each evaluated slot and setting.

Follows the semantic conventions for HTTP (https://opentelemetry.io/docs/specs/semconv/http/http-spans/) and
for feature flags (https://opentelemetry.io/docs/specs/semconv/feature-flags/feature-flags-events/).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from importlib.metadata import version

from opentelemetry._logs import Logger, LoggerProvider, LogRecord, SeverityNumber
from opentelemetry.propagate import extract
from opentelemetry.trace import SpanKind, Status, StatusCode, TracerProvider

from tailored.engine.decision import Decision
from tailored.service.flags import flag
from tailored.service.live import Loaded
from tailored.service.problems import Problem
from tailored.service.requests import Asked, Request, Response

NAME = "tailored"
EVENT = "feature_flag.evaluation"
Answer = Response | AsyncIterator[bytes]


class Telemetry:
    """Makes spans and events. `user_id` turns the id of a user into what may leave the service."""

    def __init__(
        self, tracers: TracerProvider, loggers: LoggerProvider, user_id: Callable[[object], str | None]
    ) -> None:
        self._tracer = tracers.get_tracer(NAME, version("tailored"))
        self._logger: Logger = loggers.get_logger(NAME, version("tailored"))
        self._user_id = user_id

    async def traced(
        self, name: str, request: Request, answer: Callable[[Request], Awaitable[Answer]]
    ) -> Answer:
        """What `answer` gives, in a span that continues the trace of the request. Raises what it raises."""
        headers = {key.decode("latin-1"): value.decode("latin-1") for key, value in request.headers.items()}
        attributes = {
            "http.request.method": request.method,
            "http.route": name,
            "url.path": request.path,
            "url.scheme": "http",
        }
        with self._tracer.start_as_current_span(
            f"{request.method} {name}",
            context=extract(headers),
            kind=SpanKind.SERVER,
            attributes=attributes,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            status = 500
            try:
                given = await answer(request)
                status = given.status if isinstance(given, Response) else 200
            except Problem as problem:
                status = problem.status
                span.set_attribute("error.type", problem.name)
                raise
            finally:
                span.set_attribute("http.response.status_code", status)
                if status >= 500:
                    span.set_status(Status(StatusCode.ERROR))
            return given

    def decided(self, loaded: Loaded, asked: Asked, decision: Decision) -> None:
        """Emits the events of a decision: one for each slot and setting that was asked for."""
        user = self._user_id(decision.facts and decision.facts.value("user.id"))
        for key in asked.slots or decision:
            found = flag(loaded.engine.book, decision, key)
            if found is None:
                continue
            attributes = {
                "feature_flag.key": key,
                "feature_flag.provider.name": NAME,
                "feature_flag.result.variant": found.variant,
                "feature_flag.result.reason": found.reason.lower(),
                "feature_flag.version": decision.book,
            }
            if user is not None:
                attributes["feature_flag.context.id"] = user
            record = LogRecord(
                event_name=EVENT, severity_number=SeverityNumber.INFO, body=None, attributes=attributes
            )
            self._logger.emit(record)


def exporting(user_id: Callable[[object], str | None]) -> Telemetry:
    """Telemetry that is sent by OTLP over HTTP; the OTEL_ environment variables say where, and how often."""
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk import _logs, resources, trace
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    resource = resources.Resource.create({"service.name": NAME}).merge(
        resources.OTELResourceDetector().detect()
    )
    tracers = trace.TracerProvider(resource=resource)
    tracers.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    loggers = _logs.LoggerProvider(resource=resource)
    loggers.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter()))
    return Telemetry(tracers, loggers, user_id)
