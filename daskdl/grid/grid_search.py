"""H2OGridSearch: many models at once, under h2o-py's names."""

from __future__ import annotations

import copy
import itertools
import os
import time
from collections.abc import Callable, Mapping
from typing import Any

from daskdl.estimators.base import H2OEstimator
from daskdl.estimators.deeplearning import H2ODeepLearningEstimator
from daskdl.estimators.job import H2OJob
from daskdl.estimators.progress import ModelProgress
from daskdl.grid.accessors import GridAccessors
from daskdl.grid.record import Record, recovery_folder, task_of
from daskdl.grid.results import Results
from daskdl.grid.search import Search, Task
from daskdl.grid.space import Criteria, Space
from daskdl.grid.views import NOTHING, GridViews, failures_of
from daskdl.model.kept_frames import on_cluster
from daskdl.model.model import Model
from daskdl.parameters import declarations
from daskdl.shell.cluster import Cluster
from frames.cluster import progress_bars, registry
from frames.exceptions import H2OResponseError, H2OTypeError, H2OValueError
from frames.frame import H2OFrame

TITLE = "deeplearning Grid Build progress"
CANCELLED = "The grid search was cancelled before its first model was finished."

_numbers = itertools.count(1)


class H2OGridSearch(GridAccessors, GridViews):
    """Models for combinations of hyper-parameters, ranked by a metric.

    model            an estimator class, or an instance whose parameters all models share
    hyper_params     dict parameter -> list of values
    grid_id          name of the grid; made up if not given
    search_criteria  dict: strategy "Cartesian" (every combination, the default) or "RandomDiscrete", and limits:
                     max_models, max_runtime_secs, stopping_rounds, stopping_metric, stopping_tolerance; seed
    export_checkpoints_dir  folder in which finished models are saved, and the grid for load_grid(folder/<grid id>)
    recovery_dir     folder in which the search is kept, so that `resume` goes on after a crash
    parallelism      models that train at a time; 0 lets the size of the data decide

    Raises H2OTypeError and H2OResponseError for what is not of this form, before any work.

    Example::

        grid = H2OGridSearch(H2ODeepLearningEstimator(epochs=5), {"hidden": [[20], [50, 50]], "l1": [0, 1e-4]})
        grid.train(y="CAPSULE", training_frame=patients, nfolds=3)
        best = grid.get_grid(sort_by="auc")[0]
    """

    def __init__(
        self,
        model: Any,
        hyper_params: Mapping[str, Any],
        grid_id: str | None = None,
        search_criteria: Mapping[str, Any] | None = None,
        export_checkpoints_dir: str | None = None,
        recovery_dir: str | None = None,
        parallelism: int = 1,
    ) -> None:
        self.model = _template(model)
        self._space = Space.of(hyper_params)
        self._criteria = Criteria.of(search_criteria)
        self.hyper_params = dict(hyper_params)
        self.search_criteria = None if search_criteria is None else dict(search_criteria)
        self.export_checkpoints_dir = export_checkpoints_dir
        self.recovery_dir = recovery_dir
        self.parallelism = _parallelism(parallelism)
        self._id = _text("grid_id", grid_id)
        self._results: Results | None = None
        self._told = 0  # failures of earlier searches under the same grid_id
        self._order: tuple[str | None, bool | None] = (None, None)
        self._task: Task | None = None
        self._estimators: dict[str, H2ODeepLearningEstimator] = {}
        self._content: dict[str, Any] | None = None  # what a file said, where the grid came from one
        self._search: Search | None = None
        self._running: H2OJob | None = None
        self.job: H2OJob | None = None  # what start() began last

    # ---- training ----------------------------------------------------------------------------------------------
    def train(
        self,
        x: Any = None,
        y: Any = None,
        training_frame: H2OFrame | None = None,
        offset_column: str | None = None,
        fold_column: str | None = None,
        weights_column: str | None = None,
        validation_frame: H2OFrame | None = None,
        **params: Any,
    ) -> H2OGridSearch:
        """Build the models and return self; the arguments are those of the estimator's train(), and any parameter.

        A combination that cannot be trained is kept among the failures and printed; the others go on. With a grid_id
        that is known already the new models and failures are added to it. Ctrl-C keeps the models that are finished.

        Raises H2OResponseError for a parameter that is fixed and searched at once, H2OValueError for unknown columns,
        and where no model at all could be built.
        """
        columns = {"offset_column": offset_column, "fold_column": fold_column, "weights_column": weights_column}
        self._prepare(x, y, training_frame, validation_frame, {**params, **_given(columns)})
        self._finish(self._run())
        return self

    def start(
        self,
        x: Any = None,
        y: Any = None,
        training_frame: H2OFrame | None = None,
        offset_column: str | None = None,
        fold_column: str | None = None,
        weights_column: str | None = None,
        validation_frame: H2OFrame | None = None,
        **params: Any,
    ) -> None:
        """Begin train(...) in the background; join() waits for it, cancel() ends it, `job` tells how far it is."""
        columns = {"offset_column": offset_column, "fold_column": fold_column, "weights_column": weights_column}
        self._prepare(x, y, training_frame, validation_frame, {**params, **_given(columns)})
        assert self._results is not None  # made by _prepare
        self._running = self.job = H2OJob(self._results.grid_id, self._run)

    def join(self) -> H2OGridSearch:
        """Wait for what start() began and return self; its errors are raised here."""
        if self._running is None:
            raise H2OValueError("join() must follow start(); no grid is being trained.")
        running, self._running = self._running, None
        self._finish(running.result())
        return self

    def cancel(self) -> None:
        """End a search that start() began: finished models stay, those in training are given up."""
        if self.job is not None:
            self.job.cancel()
        if self._search is not None:
            self._search.cancel()

    def resume(
        self,
        recovery_dir: str | None = None,
        training_frame: H2OFrame | None = None,
        validation_frame: H2OFrame | None = None,
    ) -> H2OGridSearch:
        """Go on with a search that was interrupted, and return self.

        With `recovery_dir` the state is read from there, also in a new process; the frames are then looked up by their
        ids, or given here. Combinations that were built, or failed, are not tried again.
        """
        if recovery_dir is not None:
            self._restore(recovery_folder(recovery_dir, self._id))
            self.recovery_dir = recovery_dir
        if self._task is None and self._content is not None:
            frames = {"training_frame": training_frame, "validation_frame": validation_frame}
            self._task = task_of(self._content, frames)
        if self._task is None or self._results is None:
            raise H2OValueError("resume() must follow an interrupted train(), or be given a recovery_dir.")
        self._results.frame_id = self._task.roles["training_frame"].frame_id
        self._finish(self._run())
        return self

    def _restore(self, folder: str) -> None:
        """Take over what a search that died has left in its folder."""
        self._content, results = Record(folder).read()
        results.models[:] = [on_cluster(model) for model in results.models]
        if results.names != tuple(self._space.values):
            raise H2OResponseError(
                f"A grid must search what it began with to be resumed: {folder} has {list(results.names)}; got "
                f"{list(self._space.values)}."
            )
        self._id, self._task, self._results = results.grid_id, None, results
        self._space, self._criteria = (
            Space.of(self._content["hyper_params"]),
            Criteria.of(self._content["search_criteria"]),
        )
        for model in results.models:
            registry.register(model.key, model)

    def _prepare(self, x: Any, y: Any, frame: Any, validation: Any, params: dict[str, Any]) -> None:
        """Check all that does not depend on a combination."""
        unknown = sorted(set(params) - set(declarations()))
        if unknown:
            raise TypeError(f"train() got an unexpected keyword argument '{unknown[0]}'")
        if self.export_checkpoints_dir is not None:
            params = {"export_checkpoints_dir": self.export_checkpoints_dir, **params}
        parameters = self.model._parameters.replace(**{**params, "model_id": None})
        for name in self._space.values:
            if name in parameters.given():
                raise H2OResponseError(
                    f"'{name}' is set in both the model parameters and in the hyperparameters map. Set it in one place."
                )
        if frame is None and parameters.training_frame is None:
            raise H2OValueError("Missing training_frame: give the frame to learn from.")
        if parameters.autoencoder and y is not None:
            raise H2OValueError("y should not be specified for autoencoder.")
        roles = {"x": _several(x), "y": y, "training_frame": frame, "validation_frame": validation}
        request = Task(parameters, roles).request({})  # raises what is wrong with columns and frames
        self._task = Task(
            parameters, {**roles, "training_frame": request.frame, "validation_frame": request.validation}
        )
        self._results = self._found_results(request.frame)

    def _found_results(self, frame: H2OFrame) -> Results:
        """Return the results that this training adds to: those of the same grid id, or new ones."""
        if self._id is None:
            self._id = f"Grid_DeepLearning_{frame.frame_id}_model_python_{time.time_ns() // 10**6}_{next(_numbers)}"
        known, names = registry.get(self._id), tuple(self._space.values)
        results = known._results if isinstance(known, H2OGridSearch) else self._results
        if results is None:
            return Results(self._id, names, frame_id=frame.frame_id)
        for what, old, new in (
            ("search the same parameters", list(results.names), list(names)),
            ("learn from the same frame", results.frame_id, frame.frame_id),
        ):
            if old != new:
                raise H2OResponseError(
                    f"A grid that is trained again must {what}: '{self._id}' has {old}; got {new}. Choose another "
                    "grid_id."
                )
        return results

    def _run(self, job: H2OJob | None = None) -> Results:
        assert self._task is not None
        assert self._results is not None  # made by _prepare or resume
        registry.register(self._results.grid_id, self)
        self._told = len(self._results.failures)
        with ModelProgress(shown=progress_bars.shown(), title=TITLE, job=job) as progress:
            self._search = Search(
                cluster=Cluster.of(self._task.roles["training_frame"]),
                task=self._task,
                space=self._space,
                criteria=self._criteria,
                results=self._results,
                parallelism=self.parallelism,
                saved=self._saver(),
                progress=progress,
            )
            return self._search.run()

    def _saver(self) -> Callable[[Model | None], None]:
        """Return what keeps the search on disk after each model, if it is to be kept."""
        results = self._results
        assert results is not None
        kept = [] if self.recovery_dir is None else [Record(recovery_folder(self.recovery_dir, results.grid_id))]
        records, exported = list(kept), self.export_checkpoints_dir
        if exported is not None:
            records.append(Record(recovery_folder(exported, results.grid_id)))  # its models are there by themselves
        for record in records:
            record.write(self._task, self._space, self._criteria, results)

        def save(model: Model | None) -> None:
            if model is not None:
                for record in kept:
                    record.add(model, frames=True)
            for record in records:
                record.write(self._task, self._space, self._criteria, results)

        return save

    def _finish(self, results: Results) -> None:
        """Say what failed; a grid without a model is an error."""
        said = failures_of(results.failures[self._told :])
        if said and results.models:
            print(said)
        if not results.models:
            registry.remove(results.grid_id)
            cancelled = self.job is not None and self.job.status == "CANCELLED"
            raise H2OValueError(said or (CANCELLED if cancelled else NOTHING))

    # ---- on disk -----------------------------------------------------------------------------------------------
    def save(self, folder: str | os.PathLike, frames: bool = False) -> str:
        """Write the grid and its models into a folder and return that; an older state there is replaced.

        With `frames` also those that cross-validation kept.
        """
        results = self._trained()
        record = Record(folder)
        for model in results.models:
            record.add(model, frames)
        record.write(self._task, self._space, self._criteria, results)
        return str(folder)

    @classmethod
    def load(cls, folder: str | os.PathLike, with_frames: bool = False) -> H2OGridSearch:
        """Return the grid that save(), or a recovery_dir, left in a folder; grid and models are registered.

        `with_frames` demands that its frames exist, so that it can be resumed at once.
        """
        content, results = Record(folder).read()
        results.models[:] = [on_cluster(model) for model in results.models]
        grid = cls._of(content, results)
        if with_frames:
            grid._task = task_of(content, {})
        registry.register(results.grid_id, grid)
        for model in results.models:
            registry.register(model.key, model)
        return grid

    @classmethod
    def _of(cls, content: dict[str, Any], results: Results) -> H2OGridSearch:
        criteria = content["search_criteria"]
        grid = cls(H2ODeepLearningEstimator, content["hyper_params"], content["grid_id"], criteria)
        grid._results, grid._content = results, content
        return grid

    def _copy(self, sort_by: str | None, decreasing: bool | None) -> H2OGridSearch:
        """Return a grid of the same models in another order."""
        other = copy.copy(self)
        other._order = (sort_by, decreasing)
        return other


def _template(model: Any) -> H2OEstimator:
    made = model() if isinstance(model, type) and issubclass(model, H2OEstimator) else model
    if not isinstance(made, H2OEstimator):
        raise H2OTypeError(
            "Argument `model` should be H2ODeepLearningEstimator or an instance of it, got "
            f"{type(model).__name__} {model}"
        )
    return made


def _parallelism(value: Any) -> int:
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise H2OTypeError(f"Argument `parallelism` should be an integer, got {type(value).__name__} {value}")
    if value < 0:
        raise H2OValueError(f"parallelism must be 0 (as the data allow) or a number of models; got {value}.")
    return int(value)


def _text(name: str, value: Any) -> str | None:
    if value is not None and not isinstance(value, str):
        raise H2OTypeError(f"Argument `{name}` should be a ?string, got {type(value).__name__} {value}")
    return value


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _several(x: Any) -> Any:
    """Make a list of a range or generator of columns, which is read again for each model."""
    return x if x is None or isinstance(x, str) or not hasattr(x, "__iter__") else list(x)
