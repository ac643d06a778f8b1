"""Asks a Kubernetes API about itself. Its functions are called as probes, in the child that answers probes.

The cluster is the one that KUBECONFIG and the context say; each error is one line for a person.
"""

from __future__ import annotations

import os
from typing import Any

from runner.actuators.shims.toolkit import ActivityFailed

#: Seconds for a connection, and for an answer.
_WITHIN = (3.0, 5.0)


def cluster_uid(context: str) -> str:
    """The uid of the `kube-system` namespace: a cluster has the same one all its life. Raises ActivityFailed."""
    from kubernetes.client import CoreV1Api
    from kubernetes.client.rest import ApiException
    from urllib3.exceptions import HTTPError

    with _client(context) as client:
        try:
            namespace = CoreV1Api(client).read_namespace("kube-system", _request_timeout=_WITHIN)
        except ApiException as error:
            raise ActivityFailed(f"the API of context {context!r} said {error.status} {error.reason}") from error
        except (HTTPError, OSError, ValueError) as error:
            host = client.configuration.host
            raise ActivityFailed(f"the API of context {context!r} ({host}) does not answer: {_short(error)}") from error
    return str(namespace.metadata.uid)


def _client(context: str) -> Any:
    from kubernetes.client import ApiClient, Configuration
    from kubernetes.config import load_kube_config

    path = os.environ.get("KUBECONFIG", "")
    if os.pathsep in path or not os.path.isfile(path):  # noqa: PTH113 - a path as the environment has it
        raise ActivityFailed(f"KUBECONFIG is {path!r}, which is not a file")
    configuration = Configuration()
    configuration.retries = False
    try:
        load_kube_config(config_file=path, context=context, client_configuration=configuration)
    # It may hold anything, and the library's reader stumbles over each thing in its own way.
    except Exception as error:
        raise ActivityFailed(f"{path} does not lead to context {context!r}: {_short(error)}") from error
    return ApiClient(configuration)


def _short(error: BaseException) -> str:
    cause = getattr(error, "reason", None) or error
    return " ".join(str(cause).split())[:200] or type(error).__name__
