"""ETags: compare-and-set, create only, and answers that need not be sent again."""
import pytest

from expectations import expect_problem, expect_value, put


def test_create_only_creates(client, path):
    assert put(client, path, If_None_Match="*").status == 201


def test_create_only_leaves_what_exists(client, path):
    first = put(client, path)
    refused = put(client, path, b"other", If_None_Match="*")
    expect_problem(refused, 412, "precondition_failed")
    assert expect_value(client.request("GET", path), b"value")["etag"] == first["etag"]


def test_compare_and_set_replaces_the_version_it_knows(client, path):
    etag = put(client, path)["etag"]
    assert put(client, path, b"other", If_Match=etag).status == 204
    expect_value(client.request("GET", path), b"other")


def test_compare_and_set_refuses_any_other_version(client, path):
    old = put(client, path)["etag"]
    put(client, path, b"newer")
    expect_problem(put(client, path, b"lost", If_Match=old), 412, "precondition_failed")
    expect_value(client.request("GET", path), b"newer")


def test_compare_and_set_needs_something_to_compare(client, path):
    etag = put(client, path)["etag"]
    client.request("DELETE", path)
    expect_problem(put(client, path, If_Match=etag), 412)
    expect_problem(put(client, path, If_Match="*"), 412)
    expect_problem(client.request("GET", path), 404)


def test_if_match_compares_strongly(client, path):
    etag = put(client, path)["etag"]
    refused = put(client, path, b"other", If_Match=f"W/{etag}")
    assert refused.status in (412, 422)
    expect_value(client.request("GET", path), b"value")


@pytest.mark.parametrize("form", ["{etag}", "W/{etag}", '"other", {etag}', "*"])
def test_what_the_caller_has_is_not_sent_again(client, path, form):
    etag = put(client, path)["etag"]
    response = client.request("GET", path, {"If-None-Match": form.format(etag=etag)})
    assert response.status == 304
    assert response["etag"] == etag
    assert response["cache-control"] == "private, no-cache"


def test_what_has_changed_is_sent(client, path):
    old = put(client, path)["etag"]
    put(client, path, b"newer")
    expect_value(client.request("GET", path, {"If-None-Match": old}), b"newer")


def test_racing_compare_and_sets_have_one_winner(client, connect, path):
    etag = put(client, path, b"0")["etag"]
    racers = [connect() for _ in range(20)]
    for number, racer in enumerate(racers):
        racer.send(b"PUT %b HTTP/1.1\r\nHost: a\r\nIf-Match: %b\r\nContent-Length: 2\r\n\r\n%02d"
                   % (path.encode(), etag.encode(), number))
    statuses = [racer.read_response().status for racer in racers]
    assert sorted(statuses) == [204] + [412] * 19
    expect_value(client.request("GET", path), b"%02d" % statuses.index(204))


@pytest.mark.parametrize("field", ["If-Match", "If-None-Match", "Content-Type", "Content-Encoding"])
def test_a_field_in_two_lines_is_refused(client, path, field):
    """Its second line would be passed over, and with it what the client demanded."""
    fields = f'{field}: "a"\r\n{field}: "b"\r\nContent-Length: 1\r\n'
    client.send(f"PUT {path} HTTP/1.1\r\nHost: a\r\n{fields}\r\nx".encode())
    expect_problem(client.read_response(), 422, "invalid_parameter")
    expect_problem(client.request("GET", path), 404)
