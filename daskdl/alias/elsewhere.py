"""What h2o-py offers and daskdl does not: asked for, each part is refused in one sentence that names what to use."""

from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from types import ModuleType

ESTIMATORS = frozenset(
    f"H2O{name}"
    for name in (
        *("ANOVAGLMEstimator", "AdaBoostEstimator", "AggregatorEstimator", "CoxProportionalHazardsEstimator"),
        *("DecisionTreeEstimator", "ExtendedIsolationForestEstimator", "GeneralizedAdditiveEstimator"),
        *("GeneralizedLinearEstimator", "GeneralizedLowRankEstimator", "GenericEstimator", "GradientBoostingEstimator"),
        *("HGLMEstimator", "Infogram", "IsolationForestEstimator", "IsotonicRegressionEstimator", "KMeansEstimator"),
        *("ModelSelectionEstimator", "NaiveBayesEstimator", "PrincipalComponentAnalysisEstimator"),
        *("RandomForestEstimator", "RuleFitEstimator", "SingularValueDecompositionEstimator"),
        *("StackedEnsembleEstimator", "SupportVectorMachineEstimator", "TargetEncoderEstimator"),
        *("UpliftRandomForestEstimator", "Word2vecEstimator", "XGBoostEstimator"),
    )
)
_ALGORITHMS = (
    *("adaboost", "aggregator", "anovaglm", "coxph", "decision_tree", "extended_isolation_forest", "gam", "gbm"),
    *("generic", "glm", "glrm", "hglm", "infogram", "isolation_forest", "isotonicregression", "kmeans"),
    *("model_selection", "naive_bayes", "pca", "psvm", "random_forest", "rulefit", "sdt", "single_decision_tree"),
    *("stackedensemble", "svd", "targetencoder", "uplift_random_forest", "word2vec", "xgboost"),
)
_OTHERS = "Use H2O's own package h2o, or scikit-learn, for other algorithms"
_KEEP = "save_model() and load_model() keep a model"
_SCORE = "h2o.import_mojo() reads a MOJO of deep learning as a model: its predict() and describe what it holds"
_ASK = "Ask h2o.cluster()"

# Modules of h2o-py, below the package, and the remedy.
MODULES = {
    **dict.fromkeys((f"estimators.{name}" for name in _ALGORITHMS), _OTHERS),
    "automl": "H2OGridSearch of daskdl.grid searches hyper-parameters",
    **dict.fromkeys(("transforms", "assembly", "pipeline"), "The methods of H2OFrame prepare columns"),
    **dict.fromkeys(("tree", "information_retrieval"), _OTHERS),
    "sklearn": "The estimators have fit(), predict(), predict_proba() and score() themselves",
    **dict.fromkeys(("backend", "connection", "job", "persist", "schemas", "api"), _ASK),
}

# Functions of h2o-py's module, and the remedy.
FUNCTIONS = {
    **dict.fromkeys(("mojo_predict_csv", "mojo_predict_pandas", "print_mojo"), _SCORE),
    **dict.fromkeys(("connection", "cluster_info", "cluster_status", "network_test", "api"), _ASK),
    **dict.fromkeys(("download_all_logs", "log_and_echo"), "h2o.cluster().dashboard_link shows what runs"),
    **dict.fromkeys(("set_telemetry", "telemetry_enabled"), "Nothing is ever sent anywhere"),
    **dict.fromkeys(("enable_expr_optimizations", "is_expr_optimizations_enabled"), "Operations run at once"),
    "estimate_cluster_mem": "A frame says its size on the cluster itself: frame.describe()",
    "import_hive_table": "Read the table with Dask or pandas, and give it to H2OFrame",
    "pareto_front": "H2OGridSearch ranks its models: get_grid(sort_by=...)",
    "make_leaderboard": "H2OGridSearch ranks its models: get_grid(sort_by=...)",
    "upload_custom_distribution": "Choose one of the distributions of docs/parameters.md",
    "open": "Use Python's open()",
}


def estimator_refused(name: str) -> ImportError:
    """Return what to raise where one of h2o-py's other estimators is imported."""
    return ImportError(f"daskdl is H2O's Deep Learning and has no {name}. {_OTHERS}.", name=name)


def module_refused(name: str) -> ImportError:
    """Return what to raise where one of h2o-py's other modules (a key of MODULES) is imported."""
    said = f"daskdl is H2O's Deep Learning and has no module {name} of h2o-py. {MODULES[name]}."
    return ImportError(said, name=f"daskdl.{name}")


def function_refused(name: str) -> AttributeError:
    """Return what to raise where the package is asked for a name that it does not have."""
    remedy = FUNCTIONS.get(name) or MODULES.get(name)
    if remedy is None:
        return AttributeError(f"module 'daskdl' has no attribute {name!r}")
    return AttributeError(f"daskdl has no {name} of h2o-py. {remedy}.", name=name)


class Refusing(MetaPathFinder):
    """Asked after all other finders: says of h2o-py's other modules that they are not here, and what to use."""

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> None:
        """Raise ImportError for a module of h2o-py that daskdl does not have; None for all others."""
        package, _, name = fullname.partition(".")
        if package == "daskdl" and name in MODULES:
            raise module_refused(name)
