"""rapids(): the one expression that matters to Deep Learning scripts, a switch of the session."""

import re
from typing import Any

from daskdl.estimators.views import REPORTING
from frames.exceptions import H2OValueError

EVALUATE = "sys.ai.h2o.algos.evaluate_auto_model_parameters"
_EXPRESSION = re.compile(r'^\s*\(\s*setproperty\s+"([^"]+)"\s+"([^"]+)"\s*\)\s*$')


def rapids(expr: str) -> dict[str, Any]:
    """Carry out ``(setproperty "sys.ai.h2o.algos.evaluate_auto_model_parameters" "true|false")``.

    With false, models trained from then on report AUTO parameters as given, not as resolved. There is no Rapids
    interpreter: every other expression raises H2OValueError.
    """
    found = _EXPRESSION.match(expr)
    if found is None or found.group(1) != EVALUATE or found.group(2).lower() not in ("true", "false"):
        raise H2OValueError(
            f'rapids() knows the expression (setproperty "{EVALUATE}" "true|false") only; got {expr!r}. '
            "Use the methods of H2OFrame for everything else."
        )
    before, REPORTING.evaluate_auto = REPORTING.evaluate_auto, found.group(2).lower() == "true"
    return {"string": f"Old values of {EVALUATE} (per node): {str(before).lower()}"}
