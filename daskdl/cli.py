"""The command line: `daskdl train`, `predict`, `export`, `flow`, `demo`, `info`, `warm`; also below `dask`.

Every parameter of Deep Learning is an option of `daskdl train`, made from its declaration.
"""

import contextlib
import os
import platform
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import click

from daskdl.declarations.kinds import Declaration
from daskdl.declarations.reading import value_of
from daskdl.parameters import declarations, plain

# Given by options of their own, or only from Python.
NO_OPTION = ("training_frame", "validation_frame", "response_column")


class Refused(click.ClickException):
    """Bad input: one sentence, exit code 2, no traceback."""

    exit_code = 2


@contextlib.contextmanager
def _plainly() -> Iterator[None]:
    """Turn the errors users can cause into one sentence each, and warnings into lines."""
    with warnings.catch_warnings():
        warnings.simplefilter("always", RuntimeWarning)
        warnings.simplefilter("always", UserWarning)
        warnings.showwarning = lambda message, *_, **__: click.echo(f"Warning: {message}", err=True)
        try:
            yield
        except (OSError, ValueError, TypeError) as error:
            if os.environ.get("DASKDL_TRACEBACK"):
                raise
            raise Refused(str(error)) from error


@click.group(name="daskdl", context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="daskdl")
def main() -> None:
    """Deep learning on tables larger than memory."""


def _cluster_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--address", help="Dask scheduler to work on, such as tcp://host:8786; default: this process."),
        click.option(
            "--threads", type=int, default=-1, show_default=True, help="Threads of this process; -1 all cores."
        ),
        click.option("--memory", help="Memory of this process, such as 4GB; above, data go to disk."),
    ):
        command = option(command)
    return command


def _option_of(declared: Declaration) -> Callable[..., Any]:
    """Return the option of one parameter: switches for yes and no, comma-separated lists, text for the rest."""
    flag = "--" + declared.name.replace("_", "-")
    allowed = f" Allowed: {declared.constraint}." if declared.constraint else ""
    default = plain(declared.default)
    shown = ",".join(map(str, default)) if isinstance(default, list) else default
    text = f"{declared.sentence}{allowed}" + ("" if default is None else f" [default: {shown}]")
    if declared.kind.word == "bool":
        return click.option(f"{flag}/--no-{flag[2:]}", declared.name, default=None, help=text)
    metavar = {"integer": "INTEGER", "numeric": "NUMBER", "H2OEstimator": "DIR"}.get(declared.kind.word, "TEXT")
    if declared.kind.is_list:
        metavar = "A,B,..."
    if declared.name == "custom_metric_func":
        metavar, text = "FILE.py:CLASS", f"{text} A file and the class in it."
    return click.option(flag, declared.name, default=None, metavar=metavar, help=text)


def _parameter_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for declared in reversed(list(declarations().values())):
        if declared.name not in NO_OPTION:
            command = _option_of(declared)(command)
    return command


def _value(declared: Declaration, text: Any) -> Any:
    """Read an option's text as the parameter's type; what cannot be read is refused by the declaration itself."""
    word = declared.kind.word
    if word == "H2OEstimator":
        from daskdl.door.models import load_model

        return load_model(text)
    if word == "list(H2OFrame)":
        return [None if part.strip() in ("", "-") else _import(part.strip(), {}) for part in text.split(",")]
    if declared.name == "custom_metric_func":
        return _metric(text)
    return text if isinstance(text, bool) else value_of(declared, text)


def _metric(text: str) -> str:
    from daskdl.door.custom_metric import upload_custom_metric

    file, _, name = text.rpartition(":")
    if not file:
        raise click.UsageError(f"--custom-metric-func must be FILE.py:CLASS; got {text}.")
    return upload_custom_metric(Path(file).read_text(encoding="utf-8"), Path(file).name, name, name)


def _import(path: str, types: dict[str, str], **options: Any) -> Any:
    import daskdl

    return daskdl.import_file(path, col_types=types or None, **options)


def _start(address: str | None, threads: int, memory: str | None) -> None:
    import daskdl

    daskdl.init(address=address, nthreads=threads, max_mem_size=memory, verbose=False)


@main.command()
@click.option(
    "--training-frame", required=True, metavar="FILE", help="Rows to learn from: file, folder, pattern or URL."
)
@click.option("--validation-frame", metavar="FILE", help="Rows to score and stop on.")
@click.option("--response", metavar="COLUMN", help="Column to predict (not for --autoencoder).")
@click.option(
    "--response-type",
    type=click.Choice(["auto", "enum", "numeric"]),
    default="auto",
    show_default=True,
    help="enum trains a classifier, numeric a regression; auto takes the column as it was read.",
)
@click.option("--x", metavar="A,B,...", help="Predictors; default: every column without another role.")
@click.option("--header", type=click.IntRange(-1, 1), default=0, help="First line: 1 names, -1 data, 0 guess.")
@click.option("--sep", help="Separator of columns; default: guess.")
@click.option("--model-out", metavar="DIR", help="Folder to save the model in, under its name.")
@click.option("--force", is_flag=True, help="Replace a saved model of the same name.")
@click.option("--verbose", is_flag=True, help="Print every scoring as it happens, and the full report at the end.")
@_cluster_options
@_parameter_options
def train(
    training_frame: str,
    validation_frame: str | None,
    response: str | None,
    response_type: str,
    x: str | None,
    header: int,
    sep: str | None,
    model_out: str | None,
    force: bool,
    verbose: bool,
    address: str | None,
    threads: int,
    memory: str | None,
    **parameters: Any,
) -> None:
    """Train a network on a table and say how good it is."""
    with _plainly():
        autoencoder = bool(parameters.get("autoencoder"))
        if response is None and not autoencoder:
            raise click.UsageError("Missing option '--response' (or train without a response: --autoencoder).")
        _start(address, threads, memory)
        from daskdl.estimators import H2OAutoEncoderEstimator, H2ODeepLearningEstimator

        given = {name: _value(declarations()[name], text) for name, text in parameters.items() if text is not None}
        estimator = (H2OAutoEncoderEstimator if autoencoder else H2ODeepLearningEstimator)(**given)
        frames = []
        for path in (training_frame, validation_frame):
            frame = None if path is None else _import(path, {}, header=header, sep=sep)
            frames.append(frame if frame is None or autoencoder else _typed(frame, response, response_type))
        predictors = None if x is None else [name.strip() for name in x.split(",")]
        estimator.train(x=predictors, y=response, training_frame=frames[0], validation_frame=frames[1], verbose=verbose)
        _report(estimator, verbose, frames[1] is not None)
        _save(estimator, model_out, force)


def _typed(frame: Any, response: str | None, response_type: str) -> Any:
    """Give the response the wanted type; an unknown column is left for train() to refuse."""
    if response_type == "auto" or response not in frame.names:
        return frame
    column = frame[response]
    frame[response] = column.asfactor() if response_type == "enum" else column.asnumeric()
    return frame


def _report(estimator: Any, verbose: bool, validated: bool) -> None:
    """Print what a user wants to know first; with verbose everything."""
    if verbose:
        click.echo(str(estimator))
        return
    click.echo(estimator.summary().to_str())
    metrics = estimator.model_performance(valid=validated, train=not validated)
    click.echo(f"\n{metrics}")


def _save(estimator: Any, folder: str | None, force: bool) -> None:
    if folder is None:
        click.echo("\nThe model was not saved: --model-out DIR saves it.")
        return
    import daskdl

    click.echo(f"\nModel saved: {daskdl.save_model(estimator, folder, force=force)}")


@main.command()
@click.option("--model", "model_dir", required=True, metavar="DIR", help="Saved model.")
@click.option("--frame", required=True, metavar="FILE", help="Rows to predict: file, folder, pattern or URL.")
@click.option("--out", required=True, metavar="FILE", help="File to write: .csv or .parquet.")
@click.option("--force", is_flag=True, help="Replace the file if it exists.")
@click.option("--header", type=click.IntRange(-1, 1), default=0, help="First line: 1 names, -1 data, 0 guess.")
@click.option("--sep", help="Separator of columns; default: guess.")
@_cluster_options
def predict(
    model_dir: str,
    frame: str,
    out: str,
    force: bool,
    header: int,
    sep: str | None,
    address: str | None,
    threads: int,
    memory: str | None,
) -> None:
    """Predict every row of a table with a saved model."""
    with _plainly():
        if Path(out).exists() and not force:
            raise Refused(f"File already exists: {out}. Give another name, or --force.")
        _start(address, threads, memory)
        import daskdl
        from daskdl.door.scored_file import read_for

        model = daskdl.load_model(model_dir)
        rows = read_for(model.model, frame, header, sep)
        predictions = model.predict(rows)
        daskdl.export_file(predictions, out, force=force)
        click.echo(f"{predictions.nrow} predictions written: {out}")
        if model.model.response in rows.names:
            click.echo(f"\n{model.model_performance(rows)}")


@main.command()
@click.option("--model", "model_dir", required=True, metavar="DIR", help="Saved model.")
@click.option("--to", required=True, metavar="TARGET", help="Form: java, numpy, onnx, mojo, mlflow or card.")
@click.option("--out", required=True, metavar="PATH", help="File, or folder for a file named after the model.")
@click.option("--force", is_flag=True, help="Replace the file if it exists.")
@click.option("--package", help="Package of the Java class, such as com.acme.models.")
@click.option("--class-name", help="Name of the Java class; default: the file's, or the model's.")
def export(model_dir: str, to: str, out: str, force: bool, package: str | None, class_name: str | None) -> None:
    """Write a saved model as Java, ONNX graph, Python file, H2O MOJO, MLflow model or model card; starts no cluster."""
    with _plainly():
        from daskdl.export.write import write_model
        from daskdl.model import checkpoint

        if "://" not in model_dir and not Path(model_dir).exists():
            raise Refused(f"--model must be a folder that holds a saved model; there is no {model_dir}.")
        written = write_model(checkpoint.load(model_dir), to, out, force, package=package, class_name=class_name)
        click.echo(f"Model written: {written}")


@main.command()
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port of this machine; default: a free one.")
@click.option("--browser/--no-browser", default=True, help="Open a browser, or only print the address.")
@_cluster_options
def flow(port: int, browser: bool, address: str | None, threads: int, memory: str | None) -> None:
    """Serve daskdl Flow: frames, models, grids and jobs in a browser of this machine; Ctrl-C ends it."""
    with _plainly():
        _start(address, threads, memory)
        from daskdl.web.server import flow as serve

        served = serve(port, browser)
        with contextlib.suppress(KeyboardInterrupt):  # that is how it is ended
            served.wait()
        served.close()


@main.command()
@click.option("--out", default="demo-output", show_default=True, metavar="DIR", help="Folder for the files it makes.")
@click.option("--step", is_flag=True, help="Wait for Enter between the steps.")
def demo(out: str, step: bool) -> None:
    """Show the whole job on real data: import, train, judge, explain, save, load, and odd heartbeats."""
    with _plainly():
        from daskdl.door.demonstration import demo as run

        run(folder=out, interactive=step)


@main.command()
@_cluster_options
def info(address: str | None, threads: int, memory: str | None) -> None:
    """Show versions, the machine, and the cluster that would be used."""
    with _plainly():
        _start(address, threads, memory)
        import daskdl

        daskdl.cluster().show_status(detailed=address is not None)
        for name in ("distributed", "pandas", "pyarrow", "zarr", "numcodecs"):
            click.echo(f"{name} {metadata.version(name)}")
        click.echo(f"{platform.platform()}, {sys.executable}")


@main.command()
@click.option("--all", "everything", is_flag=True, help="Every combination there is, not just the usual ones; minutes.")
def warm(everything: bool) -> None:
    """Compile kernels now, so that no later start has to (once per machine; for images, in the build)."""
    with _plainly():
        started = time.perf_counter()
        from daskdl.training.compile_ahead import warm as compile_all

        compiled = compile_all(lambda name: click.echo(f"  {name}"), everything)
        click.echo(f"{compiled} kernels compiled, the rest was ready; {time.perf_counter() - started:.1f} s.")


if __name__ == "__main__":
    main()
