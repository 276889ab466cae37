"""Methods by which a model leaves: as Java, an ONNX graph, one Python file, a folder for MLflow, a card."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from frames.exceptions import H2OValueError


class ModelExports:
    """Exports of an estimator's model; `_trained()` gives the model or raises. What they promise: docs/export.md."""

    _trained: Callable[[], Any]

    def export_java(
        self,
        path: str | os.PathLike = "",
        package: str | None = None,
        class_name: str | None = None,
        force: bool = False,
    ) -> str:
        """Write the model as one Java class that needs no jar; return the file.

        `path`: a file that ends in .java, or the folder for a class named `class_name` (default: the model's name), in
        which a `package` makes folders. Weights of large networks lie in a .bin file beside it. Its `main` scores CSV
        files; `score0` is H2O's. Raises FileExists without `force`, H2OValueError for names that Java does not take.

        Example: ``model.export_java("deploy")``.
        """
        return self._export("java", path, force, package=package, class_name=class_name)

    def export_onnx(self, path: str | os.PathLike = "", force: bool = False) -> str:
        """Write the model as an ONNX graph of standard operators, its preprocessing inside; return the file.

        Each predictor is an input (rows, 1) under its column's name, float, or string for categories. Outputs are
        `predict`, and `probabilities` (rows, classes) of classifiers. Needs the package onnx to write, any ONNX runtime
        to run. Raises FileExists without `force`. Example: ``model.export_onnx("model.onnx")``.
        """
        return self._export("onnx", path, force)

    def export_numpy(self, path: str | os.PathLike = "", force: bool = False) -> str:
        """Write the model as one Python file that needs only NumPy; return the file.

        Import it and call ``predict``, or run it: ``python scorer.py < rows.csv > predictions.csv``. Raises FileExists
        without `force`. Example: ``model.export_numpy("scorer.py")``.
        """
        return self._export("numpy", path, force)

    def export_mlflow(self, path: str | os.PathLike = "", force: bool = False) -> str:
        """Write the model as a folder that `mlflow.pyfunc.load_model` loads; return the folder.

        It has a signature and an input example, and needs MLflow, NumPy and pandas where it is loaded, no daskdl; to
        write it MLflow is not needed. In a `path` that is a folder already it is named after the model. Raises
        FileExists for a folder that is there without `force`, and always for one that was not exported.

        Example: ``model.export_mlflow("deploy/model")``.
        """
        return self._export("mlflow", path, force)

    def export_card(self, path: str | os.PathLike = "", force: bool = False) -> str:
        """Write the model card, Markdown or (where `path` ends in .html) HTML; return the file.

        It tells the data, parameters, metrics, importances, history and versions, and leaves room for the intended use.
        Raises FileExists without `force`. Example: ``model.export_card("card.md")``.
        """
        return self._export("card", path, force)

    def download_pojo(self, path: str = "", get_genmodel_jar: bool = False, genmodel_name: str = "") -> str | None:
        """Write the model as a Java class into a folder and return the file, or print it where there is no `path`.

        An older file is replaced. `get_genmodel_jar` and `genmodel_name` are accepted for H2O's sake: the class needs
        no jar, so none is written.
        """
        if path:
            return self._export("java", path, True)
        from daskdl.export.write import text_of  # here, so that importing the classes does not load the exports

        print(text_of(self._trained(), "java", ""))
        return None

    @property
    def have_pojo(self) -> bool:
        """Whether download_pojo() writes the model: always."""
        self._trained()
        return True

    def download_mojo(self, path: str = ".", get_genmodel_jar: bool = False, genmodel_name: str = "") -> str:
        """Write the model as an H2O MOJO and return the file; an older one is replaced.

        H2O's h2o-genmodel.jar scores it; `get_genmodel_jar` and `genmodel_name` are accepted for H2O's sake: daskdl has
        no jar, get it from H2O. Raises H2OValueError for what the format cannot say, with what writes it instead:
        offsets, encodings other than one-hot, activations and distributions that H2O does not have.

        Example: ``model.download_mojo("model.zip")``.
        """
        return self._export("mojo", path, True)

    def save_mojo(self, path: str = "", force: bool = False, filename: str | None = None) -> str:
        """Write the model as an H2O MOJO below a folder and return the file; see `download_mojo`.

        Raises FileExists for a file that is there, without `force`. Example: ``model.save_mojo("models")``.
        """
        return self._export("mojo", os.path.join(path or os.getcwd(), filename or ""), force)

    @property
    def have_mojo(self) -> bool:
        """Whether download_mojo() writes the model: not where H2O's format cannot say what it predicts."""
        from daskdl.export.mojo.writing import mojo_of

        try:
            mojo_of(self._trained())
        except H2OValueError:  # that is the question; download_mojo() says why not
            return False
        return True

    def _export(self, to: str, path: str | os.PathLike, force: bool, **options: Any) -> str:
        from daskdl.export.write import write_model  # here, so that importing the classes does not load the exports

        return write_model(self._trained(), to, path, force, **options)
