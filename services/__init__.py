"""The three gRPC services of RouteMoA, and the simulated pool. Nothing here imports torch."""
