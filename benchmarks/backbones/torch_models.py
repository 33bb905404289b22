"""Writes timm's and torchvision's networks with random weights as safetensors, with pictures and the features PyTorch finds in
them, for torch-check.mjs.

    pip install torch timm torchvision safetensors
    python benchmarks/backbones/torch_models.py FOLDER
    python benchmarks/backbones/torch_models.py --names packages/backbones/src/__fixtures__/torch-state-dicts.json.gz

The second writes only the names and shapes of all arrays, which the tests read.
"""
import gzip, json, os, sys
import torch

# Wheels of torchvision without its compiled operators (built for another torch) still have its models.
_register = torch.library.register_fake
def _register_if_known(name, *args, **kwargs):
    def decorate(function):
        try: return _register(name, *args, **kwargs)(function)
        except RuntimeError: return function
    return decorate
torch.library.register_fake = _register_if_known
import timm, torchvision
from safetensors.torch import save_file

def create(library, name):
    return timm.create_model(name, pretrained=False) if library == "timm" else getattr(torchvision.models, name)(weights=None)

# Even and odd sides: paddings differ.
HEIGHT, WIDTH = 96, 65
SYMMETRIC = dict(padding="symmetric", batchNormEpsilon=1e-5)
KERAS = dict(padding="same", batchNormEpsilon=1e-3)
MODELS = [
    *[("timm", f"mobilenetv2_{a}", f"mobilenet_v2_{a}", SYMMETRIC) for a in ("035", "050", "075", "100", "140")],
    *[("timm", f"efficientnet_b{n}", f"efficientnet_b{n}", SYMMETRIC) for n in (0, 1, 2, 3)],
    *[("timm", f"tf_efficientnet_b{n}", f"efficientnet_b{n}", KERAS) for n in (0, 1, 4)],
    *[("timm", f"efficientnet_lite{n}", f"efficientnet_lite{n}", SYMMETRIC) for n in (0, 1)],
    *[("timm", f"tf_efficientnet_lite{n}", f"efficientnet_lite{n}", KERAS) for n in (0, 2)],
    *[("timm", f"mobilenetv3_{s}_100", f"mobilenet_v3_{s}", SYMMETRIC) for s in ("small", "large")],
    *[("timm", f"tf_mobilenetv3_{s}_100", f"mobilenet_v3_{s}", KERAS) for s in ("small", "large")],
    *[("timm", f"resnet{n}", f"resnet_{n}", {}) for n in (18, 34)],
    ("timm", "resnet50", "resnet_50_v1_5", {}),
    ("torchvision", "mobilenet_v2", "mobilenet_v2_100", SYMMETRIC),
    *[("torchvision", f"efficientnet_b{n}", f"efficientnet_b{n}", SYMMETRIC) for n in (0, 1)],
    *[("torchvision", f"mobilenet_v3_{s}", f"mobilenet_v3_{s}", dict(SYMMETRIC, batchNormEpsilon=1e-3)) for s in ("small", "large")],
    *[("torchvision", f"resnet{n}", f"resnet_{n}", {}) for n in (18, 34)],
    ("torchvision", "resnet50", "resnet_50_v1_5", {}),
]

if sys.argv[1] == "--names":
    wanted = ["mobilenetv2_035", "efficientnet_b0", "mobilenetv3_small_100", "mobilenetv3_large_100", "efficientnet_lite0", "resnet18",
              "mobilenet_v2", "mobilenet_v3_small", "mobilenet_v3_large"]
    rows = [
        dict(library=library, model=name, backbone=backbone,
             arrays=[[key, list(value.shape)] for key, value in create(library, name).state_dict().items()])
        for library, name, backbone, _ in MODELS if name in wanted and not (library == "torchvision" and name == "resnet18")
    ]
    text = json.dumps(dict(script="benchmarks/backbones/torch_models.py --names", timm=timm.__version__, torchvision=torchvision.__version__, models=rows), separators=(",", ":"))
    open(sys.argv[2], "wb").write(gzip.compress(text.encode(), 9, mtime=0))
    sys.exit()

folder = sys.argv[1]
os.makedirs(folder, exist_ok=True)

def stir(model):
    """Statistics and biases that show a swapped pair; fresh ones are 0 and 1."""
    generator = torch.Generator().manual_seed(1)
    uniform = lambda like, low, high: torch.rand(like.shape, generator=generator) * (high - low) + low
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.weight.copy_(uniform(module.weight, 0.7, 1.3)); module.bias.copy_(uniform(module.bias, -0.1, 0.1))
                module.running_mean.copy_(uniform(module.running_mean, -0.1, 0.1)); module.running_var.copy_(uniform(module.running_var, 0.7, 1.3))
            elif isinstance(module, torch.nn.Conv2d) and module.bias is not None:
                module.bias.copy_(uniform(module.bias, -0.1, 0.1))

def features(library, model, x):
    if library == "timm": return model.forward_features(x)
    if hasattr(model, "features"): return model.features(x)
    x = model.maxpool(model.relu(model.bn1(model.conv1(x))))
    return model.layer4(model.layer3(model.layer2(model.layer1(x))))

torch.manual_seed(0)
pixels = torch.rand(2, 3, HEIGHT, WIDTH) * 255
mean, deviation = (torch.tensor(v).view(1, 3, 1, 1) for v in ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))
normal = (pixels / 255 - mean) / deviation
nhwc = lambda t: t.permute(0, 2, 3, 1).contiguous().numpy()
nhwc(pixels).tofile(os.path.join(folder, "pixels.f32"))
nhwc(normal).tofile(os.path.join(folder, "normal.f32"))
entries = []
for library, name, backbone, options in MODELS:
    torch.manual_seed(2)
    model = create(library, name)
    stir(model.eval())
    with torch.no_grad(): y = nhwc(features(library, model, normal))
    key = f"{library}.{name}"
    save_file(model.state_dict(), os.path.join(folder, key + ".safetensors"))
    y.tofile(os.path.join(folder, key + ".f32"))
    parameters = sum(p.numel() for n, p in model.state_dict().items() if not n.endswith("num_batches_tracked") and p is not None)
    entries.append(dict(library=library, model=name, backbone=backbone, options=options, key=key, shape=list(y.shape)))
    print(key, y.shape, float(abs(y).max()), file=sys.stderr)
json.dump(dict(torch=torch.__version__, timm=timm.__version__, torchvision=torchvision.__version__, height=HEIGHT, width=WIDTH, models=entries), open(os.path.join(folder, "models.json"), "w"))
