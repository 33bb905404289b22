"""Reads the event files that verify.mjs wrote with TensorBoard's own reader and compares. Usage: verify.py FOLDER"""
import json, math, os, struct, sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import metadata, plugin_data_pb2
from tensorboard import version

root = sys.argv[1]


def load(*parts):
    accumulator = EventAccumulator(os.path.join(root, *parts), size_guidance={"scalars": 0, "images": 0, "histograms": 0, "tensors": 0})
    accumulator.Reload()
    return accumulator


made = load("made", "logs")
curve = made.Scalars("curve")
assert [e.step for e in curve] == list(range(950)), [e.step for e in curve][-60:]
assert all(abs(e.value - math.sin(e.step / 50)) < 1e-6 for e in curve[:900])
assert all(e.value == 7 for e in curve[900:])
assert made.Histograms("weights")[0].histogram_value.num == 5
assert list(made.Histograms("weights")[0].histogram_value.bucket) == [0, 1, 0, 1, 3]
text = made.Tensors("note")[0].tensor_proto
assert text.string_val[0].decode() == "**bold** é 漢"
assert made.SummaryMetadata("note").plugin_data.plugin_name == "text"

start = plugin_data_pb2.HParamsPluginData.FromString(made.PluginTagToContent("hparams")[metadata.SESSION_START_INFO_TAG])
values = {k: getattr(v, v.WhichOneof("kind")) for k, v in start.session_start_info.hparams.items()}
assert values == {"loss": "acr", "scale": 10.0, "resumed": False}, values
experiment = plugin_data_pb2.HParamsPluginData.FromString(made.PluginTagToContent("hparams")[metadata.EXPERIMENT_TAG])
assert [m.name.tag for m in experiment.experiment.metric_infos] == ["curve"]
end = plugin_data_pb2.HParamsPluginData.FromString(made.PluginTagToContent("hparams")[metadata.SESSION_END_INFO_TAG])
assert end.session_end_info.status == 1

trained = load("trained", "logs")
tags = trained.Tags()
assert {"train/loss", "train/batch_loss", "validation/nme_percent"} <= set(tags["scalars"]), tags
with open(os.path.join(root, "trained", "metrics.jsonl")) as file:
    epochs = [json.loads(line) for line in file]
for event, epoch in zip(trained.Scalars("validation/nme_percent"), epochs, strict=True):
    assert abs(event.value - epoch["nmePercent"]) < 1e-4
images = trained.Images("validation/predictions")
# Four crops of 32 pixels, enlarged six times; the picture's own header says so too.
assert [i.width for i in images] == [768, 768] and images[0].encoded_image_string[:4] == b"\x89PNG"
assert struct.unpack(">II", images[0].encoded_image_string[16:24]) == (images[0].width, images[0].height)
print(json.dumps({"tensorboard": version.VERSION, "scalars": tags["scalars"], "histograms": len(tags["histograms"]), "images": tags["images"], "verdict": "equal"}))
