"""kansoctl config: the values in force, and where each comes from."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from kit.ctl import kansoctl, results
from kit.process import REPOSITORY

SECRET = "never-to-be-shown-4711-4711-4711-4711"


def values(*arguments: str, **environment: str) -> dict[str, dict]:
    return {row["name"]: row for row in results("config", *arguments, **environment)}


def test_origins(tmp_path: Path) -> None:
    conf = tmp_path / "kanso.conf"
    conf.write_text(f"KANSO_PORT=4711\nKANSO_JOBS='2'\n# KANSO_STRICT=true\nZENML_SERVER_JWT_SECRET_KEY={SECRET}\n"
                    f"ZENML_STORE_URL=mysql://someone:{SECRET}@db.example/zenml?ssl_ca=/x\n")
    found = values(KANSO_CONF=str(conf), KANSO_HOME=str(tmp_path), KANSO_JOBS="3")
    assert (found["KANSO_PORT"]["value"], found["KANSO_PORT"]["origin"]) == ("4711", str(conf))
    assert (found["KANSO_JOBS"]["value"], found["KANSO_JOBS"]["origin"]) == ("3", "environment")
    assert (found["KANSO_STRICT"]["value"], found["KANSO_STRICT"]["origin"]) == ("false", "default")
    assert (found["KANSO_HOME"]["value"], found["KANSO_HOME"]["origin"]) == (str(tmp_path), "environment")
    assert found["ZENML_STORE_URL"]["value"] == "mysql://someone:********@db.example/zenml?ssl_ca=/x"
    assert found["ZENML_SERVER_JWT_SECRET_KEY"] == {
        "name": "ZENML_SERVER_JWT_SECRET_KEY", "origin": str(conf), "value": "********", "secret": True, "known": True,
        "about": found["ZENML_SERVER_JWT_SECRET_KEY"]["about"]}
    assert found["ZENML_SECRETS_STORE_ENCRYPTION_KEY"]["value"] is None
    assert SECRET not in kansoctl("config", KANSO_CONF=str(conf)).stdout


def test_private_database(tmp_path: Path) -> None:
    """Its address and the key of its secrets are in files of KANSO_HOME."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "database-password").write_text(SECRET + "\n")
    (tmp_path / "etc" / "encryption-key").write_text(SECRET + "\n")
    found = values("--set", KANSO_CONF="/dev/null", KANSO_HOME=str(tmp_path))
    assert found["ZENML_STORE_URL"]["origin"] == "the private database" and SECRET not in str(found)
    assert found["ZENML_SECRETS_STORE_ENCRYPTION_KEY"]["origin"] == f"{tmp_path}/etc/encryption-key"


@pytest.mark.skipif(os.geteuid() != 0, reason="is about root")
@pytest.mark.parametrize("command", ["config", "doctor", "setup"])
def test_root_takes_no_settings_of_others(tmp_path: Path, command: str) -> None:
    """They would say what the programs load that root starts."""
    library, trace, conf = tmp_path / "theirs.so", tmp_path / "trace", tmp_path / "kanso.conf"
    (tmp_path / "theirs.c").write_text("#include <fcntl.h>\n__attribute__((constructor)) static void at_start(void)\n"
                                       f'{{ open("{trace}", O_CREAT | O_WRONLY, 0600); }}\n')
    subprocess.run(["cc", "-shared", "-fPIC", "-o", str(library), str(tmp_path / "theirs.c")], check=True)
    conf.write_text(f"LD_PRELOAD={library}\n")
    os.chown(conf, 65534, 65534)
    done = kansoctl(command, KANSO_HOME=str(tmp_path), ZENML_STORE_URL="mysql://a:b@127.0.0.1:1/c")
    assert not trace.exists()
    assert done.returncode == 1 and f"{conf} is another user's (uid 65534)" in done.stderr, done


def test_what_is_wrong() -> None:
    done = kansoctl("config", "--set", "--json", KANSO_CONF="/dev/null", KANSO_PROT="8081", KANSO_JOBS="many")
    rows = {row["name"]: row for row in json.loads(done.stdout)}
    assert done.returncode == 3 and done.stderr.startswith("kanso: KANSO_JOBS is 'many'")
    assert rows["KANSO_PROT"]["known"] is False and rows["KANSO_PROT"]["value"] == "********" and rows["KANSO_JOBS"]["value"] == "many"


def test_every_documented_variable_is_known() -> None:
    """Whatever docs/configuration.md has in the first column of a table."""
    text = (REPOSITORY / "docs" / "configuration.md").read_text()
    documented = {name for line in re.findall(r"^\| (`[^|]+)\|", text, re.M) for name in re.findall(r"`([A-Z]+_[A-Z0-9_]+)`", line)}
    known = set(values(KANSO_CONF="/dev/null"))
    assert len(documented) > 100
    assert {name for name in documented if name.startswith(("KANSO_", "ZENML_"))} - known == set()


def test_scripts_read_no_other_variables() -> None:
    """What scripts/ take from outside is known as well."""
    text = "".join(file.read_text() for file in [REPOSITORY / "scripts" / "kanso", *(REPOSITORY / "scripts" / "lib").iterdir()])
    known = set(values(KANSO_CONF="/dev/null"))
    used = set(re.findall(r"\b((?:KANSO|ZENML)_[A-Z0-9_]+)\b(?!=)", text))
    assert used - known - {"KANSO_SETTINGS_FD", "KANSO_ACCESS_LOG_FILE", "ZENML_"} == set()
