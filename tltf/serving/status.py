"""Refusals of requests, under the names that REST and gRPC give them."""

# Of tensorflow_serving/model_servers/http_rest_api_util and net_http.
HTTP = {
    "OK": 200,
    "CANCELLED": 499,
    "UNKNOWN": 500,
    "INVALID_ARGUMENT": 400,
    "DEADLINE_EXCEEDED": 504,
    "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    "PERMISSION_DENIED": 403,
    "RESOURCE_EXHAUSTED": 429,
    "FAILED_PRECONDITION": 400,
    "ABORTED": 409,
    "OUT_OF_RANGE": 400,
    "UNIMPLEMENTED": 501,
    "INTERNAL": 500,
    "UNAVAILABLE": 503,
    "DATA_LOSS": 500,
    "UNAUTHENTICATED": 401,
}
# The order above is that of google.rpc.Code, which TensorFlow's errors carry.
NAMES = tuple(HTTP)


class Refused(Exception):
    """A request that gets no answer.

    Attributes:
      code: Name of the gRPC status, a key of `HTTP`.
      message: What the client is told.
      http: Status of the HTTP response.
    """

    def __init__(self, code: str, message: str, *, http: int | None = None):
        super().__init__(message)
        self.code = code
        self.message = message
        self.http = http or HTTP[code]


def invalid(message: str) -> Refused:
    """Returns the refusal of a request that is wrong in itself."""
    return Refused("INVALID_ARGUMENT", message)
