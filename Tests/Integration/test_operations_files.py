"""The files that operators install: the unit of systemd, and the container."""
import re
import subprocess
from pathlib import Path

import pytest

from servers import REPOSITORY, TRIBE

DEPLOY = REPOSITORY / "scripts/deploy"
CONTAINERFILE = (DEPLOY / "Containerfile").read_text()
# What `systemd-analyze security` calls OK ends at 2 of 10.
EXPOSURE_MAX = 2.0
# Swift's own libraries are linked into the container's binary.
OWN_LIBRARIES = re.compile(r"lib(swift|Foundation|_Foundation|dispatch|BlocksRuntime)")
# Part of every Debian system: the C library and what comes with the compiler.
BASE_LIBRARIES = re.compile(r"lib(c|m|dl|pthread|rt|stdc\+\+|gcc_s)\.so|ld-linux")


@pytest.fixture
def unit(tmp_path) -> Path:
    text = (DEPLOY / "tribe@.service").read_text().replace("/usr/local/bin/tribe", str(TRIBE))
    (tmp_path / "tribe@n1.service").write_text(text)
    return tmp_path / "tribe@n1.service"


def test_systemd_understands_the_unit(unit):
    verified = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, timeout=60)
    assert verified.returncode == 0 and "tribe@n1" not in verified.stderr, verified.stderr


def test_the_unit_is_hardened(unit):
    judged = subprocess.run(["systemd-analyze", "security", "--offline=true", unit], capture_output=True, text=True,
                            timeout=60)
    exposure = re.search(r"Overall exposure level for \S+: ([\d.]+)", judged.stdout)
    assert exposure and float(exposure[1]) <= EXPOSURE_MAX, judged.stdout[-500:]


def output_of(*command) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


def packages(stage: str) -> set[str]:
    """What a stage of the Containerfile installs."""
    lists = re.findall(r"apt-get install (.*?)&&", stage.replace("\\\n", " "), re.DOTALL)
    return {word for text in lists for word in text.split() if not word.startswith("-")}


def test_the_container_builds_with_what_the_installer_installs():
    build, _ = CONTAINERFILE.split("FROM docker.io/library/debian")
    installer = (REPOSITORY / "scripts/install").read_text()
    wanted = re.search(r"^build_packages=\((.*?)\)", installer, re.MULTILINE | re.DOTALL)
    assert packages(build) == set(wanted[1].split())


@pytest.mark.release
def test_the_container_has_every_library_that_the_program_loads():
    _, runtime = CONTAINERFILE.split("FROM docker.io/library/debian")
    libraries = re.findall(r"=> (/\S+)", output_of("ldd", TRIBE))
    direct = set(re.findall(r"NEEDED\s+(\S+)", output_of("objdump", "-p", TRIBE)))
    assert direct
    missing = set()
    for library in libraries:
        name = Path(library).name
        if name not in direct or OWN_LIBRARIES.match(name) or BASE_LIBRARIES.match(name):
            continue
        package = output_of("dpkg", "-S", Path(library).resolve()).split(":")[0]
        if package not in packages(runtime):
            missing.add(f"{name} of {package}")
    assert not missing


def test_what_the_container_copies_is_there():
    for source in re.findall(r"^COPY (?!--from)(\S+)", CONTAINERFILE, re.MULTILINE):
        assert (REPOSITORY / source).exists(), source
