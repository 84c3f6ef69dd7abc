"""systemd/kanso-generator: what it makes of kanso.conf, without a systemd."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from kit.process import BUILD, REPOSITORY

SECRET = {"ZENML_SECRETS_STORE_ENCRYPTION_KEY", "ZENML_SECRETS_STORE_AUTH_CONFIG", "ZENML_BACKUP_SECRETS_STORE_VAULT_TOKEN",
          "VAULT_TOKEN", "KANSO_METRICS_TOKEN", "AWS_SECRET_ACCESS_KEY"}


def drop_ins(directory: Path, workers: str) -> dict[str, str]:
    """The drop-ins of the services by the name of their workers, from the script with places of the test's own."""
    conf, out = directory / "kanso.conf", directory / (workers.partition(",")[0] + ".units")
    conf.write_text(f"KANSO_WORKERS={workers}\nKANSO_PORT=8080\n" + "".join(f'{name}="x"\n' for name in sorted(SECRET)))
    out.mkdir()
    text = (REPOSITORY / "systemd" / "kanso-generator").read_text()
    for old, new in (("/etc/kanso/kanso.conf", conf), ("/usr/lib/kanso/bin/kansoctl", BUILD / "bin" / "kansoctl")):
        assert old in text
        text = text.replace(old, str(new))
    subprocess.run(["sh", "-c", text, "kanso-generator", str(out)], check=True)
    return {found.group(1): (path / "plan.conf").read_text() for path in out.iterdir()
            if (found := re.fullmatch(r"kanso-worker@(\w+):1\.service\.d", path.name))}


def test_workers_get_no_secrets_that_they_have_no_business_with(tmp_path: Path) -> None:
    """The same as scripts/kanso withholds (settings_print)."""
    of_store = {name for name in SECRET if "SECRETS_STORE" in name} | {"VAULT_TOKEN"}
    expected = {"auth": SECRET, "probes": of_store | {"AWS_SECRET_ACCESS_KEY"}, "rest": {"KANSO_METRICS_TOKEN"},
                "artifact_files": {"KANSO_METRICS_TOKEN"},
                "all": {"KANSO_METRICS_TOKEN"}}
    made = drop_ins(tmp_path, "default") | {"all": drop_ins(tmp_path, "all")["all"]}
    for worker, withheld in expected.items():
        unset = {name for line in re.findall(r"^UnsetEnvironment=(.*)$", made[worker], re.M) for name in line.split()}
        assert unset & SECRET == withheld, (worker, made[worker])
