"""Loads what write-models.mjs wrote into Keras and compares outputs and parameter counts.

    pip install tensorflow-cpu==2.18.1 keras==3.15.1
    python benchmarks/keras-weights/check_in_keras.py FOLDER > benchmarks/keras-weights/keras-loads-ours.json
"""
import json, os, sys
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras, numpy as np, tensorflow as tf
from keras import applications as A

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
    # Landmarks are in crop sides and may all be near 0: their errors stand as they are, those of features relative to the largest.
    error = float(np.abs(actual - expected).max() / (1 if entry["kind"] == "model" else np.abs(expected).max()))
    rows.append(dict(name=name, kind=kind, error=error, parameters=entry["parameters"], kerasParameters=model.count_params(), ok=bool(error < 1e-4)))
print(json.dumps(dict(keras=keras.__version__, tensorflow=tf.__version__, failures=[r["name"] for r in rows if not r["ok"]], rows=rows), indent=1))
