"""What is true of every answer of a kind, and readers for what a node tells about itself."""
import json
import re

from http_client import Connection, Response

METRIC = re.compile(r"^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? ([0-9.eE+-]+|NaN|[+-]Inf)$")


def expect_problem(response: Response, status: int, code: str | None = None) -> dict:
    """RFC 9457 with every member that the interface promises; returns it."""
    assert response.status == status, response
    assert response["content-type"] == "application/problem+json"
    assert int(response["content-length"]) == len(response.body)
    problem = response.json()
    assert problem["status"] == status
    assert re.fullmatch(r"[a-z][a-z0-9_]*", problem["code"])
    assert problem["type"] == f"/v1/errors/{problem['code']}"
    assert problem["title"] and problem["detail"]
    assert re.fullmatch(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", problem["instance"])
    if code is not None:
        assert problem["code"] == code, problem
    if status in (429, 503):
        assert int(response["retry-after"]) > 0
    if status == 405:
        assert response["allow"]
    return problem


def expect_value(response: Response, value: bytes) -> Response:
    """200 with `value` and what every stored value carries."""
    assert response.status == 200, response
    assert response.body == value
    assert re.fullmatch(r'"v[0-9a-f]+"', response["etag"])
    assert response["cache-status"].startswith("tribe; hit")
    assert response["x-content-type-options"] == "nosniff"
    assert response["content-security-policy"] == "sandbox"
    return response


def expect_open_unless_said(client: Connection, response: Response):
    """A connection ends after an answer if and only if the answer says so (RFC 9112 §9.6)."""
    if response.get("connection") == "close":
        assert client.is_closed_by_server()
    else:
        assert client.request("GET", "/livez").status == 200


def post_json(client: Connection, path: str, body) -> Response:
    return client.request("POST", path, {"Content-Type": "application/json"}, json.dumps(body).encode())


def put(client: Connection, path: str, value: bytes = b"value", **headers: str) -> Response:
    return client.request("PUT", path, {name.replace("_", "-"): text for name, text in headers.items()}, value)


def metrics(client: Connection) -> dict[str, float]:
    """Every sample by its name with labels, as the line has it."""
    response = client.request("GET", "/metrics")
    assert response.status == 200
    samples = {}
    for line in response.body.decode().splitlines():
        if line and not line.startswith("#"):
            match = METRIC.match(line)
            assert match, line
            samples[line[:match.start(3) - 1]] = float(match[3])
    return samples


def total(samples: dict[str, float], name: str, *labels: str) -> float:
    """The sum of a family's samples that have all of `labels`."""
    return sum(value for sample, value in samples.items()
               if sample.partition("{")[0] == name and all(label in sample for label in labels))
