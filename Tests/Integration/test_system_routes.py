"""What a node tells about itself."""
import re

import pytest

from expectations import METRIC, expect_problem, metrics, put

ROUTES = [
    "/livez", "/readyz", "/readyz?verbose", "/metrics", "/openapi.json", "/v1/cluster", "/v1/errors/not_found", "/",
]


@pytest.mark.parametrize("route", ROUTES)
def test_it_is_there_for_get_and_head(client, route):
    get, head = client.request("GET", route), client.request("HEAD", route)
    assert get.status == head.status == 200
    assert get.body and not head.body
    assert get["content-type"] == head["content-type"]


@pytest.mark.parametrize("route", ["/livez", "/readyz"])
def test_health_is_plain_text(client, route):
    assert client.request("GET", route)["content-type"].startswith("text/plain")


def test_the_cluster_is_this_node(client, node):
    cluster = client.request("GET", "/v1/cluster").json()
    (member,) = cluster["members"]
    assert member["state"] == "alive"
    assert member["http"] == f"127.0.0.1:{node.port}"
    assert {"id", "uid", "version", "resp"} <= member.keys()
    assert {"generation", "epoch"} <= cluster.keys()


def test_metrics_are_prometheus_text(client):
    response = client.request("GET", "/metrics")
    assert response["content-type"] == "text/plain; version=0.0.4"
    types: dict[str, str] = {}
    for line in response.body.decode().splitlines():
        if match := re.match(r"# TYPE (\S+) (counter|gauge|histogram)$", line):
            assert match[1] not in types, f"{match[1]} twice"
            types[match[1]] = match[2]
        elif not line.startswith("# HELP "):
            match = METRIC.match(line)
            assert match, line
            family = re.sub(r"_(bucket|sum|count)$", "", match[1])
            assert types.get(match[1]) in ("counter", "gauge") or types.get(family) == "histogram", line
    assert all(name.endswith("_total") for name, kind in types.items() if kind == "counter")


def test_histograms_add_up(client, path):
    put(client, path)
    samples = metrics(client)
    histograms = [name for name in samples if "_count{" in name]
    assert histograms
    for name in histograms:
        family, labels = name.replace("_count{", "_bucket{").rsplit("}", 1)[0], samples[name]
        buckets = [value for other, value in samples.items() if other.startswith(family + ",le=")]
        assert buckets == sorted(buckets)
        assert buckets[-1] == labels


@pytest.mark.parametrize("family", ["tribe_http_requests_total", "tribe_connections", "process_resident_memory_bytes"])
def test_metrics_have(client, family):
    client.request("GET", "/livez")
    assert any(name.partition("{")[0] == family for name in metrics(client))


def test_the_openapi_document_lists_the_interface(client):
    document = client.request("GET", "/openapi.json").json()
    assert document["openapi"].startswith("3.1.")
    operations = {(method, path) for path, item in document["paths"].items() for method in item}
    assert {
        ("put", "/v1/cache/{key}"), ("get", "/v1/cache/{key}"), ("delete", "/v1/cache/{key}"),
        ("post", "/v1/cache/{key}/touch"), ("post", "/v1/cache/{key}/increment"), ("delete", "/v1/cache/{key}/refresh"),
        ("post", "/v1/cache/batch"), ("get", "/v1/cache"), ("delete", "/v1/cache"), ("get", "/livez"),
        ("get", "/readyz"), ("get", "/metrics"), ("get", "/openapi.json"), ("get", "/v1/cluster"),
        ("get", "/v1/errors/{code}"), ("get", "/")} <= operations


def test_every_reference_of_the_openapi_document_resolves(client):
    document = client.request("GET", "/openapi.json").json()

    def check(value):
        if isinstance(value, dict):
            reference = value.get("$ref")
            if isinstance(reference, str):
                target = document
                for step in reference.removeprefix("#/").split("/"):
                    target = target[step]
            for member in value.values():
                check(member)
        elif isinstance(value, list):
            for member in value:
                check(member)

    check(document)


def test_every_operation_of_the_openapi_document_is_described(client):
    document = client.request("GET", "/openapi.json").json()
    identifiers = set()
    for item in document["paths"].values():
        for operation in item.values():
            assert operation["responses"] and operation["summary"]
            identifiers.add(operation["operationId"])
    assert len(identifiers) == sum(len(item) for item in document["paths"].values())


def test_an_error_page_explains_its_code(client):
    for accept in ("text/html", "*/*", "application/json"):
        page = client.request("GET", "/v1/errors/refresh_stale", {"Accept": accept})
        assert page.status == 200
        assert b"refresh" in page.body.lower()


def test_an_error_page_repeats_nothing_from_its_url(client):
    response = client.request("GET", "/v1/errors/%3Cscript%3Ealert(1)%3C%2Fscript%3E", {"Accept": "text/html"})
    expect_problem(response, 404)
    assert b"<script" not in response.body


def test_the_status_page_is_for_people(client):
    page = client.request("GET", "/")
    assert page["content-type"].startswith("text/html")
    assert page.body.lower().startswith(b"<!doctype html>")
