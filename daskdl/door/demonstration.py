"""demo(): the main job on real data, told step by step: table, model, judgement, reasons, files, odd heartbeats."""

from pathlib import Path
from typing import Any

import numpy as np

from daskdl.door.cloud import init
from daskdl.door.keys import load_dataset
from daskdl.door.models import load_model, save_model
from daskdl.estimators.deeplearning import H2OAutoEncoderEstimator, H2ODeepLearningEstimator
from daskdl.kernels.jit import cache_misses
from frames.exceptions import H2OValueError
from frames.frame import H2OFrame

BAR = 40  # characters of the longest bar
SEED = 1
FOLDER = "demo-output"


def demo(
    funcname: str = "deeplearning",
    interactive: bool = False,
    echo: bool = True,
    test: bool = False,
    *,
    folder: str | Path = FOLDER,
    client: Any = None,
) -> Path:
    """Run the demonstration, write its files to `folder` and return that.

    `funcname` is "deeplearning": h2o-py's other demonstrations raise H2OValueError. Without `echo` the steps are not
    announced; `test` keeps the cluster in use, without h2o.init().

    It imports a table of patients, trains a classifier with a validation split, judges and explains it, writes
    predictions, saves the model and loads it again; then an autoencoder finds the odd heartbeats among normal ones.
    `interactive` waits for Enter between the steps.
    """
    if funcname != "deeplearning":
        raise H2OValueError(f"demo() shows deep learning only; got '{funcname}'. Call demo('deeplearning').")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    step = _Steps(interactive, echo)
    if not test:
        step("A cluster: inside this process, as none was named")
        init(client=client)
    step("A table: 380 patients with prostate cancer; CAPSULE says whether the tumour broke through")
    patients = load_dataset("prostate")
    patients["CAPSULE"] = patients["CAPSULE"].asfactor()
    patients.describe()
    model, valid = _classifier(step, patients)
    _judgement(step, model)
    _files(step, model, valid, folder)
    _heartbeats(step, folder)
    print(f"\nAll files are in {folder.resolve()}.")
    return folder


class _Steps:
    def __init__(self, interactive: bool, echo: bool):
        self._count = 0
        self._interactive = interactive
        self._echo = echo

    def __call__(self, title: str) -> None:
        if self._interactive and self._count:
            input("\n(Enter for the next step)")
        self._count += 1
        heading = f"{self._count}. {title}"
        if self._echo:
            print(f"\n{heading}\n{'=' * len(heading)}")


def _classifier(step: _Steps, patients: H2OFrame) -> tuple[H2ODeepLearningEstimator, H2OFrame]:
    step("A classifier: 32 hidden units, judged on a quarter of the patients that it never learns from")
    train, valid = patients.split_frame(ratios=[0.75], seed=SEED)
    model = H2ODeepLearningEstimator(
        model_id="prostate_demo",
        hidden=[32],
        epochs=200,
        activation="Tanh",
        l1=0.01,
        score_interval=0,
        score_duty_cycle=1,
        stopping_metric="logloss",
        seed=SEED,
    )
    columns = [name for name in patients.names if name not in ("ID", "CAPSULE")]
    model.train(x=columns, y="CAPSULE", training_frame=train, validation_frame=valid)
    model.show_summary()
    history = model.scoring_history()
    shown = ["epochs", "training_logloss", "validation_logloss", "validation_auc"]
    print(f"\n{len(history)} scorings; the first and the last:")
    print(history[shown].iloc[[*range(min(3, len(history))), -1]].to_string(index=False, float_format="%.4f"))
    waited = ", with the compiling of kernels, once per machine" if cache_misses() else ""
    print(f"Trained {history['epochs'].iloc[-1]:.0f} epochs in {model.run_time / 1000:.1f} s{waited}.")
    return model, valid


def _judgement(step: _Steps, model: H2ODeepLearningEstimator) -> None:
    step("How good it is, on the held-out patients")
    print(model.confusion_matrix(valid=True))
    auc, logloss = model.auc(valid=True), model.logloss(valid=True)
    print(f"\nAUC {auc:.4f}   logloss {logloss:.4f}   threshold {model.default_threshold():.4f}")
    step("What it looks at")
    for name, _, scaled, share in model.varimp()[:8]:
        print(f"{name:>20}  {_bar(scaled)}  {share:6.1%}")


def _files(step: _Steps, model: H2ODeepLearningEstimator, valid: H2OFrame, folder: Path) -> None:
    from frames.functions import export_file

    step("Predictions to a file; the model saved and loaded again")
    predictions = model.predict(valid)
    target = folder / "predictions.csv"
    export_file(predictions, str(target), force=True)
    print(f"{target}: {predictions.nrow} rows")
    print(predictions.head(5))
    saved = save_model(model, str(folder), force=True)
    print(f"\n{saved}: the model, {_size(Path(saved)) / 1024:.0f} KB")
    again = load_model(saved).predict(valid)
    gap = np.abs(_numbers(again[:, 1:]) - _numbers(predictions[:, 1:])).max()
    print(f"Loaded again it predicts the same: largest difference of a probability {gap:g}.")


def _heartbeats(step: _Steps, folder: Path) -> None:
    from frames.functions import export_file

    step("Odd heartbeats: an autoencoder learns 20 normal ones; then come the same 20 and three others")
    normal, beats = load_dataset("ecg_train"), load_dataset("ecg_test")
    autoencoder = H2OAutoEncoderEstimator(
        model_id="ecg_demo", activation="Tanh", hidden=[50], epochs=100, l1=1e-4, score_interval=0, seed=SEED
    )
    autoencoder.train(training_frame=normal)
    errors = autoencoder.anomaly(beats)
    values = _numbers(errors)[:, 0]
    usual = np.median(values)
    for number, value in enumerate(values):
        mark = f"  <- {value / usual:.0f} times the median" if value > 5 * usual else ""
        print(f"heartbeat {number + 1:2d}  {_bar(value / values.max())}  {value:.4f}{mark}")
    export_file(errors, str(folder / "heartbeats.csv"), force=True)


def _bar(share: float) -> str:
    """Return a bar of `share` in 0..1 of the full length, at least a dot."""
    return ("#" * round(share * BAR) or ".").ljust(BAR)


def _numbers(frame: H2OFrame) -> np.ndarray:
    return np.asarray(frame.as_data_frame(), dtype=float)


def _size(path: Path) -> int:
    return (
        sum(file.stat().st_size for file in path.rglob("*") if file.is_file()) if path.is_dir() else path.stat().st_size
    )
