"""The router as in a pod, whose credentials are in the folder that TEST_SERVICE_ACCOUNT names."""

import os
from pathlib import Path

from services.router.__main__ import main
from services.router.backends.replicas.discovery import kubernetes

if __name__ == "__main__":
    kubernetes.SERVICE_ACCOUNT = Path(os.environ["TEST_SERVICE_ACCOUNT"])
    main()
