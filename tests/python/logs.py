"""Makes Delta tables with random logs, and reads tables with the readers of others.

usage: logs.py make FOLDER SEED COUNT     FOLDER/<seed>/source for each seed, about.json beside it, and where a file's name was
                                          given again FOLDER/<seed>/earlier: the same table before that
       logs.py read FOLDER SEED COUNT     one JSON object a table: what each reader sees in source and replica
"""
import datetime as dt
import decimal
import glob
import io
import json
import math
import os
import pathlib
import random
import shutil
import struct
import sys
import urllib.parse
import uuid
import zlib

import pyarrow as pa
import pyarrow.parquet as pq

BEGIN = 1_763_800_000_000
UTC = dt.timezone.utc
TIMES = pa.timestamp("us", "UTC")
Z85 = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"
DAYS = [dt.datetime(year, 6, 1, 12, 30, 0, 123_456, UTC) for year in (1, 1600, 1850, 1970, 2024, 2300, 9999)]
ALL_CODECS = ["none", "snappy", "zstd", "gzip", "lz4", "brotli"]
VALUES = ["A", "New York", "50%", "a=b", "é", "日本", "x:y", "", None, "a/b", "%2F", " x ", "it's \"x\"", "back\\slash"]
NUMBERS = [None, 0.5, -1e300, 1e-7, math.nan, math.inf, -math.inf, -0.0]
TEXTS = [None, "", "a", "é", "\U0001f600", "z" * 40, "line\nbreak"]
# What a second partition column may be, with values as logs spell them.
KINDS = {"long": ["7", "-3", None, ""], "date": ["2024-02-29", "0001-01-01", None], "boolean": ["true", "false", None],
         "timestamp": ["2024-01-01 00:00:00", "2024-01-01 00:00:00.123456", None], "decimal(10,2)": ["1.50", "-0.01", None]}
# Features that readers have to know, and features that only writers have to.
READER = ["columnMapping", "deletionVectors", "timestampNtz", "v2Checkpoint"]


def z85(data):
    data, out = data + b"\0" * (-len(data) % 4), ""
    for at in range(0, len(data), 4):
        value, group = int.from_bytes(data[at:at + 4], "big"), ""
        for _ in range(5):
            group, value = Z85[value % 85] + group, value // 85
        out += group
    return out


def bitmap(rows):
    head = struct.pack("<IQI", 1681511377, 1, 0) + struct.pack("<IIHHI", 12346, 1, 0, len(rows) - 1, 16)
    return head + b"".join(struct.pack("<H", row) for row in rows)


def spelled(text):
    """A value as the time or number that statistics hold."""
    if isinstance(text, dt.datetime):
        return text.isoformat(timespec="microseconds").replace("+00:00", "Z")
    if isinstance(text, float) and math.isinf(text):
        return "Infinity" if text > 0 else "-Infinity"
    return text.isoformat() if isinstance(text, dt.date) else text


class Maker:
    """One table. What is live is kept as its actions, by path and vector, as a reader of the log should find it."""

    def __init__(self, folder, seed):
        self.random = random.Random(seed)
        self.folder = pathlib.Path(folder)
        self.log = self.folder / "_delta_log"
        self.log.mkdir(parents=True)
        self.partitioned = self.random.random() < 0.5
        self.second = self.random.choice([None, *KINDS]) if self.partitioned else None
        self.nested, self.ntz = self.one_in(2), self.one_in(4)
        self.live, self.gone, self.contents, self.version, self.time = {}, {}, {}, -1, BEGIN
        self.next_id, self.properties, self.odd, self.stale = 0, {}, [], set()
        self.txns, self.domains, self.checkpoints, self.places = {}, {}, [], {}
        self.id = str(uuid.UUID(int=self.random.getrandbits(128)))
        self.features = {"timestampNtz"} if self.ntz else set()
        wanted = {name for name, chance in (("deletionVectors", 0.4), ("v2Checkpoint", 0.4), ("inCommitTimestamp", 0.25))
                  if self.random.random() < chance}
        # What a table has from the beginning, and what an upgrade in mid-log gives it.
        self.upgrade = self.random.randint(1, 4) if self.one_in(3) else None
        self.features |= set() if self.upgrade else wanted
        self.wanted = wanted if self.upgrade else set()
        self.physical = {}
        if self.one_in(6):
            self.features.add("columnMapping")
            self.properties |= {"delta.columnMapping.mode": "name", "delta.columnMapping.maxColumnId": "20"}
            names = ["id", "ends", "x", "amount", "d", "n", "s", "a", "b", "c", "p", "q"]
            self.physical = {name: f"col-{uuid.UUID(int=self.random.getrandbits(128))}" for name in names}
        self.on()

    def on(self):
        """Switches on what the features ask for."""
        if "inCommitTimestamp" in self.features and "delta.enableInCommitTimestamps" not in self.properties:
            self.properties["delta.enableInCommitTimestamps"] = "true"
            if self.version > 0:
                self.properties |= {"delta.inCommitTimestampEnablementVersion": str(self.version),
                                    "delta.inCommitTimestampEnablementTimestamp": str(self.time)}

    @property
    def vectors(self):
        return "deletionVectors" in self.features

    @property
    def v2(self):
        return "v2Checkpoint" in self.features

    def named(self, value):
        """Columns under the names that files and statistics have for them."""
        if isinstance(value, dict):
            return {self.physical.get(key, key): self.named(each) for key, each in value.items()}
        return value

    def one_in(self, many):
        return self.random.randrange(many) == 0

    def protocol(self):
        if self.features == {"columnMapping"}:
            return {"minReaderVersion": 2, "minWriterVersion": 5}
        if not self.features:
            return {"minReaderVersion": 1, "minWriterVersion": 2}
        features = sorted(self.features)
        readers = [name for name in features if name in READER]
        of_readers = {"minReaderVersion": 3, "readerFeatures": readers} if readers else {"minReaderVersion": 1}
        return {**of_readers, "minWriterVersion": 7, "writerFeatures": [*features, "domainMetadata"]}

    def metadata(self):
        numbers = iter(range(1, 20))

        def field(name, kind):
            mapped = {"delta.columnMapping.id": next(numbers), "delta.columnMapping.physicalName": self.physical[name]} if self.physical else {}
            return {"name": name, "type": kind, "nullable": True, "metadata": mapped}

        def struct(*fields):
            return {"type": "struct", "fields": list(fields)}

        fields = [field("id", "long"), field("ends", "timestamp"), field("x", "double"), field("amount", "decimal(20,3)"), field("d", "date")]
        fields += [field("n", "timestamp_ntz")] if self.ntz else []
        fields += [field("s", struct(field("a", "long"), field("b", struct(field("c", "string")))))] if self.nested else []
        fields += [field("p", "string")] if self.partitioned else []
        fields += [field("q", self.second)] if self.second else []
        partitions = [name for name, used in (("p", self.partitioned), ("q", self.second)) if used]
        return {"id": self.id, "format": {"provider": "parquet", "options": {}}, "schemaString": json.dumps(struct(*fields)),
                "partitionColumns": partitions, "configuration": dict(self.properties), "createdTime": BEGIN}

    def arrow(self, kinds):
        """Fields of a file or of statistics, by kind or by the fields inside."""
        inner = lambda kind: pa.struct(self.arrow(kind)) if isinstance(kind, dict) else kind
        return [(self.physical.get(name, name), inner(kind)) for name, kind in kinds.items()]

    def kinds(self, of=lambda kind: kind):
        kinds = {"id": of(pa.int64()), "ends": of(TIMES), "x": of(pa.float64()), "amount": of(pa.decimal128(20, 3)), "d": of(pa.date32())}
        kinds |= {"n": of(pa.timestamp("us"))} if self.ntz else {}
        return kinds | ({"s": {"a": of(pa.int64()), "b": {"c": of(pa.string())}}} if self.nested else {})

    def place_of(self):
        """Partition values, and a name, for a new file."""
        values = {"p": self.random.choice(VALUES)} if self.partitioned else {}
        values |= {"q": self.random.choice(KINDS[self.second])} if self.second else {}
        name = self.random.choice(["f", "f f", "ü", "a+b", "f%", "a#b"]) + f"-{self.next_id}.parquet"
        value = values.get("p")
        folder = f"p={urllib.parse.quote(value, safe='=')}/" if value else self.random.choice(["", "", "deep/er/"])
        place = folder + name
        path = urllib.parse.quote(place, safe="/=+")
        if self.one_in(12) and "%" not in place and "#" not in place:
            path = place  # not encoded, as some writers do
        if self.second == "long" and values["q"] and self.one_in(12):
            values["q"] = int(values["q"])
        for name in values:
            if values[name] == "" and self.one_in(2):
                values[name] = None
        return place, path, values

    def new_file(self, again=None):
        """A file with rows of its own; `again`: under the name, and in the partition, of one that is gone."""
        count = self.random.randint(1, 4)
        ids = list(range(self.next_id, self.next_id + count))
        self.next_id += count
        pick = lambda values: [self.random.choice(values) for _ in ids]
        exact = decimal.Context(prec=40)
        cents = pick([None, -5, 12345678901234567895, self.next_id * 1000])
        spelled_out = [None if it is None else f"{'-' if it < 0 else ''}{abs(it) // 1000}.{abs(it) % 1000:03}" for it in cents]
        rows = {"id": ids, "ends": pick(DAYS), "x": pick([*NUMBERS, float(self.next_id)]),
                "amount": [None if it is None else exact.create_decimal(it) for it in spelled_out], "d": [day.date() for day in pick(DAYS)]}
        rows |= {"n": [day.replace(tzinfo=None) for day in pick(DAYS)]} if self.ntz else {}
        inner, texts = pick([None, 1, -(2 ** 60)]), pick(TEXTS)
        columns = self.kinds()
        columns.pop("s", None)
        arrays = [pa.array(rows[name], kind) for name, kind in columns.items()]
        if self.nested:
            deep = pa.StructArray.from_arrays([pa.array(texts, pa.string())], fields=[pa.field(*each) for each in self.arrow({"c": pa.string()})])
            of_s = [pa.field(*each) for each in self.arrow({"a": pa.int64(), "b": {"c": pa.string()}})]
            arrays.append(pa.StructArray.from_arrays([pa.array(inner, pa.int64()), deep], fields=of_s))
        table = pa.Table.from_arrays(arrays, names=[name for name, _ in self.arrow(self.kinds())])
        out = io.BytesIO()
        pq.write_table(table, out)
        place, path, values = again or self.place_of()
        self.contents.setdefault(place, []).append((self.version, out.getvalue()))
        if self.nested:
            rows |= {"a": inner, "c": texts}

        def bound(name, which):
            known = [each for each in rows[name] if each is not None and not (isinstance(each, float) and math.isnan(each))]
            # No number is less than what is none, so its place in bounds is open.
            if not known or name == "x" and len(known) < len(rows[name]) - rows[name].count(None) and (which is max or self.one_in(2)):
                return None
            value = which(known, key=float) if name == "amount" else which(known)
            return value[:32] + ("\U0010ffff" if which is max and len(value) > 32 else "") if isinstance(value, str) else value

        def nest(of):
            flat = {name: of(name) for name in rows if name not in ("a", "c")}
            flat = {name: each for name, each in flat.items() if each is not None}
            if self.nested:
                a, c = of("a"), of("c")
                flat["s"] = ({} if a is None else {"a": a}) | {"b": {} if c is None else {"c": c}}
            return flat

        stats = {"numRecords": count, "minValues": nest(lambda name: bound(name, min)), "maxValues": nest(lambda name: bound(name, max)),
                 "nullCount": nest(lambda name: rows[name].count(None))}
        stats = {key: self.named(each) for key, each in stats.items()}
        action = {"path": path, "partitionValues": self.named(values), "size": len(out.getvalue()),
                  "modificationTime": self.time, "dataChange": True}
        if self.one_in(8):
            action["tags"] = {"KEEP": "me", "é": None}
        return action, stats, count, place

    def text(self, stats):
        if stats is None:
            return None
        amounts = {}

        def plain(value):
            if isinstance(value, dict):
                return {key: plain(each) for key, each in value.items()}
            if isinstance(value, (dt.date, float)):
                return spelled(value)
            if type(value).__name__ == "Decimal":
                amounts[f"@{len(amounts)}@"] = str(value)
                return list(amounts)[-1]
            return value

        text = json.dumps(plain(stats))
        for mark, number in amounts.items():
            text = text.replace(f'"{mark}"', number)
        assert "NaN" not in text, text
        return text

    def with_stats(self, action, stats):
        """The action as a commit spells it."""
        action = dict(action)
        if stats is not None:
            action["stats"] = self.text(stats)
        return action

    def vector_of(self, rows):
        data = bitmap(rows)
        if self.one_in(2):
            return {"storageType": "i", "pathOrInlineDv": z85(data), "sizeInBytes": len(data), "cardinality": len(rows)}
        name = uuid.UUID(int=self.random.getrandbits(128))
        (self.folder / f"deletion_vector_{name}.bin").write_bytes(
            b"\x01" + struct.pack(">I", len(data)) + data + struct.pack(">I", zlib.crc32(data)))
        return {"storageType": "u", "pathOrInlineDv": z85(name.bytes), "offset": 1, "sizeInBytes": len(data), "cardinality": len(rows)}

    @staticmethod
    def key(action):
        vector = action.get("deletionVector")
        return action["path"], vector and (vector["storageType"], vector["pathOrInlineDv"], vector.get("offset"))

    def removal(self, action, change=True):
        removed = {"path": action["path"], "deletionTimestamp": self.time, "dataChange": change}
        if self.one_in(2):
            removed |= {"extendedFileMetadata": True, "partitionValues": action["partitionValues"], "size": action["size"]}
        if "deletionVector" in action:
            removed["deletionVector"] = action["deletionVector"]
        return {"remove": removed}

    def changes(self):
        """Random file actions of one commit; no file twice, as the protocol asks."""
        actions, touched = [], set()
        change = not self.one_in(5)

        def put(action, stats, count):
            action = {**action, "dataChange": change}
            self.live[self.key(action)] = (action, stats, count)
            self.gone.pop(self.key(action), None)
            touched.add(self.key(action))
            actions.append({"add": self.with_stats(action, stats)})

        def take(key):
            action, stats, count = self.live.pop(key)
            self.gone[key] = (self.removal(action, change)["remove"], action, stats, count)
            touched.add(key)
            actions.append({"remove": self.gone[key][0]})

        def free():
            """Files that are gone, and whose names are."""
            taken = {path for path, _ in self.live} | {path for path, _ in touched}
            return [key for key in self.gone if key[0] not in taken]

        for _ in range(self.random.randint(0, 4)):
            kind = self.random.choice(["new", "new", "new", "take", "again", "reused", "over", "vector", "spelled"])
            standing = [key for key in self.live if key not in touched]
            if kind == "new" or not standing:
                action, stats, count, place = self.new_file()
                self.places[action["path"]] = place
                put(action, None if self.one_in(10) else stats, count)
            elif kind == "take":
                take(self.random.choice(standing))
            elif kind == "again":
                ways = [key for key in free() if key not in self.stale]
                if ways:
                    _, action, stats, count = self.gone[self.random.choice(ways)]
                    put(action, stats, count)
            elif kind == "reused":
                ways = [key for key in free() if key[1] is None and key[0] in self.places]
                if ways:
                    path, old = self.random.choice(ways)[0], self.gone
                    self.stale |= {key for key in old if key[0] == path}
                    was = old[path, None][1]
                    values = {name: was["partitionValues"][self.physical.get(name, name)] for name in ("p", "q")
                              if self.physical.get(name, name) in was["partitionValues"]}
                    action, stats, count, _ = self.new_file((self.places[path], path, values))
                    self.odd.append(f"v{self.version} gives {path} again")
                    put(action, stats, count)
                    self.stale.discard((path, None))
            elif kind == "over":
                action, stats, count = self.live[self.random.choice(standing)]
                wider = None if stats is None or self.one_in(3) else {"numRecords": count, "tightBounds": False}
                if "deletionVector" in action and wider is None:
                    wider = {"numRecords": count}
                put(action, wider, count)
            elif kind == "vector" and self.vectors:
                key = self.random.choice(standing)
                action, known, count = self.live[key]
                take(key)
                stats = {**(known or {}), "numRecords": count, "tightBounds": False}
                rows = sorted(self.random.sample(range(count), self.random.randint(1, count)))
                other = {**{k: v for k, v in action.items() if k != "deletionVector"}, "deletionVector": self.vector_of(rows)}
                if self.key(other) == key:
                    # An inline vector of the same rows is the same file, which no commit may both remove and add.
                    actions.pop()
                    self.live[key] = (action, known, count)
                    del self.gone[key]
                    continue
                put(other, stats, count)
            elif kind == "spelled":
                action = self.live[self.random.choice(standing)][0]
                other = urllib.parse.unquote(action["path"])
                if other != action["path"] and not any(path == other for path, _ in self.live):
                    actions.append(self.removal({**action, "path": other}))
                    self.odd.append(f"v{self.version} removes {other}")
        self.random.shuffle(actions)
        return actions

    def commit(self):
        self.version += 1
        self.time += self.random.randint(1, 3_600_000)
        upgraded = self.version == self.upgrade and not self.wanted <= self.features
        if upgraded:
            self.features |= self.wanted
            self.on()
        own = {"inCommitTimestamp": self.time} if "inCommitTimestamp" in self.features else {}
        head = [{"commitInfo": {**own, "timestamp": self.time, "operation": self.random.choice(["WRITE", "MERGE", "DELETE", "OPTIMIZE"]), "operationParameters": {}}}]
        if self.version == 0 or upgraded:
            head += [{"protocol": self.protocol()}, {"metaData": self.metadata()}]
        elif self.one_in(8):
            self.properties["made.at"] = str(self.version)
            head.append({"metaData": self.metadata()})
        if self.one_in(5):
            self.txns["app"] = {"appId": "app", "version": self.version, "lastUpdated": self.time}
            head.append({"txn": self.txns["app"]})
        if self.version and self.protocol()["minWriterVersion"] == 7 and self.one_in(5):
            removed = "its.domain" in self.domains and self.one_in(2)
            domain = {"domain": "its.domain", "configuration": json.dumps({"v": self.version}), "removed": removed}
            self.domains.pop("its.domain", None) if removed else self.domains.update({"its.domain": domain})
            head.append({"domainMetadata": domain})
        actions = self.changes()
        lines = [json.dumps(action, ensure_ascii=self.one_in(2)) for action in [*head, *actions]]
        at = self.log / f"{self.version:020}.json"
        at.write_text("\n".join(lines) + ("" if self.one_in(4) else "\n"), encoding="utf-8")
        # Where commits have times of their own, those of their files tell nothing.
        shown = self.random.randint(BEGIN, self.time) if own and self.one_in(2) else self.time
        os.utime(at, ns=(shown * 1_000_000,) * 2)
        return [*head[1:], *actions]

    def rows_of_checkpoint(self, form):
        rows = [{"protocol": self.protocol()}, {"metaData": self.metadata()}]
        rows += [{"txn": txn} for txn in self.txns.values()] + [{"domainMetadata": domain} for domain in self.domains.values()]
        def as_texts(fact):
            """Partition values as a checkpoint has them, whose column is a map of texts."""
            values = fact.get("partitionValues")
            return {**fact, "partitionValues": {name: value if value is None else str(value) for name, value in values.items()}} if values else fact

        files = []
        for action, stats, _ in self.live.values():
            add = as_texts({**action, "dataChange": False})
            if stats is not None and form in ("text", "both"):
                add["stats"] = self.text(stats)
            if stats is not None and form in ("struct", "both"):
                add["stats_parsed"] = stats
            files.append({"add": add})
        for removed, *_ in self.gone.values():
            if not self.one_in(3):
                files.append({"remove": as_texts({**removed, "dataChange": False})})
        if self.live and self.one_in(4):
            action = self.random.choice(list(self.live.values()))[0]
            files.append({"remove": as_texts(self.removal(action, False)["remove"])})
            self.odd.append(f"the checkpoint of v{self.version} holds a tombstone of a live file")
        self.random.shuffle(files)
        return rows, files

    def schema(self, form):
        strings, texts = pa.map_(pa.string(), pa.string()), pa.list_(pa.string())
        vector = pa.struct([("storageType", pa.string()), ("pathOrInlineDv", pa.string()), ("offset", pa.int32()), ("sizeInBytes", pa.int32()), ("cardinality", pa.int64())])
        add = [("path", pa.string()), ("partitionValues", strings), ("size", pa.int64()), ("modificationTime", pa.int64()),
               ("dataChange", pa.bool_()), ("tags", strings), ("deletionVector", vector)]
        if form in ("text", "both"):
            add.append(("stats", pa.string()))
        if form in ("struct", "both"):
            bounds, nulls = pa.struct(self.arrow(self.kinds())), pa.struct(self.arrow(self.kinds(lambda _: pa.int64())))
            add.append(("stats_parsed", pa.struct([("numRecords", pa.int64()), ("minValues", bounds), ("maxValues", bounds), ("nullCount", nulls), ("tightBounds", pa.bool_())])))
        remove = [("path", pa.string()), ("deletionTimestamp", pa.int64()), ("dataChange", pa.bool_()), ("extendedFileMetadata", pa.bool_()),
                  ("partitionValues", strings), ("size", pa.int64()), ("deletionVector", vector)]
        return pa.schema([
            ("protocol", pa.struct([("minReaderVersion", pa.int32()), ("minWriterVersion", pa.int32()), ("readerFeatures", texts), ("writerFeatures", texts)])),
            ("metaData", pa.struct([("id", pa.string()), ("format", pa.struct([("provider", pa.string()), ("options", strings)])), ("schemaString", pa.string()),
                                    ("partitionColumns", texts), ("configuration", strings), ("createdTime", pa.int64())])),
            ("txn", pa.struct([("appId", pa.string()), ("version", pa.int64()), ("lastUpdated", pa.int64())])),
            ("domainMetadata", pa.struct([("domain", pa.string()), ("configuration", pa.string()), ("removed", pa.bool_())])),
            ("add", pa.struct(add)), ("remove", pa.struct(remove)),
            ("sidecar", pa.struct([("path", pa.string()), ("sizeInBytes", pa.int64()), ("modificationTime", pa.int64())])),
            ("checkpointMetadata", pa.struct([("version", pa.int64())]))])

    def write(self, at, rows, form, codec, int96):
        def maps(value, name=""):
            if name in ("partitionValues", "tags", "configuration", "options"):
                return list(value.items()) if isinstance(value, dict) else value
            return {key: maps(each, key) for key, each in value.items()} if isinstance(value, dict) else value
        table = pa.Table.from_pylist([maps(row) for row in rows], schema=self.schema(form))
        pq.write_table(table, at, compression=codec, use_deprecated_int96_timestamps=int96)

    def checkpoint(self):
        # Which is the last thing done at this version.
        form = self.random.choice(["text", "struct", "both", "both"])
        # Times without a zone are never INT96.
        codec, int96 = self.random.choice(ALL_CODECS), self.one_in(2) and not self.ntz
        heads, files = self.rows_of_checkpoint(form)
        name = f"{self.version:020}.checkpoint"
        kind = self.random.choice(["classic", "parts", "v2", "v2 json"]) if self.v2 else self.random.choice(["classic", "parts"])
        if kind == "classic":
            rows = [*heads, *files]
            self.random.shuffle(rows)
            self.write(self.log / f"{name}.parquet", rows, form, codec, int96)
        elif kind == "parts":
            parts = self.random.randint(1, 3)
            of = [[] for _ in range(parts)]
            for row in [*heads, *files]:
                self.random.choice(of).append(row)
            for number, rows in enumerate(of, 1):
                self.write(self.log / f"{name}.{number:010}.{parts:010}.parquet", rows, form, codec, int96)
        else:
            (self.log / "_sidecars").mkdir(exist_ok=True)
            parts = [files[at::2] for at in range(2)] if self.one_in(2) else [files]
            heads = [{"checkpointMetadata": {"version": self.version}}, *heads]
            for rows in parts:
                sidecar = f"{uuid.UUID(int=self.random.getrandbits(128))}.parquet"
                self.write(self.log / "_sidecars" / sidecar, rows, form, codec, int96)
                size = (self.log / "_sidecars" / sidecar).stat().st_size
                heads.append({"sidecar": {"path": sidecar, "sizeInBytes": size, "modificationTime": self.time}})
            whole = uuid.UUID(int=self.random.getrandbits(128))
            if kind == "v2":
                self.write(self.log / f"{name}.{whole}.parquet", heads, form, codec, int96)
            else:
                (self.log / f"{name}.{whole}.json").write_text("\n".join(json.dumps(row) for row in heads) + "\n")
        self.checkpoints.append(self.version)
        return f"{kind} {form} {codec}{' int96' if int96 else ''}"

    def compact(self, commits):
        """A compaction of all commits so far: what a reader may read instead."""
        last = {}
        for actions in commits:
            for action in actions:
                (kind, fact), = action.items()
                name = {"add": "file", "remove": "file"}.get(kind, kind)
                key = self.key(fact) if name == "file" else fact.get("appId") or fact.get("domain")
                last[name, key] = action
        (self.log / f"{0:020}.{self.version:020}.compacted.json").write_text("\n".join(map(json.dumps, last.values())) + "\n")

    def make(self):
        about, commits, middle = [], [], None
        for _ in range(self.random.randint(2, 9)):
            commits.append(self.commit())
            if self.one_in(3):
                about.append(f"v{self.version} {self.checkpoint()}")
            if self.one_in(12) and self.version:
                self.compact(commits)
                about.append(f"compacted to v{self.version}")
        hint = self.random.choice([*["right"] * 6, "none", "none", "old", "garbage", "garbage", "beyond"])
        if self.checkpoints:
            told = {"right": self.checkpoints[-1], "old": self.checkpoints[0]}
            if hint in told:
                parts = len([*self.log.glob(f"{told[hint]:020}.checkpoint.0*.parquet")])
                (self.log / "_last_checkpoint").write_text(json.dumps({"version": told[hint], "size": 1, **({"parts": parts} if parts else {})}))
        if hint == "garbage":
            (self.log / "_last_checkpoint").write_text("{ no JSON")
        if hint == "beyond":
            (self.log / "_last_checkpoint").write_text(json.dumps({"version": self.version + 7, "size": 1}))
        oldest = 0
        if self.checkpoints and self.one_in(2):
            oldest = self.random.choice(self.checkpoints)
            also = oldest == self.version or self.one_in(2)
            for version in range(oldest + (1 if also and self.one_in(3) else 0)):
                (self.log / f"{version:020}.json").unlink()
            for stale in [*self.log.glob("*.compacted.json")]:
                stale.unlink()
            if hint == "old":
                (self.log / "_last_checkpoint").unlink(missing_ok=True)
        middle = self.random.randint(oldest, self.version)
        earlier = {}
        for place, written in self.contents.items():
            at = self.folder / place
            at.parent.mkdir(parents=True, exist_ok=True)
            at.write_bytes(written[-1][1])
            before = [data for version, data in written if version <= middle]
            if before and before[-1] != written[-1][1]:
                earlier[place] = before[-1]
        if earlier:
            shutil.copytree(self.folder, self.folder.parent / "earlier")
        for place, data in earlier.items():
            (self.folder.parent / "earlier" / place).write_bytes(data)
        return {"newest": self.version, "middle": middle, "hint": hint, "about": about, "odd": self.odd,
                "files": len(self.live), "rows": self.rows(), "oldest": oldest}

    def rows(self):
        total = 0
        for action, stats, count in self.live.values():
            total += count - action.get("deletionVector", {}).get("cardinality", 0)
        return total


# Of NaN, which engines take for the greatest, no statistics tell: whether a row of it is found is chance.
FILTERS = ["true"] + [f"ends >= TIMESTAMP '{day:%Y}-01-01 00:00:00'".replace("'1-", "'0001-") for day in (dt.datetime(2025, 1, 1), dt.datetime(1900, 1, 1))] \
    + ["x < 0", "x > 1e308 and x <= CAST('Infinity' AS DOUBLE)", "amount > 1000000", "d > DATE '2100-01-01'"]


def with_deltalake(path, version):
    from deltalake import DeltaTable, QueryBuilder

    asked = QueryBuilder().register("t", DeltaTable(str(path), version=version))
    return [answer(asked.execute(f"select id from t where {each}")) for each in FILTERS]


def with_duckdb(path, version, connection=[]):
    if not connection:
        import duckdb
        import duckdb_extension_delta

        extension = glob.glob(os.path.dirname(duckdb_extension_delta.__file__) + "/extensions/*/delta.duckdb_extension")[0]
        connection.append(duckdb.connect())
        connection[0].execute(f"LOAD '{extension}'; SET TimeZone='UTC'")
    at = "" if version is None else f", version={version}"
    return [answer(connection[0].execute(f"select id from delta_scan(?{at}) where {each}", [str(path)]).to_arrow_table()) for each in FILTERS]


def answer(batches):
    rows = pa.table(batches.read_all() if hasattr(batches, "read_all") else batches)
    return sorted(rows.column("id").to_pylist())


def ask(reader, path, version):
    try:
        return reader(path, version)
    except BaseException as refusal:  # a panic of a reader is its refusal
        if isinstance(refusal, KeyboardInterrupt):
            raise
        return f"{type(refusal).__name__}: {refusal}"[:300]


def main():
    command, folder, first, count = sys.argv[1], pathlib.Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    for seed in range(first, first + count):
        at = folder / str(seed)
        if command == "make":
            made = Maker(at / "source", seed).make()
            (at / "about.json").write_text(json.dumps(made))
            continue
        if not (at / "replica").exists():
            asked = [(at / "source", None)]
        else:
            made = json.loads((at / "about.json").read_text())
            earlier = at / "earlier" if (at / "earlier").exists() else at / "source"
            asked = [(at / "source", None), (at / "replica", None), (earlier, made["middle"]), (at / "replica", 0)]
        for name, reader in (("deltalake", with_deltalake), ("duckdb", with_duckdb)):
            print(json.dumps({"seed": seed, "reader": name, "answers": [ask(reader, *each) for each in asked]}), flush=True)


if __name__ == "__main__":
    main()
