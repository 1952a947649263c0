"""Where a cluster keeps its state, and how what an ended run left there is removed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from tests.cluster.nodes import CGROUP, FIRST, HOST_ADDRESS, NODES, RUN, SECOND, STATE, within

HOST_LINK, HOST_PEER = "rmc-host", "rmc-peer"
LINK, PEER = "rmc-link", "rmc-back"
STOP_S = 20.0


def attempt(*command: str, timeout_s: float = 60) -> subprocess.CompletedProcess[str]:
    """Runs a program to its end, whatever its exit status."""
    return subprocess.run(  # noqa: S603  # our own commands
        command, capture_output=True, text=True, timeout=timeout_s, check=False
    )


def run(*command: str, timeout_s: float = 60) -> str:
    """Returns what a program prints.

    Raises:
        RuntimeError: It failed.
    """
    done = attempt(*command, timeout_s=timeout_s)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr[-4000:]}")
    return done.stdout


def enter_networks() -> None:
    """Makes the nodes' network namespaces: this machine - first node - second node."""
    for node in NODES:
        run("ip", "netns", "add", node.network)
        run(*within("ip", "link", "set", "lo", "up", node=node))
        run(*within("sysctl", "-qw", "net.ipv4.ip_forward=1", node=node))
    peer = ("type", "veth", "peer", "name")
    run("ip", "link", "add", HOST_LINK, *peer, HOST_PEER, "netns", FIRST.network)
    run("ip", "addr", "add", f"{HOST_ADDRESS}/30", "dev", HOST_LINK)
    run("ip", "link", "set", HOST_LINK, "up")
    link = ("ip", "link", "add", LINK, *peer, PEER, "netns", SECOND.network)
    run(*within(*link))
    for node, address, device in (
        (FIRST, FIRST.address, HOST_PEER),
        (FIRST, SECOND.gateway, LINK),
        (SECOND, SECOND.address, PEER),
    ):
        run(*within("ip", "addr", "add", f"{address}/30", "dev", device, node=node))
        run(*within("ip", "link", "set", device, "up", node=node))
    for node in NODES:
        run(*within("ip", "route", "add", "default", "via", node.gateway, node=node))
    run(*within("ip", "route", "add", SECOND.pods, "via", SECOND.address))


def make_cgroups() -> None:
    """Makes the cgroups of all pods, in each hierarchy or in the only one."""
    for root in _hierarchies():
        for path in (root / CGROUP, *(root / node.cgroup for node in NODES)):
            path.mkdir(exist_ok=True)
            for name in ("cpuset.cpus", "cpuset.mems"):  # of cgroup v1, where a new one has none
                if (root / name).exists() and (root / "cpuset.cpu_exclusive").exists():
                    (path / name).write_text((root / name).read_text())


def remove() -> None:
    """Ends the processes of a run by their ids, and removes everything that it left."""
    _end_processes()
    for mount in reversed(_mounts()):
        attempt("umount", "--lazy", mount)
    for path in Path("/run/netns").glob("cni-*"):
        addresses = attempt("nsenter", f"--net={path}", "ip", "-o", "addr").stdout
        if any(node.pod_addresses in addresses for node in NODES):
            attempt("ip", "netns", "del", path.name)
    attempt("ip", "link", "del", HOST_LINK)
    for node in NODES:
        attempt("ip", "netns", "del", node.network)
    for root in _hierarchies():
        for folder in (*sorted((root / CGROUP).rglob("*/"), reverse=True), root / CGROUP):
            with suppress(OSError):  # it is not there, or not yet empty
                folder.rmdir()
    for folder in (STATE, RUN):
        shutil.rmtree(folder, ignore_errors=True)


def _hierarchies() -> list[Path]:
    root = Path("/sys/fs/cgroup")
    if (root / "cgroup.controllers").exists():
        return [root]
    return [path for path in root.iterdir() if (path / "cgroup.procs").exists()]


def _end_processes() -> None:
    """Ends the daemons, then what ran in containers: their shims, and all in the pods' cgroups."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        found = {*_daemons(), *_shims()}
        if number is signal.SIGKILL:
            found |= _contained()
        for pid in found:
            _signal(pid, number)
        until_s = time.monotonic() + STOP_S
        while any(map(_runs, found)) and time.monotonic() < until_s:
            time.sleep(0.1)


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def _daemons() -> set[int]:
    """Returns the daemons whose ids a run wrote, unless an id is another program's by now."""
    found = set()
    for path in STATE.glob("pids/*"):
        pid = int(path.read_text())
        if str(STATE) in _command_line(pid):
            found.add(pid)
    return found


def _shims() -> set[int]:
    """Returns the processes that hold containers of the cluster's own containerd."""
    pids = (int(path.name) for path in Path("/proc").glob("[0-9]*"))
    return {pid for pid in pids if f"-address {RUN}/" in _command_line(pid)}


def _contained() -> set[int]:
    """Returns the processes in the cgroup of pods."""
    paths = (path for root in _hierarchies() for path in (root / CGROUP).rglob("cgroup.procs"))
    return {int(line) for path in paths for line in path.read_text().split()}


def _command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def _runs(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(") ")[2][0] not in "ZX"


def _mounts() -> list[str]:
    listed = (line.split()[1] for line in Path("/proc/mounts").read_text().splitlines())
    return [each for each in listed if each.startswith((f"{STATE}/", f"{RUN}/"))]
