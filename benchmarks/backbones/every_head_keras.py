"""Part of every-head.mjs: loads what it saved with Keras. Prints {head: largest absolute difference}. Usage: every_head_keras.py FOLDER"""
import json, os, sys
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras, numpy as np

folder, results = sys.argv[1], {}
for head in sorted(os.listdir(folder)):
    at = lambda name: os.path.join(folder, head, name)
    model = keras.saving.load_model(at("model.keras"))
    images = np.fromfile(at("in.f32"), np.float32).reshape((2,) + tuple(model.inputs[0].shape[1:]))
    actual = np.asarray(model(images, training=False))
    results[head] = float(np.abs(actual - np.fromfile(at("out.f32"), np.float32).reshape(actual.shape)).max())
    keras.backend.clear_session()
print(json.dumps(results))
