#!/usr/bin/env python3
"""The semantics of Tailwater's features in plain Python: slow, small, and without a shortcut.

    python3 conformance/oracle.py            recompute every case, report every difference
    python3 conformance/oracle.py --write    write what was computed into the files
    python3 conformance/oracle.py FILE ...   only these files

A feature's value is computed from the list of all events, anew for every question. Nothing here is
incremental, nothing is shared with the engine, and only the standard library is needed. README.md
describes the files. Expected values of cases marked "by_hand" are never written, only compared.
"""

import decimal
import json
import math
import pathlib
import re
import sys
from datetime import datetime, timedelta, timezone
from fractions import Fraction
from zoneinfo import ZoneInfo

FOREVER = 1 << 62
UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
FUNCTIONS = [
    "count", "sum", "avg", "min", "max", "variance", "stddev", "variance_pop", "stddev_pop",
    "skewness", "kurtosis", "first", "last", "first_k", "last_k", "lag", "distinct",
    "approx_distinct", "median", "quantile", "approx_quantile", "top_k", "bottom_k",
    "most_frequent", "histogram", "share", "any", "all", "ratio", "time_since_last",
    "time_since_first", "decay", "rate", "argmin", "argmax",
]
FROM_ZERO = {"count", "distinct", "approx_distinct"}


# ---- text to values


def duration(text):
    number, unit = re.fullmatch(r"(\d+)(ms|s|m|h|d)", text).groups()
    return int(number) * UNITS[unit]


def instant(text):
    """Milliseconds since the epoch; a time of day is one of 2026-01-01, in UTC."""
    if re.fullmatch(r"\d\d:\d\d(:\d\d(\.\d+)?)?", text):
        text = "2026-01-01T" + text + ("Z" if text.count(":") == 2 else ":00Z")
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return (moment - datetime(1970, 1, 1, tzinfo=timezone.utc)) // timedelta(milliseconds=1)


def instant_text(at):
    """The text of an instant, a time of day where it is one of 2026-01-01."""
    moment = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(milliseconds=at)
    text = moment.isoformat(timespec="milliseconds").removesuffix("+00:00").removesuffix(".000")
    day, time = text.split("T")
    return time.removesuffix(":00") if day == "2026-01-01" else text + "Z"


def value_of(given, kind):
    if given is None:
        return None
    if kind == "timestamp":
        return instant(given)
    if kind == "double":
        return float(given)  # Also of "NaN", "Infinity", "-Infinity".
    return given


def written(value):
    """A value as it stands in a file: doubles that JSON does not have are text."""
    if isinstance(value, Near):
        return {"near": value.value, "by": value.by}
    if isinstance(value, float):
        if math.isnan(value):
            return "NaN"
        if math.isinf(value):
            return "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, list):
        return [written(element) for element in value]
    if isinstance(value, dict):
        return {key: written(value[key]) for key in sorted(value, key=text_order)}
    return value


def text_order(text):
    """The order of text: by UTF-16 code units."""
    return text.encode("utf-16-be")


# ---- row expressions: the small part of SQL that the cases use


class Expression:
    """NULL is None; AND, OR and NOT follow SQL's three-valued logic. What has no value is NULL."""

    TOKEN = re.compile(r"\s*(\d+\.\d+(?:[eE][-+]?\d+)?|\d+|\w+(?:\.\w+)?|'(?:[^']|'')*'|\"[^\"]+\"|<>|<=|>=|\|\||[-+*/<>=(),\[\]])")

    def __init__(self, text, types):
        self.tokens = self.TOKEN.findall(text)
        self.at = 0
        self.types = types
        self.node, self.type = self.either()
        assert self.at == len(self.tokens), "not understood: " + text

    def __call__(self, row, without_value=None):
        try:
            return self.node(row)
        except ZeroDivisionError:
            return without_value

    def peek(self):
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def accept(self, *words):
        if self.peek().upper() in words:
            self.at += 1
            return self.tokens[self.at - 1].upper()
        return None

    def either(self):
        left, kind = self.both()
        while self.accept("OR"):
            right, _ = self.both()
            left = self.logic(left, right, True)
        return left, kind

    def both(self):
        left, kind = self.negated()
        while self.accept("AND"):
            right, _ = self.negated()
            left = self.logic(left, right, False)
        return left, kind

    @staticmethod
    def logic(left, right, decides):
        def node(row):
            a = left(row)
            if a is decides:
                return decides
            b = right(row)
            if b is decides:
                return decides
            return None if a is None or b is None else not decides
        return node

    def negated(self):
        if self.accept("NOT"):
            inner, _ = self.negated()
            return (lambda row: None if inner(row) is None else not inner(row)), "boolean"
        return self.compared()

    def compared(self):
        left, kind = self.sum()
        sign = self.accept("=", "<>", "<", "<=", ">", ">=")
        if sign:
            right, _ = self.sum()
            test = {
                "=": lambda a, b: a == b, "<>": lambda a, b: a != b, "<": lambda a, b: a < b,
                "<=": lambda a, b: a <= b, ">": lambda a, b: a > b, ">=": lambda a, b: a >= b,
            }[sign]
            return strict(test, left, right), "boolean"
        if self.accept("IS"):
            negated = self.accept("NOT")
            assert self.accept("NULL")
            return (lambda row: (left(row) is None) != bool(negated)), "boolean"
        return left, kind

    def sum(self):
        left, kind = self.product()
        while sign := self.accept("+", "-"):
            right, other = self.product()
            kind = wider(kind, other)
            act = (lambda a, b: a + b) if sign == "+" else (lambda a, b: a - b)
            left = strict(act, left, right)
        return left, kind

    def product(self):
        left, kind = self.atom()
        while sign := self.accept("*", "/"):
            right, other = self.atom()
            kind = wider(kind, other)
            left = strict((lambda a, b: a * b) if sign == "*" else divided, left, right)
        return left, kind

    def atom(self):
        if self.accept("("):
            inner = self.either()
            assert self.accept(")")
            return inner
        if self.accept("-"):
            inner, kind = self.atom()
            return strict(lambda a: -a, inner), kind
        token = self.tokens[self.at]
        self.at += 1
        if token.upper() == "CASE":
            assert self.accept("WHEN")
            condition, _ = self.either()
            assert self.accept("THEN")
            chosen, kind = self.either()
            other = (lambda row: None)
            if self.accept("ELSE"):
                other, second = self.either()
                kind = wider(kind, second)
            assert self.accept("END")
            return (lambda row: chosen(row) if condition(row) is True else other(row)), kind
        if token.upper() in ("TRUE", "FALSE", "NULL"):
            constant = {"TRUE": True, "FALSE": False, "NULL": None}[token.upper()]
            return (lambda row: constant), "boolean"
        if token[0] == "'":
            text = token[1:-1].replace("''", "'")
            return (lambda row: text), "string"
        if token[0].isdigit():
            number = float(token) if "." in token or "e" in token.lower() else int(token)
            return (lambda row: number), "double" if isinstance(number, float) else "int"
        name = token.strip('"')
        assert name in self.types, "no column " + name
        if self.accept("["):
            place, _ = self.sum()
            assert self.accept("]")
            return strict(element_at, lambda row: row[name], place), self.types[name]
        return (lambda row: row[name]), self.types[name]


def element_at(value, place):
    """An element of a list, counted from 1, or the value of a key; NULL if there is none."""
    if isinstance(value, dict):
        return value.get(place)
    return value[place - 1] if 1 <= place <= len(value) else None


def divided(a, b):
    """Of whole numbers toward zero, and without a value if b is 0; of doubles as IEEE 754 has it."""
    if isinstance(a, int) and isinstance(b, int):
        whole = abs(a) // abs(b)
        return whole if (a < 0) == (b < 0) else -whole
    a, b = float(a), float(b)
    if b != 0 or math.isnan(a):
        return a / b if b != 0 else a
    return math.nan if a == 0 else math.copysign(math.inf, a) * math.copysign(1, b)


def strict(function, *arguments):
    def node(row):
        values = [argument(row) for argument in arguments]
        return None if None in values else function(*values)
    return node


def wider(a, b):
    order = ["boolean", "int", "long", "double"]
    return max(a, b, key=order.index) if a in order and b in order else a


# ---- exact arithmetic


def rounded(exact):
    """The double nearest to a rational, half to even; infinite beyond the range of doubles."""
    try:
        return float(exact)
    except OverflowError:
        return math.inf if exact > 0 else -math.inf


def unusual_sum(values):
    """NaN or an infinity if the values have one, else None."""
    doubles = [v for v in values if isinstance(v, float) and not math.isfinite(v)]
    if not doubles:
        return None
    kinds = {str(v) for v in doubles}
    return doubles[0] if len(kinds) == 1 else math.nan


def exact_sum(values):
    unusual = unusual_sum(values)
    return rounded(sum(map(Fraction, values), Fraction(0))) if unusual is None else unusual


def order_key(value):
    """A total order: -0.0 below 0.0, NaN above everything; FALSE below TRUE."""
    if isinstance(value, str):
        return text_order(value)
    if isinstance(value, float):
        return (math.isnan(value), 0 if math.isnan(value) else value, math.copysign(1, value))
    return value


def same_key(value):
    """Equal for values that count as one: 0.0 and -0.0, and every NaN."""
    if isinstance(value, float):
        return "NaN" if math.isnan(value) else value + 0.0
    return value


def plain(value):
    """The value itself; -0.0 as 0.0."""
    return value + 0.0 if isinstance(value, float) else value


def element(value):
    """As an element of a list, where a truth is 0 or 1."""
    return int(value) if isinstance(value, bool) else value


def moments(values):
    """n and the exact sums of the squared, cubed and fourth powers of the distances to the mean."""
    exact = [Fraction(v) for v in values]
    mean = sum(exact) / len(exact)
    return len(exact), *(sum((x - mean) ** power for x in exact) for power in (2, 3, 4))


def variance(values, sample):
    if len(values) < (2 if sample else 1):
        return None
    if unusual_sum(values) is not None:
        return math.nan
    n, m2, _, _ = moments(values)
    return rounded(m2 / (n - 1 if sample else n))


def skewness(values):
    """The square root of the rational m3² / m2³, rounded once each, with the sign of m3."""
    if unusual_sum(values) is not None:
        return math.nan
    n, m2, m3, _ = moments(values)
    if m2 == 0:
        return None
    root = math.sqrt(rounded((m3 / n) ** 2 / (m2 / n) ** 3))
    return root if m3 >= 0 else -root


def kurtosis(values):
    if unusual_sum(values) is not None:
        return math.nan
    n, m2, _, m4 = moments(values)
    return None if m2 == 0 else rounded(n * m4 / m2**2 - 3)


def quantile(values, q):
    """SQL's PERCENTILE_CONT in doubles."""
    ordered = sorted((float(v) for v in values), key=order_key)
    place = q * (len(ordered) - 1)
    below = math.floor(place)
    low = ordered[below]
    if place == below:
        return low
    high = ordered[below + 1]
    return low if low == high else low + (high - low) * (place - below)


def decayed(facts, half_life, at):
    """The real value, which an engine may miss by 2^-50 of the sum of all magnitudes.

    A fact that is about 2,112 half-lives old or older counts for nothing.
    """
    whole, rest = divmod(at, half_life)
    counted = [(*divmod(time, half_life), value) for time, value in facts]
    counted = [fact for fact in counted if whole // 64 - fact[0] // 64 <= 33]
    unusual = unusual_sum([value for _, _, value in counted])
    if unusual is not None:
        return unusual
    parts = [
        Fraction(value) * two_to(rest_then, half_life) * Fraction(2) ** (whole_then - whole)
        / two_to(rest, half_life)
        for whole_then, rest_then, value in counted]
    return Near(rounded(sum(parts, Fraction(0))), rounded(sum(map(abs, parts)) / 2**50))


class Near:
    """A value that engines may compute with an error up to a bound."""

    def __init__(self, value, by):
        self.value, self.by = value, by


def two_to(dividend, divisor):
    """2 to the power of a fraction below 1, with sixty digits."""
    with decimal.localcontext(decimal.Context(prec=60)):
        return Fraction(decimal.Decimal(2) ** (decimal.Decimal(dividend) / divisor))


# ---- the log: which records count


def read_case(shared, case):
    documents = {}
    for document in [*shared.get("definition", []), *case.get("definition", [])]:
        key = document["kind"], document["name"]
        documents[key] = {**documents.get(key, {}), **document}
    if "features" in case:
        views = [d for (kind, _), d in documents.items() if kind == "feature-view"]
        views[-1]["features"] = case["features"]
    return documents


class Stream:
    def __init__(self, document):
        self.name = document["name"]
        self.types = dict(document["columns"])
        self.event_time = document["event_time"]
        self.event_id = document.get("event_id")
        self.changes = document.get("format") == "debezium-json"
        self.disorder = duration(document.get("disorder", "5s"))
        self.lateness = duration(document.get("lateness", "1h"))
        self.ahead = duration(document.get("ahead", "1m"))
        self.derived = []
        for name, text in document.get("derive", {}).items():
            expression = Expression(text, self.types)
            self.derived.append((name, expression))
            self.types[name] = expression.type
        self.expected = [
            (Expression(e["that"], self.types), e.get("else", "quarantine"))
            for e in document.get("expect", {}).values()]
        self.records = []
        self.letters = []
        self.newest = {}
        self.offsets = {}

    def row(self, given, number):
        row = {name: value_of(given.get(name), kind) for name, kind in self.types.items()}
        row[self.event_time] = instant(given["at"]) if given.get("at") is not None else None
        if self.event_id and row[self.event_id] is None:
            row[self.event_id] = "event-%d" % number if self.types[self.event_id] == "string" else number
        for name, expression in self.derived:
            row[name] = expression(row)
        return row

    def read(self, event, number):
        partition = event.get("partition", 0)
        offset = self.offsets.get(partition, 0)
        self.offsets[partition] = offset + 1
        place = partition, offset
        appended = instant(event["appended"]) if "appended" in event else FOREVER
        before = after = None
        if self.changes:
            operation = event["op"]
            before = self.row(event["before"], number) if event.get("before") else None
            after = self.row(event["after"], number) if event.get("after") else None
            if operation in "ud" and before is None:
                return self.refuse(place, "UNDECODABLE")
            row = after or before
        else:
            row = after = self.row(event, number)
        at = row[self.event_time]
        if at is None:
            return self.refuse(place, "MISSING_EVENT_TIME")
        if appended < FOREVER and at > appended + self.ahead:
            return self.refuse(place, "FUTURE")
        oldest = min(at, before[self.event_time]) if before else at
        newest = self.newest.get(partition, oldest)
        self.newest[partition] = max(newest, at)
        if newest - oldest > self.disorder + self.lateness:
            return self.refuse(place, "LATE")
        for condition, otherwise in self.expected if after else ():
            if condition(row, without_value=False) is False:
                if otherwise == "quarantine":
                    self.refuse(place, "EXPECTATION")
                if otherwise != "warn":
                    return None
        self.records.append(Record(self, place, appended, before, after))
        return None

    def refuse(self, place, reason):
        self.letters.append((self.name, *place, reason))


class Record:
    def __init__(self, stream, place, appended, before, after):
        self.stream, self.place, self.appended = stream, place, appended
        self.before, self.after = before, after


class Fact:
    """One row that counts, as a view sees it."""

    def __init__(self, record, origin, row):
        self.record, self.origin, self.row = record, origin, row
        self.time = row[record.stream.event_time]
        stream = record.stream
        self.id = stream.name, row[stream.event_id] if stream.event_id else record.place
        self.order = (self.time, origin, record.place)

    def known_from(self):
        """When it was appended and has happened; where the append is not known, when it happened."""
        appended = self.record.appended
        return self.time if appended == FOREVER else max(self.time, appended)


def surviving(records, key):
    """The rows of one entity that count, and the records in conflict with one of them."""
    slots, conflicts = {}, []
    for record in records:
        stream = record.stream
        for row, live in ((record.before, False), (record.after, True)):
            if row is None or not key(row):
                continue
            if stream.event_id:
                slot = row[stream.event_time], row[stream.event_id]
            else:
                slot = record.place
            slots.setdefault(slot, []).append((record.place, live, row, record))
    rows = []
    for versions in slots.values():
        versions.sort(key=lambda version: version[:2])
        if versions[0][3].stream.changes:
            _, live, row, record = versions[-1]
            if live:
                rows.append((record, row))
        else:
            _, _, row, record = versions[0]
            rows.append((record, row))
            for _, _, other, loser in versions[1:]:
                if {k: same_key(v) for k, v in other.items()} != {k: same_key(v) for k, v in row.items()}:
                    conflicts.append(loser)
    return rows, conflicts


# ---- views


class Project:
    def __init__(self, documents, events):
        self.streams = {
            name: Stream(d) for (kind, name), d in documents.items() if kind == "stream"}
        self.entities = {name: d for (kind, name), d in documents.items() if kind == "entity"}
        self.views = {name: d for (kind, name), d in documents.items() if kind == "feature-view"}
        first = next(iter(self.streams))
        for number, event in enumerate(events):
            self.streams[event.get("stream", first)].read(event, number)
        self.letters = [letter for s in self.streams.values() for letter in s.letters]

    def origins(self, view):
        """Per source of a view: the records, the types of the columns, and how rows are mapped."""
        sources = view["from"]
        if isinstance(sources, str) and sources in self.views:
            base = self.views[sources]
            for stream, key, mapping in self.origins(base):
                chained = self.chained(base, stream, key, mapping)
                yield chained, view.get("key", chained.keys.get(view["entity"], {})), None
            return
        if isinstance(sources, str):
            sources = [{"stream": sources, "key": view.get("key", {})}]
        for source in sources:
            yield self.streams[source["stream"]], source.get("key", {}), source.get("map")

    def chained(self, view, stream, key, mapping):
        """The events that a stream tells a view, each with the view's features as of its own time."""
        chained = Stream.__new__(Stream)
        chained.__dict__.update(stream.__dict__)
        chained.letters = []
        # An entity is found as in the nearest view that describes it.
        chained.keys = {**getattr(stream, "keys", {}), view["entity"]: key}
        # A name is first one that the view maps, or a column; then a feature of the nearest view.
        mapped = {name: Expression(text, stream.types) for name, text in (mapping or {}).items()}
        chained.columns = set(mapped) if mapping else getattr(stream, "columns", set(stream.types))
        features = self.features(view)
        chained.types = {**stream.types, **{name: e.type for name, e in mapped.items()}}
        for feature in features:
            chained.types[view["name"] + "." + feature.name] = feature.type
            if feature.name not in chained.columns:
                chained.types[feature.name] = feature.type

        def seen(record, row):
            entity = self.entity_key(view, key, row)
            at = row[stream.event_time]
            about = stream.name, row[stream.event_id] if stream.event_id else record.place
            answers = {} if None in entity else self.answer(view, entity, at, about)
            row = {**row, **{name: expression(row) for name, expression in mapped.items()}}
            for feature in features:
                value = answers.get(feature.name)
                row[view["name"] + "." + feature.name] = value
                if feature.name not in chained.columns:
                    row[feature.name] = value
            return row

        chained.records = [
            Record(chained, r.place, r.appended, r.before and seen(r, r.before), r.after and seen(r, r.after))
            for r in stream.records]
        return chained

    def entity_key(self, view, key, row):
        columns = self.entities[view["entity"]]["key"]
        return tuple(row[key.get(column, column)] for column in columns)

    def facts(self, view, entity, known_at=None):
        """What the log says, or what the part of it says that was appended by an instant."""
        facts = []
        for position, (stream, key, mapping) in enumerate(self.origins(view)):
            records = [
                record for record in stream.records
                if known_at is None or record.appended == FOREVER or record.appended <= known_at]
            rows, conflicts = surviving(
                records, lambda row, k=key: self.entity_key(view, k, row) == entity)
            for loser in conflicts:
                letter = (stream.name, *loser.place, "CONFLICT")
                if known_at is None and letter not in self.letters:
                    self.letters.append(letter)
            for record, row in rows:
                if mapping:
                    # The event's time and id stay under their own names for the order and identity.
                    row = {**row, **{
                        name: Expression(text, stream.types)(row) for name, text in mapping.items()}}
                facts.append(Fact(record, position, row))
        return sorted(facts, key=lambda fact: fact.order)

    def features(self, view):
        stream, _, mapping = next(iter(self.origins(view)))
        types = dict(stream.types)
        if mapping:
            types.update((n, Expression(t, stream.types).type) for n, t in mapping.items())
        found = []
        for name, definition in view["features"].items():
            windows = definition["over"]
            for window in windows if isinstance(windows, list) else [windows]:
                suffix = "_" + window.replace(" ", "_") if isinstance(windows, list) else ""
                found.append(Feature(name + suffix, definition, window, types))
        return found

    def known(self, view, entity, at):
        """The facts that count as of an instant, those of later event times too."""
        if view.get("knowledge") == "as_known":
            return [fact for fact in self.facts(view, entity, at) if fact.known_from() <= at]
        return self.facts(view, entity)

    def answer(self, view, entity, at, about):
        facts = self.known(view, entity, at)
        return {f.name: f.value(facts, at, about) for f in self.features(view)}

    def clock(self):
        """The watermark of a live run that has read the whole log, and waits for more."""
        newest = [(s, s.newest[partition]) for s in self.streams.values() for partition in s.newest]
        return min(at - stream.disorder - 1 for stream, at in newest)

    def is_rejected(self, view, at):
        """Whether that run refuses to answer as of an instant: True, False or "maybe".

        It must answer what is not older than the oldest fact that it would still accept, and must
        refuse what is older by more than the longest window. Between the two it may do either, and
        so of a view of what was known about every instant before its clock.
        """
        late = max(s.disorder + s.lateness for s, _, _ in self.origins(view))
        reach = max(feature.reach() for feature in self.features(view))
        if at < self.clock() - late - reach:
            return True
        known_then = view.get("knowledge") == "as_known" and at < self.clock()
        return "maybe" if known_then or at < self.clock() - late else False


class Rows:
    """The rows that a view writes of one entity.

    A row is as of an instant at which a fact begins to count, or of a refresh: the first multiple
    of the view's period not before the end of a row's validity, unless a fact comes first.
    """

    def __init__(self, project, view, entity):
        self.project, self.view, self.entity = project, view, entity
        self.features = project.features(view)
        # Of every fact when it happened, and when it begins to count. Of a changelog those too that
        # are deleted or changed since.
        as_known = view.get("knowledge") == "as_known"
        versions = [
            (record, row, Fact(record, 0, row).known_from())
            for stream, key, _ in project.origins(view)
            for record in stream.records
            for row in (record.before, record.after)
            if row and project.entity_key(view, key, row) == entity]
        self.told = sorted({
            (row[record.stream.event_time], known if as_known else row[record.stream.event_time])
            for record, row, known in versions
            if not any(
                self.is_instead(other, record) and other_known <= known
                for other, other_row, other_known in versions
                if as_known and self.slot(other, other_row) == self.slot(record, row))})

    @staticmethod
    def slot(record, row):
        stream = record.stream
        return stream.name, row[stream.event_time], row[stream.event_id] if stream.event_id else record.place

    @staticmethod
    def is_instead(other, record):
        """Whether one of two records of an event or a row counts once both are known."""
        return other.place > record.place if record.stream.changes else other.place < record.place

    def all(self):
        """Per row its instant, the end of its validity or None, and its values."""
        starts = sorted({counts_from for _, counts_from in self.told})
        every = self.refresh()
        found, at = [], starts[0]
        while at is not None:
            until = self.valid_until(at)
            found.append((at, until, self.project.answer(self.view, self.entity, at, None)))
            following = [start for start in starts if start > at][:1]
            if until is not None and every:
                following.append(-(-until // every) * every)
            at = min(following, default=None)
        return found

    def valid_until(self, at):
        """When a fact next enters or leaves a window, one that counts for nothing too."""
        ends = [
            end
            for feature in self.features
            for time, counts_from in self.told if counts_from <= at
            for end in feature.crossings(time)]
        ends += [
            end for feature in self.features if feature.window == "session"
            for end in feature.session_ends(self.project.known(self.view, self.entity, at), at)]
        return min((end for end in ends if end > at), default=None)

    def refresh(self):
        """The period of refreshes; 0 for none."""
        if "refresh" in self.view:
            given = self.view["refresh"]
            return 0 if given == "never" else duration(given["every"])
        spans = [span for span in (feature.span() for feature in self.features) if span]
        return max(1000, min(spans) // 100) if spans else 0


class Feature:
    def __init__(self, name, definition, window, types):
        self.name, self.definition, self.window = name, definition, window
        self.function = next(f for f in FUNCTIONS if f in definition)
        compiled = {
            part: Expression(definition[part], types)
            for part in ("where", "by", "of", "to") if part in definition}
        if definition[self.function] != "*":
            compiled["value"] = Expression(definition[self.function], types)
        self.compiled = compiled
        column = compiled["value"].type if "value" in compiled else None
        same = {"first", "last", "lag", "min", "max", "argmin", "argmax"}
        whole = FROM_ZERO | {"time_since_last", "time_since_first"}
        self.type = (
            column if self.function in same else "long" if self.function in whole
            else "boolean" if self.function in ("any", "all") else "double")

    def part(self, part, fact):
        return self.compiled[part](fact.row)

    def delay(self):
        return duration(self.definition.get("delay", "0s"))

    def sliding(self):
        return re.fullmatch(r"\d+(ms|s|m|h|d)", self.window)

    def reach(self):
        """How old a fact can be that the window covers, or more; FOREVER if there is no limit."""
        if self.sliding():
            resolution = duration(self.definition.get("resolution", "0s"))
            return self.delay() + duration(self.window) + resolution + ("bounds" in self.definition)
        words = self.window.split()
        if words[0] not in ("this", "previous"):
            return FOREVER
        periods = 1 if words[0] == "this" else 1 + (int(words[1]) if len(words) == 3 else 1)
        days = periods * {"day": 1, "week": 7, "month": 31}[words[-1].rstrip("s")]
        return self.delay() + (days + 2) * UNITS["d"]  # Clocks that were changed have two.

    def span(self):
        """How long a fact is in the window, where time alone takes it in or out; else 0."""
        if self.sliding():
            return max(duration(self.window), 100 * duration(self.definition.get("resolution", "0s")))
        if self.window == "session":
            return duration(self.definition["gap"])
        periods = {"day": 1, "week": 7, "month": 30}
        return periods.get(self.window.split()[-1].rstrip("s"), 0) * UNITS["d"] or self.delay()

    def crossings(self, time):
        """The instants as of which a fact of this time enters and leaves the window."""
        bounds = self.definition.get("bounds", "(]") if self.sliding() else "(]"
        enters = time + (bounds[1] == ")")
        leaves = []
        words = self.window.split()
        if self.sliding():
            leaves = [time + duration(self.window) + (bounds[0] == "[")]
            if "resolution" in self.definition:
                resolution = duration(self.definition["resolution"])
                oldest = -(-(time + (bounds[0] == "[")) // resolution) * resolution
                leaves = [oldest + duration(self.window)]
        elif words[0] in ("this", "previous"):
            zone = ZoneInfo(self.definition.get("zone", "UTC"))
            period = words[-1].rstrip("s")
            count = 0 if words[0] == "this" else int(words[1]) if len(words) == 3 else 1
            leaves = [start_of_period(time, period, zone, -1 - count)]
            if count:
                enters = start_of_period(time, period, zone, -1)
        return [end + self.delay() for end in (enters, *leaves)]

    def session_ends(self, facts, at):
        """When the session that lasts at an instant is over, unless another fact comes."""
        if "where" in self.definition:
            facts = [fact for fact in facts if self.part("where", fact) is True]
        session = in_window(facts, self.window, self.definition, at)
        return [fact.time + duration(self.definition["gap"]) + 1 + self.delay() for fact in session[-1:]]

    def value(self, facts, at, about):
        definition = self.definition
        if definition.get("self") == "exclude":
            same = [fact for fact in facts if fact.id == about and fact.time <= at]
            own = max(same, key=lambda fact: fact.time, default=None)
            summed_up = self.window == "lifetime" or "resolution" in definition
            if own and summed_up and at - self.delay() - own.time >= UNITS["h"]:
                own = None
            facts = [fact for fact in facts if fact is not own]
        if "where" in definition:
            facts = [fact for fact in facts if self.part("where", fact) is True]
        facts = in_window(facts, self.window, definition, at)
        pairs = [(f, self.part("value", f) if "value" in self.compiled else True) for f in facts]
        pairs = [(fact, value) for fact, value in pairs if value is not None]
        value = self.grouped(pairs, at) if self.is_grouped() else self.aggregate(pairs, at)
        return value_of_empty(definition["empty"], self.type) if value is None and "empty" in definition else value

    def is_grouped(self):
        return "by" in self.definition or self.function == "histogram"

    def grouped(self, pairs, at):
        groups = {}
        for fact, value in pairs:
            by = value if self.function == "histogram" else self.part("by", fact)
            if by is not None:
                groups.setdefault(text_of(plain(by)), []).append((fact, value))
        limit = self.definition.get("max_keys", 100)
        kept = sorted(groups, key=lambda text: (-len(groups[text]), text_order(text)))[:limit]
        if not kept:
            return {} if self.function in ("count", "histogram") else None
        return {text: map_value(self.aggregate(groups[text], at)) for text in kept}

    def aggregate(self, pairs, at):
        function, definition = self.function, self.definition
        values = [value for _, value in pairs]
        if function in ("count", "histogram"):
            return len(values)
        if function in ("distinct", "approx_distinct"):
            return len({same_key(value) for value in values})
        if not values:
            return None
        if function == "sum":
            return exact_sum(values)
        if function in ("avg", "share"):
            return exact_sum(values) / len(values)
        if function in ("min", "all"):
            return min(values, key=order_key)
        if function in ("max", "any"):
            return max(values, key=order_key)
        if function.startswith("variance"):
            return variance(values, function == "variance")
        if function.startswith("stddev"):
            found = variance(values, function == "stddev")
            return None if found is None else math.sqrt(found)
        if function == "skewness":
            return skewness(values)
        if function == "kurtosis":
            return kurtosis(values)
        if function == "first":
            return values[0]
        if function == "last":
            return values[-1]
        if function == "first_k":
            return [element(v) for v in values[:definition["k"]]]
        if function == "last_k":
            return [element(v) for v in values[-definition["k"]:]]
        if function == "lag":
            back = definition.get("n", 1)
            return values[-1 - back] if len(values) > back else None
        if function == "median":
            return quantile(values, 0.5)
        if function in ("quantile", "approx_quantile"):
            return quantile(values, definition["q"])
        if function in ("top_k", "bottom_k"):
            ordered = sorted(values, key=order_key, reverse=function == "top_k")
            return [element(v) for v in ordered[:definition["k"]]]
        if function == "most_frequent":
            counts = {}
            for value in values:
                known = counts.setdefault(same_key(value), [plain(value), 0])
                known[1] += 1
            ordered = sorted(counts.values(), key=lambda known: (-known[1], order_key(known[0])))
            return [element(value) for value, _ in ordered[:definition["k"]]]
        if function == "ratio":
            both = [(v, self.part("to", f)) for f, v in pairs if self.part("to", f) is not None]
            if not both:
                return None
            return quotient([a for a, _ in both], [b for _, b in both])
        if function == "time_since_last":
            return at - pairs[-1][0].time
        if function == "time_since_first":
            return at - pairs[0][0].time
        if function == "decay":
            half_life = duration(definition["half_life"])
            return decayed([(f.time, float(v)) for f, v in pairs], half_life, at)
        if function == "rate":
            return len(values) * duration(definition.get("per", "1s")) / duration(self.window)
        ranked = [(self.part("of", f), v) for f, v in pairs if self.part("of", f) is not None]
        if not ranked:
            return None
        choose = min if function == "argmin" else max
        return choose(ranked, key=lambda pair: order_key(pair[0]))[1]  # The first of equal ones.


def quotient(above, below):
    divisor = exact_sum(below)
    return None if divisor == 0 else exact_sum(above) / divisor


def map_value(value):
    return int(value) if isinstance(value, bool) else value


def text_of(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and not math.isfinite(value):
        return written(value)
    return str(value)


def value_of_empty(given, kind):
    return float(given) if kind == "double" and given is not None else given


# ---- windows


def in_window(facts, window, definition, at):
    """The facts in the window, of those that pass the feature's filter, in order."""
    n = at - duration(definition.get("delay", "0s"))
    words = window.split()
    if window == "lifetime":
        return [f for f in facts if f.time <= n]
    if window == "session":
        gap = duration(definition["gap"])
        past = [f for f in facts if f.time <= n]
        if not past or n - past[-1].time > gap:
            return []
        first = len(past) - 1
        while first > 0 and past[first].time - past[first - 1].time <= gap:
            first -= 1
        return past[first:]
    if words[0] == "last":
        return [f for f in facts if f.time <= n][-int(words[1]):]
    if words[0] in ("this", "previous"):
        zone = ZoneInfo(definition.get("zone", "UTC"))
        period = words[-1].rstrip("s")
        if words[0] == "this":
            start = start_of_period(n, period, zone, 0)
            return [f for f in facts if start <= f.time <= n]
        count = int(words[1]) if len(words) == 3 else 1
        start = start_of_period(n, period, zone, count)
        end = start_of_period(n, period, zone, 0)
        return [f for f in facts if start <= f.time < end]
    bounds = definition.get("bounds", "(]")
    oldest = n - duration(window)
    if "resolution" in definition:
        resolution = duration(definition["resolution"])
        oldest = oldest // resolution * resolution
    return [
        f for f in facts
        if (f.time >= oldest if bounds[0] == "[" else f.time > oldest)
        and (f.time <= n if bounds[1] == "]" else f.time < n)]


def start_of_period(at, period, zone, back):
    """The instant when the period began that is so many before the one that contains at."""
    local = (datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(milliseconds=at)).astimezone(zone)
    day = local.date()
    if period == "day":
        day -= timedelta(days=back)
    elif period == "week":
        day -= timedelta(days=day.weekday() + 7 * back)
    else:
        months = day.year * 12 + day.month - 1 - back
        day = day.replace(year=months // 12, month=months % 12 + 1, day=1)
    midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
    return (midnight - datetime(1970, 1, 1, tzinfo=timezone.utc)) // timedelta(milliseconds=1)


# ---- files


def compute(shared, case):
    """The values of every question, which are rejected, the dead letters, and the rows."""
    documents = read_case(shared, case)
    project = Project(documents, case["events"])
    answers, rejected = [], []
    for question in case["questions"]:
        view = project.views[question.get("view", list(project.views)[-1])]
        columns = project.entities[view["entity"]]["key"]
        entity = tuple(question[column] for column in columns)
        about = next(project.origins(view))[0].name, question.get("about")
        answered = project.answer(view, entity, instant(question["at"]), about)
        answers.append({name: written(answered[name]) for name in answered})
        rejected.append(
            case.get("asked_at_end", False) and project.is_rejected(view, instant(question["at"])))
    for view in project.views.values():
        # Conflicts are found wherever an entity is told, asked about or not.
        for stream, key, _ in project.origins(view):
            rows = [row for r in stream.records for row in (r.before, r.after) if row]
            for entity in {project.entity_key(view, key, row) for row in rows}:
                if None not in entity:
                    project.facts(view, entity)
    letters = [
        {"stream": stream, "partition": partition, "offset": offset, "reason": reason}
        for stream, partition, offset, reason in sorted(project.letters)]
    rows = []
    for name, view in project.views.items():
        columns = project.entities[view["entity"]]["key"]
        for entity in entities_of(project, view) if "rows" in case else []:
            for at, until, values in Rows(project, view, entity).all():
                rows.append({
                    **({"view": name} if len(project.views) > 1 else {}),
                    **dict(zip(columns, entity)),
                    "from": instant_text(at),
                    "until": None if until is None else instant_text(until),
                    "values": {feature: written(values[feature]) for feature in values}})
    return answers, rejected, letters, rows


def entities_of(project, view):
    """The keys that the view's facts have, in their order."""
    return sorted({
        project.entity_key(view, key, row)
        for stream, key, _ in project.origins(view)
        for record in stream.records
        for row in (record.before, record.after)
        if row and None not in project.entity_key(view, key, row)})


def equal(found, computed):
    """Whether a file's value is the computed one; by hand, a near value is computed exactly."""
    if isinstance(found, dict) and isinstance(computed, dict):
        return found.keys() == computed.keys() and all(
            equal(found[key], computed[key]) for key in found)
    if isinstance(found, list) and isinstance(computed, list):
        return len(found) == len(computed) and all(map(equal, found, computed))
    if isinstance(computed, dict) and isinstance(found, float):
        return found == computed.get("near")
    return type(found) is type(computed) and json.dumps(found) == json.dumps(computed)


def line(value):
    return json.dumps(value, ensure_ascii=False)


def formatted(content):
    """The file's text: one line for each definition, event and question."""
    parts = ["  %s: %s" % (line(k), line(v)) for k, v in content.items()
             if k not in ("definition", "cases")]
    if "definition" in content:
        parts.append("  \"definition\": [\n%s\n  ]" % rows(content["definition"], 4))
    cases = []
    for case in content["cases"]:
        entries = []
        for key, value in case.items():
            if key in ("events", "questions", "definition", "dead_letters", "rows") and value:
                entries.append("      %s: [\n%s\n      ]" % (line(key), rows(value, 8)))
            else:
                entries.append("      %s: %s" % (line(key), line(value)))
        cases.append("    {\n%s\n    }" % ",\n".join(entries))
    parts.append("  \"cases\": [\n%s\n  ]" % ",\n".join(cases))
    return "{\n%s\n}\n" % ",\n".join(parts)


def rows(values, indent):
    return ",\n".join(" " * indent + line(value) for value in values)


def main(arguments):
    write = "--write" in arguments
    named = [pathlib.Path(a) for a in arguments if a != "--write"]
    files = named or sorted((pathlib.Path(__file__).parent / "cases").glob("*.json"))
    different = cases = anchors = 0
    for file in files:
        content = json.loads(file.read_text(encoding="utf-8"))
        for case in content["cases"]:
            cases += 1
            by_hand = case.get("by_hand", False)
            anchors += bool(by_hand)
            answers, rejected, letters, rows_of_case = compute(content, case)
            for question, answer, refused in zip(case["questions"], answers, rejected):
                if write and not by_hand:
                    question["expected"] = answer
                    question.pop("rejected", None)
                    if refused:
                        question["rejected"] = refused
                elif question.get("rejected", False) != refused:
                    different += 1
                    print("%s: %s: at %s a live run %s" % (
                        file.name, case["name"], question["at"],
                        {True: "rejects", False: "does not reject"}.get(refused, "may reject")))
                elif not equal(question.get("expected"), answer):
                    different += 1
                    print("%s: %s: at %s the file has %s, the oracle %s" % (
                        file.name, case["name"], question["at"],
                        line(question.get("expected")), line(answer)))
            if write and not by_hand:
                case.pop("dead_letters", None)
                if letters:
                    case["dead_letters"] = letters
            elif case.get("dead_letters", []) != letters:
                different += 1
                print("%s: %s: the file has dead letters %s, the oracle %s" % (
                    file.name, case["name"], case.get("dead_letters", []), letters))
            if write and not by_hand and "rows" in case:
                case["rows"] = rows_of_case
            elif not equal(case.get("rows", []), rows_of_case):
                different += 1
                print("%s: %s: the file has the rows\n  %s\n the oracle\n  %s" % (
                    file.name, case["name"], "\n  ".join(map(line, case.get("rows", []))),
                    "\n  ".join(map(line, rows_of_case))))
        if write:
            file.write_text(formatted(content), encoding="utf-8")
    print("%d cases (%d by hand) in %d files, %d differences" % (cases, anchors, len(files), different))
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
