"""From a training loss as it is written in code to the lambdas of the paper's objective.

The objective is (1/2N) ||residual||^2 + lambda_h/(2N) ||H||^2 + lambda_w/2 ||W||^2. A loss of another scale is this one
times a constant, with other lambdas:

"sum"           the objective itself.
"half mean"     half the mean over samples and the n outputs, and the same penalties: times n, lambda_eff = n lambda.
"mean"          the mean over samples and outputs, with penalties lambda_h/N ||H||^2 + lambda_w ||W||^2 (no halves):
                times n/2, lambda_eff = n lambda.
"weight decay"  nn.MSELoss (the mean) with the optimiser's weight decay wd, which stands for (wd/2) ||W||^2: times n/2,
                lambda_eff = n wd/2. Features that are themselves parameters under weight decay count N wd for lambda_h.
"""

from __future__ import annotations

from . import conditions

FORMS = {"sum": (0, 1.0), "half mean": (1, 1.0), "mean": (1, 1.0), "weight decay": (1, 0.5)}


def effective(penalty: float, n: int, form: str) -> float:
    """The lambda of the objective for a penalty in a loss of the named form (a key of FORMS), with n outputs.

    >>> effective(5e-3, 2, "weight decay")
    0.005

    Errors: ValueError for a negative penalty, n below 1, or a form that is not in the table.
    """
    conditions.penalties(penalty=penalty)
    if n < 1:
        raise ValueError(f"n must be at least 1; it is {n}.")
    if form not in FORMS:
        raise ValueError(f"There is no loss form {form!r}. Choose from: {', '.join(FORMS)}.")
    power, factor = FORMS[form]
    return float(penalty * factor * n**power)
