"""What any gRPC service needs, and nothing of RouteMoA's own logic."""
