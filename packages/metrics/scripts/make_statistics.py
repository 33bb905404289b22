"""Reference values for the statistics of @acr/metrics, by SciPy and scikit-learn.

    pip install numpy scipy scikit-learn && python packages/metrics/scripts/make_statistics.py
"""

import json
from pathlib import Path

import numpy as np
import scipy
import sklearn
from scipy import stats
from sklearn.metrics import average_precision_score, precision_recall_curve

random = np.random.default_rng(3)


def paired(count, shift):
    first = np.round(random.gamma(4, 0.01, count), 6)
    second = np.round(first + random.normal(shift, 0.004, count), 6)
    difference = first - second
    exact = None
    if count <= 16:
        test = stats.permutation_test((difference,), np.mean, permutation_type="samples", n_resamples=np.inf)
        exact = float(test.pvalue)
    normal = float(2 * stats.norm.sf(abs(difference.sum()) / np.sqrt((difference**2).sum())))
    return {"first": first.tolist(), "second": second.tolist(), "difference": float(difference.mean()), "exact": exact, "normal": normal}


def occlusion(count, ties):
    truth = random.uniform(size=count) < 0.25
    score = np.clip(random.normal(0.3 + 0.35 * truth, 0.18), 0, 1)
    score = np.round(score, 1 if ties else 6)
    precision, recall, threshold = precision_recall_curve(truth, score)
    reached = precision[:-1] >= 0.8
    return {
        "score": score.tolist(),
        "occluded": truth.astype(int).tolist(),
        "recallAt80": float(recall[:-1][reached].max()) if reached.any() else None,
        "averagePrecision": float(average_precision_score(truth, score)),
        "precision": precision[:-1][::-1].tolist(),
        "recall": recall[:-1][::-1].tolist(),
        "threshold": threshold[::-1].tolist(),
    }


holm = np.round(random.uniform(0, 0.2, 7), 4)
order = np.argsort(holm)
adjusted = np.empty(7)
adjusted[order] = np.minimum(1, np.maximum.accumulate(holm[order] * np.arange(7, 0, -1)))
result = {
    "madeBy": f"scripts/make_statistics.py, numpy {np.__version__}, scipy {scipy.__version__}, scikit-learn {sklearn.__version__}",
    "paired": [paired(8, 0.001), paired(14, 0.0), paired(300, 0.0006), paired(300, 0.0)],
    "occlusion": [occlusion(400, False), occlusion(400, True), occlusion(12, True)],
    "holm": {"pValues": holm.tolist(), "adjusted": adjusted.tolist()},
    "quantiles": {"values": [0.3, 0.1, 0.7, 0.2, 0.25], "0.025": float(np.quantile([0.3, 0.1, 0.7, 0.2, 0.25], 0.025)), "0.6": float(np.quantile([0.3, 0.1, 0.7, 0.2, 0.25], 0.6))},
}
path = Path(__file__).resolve().parents[1] / "src" / "__fixtures__" / "statistics.json"
path.write_text(json.dumps(result, separators=(",", ":")) + "\n")
