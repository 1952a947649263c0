"""The environment of a machine behind an HTTP proxy, which does not answer."""

from __future__ import annotations

_SILENT = "http://127.0.0.1:9"
_PROXY_VARIABLES = ("grpc_proxy", "http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY")
_EXCEPTION_VARIABLES = ("no_grpc_proxy", "no_proxy", "NO_PROXY")
SILENT_PROXY = {
    **dict.fromkeys(_PROXY_VARIABLES, _SILENT),
    **dict.fromkeys(_EXCEPTION_VARIABLES, ""),
}
"""Variables under which a call through the proxy fails."""
JVM_SILENT_PROXY = {
    "JAVA_TOOL_OPTIONS": "-Dhttps.proxyHost=127.0.0.1 -Dhttps.proxyPort=9 -Dhttp.nonProxyHosts="
}
"""The same for programs in Java."""
