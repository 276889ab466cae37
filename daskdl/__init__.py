"""Deep learning on tables larger than memory: H2O's Deep Learning on Dask and Numba.

`import daskdl as h2o` offers h2o-py's names. They are loaded when first used, so that the import itself is quick.

Example::

    import daskdl as h2o
    from daskdl.estimators import H2ODeepLearningEstimator

    h2o.init()
    patients = h2o.load_dataset("prostate")
    patients["CAPSULE"] = patients["CAPSULE"].asfactor()
    model = H2ODeepLearningEstimator(hidden=[50], epochs=20)
    model.train(y="CAPSULE", training_frame=patients)
    print(model.auc())
"""

import importlib
from typing import TYPE_CHECKING, Any

from daskdl.alias.alias import offer
from daskdl.alias.elsewhere import function_refused

# Where each public name lives.
_NAMES: dict[str, str] = {
    **dict.fromkeys(("init", "connect", "cluster", "shutdown"), "daskdl.door.cloud"),
    **dict.fromkeys(("no_progress", "no_progress_block", "show_progress"), "daskdl.door.cloud"),
    **dict.fromkeys(("import_file", "upload_file"), "frames.functions"),
    **dict.fromkeys(("assign", "deep_copy", "as_list", "load_frame"), "frames.functions"),
    **dict.fromkeys(("import_sql_table", "import_sql_select"), "frames.functions"),
    **dict.fromkeys(("lazy_import", "parse_setup", "parse_raw"), "frames.functions"),
    "H2OFrame": "frames.frame",
    "export_file": "frames.functions",
    "create_frame": "frames.functions",
    **dict.fromkeys(
        ("ls", "frames", "get_frame", "models", "remove", "remove_all", "load_dataset"), "daskdl.door.keys"
    ),
    **dict.fromkeys(
        ("get_model", "get_grid", "save_model", "load_model", "save_grid", "load_grid"), "daskdl.door.models"
    ),
    **dict.fromkeys(
        ("download_model", "download_pojo", "upload_model", "import_mojo", "upload_mojo", "make_metrics", "predict"),
        "daskdl.door.models",
    ),
    "resume": "daskdl.door.recovery",
    "jobs": "daskdl.door.jobs",
    "upload_custom_metric": "daskdl.door.custom_metric",
    "rapids": "daskdl.door.properties",
    **dict.fromkeys(("download_csv", "interaction"), "daskdl.door.tables"),
    **dict.fromkeys(("get_timezone", "list_timezones", "set_timezone"), "daskdl.door.tables"),
    "demo": "daskdl.door.demonstration",
    "flow": "daskdl.web.server",
    **dict.fromkeys(("explain", "explain_row", "pd_multi_plot", "varimp", "varimp_heatmap"), "daskdl.door.explaining"),
    **dict.fromkeys(("model_correlation", "model_correlation_heatmap"), "daskdl.door.explaining"),
    "as_h2o": "daskdl.alias.alias",
}
_MODULES = ("estimators", "exceptions", "frame", "grid", "parameters", "two_dim_table")

__all__ = [
    "H2OFrame",
    "__version__",
    "as_h2o",
    "as_list",
    "assign",
    "cluster",
    "connect",
    "create_frame",
    "deep_copy",
    "demo",
    "download_csv",
    "download_model",
    "download_pojo",
    "explain",
    "explain_row",
    "export_file",
    "flow",
    "frames",
    "get_frame",
    "get_grid",
    "get_model",
    "get_timezone",
    "import_file",
    "import_mojo",
    "import_sql_select",
    "import_sql_table",
    "init",
    "interaction",
    "jobs",
    "lazy_import",
    "list_timezones",
    "load_dataset",
    "load_frame",
    "load_grid",
    "load_model",
    "ls",
    "make_metrics",
    "model_correlation",
    "model_correlation_heatmap",
    "models",
    "no_progress",
    "no_progress_block",
    "parse_raw",
    "parse_setup",
    "pd_multi_plot",
    "predict",
    "rapids",
    "remove",
    "remove_all",
    "resume",
    "save_grid",
    "save_model",
    "set_timezone",
    "show_progress",
    "shutdown",
    "upload_custom_metric",
    "upload_file",
    "upload_model",
    "upload_mojo",
    "varimp",
    "varimp_heatmap",
]

if TYPE_CHECKING:
    __version__: str
    from daskdl.alias.alias import as_h2o
    from daskdl.door.cloud import cluster, connect, init, no_progress, no_progress_block, show_progress, shutdown
    from daskdl.door.custom_metric import upload_custom_metric
    from daskdl.door.demonstration import demo
    from daskdl.door.explaining import (
        explain,
        explain_row,
        model_correlation,
        model_correlation_heatmap,
        pd_multi_plot,
        varimp,
        varimp_heatmap,
    )
    from daskdl.door.jobs import jobs
    from daskdl.door.keys import frames, get_frame, load_dataset, ls, models, remove, remove_all
    from daskdl.door.models import (
        download_model,
        download_pojo,
        get_grid,
        get_model,
        import_mojo,
        load_grid,
        load_model,
        make_metrics,
        predict,
        save_grid,
        save_model,
        upload_model,
        upload_mojo,
    )
    from daskdl.door.properties import rapids
    from daskdl.door.recovery import resume
    from daskdl.door.tables import download_csv, get_timezone, interaction, list_timezones, set_timezone
    from daskdl.web.server import flow
    from frames.frame import H2OFrame
    from frames.functions import (
        as_list,
        assign,
        create_frame,
        deep_copy,
        export_file,
        import_file,
        import_sql_select,
        import_sql_table,
        lazy_import,
        load_frame,
        parse_raw,
        parse_setup,
        upload_file,
    )


def __getattr__(name: str) -> Any:
    if name in _NAMES:
        value = getattr(importlib.import_module(_NAMES[name]), name)
    elif name == "__version__":
        from importlib import metadata

        value = metadata.version("daskdl")
    elif name in _MODULES:
        return importlib.import_module(f"daskdl.{name}")
    else:
        raise function_refused(name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__, *_MODULES])


offer()
