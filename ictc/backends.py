"""From model specs to the objects that do the steps. The only room that knows which classes there are.

Every model is opened here, as `StoredModel(Metered(model))`: nothing is asked twice, and all that is asked is counted.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from urllib.parse import urlsplit

from ictc.allowance import Allowance, Silent
from ictc.asking import BLOCK, StoredModel
from ictc.embed.cached import CachedEmbedder
from ictc.embed.images import CachedImages
from ictc.embedders.opening import Asking, open_embedder, open_images
from ictc.engine import Engine
from ictc.errors import SpecError, UsageError
from ictc.fallback import FallbackDescriber, FallbackReasoner
from ictc.interfaces import Appearance, Describer, Embedder, Evidence, Model, Reasoner, Vectors
from ictc.lane.describer import LaneDescriber
from ictc.lane.held import HeldLane
from ictc.lane.llmnames import ModelNamer
from ictc.lane.place import Placer
from ictc.lane.reasoner import LaneReasoner
from ictc.lane.strategies import IMAGE_ONLY
from ictc.means import OFFLINE, Lane, Means, Wording
from ictc.models.minilm import MiniLM
from ictc.models.openai.spec import parse as parse_server
from ictc.namelist import Names, read_names
from ictc.outlying import CHOICES
from ictc.prompts import Prompts
from ictc.reasoners.cascade import CascadeReasoner
from ictc.reasoners.cascade.held import FewCascade, HeldCascade
from ictc.reasoners.cascade.plan import parse_budget
from ictc.reasoners.embedding import EmbeddingReasoner
from ictc.reasoners.evidenced import EvidencedReasoner
from ictc.reasoners.grouping import NameGrouper
from ictc.reasoners.held import HeldReasoner, Known, WithKnown
from ictc.reasoners.levels import Grouper, LevelledReasoner, check_groups
from ictc.reasoners.llm import LlmReasoner
from ictc.reasoners.named import NamedReasoner
from ictc.reasoners.outliers import OutlierReasoner
from ictc.reasoners.unsure import UnsureReasoner
from ictc.registry import DescriberContext, describer, describers, describing, embedders, model, models
from ictc.remote.opening import open_engine
from ictc.spending.meter import Meter, Metered
from ictc.spending.prices import is_local, parse_prices, price_of
from ictc.store import Store
from ictc.types import Description

RECORDED = "recorded:"
_VISION = "vlm:"
_BATCH = 50_000  # requests that a provider takes in one batch
IMPORTED = "imported"
"""Stands in place of a spec where another program did the steps."""


def check_specs(describer_spec: str, reasoner_spec: str) -> None:
    """Raises SpecError where a spec names nothing that is installed, before anything is made or written."""
    _check("describer", describer_spec, [*describers(), *models()])
    _check("reasoner", reasoner_spec, [OFFLINE, *models()])


def check_lane_specs(lane: Lane, reasoner_spec: str) -> None:
    """As `check_specs`, for the embedding lane."""
    _check("embedder", lane.embedder, list(embedders()))
    _check("reasoner", reasoner_spec, [OFFLINE, *models()])


def check_embedder(spec: str, option: str) -> None:
    """Raises SpecError where a spec names no embedder that is installed."""
    try:
        _check("embedder", spec, list(embedders()))
    except SpecError as e:
        raise SpecError(e.message, f"{e.hint} ({option})") from e


def check_recorded(spec: str, option: str = "--reasoner") -> None:
    """Raises SpecError where a run folder (perhaps somebody else's) names a server far away: it would get your key."""
    kind, _, argument = spec.partition(":")
    if kind != "openai":
        return
    server = parse_server(argument, os.environ)
    own = parse_server("model", os.environ).base_url
    host = urlsplit(server.base_url).hostname or ""
    if not (is_local(host) or server.is_openai or server.base_url == own):
        raise SpecError(
            f"This run was made with {spec}; that server would be sent your key.",
            f"If you trust it, say so: {option} {spec}",
        )


def check_wording(wording: Wording, reasoner_spec: str) -> None:
    """Raises UsageError where the prompts, the names, the levels or the budget are unusable, or a cascade has no model,
    before anything is made or written."""
    Prompts(wording.prompts)
    if wording.outliers not in CHOICES:
        raise UsageError(f"--outliers is {wording.outliers!r}.", f"Choose one of: {', '.join(CHOICES)}")
    check_groups(wording.levels, wording.groups)
    if wording.open_names and wording.names is None:
        raise UsageError(
            "--open adds names to those of --names, and there are none.", "Add --names FILE, or say --closed."
        )
    _names(wording)
    if wording.budget:
        parse_budget(wording.budget)
        if not calls_models(reasoner_spec):
            raise UsageError(
                "A cascade needs a language model.",
                "Give one: --reasoner openai:MODEL[@URL], or do without: --no-cascade",
            )


def check_names(wording: Wording, k: int | None) -> None:
    """Raises UsageError for a K that the given names cannot have, or that has no groups, before anything is asked."""
    names = _names(wording)
    if names:
        names.check_k(k)
        k = k if names.open else len(names.clusters)
    check_groups(wording.levels, wording.groups, k)


def calls_models(spec: str) -> bool:
    """Whether the spec stands for a language or vision model, whose answers are asked for (and may cost)."""
    return spec.removeprefix(_VISION).partition(":")[0] in models()


@dataclass(frozen=True, slots=True)
class Backends:
    """Makes what `means` names, over one store. Nothing heavy is loaded before it is used.

    `stand_in` takes the place of every model, to see what would be asked (`--dry-run`). `given`: names that are to be
    among the new ones, in place of those in the file of `means`.
    """

    means: Means
    store: Store
    meter: Meter
    stand_in: Model | None = None
    given: Names | None = None
    _opened: dict[tuple[str, bool], CachedImages | CachedEmbedder] = field(default_factory=dict, init=False)
    """Embedders of the embedding lane: one for all steps, so that weights are loaded once."""

    @property
    def prompts(self) -> Prompts:
        return Prompts(self.means.wording.prompts)

    @property
    def engine(self) -> Engine:
        return open_engine(self.means.place)

    def open_model(self, spec: str) -> Model:
        """A model whose answers are stored, and whose calls are counted and within the budget."""
        if self.stand_in is not None:
            return StoredModel(self.stand_in, self.store, retry_failed=self.means.options.retry_failed)
        options = self.means.options
        price = price_of(spec, parse_prices(self.means.prices), batch=options.batch)
        asked = self.engine.model(partial(model, spec), options)
        metered = Metered(asked, self.meter, price, spec, options.image_side)
        return StoredModel(metered, self.store, _BATCH if options.batch else BLOCK, options.retry_failed)

    def bare_model(self, spec: str) -> Model:
        """A model as it is, for who does not ask it anything."""
        return model(spec, self.means.options)

    def embedder(self) -> Embedder:
        return CachedEmbedder(MiniLM(), self.store, engine=self.engine)

    def describer(self) -> Describer:
        """Who does step 1.

        Raises:
            SpecError: the spec names nothing that is installed, or it cannot be used.
        """
        lane = self.means.lane
        if lane and not self._described_elsewhere and isinstance(found := self._lane_embedder(lane), CachedImages):
            return LaneDescriber(found, lane.embedder)
        first = self.describer_of(self.means.describer)
        if self.means.fallback is None or not calls_models(self.means.describer):
            return first
        return FallbackDescriber(first, self.describer_of(OFFLINE), self.means.describer)

    def reasoner(self) -> Reasoner:
        """Who does the steps after the first.

        Raises:
            SpecError: the spec names nothing that is installed, or it cannot be used.
            UsageError: the file of names, a prompt or the budget is unusable.
        """
        made = self._inner()
        sure = self._sure(made)
        if self.stand_in is not None:  # outliers are found without asking anybody
            return sure
        appearance = made if isinstance(made, LaneReasoner) else self._appearance()
        return OutlierReasoner(sure, self.means.wording.outliers, self.embedder(), appearance)

    def answering(self) -> Reasoner:
        """As `reasoner`, for some images of a run alone: among these nobody looks for outliers."""
        return self._sure(self._inner())

    def placing(self, known: Known) -> Reasoner:
        """Who puts some images beside those that are known, with a language model; nobody looks for outliers."""
        return self._sure(self._later(known))

    def dividing(self, names_given: bool) -> Reasoner:
        """Who puts some images into clusters of their own, with a language model asked within the cascade's budget."""
        spec, wording = self.means.reasoner, self.means.wording
        held = Allowance(self.open_model(spec))
        asked, cheap = self._asking(held, spec), EmbeddingReasoner(self.embedder(), self.evidence())
        made: Reasoner = FewCascade(
            cheap, asked, held, parse_budget(wording.budget), names_given=names_given, pack=wording.pack
        )
        if self.means.fallback is not None:
            made = FallbackReasoner(made, cheap, spec, self.store)
        return self._sure(made)

    def _inner(self) -> Reasoner:
        lane = self.means.lane
        return self._lane_reasoner(lane) if lane else self._reasoner(self.means.reasoner)

    def _sure(self, made: Reasoner) -> Reasoner:
        least = self.means.wording.min_confidence
        return UnsureReasoner(made, least) if least else made

    def beside(self, known: Known) -> Reasoner:
        """Who labels and assigns images that come later, to the clusters of those that are known. Outliers are looked
        for among all of them.

        Raises:
            SpecError, UsageError: see `reasoner`.
        """
        lane = self.means.lane
        made: Reasoner = HeldLane(self.placer(), lane, self.store, known) if lane else self._later(known)
        sure = self._sure(made)
        if self.stand_in is not None:
            return sure
        appearance = made if isinstance(made, HeldLane) else self._appearance()
        return OutlierReasoner(WithKnown(sure, known), self.means.wording.outliers, self.embedder(), appearance)

    def likeness(self, descriptions: Sequence[Description], criterion: str) -> Vectors | None:
        """What images are like as a whole [n, d], where more is known of them than words."""
        if self.means.lane:
            return self.placer().images(descriptions)
        made = self._appearance()
        return made.appearance(descriptions, criterion) if made else None

    def _later(self, known: Known) -> Reasoner:
        spec, wording = self.means.reasoner, self.means.wording
        cheap = HeldReasoner(self.embedder(), known, self.evidence())
        if not calls_models(spec):
            check_specs(OFFLINE, spec)
            return cheap
        model = self.open_model(spec)
        asked: Reasoner = self._asking(model, spec)
        if wording.budget:
            held = Allowance(model)
            asked = HeldCascade(cheap, self._asking(held, spec), held, parse_budget(wording.budget), wording.pack)
        return asked if self.means.fallback is None else FallbackReasoner(asked, cheap, spec, self.store)

    @property
    def _described_elsewhere(self) -> bool:
        return self.means.describer != OFFLINE

    def _lane_embedder(self, lane: Lane) -> CachedImages | CachedEmbedder:
        """Raises SpecError: the spec names nothing that is installed, or it cannot be used. UsageError: it embeds
        images alone, and there are prompts."""
        key = (lane.embedder, lane.recompute)
        if key not in self._opened:
            options, again = self.means.options, lane.recompute
            asking = Asking(lane.criterion, self.prompts, lambda _: self.open_model)
            found = open_embedder(
                lane.embedder, self.store, options, recompute=again, kept=lane.kept, asking=asking, engine=self.engine
            )
            if lane.strategy != IMAGE_ONLY and not lane.kept and isinstance(found, CachedImages):
                found.texts()  # told before anything is embedded
            self._opened[key] = found
        return self._opened[key]

    def sample_embedder(self) -> CachedImages:
        """Whose vectors a sample is chosen by. Raises SpecError: it embeds no images, or cannot be used."""
        sample = self.means.sample
        assert sample
        try:
            return open_images(sample.embedder, self.store, self.means.options, kept=sample.kept, engine=self.engine)
        except SpecError as error:
            raise SpecError(error.message, error.hint.replace("--embedder", "--sample-embedder")) from error

    def drafting(self) -> Reasoner:
        """Who groups some images for a first look, asking nobody."""
        made, names = EmbeddingReasoner(self.embedder(), self.evidence()), self._names()
        return NamedReasoner(made, names, self.embedder()) if names else made

    def placer(self) -> Placer:
        """Where images lie, in a run of the embedding lane."""
        assert self.means.lane
        found = self._lane_embedder(self.means.lane)
        return Placer(found, self.means.lane, texts_only=self._described_elsewhere)

    def _lane_reasoner(self, lane: Lane) -> LaneReasoner:
        placer = self.placer()
        spec = self.means.reasoner
        if not calls_models(spec):
            return LaneReasoner(placer, lane, self.store)
        namer = self.namer()
        return LaneReasoner(placer, lane, self.store, namer=namer, named_by=namer.fingerprint)

    def namer(self) -> ModelNamer:
        """Who names the clusters of the embedding lane, where a model does."""
        return ModelNamer(self.open_model(self.means.reasoner), self.prompts, self.means.wording.language)

    def _reasoner(self, spec: str) -> Reasoner:
        if not calls_models(spec):
            check_specs(OFFLINE, spec)
            return self._offline()
        asked = self._asked(spec)
        if self.stand_in is None:
            asked = EvidencedReasoner(asked, self.embedder())
        return asked if self.means.fallback is None else FallbackReasoner(asked, self._offline(), spec, self.store)

    def grouper(self) -> Grouper | None:
        """Who merges the names into groups, where that is asked for."""
        if self.means.wording.levels == 1:
            return None
        spec = self.means.reasoner
        return self._asking(self.open_model(spec), spec, "merge/groups") if calls_models(spec) else self._name_grouper()

    def _asked(self, spec: str) -> Reasoner:
        """Who asks the model about everything, or, with a budget, about what is worth it."""
        wording, names = self.means.wording, self._names()
        model = self.open_model(spec)
        held = Allowance(model)
        used: Model = held if wording.budget else model
        asked: Reasoner = self._asking(used, spec, names=names)
        if wording.levels > 1:
            spare = self._name_grouper() if self.means.fallback else None
            asked = LevelledReasoner(asked, self._asking(used, spec, "merge/groups"), wording.groups, spare)
        if not wording.budget:
            return asked
        cheap = EmbeddingReasoner(self.embedder(), self.evidence())
        closed = names is not None and not names.open
        budget, levels = parse_budget(wording.budget), wording.levels
        recalled = self._asking(StoredModel(Silent(model), self.store), spec, names=names)
        return CascadeReasoner(
            cheap, asked, held, budget, self._offline(), closed, levels, pack=wording.pack, recalled=recalled
        )

    def _asking(self, model: Model, spec: str, naming: str = "merge", names: Names | None = None) -> LlmReasoner:
        wording = self.means.wording
        return LlmReasoner(
            model, self.prompts, spec, names, language=wording.language, pack=wording.pack, naming=naming
        )

    def _name_grouper(self) -> NameGrouper:
        return NameGrouper(self.embedder(), self.evidence())

    def _offline(self) -> Reasoner:
        wording, embedder = self.means.wording, self.embedder()
        reasoner: Reasoner = EmbeddingReasoner(embedder, self.evidence())
        names = self._names()
        if names is not None:
            reasoner = NamedReasoner(reasoner, names, embedder)
        return reasoner if wording.levels == 1 else LevelledReasoner(reasoner, self._name_grouper(), wording.groups)

    def describer_of(self, spec: str) -> Describer:
        """The describer, or the model that describes, which a spec names. Raises SpecError: as `describer`."""
        together = self.means.together
        context = DescriberContext(
            self.store, self.embedder(), self.prompts, self.means.options, self.open_model, together, self.engine
        )
        return describer(describing(spec), context)

    def _names(self) -> Names | None:
        return self.given or _names(self.means.wording)

    def evidence(self) -> Evidence | None:
        """What the describer measured beside its words; models and recorded descriptions have words alone."""
        made = self._lane_reasoner(self.means.lane) if self.means.lane else self._measuring()
        return made if isinstance(made, Evidence) else None

    def _appearance(self) -> Appearance | None:
        made = self._measuring()
        return made if isinstance(made, Appearance) else None

    def _measuring(self) -> Describer | None:
        """The describer, where it can have measured anything."""
        spec = self.means.describer
        if spec.startswith(RECORDED) or spec == IMPORTED or (calls_models(spec) and self.means.fallback is None):
            return None
        return self.describer()


def asking(means: Means, meter: Meter, criterion: str) -> Asking:
    """For embedders outside of a run that ask models about images: counted by `meter` and within its limits."""
    return Asking(criterion, Prompts(means.wording.prompts), lambda store: Backends(means, store, meter).open_model)


def _names(wording: Wording) -> Names | None:
    return read_names(wording.names, wording.open_names) if wording.names else None


def _check(what: str, spec: str, known: list[str]) -> None:
    if spec.partition(":")[0] not in known:
        shown = ", ".join(dict.fromkeys(known))
        raise SpecError(f"Unknown {what} '{spec.partition(':')[0]}'.", f"Known here: {shown}. See: ictc doctor")
