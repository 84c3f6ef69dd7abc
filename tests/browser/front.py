"""A private nginx in front of an API: serves nginx/html, or adds a path prefix as an outer proxy would."""

from __future__ import annotations

import subprocess
import urllib.request
from pathlib import Path

from kit.process import REPOSITORY, free_port, stop, wait_until

CONFIGURATION = """
daemon off;
worker_processes 1;
pid {home}/nginx.pid;
error_log {home}/error.log;
events {{ worker_connections 256; }}
http {{
    access_log off;
    absolute_redirect off;
    client_max_body_size 20m;
    client_body_temp_path {home}/body;
    proxy_temp_path {home}/proxy;
    fastcgi_temp_path {home}/fastcgi;
    uwsgi_temp_path {home}/uwsgi;
    scgi_temp_path {home}/scgi;
    types {{ text/html html; text/css css; text/javascript js; image/svg+xml svg; }}
    charset utf-8;
    charset_types text/html text/css text/javascript;
    map $request_uri $page {{ "~^(?<found>/[!-~]*)$" $found; }}
    server {{
        listen 127.0.0.1:{port};
        root {html};
        {locations}
    }}
}}
"""

# Serves the pages beside an API that has none: what docs/pages.md asks of nginx.
PAGES = """
        location ~ ^/(api/|health$) {{ proxy_pass {api}; proxy_set_header Host $http_host; }}
        location = /version.json {{ default_type application/json; return 200 '{{"kanso":"0.0.0"}}'; }}
        location / {{ try_files $uri ${{uri}}index.html @page; }}
        location = /frame.html {{
            add_header Content-Security-Policy "sandbox allow-scripts; default-src 'none'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; img-src data: blob:; font-src data:; media-src data: blob:; frame-ancestors 'self'";
        }}
        location @page {{
            if ($page ~ "^/[^/?]+/?(?:\\?|$)") {{ return 302 "./#$page"; }}
            if ($page ~ "^/[^/?]+/[^/?]+(?:\\?|$)") {{ return 302 "../#$page"; }}
            if ($page ~ "^/[^/?]+/[^/?]+/[^/?]+(?:\\?|$)") {{ return 302 "../../#$page"; }}
            if ($page ~ "^/[^/?]+/[^/?]+/[^/?]+/[^/?]+(?:\\?|$)") {{ return 302 "../../../#$page"; }}
            return 404;
        }}
"""

# Puts a whole server below a path, which the server itself knows nothing of.
PREFIX = """
        {more}
        location {prefix}/ {{ proxy_pass {api}/; proxy_set_header Host $http_host; proxy_redirect off; }}
"""


class Front:
    """`url` is where the pages are, with a slash at the end."""

    def __init__(self, home: Path, api: str, prefix: str = "") -> None:
        self.home = home
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}{prefix}/"
        home.mkdir(parents=True, exist_ok=True)
        home.chmod(0o755)
        self.api, self.prefix = api.rstrip("/"), prefix
        self.configure()
        self.start()

    def configure(self, more: str = "") -> None:
        """Write the configuration, with more locations when there is a prefix."""
        locations = (PREFIX if self.prefix else PAGES).format(api=self.api, prefix=self.prefix, more=more)
        (self.home / "nginx.conf").write_text(CONFIGURATION.format(
            home=self.home, port=self.port, html=REPOSITORY / "nginx" / "html", locations=locations))

    def start(self) -> None:
        self.process = subprocess.Popen(
            ["nginx", "-e", str(self.home / "error.log"), "-p", str(self.home), "-c", str(self.home / "nginx.conf")],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(self.up, 15, f"nginx on port {self.port}")

    def up(self) -> bool:
        assert self.process.poll() is None, (self.home / "error.log").read_text()
        try:
            with urllib.request.urlopen(self.url + "health", timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False

    def stop(self) -> None:
        stop(self.process)
