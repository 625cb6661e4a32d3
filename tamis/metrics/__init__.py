"""What the daemon counts, and how it is seen from outside: Prometheus metrics, health, readiness (docs/metrics.md)."""
