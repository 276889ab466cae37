"""The order of arguments is h2o-py's, for every function and method that both have: scripts give them by position."""

import inspect

import pytest

import daskdl as h2o
from daskdl import metrics
from daskdl.estimators import H2OAutoEncoderEstimator, H2ODeepLearningEstimator
from daskdl.estimators.base import POSITIONS
from daskdl.grid import H2OGridSearch
from daskdl.parameters import declarations
from frames.exceptions import H2OValueError
from frames.frame import H2OFrame

# Read from h2o-py 3.46.0.12 by `inspect`: whose they are, the names, and the arguments of all of them in order. Of a
# method that h2o-py's kinds of models declare in two ways the two-class model's form; import_file and the like are
# tested beside their code.
SIGNATURES = """
module: as_list: data use_pandas header
module: assign deep_copy: data xid
module: connect: server url ip port https verify_ssl_certificates cacert auth proxy cookies verbose config
    strict_version_check telemetry
module: demo: funcname interactive echo test
module: download_csv: data filename
module: download_model: model path export_cross_validation_predictions filename
module: explain: models frame columns top_n_features include_explanations exclude_explanations plot_overrides
    figsize render qualitative_colormap sequential_colormap background_frame
module: explain_row: models frame row_index columns top_n_features include_explanations exclude_explanations
    plot_overrides qualitative_colormap figsize render background_frame
module: model_correlation: models frame cluster_models use_pandas
module: model_correlation_heatmap: models frame top_n cluster_models triangular figsize colormap save_plot_path
module: pd_multi_plot: models frame column best_of_family row_index target max_levels figsize colormap markers
    save_plot_path show_rug
module: varimp: models num_of_features cluster use_pandas
module: varimp_heatmap: models top_n num_of_features figsize cluster colormap save_plot_path
module: get_frame: frame_id
module: get_grid: grid_id
module: get_model: model_id
module: init: url ip port name https cacert insecure username password cookies proxy start_h2o nthreads ice_root
    log_dir log_level max_log_file_size enable_assertions max_mem_size min_mem_size strict_version_check
    ignore_config extra_classpath jvm_custom_args bind_to_localhost verbose telemetry
module: interaction: data factors pairwise max_factors min_occurrence destination_frame
module: load_dataset: relative_path
module: load_grid: grid_file_path load_params_references
module: load_model upload_model: path
module: make_metrics: predicted actual domain distribution weights treatment auc_type auuc_type auuc_nbins
    custom_auuc_thresholds
module: rapids: expr
module: remove: x cascade
module: remove_all: retained
module: save_grid: grid_directory grid_id save_params_references export_cross_validation_predictions
module: save_model: model path force export_cross_validation_predictions filename
module: shutdown: prompt
module: upload_custom_metric: func func_file func_name class_name source_provider
grid: auc aucpr gini logloss mae mean_residual_deviance mse null_deviance r2 residual_deviance rmse rmsle: train
    valid xval
grid: biases: vector_id
grid: deepfeatures: test_data layer
grid: get_grid: sort_by decreasing
grid: get_hyperparams get_hyperparams_dict: id display
grid: get_xval_models: key
grid: model_performance: test_data train valid xval
grid: predict: test_data
grid: resume: recovery_dir
grid: show to_str: verbosity fmt
grid: sort_by: metric increasing
grid: sorted_metric_table varimp: use_pandas
grid: start train: x y training_frame offset_column fold_column weights_column validation_frame
grid: to_html to_pretty_str: verbosity
grid: weights: matrix_id
estimator: F0point5 F1 F2 accuracy error fallout fnr fpr max_per_class_error mcc mean_per_class_error missrate
    precision recall sensitivity specificity tnr tpr: thresholds train valid xval
estimator: auc aucpr gains_lift gini hit_ratio_table logloss mae mean_residual_deviance mse multinomial_auc_table
    multinomial_aucpr_table null_deviance pr_auc r2 residual_deviance rmse rmsle roc thresholds_and_metric_scores:
    train valid xval
estimator: biases: vector_id
estimator: confusion_matrix: metrics thresholds train valid xval
estimator: deepfeatures: test_data layer
estimator: download_model: path filename
estimator: find_idx_by_threshold: threshold train valid xval
estimator: find_threshold_by_max_metric: metric train valid xval
estimator: fit: X y
estimator: gains_lift_plot: type xval server save_plot_path plot
estimator: get_params: deep
estimator: get_xval_models: key
estimator: metric: metric thresholds train valid xval
estimator: model_performance: test_data train valid xval auc_type auuc_type custom_auuc_thresholds
estimator: partial_plot: frame cols destination_key nbins weight_column plot plot_stddev figsize server include_na
    user_splits col_pairs_2dpdp save_plot_path row_index targets
estimator: explain: frame columns top_n_features include_explanations exclude_explanations plot_overrides figsize
    render qualitative_colormap sequential_colormap background_frame
estimator: explain_row: frame row_index columns top_n_features include_explanations exclude_explanations
    plot_overrides qualitative_colormap figsize render background_frame
estimator: ice_plot: frame column target max_levels figsize colormap save_plot_path show_pdp binary_response_scale
    centered grouping_column output_graphing_data nbins show_rug
estimator: learning_curve_plot: metric cv_ribbon cv_lines figsize colormap save_plot_path
estimator: pd_plot: frame column row_index target max_levels figsize colormap save_plot_path binary_response_scale
    grouping_column output_graphing_data nbins show_rug
estimator: predict_contributions: test_data output_format top_n bottom_n compare_abs background_frame output_space
    output_per_reference
estimator: residual_analysis_plot: frame figsize save_plot_path
estimator: shap_explain_row_plot: frame row_index columns top_n_features figsize plot_type contribution_type
    save_plot_path background_frame
estimator: shap_summary_plot: frame columns top_n_features samples colorize_factors alpha colormap figsize jitter
    save_plot_path background_frame
estimator: permutation_importance: frame metric n_samples n_repeats features seed use_pandas
estimator: plot: timestep metric server save_plot_path
estimator: predict: test_data custom_metric custom_metric_func
estimator: save_model_details: path force filename
estimator: scoring_history: as_data_frame
estimator: show to_str: verbosity fmt
estimator: start: x y training_frame offset_column fold_column weights_column validation_frame
estimator: to_html to_pretty_str: verbosity
estimator: train: x y training_frame offset_column fold_column weights_column validation_frame max_runtime_secs
    ignored_columns model_id verbose
estimator: varimp: use_pandas
estimator: varimp_plot: num_of_features server save_plot_path
estimator: weights: matrix_id
estimator: anomaly: test_data per_feature
binomial: F0point5 F1 F2 accuracy error fallout fnr fpr max_per_class_error mcc mean_per_class_error missrate
    precision recall sensitivity specificity tnr tpr: thresholds
binomial: confusion_matrix: metrics thresholds
binomial: find_idx_by_threshold: threshold
binomial: find_threshold_by_max_metric: metric
binomial: gains_lift_plot plot: type server save_plot_path plot
binomial: metric: metric thresholds
binomial: show to_str: verbosity fmt
binomial: to_html to_pretty_str: verbosity
multinomial: show to_str: verbosity fmt
multinomial: to_html to_pretty_str: verbosity
regression: show to_str: verbosity fmt
regression: to_html to_pretty_str: verbosity
"""
OWNERS = {
    "module": h2o,
    "grid": H2OGridSearch,
    "estimator": H2ODeepLearningEstimator,
    "binomial": metrics.H2OBinomialModelMetrics,
    "multinomial": metrics.H2OMultinomialModelMetrics,
    "regression": metrics.H2ORegressionModelMetrics,
}


def lines() -> list[tuple[str, list[str], list[str]]]:
    """The table, a line that begins with blanks joined to the one before."""
    joined = SIGNATURES.strip().replace("\n    ", " ").splitlines()
    parts = [[part.split() for part in line.split(":")] for line in joined]
    return [(owner[0], names, arguments) for owner, names, arguments in parts]


@pytest.mark.parametrize("owner", OWNERS)
def test_arguments_by_position_are_those_of_h2o_py(owner):
    wrong = {}
    for whose, names, arguments in lines():
        for name in names if whose == owner else []:
            found = inspect.signature(getattr(OWNERS[owner], name)).parameters.values()
            places = [one.name for one in found if one.kind is one.POSITIONAL_OR_KEYWORD and one.name != "self"]
            if places[: len(arguments)] != arguments:
                wrong[name] = places
    assert wrong == {}


def test_the_table_was_read_whole():
    found = [len([n for whose, names, _ in lines() for n in names if whose == owner]) for owner in OWNERS]
    assert found == [31, 31, 74, 28, 4, 4]


@pytest.fixture
def frame(embedded):
    return H2OFrame({"a": list(range(30)), "y": ["u", "v", "w"] * 10}, column_types={"y": "enum"})


def test_the_constructor_takes_parameters_by_position_as_h2o_py_does():
    assert len(POSITIONS) == 91
    assert set(POSITIONS) <= set(declarations())
    model = H2ODeepLearningEstimator("mine", None, None, 3)
    assert (model.model_id, model.nfolds) == ("mine", 3)
    assert H2OAutoEncoderEstimator("odd").autoencoder is True
    with pytest.raises(TypeError, match="multiple values for argument 'model_id'"):
        H2ODeepLearningEstimator("mine", model_id="other")
    with pytest.raises(TypeError, match="at most 91 positional arguments; got 92"):
        H2ODeepLearningEstimator(*[None] * 92)


def test_more_than_two_classes_have_forms_of_their_own(frame, tmp_path):
    model = H2ODeepLearningEstimator(hidden=[2], epochs=1, seed=1).train(
        y="y", training_frame=frame, validation_frame=frame
    )
    both = model.mean_per_class_error(True, True)
    assert both == {"train": model.mean_per_class_error(), "valid": model.mean_per_class_error(valid=True)}
    assert model.mean_per_class_error(False, True) == both["valid"]
    model.plot("AUTO", "AUTO", str(tmp_path / "curve.png"))
    assert (tmp_path / "curve.png").stat().st_size > 1000


def test_printed_forms_take_h2o_pys_words(frame, capsys):
    model = H2ODeepLearningEstimator(hidden=[2], epochs=1, seed=1, model_id="m").train(y="y", training_frame=frame)
    short, medium, full = (model.to_str(verbosity) for verbosity in ("short", "medium", "full"))
    assert short.splitlines() == ["H2ODeepLearningEstimator : Deep Learning", "Model Key: m"]
    assert medium.startswith(short)
    assert "Status of Neuron Layers" in medium
    assert "ModelMetricsMultinomial" not in medium
    assert full == str(model) == model.to_pretty_str()
    for one in (model, model.summary(), model.model_performance()):
        assert one.to_html() == one.to_str(fmt="html") == one._repr_html_()
        one.show(verbosity="full", fmt="html")
        assert "<table>" in capsys.readouterr().out
        with pytest.raises(H2OValueError, match="verbosity must be one of None, short, medium, full; got 'loud'"):
            one.to_str("loud")
        with pytest.raises(H2OValueError, match="fmt must be one of None, plain, pretty, html; got 'pdf'"):
            one.show(fmt="pdf")
    table = model.scoring_history(as_data_frame=False)
    table.show(False, -1)
    assert "Scoring History" not in capsys.readouterr().out


def test_arguments_of_other_algorithms_are_refused_and_not_ignored(frame):
    model = H2ODeepLearningEstimator(hidden=[2], epochs=1, seed=1).train(y="y", training_frame=frame)
    with pytest.raises(H2OValueError, match="custom metric has no place in it"):
        model.predict(frame, custom_metric_func="python:m=metrics.M")
    with pytest.raises(H2OValueError, match="uplift"):
        model.model_performance(frame, auuc_type="qini")
    with pytest.raises(H2OValueError, match="uplift"):
        h2o.make_metrics(frame["a"], frame["a"], treatment=frame["y"])
    with pytest.raises(H2OValueError, match="got y"):
        model.partial_plot(frame, targets=["u"], col_pairs_2dpdp=[["a", "y"]])
