"""Where a cluster keeps its state, and how what an ended run left there is removed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path

STATE = Path(tempfile.gettempdir()) / "routemoa-cluster"
"""Everything but sockets."""
RUN = Path("/run/routemoa-cluster")
"""State of containerd; paths of sockets are short."""
NETWORK = "routemoa-cluster"
"""The network namespace: every port, address and rule of the cluster is in it."""
HOST_LINK, NODE_LINK = "rmc-host", "rmc-node"
HOST_ADDRESS, NODE_ADDRESS = "10.99.0.1", "10.99.0.2"
POD_ADDRESSES = "10.99.64"
CGROUP = "routemoa-cluster"
"""The cgroup of all pods, in every hierarchy."""
STOP_S = 20.0


def within(*command: str) -> list[str]:
    """Returns a command that runs in the cluster's network; /sys stays as it is, for cgroups."""
    return ["nsenter", f"--net=/run/netns/{NETWORK}", *command]


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


def enter_network() -> None:
    """Makes the network namespace, joined to this machine by one link."""
    run("ip", "netns", "add", NETWORK)
    peer = ("type", "veth", "peer", "name", NODE_LINK, "netns", NETWORK)
    run("ip", "link", "add", HOST_LINK, *peer)
    run("ip", "addr", "add", f"{HOST_ADDRESS}/30", "dev", HOST_LINK)
    run("ip", "link", "set", HOST_LINK, "up")
    for command in (
        "ip link set lo up",
        f"ip addr add {NODE_ADDRESS}/30 dev {NODE_LINK}",
        f"ip link set {NODE_LINK} up",
        f"ip route add default via {HOST_ADDRESS}",
        "sysctl -qw net.ipv4.ip_forward=1",
    ):
        run(*within(*command.split()))


def make_cgroups() -> None:
    """Makes the cgroup of all pods, in each hierarchy or in the only one."""
    for root in _hierarchies():
        (root / CGROUP).mkdir(exist_ok=True)
        for name in ("cpuset.cpus", "cpuset.mems"):  # of cgroup v1, where a new one has none
            if (root / name).exists() and (root / "cpuset.cpu_exclusive").exists():
                (root / CGROUP / name).write_text((root / name).read_text())


def remove() -> None:
    """Ends the processes of a run by their ids, and removes everything that it left."""
    _end_processes()
    for mount in reversed(_mounts()):
        attempt("umount", "--lazy", mount)
    for path in Path("/run/netns").glob("cni-*"):
        if POD_ADDRESSES in attempt("nsenter", f"--net={path}", "ip", "-o", "addr").stdout:
            attempt("ip", "netns", "del", path.name)
    attempt("ip", "link", "del", HOST_LINK)
    attempt("ip", "netns", "del", NETWORK)
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
