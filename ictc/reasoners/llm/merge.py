"""Step 2b on a language model: exactly K distinct names, and the labels that belong to each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ictc.asking import ask
from ictc.errors import StepError
from ictc.interfaces import Model
from ictc.namelist import Names
from ictc.prompts import Prompts
from ictc.reasoners.llm.asking import must, quoted, repaired
from ictc.reasoners.llm.assign import listed
from ictc.reasoners.llm.rounds import Counted, Entry, condense, count, rows, tokens
from ictc.reasoners.named import home_among
from ictc.reasoners.words import same_word_key
from ictc.replies.answers import Fault, Named, choice_from, names_in, reason_in, some_of_pack_in, unfit
from ictc.replies.form import an_object, answers_schema, as_data
from ictc.replies.reading import bare, shown
from ictc.text import shortened
from ictc.types import Cluster, Description, Failure, KChoice, Label, Reply, Request, Taxonomy

LEAST, MOST = 2, 20  # of a K that the model chooses
MODELS_CHOICE = "the model"
"""Method of a K that the model chose."""
IN_REPLY = 150  # labels up to this number are placed in the reply that names the categories
_PART = 50  # labels in a request that places them
_HALVINGS = 4  # of the budget, where the model's context is smaller than was thought
_DESCRIPTION = 300  # characters of a description shown where labels are too few
_AGAIN = "Try another -k or another --reasoner, or give the names yourself with --names FILE."


@dataclass(frozen=True, slots=True)
class Merger:
    """What a merge needs beside the labels. `budget`: tokens that labels may take in one request; `step`: the prompt
    that asks for the names."""

    model: Model
    prompts: Prompts
    language: str
    budget: int
    step: str = "merge"

    def merge(
        self,
        descriptions: Sequence[Description],
        labels: Sequence[Label],
        criterion: str,
        k: int | None,
        given: Names | None,
    ) -> Taxonomy:
        """`k` None lets the model choose. `given` are names that must be among them.

        Raises:
            StepError: also when asked again the model gives no K distinct names.
            ModelGone: the model answers nothing more.
        """
        counted = count(labels)
        texts = list(dict.fromkeys(d.text for d in descriptions)) if k and k > len(counted.entries) else []
        overflow = ""
        for halvings in range(_HALVINGS):
            done = self._within(self.budget >> halvings, counted, texts, criterion, k, given)
            if isinstance(done, Taxonomy):
                return done
            overflow = done.message
        raise StepError(f"The labels do not fit into the model's context, however they are cut: {overflow}", _AGAIN)

    def _within(
        self,
        budget: int,
        counted: Counted,
        texts: Sequence[str],
        criterion: str,
        k: int | None,
        given: Names | None,
    ) -> Taxonomy | Failure:
        condensed = condense(self.model, self.prompts, counted, criterion, self.language, k, budget)
        if isinstance(condensed, Failure):
            return condensed
        entries, loose = condensed
        named = self._name(entries, texts, criterion, k, given, budget)
        if isinstance(named, Failure):
            return named
        categories, reason = named
        home = _homes(categories, entries, loose)
        left = [e for e in [*entries, *loose] if e not in home]
        home |= self._place(left, categories, criterion)
        clusters = _clusters(categories, home, counted)
        choice = KChoice(len(clusters), MODELS_CHOICE, f"the model's choice: {reason}") if k is None else None
        return Taxonomy(criterion, clusters, choice)

    def _name(
        self,
        entries: Sequence[Entry],
        texts: Sequence[str],
        criterion: str,
        k: int | None,
        given: Names | None,
        budget: int,
    ) -> tuple[list[Named], str] | Failure:
        """The categories, and why so many."""
        fixed = given.clusters if given else ()
        least = k or max(min(LEAST, len(entries)), len(fixed))
        most = k or max(min(MOST, len(entries)), len(fixed))
        attach = 1 < len(entries) <= IN_REPLY and most > 1
        prompt = self.prompts.open(
            self.step,
            criterion=criterion,
            language=self.language,
            k=k,
            least=least,
            most=most,
            attach=attach,
            given=listed(fixed) if fixed else "",
            finer=bool(texts),
        )
        data: dict[str, object] = {"labels": rows(entries)}
        if texts:
            data["descriptions"] = _some(texts, budget // 2)
        request = Request(
            "merge",
            user=prompt.user(data=as_data(data)),
            system=prompt.system,
            schema=_schema(least, most, attach, reason=k is None),
            max_tokens=min(budget, 1024 + 80 * most + (4 * len(entries) if attach else 0)),
        )
        said, fault = "", Fault("")
        for _ in range(2):
            reply = must(next(ask(self.model, [request])))
            if isinstance(reply, Failure):
                if reply.code == "context-overflow":
                    return reply
                raise StepError(f"The labels could not be merged: {reply.message}", _hint(reply))
            read = _checked(names_in(reply.text), least, most, fixed)
            if not isinstance(read, Fault):
                return read, reason_in(reply.text) or "the model found so many kinds"
            said, fault = shown(reply.text) or "nothing", read
            request = repaired(request, quoted(reply), read, self.prompts.open("repair"))
        wanted = str(k) if k else f"{least} to {most}"
        raise StepError(
            f"The model twice gave no {wanted} distinct names. {fault.message} Its last answer: {said}",
            _AGAIN,
        )

    def _place(self, entries: Sequence[Entry], categories: Sequence[Named], criterion: str) -> dict[Entry, int]:
        """The category of each entry that the model places; what it twice places in none stays without."""
        if len(categories) == 1:
            return dict.fromkeys(entries, 0)
        names = [c.name for c in categories]
        prompt = self.prompts.open(
            "merge/attach",
            criterion=criterion,
            names=listed([Cluster(c.name, c.about) for c in categories]),
        )

        def request(part: Sequence[Entry]) -> Request:
            shown_rows = [{"id": row["id"], "label": row["label"]} for row in rows(part)]
            return Request(
                "merge",
                user=prompt.user(data=as_data({"labels": shown_rows})),
                system=prompt.system,
                schema=answers_schema("category", {"type": "string", "enum": names}, len(part)),
                max_tokens=512 + 24 * len(part),
            )

        home: dict[Entry, int] = {}
        left = list(entries)
        for size in (_PART, 1 if len(left) <= _PART else _PART // 5):
            parts = [left[i : i + size] for i in range(0, len(left), size)]
            for part, reply in zip(parts, ask(self.model, map(request, parts)), strict=True):
                home |= _placed(part, must(reply), names)
            left = [e for e in left if e not in home]
        return home


def _checked(read: list[Named] | Fault, least: int, most: int, given: Sequence[Cluster]) -> list[Named] | Fault:
    """The categories if they are as they must be; the given names in a person's spelling, and first."""
    if isinstance(read, Fault):
        return read
    wanted = f"exactly {least}" if least == most else f"{least} to {most}"
    if not least <= len(read) <= most:
        return Fault(f"There are {len(read)} names; there must be {wanted}.")
    by_name = {bare(c.name).casefold(): c for c in read}
    if lacking := [c.name for c in given if bare(c.name).casefold() not in by_name]:
        return Fault(f"These names must be among them: {as_data(lacking)}.")
    first = [(c, by_name[bare(c.name).casefold()]) for c in given]
    theirs = [n for _, n in first]
    found = [c for c in read if c not in theirs]
    if wrong := next((why for c in found if (why := unfit(c.name))), ""):
        return Fault(wrong)
    taken = {same_word_key(c.name) for c in given}  # a person may tell apart what we would not
    for c in found:
        if (key := same_word_key(c.name)) in taken:
            return Fault(f"Names must be distinct; this one is there twice: {as_data(c.name)}.")
        taken.add(key)
    if len(first) + len(found) != len(read):
        return Fault("Names must be distinct.")
    return [*(Named(c.name, c.about or n.about, n.ids) for c, n in first), *found]


def _schema(least: int, most: int, attach: bool, reason: bool) -> dict[str, object]:
    text = {"type": "string"}
    ids = {"labels": {"type": "array", "items": {"type": "integer"}}} if attach else {}
    rows_of = {
        "type": "array",
        "items": an_object({"name": text, "about": text, **ids}),
        "minItems": least,
        "maxItems": most,
    }
    return an_object({**({"reason": text} if reason else {}), "categories": rows_of})


def _homes(categories: Sequence[Named], entries: Sequence[Entry], loose: Sequence[Entry]) -> dict[Entry, int]:
    """Where the reply itself puts the labels: first those that are a name, then by id."""
    named = home_among([c.name for c in categories])
    home = {e: place for e in [*entries, *loose] if (place := named(e.text)) is not None}
    for i, category in enumerate(categories):
        for number in category.ids:
            if 1 <= number <= len(entries):
                home.setdefault(entries[number - 1], i)
    return home


def _placed(part: Sequence[Entry], reply: Reply | Failure, names: Sequence[str]) -> dict[Entry, int]:
    if isinstance(reply, Failure):
        if reply.retryable:
            raise StepError(f"The labels could not be placed under the names: {reply.message}", _hint(reply))
        return {}
    found: dict[Entry, int] = {}
    for number, said in some_of_pack_in(reply.text, "category").items():
        name = choice_from(said, names)
        if 1 <= number <= len(part) and not isinstance(name, Fault):
            found[part[number - 1]] = names.index(name)
    return found


def _clusters(categories: Sequence[Named], home: Mapping[Entry, int], counted: Counted) -> list[Cluster]:
    counts: list[Counter[str]] = [Counter() for _ in categories]
    for entry, place in home.items():
        for member in entry.members:
            counts[place].update(counted.spellings[member])
    return [
        Cluster(c.name, c.about, dict(sorted(n.items(), key=lambda x: (-x[1], x[0]))))
        for c, n in zip(categories, counts, strict=True)
    ]


def _some(texts: Iterable[str], budget: int) -> list[str]:
    """The first texts, shortened, that fit."""
    kept: list[str] = []
    used = 0
    for text in texts:
        short = shortened(text, _DESCRIPTION)
        used += tokens(short)
        if used > budget:
            break
        kept.append(short)
    return kept


def _hint(failure: Failure) -> str:
    return "Run the same command again: what was answered is kept." if failure.retryable else _AGAIN
