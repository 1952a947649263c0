"""Discovery: finds the addresses of a model's replicas.

listener: Receives the addresses that are found.
dns: Looks up a name at intervals.
endpoint_slices: Watches the EndpointSlices of a Kubernetes Service.
kubernetes: The API server and the pod's credentials.
"""
