"""What Prometheus may ask of the server."""

import prometheus_client

REGISTRY = prometheus_client.CollectorRegistry()
REQUESTS = prometheus_client.Counter(
    "tltf_requests",
    "Requests that were answered, with refusals, by gRPC status.",
    ["model", "api", "method", "code"],
    registry=REGISTRY,
)
SECONDS = prometheus_client.Histogram(
    "tltf_request_seconds",
    "From the headers of a request to its answer.",
    ["model", "api", "method"],
    registry=REGISTRY,
    buckets=[0.001 * 2**n for n in range(16)],
)
BATCH = prometheus_client.Histogram(
    "tltf_batch_rows",
    "Records that went through the graph together.",
    ["model", "version"],
    registry=REGISTRY,
    buckets=[1, 2, 4, 8, 16, 32, 64, 128],
)
READY = prometheus_client.Gauge(
    "tltf_version_ready",
    "1 where a version takes requests.",
    ["model", "version"],
    registry=REGISTRY,
)
WAITING = prometheus_client.Gauge(
    "tltf_waiting_requests",
    "Requests in the queue of a version.",
    ["model", "version"],
    registry=REGISTRY,
)
HELD = prometheus_client.Gauge(
    "tltf_held_bytes", "Bytes of the requests in work.", registry=REGISTRY
)


def text(waiting) -> tuple[bytes, str]:
    """Returns the metrics and their content type.

    Args:
      waiting: Model, version and queue length of each version.
    """
    WAITING.clear()
    for name, number, length in waiting:
        WAITING.labels(name, str(number)).set(length)
    return (
        prometheus_client.generate_latest(REGISTRY),
        prometheus_client.CONTENT_TYPE_LATEST,
    )
