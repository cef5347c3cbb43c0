"""OpenTelemetry: spans of requests and events of evaluations, as the semantic conventions have them."""

import asyncio
import http.server
import threading

import httpx
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tailored.service.app import Service
from tailored.service.decision_log import UserIds
from tailored.service.live import LiveBook
from tailored.service.metrics import Counts
from tailored.service.telemetry import Telemetry
from tests.support.serving import Served
from tests.support.shop import write

ASKED = {"user": {"id": "u-1", "country": "NO"}, "context": {"page": "home"}, "slots": ["hero", "bare", "on"]}
TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture
def ask(tmp_path):
    """Asks the service, and returns the answer with the spans and events that it made."""
    spans, events = InMemorySpanExporter(), InMemoryLogRecordExporter()
    tracers, loggers = TracerProvider(), LoggerProvider()
    tracers.add_span_processor(SimpleSpanProcessor(spans))
    loggers.add_log_record_processor(SimpleLogRecordProcessor(events))
    counts = Counts()
    live = LiveBook(str(write(tmp_path / "rules")), counts)
    telemetry = Telemetry(tracers, loggers, UserIds(b"secret"))
    app = Service(live, counts, watch=False, telemetry=telemetry)

    def ask(path, body, **headers):
        async def request():
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
                return await client.post(path, json=body, headers=headers)

        answer = asyncio.run(request())
        return answer, spans.get_finished_spans(), [one.log_record for one in events.get_finished_logs()]

    return ask


def test_each_slot_and_setting_is_an_event_of_the_conventions(ask):
    answer, _, events = ask("/v1/evaluate", ASKED)
    assert {event.event_name for event in events} == {"feature_flag.evaluation"}
    hero, bare, on = (dict(event.attributes) for event in events)
    assert hero.pop("feature_flag.context.id") == UserIds(b"secret")("u-1")
    assert hero == {
        "feature_flag.key": "hero",
        "feature_flag.provider.name": "tailored",
        "feature_flag.result.variant": "hello",
        "feature_flag.result.reason": "targeting_match",
        "feature_flag.version": answer.json()["book"],
    }
    assert bare["feature_flag.result.reason"] == "default"
    assert (on["feature_flag.key"], on["feature_flag.result.variant"]) == ("on", "true")


def test_events_belong_to_the_span_of_their_request_and_that_to_the_callers_trace(ask):
    caller = f"00-{TRACE}-b7ad6b7169203331-01"
    _, (span,), events = ask("/v1/evaluate", ASKED, traceparent=caller)
    assert span.name == "POST /v1/evaluate"
    assert f"{span.context.trace_id:032x}" == TRACE
    assert f"{span.parent.span_id:016x}" == "b7ad6b7169203331"
    assert dict(span.attributes) == {
        "http.request.method": "POST",
        "http.route": "/v1/evaluate",
        "url.path": "/v1/evaluate",
        "url.scheme": "http",
        "http.response.status_code": 200,
    }
    assert {(event.trace_id, event.span_id) for event in events} == {
        (span.context.trace_id, span.context.span_id)
    }


def test_a_refused_request_is_a_span_with_its_reason_and_no_event(ask):
    _, (span,), events = ask("/v1/evaluate", {"user": {}})
    assert span.attributes["http.response.status_code"] == 400
    assert span.attributes["error.type"] == "bad-request"
    assert span.status.is_unset
    assert events == []


def test_a_flag_asked_by_ofrep_is_one_event(ask):
    _, (span,), (event,) = ask("/ofrep/v1/evaluate/flags/hero", {"context": {"targetingKey": "u-1"}})
    assert span.attributes["http.route"] == "/ofrep/v1/evaluate/flags/{key}"
    assert event.attributes["feature_flag.key"] == "hero"


def test_a_served_book_sends_all_that_to_a_collector(tmp_path):
    got = []

    class Collector(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            got.append((self.path, self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format, *args):
            pass

    collector = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    threading.Thread(target=collector.serve_forever, daemon=True).start()
    env = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.server_address[1]}",
        "OTEL_EXPORTER_OTLP_COMPRESSION": "none",
        "OTEL_SERVICE_NAME": "shop-rules",
    }
    with Served(write(tmp_path / "rules"), ["--otel"], env=env) as served:
        assert served.evaluate(ASKED).status_code == 200
        assert served.end() == 0
    collector.shutdown()
    collector.server_close()
    spans = [ExportTraceServiceRequest.FromString(body) for path, body in got if path == "/v1/traces"]
    events = [ExportLogsServiceRequest.FromString(body) for path, body in got if path == "/v1/logs"]
    names = [
        span.name
        for one in spans
        for part in one.resource_spans
        for scope in part.scope_spans
        for span in scope.spans
    ]
    assert names == ["POST /v1/evaluate"]
    records = [
        record.event_name
        for one in events
        for part in one.resource_logs
        for scope in part.scope_logs
        for record in scope.log_records
    ]
    assert records == ["feature_flag.evaluation"] * 3
    resource = {pair.key: pair.value.string_value for pair in spans[0].resource_spans[0].resource.attributes}
    assert resource["service.name"] == "shop-rules"
