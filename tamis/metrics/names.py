"""Every metric, with its type and what it says. docs/metrics.md is held to it by a test."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Family:
    """Samples of one name. `kind` is a type of Prometheus; `labels` are said of each sample."""

    kind: str
    help: str
    labels: tuple[str, ...] = ()
    highest: bool = False
    """Of several processes' gauges the highest counts, not the sum."""


FAMILIES: Final = {
    "tamis_messages_total": Family("counter", "Messages answered, by class of mail and answer.", ("class", "answer")),
    "tamis_verdicts_total": Family("counter", "Recipients, by verdict and action.", ("verdict", "action")),
    "tamis_decided_total": Family("counter", "Recipients whose verdict this row decided.", ("filter",)),
    "tamis_message_seconds": Family("histogram", "How long the filters of a message took, all together."),
    "tamis_filter_asked_total": Family("counter", "Messages on which a filter was asked.", ("filter",)),
    "tamis_filter_cached_total": Family("counter", "Of these, answered from the cache.", ("filter",)),
    "tamis_filter_hits_total": Family("counter", "Of these, with a hit.", ("filter",)),
    "tamis_filter_abstained_total": Family("counter", "Of these, without an answer, failures included.", ("filter",)),
    "tamis_filter_errors_total": Family("counter", "Of these, failed.", ("filter",)),
    "tamis_filter_seconds_total": Family("counter", "Time a filter took, waiting included.", ("filter",)),
    "tamis_dns_questions_total": Family("counter", "Questions of filters to the DNS."),
    "tamis_dns_sent_total": Family("counter", "Of these, neither known nor on their way: asked of Redis and servers."),
    "tamis_dns_servers_out": Family("gauge", "DNS servers that do not answer, of the worker that misses most.",
                                    highest=True),
    "tamis_redis_failures_total": Family("counter", "Times Redis did not answer; each opens the circuit for a while."),
    "tamis_history_dropped_total": Family("counter", "Decisions that could not be kept in the history."),
    "tamis_model_info": Family("gauge", "1 for each version of the classifier's model in force.", ("version",), True),
    "tamis_model_age_seconds": Family("gauge", "How long ago the model in force was written, of the oldest.",
                                      highest=True),
    "tamis_second_layer_stale_seconds": Family("gauge", "How long the second layer was not that of the lessons."),
    "tamis_workers": Family("gauge", "Workers that serve."),
    "tamis_workers_wanted": Family("gauge", "Workers that should."),
    "tamis_worker_restarts_total": Family("counter", "Workers that died and were replaced."),
    "tamis_keeper_restarts_total": Family("counter", "Keepers that died and were replaced."),
    "tamis_start_time_seconds": Family("gauge", "When the supervisor started, in seconds since 1970."),
    "tamis_held": Family("gauge", "Copies that are held."),
    "tamis_held_bytes": Family("gauge", "Octets of held copies, each counted."),
    "tamis_outbox": Family("gauge", "Copies on their way to the MTA."),
    "tamis_outbox_oldest_seconds": Family("gauge", "How long the oldest of them has waited; 0 where none does."),
    "tamis_possible_duplicates_total": Family("counter", "Copies sent again although they may have arrived."),
    "tamis_history_waiting_bytes": Family("gauge", "Octets of decisions that wait for the database."),
    "tamis_snapshot_age_seconds": Family("gauge", "How long ago the lists of the workers were written."),
    "tamis_database_up": Family("gauge", "1 where the database answered the keeper lately."),
    "tamis_keeper_task_failing": Family("gauge", "1 while a task of the keeper fails.", ("task",), True),
    "tamis_ready": Family("gauge", "1 where /readyz says so."),
}  # fmt: skip

SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds of the histogram."""


def sample(name: str, **labels: str) -> str:
    """Return the name of a sample with its labels, as the text format writes it."""
    if not labels:
        return name
    inner = ",".join(f'{label}="{_escaped(value)}"' for label, value in labels.items())
    return f"{name}{{{inner}}}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
