"""What `/metrics` shows, in the text format of Prometheus."""

from __future__ import annotations

from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """Counters of one server."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        name = "speech_lstm"
        about: dict[str, Any] = {"registry": self.registry}
        self.clients = Gauge(f"{name}_clients", "Clients that are connected", ["protocol"], **about)
        self.connected = Counter(f"{name}_clients_served", "Clients since the start", ["protocol"], **about)
        self.refused = Counter(f"{name}_refused", "Clients that were closed, by code of the reason", ["code"], **about)
        self.events = Counter(f"{name}_events", "Events of streams, by name", ["event"], **about)
        self.audio = Counter(f"{name}_audio_seconds", "Audio heard", **about)
        self.compute = Counter(f"{name}_compute_seconds", "CPU time of hearing it", **about)
        self.grammars = Counter(f"{name}_grammars", "Grammars of clients", ["outcome"], **about)
        buckets = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2)
        self.answer = Histogram(
            f"{name}_answer_seconds", "From the arrival of audio to its events", buckets=buckets, **about
        )

    def text(self) -> bytes:
        """All of them."""
        return generate_latest(self.registry)
