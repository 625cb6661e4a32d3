"""Where that comes from which is in force: lists, policies, rules, what was learned of senders, files and images."""

from dataclasses import dataclass
from typing import Self

from tamis.attachments.sources import DatabaseFiles, KnownSource, MappedFiles
from tamis.config import Config
from tamis.directory import DirectorySource
from tamis.images.known import known_path
from tamis.images.sources import DatabaseImages, ImageSource, MappedImages
from tamis.list_sources import DatabaseLists, ListSource, SnapshotLists
from tamis.policy_texts import DatabaseTexts, MappedTextSource, TextSource
from tamis.rules.sources import KeptRules, RuleFiles, RuleSource
from tamis.weights import DatabaseWeights, MappedWeightSource, WeightSource


@dataclass(frozen=True, slots=True)
class Sources:
    """Each says what has changed since it was asked before; none may be asked by two threads at once."""

    lists: ListSource
    rules: RuleSource
    weights: WeightSource
    files: KnownSource
    images: ImageSource
    policies: TextSource
    directory: DirectorySource

    @classmethod
    def themselves(cls, config: Config) -> Self:
        """The database and the rule files: for commands, which look at few messages."""
        return cls(
            DatabaseLists(config),
            RuleFiles(config),
            DatabaseWeights(config),
            DatabaseFiles(config),
            DatabaseImages(config.database_url),
            DatabaseTexts(config),
            DirectorySource(config),
        )

    @classmethod
    def kept(cls, config: Config) -> Self:
        """The files that the keeper writes for all workers (docs/daemon.md)."""
        return cls(
            SnapshotLists(config),
            KeptRules(config),
            MappedWeightSource(config),
            MappedFiles(config),
            MappedImages(known_path(config.state_directory)),
            MappedTextSource(config),
            DirectorySource(config),
        )
