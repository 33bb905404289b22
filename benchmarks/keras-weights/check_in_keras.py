"""Loads what write-models.mjs wrote into Keras and compares outputs and parameter counts.

    pip install tensorflow-cpu==2.18.1 keras==3.15.1
    python benchmarks/keras-weights/check_in_keras.py FOLDER

Rows go to keras-loads-ours.json beside this file, replacing older ones of the same names; so a folder may hold some backbones only.
"""
import json, os, sys
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras, numpy as np, tensorflow as tf
from keras import applications as A

def in_float64(model):
    config = json.loads(json.dumps(model.get_config()).replace('"float32"', '"float64"'))
    other = type(model).from_config(config)
    other.set_weights([np.asarray(w, np.float64) for w in model.get_weights()])
    return other

folder = sys.argv[1]
read = lambda name: np.fromfile(os.path.join(folder, name), np.float32)
rows = []
for entry in json.load(open(os.path.join(folder, "models.json"))):
    name, size = entry["name"], entry["size"]
    images = read("in.f32").reshape(2, size, size, 3)
    options = dict(include_top=False, pooling="avg", weights=None, input_shape=(size, size, 3))
    if entry["kind"] == "weights":
        family = name.rsplit("_", 1)[0]
        if family == "mobilenet_v2": model = A.MobileNetV2(alpha=int(name[-3:]) / 100, **options)
        elif name.startswith("efficientnet_b"): model = getattr(A, "EfficientNet" + name[-2:].upper())(**options)
        elif name == "mobilenet_v3_small": model = A.MobileNetV3Small(include_preprocessing=False, **options)
        elif name == "mobilenet_v3_large": model = A.MobileNetV3Large(include_preprocessing=False, **options)
        elif name == "resnet_50": model = A.ResNet50(**options)
        else: continue
        model.load_weights(os.path.join(folder, name + ".weights.h5"))
        kind = "load_weights into keras.applications"
    else:
        model = keras.saving.load_model(os.path.join(folder, name + ".keras"))
        kind = "load_model"
    expected = read(name + ".out.f32").reshape(entry["shape"])
    actual = model(images, training=False).numpy()
    # Relative to the largest value; landmarks are in crop sides and may all be near 0, where an error of 1e-4 is one of 1e-4 sides.
    largest = float(np.abs(expected).max())
    scale = max(1.0, largest) if entry["kind"] == "model" else largest
    distance = lambda a, b: float(np.abs(a - b).max() / scale)
    error = distance(actual, expected)
    row = dict(name=name, kind=kind, error=error, largest=largest, parameters=entry["parameters"], kerasParameters=model.count_params(), ok=bool(error < 1e-4))
    if error > 1e-6:
        # Which of the two is nearer to the truth: the same model in double precision.
        truth = in_float64(model)(images.astype(np.float64), training=False).numpy()
        row |= dict(oursToFloat64=distance(expected, truth), kerasToFloat64=distance(actual, truth))
    rows.append(row)
    keras.backend.clear_session()
record = os.path.join(os.path.dirname(os.path.abspath(__file__)), "keras-loads-ours.json")
new = {row["name"] for row in rows}
old = json.load(open(record))["rows"] if os.path.exists(record) else []
rows = [row for row in old if row["name"] not in new] + rows
failures = [row["name"] for row in rows if not row["ok"]]
with open(record, "w") as file:
    json.dump(dict(keras=keras.__version__, tensorflow=tf.__version__, failures=failures, rows=rows), file, indent=1)
    file.write("\n")
print(f"{len(new)} models checked, largest error {max(r['error'] for r in rows if r['name'] in new):.1e}; failed: {', '.join(failures) or 'none'}")
