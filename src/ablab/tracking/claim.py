"""A claim of a textbook as a sweep tests it: what it says, who says so, what would support it."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from ablab.tracking.sides import ALL, Side, baseline_of, in_words, is_baseline, is_number

HIGHER, LOWER, EQUAL, DIFFERENT = "higher", "lower", "equal", "different"
STABLE, IDENTITY = "stable", "identity"
EXPECTED = (HIGHER, LOWER, EQUAL, DIFFERENT, STABLE, IDENTITY)
MEAN, BEST, RANGE, WIDTH, CORRELATION = "mean", "best", "range", "width", "correlation"
REDUCTIONS = (MEAN, BEST, RANGE, WIDTH, CORRELATION)
RULES = (ALL, "any", "first")
SELECTED_BY = "val/accuracy"  # what `best` chooses by
_TEXTS = ("says", "source", "rule", "hyperparameters", "controls")
_WORDS = {
    BEST: "the best by validation of {}",
    RANGE: "the range over {}",
    WIDTH: "the width of the good range of {}",
    CORRELATION: "the rank correlation over {}",
}


@dataclass(frozen=True)
class Expectation:
    """Stores what would support a part of a claim; the opposite would contradict it.

    Attributes:
        expect: ``higher`` or ``lower`` (the metric of one side than that of the other), ``equal``
            (within a margin), ``different`` (by more than the margin), ``stable`` (its standard
            deviation over seeds is at most the margin), or ``identity`` (exact, computed without
            training).
        metric: what is compared; empty for an identity.
        of: the side that the sentence is about: a variant, or settings, which select all variants
            that have them; ``all`` selects all variants.
        than: the other side, likewise, or a number, or ``{baseline: NAME}``, the scikit-learn
            baseline on the same split.
        minus: two sides whose difference is subtracted: ``of - than - (minus[0] - minus[1])``, an
            interaction.
        margin: in the metric's unit; what ``equal`` and ``stable`` allow and ``different``
            must exceed, and by how much more than nothing ``higher`` and ``lower`` must differ.
        reduce: how several variants become one number per seed, for ``of`` and for the others:
            ``mean``, ``best`` (by validation), ``range``, ``width`` (decades of the one number in
            which they differ with a metric close to the best), or ``correlation`` (of ranks, with
            the metric ``against``).
        within: how close to the best is good, for ``width``, in the metric's unit.
        against: the other metric of ``correlation``.
        block: the only block that it is about; empty for the mean over all.
        check: name of the identity.
        tolerance: largest residual of the identity, relative to its values.
    """

    expect: str
    metric: str = ""
    of: Side = ""
    than: Side = ""
    minus: tuple[Side, Side] | None = None
    margin: float = 0.0
    reduce: tuple[str, str] = (MEAN, MEAN)
    within: float = 0.0
    against: str = ""
    block: str = ""
    check: str = ""
    tolerance: float = 1e-10

    @property
    def sides(self) -> tuple[Side, ...]:
        """The sides that are variants."""
        is_other = self.expect == STABLE or is_number(self.than) or is_baseline(self.than)
        both = (self.of, *(() if is_other else (self.than,)))
        return () if self.expect == IDENTITY else (*both, *(self.minus or ()))

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics that it needs of each trial."""
        selected = SELECTED_BY if BEST in self.reduce else ""
        return tuple(filter(None, (self.metric, self.against, selected)))

    def __str__(self) -> str:
        """Return it in words: ``speed/epochs: relu lower than sigmoid``."""
        if self.expect == IDENTITY:
            return f"identity {self.check}"
        of = _words(self.of, self.reduce[0])
        where = f" in {self.block}" if self.block else ""
        metric = f"{self.metric} with {self.against}" if self.against else self.metric
        if self.expect == STABLE:
            return f"{metric}: spread of {of} over seeds at most {self.margin:g}{where}"
        than = f"{self.than:g}" if is_number(self.than) else _words(self.than, self.reduce[1])
        if self.minus:
            a, b = (_words(side, self.reduce[1]) for side in self.minus)
            of, than = f"{of} minus {than}", f"{a} minus {b}"
        if self.expect == EQUAL:
            return f"{metric}: {of} equal to {than} within {self.margin:g}{where}"
        if self.expect == DIFFERENT:
            return f"{metric}: {of} different from {than} by more than {self.margin:g}{where}"
        by = f" by {self.margin:g}" if self.margin else ""
        return f"{metric}: {of} {self.expect}{by} than {than}{where}"


@dataclass(frozen=True)
class Claim:
    """Stores a claim.

    Attributes:
        says: the sentence.
        source: the notes or papers that assert it.
        expects: what would support its parts.
        rule: when the whole is supported: if ``all`` parts are, if ``any`` is, or by the ``first``.
        number: in the list of claims; 0 for one outside it.
        hyperparameters: whether they are fixed, tuned or swept, and why; or empty.
        controls: what the controls exclude, or empty.
        full: the overrides of the full size; the YAML as it stands is the small one.
        second: the overrides of a second, independent setting, which a contradiction needs.
        pretrain: the overrides of a trial whose weights the variants start from; see
            ``ablab claims run``.
    """

    says: str
    source: str
    expects: tuple[Expectation, ...]
    rule: str = ALL
    number: int = 0
    hyperparameters: str = ""
    controls: str = ""
    full: tuple[str, ...] = ()
    second: tuple[str, ...] = ()
    pretrain: tuple[str, ...] = ()

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics of all expectations, each once."""
        return tuple(dict.fromkeys(metric for e in self.expects for metric in e.metrics))

    @property
    def baselines(self) -> tuple[str, ...]:
        """The scikit-learn baselines that it compares with, each once."""
        return tuple(dict.fromkeys(filter(None, (baseline_of(e.than) for e in self.expects))))

    def as_dict(self) -> dict[str, Any]:
        """Return it as a plan stores it, without the values that are defaults."""
        return {**_changed(self), "expects": [_changed(each) for each in self.expects]}


def read_claim(content: Mapping[str, Any]) -> Claim:
    """Return the claim that a plan stores.

    Raises:
        TypeError: a value has the wrong type.
    """
    expects = tuple(_expectation(each) for each in content["expects"])
    lists = {k: tuple(content.get(k, ())) for k in ("full", "second", "pretrain")}
    known = {f.name for f in fields(Claim)}
    rest = {k: v for k, v in content.items() if k in known}
    claim = Claim(**{**rest, **lists, "expects": expects})
    texts = [getattr(claim, name) for name in _TEXTS] + [x for own in lists.values() for x in own]
    if not all(isinstance(text, str) for text in texts) or not isinstance(claim.number, int):
        raise TypeError
    return claim


def _expectation(content: Mapping[str, Any]) -> Expectation:
    pairs = {k: tuple(content[k]) for k in ("minus", "reduce") if content.get(k) is not None}
    known = {f.name for f in fields(Expectation)}
    made = Expectation(**{**{k: v for k, v in content.items() if k in known}, **pairs})
    numbers = (made.margin, made.within, made.tolerance)
    texts = (made.expect, made.metric, made.against, made.block, made.check, *made.reduce)
    if not all(map(is_number, numbers)) or not all(isinstance(text, str) for text in texts):
        raise TypeError
    return made


def _changed(record: Claim | Expectation) -> dict[str, Any]:
    values = {f.name: (getattr(record, f.name), f.default) for f in fields(record)}
    return {name: _plain(value) for name, (value, default) in values.items() if value != default}


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return dict(value) if isinstance(value, Mapping) else value


def _words(side: Side, reduction: str) -> str:
    named = in_words(side)
    return _WORDS[reduction].format(named) if reduction in _WORDS else named
