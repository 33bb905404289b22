"""Compares PointModel with scikit-learn's PCA on fresh random shapes: other data at every run.

    python benchmarks/shape-model/compare_scikit_learn.py [seed]     after npm run build; needs numpy and scikit-learn

Prints the largest relative difference of each quantity and ends with exit code 1 where one exceeds 1e-8.
"""

import json
import pathlib
import subprocess
import sys
import time

import numpy as np
import sklearn
from sklearn.decomposition import PCA

LIMIT = 1e-8
CASES = [(3, 5), (20, 68), (337, 68), (900, 29), (3148, 68), (5000, 98)]
FIT = pathlib.Path(__file__).with_name("fit-stdin.mjs")


def random_shapes(rng, count, landmarks):
    """Strong modes with falling variances, noise, and a frame far from the origin."""
    length = 2 * landmarks
    modes = rng.normal(size=(12, length)) / np.arange(1, 13)[:, None]
    return rng.uniform(-300, 300) + rng.normal(size=(count, 12)) @ modes + 0.05 * rng.normal(size=(count, length))


def relative(actual, expected):
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.shape == expected.shape, f"shapes {actual.shape} and {expected.shape}"
    return float(np.abs(actual - expected).max() / max(np.abs(expected).max(), 1e-300))


def smooth_and_difficulty(pca, eigenvalues, components, face, k):
    b = components[:k] @ (face - pca.mean_)
    limit = 3 * np.sqrt(eigenvalues[:k])
    smooth = pca.mean_ + np.clip(b, -limit, limit) @ components[:k]
    distance = np.abs(smooth - face)
    return smooth, distance / distance.max()


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else time.time_ns() % 2**32
    rng = np.random.default_rng(seed)
    worst = 0.0
    rows = []
    for count, landmarks in CASES:
        shapes = random_shapes(rng, count, landmarks)
        modes = min(count - 1, 2 * landmarks)
        ks = sorted({0, 1, min(5, modes), modes // 2})
        faces = shapes[:3] + rng.normal(size=(3, 2 * landmarks))
        payload = json.dumps({"shapes": shapes.tolist(), "faces": faces.tolist(), "ks": ks})
        ours = json.loads(subprocess.run(["node", str(FIT)], input=payload, capture_output=True, text=True, check=True).stdout)
        pca = PCA(svd_solver="full").fit(shapes)
        eigenvalues, components = pca.explained_variance_[:modes], pca.components_[:modes]
        differences = {
            "mean": relative(ours["mean"], pca.mean_),
            "eigenvalues": relative(ours["eigenvalues"], eigenvalues),
            "totalVariance": relative(ours["totalVariance"], shapes.var(axis=0, ddof=1).sum()),
            "smooth": 0.0,
            "difficulty": 0.0,
        }
        for face, own in zip(faces, ours["faces"]):
            for k, result in zip(ks, own):
                smooth, difficulty = smooth_and_difficulty(pca, eigenvalues, components, face, k)
                differences["smooth"] = max(differences["smooth"], relative(result["smooth"], smooth))
                differences["difficulty"] = max(differences["difficulty"], relative(result["difficulty"], difficulty))
        worst = max(worst, *differences.values())
        rows.append({"shapes": count, "landmarks": landmarks, **{k: float(f"{v:.1e}") for k, v in differences.items()}})
    print(json.dumps({"seed": seed, "scikitLearn": sklearn.__version__, "numpy": np.__version__, "cases": rows, "largest": worst}, indent=2))
    sys.exit(0 if worst <= LIMIT else 1)


main()
