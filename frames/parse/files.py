"""Files -> tables: h2o.import_file and h2o.upload_file. (D)"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from distributed import Future

from frames.chunks.column import Column
from frames.cluster import registry, session
from frames.cluster.memory import block_bytes
from frames.cluster.sending import budget_of, client_of, gather, resident, send, submit, submit_all, threads_of
from frames.columns import kinds
from frames.columns.block import Block
from frames.columns.dictionary import Verdict
from frames.exceptions import FrameError, H2OTypeError, H2OValueError
from frames.parse import number_block, parquet, ranges, reread
from frames.parse.arff import is_arff, plan_arff
from frames.parse.bar import bar
from frames.parse.block import read_bytes, read_range, read_stream
from frames.parse.declare import declare, numbers, spoken_names, verdicts
from frames.parse.guess import Setup, Wishes
from frames.parse.several import FirstRow, plan_files
from frames.parse.source import Source, inspect, list_paths
from frames.parse.svmlight import is_svmlight
from frames.parse.whole import Declarations, table_from_whole
from frames.table.assemble import Pending, assemble, collect
from frames.table.table import Named, Table

Progress = Callable[[int, int], None]
STORAGES = ("memory", "disk", "source")


def import_file(
    path: str | os.PathLike | Sequence[str | os.PathLike] | None = None,
    destination_frame: str | None = None,
    parse: bool = True,
    header: int = 0,
    sep: str | None = None,
    col_names: Sequence[str] | None = None,
    col_types: Sequence[str | None] | Mapping[str, str] | None = None,
    na_strings: Any = None,
    pattern: str | None = None,
    skipped_columns: Sequence[int] | None = None,
    force_col_types: bool = False,
    custom_non_data_line_markers: str | None = None,
    partition_by: Any = None,
    quotechar: str | None = None,
    escapechar: str | None = None,
    progress: Progress | None = None,
    storage: str = "memory",
) -> Named | list[str]:
    """Read CSV, Parquet, ARFF, SVMLight or Excel files into a frame on the cluster.

    path               file, folder, glob, URL that fsspec opens, or a list of these; every worker must be able to read
                       them. .gz, .zip (also of several files), .bz2 and .xz are unpacked while they are read. Excel
                       (the first sheet) and SVMLight files are read in this process.
    destination_frame  the frame's key; default `<file stem>.hex`
    parse              False: only return the list of files, which `import_file` takes again
    header             1: the first row names the columns, -1: it does not, 0: guess. Several files have one header, in
                       all of them or in the first
    sep                one character; default: guess of tab , ; | ^A and space
    col_names, col_types, na_strings, skipped_columns   see `frames.parse.declare.declare`
    pattern            regular expression that names of files must contain
    force_col_types    accepted for H2O's sake: given types are always binding here
    custom_non_data_line_markers   lines that start with one of these characters are left out everywhere (by default
                       only lines starting with # at the top of a file)
    quotechar, escapechar   one character each
    storage            "memory": rows are kept compressed in the workers' memory, and on their disks beyond half of it;
                       "disk": on the workers' disks from the first; "source" (Parquet): nowhere, each pass over the
                       frame reads the file again, which must stay as it is. New columns and frames are in memory
    progress           called with (bytes done, bytes in all) as ranges are read; in place of the progress bar

    Types are guessed from the first 256 KiB and checked on every row: a column that turns out to hold words is read
    again as text, and is then what more than half of its cells are; what does not fit is missing, with a warning. Empty
    fields are missing; in columns of numbers and times also NA, nan, NaN, null, NULL, N/A. Text columns are enum, or
    string where there are more than 100 distinct values and they are more than 95% of the rows. All rules, with
    examples: docs/data.md.

    Raises FrameError (an H2OValueError) for files that do not exist, are empty, binary, damaged, or ragged (with the
    number of the line), and for files whose headers differ (with both).

    Example: ``frame = import_file("prostate.csv")``.
    """
    if partition_by is not None:
        raise H2OValueError(
            f"partition_by must be left out: columns in names of folders are not read; got {partition_by!r}."
        )
    if path is None:
        raise H2OTypeError("path must be a path, a URL or a list of them; got None.")
    if not parse:
        return list_paths(path, pattern)
    wishes = Wishes(header, sep, quotechar or '"', escapechar, custom_non_data_line_markers)
    return read_files(
        path,
        destination_frame,
        wishes,
        pattern=pattern,
        declarations=(col_names, col_types, na_strings, skipped_columns),
        force_col_types=force_col_types,
        progress=progress,
        storage=storage,
    )


def upload_file(
    path: str | os.PathLike | None = None,
    destination_frame: str | None = None,
    header: int = 0,
    sep: str | None = None,
    col_names: Sequence[str] | None = None,
    col_types: Sequence[str | None] | Mapping[str, str] | None = None,
    na_strings: Any = None,
    skipped_columns: Sequence[int] | None = None,
    force_col_types: bool = False,
    quotechar: str | None = None,
    escapechar: str | None = None,
) -> Named:
    """Read a file that this process can read and the workers may not; the arguments are those of `import_file`.

    With the embedded cluster both are the same. On another cluster the file is read here and its rows are sent to the
    workers: such rows cannot be read again when a worker that holds them is lost.
    """
    return read_files(
        path,
        destination_frame,
        Wishes(header, sep, quotechar or '"', escapechar),
        declarations=(col_names, col_types, na_strings, skipped_columns),
        force_col_types=force_col_types,
        upload=not session.is_embedded(),
    )


def read_files(
    path: Any,
    destination_frame: str | None,
    wishes: Wishes,
    declarations: Declarations,
    force_col_types: bool,
    pattern: str | None = None,
    progress: Progress | None = None,
    upload: bool = False,
    storage: str = "memory",
) -> Named:
    """Read files as the user wishes; with `upload` in this process. See `import_file` for arguments and errors."""
    if not isinstance(force_col_types, bool):
        raise H2OTypeError(f"force_col_types must be True or False; got {force_col_types!r}.")
    if destination_frame is not None and (not isinstance(destination_frame, str) or not destination_frame):
        raise H2OTypeError(f"destination_frame must be a name; got {destination_frame!r}.")
    if storage not in STORAGES:
        raise H2OValueError(f"storage must be one of {', '.join(STORAGES)}; got {storage!r}.")
    sources = _sources(list_paths(path, pattern))
    key = destination_frame or registry.file_key(sources[0].stem)
    total = sum(source.size or 0 for source in sources)
    form = _told_form(sources[0])
    if storage == "source" and form != "parquet":
        raise H2OValueError(
            f'storage="source" must be asked of Parquet files, which can be read again in part; {sources[0].url} is '
            f'{form}. Give storage="disk", or write it as Parquet once: h2o.export_file(frame, "table.parquet").'
        )
    if form in ("excel", "svmlight"):
        if storage != "memory":
            raise H2OValueError(
                f'storage must be "memory" for {form} files, which are read in one piece; got {storage!r}.'
            )
        with bar(total, progress) as done:
            made = table_from_whole(form, sources, wishes, declarations)
            done(total)
        return Named(key, made)
    plan = _planned(form, sources, wishes, declarations, upload)
    with bar(total, progress) as done:
        return Named(key, _read(plan, done, storage))


def look(paths: Sequence[str], wishes: Wishes, declarations: Declarations) -> tuple[str, str, Setup, dict[str, str]]:
    """Return how files would be read: their form, the frame's key, the setup, and the types of the first rows.

    Excel and SVMLight files are read whole for that. Raises the errors of `import_file`.
    """
    sources = _sources(list_paths(paths, None))
    form, key = _told_form(sources[0]), registry.file_key(sources[0].stem)
    if form in ("excel", "svmlight"):
        made = table_from_whole(form, sources, wishes, declarations)
        every = range(len(made.names))
        setup = Setup(
            sep=",",
            header=None if wishes.header == -1 else tuple(made.names),
            names=tuple(made.names),
            texts=frozenset(),
            forced={},
            kept=tuple(every),
            missing=(frozenset(),) * len(every),
        )
        return form, key, setup, dict(made.types)
    plan = _planned(form, sources, wishes, declarations, upload=False)
    report = plan.first_rows().report
    while report.not_numbers:
        plan.setup = plan.setup.with_texts(report.not_numbers)
        report = plan.first_rows().report
    if report.problem:
        raise FrameError(report.problem)
    types = {column.name: column.type for column in plan.with_times(numbers(plan.setup, [report]))}
    return form, key, plan.setup, types | {name: v.type for name, v in verdicts(plan.setup, [report]).items()}


def _planned(
    form: str, sources: list[Source], wishes: Wishes, declarations: Declarations, upload: bool
) -> "_Csv | _Parquet":
    if form == "parquet":
        plan = _Parquet(sources, upload)
    elif form == "arff":
        plan = _Csv(plan_arff(sources, wishes), upload)
    else:
        plan = _Csv(plan_files(sources, wishes, declarations[0] is not None, spoken_names(*declarations)), upload)
    plan.setup = declare(plan.setup, *declarations)
    return plan


def _told_form(source: Source) -> str:
    """Return the form of a file: that of its name, or what it begins with."""
    if source.form != "csv":
        return source.form
    head = source.head(2**16)
    return "arff" if is_arff(head) else "svmlight" if is_svmlight(head) else "csv"


def _sources(urls: list[str]) -> list[Source]:
    """Return the files that hold something; all of one form."""
    files = [source for url in urls for source in inspect(url).members()]
    sources = [source for source in files if source.size != 0]
    if not sources:
        raise FrameError(f"A file must hold at least one row; {urls[0]} is empty.")
    forms = dict.fromkeys(source.form for source in sources)
    if len(forms) > 1:
        raise FrameError(
            f"All files must have one form; got {' and '.join(forms)} among {len(sources)} files. Import them apart."
        )
    return sources


def _read(plan: "_Csv | _Parquet", done: Callable[[int], None], storage: str) -> Table:
    """Read with the plan; read again where the rows contradict it."""
    disk, source = storage == "disk", storage == "source"
    while True:
        is_text = [i in plan.setup.texts for i in plan.setup.kept]
        parts, reports = collect(plan.tasks(source), done, not all(is_text), any(is_text), disk=disk)
        if any(report.unsafe for report in reports):
            plan.cut_exactly()
            continue
        wrong = {i for report in reports for i in report.not_numbers}
        if not wrong:
            break
        plan.setup = plan.setup.with_texts(sorted(wrong))
    texts = verdicts(plan.setup, reports)
    order = [plan.setup.names[i] for i in plan.setup.kept]
    kinds.warn({name: (v.type, v.given_up) for name, v in texts.items() if v.given_up}, "col_types")
    columns = plan.with_times(numbers(plan.setup, reports))
    packer = plan.reread_texts if source and isinstance(plan, _Parquet) else None
    return assemble(parts, reports, columns, texts, order=order, disk=disk, packer=packer)


class _Csv:
    """The plan of reading CSV files: their setup and the ranges of each.

    With `upload` the bytes are read in this process and sent to the workers.
    """

    def __init__(self, files: tuple[Setup, list[FirstRow]], upload: bool) -> None:
        self.setup, self.starts = files
        self.upload = upload
        self.exact: dict[Source, list[ranges.ByteRange]] = {}

    def tasks(self, again: bool = False) -> list[Pending]:
        """Return the tasks that read the files, in the order of these; they cannot be read `again` in part."""
        if self.upload:
            return list(self._uploads())
        setup = self.setup
        if session.is_embedded() and number_block.suits(sum(source.size or 0 for source, _ in self.starts), setup):
            number_block.load()
        tasks: list[Pending] = []
        for source, start in self.starts:
            if source.ranges:
                tasks += [Pending(future) for future in submit_all(read_range, self._ranges(source, start), setup)]
            else:
                tasks += [Pending(future, many=True) for future in submit_all(read_stream, [source], start, setup)]
        return tasks

    def first_rows(self) -> Block:
        """Return the rows of the first file's beginning, read in this process."""
        source, start = self.starts[0]
        head, complete = source.sample()
        data = head[start:]
        end = None if complete else ranges.last_row_end(data, self.setup)
        return read_bytes(data[:end], 0, self.setup, source.url)

    def _ranges(self, source: Source, start: int) -> list[ranges.ByteRange]:
        if source in self.exact:
            return self.exact[source]
        client = client_of()
        workers, threads = threads_of(client)
        total = sum(s.size or 0 for s, _ in self.starts)
        size = block_bytes(budget_of(client), ranges.SHARE, ranges.LEAST_BYTES, ranges.RANGE_BYTES)
        count = ranges.count_ranges(total, threads, workers, size)
        return ranges.plan(source, start, -(-(source.size or 0) * count // total))

    def _uploads(self) -> Iterator[Pending]:
        setup = resident(self.setup, everywhere=True)
        for source, start in self.starts:
            lines = source.head(start).count(b"\n") if start else 0
            for data in ranges.row_blocks(source, start, self.setup):
                yield Pending(submit(read_bytes, *send([data]), lines, setup, source.url))
                lines += data.count(b"\n")

    def cut_exactly(self) -> None:
        """Find ranges that end at ends of rows, for files whose quoted fields contain line ends."""
        plain = [(source, start) for source, start in self.starts if source.ranges]
        setup = resident(self.setup, everywhere=True)
        cuts = [submit(ranges.exact_ranges, source, start, setup) for source, start in plain]
        found = gather(cuts, "Finding the ends of rows")
        self.exact = {source: ranges for (source, _), ranges in zip(plain, found, strict=True)}

    def with_times(self, numbers: list[Column]) -> list[Column]:
        """CSV files have no times among their numbers."""
        return numbers


class _Parquet:
    """The plan of reading Parquet files: packs of row groups."""

    def __init__(self, sources: list[Source], upload: bool) -> None:
        self.setup = parquet.setup_of(sources[0])
        self.names = self.setup.names
        self.times = parquet.times_of(sources[0])
        size = block_bytes(budget_of(client_of()), parquet.SHARE, parquet.LEAST_BYTES, parquet.MOST_BYTES)
        self.packs = [pack for source in sources for pack in parquet.plan(source, size)]
        self.upload = upload

    def tasks(self, again: bool = False) -> list[Pending]:
        """Return the tasks that read the files; with `again` what they give reads them again whenever it is used."""
        if again:
            return [Pending(future) for future in submit_all(reread.read, self._origins())]
        if self.upload:
            read = (parquet.read_groups(pack, self.setup, self.names) for pack in self.packs)
            return [Pending(future) for block in read for future in send([block])]
        futures = submit_all(parquet.read_groups, self.packs, self.setup, self.names)
        return [Pending(future) for future in futures]

    def _origins(self) -> list[reread.Origin]:
        return [reread.Origin(pack, self.setup, self.names) for pack in self.packs]

    def reread_texts(self, number: int, texts: Future, verdicts: tuple[Verdict, ...]) -> Future:
        """Return the chunk of the columns of text of pack `number`, read again whenever it is used."""
        return submit(reread.texts, texts, verdicts, reread.Origin(self.packs[number], self.setup, self.names))

    def first_rows(self) -> Block:
        """Return the rows of the first row groups, read in this process."""
        return parquet.read_groups(self.packs[0], self.setup, self.names)

    def cut_exactly(self) -> None:
        """Row groups are exact as they are."""

    def with_times(self, numbers: list[Column]) -> list[Column]:
        """Columns that the file declares to be dates or times have type time."""
        kept = [i for i in self.setup.kept if i not in self.setup.texts]
        return [
            column._replace(type="time") if i in self.times and i not in self.setup.forced else column
            for i, column in zip(kept, numbers, strict=True)
        ]
