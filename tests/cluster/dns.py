"""DNS of a cluster: A records of Services, and of the ready endpoints of headless ones.

`python -m tests.cluster.dns ADDRESS KUBECONFIG` answers at port 53 and asks the API server once a
second.
"""

from __future__ import annotations

import socket
import struct
import sys
import threading
import time
from pathlib import Path
from typing import Any

from tests.cluster.api import Api

TTL_S = 5
NO_SUCH_NAME = 3
A_RECORD = 1
PATHS = ("/api/v1/services", "/apis/discovery.k8s.io/v1/endpointslices")


def find_records(objects: list[dict[str, Any]]) -> dict[str, list[str]]:
    """Returns the addresses of every name that Services and EndpointSlices give."""
    records: dict[str, list[str]] = {}
    for service in (each for each in objects if each["kind"] == "Service"):
        address = service["spec"].get("clusterIP")
        records[_name(service, service["metadata"]["name"])] = [address]
    for part in (each for each in objects if each["kind"] == "EndpointSlice"):
        name = _name(part, part["metadata"].get("labels", {}).get("kubernetes.io/service-name"))
        addresses = records.get(name, [])
        if "None" in addresses:  # headless
            for endpoint in part["endpoints"] or []:
                if endpoint.get("conditions", {}).get("ready", True):
                    addresses += endpoint["addresses"]
    return {name: [each for each in found if each != "None"] for name, found in records.items()}


def _name(item: dict[str, Any], service: str) -> str:
    return f"{service}.{item['metadata']['namespace']}.svc.cluster.local"


def reply(query: bytes, records: dict[str, list[str]]) -> bytes:
    """Returns the answer to a query of one question (RFC 1035, section 4)."""
    labels, at = [], 12
    while size := query[at]:
        labels.append(query[at + 1 : at + 1 + size].decode())
        at += 1 + size
    question = query[12 : at + 5]
    [kind] = struct.unpack("!H", query[at + 1 : at + 3])
    found = records.get(".".join(labels).lower())
    addresses = (found or []) if kind == A_RECORD else []
    flags = 0x8580 | (NO_SUCH_NAME if found is None else 0)
    head = query[:2] + struct.pack("!HHHHH", flags, 1, len(addresses), 0, 0)
    answer = b"\xc0\x0c" + struct.pack("!HHIH", A_RECORD, 1, TTL_S, 4)
    return head + question + b"".join(answer + socket.inet_aton(each) for each in addresses)


def main(address: str, kubeconfig: str) -> None:
    """Answers until the process is ended."""
    records: dict[str, list[str]] = {}
    api = Api(Path(kubeconfig))

    def follow() -> None:
        while True:
            try:
                found = [each for path in PATHS for each in api.list(path)]
                now = find_records(found)
            except OSError as error:
                sys.stderr.write(f"{error}\n")
            else:
                records.update(now)
                for name in records.keys() - now.keys():
                    del records[name]
            time.sleep(1)

    threading.Thread(target=follow, daemon=True).start()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((address, 53))
        while True:
            query, peer = server.recvfrom(4096)
            server.sendto(reply(query, records), peer)


if __name__ == "__main__":
    main(*sys.argv[1:])
