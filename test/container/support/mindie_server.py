"""start_mindie.py with a stand-in of MindIE's daemon, which listens, refuses and ends like the real one."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import threading
from pathlib import Path

from .patience import until
from .ranks_job import free_port
from .script import Script

DAEMON = Path(__file__).parents[2] / "cluster" / "stubs" / "usr" / "local" / "bin" / "mindie_llm_server"
PACKAGES = DAEMON.parents[1] / "lib" / "python3.11" / "dist-packages"
HOST = "127.0.0.1"


class MindIeServer:
    """The server of a pod, on ports of its own; a context manager that kills it."""

    def __init__(self, script: Script, folder: Path, *flags: object, daemon: list[str] | None = None) -> None:
        self.port, self.management, self.metrics = free_port(), free_port(), free_port()
        self.process = script.start(
            *("--config", self._config(folder), "--target", folder / "config.json", "--work-dir", folder),
            *(*flags, "--", *(daemon or [sys.executable, DAEMON])),
            MIES_CONTAINER_MANAGEMENT_IP=HOST,
            PYTHONPATH=str(PACKAGES),
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _config(self, folder: Path) -> Path:
        (folder / "weights").mkdir()
        (folder / "weights" / "config.json").write_text('{"_name_or_path": "THUDM/chatglm3-6b"}')
        (folder / "weights" / "model.safetensors").touch()
        ports = {"port": self.port, "managementPort": self.management, "metricsPort": self.metrics}
        model = {"modelWeightPath": str(folder / "weights"), "modelName": "chatglm3-6b"}
        config = {
            "ServerConfig": {"ipAddress": HOST, "managementIpAddress": "127.0.0.2", **ports},
            "BackendConfig": {"ModelDeployConfig": {"ModelConfig": [model]}},
        }
        (folder / "delivered.json").write_text(json.dumps(config))
        return folder / "delivered.json"

    def _read(self) -> None:
        self.lines.extend(line.rstrip("\n") for line in self.process.stdout or ())

    def __enter__(self) -> MindIeServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill_daemon()
        self.process.kill()
        self.end_of_log()

    def kill_daemon(self) -> None:
        """Kill the daemon and nobody else."""
        subprocess.run(["pkill", "-KILL", "-P", str(self.process.pid)], check=False)

    def says(self, text: str) -> None:
        """Wait for a line of the log."""
        until(lambda: any(text in line for line in self.lines))

    def end(self) -> int:
        """Return the exit code, and have all of the log."""
        code = self.process.wait(30)
        self.end_of_log()
        return code

    def end_of_log(self) -> None:
        """Wait until nobody can write to the log any more."""
        self._reader.join(10)
        assert not self._reader.is_alive()

    def get(self, port: int, path: str) -> tuple[int, str]:
        """Return the status and the text of an answer."""
        connection = http.client.HTTPConnection(HOST, port, timeout=20)
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()

    def ask(self, seconds: float) -> tuple[int, str]:
        """Ask for an answer that takes `seconds`; its status and its text."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=20)
        body = {"max_tokens": seconds * 20, "messages": [{"role": "user", "content": "hello"}]}
        connection.request("POST", "/v1/chat/completions", json.dumps(body))
        answer = connection.getresponse()
        text = json.loads(answer.read())
        return answer.status, text["choices"][0]["message"]["content"] if "choices" in text else text["error"]


class Asking(threading.Thread):
    """Somebody who waits for an answer."""

    def __init__(self, server: MindIeServer, seconds: float) -> None:
        super().__init__(daemon=True)
        self._server, self._seconds = server, seconds
        self._result: object = None
        self.start()

    def run(self) -> None:
        """Ask, and keep the answer or the kind of fault."""
        try:
            self._result = self._server.ask(self._seconds)
        except (OSError, http.client.HTTPException) as error:
            self._result = type(error).__name__

    @property
    def result(self) -> object:
        """Return the answer, once it is there."""
        self.join(20)
        return self._result
