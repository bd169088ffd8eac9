#!/usr/bin/env python3
"""Cases at random: whole projects, whose parts of the language nobody has put together by hand.

    python3 conformance/random_cases.py FIRST LAST > conformance/cases/random.json
    python3 conformance/oracle.py --write conformance/cases/random.json

A case is made of its seed, a number from FIRST up to and without LAST, and nothing else. Its events
collide: few instants, on the edges of windows and of what is too late, few ids, few values. README.md
says how an engine is held to them. Only the standard library is needed.
"""

import json
import random
import sys
from datetime import date, timedelta

UNITS = (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1))
START = 10 * 3_600_000
COLUMNS = {
    "x": "double", "y": "double", "n": "long", "i": "int", "flag": "boolean", "text": "string",
    "seen": "timestamp", "code": "string"}
CONDITIONS = {
    "x > 2": "x", "x IS NOT NULL": "x", "i < 2": "i", "i = 1": "i", "flag": "flag", "NOT flag": "flag",
    "text = 'a'": "text", "text <> 'b'": "text", "n IS NULL": "n", "n > 0 AND i > 0": "n i", "x = y": "x y"}
NUMBERS = ("sum", "avg", "median", "variance", "stddev", "skewness", "kurtosis")
VALUES = ("count", "first", "last", "lag", "distinct")
LISTS = ("first_k", "last_k", "top_k", "bottom_k", "most_frequent", "histogram")
FUNCTIONS = (
    *NUMBERS, *VALUES, *LISTS, "count_all", "min", "max", "quantile", "share", "any", "all", "ratio",
    "time_since_last", "time_since_first", "rate", "argmin", "argmax")
CALENDARS = ("this day", "this week", "this month", "previous day", "previous 2 weeks", "previous month")
KINDS = ("stream", "views", "changes", "union", "chain", "chain of a union", "chain of changes")
ZONES = ("UTC", "Europe/Berlin", "Asia/Kathmandu", "America/New_York")


def instant(at):
    days, millis = divmod(at, 86_400_000)
    minutes, millis = divmod(millis, 60_000)
    time = "%02d:%02d:%02d.%03d" % (*divmod(minutes, 60), millis // 1000, millis % 1000)
    return time if days == 0 else "%sT%sZ" % (date(2026, 1, 1) + timedelta(days=days), time)


def duration(span):
    if span == 0:
        return "0s"
    return next("%d%s" % (span // size, unit) for unit, size in UNITS if span >= size and span % size == 0)


class RandomCase:
    def __init__(self, seed):
        self.seed = seed
        self.random = random.Random(seed)
        self.choose = self.random.choice
        self.kind = self.choose(KINDS)
        self.changes = "changes" in self.kind
        self.chain = "chain" in self.kind
        self.union = "union" in self.kind
        self.unit = self.choose([1000, 60_000, 3_600_000])
        self.disorder = self.choose([0, 1000, 5000] if self.unit == 1000 else [0, 5000, 60_000])
        self.lateness = 0 if self.chain else self.unit * self.choose([0, 3, 40])
        self.as_known = not self.chain and self.chance(0.2)
        self.ids = self.changes or self.chance(0.85)
        self.partitions = self.choose([1, 1, 2])
        self.streams = ["events", "others"] if self.union else ["events"]

    def chance(self, share):
        return self.random.random() < share

    def span(self):
        return self.unit * self.choose([1, 2, 3, 5, 10, 30, 60, 90])

    # ---- definitions

    def stream(self, name):
        columns = {"id": "string", "at": "timestamp", "who": "string", "shop": "string", **COLUMNS}
        stream = {
            "kind": "stream", "name": name, "columns": columns, "event_time": "at",
            "disorder": duration(self.disorder), "lateness": duration(self.lateness)}
        if self.ids:
            stream["event_id"] = "id"
        if self.changes:
            stream["format"] = "debezium-json"
        if self.chance(0.3):
            that = self.choose(["x < 3", "i >= 0", "text <> 'c'"])
            stream["expect"] = {"ok": {"that": that, "else": self.choose(["quarantine", "drop", "warn"])}}
        return stream

    def condition(self, types):
        return self.choose([text for text, reads in CONDITIONS.items() if types.keys() >= set(reads.split())])

    def aggregate(self, types):
        """An aggregate of some columns, by name and type."""
        numbers = [name for name, kind in types.items() if kind in ("double", "long", "int")]
        texts = [name for name, kind in types.items() if kind == "string"]
        ordered = [name for name in types if name not in texts]
        function = self.choose(FUNCTIONS)
        if function in NUMBERS:
            number = self.choose(numbers)
            value = self.choose([number, number, number + " + " + self.choose(numbers), number + " - 1"])
            return {function: value}
        if function in VALUES:
            return {function: self.choose(list(types))}
        if function in ("min", "max"):
            return {function: self.choose(ordered)}
        if function in ("top_k", "bottom_k"):
            return {function: self.choose(numbers), "k": self.random.randint(1, 4)}
        if function == "histogram" and texts:
            return {function: self.choose(texts), "max_keys": self.random.randint(1, 3)}
        if function in LISTS and function != "histogram":
            return {function: self.choose(list(types)), "k": self.random.randint(1, 4)}
        if function == "quantile":
            return {function: self.choose(numbers), "q": self.choose([0, 0.25, 0.9, 1])}
        if function in ("share", "any", "all"):
            return {function: self.condition(types)}
        if function == "ratio":
            return {function: self.choose(numbers), "to": self.choose(numbers)}
        if function in ("time_since_last", "time_since_first"):
            return {function: self.choose(["*", *types])}
        if function == "rate":
            return {function: "*", "per": duration(self.span())}
        if function in ("argmin", "argmax"):
            return {function: self.choose(list(types)), "of": self.choose(numbers)}
        return {"count": "*"}

    def window(self, only_exact):
        kind = self.choose(["exact"] * 4 + ([] if only_exact else [
            "resolution", "lifetime", "last", "session", "calendar", "several"]))
        if kind == "resolution":
            window = self.span()
            steps = [self.unit * step for step in (1, 2, 3, 5, 10, 30) if self.unit * step <= window]
            return {"over": duration(window), "resolution": duration(self.choose(steps))}
        if kind == "last":
            return {"over": "last %d events" % self.random.randint(1, 6)}
        if kind == "session":
            return {"over": "session", "gap": duration(self.span())}
        if kind == "calendar":
            return {"over": self.choose(CALENDARS), "zone": self.choose(ZONES)}
        if kind == "several":
            return {"over": [duration(self.unit), duration(7 * self.unit)]}
        return {"over": "lifetime" if kind == "lifetime" else duration(self.span())}

    def feature(self, types):
        feature = self.aggregate(types)
        function = next(iter(feature))
        feature.update(self.window(function == "rate"))
        over = feature["over"]
        if isinstance(over, str) and over[0].isdigit() and self.chance(0.4):
            feature["bounds"] = self.choose(["(]", "[]", "[)", "()"])
        if self.chance(0.25):
            feature["delay"] = duration(self.span())
        if self.chance(0.3):
            feature["where"] = self.condition(types)
        if self.ids and self.chance(0.2):
            feature["self"] = "exclude"
        texts = [name for name, kind in types.items() if kind == "string"]
        numeric = types.get(feature[function], "double") in ("double", "long", "int")
        grouped = function == "count" or function in ("sum", "avg", "min", "max") and numeric
        if grouped and texts and self.chance(0.2):
            feature["by"] = self.choose(texts)
            feature["max_keys"] = self.random.randint(1, 3)
        elif function in ("sum", "avg") and self.chance(0.3):
            feature["empty"] = 0
        return feature

    def features(self, types, most):
        return {"f%d" % number: self.feature(types) for number in range(self.random.randint(1, most))}

    def view(self, name, entity, source, features):
        view = {"kind": "feature-view", "name": name, "entity": entity, "from": source, "features": features}
        if self.chance(0.3):
            view["refresh"] = self.choose(["never", {"every": duration(self.span())}])
        if self.as_known:
            view["knowledge"] = "as_known"
        return view

    def types_behind(self, types, features):
        """The columns of a view of a view: those below it, and features that are one value."""
        behind = dict(types)
        for name, feature in features.items():
            function = next(iter(feature))
            if function in LISTS or "by" in feature or isinstance(feature["over"], list):
                continue
            if function in ("min", "max", "first", "last", "lag", "argmin", "argmax"):
                behind[name] = types[feature[function]]
            elif function in ("count", "distinct", "time_since_last", "time_since_first"):
                behind[name] = "long"
            else:
                behind[name] = "boolean" if function in ("any", "all") else "double"
        return behind

    def definition(self):
        """The documents, and the views with their entities' key columns."""
        source, types = "events", COLUMNS
        if self.union:
            types = {"x": "double", "text": "string", "i": "int"}
            source = [
                {"stream": "events", "map": {"x": "x", "text": "text", "i": "i", "shop": "shop"}},
                {"stream": "others", "map": {"x": "x + y", "text": "'other'", "i": "i", "shop": "shop"}}]
        features = self.features(types, 5)
        views = [(self.view("v", "person", source, features), "who")]
        if self.kind == "views":
            views.append((self.view("w", "place", source, self.features(types, 4)), "shop"))
            views.append((self.view("u", "person", source, self.features(types, 3)), "who"))
        if self.chain:
            entity, key = self.choose([("place", "shop"), ("person", "who")])
            behind = self.types_behind(types, features)
            named = {"g" + name[1:]: feature for name, feature in self.features(behind, 3).items()}
            views.append((self.view("w", entity, "v", named), key))
        entities = [
            {"kind": "entity", "name": "person", "key": {"who": "string"}},
            {"kind": "entity", "name": "place", "key": {"shop": "string"}}]
        documents = [self.stream(name) for name in self.streams] + entities + [view for view, _ in views]
        return documents, [(view["name"], key) for view, key in views]

    # ---- events

    def value(self, kind):
        if self.chance(0.12):
            return None
        if kind == "double":
            return self.choose([0.0, 1.0, 2.0, 3.0, -1.0, 0.5, -0.0, 0.1, 1e300])
        if kind == "boolean":
            return self.chance(0.5)
        if kind == "string":
            return self.choose(["a", "b", "c", ""])
        number = self.random.randint(-1, 3)
        return instant(START + 1000 * number) if kind == "timestamp" else number

    def row(self, at, number):
        row = {
            "at": None if self.chance(0.02) else instant(at), "id": "e%d" % number,
            "who": None if self.chance(0.04) else self.choose(["a", "a", "b"]), "shop": self.choose(["p", "q"])}
        row.update({name: self.value(kind) for name, kind in COLUMNS.items() if self.chance(0.8)})
        return row

    def copy(self, row, older):
        """A copy of an older event, or another event with its id, and perhaps its time."""
        if self.chance(0.4):
            return dict(older)
        row["id"] = older["id"]
        if self.chance(0.6):
            row.update({name: older[name] for name in ("at", "who", "shop")})
        return row

    def change(self, row, rows):
        """A change of one of the rows that are there, which it keeps up to date."""
        operation = self.choose("cuud") if rows else "c"
        if operation == "c":
            if row["at"]:
                rows[row["id"]] = row
            return {"op": "c", "after": row}
        before = rows.pop(self.choose(list(rows)))
        if operation == "d":
            return {"op": "d", "before": before}
        after = dict(before)
        for name in self.random.sample(list(COLUMNS), 3):
            after[name] = self.value(COLUMNS[name])
        after["at"] = row["at"] if row["at"] and self.chance(0.25) else before["at"]
        after["who"] = self.choose(["a", "b"]) if self.chance(0.2) else before["who"]
        after["shop"] = self.choose(["p", "q"]) if self.chance(0.2) else before["shop"]
        rows[after["id"]] = after
        return {"op": "u", "before": before, "after": after}

    def events(self):
        """The log, the events that questions can be about, and the newest event time."""
        now, appended, told, rows, events = START, START, [], {}, []
        edges = [1, self.disorder, self.disorder + self.lateness, self.disorder + self.lateness + 1, 5 * self.unit]
        for number in range(self.random.randint(3, 14) if self.chance(0.9) else self.random.randint(40, 120)):
            now += self.choose([0, 0, 1, self.unit, self.unit, 2 * self.unit, 7 * self.unit, self.unit - 1])
            at = now - (self.choose(edges) if self.chance(0.2) else 0)
            row = self.row(at, number)
            if told and not self.changes and self.chance(0.15):
                row = self.copy(row, self.choose(told))
            event = self.change(row, rows) if self.changes else dict(row)
            if row["at"]:
                told.append(row)
            appended = max(appended, at) + self.choose([0, 1, 1000, self.unit])
            partition = self.random.randrange(self.partitions)
            events.append(self.placed(event, self.choose(self.streams), partition, appended))
        for stream in self.streams:
            for turn, partition in enumerate([0, 1, 0] if self.partitions == 2 else [0]):
                now += 40 * self.unit
                last = {"at": instant(now), "id": "last%d" % turn, "who": "z", "shop": "z", "i": 1}
                event = {"op": "c", "after": last} if self.changes else last
                events.append(self.placed(event, stream, partition, max(appended, now)))
        return events, told, now

    def placed(self, event, stream, partition, appended):
        event["stream"], event["partition"] = stream, partition
        if self.as_known:
            event["appended"] = instant(appended)
        return event

    def question(self, view, key, told, now):
        question = {"view": view, key: self.choose(["a", "a", "b"] if key == "who" else ["p", "q"])}
        at = self.choose([START + self.unit * self.random.randint(0, 40), now, now + self.span(), now - self.span()])
        question["at"] = instant(at)
        if told and self.chance(0.5):
            about = self.choose(told)
            question["about"] = about["id"]
            if self.chance(0.5):
                question["at"] = about["at"]
        return question

    def case(self):
        documents, views = self.definition()
        events, told, now = self.events()
        questions = [
            self.question(*views[turn % len(views)], told, now) for turn in range(self.random.randint(4, 9))]
        case = {
            "name": "seed %d: %s" % (self.seed, self.kind),
            "definition": documents, "events": events, "questions": questions}
        if self.chance(0.5):
            case["rows"] = []
        if not self.chain and self.chance(0.4):
            case["asked_at_end"] = True
        return case


def main(first, last):
    cases = [RandomCase(seed).case() for seed in range(int(first), int(last))]
    print(json.dumps({
        "about": "Cases at random.", "protects": "Whatever the parts of the language are together.",
        "definition": [], "cases": cases}))


if __name__ == "__main__":
    main(*sys.argv[1:])
