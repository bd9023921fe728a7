"""Settings from outside: what is refused before anything starts, and what is shown."""
import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from cluster_node import ClusterNode
from servers import REPOSITORY, TRIBE

NODE = {"id": "n1", "host": "127.0.0.1", "peer": 7400, "http": 8080, "resp": 6380}
GOOD = {"cluster": "test", "generation": 1, "nodes": [NODE]}

TEN_FAULTS = """{
    "cluster": "shop floor",
    "generation": "7",
    "nodes": [
        {"id": "n1", "host": "127.0.0.1", "peer": 7400, "http": 8080, "resp": 6380},
        {"id": "n1", "host": "127.0.0.1", "peer": 7401, "http": 8080, "resp": 6381}
    ],
    "replicas": 9,
    "cahce": {"memory": "1GiB"},
    "cache": {"memory": "64k", "eviction": "lru"},
    "limits": {"idleTimeout": "75", "fieldsMax": 100, "fieldsMax": 101}
}
"""


def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("TRIBE_")}
    return subprocess.run(
        [TRIBE, *arguments], env=inherited | variables, capture_output=True, text=True, timeout=20)


def write(folder: Path, settings) -> str:
    file = folder / "cluster.json"
    file.write_text(settings if isinstance(settings, str) else json.dumps(settings))
    return str(file)


def test_ten_faults_are_ten_lines_with_pointer_line_and_hint(tmp_path):
    file = write(tmp_path, TEN_FAULTS)
    result = run("config", "check", file)
    assert result.returncode == 2 and result.stdout == ""
    lines = result.stderr.splitlines()
    pointers = []
    for line in lines:
        match = re.fullmatch(
            re.escape(file) + r":(\d+):(\d+): (/\S+): .+\. (Write|Did you mean|Give|Choose|Remove) .+", line)
        assert match, line
        pointers.append((int(match[1]), match[3]))
    assert pointers == [
        (2, "/cluster"), (3, "/generation"), (6, "/nodes/1/id"), (6, "/nodes/1/http"), (8, "/replicas"), (9, "/cahce"),
        (10, "/cache/memory"), (10, "/cache/eviction"), (11, "/limits/idleTimeout"), (11, "/limits/fieldsMax")]


def test_the_faults_are_there_for_programs_too(tmp_path):
    result = run("config", "check", write(tmp_path, TEN_FAULTS), "--json")
    answer = json.loads(result.stdout)
    faults = answer["faults"]
    assert answer["omitted"] == 0
    assert result.returncode == 2 and len(faults) == 10
    for fault in faults:
        assert fault["pointer"].startswith("/") and fault["line"] > 0 and fault["column"] > 0
        assert fault["message"] and fault["hint"]


def test_a_check_opens_nothing(tmp_path):
    file = write(tmp_path, GOOD)
    result = run("config", "check", file, "--node", "n1")
    assert result.returncode == 0, result.stderr
    assert "nothing is wrong" in result.stdout
    assert sorted(os.listdir(tmp_path)) == ["cluster.json"]


def test_the_file_of_the_tree_is_right_for_each_of_its_nodes():
    settings = json.loads((REPOSITORY / "cluster.json").read_text())
    assert [(node["http"], node["resp"], node["peer"]) for node in settings["nodes"]] == [
        (8080, 6380, 7400), (8081, 6381, 7401), (8082, 6382, 7402)]
    for node in ("n1", "n2", "n3"):
        assert run("config", "check", str(REPOSITORY / "cluster.json"), "--node", node).returncode == 0


def test_what_is_shown_says_where_it_comes_from(tmp_path):
    file = write(tmp_path, GOOD | {"replicas": 3, "cache": {"memory": "1GiB"}})
    result = run("config", "show", "--config", file, "--node", "n1", "--origin", "--json", "--set", "replicas=4",
                 TRIBE_CACHE_MEMORY="2GiB", TRIBE_LIMITS_IDLETIMEOUT="5s")
    shown = json.loads(result.stdout)
    assert shown["replicas"] == {"value": 4, "origin": "--set replicas"}
    assert shown["cache.memory"] == {"value": "2GiB", "origin": "TRIBE_CACHE_MEMORY"}
    assert shown["cluster"] == {"value": "test", "origin": f"{file}:1"}
    assert shown["partitions"] == {"value": 1024, "origin": "default"}
    assert shown["dataDir"]["value"] == f"{tmp_path}/data/n1"
    text = run("config", "show", "--config", file, "--node", "n1", "--origin").stdout
    assert re.search(r"^cache\.memory +1GiB +" + re.escape(file) + ":1$", text, re.MULTILINE)


def test_secrets_are_not_shown(tmp_path):
    marker = "marker-6b1f0c"
    file = write(tmp_path, GOOD | {"alerts": {
        "heartbeatURL": f"https://x/{marker}", "webhooks": [{"url": f"https://x/{marker}"}]}})
    for arguments in ([], ["--json"], ["--origin"]):
        result = run("config", "show", "--config", file, *arguments, TRIBE_SLACK_WEBHOOK_URL=f"https://x/{marker}")
        assert result.returncode == 0 and marker not in result.stdout + result.stderr
        assert "(secret)" in result.stdout


@pytest.mark.parametrize("is_loopback", [True, False])
@pytest.mark.parametrize("has_tokens", [True, False])
@pytest.mark.parametrize("is_insecure", [True, False])
def test_who_listens_beyond_loopback_has_tokens_or_is_insecure(tmp_path, is_loopback, has_tokens, is_insecure):
    """SECURITY S1, the matrix of `tribe start`: 192.0.2.1 is nobody's, so what is allowed fails to bind."""
    (tmp_path / "file").write_text("[]")
    (tmp_path / "file").chmod(0o600)
    settings = GOOD | {"nodes": [NODE | {"host": "127.0.0.1" if is_loopback else "192.0.2.1"}]}
    settings |= {"tokensFile": "file", "secretFile": "file"} if has_tokens else {}
    settings |= {"insecure": True} if is_insecure else {}
    file = write(tmp_path, settings)
    check = run("config", "check", file)
    if is_loopback or has_tokens or is_insecure:
        assert check.returncode == 0, check.stderr
        return
    assert check.returncode == 2
    start = run("start", "--config", file, "--node", "n1")
    assert start.returncode == 2
    for result in (check, start):
        assert "/tokensFile: tokensFile is required" in result.stderr
        assert "/secretFile: secretFile is required" in result.stderr
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("address", ["0.0.0.0:0", "[::]:0"])
def test_a_developers_node_beyond_loopback_is_refused(address):
    result = run("dev", "--http", address, "--resp", "127.0.0.1:0")
    assert result.returncode == 2
    assert "--http" in result.stderr and "tokensFile" in result.stderr


def test_a_developers_node_may_be_insecure():
    class Open(ClusterNode):
        def command(self):
            return [str(TRIBE), "dev", "--http", "0.0.0.0:0", "--resp", "127.0.0.1:0", "--loops", "1"]

    node = Open(settings={"TRIBE_INSECURE": "true"}).start()
    try:
        assert node.has_logged("insecure is set: whoever can connect may do everything")
    finally:
        assert node.stop() == 0
        node.discard()


@pytest.mark.parametrize("mode, is_right", [(0o644, False), (0o660, False), (0o600, True), (0o400, True)])
def test_secrets_are_their_owners_alone(tmp_path, mode, is_right):
    (tmp_path / "secret").write_text("0123456789abcdef\n")
    (tmp_path / "secret").chmod(mode)
    result = run("config", "check", write(tmp_path, GOOD | {"secretFile": "secret"}))
    assert (result.returncode == 0) == is_right
    assert is_right or f"chmod 600 {tmp_path}/secret" in result.stderr


@pytest.mark.parametrize("arguments", [["--node", "n9"], ["--node", "n1", "--config", "/nosuch.json"]])
def test_a_start_without_its_node_or_file_is_refused(tmp_path, arguments):
    result = run("start", "--config", write(tmp_path, GOOD), *arguments)
    assert result.returncode == 2
    assert "n9" in result.stderr or "/nosuch.json" in result.stderr


def test_a_file_of_nothing_but_faults_takes_no_time(tmp_path):
    file = write(tmp_path, "{" + ",".join(f'"k{number}":1' for number in range(200_000)) + "}")
    result = run("config", "check", file)
    assert result.returncode == 2 and result.stderr.endswith("more\n")
    faults = json.loads(run("config", "check", file, "--json").stdout)
    # The keys that are required are faults too.
    assert len(faults["faults"]) == 100 and faults["omitted"] == 200_000 + 3 - 100


def test_a_hint_after_a_question_is_a_sentence(tmp_path):
    result = run("config", "check", write(tmp_path, GOOD | {"nodes": [NODE | {"zon": "a"}]}))
    assert 'did you mean "zone"? A node has id' in result.stderr


@pytest.mark.parametrize("arguments", [["config", "show"], ["version"], ["token", "new", "a", "--roles", "read"]])
def test_output_that_is_lost_is_no_success(arguments):
    with open("/dev/full", "w") as full:
        result = subprocess.run([TRIBE, *arguments], stdout=full, stderr=subprocess.PIPE, text=True, timeout=20)
    assert result.returncode == 1 and "No space left on device" in result.stderr


@pytest.mark.parametrize("token", ["a\r\nX: y", "a\n"])
def test_a_token_is_one_line(token):
    result = run("status", "--url", "http://127.0.0.1:1", TRIBE_TOKEN=token)
    assert result.returncode == 2 and "TRIBE_TOKEN" in result.stderr and token not in result.stderr


def test_an_empty_variable_is_none():
    result = run("status", "--url", "http://127.0.0.1:1", TRIBE_TOKEN="", TRIBE_CA_FILE="")
    assert result.returncode == 3
    result = run("status", "--timeout", "1s", TRIBE_URL="")
    assert "http://127.0.0.1:8080" in result.stderr or result.returncode != 2


def test_a_check_for_a_node_knows_its_variables(tmp_path):
    """As the unit checks a node that has its tokens and secret as credentials."""
    file = write(tmp_path, GOOD | {"nodes": [NODE | {"host": "192.0.2.1"}]})
    variables = {}
    for name in ["tokensFile", "secretFile"]:
        (tmp_path / name).write_text("0123456789abcdef")
        (tmp_path / name).chmod(0o400)
        variables[f"TRIBE_{name.upper()}"] = str(tmp_path / name)
    assert run("config", "check", file, "--node", "n1", **variables).returncode == 0
    assert run("config", "check", file, "--node", "n1").returncode == 2
    assert run("config", "check", file, **variables).returncode == 2
    result = run("config", "check", file, "--node", "n1", TRIBE_REPLICAS="9", **variables)
    assert result.returncode == 2 and result.stderr.startswith("TRIBE_REPLICAS: ")
