"""Stored bytes never run in a browser (S15): whatever is stored, and wherever an answer quotes it.

A browser runs script in an answer only if it takes it for a page. So each answer that a client's bytes can get into
either says a type that is no page and forbids guessing another, or comes in a sandbox without scripts.
"""
import json
from urllib.parse import quote

import pytest

from expectations import post_json, put
from http_client import Response
from resp_client import RESPConnection

PAYLOADS = [
    b"<script>alert(1)</script>",
    b"<img src=x onerror=alert(1)>",
    b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
    b"<!doctype html><body onload=alert(1)>",
    b"<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'><script>alert(1)</script></html>",
    b"\xef\xbb\xbf<html><script>alert(1)</script>",
    "<script>alert(1)</script>".encode("utf-16"),
    b"+ADw-script+AD4-alert(1)+ADw-/script+AD4-",
    b"%PDF-1.7 <script>alert(1)</script>",
    b"GIF89a/*<script>alert(1)</script>*/=1",
    b"</title></textarea></style></script><script>alert(1)</script>",
    b"\"><script>alert(1)</script>",
    b"'-alert(1)-'",
    b"javascript:alert(1)",
    b"{{constructor.constructor('alert(1)')()}}",
    b"-->]]><script>alert(1)</script>",
    b"data: <script>alert(1)</script>\n\nevent: x\n\n",
]
PAGES = ["text/html", "text/html; charset=utf-7", "application/xhtml+xml", "image/svg+xml", "text/xml",
         "application/xml", "text/xsl", "multipart/x-mixed-replace; boundary=b", "application/pdf", "text/javascript",
         "application/octet-stream", "*/*"]
NO_PAGES = ("application/json", "application/problem+json", "text/plain", "text/event-stream",
            "application/octet-stream")


def expect_harmless(response: Response, payload: bytes):
    assert response.get("x-content-type-options") == "nosniff", response
    policy = response.get("content-security-policy")
    kind = (response.get("content-type") or "").split(";")[0]
    if policy == "sandbox" or kind in NO_PAGES:
        return
    # A page of the node's own: no script of any kind runs in it, and it does not quote what it was sent.
    assert kind == "text/html" and policy.startswith("default-src 'none'") and "script" not in policy
    assert payload not in response.body


@pytest.mark.parametrize("kind", PAGES)
def test_a_stored_value_is_no_page(client, path, kind):
    for payload in PAYLOADS:
        assert put(client, path, payload, Content_Type=kind).status in (201, 204)
        response = client.request("GET", path)
        assert response.status == 200 and response.body == payload
        assert response["content-security-policy"] == "sandbox"
        expect_harmless(response, payload)
        expect_harmless(client.request("HEAD", path), payload)


@pytest.mark.parametrize("payload", PAYLOADS, ids=range(len(PAYLOADS)))
def test_keys_tags_and_cursors_are_quoted_harmlessly(client, node, payload):
    key = quote(payload, safe="")
    paths = [f"/v1/cache/{key}", f"/v1/cache/{key}?ttl={key}", f"/v1/cache/{key}?{key}={key}",
             f"/v1/cache?prefix={key}", f"/v1/cache?cursor={key}", f"/v1/errors/{key}", f"/{key}", f"/{key}/{key}",
             f"/get/{key}", f"/get/{key}/{key}", f"/set/{key}/{key}", f"/echo/{key}", f"/get/{key}?_token={key}", "/",
             f"/?{key}"]
    assert client.request("PUT", f"/v1/cache/{key}?tags={quote('<script>')}", {}, payload).status < 500
    for path in paths:
        for accept in ("*/*", "text/html"):
            response = client.request("GET", path, {"Accept": accept, "X-Request-Id": "plain"})
            assert response.status < 500
            expect_harmless(response, payload)
    expect_harmless(client.request("DELETE", f"/v1/cache?tag={key}"), payload)
    with RESPConnection(node.resp_port) as commands:
        commands.call("CLIENT", "SETNAME", "name")
        commands.call("DEL", payload)


@pytest.mark.parametrize("payload", PAYLOADS, ids=range(len(PAYLOADS)))
def test_bodies_are_quoted_harmlessly(client, payload):
    text = payload.decode("latin-1")
    for path, body in [("/v1/cache/batch", {"operations": [{"op": text, "key": text}]}), ("/", [text, text]),
                       ("/", ["ECHO", text]), ("/pipeline", [["ECHO", text], [text]]),
                       ("/multi-exec", [["SET", text, text], ["GET", text]]), ("/v1/cache/k/touch", {text: text}),
                       ("/v1/cache/k/increment", {"by": text})]:
        response = post_json(client, path, body)
        assert response.status < 500
        expect_harmless(response, payload)
        # No closing tag leaves as it is, so JSON put into a page by somebody else stays text.
        assert b"</script" not in response.body, response
    response = client.request("POST", "/v1/cache/batch", {"Content-Type": "application/json"}, payload)
    expect_harmless(response, payload)
    json.loads(response.body)
